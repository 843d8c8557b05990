//! Lots of one symbol, computed from the executions that were booked.

use crate::envelope::{ApiResult, Page};
use crate::error::{ApiError, Code};
use crate::principal::Member;
use crate::query::{self, Params, invalid};
use crate::schema::{ErrorAnswer, List};
use crate::state::AppState;
use axum::extract::State;
use bulkhead_domain::lots::{Lot, LotBook, LotFill, LotMethod};
use bulkhead_domain::{
    AccountId, Amount, Currency, ExecutionId, PortfolioId, SignedQty, Symbol, TenantId, Timestamp,
};
use bulkhead_persistence::FillRow;
use bulkhead_persistence::fill::{FillFilter, list_fills_from};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Executions read at once.
const PAGE: i64 = 2_000;
/// Executions that are folded for one answer.
const EXECUTIONS_MAX: usize = 200_000;
/// Lots shown of one position, those that are closed first.
const LOTS_SHOWN_MAX: usize = 500;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_lots))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LotsParams {
    #[param(example = "BTC-USDT")]
    symbol: String,
    /// fifo, lifo or average: which lot a closing execution takes first; fifo if absent.
    #[param(example = "fifo")]
    method: Option<String>,
    #[param(example = "paper")]
    account: Option<String>,
    #[param(example = "main")]
    portfolio: Option<String>,
}

/// The lots of one position.
#[derive(Serialize, ToSchema)]
struct PositionLots {
    #[schema(value_type = String, example = "main")]
    portfolio: PortfolioId,
    #[schema(value_type = String, example = "paper")]
    account: AccountId,
    #[schema(value_type = String, example = "BTC-USDT")]
    symbol: Symbol,
    #[schema(value_type = String, example = "fifo")]
    method: LotMethod,
    /// Every execution up to this event is in it.
    #[schema(example = 42)]
    as_of_seq: i64,
    /// Long is positive, short negative.
    #[schema(value_type = String, example = "0.5")]
    quantity: SignedQty,
    /// Of what was closed, by the method, before fees.
    #[schema(value_type = String, example = "12.5")]
    realized_pnl: Amount,
    /// Of what is open, before fees; null while nobody quotes.
    #[schema(value_type = Option<String>, example = "32.34", required)]
    unrealized_pnl: Option<Amount>,
    /// Fees of what was closed: of opening and of closing it.
    #[schema(value_type = String, example = "1.25")]
    closed_fees: Amount,
    /// How many lots are open; the first 500 to be closed are shown.
    #[schema(example = 1)]
    lot_count: usize,
    lots: Vec<LotView>,
}

/// What is open of one execution; by the average method, of all.
#[derive(Serialize, ToSchema)]
#[schema(as = Lot)]
struct LotView {
    /// The execution that opened it; by the average method, the first.
    #[schema(value_type = String, example = "4.1")]
    execution_id: ExecutionId,
    #[schema(value_type = String, example = "0.5")]
    quantity: SignedQty,
    #[schema(value_type = String, example = "39999.5")]
    price: Amount,
    /// With the sign of the quantity.
    #[schema(value_type = String, example = "19999.75")]
    cost: Amount,
    /// Its share of the fees of opening it.
    #[schema(value_type = String, example = "20")]
    fees: Amount,
    #[schema(value_type = Option<String>, example = "32.34", required)]
    unrealized_pnl: Option<Amount>,
    /// The venue's time.
    #[schema(value_type = String, example = "2026-01-02T03:04:05.000006Z")]
    opened_at: Timestamp,
}

/// What is folded, and from what.
struct Question {
    filter: FillFilter,
    method: LotMethod,
    quote_currency: Currency,
}

type Key = (PortfolioId, AccountId);
/// Lots, and the event up to which they are folded.
type Folded = (LotBook, i64);
type Books = BTreeMap<Key, Folded>;

/// List the lots of a symbol
///
/// One entry per portfolio and account, computed from the executions. Realised and unrealised profit have the same sum
/// whatever the method; by `average` they are the position's.
#[utoipa::path(get, path = "/lots", tag = "Portfolio", security(("bearer" = [])), params(LotsParams),
    responses((status = 200, body = List<PositionLots>),
        (status = 404, description = "POSITION_NOT_FOUND", body = ErrorAnswer),
        (status = 409, description = "TOO_MANY_EXECUTIONS", body = ErrorAnswer)))]
