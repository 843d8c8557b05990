//! Access tokens: short-lived signed claims (RFC 9068), verified without asking anybody.
//!
//! 1. The algorithm is pinned; a token never chooses how it is verified.
//! 2. Type, issuer, audience and all times are checked; "expired" is told apart from "invalid" only when
//!    everything else is right.

use crate::principal::Principal;
use crate::signing_key::SigningKey;
use bulkhead_domain::{TenantId, Timestamp, UserId};
use bulkhead_persistence::UserRole;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use uuid::Uuid;

/// How long an access token is good for.
pub const LIFETIME_SECONDS: i64 = 600;
/// Longer texts are not looked at.
pub(crate) const LENGTH_MAX: usize = 4_096;
/// How far ahead the clock of another node that issues may be.
const CLOCK_SKEW_SECONDS: i64 = 5;
const TOKEN_TYPE: &str = "at+jwt";
const ISSUER: &str = "bulkhead";
const AUDIENCE: &str = "bulkhead-api";
const ALGORITHM: Algorithm = Algorithm::HS256;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// Why a token proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the access token has expired")]
    Expired,
    #[error("the access token is not valid")]
    Invalid,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: Cow<'static, str>,
    aud: Cow<'static, str>,
    sub: Uuid,
    tid: Uuid,
    sid: Uuid,
    jti: Uuid,
    role: UserRole,
    adm: bool,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// What a good token says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proven {
    pub(crate) principal: Principal,
    pub(crate) issued_at: Timestamp,
}

/// Signs and verifies.
pub(crate) struct AccessTokens {
    header: Header,
    encoding_key: EncodingKey,
    decoding_key: DecodingKey,
    validation: Validation,
}

/// When a token that is issued now expires: whole seconds, as the claim is.
pub(crate) fn expiry(now: Timestamp) -> Timestamp {
    let seconds = now.micros().div_euclid(MICROS_PER_SECOND) + LIFETIME_SECONDS;
    Timestamp::from_micros(seconds * MICROS_PER_SECOND)
}

impl AccessTokens {
    pub(crate) fn new(key: &SigningKey) -> Self {
        let mut header = Header::new(ALGORITHM);
        header.typ = Some(TOKEN_TYPE.to_owned());
        let mut validation = Validation::new(ALGORITHM);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
        // The library would read its own clock; the times are checked below, by ours.
        validation.validate_exp = false;
        let encoding_key = EncodingKey::from_secret(key.bytes());
        let decoding_key = DecodingKey::from_secret(key.bytes());
        Self { header, encoding_key, decoding_key, validation }
    }

    /// Signs a token for `principal`, good until its `expires_at`.
    pub(crate) fn issue(&self, principal: &Principal, now: Timestamp) -> String {
        let issued = now.micros().div_euclid(MICROS_PER_SECOND);
        let claims = Claims {
            iss: Cow::Borrowed(ISSUER),
            aud: Cow::Borrowed(AUDIENCE),
            sub: principal.user_id.0,
            tid: principal.tenant_id.0,
            sid: principal.session_id,
            jti: Uuid::new_v4(),
            role: principal.role,
            adm: principal.is_platform_admin,
            iat: issued,
            nbf: issued,
            exp: principal.expires_at.micros().div_euclid(MICROS_PER_SECOND),
        };
        encode(&self.header, &claims, &self.encoding_key)
            .expect("claims are plain values and the key is symmetric")
    }

    /// Checks everything a token says about itself.
    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Result<Proven, TokenError> {
        if token.len() > LENGTH_MAX {
            return Err(TokenError::Invalid);
        }
        let data =
            decode::<Claims>(token, &self.decoding_key, &self.validation).map_err(|_| TokenError::Invalid)?;
        if data.header.typ.as_deref() != Some(TOKEN_TYPE) {
            return Err(TokenError::Invalid);
        }
        let claims = data.claims;
        let seconds = now.micros().div_euclid(MICROS_PER_SECOND);
        let starts = claims.nbf.max(claims.iat).saturating_sub(CLOCK_SKEW_SECONDS);
        if seconds < starts || claims.exp.saturating_sub(claims.iat) > LIFETIME_SECONDS {
            return Err(TokenError::Invalid);
        }
        if seconds >= claims.exp {
            return Err(TokenError::Expired);
        }
        Ok(Proven { principal: principal_of(&claims), issued_at: timestamp(claims.iat) })
    }
}

fn principal_of(claims: &Claims) -> Principal {
    Principal {
        tenant_id: TenantId(claims.tid),
        user_id: UserId(claims.sub),
        session_id: claims.sid,
        role: claims.role,
        is_platform_admin: claims.adm,
        expires_at: timestamp(claims.exp),
    }
}

fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds.saturating_mul(MICROS_PER_SECOND))
}

impl std::fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessTokens").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
