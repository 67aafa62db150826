//! Splits a command line that a shell runs, where it is one simple command.

use self_cell::self_cell;

type Slices<'a> = Vec<&'a str>;

self_cell!(
    /// The words of a command, and slices of them.
    pub(crate) struct Words {
        owner: Vec<String>,
        #[covariant]
        dependent: Slices,
    }

    impl {Debug}
);

impl Words {
    /// Returns the words.
    pub(crate) fn as_slice(&self) -> &[&str] {
        self.borrow_dependent()
    }
}

/// Shells that run what follows their `-c`.
const SHELLS: [&str; 6] = ["ash", "bash", "dash", "ksh", "sh", "zsh"];

/// Where shells are that are what their name says. The agent can name any shell, and put a program of its own
/// with the name of one where its sandbox lets it write.
const SHELL_FOLDERS: [&str; 5] = [
    "/bin",
    "/usr/bin",
    "/usr/local/bin",
    "/opt/homebrew/bin",
    "/run/current-system/sw/bin",
];

/// Words that begin a compound command, or change how the rest is run.
const RESERVED: [&str; 22] = [
    "[[",
    "case",
    "coproc",
    "do",
    "done",
    "elif",
    "else",
    "end",
    "esac",
    "fi",
    "for",
    "foreach",
    "function",
    "if",
    "in",
    "nocorrect",
    "noglob",
    "repeat",
    "select",
    "then",
    "time",
    "until",
];

/// Splits the command line of a question.
///
/// Where it is a shell of the system with `-c` or `-lc` and a script, the script is split; the line of any
/// program that is no shell is split itself. `None` for anything but one simple command of plain and quoted
/// words.
pub(crate) fn argv(line: &str) -> Option<Words> {
    let words = simple(line)?;
    let program = words.first()?;
    let (folder, name) = program.rsplit_once('/').unwrap_or(("", program));
    let words = if SHELLS.contains(&name) {
        // A name alone is looked for in the runtime's own `PATH`.
        let is_known = SHELL_FOLDERS.contains(&folder) || name == program;
        match words.as_slice() {
            [_, flag, script] if is_known && (flag == "-c" || flag == "-lc") => simple(script)?,
            _ => return None,
        }
    } else {
        words
    };
    Some(Words::new(words, |words| {
        words.iter().map(String::as_str).collect()
    }))
}

/// Splits a line of plain and quoted words, without anything that a shell would act on.
fn simple(line: &str) -> Option<Vec<String>> {
    if !is_plain(line) {
        return None;
    }
    let words = shell_words::split(line).ok()?;
    let first = words.first()?;
    let is_special = first.is_empty()
        || RESERVED.contains(&first.as_str())
        || first == "while"
        // An assignment, an option of nothing, a job.
        || first.contains('=')
        || first.starts_with(['-', '+', '%', ':']);
    (!is_special).then_some(words)
}

