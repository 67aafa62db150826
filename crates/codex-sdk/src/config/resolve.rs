//! Validates a [`CodexConfig`] and derives the launch and the connection's settings from it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use codex_runtime::{Launch, Runtime};
use codex_types::{ClientInfo, InitializeCapabilities, InitializeParams};

use super::CodexConfig;
use crate::error::{Error, Result};
use crate::handler::Handlers;
use crate::names::{ITEM_STARTED, REQUIRED_NOTIFICATIONS};
use crate::retry::RetryPolicy;
use crate::secrets::{self, Secrets};

/// The settings of a connection.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionConfig {
    /// How long an attempt may take, the wait for its turn included.
    pub(crate) timeout: Option<Duration>,
    pub(crate) max_in_flight: usize,
    pub(crate) retry: RetryPolicy,
    pub(crate) handlers: Handlers,
    pub(crate) max_line_bytes: usize,
    pub(crate) secrets: Arc<Secrets>,
    /// Whether the client is told of items when they start.
    pub(crate) announces_items: bool,
    /// From how many bytes on the other end takes no message.
    pub(crate) too_long_message: Option<usize>,
}

impl ConnectionConfig {
    /// Returns why a message of so many bytes is not sent, if it is not.
    pub(crate) fn too_long(&self, bytes: usize) -> Option<String> {
        let limit = self.too_long_message.filter(|limit| bytes >= *limit)?;
        Some(format!(
            "the message has {bytes} bytes, and a remote runtime takes fewer than {limit}: send less at once"
        ))
    }

    /// Refuses what needs to be told of items when they start, where the client does without that.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`].
    pub(crate) fn check_announced(&self, what: &str) -> Result<()> {
        match self.announces_items {
            true => Ok(()),
            false => Err(needs_items(what)),
        }
    }
}

impl CodexConfig {
    /// Returns why this configuration cannot be used.
    pub(crate) fn check(&self) -> Result<()> {
        for (key, value) in &self.overrides {
            if let Err(reason) = value {
                return Err(invalid(format!(
                    "the config override of {key:?} cannot be written: {reason}"
                )));
            }
        }
        if let Some(method) = self
            .opt_out
            .iter()
            .find(|method| REQUIRED_NOTIFICATIONS.contains(&method.as_str()))
        {
            return Err(invalid(format!(
                "turns need the notification {method}: take it out of `opt_out_notification`"
            )));
        }
        if self.handlers.approver().is_some() && !self.announces_items() {
            return Err(needs_items("`on_approval`"));
        }
        let printable = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if self.client_name.trim().is_empty() || !printable(&self.client_name) {
            return Err(invalid(format!(
                "the client name {:?} cannot go into an HTTP header; use printable ASCII",
                self.client_name
            )));
        }
        Ok(())
    }

    /// Returns why no process can be started with this configuration, whichever it is.
    pub(crate) fn check_launch(&self) -> Result<()> {
        let launch = match self.custom_launch()? {
            Some(launch) => launch,
            // What it runs is not known yet; the rest is the same for all.
            None => self.prepare(self.overridden(Launch::command_line(["codex"])))?,
        };
        launch.check().map_err(refused)
    }

    /// Returns which setting of this configuration only a process has.
    pub(crate) fn check_without_process(&self) -> Result<()> {
        let settings = [
            ("codex_bin", self.codex_bin.is_some()),
            ("launch_command", self.launch_command.is_some()),
            ("cwd", self.cwd.is_some()),
            ("env", !self.env.is_empty()),
            ("env_clear", self.env_clear),
            ("config_override", !self.overrides.is_empty()),
        ];
        match settings.into_iter().find(|(_, is_set)| *is_set) {
            Some((name, _)) => Err(invalid(format!(
                "`{name}` is for a process, and this client starts none; remove it"
            ))),
            None => Ok(()),
        }
    }

    /// Returns the executable that was set.
    pub(crate) fn explicit_bin(&self) -> Option<&PathBuf> {
        self.codex_bin.as_ref()
    }

    /// Returns how the command line that replaces the runtime is launched, if one was set.
    pub(crate) fn custom_launch(&self) -> Result<Option<Launch>> {
        let argv = self.launch_command.clone();
        argv.map(|argv| self.prepare(Launch::command_line(argv)))
            .transpose()
    }

    /// Returns how a runtime is launched.
    pub(crate) fn launch(&self, runtime: &Runtime) -> Result<Launch> {
        self.prepare(self.overridden(Launch::new(runtime)))
    }

    fn overridden(&self, launch: Launch) -> Launch {
        let overrides = self.overrides.iter();
        overrides.fold(launch, |launch, (key, value)| match value {
            Ok(value) => launch.config(key, value),
            Err(_) => launch,
        })
    }

