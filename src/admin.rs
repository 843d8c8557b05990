//! `bulkhead admin`, and what commands that make users share.

use crate::cli::DatabaseArgs;
use crate::database::Database;
use crate::output::say;
use anyhow::{Context, bail, ensure};
use bulkhead_identity::{AdminOutcome, Identity, SigningKey};
use bulkhead_persistence::Plan;
use secrecy::SecretString;
use std::io::{BufRead, IsTerminal, Write};

/// `bulkhead admin create`.
pub(crate) async fn create(args: &DatabaseArgs, email: &str) -> anyhow::Result<()> {
    let password = read_password()?;
    let database = Database::open(args).await?;
    let outcome = identity(&database, Plan::Unlimited)?.ensure_platform_admin(email, password).await?;
    match outcome {
        AdminOutcome::Created => say(format_args!("{email} is a platform admin now"))?,
        AdminOutcome::Exists => {
            say(format_args!("{email} is a platform admin already; the password is unchanged"))?;
        }
        AdminOutcome::Taken => bail!("{email} belongs to a tenant's user: use another address"),
    }
    database.close().await
}

/// An identity that makes users and signs nothing that lasts.
pub(crate) fn identity(database: &Database, plan: Plan) -> anyhow::Result<Identity> {
    let key = SigningKey::random()?;
    Ok(Identity::new(database.db.clone(), &key, plan, bulkhead_actors::clock::now)?)
}

/// From the environment, else the first line of standard input.
pub(crate) fn read_password() -> anyhow::Result<SecretString> {
    if let Ok(password) = std::env::var("BULKHEAD_PASSWORD") {
        return Ok(password.into());
    }
    let mut stdin = std::io::stdin().lock();
    if stdin.is_terminal() {
        // On a terminal only, which is a reader.
        drop(write!(std::io::stderr(), "password: "));
    }
    let mut line = String::new();
    stdin.read_line(&mut line).context("cannot read the password from standard input")?;
    let password = line.trim_end_matches(['\n', '\r']);
    ensure!(!password.is_empty(), "no password: set BULKHEAD_PASSWORD or write it to standard input");
    Ok(password.into())
}