/// Tells whether a line has nothing but words: outside of quotes the characters that no shell acts
/// on, and balanced quotes around text that stands for itself.
fn is_plain(line: &str) -> bool {
    let mut quote = None;
    let mut word_starts = true;
    for character in line.chars() {
        // No shell takes these for part of a word, or not all of them do.
        if character.is_control() && character != '\t' {
            return false;
        }
        match (quote, character) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('\''), _) => {}
            (Some(_), '$' | '`' | '\\' | '!') => return false,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, ' ' | '\t') => {
                word_starts = true;
                continue;
            }
            // zsh replaces `=name` by the path of a program.
            (None, '=') if word_starts => return false,
            (None, 'a'..='z' | 'A'..='Z' | '0'..='9') => {}
            (None, '-' | '_' | '.' | '/' | ',' | ':' | '@' | '+' | '=') => {}
            (None, character) if !character.is_ascii() && character.is_alphanumeric() => {}
            // Operators, substitutions, redirections, patterns, comments, escapes, home folders.
            (None, _) => return false,
        }
        word_starts = false;
    }
    quote.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(line: &str) -> Option<Vec<String>> {
        argv(line).map(|words| words.as_slice().iter().map(|&word| word.into()).collect())
    }

    #[test]
    fn simple_commands_are_split() {
        for (line, words) in [
            ("/bin/bash -lc 'cargo test'", &["cargo", "test"][..]),
            ("bash -c cargo", &["cargo"]),
            (
                "/bin/zsh -lc \"git log --oneline\"",
                &["git", "log", "--oneline"],
            ),
            (r#"/bin/sh -c "touch 'a b' c""#, &["touch", "a b", "c"]),
            (
                "cargo test --features a,b",
                &["cargo", "test", "--features", "a,b"],
            ),
            ("/usr/bin/env", &["/usr/bin/env"]),
            ("sh -c 'echo a=b'", &["echo", "a=b"]),
        ] {
            assert_eq!(
                of(line).as_deref(),
                Some(&words.iter().map(|&w| w.to_owned()).collect::<Vec<_>>()[..]),
                "{line}"
            );
        }
    }

    #[test]
    fn anything_else_has_no_words() {
        let scripts = [
            "",
            " ",
            "a; b",
            "a && b",
            "a || b",
            "a | b",
            "a & b",
            "a &",
            "$(a)",
            "a $(b)",
            "`a`",
            "a $b",
            "a ${b}",
            "a > b",
            "a < b",
            "a >> b",
            "a 2>&1",
            "a\nb",
            "a # b",
            "a \"b",
            "a 'b",
            "a \\b",
            "a *",
            "a ?",
            "a [b]",
            "a {b,c}",
            "~/a",
            "a ~",
            "! a",
            "A=b",
            "A=b c",
            "time a",
            "if a",
            "[[ a ]]",
            "(a)",
            "{ a; }",
            "a \"$b\"",
            "a \"`b`\"",
            "a \"\\b\"",
            "a \"!b\"",
            "a =b",
            "%1",
            "while a",
            "a\u{0}b",
            "a\rb",
            "a \u{7f}",
            "a ^b",
            "noglob a",
            "-c a",
            "+x",
        ];
        for script in scripts {
            assert_eq!(of(script), None, "{script:?}");
            let quoted = shell_words::quote(script);
            assert_eq!(of(&format!("/bin/bash -lc {quoted}")), None, "{script:?}");
        }
        for line in [
            "bash",
            "bash -lc",
            "bash -lc a b",
            "bash -i -c a",
            "bash script",
            "/bin/bash -lxc a",
            "bash -lc 'a' ; b",
            "bash -lc a > b",
            "bash -lc $a",
            // Programs of the agent's that are called like shells.
            "/w/bash -lc a",
            "./bash -lc a",
            "bin/bash -lc a",
            "/usr/bin/../../w/bash -lc a",
            "/bin//bash -lc a",
        ] {
            assert_eq!(of(line), None, "{line:?}");
        }
    }

    /// Runs `sh`, and returns the words that it makes of a line.
    #[cfg(unix)]
    #[allow(clippy::disallowed_methods, reason = "a test may start a process")]
    fn words_of_sh(line: &str) -> Option<Vec<String>> {
        let script = format!("set -- {line}\nprintf '%s\\0' \"$@\"");
        let output = std::process::Command::new("/bin/sh")
            .args(["-c", &script])
            .env_clear()
            .current_dir("/")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).ok()?;
        let words = text.strip_suffix('\0')?.split('\0').map(str::to_owned);
        output.status.success().then(|| words.collect())
    }

    #[cfg(unix)]
    proptest! {
        /// A line that has words has those that the shell itself makes of it.
        #[test]
        fn the_words_are_those_of_the_shell(
            parts in prop::collection::vec(
                prop_oneof![
                    4 => "[a-c]{1,3}".prop_map(String::from),
                    2 => prop::sample::select(vec![" ", "  ", "\t"]).prop_map(String::from),
                    2 => "'[a-c $;|&<>*#`\\\\\"]{0,4}'".prop_map(String::from),
                    2 => "\"[a-c ;|&<>*#']{0,4}\"".prop_map(String::from),
                    1 => prop::sample::select(vec![
                        "$", "`", ";", "|", "&", "<", ">", "(", ")", "{", "}", "*", "?", "[", "]", "~",
                        "#", "!", "=", "\\", "\n", "'", "\"", "%", "^", "\u{e9}", "\u{a0}", "\u{3000}",
                    ]).prop_map(String::from),
                ],
                1..8,
            )
        ) {
            let line: String = parts.concat();
            if let Some(words) = of(&line) {
                prop_assert_eq!(Some(words), words_of_sh(&line), "{:?}", line);
            }
        }
    }
}
