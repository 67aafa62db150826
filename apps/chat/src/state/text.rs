//! Texts that are safe to show.

use openai_codex::types::UserInput;

/// Takes out what would steer the terminal: escape sequences and control characters. Of a line that was written
/// over with carriage returns, the last state is kept.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        let line = line.rsplit('\r').next().unwrap_or(line);
        push_clean(&mut out, line);
    }
    out
}

fn push_clean(out: &mut String, line: &str) {
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\t' => out.push_str("    "),
            '\u{1b}' => match chars.next() {
                // Up to the final byte of a control sequence.
                Some('[') => while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
                // Up to the end of a string: a bell, or an escape and a backslash.
                Some(']' | 'P' | '_' | '^') => {
                    while let Some(c) = chars.next() {
                        if c == '\u{7}' || (c == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                            break;
                        }
                    }
                }
                _ => {}
            },
            char if char.is_control() => {}
            char => out.push(char),
        }
    }
}

/// Writes what cannot be seen, or changes the order of what is seen, as an escape: for texts that the user
/// decides about.
pub(crate) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\n' => out.push('\n'),
            '\t' => out.push_str("    "),
            char if char.is_control() || is_hidden(char) => out.extend(char.escape_unicode()),
            char => out.push(char),
        }
    }
    out
}

fn is_hidden(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Writes the input of a turn as one text.
pub(crate) fn input_text(content: &[UserInput]) -> String {
    let parts = content.iter().map(|input| match input {
        UserInput::Text(text) => text.text.clone(),
        UserInput::LocalImage(image) => format!("[image: {}]", image.path),
        UserInput::Image(_) => "[image]".to_owned(),
        UserInput::Skill(skill) => format!("[skill: {}]", skill.name),
        UserInput::Mention(mention) => format!("[mention: {}]", mention.name),
        _ => "[attachment]".to_owned(),
    });
    parts.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_sequences_are_taken_out() {
        assert_eq!(clean("\u{1b}[31mred\u{1b}[0m\tx"), "red    x");
        assert_eq!(clean("\u{1b}]0;title\u{7}a\u{1b}]8;;u\u{1b}\\b\u{8}"), "ab");
        assert_eq!(clean("10%\r100%\r\ndone\r\n"), "100%\ndone\n");
        assert_eq!(clean("cut \u{1b}["), "cut ");
    }

    #[test]
    fn hidden_characters_are_written_out() {
        assert_eq!(
            visible("rm \u{202e}x\u{200b}\u{1b}"),
            "rm \\u{202e}x\\u{200b}\\u{1b}"
        );
        assert_eq!(visible("plain é 漢"), "plain é 漢");
    }
}
