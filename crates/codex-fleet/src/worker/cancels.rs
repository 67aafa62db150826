//! Cancellations of the jobs that this worker runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use tokio::sync::Notify;

use super::Shared;
use crate::error::{Error, Result};

/// Who waits for the cancellation of which job, by its token.
#[derive(Default)]
pub(super) struct Cancels(Mutex<HashMap<String, Arc<Notify>>>);

/// Told of the cancellation of one job, until it is dropped.
pub(super) struct Canceled<'a> {
    cancels: &'a Cancels,
    job: String,
    told: Arc<Notify>,
}

impl Cancels {
    pub(super) fn of(&self, job: &str) -> Canceled<'_> {
        let told = Arc::new(Notify::new());
        self.jobs().insert(job.to_owned(), Arc::clone(&told));
        Canceled {
            cancels: self,
            job: job.to_owned(),
            told,
        }
    }

    fn jobs(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Canceled<'_> {
    pub(super) async fn told(&self) {
        self.told.notified().await;
    }
}

impl Drop for Canceled<'_> {
    fn drop(&mut self) {
        self.cancels.jobs().remove(&self.job);
    }
}

/// Subscribes to the cancellations of all jobs; the future hands them out.
pub(super) async fn listen(
    shared: Arc<Shared>,
) -> Result<impl Future<Output = ()> + Send + 'static> {
    let subject = shared.store.names.cancel("*");
    let mut told = shared
        .store
        .client
        .subscribe(subject)
        .await
        .map_err(Error::server("listen for cancellations"))?;
    Ok(async move {
        while let Some(message) = told.next().await {
            let job = message.subject.rsplit('.').next().unwrap_or_default();
            if let Some(waiting) = shared.cancels.jobs().get(job) {
                waiting.notify_one();
            }
        }
    })
}
