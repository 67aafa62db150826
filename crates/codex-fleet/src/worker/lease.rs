//! The lease of a job: renewed by a timer beside the turn, never by its events.

use std::time::Duration;

use async_nats::Subject;
use tokio::time::Instant;

use super::claim::{Fence, Stop};

/// Renews the lease until it is lost. `taken` is when the job was asked for.
pub(super) async fn keep(fence: &Fence, reply: Subject, lease: Duration, taken: Instant) {
    let mut renewed = taken;
    let every = lease / 4;
    loop {
        let end = renewed + lease;
        let next = (Instant::now() + every).min(end);
        tokio::time::sleep_until(next).await;
        let sent = Instant::now();
        let renewing = async {
            // The server answers also to whoever has the job no more: its state tells.
            let client = &fence.store().client;
            client.request(reply.clone(), "+WPI".into()).await.is_ok() && fence.look().await
        };
        match tokio::time::timeout_at(end.min(sent + every), renewing).await {
            Ok(true) => renewed = sent,
            Ok(false) | Err(_) if Instant::now() < end => {
                tokio::time::sleep(Duration::from_millis(100).min(every)).await;
            }
            Ok(false) | Err(_) => {
                tracing::warn!(
                    job = fence.job().as_str(),
                    "the lease has ended: the server is out of reach"
                );
                fence.stop(Stop::Lost);
                return;
            }
        }
    }
}
