//! A runtime that has other clients too, over a connection that may be lost.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use codex_types::request::ServerRequest as _;
use codex_types::{DynamicToolCallParams, ThreadResumeParams, TurnStartParams};

use super::effects::RouterEffects;
use super::ledger::Ledger;
use super::serve::Job;
use super::settings::Settings;
use super::{Connection, Routing, Shared};
use crate::event::Notification;
use crate::remote::Unanswered;
use crate::router::{Kind, Routed};

/// How many requests that are left to others are remembered; a runtime has far fewer open.
const MOST_LEFT: usize = 256;

/// The state of a shared runtime.
#[derive(Debug)]
pub(super) struct Sharing {
    rule: Unanswered,
    pub(super) ledger: Ledger,
    /// The threads for which this client answers, whoever starts their turns.
    taken_over: HashSet<Box<str>>,
    /// The turns of others for which it answers.
    approved: Vec<Box<str>>,
    /// The requests that were left to others and are not resolved.
    left: Vec<Job>,
    /// The threads that this client holds.
    held: HashMap<Box<str>, Held>,
}

/// A thread that this client holds.
#[derive(Debug, Default)]
struct Held {
    handles: usize,
    settings: Settings,
    /// Whether the runtime may have forgotten the settings, so that they go with the next turn.
    stale: bool,
    /// Whether its events do not come: a thread without a turn cannot be resumed.
    unheard: bool,
}

impl Sharing {
    pub(super) fn new(rule: Unanswered) -> Self {
        Self {
            rule,
            ledger: Ledger::default(),
            taken_over: HashSet::new(),
            approved: Vec::new(),
            left: Vec::new(),
            held: HashMap::new(),
        }
    }

    /// Forgets what an event says is over.
    pub(super) fn observe(&mut self, event: &Notification) {
        if let (Kind::TurnCompleted, Some(turn)) = (event.kind(), Routed::turn_id(event)) {
            self.approved.retain(|approved| **approved != *turn);
            self.left.retain(|job| turn_of(job) != Some(turn));
        }
        if let Some(id) = event.resolved_request() {
            self.left.retain(|job| *job.id != *id);
        }
    }

    /// Notes that the connection is lost: requests that are open come again.
    pub(super) fn lost(&mut self) {
        self.ledger.lost();
        self.left.clear();
    }

    /// Returns the threads that this client holds.
    pub(super) fn held(&self) -> impl Iterator<Item = &str> {
        self.held.keys().map(|thread| &**thread)
    }

    /// Adds to the resume of a thread the settings that it has.
    pub(super) fn fill_resume(&self, params: &mut ThreadResumeParams) {
        if let Some(held) = self.held.get(&*params.thread_id) {
            held.settings.fill_resume(params);
        }
    }

    /// Notes whether the events of a thread come.
    pub(super) fn hears(&mut self, thread: &str, hears: bool) {
        if let Some(held) = self.held.get_mut(thread) {
            held.unheard = !hears;
        }
    }

    /// Tells whether the events of a thread do not come.
    pub(super) fn is_unheard(&self, thread: &str) -> bool {
        self.held.get(thread).is_some_and(|held| held.unheard)
    }

    /// Notes that the runtime has read a thread anew from its store.
    pub(super) fn stored(&mut self, thread: &str) {
        if let Some(held) = self.held.get_mut(thread) {
            held.stale = true;
        }
    }
}

fn turn_of(job: &Job) -> Option<&str> {
    job.ids.as_ref()?.turn.as_deref()
}

fn thread_of(job: &Job) -> Option<&str> {
    job.ids.as_ref()?.thread.as_deref()
}

impl Routing {
    /// Tells whether this client answers a request, and no other one.
    pub(super) fn answers(&self, job: &Job) -> bool {
        let Some(sharing) = &self.sharing else {
            return true;
        };
        let thread = thread_of(job);
        if thread.is_some_and(|thread| sharing.taken_over.contains(thread)) {
            return true;
        }
        // The closures of a thread's tools are brought by this client, whoever starts its turns.
        if *job.method == *DynamicToolCallParams::METHOD && job.is_handled {
            return true;
        }
        match turn_of(job) {
            Some(turn) => {
                sharing.approved.iter().any(|approved| **approved == *turn)
                    || self.router.has_started(thread, turn)
            }
            None => job.is_handled,
        }
    }

