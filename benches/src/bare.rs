//! The floors: the least that any client has to do, on one thread, without a client around it.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use codex_types::{ServerNotification, ThreadItem, Turn};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Outcome;
use crate::corpus::{Block, FEED, Feed, completion_prefix, thread_id};
use crate::meter::{Meter, Sample};

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
}

fn feeder(feed: &str) -> Outcome<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .env(FEED, feed)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    Ok(command.spawn()?)
}

/// Starts the turns of a feed; returns the lines that come.
fn begin(child: &mut Child, turns: usize, first_id: usize) -> Outcome {
    let input = child.stdin.as_mut().ok_or("no input")?;
    let mut requests = String::new();
    for n in 0..turns {
        let (id, thread) = (first_id + n, thread_id(n));
        requests += &format!(
            r#"{{"id":{id},"method":"turn/start","params":{{"threadId":"{thread}","input":[]}}}}"#
        );
        requests.push('\n');
    }
    Ok(input.write_all(requests.as_bytes())?)
}

/// Waits until the feeder is ready: it answers once its corpus is made.
fn greet(child: &mut Child) -> Outcome<BufReader<ChildStdout>> {
    let input = child.stdin.as_mut().ok_or("no input")?;
    input.write_all(b"{\"id\":0,\"method\":\"initialize\"}\n")?;
    let output = child.stdout.take().ok_or("no output")?;
    let mut lines = BufReader::with_capacity(1 << 16, output);
    lines.read_until(b'\n', &mut Vec::new())?;
    Ok(lines)
}

/// How many turns a feed has at a time, and how often.
pub fn rounds(feed: &str) -> (usize, usize) {
    match Feed::parse(feed) {
        Feed::Turns { turns, .. } => (turns, 640 / turns.min(640)),
        _ => (1, 1),
    }
}

fn read(feed: &str, mut each: impl FnMut(&[u8])) -> Outcome<Sample> {
    let mut child = feeder(feed)?;
    let mut lines = greet(&mut child)?;
    let (turns, rounds) = rounds(feed);
    let meter = Meter::start();
    let mut line = Vec::new();
    let mut count = 0;
    for round in 0..rounds {
        begin(&mut child, turns, 1 + round * turns)?;
        let end = completion_prefix(turns - 1);
        loop {
            line.clear();
            lines.read_until(b'\n', &mut line)?;
            if line.is_empty() {
                return Err("the feeder has ended".into());
            }
            count += 1;
            each(&line);
            if line.starts_with(end.as_bytes()) {
                break;
            }
        }
    }
    let sample = meter.stop(count, count, 0);
    drop(child.stdin.take());
    child.wait()?;
    Ok(sample)
}

/// Splits lines.
pub fn split(feed: &str) -> Outcome<Sample> {
    read(feed, |line| {
        std::hint::black_box(line.len());
    })
}

/// Splits lines, reads the envelope, and decodes the payload into its type.
pub fn typed(feed: &str) -> Outcome<Sample> {
    let mut text = 0;
    let mut unknown = 0;
    let mut sample = read(feed, |line| {
        let envelope: Envelope = serde_json::from_slice(line).expect("an envelope");
        if let (Some(method), Some(params)) = (envelope.method, envelope.params) {
            let event = ServerNotification::decode(&method, params.get());
            match std::hint::black_box(&event) {
                ServerNotification::ItemAgentMessageDelta(delta) => {
                    text += delta.delta.len() as u64
                }
                ServerNotification::Unknown(_) => unknown += 1,
                _ => {}
            }
        } else {
            std::hint::black_box((envelope.id, envelope.result));
        }
    })?;
    sample.text = text;
    sample.received -= unknown;
    Ok(sample)
}

/// The buffer of the lean floor, in bytes.
const LEAN_BUFFER: usize = 256 << 10;

/// Splits lines in a large buffer, reads the envelope, and decodes only what a client reads that
/// prints text: deltas, completed items and the completion.
pub fn lean(feed: &str) -> Outcome<Sample> {
    let mut child = feeder(feed)?;
    let mut output = greet(&mut child)?.into_inner();
    let (turns, rounds) = rounds(feed);
    let meter = Meter::start();
    let mut buffer = vec![0; LEAN_BUFFER];
    let mut filled = 0;
    let (mut count, mut text) = (0, 0);
    for round in 0..rounds {
        begin(&mut child, turns, 1 + round * turns)?;
        let end = completion_prefix(turns - 1);
        let mut ended = false;
        while !ended {
            if filled == buffer.len() {
                buffer.resize(2 * filled, 0);
            }
            let read = output.read(&mut buffer[filled..])?;
            if read == 0 {
                return Err("the feeder has ended".into());
            }
            let mut unread = filled;
            filled += read;
            let mut start = 0;
            while let Some(at) = memchr::memchr(b'\n', &buffer[unread..filled]) {
                let line = &buffer[start..unread + at];
                (start, unread) = (unread + at + 1, unread + at + 1);
                count += 1;
                text += read_as_text_client(line);
                ended |= line.starts_with(end.as_bytes());
            }
            buffer.copy_within(start..filled, 0);
            filled -= start;
        }
    }
    let sample = meter.stop(count, count, text);
    drop(child.stdin.take());
    child.wait()?;
    Ok(sample)
}

