//! The pin: which version of the runtime, and the package and digest of each platform.

use crate::{Error, Target, Version};

/// The text of `runtime.pin.toml`, the one file that holds the version.
const PIN_FILE: &str = include_str!("../runtime.pin.toml");

pub(crate) const PINNED_VERSION: &str = first_version(PIN_FILE);

/// The runtime that is installed: its version and the npm package of each platform.
///
/// ```
/// use codex_runtime::{Pin, Target, Version};
///
/// let pin = Pin::current()?;
/// assert_eq!(*pin.version(), Version::pinned());
/// assert_eq!(pin.package(Target::LinuxX64)?.name(), "@openai/codex");
/// # Ok::<(), codex_runtime::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    version: Version,
    packages: Vec<(Target, Package)>,
}

/// The npm package that holds the runtime of one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    name: String,
    version: String,
    integrity: String,
    size: Option<u64>,
}

impl Pin {
    /// Returns the pin of this crate.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidPin`] if the pin file was broken when the crate was built.
    pub fn current() -> Result<Self, Error> {
        Self::parse(PIN_FILE)
    }

    /// Reads a pin from the text of a pin file.
    ///
    /// The format is the part of TOML that `runtime.pin.toml` uses: comments,
    /// `key = "value"` lines, and one section for each platform.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidPin`] names the line or the entry that is wrong.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut reader = Reader::default();
        for (index, line) in text.lines().enumerate() {
            reader
                .line(line.trim())
                .map_err(|reason| Error::InvalidPin {
                    reason: format!("line {}: {reason}", index + 1),
                })?;
        }
        reader
            .finish()
            .map_err(|reason| Error::InvalidPin { reason })
    }

    /// Returns the version of the runtime.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Returns the package that holds the runtime of a platform.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidPin`] if the pin has no entry for the platform.
    pub fn package(&self, target: Target) -> Result<&Package, Error> {
        self.packages
            .iter()
            .find_map(|(of, package)| (*of == target).then_some(package))
            .ok_or_else(|| Error::InvalidPin {
                reason: format!("there is no [{}] section", target.name()),
            })
    }
}

impl Package {
    /// Returns the name of the package.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the version of the package, which ends with the platform.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the digest of the packed package: `sha512-` and base64, as npm publishes it.
    #[must_use]
    pub fn integrity(&self) -> &str {
        &self.integrity
    }

    /// Returns how many bytes the packed package has, where the pin says it.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Returns the name and version as npm takes them: `name@version`.
    #[must_use]
    pub fn spec(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}

/// What has been read of a pin file.
#[derive(Default)]
struct Reader {
    version: Option<String>,
    package: Option<String>,
    sections: Vec<Section>,
}

struct Section {
    target: Target,
    version: Option<String>,
    integrity: Option<String>,
    size: Option<String>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            return self.section(name);
        }
        let (key, value) = line
            .split_once('=')
            .and_then(|(key, value)| {
                let value = value.trim().strip_prefix('"')?.strip_suffix('"')?;
                Some((key.trim(), value))
            })
            .ok_or_else(|| format!("expected `key = \"value\"`, found {line:?}"))?;
        if value.is_empty() || value.contains(['"', '\\']) {
            return Err(format!("the value of {key} is empty or has a quote in it"));
        }
        let slot = match (self.sections.last_mut(), key) {
            (None, "version") => &mut self.version,
            (None, "package") => &mut self.package,
            (Some(section), "version") => &mut section.version,
            (Some(section), "integrity") => &mut section.integrity,
            (Some(section), "size") => &mut section.size,
            _ => return Err(format!("unknown key {key:?}")),
        };
        match slot.replace(value.to_owned()) {
            None => Ok(()),
            Some(_) => Err(format!("expected exactly one {key}, found a second")),
        }
    }

    fn section(&mut self, name: &str) -> Result<(), String> {
        let target = Target::ALL
            .into_iter()
            .find(|target| target.name() == name)
            .ok_or_else(|| format!("unknown platform {name:?}"))?;
        if self.sections.iter().any(|section| section.target == target) {
            return Err(format!("a second [{name}] section"));
        }
        self.sections.push(Section {
            target,
            version: None,
            integrity: None,
            size: None,
        });
        Ok(())
    }

    fn finish(self) -> Result<Pin, String> {
        let version = self
            .version
            .ok_or("expected exactly one version, found none")?;
        let name = self
            .package
            .ok_or("expected exactly one package, found none")?;
        let mut packages = Vec::new();
        for section in self.sections {
            let missing = |what| format!("[{}] has no {what}", section.target.name());
            let package = Package {
                name: name.clone(),
                version: section.version.ok_or_else(|| missing("version"))?,
                integrity: section.integrity.ok_or_else(|| missing("integrity"))?,
                size: match section.size.map(|size| size.parse()) {
                    None => None,
                    Some(Ok(size)) => Some(size),
                    Some(Err(_)) => return Err(missing("size that is a number")),
                },
            };
            packages.push((section.target, package));
        }
        Ok(Pin {
            version: version.parse().map_err(|e| format!("{e}"))?,
            packages,
        })
    }
}

