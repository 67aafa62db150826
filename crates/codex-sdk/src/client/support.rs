//! What the running version of the runtime has: it is found out before anything is sent.

use codex_runtime::Version;
use codex_types::request::ClientRequest;
use codex_types::since::{Missing, RUNTIMES, Reader, Since, of_method, written_for};

use super::Codex;
use crate::error::{Error, Result};

/// Returns how a runtime of this version reads what is sent.
///
/// One whose version is not known is taken for the oldest.
pub(super) fn reader(version: Option<&Version>, experimental: bool) -> Reader {
    let is_newer = |known: &&str| {
        let known = known.parse::<Version>();
        version.is_none_or(|version| known.is_ok_and(|known| known > *version))
    };
    let older = RUNTIMES.iter().take_while(|known| !is_newer(known)).count();
    Reader {
        runtime: u8::try_from(older.saturating_sub(1)).unwrap_or(u8::MAX),
        experimental,
    }
}

impl Codex {
    /// Refuses a method, a field, a value or a variant that the running version of the runtime does not
    /// have, or has as experimental and was not asked for it.
    ///
    /// It costs a comparison for a current runtime, and a look at what is set for an older one.
    ///
    /// # Errors
    ///
    /// [`Error::UnsupportedRuntime`] and [`Error::Encode`], or [`Error::Closed`] in their place.
    pub(crate) fn check_support<P: ClientRequest>(&self, params: &P) -> Result<()> {
        let reader = self.inner.reader;
        if usize::from(reader.runtime) + 1 >= RUNTIMES.len() {
            return Ok(());
        }
        let since = of_method(P::METHOD);
        if !reader.has(since) {
            return Err(self.unsupported(P::METHOD, String::new(), since));
        }
        let write = || serde_json::to_writer(std::io::sink(), params);
        match written_for(reader, write) {
            (Err(source), _) => Err(self.closed_or(Error::Encode {
                method: P::METHOD.into(),
                source,
            })),
            (Ok(()), None) => Ok(()),
            (Ok(()), Some(Missing { owner, name, since })) => {
                let whole = std::any::type_name::<P>();
                let field = match whole.rsplit("::").next() == Some(owner) {
                    true => name.to_owned(),
                    false => format!("{owner}.{name}"),
                };
                Err(self.unsupported(P::METHOD, field, since))
            }
        }
    }

    fn unsupported(&self, method: &'static str, field: String, since: Since) -> Error {
        let reader = self.inner.reader;
        // What is there and is not stable yet was not asked for.
        let experimental = reader.runtime >= since.there;
        let minimum = RUNTIMES.get(usize::from(reader.needs(since))).copied();
        self.closed_or(Error::UnsupportedRuntime {
            method,
            field: field.into(),
            found: self.inner.info.runtime_version.clone(),
            minimum: minimum.unwrap_or("unknown").to_owned(),
            user_agent: self.inner.info.user_agent.clone(),
            experimental,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_reads_as_the_last_one_that_is_not_newer() {
        let runtime = |text: &str| reader(text.parse().ok().as_ref(), false).runtime;
        let last = u8::try_from(RUNTIMES.len() - 1).unwrap();
        assert_eq!(runtime("unknown"), 0);
        assert_eq!(runtime("0.0.0"), 0);
        assert_eq!(runtime("999.0.0"), last);
        for (index, known) in (0..).zip(RUNTIMES) {
            assert_eq!(runtime(known), index);
            // A prerelease does not have yet what the release has.
            assert_eq!(runtime(&format!("{known}-alpha.1")), index.max(1) - 1);
        }
    }
}
