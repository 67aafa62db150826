//! The runtime's part: answers requests, and sends a corpus for a turn.

use std::io::{BufRead, BufReader, Write};

use crate::corpus::{Block, Feed, delta, thread_id, turn, turn_event};

pub fn run(feed: &str) {
    let feed = Feed::parse(feed);
    // Made before the first request is read, so that no measurement waits for it.
    let block = match feed {
        Feed::Stream { lines, bytes } => Some(Block::new(lines, bytes)),
        _ => None,
    };
    let mut input = BufReader::with_capacity(1 << 16, std::io::stdin().lock());
    let mut feeder = Feeder {
        output: std::io::stdout().lock(),
        feed,
        block,
        threads: 0,
        turns: 0,
    };
    let mut answers = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line).unwrap_or(0) == 0 {
            return;
        }
        // A reader that is gone is the end too.
        if feeder.request(&line, &mut answers).is_err() {
            return;
        }
        // Answers go out together when no further request is there.
        if input.buffer().is_empty() && !answers.is_empty() {
            if feeder
                .output
                .write_all(&answers)
                .and_then(|()| feeder.output.flush())
                .is_err()
            {
                return;
            }
            answers.clear();
        }
    }
}

struct Feeder<W> {
    output: W,
    feed: Feed,
    block: Option<Block>,
    threads: usize,
    /// Turns that were started and not fed.
    turns: usize,
}

impl<W: Write> Feeder<W> {
    fn request(&mut self, line: &[u8], answers: &mut Vec<u8>) -> std::io::Result<()> {
        let Some(id) = id(line) else { return Ok(()) };
        let has =
            |needle: &[u8]| memchr::memmem::find(&line[..line.len().min(120)], needle).is_some();
        if has(b"thread/loaded/list") {
            return reply(
                answers,
                id,
                r#"{"data":["01a20682-6694-7c80-a20b-25b900000000"],"nextCursor":null}"#,
            );
        }
        if has(b"\"initialize\"") {
            let result = r#"{"userAgent":"bench/0.200.1 (Debian 12.0.0; x86_64) xterm (bench; 0.0.1)","codexHome":"/home/u/.codex","platformFamily":"unix","platformOs":"linux"}"#;
            return reply(answers, id, result);
        }
        if has(b"\"thread/start\"") {
            let thread = thread_id(self.threads);
            self.threads += 1;
            return reply(answers, id, &THREAD.replace("THREAD", &thread));
        }
        if !has(b"\"turn/start\"") {
            return reply(answers, id, "{}");
        }
        let n = turn_of(line);
        self.turns += 1;
        reply(
            answers,
            id,
            &format!(r#"{{"turn":{}}}"#, turn(n, "inProgress")),
        )?;
        answers.extend_from_slice(turn_event(n, "turn/started", "inProgress").as_bytes());
        match self.feed {
            Feed::Stream { .. } => {
                self.output.write_all(answers)?;
                answers.clear();
                if let Some(block) = &self.block {
                    for _ in 0..block.times {
                        self.output.write_all(block.bytes.as_bytes())?;
                    }
                }
                self.turns = 0;
                answers.extend_from_slice(turn_event(n, "turn/completed", "completed").as_bytes());
            }
            Feed::Turns { turns, deltas } if self.turns == turns => {
                self.turns = 0;
                self.output.write_all(answers)?;
                answers.clear();
                for word in 0..deltas {
                    for n in 0..turns {
                        answers.extend_from_slice(delta(n, &format!("word {word:04} ")).as_bytes());
                    }
                    if answers.len() > 1 << 16 {
                        self.output.write_all(answers)?;
                        answers.clear();
                    }
                }
                for n in 0..turns {
                    answers
                        .extend_from_slice(turn_event(n, "turn/completed", "completed").as_bytes());
                }
            }
            _ => {}
        }
        self.output.write_all(answers)?;
        self.output.flush()?;
        answers.clear();
        Ok(())
    }
}

fn reply(answers: &mut Vec<u8>, id: &str, result: &str) -> std::io::Result<()> {
    writeln!(answers, r#"{{"id":{id},"result":{result}}}"#)
}

/// The id of a request as it stands in the line, wherever that is.
fn id(line: &[u8]) -> Option<&str> {
    const KEY: &[u8] = b"\"id\":";
    let start = memchr::memmem::rfind(&line[..line.len().min(40)], KEY)
        .or_else(|| memchr::memmem::rfind(line, KEY))?;
    let rest = std::str::from_utf8(&line[start + KEY.len()..])
        .ok()?
        .trim_start();
    let end = rest.find([',', '}'])?;
    Some(rest[..end].trim())
}

/// The number of the turn: that of the thread it is for.
fn turn_of(line: &[u8]) -> usize {
    let line = String::from_utf8_lossy(line);
    let thread = line.split("25b9").nth(1).and_then(|rest| rest.get(..8));
    thread.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

const THREAD: &str = r#"{"thread":{"id":"THREAD","environments":[{"environmentId":"local","cwd":"/home/u/project","runtimeWorkspaceRoots":["/home/u/project"]}],"extra":null,"sessionId":"THREAD","forkedFromId":null,"attachedToThreadId":null,"parentThreadId":null,"preview":"","ephemeral":false,"section":null,"sectionEnteredAt":null,"projectId":null,"historyMode":"paginated","modelProvider":"mock_provider","model":"mock-model","reasoningEffort":null,"createdAt":1795405538,"updatedAt":1795405538,"recencyAt":1795405538,"status":{"type":"idle"},"path":"/home/u/.codex/sessions/2026/11/23/rollout-2026-11-23T03-45-38-THREAD.jsonl","cwd":"/home/u/project","cliVersion":"0.200.1","originator":"rec","source":"vscode","canAcceptDirectInput":true,"threadSource":null,"agentNickname":null,"agentRole":null,"gitInfo":null,"name":null,"daybreakEnabled":null,"turns":[]},"model":"mock-model","modelProvider":"mock_provider","serviceTier":null,"disabledPluginIds":[],"cwd":"/home/u/project","runtimeWorkspaceRoots":["/home/u/project"],"instructionSources":[],"approvalPolicy":"never","approvalsReviewer":"user","sandbox":{"type":"readOnly","networkAccess":false},"activePermissionProfile":null,"reasoningEffort":null,"multiAgentMode":"explicitRequestOnly"}"#;
