//! From an event to a thousand WebSockets: each follows the orders of its tenant while orders are placed.

use super::TENANTS;
use super::orders::check;
use crate::journal_count::{JournalCount, JournalMark};
use crate::load::{OpenLoop, OrderRequests, on_own_thread};
use crate::report::{Goal, Outcome, Unit};
use crate::stats::Summary;
use crate::world::{CpuShares, World};
use crate::{BenchArgs, BenchError, clock};
use bulkhead_domain::Timestamp;
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::json;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_tungstenite::{WebSocketStream, client_async};

const SOCKETS: usize = 1_000;
const RATE: u32 = 500;
const CONNECTIONS: usize = 64;
const SUBSCRIBE: &str = r#"{"op":"subscribe","id":"1","channels":[{"name":"orders"}]}"#;
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Frames that are on their way when the orders end.
const LAST_FRAMES_WITHIN: Duration = Duration::from_secs(1);
const OUTLIVES: Duration = Duration::from_secs(120);

type Socket = WebSocketStream<TcpStream>;

/// What of a frame matters here.
#[derive(Debug, Deserialize)]
struct Frame<'a> {
    ch: Option<&'a str>,
    seq: Option<i64>,
    prev_seq: Option<i64>,
    ts: Option<Timestamp>,
}

/// What one socket, or all of them, received.
#[derive(Debug, Default)]
struct Received {
    frames: u64,
    gaps: u64,
    bytes: u64,
    /// When each frame was recorded and when it arrived, in microseconds since 1970.
    times: Vec<(i64, i64)>,
    failures: Vec<String>,
}

/// One window, which is in microseconds since 1970.
struct Heard {
    received: Received,
    window: Range<i64>,
    cpu: CpuShares,
    journal: JournalCount,
    errors: Vec<String>,
}

/// The sockets as they are told to work.
struct Audience {
    address: SocketAddr,
    tokens: Vec<String>,
    subscribed: mpsc::UnboundedSender<()>,
    stop: watch::Receiver<bool>,
}

pub(super) async fn measure(args: &BenchArgs) -> Result<Outcome, BenchError> {
    let mut outcome = Outcome::default();
    let mut world = World::start(args, TENANTS).await?;
    world.open_all().await?;
    let (mut latencies, mut details) = (Vec::new(), Vec::new());
    for number in 0..args.repeats {
        world.keep_signed_in().await?;
        let Heard { received, window, cpu, journal, errors } = listen(args, &world, number).await?;
        errors.into_iter().for_each(|error| outcome.error(error));
        let expected = journal.events * (SOCKETS / world.tenants.len()) as u64;
        if received.frames != expected {
            outcome.error(format!("{} frames arrived, {expected} were due", received.frames));
        }
        if received.gaps > 0 {
            outcome.error(format!("{} frames did not follow the one before", received.gaps));
        }
        received.failures.iter().take(5).for_each(|failure| outcome.error(failure.clone()));
        let summary = latency(&received, &window);
        latencies.push(summary);
        details.push(json!({
            "frames": received.frames, "bytes_mean": received.bytes / received.frames.max(1), "cpu": cpu,
            "memory": world.server_memory()?, "journal": journal, "latency": summary,
        }));
    }
    world.stop().await?;
    let latency = Summary::median(&latencies);
    outcome.row("event to 1,000 WebSockets p50", latency.p50, Unit::Millis);
    outcome.goal("event to 1,000 WebSockets p99", (latency.p99, Unit::Millis), Goal::AtMost(30.0));
    outcome.row("event to 1,000 WebSockets max", latency.max, Unit::Millis);
    outcome.details = json!({ "runs": details });
    Ok(outcome)
}

/// One window of orders with everyone listening.
async fn listen(args: &BenchArgs, world: &World, number: u32) -> Result<Heard, BenchError> {
    let (subscribed, mut ready) = mpsc::unbounded_channel();
    let (stop, stopped) = watch::channel(false);
    let tokens = world.tokens().map(str::to_owned).collect();
    let audience = Audience { address: world.address(), tokens, subscribed, stop: stopped };
    let audience = tokio::spawn(on_own_thread(move || audience.listen()));
    for _ in 0..SOCKETS {
        let one = timeout(ANSWER_WITHIN, ready.recv()).await;
        one.map_err(|_| BenchError::Deadline { what: "subscribing" })?;
    }
    let mark = JournalMark::read(&world.db, &world.tenants).await?;
    let load = OpenLoop {
        address: world.address(),
        connections: CONNECTIONS,
        duration: args.warm_up() + args.window(),
        rate: RATE,
        script: Arc::new(OrderRequests::new(world.tokens(), &format!("w{number}"))),
    };
    let cpu = world.watch_cpu();
    let epoch_at = clock::now();
    let recording = load.run(Instant::now()).await?;
    let cpu = cpu.shares();
    mark.await_quiet(&world.db).await?;
    let journal = mark.count(&world.db, &(0..0)).await?;
    tokio::time::sleep(LAST_FRAMES_WITHIN).await;
    stop.send_replace(true);
    let received = audience.await.map_err(|_| BenchError::Generator)??;
    let window = args.window_micros();
    let at = |micros: u64| epoch_at.plus_micros(micros.cast_signed()).micros();
    let errors = check(&recording, &journal);
    Ok(Heard { received, window: at(window.start)..at(window.end), cpu, journal, errors })
}

