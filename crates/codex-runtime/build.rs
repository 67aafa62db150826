//! Turns `runtime.pin.toml` into constants, so that a pin that is broken fails the build.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

/// The platforms of `Target::ALL`, in its order, by the names that npm has for them.
const TARGETS: [&str; 6] = [
    "linux-x64",
    "linux-arm64",
    "darwin-x64",
    "darwin-arm64",
    "win32-x64",
    "win32-arm64",
];

fn main() {
    const PIN: &str = "runtime.pin.toml";
    println!("cargo::rerun-if-changed={PIN}");
    println!("cargo::rerun-if-changed=build.rs");
    let constants = fs::read_to_string(PIN)
        .map_err(|error| error.to_string())
        .and_then(|text| constants(&text));
    match (constants, env::var_os("OUT_DIR")) {
        (Ok(constants), Some(folder)) => {
            let file = Path::new(&folder).join("pinned.rs");
            if let Err(error) = fs::write(&file, constants) {
                println!("cargo::error=cannot write {}: {error}", file.display());
            }
        }
        (Ok(_), None) => println!("cargo::error=OUT_DIR is not set"),
        (Err(reason), _) => println!("cargo::error={PIN}: {reason}"),
    }
}

/// Writes the constants of a pin.
fn constants(text: &str) -> Result<String, String> {
    let version = value(text, "", "version")?;
    let numbers: Vec<u64> = version
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect();
    let [major, minor, patch] = numbers[..] else {
        return Err(format!("the version {version:?} is no release"));
    };
    let mut rust = format!(
        "const PINNED_VERSION: &str = {version:?};\n\
         const PINNED_RELEASE: Version = Version::new({major}, {minor}, {patch});\n\
         const PACKAGE: &str = {:?};\n\
         const PACKAGES: [(Target, &str, &str, u64); {}] = [\n",
        value(text, "", "package")?,
        TARGETS.len()
    );
    for (index, target) in TARGETS.iter().enumerate() {
        let size = value(text, target, "size")?;
        let _ = writeln!(
            rust,
            "    (Target::ALL[{index}], {:?}, {:?}, {}),",
            value(text, target, "version")?,
            value(text, target, "integrity")?,
            size.parse::<u64>()
                .map_err(|_| format!("the size {size:?} of [{target}] is no number"))?,
        );
    }
    rust.push_str("];\n");
    Ok(rust)
}

/// Finds the one `key = "value"` line of a section; the section before the first is "".
fn value<'a>(text: &'a str, section: &str, key: &str) -> Result<&'a str, String> {
    let mut current = "";
    let mut found = None;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            current = name;
        } else if let Some((name, value)) = line.split_once('=')
            && current == section
            && name.trim() == key
        {
            let value = value.trim().strip_prefix('"');
            let value = value.and_then(|value| value.strip_suffix('"'));
            let value = value.ok_or_else(|| format!("{key} of [{section}] is no text"))?;
            if found.replace(value).is_some() {
                return Err(format!("there is a second {key} of [{section}]"));
            }
        }
    }
    found.ok_or_else(|| format!("there is no {key} of [{section}]"))
}
