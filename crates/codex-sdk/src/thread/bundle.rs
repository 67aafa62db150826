//! Threads that travel: exported from one home of the runtime, imported into another.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use codex_types::{
    ThreadGoal, ThreadGoalGetParams, ThreadGoalSetParams, ThreadGoalStatus, ThreadId,
};
use serde::de::Error as _;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

mod files;

use super::{Thread, ThreadResume};
use crate::client::Codex;
use crate::error::{Error, Result};

/// A thread that travels to another home of the runtime: what is stored of it, as bytes that are not read.
///
/// ```no_run
/// # async fn example(thread: openai_codex::Thread, other: openai_codex::Codex) -> openai_codex::Result<()> {
/// let bundle = thread.export().await?;
/// let text = serde_json::to_string(&bundle).expect("it is JSON");
/// // On another machine:
/// let bundle = serde_json::from_str(&text).expect("it was JSON");
/// let thread = other.thread_import(bundle).cwd("/srv/checkout").await?;
/// # Ok(())
/// # }
/// ```
///
/// It has the history with the prompts, commands, their output and images of the thread and of its sub-agents: keep it
/// as you keep those. Its `Debug` form holds sizes only.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct ThreadBundle {
    /// The id, which the thread keeps.
    pub thread_id: ThreadId,
    /// The version of the runtime that has exported it.
    pub runtime_version: String,
    /// The name of the thread.
    pub name: Option<String>,
    /// The goal of the thread.
    pub goal: Option<ThreadGoal>,
    /// The stored history, by its path below the home: that of the thread, and those of its sub-agents.
    pub rollouts: BTreeMap<String, Arc<[u8]>>,
}

impl fmt::Debug for ThreadBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: BTreeMap<_, _> = self
            .rollouts
            .iter()
            .map(|(path, bytes)| (path, bytes.len()))
            .collect();
        f.debug_struct("ThreadBundle")
            .field("thread_id", &self.thread_id)
            .field("runtime_version", &self.runtime_version)
            .field("rollouts", &sizes)
            .finish_non_exhaustive()
    }
}

impl Serialize for ThreadBundle {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let rollouts = self.rollouts.iter();
        let rollouts: BTreeMap<&str, String> = rollouts
            .map(|(path, bytes)| (path.as_str(), STANDARD.encode(bytes)))
            .collect();
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("thread_id", &self.thread_id)?;
        map.serialize_entry("runtime_version", &self.runtime_version)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("goal", &self.goal)?;
        map.serialize_entry("rollouts", &rollouts)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for ThreadBundle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        fn read<T: serde::de::DeserializeOwned, E: serde::de::Error>(
            members: &mut BTreeMap<String, Value>,
            name: &'static str,
        ) -> std::result::Result<T, E> {
            let member = members.remove(name).unwrap_or_default();
            serde_json::from_value(member).map_err(|error| E::custom(format!("{name}: {error}")))
        }

        let mut members = BTreeMap::<String, Value>::deserialize(deserializer)?;
        let rollouts: BTreeMap<String, String> = read(&mut members, "rollouts")?;
        let rollouts = rollouts.into_iter().map(|(path, text)| {
            let bytes = STANDARD.decode(text).map_err(D::Error::custom)?;
            Ok((path, bytes.into()))
        });
        Ok(Self {
            thread_id: read(&mut members, "thread_id")?,
            runtime_version: read(&mut members, "runtime_version")?,
            name: read(&mut members, "name")?,
            goal: read(&mut members, "goal")?,
            rollouts: rollouts.collect::<std::result::Result<_, D::Error>>()?,
        })
    }
}

