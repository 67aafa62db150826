//! Runs the cases in turn, several times, and prints what they come to as ratios.

use std::collections::BTreeMap;
use std::process::Command;

use crate::Outcome;
use crate::meter::Sample;

/// What one way of doing it measured, repetition by repetition.
type Samples = BTreeMap<String, Vec<Sample>>;

struct Options {
    repetitions: usize,
    /// Divides the sizes of the corpora.
    divisor: usize,
    only: Option<String>,
    peers: Option<String>,
}

pub fn run(args: &[String]) -> Outcome {
    let mut options = Options {
        repetitions: 7,
        divisor: 1,
        only: None,
        peers: None,
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().cloned().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--quick" => (options.repetitions, options.divisor) = (3, 10),
            "--only" => options.only = Some(value()?),
            "--peers" => options.peers = Some(value()?),
            _ => return Err(format!("unknown argument {arg}").into()),
        }
    }
    println!("| measure | value | target | |\n|---|---|---|---|");
    for (word, group) in GROUPS {
        if options.only.as_deref().is_none_or(|only| only == *word) {
            group(&options)?;
        }
    }
    Ok(())
}

type Group = fn(&Options) -> Outcome;

const GROUPS: &[(&str, Group)] = &[
    ("mixed", |options| stream(options, "mixed", 200)),
    ("deltas", |options| stream(options, "deltas", 100)),
    ("items", |options| stream(options, "items", 200)),
    ("calls", calls),
    ("turns", turns),
    ("streams", streams),
    ("allocations", allocations),
    ("memory", memory),
    ("huge", huge),
];

fn stream(options: &Options, corpus: &str, megabytes: usize) -> Outcome {
    let feed = format!("{corpus}:{}", megabytes / options.divisor);
    let ways = ["split", "lean", "typed", "sdk", "sdk-1"];
    let samples = repeat(options, &feed, &ways, None)?;
    let title = |what: &str| format!("{corpus}: {what}");
    let rate = ratio(&samples, "sdk", "typed", rate);
    row(
        &title("events/s, SDK on 2 threads ÷ typed floor"),
        rate,
        Target::AtLeast(1.0),
    );
    let cpu = ratio(&samples, "sdk", "typed", cpu);
    row(
        &title("CPU/event, SDK on 2 threads ÷ typed floor"),
        cpu,
        Target::AtMost(1.5),
    );
    let lean = ratio(&samples, "sdk", "lean", self::rate);
    let target = match corpus {
        "mixed" => Target::AtLeast(0.7),
        "deltas" => Target::AtLeast(0.9),
        _ => Target::None,
    };
    row(
        &title("events/s, SDK on 2 threads ÷ lean floor"),
        lean,
        target,
    );
    let rate = ratio(&samples, "sdk-1", "typed", self::rate);
    row(
        &title("events/s, SDK on 1 thread ÷ typed floor"),
        rate,
        Target::None,
    );
    let cpu = ratio(&samples, "sdk-1", "typed", self::cpu);
    row(
        &title("CPU/event, SDK on 1 thread ÷ typed floor"),
        cpu,
        Target::None,
    );
    let split = ratio(&samples, "sdk", "split", self::rate);
    row(
        &title("events/s, SDK on 2 threads ÷ splitting lines"),
        split,
        Target::None,
    );
    let split = ratio(&samples, "typed", "split", self::rate);
    row(
        &title("events/s, typed floor ÷ splitting lines"),
        split,
        Target::None,
    );
    absolute(&samples, corpus);
    let Some(binary) = &options.peers else {
        return Ok(());
    };
    // Peers take many times as long, so a smaller corpus and fewer repetitions will do.
    let options = Options {
        repetitions: options.repetitions.div_ceil(2),
        only: None,
        peers: None,
        ..*options
    };
    let feed = format!("{corpus}:{}", (megabytes / 4 / options.divisor).max(1));
    let ways = ["sdk", "codex-codes", "codex-app-server-sdk"];
    let samples = repeat(&options, &feed, &ways, Some(binary))?;
    for peer in &ways[1..] {
        let rate = ratio(&samples, "sdk", peer, self::rate);
        row(
            &title(&format!("events/s, SDK ÷ {peer}")),
            rate,
            Target::None,
        );
        let cpu = ratio(&samples, peer, "sdk", self::cpu);
        row(
            &title(&format!("CPU/event, {peer} ÷ SDK")),
            cpu,
            Target::None,
        );
    }
    Ok(())
}

fn calls(options: &Options) -> Outcome {
    let samples = repeat(options, "answers", &["pipelined", "sdk-calls"], None)?;
    let rates = ratio(&samples, "sdk-calls", "pipelined", rate);
    row(
        "64 round trips at a time, SDK ÷ bare pipelined loop",
        rates,
        Target::AtLeast(0.7),
    );
    absolute(&samples, "round trips");
    Ok(())
}

fn turns(options: &Options) -> Outcome {
    let samples = repeat(
        options,
        "turns:32:500",
        &["split", "typed", "sdk-turns", "sdk-turns-1"],
        None,
    )?;
    let rates = ratio(&samples, "sdk-turns", "typed", rate);
    row(
        "32 turns × 500 deltas, no loss: events/s, SDK ÷ bare typed loop",
        rates,
        Target::AtLeast(0.6),
    );
    let rates = ratio(&samples, "sdk-turns-1", "typed", rate);
    row("the same on 1 thread", rates, Target::None);
    let rates = ratio(&samples, "sdk-turns", "split", rate);
    row(
        "32 turns × 500 deltas: events/s, SDK ÷ splitting lines",
        rates,
        Target::None,
    );
    absolute(&samples, "32 turns");
    Ok(())
}

