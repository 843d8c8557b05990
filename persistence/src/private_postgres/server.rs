//! Makes, starts and stops a cluster with the machine's own `initdb` and `pg_ctl`.

use super::PrivatePostgresError;
use super::binaries::Binaries;
use super::os_user::OsUser;
use super::place::Place;
use super::settings::{self, ADMIN, Durability};
use crate::Endpoint;
use sqlx::postgres::PgConnectOptions;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Start-up includes the recovery after a crash: reading back at most `max_wal_size`.
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// A fast shutdown ends sessions and writes a checkpoint; after this the processes are ended without one.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
const IMMEDIATE_STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Enough of a log to see what is wrong.
const OUTPUT_LINES_MAX: usize = 12;

/// How a server is told to end.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stop {
    /// Ends sessions and writes a checkpoint; after a deadline, without one.
    Wait,
    /// The same, without waiting for it.
    Ask,
}

/// One cluster.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) binaries: Binaries,
    pub(super) user: OsUser,
    pub(super) place: Place,
}

impl Server {
    pub(super) fn new(place: Place, user: OsUser) -> Result<Self, PrivatePostgresError> {
        Ok(Self { binaries: Binaries::find(&place.cluster)?, user, place })
    }

    /// Makes the cluster unless it is there, under another name first: an interrupted attempt is not a cluster.
    pub(super) fn make_cluster(&self) -> Result<(), PrivatePostgresError> {
        let cluster = &self.place.cluster;
        if cluster.join("PG_VERSION").exists() {
            return Ok(());
        }
        let unfinished = cluster.with_extension("unfinished");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(PrivatePostgresError::io("remove", &unfinished))?;
        }
        fs::create_dir(&unfinished).map_err(PrivatePostgresError::io("create directory", &unfinished))?;
        self.user.own(&unfinished).map_err(PrivatePostgresError::io("change owner", &unfinished))?;
        let mut initdb = self.user.command(&self.binaries.program("initdb"));
        initdb.args([
            "--auth=reject",
            "--encoding=UTF8",
            "--locale=C",
            "--no-instructions",
            "--no-sync",
            "--username",
        ]);
        run("initdb", initdb.arg(ADMIN).arg("-D").arg(&unfinished))?;
        fs::rename(&unfinished, cluster).map_err(PrivatePostgresError::io("rename", &unfinished))
    }

    /// Starts the server and waits until it takes connections. Whatever still runs on the cluster, left by a process
    /// that was killed, is stopped first: then nothing of that process's is in flight any more.
    pub(super) fn start(&self, durability: Durability) -> Result<(), PrivatePostgresError> {
        self.end_orphan()?;
        self.place.make_runtime(&self.user)?;
        settings::write(&self.place, &self.user, durability)
            .map_err(PrivatePostgresError::io("write settings", &self.place.cluster))?;
        let log = self.place.cluster.join("start.log");
        let mut start = self.pg_ctl("start", START_TIMEOUT);
        run("pg_ctl start", start.arg("-w").arg("-l").arg(&log)).map_err(|error| with_log(error, &log))
    }

    /// Whether a server runs on the cluster.
    pub(super) fn is_running(&self) -> bool {
        let pid = pid_of(&self.place.cluster.join("postmaster.pid"));
        pid.is_some_and(|pid| matches!(process_at(pid, &self.place.cluster), Process::Ours))
    }

    pub(super) fn stop(&self, how: Stop) -> Result<(), PrivatePostgresError> {
        match how {
            Stop::Ask => run("pg_ctl stop", self.pg_ctl("stop", STOP_TIMEOUT).args(["-m", "fast", "-W"])),
            Stop::Wait => self.stop_and_wait(),
        }
    }

    fn stop_and_wait(&self) -> Result<(), PrivatePostgresError> {
        let fast = run("pg_ctl stop", self.pg_ctl("stop", STOP_TIMEOUT).args(["-m", "fast", "-w"]));
        if let Err(error) = fast {
            tracing::warn!(%error, "postgres did not stop in time, ending it without a checkpoint");
            run("pg_ctl stop", self.pg_ctl("stop", IMMEDIATE_STOP_TIMEOUT).args(["-m", "immediate", "-w"]))?;
        }
        // Only an empty directory goes; one that stays is used again.
        let _kept_or_not = fs::remove_dir(&self.place.runtime);
        Ok(())
    }

    /// Administers this cluster over its socket.
    pub(super) fn endpoint(&self, database: &str) -> Endpoint {
        let options = PgConnectOptions::new_without_pgpass();
        Endpoint::from_options(options.socket(&self.place.runtime).username(ADMIN).database(database))
    }

    fn pg_ctl(&self, verb: &str, timeout: Duration) -> Command {
        let mut command = self.user.command(&self.binaries.program("pg_ctl"));
        command
            .arg(verb)
            .arg("-s")
            .arg("-D")
            .arg(&self.place.cluster)
            .arg("-t")
            .arg(timeout.as_secs().to_string());
        command
    }

    fn end_orphan(&self) -> Result<(), PrivatePostgresError> {
        let pid_file = self.place.cluster.join("postmaster.pid");
        let Some(pid) = pid_of(&pid_file) else { return Ok(()) };
        match process_at(pid, &self.place.cluster) {
            Process::Ours => {
                tracing::info!(pid, "stopping the postgres that an earlier process left");
                self.stop(Stop::Wait)
            }
            Process::Gone => Ok(()),
            // Ended, or its number was given to somebody else meanwhile; PostgreSQL would take either for a server.
            Process::Stranger => {
                fs::remove_file(&pid_file).map_err(PrivatePostgresError::io("remove", &pid_file))
            }
        }
    }
}

enum Process {
    Ours,
    Gone,
    Stranger,
}

pub(super) fn pid_of(pid_file: &Path) -> Option<u32> {
    fs::read_to_string(pid_file).ok()?.lines().next()?.trim().parse().ok()
}

/// What the process is. A server's working directory is its cluster; where that may not be looked at, its name has
/// to do.
fn process_at(pid: u32, cluster: &Path) -> Process {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let Ok(stat) = fs::read_to_string(process.join("stat")) else { return Process::Gone };
    // `pid (name) state ..`, and the name may hold anything.
    let Some((start, rest)) = stat.rsplit_once(')') else { return Process::Stranger };
    if rest.trim_start().starts_with('Z') {
        // Ended, but nobody has asked for its status yet: PostgreSQL would take it for running.
        return Process::Stranger;
    }
    let is_ours = match (fs::read_link(process.join("cwd")), cluster.canonicalize()) {
        (Ok(cwd), Ok(cluster)) => cwd == cluster,
        _ => start.ends_with("(postgres"),
    };
    if is_ours { Process::Ours } else { Process::Stranger }
}

pub(super) fn run(program: &'static str, command: &mut Command) -> Result<(), PrivatePostgresError> {
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output();
    let output = output.map_err(PrivatePostgresError::io(program, Path::new(command.get_program())))?;
    if output.status.success() {
        return Ok(());
    }
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    Err(PrivatePostgresError::Command { program, output: last_lines(&text) })
}

fn with_log(error: PrivatePostgresError, log: &Path) -> PrivatePostgresError {
    match error {
        PrivatePostgresError::Command { program, output } => {
            let log = last_lines(&fs::read_to_string(log).unwrap_or_default());
            PrivatePostgresError::Command { program, output: format!("{output}\n{log}") }
        }
        other => other,
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let first = lines.len().saturating_sub(OUTPUT_LINES_MAX);
    lines.into_iter().skip(first).collect::<Vec<_>>().join("\n")
}
