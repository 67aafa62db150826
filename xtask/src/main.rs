//! Maintainer tasks: `cargo xtask <command>`.
#![allow(unreachable_pub, reason = "a binary has no outside")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing is what a task does"
)]

use std::process::ExitCode;

mod bench;
mod doctor;
mod drift;
mod fuzz;
mod minimal;
mod notebook;
mod regen;
mod runtime;
mod semver_check;
mod test;
mod tidy;
mod tree;

const HELP: &str = "\
Usage: cargo xtask <command>

Commands:
  runtime install    install the pinned runtime in the user's cache
  runtime path       print the path of the installed runtime
  runtime verify     compare every byte of it with what was installed
  runtime remove     remove it from the cache
  runtime check-pin  find files that repeat the pinned version
  doctor             say which runtime would start, and what to do if none would; with --attach <address>, what a
                     client of a runtime that listens there would meet
  regen              dump the schema of the runtime and generate the types
  bump <version>     pin another runtime, generate its types, and say what changed; `latest` is one too
  history            find out since when each method, field and value is there
  diff <A> <B>       say what changed between two runtimes
  test [arguments]   run all tests, with the servers and the browser that some of them start; installs those where it
                     may; with arguments of cargo test, such as `-- <filter>`, without those of apps/
  test-with <v>      run the tests against another runtime
  bench [--build]    measure the SDK against bare loops and peers, or what it costs to build; with --fleet, the fleet
  fuzz               look for input that breaks the client; needs cargo-fuzz
  minimal-versions   build the crates with the lowest versions that their manifests allow
  notebook           run the cells of the walkthrough, and write what they print; with --check, compare it
  semver-check       tell which changes since another revision break users; needs cargo-semver-checks
  tidy               check layers, docs, sizes and the other rules that no compiler knows
";

/// Each command takes the arguments after its name. `Err` is printed and ends with 1.
fn run(command: &str, args: Vec<String>) -> anyhow::Result<ExitCode> {
    match command {
        "runtime" => runtime::run(&args),
        "doctor" => doctor::run(&args),
        "regen" => regen::run(args),
        "bump" => drift::bump(&args),
        "history" => drift::history(&args),
        "diff" => drift::diff(&args),
        "test" => test::run(&args),
        "test-with" => drift::test_with(&args),
        "bench" => bench::run(&args),
        "fuzz" => fuzz::run(&args),
        "minimal-versions" => minimal::run(&args),
        "notebook" => notebook::run(&args),
        "semver-check" => semver_check::run(&args),
        "tidy" => tidy::run(&args),
        "help" | "-h" | "--help" => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        other => anyhow::bail!("unknown command {other:?}\n\n{HELP}"),
    }
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_else(|| "help".to_owned());
    run(&command, args.collect()).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
