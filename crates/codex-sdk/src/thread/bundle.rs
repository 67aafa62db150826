//! Threads that travel: exported from one home of the runtime, imported into another.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use codex_runtime::Version;
use codex_types::request::ClientRequest as _;
use codex_types::{
    AbsolutePathBuf, FsCreateDirectoryParams, FsReadFileParams, FsWriteFileParams, SessionSource,
    SubAgentSource, ThreadGoal, ThreadGoalGetParams, ThreadGoalSetParams, ThreadGoalStatus,
    ThreadId, ThreadListParams, ThreadSourceKind,
};
use serde::de::Error as _;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{Thread, ThreadResume};
use crate::client::Codex;
use crate::error::{Error, Result};
use crate::pages::Threads;

/// The folder of a home in which threads are stored.
const SESSIONS: &str = "sessions";

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
        map.serialize_entry("threadId", &self.thread_id)?;
        map.serialize_entry("runtimeVersion", &self.runtime_version)?;
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
            thread_id: read(&mut members, "threadId")?,
            runtime_version: read(&mut members, "runtimeVersion")?,
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
                    "the thread, or one of its sub-agents, is not stored: it is ephemeral".into(),
                ));
            };
            let below = codex.below_home(&path)?;
            let bytes = codex.read_file(&path).await?.ok_or_else(|| {
                Error::InvalidInput("the thread is not stored: it has had no turn yet".into())
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

    /// Writes the files of a thread.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if they do not fit in here; else as [`Codex::request`].
    pub(super) async fn write_bundle(&self, bundle: &ThreadBundle) -> Result<()> {
        let own = &self.server_info().runtime_version;
        if let (Ok(theirs), Ok(ours)) = (bundle.runtime_version.parse::<Version>(), own.parse())
            && theirs > ours
        {
            return Err(Error::InvalidInput(format!(
                "the thread comes from runtime {theirs}, which is newer than this one, {ours}; update this runtime"
            )));
        }
        for path in bundle.rollouts.keys() {
            check_path(path)?;
        }
        // The thread itself comes last, so that it is there once all of it is.
        let is_own = |path: &str| path.contains(bundle.thread_id.as_str());
        if !bundle.rollouts.keys().any(|path| is_own(path)) {
            return Err(Error::InvalidInput(
                "the bundle does not hold its thread".into(),
            ));
        }
        let mut rollouts: Vec<_> = bundle.rollouts.iter().collect();
        rollouts.sort_by_key(|(path, _)| is_own(path));
        let mut is_loaded = None;
        for (below, bytes) in rollouts {
            let path = self.in_home(below);
            let known = self.read_file(&path).await?.unwrap_or_default();
            if known == **bytes {
                continue;
            }
            if !bytes.starts_with(&known) {
                let how = match known.starts_with(bytes) {
                    true => "has gone on here since it was exported",
                    false => "has gone on differently here",
                };
                return Err(Error::InvalidInput(format!("the thread {how}: {below}")));
            }
            let is_loaded = match is_loaded {
                Some(known) => known,
                None => *is_loaded.insert(self.has_loaded(&bundle.thread_id).await?),
            };
            if is_loaded {
                return Err(Error::InvalidInput(
                    "the runtime has the thread loaded: archive it there first, or end the runtime"
                        .into(),
                ));
            }
            self.write_file(&path, bytes).await?;
        }
        Ok(())
    }

    /// Returns the paths of the threads of a thread's sub-agents, at any depth.
    ///
    /// The runtime lists those of one thread to clients of its experimental API only.
    async fn descendants(&self, thread: &ThreadId) -> Result<Vec<Option<String>>> {
        let kinds = [
            ThreadSourceKind::SubAgent,
            ThreadSourceKind::SubAgentThreadSpawn,
            ThreadSourceKind::SubAgentOther,
        ];
        let list = ThreadListParams::default()
            .model_providers([])
            .source_kinds(kinds);
        let mut listed = Threads::new(self.clone(), list);
        let mut agents = Vec::new();
        while let Some(agent) = listed.next().await {
            agents.push(agent?);
        }
        let mut family = vec![thread.to_string()];
        let mut paths = Vec::new();
        loop {
            let found: Vec<_> = agents
                .extract_if(.., |agent| is_child_of(agent, &family))
                .collect();
            if found.is_empty() {
                return Ok(paths);
            }
            for agent in found {
                family.push(agent.id.to_string());
                paths.push(agent.path);
            }
        }
    }

    /// Reads a file of the runtime's machine; `None` if there is none.
    async fn read_file(&self, path: &str) -> Result<Option<Vec<u8>>> {
        match self.request(FsReadFileParams::new(path)).await {
            Ok(file) => {
                let bytes = STANDARD.decode(file.data_base64);
                Ok(Some(bytes.map_err(|_| Error::UnexpectedResponse {
                    method: FsReadFileParams::METHOD.into(),
                    reason: "it is no base64".into(),
                    raw: None,
                })?))
            }
            Err(Error::Rpc { source, .. }) if is_missing(&source.message) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn write_file(&self, path: &str, bytes: &[u8]) -> Result<()> {
        if let Some((folder, _)) = path.rsplit_once(['/', '\\']) {
            self.request(FsCreateDirectoryParams::new(folder).recursive(true))
                .await?;
        }
        let file = FsWriteFileParams::new(STANDARD.encode(bytes), AbsolutePathBuf::from(path));
        self.request(file).await?;
        Ok(())
    }

    /// Returns a path below the runtime's home, with `/` between its parts.
    fn below_home(&self, path: &str) -> Result<String> {
        let below = path.strip_prefix(&*self.server_info().codex_home);
        let below = below.map(|below| below.trim_start_matches(['/', '\\']).replace('\\', "/"));
        let below = below.ok_or_else(|| {
            Error::InvalidInput("the thread is stored outside of the runtime's home".into())
        })?;
        check_path(&below)?;
        Ok(below)
    }

    fn in_home(&self, below: &str) -> String {
        let home = &self.server_info().codex_home;
        match home.contains('\\') {
            true => format!("{home}\\{}", below.replace('/', "\\")),
            false => format!("{home}/{below}"),
        }
    }
}

/// Tells whether a thread is that of a sub-agent of one of these threads. The runtime lists it by its source before it
/// knows it by its parent.
fn is_child_of(thread: &codex_types::Thread, family: &[String]) -> bool {
    let spawned_by = match &thread.source {
        SessionSource::SubAgent(SubAgentSource::ThreadSpawn(spawn)) => {
            Some(&*spawn.parent_thread_id)
        }
        _ => None,
    };
    let parent = thread.parent_thread_id.as_deref();
    let is_of_family = |id: &str| family.iter().any(|member| member == id);
    parent.or(spawned_by).is_some_and(is_of_family)
}

/// Tells whether the runtime refused to read a file because there is none, or no folder for it. It passes on the
/// system's text, which ends with the system's number.
fn is_missing(refusal: &str) -> bool {
    ["(os error 2)", "(os error 3)"]
        .iter()
        .any(|number| refusal.contains(number))
}

/// Refuses a path that is not one of a stored thread: bundles come from elsewhere.
fn check_path(path: &str) -> Result<()> {
    let parts: Vec<&str> = path.split('/').collect();
    let is_plain = |part: &&str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
    };
    let name = parts.last().copied().unwrap_or_default();
    let is_stored = parts.len() > 1
        && parts[0] == SESSIONS
        && parts.iter().all(is_plain)
        && name.starts_with("rollout-");
    match is_stored {
        true => Ok(()),
        false => Err(Error::InvalidInput(format!(
            "{path:?} is no path of a stored thread"
        ))),
    }
}

#[cfg(test)]
mod tests {
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
            runtime_version: "0.169.0".into(),
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
        let torn = text.replace("\"threadId\":\"th\"", "\"threadId\":3");
        let error = serde_json::from_str::<ThreadBundle>(&torn).unwrap_err();
        assert!(error.to_string().contains("threadId"), "{error}");
    }
}
