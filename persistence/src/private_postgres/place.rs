//! Where the cluster and its socket live.
//!
//! 1. A cluster that exists is always found again: the place is written down in the data directory, because an
//!    empty cluster where a full one is expected would look like lost money.
//! 2. The socket's directory is short (a socket's path may have about 107 bytes) and only PostgreSQL's user, and
//!    root, can enter it.

use super::PrivatePostgresError;
use super::os_user::OsUser;
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Holds the cluster's path where it is not `<data>/postgres`.
const LOCATION_FILE: &str = "postgres.location";
/// Where clusters go whose data directory PostgreSQL's user cannot reach, such as a checkout below /root.
const FALLBACK_ROOT: &str = "/var/lib/bulkhead";
const RUNTIME_ROOT: &str = "/tmp";
const DIGEST_LETTERS: usize = 12;

/// The directories of one cluster.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) cluster: PathBuf,
    pub(super) runtime: PathBuf,
}

impl Place {
    /// Finds or chooses the place for `data_dir`, which exists.
    pub(super) fn of(data_dir: &Path, user: &OsUser) -> Result<Self, PrivatePostgresError> {
        let data_dir =
            data_dir.canonicalize().map_err(PrivatePostgresError::io("find directory", data_dir))?;
        let digest = short_digest(&data_dir);
        let runtime = Path::new(RUNTIME_ROOT).join(format!("bulkhead-{}-{digest}", user.uid));
        let cluster = cluster_dir(&data_dir, &digest, user)?;
        Ok(Self { cluster, runtime })
    }

    /// Makes the socket's directory, or checks that nobody else made it before us.
    pub(super) fn make_runtime(&self, user: &OsUser) -> Result<(), PrivatePostgresError> {
        let io = |what| PrivatePostgresError::io(what, &self.runtime);
        match fs::DirBuilder::new().mode(0o700).create(&self.runtime) {
            Ok(()) => user.own(&self.runtime).map_err(io("change owner")),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                user.check_owned(&self.runtime)
            }
            Err(error) => Err(io("create directory")(error)),
        }
    }
}

fn cluster_dir(data_dir: &Path, digest: &str, user: &OsUser) -> Result<PathBuf, PrivatePostgresError> {
    let location = data_dir.join(LOCATION_FILE);
    let inside = data_dir.join("postgres");
    let cluster = match fs::read_to_string(&location) {
        Ok(text) => PathBuf::from(text.trim_end()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if inside.join("PG_VERSION").exists() || !user.switches() || user.can_enter(data_dir) {
                inside
            } else {
                let outside = Path::new(FALLBACK_ROOT).join(digest).join("postgres");
                write_durably(&location, outside.as_os_str().as_bytes())
                    .map_err(PrivatePostgresError::io("write", &location))?;
                outside
            }
        }
        Err(error) => return Err(PrivatePostgresError::io("read", &location)(error)),
    };
    let parent = cluster.parent().unwrap_or(data_dir);
    fs::create_dir_all(parent).map_err(PrivatePostgresError::io("create directory", parent))?;
    if user.can_enter(parent) {
        return Ok(cluster);
    }
    Err(PrivatePostgresError::Unreachable { path: parent.to_owned(), user: user.name.clone() })
}

fn write_durably(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let temporary = path.with_extension("new");
    fs::write(&temporary, content)?;
    fs::File::open(&temporary)?.sync_all()?;
    fs::rename(&temporary, path)
}

fn short_digest(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>().chars().take(DIGEST_LETTERS).collect()
}
