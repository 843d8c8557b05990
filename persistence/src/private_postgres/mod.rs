//! A PostgreSQL of our own, for development and tests: made with the machine's binaries below the data directory,
//! reached over a Unix socket only, started and stopped with the server.
//!
//! 1. One process per data directory; the second is told who has it.
//! 2. What a killed process left running is stopped before anything new starts on the same cluster.
//! 3. It does not hear the terminal's Ctrl-C: the server drains first and stops it last.
//! 4. While it is wanted it is started again when it ends, whatever ended it.
//! 5. Started as root, it runs as `postgres` (or `nobody`), because PostgreSQL refuses root.

mod binaries;
mod error;
mod lock;
mod os_user;
mod place;
mod server;
mod settings;
mod throwaway;

pub use error::PrivatePostgresError;
pub use throwaway::Throwaway;

use crate::{DbError, Endpoint};
use lock::DataDirLock;
use os_user::OsUser;
use place::Place;
use server::{Server, Stop};
use settings::Durability;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::sleep;

const DATABASE: &str = "bulkhead";
/// How often it is looked at whether the server runs.
const WATCH_EVERY: Duration = Duration::from_millis(250);
/// After a start that failed the next one waits this long, twice as long after each further one, and so on.
const RESTART_PAUSE_MIN: Duration = Duration::from_millis(500);
const RESTART_PAUSE_MAX: Duration = Duration::from_secs(30);

/// A running PostgreSQL of our own. Dropped without [`PrivatePostgres::stop`], it is asked to stop and not waited for.
#[derive(Debug)]
pub struct PrivatePostgres {
    server: Server,
    endpoint: Endpoint,
    is_stopped: bool,
    /// Whether it is to run. Held during each start and stop, so that they come one after the other.
    is_wanted: Arc<Mutex<bool>>,
    /// Last, so that it is released after the server was told to stop.
    _lock: DataDirLock,
}

impl PrivatePostgres {
    /// Starts the cluster of this data directory, made first if need be, with an empty database to migrate.
    pub async fn start(data_dir: &Path) -> Result<Self, PrivatePostgresError> {
        let data_dir = data_dir.to_owned();
        let (server, lock) = blocking(move || start_server(&data_dir)).await?;
        let endpoint = server.endpoint(DATABASE);
        let is_wanted = Arc::new(Mutex::new(true));
        let this = Self { server, endpoint, is_stopped: false, is_wanted, _lock: lock };
        create_database(&this.server.endpoint("postgres"), DATABASE).await?;
        Ok(this)
    }

    /// Where the cluster is that another process runs on this data directory.
    pub fn attach(data_dir: &Path) -> Result<Endpoint, PrivatePostgresError> {
        let user = OsUser::find()?;
        Ok(Server::new(Place::of(data_dir, &user)?, user)?.endpoint(DATABASE))
    }

    /// Where it is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The directory its files are in.
    pub fn cluster_dir(&self) -> &Path {
        &self.server.place.cluster
    }

    /// Leaves the server running and lets go of the data directory: what `kill -9` of its owner does.
    pub fn abandon(mut self) {
        self.is_stopped = true;
    }

    /// Starts the server again whenever it has ended. To be polled for as long as it is wanted; never ready.
    pub async fn keep_running(&self) -> Infallible {
        let mut pause = RESTART_PAUSE_MIN;
        loop {
            sleep(WATCH_EVERY).await;
            if self.server.is_running() {
                pause = RESTART_PAUSE_MIN;
                continue;
            }
            tracing::warn!("postgres has ended, starting it again");
            match self.start_again().await {
                Ok(()) => tracing::info!("postgres runs again"),
                Err(error) => {
                    tracing::warn!(%error, ?pause, "postgres does not start");
                    sleep(pause).await;
                    pause = (pause * 2).min(RESTART_PAUSE_MAX);
                }
            }
        }
    }

    async fn start_again(&self) -> Result<(), PrivatePostgresError> {
        let (server, is_wanted) = (self.server.clone(), self.is_wanted.clone());
        // Goes on by itself when nobody polls any more; a stop then waits for it and has the last word.
        blocking(move || {
            let is_wanted = is_wanted.lock().unwrap_or_else(PoisonError::into_inner);
            if *is_wanted { server.start(Durability::Durable) } else { Ok(()) }
        })
        .await
    }

    /// Ends its sessions, has it write a checkpoint, and waits for it, within limits.
    pub async fn stop(mut self) -> Result<(), PrivatePostgresError> {
        self.is_stopped = true;
        let (server, is_wanted) = (self.server.clone(), self.is_wanted.clone());
        blocking(move || {
            let mut is_wanted = is_wanted.lock().unwrap_or_else(PoisonError::into_inner);
            *is_wanted = false;
            server.stop(Stop::Wait)
        })
        .await
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        if self.is_stopped {
            return;
        }
        if let Err(error) = self.server.stop(Stop::Ask) {
            tracing::warn!(%error, "postgres could not be told to stop");
        }
    }
}

fn start_server(data_dir: &PathBuf) -> Result<(Server, DataDirLock), PrivatePostgresError> {
    fs::create_dir_all(data_dir).map_err(PrivatePostgresError::io("create directory", data_dir))?;
    let lock = DataDirLock::take(data_dir)?;
    let user = OsUser::find()?;
    let server = Server::new(Place::of(data_dir, &user)?, user)?;
    server.make_cluster()?;
    server.start(Durability::Durable)?;
    Ok((server, lock))
}

/// `initdb` and `pg_ctl` take up to seconds, which no worker of the runtime may be held for.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PrivatePostgresError> + Send + 'static,
) -> Result<T, PrivatePostgresError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

async fn create_database(maintenance: &Endpoint, name: &'static str) -> Result<(), DbError> {
    let mut conn = maintenance.admin().connect().await?;
    let exists = sqlx::query("select from pg_database where datname = $1")
        .bind(name)
        .fetch_optional(&mut conn)
        .await?;
    if exists.is_none() {
        run(&mut conn, format!("create database {name}")).await?;
    }
    conn.close().await?;
    Ok(())
}

/// Runs a statement about a database; names are ours and need no quotes.
async fn run(conn: &mut PgConnection, sql: String) -> Result<(), DbError> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}
