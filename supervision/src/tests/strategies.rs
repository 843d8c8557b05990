//! Who restarts with whom, when a supervisor gives up, and what quarantine spares.

use super::*;

async fn crash_times(probe: &Probe, times: u32) {
    for _ in 0..times {
        probe.crash_and_wait().await;
    }
}

#[tokio::test(start_paused = true)]
async fn each_strategy_takes_its_siblings_along_in_order() {
    let table = [
        (Strategy::OneForOne, strings(&["init b"])),
        (Strategy::RestForOne, strings(&["stop c", "init b", "init c"])),
        (Strategy::OneForAll, strings(&["stop c", "stop a", "init a", "init b", "init c"])),
    ];
    for (strategy, expected) in table {
        let log = Log::default();
        let probes = abc(&log);
        let root = start_root(root_of(strategy, probes.each_ref().map(Probe::spec))).await.unwrap();
        assert_eq!(log.take(), strings(&["init a", "init b", "init c"]));
        probes[1].crash_and_wait().await;
        eventually("all run", || probes.iter().all(|probe| probe.port.state() == ActorState::Running)).await;
        assert_eq!(log.take(), expected, "{strategy:?}");
        root.stop(Duration::from_secs(1)).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn first_restart_is_at_once_and_later_ones_wait_within_the_ceiling() {
    let (log, events) = (Log::default(), Log::default());
    let probe = Probe::new("a", &log);
    let intensity = Intensity { child_max: 100, tree_max: 100, ..Intensity::default() };
    let spec = root_of(Strategy::OneForOne, [probe.spec()]).intensity(intensity).events(events.sink());
    let root = start_root(spec).await.unwrap();
    crash_times(&probe, 6).await;
    let delays: Vec<u64> = having(events.take(), "scheduled")
        .iter()
        .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(delays[0], 0);
    for (delay, ceiling) in delays.iter().zip([0, 100, 200, 400, 800, 1600]) {
        assert!(*delay <= ceiling, "{delays:?}");
    }
    assert!(delays.iter().any(|delay| *delay > 0), "no backoff at all: {delays:?}");
    tokio::time::sleep(Duration::from_secs(61)).await;
    crash_times(&probe, 1).await;
    assert!(having(events.take(), "scheduled 0").len() == 1, "a long run must reset the backoff");
    drop(root);
}

#[tokio::test(start_paused = true)]
async fn one_failure_too_many_stops_the_tree_gracefully() {
    let (log, events) = (Log::default(), Log::default());
    let probes = abc(&log);
    let spec = root_of(Strategy::OneForOne, probes.each_ref().map(Probe::spec)).events(events.sink());
    let root = start_root(spec).await.unwrap();
    crash_times(&probes[1], 3).await;
    assert_eq!(root.state(), ActorState::Running);
    log.take();
    probes[1].crash();
    eventually("root stopped", || root.state() == ActorState::Stopped).await;
    assert_eq!(log.take(), strings(&["stop c", "stop a"]));
    assert_eq!(having(events.take(), "gave up").len(), 1);
    assert_eq!(probes[0].count().await, Err(CallError::NotDelivered(Refused::Stopped)));
    assert_eq!(root.kill("root/a", "late").await, Err(ControlError::SupervisorDown));
}

#[tokio::test(start_paused = true)]
async fn failures_apart_in_time_are_borne() {
    let probe = Probe::new("a", &Log::default());
    let root = start_root(root_of(Strategy::OneForOne, [probe.spec()])).await.unwrap();
    for _ in 0..12 {
        probe.crash_and_wait().await;
        tokio::time::sleep(Duration::from_secs(11)).await;
    }
    assert_eq!((root.state(), probe.port.incarnation()), (ActorState::Running, 13));
}

#[tokio::test(start_paused = true)]
async fn a_quarantined_worker_spares_its_siblings_and_comes_back_when_released() {
    let (log, events) = (Log::default(), Log::default());
    let probes = abc(&log);
    let specs = probes.each_ref().map(|probe| probe.spec().on_give_up(GiveUp::Quarantine));
    let root = start_root(root_of(Strategy::RestForOne, specs).events(events.sink())).await.unwrap();
    for _ in 0..3 {
        probes[0].crash_and_wait().await;
        eventually("c is back", || probes[2].port.state() == ActorState::Running).await;
    }
    let before = probes[2].port.incarnation();
    probes[0].crash();
    eventually("quarantine", || probes[0].port.state() == ActorState::Quarantined).await;
    // Still within the window of the failures, so that the release must forget them.
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(probes[0].count().await, Err(CallError::NotDelivered(Refused::Stopped)));
    assert!(probes[1].count().await.is_ok() && probes[2].port.incarnation() == before);
    assert_eq!(having(events.take(), "quarantined"), ["root/a quarantined"]);
    assert_eq!(root.restart("root/a", "no").await, Err(ControlError::NotRunning));
    assert_eq!(root.release("root/b").await, Err(ControlError::NotQuarantined));
    root.release("root/a").await.unwrap();
    probes[0].wait_life(5).await;
    // The window is fresh: three more failures are borne.
    crash_times(&probes[0], 3).await;
}

/// root (one for one) over two tenants, each a bulkhead of `core` (rest for one) over one probe.
async fn tenants(log: &Log, events: &Log) -> (SupervisorHandle, [Probe; 2]) {
    let probes = ["x", "y"].map(|name| Probe::new(name, log));
    let specs = probes.each_ref().map(|probe| {
        let core = SupervisorSpec::new("core", Strategy::RestForOne).child(probe.spec());
        let tenant = SupervisorSpec::new(format!("tenant-{}", probe.name), Strategy::OneForOne)
            .child(ChildSpec::supervisor(core));
        ChildSpec::supervisor(tenant).on_give_up(GiveUp::Quarantine)
    });
    let strict = Intensity { tree_max: 0, child_max: 0, ..Intensity::default() };
    let root = root_of(Strategy::OneForOne, specs).intensity(strict).events(events.sink());
    (start_root(root).await.unwrap(), probes)
}

#[tokio::test(start_paused = true)]
async fn a_crash_loop_escalates_to_its_bulkhead_and_no_further() {
    let (log, events) = (Log::default(), Log::default());
    let (root, [x, y]) = tenants(&log, &events).await;
    // Three crashes in core, the fourth makes core give up; its parent restarts it, until ten failures below it.
    for _ in 0..200 {
        if x.port.state() == ActorState::Running && x.port.send(Msg::Panic("loop"), None).is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let view = root.tree();
    assert_eq!(view.find("root/tenant-x").unwrap().health.state, ActorState::Quarantined);
    assert_eq!(view.find("root/tenant-x/core/x").unwrap().health.state, ActorState::Stopped);
    assert_eq!(view.find("root/tenant-y/core/y").unwrap().health.state, ActorState::Running);
    // The root bears no failure at all, yet it stands: a bulkhead's failures do not count in it.
    assert_eq!(root.state(), ActorState::Running);
    assert_eq!((y.port.incarnation(), y.count().await), (1, Ok(0)));
    let events = events.take();
    assert!(events.contains(&"root/tenant-x/core gave up".into()), "{events:?}");
    assert!(events.contains(&"root/tenant-x gave up".into()));
    assert_eq!(having(events, "quarantined"), ["root/tenant-x quarantined"]);

    root.release("root/tenant-x").await.unwrap();
    eventually("released", || x.port.state() == ActorState::Running).await;
    assert_eq!(x.count().await, Ok(0));
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_gave_up_counts_as_one_failure_and_is_restarted_whole() {
    let (log, events) = (Log::default(), Log::default());
    let [a, b, c] = abc(&log);
    let strict = Intensity { child_max: 0, ..Intensity::default() };
    let inner =
        SupervisorSpec::new("inner", Strategy::OneForOne).intensity(strict).child(a.spec()).child(b.spec());
    let spec = root_of(Strategy::OneForOne, [ChildSpec::supervisor(inner), c.spec()]).events(events.sink());
    let root = start_root(spec).await.unwrap();
    log.take();
    a.crash();
    b.wait_life(2).await;
    eventually("a is back", || a.port.state() == ActorState::Running).await;
    assert_eq!(log.take(), strings(&["stop b", "init a", "init b"]));
    assert_eq!(c.port.incarnation(), 1);
    let inner = root.view("root/inner").unwrap();
    assert_eq!((inner.health.incarnation, inner.health.restarts), (2, 1));
    assert!(matches!(&inner.health.recent_restarts[0].cause, Cause::GaveUp(text) if text.contains("boom")));
}

#[tokio::test(start_paused = true)]
async fn failures_of_different_children_add_up_in_the_tree() {
    let log = Log::default();
    let probes: Vec<Probe> = ["a", "b", "c", "d", "e"].map(|name| Probe::new(name, &log)).into();
    let inner = probes[1..]
        .iter()
        .fold(SupervisorSpec::new("inner", Strategy::OneForOne), |spec, probe| spec.child(probe.spec()));
    let intensity = Intensity { tree_max: 4, ..Intensity::default() };
    let spec =
        root_of(Strategy::OneForOne, [probes[0].spec(), ChildSpec::supervisor(inner)]).intensity(intensity);
    let root = start_root(spec).await.unwrap();
    for probe in &probes[..4] {
        probe.crash_and_wait().await;
    }
    settle().await;
    assert_eq!(root.state(), ActorState::Running);
    probes[4].crash();
    eventually("root gave up", || root.state() == ActorState::Stopped).await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_start_is_a_failure_like_another() {
    for strategy in [Strategy::OneForOne, Strategy::RestForOne, Strategy::OneForAll] {
        let log = Log::default();
        let probes = abc(&log);
        probes[1].init_failures.store(2, Ordering::SeqCst);
        let root = start_root(root_of(strategy, probes.each_ref().map(Probe::spec))).await.unwrap();
        eventually("all run", || probes.iter().all(|probe| probe.port.state() == ActorState::Running)).await;
        let expected: &[&str] = match strategy {
            Strategy::OneForOne => &["init a", "init c", "init b"],
            // What depends on b waits for it.
            Strategy::RestForOne => &["init a", "init b", "init c"],
            Strategy::OneForAll => &["init a", "stop a", "init a", "stop a", "init a", "init b", "init c"],
        };
        assert_eq!(log.take(), strings(expected), "{strategy:?}");
        let health = probes[1].port.health();
        assert_eq!(health.restarts, 2);
        assert_eq!(health.last_error.as_deref(), Some("start failed: no luck"));
        root.stop(Duration::from_secs(1)).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_that_always_fails_is_quarantined_and_those_after_it_start() {
    let log = Log::default();
    let probes = abc(&log);
    probes[1].init_failures.store(u32::MAX, Ordering::SeqCst);
    let specs = probes.each_ref().map(|probe| probe.spec().on_give_up(GiveUp::Quarantine));
    let root = start_root(root_of(Strategy::RestForOne, specs)).await.unwrap();
    eventually("quarantine", || probes[1].port.state() == ActorState::Quarantined).await;
    eventually("c runs", || probes[2].port.state() == ActorState::Running).await;
    assert_eq!(root.state(), ActorState::Running);
    assert_eq!(probes[0].port.incarnation(), 1);
}

#[tokio::test(start_paused = true)]
async fn restart_policy_decides_which_ends_lead_to_a_restart() {
    use RestartPolicy::{Permanent, Temporary, Transient};
    let table = [
        (Permanent, "stop", true),
        (Permanent, "crash", true),
        (Permanent, "kill", true),
        (Transient, "stop", false),
        (Transient, "crash", true),
        (Transient, "kill", true),
        (Temporary, "stop", false),
        (Temporary, "crash", false),
        (Temporary, "kill", false),
    ];
    for (policy, end, restarts) in table {
        let probe = Probe::new("a", &Log::default());
        let spec = root_of(Strategy::OneForOne, [probe.spec().restart(policy)]);
        let root = start_root(spec).await.unwrap();
        match end {
            "stop" => probe.port.send(Msg::StopSelf, None).unwrap(),
            "crash" => probe.crash(),
            _ => root.kill("root/a", "test").await.unwrap(),
        }
        if restarts {
            probe.wait_life(2).await;
        } else {
            eventually("stopped", || probe.port.state() == ActorState::Stopped).await;
            tokio::time::sleep(Duration::from_secs(40)).await;
            assert_eq!(probe.port.incarnation(), 1, "{policy:?} after {end}");
        }
        root.stop(Duration::from_secs(1)).await.unwrap();
    }
}
