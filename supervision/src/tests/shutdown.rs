//! Orderly ends: order, deadlines, and what happens to messages that wait.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_tree_stops_leaves_first_in_reverse_order() {
    let (log, events) = (Log::default(), Log::default());
    let [a, b, c] = abc(&log);
    let d = Probe::new("d", &log);
    let inner = SupervisorSpec::new("inner", Strategy::RestForOne).child(b.spec()).child(c.spec());
    let spec = root_of(Strategy::OneForOne, [a.spec(), ChildSpec::supervisor(inner), d.spec()]);
    let root = start_root(spec.events(events.sink())).await.unwrap();
    log.take();
    events.take();
    root.stop(Duration::from_secs(5)).await.unwrap();
    assert_eq!(log.take(), strings(&["stop d", "stop c", "stop b", "stop a"]));
    let expected = ["root/d", "root/inner/c", "root/inner/b", "root/inner", "root/a", "root"];
    assert_eq!(having(events.take(), "stopped"), expected.map(|path| format!("{path} stopped")));
    assert!([&a, &b, &c, &d].iter().all(|probe| probe.port.state() == ActorState::Stopped));
    assert_eq!(root.stop(Duration::from_secs(5)).await, Ok(()), "stopping twice is no error");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_stop_in_time_is_killed_and_the_rest_still_stops_gracefully() {
    let log = Log::default();
    let [a, mut b, c] = abc(&log);
    b.stop_takes = Duration::from_secs(3600);
    let specs = [a.spec(), b.spec().shutdown(Shutdown::Stop(Duration::from_secs(2))), c.spec()];
    let root = start_root(root_of(Strategy::OneForOne, specs)).await.unwrap();
    log.take();
    let started = Instant::now();
    root.stop(Duration::from_secs(60)).await.unwrap();
    assert_eq!(log.take(), strings(&["stop c", "stop a"]));
    let took = started.elapsed();
    assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(3), "took {took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_overall_deadline_beats_every_policy() {
    let log = Log::default();
    let [mut a, mut b, _] = abc(&log);
    (a.stop_takes, b.stop_takes) = (Duration::from_secs(3600), Duration::from_secs(3600));
    let patient = Shutdown::Drain(Duration::from_secs(1800));
    let inner = SupervisorSpec::new("inner", Strategy::OneForOne).child(a.spec().shutdown(patient));
    let inner = ChildSpec::supervisor(inner).shutdown(patient);
    let root = start_root(root_of(Strategy::OneForOne, [inner, b.spec().shutdown(patient)])).await.unwrap();
    let started = Instant::now();
    root.stop(Duration::from_secs(3)).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(4), "took {:?}", started.elapsed());
    assert_eq!([a, b].map(|probe| probe.port.state()), [ActorState::Stopped; 2]);
}

#[tokio::test(start_paused = true)]
async fn with_a_width_one_slow_child_does_not_hold_up_the_others() {
    let log = Log::default();
    let mut probes = abc(&log);
    probes.iter_mut().for_each(|probe| probe.stop_takes = Duration::from_secs(3));
    let root = root_of(Strategy::OneForOne, probes.each_ref().map(Probe::spec)).stop_width(3);
    let root = start_root(root).await.unwrap();
    let started = Instant::now();
    root.stop(Duration::from_secs(4)).await.unwrap();
    assert_eq!(having(log.take(), "stop").len(), 3);
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[tokio::test(start_paused = true)]
async fn draining_handles_what_waits_and_stopping_drops_it() {
    let table = [
        (Shutdown::Drain(Duration::from_secs(5)), strings(&["one", "two"])),
        (Shutdown::Stop(Duration::from_secs(5)), strings(&[])),
        (Shutdown::Kill, strings(&[])),
    ];
    for (shutdown, expected) in table {
        let log = Log::default();
        let (probe, gate) = (Probe::new("a", &Log::default()), Arc::new(Semaphore::new(0)));
        let root = start_root(root_of(Strategy::OneForOne, [probe.spec().shutdown(shutdown)])).await.unwrap();
        let (reply, _answer) = Reply::channel();
        probe.port.send(Msg::Hold(gate.clone(), reply), None).unwrap();
        probe.port.send(Msg::Note("one", log.clone()), None).unwrap();
        probe.port.send(Msg::Note("two", log.clone()), None).unwrap();
        let caller = {
            let probe = probe.clone();
            tokio::spawn(async move { probe.count().await })
        };
        settle().await;
        let stop = {
            let root = root.clone();
            tokio::spawn(async move { root.stop(Duration::from_secs(9)).await })
        };
        settle().await;
        assert!(probe.port.send(Msg::Note("late", log.clone()), None).is_err(), "takes no more messages");
        gate.add_permits(1);
        stop.await.unwrap().unwrap();
        assert_eq!(log.take(), expected, "{shutdown:?}");
        let drained = matches!(shutdown, Shutdown::Drain(_));
        let answer = caller.await.unwrap();
        assert_eq!(answer.is_ok(), drained, "{shutdown:?} answered {answer:?}");
        assert!(drained || answer == Err(CallError::NotDelivered(Refused::Dropped)), "{answer:?}");
        assert_eq!(probe.port.depth(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn siblings_that_must_restart_get_their_own_time_to_stop() {
    let log = Log::default();
    let [a, mut b, mut c] = abc(&log);
    b.stop_takes = Duration::from_secs(1);
    c.stop_takes = Duration::from_secs(3600);
    let patience = Shutdown::Stop(Duration::from_secs(2));
    let specs = [a.spec(), b.spec().shutdown(patience), c.spec().shutdown(patience)];
    let root = start_root(root_of(Strategy::RestForOne, specs)).await.unwrap();
    log.take();
    let started = Instant::now();
    a.crash();
    // While the siblings stop, the supervisor still answers.
    settle().await;
    assert_eq!(root.kill("nobody", "x").await, Err(ControlError::NotFound));
    assert_eq!(root.kill("a", "x").await, Err(ControlError::NotRunning));
    assert!(started.elapsed() < Duration::from_millis(10));
    c.wait_life(2).await;
    assert_eq!(log.take(), strings(&["stop b", "init a", "init b", "init c"]));
    let took = started.elapsed();
    assert!(took >= Duration::from_secs(3) && took < Duration::from_secs(4), "took {took:?}");
}
