//! The server's own PostgreSQL, seen from outside: found by its files, killed, started again, removed.

use super::program::signal;
use super::within;
use rustix::process::Signal;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};
use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);
const SOCKET_LINE: usize = 4;
const STATUS_LINE: usize = 7;

/// The cluster of a data directory.
#[derive(Clone)]
pub(crate) struct Cluster {
    dir: PathBuf,
    /// Kept from when it ran, since the files go with it.
    socket_dir: PathBuf,
    program: PathBuf,
}

/// A PostgreSQL that a test started itself.
pub(crate) struct Started(Child);

impl Cluster {
    /// The cluster of a data directory whose server is running.
    pub(crate) fn of(data: &Path) -> Self {
        let elsewhere = fs::read_to_string(data.join("postgres.location"));
        let dir = elsewhere.map_or_else(|_| data.join("postgres"), |path| PathBuf::from(path.trim()));
        let pid = pid_of(&dir).expect("postgres runs");
        let socket_dir = PathBuf::from(line(&dir, SOCKET_LINE).unwrap());
        let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap();
        Self { dir, socket_dir, program }
    }

    /// The administrator's URL of a database in it.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://bulkhead_admin@localhost/{database}?host={}", self.socket_dir.display())
    }

    /// A connection as the administrator.
    pub(crate) async fn connect(&self, database: &str) -> PgConnection {
        let options: PgConnectOptions = self.url(database).parse().unwrap();
        options.connect().await.unwrap()
    }

    /// Runs SQL as the administrator.
    pub(crate) async fn execute(&self, database: &str, sql: &str) {
        let mut conn = self.connect(database).await;
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut conn).await.unwrap();
    }

    /// `kill -9` of the postmaster, and waits until all of its processes are gone.
    pub(crate) async fn kill(&self) {
        let Some(pid) = pid_of(&self.dir) else { return };
        assert!(is_at(pid, &self.dir), "the pid file names a postgres of this cluster");
        let children = children(pid);
        signal(pid, Signal::KILL);
        within(PATIENCE, "postgres is gone", async || {
            let all = children.iter().chain([&pid]);
            // A zombie counts: PostgreSQL takes whatever has the number for a running server.
            all.into_iter().all(|pid| !Path::new(&format!("/proc/{pid}")).exists()).then_some(())
        })
        .await;
    }

    /// Starts it as its owner would, but without syncs: for a copy that nobody keeps. Waits until it takes connections.
    pub(crate) async fn start_fast(&self) -> Started {
        let owner = fs::metadata(&self.dir).unwrap();
        if !self.socket_dir.exists() {
            fs::DirBuilder::new().mode(0o700).create(&self.socket_dir).unwrap();
            if rustix::process::geteuid().is_root() {
                chown(&self.socket_dir, Some(owner.uid()), Some(owner.gid())).unwrap();
            }
        }
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.dir.parent().unwrap().join("test-postgres.log"));
        let mut command = Command::new(&self.program);
        command
            .arg("-D")
            .arg(&self.dir)
            .args(["-F", "-c", "full_page_writes=off"])
            .current_dir("/")
            .process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.unwrap());
        if rustix::process::geteuid().is_root() {
            command.uid(owner.uid()).gid(owner.gid());
        }
        let child = command.spawn().unwrap();
        let id = child.id();
        within(PATIENCE, "postgres takes connections", async || {
            let is_ready = line(&self.dir, STATUS_LINE).is_some_and(|status| status.trim() == "ready");
            (is_ready && pid_of(&self.dir) == Some(id)).then_some(())
        })
        .await;
        Started(child)
    }

    /// Ends what still runs, however the test ended, and removes what lies outside of the test's directory.
    pub(crate) fn remove(&self) {
        if let Some(pid) = pid_of(&self.dir).filter(|pid| is_at(*pid, &self.dir)) {
            signal(pid, Signal::QUIT);
            for _ in 0..500 {
                if !is_at(pid, &self.dir) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        drop(fs::remove_dir_all(&self.socket_dir));
        drop(fs::remove_dir_all(&self.dir));
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        signal(self.0.id(), Signal::INT);
        drop(self.0.wait());
    }
}

fn line(dir: &Path, number: usize) -> Option<String> {
    fs::read_to_string(dir.join("postmaster.pid")).ok()?.lines().nth(number).map(str::to_owned)
}

fn pid_of(dir: &Path) -> Option<u32> {
    line(dir, 0)?.trim().parse().ok()
}

/// Whether the process runs (a zombie does not) and is a postgres of this cluster.
fn is_at(pid: u32, dir: &Path) -> bool {
    fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == dir)
}

fn children(parent: u32) -> Vec<u32> {
    let threads = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    threads.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}
