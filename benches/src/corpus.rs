//! The corpora of the feeder, made at run time from the recorded transcripts.

use std::path::Path;

use serde_json::Value;
use serde_json::value::RawValue;

/// The variable that makes the binary a feeder, and says of what.
pub const FEED: &str = "CODEX_BENCH_FEED";

const TRANSCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/transcripts");

/// What a feeder sends for each turn.
#[derive(Clone, Debug)]
pub enum Feed {
    /// One turn of at least so many bytes of these lines.
    Stream { lines: Kind, bytes: usize },
    /// So many turns at once, each with so many deltas, in rounds.
    Turns { turns: usize, deltas: usize },
    /// Nothing but answers.
    Answers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Every notification of the transcripts.
    Mixed,
    /// Small text deltas.
    Deltas,
    /// Completed items of 64 KB.
    Items,
    /// A completed item as large as the whole feed.
    Huge,
}

impl Feed {
    /// Reads `mixed:200` (megabytes), `turns:32:500`, `answers`.
    pub fn parse(text: &str) -> Self {
        let mut words = text.split(':');
        let kind = words.next().unwrap_or_default();
        let mut number = || {
            let word = words.next().unwrap_or_default();
            word.parse()
                .unwrap_or_else(|_| panic!("no number in {text:?}"))
        };
        let mut stream = |lines| Feed::Stream {
            lines,
            bytes: number() << 20,
        };
        match kind {
            "mixed" => stream(Kind::Mixed),
            "deltas" => stream(Kind::Deltas),
            "items" => stream(Kind::Items),
            "huge" => stream(Kind::Huge),
            "turns" => Feed::Turns {
                turns: number(),
                deltas: number(),
            },
            "answers" => Feed::Answers,
            _ => panic!("unknown feed {text:?}"),
        }
    }
}

/// The ids of the turns, shaped as the runtime's are.
pub fn turn_id(n: usize) -> String {
    format!("01a20682-66ae-7932-80be-3af2{n:08}")
}

pub fn thread_id(n: usize) -> String {
    format!("01a20682-6694-7c80-a20b-25b9{n:08}")
}

pub fn delta(n: usize, text: &str) -> String {
    let (thread, turn) = (thread_id(n), turn_id(n));
    format!(
        r#"{{"method":"item/agentMessage/delta","params":{{"threadId":"{thread}","turnId":"{turn}","itemId":"msg-1","delta":"{text}"}},"emittedAtMs":1795405539137}}"#
    ) + "\n"
}

pub fn turn(n: usize, status: &str) -> String {
    let turn = turn_id(n);
    format!(
        r#"{{"id":"{turn}","rootTurnId":"{turn}","items":[],"itemsView":"notLoaded","status":"{status}","error":null,"startedAt":1795405538,"completedAt":null,"durationMs":null}}"#
    )
}

pub fn turn_event(n: usize, method: &str, status: &str) -> String {
    let (thread, turn) = (thread_id(n), turn(n, status));
    format!(
        r#"{{"method":"{method}","params":{{"threadId":"{thread}","turn":{turn}}},"emittedAtMs":1795405539051}}"#
    ) + "\n"
}

/// How the line that ends turn `n` begins.
pub fn completion_prefix(n: usize) -> String {
    let thread = thread_id(n);
    format!(r#"{{"method":"turn/completed","params":{{"threadId":"{thread}""#)
}

pub fn item(text_bytes: usize) -> String {
    let (thread, turn) = (thread_id(0), turn_id(0));
    // As command output is: words, line ends, quotes.
    let piece = r#"test codec::reads ... ok\n    note: \"borrowed\" here\n"#;
    let text = piece.repeat(text_bytes.div_ceil(piece.len()));
    format!(
        r#"{{"method":"item/completed","params":{{"item":{{"type":"agentMessage","moderation":null,"id":"msg-1","text":"{text}","phase":null,"memoryCitation":null,"delivery":null,"questions":null,"startedAtMs":1795405539121,"completedAtMs":1795405539186}},"threadId":"{thread}","turnId":"{turn}","contentTokenCount":null,"completedAtMs":1795405539186}},"emittedAtMs":1795405539186}}"#
    ) + "\n"
}

/// Lines that are sent over and over: about a megabyte, so that the feeder only copies.
#[derive(Debug)]
pub struct Block {
    pub bytes: String,
    pub lines: u64,
    /// Bytes of text in the deltas of turn 0's messages.
    pub text: u64,
    /// How often it is sent.
    pub times: u64,
}

impl Block {
    pub fn new(kind: Kind, bytes: usize) -> Self {
        const SIZE: usize = 1 << 20;

        let unit: Vec<String> = match kind {
            Kind::Mixed => recorded(),
            Kind::Deltas => {
                let words = ["one ", "twofold ", "a ", "three, ", "mississippi\\n", "so "];
                words.iter().map(|word| delta(0, word)).collect()
            }
            Kind::Items => vec![item(64 * 1024)],
            Kind::Huge => vec![item(bytes)],
        };
        let mut block = Block {
            bytes: String::new(),
            lines: 0,
            text: 0,
            times: 1,
        };
        let text: u64 = unit.iter().map(|line| delta_bytes(line)).sum();
        loop {
            unit.iter().for_each(|line| block.bytes.push_str(line));
            block.lines += unit.len() as u64;
            block.text += text;
            if block.bytes.len() >= SIZE {
                break;
            }
        }
        block.times = bytes.div_ceil(block.bytes.len()) as u64;
        block
    }

    /// The lines of a whole turn: the block so often, its start and its end.
    pub fn total_lines(&self) -> u64 {
        self.lines * self.times + 2
    }
}

fn delta_bytes(line: &str) -> u64 {
    let value: Value = serde_json::from_str(line).expect("a line of the corpus");
    let ours =
        value["method"] == "item/agentMessage/delta" && value["params"]["turnId"] == turn_id(0);
    let text = value["params"]["delta"].as_str().filter(|_| ours);
    text.map_or(0, |text| text.len() as u64)
}

/// The recorded notifications, those of a turn moved to turn 0.
///
/// Starts and ends of threads and turns keep their own ids: they belong to nobody here.
pub fn recorded() -> Vec<String> {
    let mut files: Vec<_> = std::fs::read_dir(Path::new(TRANSCRIPTS))
        .expect("the transcripts")
        .map(|entry| entry.expect("a transcript").path())
        .collect();
    files.sort();
    let mut lines = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a transcript");
        for line in text.lines() {
            lines.extend(notification(line));
        }
    }
    assert!(lines.len() > 1000, "the transcripts are not complete");
    lines
}

#[derive(serde::Deserialize)]
struct Row<'a> {
    dir: String,
    #[serde(borrow)]
    msg: Option<&'a RawValue>,
}

fn notification(row: &str) -> Option<String> {
    let row: Row = serde_json::from_str(row).ok()?;
    let message = row.msg.filter(|_| row.dir == "s2c")?.get();
    let value: Value = serde_json::from_str(message).ok()?;
    if value.get("method").is_none() || value.get("id").is_some() {
        return None;
    }
    let mut line = message.to_owned();
    if let Some(turn) = value["params"]["turnId"].as_str() {
        line = line.replace(turn, &turn_id(0));
        if let Some(thread) = value["params"]["threadId"].as_str() {
            line = line.replace(thread, &thread_id(0));
        }
    }
    Some(line + "\n")
}
