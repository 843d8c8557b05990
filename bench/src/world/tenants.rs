//! Tenants by the thousand: stored directly, because hashing a password for each would take most of an hour. Each
//! gets a session whose first refresh token is known here, and signs in by exchanging it over HTTP, which costs no
//! password.

use super::call;
use crate::load::{Connection, request};
use crate::{BenchError, clock};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bulkhead_domain::{TenantId, UserId};
use bulkhead_persistence::refresh_token::{NewRefreshToken, SessionOwner, insert_refresh_token};
use bulkhead_persistence::session::{SessionRow, insert_session};
use bulkhead_persistence::tenant::insert_tenant;
use bulkhead_persistence::user::insert_user;
use bulkhead_persistence::{Db, Plan, SystemTx, TenantRow, TenantStatus, UserRole, UserRow, journal};
use futures_util::future::try_join_all;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use uuid::Uuid;

const SESSION_LIFETIME_MICROS: i64 = 86_400_000_000;
/// No password has this hash.
const NO_PASSWORD: &str = "!";
const SIGN_IN_CONNECTIONS: usize = 8;
/// Tenants stored in one transaction; keeps it well below the statement limits of the role.
const TENANTS_PER_TRANSACTION: u32 = 500;

/// A tenant that is stored and not signed in.
#[derive(Debug)]
pub(crate) struct TenantSeed {
    pub(crate) id: TenantId,
    refresh_token: String,
}

/// A tenant whose owner is signed in.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    pub(crate) access_token: String,
    refresh_token: String,
}

impl From<TenantSeed> for Tenant {
    fn from(seed: TenantSeed) -> Self {
        Self { id: seed.id, access_token: String::new(), refresh_token: seed.refresh_token }
    }
}

/// Stores so many tenants and, before them, one whose owner is a platform admin.
pub(crate) async fn seed(db: &Db, tenants: u32) -> Result<Vec<TenantSeed>, BenchError> {
    let mut seeds = Vec::new();
    let mut next = 0..=tenants;
    while !next.is_empty() {
        let mut tx = db.begin_system().await?;
        for number in next.by_ref().take(TENANTS_PER_TRANSACTION as usize) {
            seeds.push(store(&mut tx, number).await?);
        }
        tx.commit().await?;
    }
    Ok(seeds)
}

async fn store(tx: &mut SystemTx, number: u32) -> Result<TenantSeed, BenchError> {
    let now = clock::now();
    let tenant = TenantRow {
        id: TenantId(Uuid::new_v4()),
        name: format!("Bench {number}"),
        plan: Plan::Unlimited,
        status: TenantStatus::Active,
        created_at: now,
    };
    let owner = UserRow {
        id: UserId(Uuid::now_v7()),
        tenant_id: tenant.id,
        email: format!("owner-{number}@bench.invalid"),
        password_hash: NO_PASSWORD.to_owned(),
        role: UserRole::Owner,
        is_platform_admin: number == 0,
        created_at: now,
    };
    let expires_at = now.plus_micros(SESSION_LIFETIME_MICROS);
    let session = SessionRow {
        id: Uuid::now_v7(),
        tenant_id: tenant.id,
        user_id: owner.id,
        created_at: now,
        expires_at,
        revoked_at: None,
    };
    let mut secret = [0u8; 32];
    getrandom::fill(&mut secret).map_err(|_| BenchError::Random)?;
    let token = NewRefreshToken { hash: Sha256::digest(secret).into(), issued_at: now, expires_at };
    let session_owner = SessionOwner { session_id: session.id, tenant_id: tenant.id, user_id: owner.id };
    insert_tenant(tx, &tenant).await?;
    insert_user(tx, &owner).await?;
    journal::create_head(tx, tenant.id).await?;
    insert_session(tx, &session).await?;
    insert_refresh_token(tx, session_owner, token).await?;
    let refresh_token = format!("bhr_{}", URL_SAFE_NO_PAD.encode(secret));
    Ok(TenantSeed { id: tenant.id, refresh_token })
}

#[derive(Deserialize)]
struct Answer {
    data: Tokens,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
}

/// Exchanges every tenant's refresh token for new ones.
pub(crate) async fn refresh_all(address: SocketAddr, tenants: &mut [Tenant]) -> Result<(), BenchError> {
    let share = tenants.len().div_ceil(SIGN_IN_CONNECTIONS).max(1);
    try_join_all(tenants.chunks_mut(share).map(|part| refresh_part(address, part))).await?;
    Ok(())
}

async fn refresh_part(address: SocketAddr, tenants: &mut [Tenant]) -> Result<(), BenchError> {
    let mut connection = Connection::open(address).await?;
    for tenant in tenants {
        let body = serde_json::json!({ "refresh_token": tenant.refresh_token }).to_string();
        let bytes = request("POST", "/api/v1/auth/refresh", None, Some(&body));
        let answer = call(&mut connection, "a sign-in", &bytes).await?;
        let answer: Answer = serde_json::from_value(answer).map_err(BenchError::shape("a sign-in"))?;
        tenant.access_token = answer.data.access_token;
        tenant.refresh_token = answer.data.refresh_token;
    }
    Ok(())
}
