//! Runtime versions: parsing, ordering, and the supported range.

use std::fmt;
use std::str::FromStr;

use crate::pin;

/// The version of the runtime that this crate pins.
///
/// It comes from `runtime.pin.toml`, the only file that holds it.
pub const VERSION: &str = pin::VERSION;

/// The oldest runtime that can be used; an older one is refused at start.
///
/// This is the one place that says which runtimes are supported: since when they have what is in
/// `schema/history.json`, which begins here. Runtimes from this version on are in the supported range, newer ones than
/// [`VERSION`] too: the protocol types keep what they do not know.
pub const MINIMUM_VERSION: Version = Version::new(0, 144, 0);

/// A runtime version, ordered as in Semantic Versioning.
///
/// ```
/// use codex_runtime::Version;
///
/// let hotfix: Version = "rust-v0.116.0-alpha.1.2".parse()?;
/// assert_eq!(hotfix.to_string(), "0.116.0-alpha.1.2");
/// assert!(hotfix > "0.116.0-alpha.1".parse()?);
/// assert!(hotfix < "0.116.0".parse()?);
/// # Ok::<(), codex_runtime::InvalidVersion>(())
/// ```
///
/// A leading `v` or `rust-v`, as in release tags, is accepted; build metadata
/// (`+...`) is checked and dropped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(semver::Version);

impl Version {
    /// Makes the version of a release.
    #[must_use]
    pub const fn new(major: u64, minor: u64, patch: u64) -> Self {
        Self(semver::Version::new(major, minor, patch))
    }

    /// Returns the version that this crate pins.
    #[must_use]
    pub const fn pinned() -> Self {
        pin::RELEASE
    }

    /// Tells whether a runtime of this version can be used: from [`MINIMUM_VERSION`] on.
    ///
    /// A prerelease of the minimum comes before it and is not supported.
    #[must_use]
    pub fn is_supported(&self) -> bool {
        *self >= MINIMUM_VERSION
    }

    /// Tells whether this is a prerelease, such as `0.116.0-alpha.1`.
    #[must_use]
    pub fn is_prerelease(&self) -> bool {
        !self.0.pre.is_empty()
    }

    /// Returns the tag under which the runtime of this version is released.
    #[must_use]
    pub fn release_tag(&self) -> String {
        format!("rust-v{self}")
    }

    /// Finds the version in what `codex --version` prints, such as `codex-cli 0.116.0`.
    #[must_use]
    pub fn from_output(text: &str) -> Option<Self> {
        text.split_whitespace().find_map(|word| word.parse().ok())
    }
}

/// The error of parsing a [`Version`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidVersion {
    text: String,
}

impl fmt::Display for InvalidVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a version such as 0.116.0 or 0.116.0-alpha.1",
            self.text
        )
    }
}

impl std::error::Error for InvalidVersion {}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_prefix("rust-v").unwrap_or(text);
        let number = number.strip_prefix('v').unwrap_or(number);
        match semver::Version::parse(number) {
            Ok(mut version) => {
                version.build = semver::BuildMetadata::EMPTY;
                Ok(Self(version))
            }
            Err(_) => Err(InvalidVersion {
                text: text.chars().take(80).collect(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    /// Tags and package versions are one version.
    #[test]
    fn release_tags_and_package_versions_are_normalized() {
        for (text, normal) in [
            ("rust-v0.116.0-alpha.1", "0.116.0-alpha.1"),
            ("rust-v0.116.0-alpha.1.2", "0.116.0-alpha.1.2"),
            ("v0.116.0-beta.2", "0.116.0-beta.2"),
            ("0.116.0-rc.3", "0.116.0-rc.3"),
            ("0.116.0", "0.116.0"),
            ("0.116.0+build.7", "0.116.0"),
        ] {
            let parsed = version(text);
            assert_eq!(parsed.to_string(), normal);
            assert_eq!(version(&parsed.release_tag()), parsed);
        }
    }

    /// What is no version is refused.
    #[test]
    fn what_is_not_a_version_is_refused() {
        for text in [
            "",
            "v",
            "1",
            "1.2",
            "1.2.3.4",
            "1.2.x",
            "01.2.3",
            "1.2.3-",
            "1.2.3-a..b",
            "1.2.3-01",
            "1.2.3+",
            "+1.2.3",
            "-1.2.3",
            "1.2.3-a_b",
            "unknown",
            "1.2.3 ",
            "99999999999999999999.0.0",
        ] {
            let error = text.parse::<Version>().unwrap_err().to_string();
            assert!(error.contains("is not a version"), "{error}");
        }
    }

    #[test]
    fn versions_are_ordered_as_in_semver() {
        let ordered = [
            "0.0.0",
            "0.116.0-1",
            "0.116.0-alpha",
            "0.116.0-alpha.1",
            "0.116.0-alpha.1.2",
            "0.116.0-alpha.2",
            "0.116.0-alpha.10",
            "0.116.0-alpha.beta",
            "0.116.0-beta.2",
            "0.116.0-rc.3",
            "0.116.0",
            "0.116.1",
            "0.117.0",
            "1.0.0",
        ]
        .map(version);
        for (at, left) in ordered.iter().enumerate() {
            for (other, right) in ordered.iter().enumerate() {
                assert_eq!(left.cmp(right), at.cmp(&other), "{left} {right}");
            }
        }
    }

    #[test]
    fn the_supported_range_starts_at_the_minimum() {
        assert!(MINIMUM_VERSION.is_supported());
        assert!(Version::pinned().is_supported());
        assert!(version("99.0.0").is_supported());
        assert!(!version("0.143.9").is_supported());
        assert!(!version(&format!("{MINIMUM_VERSION}-alpha.1")).is_supported());
        assert!(!version("0.0.0").is_supported());
    }

    #[test]
    fn the_version_is_found_in_the_output_of_the_binary() {
        assert_eq!(
            Version::from_output("codex-cli 0.116.0\n"),
            Some(Version::new(0, 116, 0))
        );
        assert_eq!(Version::from_output("codex-cli unknown\n"), None);
    }
}
