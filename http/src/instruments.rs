//! What can be traded, and the rules orders must keep.

use crate::envelope::{ApiResult, Data, Page};
use crate::error::{ApiError, Code};
use crate::principal::Member;
use crate::query::Path;
use crate::schema::{Answer, List};
use crate::state::AppState;
use axum::extract::State;
use bulkhead_domain::instrument::{Instrument, InstrumentKind};
use bulkhead_domain::{Currency, Price, Qty, Symbol};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_instruments)).routes(routes!(show_instrument))
}

/// An instrument with its filters.
#[derive(Serialize, ToSchema)]
struct InstrumentView {
    #[schema(value_type = String, example = "BTC-USDT")]
    symbol: Symbol,
    #[schema(value_type = String, example = "spot")]
    kind: InstrumentKind,
    #[schema(value_type = String, example = "BTC")]
    base: Currency,
    #[schema(value_type = String, example = "USDT")]
    quote: Currency,
    /// A price is a multiple of this.
    #[schema(value_type = String, example = "0.01")]
    tick_size: Price,
    /// A quantity is a multiple of this.
    #[schema(value_type = String, example = "0.000001")]
    step_size: Qty,
    #[schema(value_type = String, example = "0.00001")]
    min_quantity: Qty,
    #[schema(value_type = String, example = "9000")]
    max_quantity: Qty,
    /// An order is worth at least this.
    #[schema(value_type = String, example = "5")]
    min_notional: Price,
    #[serde(with = "rust_decimal::serde::str")]
    #[schema(value_type = String, example = "0.001")]
    taker_fee_rate: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    #[schema(value_type = String, example = "0.001")]
    maker_fee_rate: Decimal,
}

impl From<&Instrument> for InstrumentView {
    fn from(instrument: &Instrument) -> Self {
        Self {
            symbol: instrument.symbol.clone(),
            kind: instrument.kind,
            base: instrument.base.clone(),
            quote: instrument.quote.clone(),
            tick_size: instrument.price_tick,
            step_size: instrument.quantity_step,
            min_quantity: instrument.quantity_min,
            max_quantity: instrument.quantity_max,
            min_notional: instrument.notional_min,
            taker_fee_rate: instrument.taker_fee_rate,
            maker_fee_rate: instrument.maker_fee_rate,
        }
    }
}

/// List what can be traded
#[utoipa::path(get, path = "/instruments", tag = "Trading", security(("bearer" = [])),
    responses((status = 200, body = List<InstrumentView>)))]
async fn list_instruments(_: Member, State(state): State<AppState>) -> Page<InstrumentView> {
    Page { items: state.instruments.iter().map(InstrumentView::from).collect(), next_cursor: None }
}

/// Look at one instrument
#[utoipa::path(get, path = "/instruments/{symbol}", tag = "Trading", security(("bearer" = [])),
    params(("symbol" = String, Path, example = "BTC-USDT")),
    responses((status = 200, body = Answer<InstrumentView>)))]
async fn show_instrument(
    _: Member,
    State(state): State<AppState>,
    Path(symbol): Path<String>,
) -> ApiResult<Data<InstrumentView>> {
    let symbol = Symbol::parse(&symbol).map_err(|_| ApiError::of(Code::InstrumentNotFound))?;
    let instrument = state.instruments.get(&symbol).ok_or_else(|| ApiError::of(Code::InstrumentNotFound))?;
    Ok(Data(instrument.into()))
}
