//! `cargo xtask fuzz`: runs a fuzz target, with the recorded traffic as its first inputs.
//!
//! It needs cargo-fuzz (`cargo install cargo-fuzz`).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use serde_json::Value;

const HELP: &str = "Usage: cargo xtask fuzz <stream|payload> [arguments of libFuzzer]";

/// Runs `fuzz TARGET [arguments of libFuzzer]`.
pub fn run(args: &[String]) -> Result<ExitCode> {
    let Some((target, args)) = args.split_first() else {
        bail!("{HELP}");
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("the workspace has a root")?;
    let mut recordings = recordings(root)?;
    recordings.extend(unreadable(&recordings));
    let seeds = match target.as_str() {
        "stream" => streams(recordings),
        "payload" => payloads(recordings),
        other => bail!("no fuzz target {other:?}\n\n{HELP}"),
    };
    let fuzz = root.join("fuzz");
    let corpus = fuzz.join("corpus").join(target);
    fs::create_dir_all(&corpus)?;
    for (n, seed) in seeds.iter().enumerate() {
        fs::write(corpus.join(format!("recorded-{n}")), seed)?;
    }
    let status = Command::new("cargo")
        .args(["fuzz", "run", "--fuzz-dir"])
        .args([&fuzz, Path::new(target)])
        .arg("--")
        .args(args)
        // cargo-fuzz passes flags that a stable compiler takes only so.
        .env("RUSTC_BOOTSTRAP", "1")
        .status()
        .context("cannot run cargo; `cargo install cargo-fuzz` installs what is needed")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A message of the runtime, as text: what no `Value` can hold is a message too.
#[derive(Clone)]
struct Message {
    method: String,
    params: String,
    thread: Option<String>,
    turn: Option<String>,
    /// The id of a request, as it stands on the wire.
    id: Option<String>,
}

impl Message {
    fn new(message: &Value) -> Option<Self> {
        let params = &message["params"];
        let text = |name: &str| params[name].as_str().map(str::to_owned);
        Some(Self {
            method: message["method"].as_str()?.to_owned(),
            params: params.to_string(),
            thread: text("threadId"),
            turn: text("turnId"),
            id: message.get("id").map(Value::to_string),
        })
    }

    fn line(&self) -> String {
        let id = self.id.as_ref().map(|id| format!(r#""id":{id},"#));
        let (id, method, params) = (id.unwrap_or_default(), &self.method, &self.params);
        format!("{{{id}\"method\":{method:?},\"params\":{params}}}\n")
    }
}

/// What the runtime sent in each recording, as it stands there.
fn recordings(root: &Path) -> Result<Vec<Vec<Message>>> {
    let mut recordings = Vec::new();
    for file in fs::read_dir(root.join("tests/transcripts"))? {
        let text = fs::read_to_string(file?.path())?;
        let rows = text.lines().map(serde_json::from_str::<Value>);
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        let sent = rows.iter().filter(|row| row["dir"] == "s2c");
        recordings.push(sent.filter_map(|row| Message::new(&row["msg"])).collect());
    }
    Ok(recordings)
}

/// The shortest recording in which each kind of message stands, with a member in each message that
/// decoders refuse.
fn unreadable(recordings: &[Vec<Message>]) -> Vec<Vec<Message>> {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let members = [
        r#""\ud800""#.to_owned(),
        "1e400".to_owned(),
        nested(126),
        nested(300),
    ];
    let mut shortest = Vec::new();
    let mut known = BTreeSet::new();
    let mut by_length: Vec<_> = recordings.iter().collect();
    by_length.sort_by_key(|messages| messages.len());
    for messages in by_length {
        let before = known.len();
        known.extend(messages.iter().map(|message| message.method.clone()));
        if known.len() > before {
            shortest.push(messages);
        }
    }
    let spoiled = |messages: &[Message], member: &str| {
        let spoil = |message: &Message| {
            let mut message = message.clone();
            if let Some(rest) = message.params.strip_prefix('{') {
                let comma = if rest == "}" { "" } else { "," };
                message.params = format!("{{\"novel\":{member}{comma}{rest}");
            }
            message
        };
        messages.iter().map(spoil).collect()
    };
    let all = members.iter().flat_map(|member| {
        let of_member = |messages: &&Vec<Message>| spoiled(messages, member);
        shortest.iter().map(of_member).collect::<Vec<_>>()
    });
    all.collect()
}

/// One input a recording: all that the runtime told and asked, about the turn that the target runs.
fn streams(recordings: Vec<Vec<Message>>) -> BTreeSet<String> {
    let stream = |messages: Vec<Message>| {
        let text: String = messages.iter().map(Message::line).collect();
        let id = |of: fn(&Message) -> Option<&String>| {
            let id = messages.iter().find_map(of).map(String::as_str);
            id.unwrap_or("none").to_owned()
        };
        let (thread, turn) = (
            id(|message| message.thread.as_ref()),
            id(|message| message.turn.as_ref()),
        );
        text.replace(&thread, "t").replace(&turn, "u")
    };
    let mut streams: BTreeSet<String> = recordings.into_iter().map(stream).collect();
    let marked: Vec<_> = streams.iter().take(2).cloned().collect();
    let marked = marked.iter().map(|text| format!("\u{feff}{text}"));
    streams.extend(marked);
    streams
}

/// One input a message.
fn payloads(recordings: Vec<Vec<Message>>) -> BTreeSet<String> {
    let messages = recordings.into_iter().flatten();
    let payload = |message: Message| format!("{}\n{}", message.method, message.params);
    messages.map(payload).collect()
}
