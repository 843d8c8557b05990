//! What platform admins may do: look at every tenant, and operate its actors.

mod actor_view;

use actor_view::{ActorView, stopped};

use crate::body::JsonBody;
use crate::envelope::{Accepted, ApiResult, Data, Page};
use crate::error::{ApiError, Code};
use crate::principal::PlatformAdmin;
use crate::query::{self, Params, Path, tenant_id};
use crate::schema::{Answer, List};
use crate::state::AppState;
use crate::tenants::TenantView;
use axum::extract::State;
use bulkhead_actors::tenant::AdminError;
use bulkhead_domain::{TenantId, Timestamp};
use bulkhead_persistence::TenantRow;
use bulkhead_persistence::tenant::{find_tenant, list_tenants as find_tenants};
use bulkhead_supervision::Fault;
use serde::{Deserialize, Serialize};
use tracing::warn;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

const CURSOR_KIND: char = 'n';
const REASON_LENGTH_MAX: usize = 200;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_tenants))
        .routes(routes!(show_tree))
        .routes(routes!(kill_actor))
        .routes(routes!(restart_actor))
        .routes(routes!(quarantine_tenant))
        .routes(routes!(release_tenant))
        .routes(routes!(passivate_tenant))
        .routes(routes!(inject_fault))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListTenantsParams {
    /// 1 to 500; 100 if absent.
    limit: Option<i64>,
    /// From `meta.next_cursor` of the page before.
    cursor: Option<String>,
}

/// Which actor, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "path": "core/order_desk", "reason": "drill" }))]
struct ActorRequest {
    /// As the tree shows it, or below the tenant.
    path: String,
    /// Goes to the log; 1 to 200 characters.
    reason: String,
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "drill" }))]
struct ReasonRequest {
    /// Goes to the log; 1 to 200 characters.
    reason: String,
}

/// A fault to inject.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "tenant_id": "2f1c0f62-9b1e-4c56-8d41-0a8a5d0f7a11", "path": "core/order_desk", "kind": "panic" }))]
struct FaultRequest {
    tenant_id: Uuid,
    path: String,
    /// `panic` or `error`: what the actor does with its next message.
    kind: String,
}

/// What was asked of which tenant.
#[derive(Serialize, ToSchema)]
struct OperationView {
    tenant_id: Uuid,
    /// The actor, where one was named.
    #[schema(required)]
    path: Option<String>,
    #[schema(example = "kill")]
    operation: &'static str,
}

/// List tenants, newest first
#[utoipa::path(get, path = "/admin/tenants", tag = "Admin", security(("bearer" = [])), params(ListTenantsParams),
    responses((status = 200, body = List<TenantView>)))]
async fn list_tenants(
    _: PlatformAdmin,
    State(state): State<AppState>,
    Params(params): Params<ListTenantsParams>,
) -> ApiResult<Page<TenantView>> {
    let limit = query::limit(params.limit)?;
    let cursor = params.cursor.as_deref().map(read_cursor).transpose()?;
    let mut tx = state.db.begin_system().await?;
    let rows = find_tenants(&mut tx, cursor, limit + 1).await?;
    let write = |row: &TenantRow| query::write_cursor(CURSOR_KIND, &[&row.created_at.micros(), &row.id]);
    let (rows, next_cursor) = query::cut(rows, limit, write);
    Ok(Page { items: rows.into_iter().map(TenantView::from).collect(), next_cursor })
}

/// Every actor of a tenant
///
/// A tenant that is not running is shown as one node without children.
#[utoipa::path(get, path = "/admin/tenants/{id}/tree", tag = "Admin", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses((status = 200, body = Answer<ActorView>)))]
async fn show_tree(
    _: PlatformAdmin,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Data<ActorView>> {
    let id = tenant_id(&id)?;
    let row = known(&state, id).await?;
    let view = state.tenants.get()?.tree(id).map_or_else(|| stopped(&row), ActorView::from);
    Ok(Data(view))
}

/// Kill an actor
///
/// It ends at its next await, without cleaning up, and is started again at once.
#[utoipa::path(post, path = "/admin/tenants/{id}/actors/kill", tag = "Admin", security(("bearer" = [])),
    params(("id" = Uuid, Path)), request_body = ActorRequest, responses((status = 202, body = Answer<OperationView>)))]
async fn kill_actor(
    PlatformAdmin(admin): PlatformAdmin,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(request): JsonBody<ActorRequest>,
) -> ApiResult<Accepted<OperationView>> {
    let (id, why) = (tenant_id(&id)?, reason(request.reason)?);
    warn!(admin.id = %admin.user_id, tenant.id = %id, path = request.path, reason = why, "admin kills actor");
    state.tenants.get()?.kill_actor(id, &request.path, &why).await?;
    Ok(operation(id, Some(request.path), "kill"))
}

/// Restart an actor
///
/// It finishes what it is doing and is started again.
#[utoipa::path(post, path = "/admin/tenants/{id}/actors/restart", tag = "Admin", security(("bearer" = [])),
    params(("id" = Uuid, Path)), request_body = ActorRequest, responses((status = 202, body = Answer<OperationView>)))]
