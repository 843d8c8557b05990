//! `POST /risk/size`: how much to trade, as a quantity an order takes.

use super::{choice, required};
use crate::body::JsonBody;
use crate::decimal_text::DecimalText;
use crate::envelope::{ApiResult, Data};
use crate::error::{ApiError, Code, price_error};
use crate::principal::Member;
use crate::schema::Answer;
use crate::state::AppState;
use axum::extract::State;
use bulkhead_actors::PortfolioFilter;
use bulkhead_domain::instrument::Instrument;
use bulkhead_domain::money::parse_decimal;
use bulkhead_domain::{Amount, DecimalError, Price, Symbol, TenantId};
use bulkhead_quant::QuantError;
use bulkhead_quant::portfolio::sizing::{KellyLimits, kelly_bet, kelly_single, volatility_scale};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Half of Kelly's optimum: three quarters of its growth at half its volatility.
const FRACTION: f64 = 0.5;
const LEVERAGE_MAX: f64 = 1.0;
/// The cap is applied to the answer, so that it can say so.
const UNCAPPED: f64 = 1e9;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(size_position))
}

/// A position to size.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "method": "fixed_fraction", "symbol": "BTC-USDT", "risk_fraction": 0.01,
    "price": "40000", "stop_price": "38000", "equity": "100000" }))]
struct SizeRequest {
    /// kelly, fixed_fraction or volatility.
    method: String,
    #[schema(example = "BTC-USDT")]
    symbol: String,
    /// The middle of the present quote if absent.
    #[schema(value_type = Option<String>)]
    price: Option<DecimalText>,
    /// In the symbol's quote currency; that of the tenant's portfolio if absent.
    #[schema(value_type = Option<String>)]
    equity: Option<DecimalText>,
    /// The largest position as a multiple of the equity; 1 if absent.
    leverage_max: Option<f64>,
    /// Of fixed_fraction: the part of the equity that may be lost at `stop_price`, or is invested without one.
    risk_fraction: Option<f64>,
    #[schema(value_type = Option<String>)]
    stop_price: Option<DecimalText>,
    /// Of kelly: the part of the optimum that is taken; 0.5 if absent.
    fraction: Option<f64>,
    /// Of kelly, for a bet: with `odds`.
    win_probability: Option<f64>,
    /// What is won per unit that can be lost.
    odds: Option<f64>,
    /// Of kelly, for an asset: the return above the risk-free rate, with `volatility`, of the same horizon.
    excess_return: Option<f64>,
    /// Of kelly and volatility: what is expected of the asset.
    volatility: Option<f64>,
    /// Of volatility: what the position is to have.
    target_volatility: Option<f64>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Method {
    Kelly,
    FixedFraction,
    Volatility,
}

/// A size that an order can have.
#[derive(Debug, Serialize, ToSchema)]
struct SizeAnswer {
    #[schema(value_type = String, example = "BTC-USDT")]
    symbol: Symbol,
    #[schema(value_type = String, example = "100000")]
    equity: Amount,
    #[schema(value_type = String, example = "40000")]
    price: Price,
    /// The position as a multiple of the equity, before rounding; negative is short.
    fraction: f64,
    /// buy or sell; absent where nothing is to be held.
    #[schema(required)]
    side: Option<&'static str>,
    /// Rounded towards zero to the instrument's step.
    #[schema(value_type = String, example = "0.5")]
    quantity: Decimal,
    #[schema(value_type = String, example = "20000")]
    notional: Amount,
    /// leverage_max, max_quantity, or nothing: what held the size down.
    #[schema(required)]
    capped_by: Option<&'static str>,
    /// Whether the quantity is large enough for an order.
    tradable: bool,
}

/// Size a position
///
/// By Kelly's criterion, a fixed fraction of the equity, or a target volatility. Nothing is ordered.
#[utoipa::path(post, path = "/risk/size", tag = "Quant", security(("bearer" = [])), request_body = SizeRequest,
    responses((status = 200, body = Answer<SizeAnswer>), (status = 422, description = "INVALID_NUMBERS")))]
async fn size_position(
    Member(principal): Member,
    State(state): State<AppState>,
    JsonBody(request): JsonBody<SizeRequest>,
) -> ApiResult<Data<SizeAnswer>> {
    let method = choice("method", &request.method)?;
    let unknown = || ApiError::of(Code::UnknownSymbol).with_field("symbol");
    let symbol = Symbol::parse(&request.symbol).map_err(|_| unknown())?;
    let instrument = state.instruments.get(&symbol).ok_or_else(unknown)?.clone();
    let price = price(&state, &symbol, request.price.as_ref())?;
    let equity = match &request.equity {
        Some(text) => positive("equity", text)?,
        None => own_equity(&state, principal.tenant_id, &instrument).await?,
    };
    let fraction = request.fraction_of_equity(method, price)?;
    Ok(Data(Sizing { instrument, equity, price }.answer(fraction, request.leverage_max)?))
}

impl SizeRequest {
    /// The position as a multiple of the equity, before its cap.
    fn fraction_of_equity(&self, method: Method, price: Price) -> ApiResult<f64> {
        match method {
            Method::Kelly => self.kelly_fraction(),
            Method::FixedFraction => {
                let risked = required("risk_fraction", self.risk_fraction)?;
                in_unit("risk_fraction", risked)?;
                let Some(stop_price) = &self.stop_price else { return Ok(risked) };
                let stop = read_price("stop_price", stop_price)?;
                let distance = (price.get() - stop.get()) / price.get();
                if distance.is_zero() {
                    let message = "stop_price must differ from the price";
                    return Err(ApiError::new(Code::StopAtPrice, message).with_field("stop_price"));
                }
                // A stop above the price belongs to a short position, whose fraction is negative.
                Ok(risked / to_f64(distance)?)
            }
            Method::Volatility => {
                let target = required("target_volatility", self.target_volatility)?;
                let volatility = required("volatility", self.volatility)?;
                Ok(volatility_scale(target, volatility, UNCAPPED)?)
            }
        }
    }