fn streams(options: &Options) -> Outcome {
    let samples = repeat(options, "turns:500:40", &["typed", "sdk-turns-1"], None)?;
    let rates = ratio(&samples, "sdk-turns-1", "typed", rate);
    row(
        "500 streams on a current-thread runtime, no loss: events/s, SDK ÷ bare typed loop",
        rates,
        Target::None,
    );
    Ok(())
}

fn allocations(_: &Options) -> Outcome {
    let per_event = |case: &str| -> Outcome<f64> {
        // The difference of two sizes, so that what a client costs to start is not counted.
        let counts = |feed: &str| measure(None, &format!("{case} {feed}"), true);
        let (small, large) = (counts("deltas:2")?, counts("deltas:10")?);
        let more = (large.allocations - small.allocations) as f64;
        Ok(more / (large.events - small.events) as f64)
    };
    row(
        "allocations per small delta, SDK on 1 thread",
        per_event("sdk-1")?,
        Target::AtMost(3.0),
    );
    row(
        "allocations per small delta, SDK on 2 threads",
        per_event("sdk")?,
        Target::AtMost(3.0),
    );
    row(
        "allocations per small delta, typed floor",
        per_event("typed")?,
        Target::None,
    );
    Ok(())
}

fn memory(_: &Options) -> Outcome {
    let cases = [
        ("deltas", "sdk deltas:50"),
        ("round trips", "sdk-calls answers"),
        ("32 turns × 500 deltas", "sdk-turns turns:32:500"),
        ("500 streams", "sdk-turns-1 turns:500:40"),
    ];
    for (title, case) in cases {
        let heap = measure(None, case, true)?.heap_peak as f64 / 1e6;
        let resident = measure(None, case, false)?.resident_peak as f64 / 1e6;
        row(
            &format!("peak heap, MB: {title}"),
            heap,
            Target::AtMost(12.0),
        );
        row(
            &format!("growth of the resident set, MB: {title}"),
            resident,
            Target::AtMost(12.0),
        );
    }
    Ok(())
}

fn huge(options: &Options) -> Outcome {
    let small = repeat(options, "huge:16", &["typed", "sdk"], None)?;
    let large = repeat(options, "huge:64", &["typed", "sdk"], None)?;
    for way in ["typed", "sdk"] {
        let growth = median(large[way].iter().map(|s| s.wall_ns as f64).collect())
            / median(small[way].iter().map(|s| s.wall_ns as f64).collect());
        row(
            &format!("time of a 64 MB line ÷ a 16 MB line, {way}"),
            growth,
            Target::AtMost(6.0),
        );
    }
    let rates = ratio(&large, "sdk", "typed", rate);
    row("a 64 MB line: SDK ÷ typed floor", rates, Target::None);
    Ok(())
}

/// Measures every way once, then again: a slow minute of the machine slows all of them.
fn repeat(options: &Options, feed: &str, ways: &[&str], peers: Option<&str>) -> Outcome<Samples> {
    let mut samples = Samples::new();
    for _ in 0..options.repetitions {
        for way in ways {
            let peer = peers.filter(|_| way.starts_with("codex"));
            let sample = measure(peer, &format!("{way} {feed}"), false)?;
            samples.entry((*way).to_owned()).or_default().push(sample);
        }
    }
    Ok(samples)
}

fn measure(binary: Option<&str>, case: &str, count: bool) -> Outcome<Sample> {
    let this = std::env::current_exe()?;
    let mut command = Command::new(binary.map_or(this.clone(), Into::into));
    command.args(["measure", case]).env("BENCH_FEEDER", &this);
    if count {
        command.env("BENCH_COUNT", "1");
    }
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.trim()).map_err(|_| {
        let error = String::from_utf8_lossy(&output.stderr);
        format!("{case}: {} {}", text.trim(), error.trim()).into()
    })
}

fn rate(sample: &Sample) -> f64 {
    sample.events as f64 / sample.wall_ns as f64 * 1e9
}

fn cpu(sample: &Sample) -> f64 {
    sample.cpu_ns as f64 / sample.events as f64
}

/// The median of the ratios within each repetition.
fn ratio(samples: &Samples, above: &str, below: &str, of: fn(&Sample) -> f64) -> f64 {
    let pairs = samples[above].iter().zip(&samples[below]);
    median(pairs.map(|(above, below)| of(above) / of(below)).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

enum Target {
    AtLeast(f64),
    AtMost(f64),
    None,
}

fn row(title: &str, value: f64, target: Target) {
    let mark = |met| if met { "✓" } else { "✗" };
    let (target, mark) = match target {
        Target::AtLeast(least) => (format!("≥ {least}"), mark(value >= least)),
        Target::AtMost(most) => (format!("≤ {most}"), mark(value <= most)),
        Target::None => (String::new(), ""),
    };
    println!("| {title} | {value:.2} | {target} | {mark} |");
}

/// For whoever runs it: what the ratios are made of.
fn absolute(samples: &Samples, title: &str) {
    for (way, samples) in samples {
        let rate = median(samples.iter().map(rate).collect());
        let cpu = median(samples.iter().map(cpu).collect());
        eprintln!(
            "{title}, {way}: {:.0} thousand events/s, {:.2} µs of CPU each",
            rate / 1e3,
            cpu / 1e3
        );
    }
}