/// Finds the value of the first `version = "..."` line while compiling.
#[expect(
    clippy::panic,
    reason = "runs while compiling: a pin file without a version fails the build"
)]
const fn first_version(text: &str) -> &str {
    const KEY: &[u8] = b"\nversion = \"";
    let bytes = text.as_bytes();
    let mut start = 0;
    while start + KEY.len() < bytes.len() {
        let mut at = 0;
        while at < KEY.len() && bytes[start + at] == KEY[at] {
            at += 1;
        }
        if at == KEY.len() {
            let mut end = start + at;
            while end < bytes.len() && bytes[end] != b'"' {
                end += 1;
            }
            let (head, _) = text.split_at(end);
            return head.split_at(start + at).1;
        }
        start += 1;
    }
    panic!("runtime.pin.toml has no version")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pin stands alone, whatever the version of this crate.
    #[test]
    fn the_pin_has_a_package_for_every_platform() {
        let pin = Pin::current().unwrap();
        assert_eq!(pin.version().to_string(), PINNED_VERSION);
        for target in Target::ALL {
            let package = pin.package(target).unwrap();
            assert_eq!(
                package.version(),
                format!("{PINNED_VERSION}-{}", target.name())
            );
            let digest = package.integrity().strip_prefix("sha512-").unwrap();
            assert_eq!(digest.len(), 88);
            assert!(digest.ends_with("=="));
        }
    }

    /// One version, or an error that names the file.
    #[test]
    fn a_pin_without_exactly_one_version_is_refused() {
        for (text, reason) in [
            (
                "package = \"p\"\n",
                "expected exactly one version, found none",
            ),
            (
                "version = \"1.0.0\"\nversion = \"1.0.1\"\n",
                "line 2: expected exactly one version, found a second",
            ),
            (
                "version = \"1.0.0\"\n",
                "expected exactly one package, found none",
            ),
            ("version = 1\n", "line 1: expected `key = \"value\"`"),
            ("colour = \"red\"\n", "line 1: unknown key \"colour\""),
            ("[beos-x64]\n", "line 1: unknown platform \"beos-x64\""),
            (
                "[linux-x64]\n[linux-x64]\n",
                "line 2: a second [linux-x64] section",
            ),
            (
                "version = \"1.0.0\"\npackage = \"p\"\n[linux-x64]\nversion = \"1\"\n",
                "[linux-x64] has no integrity",
            ),
            (
                "version = \"one\"\npackage = \"p\"\n",
                "\"one\" is not a version",
            ),
        ] {
            let error = Pin::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_platform_without_an_entry_is_named() {
        let pin = Pin::parse("version = \"1.0.0\"\npackage = \"p\"\n").unwrap();
        let error = pin.package(Target::DarwinX64).unwrap_err().to_string();
        assert!(error.contains("[darwin-x64]"), "{error}");
    }
}
