//! What a caller may ask for, and how a request becomes an order's terms. The first thing that is wrong is named.

use crate::decimal_text::DecimalText;
use crate::error::{ApiError, Code, price_error, quantity_error};
use crate::query::name;
use axum::http::HeaderMap;
use bulkhead_actors::quotes::Instruments;
use bulkhead_domain::desk::PlaceOrder;
use bulkhead_domain::order::{OrderKind, OrderTerms, Side, TimeInForce};
use bulkhead_domain::{AccountId, ClientOrderId, OrderId, PortfolioId, Price, Qty, Symbol, Timestamp};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

/// Names what a request makes where its body does not.
pub(crate) const IDEMPOTENCY_KEY_HEADER: &str = "idempotency-key";
const ACCOUNT_DEFAULT: &str = "paper";
const PORTFOLIO_DEFAULT: &str = "main";

/// A new order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "client_order_id": "my-order-1", "symbol": "BTC-USDT", "side": "buy", "type": "limit", "quantity": "0.5",
    "price": "40000.00", "time_in_force": "gtc"
}))]
pub(crate) struct PlaceOrderRequest {
    /// Your name for the order, unique for ever: the same request under it is answered with the same order. Without
    /// one, the header `Idempotency-Key` is taken, else one is made.
    #[schema(max_length = 48, pattern = "^[A-Za-z0-9._-]+$")]
    client_order_id: Option<String>,
    /// The venue account; `paper` if absent.
    #[schema(example = "paper")]
    account: Option<String>,
    /// The book it counts in; `main` if absent.
    #[schema(example = "main")]
    portfolio: Option<String>,
    #[schema(example = "BTC-USDT")]
    symbol: String,
    /// `buy` or `sell`.
    side: String,
    /// `market` or `limit`.
    #[serde(rename = "type")]
    kind: String,
    #[schema(value_type = String, example = "0.5")]
    quantity: DecimalText,
    /// For a limit order.
    #[schema(value_type = Option<String>, example = "40000.00")]
    price: Option<DecimalText>,
    /// `gtc`, `ioc`, `fok`, `gtd` (until `expires_at`) or `day` (until the end of the UTC day); `gtc` if absent.
    #[schema(example = "gtc")]
    time_in_force: Option<String>,
    /// For `gtd`: when the order ends, by the venue's clock.
    #[schema(format = DateTime, example = "2026-01-02T03:04:05.000006Z")]
    expires_at: Option<String>,
    /// Never take liquidity: the venue rejects the order if it would be filled at once. For limit orders that rest.
    #[serde(default)]
    post_only: bool,
    /// Only make the position smaller: denied if it is for more than is held and not being closed by open orders.
    #[serde(default)]
    reduce_only: bool,
    /// Place nothing if the request is looked at later than this, by the clock of `GET /clock`. No part of the order:
    /// the same request may be repeated with another one.
    #[schema(format = DateTime, example = "2026-01-02T03:04:05.000006Z")]
    valid_until: Option<String>,
}

impl PlaceOrderRequest {
    /// Whether the caller gave it a name.
    pub(crate) fn is_named(&self) -> bool {
        self.client_order_id.is_some()
    }

