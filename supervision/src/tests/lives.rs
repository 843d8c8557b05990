//! What ends with an incarnation, what an administrator may do, and what is remembered.

use super::*;

#[tokio::test(start_paused = true)]
async fn requested_kills_and_restarts_do_not_count_and_lose_no_time() {
    let (log, events) = (Log::default(), Log::default());
    let probe = Probe::new("a", &log);
    let root = start_root(root_of(Strategy::OneForOne, [probe.spec()]).events(events.sink())).await.unwrap();
    let started = Instant::now();
    for life in 1..=20 {
        root.kill("root/a", "drill").await.unwrap();
        probe.wait_life(life + 1).await;
    }
    root.restart("a", "config").await.unwrap();
    probe.wait_life(22).await;
    assert!(started.elapsed() < Duration::from_millis(100), "took {:?}", started.elapsed());
    assert_eq!(having(events.take(), "killed drill").len(), 20);
    assert_eq!(having(log.take(), "stop").len(), 1, "a restart is graceful, a kill is not");
    let health = probe.port.health();
    assert_eq!((health.restarts, health.recent_restarts.len()), (21, RESTARTS_KEPT_MAX));
    assert_eq!(health.recent_restarts.last().unwrap().cause, Cause::Requested("config".into()));
    assert_eq!(root.kill("root/nobody", "x").await, Err(ControlError::NotFound));
}

#[tokio::test(start_paused = true)]
async fn a_stale_restart_timer_starts_nothing() {
    let probe = Probe::new("a", &Log::default());
    let intensity = Intensity { child_max: 100, tree_max: 100, ..Intensity::default() };
    // A fixed delay in practice: the jitter is drawn from up to ten hours.
    let backoff =
        Backoff { base: Duration::from_secs(36_000), cap: Duration::from_secs(36_000), ..Backoff::default() };
    let root = start_root(
        root_of(Strategy::OneForOne, [probe.spec().restart(RestartPolicy::Transient)])
            .intensity(intensity)
            .backoff(backoff),
    )
    .await
    .unwrap();
    probe.crash_and_wait().await;
    probe.crash();
    eventually("waits", || probe.port.state() == ActorState::Restarting).await;
    assert_eq!(probe.count().await, Err(CallError::NotDelivered(Refused::Recovering)));
    root.restart("root/a", "now").await.unwrap();
    probe.wait_life(3).await;
    probe.port.send(Msg::StopSelf, None).unwrap();
    tokio::time::sleep(Duration::from_secs(40_000)).await;
    assert_eq!((probe.port.incarnation(), probe.port.state()), (3, ActorState::Stopped));
}

