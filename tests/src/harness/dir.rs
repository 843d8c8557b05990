//! A directory of a test, removed with it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// A directory that others may enter: PostgreSQL runs as somebody else when the test is root.
pub(crate) struct TestDir {
    path: PathBuf,
}

impl TestDir {
    pub(crate) fn new() -> Self {
        // Canonical, because processes show where they are that way.
        let root = std::env::temp_dir().canonicalize().unwrap();
        let path = root.join(format!("bulkhead-e2e-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Self { path }
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("kept for a look: {}", self.path.display());
        } else {
            drop(fs::remove_dir_all(&self.path));
        }
    }
}
