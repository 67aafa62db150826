//! The paths and strings of one Rust file, read from its tokens.
//!
//! Doc comments, attributes and what is compiled only for tests are passed over.

use anyhow::{Context, Result, anyhow};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The parts of a file that checks look at, each with its line.
#[derive(Debug, Default, PartialEq)]
pub struct Source {
    /// Every path that starts at `crate`, `self` or `super`, from the crate's root.
    pub imports: Vec<(usize, Vec<String>)>,
    /// The values of all string literals.
    pub strings: Vec<(usize, String)>,
}

impl Source {
    /// Reads the file of a module.
    pub fn read(text: &str, module: &[String]) -> Result<Self> {
        let tokens: TokenStream = text
            .parse()
            .map_err(|error| anyhow!("{error}"))
            .context("not Rust")?;
        let mut source = Self::default();
        source.walk(tokens, module);
        Ok(source)
    }

    fn walk(&mut self, tokens: TokenStream, module: &[String]) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    at = self.attribute(&tokens, at);
                    continue;
                }
                TokenTree::Group(group) => match inline_module(&tokens, at) {
                    Some(name) => {
                        let inner: Vec<String> = module.iter().cloned().chain([name]).collect();
                        self.walk(group.stream(), &inner);
                    }
                    None => self.walk(group.stream(), module),
                },
                TokenTree::Literal(literal) => {
                    let parsed = syn::parse_str::<syn::LitStr>(&literal.to_string());
                    if let Ok(string) = parsed {
                        self.strings
                            .push((literal.span().start().line, string.value()));
                    }
                }
                TokenTree::Ident(_) if !after_path(&tokens, at) => self.path(&tokens, at, module),
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
    fn path(&mut self, tokens: &[TokenTree], at: usize, module: &[String]) {
        let Some(TokenTree::Ident(first)) = tokens.get(at) else {
            return;
        };
        if !is_path(tokens, at + 1) {
            return;
        }
        let parent = |module: &[String]| module[..module.len().saturating_sub(1)].to_vec();
        let mut root = match first.to_string().as_str() {
            "crate" => Vec::new(),
            "self" => module.to_vec(),
            "super" => parent(module),
            _ => return,
        };
        let mut at = at + 3;
        while matches!(tokens.get(at), Some(TokenTree::Ident(ident)) if ident == "super") {
            root = parent(&root);
            at += 3;
        }
        self.rest(&tokens[at..], root);
    }

    /// Notes the rest of a path: `a::b`, `a::{b, c::d}`.
    fn rest(&mut self, tokens: &[TokenTree], mut path: Vec<String>) {
        match tokens.first() {
            Some(TokenTree::Ident(name)) => {
                path.push(name.to_string());
                if is_path(tokens, 1) {
                    self.rest(&tokens[3..], path);
                } else {
                    self.imports.push((name.span().start().line, path));
                }
            }
            Some(TokenTree::Group(group)) => {
                let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
                for item in tokens.split(|token| is_punct(Some(token), ',')) {
                    self.rest(item, path.clone());
                }
            }
            _ => {}
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

/// The name of the module whose body the group is: `mod name { … }`.
fn inline_module(tokens: &[TokenTree], at: usize) -> Option<String> {
    match (tokens.get(at.checked_sub(2)?), tokens.get(at - 1)) {
        (Some(TokenTree::Ident(word)), Some(TokenTree::Ident(name))) if word == "mod" => {
            Some(name.to_string())
        }
        _ => None,
    }
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
            use crate::error::{Error, rpc::{self, Kind}};
            use super::sibling::Thing;
            use super::super::thread;
            fn f() { call!(crate::result::Text, "a\"b"); self::own(); }
            #[cfg(test)]
            use crate::hidden;
            mod inline { use super::super::super::deeper::Thing; }
            #[cfg(test)]
            mod tests { use crate::hidden; const A: &str = "hidden"; }
            const LAST: &str = r"last";
        "#;
        let module = ["a", "b"].map(str::to_owned);
        let source = Source::read(text, &module).unwrap();
        let imports: Vec<String> = source
            .imports
            .iter()
            .map(|(line, path)| format!("{line} {}", path.join("::")))
            .collect();
        let expected = [
            "3 error::Error",
            "3 error::rpc::self",
            "3 error::rpc::Kind",
            "4 a::sibling::Thing",
            "5 thread",
            "6 result::Text",
            "6 a::b::own",
            "9 deeper::Thing",
        ];
        assert_eq!(imports, expected);
        let strings = [(6, "a\"b".to_owned()), (12, "last".to_owned())];
        assert_eq!(source.strings, strings);
    }
}
