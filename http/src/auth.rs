//! Sign-up, sign-in, refresh and sign-out.

use crate::body::JsonBody;
use crate::envelope::{ApiResult, Created, Data};
use crate::principal::Member;
use crate::schema::Answer;
use crate::state::AppState;
use axum::extract::State;
use bulkhead_domain::Timestamp;
use bulkhead_identity::{Signup, Tokens};
use bulkhead_persistence::{TenantRow, UserRow};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(signup))
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(logout))
        .routes(routes!(show_me))
}

/// A new tenant and its owner.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignupRequest {
    #[schema(example = "ann@example.com")]
    email: String,
    /// 8 to 128 characters.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128, example = "a long pass phrase")]
    password: SecretString,
    #[schema(example = "Ann's desk", min_length = 1, max_length = 100)]
    tenant_name: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LoginRequest {
    #[schema(example = "ann@example.com")]
    email: String,
    #[schema(value_type = String, format = Password, example = "a long pass phrase")]
    password: SecretString,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RefreshRequest {
    #[schema(value_type = String, example = "bhr_6vbxHk…")]
    refresh_token: SecretString,
}

/// A session that begins or goes on.
#[derive(Serialize, ToSchema)]
struct TokensView {
    tenant_id: Uuid,
    user_id: Uuid,
    /// Send it as `Authorization: Bearer …`. Good until `expires_at`.
    access_token: String,
    /// Good for one refresh.
    refresh_token: String,
    #[schema(value_type = String, example = "2026-01-02T03:14:05.000000Z")]
    expires_at: Timestamp,
}

/// Who is asking.
#[derive(Serialize, ToSchema)]
struct MeView {
    user_id: Uuid,
    tenant_id: Uuid,
    session_id: Uuid,
    #[schema(example = "ann@example.com")]
    email: String,
    /// owner, admin, trader or viewer.
    #[schema(example = "owner")]
    role: &'static str,
    is_platform_admin: bool,
    #[schema(example = "Ann's desk")]
    tenant_name: String,
    /// When the access token that was sent expires.
    #[schema(value_type = String, example = "2026-01-02T03:14:05.000000Z")]
    expires_at: Timestamp,
}

#[derive(Serialize, ToSchema)]
struct LoggedOutView {
    session_id: Uuid,
}

impl From<Tokens> for TokensView {
    fn from(tokens: Tokens) -> Self {
        Self {
            tenant_id: tokens.tenant_id.0,
            user_id: tokens.user_id.0,
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            expires_at: tokens.expires_at,
        }
    }
}

/// Make a tenant and sign its owner in
///
/// The tenant starts with a paper account of 100,000 USDT and one portfolio.
#[utoipa::path(post, path = "/auth/signup", tag = "Identity", request_body = SignupRequest,
    responses((status = 201, body = Answer<TokensView>), (status = 409, description = "EMAIL_TAKEN")))]
async fn signup(
    State(state): State<AppState>,
    JsonBody(body): JsonBody<SignupRequest>,
) -> ApiResult<Created<TokensView>> {
    let SignupRequest { email, password, tenant_name } = body;
    let tokens = state.identity.signup(Signup { email, password, tenant_name }).await?;
    Ok(Created(tokens.into()))
}

/// Sign in
#[utoipa::path(post, path = "/auth/login", tag = "Identity", request_body = LoginRequest,
    responses((status = 200, body = Answer<TokensView>), (status = 401, description = "INVALID_CREDENTIALS")))]
async fn login(
    State(state): State<AppState>,
    JsonBody(body): JsonBody<LoginRequest>,
) -> ApiResult<Data<TokensView>> {
    let tokens = state.identity.login(&body.email, body.password).await?;
    Ok(Data(tokens.into()))
}

/// Exchange a refresh token for new tokens
///
/// Each refresh token is good once. If the answer was lost, the same token may be sent again within 10 seconds;
/// later, it ends the session.
#[utoipa::path(post, path = "/auth/refresh", tag = "Identity", request_body = RefreshRequest,
    responses((status = 200, body = Answer<TokensView>),
        (status = 401, description = "REFRESH_TOKEN_INVALID, REFRESH_TOKEN_REUSED")))]
async fn refresh(
    State(state): State<AppState>,
    JsonBody(body): JsonBody<RefreshRequest>,
) -> ApiResult<Data<TokensView>> {
    let tokens = state.identity.refresh(secrecy::ExposeSecret::expose_secret(&body.refresh_token)).await?;
    Ok(Data(tokens.into()))
}

/// End the session
///
/// Its access tokens are refused at once, its refresh token for good.
#[utoipa::path(post, path = "/auth/logout", tag = "Identity", security(("bearer" = [])),
    responses((status = 200, body = Answer<LoggedOutView>)))]
async fn logout(Member(principal): Member, State(state): State<AppState>) -> ApiResult<Data<LoggedOutView>> {
    state.identity.logout(&principal).await?;
    Ok(Data(LoggedOutView { session_id: principal.session_id }))
}

/// Who am I
#[utoipa::path(get, path = "/auth/me", tag = "Identity", security(("bearer" = [])),
    responses((status = 200, body = Answer<MeView>)))]
async fn show_me(Member(principal): Member, State(state): State<AppState>) -> ApiResult<Data<MeView>> {
    let (user, tenant): (UserRow, TenantRow) = state.identity.me(&principal).await?;
    Ok(Data(MeView {
        user_id: user.id.0,
        tenant_id: tenant.id.0,
        session_id: principal.session_id,
        email: user.email,
        role: user.role.as_str(),
        is_platform_admin: user.is_platform_admin,
        tenant_name: tenant.name,
        expires_at: principal.expires_at,
    }))
}
