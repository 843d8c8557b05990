//! The kill switch: halting is for everyone who trades, resuming for those who manage the tenant.

use super::view::{HaltResultView, RiskStateView};
use crate::body::JsonBody;
use crate::envelope::{ApiResult, Data};
use crate::error::{ApiError, Code, Outcome};
use crate::principal::{Manager, Member, PlatformAdmin, Trader};
use crate::query::{name, tenant_id};
use crate::schema::{Answer, ErrorAnswer};
use crate::state::AppState;
use axum::extract::{Path, State};
use bulkhead_actors::quotes::Instruments;
use bulkhead_actors::{CallFailure, HaltError, clock};
use bulkhead_domain::event::{TradingHalted, TradingResumed};
use bulkhead_domain::risk::{HaltAuthor, HaltMode, HaltScope, REASON_LENGTH_MAX};
use bulkhead_domain::{AccountId, Symbol, TenantId};
use serde::Deserialize;
use std::time::Duration;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const RETRY_UNKNOWN: Duration = Duration::from_secs(1);
const HOW_TO_FIND_OUT: &str = "the outcome is unknown: if the request was executed, cancels have left and the halt holds \
                               while the process lives, but is not durable yet. Repeat it, which is safe, or ask \
                               GET /api/v1/risk/state";

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(show_state))
        .routes(routes!(halt))
        .routes(routes!(resume))
        .routes(routes!(platform_halt))
        .routes(routes!(platform_resume))
}

/// What to halt, how far, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "scope": "symbol", "name": "BTC-USDT", "mode": "reduce_only", "reason": "the fork is near" }))]
struct HaltRequest {
    /// tenant, account or symbol.
    scope: String,
    /// The account or symbol; of a tenant, none.
    name: Option<String>,
    /// reduce_only: only orders that reduce a position pass. cancel_all: the same, and open orders are cancelled.
    /// flatten: the same, and positions are closed at the market. halt: open orders are cancelled and no order passes.
    mode: String,
    /// 1 to 200 visible characters.
    reason: String,
}

/// What to resume, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "scope": "symbol", "name": "BTC-USDT", "reason": "the fork is over" }))]
struct ResumeRequest {
    /// tenant, account or symbol.
    scope: String,
    /// The account or symbol; of a tenant, none.
    name: Option<String>,
    /// 1 to 200 visible characters.
    reason: String,
}

/// How far to halt a tenant, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "mode": "halt", "reason": "margin call" }))]
struct PlatformHaltRequest {
    /// reduce_only, cancel_all, flatten or halt.
    mode: String,
    /// 1 to 200 visible characters.
    reason: String,
}

/// Why a tenant is resumed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "the call was met" }))]
struct PlatformResumeRequest {
    /// 1 to 200 visible characters.
    reason: String,
}

/// What is halted
#[utoipa::path(get, path = "/risk/state", tag = "Risk", security(("bearer" = [])),
    responses((status = 200, body = Answer<RiskStateView>)))]
async fn show_state(
    Member(principal): Member,
    State(state): State<AppState>,
) -> ApiResult<Data<RiskStateView>> {
    let gate = state.tenant(principal.tenant_id).await?.risk_gate().await.map_err(unknown)?;
    Ok(Data(gate.halts.into()))
}

/// Stop trading
///
/// Cancels leave for the venue at once, before anything is written; the answer comes when the halt is durable. It stands
/// until it is resumed. Repeating it is safe and sends the cancels again. A halt can only be tightened: for a milder one,
/// resume first.
#[utoipa::path(post, path = "/risk/halt", tag = "Risk", security(("bearer" = [])), request_body = HaltRequest,
    responses((status = 200, body = Answer<HaltResultView>),
        (status = 409, description = "HALT_IS_STRICTER", body = ErrorAnswer)))]
async fn halt(
    Trader(principal): Trader,
    State(state): State<AppState>,
    JsonBody(request): JsonBody<HaltRequest>,
) -> ApiResult<Data<HaltResultView>> {
    let halt = TradingHalted {
        scope: scope(&request.scope, request.name.as_deref(), &state.instruments)?,
        mode: mode(&request.mode)?,
        reason: reason(request.reason)?,
        by: HaltAuthor::User { user_id: principal.user_id },
        at: clock::now(),
    };
    halt_tenant(&state, principal.tenant_id, halt).await
}

/// Let trading go on
///
/// Lifts the halt of exactly this scope; needs the right to manage the tenant. Nothing that was cancelled comes back.
#[utoipa::path(post, path = "/risk/resume", tag = "Risk", security(("bearer" = [])), request_body = ResumeRequest,
    responses((status = 200, body = Answer<HaltResultView>)))]
