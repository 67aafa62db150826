//! An isolated home and workspace for a runtime under test.

mod config;
mod environment;
mod place;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use codex_runtime::Isolation;
use serde_json::{Value, json};

use self::config::Config;
pub(crate) use self::place::{default_parent, remove_folder};
use crate::error::TestkitError;
use crate::model::MockModel;

/// Isolates a runtime: its own `CODEX_HOME`, workspace and environment.
///
/// Its `config.toml` points every request at a [`MockModel`], so that nothing
/// leaves the machine, and [`env`](Self::env) with
/// [`env_remove`](Self::env_remove) keep the user's keys and proxies out. The
/// folders are removed when the home is dropped; stop the runtime before.
///
/// ```
/// use codex_testkit::{Home, MockModel};
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), codex_testkit::TestkitError> {
/// let model = MockModel::start().await?;
/// let home = Home::builder(&model)
///     .approval_policy("on-request")
///     .config("features.goals", json!(false))
///     .build()?;
/// let mut command = home.command("codex");
/// command.arg("app-server");
/// assert_eq!(command.get_current_dir(), Some(home.workspace()));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Home {
    root: PathBuf,
    codex_home: PathBuf,
    workspace: PathBuf,
    user: PathBuf,
}

/// Sets up a [`Home`]; made by [`Home::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct HomeBuilder {
    config: Config,
    parent: Option<PathBuf>,
    files: Vec<(PathBuf, String)>,
}

impl Home {
    /// Makes a home for `model`: model `mock-model`, no approvals, read-only sandbox.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Io`] if the folders cannot be made.
    pub fn new(model: &MockModel) -> Result<Self, TestkitError> {
        Self::builder(model).build()
    }

    /// Starts to set up a home for `model`.
    pub fn builder(model: &MockModel) -> HomeBuilder {
        HomeBuilder {
            config: Config::for_model(model),
            parent: None,
            files: Vec::new(),
        }
    }

    /// Returns the folder that holds the others.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the folder for `CODEX_HOME`.
    pub fn codex_home(&self) -> &Path {
        &self.codex_home
    }

    /// Returns the folder that the agent works in.
    pub fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// Lists the variables to set for the runtime.
    ///
    /// The user's own home folder is replaced too: skills and shell profiles in
    /// it are not the test's.
    pub fn env(&self) -> Vec<(&'static str, OsString)> {
        vec![
            ("CODEX_HOME", self.codex_home.clone().into()),
            ("CODEX_APP_SERVER_DISABLE_MANAGED_CONFIG", "1".into()),
            ("OPENAI_API_KEY", "".into()),
            ("HOME", self.user.clone().into()),
            ("USERPROFILE", self.user.clone().into()),
            // Git must not find the checkout that the workspace may lie in.
            ("GIT_CEILING_DIRECTORIES", self.root.clone().into()),
        ]
    }

    /// Lists the variables of this process to keep from the runtime.
    pub fn env_remove(&self) -> Vec<OsString> {
        let set = self.env();
        let kept: Vec<&str> = set.iter().map(|(key, _)| *key).collect();
        environment::to_remove(&kept)
    }

    /// Makes a command for `program` with this environment, in the workspace.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.workspace);
        for key in self.env_remove() {
            command.env_remove(key);
        }
        command.envs(self.env());
        command
    }

    /// Writes a file of the workspace, with the folders above it.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Io`] if it cannot be written.
    pub fn write(
        &self,
        path: impl AsRef<Path>,
        contents: impl AsRef<[u8]>,
    ) -> Result<PathBuf, TestkitError> {
        write_file(&self.workspace.join(path), contents.as_ref())
    }

    /// Reads a file of the workspace as text; `None` if there is none.
    pub fn read(&self, path: impl AsRef<Path>) -> Option<String> {
        std::fs::read_to_string(self.workspace.join(path)).ok()
    }
}

impl Isolation for Home {
    fn cwd(&self) -> PathBuf {
        self.workspace.clone()
    }

