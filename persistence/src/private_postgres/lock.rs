//! One process per data directory.

use super::PrivatePostgresError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

const LOCK_FILE: &str = "lock";

/// The data directory is ours until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(super) struct DataDirLock {
    _file: File,
}

impl DataDirLock {
    pub(super) fn take(data_dir: &Path) -> Result<Self, PrivatePostgresError> {
        let path = data_dir.join(LOCK_FILE);
        let io = |what| PrivatePostgresError::io(what, &path);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io("open lock file"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                file.read_to_string(&mut text).map_err(io("read lock file"))?;
                return Err(PrivatePostgresError::DataDirInUse {
                    dir: data_dir.to_owned(),
                    pid: text.trim().parse().ok(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(io("lock")(error)),
        }
        // For people only: what holds the directory is the lock, not the number.
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(io("write lock file"))?;
        Ok(Self { _file: file })
    }
}
