//! Open loop: requests at a fixed rate, whatever the answers do.

use super::recording::micros_between;
use super::{Connection, Recording, Sample, Script, on_own_thread};
use crate::BenchError;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// A load of so many requests a second, for so long, over so many connections.
pub(crate) struct OpenLoop<S> {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) duration: Duration,
    pub(crate) rate: u32,
    pub(crate) script: Arc<S>,
}

impl<S: Script> OpenLoop<S> {
    /// Runs it; times in the recording count from `epoch`.
    pub(crate) async fn run(self, epoch: Instant) -> Result<Recording, BenchError> {
        on_own_thread(move || self.drive(epoch)).await
    }

    async fn drive(self, epoch: Instant) -> Recording {
        let mut all = Recording::default();
        let mut senders = Vec::new();
        let mut connections = JoinSet::new();
        let (rate, duration) = (self.rate, self.duration);
        let this = Arc::new(self);
        for number in 0..this.connections {
            let connection = match Connection::open(this.address).await {
                Ok(connection) => connection,
                Err(error) => {
                    all.note(error.to_string());
                    continue;
                }
            };
            let (sender, receiver) = unbounded_channel();
            senders.push(sender);
            let this = this.clone();
            connections.spawn(async move { this.work(number, connection, Due { epoch, receiver }).await });
        }
        // A thread that sleeps, because the runtime's timer is a millisecond coarse.
        let pacer = std::thread::spawn(move || pace(&senders, rate, duration));
        while let Some(one) = connections.join_next().await {
            match one {
                Ok(recording) => all.join(recording),
                Err(error) => all.fail(error),
            }
        }
        if pacer.join().is_err() {
            all.fail("the pacer ended early");
        }
        all
    }

    async fn work(&self, number: usize, mut connection: Connection, mut due: Due) -> Recording {
        let mut recording = Recording::default();
        let mut request = Vec::new();
        let mut turn = 0;
        while let Some(intended) = due.receiver.recv().await {
            self.script.write(number, turn, &mut request);
            turn += 1;
            let sent = Instant::now();
            let failure = match timeout(ANSWER_WITHIN, connection.exchange(&request)).await {
                Ok(Ok(status)) => {
                    recording.samples.push(due.sample(intended, sent, status));
                    if status >= 400 {
                        recording.note(format!("{status}: {}", String::from_utf8_lossy(connection.body())));
                    }
                    if !connection.closes() {
                        continue;
                    }
                    None
                }
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some("no answer in time".to_owned()),
            };
            failure.into_iter().for_each(|failure| recording.fail(failure));
            match Connection::open(self.address).await {
                Ok(open) => connection = open,
                Err(error) => recording.note(error.to_string()),
            }
        }
        recording
    }
}

/// When requests are due.
struct Due {
    epoch: Instant,
    receiver: UnboundedReceiver<Instant>,
}

impl Due {
    fn sample(&self, intended: Instant, sent: Instant, status: u16) -> Sample {
        let at = |moment| micros_between(self.epoch, moment);
        Sample { intended: at(intended), sent: at(sent), done: at(Instant::now()), status }
    }
}

/// Says when each request is due, to the connections in turn.
fn pace(senders: &[UnboundedSender<Instant>], rate: u32, duration: Duration) {
    let start = Instant::now();
    let every = Duration::from_secs(1) / rate.max(1);
    for (turn, sender) in (0..).zip(senders.iter().cycle()) {
        let due = start + every * turn;
        if due >= start + duration {
            return;
        }
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if sender.send(due).is_err() {
            return;
        }
    }
}
