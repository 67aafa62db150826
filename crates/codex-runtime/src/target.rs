//! The platforms that a runtime is published for.

use std::fmt;

use crate::Error;

/// A platform that the runtime is published for.
///
/// ```
/// use codex_runtime::Target;
///
/// let target = Target::of("linux", "x86_64")?;
/// assert_eq!(target.name(), "linux-x64");
/// assert_eq!(target.triple(), "x86_64-unknown-linux-musl");
/// # Ok::<(), codex_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// Linux on x86-64.
    LinuxX64,
    /// Linux on 64-bit ARM.
    LinuxArm64,
    /// macOS on Intel processors.
    DarwinX64,
    /// macOS on Apple processors.
    DarwinArm64,
    /// Windows on x86-64.
    Win32X64,
    /// Windows on 64-bit ARM.
    Win32Arm64,
}

impl Target {
    /// Every platform that the pin has a package for.
    pub const ALL: [Self; 6] = [
        Self::LinuxX64,
        Self::LinuxArm64,
        Self::DarwinX64,
        Self::DarwinArm64,
        Self::Win32X64,
        Self::Win32Arm64,
    ];

    /// Returns the platform that this program was built for.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownPlatform`] if no runtime is published for it.
    pub fn current() -> Result<Self, Error> {
        Self::of(std::env::consts::OS, std::env::consts::ARCH)
    }

    /// Returns the platform with these names, spelled as in [`std::env::consts`].
    ///
    /// # Errors
    ///
    /// [`Error::UnknownPlatform`] if no runtime is published for it.
    pub fn of(os: &str, arch: &str) -> Result<Self, Error> {
        match (os, arch) {
            ("linux", "x86_64") => Ok(Self::LinuxX64),
            ("linux", "aarch64") => Ok(Self::LinuxArm64),
            ("macos", "x86_64") => Ok(Self::DarwinX64),
            ("macos", "aarch64") => Ok(Self::DarwinArm64),
            ("windows", "x86_64") => Ok(Self::Win32X64),
            ("windows", "aarch64") => Ok(Self::Win32Arm64),
            _ => Err(Error::UnknownPlatform {
                os: os.to_owned(),
                arch: arch.to_owned(),
            }),
        }
    }

    /// Returns the name of the platform in npm's spelling, such as `linux-x64`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LinuxX64 => "linux-x64",
            Self::LinuxArm64 => "linux-arm64",
            Self::DarwinX64 => "darwin-x64",
            Self::DarwinArm64 => "darwin-arm64",
            Self::Win32X64 => "win32-x64",
            Self::Win32Arm64 => "win32-arm64",
        }
    }

    /// Returns the target triple that the runtime was built for.
    #[must_use]
    pub const fn triple(self) -> &'static str {
        match self {
            Self::LinuxX64 => "x86_64-unknown-linux-musl",
            Self::LinuxArm64 => "aarch64-unknown-linux-musl",
            Self::DarwinX64 => "x86_64-apple-darwin",
            Self::DarwinArm64 => "aarch64-apple-darwin",
            Self::Win32X64 => "x86_64-pc-windows-msvc",
            Self::Win32Arm64 => "aarch64-pc-windows-msvc",
        }
    }

    /// Returns what the name of an executable ends with: `.exe` on Windows, else nothing.
    #[must_use]
    pub const fn executable_suffix(self) -> &'static str {
        match self {
            Self::Win32X64 | Self::Win32Arm64 => ".exe",
            _ => "",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.triple())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Six platforms, and an error for any other.
    #[test]
    fn six_platforms_are_known_and_others_are_refused() {
        let known = [
            ("linux", "x86_64"),
            ("linux", "aarch64"),
            ("macos", "x86_64"),
            ("macos", "aarch64"),
            ("windows", "x86_64"),
            ("windows", "aarch64"),
        ]
        .map(|(os, arch)| Target::of(os, arch).unwrap());
        assert_eq!(known, Target::ALL);

        let error = Target::of("plan9", "mips").unwrap_err().to_string();
        assert!(error.contains("plan9") && error.contains("mips"), "{error}");
        assert!(error.contains("CODEX_BIN"), "{error}");
    }
}
