//! The work of an attempt, saved for whoever goes on with it.

use openai_codex::Thread;
use sha2::{Digest as _, Sha256};
use std::path::Path;
use tokio::sync::{Mutex, Notify};

use super::claim::Fence;
use crate::record::Saved;
use crate::saved::SavedWork;
use crate::workspace::Workspace;

/// Saves the thread and the workspace: after each batch of items, and before each question.
pub(super) struct Saver<'a> {
    fence: &'a Fence,
    thread: &'a Thread,
    workspace: &'a dyn Workspace,
    folder: &'a Path,
    last: Mutex<Last>,
    wanted: Notify,
}

#[derive(Default)]
struct Last {
    /// What is stored, of whichever attempt.
    object: Option<String>,
    digest: Option<[u8; 32]>,
    number: u64,
}

impl<'a> Saver<'a> {
    pub(super) fn new(
        fence: &'a Fence,
        thread: &'a Thread,
        workspace: &'a dyn Workspace,
        folder: &'a Path,
        stored: Option<&Saved>,
    ) -> Self {
        Self {
            fence,
            thread,
            workspace,
            folder,
            last: Mutex::new(Last {
                object: stored.map(|saved| saved.object.clone()),
                ..Last::default()
            }),
            wanted: Notify::new(),
        }
    }

    /// Asks for it to be saved soon.
    pub(super) fn want(&self) {
        self.wanted.notify_one();
    }

    /// Saves whenever it was asked for: what is asked for while one is on its way is one more.
    pub(super) async fn keep_saving(&self) {
        loop {
            self.wanted.notified().await;
            self.save().await;
        }
    }

    /// Saves it now. What fails is logged: an earlier one is there, or none.
    pub(super) async fn save(&self) {
        let mut last = self.last.lock().await;
        let thread = match self.thread.export().await {
            Ok(thread) => thread,
            Err(error) => {
                tracing::debug!(%error, "the thread is not saved");
                return;
            }
        };
        let workspace = match self.workspace.save(self.folder).await {
            Ok(workspace) => workspace,
            Err(error) => {
                tracing::warn!(%error, "the workspace is not saved");
                None
            }
        };
        let saved = Saved {
            thread: thread.thread_id.clone(),
            object: format!(
                "{}.{}.{}",
                self.fence.job().as_str(),
                self.fence.attempt,
                last.number + 1
            ),
        };
        let bytes = match serde_json::to_vec(&SavedWork { thread, workspace }) {
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::warn!(%error, "the thread is not JSON");
                return;
            }
        };
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        if last.digest == Some(digest) {
            return;
        }
        last.number += 1;
        let store = self.fence.store();
        if let Err(error) = store.put_object(&saved.object, &bytes).await {
            tracing::warn!(%error, "the thread is not saved");
            return;
        }
        if self
            .fence
            .write(|record| record.saved = Some(saved.clone()))
            .await
        {
            last.digest = Some(digest);
            if let Some(old) = last.object.replace(saved.object) {
                store.remove_object(&old).await;
            }
        } else {
            store.remove_object(&saved.object).await;
        }
    }
}
