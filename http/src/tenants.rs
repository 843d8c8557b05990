//! The tenant itself and its venue accounts.

use crate::envelope::{ApiResult, Data, Page};
use crate::error::{ApiError, Code};
use crate::events::decode;
use crate::principal::Member;
use crate::schema::{Answer, List};
use crate::state::AppState;
use axum::extract::State;
use bulkhead_actors::PortfolioFilter;
use bulkhead_domain::order::Mode;
use bulkhead_domain::{AccountId, Currency, Event, TenantId, Timestamp, VenueName};
use bulkhead_persistence::TenantRow;
use bulkhead_persistence::journal::read_events;
use bulkhead_persistence::tenant::own_tenant;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// Accounts are opened at the beginning of a journal only; that part of it is looked through.
const OPENING_EVENTS_MAX: i64 = 100;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show_own_tenant)).routes(routes!(list_accounts))
}

/// A tenant.
#[derive(Serialize, ToSchema)]
#[schema(as = Tenant)]
pub(crate) struct TenantView {
    id: Uuid,
    #[schema(example = "Ann's desk")]
    name: String,
    /// starter, pro, enterprise or unlimited.
    #[schema(example = "starter")]
    plan: &'static str,
    /// active, suspended, quarantined or closed.
    #[schema(example = "active")]
    status: &'static str,
    #[schema(value_type = String, example = "2026-01-02T03:04:05.000006Z")]
    created_at: Timestamp,
}

/// An account at a venue.
#[derive(Serialize, ToSchema)]
#[schema(as = Account)]
struct AccountView {
    #[schema(value_type = String, example = "paper")]
    id: AccountId,
    #[schema(value_type = String, example = "paper")]
    venue: VenueName,
    /// paper or live.
    #[schema(value_type = String, example = "paper")]
    mode: Mode,
    /// What equity and margin are counted in.
    #[schema(value_type = String, example = "USDT")]
    currency: Currency,
    /// Exposure may be this many times equity.
    #[schema(example = "1")]
    leverage_max: String,
    shorts_allowed: bool,
    #[schema(value_type = String, example = "2026-01-02T03:04:05.000006Z")]
    created_at: Timestamp,
}

impl From<TenantRow> for TenantView {
    fn from(row: TenantRow) -> Self {
        Self {
            id: row.id.0,
            name: row.name,
            plan: row.plan.as_str(),
            status: row.status.as_str(),
            created_at: row.created_at,
        }
    }
}

/// Look at your tenant
#[utoipa::path(get, path = "/tenants/me", tag = "Tenant", security(("bearer" = [])),
    responses((status = 200, body = Answer<TenantView>)))]
async fn show_own_tenant(
    Member(principal): Member,
    State(state): State<AppState>,
) -> ApiResult<Data<TenantView>> {
    let mut tx = state.db.begin_for(principal.tenant_id).await?;
    let row = own_tenant(&mut tx).await?.ok_or_else(|| ApiError::of(Code::TenantNotFound))?;
    Ok(Data(row.into()))
}

/// List venue accounts
#[utoipa::path(get, path = "/accounts", tag = "Tenant", security(("bearer" = [])),
    responses((status = 200, body = List<AccountView>)))]
async fn list_accounts(
    Member(principal): Member,
    State(state): State<AppState>,
) -> ApiResult<Page<AccountView>> {
    let opening = opening(&state, principal.tenant_id).await?;
    Ok(Page { items: opening.into_iter().filter_map(account).collect(), next_cursor: None })
}

/// The first events of the tenant with their times.
async fn opening(state: &AppState, tenant_id: TenantId) -> ApiResult<Vec<(Timestamp, Event)>> {
    // A tenant that was never used has an empty journal until it is started; this waits until it has been.
    if let Ok(tenant) = state.tenant(tenant_id).await {
        drop(tenant.portfolio(PortfolioFilter::default()).await);
    }
    let mut tx = state.db.begin_for(tenant_id).await?;
    let rows = read_events(&mut tx, 0, OPENING_EVENTS_MAX).await?;
    rows.iter().map(|row| decode(row).map(|recorded| (recorded.recorded_at, recorded.event))).collect()
}

fn account((created_at, event): (Timestamp, Event)) -> Option<AccountView> {
    let Event::AccountOpened(data) = event else { return None };
    Some(AccountView {
        id: data.account,
        venue: data.venue,
        mode: data.mode,
        currency: data.currency,
        leverage_max: data.leverage_max.to_string(),
        shorts_allowed: data.shorts_allowed,
        created_at,
    })
}
