//! Runtime versions: parsing, ordering, and the supported range.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::pin;

/// The version of the runtime that this crate pins.
///
/// It comes from `runtime.pin.toml`, the only file that holds it.
pub const VERSION: &str = pin::PINNED_VERSION;

/// The oldest runtime that can be used; an older one is refused at start.
///
/// Runtimes from this version on are in the supported range, newer ones than
/// [`VERSION`] too: the protocol types keep what they do not know.
pub const MINIMUM_VERSION: Version = Version {
    major: 0,
    minor: 140,
    patch: 0,
    pre: String::new(),
};

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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    major: u64,
    minor: u64,
    patch: u64,
    /// Dot-separated identifiers; empty for a release.
    pre: String,
}

impl Version {
    /// Makes the version of a release.
    #[must_use]
    pub const fn new(major: u64, minor: u64, patch: u64) -> Self {
        Self {
            major,
            minor,
            patch,
            pre: String::new(),
        }
    }

    /// Returns the version that this crate pins, or the version zero if the pin is unreadable.
    #[must_use]
    pub fn pinned() -> Self {
        VERSION.parse().unwrap_or(Self::new(0, 0, 0))
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
        !self.pre.is_empty()
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
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre)?;
        }
        Ok(())
    }
}

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| InvalidVersion {
            text: text.chars().take(80).collect(),
        })
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| compare_prereleases(&self.pre, &other.pre))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn parse(text: &str) -> Option<Version> {
    let text = text.strip_prefix("rust-v").unwrap_or(text);
    let text = text.strip_prefix('v').unwrap_or(text);
    let text = match text.split_once('+') {
        Some((text, build)) if build.split('.').all(is_identifier) => text,
        Some(_) => return None,
        None => text,
    };
    let (release, pre) = match text.split_once('-') {
        Some((release, pre)) => (release, Some(pre)),
        None => (text, None),
    };
    let mut numbers = release.split('.').map(number);
    let (major, minor, patch) = (numbers.next()??, numbers.next()??, numbers.next()??);
    if numbers.next().is_some() {
        return None;
    }
    let well_formed = |part: &str| {
        is_identifier(part) && (!part.bytes().all(|b| b.is_ascii_digit()) || number(part).is_some())
    };
    match pre {
        Some(pre) if !pre.split('.').all(well_formed) => None,
        pre => Some(Version {
            major,
            minor,
            patch,
            pre: pre.unwrap_or_default().to_owned(),
        }),
    }
}

/// Reads a number without sign or leading zeros.
fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

fn is_identifier(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Orders the text after the `-`: a release, which has none, comes last.
fn compare_prereleases(left: &str, right: &str) -> Ordering {
    match (left.is_empty(), right.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(left), Some(right)) => match (number(left), number(right)) {
                (Some(left), Some(right)) => left.cmp(&right),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => left.cmp(right),
            },
        };
        if order.is_ne() {
            return order;
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
        assert!(!version("0.139.9").is_supported());
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
