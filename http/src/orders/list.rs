//! Listing orders, newest first.

use super::from_table;
use super::view::OrderView;
use crate::envelope::{ApiResult, Page};
use crate::error::{ApiError, Code};
use crate::principal::Member;
use crate::query::{self, Params, invalid};
use crate::schema::List;
use crate::state::AppState;
use axum::extract::State;
use bulkhead_domain::order::OrderStatus;
use bulkhead_domain::{AccountId, OrderId, PortfolioId, Symbol, Timestamp};
use bulkhead_persistence::OrderRow;
use bulkhead_persistence::order::{OrderCursor, OrderFilter};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

const CURSOR_KIND: char = 'o';

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListOrdersParams {
    /// One status, or several joined by commas.
    #[param(example = "accepted,partially_filled")]
    status: Option<String>,
    #[param(example = "BTC-USDT")]
    symbol: Option<String>,
    /// buy or sell.
    side: Option<String>,
    account: Option<String>,
    portfolio: Option<String>,
    /// Only orders made at this moment or later.
    #[param(example = "2026-01-02T00:00:00Z")]
    from: Option<String>,
    /// Only orders made before this moment.
    #[param(example = "2026-01-03T00:00:00Z")]
    to: Option<String>,
    /// 1 to 500; 100 if absent.
    limit: Option<i64>,
    /// From `meta.next_cursor` of the page before.
    cursor: Option<String>,
}

/// What is asked for, read and checked.
struct Wanted {
    filter: OrderFilter,
    start: Option<OrderCursor>,
    from: Option<Timestamp>,
    limit: i64,
}

/// List orders, newest first
#[utoipa::path(get, path = "/orders", tag = "Trading", security(("bearer" = [])), params(ListOrdersParams),
    responses((status = 200, body = List<OrderView>)))]
pub(crate) async fn list_orders(
    Member(principal): Member,
    State(state): State<AppState>,
    Params(params): Params<ListOrdersParams>,
) -> ApiResult<Page<OrderView>> {
    let wanted = Wanted::try_from(params)?;
    let mut tx = state.db.begin_for(principal.tenant_id).await?;
    let rows =
        bulkhead_persistence::order::list_orders(&mut tx, &wanted.filter, wanted.start, wanted.limit + 1)
            .await?;
    wanted.page(rows, |row| from_table(&state, principal.tenant_id, row))
}

impl Wanted {
    fn page(
        &self,
        mut rows: Vec<OrderRow>,
        show: impl Fn(&OrderRow) -> ApiResult<OrderView>,
    ) -> ApiResult<Page<OrderView>> {
        if let Some(from) = self.from {
            // Newest first: the first that is too old ends the list.
            let fits = rows.partition_point(|row| row.created_at >= from);
            rows.truncate(fits);
        }
        let (rows, next_cursor) = query::cut(rows, self.limit, |row| {
            query::write_cursor(CURSOR_KIND, &[&row.created_at.micros(), &row.id])
        });
        Ok(Page { items: rows.iter().map(show).collect::<ApiResult<_>>()?, next_cursor })
    }
}

impl TryFrom<ListOrdersParams> for Wanted {
    type Error = ApiError;

    fn try_from(params: ListOrdersParams) -> Result<Self, ApiError> {
        let filter = OrderFilter {
            statuses: statuses(params.status.as_deref())?,
            symbol: query::text("symbol", params.symbol.as_deref(), Symbol::parse)?,
            side: query::word("side", params.side.as_deref())?,
            account: query::text("account", params.account.as_deref(), AccountId::parse)?,
            portfolio: query::text("portfolio", params.portfolio.as_deref(), PortfolioId::parse)?,
        };
        let from = moment("from", params.from.as_deref())?;
        // Below the smallest id of that moment is before that moment.
        let to = moment("to", params.to.as_deref())?;
        let to = to.map(|created_at| OrderCursor { created_at, id: OrderId(Uuid::nil()) });
        let cursor = params.cursor.as_deref().map(read_cursor).transpose()?;
        Ok(Self { filter, start: cursor.or(to), from, limit: query::limit(params.limit)? })
    }
}

fn statuses(text: Option<&str>) -> ApiResult<Vec<OrderStatus>> {
    let Some(text) = text else { return Ok(Vec::new()) };
    text.split(',').map(|word| query::one_of("status", word.trim())).collect()
}

fn moment(parameter: &str, text: Option<&str>) -> ApiResult<Option<Timestamp>> {
    text.map(|text| Timestamp::parse(text).map_err(|error| invalid(parameter, error))).transpose()
}

fn read_cursor(cursor: &str) -> ApiResult<OrderCursor> {
    let [created_at, id] = query::read_cursor(CURSOR_KIND, cursor)?;
    let refused = || ApiError::of(Code::InvalidCursor);
    let created_at = created_at.parse().map(Timestamp::from_micros).map_err(|_| refused())?;
    Ok(OrderCursor { created_at, id: id.parse().map_err(|_| refused())? })
}
