//! The load generator.
//!
//! 1. Every answer's status is kept; nothing is retried behind the scenario's back.
//! 2. Closed loop for rates: each connection sends its next request when the last one is answered.
//! 3. Open loop for latencies: requests have an intended time that no slow answer moves, and latency counts from it.

mod closed;
mod http;
mod open;
mod recording;
mod requests;

pub(crate) use closed::{ClosedLoop, Patience};
pub use http::HttpError;
pub(crate) use http::{Connection, request};
pub(crate) use open::OpenLoop;
pub(crate) use recording::{Recording, Sample};
pub(crate) use requests::{FixedRequests, OrderRequests, Script};

use crate::BenchError;
use std::time::Duration;
use tokio::sync::oneshot;

/// Runs a load on a thread and a runtime of its own, so that connections do not wander between cores.
pub(crate) async fn on_own_thread<T, F, W>(work: W) -> Result<T, BenchError>
where
    T: Send + 'static,
    F: Future<Output = T>,
    W: FnOnce() -> F + Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let Ok(runtime) = runtime {
            // Nobody waits any more when the benchmark was interrupted.
            drop(sender.send(runtime.block_on(work())));
            runtime.shutdown_timeout(Duration::from_millis(100));
        }
    };
    std::thread::Builder::new()
        .name("load".to_owned())
        .spawn(run)
        .map_err(BenchError::io("start a thread"))?;
    receiver.await.map_err(|_| BenchError::Generator)
}