    fn env(&self) -> Vec<(OsString, OsString)> {
        let set = Home::env(self).into_iter();
        set.map(|(key, value)| (key.into(), value)).collect()
    }

    fn env_remove(&self) -> Vec<OsString> {
        Home::env_remove(self)
    }
}

impl Drop for Home {
    /// Removes the folders. It may block for a second where a process that is
    /// ending still holds a file.
    fn drop(&mut self) {
        remove_folder(&self.root);
    }
}

impl HomeBuilder {
    /// Sets `approval_policy`: `untrusted`, `on-request` or `never`.
    pub fn approval_policy(self, policy: &str) -> Self {
        self.config("approval_policy", json!(policy))
    }

    /// Sets `sandbox_mode`: `read-only`, `workspace-write` or `danger-full-access`.
    pub fn sandbox_mode(self, mode: &str) -> Self {
        self.config("sandbox_mode", json!(mode))
    }

    /// Sets the model's name.
    pub fn model(self, name: &str) -> Self {
        self.config("model", json!(name))
    }

    /// Makes the provider use the account's credentials, for tests of logins.
    pub fn requires_openai_auth(self) -> Self {
        self.provider("requires_openai_auth", json!(true))
    }

    /// Sets a member of the mock provider, `stream_max_retries` for example.
    pub fn provider(mut self, key: &str, value: Value) -> Self {
        self.config.set_provider(key, value);
        self
    }

    /// Sets a dotted key of `config.toml`; `null` takes one of the presets out.
    pub fn config(mut self, key: &str, value: Value) -> Self {
        self.config.set(key, value);
        self
    }

    /// Appends text to `config.toml`, after all keys: tables may stand in it.
    pub fn config_toml(mut self, toml: &str) -> Self {
        self.config.append(toml);
        self
    }

    /// Puts a file into the workspace.
    pub fn file(mut self, path: impl Into<PathBuf>, contents: impl Into<String>) -> Self {
        self.files.push((path.into(), contents.into()));
        self
    }

    /// Makes the home in this folder.
    ///
    /// Unless set, it is made under the build's `target` folder, or the user's
    /// cache folder: the runtime warns when its home is a temporary folder.
    pub fn parent(mut self, folder: impl Into<PathBuf>) -> Self {
        self.parent = Some(folder.into());
        self
    }

    /// Makes the folders and writes `config.toml`.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Io`] if the folders cannot be made.
    pub fn build(self) -> Result<Home, TestkitError> {
        let parent = self.parent.unwrap_or_else(default_parent);
        let action = format!("make an isolated home in {}", parent.display());
        let failed = || TestkitError::io(action.clone());
        std::fs::create_dir_all(&parent).map_err(failed())?;
        // The runtime reports real paths; a test compares them with these.
        let parent = real_path(&parent).map_err(failed())?;
        let root = tempfile::Builder::new()
            .prefix("home-")
            .tempdir_in(&parent)
            .map_err(failed())?
            .keep();
        let home = Home {
            codex_home: root.join("codex-home"),
            workspace: root.join("workspace"),
            user: root.join("user"),
            root,
        };
        for folder in [&home.codex_home, &home.workspace, &home.user] {
            std::fs::create_dir(folder).map_err(failed())?;
        }
        let config = self.config.to_toml();
        write_file(&home.codex_home.join("config.toml"), config.as_bytes())?;
        for (path, contents) in &self.files {
            home.write(path, contents)?;
        }
        Ok(home)
    }
}

/// Resolves links; on Windows the result would be a `\\?\` path, which many
/// programs refuse, so that the path stays as it is.
fn real_path(path: &Path) -> std::io::Result<PathBuf> {
    if cfg!(windows) {
        std::path::absolute(path)
    } else {
        path.canonicalize()
    }
}

fn write_file(path: &Path, contents: &[u8]) -> Result<PathBuf, TestkitError> {
    let failed = || TestkitError::io(format!("write {}", path.display()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed())?;
    }
    std::fs::write(path, contents).map_err(failed())?;
    Ok(path.to_owned())
}
