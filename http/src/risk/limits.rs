//! The limits a tenant sets itself.

use super::halt::{scope, unknown};
use crate::body::JsonBody;
use crate::decimal_text::DecimalText;
use crate::envelope::{ApiResult, Data};
use crate::error::{ApiError, Code};
use crate::principal::{Manager, Member};
use crate::schema::{Answer, ErrorAnswer};
use crate::state::AppState;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use bulkhead_actors::{LimitsError, clock};
use bulkhead_domain::Symbol;
use bulkhead_domain::money::parse_decimal;
use bulkhead_domain::risk::{ChangeLimits, HaltAuthor, HaltScope, LISTED_SYMBOLS_MAX, LimitBook, Limits};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show_limits, change_limits))
}

/// The limits of a scope from now on; what is absent is not limited.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "scope": "symbol", "name": "BTC-USDT", "order_quantity_max": "1", "price_collar_percent": "5" }))]
struct LimitsRequest {
    /// tenant, account or symbol.
    scope: String,
    /// The account or symbol; of a tenant, none.
    name: Option<String>,
    #[schema(value_type = Option<String>)]
    order_quantity_max: Option<DecimalText>,
    #[schema(value_type = Option<String>)]
    order_notional_max: Option<DecimalText>,
    /// Of one symbol in one account, open orders included.
    #[schema(value_type = Option<String>)]
    position_notional_max: Option<DecimalText>,
    #[schema(value_type = Option<String>)]
    gross_exposure_max: Option<DecimalText>,
    #[schema(value_type = Option<String>)]
    net_exposure_max: Option<DecimalText>,
    /// How far a limit price may be from the middle of the quote.
    #[schema(value_type = Option<String>)]
    price_collar_percent: Option<DecimalText>,
    open_orders_max: Option<u32>,
    /// Only these may be traded.
    symbols_allowed: Option<Vec<String>>,
    symbols_denied: Option<Vec<String>>,
}

/// The limits there are. The version counts their changes: send it as `If-Match`.
#[derive(Serialize, ToSchema)]
#[schema(as = RiskLimits)]
struct LimitsView {
    version: u64,
    limits: Vec<ScopeLimitsView>,
}

/// The limits of one scope; null is not limited.
#[derive(Serialize, ToSchema)]
#[schema(as = ScopeLimits)]
struct ScopeLimitsView {
    #[serde(flatten)]
    #[schema(value_type = Object)]
    scope: HaltScope,
    #[schema(required)]
    order_quantity_max: Option<String>,
    #[schema(required)]
    order_notional_max: Option<String>,
    #[schema(required)]
    position_notional_max: Option<String>,
    #[schema(required)]
    gross_exposure_max: Option<String>,
    #[schema(required)]
    net_exposure_max: Option<String>,
    #[schema(required)]
    price_collar_percent: Option<String>,
    #[schema(required)]
    open_orders_max: Option<u32>,
    #[schema(required)]
    symbols_allowed: Option<Vec<String>>,
    symbols_denied: Vec<String>,
}

/// The limits there are
#[utoipa::path(get, path = "/risk/limits", tag = "Risk", security(("bearer" = [])),
    responses((status = 200, body = Answer<LimitsView>)))]
async fn show_limits(
    Member(principal): Member,
    State(state): State<AppState>,
) -> ApiResult<Data<LimitsView>> {
    let gate = state.tenant(principal.tenant_id).await?.risk_gate().await.map_err(unknown)?;
    Ok(Data(gate.limits.into()))
}

/// Replace the limits of a scope
///
/// A limit holds for each account by itself; of several that cover an order, each must hold. What only reduces a position
/// is bound by the price collar alone. Without any limit a scope has none, which is how a tenant begins.
#[utoipa::path(post, path = "/risk/limits", tag = "Risk", security(("bearer" = [])), request_body = LimitsRequest,
    params(("If-Match" = Option<String>, Header, description = "The version the change is based on")),
    responses((status = 200, body = Answer<LimitsView>),
        (status = 412, description = "VERSION_MISMATCH", body = ErrorAnswer)))]
