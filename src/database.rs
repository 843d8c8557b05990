//! The database of a command: given by URL, running in a server's data directory, or started for the moment.

use crate::cli::DatabaseArgs;
use crate::output::say;
use anyhow::ensure;
use bulkhead_persistence::{Db, Endpoint, PoolSizes, PrivatePostgres, PrivatePostgresError};
use std::convert::Infallible;
use std::future::pending;
use std::path::Path;

/// An open database, with the PostgreSQL that was started for it, if one was.
pub(crate) struct Database {
    pub(crate) db: Db,
    pub(crate) endpoint: Endpoint,
    private: Option<PrivatePostgres>,
}

impl Database {
    /// Opens it for a command beside the server.
    pub(crate) async fn open(args: &DatabaseArgs) -> anyhow::Result<Self> {
        match &args.database_url {
            Some(url) => Ok(Self::given(Endpoint::parse(url)?)),
            None => Self::of_data_dir(&args.data).await,
        }
    }

    /// The server's own: starts a PostgreSQL in the data directory, or uses the one that is given.
    pub(crate) async fn for_server(data: &Path, url: Option<&str>) -> anyhow::Result<Self> {
        match url {
            Some(url) => Ok(Self::given(Endpoint::parse(url)?)),
            None => Ok(Self::started(PrivatePostgres::start(data).await?)),
        }
    }

    /// Whether the database is of this process alone.
    pub(crate) fn is_private(&self) -> bool {
        self.private.is_some()
    }

    /// Starts this process's own PostgreSQL again whenever it has ended; never ready.
    pub(crate) async fn keep_running(&self) -> Infallible {
        match &self.private {
            Some(private) => private.keep_running().await,
            // Who runs it looks after it.
            None => pending().await,
        }
    }

    /// Closes it, and stops the PostgreSQL that was started for it.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.db.close().await;
        if let Some(private) = self.private {
            private.stop().await?;
        }
        Ok(())
    }

    async fn of_data_dir(data: &Path) -> anyhow::Result<Self> {
        ensure!(
            data.is_dir(),
            "there is no data directory {}: give --data or --database-url",
            data.display()
        );
        match PrivatePostgres::start(data).await {
            Ok(private) => Ok(Self::started(private)),
            // A server is running on it: ask the same database.
            Err(PrivatePostgresError::DataDirInUse { .. }) => Ok(Self::given(PrivatePostgres::attach(data)?)),
            Err(error) => Err(error.into()),
        }
    }

    fn started(private: PrivatePostgres) -> Self {
        let endpoint = private.endpoint().clone();
        Self { private: Some(private), ..Self::given(endpoint) }
    }

    fn given(endpoint: Endpoint) -> Self {
        Self { db: Db::open(&endpoint, PoolSizes::default()), endpoint, private: None }
    }
}

/// `bulkhead migrate`.
pub(crate) async fn migrate(args: &DatabaseArgs) -> anyhow::Result<()> {
    let database = Database::open(args).await?;
    Db::migrate(&database.endpoint).await?;
    database.close().await?;
    Ok(say("the schema is up to date")?)
}