async fn list_lots(
    Member(principal): Member,
    State(state): State<AppState>,
    Params(params): Params<LotsParams>,
) -> ApiResult<Page<PositionLots>> {
    let (question, symbol) = question(&state, &params)?;
    let books = fold(&state, principal.tenant_id, &question).await?;
    if books.is_empty() {
        return Err(ApiError::of(Code::PositionNotFound));
    }
    let mark = state.quotes.quote(&symbol).map(bulkhead_domain::risk::Quote::mark);
    let view = |((portfolio, account), (book, as_of_seq)): (Key, Folded)| {
        let lots = book.lots().take(LOTS_SHOWN_MAX).map(|lot| LotView::new(lot, mark)).collect();
        // What is not held is worth nothing whatever the market.
        let mark = if book.quantity().get().is_zero() { Some(Decimal::ZERO) } else { mark };
        PositionLots {
            portfolio,
            account,
            symbol: symbol.clone(),
            method: question.method,
            as_of_seq,
            quantity: book.quantity(),
            realized_pnl: book.realized_pnl(),
            unrealized_pnl: mark.map(|mark| book.unrealized_pnl(mark)),
            closed_fees: book.closed_fees(),
            lot_count: book.lots().count(),
            lots,
        }
    };
    Ok(Page { items: books.into_iter().map(view).collect(), next_cursor: None })
}

impl LotView {
    fn new(lot: &Lot, mark: Option<Decimal>) -> Self {
        Self {
            execution_id: lot.execution_id.clone(),
            quantity: lot.quantity,
            price: lot.price(),
            cost: lot.cost,
            fees: lot.fees,
            unrealized_pnl: mark.map(|mark| lot.unrealized_pnl(mark)),
            opened_at: lot.opened_at,
        }
    }
}

fn question(state: &AppState, params: &LotsParams) -> ApiResult<(Question, Symbol)> {
    let symbol = Symbol::parse(&params.symbol).map_err(|error| invalid("symbol", error))?;
    let instrument = state.instruments.get(&symbol);
    let quote_currency =
        instrument.ok_or_else(|| ApiError::of(Code::UnknownSymbol).with_field("symbol"))?.quote.clone();
    let filter = FillFilter {
        symbol: Some(symbol.clone()),
        account: query::text("account", params.account.as_deref(), AccountId::parse)?,
        portfolio: query::text("portfolio", params.portfolio.as_deref(), PortfolioId::parse)?,
        ..FillFilter::default()
    };
    let method = query::word("method", params.method.as_deref())?.unwrap_or(LotMethod::Fifo);
    Ok((Question { filter, method, quote_currency }, symbol))
}

/// Reads the executions in the order in which they were booked, page by page, and folds them.
async fn fold(state: &AppState, tenant_id: TenantId, question: &Question) -> ApiResult<Books> {
    let mut tx = state.db.begin_for(tenant_id).await?;
    let mut books = Books::new();
    let (mut after_seq, mut count) = (0, 0);
    loop {
        let page = list_fills_from(&mut tx, &question.filter, after_seq, PAGE).await?;
        count += page.len();
        if count > EXECUTIONS_MAX {
            let details = json!({ "limit": EXECUTIONS_MAX });
            return Err(ApiError::of(Code::TooManyExecutions).with_details(details));
        }
        let Some(last) = page.last() else { break };
        after_seq = last.seq;
        for row in page {
            let (key, seq) = ((row.portfolio.clone(), row.account.clone()), row.seq);
            let new = || (LotBook::new(question.method, question.quote_currency.clone()), seq);
            let (book, as_of_seq) = books.entry(key).or_insert_with(new);
            book.book(&lot_fill(row, &question.quote_currency));
            *as_of_seq = seq;
        }
    }
    tx.commit().await?;
    Ok(books)
}

fn lot_fill(row: FillRow, quote_currency: &Currency) -> LotFill {
    LotFill {
        fee: if row.fee_currency == *quote_currency { row.fee } else { Amount::ZERO },
        execution_id: row.execution_id,
        side: row.side,
        quantity: row.quantity,
        price: row.price,
        at: row.venue_ts,
    }
}