    /// Checks the request's shape and the instrument's rules.
    pub(crate) fn validate(
        self,
        headers: &HeaderMap,
        instruments: &Instruments,
    ) -> Result<PlaceOrder, ApiError> {
        let order_id = OrderId(Uuid::now_v7());
        let client_order_id = client_order_id(self.client_order_id.as_deref(), headers, order_id)?;
        let side = word::<Side>("side", &self.side, Code::InvalidSide, "buy or sell")?;
        let kind = order_kind(&self.kind, self.price.as_ref())?;
        let time_in_force = time_in_force(self.time_in_force.as_deref())?;
        let quantity =
            Qty::parse(self.quantity.as_str()).map_err(|error| quantity_error("quantity", error))?;
        let symbol = Symbol::parse(&self.symbol).map_err(|_| unknown_symbol(&self.symbol))?;
        let instrument = instruments.get(&symbol).ok_or_else(|| unknown_symbol(&self.symbol))?;
        let account = AccountId::parse(self.account.as_deref().unwrap_or(ACCOUNT_DEFAULT))
            .map_err(|error| ApiError::new(Code::UnknownAccount, error.to_string()).with_field("account"))?;
        let portfolio =
            PortfolioId::parse(self.portfolio.as_deref().unwrap_or(PORTFOLIO_DEFAULT)).map_err(|error| {
                ApiError::new(Code::UnknownPortfolio, error.to_string()).with_field("portfolio")
            })?;
        let expires_at = time("expires_at", self.expires_at.as_deref(), Code::InvalidExpiresAt)?;
        let valid_until = time("valid_until", self.valid_until.as_deref(), Code::InvalidValidUntil)?;
        let terms = OrderTerms {
            portfolio,
            account,
            symbol,
            side,
            kind,
            quantity,
            time_in_force,
            expires_at,
            post_only: self.post_only,
            reduce_only: self.reduce_only,
        };
        terms.check()?;
        instrument.check(&terms)?;
        Ok(PlaceOrder { order_id, client_order_id, terms, valid_until })
    }
}

fn client_order_id(
    given: Option<&str>,
    headers: &HeaderMap,
    order_id: OrderId,
) -> Result<ClientOrderId, ApiError> {
    let header = headers.get(IDEMPOTENCY_KEY_HEADER).map(|value| value.to_str().unwrap_or_default());
    let (field, text) = match (given, header) {
        (Some(given), Some(header)) if given != header => {
            return Err(ApiError::of(Code::IdempotencyKeyMismatch));
        }
        (Some(given), _) => ("client_order_id", given),
        (None, Some(header)) => ("Idempotency-Key", header),
        (None, None) => return Ok(ClientOrderId::parse(&order_id.to_string()).expect("a uuid is url-safe")),
    };
    ClientOrderId::parse(text).map_err(|error| {
        let rule = ClientOrderId::RULE;
        let message = format!(
            "{field} must be {} to {} characters of {}",
            error.length_min, rule.length_max, rule.alphabet
        );
        ApiError::new(Code::InvalidClientOrderId, message).with_field(field)
    })
}

fn order_kind(kind: &str, price: Option<&DecimalText>) -> Result<OrderKind, ApiError> {
    match (kind, price) {
        ("market", None) => Ok(OrderKind::Market),
        ("market", Some(_)) => Err(ApiError::of(Code::PriceNotAllowed).with_field("price")),
        ("limit", Some(price)) => {
            let price = Price::parse(price.as_str()).map_err(|error| price_error("price", error))?;
            Ok(OrderKind::Limit { price })
        }
        ("limit", None) => Err(ApiError::of(Code::PriceRequired).with_field("price")),
        (other, _) => Err(not_one_of("type", other, Code::InvalidOrderType, "market or limit")),
    }
}

fn time_in_force(given: Option<&str>) -> Result<TimeInForce, ApiError> {
    match given {
        Some(given) => word("time_in_force", given, Code::InvalidTimeInForce, "gtc, ioc, fok, gtd or day"),
        // What displayed size does not fill waits for more, market orders included.
        None => Ok(TimeInForce::Gtc),
    }
}

fn time(field: &str, given: Option<&str>, code: Code) -> Result<Option<Timestamp>, ApiError> {
    let wrong = |error| ApiError::new(code, format!("{field} {error}")).with_field(field);
    given.map(|text| Timestamp::parse(text).map_err(wrong)).transpose()
}

fn word<T: serde::de::DeserializeOwned>(
    field: &str,
    text: &str,
    code: Code,
    allowed: &str,
) -> Result<T, ApiError> {
    name(text).ok_or_else(|| not_one_of(field, text, code, allowed))
}

fn not_one_of(field: &str, found: &str, code: Code, allowed: &str) -> ApiError {
    ApiError::new(code, format!("{field} must be {allowed}, found {:?}", shown(found))).with_field(field)
}

fn unknown_symbol(symbol: &str) -> ApiError {
    let message = format!("there is no instrument {:?}: see GET /api/v1/instruments", shown(symbol));
    ApiError::new(Code::UnknownSymbol, message).with_details(json!({ "field": "symbol" }))
}

/// A caller's text, short enough to be repeated in a message.
fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests;
