//! Rust code as text: doc lines, attributes and types.

use std::fmt::Write as _;

use super::super::ir::{Presence, Ty};

/// The attribute of what only the experimental bundle has.
const GATE: &str = "#[cfg(feature = \"experimental\")]";

/// The attribute on a line of its own, with this indent; nothing for what is stable.
pub fn gate_line(experimental: bool, indent: &str) -> String {
    match experimental {
        true => format!("{indent}{GATE}\n"),
        false => String::new(),
    }
}

/// The attribute in front of a row of a table.
pub fn gate(experimental: bool) -> String {
    match experimental {
        true => format!("{GATE} "),
        false => String::new(),
    }
}

/// Doc lines with this indent; what rustdoc would take for markup is escaped.
pub fn docs(text: &str, indent: &str) -> String {
    let mut lines = String::new();
    for line in text.lines() {
        let line = escape(line.trim_end());
        let space = if line.is_empty() { "" } else { " " };
        let _ = writeln!(lines, "{indent}///{space}{line}");
    }
    lines
}

/// Escapes what rustdoc would take for markup, outside of code.
fn escape(line: &str) -> String {
    let mut escaped = String::new();
    let mut code = false;
    for word in line.split_inclusive(' ') {
        let bare = word.trim_end();
        let trimmed = bare.trim_end_matches(['.', ',', ')', ';']);
        if !code && trimmed.starts_with("http") && trimmed.contains("://") {
            let _ = write!(escaped, "<{trimmed}>{}", &word[trimmed.len()..]);
            continue;
        }
        for character in word.chars() {
            match character {
                '`' => code = !code,
                '<' | '>' | '[' | ']' if !code => escaped.push('\\'),
                _ => {}
            }
            escaped.push(character);
        }
    }
    escaped
}

/// The first sentence of a doc text.
pub fn first_sentence(text: &str) -> String {
    let paragraph: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect();
    let paragraph = paragraph.join(" ");
    let ends = paragraph.match_indices(". ").map(|(at, _)| at + 1);
    let end = ends.into_iter().find(|end| {
        let before = &paragraph[..*end];
        !["e.g.", "i.e.", "etc.", "vs."]
            .iter()
            .any(|word| before.ends_with(word))
    });
    let mut sentence = paragraph[..end.unwrap_or(paragraph.len())].to_owned();
    if !sentence.ends_with(['.', '!', '?', ':', '`']) {
        sentence.push('.');
    }
    sentence
}

/// A type as Rust has it.
pub fn rust(ty: &Ty) -> String {
    match ty {
        Ty::Named(name) => name.clone(),
        Ty::Plain(name) => (*name).to_owned(),
        Ty::Json => "Value".to_owned(),
        Ty::JsonObject => "Map<String, Value>".to_owned(),
        Ty::Option(inner) => format!("Option<{}>", rust(inner)),
        Ty::Vec(inner) => format!("Vec<{}>", rust(inner)),
        Ty::Map(inner) => format!("BTreeMap<String, {}>", rust(inner)),
        Ty::Boxed(inner) => format!("Box<{}>", rust(inner)),
    }
}

/// A field's type with its presence.
pub fn field_type(ty: &Ty, presence: &Presence) -> String {
    let inner = rust(ty);
    match presence {
        Presence::Required | Presence::Defaulted(_) => inner,
        Presence::Nullable | Presence::Optional => format!("Option<{inner}>"),
        Presence::Patch => format!("Option<Option<{inner}>>"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sentence_ends_where_the_text_says() {
        let rows = [
            (
                "Model to use, e.g. a small one. It stays.",
                "Model to use, e.g. a small one.",
            ),
            ("No end", "No end."),
            ("Over\ntwo lines. More", "Over two lines."),
            ("A list:\n\n- one", "A list:"),
        ];
        for (text, first) in rows {
            assert_eq!(first_sentence(text), first);
        }
    }
}
