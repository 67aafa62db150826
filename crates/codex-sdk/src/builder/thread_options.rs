//! The setters that starting, resuming and forking a thread share.

/// Adds the shared setters to a builder with `params` and `cwd`.
macro_rules! thread_options {
    ($builder:ident) => {
        impl<C> $builder<C> {
            /// Makes it a builder of another twin of the client.
            #[cfg(feature = "blocking")]
            pub(crate) fn on<D>(self, client: impl FnOnce(C) -> D) -> $builder<D> {
                $builder {
                    client: client(self.client),
                    params: self.params,
                    cwd: self.cwd,
                }
            }

            /// Sets who decides when the agent asks to do more than its sandbox allows.
            pub fn approval_mode(mut self, mode: $crate::ApprovalMode) -> Self {
                let (policy, reviewer) = $crate::builder::wire::approval(mode);
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
                self.params.sandbox = Some($crate::builder::wire::sandbox_mode(sandbox));
                self
            }

            /// Sets the service tier; `None` takes the one of the configuration back.
            pub fn service_tier(mut self, tier: impl Into<Option<String>>) -> Self {
                self.params.service_tier = Some(tier.into());
                self
            }
        }
    };
}

pub(super) use thread_options;