/// A line as the lean floor reads it, in one pass.
#[derive(Deserialize)]
struct LeanLine<'a> {
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<LeanParams<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LeanParams<'a> {
    #[serde(borrow)]
    thread_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    turn_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    delta: Option<Cow<'a, str>>,
    #[serde(borrow)]
    item: Option<&'a RawValue>,
    #[serde(borrow)]
    turn: Option<&'a RawValue>,
}

/// Returns how many bytes of text a line has for the reader of a turn.
fn read_as_text_client(line: &[u8]) -> u64 {
    let line: LeanLine = serde_json::from_slice(line).expect("a message");
    let (Some(method), Some(params)) = (line.method, line.params) else {
        return 0;
    };
    std::hint::black_box((params.thread_id, params.turn_id));
    match (&*method, params.delta, params.item, params.turn) {
        ("item/agentMessage/delta", Some(delta), ..) => {
            std::hint::black_box(&delta).len() as u64
        }
        ("item/completed", _, Some(item), _) => {
            let item = codex_types::from_str::<ThreadItem>(item.get());
            std::hint::black_box(item.expect("an item"));
            0
        }
        ("turn/completed", _, _, Some(turn)) => {
            let turn = codex_types::from_str::<Turn>(turn.get());
            std::hint::black_box(turn.expect("a turn"));
            0
        }
        _ => 0,
    }
}

/// Decodes a corpus that is in memory: no pipe, no process. For instruction counts.
pub fn decode(feed: &str) -> Outcome<Sample> {
    let Feed::Stream { lines, bytes } = Feed::parse(feed) else {
        return Err("only streams are decoded".into());
    };
    let block = Block::new(lines, bytes);
    let meter = Meter::start();
    let mut received = 0;
    for _ in 0..block.times {
        received += decode_block(&block.bytes);
    }
    Ok(meter.stop(block.lines * block.times, received, 0))
}

/// Not inlined, so that a profiler can be told to look at nothing else.
#[inline(never)]
fn decode_block(lines: &str) -> u64 {
    let mut received = 0;
    for line in lines.lines() {
        let envelope: Envelope = serde_json::from_str(line).expect("an envelope");
        if let (Some(method), Some(params)) = (envelope.method, envelope.params) {
            let event = ServerNotification::decode(&method, params.get());
            let known = !matches!(std::hint::black_box(event), ServerNotification::Unknown(_));
            received += u64::from(known);
        }
    }
    received
}

/// Requests made and answered, for every way of doing it.
pub const CALLS: usize = 50_000;
/// Of those, under way at a time.
pub const AT_ONCE: usize = 64;

/// Keeps 64 requests under way with nothing but two buffers, and decodes the answers.
pub fn pipelined(feed: &str) -> Outcome<Sample> {
    let mut child = feeder(feed)?;
    let mut output = greet(&mut child)?.into_inner();
    let mut input = child.stdin.take().ok_or("no input")?;
    let meter = Meter::start();
    let mut requests = Vec::new();
    let mut sent = 0;
    let mut ask = |requests: &mut Vec<u8>| {
        sent += 1;
        writeln!(
            requests,
            r#"{{"id":{sent},"method":"thread/loaded/list","params":{{}}}}"#
        )
    };
    for _ in 0..AT_ONCE {
        ask(&mut requests)?;
    }
    let mut answered = 0;
    let mut buffer = vec![0; 1 << 16];
    let mut filled = 0;
    while answered < CALLS {
        if !requests.is_empty() {
            input.write_all(&requests)?;
            requests.clear();
        }
        filled += output.read(&mut buffer[filled..])?;
        let mut start = 0;
        while let Some(length) = memchr::memchr(b'\n', &buffer[start..filled]) {
            let envelope: Envelope = serde_json::from_slice(&buffer[start..start + length])?;
            let (Some(id), Some(result)) = (envelope.id, envelope.result) else {
                return Err("not an answer".into());
            };
            std::hint::black_box(id.get().parse::<i64>()?);
            let result: codex_types::ThreadLoadedListResponse = serde_json::from_str(result.get())?;
            std::hint::black_box(result);
            start += length + 1;
            answered += 1;
            if answered + AT_ONCE <= CALLS {
                ask(&mut requests)?;
            }
        }
        buffer.copy_within(start..filled, 0);
        filled -= start;
    }
    let sample = meter.stop(CALLS as u64, answered as u64, 0);
    drop(input);
    child.wait()?;
    Ok(sample)
}
