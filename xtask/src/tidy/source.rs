//! What the checks want to know of one Rust file, read from its tokens.
//!
//! Doc comments, attributes and what is compiled only for tests are passed over.

use anyhow::{Context, Result, anyhow};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The parts of a file that checks look at, each with its line.
#[derive(Debug, Default, PartialEq)]
pub struct Source {
    /// The first segment below the crate's root of every path that starts there.
    pub imports: Vec<(usize, String)>,
    /// The values of all string literals.
    pub strings: Vec<(usize, String)>,
    /// Every two neighbors in a path: `tokio::spawn`, and `std::thread` and `thread::spawn`.
    pub pairs: Vec<(usize, String)>,
}

impl Source {
    /// Reads a file whose module is `depth` levels below the crate's root.
    pub fn read(text: &str, depth: usize) -> Result<Self> {
        let tokens: TokenStream = text
            .parse()
            .map_err(|error| anyhow!("{error}"))
            .context("not Rust")?;
        let mut source = Self::default();
        source.walk(tokens, depth);
        Ok(source)
    }

    fn walk(&mut self, tokens: TokenStream, depth: usize) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    at = self.attribute(&tokens, at);
                    continue;
                }
                TokenTree::Group(group) => {
                    let inline = module_body(&tokens, at);
                    self.walk(group.stream(), depth + usize::from(inline));
                }
                TokenTree::Literal(literal) => {
                    let parsed = syn::parse_str::<syn::LitStr>(&literal.to_string());
                    if let Ok(string) = parsed {
                        self.strings
                            .push((literal.span().start().line, string.value()));
                    }
                }
                TokenTree::Ident(first) => {
                    if let (true, Some(TokenTree::Ident(second))) =
                        (is_path(&tokens, at + 1), tokens.get(at + 3))
                    {
                        let line = first.span().start().line;
                        self.pairs.push((line, format!("{first}::{second}")));
                    }
                    if !after_path(&tokens, at) {
                        self.path(&tokens, at, depth);
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Passes over `#[…]` and `#![…]`, and over the whole item where it is only for tests.
    fn attribute(&mut self, tokens: &[TokenTree], mut at: usize) -> usize {
        at += 1;
        if is_punct(tokens.get(at), '!') {
            at += 1;
        }
        let Some(TokenTree::Group(group)) = tokens.get(at) else {
            return at;
        };
        at += 1;
        if !only_for_tests(group) {
            return at;
        }
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ';' => break,
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => break,
                _ => {}
            }
        }
        at
    }

    /// Notes a path that starts at this token.
    fn path(&mut self, tokens: &[TokenTree], at: usize, depth: usize) {
        let Some(TokenTree::Ident(first)) = tokens.get(at) else {
            return;
        };
        if !is_path(tokens, at + 1) {
            return;
        }
        let line = first.span().start().line;
        let mut level = match first.to_string().as_str() {
            "crate" => 0,
            "super" => depth.saturating_sub(1),
            _ => return,
        };
        let mut at = at + 3;
        while matches!(tokens.get(at), Some(TokenTree::Ident(ident)) if ident == "super") {
            level = level.saturating_sub(1);
            at += 3;
        }
        if level > 0 {
            return;
        }
        match tokens.get(at) {
            Some(TokenTree::Ident(name)) => self.imports.push((line, name.to_string())),
            Some(TokenTree::Group(group)) => self.list(group),
            _ => {}
        }
    }

    /// Notes the names of `crate::{a, b::c}`.
    fn list(&mut self, group: &Group) {
        let mut starts = true;
        for token in group.stream() {
            if let TokenTree::Ident(name) = &token
                && starts
            {
                self.imports
                    .push((name.span().start().line, name.to_string()));
            }
            starts = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ',');
        }
    }
}

fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

fn is_path(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')
}

/// Whether the token continues a path.
fn after_path(tokens: &[TokenTree], at: usize) -> bool {
    at >= 2 && is_path(tokens, at - 2)
}

/// Whether the group is the body of `mod name { … }`.
fn module_body(tokens: &[TokenTree], at: usize) -> bool {
    let before = at.checked_sub(2).and_then(|at| tokens.get(at));
    matches!(before, Some(TokenTree::Ident(ident)) if ident == "mod")
}

/// Whether an attribute's content is `cfg(test)`, `cfg(all(test, …))` or `test`.
fn only_for_tests(group: &Group) -> bool {
    let text: String = group.stream().to_string().split_whitespace().collect();
    text == "cfg(test)" || text.starts_with("cfg(all(test,") || text == "test"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_from_the_root_and_strings_are_noted_outside_of_tests() {
        let text = r#"
            //! Docs name `crate::nothing` and "threadId".
            use crate::error::{Error, Result};
            use crate::{client, turn::Start};
            use super::sibling::Thing;
            use super::super::thread;
            fn f() { call!(crate::result::Text, "a\"b"); tokio::spawn(g()); }
            #[cfg(test)]
            use crate::hidden;
            mod inline { use super::super::super::deeper::Thing; }
            #[cfg(test)]
            mod tests { use crate::hidden; const A: &str = "hidden"; }
            const LAST: &str = r"last";
        "#;
        let source = Source::read(text, 2).unwrap();
        let names = |list: &[(usize, String)]| -> Vec<String> {
            list.iter()
                .map(|(line, name)| format!("{line} {name}"))
                .collect()
        };
        assert_eq!(
            names(&source.imports),
            [
                "3 error",
                "4 client",
                "4 turn",
                "6 thread",
                "7 result",
                "10 deeper"
            ]
        );
        assert_eq!(names(&source.strings), ["7 a\"b", "13 last"]);
        assert!(source.pairs.contains(&(7, "tokio::spawn".to_owned())));
    }
}