async fn change_limits(
    Manager(principal): Manager,
    State(state): State<AppState>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<LimitsRequest>,
) -> ApiResult<Data<LimitsView>> {
    let change = ChangeLimits {
        scope: scope(&request.scope, request.name.as_deref(), &state.instruments)?,
        limits: request.limits(&state)?,
        expected_version: expected_version(&headers)?,
        by: HaltAuthor::User { user_id: principal.user_id },
        at: clock::now(),
    };
    let book = state.tenant(principal.tenant_id).await?.change_limits(change).await;
    let book = book.map_err(|error| match error {
        LimitsError::Failed(failure) => unknown(failure),
        LimitsError::Rejected(rejection) => rejection.into(),
    })?;
    Ok(Data(book.into()))
}

impl LimitsRequest {
    fn limits(&self, state: &AppState) -> ApiResult<Limits> {
        Ok(Limits {
            order_quantity_max: number("order_quantity_max", self.order_quantity_max.as_ref())?,
            order_notional_max: number("order_notional_max", self.order_notional_max.as_ref())?,
            position_notional_max: number("position_notional_max", self.position_notional_max.as_ref())?,
            gross_exposure_max: number("gross_exposure_max", self.gross_exposure_max.as_ref())?,
            net_exposure_max: number("net_exposure_max", self.net_exposure_max.as_ref())?,
            price_collar_percent: number("price_collar_percent", self.price_collar_percent.as_ref())?,
            open_orders_max: self.open_orders_max,
            symbols_allowed: self.symbols_allowed.as_deref().map(|list| symbols(state, list)).transpose()?,
            symbols_denied: symbols(state, self.symbols_denied.as_deref().unwrap_or_default())?,
        })
    }
}

fn number(field: &str, text: Option<&DecimalText>) -> ApiResult<Option<Decimal>> {
    let Some(text) = text else { return Ok(None) };
    let parsed = parse_decimal(text.as_str()).ok().filter(|number| *number >= Decimal::ZERO);
    let refused = || ApiError::of(Code::InvalidLimit).with_field(field);
    parsed.map(|number| Some(number.normalize())).ok_or_else(refused)
}

fn symbols(state: &AppState, names: &[String]) -> ApiResult<BTreeSet<Symbol>> {
    if names.len() > LISTED_SYMBOLS_MAX {
        return Err(ApiError::of(Code::InvalidLimit).with_field("symbols"));
    }
    let known = |name: &String| Symbol::parse(name).ok().filter(|one| state.instruments.get(one).is_some());
    let found = |name| known(name).ok_or_else(|| ApiError::of(Code::UnknownSymbol).with_field("symbols"));
    names.iter().map(found).collect()
}

fn expected_version(headers: &HeaderMap) -> ApiResult<Option<u64>> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let version = value.to_str().ok().and_then(|text| text.trim_matches('"').parse().ok());
    version.map(Some).ok_or_else(|| ApiError::of(Code::InvalidIfMatch))
}

impl From<LimitBook> for LimitsView {
    fn from(book: LimitBook) -> Self {
        Self { version: book.version, limits: book.iter().map(ScopeLimitsView::from).collect() }
    }
}

impl From<(&HaltScope, &Limits)> for ScopeLimitsView {
    fn from((scope, limits): (&HaltScope, &Limits)) -> Self {
        let text = |number: Option<Decimal>| number.map(|number| number.to_string());
        let names = |symbols: &BTreeSet<Symbol>| symbols.iter().map(Symbol::to_string).collect();
        Self {
            scope: scope.clone(),
            order_quantity_max: text(limits.order_quantity_max),
            order_notional_max: text(limits.order_notional_max),
            position_notional_max: text(limits.position_notional_max),
            gross_exposure_max: text(limits.gross_exposure_max),
            net_exposure_max: text(limits.net_exposure_max),
            price_collar_percent: text(limits.price_collar_percent),
            open_orders_max: limits.open_orders_max,
            symbols_allowed: limits.symbols_allowed.as_ref().map(names),
            symbols_denied: names(&limits.symbols_denied),
        }
    }
}