    fn prepare(&self, mut launch: Launch) -> Result<Launch> {
        if self.env_clear {
            launch = launch.env_clear();
        }
        for (key, value) in &self.env {
            launch = match value {
                Some(value) => launch.env(key, value),
                None => launch.env_remove(key),
            };
        }
        match &self.cwd {
            Some(dir) => Ok(launch.cwd(absolute(dir)?)),
            None => Ok(launch),
        }
    }

    /// Whether the client asks for the experimental API.
    pub(crate) fn is_experimental(&self) -> bool {
        self.experimental_api
    }

    /// Returns the params of the handshake.
    pub(crate) fn initialize(&self) -> InitializeParams {
        let info = ClientInfo::default()
            .name(&self.client_name)
            .version(&self.client_version);
        let mut capabilities = InitializeCapabilities::default();
        if self.experimental_api {
            capabilities = capabilities.experimental_api(true);
        }
        if !self.opt_out.is_empty() {
            capabilities = capabilities.opt_out_notification_methods(self.opt_out.clone());
        }
        InitializeParams::new(info).capabilities(capabilities)
    }

    pub(crate) fn connection(&self) -> ConnectionConfig {
        ConnectionConfig {
            timeout: self.request_timeout,
            max_in_flight: self.max_in_flight,
            retry: self.retry.clone(),
            handlers: self.handlers.clone(),
            max_line_bytes: self.max_line_bytes,
            secrets: Arc::new(self.secrets()),
            announces_items: self.announces_items(),
            too_long_message: None,
        }
    }

    fn announces_items(&self) -> bool {
        !self.opt_out.iter().any(|method| method == ITEM_STARTED)
    }

    /// Collects what the runtime is given and may quote: the secrets of the overrides and of its
    /// environment.
    fn secrets(&self) -> Secrets {
        let inherited = std::env::vars_os().filter(|_| !self.env_clear);
        let set = self.env.iter().cloned();
        let set = set.filter_map(|(name, value)| Some((name, value?)));
        let environment = inherited
            .chain(set)
            .filter(|(name, _)| secrets::names_a_secret(&name.to_string_lossy()))
            .map(|(_, value)| value.to_string_lossy().into_owned());
        Secrets::new(environment.chain(self.secrets.iter().cloned()))
    }
}

/// Makes a folder absolute against that of this process.
fn absolute(dir: &Path) -> Result<PathBuf> {
    std::path::absolute(dir).map_err(|error| {
        invalid(format!(
            "the working folder {:?} cannot be made absolute: {error}; give an absolute one",
            dir.as_os_str()
        ))
    })
}

/// Turns a refusal of what the caller passed into this crate's error for that.
fn refused(error: codex_runtime::Error) -> Error {
    match error {
        codex_runtime::Error::InvalidLaunch { reason } => invalid(reason),
        other => Error::Runtime(other),
    }
}

/// Makes the refusal of what needs to be told of items when they start: the change that is to be approved, and the
/// command that counts, come with that.
fn needs_items(what: &str) -> Error {
    invalid(format!(
        "{what} needs the notification {ITEM_STARTED}: take it out of `opt_out_notification`"
    ))
}

fn invalid(reason: String) -> Error {
    Error::InvalidInput(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(config: CodexConfig) -> String {
        match config.check().and_then(|()| config.check_launch()) {
            Err(Error::InvalidInput(reason)) => reason,
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn what_cannot_be_passed_on_is_refused() {
        assert!(refusal(CodexConfig::new().config_override("a", f64::NAN)).contains("\"a\""));
        for key in ["", " ", "a=b", "a\nb"] {
            refusal(CodexConfig::new().config_override(key, 1));
        }
        assert!(
            refusal(CodexConfig::new().opt_out_notification("turn/completed"))
                .contains("turn/completed")
        );
        refusal(CodexConfig::new().client_info("a\nb", "1"));
        refusal(CodexConfig::new().client_info("", "1"));
        let config = CodexConfig::new().opt_out_notification("item/started");
        config.check().unwrap();
        assert!(config.connection().check_announced("x").is_err());
        let decided = config.on_approval(|_| async { crate::approval::Decision::Decline });
        assert!(refusal(decided).contains("item/started"));
        let fine = CodexConfig::new()
            .config_override("a.b", "c=d\n")
            .opt_out_notification("thread/started");
        fine.check().unwrap();
    }

    #[test]
    fn debug_holds_no_secrets() {
        let config = CodexConfig::new()
            .env("KEY", "sk-1")
            .config_override("token", "sk-2")
            .launch_command(["codex", "--token=sk-3"]);
        let debug = format!("{config:?}");
        assert!(!debug.contains("sk-"), "{debug}");
        assert!(debug.contains("KEY") && debug.contains("token"), "{debug}");
    }
}
