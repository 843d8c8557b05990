//! Extractors that prove who is asking and that they may. A handler without one of these is public, and the list of
//! public handlers is pinned by a test.

use crate::error::{ApiError, Code};
use crate::state::AppState;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use bulkhead_identity::{Permission, Principal};
use serde_json::json;

/// Declares an extractor that needs one permission.
macro_rules! principals {
    ($($(#[$doc:meta])* $name:ident needs $permission:ident;)+) => {
        $(
            $(#[$doc])*
            pub(crate) struct $name(pub(crate) Principal);

            impl FromRequestParts<AppState> for $name {
                type Rejection = ApiError;

                async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
                    authorize(&parts.headers, state, Permission::$permission).await.map(Self)
                }
            }
        )+
    };
}

principals! {
    /// Anyone of the tenant.
    Member needs Read;
    /// Someone who may place and cancel orders.
    Trader needs Trade;
    /// Someone who may change the tenant itself.
    Manager needs ManageTenant;
    /// Someone who operates the platform.
    PlatformAdmin needs OperatePlatform;
}

/// The access token of the `Authorization` header; `None` when the header is absent.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let text = value.to_str().map_err(|_| ApiError::of(Code::TokenInvalid))?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => {
            Err(ApiError::new(Code::TokenInvalid, "the Authorization header must be `Bearer <access token>`"))
        }
    }
}

async fn authorize(
    headers: &HeaderMap,
    state: &AppState,
    permission: Permission,
) -> Result<Principal, ApiError> {
    let token = bearer(headers)?.ok_or_else(|| ApiError::of(Code::NotAuthenticated))?;
    let principal = state.identity.authenticate(token).await?;
    if principal.may(permission) {
        return Ok(principal);
    }
    let message = format!("your role, {}, may not do this", principal.role.as_str());
    Err(ApiError::new(Code::Forbidden, message).with_details(json!({ "permission": permission.as_str() })))
}
