//! On a real clock: the threads are real ones.

use std::num::NonZeroUsize;
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::*;

const PATIENCE: Duration = Duration::from_secs(20);

async fn started(waiting_max: u32) -> (ComputePool, SupervisorHandle) {
    let pool = ComputePool::new("root/pool", NonZeroUsize::MIN, waiting_max);
    let spec = SupervisorSpec::new("root", Strategy::OneForOne).child(ChildSpec::pool("pool", &pool));
    (pool, start_root(spec).await.unwrap())
}

/// Keeps the only thread busy until the sender is used or dropped.
async fn occupy(pool: &ComputePool) -> mpsc::Sender<()> {
    let (release, held) = mpsc::channel();
    let (begun, has_begun) = oneshot::channel();
    pool.run(0, "hold", move || {
        begun.send(()).unwrap();
        held.recv().ok();
    })
    .unwrap();
    timeout(PATIENCE, has_begun).await.unwrap().unwrap();
    release
}

async fn await_empty(pool: &ComputePool) {
    let empty = async {
        while pool.depth() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, empty).await.unwrap();
}

#[tokio::test]
async fn keys_take_turns() {
    let (pool, root) = started(64).await;
    let release = occupy(&pool).await;
    let (sender, order) = mpsc::channel();
    for (key, name) in [(1, "a1"), (1, "a2"), (1, "a3"), (2, "b1"), (3, "c1"), (2, "b2")] {
        let sender = sender.clone();
        pool.run(key, "note", move || sender.send(name).unwrap()).unwrap();
    }
    drop((release, sender));
    await_empty(&pool).await;
    assert_eq!(order.iter().collect::<Vec<_>>(), ["a1", "b1", "c1", "a2", "b2", "a3"]);
    root.stop(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_full_pool_refuses_and_drops() {
    let (pool, root) = started(2).await;
    let release = occupy(&pool).await;
    pool.run(1, "note", || ()).unwrap();
    let (sender, answer) = oneshot::channel::<()>();
    assert_eq!(pool.run(1, "note", move || drop(sender)), Err(Refused::Overloaded));
    answer.await.unwrap_err();
    drop(release);
    await_empty(&pool).await;
    let tree = root.tree();
    let health = &tree.find("root/pool").unwrap().health;
    assert_eq!((health.handled, health.refused, health.depth), (2, 1, 0));
    root.stop(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_panic_is_its_own_computation_only() {
    let (pool, root) = started(64).await;
    let (sender, answer) = oneshot::channel::<()>();
    pool.run(1, "panic", move || {
        let _sender = sender;
        panic!("on purpose");
    })
    .unwrap();
    pool.run(1, "note", || ()).unwrap();
    assert!(timeout(PATIENCE, answer).await.unwrap().is_err(), "whoever waits sees it dropped");
    await_empty(&pool).await;
    let tree = root.tree();
    let health = &tree.find("root/pool").unwrap().health;
    assert_eq!(health.handled, 2);
    assert_eq!(health.last_error.as_deref(), Some("a computation panicked: on purpose"));
    assert_eq!((health.state, health.restarts), (ActorState::Running, 0));
    root.stop(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn what_waits_is_dropped_at_the_end_and_nothing_is_taken_after_it() {
    let (pool, root) = started(64).await;
    let release = occupy(&pool).await;
    let (sender, answer) = oneshot::channel::<()>();
    pool.run(1, "never", move || sender.send(()).unwrap()).unwrap();
    root.stop(PATIENCE).await.unwrap();
    assert!(timeout(PATIENCE, answer).await.unwrap().is_err(), "it never ran");
    assert_eq!(pool.run(1, "late", || ()), Err(Refused::Stopped));
    drop(release);
}

#[tokio::test]
async fn a_killed_pool_comes_back() {
    let (pool, root) = started(64).await;
    root.kill("root/pool", "a test").await.unwrap();
    let runs = async {
        loop {
            let (sender, answer) = oneshot::channel();
            let taken = pool.run(1, "note", move || sender.send(()).unwrap_or(()));
            if taken.is_ok() && answer.await.is_ok() {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, runs).await.unwrap();
    assert_eq!(root.tree().find("root/pool").unwrap().health.incarnation, 2);
    root.stop(PATIENCE).await.unwrap();
}
