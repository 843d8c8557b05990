//! Trying an order without placing it.

use super::{PlaceOrderRequest, enter};
use crate::body::JsonBody;
use crate::envelope::{ApiResult, Data};
use crate::error::{ApiError, denial_code};
use crate::principal::Trader;
use crate::schema::{Answer, ErrorAnswer};
use crate::state::AppState;
use axum::extract::State;
use axum::http::HeaderMap;
use bulkhead_actors::Rehearsed;
use bulkhead_domain::desk::{PlaceOrder, same_request};
use bulkhead_domain::order::Verdict;
use bulkhead_domain::risk::{Authorization, Reservation};
use bulkhead_domain::{Amount, Currency, OrderId, Price, Qty, TenantId};
use bulkhead_persistence::order::find_order_by_client_id;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

/// What would become of an order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderTestView {
    /// `submit`: it would be placed. `find`: the same request was made before, and its order would be answered.
    #[schema(example = "submit")]
    would: &'static str,
    /// The order that would be found.
    #[schema(required)]
    order_id: Option<Uuid>,
    /// The pre-trade checks in their order.
    verdicts: Vec<VerdictView>,
    /// What would be reserved for it.
    #[schema(required)]
    reservation: Option<ReservationView>,
}

/// One pre-trade check.
#[derive(Debug, Serialize, ToSchema)]
struct VerdictView {
    #[schema(example = "buying_power")]
    check: String,
    passed: bool,
    /// The code of a check that did not pass.
    #[schema(required)]
    code: Option<String>,
}

/// What an open order holds back.
#[derive(Debug, Serialize, ToSchema)]
struct ReservationView {
    /// What one unit is reserved at.
    #[schema(value_type = String, example = "40000")]
    price: Price,
    #[schema(value_type = String, example = "0.5")]
    quantity: Qty,
    /// Price times quantity.
    #[schema(value_type = String, example = "20000")]
    value: Amount,
    #[schema(value_type = String, example = "USDT")]
    currency: Currency,
}

/// Try an order
///
/// Runs every check of `POST /orders` on the account as it is now, and answers as that would, except that nothing is
/// placed, sent, reserved or written down: a denial is an error without an order. Whether the venue can be reached is
/// not looked at.
#[utoipa::path(post, path = "/orders/test", tag = "Trading", security(("bearer" = [])), request_body = PlaceOrderRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Taken as client_order_id where the body has none")),
    responses((status = 200, description = "It would be placed, or found", body = Answer<OrderTestView>),
        (status = 403, description = "It would be denied; error.details.verdicts are the checks", body = ErrorAnswer),
        (status = 409, description = "CLIENT_ORDER_ID_REUSED", body = ErrorAnswer)))]
pub(super) async fn test_order(
    Trader(principal): Trader,
    State(state): State<AppState>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<PlaceOrderRequest>,
) -> ApiResult<Data<OrderTestView>> {
    let place = request.validate(&headers, &state.instruments)?;
    let _place = enter(&state, principal.tenant_id)?;
    if let Some(order_id) = find_existing(&state, principal.tenant_id, &place).await? {
        return Ok(Data(OrderTestView::found(order_id)));
    }
    let symbol = place.terms.symbol.clone();
    let rehearsed = state.tenant(principal.tenant_id).await?.rehearse_order(place).await?;
    match rehearsed {
        Rehearsed::Existing(order) => Ok(Data(OrderTestView::found(order.id))),
        Rehearsed::Judged(authorization) => {
            let quote = state.instruments.get(&symbol).map(|instrument| instrument.quote.clone());
            judged(authorization, quote).map(Data)
        }
    }
}

/// An order of this name that has left memory.
async fn find_existing(
    state: &AppState,
    tenant_id: TenantId,
    place: &PlaceOrder,
) -> ApiResult<Option<OrderId>> {
    let mut tx = state.db.begin_for(tenant_id).await?;
    match find_order_by_client_id(&mut tx, &place.client_order_id).await? {
        Some(row) => Ok(Some(same_request(place, &row.order()?)?)),
        None => Ok(None),
    }
}

fn judged(authorization: Authorization, quote: Option<Currency>) -> ApiResult<OrderTestView> {
    let verdicts: Vec<VerdictView> = authorization.verdicts.into_iter().map(VerdictView::from).collect();
    match authorization.outcome {
        Ok(reservation) => {
            let reservation = quote.map(|currency| ReservationView::of(&reservation, currency));
            Ok(OrderTestView { would: "submit", order_id: None, verdicts, reservation })
        }
        Err(denial) => {
            let code = denial.code.to_string();
            let details = json!({ "denial": code, "verdicts": verdicts });
            Err(ApiError::new(denial_code(&code), denial.message).with_details(details))
        }
    }
}

impl OrderTestView {
    fn found(order_id: OrderId) -> Self {
        Self { would: "find", order_id: Some(order_id.0), verdicts: Vec::new(), reservation: None }
    }
}

impl From<Verdict> for VerdictView {
    fn from(verdict: Verdict) -> Self {
        Self { check: verdict.check, passed: verdict.passed, code: verdict.code }
    }
}

impl ReservationView {
    fn of(reservation: &Reservation, currency: Currency) -> Self {
        let (price, quantity) = (reservation.price, reservation.leaves);
        Self { price, quantity, value: price.notional(quantity), currency }
    }
}
