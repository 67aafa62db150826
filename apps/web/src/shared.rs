//! What all requests share: the runtime, the rooms of its threads, and who may come in.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use openai_codex::Codex;
use openai_codex::approval::Approvals;

use crate::desk::Desk;
use crate::guard::Guard;
use crate::reply::Failure;
use crate::room::{Preset, Room, Stages};

/// How many threads are kept; beyond that the one that was unused for the longest time goes.
const ROOMS: usize = 100;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) guard: Guard,
    pub(crate) desk: Desk,
    pub(crate) codex: Codex,
    pub(crate) preset: Preset,
    pub(crate) grace: Duration,
    pub(crate) stages: Stages,
    pub(crate) rooms: Mutex<HashMap<String, Arc<Room>>>,
}

impl Shared {
    /// Starts a thread.
    pub(crate) async fn open_room(&self) -> Result<Arc<Room>, Failure> {
        self.check_running()?;
        let stages = self.stages.clone();
        let room = Room::open(&self.codex, &self.preset, self.grace, stages).await?;
        let room = Arc::new(room);
        let mut rooms = self.rooms();
        if rooms.len() >= ROOMS {
            let unused = rooms
                .values()
                .filter_map(|room| Some((room.unused_since()?, room.id())));
            let Some((_, id)) = unused.min() else {
                let text = "too many conversations are open";
                return Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, text));
            };
            let id = id.to_owned();
            rooms.remove(&id);
        }
        rooms.insert(room.id().to_owned(), Arc::clone(&room));
        Ok(room)
    }

    /// Finds the room of a thread.
    pub(crate) fn room(&self, id: &str) -> Result<Arc<Room>, Failure> {
        self.rooms().get(id).cloned().ok_or_else(|| {
            Failure::new(
                StatusCode::NOT_FOUND,
                "this server has no such conversation",
            )
        })
    }

    /// Refuses what cannot be begun because the server stops.
    pub(crate) fn check_running(&self) -> Result<(), Failure> {
        match self.stages.stopping.is_cancelled() {
            true => Err(Failure::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the server stops",
            )),
            false => Ok(()),
        }
    }

    /// Shows the questions of the agent in their rooms, until the runtime ends.
    pub(crate) async fn ask(self: Arc<Self>, mut approvals: Approvals) {
        while let Some(pending) = approvals.next().await {
            match self.room(&pending.approval().thread_id) {
                Ok(room) => {
                    let shared = Arc::clone(&self);
                    let tasks = self.stages.tasks.clone();
                    tasks.spawn(async move { shared.desk.ask(&room, pending).await });
                }
                // Dropping it declines.
                Err(_) => tracing::warn!("a question of an unknown thread is declined"),
            }
        }
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<String, Arc<Room>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