fn latency(received: &Received, window: &Range<i64>) -> Summary {
    let within = received.times.iter().filter(|(recorded, _)| window.contains(recorded));
    Summary::of_micros(within.map(|(recorded, arrived)| u64::try_from(arrived - recorded).unwrap_or(0)))
}

impl Audience {
    async fn listen(self) -> Received {
        let this = Arc::new(self);
        let mut sockets = JoinSet::new();
        for number in 0..SOCKETS {
            let this = this.clone();
            sockets.spawn(async move { this.follow(number).await });
        }
        let mut all = Received::default();
        while let Some(one) = sockets.join_next().await {
            match one {
                Ok(received) => all.join(received),
                Err(error) => all.failures.push(error.to_string()),
            }
        }
        all
    }

    async fn follow(&self, number: usize) -> Received {
        let mut received = Received::default();
        let token = self.tokens.get(number % self.tokens.len().max(1)).map_or("", String::as_str);
        let followed = match timeout(ANSWER_WITHIN, subscribe(self.address, token)).await {
            Ok(Ok(socket)) => {
                if self.subscribed.send(()).is_err() {
                    return received;
                }
                let read = timeout(OUTLIVES, self.read(socket, &mut received)).await;
                read.unwrap_or_else(|_| Err("too long".to_owned()))
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer to a subscription".to_owned()),
        };
        followed.err().into_iter().for_each(|failure| received.failures.push(failure));
        received
    }

    async fn read(&self, mut socket: Socket, received: &mut Received) -> Result<(), String> {
        let mut stop = self.stop.clone();
        let mut last = None;
        loop {
            let message = tokio::select! {
                message = socket.next() => message,
                _ = stop.changed() => return Ok(()),
            };
            match message {
                Some(Ok(Message::Text(text))) => received.take(text.as_str(), &mut last),
                Some(Ok(Message::Close(frame))) => return Err(format!("closed: {frame:?}")),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.to_string()),
                None => return Err("closed".to_owned()),
            }
        }
    }
}

impl Received {
    /// Notes a frame of the followed channel; everything else (answers, heartbeats) has no sequence.
    fn take(&mut self, text: &str, last: &mut Option<i64>) {
        let arrived = clock::now().micros();
        let Ok(frame) = serde_json::from_str::<Frame<'_>>(text) else {
            self.failures.push(format!("not a frame: {text}"));
            return;
        };
        let (Some("orders"), Some(seq), Some(ts)) = (frame.ch, frame.seq, frame.ts) else { return };
        self.frames += 1;
        self.bytes += text.len() as u64;
        if last.is_some() && frame.prev_seq != *last {
            self.gaps += 1;
        }
        *last = Some(seq);
        self.times.push((ts.micros(), arrived));
    }

    fn join(&mut self, other: Self) {
        self.frames += other.frames;
        self.gaps += other.gaps;
        self.bytes += other.bytes;
        self.times.extend(other.times);
        self.failures.extend(other.failures);
    }
}

async fn subscribe(address: SocketAddr, token: &str) -> Result<Socket, BenchError> {
    let stream = TcpStream::connect(address).await.map_err(BenchError::io("connect"))?;
    stream.set_nodelay(true).map_err(BenchError::io("connect"))?;
    let mut request = format!("ws://{address}/api/v1/ws").into_client_request()?;
    let bearer = HeaderValue::from_str(&format!("Bearer {token}")).expect("a token is printable");
    request.headers_mut().insert(header::AUTHORIZATION, bearer);
    let (mut socket, _) = client_async(request, stream).await?;
    socket.send(Message::text(SUBSCRIBE)).await?;
    // The answer names the request; whatever comes before it is not ours to judge.
    while let Some(message) = socket.next().await {
        if message?.to_text().is_ok_and(|text| text.contains(r#""id":"1""#)) {
            return Ok(socket);
        }
    }
    Err(BenchError::Generator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(seq: i64, prev: i64) -> String {
        format!(
            r#"{{"ch":"orders","seq":{seq},"prev_seq":{prev},"type":"order_update","ts":"2026-01-02T03:04:05.000006Z","data":{{"id":"x"}}}}"#
        )
    }

    #[test]
    fn a_hole_in_the_chain_is_counted_once_and_other_frames_do_not_break_it() {
        let mut received = Received::default();
        let mut last = None;
        received.take(&frame(4, 2), &mut last);
        received.take(r#"{"type":"heartbeat","ts":"2026-01-02T03:04:05.000006Z"}"#, &mut last);
        received.take(&frame(5, 4), &mut last);
        received.take(&frame(9, 7), &mut last);
        received.take(&frame(10, 9), &mut last);
        assert_eq!((received.frames, received.gaps), (4, 1));
        received.take("no json", &mut last);
        assert_eq!(received.failures.len(), 1);
    }

    #[test]
    fn only_frames_recorded_within_the_window_count() {
        let received = Received { times: vec![(5, 1_005), (10, 2_010), (20, 9_000)], ..Received::default() };
        let summary = latency(&received, &(6..20));
        assert_eq!(summary.count, 1);
        assert!((summary.max - 2.0).abs() < 0.01);
    }
}
