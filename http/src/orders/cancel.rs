//! Cancelling: asks the venue; what became of it is seen in the order.

use super::find_row;
use super::view::OrderView;
use crate::envelope::{Accepted, ApiResult};
use crate::error::{ApiError, Code};
use crate::principal::Trader;
use crate::query::{Params, Path, order_id};
use crate::schema::{Answer, ErrorAnswer};
use crate::state::AppState;
use axum::extract::State;
use bulkhead_actors::CancelError;
use bulkhead_domain::order::OrderRejection;
use bulkhead_domain::{OrderId, Symbol, TenantId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CancelParams {
    /// Only orders of this symbol; without it, all.
    #[param(example = "BTC-USDT")]
    symbol: Option<String>,
}

/// What became of the request to cancel one order.
#[derive(Serialize, ToSchema)]
pub(crate) struct CancelResultView {
    id: Uuid,
    /// pending_cancel, or failed.
    #[schema(example = "pending_cancel")]
    status: &'static str,
    /// Why it failed.
    #[schema(value_type = Option<Object>, required)]
    error: Option<serde_json::Value>,
}

/// Cancel an order
///
/// Answered when the request is durable and on its way; the venue may still fill the order.
#[utoipa::path(delete, path = "/orders/{id}", tag = "Trading", security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses((status = 202, body = Answer<OrderView>), (status = 409, description = "ORDER_CLOSED", body = ErrorAnswer)))]
pub(crate) async fn cancel_order(
    Trader(principal): Trader,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Accepted<OrderView>> {
    cancel_by_id(&state, principal.tenant_id, order_id(&id)?).await.map(Accepted)
}

/// Cancel all open orders
#[utoipa::path(delete, path = "/orders", tag = "Trading", security(("bearer" = [])), params(CancelParams),
    responses((status = 202, body = Answer<Vec<CancelResultView>>)))]
pub(crate) async fn cancel_orders(
    Trader(principal): Trader,
    State(state): State<AppState>,
    Params(params): Params<CancelParams>,
) -> ApiResult<Accepted<Vec<CancelResultView>>> {
    let symbol = params.symbol.map(|symbol| known_symbol(&state, &symbol)).transpose()?;
    let results = state.tenant(principal.tenant_id).await?.cancel_all(symbol).await?;
    Ok(Accepted(results.into_iter().map(CancelResultView::from).collect()))
}

/// Cancels one order, saying whether it is closed or never was.
pub(crate) async fn cancel_by_id(state: &AppState, tenant_id: TenantId, id: OrderId) -> ApiResult<OrderView> {
    match state.tenant(tenant_id).await?.cancel_order(id).await {
        Ok(order) => Ok(OrderView::from(order.as_ref())),
        Err(CancelError::NotOpen(_)) => {
            let status = find_row(state, tenant_id, id).await?.status;
            Err(OrderRejection::AlreadyClosed { id, status }.into())
        }
        Err(error) => Err(error.into()),
    }
}

fn known_symbol(state: &AppState, text: &str) -> ApiResult<Symbol> {
    let symbol = Symbol::parse(text).ok().filter(|symbol| state.instruments.get(symbol).is_some());
    symbol.ok_or_else(|| ApiError::of(Code::UnknownSymbol).with_field("symbol"))
}

impl From<(OrderId, Result<(), CancelError>)> for CancelResultView {
    fn from((id, result): (OrderId, Result<(), CancelError>)) -> Self {
        let error = result.err().map(ApiError::from);
        let status = if error.is_some() { "failed" } else { "pending_cancel" };
        // An error that cannot be written as JSON still is one.
        let error = error.map(|error| serde_json::to_value(error.view()).unwrap_or_default());
        Self { id: id.0, status, error }
    }
}
