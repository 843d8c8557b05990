//! Why a PostgreSQL of our own does not run.

use crate::DbError;
use std::path::{Path, PathBuf};

/// Why a PostgreSQL of our own could not be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum PrivatePostgresError {
    #[error(
        "no PostgreSQL server is installed (looked for initdb in pg_config's directory, /usr/lib/postgresql/*/bin and \
         PATH): install the package `postgresql`, or give a --database-url"
    )]
    NotInstalled,
    #[error("the cluster in {} was made by PostgreSQL {cluster}, which is not installed", dir.display())]
    WrongVersion { dir: PathBuf, cluster: String },
    #[error("the data directory {} is in use by process {}", dir.display(), pid.map_or("?".to_owned(), |pid| pid.to_string()))]
    DataDirInUse { dir: PathBuf, pid: Option<u32> },
    #[error("{} cannot be entered by the user {user} that PostgreSQL runs as", path.display())]
    Unreachable { path: PathBuf, user: String },
    #[error("there is no user to run PostgreSQL as: neither `postgres` nor `nobody` exists")]
    NoUser,
    #[error("{} is not a directory that only PostgreSQL's user can enter: remove it", path.display())]
    InsecureRuntimeDir { path: PathBuf },
    #[error("{program} failed: {output}")]
    Command { program: &'static str, output: String },
    #[error("{} in {}: {source}", what, path.display())]
    Io { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Db(#[from] DbError),
}

impl PrivatePostgresError {
    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}