#[tokio::test(start_paused = true)]
async fn a_child_removed_while_its_restart_waits_stays_away() {
    let probe = Probe::new("a", &Log::default());
    let root = start_root(root_of(Strategy::OneForOne, [probe.spec()])).await.unwrap();
    probe.crash_and_wait().await;
    probe.crash();
    root.remove_child("a", Duration::from_secs(1)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!((probe.port.state(), probe.port.incarnation()), (ActorState::Stopped, 2));
    assert_eq!(root.child_names().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn children_added_at_run_time_survive_a_restart_of_their_supervisor() {
    let log = Log::default();
    let [a, b, _] = abc(&log);
    let inner = SupervisorSpec::new("inner", Strategy::OneForOne).child(a.spec());
    let handle = inner.handle();
    let root = start_root(root_of(Strategy::OneForOne, [ChildSpec::supervisor(inner)])).await.unwrap();
    handle.add_child(b.spec()).await.unwrap();
    assert_eq!(handle.add_child(b.spec()).await, Err(ControlError::AlreadyExists));
    assert_eq!(b.count().await, Ok(0));
    root.kill("root/inner", "drill").await.unwrap();
    eventually("both are back", || {
        [&a, &b]
            .iter()
            .all(|probe| probe.port.incarnation() == 2 && probe.port.state() == ActorState::Running)
    })
    .await;
    handle.remove_child("b", Duration::from_secs(1)).await.unwrap();
    assert_eq!(b.port.state(), ActorState::Stopped);
    assert_eq!(root.view("root/inner").unwrap().children.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn timers_and_pipes_end_with_their_incarnation() {
    for end in ["crash", "kill", "restart", "none"] {
        let log = Log::default();
        let (probe, gate) = (Probe::new("a", &Log::default()), Arc::new(Semaphore::new(0)));
        let root = start_root(root_of(Strategy::OneForOne, [probe.spec()])).await.unwrap();
        let minute = Duration::from_secs(60);
        probe.port.send(Msg::Later(minute, "timer", log.clone()), None).unwrap();
        probe.port.send(Msg::Pipe(gate.clone(), "pipe", log.clone()), None).unwrap();
        probe.count().await.unwrap();
        match end {
            "crash" => probe.crash(),
            "kill" => root.kill("a", "test").await.unwrap(),
            "restart" => root.restart("a", "test").await.unwrap(),
            _ => {}
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        gate.add_permits(1);
        tokio::time::sleep(minute * 2).await;
        let expected: &[&str] = if end == "none" { &["pipe", "timer"] } else { &[] };
        assert_eq!(log.take(), strings(expected), "after {end}");
        assert_eq!(gate.available_permits(), usize::from(end != "none"), "the piped future itself must end");
        assert_eq!(probe.port.depth(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_piped_future_fails_its_actor() {
    let (probe, gate) = (Probe::new("a", &Log::default()), Arc::new(Semaphore::new(1)));
    let root = start_root(root_of(Strategy::OneForOne, [probe.spec()])).await.unwrap();
    probe.port.send(Msg::Pipe(gate, "", Log::default()), None).unwrap();
    probe.wait_life(2).await;
    let health = probe.port.health();
    assert_eq!(health.last_error.as_deref(), Some("error: a piped future panicked"));
    drop(root);
}

#[tokio::test(start_paused = true)]
async fn background_tasks_are_bounded_and_end_together() {
    let background = Background::new();
    let tasks: Vec<Task> =
        (0..TASKS_MAX).map(|_| background.spawn(std::future::pending()).unwrap()).collect();
    assert_eq!(background.spawn(async {}).unwrap_err(), TooManyTasks);
    tasks[0].cancel();
    settle().await;
    assert_eq!(background.running(), TASKS_MAX - 1);
    assert!(background.spawn(async {}).is_ok());
    background.close();
    assert_eq!((background.running(), background.spawn(async {}).is_err()), (0, true));
}

#[tokio::test(start_paused = true)]
async fn causes_are_kept_as_text() {
    type Provoke = fn(&Probe);
    let long: &'static str = "x".repeat(5000).leak();
    let table: [(Provoke, &str); 4] = [
        (|probe| probe.port.send(Msg::Panic("out of beans"), None).unwrap(), "panic: out of beans"),
        (|probe| probe.port.send(Msg::Fail, None).unwrap(), "error: torn state"),
        (|probe| probe.port.inject(Fault::Panic).unwrap(), "panic: injected panic"),
        (|probe| probe.port.inject(Fault::Error).unwrap(), "error: injected error"),
    ];
    let probe = Probe::new("a", &Log::default());
    let intensity = Intensity { child_max: 100, tree_max: 100, ..Intensity::default() };
    let root = start_root(root_of(Strategy::OneForOne, [probe.spec()]).intensity(intensity)).await.unwrap();
    for (life, (provoke, text)) in (2..).zip(table) {
        provoke(&probe);
        probe.wait_life(life).await;
        assert_eq!(probe.port.health().last_error.as_deref(), Some(text));
        assert_eq!(probe.port.health().recent_restarts.last().unwrap().cause.to_string(), text);
    }
    probe.port.send(Msg::Panic(long), None).unwrap();
    probe.wait_life(6).await;
    assert!(probe.port.health().last_error.unwrap().len() < 600, "texts are bounded");
    drop(root);
}

#[tokio::test(start_paused = true)]
async fn a_stuck_actor_shows_what_it_is_at() {
    let probe = Probe::new("a", &Log::default());
    let root = start_root(root_of(Strategy::OneForOne, [probe.spec()])).await.unwrap();
    let gate = Arc::new(Semaphore::new(0));
    let (reply, _answer) = Reply::channel();
    probe.port.send(Msg::Hold(gate.clone(), reply), None).unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let health = root.tree().find("root/a").unwrap().health.clone();
    assert_eq!(health.current_message, Some(CurrentMessage { kind: "hold", since_ms: 1500 }));
    assert_eq!((health.depth, health.handled, health.incarnation), (1, 0, 1));
    gate.add_permits(1);
    probe.count().await.unwrap();
    let health = probe.port.health();
    assert_eq!((health.depth, health.handled, health.current_message), (0, 2, None));
    assert!(health.handling.p99_us >= 1.5e6 && health.handling.mean_us >= 0.7e6);
    root.kill("a", "stuck").await.unwrap();
    probe.wait_life(2).await;
    assert_eq!(probe.port.health().current_message, None);
}

#[tokio::test(start_paused = true)]
async fn names_must_be_usable_in_paths() {
    let log = Log::default();
    for (first, second) in [("a", "a"), ("", "b"), ("a/b", "b")] {
        let spec =
            root_of(Strategy::OneForOne, [Probe::new(first, &log).spec(), Probe::new(second, &log).spec()]);
        assert!(matches!(start_root(spec).await, Err(StartError::InvalidName(_))), "{first:?} {second:?}");
    }
    assert_eq!(log.take().len(), 0, "nothing of an invalid tree is started");
}
