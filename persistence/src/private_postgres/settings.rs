//! The configuration files of a cluster of our own, written anew at every start.

use super::os_user::OsUser;
use super::place::Place;
use crate::endpoint::Role;
use std::fs;
use std::path::Path;

/// The cluster's superuser: makes roles and databases, and nothing else.
pub(super) const ADMIN: &str = "bulkhead_admin";
/// An operator's own settings; read last and never written.
const LOCAL_CONF: &str = "postgresql.local.conf";

/// Whether what is written has to survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    Durable,
    /// For tests: a crash of the machine may lose everything.
    None,
}

const COMMON: &str = "\
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 100
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
password_encryption = 'scram-sha-256'
max_wal_senders = 0
wal_level = minimal
";

const DURABLE: &str = "\
fsync = on
synchronous_commit = on
full_page_writes = on
shared_buffers = 256MB
effective_cache_size = 1GB
wal_buffers = 16MB
min_wal_size = 256MB
max_wal_size = 4GB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
# The heads, orders and positions are updated by every commit: they are vacuumed often and a little.
autovacuum_naptime = 15s
autovacuum_vacuum_cost_limit = 1000
logging_collector = on
log_directory = 'log'
# One file per weekday, overwritten a week later: bounded without anyone's help.
log_filename = 'postgresql-%a.log'
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
log_line_prefix = '%m [%p] %q%u '
";

const NOT_DURABLE: &str = "\
fsync = off
full_page_writes = off
shared_buffers = 64MB
min_wal_size = 32MB
";

/// Writes `postgresql.conf`, `pg_hba.conf` and `pg_ident.conf`. They hold no secrets.
pub(super) fn write(place: &Place, user: &OsUser, durability: Durability) -> std::io::Result<()> {
    let specific = match durability {
        Durability::Durable => DURABLE,
        Durability::None => NOT_DURABLE,
    };
    let socket = format!("unix_socket_directories = '{}'\n", place.runtime.display());
    let local = format!("include_if_exists = '{LOCAL_CONF}'\n");
    write_owned(user, &place.cluster.join("postgresql.conf"), &format!("{COMMON}{specific}{socket}{local}"))?;
    // Nobody else can reach the socket. The kernel tells PostgreSQL who connects; where the connecting user has no
    // name to be told by, the directory's permissions are all there is.
    let method = if user.client.is_some() { "peer map=bulkhead" } else { "trust" };
    write_owned(user, &place.cluster.join("pg_hba.conf"), &format!("local all all {method}\n"))?;
    let client = user.client.as_deref().unwrap_or_default();
    let roles = Role::ALL.iter().map(|role| role.name()).chain([ADMIN]);
    let map: String = roles.map(|role| format!("bulkhead {client} {role}\n")).collect();
    write_owned(user, &place.cluster.join("pg_ident.conf"), &map)
}

fn write_owned(user: &OsUser, path: &Path, content: &str) -> std::io::Result<()> {
    fs::write(path, content)?;
    user.own(path)
}
