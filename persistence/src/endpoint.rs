//! Where the database is and how each role signs in there.
//!
//! The URL that is given belongs to an administrator: a superuser, or the owner of the database with the right to
//! create roles. It is used to make roles and migrate. Everything else signs in as one of three roles that own
//! nothing. Where the administrator needs a password, theirs are derived from it (SHA-256), so that every node
//! with the same URL arrives at the same ones and nothing more has to be stored; the administrator's password must
//! therefore be a random one. Over a Unix socket with peer authentication there are no passwords at all.

use crate::DbError;
use sha2::{Digest, Sha256};
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use std::fmt;

/// The roles the server signs in as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    App,
    Writer,
    System,
}

impl Role {
    pub(crate) const ALL: [Self; 3] = [Self::App, Self::Writer, Self::System];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::App => "bulkhead_app",
            Self::Writer => "bulkhead_writer",
            Self::System => "bulkhead_system",
        }
    }

    /// Per-session limits: (statement, lock, idle in transaction), as PostgreSQL reads them.
    const fn timeouts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::App => ("15s", "5s", "15s"),
            // A writer that lost its connection must let go of its heads before anyone waits long for them.
            Self::Writer => ("10s", "8s", "10s"),
            Self::System => ("10s", "5s", "10s"),
        }
    }

    /// Settings of every session of this role.
    fn settings(self) -> Vec<(&'static str, &'static str)> {
        let (statement, lock, idle) = self.timeouts();
        let mut settings = vec![
            ("statement_timeout", statement),
            ("lock_timeout", lock),
            ("idle_in_transaction_session_timeout", idle),
            ("jit", "off"),
        ];
        if self == Self::Writer {
            // A writer runs five statements, all by primary key. A plan made while a table was empty would scan it
            // and be kept; this way there is one plan, whatever the statistics say.
            settings.push(("enable_seqscan", "off"));
            settings.push(("plan_cache_mode", "force_generic_plan"));
        }
        settings
    }
}

/// A database, and the right to administer it.
#[derive(Clone)]
pub struct Endpoint {
    admin: PgConnectOptions,
    password_seed: Option<[u8; 32]>,
}

impl Endpoint {
    /// Reads a `postgres://` URL. A Unix socket is given as `?host=/directory`.
    pub fn parse(url: &str) -> Result<Self, DbError> {
        let admin: PgConnectOptions = url.parse().map_err(DbError::Query)?;
        Ok(Self::from_options(admin))
    }

    pub(crate) fn from_options(admin: PgConnectOptions) -> Self {
        let admin = admin.application_name("bulkhead");
        let database = admin.get_database().unwrap_or_default().to_owned();
        let password_seed = admin.to_url_lossy().password().map(|password| {
            Sha256::new()
                .chain_update(b"bulkhead role passwords 1\0")
                .chain_update(&database)
                .chain_update([0])
                .chain_update(password)
                .finalize()
                .into()
        });
        Self { admin, password_seed }
    }

    pub(crate) fn admin(&self) -> &PgConnectOptions {
        &self.admin
    }

    pub(crate) fn role(&self, role: Role) -> PgConnectOptions {
        let options =
            self.admin.clone().username(role.name()).application_name(role.name()).options(role.settings());
        match self.password(role) {
            Some(password) => options.password(&password),
            None => options,
        }
    }

    /// The role's derived password, where passwords are in use.
    pub(crate) fn password(&self, role: Role) -> Option<String> {
        let seed = self.password_seed?;
        let digest = Sha256::new().chain_update(seed).chain_update(role.name()).finalize();
        Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The administrator's URL, secrets included: for a child process, never for a log.
    pub fn url(&self) -> String {
        self.admin.to_url_lossy().to_string()
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("host", &self.admin.get_host())
            .field("socket", &self.admin.get_socket())
            .field("database", &self.admin.get_database())
            .finish_non_exhaustive()
    }
}
