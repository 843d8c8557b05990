//! Closed loop: each connection sends its next request when the last one is answered.

use super::recording::micros_between;
use super::{Connection, Recording, Sample, Script, on_own_thread};
use crate::BenchError;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Requests that are on their way at the end have this long to be answered.
const LAST_ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Between attempts to connect.
const RECONNECT_AFTER: Duration = Duration::from_millis(10);

/// What a connection does when it is turned away.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Patience {
    /// Sends the next request at once.
    None,
    /// Waits a moment first, whatever was asked of it.
    Pause(Duration),
}

/// A load of so many connections for so long.
pub(crate) struct ClosedLoop<S> {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) duration: Duration,
    pub(crate) patience: Patience,
    pub(crate) script: Arc<S>,
}

impl<S: Script> ClosedLoop<S> {
    /// Runs it; times in the recording count from `epoch`.
    pub(crate) async fn run(self, epoch: Instant) -> Result<Recording, BenchError> {
        on_own_thread(move || self.drive(epoch)).await
    }

    async fn drive(self, epoch: Instant) -> Recording {
        let end = Instant::now() + self.duration;
        let this = Arc::new(self);
        let mut connections = JoinSet::new();
        for number in 0..this.connections {
            let this = this.clone();
            connections.spawn(async move { this.work(number, epoch, end).await });
        }
        let mut all = Recording::default();
        while let Some(one) = connections.join_next().await {
            match one {
                Ok(recording) => all.join(recording),
                Err(error) => all.fail(error),
            }
        }
        all
    }

    async fn work(&self, number: usize, epoch: Instant, end: Instant) -> Recording {
        let mut recording = Recording::default();
        let mut connection = None;
        let mut request = Vec::new();
        let mut turn = 0;
        while Instant::now() < end {
            let Some(open) = self.connected(&mut connection, &mut recording).await else { continue };
            self.script.write(number, turn, &mut request);
            turn += 1;
            let sent = Instant::now();
            let last = end.saturating_duration_since(sent) + LAST_ANSWER_WITHIN;
            match timeout(last, open.exchange(&request)).await {
                Ok(Ok(status)) => {
                    let (sent, done) = (micros_between(epoch, sent), micros_between(epoch, Instant::now()));
                    recording.samples.push(Sample { intended: sent, sent, done, status });
                    self.after(status, open, &mut recording).await;
                    if open.closes() {
                        connection = None;
                    }
                }
                Ok(Err(error)) => {
                    recording.fail(error);
                    connection = None;
                }
                Err(_) => {
                    recording.fail("no answer in time");
                    connection = None;
                }
            }
        }
        recording
    }

    async fn connected<'a>(
        &self,
        slot: &'a mut Option<Connection>,
        recording: &mut Recording,
    ) -> Option<&'a mut Connection> {
        if slot.is_none() {
            match Connection::open(self.address).await {
                Ok(open) => *slot = Some(open),
                Err(error) => {
                    // Nothing was sent, so nothing is unanswered.
                    recording.note(error.to_string());
                    sleep(RECONNECT_AFTER).await;
                }
            }
        }
        slot.as_mut()
    }

    async fn after(&self, status: u16, connection: &Connection, recording: &mut Recording) {
        if status >= 400 && !matches!(status, 429 | 503) {
            recording.note(format!("{status}: {}", String::from_utf8_lossy(connection.body())));
        }
        if let (429 | 503, Patience::Pause(pause)) = (status, self.patience) {
            sleep(pause).await;
        }
    }
}
