//! The operating system's user that PostgreSQL runs as.

use super::PrivatePostgresError;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

const PASSWD: &str = "/etc/passwd";
/// PostgreSQL refuses to run as root; these are tried in this order instead.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// Who PostgreSQL runs as, and who signs in to it.
#[derive(Debug, Clone)]
pub(super) struct OsUser {
    pub(super) name: String,
    pub(super) uid: u32,
    gid: u32,
    /// Whether that is somebody else than this process.
    switches: bool,
    /// This process's own user name, where it has one: what peer authentication sees.
    pub(super) client: Option<String>,
}

impl OsUser {
    pub(super) fn find() -> Result<Self, PrivatePostgresError> {
        let uid = rustix::process::geteuid().as_raw();
        let gid = rustix::process::getegid().as_raw();
        let passwd = std::fs::read_to_string(PASSWD).unwrap_or_default();
        let client = entries(&passwd).find(|entry| entry.uid == uid).map(|entry| entry.name.to_owned());
        if uid != 0 {
            let name = client.clone().unwrap_or_else(|| uid.to_string());
            return Ok(Self { name, uid, gid, switches: false, client });
        }
        let found = UNPRIVILEGED.iter().find_map(|name| entries(&passwd).find(|entry| entry.name == *name));
        let entry = found.ok_or(PrivatePostgresError::NoUser)?;
        Ok(Self { name: entry.name.to_owned(), uid: entry.uid, gid: entry.gid, switches: true, client })
    }

    /// Whether this process is root and PostgreSQL is not.
    pub(super) fn switches(&self) -> bool {
        self.switches
    }

    /// A command that runs as this user, away from the terminal's Ctrl-C and from our working directory.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").process_group(0).stdin(Stdio::null());
        if self.switches {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Gives a path to this user.
    pub(super) fn own(&self, dir: &Path) -> std::io::Result<()> {
        if self.switches { std::os::unix::fs::chown(dir, Some(self.uid), Some(self.gid)) } else { Ok(()) }
    }

    /// Fails unless it is a directory of this user's that nobody else can enter: a name in /tmp may be taken by anyone.
    pub(super) fn check_owned(&self, dir: &Path) -> Result<(), PrivatePostgresError> {
        let found = std::fs::symlink_metadata(dir).map_err(PrivatePostgresError::io("look at", dir))?;
        if found.is_dir() && found.uid() == self.uid && found.permissions().mode() & 0o077 == 0 {
            return Ok(());
        }
        Err(PrivatePostgresError::InsecureRuntimeDir { path: dir.to_owned() })
    }

    /// Whether this user can enter the directory; asked of the kernel, which knows of access lists too.
    pub(super) fn can_enter(&self, dir: &Path) -> bool {
        let status = self
            .command(Path::new("/bin/sh"))
            .args(["-c", "cd \"$1\"", "sh"])
            .arg(dir)
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }
}

struct Entry<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
}

fn entries(passwd: &str) -> impl Iterator<Item = Entry<'_>> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Entry { name, uid, gid })
    })
}
