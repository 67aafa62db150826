//! A file that the system would not run, looked at for the reason.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::error::INSTALL;
use crate::program;

/// How much of a file is looked at.
const HEAD: u64 = 4096;

/// Machines of ELF files, with the names that Rust gives them.
const MACHINES: [(u16, &str); 7] = [
    (0x03, "x86"),
    (0x15, "powerpc64"),
    (0x16, "s390x"),
    (0x28, "arm"),
    (0x3e, "x86_64"),
    (0xb7, "aarch64"),
    (0xf3, "riscv64"),
];

/// First bytes of programs for other systems.
const FOREIGN: [(&[u8], &str); 4] = [
    (b"MZ", "windows"),
    (b"\xcf\xfa\xed\xfe", "macos"),
    (b"\xca\xfe\xba\xbe", "macos"),
    (b"\x7fELF", "linux"),
];

/// Says what hinders this file from being run, and what to do.
pub(super) fn hindrance(file: &Path, error: &io::Error) -> String {
    if let Some(problem) = program::problem(file) {
        return format!("{problem}; correct the path, or run {INSTALL}");
    }
    let head = head(file);
    if head.is_empty() && file.metadata().is_ok_and(|meta| meta.len() == 0) {
        return format!("the file is empty; install it again, or run {INSTALL}");
    }
    match error.kind() {
        io::ErrorKind::ExecutableFileBusy => {
            return "it is being written; try again when it is complete".into();
        }
        io::ErrorKind::NotFound => {
            if let Some(interpreter) = interpreter(&head) {
                return format!(
                    "it is a script for {interpreter:?}, which does not exist; install that, or \
                     correct the script's first line"
                );
            }
            if let Some(loader) = loader(&head) {
                return format!(
                    "it needs the loader {loader}, which this system does not have; use a build \
                     for this system, or run {INSTALL}"
                );
            }
        }
        io::ErrorKind::PermissionDenied => {
            if let Some(interpreter) = interpreter(&head) {
                return format!(
                    "this user may not run it or its interpreter {interpreter:?}; check the \
                     permissions of both"
                );
            }
            return "this user may not run it; check its permissions, those of the folders above \
                    it, and that its disk is not mounted noexec"
                .into();
        }
        _ => {}
    }
    match platform(&head) {
        Some(platform) if platform != ours() => format!(
            "it is a program for {platform}, and this system is {}; use a build for this system, \
             or run {INSTALL}",
            ours()
        ),
        _ => format!("check that it is an executable for this platform, or run {INSTALL}"),
    }
}

fn head(file: &Path) -> Vec<u8> {
    let mut head = Vec::new();
    // A file that cannot be read can still be looked at from the outside.
    if let Ok(file) = File::open(file) {
        let _ = file.take(HEAD).read_to_end(&mut head);
    }
    head
}

/// The program that a script's first line names.
fn interpreter(head: &[u8]) -> Option<String> {
    let line = head
        .strip_prefix(b"#!")?
        .split(|byte| *byte == b'\n')
        .next()?;
    let text = String::from_utf8_lossy(line);
    // A carriage return is part of the name, and the reason why there is no such program.
    let name = text
        .trim_start_matches([' ', '\t'])
        .split([' ', '\t'])
        .next()?;
    Some(name.to_owned())
}

/// The loader that an ELF program of 64 bits asks for.
fn loader(head: &[u8]) -> Option<String> {
    const PROGRAM_HEADERS: usize = 0x20;
    const INTERPRETER: u32 = 3;
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let start = usize::try_from(u64_at(head, PROGRAM_HEADERS)?).ok()?;
    let (size, count) = (u16_at(head, 0x36)?, u16_at(head, 0x38)?);
    for index in 0..usize::from(count) {
        let at = start.checked_add(index.checked_mul(usize::from(size))?)?;
        let kind = head.get(at..at.checked_add(4)?)?;
        if u32::from_le_bytes(kind.try_into().ok()?) != INTERPRETER {
            continue;
        }
        let from = usize::try_from(u64_at(head, at.checked_add(8)?)?).ok()?;
        let length = usize::try_from(u64_at(head, at.checked_add(32)?)?).ok()?;
        let name = head.get(from..from.checked_add(length)?)?;
        let name = String::from_utf8_lossy(name);
        return Some(name.trim_end_matches('\0').to_owned());
    }
    None
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(two.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let eight = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(eight.try_into().ok()?))
}

/// The platform that a program is built for, as far as its first bytes tell.
fn platform(head: &[u8]) -> Option<String> {
    let (_, system) = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic))?;
    if *system != "linux" {
        return Some((*system).to_owned());
    }
    let machine = u16_at(head, 0x12)?;
    // A machine of the other byte order reads as none of these.
    let (_, name) = MACHINES.iter().find(|(number, _)| *number == machine)?;
    Some(format!("{system} {name}"))
}

fn ours() -> String {
    match std::env::consts::OS {
        "linux" => format!("linux {}", std::env::consts::ARCH),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interpreter_is_what_the_first_line_names() {
        for (head, name) in [
            (&b"#!/bin/sh\necho"[..], Some("/bin/sh")),
            (b"#! /usr/bin/env node\n", Some("/usr/bin/env")),
            (b"#!/bin/sh\r\necho", Some("/bin/sh\r")),
            (b"#!", Some("")),
            (b"echo", None),
            (b"", None),
        ] {
            assert_eq!(interpreter(head).as_deref(), name);
        }
    }

    #[test]
    fn damaged_headers_are_survived() {
        let mut head = b"\x7fELF\x02\x01".to_vec();
        assert_eq!((loader(&head), platform(&head)), (None, None));
        head.resize(HEAD as usize, 0xff);
        assert_eq!((loader(&head), platform(&head)), (None, None));
    }
}
