//! The files of stored threads, on the runtime's machine.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use codex_runtime::Version;
use codex_types::request::ClientRequest as _;
use codex_types::{
    AbsolutePathBuf, FsCreateDirectoryParams, FsReadFileParams, FsWriteFileParams, SessionSource,
    SubAgentSource, ThreadId, ThreadListParams, ThreadSourceKind,
};

use super::ThreadBundle;
use crate::client::Codex;
use crate::error::{Error, Result};
use crate::pages::Threads;

/// The folder of a home in which threads are stored.
const SESSIONS: &str = "sessions";

impl Codex {
    /// Writes the files of a thread.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if they do not fit in here; else as [`Codex::request`].
    pub(in crate::thread) async fn write_bundle(&self, bundle: &ThreadBundle) -> Result<()> {
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
            return Err(Error::InvalidInput(format!(
                "the bundle has no file of its own thread, {}: export it again",
                bundle.thread_id
            )));
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
                return Err(Error::InvalidInput(format!(
                    "the thread {} {how}, and would lose that by the import ({below}); resume the one that is here, or \
                     delete it first",
                    bundle.thread_id
                )));
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
    pub(super) async fn descendants(&self, thread: &ThreadId) -> Result<Vec<Option<String>>> {
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
    pub(super) async fn read_file(&self, path: &str) -> Result<Option<Vec<u8>>> {
        match self.request(FsReadFileParams::new(path)).await {
            Ok(file) => {
                let bytes = STANDARD.decode(file.data_base64);
                Ok(Some(bytes.map_err(|_| Error::UnexpectedResponse {
                    method: FsReadFileParams::METHOD.into(),
                    reason: "the contents of the file are not base64".into(),
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

    /// Returns the path of a stored thread below the runtime's home, with `/` between its parts.
    pub(super) fn below_home(path: &str) -> Result<String> {
        // The home itself may be written in another way, for links in it.
        let path = path.replace('\\', "/");
        let folder = format!("/{SESSIONS}/");
        let below = path.rfind(&folder).map(|at| path[at + 1..].to_owned());
        let below = below.ok_or_else(|| {
            Error::InvalidInput(format!(
                "the runtime keeps the thread in {path:?}, outside of its folder {SESSIONS:?}, from where it cannot be \
                 exported"
            ))
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
pub(super) fn check_path(path: &str) -> Result<()> {
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
            "{path:?} is not the path of a stored thread; nothing is written there"
        ))),
    }
}
