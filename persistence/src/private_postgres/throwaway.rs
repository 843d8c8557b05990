//! A cluster for tests: in a temporary directory, without syncs, gone with the process that made it.

use super::os_user::OsUser;
use super::place::Place;
use super::server::{Server, run as run_command};
use super::settings::{self, Durability};
use super::{PrivatePostgresError, blocking, create_database, run};
use crate::{Db, DbError, Endpoint};
use sqlx::{ConnectOptions, Connection};
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

const START_TIMEOUT: Duration = Duration::from_secs(30);
const START_POLL: Duration = Duration::from_millis(5);
/// Migrated once; every database is a copy of it.
const TEMPLATE: &str = "bulkhead_template";

/// Runs the server until its standard input ends, which it does however the test's process ends, then removes
/// everything. Arguments: the server's program, its cluster, the directory to remove.
const KEEPER: &str = r#"
"$1" -D "$2" </dev/null >"$3/log" 2>&1 &
server=$!
while read -r _; do :; done
kill -QUIT "$server"
wait "$server"
rm -rf "$3"
"#;

/// A cluster that lasts as long as this value, or as its process.
#[derive(Debug)]
pub struct Throwaway {
    server: Server,
    keeper: Child,
    databases: AtomicU32,
}

impl Throwaway {
    /// Starts a cluster and migrates the template that [`Throwaway::database`] copies.
    pub async fn start() -> Result<Self, PrivatePostgresError> {
        let this = blocking(start_cluster).await?;
        create_database(&this.server.endpoint("postgres"), TEMPLATE).await?;
        Db::migrate(&this.server.endpoint(TEMPLATE)).await?;
        Ok(this)
    }

    /// Everything it has is in here.
    pub fn dir(&self) -> &Path {
        &self.server.place.runtime
    }

    /// A fresh, migrated database.
    pub async fn database(&self) -> Result<Endpoint, DbError> {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("bulkhead_{number}");
        let mut conn = self.server.endpoint("postgres").admin().connect().await?;
        run(&mut conn, format!("create database {name} template {TEMPLATE}")).await?;
        conn.close().await?;
        Ok(self.server.endpoint(&name))
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        if let Err(error) = self.keeper.wait() {
            tracing::warn!(%error, "a throwaway cluster's keeper could not be waited for");
        }
    }
}

fn start_cluster() -> Result<Throwaway, PrivatePostgresError> {
    let user = OsUser::find()?;
    let dir = make_dir(&user)?;
    let place = Place { cluster: dir.join("cluster"), runtime: dir.clone() };
    let server = Server::new(place, user)?;
    copy_cluster(&server)?;
    settings::write(&server.place, &server.user, Durability::None)
        .map_err(PrivatePostgresError::io("write settings", &server.place.cluster))?;
    let mut keeper = server.user.command(Path::new("/bin/sh"));
    keeper
        .args(["-c", KEEPER, "sh"])
        .arg(server.binaries.program("postgres"))
        .arg(&server.place.cluster)
        .arg(&dir);
    let keeper = keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let keeper = keeper.map_err(PrivatePostgresError::io("start the server", &dir))?;
    let throwaway = Throwaway { server, keeper, databases: AtomicU32::new(0) };
    await_ready(&throwaway.server.place)?;
    Ok(throwaway)
}

/// Copies an empty cluster, which is much quicker than making one; the first test on a machine makes it.
fn copy_cluster(server: &Server) -> Result<(), PrivatePostgresError> {
    let version = server.binaries.version().replace('.', "-");
    let name = format!("/tmp/bulkhead-initdb-{}-{version}", server.user.uid);
    let kept = PathBuf::from(&name);
    if !kept.exists() {
        let made = Place {
            cluster: PathBuf::from(format!("{name}-{}", random_name())),
            runtime: server.place.runtime.clone(),
        };
        let maker = Server { place: made, ..server.clone() };
        maker.make_cluster()?;
        if fs::rename(&maker.place.cluster, &kept).is_err() {
            // Somebody else was quicker.
            fs::remove_dir_all(&maker.place.cluster)
                .map_err(PrivatePostgresError::io("remove", &maker.place.cluster))?;
        }
    }
    server.user.check_owned(&kept)?;
    let mut copy = server.user.command(Path::new("/bin/cp"));
    run_command("cp", copy.arg("-R").arg(&kept).arg(&server.place.cluster))
}

fn random_name() -> String {
    let mut random = [0; 8];
    getrandom::fill(&mut random).expect("the system has randomness");
    format!("{:016x}", u64::from_ne_bytes(random))
}

fn make_dir(user: &OsUser) -> Result<PathBuf, PrivatePostgresError> {
    // Not the TMPDIR of the test: it may be too long for a socket, or closed to PostgreSQL's user.
    let dir = PathBuf::from(format!("/tmp/bulkhead-test-{}", random_name()));
    fs::DirBuilder::new()
        .mode(0o700)
        .create(&dir)
        .map_err(PrivatePostgresError::io("create directory", &dir))?;
    user.own(&dir).map_err(PrivatePostgresError::io("change owner", &dir))?;
    Ok(dir)
}

/// The last line of the pid file says when the server takes connections.
fn await_ready(place: &Place) -> Result<(), PrivatePostgresError> {
    let pid_file = place.cluster.join("postmaster.pid");
    let deadline = Instant::now() + START_TIMEOUT;
    while Instant::now() < deadline {
        let is_ready = fs::read_to_string(&pid_file)
            .is_ok_and(|text| text.lines().nth(7).is_some_and(|line| line.trim() == "ready"));
        if is_ready {
            return Ok(());
        }
        sleep(START_POLL);
    }
    let output = fs::read_to_string(place.runtime.join("log")).unwrap_or_default();
    Err(PrivatePostgresError::Command { program: "postgres", output })
}
