//! The pin: the version of the runtime, and the package and digest of each platform.

use crate::{Error, Target, Version};

// The constants of `runtime.pin.toml`, made by `build.rs`.
include!(concat!(env!("OUT_DIR"), "/pinned.rs"));

pub(crate) const VERSION: &str = PINNED_VERSION;
pub(crate) const RELEASE: Version = PINNED_RELEASE;

/// The runtime that is installed: its version and the npm package of each platform.
///
/// ```
/// use codex_runtime::{Pin, Target, Version};
///
/// let pin = Pin::current();
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
    #[must_use]
    pub fn current() -> Self {
        let packages = PACKAGES.map(|(target, version, integrity, size)| {
            (
                target,
                Package::new(PACKAGE, version, integrity).with_size(size),
            )
        });
        Self {
            version: RELEASE,
            packages: packages.into(),
        }
    }

    /// Makes a pin without packages, such as that of a mirror; add them with
    /// [`with_package`](Self::with_package).
    #[must_use]
    pub fn new(version: Version) -> Self {
        Self {
            version,
            packages: Vec::new(),
        }
    }

    /// Sets the package of a platform.
    #[must_use]
    pub fn with_package(mut self, target: Target, package: Package) -> Self {
        self.packages.retain(|(of, _)| *of != target);
        self.packages.push((target, package));
        self
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
    /// [`Error::NotPinned`] if the pin has none for the platform.
    pub fn package(&self, target: Target) -> Result<&Package, Error> {
        self.packages
            .iter()
            .find_map(|(of, package)| (*of == target).then_some(package))
            .ok_or_else(|| Error::NotPinned {
                version: self.version.clone(),
                target,
            })
    }
}

impl Package {
    /// Makes a package of this name, version and digest.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        version: impl Into<String>,
        integrity: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            integrity: integrity.into(),
            size: None,
        }
    }

    /// Sets how many bytes the packed package has, which only progress depends on.
    #[must_use]
    pub fn with_size(mut self, bytes: u64) -> Self {
        self.size = Some(bytes);
        self
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    /// The pin stands alone, whatever the version of this crate.
    #[test]
    fn the_pin_has_a_package_for_every_platform() {
        let pin = Pin::current();
        assert_eq!(pin.version().to_string(), VERSION);
        for target in Target::ALL {
            let package = pin.package(target).unwrap();
            assert_eq!(package.version(), format!("{VERSION}-{}", target.name()));
            let digest = package.integrity().strip_prefix("sha512-").unwrap();
            assert_eq!(digest.len(), 88);
            assert!(digest.ends_with("=="));
            assert!(package.size().unwrap() > 1_000_000);
        }
    }

    #[test]
    fn a_platform_without_a_package_is_named() {
        let pin = Pin::new(Version::new(1, 0, 0));
        let error = pin.package(Target::DarwinX64).unwrap_err().to_string();
        assert!(error.contains("darwin-x64"), "{error}");
    }
}
