//! Several orders in one request, each with an outcome of its own.

use super::view::OrderView;
use super::{PlaceOrderRequest, enter, place_at};
use crate::body::JsonBody;
use crate::envelope::{ApiResult, Data};
use crate::error::{ApiError, Code};
use crate::principal::Trader;
use crate::schema::Answer;
use crate::state::AppState;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use bulkhead_actors::tenant::TenantHandle;
use bulkhead_domain::desk::PlaceOrder;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Orders in one request at most.
const BATCH_MAX: usize = 50;

/// Several new orders.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaceBatchRequest {
    /// 1 to 50 orders, handed over in this order.
    #[schema(min_items = 1, max_items = 50)]
    orders: Vec<PlaceOrderRequest>,
}

/// What became of one order of a batch.
#[derive(Serialize, ToSchema)]
pub(crate) struct BatchResultView {
    /// Its place in the request, from 0.
    index: usize,
    /// The status it would have been answered with alone.
    #[schema(example = 201)]
    status: u16,
    #[schema(required)]
    order: Option<OrderView>,
    /// As in the answer of a request that failed.
    #[schema(value_type = Option<Object>, required)]
    error: Option<serde_json::Value>,
}

/// Place several orders
///
/// Each is an order for itself: one that is refused keeps no other from being placed. With the header
/// `Idempotency-Key`, an order without a `client_order_id` is named after it and its place: `<key>-<index>`, so that
/// the same batch may be sent again.
#[utoipa::path(post, path = "/orders/batch", tag = "Trading", security(("bearer" = [])), request_body = PlaceBatchRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Names the orders that have no client_order_id")),
    responses((status = 200, description = "A result for each, in the order of the request", body = Answer<Vec<BatchResultView>>)))]
pub(super) async fn place_batch(
    Trader(principal): Trader,
    State(state): State<AppState>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<PlaceBatchRequest>,
) -> ApiResult<Data<Vec<BatchResultView>>> {
    let count = request.orders.len();
    if count == 0 || count > BATCH_MAX {
        let message = format!("orders must have 1 to {BATCH_MAX} items, found {count}");
        return Err(ApiError::new(Code::InvalidBatch, message).with_field("orders"));
    }
    let tenant = state.tenant(principal.tenant_id).await?;
    let orders = request.orders.into_iter().enumerate().map(|(index, order)| {
        let own = headers_of(&headers, index, &order);
        place_one(&state, &tenant, order.validate(&own, &state.instruments))
    });
    let results = join_all(orders).await;
    Ok(Data(results.into_iter().enumerate().map(BatchResultView::from).collect()))
}

/// The request's key stands for the names of all orders that have none.
fn headers_of(headers: &HeaderMap, index: usize, order: &PlaceOrderRequest) -> HeaderMap {
    let mut own = HeaderMap::new();
    if let Some(key) = headers.get(super::request::IDEMPOTENCY_KEY_HEADER)
        && !order.is_named()
    {
        // What cannot be read is refused as a name by the order itself.
        let name = format!("{}-{index}", key.to_str().unwrap_or_default());
        let name = HeaderValue::from_str(&name).unwrap_or_else(|_| HeaderValue::from_static(""));
        own.insert(super::request::IDEMPOTENCY_KEY_HEADER, name);
    }
    own
}

async fn place_one(
    state: &AppState,
    tenant: &TenantHandle,
    place: ApiResult<PlaceOrder>,
) -> ApiResult<(StatusCode, OrderView)> {
    let place = place?;
    let _place = enter(state, tenant.tenant_id())?;
    place_at(tenant, place).await
}

impl From<(usize, ApiResult<(StatusCode, OrderView)>)> for BatchResultView {
    fn from((index, result): (usize, ApiResult<(StatusCode, OrderView)>)) -> Self {
        match result {
            Ok((status, order)) => Self { index, status: status.as_u16(), order: Some(order), error: None },
            Err(error) => {
                error.log();
                // An error that cannot be written as JSON still is one.
                let view = serde_json::to_value(error.view()).unwrap_or_default();
                let status = error.code().status().as_u16();
                Self { index, status, order: None, error: Some(view) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_key_names_every_order_that_has_no_name() {
        let order = |name: Option<&str>| -> PlaceOrderRequest {
            let body = json!({ "client_order_id": name, "symbol": "BTC-USDT", "side": "buy", "type": "market",
                "quantity": "1" });
            serde_json::from_value(body).unwrap()
        };
        let headers = HeaderMap::from_iter([(
            super::super::request::IDEMPOTENCY_KEY_HEADER.parse().unwrap(),
            HeaderValue::from_static("key"),
        )]);
        let name = |index, order: &PlaceOrderRequest| {
            let own = headers_of(&headers, index, order);
            own.get("idempotency-key").map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(name(0, &order(None)).as_deref(), Some("key-0"));
        assert_eq!(name(7, &order(None)).as_deref(), Some("key-7"));
        assert_eq!(name(0, &order(Some("mine"))), None, "its own name stands");
        assert!(headers_of(&HeaderMap::new(), 0, &order(None)).is_empty());
    }
}
