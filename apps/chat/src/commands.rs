//! The slash commands: their names, and what a line means.

/// A command that was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Resume,
    Model(Option<String>),
    Effort(Option<String>),
    Usage,
    Diff,
    Compact,
    Image(Option<String>),
    New,
    Quit,
    Unknown(String),
}

/// Each command: its name, its argument, and what it does.
pub(crate) const COMMANDS: &[(&str, &str, &str)] = &[
    ("help", "", "show commands and keys"),
    ("resume", "", "choose an earlier thread and go on with it"),
    ("model", "[NAME]", "choose or set the model"),
    (
        "effort",
        "[LEVEL]",
        "choose or set how much the model reasons",
    ),
    ("usage", "", "show tokens and rate limits"),
    ("diff", "", "show what the last turn changed"),
    (
        "compact",
        "",
        "summarize the thread, to free the model's context",
    ),
    ("image", "PATH", "attach an image to the next message"),
    (
        "new",
        "",
        "begin a new thread; restarts a runtime that ended",
    ),
    ("quit", "", "leave"),
];

/// The keys, for the help.
pub(crate) const KEYS: &[(&str, &str)] = &[
    (
        "Enter",
        "send; while the agent works, it gets the text as a hint",
    ),
    ("Alt-Enter, Ctrl-J", "begin a new line"),
    ("Up, Down", "earlier messages"),
    ("PageUp, PageDown", "scroll"),
    ("Tab", "complete a command; go to a question and back"),
    ("Ctrl-O", "show outputs and thoughts in full, or in short"),
    ("Ctrl-C", "interrupt the agent; twice when idle: leave"),
    ("Ctrl-D", "leave"),
];

/// Reads a line that begins with a slash; `None` for any other text.
///
/// A path that begins a message is no command: `/etc/hosts is odd`.
pub(crate) fn parse(line: &str) -> Option<Command> {
    let rest = line.trim().strip_prefix('/')?;
    let (name, argument) = match rest.split_once(char::is_whitespace) {
        Some((name, argument)) => (name, argument.trim()),
        None => (rest, ""),
    };
    if name.contains('/') {
        return None;
    }
    let argument = Some(argument.to_owned()).filter(|argument| !argument.is_empty());
    Some(match name {
        "help" => Command::Help,
        "resume" => Command::Resume,
        "model" => Command::Model(argument),
        "effort" => Command::Effort(argument),
        "usage" => Command::Usage,
        "diff" => Command::Diff,
        "compact" => Command::Compact,
        "image" => Command::Image(argument),
        "new" => Command::New,
        "quit" | "exit" => Command::Quit,
        other => Command::Unknown(other.to_owned()),
    })
}

/// Lists the commands that begin with what is typed so far.
pub(crate) fn matching(line: &str) -> Vec<&'static (&'static str, &'static str, &'static str)> {
    match line.strip_prefix('/') {
        Some(typed) if !typed.contains(char::is_whitespace) => COMMANDS
            .iter()
            .filter(|(name, ..)| name.starts_with(typed))
            .collect(),
        _ => Vec::new(),
    }
}

/// Writes the help in Markdown.
pub(crate) fn help() -> String {
    let mut text = String::from("**Commands**\n\n");
    for (name, argument, does) in COMMANDS {
        let space = if argument.is_empty() { "" } else { " " };
        text.push_str(&format!("- `/{name}{space}{argument}` {does}\n"));
    }
    text.push_str("\n**Keys**\n\n");
    for (keys, does) in KEYS {
        text.push_str(&format!("- `{keys}` {does}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_commands() {
        assert_eq!(
            parse("/model  gpt-5 "),
            Some(Command::Model(Some("gpt-5".to_owned())))
        );
        assert_eq!(parse("/model"), Some(Command::Model(None)));
        assert_eq!(
            parse(" /image a b.png"),
            Some(Command::Image(Some("a b.png".to_owned())))
        );
        assert_eq!(parse("/wat x"), Some(Command::Unknown("wat".to_owned())));
        assert_eq!(parse("/etc/hosts is odd"), None);
        assert_eq!(parse("hello /help"), None);
    }

    #[test]
    fn commands_are_completed() {
        let names = |line| {
            matching(line)
                .iter()
                .map(|(name, ..)| *name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names("/re"), ["resume"]);
        assert_eq!(names("/").len(), COMMANDS.len());
        assert!(names("/model x").is_empty() && names("re").is_empty());
    }

    #[test]
    fn the_readme_names_every_command() {
        let readme = include_str!("../README.md");
        for (name, ..) in COMMANDS {
            assert!(readme.contains(&format!("`/{name}")), "{name}");
        }
    }
}
