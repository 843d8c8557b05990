//! The machine's PostgreSQL binaries.

use super::PrivatePostgresError;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian and its relatives put them, one directory per major version.
const VERSIONED_ROOT: &str = "/usr/lib/postgresql";

/// A directory with `initdb`, `pg_ctl` and `postgres` of one version.
#[derive(Debug, Clone)]
pub(super) struct Binaries {
    dir: PathBuf,
}

impl Binaries {
    /// The newest installed, or the ones that fit an existing cluster.
    pub(super) fn find(cluster: &Path) -> Result<Self, PrivatePostgresError> {
        let installed: Vec<Self> = candidates()
            .into_iter()
            .map(|dir| Self { dir })
            .filter(|found| found.program("initdb").is_file())
            .collect();
        if installed.is_empty() {
            return Err(PrivatePostgresError::NotInstalled);
        }
        let wanted =
            std::fs::read_to_string(cluster.join("PG_VERSION")).map(|text| text.trim().to_owned()).ok();
        let fits = |found: &&Self| wanted.as_ref().is_none_or(|wanted| found.major() == *wanted);
        installed.iter().find(fits).cloned().ok_or_else(|| PrivatePostgresError::WrongVersion {
            dir: cluster.to_owned(),
            cluster: wanted.clone().unwrap_or_default(),
        })
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// `15.4`, or nothing when it does not say.
    pub(super) fn version(&self) -> String {
        let output = Command::new(self.program("postgres")).arg("--version").output();
        let text =
            output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let version = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        version.unwrap_or_default().to_owned()
    }

    /// As in a cluster's `PG_VERSION`: `15`.
    fn major(&self) -> String {
        self.version().split('.').next().unwrap_or_default().to_owned()
    }
}

fn candidates() -> Vec<PathBuf> {
    let mut versioned: Vec<(u32, PathBuf)> = std::fs::read_dir(VERSIONED_ROOT)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versioned.sort_unstable_by_key(|(version, _)| std::cmp::Reverse(*version));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).filter(|dir| dir.join("initdb").is_file());
    on_path.chain(versioned.into_iter().map(|(_, dir)| dir)).chain(from_pg_config()).collect()
}

fn from_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(text.trim()))
}
