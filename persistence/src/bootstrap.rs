//! Roles and schema: what has to be there before anything else works.
//!
//! Needs an administrator who may create roles and owns the database (or is a superuser). Safe to run by many
//! nodes at once and at every start.
//!
//! 1. `bulkhead_owner` owns every table, cannot sign in, and is subject to row-level security itself.
//! 2. The roles that sign in own nothing, inherit nothing and cannot bypass row-level security.

use crate::endpoint::{Endpoint, Role};
use crate::{Db, DbError};
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// Held while roles are made, so that nodes that start together do not collide. Any number that is ours.
const BOOTSTRAP_LOCK: i64 = 0x6275_6c6b_6865_6164;

/// Makes a role unless it is there. Roles belong to the cluster while advisory locks belong to a database, so two
/// databases' bootstraps may still meet here.
const CREATE_ROLE: &str = "do $$ begin create role {role} {attributes};
    exception when duplicate_object or unique_violation then null; end $$";

/// The administrator has to be a member to act as the owner; a superuser is one of every role already.
const JOIN_OWNER: &str = "do $$ begin if not pg_has_role(current_user, 'bulkhead_owner', 'member') then
    execute format('grant bulkhead_owner to %I', current_user); end if; end $$";

impl Db {
    /// Makes the roles and brings the schema up to date.
    pub async fn migrate(endpoint: &Endpoint) -> Result<(), DbError> {
        let mut conn = endpoint.admin().connect().await?;
        // What is there already is no news.
        run(&mut conn, "set client_min_messages = warning").await?;
        run(&mut conn, &format!("select pg_advisory_lock({BOOTSTRAP_LOCK})")).await?;
        create_roles(&mut conn, endpoint).await?;
        run(&mut conn, "set role bulkhead_owner").await?;
        MIGRATOR.run_direct(None, &mut conn, false).await?;
        conn.close().await?;
        Ok(())
    }
}

async fn create_roles(conn: &mut PgConnection, endpoint: &Endpoint) -> Result<(), DbError> {
    create_role(conn, "bulkhead_owner", "nologin").await?;
    for role in Role::ALL {
        create_role(conn, role.name(), "login noinherit").await?;
        if let Some(password) = endpoint.password(role) {
            // Hexadecimal, so it needs no quoting.
            run(conn, &format!("alter role {} password '{password}'", role.name())).await?;
        }
    }
    run(conn, JOIN_OWNER).await?;
    run(conn, "grant usage, create on schema public to bulkhead_owner").await?;
    for role in Role::ALL {
        run(conn, &format!("grant usage on schema public to {}", role.name())).await?;
    }
    Ok(())
}

async fn create_role(conn: &mut PgConnection, role: &str, attributes: &str) -> Result<(), DbError> {
    run(conn, &CREATE_ROLE.replace("{role}", role).replace("{attributes}", attributes)).await
}

/// Runs one of the statements above; they are made of constants and hexadecimal digits only.
async fn run(conn: &mut PgConnection, sql: &str) -> Result<(), DbError> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}
