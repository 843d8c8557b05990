//! Orders: place, look at, cancel.

mod batch;
mod cancel;
mod history;
mod list;
mod rehearse;
mod request;
mod view;

pub(crate) use cancel::cancel_by_id;
pub(crate) use history::find_row;
pub(crate) use request::{IDEMPOTENCY_KEY_HEADER, PlaceOrderRequest};
pub(crate) use view::OrderView;

use crate::body::JsonBody;
use crate::envelope::Created;
use crate::envelope::{ApiResult, Data};
use crate::error::{ApiError, Code, denial_code};
use crate::gate::Place;
use crate::principal::{Member, Trader};
use crate::query::{Path, order_id};
use crate::schema::{Answer, ErrorAnswer};
use crate::state::AppState;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bulkhead_actors::{Placed, TenantHandle};
use bulkhead_domain::desk::PlaceOrder;
use bulkhead_domain::{ClientOrderId, Order, TenantId};
use bulkhead_persistence::OrderRow;
use serde_json::json;
use std::time::Duration;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const RETRY_OVERLOADED: Duration = Duration::from_secs(1);

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(place_order, list::list_orders, cancel::cancel_orders))
        .routes(routes!(rehearse::test_order))
        .routes(routes!(batch::place_batch))
        .routes(routes!(show_order, cancel::cancel_order))
        .routes(routes!(show_order_by_client_id))
        .routes(routes!(history::list_order_events))
}

/// Place an order
///
/// Answered when the order is durable; the venue has not seen it yet. Repeat the same request with the same
/// `client_order_id` as often as needed: it is one order. A refusal by a pre-trade check is an order too, with the
/// status `denied`, and is answered as an error that carries it.
#[utoipa::path(post, path = "/orders", tag = "Trading", security(("bearer" = [])), request_body = PlaceOrderRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Taken as client_order_id where the body has none")),
    responses((status = 201, description = "Placed", body = Answer<OrderView>),
        (status = 200, description = "The same request was made before; the order as it is now", body = Answer<OrderView>),
        (status = 403, description = "Denied; error.details.order is the order", body = ErrorAnswer),
        (status = 409, description = "CLIENT_ORDER_ID_REUSED or ORDER_IN_PROGRESS", body = ErrorAnswer),
        (status = 429, description = "TOO_MANY_OPEN_ORDERS", body = ErrorAnswer)))]
async fn place_order(
    Trader(principal): Trader,
    State(state): State<AppState>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<PlaceOrderRequest>,
) -> ApiResult<Response> {
    let place = request.validate(&headers, &state.instruments)?;
    submit(&state, principal.tenant_id, place).await
}

/// Look at an order
#[utoipa::path(get, path = "/orders/{id}", tag = "Trading", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses((status = 200, body = Answer<OrderView>)))]
async fn show_order(
    Member(principal): Member,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Data<OrderView>> {
    let id = order_id(&id)?;
    // What is open is in memory. Whatever keeps memory from answering, the table has what is durable.
    if let Ok(tenant) = state.tenant(principal.tenant_id).await
        && let Ok(Some(order)) = tenant.find_order(id).await
    {
        return Ok(Data(OrderView::from(order.as_ref())));
    }
    let row = find_row(&state, principal.tenant_id, id).await?;
    Ok(Data(from_table(&state, principal.tenant_id, &row)?))
}

/// Look at an order by your own name for it
#[utoipa::path(get, path = "/orders/by-client-id/{client_order_id}", tag = "Trading", security(("bearer" = [])),
    params(("client_order_id" = String, Path, example = "my-order-1")),
    responses((status = 200, body = Answer<OrderView>)))]