    fn kelly_fraction(&self) -> ApiResult<f64> {
        let fraction = self.fraction.unwrap_or(FRACTION);
        if let Some(win_probability) = self.win_probability {
            in_unit("fraction", fraction)?;
            return Ok(fraction * kelly_bet(win_probability, required("odds", self.odds)?)?);
        }
        let excess_return = required("win_probability or excess_return", self.excess_return)?;
        let volatility = required("volatility", self.volatility)?;
        if volatility <= 0.0 {
            let expected = "above zero";
            return Err(QuantError::OutOfRange { what: "volatility", value: volatility, expected }.into());
        }
        let limits = KellyLimits { fraction, leverage_max: UNCAPPED };
        let kelly = kelly_single(excess_return, volatility * volatility, limits)?;
        Ok(kelly.weights.first().copied().unwrap_or_default())
    }
}

/// What a fraction becomes a quantity with.
struct Sizing {
    instrument: Instrument,
    equity: Amount,
    price: Price,
}

impl Sizing {
    fn answer(self, fraction: f64, leverage_max: Option<f64>) -> ApiResult<SizeAnswer> {
        let Self { instrument, equity, price } = self;
        let leverage_max = leverage_max.unwrap_or(LEVERAGE_MAX);
        if !(leverage_max > 0.0 && leverage_max.is_finite()) {
            let what = "leverage_max";
            return Err(QuantError::OutOfRange { what, value: leverage_max, expected: "above zero" }.into());
        }
        let held = fraction.abs().min(leverage_max);
        let exact = from_f64("fraction", held)?
            .checked_mul(equity.get().max(Decimal::ZERO))
            .and_then(|worth| worth.checked_div(price.get()));
        let too_large = || QuantError::OutOfRange { what: "fraction", value: held, expected: "smaller" };
        let exact = exact.ok_or_else(too_large)?;
        let most = instrument.quantity_max.get();
        let step = instrument.quantity_step.get();
        let capped = exact.min(most);
        let quantity = (capped - capped % step).normalize();
        let notional = Amount::rounded(quantity * price.get());
        let capped_by = match (exact > most, fraction.abs() > leverage_max) {
            (true, _) => Some("max_quantity"),
            (false, true) => Some("leverage_max"),
            (false, false) => None,
        };
        let tradable =
            quantity >= instrument.quantity_min.get() && notional.get() >= instrument.notional_min.get();
        let side = if quantity.is_zero() {
            None
        } else if fraction < 0.0 {
            Some("sell")
        } else {
            Some("buy")
        };
        let symbol = instrument.symbol;
        Ok(SizeAnswer { symbol, equity, price, fraction, side, quantity, notional, capped_by, tradable })
    }
}

fn price(state: &AppState, symbol: &Symbol, text: Option<&DecimalText>) -> ApiResult<Price> {
    if let Some(text) = text {
        return read_price("price", text);
    }
    let quote = state.quotes.quote(symbol).ok_or_else(|| {
        let message = "nobody quotes the symbol right now: send a price";
        ApiError::new(Code::NoMarketPrice, message).with_field("price")
    })?;
    let middle = (quote.bid.get() + quote.ask.get()) / Decimal::TWO;
    Price::try_from(middle).or(Ok(quote.bid))
}

async fn own_equity(state: &AppState, tenant_id: TenantId, instrument: &Instrument) -> ApiResult<Amount> {
    let picture = state.tenant(tenant_id).await?.portfolio(PortfolioFilter::default()).await?;
    let same = picture.currency == instrument.quote;
    picture.equity.filter(|_| same).ok_or_else(|| {
        let message = "the portfolio's equity is not known in the symbol's quote currency: send equity";
        ApiError::new(Code::FieldMissing, message).with_field("equity")
    })
}

fn read_price(field: &'static str, text: &DecimalText) -> ApiResult<Price> {
    Price::parse(text.as_str()).map_err(|error| price_error(field, error))
}

fn positive(field: &'static str, text: &DecimalText) -> ApiResult<Amount> {
    let read = match parse_decimal(text.as_str()) {
        Ok(value) if value < Decimal::ZERO => Err(DecimalError::Negative),
        Ok(value) if value.is_zero() => Err(DecimalError::Zero),
        other => other,
    };
    read.map(Amount::from)
        .map_err(|error| ApiError::new(Code::InvalidNumbers, format!("{field} {error}")).with_field(field))
}

fn in_unit(what: &'static str, value: f64) -> Result<(), QuantError> {
    if value > 0.0 && value <= 1.0 {
        return Ok(());
    }
    Err(QuantError::OutOfRange { what, value, expected: "above zero and at most one" })
}

fn from_f64(what: &'static str, value: f64) -> Result<Decimal, QuantError> {
    Decimal::try_from(value).map_err(|_| QuantError::OutOfRange { what, value, expected: "smaller" })
}

fn to_f64(value: Decimal) -> Result<f64, QuantError> {
    f64::try_from(value).map_err(|_| QuantError::NotFinite { what: "distance of the stop" })
}
