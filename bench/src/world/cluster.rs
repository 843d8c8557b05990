//! A directory that is gone afterwards, and a durable cluster in it.

use crate::{BenchArgs, BenchError};
use bulkhead_persistence::{Db, PoolSizes, PrivatePostgres};
use std::path::{Path, PathBuf};

const DIR_NAME: &str = "bulkhead-bench";

/// Where everything of one scenario lives. The same place every time, so that nothing piles up.
#[derive(Debug)]
pub(crate) struct WorkDir(PathBuf);

impl WorkDir {
    /// An empty one.
    pub(crate) async fn make(args: &BenchArgs) -> Result<Self, BenchError> {
        Self::clear(args).await?;
        let path = place(args);
        std::fs::create_dir_all(&path).map_err(BenchError::io("make the working directory"))?;
        Ok(Self(path))
    }

    /// Removes what is there, and ends what was left running in it.
    pub(crate) async fn clear(args: &BenchArgs) -> Result<(), BenchError> {
        let path = place(args);
        if path.join("db").exists() {
            // Takes the lock, so that a benchmark that is running is not disturbed.
            PrivatePostgres::start(&path.join("db")).await?.stop().await?;
        }
        if path.exists() {
            std::fs::remove_dir_all(&path).map_err(BenchError::io("clear the working directory"))?;
        }
        Ok(())
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

/// The working directory.
pub(crate) fn place(args: &BenchArgs) -> PathBuf {
    args.work_dir.clone().unwrap_or_else(std::env::temp_dir).join(DIR_NAME)
}

/// A PostgreSQL with the settings of the server's own.
#[derive(Debug)]
pub(crate) struct Cluster(PrivatePostgres);

impl Cluster {
    /// Starts an empty one and makes its tables.
    pub(crate) async fn start(dir: &WorkDir) -> Result<Self, BenchError> {
        let postgres = PrivatePostgres::start(&dir.join("db")).await?;
        Db::migrate(postgres.endpoint()).await?;
        Ok(Self(postgres))
    }

    pub(crate) fn open(&self) -> Db {
        Db::open(self.0.endpoint(), PoolSizes { tenant: 4, system: 4 })
    }

    pub(crate) fn url(&self) -> String {
        self.0.endpoint().url()
    }

    /// The postmaster's process.
    pub(crate) fn pid(&self) -> u32 {
        read_pid(&self.0.cluster_dir().join("postmaster.pid")).unwrap_or(0)
    }

    pub(crate) async fn stop(self) -> Result<(), BenchError> {
        Ok(self.0.stop().await?)
    }
}

fn read_pid(path: &Path) -> Option<u32> {
    std::fs::read_to_string(path).ok()?.lines().next()?.trim().parse().ok()
}
