//! Admission, deadlines, and the difference between "not delivered" and "outcome unknown".

use super::*;

const SECOND: Duration = Duration::from_secs(1);

async fn one(probe: &Probe) -> SupervisorHandle {
    start_root(root_of(Strategy::OneForOne, [probe.spec()])).await.unwrap()
}

/// Makes the probe busy until the returned gate gets a permit.
async fn busy(probe: &Probe) -> Arc<Semaphore> {
    let gate = Arc::new(Semaphore::new(0));
    let (reply, _answer) = Reply::channel();
    probe.port.send(Msg::Hold(gate.clone(), reply), None).unwrap();
    settle().await;
    gate
}

fn note(probe: &Probe, text: &'static str, log: &Log) -> Result<(), Refused> {
    probe.port.send(Msg::Note(text, log.clone()), None).map_err(|error| error.reason)
}

#[tokio::test(start_paused = true)]
async fn a_call_that_timed_out_while_waiting_is_not_delivered_and_never_handled() {
    let probe = Probe::new("a", &Log::default());
    let _root = one(&probe).await;
    let gate = busy(&probe).await;
    let answer = probe.port.call(SECOND, Msg::Count).await;
    assert_eq!(answer, Err(CallError::NotDelivered(Refused::Expired)));
    gate.add_permits(1);
    // Only the message that held the actor was handled before this one.
    assert_eq!(probe.count().await, Ok(1));
    assert_eq!(probe.port.health().expired, 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_timed_out_at_work_has_an_unknown_outcome() {
    let probe = Probe::new("a", &Log::default());
    let _root = one(&probe).await;
    let gate = Arc::new(Semaphore::new(0));
    let answer = probe.port.call(SECOND, |reply| Msg::Hold(gate.clone(), reply)).await;
    assert_eq!(answer, Err(CallError::OutcomeUnknown(Unknown::Timeout)));
    gate.add_permits(1);
    assert_eq!(probe.count().await, Ok(1), "it was handled after all");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_reply_is_unknown_once_work_started_and_not_delivered_before() {
    let probe = Probe::new("a", &Log::default());
    let root = one(&probe).await;
    let dropped = probe.port.call(SECOND, Msg::DropReply).await;
    assert_eq!(dropped, Err(CallError::OutcomeUnknown(Unknown::ReplyDropped)));

    for end in ["kill", "panic"] {
        let gate = Arc::new(Semaphore::new(0));
        let at_work = {
            let (probe, gate) = (probe.clone(), gate.clone());
            tokio::spawn(async move { probe.port.call(SECOND, |reply| Msg::Hold(gate, reply)).await })
        };
        settle().await;
        if end == "panic" {
            probe.crash();
        }
        let waiting = {
            let probe = probe.clone();
            tokio::spawn(async move { probe.count().await })
        };
        settle().await;
        let life = probe.port.incarnation();
        if end == "kill" {
            root.kill("a", "test").await.unwrap();
            assert_eq!(at_work.await.unwrap(), Err(CallError::OutcomeUnknown(Unknown::ReplyDropped)));
        } else {
            gate.add_permits(1);
            assert!(at_work.await.unwrap().is_ok());
        }
        assert_eq!(waiting.await.unwrap(), Err(CallError::NotDelivered(Refused::Dropped)), "{end}");
        probe.wait_life(life + 1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_past_its_deadline_is_expired_not_handled() {
    let (probe, log) = (Probe::new("a", &Log::default()), Log::default());
    let _root = one(&probe).await;
    let gate = busy(&probe).await;
    let now = Instant::now();
    probe.port.send(Msg::Note("early", log.clone()), Some(now + SECOND)).unwrap();
    probe.port.send(Msg::Note("late", log.clone()), Some(now + SECOND * 3)).unwrap();
    probe.port.send(Msg::Note("never", log.clone()), None).unwrap();
    tokio::time::sleep(SECOND * 2).await;
    gate.add_permits(1);
    probe.count().await.unwrap();
    assert_eq!(log.take(), strings(&["expired early", "late", "never"]));
    assert_eq!(probe.port.health().expired, 1);
}

#[tokio::test(start_paused = true)]
async fn work_nobody_waits_for_is_not_begun() {
    let probe = Probe::new("a", &Log::default());
    let _root = one(&probe).await;
    let gate = busy(&probe).await;
    let caller = {
        let probe = probe.clone();
        tokio::spawn(async move { probe.count().await })
    };
    settle().await;
    caller.abort();
    settle().await;
    gate.add_permits(1);
    assert_eq!(probe.count().await, Ok(1));
    assert_eq!(probe.port.health().expired, 1);
}

#[tokio::test(start_paused = true)]
async fn urgent_messages_have_a_reserve_when_the_normal_ones_are_full() {
    let limits = PortLimits { normal: 3, urgent: 2, recovering: 3 };
    let (probe, log) = (Probe::with_limits("a", &Log::default(), limits), Log::default());
    let _root = one(&probe).await;
    let gate = busy(&probe).await;
    let cancel = || {
        let (reply, answer) = Reply::channel();
        probe.port.send(Msg::Cancel(reply), None).map(|()| answer).map_err(|error| error.reason)
    };
    assert_eq!((note(&probe, "1", &log), note(&probe, "2", &log)), (Ok(()), Ok(())));
    assert_eq!(note(&probe, "3", &log), Err(Refused::Overloaded));
    let urgent = [cancel().unwrap(), cancel().unwrap()];
    assert_eq!(cancel().unwrap_err(), Refused::Overloaded, "the reserve is bounded too");
    // Acknowledgements are never refused, but they are counted.
    probe.port.notify(Msg::Note("ack", log.clone())).unwrap();
    assert_eq!((probe.port.depth(), probe.port.health().refused), (6, 2));
    gate.add_permits(1);
    for answer in urgent {
        answer.await.unwrap();
    }
    assert_eq!(probe.count().await, Ok(6));
    // First in, first out across the classes.
    assert_eq!(log.take(), strings(&["1", "2", "ack"]));
    assert_eq!(probe.port.depth(), 0);
}

#[tokio::test(start_paused = true)]
async fn urgent_messages_may_use_normal_permits_beyond_their_reserve() {
    let limits = PortLimits { normal: 2, urgent: 1, recovering: 2 };
    let probe = Probe::with_limits("a", &Log::default(), limits);
    let _root = one(&probe).await;
    let _gate = busy(&probe).await;
    let sent = |_| probe.port.send(Msg::Cancel(Reply::channel().0), None).is_ok();
    assert_eq!((0..3).map(sent).collect::<Vec<_>>(), [true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn permits_come_back_however_an_incarnation_ends() {
    let limits = PortLimits { normal: 4, urgent: 1, recovering: 4 };
    for end in ["panic", "error", "kill", "restart", "remove"] {
        let (probe, log) = (Probe::with_limits("a", &Log::default(), limits), Log::default());
        let root = one(&probe).await;
        let gate = busy(&probe).await;
        let fault = if end == "panic" { Msg::Panic("x") } else { Msg::Fail };
        if end == "panic" || end == "error" {
            probe.port.send(fault, None).unwrap();
        }
        while note(&probe, "x", &log).is_ok() {}
        probe.port.notify(Msg::Note("x", log.clone())).unwrap();
        assert_eq!(probe.port.depth(), 5);
        match end {
            "kill" => root.kill("a", "test").await.unwrap(),
            "restart" => {
                gate.add_permits(1);
                root.restart("a", "test").await.unwrap();
            }
            "remove" => {
                gate.add_permits(1);
                root.remove_child("a", SECOND).await.unwrap();
            }
            _ => gate.add_permits(1),
        }
        if end != "remove" {
            probe.wait_life(2).await;
            assert_eq!(probe.count().await, Ok(0));
        }
        eventually("all permits are back", || probe.port.depth() == 0).await;
    }
}

#[tokio::test(start_paused = true)]
async fn messages_wait_within_a_limit_while_the_actor_recovers() {
    let limits = PortLimits { normal: 10, urgent: 1, recovering: 2 };
    let (events, log) = (Log::default(), Log::default());
    let mut probe = Probe::with_limits("a", &Log::default(), limits);
    let gate = Arc::new(Semaphore::new(0));
    probe.recovery = Some(gate.clone());
    assert_eq!(note(&probe, "before", &log), Err(Refused::Recovering), "not started yet");
    let _root = start_root(root_of(Strategy::OneForOne, [probe.spec()]).events(events.sink())).await.unwrap();
    assert_eq!(probe.port.state(), ActorState::Recovering);
    assert_eq!((note(&probe, "1", &log), note(&probe, "2", &log)), (Ok(()), Ok(())));
    assert_eq!(note(&probe, "3", &log), Err(Refused::Recovering));
    assert!(probe.port.send(Msg::Cancel(Reply::channel().0), None).is_ok());
    tokio::time::sleep(SECOND * 100).await;
    assert_eq!((log.take().len(), having(events.take(), "recovered").len()), (0, 0));
    gate.add_permits(1);
    eventually("recovered", || probe.port.state() == ActorState::Running).await;
    probe.count().await.unwrap();
    assert_eq!(log.take(), strings(&["1", "2"]));
    assert_eq!(having(events.take(), "recovered"), ["root/a recovered"]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_may_say_itself_when_it_is_live() {
    let mut probe = Probe::new("a", &Log::default());
    probe.defers_live = true;
    let _root = one(&probe).await;
    probe.count().await.unwrap();
    assert_eq!(probe.port.state(), ActorState::Recovering);
    probe.port.notify(Msg::Live).unwrap();
    eventually("live", || probe.port.state() == ActorState::Running).await;
}

#[tokio::test(start_paused = true)]
async fn a_failing_recovery_is_a_failure_and_a_stuck_one_can_be_killed() {
    let mut probe = Probe::new("a", &Log::default());
    let gate = Arc::new(Semaphore::new(0));
    probe.recovery = Some(gate.clone());
    let root = one(&probe).await;
    root.kill("a", "stuck").await.unwrap();
    eventually("second life", || probe.port.incarnation() == 2).await;
    gate.close();
    eventually("failed", || probe.port.health().last_error.is_some()).await;
    assert_eq!(probe.port.health().last_error.as_deref(), Some("error: semaphore closed"));
}

#[tokio::test(start_paused = true)]
async fn the_message_comes_back_with_a_refusal() {
    let probe = Probe::new("a", &Log::default());
    let error = probe.port.send(Msg::Panic("kept"), None).unwrap_err();
    assert!(matches!(error.message, Msg::Panic("kept")));
    assert_eq!(error.reason.retry_after(), Some(SECOND));
    let root = one(&probe).await;
    root.stop(SECOND).await.unwrap();
    let error = probe.port.notify(Msg::Panic("kept")).unwrap_err();
    assert!(matches!(error.message, Msg::Panic("kept")));
    assert_eq!((error.reason, error.reason.retry_after()), (Refused::Stopped, None));
    assert_eq!(probe.port.depth(), 0);
}

#[tokio::test(start_paused = true)]
async fn idle_is_called_when_nothing_waits_and_only_then() {
    struct Batcher(Log);
    impl Actor for Batcher {
        type Msg = Msg;
        type State = u32;
        async fn init(&self, _cx: &Context<Msg>) -> Result<u32, ActorError> {
            Ok(0)
        }
        async fn handle(
            &self,
            _cx: &Context<Msg>,
            message: Msg,
            waiting: &mut u32,
        ) -> Result<(), ActorError> {
            if let Msg::Hold(gate, _) = message {
                gate.acquire().await?.forget();
            }
            *waiting += 1;
            Ok(())
        }
        async fn idle(&self, _cx: &Context<Msg>, waiting: &mut u32) -> Result<(), ActorError> {
            self.0.add(format!("flush {}", std::mem::take(waiting)));
            Ok(())
        }
    }
    let log = Log::default();
    let port = Port::new("root/batcher", PortLimits::default());
    let (batcher, gate) = (log.clone(), Arc::new(Semaphore::new(0)));
    let spec = ChildSpec::worker("batcher", port.clone(), move || Batcher(batcher.clone()));
    let _root = start_root(root_of(Strategy::OneForOne, [spec])).await.unwrap();
    port.send(Msg::Hold(gate.clone(), Reply::channel().0), None).unwrap();
    for _ in 0..9 {
        port.send(Msg::Fail, None).unwrap();
    }
    // One that expires counts as handled for this purpose: it must not keep a batch waiting.
    port.send(Msg::Fail, Some(Instant::now())).unwrap();
    gate.add_permits(1);
    eventually("all handled", || port.depth() == 0).await;
    port.send(Msg::Fail, None).unwrap();
    eventually("all handled", || port.depth() == 0).await;
    assert_eq!(log.take(), strings(&["flush 10", "flush 1"]));
}

#[tokio::test(start_paused = true)]
async fn a_stall_can_be_injected() {
    let probe = Probe::new("a", &Log::default());
    let _root = one(&probe).await;
    probe.port.inject(Fault::Stall(SECOND * 10)).unwrap();
    assert_eq!(probe.port.call(SECOND, Msg::Count).await, Err(CallError::NotDelivered(Refused::Expired)));
    tokio::time::sleep(SECOND * 10).await;
    assert_eq!(probe.count().await, Ok(0));
}