async fn restart_actor(
    PlatformAdmin(admin): PlatformAdmin,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(request): JsonBody<ActorRequest>,
) -> ApiResult<Accepted<OperationView>> {
    let (id, why) = (tenant_id(&id)?, reason(request.reason)?);
    warn!(admin.id = %admin.user_id, tenant.id = %id, path = request.path, reason = why, "admin restarts actor");
    state.tenants.get()?.restart_actor(id, &request.path, &why).await?;
    Ok(operation(id, Some(request.path), "restart"))
}

/// Quarantine a tenant
///
/// Its tree is stopped and its open orders are cancelled at the venue. History stays readable; writes answer 503.
#[utoipa::path(post, path = "/admin/tenants/{id}/quarantine", tag = "Admin", security(("bearer" = [])),
    params(("id" = Uuid, Path)), request_body = ReasonRequest, responses((status = 202, body = Answer<OperationView>)))]
async fn quarantine_tenant(
    PlatformAdmin(admin): PlatformAdmin,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(request): JsonBody<ReasonRequest>,
) -> ApiResult<Accepted<OperationView>> {
    let (id, why) = (tenant_id(&id)?, reason(request.reason)?);
    warn!(admin.id = %admin.user_id, tenant.id = %id, reason = why, "admin quarantines tenant");
    known(&state, id).await?;
    state.tenants.get()?.quarantine(id, &why).await?;
    Ok(operation(id, None, "quarantine"))
}

/// Release a tenant from quarantine
#[utoipa::path(post, path = "/admin/tenants/{id}/release", tag = "Admin", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses((status = 202, body = Answer<OperationView>)))]
async fn release_tenant(
    PlatformAdmin(admin): PlatformAdmin,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Accepted<OperationView>> {
    let id = tenant_id(&id)?;
    warn!(admin.id = %admin.user_id, tenant.id = %id, "admin releases tenant");
    known(&state, id).await?;
    state.tenants.get()?.release(id).await?;
    Ok(operation(id, None, "release"))
}

/// Stop a tenant's tree until it is needed
///
/// Refused while the tenant has open orders, positions or sockets.
#[utoipa::path(post, path = "/admin/tenants/{id}/passivate", tag = "Admin", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses((status = 202, body = Answer<OperationView>)))]
async fn passivate_tenant(
    _: PlatformAdmin,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Accepted<OperationView>> {
    let id = tenant_id(&id)?;
    known(&state, id).await?;
    match state.tenants.get()?.passivate(id).await {
        // Known to the platform but not to the node: it is not running.
        Ok(()) | Err(AdminError::UnknownTenant) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(operation(id, None, "passivate"))
}

/// Make an actor fail
///
/// Only if the server was started with `--allow-faults`.
#[utoipa::path(post, path = "/admin/faults", tag = "Admin", security(("bearer" = [])), request_body = FaultRequest,
    responses((status = 202, body = Answer<OperationView>)))]
async fn inject_fault(
    PlatformAdmin(admin): PlatformAdmin,
    State(state): State<AppState>,
    JsonBody(request): JsonBody<FaultRequest>,
) -> ApiResult<Accepted<OperationView>> {
    if !state.faults_allowed {
        return Err(ApiError::of(Code::FaultsDisabled));
    }
    let fault = fault(&request.kind)?;
    let id = TenantId(request.tenant_id);
    warn!(admin.id = %admin.user_id, tenant.id = %id, path = request.path, kind = request.kind, "admin injects fault");
    state.tenants.get()?.inject(id, &request.path, fault)?;
    Ok(operation(id, Some(request.path), "fault"))
}

fn fault(kind: &str) -> ApiResult<Fault> {
    match kind {
        "panic" => Ok(Fault::Panic),
        "error" => Ok(Fault::Error),
        _ => Err(ApiError::new(Code::FieldType, "kind must be panic or error").with_field("kind")),
    }
}

/// Whoever reads the log later wants to know why.
fn reason(text: String) -> ApiResult<String> {
    if text.trim().is_empty() {
        let message = "reason must say why this is done, it is empty";
        return Err(ApiError::new(Code::FieldMissing, message).with_field("reason"));
    }
    if text.chars().count() <= REASON_LENGTH_MAX && !text.chars().any(char::is_control) {
        return Ok(text);
    }
    let message = format!("reason may have at most {REASON_LENGTH_MAX} visible characters");
    Err(ApiError::new(Code::FieldType, message).with_field("reason"))
}

async fn known(state: &AppState, id: TenantId) -> ApiResult<TenantRow> {
    let mut tx = state.db.begin_system().await?;
    find_tenant(&mut tx, id).await?.ok_or_else(|| ApiError::of(Code::TenantNotFound))
}

fn operation(tenant_id: TenantId, path: Option<String>, operation: &'static str) -> Accepted<OperationView> {
    Accepted(OperationView { tenant_id: tenant_id.0, path, operation })
}

fn read_cursor(cursor: &str) -> ApiResult<(Timestamp, TenantId)> {
    let [created_at, id] = query::read_cursor(CURSOR_KIND, cursor)?;
    let refused = || ApiError::of(Code::InvalidCursor);
    let created_at = created_at.parse().map(Timestamp::from_micros).map_err(|_| refused())?;
    Ok((created_at, id.parse().map_err(|_| refused())?))
}
