//! Measures what idle trees cost: bytes of resident memory per tree and the time to start them all.
//! `cargo run --release -p bulkhead-supervision --example trees [count]`

use std::time::{Duration, Instant};

use bulkhead_supervision::{
    Actor, ActorError, ChildSpec, Context, GiveUp, Message, Port, PortLimits, Reply, Strategy,
    SupervisorSpec, start_root,
};
use tokio::task::JoinSet;

const TREES: usize = 10_000;
/// Trees being added at a time.
const ADDING_MAX: usize = 256;

struct Ping(Reply<u64>);

impl Message for Ping {
    fn kind(&self) -> &'static str {
        "ping"
    }
}

struct Idle;

impl Actor for Idle {
    type Msg = Ping;
    type State = u64;

    async fn init(&self, _cx: &Context<Ping>) -> Result<u64, ActorError> {
        Ok(0)
    }

    async fn handle(&self, _cx: &Context<Ping>, ping: Ping, count: &mut u64) -> Result<(), ActorError> {
        *count += 1;
        ping.0.send(*count);
        Ok(())
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let trees = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(TREES);
    let root = start_root(SupervisorSpec::new("node", Strategy::OneForOne).stop_width(64)).await?;
    let (before, started) = (resident_bytes()?, Instant::now());
    let mut ports = Vec::new();
    let mut adding = JoinSet::new();
    for number in 0..trees {
        let (tree, port) = tree(number);
        let root = root.clone();
        if adding.len() >= ADDING_MAX {
            adding.join_next().await.ok_or("nothing to join")???;
        }
        adding.spawn(async move { root.add_child(tree).await });
        ports.push(port);
    }
    while let Some(added) = adding.join_next().await {
        added??;
    }
    let took = started.elapsed();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let bytes = resident_bytes()?.saturating_sub(before);
    println!("{trees} trees of 3 supervisors and 5 workers: {took:?}, {} bytes per tree", bytes / trees);

    let (calls, started) = (100_000, Instant::now());
    for port in ports.iter().cycle().take(calls) {
        port.call(Duration::from_secs(1), Ping).await?;
    }
    println!("{calls} calls one after the other: {:?} each", started.elapsed() / u32::try_from(calls)?);
    let bytes = resident_bytes()?.saturating_sub(before);
    println!("after use: {} bytes per tree", bytes / trees);

    let started = Instant::now();
    root.kill("node/tree-0/core/worker-0", "measured").await?;
    if let Some(port) = ports.first() {
        while port.incarnation() < 2 || port.call(Duration::from_secs(1), Ping).await.is_err() {
            tokio::task::yield_now().await;
        }
    }
    println!("killed worker answers again after {:?}", started.elapsed());

    let started = Instant::now();
    root.stop(Duration::from_secs(30)).await?;
    println!("graceful stop of all: {:?}", started.elapsed());
    Ok(())
}

fn tree(number: usize) -> (ChildSpec, Port<Ping>) {
    let port = |name: &str| Port::new(format!("node/tree-{number}/{name}"), PortLimits::default());
    let first = port("core/worker-0");
    let mut core = SupervisorSpec::new("core", Strategy::RestForOne).child(ChildSpec::worker(
        "worker-0",
        first.clone(),
        || Idle,
    ));
    for worker in 1..4 {
        let name = format!("worker-{worker}");
        core = core.child(ChildSpec::worker(name.clone(), port(&format!("core/{name}")), || Idle));
    }
    let sessions = SupervisorSpec::new("sessions", Strategy::OneForOne).child(ChildSpec::worker(
        "session",
        port("sessions/session"),
        || Idle,
    ));
    let tree = SupervisorSpec::new(format!("tree-{number}"), Strategy::OneForOne)
        .child(ChildSpec::supervisor(core))
        .child(ChildSpec::supervisor(sessions));
    (ChildSpec::supervisor(tree).on_give_up(GiveUp::Quarantine), first)
}

fn resident_bytes() -> Result<usize, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
    let kib: usize = line.split_whitespace().nth(1).ok_or("no number")?.parse()?;
    Ok(kib * 1024)
}
