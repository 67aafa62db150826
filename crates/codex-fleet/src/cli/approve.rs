//! Questions of the agents, answered by a person at the terminal.

use codex_fleet::{Ask, AskSubject, Asks, Error};
use openai_codex::approval::Decision;
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// Shows each question and reads its answer, until the input ends.
pub(crate) async fn answer(mut asks: Asks) -> Result<(), Box<dyn std::error::Error>> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    eprintln!("waiting for questions; Ctrl-C ends");
    while let Some(ask) = asks.next().await {
        let ask = ask?;
        show(&ask);
        let decision = loop {
            eprint!("accept? [y]es, for this [s]ession, [n]o, [c]ancel the turn, [l]ater: ");
            let Some(line) = lines.next_line().await? else {
                return Ok(());
            };
            match line.trim() {
                "y" | "yes" => break Some(Decision::Accept),
                "s" => break Some(Decision::AcceptForSession),
                "n" | "no" => break Some(Decision::Decline),
                "c" => break Some(Decision::Cancel),
                "l" => break None,
                _ => {}
            }
        };
        let Some(decision) = decision else { continue };
        match ask.answer(decision).await {
            Err(Error::Answered) => eprintln!("it was answered already, or its job is over"),
            other => other?,
        }
    }
    Ok(())
}

fn show(ask: &Ask) {
    println!("\n{} (attempt {})", ask.job, ask.attempt);
    match &ask.subject {
        AskSubject::Command { line, cwd, .. } => {
            // What an agent wrote must not write to the terminal by itself.
            println!("  command: {}", line.escape_debug());
            if let Some(cwd) = cwd {
                println!("  in:      {}", cwd.escape_debug());
            }
        }
        AskSubject::FileChange { changes } => {
            for change in changes {
                println!("  change:  {}", change.path.escape_debug());
                for line in change.diff.lines() {
                    println!("    {}", line.escape_debug());
                }
            }
        }
        AskSubject::Permissions { params } => println!("  permissions: {:?}", params.permissions),
        other => println!("  {other:?}"),
    }
    if let Some(reason) = &ask.reason {
        println!("  reason:  {}", reason.escape_debug());
    }
}
