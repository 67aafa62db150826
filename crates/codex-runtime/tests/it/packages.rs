//! Packed packages, good and bad.

use std::io::Write;

use codex_runtime::Target;
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};

use crate::support::VERSION;

/// A packed file in the making.
pub struct Package {
    tar: tar::Builder<GzEncoder<Vec<u8>>>,
}

impl Package {
    pub fn empty() -> Self {
        Self {
            tar: tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast())),
        }
    }

    /// A complete runtime whose `codex` tells its version.
    pub fn complete() -> Self {
        let codex = format!("#!/bin/sh\necho codex-cli {VERSION}\n");
        Self::without("")
            .raw("package/README.md", EntryType::Regular, 0o644, b"read me")
            .runtime_file("bin/codex", 0o755, codex.as_bytes())
            .runtime_file("codex-resources/extra/data.bin", 0o644, &[7; 300_000])
    }

    /// The other files of a runtime, but for one.
    pub fn without(missing: &str) -> Self {
        let target = Target::current().unwrap().triple();
        let metadata = format!("{{\"version\": \"{VERSION}\", \"target\": \"{target}\"}}");
        let mut package = Self::empty();
        for (path, mode, text) in [
            ("codex-package.json", 0o644, metadata.as_str()),
            ("bin/codex-code-mode-host", 0o755, "host"),
            ("codex-resources/tool", 0o755, "tool"),
            ("codex-path/rg", 0o755, "rg"),
        ] {
            if path != missing {
                package = package.runtime_file(path, mode, text.as_bytes());
            }
        }
        package
    }

    pub fn runtime_file(self, path: &str, mode: u32, text: &[u8]) -> Self {
        let target = Target::current().unwrap().triple();
        let path = format!("package/vendor/{target}/{path}");
        self.raw(&path, EntryType::Regular, mode, text)
    }

    /// An entry with any name and kind, which the writer itself would refuse.
    pub fn raw(mut self, path: &str, kind: EntryType, mode: u32, text: &[u8]) -> Self {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(mode);
        if kind.is_symlink() || kind.is_hard_link() {
            header.set_link_name_literal("/etc/passwd").unwrap();
        }
        header.set_size(text.len() as u64);
        header.set_cksum();
        self.tar.append(&header, text).unwrap();
        self
    }

    pub fn pack(self) -> Vec<u8> {
        self.tar.into_inner().unwrap().finish().unwrap()
    }
}

/// Compresses bytes that may be no archive at all.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
