//! What the tests of the whole need: processes, a client, a load, and the checker.

pub(crate) mod checker;
pub(crate) mod client;
pub(crate) mod dir;
pub(crate) mod load;
pub(crate) mod postgres;
pub(crate) mod program;
pub(crate) mod record;
pub(crate) mod server;
pub(crate) mod trader;
pub(crate) mod web_socket;
pub(crate) mod worker;

pub(crate) use client::{Answer, Client};
pub(crate) use dir::TestDir;
pub(crate) use server::{Server, ServerOptions};
pub(crate) use trader::Trader;

use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long anything may take that is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const POLL: Duration = Duration::from_millis(10);

/// Asks until there is an answer; fails when there is none in time.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, ask: impl FnMut() -> F) -> T {
    within(PATIENCE, what, ask).await
}

/// The same with a deadline of its own.
pub(crate) async fn within<T, F>(limit: Duration, what: &str, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        sleep(POLL).await;
    }
}
