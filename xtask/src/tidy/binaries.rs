//! No executables are checked in: the runtime is installed, never shipped.

use std::fs::File;
use std::io::Read;

use anyhow::Result;

use super::{Finding, Repository};

/// The first bytes of ELF, Mach-O (both orders, 32 and 64 bits, universal) and PE.
const MAGIC: [(&[u8], &str); 7] = [
    (b"\x7fELF", "ELF"),
    (b"\xfe\xed\xfa\xce", "Mach-O"),
    (b"\xfe\xed\xfa\xcf", "Mach-O"),
    (b"\xce\xfa\xed\xfe", "Mach-O"),
    (b"\xcf\xfa\xed\xfe", "Mach-O"),
    (b"\xca\xfe\xba\xbe", "Mach-O"),
    (b"MZ", "PE"),
];

pub fn check(repository: &Repository<'_>) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in &repository.files {
        let mut head = Vec::new();
        File::open(repository.root.join(file))?
            .take(64)
            .read_to_end(&mut head)?;
        let found = MAGIC.iter().find(|(magic, _)| head.starts_with(magic));
        // Two letters alone may start a text.
        let Some((_, kind)) = found.filter(|(magic, _)| magic.len() > 2 || head.contains(&0))
        else {
            continue;
        };
        let what = format!("is an executable ({kind})");
        findings.push(Finding::error(
            file,
            1,
            what,
            "remove it from the repository",
        ));
    }
    Ok(findings)
}
