//! The server's own PostgreSQL, through crashes of its owner.

use bulkhead_persistence::{Db, PoolSizes, PrivatePostgres, PrivatePostgresError, Throwaway};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A data directory that goes when the test ends.
struct DataDir(PathBuf);

impl DataDir {
    fn new() -> Self {
        let dir = std::env::temp_dir().join(format!("bulkhead-data-{}", uuid::Uuid::new_v4().simple()));
        Self(dir)
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        let _gone_or_not = std::fs::remove_dir_all(&self.0);
    }
}

fn server_pid(cluster: &Path) -> Option<u32> {
    std::fs::read_to_string(cluster.join("postmaster.pid")).ok()?.lines().next()?.parse().ok()
}

/// A process that ended may stay listed until somebody asks for its status.
fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.starts_with(" Z"))
}

#[tokio::test]
async fn it_starts_migrates_stops_and_starts_again() {
    let data = DataDir::new();
    let postgres = PrivatePostgres::start(&data.0).await.unwrap();
    Db::migrate(postgres.endpoint()).await.unwrap();
    Db::migrate(postgres.endpoint()).await.unwrap();
    let db = Db::open(postgres.endpoint(), PoolSizes::default());
    db.ping().await.unwrap();

    let Err(PrivatePostgresError::DataDirInUse { pid, .. }) = PrivatePostgres::start(&data.0).await else {
        panic!("the data directory is in use")
    };
    assert_eq!(pid, Some(std::process::id()));

    let cluster = postgres.cluster_dir().to_owned();
    postgres.stop().await.unwrap();
    assert_eq!(server_pid(&cluster), None);
    assert!(db.ping().await.unwrap_err().is_unavailable());
    let postgres = PrivatePostgres::start(&data.0).await.unwrap();
    db.ping().await.unwrap();
    db.close().await;
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn what_a_killed_owner_left_running_is_stopped_first() {
    let data = DataDir::new();
    let postgres = PrivatePostgres::start(&data.0).await.unwrap();
    let cluster = postgres.cluster_dir().to_owned();
    let orphan = server_pid(&cluster).unwrap();
    // What kill -9 leaves: the lock is gone with the process, the server runs on.
    postgres.abandon();
    let postgres = PrivatePostgres::start(&data.0).await.unwrap();
    let successor = server_pid(&cluster).unwrap();
    assert_ne!(orphan, successor);
    assert!(!is_running(orphan));
    Db::migrate(postgres.endpoint()).await.unwrap();
    postgres.stop().await.unwrap();

    // A pid file whose number belongs to somebody else by now, as after a restart of the machine.
    let stale = format!("{}\n{}\n", std::process::id(), cluster.display());
    std::fs::write(cluster.join("postmaster.pid"), stale).unwrap();
    let postgres = PrivatePostgres::start(&data.0).await.unwrap();
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_throwaway_cluster_is_quick_and_leaves_nothing() {
    let before = Instant::now();
    let cluster = Throwaway::start().await.unwrap();
    let endpoint = cluster.database().await.unwrap();
    println!("throwaway ready after {:?}", before.elapsed());
    assert!(before.elapsed() < Duration::from_secs(30));
    let db = Db::open(&endpoint, PoolSizes::default());
    db.ping().await.unwrap();
    let dir = cluster.dir().to_owned();
    assert!(dir.exists());
    drop(cluster);
    assert!(!dir.exists());
}
