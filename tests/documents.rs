//! Compiles the Rust code of the README.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
