//! The options that starting, resuming and forking a thread share.

use std::path::PathBuf;

use crate::error::{Error, Result};

/// Adds the shared setters to a builder with `params` and `cwd`.
macro_rules! thread_options {
    ($builder:ident, $params:ident $(, $more:ident)*) => {
        impl<C> $builder<C> {
            /// Makes it a builder of another kind of client.
            #[cfg(feature = "blocking")]
            pub(crate) fn on<D>(self, client: impl FnOnce(C) -> D) -> $builder<D> {
                $builder {
                    client: client(self.client),
                    params: self.params,
                    $($more: self.$more,)*
                    cwd: self.cwd,
                    door: self.door,
                    tools: self.tools,
                }
            }

            /// Adds tools of the program, which the model calls; see [`tool`](crate::tool).
            ///
            /// Needs [`CodexConfig::experimental_api`](crate::CodexConfig::experimental_api). A thread has the tools
            /// that it was started with for as long as it lives: where it is resumed or forked, this only brings their
            /// closures.
            #[cfg(feature = "tools")]
            pub fn tools(mut self, tools: impl IntoIterator<Item = $crate::tool::Tool>) -> Self {
                self.tools.extend(tools);
                self
            }

            /// Changes the params that are sent, after all setters: for what no setter offers.
            ///
            /// A later call adds to the earlier ones.
            pub fn with<F>(mut self, change: F) -> Self
            where
                F: FnOnce(&mut codex_types::$params) + Clone + Send + Sync + 'static,
            {
                self.door.add(change);
                self
            }

            /// Sets who decides when the agent asks to do more than its sandbox allows.
            pub fn approval_mode(mut self, mode: $crate::ApprovalMode) -> Self {
                let (policy, reviewer) = $crate::policy::approval(mode);
                self.params.approval_policy = Some(policy);
                self.params.approvals_reviewer = reviewer;
                self
            }

            /// Sets the instructions that stand in for the runtime's own.
            pub fn base_instructions(mut self, text: impl Into<String>) -> Self {
                self.params.base_instructions = Some(text.into());
                self
            }

            /// Sets overrides of the runtime's configuration for this thread, by dotted key.
            pub fn config(mut self, config: serde_json::Map<String, serde_json::Value>) -> Self {
                self.params.config = Some(config);
                self
            }

            /// Sets the folder that the agent works in; one that is relative is of this process's
            /// folder.
            pub fn cwd(mut self, dir: impl Into<std::path::PathBuf>) -> Self {
                self.cwd = Some(dir.into());
                self
            }

            /// Sets instructions that are added to the base instructions.
            pub fn developer_instructions(mut self, text: impl Into<String>) -> Self {
                self.params.developer_instructions = Some(text.into());
                self
            }

            /// Sets the model.
            pub fn model(mut self, model: impl Into<String>) -> Self {
                self.params.model = Some(model.into());
                self
            }

            /// Sets the provider of the model, by its key in the runtime's configuration.
            pub fn model_provider(mut self, provider: impl Into<String>) -> Self {
                self.params.model_provider = Some(provider.into());
                self
            }

            /// Sets what the agent may touch without asking.
            pub fn sandbox(mut self, sandbox: $crate::Sandbox) -> Self {
                self.params.sandbox = Some($crate::policy::sandbox_mode(sandbox));
                self
            }

            /// Sets the service tier.
            pub fn service_tier(mut self, tier: impl Into<String>) -> Self {
                self.params.service_tier = Some(Some(tier.into()));
                self
            }

            /// Takes the service tier of the configuration back.
            pub fn default_service_tier(mut self) -> Self {
                self.params.service_tier = Some(None);
                self
            }
        }
    };
}

pub(super) use thread_options;

/// Returns a path as the text that the wire knows; one that is relative is of this process's folder.
///
/// # Errors
///
/// [`Error::InvalidInput`] if it is empty or not Unicode.
pub(crate) fn path(path: Option<PathBuf>) -> Result<Option<String>> {
    let Some(path) = path else {
        return Ok(None);
    };
    let path = std::path::absolute(&path).map_err(|error| {
        Error::InvalidInput(format!(
            "the path {path:?} cannot be made absolute: {error}; give an absolute one"
        ))
    })?;
    match path.into_os_string().into_string() {
        Ok(text) => Ok(Some(text)),
        Err(path) => Err(Error::InvalidInput(format!(
            "the path {path:?} is not Unicode, and the runtime takes no other paths: rename it"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_not_unicode_is_refused() {
        use std::ffi::OsString;
        use std::os::unix::ffi::OsStringExt;
        let bytes = PathBuf::from(OsString::from_vec(vec![b'/', 0xff]));
        assert!(matches!(path(Some(bytes)), Err(Error::InvalidInput(_))));
        assert_eq!(path(Some("/a".into())).unwrap().as_deref(), Some("/a"));
    }

    #[test]
    fn a_relative_path_is_of_the_folder_of_this_process() {
        let here = std::env::current_dir().unwrap().join("a");
        let sent = path(Some("a".into())).unwrap();
        assert_eq!(sent.as_deref(), here.to_str());
        assert!(matches!(path(Some("".into())), Err(Error::InvalidInput(_))));
    }
}
