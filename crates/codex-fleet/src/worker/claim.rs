//! The right of one attempt to write: taken from the attempt before, lost to the next.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

use crate::error::{Error, Result};
use crate::names::Token;
use crate::record::{Claim, Record};
use crate::store::{Edit, Store};

/// What an attempt may do no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Somebody wants the job to end.
    Canceled,
    /// The worker stops.
    GivenBack,
    /// The job is another worker's, or the server is out of reach: nothing is written any more.
    Lost,
}

/// The fence of an attempt: nothing is written for a job but through the claim that holds it.
pub(super) struct Fence {
    store: Store,
    job: Token,
    claim: Claim,
    pub(super) attempt: u32,
    /// The last revision that is known: a replica may still have an older one.
    revision: AtomicU64,
    stop: watch::Sender<Option<Stop>>,
}

/// What was found when a job was taken.
pub(super) enum Taken {
    /// It is this worker's, with the state as it was.
    Mine(Box<Fence>, Box<Record>),
    /// Its attempts are used up: it ends.
    Exhausted(Box<Fence>, Box<Record>),
    /// It is over, or another message of the same job is run.
    Nothing,
    /// Its state is not there, or not there yet.
    Unknown,
}

/// Takes a job, from whoever had it.
pub(super) async fn take(
    store: &Store,
    job: &Token,
    worker: &str,
    message: u64,
    attempts: u32,
) -> Result<Taken> {
    let claim = Claim {
        worker: worker.to_owned(),
        id: store.client.new_inbox(),
    };
    let edit = |record: &mut Record| {
        if record.end.is_some() || record.message.is_some_and(|other| other != message) {
            return Edit::Keep(None);
        }
        // An answer that was lost.
        if record.claim.as_ref() == Some(&claim) {
            return Edit::Keep(Some(record.clone()));
        }
        record.message = Some(message);
        record.claim = Some(claim.clone());
        record.attempt += 1;
        Edit::Write(Some(record.clone()))
    };
    let (record, revision) = match store.change(job, 0, edit).await {
        Err(Error::UnknownJob { .. }) => return Ok(Taken::Unknown),
        changed => changed?,
    };
    let Some(record) = record else {
        return Ok(Taken::Nothing);
    };
    let fence = Box::new(Fence {
        store: store.clone(),
        job: job.clone(),
        claim,
        attempt: record.attempt,
        revision: AtomicU64::new(revision),
        stop: watch::Sender::new(None),
    });
    Ok(if record.attempt - record.given_back > attempts {
        Taken::Exhausted(fence, Box::new(record))
    } else {
        Taken::Mine(fence, Box::new(record))
    })
}

impl Fence {
    /// Changes the state of the job. `false` if the job is another's: the attempt is stopped then.
    pub(super) async fn write(&self, mut edit: impl FnMut(&mut Record)) -> bool {
        let edit = |record: &mut Record| {
            if record.claim.as_ref() != Some(&self.claim) {
                return Edit::Keep(false);
            }
            let before = record.clone();
            edit(record);
            if *record == before {
                // It is written, and the answer was lost.
                Edit::Keep(true)
            } else if before.end.is_some() {
                Edit::Keep(false)
            } else {
                Edit::Write(true)
            }
        };
        let known = self.revision.load(Ordering::Acquire);
        match self.store.change(&self.job, known, edit).await {
            Ok((true, revision)) => {
                self.revision.fetch_max(revision, Ordering::AcqRel);
                true
            }
            Ok((false, _)) => {
                self.stop(Stop::Lost);
                false
            }
            Err(error) => {
                tracing::warn!(%error, job = self.job.as_str(), "the state of a job cannot be written");
                self.stop(Stop::Lost);
                false
            }
        }
    }

    /// Looks whether the job is still this attempt's, and whether it is canceled. `false` if the server does not tell.
    pub(super) async fn look(&self) -> bool {
        let Ok(entry) = self.store.record(&self.job).await else {
            return false;
        };
        match entry {
            Some(entry) if entry.revision < self.revision.load(Ordering::Acquire) => {}
            Some(entry) if self.holds(&entry.value) => {
                if entry.value.cancel {
                    self.stop(Stop::Canceled);
                }
            }
            _ => self.stop(Stop::Lost),
        }
        true
    }

    fn holds(&self, record: &Record) -> bool {
        record.claim.as_ref() == Some(&self.claim) && record.end.is_none()
    }

    /// Stops the attempt. What it is stopped for first counts, but for a loss, which always does.
    pub(super) fn stop(&self, why: Stop) {
        self.stop.send_if_modified(|stop| {
            let changes = stop.is_none() || (why == Stop::Lost && *stop != Some(Stop::Lost));
            if changes {
                *stop = Some(why);
            }
            changes
        });
    }

    /// Waits until the attempt is stopped.
    pub(super) async fn stopped(&self) -> Stop {
        let mut stop = self.stop.subscribe();
        let stopped = stop.wait_for(Option::is_some).await;
        // The sender is in this very value.
        stopped.ok().and_then(|stop| *stop).unwrap_or(Stop::Lost)
    }

    /// Waits until the job is lost.
    pub(super) async fn lost(&self) {
        let mut stop = self.stop.subscribe();
        let _ = stop.wait_for(|stop| *stop == Some(Stop::Lost)).await;
    }

    pub(super) fn worker(&self) -> &str {
        &self.claim.worker
    }

    pub(super) fn job(&self) -> &Token {
        &self.job
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }
}
