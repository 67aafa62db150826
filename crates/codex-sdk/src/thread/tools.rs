//! The tools that a thread is started, resumed or forked with; there are none without the feature `tools`.

use codex_types::{ThreadId, ThreadStartParams, ThreadStartResponse};

use crate::client::Codex;
use crate::error::Result;
#[cfg(feature = "tools")]
use crate::tool::{Tool, ToolSet};

/// The tools of a builder.
#[derive(Clone, Debug, Default)]
pub(super) struct Tools {
    #[cfg(feature = "tools")]
    set: ToolSet,
}

/// Tools that a client has before it is known whether their thread opens: they are taken back when this is
/// dropped, unless they are to be kept.
#[must_use = "tools are taken back when this is dropped"]
pub(super) struct Brought {
    #[cfg(feature = "tools")]
    before: Option<(Codex, ThreadId, Option<ToolSet>)>,
}

impl Tools {
    #[cfg(feature = "tools")]
    pub(super) fn extend(&mut self, tools: impl IntoIterator<Item = Tool>) {
        self.set.extend(tools);
    }

    /// Checks what the runtime would refuse or misread.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput).
    pub(super) fn check(&self, _codex: &Codex) -> Result<()> {
        #[cfg(feature = "tools")]
        self.set.check(_codex.is_experimental())?;
        Ok(())
    }

    /// Starts a thread that has them.
    pub(super) async fn start(
        &self,
        codex: &Codex,
        params: ThreadStartParams,
    ) -> Result<ThreadStartResponse> {
        #[cfg(feature = "tools")]
        if !self.set.is_empty() {
            let (name, tools) = self.set.specifications();
            return codex.request_with(params, name, tools).await;
        }
        codex.request(params).await
    }

    /// Gives a thread of the client their closures.
    pub(super) fn bring(self, _codex: &Codex, _thread_id: &ThreadId) -> Brought {
        Brought {
            #[cfg(feature = "tools")]
            before: (!self.set.is_empty()).then(|| {
                let before = _codex.connection().tools().bring(_thread_id, self.set);
                (_codex.clone(), _thread_id.clone(), before)
            }),
        }
    }
}

impl Brought {
    /// Leaves the tools to the client.
    #[cfg_attr(not(feature = "tools"), expect(unused_mut, reason = "nothing to keep"))]
    pub(super) fn keep(mut self) {
        #[cfg(feature = "tools")]
        drop(self.before.take());
    }
}

#[cfg(feature = "tools")]
impl Drop for Brought {
    fn drop(&mut self) {
        if let Some((codex, thread_id, before)) = self.before.take() {
            codex.connection().tools().put_back(&thread_id, before);
        }
    }
}
