//! Senders, callers, crashes and kills all at once, in real time on two threads. Whatever happens: every call resolves,
//! no permit is lost, no two incarnations overlap, and the tree stands at the end.

use std::sync::atomic::AtomicU64;

use super::*;

const ACTORS: usize = 6;
const CALLERS: u64 = 8;
const ROUNDS: u64 = 600;

#[derive(Default)]
struct Tally {
    answered: AtomicU64,
    not_delivered: AtomicU64,
    unknown: AtomicU64,
    /// Per call: how often it was handled.
    handled: Mutex<std::collections::HashMap<u64, u32>>,
}

struct Victim {
    handlers: Arc<AtomicU32>,
    tally: Arc<Tally>,
}

enum Blow {
    Work(u64, Reply<u64>),
    Panic,
}

/// Lives as long as a handler does, even if that is killed.
struct Busy<'a>(&'a AtomicU32);

impl<'a> Busy<'a> {
    fn new(handlers: &'a AtomicU32) -> Self {
        assert_eq!(handlers.fetch_add(1, Ordering::SeqCst), 0, "two incarnations at once");
        Self(handlers)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Message for Blow {
    fn kind(&self) -> &'static str {
        "blow"
    }

    fn class(&self) -> Class {
        match self {
            Blow::Work(id, _) if id % 3 == 0 => Class::Urgent,
            _ => Class::Normal,
        }
    }
}

impl Actor for Victim {
    type Msg = Blow;
    type State = ();

    async fn init(&self, _cx: &Context<Blow>) -> Result<(), ActorError> {
        let _busy = Busy::new(&self.handlers);
        Ok(())
    }

    async fn handle(&self, _cx: &Context<Blow>, blow: Blow, _state: &mut ()) -> Result<(), ActorError> {
        let _busy = Busy::new(&self.handlers);
        match blow {
            Blow::Work(id, reply) => {
                *self.tally.handled.lock().unwrap().entry(id).or_default() += 1;
                if id % 5 == 0 {
                    tokio::task::yield_now().await;
                }
                reply.send(id);
            }
            Blow::Panic => panic!("stress"),
        }
        Ok(())
    }
}

async fn caller(ports: Vec<Port<Blow>>, tally: Arc<Tally>, number: u64) {
    let mut dice = Dice(number);
    for round in 0..ROUNDS {
        let port = &ports[usize::try_from(dice.roll(ACTORS as u64)).unwrap()];
        if dice.roll(60) == 0 {
            drop(port.send(Blow::Panic, None));
        }
        let id = number * ROUNDS + round;
        let timeout = Duration::from_micros(50 + dice.roll(3000));
        let handled = |tally: &Tally| tally.handled.lock().unwrap().get(&id).copied().unwrap_or(0);
        match port.call(timeout, |reply| Blow::Work(id, reply)).await {
            Ok(answer) => {
                assert_eq!((answer, handled(&tally)), (id, 1));
                tally.answered.fetch_add(1, Ordering::SeqCst);
            }
            Err(CallError::NotDelivered(_)) => {
                tally.not_delivered.fetch_add(1, Ordering::SeqCst);
                assert_eq!(handled(&tally), 0, "a call that was not delivered was handled");
                // What has not been delivered may be said again; here: remember it must never be handled.
                tally.handled.lock().unwrap().insert(id, 100);
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
            Err(CallError::OutcomeUnknown(_)) => {
                tally.unknown.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_in_a_storm_of_failures() {
    let tally = Arc::new(Tally::default());
    let limits = PortLimits { normal: 4, urgent: 2, recovering: 4 };
    let boundless = Intensity { child_max: u32::MAX, tree_max: u32::MAX, ..Intensity::default() };
    let backoff =
        Backoff { base: Duration::from_micros(10), cap: Duration::from_micros(500), ..Backoff::default() };
    let mut spec = SupervisorSpec::new("root", Strategy::RestForOne).intensity(boundless).backoff(backoff);
    let mut ports = Vec::new();
    for number in 0..ACTORS {
        let port = Port::new(format!("root/{number}"), limits);
        let (handlers, tally) = (Arc::new(AtomicU32::new(0)), tally.clone());
        let make = move || Victim { handlers: handlers.clone(), tally: tally.clone() };
        spec = spec.child(ChildSpec::worker(number.to_string(), port.clone(), make));
        ports.push(port);
    }
    let root = start_root(spec).await.unwrap();
    let callers: Vec<_> =
        (0..CALLERS).map(|number| tokio::spawn(caller(ports.clone(), tally.clone(), number))).collect();
    let mut dice = Dice(99);
    while callers.iter().any(|caller| !caller.is_finished()) {
        let path = format!("root/{}", dice.roll(ACTORS as u64));
        let done = match dice.roll(3) {
            0 => root.kill(&path, "stress").await,
            1 => root.restart(&path, "stress").await,
            _ => Ok(()),
        };
        assert!(matches!(done, Ok(()) | Err(ControlError::NotRunning)), "{done:?}");
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
    for caller in callers {
        caller.await.unwrap();
    }
    let count = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
    let (answered, lost, unknown) =
        (count(&tally.answered), count(&tally.not_delivered), count(&tally.unknown));
    assert_eq!(answered + lost + unknown, CALLERS * ROUNDS);
    assert!(answered > 0 && lost > 0, "a storm without loss or without luck proves nothing");
    assert!(tally.handled.lock().unwrap().values().all(|times| matches!(times, 1 | 100)));
    eventually("all run again", || ports.iter().all(|port| port.state() == ActorState::Running)).await;
    eventually("all permits are back", || ports.iter().all(|port| port.depth() == 0)).await;
    assert!(ports.iter().all(|port| port.health().last_error.is_none_or(|text| !text.contains("at once"))));
    let lives: u64 = ports.iter().map(Port::incarnation).sum();
    assert!(lives > 5 * ACTORS as u64, "only {lives} lives");
    root.stop(Duration::from_secs(5)).await.unwrap();
}
