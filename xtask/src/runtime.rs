//! `cargo xtask runtime`: the pinned runtime in the user's cache.

use std::process::ExitCode;

use anyhow::{Context, bail};
use codex_runtime::{Cancel, Installation, Installer};

pub mod check_pin;

pub fn run(args: &[String]) -> anyhow::Result<ExitCode> {
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["install"] => install()?,
        ["path"] => path()?,
        ["verify"] => verify()?,
        ["remove"] => remove()?,
        ["check-pin"] => return check_pin::run(),
        _ => bail!("usage: cargo xtask runtime install|path|verify|remove|check-pin"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Installs the runtime, unless it is there, and prints its path.
fn install() -> anyhow::Result<()> {
    let cancel = Cancel::new();
    let handle = cancel.clone();
    ctrlc::set_handler(move || handle.cancel()).context("cannot watch for interrupts")?;
    let runtime = Installer::new().cancel(cancel).install()?;
    println!("{}", runtime.program().display());
    Ok(())
}

fn path() -> anyhow::Result<()> {
    let installation = Installation::pinned()?;
    let Some(runtime) = installation.check()? else {
        bail!(codex_runtime::Error::NotInstalled {
            dir: installation.dir().to_owned()
        });
    };
    println!("{}", runtime.program().display());
    Ok(())
}

fn verify() -> anyhow::Result<()> {
    let installation = Installation::pinned()?;
    let verified = installation.verify()?;
    println!(
        "the runtime {} in {} is as it was installed: {} files, {} bytes",
        installation.pin().version(),
        installation.dir().display(),
        verified.files,
        verified.bytes
    );
    Ok(())
}

fn remove() -> anyhow::Result<()> {
    let installation = Installation::pinned()?;
    let dir = installation.dir().display();
    if installation.remove()? {
        println!("removed {dir}");
    } else {
        println!("nothing is installed in {dir}");
    }
    Ok(())
}