impl Thread {
    /// Exports the thread with its sub-agents, to be imported into another home of the runtime.
    ///
    /// ```no_run
    /// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
    /// let bundle = thread.export().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// It reads the thread (`thread/read`, `thread/goal/get`, `thread/list`) and copies the bytes of its files from
    /// the runtime's machine (`fs/readFile`). A turn that runs is interrupted in the copy, and goes on here. The
    /// configuration, its MCP servers and the folder of the thread do not travel.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for a thread that is not stored, because it is ephemeral or has had no turn; else as
    /// [`Codex::request`].
    pub async fn export(&self) -> Result<ThreadBundle> {
        let codex = self.codex();
        let own = self.read().await?.thread;
        let goal = match codex.request(ThreadGoalGetParams::new(self.id())).await {
            Ok(answer) => answer.goal,
            // A runtime without goals.
            Err(Error::Rpc { .. }) => None,
            Err(error) => return Err(error),
        };
        let mut rollouts = BTreeMap::new();
        let mut paths = vec![own.path];
        paths.extend(codex.descendants(self.id()).await?);
        for path in paths {
            let Some(path) = path else {
                return Err(Error::InvalidInput(
                    "the thread, or one of its sub-agents, is ephemeral, and so not stored: only stored threads can be exported".into(),
                ));
            };
            let below = Codex::below_home(&path)?;
            let bytes = codex.read_file(&path).await?.ok_or_else(|| {
                Error::InvalidInput(
                    "the thread is not stored yet: run a turn on it before it is exported".into(),
                )
            })?;
            rollouts.insert(below, bytes.into());
        }
        Ok(ThreadBundle {
            thread_id: self.id().clone(),
            runtime_version: codex.server_info().runtime_version.clone(),
            name: own.name,
            goal,
            rollouts,
        })
    }

    /// Gives an imported thread what its files do not hold.
    pub(super) async fn take_from(&self, bundle: &ThreadBundle) -> Result<()> {
        if let Some(name) = &bundle.name {
            self.set_name(name).await?;
        }
        if let Some(goal) = &bundle.goal {
            let mut params = ThreadGoalSetParams::new(self.id()).objective(&goal.objective);
            // An active one would start a turn at once.
            params.status = Some(match &goal.status {
                ThreadGoalStatus::Active => ThreadGoalStatus::Paused,
                status => status.clone(),
            });
            params.token_budget = Some(goal.token_budget);
            self.codex().request(params).await?;
        }
        Ok(())
    }
}

impl Codex {
    /// Imports a thread that was exported elsewhere, and resumes it.
    ///
    /// ```no_run
    /// # async fn example(codex: openai_codex::Codex, bundle: openai_codex::ThreadBundle) -> openai_codex::Result<()> {
    /// let thread = codex.thread_import(bundle).cwd("/srv/checkout").await?;
    /// println!("{}", thread.run("Go on.").await?.text());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The files are written into the runtime's home (`fs/createDirectory`, `fs/writeFile`), then the thread is resumed
    /// and given its name and its goal; a goal that was active comes paused. Give it the folder that it works in, for
    /// that of the other machine is stored with it. A thread that is there already, and that the bundle continues, is
    /// replaced by it.
    ///
    /// Awaiting it fails with [`Error::InvalidInput`] for a bundle of a newer runtime than this one, for a thread that
    /// has gone on differently here, and for one that this runtime has loaded; else as [`Codex::thread_resume`].
    pub fn thread_import(&self, bundle: ThreadBundle) -> ThreadResume {
        ThreadResume::import(self.clone(), bundle)
    }
}

#[cfg(test)]
mod tests {
    use super::files::check_path;
    use super::*;

    #[test]
    fn only_paths_of_stored_threads_are_written() {
        assert!(check_path("sessions/2026/11/29/rollout-2026-11-29T00-00-00-0199.jsonl").is_ok());
        for path in [
            "",
            "config.toml",
            "sessions/../config.toml",
            "sessions/../rollout-x.jsonl",
            "/sessions/rollout-x.jsonl",
            "sessions//rollout-x.jsonl",
            "sessions/2026\\..\\rollout-x",
            "sessions/other.jsonl",
            "rollout-x.jsonl",
        ] {
            assert!(check_path(path).is_err(), "{path}");
        }
    }

    #[test]
    fn a_bundle_is_json_and_shows_no_bytes() {
        let bundle = ThreadBundle {
            thread_id: "th".into(),
            runtime_version: crate::RUNTIME_VERSION.into(),
            name: Some("name".into()),
            goal: None,
            rollouts: BTreeMap::from([(
                "sessions/rollout-th".into(),
                Arc::from(&b"\xffsecret"[..]),
            )]),
        };
        let text = serde_json::to_string(&bundle).unwrap();
        assert_eq!(serde_json::from_str::<ThreadBundle>(&text).unwrap(), bundle);
        assert!(!format!("{bundle:?}").contains("secret"));
        let torn = text.replace("\"thread_id\":\"th\"", "\"thread_id\":3");
        let error = serde_json::from_str::<ThreadBundle>(&torn).unwrap_err();
        assert!(error.to_string().contains("thread_id"), "{error}");
    }
}