async fn resume(
    Manager(principal): Manager,
    State(state): State<AppState>,
    JsonBody(request): JsonBody<ResumeRequest>,
) -> ApiResult<Data<HaltResultView>> {
    let resume = TradingResumed {
        scope: scope(&request.scope, request.name.as_deref(), &state.instruments)?,
        reason: reason(request.reason)?,
        by: HaltAuthor::User { user_id: principal.user_id },
        at: clock::now(),
    };
    resume_tenant(&state, principal.tenant_id, resume).await
}

/// Stop a tenant's trading
///
/// As the tenant's own kill switch, but only the platform can lift it.
#[utoipa::path(post, path = "/admin/tenants/{id}/halt", tag = "Admin", security(("bearer" = [])),
    params(("id" = Uuid, Path)), request_body = PlatformHaltRequest,
    responses((status = 200, body = Answer<HaltResultView>),
        (status = 409, description = "HALT_IS_STRICTER", body = ErrorAnswer)))]
async fn platform_halt(
    PlatformAdmin(admin): PlatformAdmin,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(request): JsonBody<PlatformHaltRequest>,
) -> ApiResult<Data<HaltResultView>> {
    let halt = TradingHalted {
        scope: HaltScope::Platform,
        mode: mode(&request.mode)?,
        reason: reason(request.reason)?,
        by: HaltAuthor::PlatformAdmin { user_id: admin.user_id },
        at: clock::now(),
    };
    halt_tenant(&state, tenant_id(&id)?, halt).await
}

/// Lift the platform's halt of a tenant
///
/// The tenant's own halts stand.
#[utoipa::path(post, path = "/admin/tenants/{id}/resume", tag = "Admin", security(("bearer" = [])),
    params(("id" = Uuid, Path)), request_body = PlatformResumeRequest,
    responses((status = 200, body = Answer<HaltResultView>)))]
async fn platform_resume(
    PlatformAdmin(admin): PlatformAdmin,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(request): JsonBody<PlatformResumeRequest>,
) -> ApiResult<Data<HaltResultView>> {
    let resume = TradingResumed {
        scope: HaltScope::Platform,
        reason: reason(request.reason)?,
        by: HaltAuthor::PlatformAdmin { user_id: admin.user_id },
        at: clock::now(),
    };
    resume_tenant(&state, tenant_id(&id)?, resume).await
}

async fn halt_tenant(state: &AppState, id: TenantId, halt: TradingHalted) -> ApiResult<Data<HaltResultView>> {
    let halted = state.tenant(id).await?.halt(halt).await.map_err(|error| match error {
        HaltError::Failed(failure) => unknown(failure),
        HaltError::Rejected(rejection) => rejection.into(),
    })?;
    Ok(Data(halted.into()))
}

async fn resume_tenant(
    state: &AppState,
    id: TenantId,
    resume: TradingResumed,
) -> ApiResult<Data<HaltResultView>> {
    let resumed = state.tenant(id).await?.resume(resume).await.map_err(unknown)?;
    Ok(Data(resumed.into()))
}

pub(super) fn unknown(failure: CallFailure) -> ApiError {
    match failure {
        CallFailure::NotExecuted(unavailable) => unavailable.into(),
        CallFailure::OutcomeUnknown => ApiError::new(Code::OutcomeUnknown, HOW_TO_FIND_OUT)
            .with_outcome(Outcome::Unknown)
            .with_retry_after(RETRY_UNKNOWN),
    }
}

pub(super) fn scope(scope: &str, name: Option<&str>, instruments: &Instruments) -> ApiResult<HaltScope> {
    match (scope, name) {
        ("tenant", None) => Ok(HaltScope::Tenant),
        ("account", Some(name)) => AccountId::parse(name)
            .map(HaltScope::Account)
            .map_err(|error| ApiError::new(Code::UnknownAccount, error.to_string()).with_field("name")),
        ("symbol", Some(name)) => {
            let symbol = Symbol::parse(name).ok().filter(|symbol| instruments.get(symbol).is_some());
            let unknown = || ApiError::of(Code::UnknownSymbol).with_field("name");
            symbol.map(HaltScope::Symbol).ok_or_else(unknown)
        }
        ("tenant", Some(_)) => {
            Err(ApiError::new(Code::InvalidScope, "a tenant takes no name").with_field("name"))
        }
        ("account" | "symbol", None) => {
            let message = format!("name is missing: which {scope}?");
            Err(ApiError::new(Code::InvalidScope, message).with_field("name"))
        }
        _ => Err(ApiError::of(Code::InvalidScope).with_field("scope")),
    }
}

fn mode(text: &str) -> ApiResult<HaltMode> {
    name(text).ok_or_else(|| ApiError::of(Code::InvalidHaltMode).with_field("mode"))
}

fn reason(text: String) -> ApiResult<String> {
    let is_fine = !text.trim().is_empty()
        && text.chars().count() <= REASON_LENGTH_MAX
        && !text.chars().any(char::is_control);
    if is_fine { Ok(text) } else { Err(ApiError::of(Code::InvalidReason).with_field("reason")) }
}