    /// Leaves a request to the other clients, or returns it to be declined.
    pub(super) fn leave(&mut self, job: Job) -> Option<Job> {
        let sharing = self.sharing.as_mut()?;
        if sharing.rule == Unanswered::Decline {
            return Some(job);
        }
        tracing::debug!(method = &*job.method, "leaving a request to other clients");
        if sharing.left.len() == MOST_LEFT {
            sharing.left.remove(0);
        }
        // It comes again with each resume.
        sharing.left.retain(|left| left.id != job.id);
        sharing.left.push(job);
        None
    }

    /// Takes the requests that were left to others and that this client answers now.
    fn claim(&mut self, fx: &mut RouterEffects) -> Vec<Job> {
        let Some(sharing) = &mut self.sharing else {
            return Vec::new();
        };
        let left = std::mem::take(&mut sharing.left);
        let (mine, others): (Vec<Job>, Vec<Job>) =
            left.into_iter().partition(|job| self.answers(job));
        if let Some(sharing) = &mut self.sharing {
            sharing.left = others;
        }
        mine.into_iter()
            .filter_map(|job| self.enter(job, fx))
            .collect()
    }
}

/// A thread that this client holds: it is resumed after a lost connection.
#[derive(Debug)]
pub(crate) struct HeldThread {
    shared: Arc<Shared>,
    thread_id: Box<str>,
}

impl Drop for HeldThread {
    fn drop(&mut self) {
        let mut routing = self.shared.routing();
        if let Some(sharing) = &mut routing.sharing
            && let Some(held) = sharing.held.get_mut(&self.thread_id)
        {
            held.handles -= 1;
            if held.handles == 0 {
                sharing.held.remove(&self.thread_id);
                sharing.taken_over.remove(&self.thread_id);
            }
        }
    }
}

impl HeldThread {
    /// Adds to a turn the settings that the runtime may have forgotten; tells whether there are any.
    pub(crate) fn restore(&self, params: &mut TurnStartParams) -> bool {
        let routing = self.shared.routing();
        let held = routing
            .sharing
            .as_ref()
            .and_then(|sharing| sharing.held.get(&self.thread_id));
        let Some(held) = held.filter(|held| held.stale) else {
            return false;
        };
        held.settings.fill(params);
        true
    }

    /// Notes settings that no answer shows.
    pub(crate) fn update(&self, settings: Settings) {
        let mut routing = self.shared.routing();
        if let Some(sharing) = &mut routing.sharing
            && let Some(held) = sharing.held.get_mut(&self.thread_id)
        {
            held.settings.update(settings);
        }
    }

    /// Notes what a turn of this client has set.
    pub(crate) fn settled(&self, params: &TurnStartParams) {
        let mut routing = self.shared.routing();
        if let Some(sharing) = &mut routing.sharing
            && let Some(held) = sharing.held.get_mut(&self.thread_id)
        {
            held.stale = false;
            held.settings.update(Settings::of_turn(params));
        }
    }
}

impl Connection {
    /// Holds a thread of a remote runtime, with the settings that it has.
    pub(crate) fn hold(&self, thread_id: &str, settings: Settings) -> Option<HeldThread> {
        let mut routing = self.shared.routing();
        let held = &mut routing.sharing.as_mut()?.held;
        let held = held.entry(thread_id.into()).or_default();
        held.handles += 1;
        held.settings.update(settings);
        Some(HeldThread {
            shared: Arc::clone(&self.shared),
            thread_id: thread_id.into(),
        })
    }

    /// Makes this client answer the requests of a turn, also if another one has started it.
    pub(crate) fn approve(&self, turn_id: &str) {
        self.claim(|sharing| sharing.approved.push(turn_id.into()));
    }

    /// Makes this client answer the requests of a thread, whoever starts its turns.
    pub(crate) fn take_over(&self, thread_id: &str) {
        self.claim(|sharing| {
            sharing.taken_over.insert(thread_id.into());
        });
    }

    fn claim(&self, change: impl FnOnce(&mut Sharing)) {
        let jobs = self.shared.route(|routing, fx| {
            if let Some(sharing) = &mut routing.sharing {
                change(sharing);
            }
            routing.claim(fx)
        });
        for job in jobs {
            self.shared.serve(job);
        }
    }
}