async fn show_order_by_client_id(
    Member(principal): Member,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Data<OrderView>> {
    let id = ClientOrderId::parse(&id).map_err(|_| ApiError::of(Code::OrderNotFound))?;
    if let Ok(tenant) = state.tenant(principal.tenant_id).await
        && let Ok(Some(order)) = tenant.find_order_by_client_id(id.clone()).await
    {
        return Ok(Data(OrderView::from(order.as_ref())));
    }
    let mut tx = state.db.begin_for(principal.tenant_id).await?;
    let row = bulkhead_persistence::order::find_order_by_client_id(&mut tx, &id).await?;
    let row = row.ok_or_else(|| ApiError::of(Code::OrderNotFound))?;
    Ok(Data(from_table(&state, principal.tenant_id, &row)?))
}

/// An order as the tables have it, and as far as they are to be believed.
fn from_table(state: &AppState, tenant_id: TenantId, row: &OrderRow) -> ApiResult<OrderView> {
    let view = OrderView::from(&row.order()?);
    Ok(if state.is_quarantined(tenant_id) { view.doubted() } else { view })
}

/// Hands a valid request to the tenant, if there is room for one more.
pub(crate) async fn submit(state: &AppState, tenant_id: TenantId, place: PlaceOrder) -> ApiResult<Response> {
    let _place = enter(state, tenant_id)?;
    let tenant = state.tenant(tenant_id).await?;
    let (status, view) = place_at(&tenant, place).await?;
    Ok(if status == StatusCode::OK { Data(view).into_response() } else { Created(view).into_response() })
}

/// Takes a place among the orders under way.
fn enter(state: &AppState, tenant_id: TenantId) -> ApiResult<Place> {
    let overloaded = || ApiError::of(Code::Overloaded).with_retry_after(RETRY_OVERLOADED);
    state.orders_in_flight.enter(tenant_id).ok_or_else(overloaded)
}

/// 201 for a new order, 200 for one there was; a denied order is an error.
async fn place_at(tenant: &TenantHandle, place: PlaceOrder) -> ApiResult<(StatusCode, OrderView)> {
    let client_order_id = place.client_order_id.clone();
    let placed = tenant.place_order(place).await.map_err(ApiError::from);
    let Placed { order, existing } = placed.map_err(|error| name_unknown(error, &client_order_id))?;
    if let Some((code, message)) = view::denial(&order) {
        return Err(denied(&order, code, message));
    }
    let status = if existing { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, OrderView::from(order.as_ref())))
}

/// Whoever does not know what became of the order has to be able to ask for it, also by a name that was made here.
fn name_unknown(error: ApiError, client_order_id: &ClientOrderId) -> ApiError {
    if error.code() == Code::OutcomeUnknown {
        error.with_details(json!({ "client_order_id": client_order_id }))
    } else {
        error
    }
}

fn denied(order: &Order, code: &str, message: &str) -> ApiError {
    let mut details = json!({ "order": OrderView::from(order), "denial": code });
    if let Some(verdict) = order.verdicts.last()
        && let (Some(limit), Some(would_be)) = (&verdict.limit, &verdict.would_be)
        && let Some(fields) = details.as_object_mut()
    {
        fields.insert("limit".to_owned(), limit.as_str().into());
        fields.insert("would_be".to_owned(), would_be.as_str().into());
    }
    ApiError::new(denial_code(code), message.to_owned()).with_details(details)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bulkhead_actors::{CallFailure, PlaceError, Unavailable};

    #[test]
    fn an_unknown_outcome_names_the_order() {
        let id = ClientOrderId::parse("made-here").unwrap();
        let details = |error: PlaceError| {
            let view = serde_json::to_value(name_unknown(error.into(), &id).view()).unwrap();
            (view["code"].clone(), view["details"]["client_order_id"].clone())
        };
        assert_eq!(
            details(PlaceError::Failed(CallFailure::OutcomeUnknown)),
            (json!("OUTCOME_UNKNOWN"), json!("made-here"))
        );
        let refused = details(Unavailable::Overloaded.into());
        assert_eq!(refused, (json!("OVERLOADED"), serde_json::Value::Null));
    }
}
