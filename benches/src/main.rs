//! Measures the SDK from the child's standard output to the consumer.
//!
//! One binary in three roles: `bench run` starts itself as `bench measure <case>`, once for each
//! repetition of each case, and that starts itself as the runtime it reads from (the feeder),
//! chosen by an environment variable because peers add arguments of their own.

mod bare;
mod corpus;
mod feeder;
mod meter;
mod report;
mod sdk;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: meter::Counting = meter::Counting;

const HELP: &str = "\
Usage: bench run [--quick] [--only WORD] [--peers BINARY]
       bench measure CASE
";

fn main() -> ExitCode {
    if let Some(feed) = std::env::var_os(corpus::FEED) {
        feeder::run(&feed.to_string_lossy());
        return ExitCode::SUCCESS;
    }
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["measure", case] => measure(case),
        ["run", ..] => report::run(&args[1..]),
        _ => Err(HELP.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Whatever went wrong, for whoever reads the terminal.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Runs one case in this process and prints one line of JSON.
fn measure(case: &str) -> Outcome {
    let (way, feed) = case.split_once(' ').ok_or(HELP)?;
    let sample = match way {
        "split" => bare::split(feed)?,
        "typed" => bare::typed(feed)?,
        "lean" => bare::lean(feed)?,
        "decode" => bare::decode(feed)?,
        "pipelined" => bare::pipelined(feed)?,
        "sdk" => sdk::stream(feed, 2)?,
        "sdk-1" => sdk::stream(feed, 1)?,
        "sdk-calls" => sdk::round_trips(feed, 2)?,
        "sdk-calls-1" => sdk::round_trips(feed, 1)?,
        "sdk-turns" => sdk::turns(feed, 2)?,
        "sdk-turns-1" => sdk::turns(feed, 1)?,
        _ => return Err(format!("unknown way {way:?}").into()),
    };
    println!("{}", serde_json::to_string(&sample)?);
    Ok(())
}
