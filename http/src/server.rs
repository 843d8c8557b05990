//! The listener: bounded connections, slow clients cut off, and an orderly end.

use crate::connection::serve_connection;
use crate::router::router;
use crate::state::AppState;
use axum::Router;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

/// Connections at the same time; more wait in the operating system's queue.
pub const CONNECTIONS_MAX: usize = 20_000;
/// After an error that is not one connection's (out of file descriptors), this long before the next try.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often it is looked whether the last sockets are gone.
const SOCKETS_POLL: Duration = Duration::from_millis(20);

/// How the server goes away.
#[derive(Debug, Clone, Copy)]
pub struct Drain {
    /// Between readiness failing and the listener closing: how long load balancers need to notice.
    pub notice: Duration,
    /// How long requests on their way have to finish.
    pub grace: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self { notice: Duration::ZERO, grace: Duration::from_secs(10) }
    }
}

/// Serves until `shutdown` resolves: then readiness fails, sockets are told to reconnect elsewhere, the listener
/// closes, and what is on its way is finished.
pub async fn serve(
    listener: TcpListener,
    state: AppState,
    drain: Drain,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let app = router(state.clone());
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // The connections belong to this future: they end with it, and nothing else ever waits for one.
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(notice(shutdown, &state, drain.notice));
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(ended) = connections.join_next() => note_end(ended),
            (stream, place) = accept(&listener, &places) => {
                connections.spawn(connection(stream, app.clone(), state.lifecycle.watch(), place));
            }
        }
    }
    drop(listener);
    finish(connections, &state, drain.grace).await;
    Ok(())
}

/// Waits for the shutdown, then lets readiness fail for a while before anything else does.
async fn notice(shutdown: impl Future<Output = ()>, state: &AppState, notice: Duration) {
    shutdown.await;
    info!("draining");
    state.lifecycle.drain();
    sleep(notice).await;
}

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    loop {
        let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            Err(error) if is_of_one_connection(&error) => debug!(%error, "connection ended before it began"),
            Err(error) => {
                warn!(%error, "accept failed");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    app: Router,
    draining: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
) {
    serve_connection(stream, app, draining).await;
}

async fn finish(mut connections: JoinSet<()>, state: &AppState, grace: Duration) {
    let work = async {
        while let Some(ended) = connections.join_next().await {
            note_end(ended);
        }
        while state.websockets.taken() > 0 {
            sleep(SOCKETS_POLL).await;
        }
    };
    if timeout(grace, work).await.is_err() {
        warn!(
            connections = connections.len(),
            sockets = state.websockets.taken(),
            "cut off what did not finish"
        );
    }
    connections.shutdown().await;
}

fn note_end(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        warn!(%error, "connection task panicked");
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
