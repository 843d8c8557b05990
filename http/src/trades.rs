//! Executions, newest first; and the older way to place and cancel, kept for clients that speak it.

use crate::body::JsonBody;
use crate::envelope::{Accepted, ApiResult, Data, Page};
use crate::error::{ApiError, Code};
use crate::orders::{OrderView, PlaceOrderRequest, cancel_by_id, submit};
use crate::principal::{Member, Trader};
use crate::query::{self, Params, Path, order_id};
use crate::schema::{Answer, List};
use crate::state::AppState;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use bulkhead_domain::order::{Liquidity, Mode, Side};
use bulkhead_domain::{AccountId, Amount, Currency, ExecutionId, PortfolioId, Price, Qty, Symbol, Timestamp};
use bulkhead_persistence::FillRow;
use bulkhead_persistence::fill::{FillFilter, find_fills, list_fills};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

const CURSOR_KIND: char = 't';

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_trades, place_trade))
        // One path, two names for what it ends in: an execution to look at, an order to cancel.
        .routes(routes!(show_trade, cancel_trade))
}

/// One execution.
#[derive(Serialize, ToSchema)]
struct TradeView {
    #[schema(value_type = String)]
    execution_id: ExecutionId,
    order_id: Uuid,
    /// The journal event that booked it.
    seq: i64,
    #[schema(value_type = String, example = "main")]
    portfolio: PortfolioId,
    #[schema(value_type = String, example = "paper")]
    account: AccountId,
    #[schema(value_type = String, example = "paper")]
    mode: Mode,
    #[schema(value_type = String, example = "BTC-USDT")]
    symbol: Symbol,
    #[schema(value_type = String, example = "buy")]
    side: Side,
    #[schema(value_type = String, example = "39999.5")]
    price: Price,
    #[schema(value_type = String, example = "0.2")]
    quantity: Qty,
    #[schema(value_type = String, example = "7.9999")]
    fee: Amount,
    #[schema(value_type = String, example = "USDT")]
    fee_currency: Currency,
    #[schema(value_type = String, example = "taker")]
    liquidity: Liquidity,
    /// By the venue's clock.
    #[schema(value_type = String, example = "2026-01-02T03:04:05.000006Z")]
    ts: Timestamp,
    #[schema(value_type = String, example = "2026-01-02T03:04:05.000006Z")]
    recorded_at: Timestamp,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListTradesParams {
    order_id: Option<Uuid>,
    #[param(example = "BTC-USDT")]
    symbol: Option<String>,
    /// buy or sell.
    side: Option<String>,
    account: Option<String>,
    portfolio: Option<String>,
    /// 1 to 500; 100 if absent.
    limit: Option<i64>,
    /// From `meta.next_cursor` of the page before.
    cursor: Option<String>,
}

impl From<FillRow> for TradeView {
    fn from(row: FillRow) -> Self {
        Self {
            execution_id: row.execution_id,
            order_id: row.order_id.0,
            seq: row.seq,
            portfolio: row.portfolio,
            account: row.account,
            mode: row.mode,
            symbol: row.symbol,
            side: row.side,
            price: row.price,
            quantity: row.quantity,
            fee: row.fee,
            fee_currency: row.fee_currency,
            liquidity: row.liquidity,
            ts: row.venue_ts,
            recorded_at: row.recorded_at,
        }
    }
}

impl TryFrom<&ListTradesParams> for FillFilter {
    type Error = ApiError;

    fn try_from(params: &ListTradesParams) -> Result<Self, ApiError> {
        Ok(Self {
            order_id: params.order_id.map(bulkhead_domain::OrderId),
            symbol: query::text("symbol", params.symbol.as_deref(), Symbol::parse)?,
            side: query::word("side", params.side.as_deref())?,
            account: query::text("account", params.account.as_deref(), AccountId::parse)?,
            portfolio: query::text("portfolio", params.portfolio.as_deref(), PortfolioId::parse)?,
        })
    }
}

/// List executions, newest first
#[utoipa::path(get, path = "/trades", tag = "Trading", security(("bearer" = [])), params(ListTradesParams),
    responses((status = 200, body = List<TradeView>)))]
async fn list_trades(
    Member(principal): Member,
    State(state): State<AppState>,
    Params(params): Params<ListTradesParams>,
) -> ApiResult<Page<TradeView>> {
    let filter = FillFilter::try_from(&params)?;
    let limit = query::limit(params.limit)?;
    let before = params.cursor.as_deref().map(read_cursor).transpose()?;
    let mut tx = state.db.begin_for(principal.tenant_id).await?;
    let rows = list_fills(&mut tx, &filter, before, limit + 1).await?;
    let (rows, next_cursor) = query::cut(rows, limit, |row| query::write_cursor(CURSOR_KIND, &[&row.seq]));
    Ok(Page { items: rows.into_iter().map(TradeView::from).collect(), next_cursor })
}

/// Look at an execution
#[utoipa::path(get, path = "/trades/{id}", tag = "Trading", security(("bearer" = [])),
    params(("id" = String, Path, description = "The execution_id")),
    responses((status = 200, body = Answer<TradeView>)))]
async fn show_trade(
    Member(principal): Member,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Data<TradeView>> {
    let not_found = || ApiError::of(Code::TradeNotFound);
    let id = ExecutionId::parse(&id).map_err(|_| not_found())?;
    let mut tx = state.db.begin_for(principal.tenant_id).await?;
    // Venues name executions each in their own way; should two use the same name, the first account's is shown.
    let row = find_fills(&mut tx, &id).await?.into_iter().next().ok_or_else(not_found)?;
    Ok(Data(row.into()))
}

/// Place an order (the older name of `POST /orders`)
#[utoipa::path(post, path = "/trades", tag = "Trading", security(("bearer" = [])), request_body = PlaceOrderRequest,
    responses((status = 201, body = Answer<OrderView>), (status = 200, body = Answer<OrderView>),
        (status = 429, description = "TOO_MANY_OPEN_ORDERS")))]
async fn place_trade(
    Trader(principal): Trader,
    State(state): State<AppState>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<PlaceOrderRequest>,
) -> ApiResult<Response> {
    let place = request.validate(&headers, &state.instruments)?;
    submit(&state, principal.tenant_id, place).await
}

/// Cancel an order (the older name of `DELETE /orders/{id}`)
#[utoipa::path(delete, path = "/trades/{id}", tag = "Trading", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The order's id")), responses((status = 202, body = Answer<OrderView>)))]
async fn cancel_trade(
    Trader(principal): Trader,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Accepted<OrderView>> {
    cancel_by_id(&state, principal.tenant_id, order_id(&id)?).await.map(Accepted)
}

fn read_cursor(cursor: &str) -> ApiResult<i64> {
    let [seq] = query::read_cursor(CURSOR_KIND, cursor)?;
    seq.parse().map_err(|_| ApiError::of(Code::InvalidCursor))
}
