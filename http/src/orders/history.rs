//! What is known of an order from the tables: its last durable state, and its life from the journal.

use crate::envelope::{ApiResult, Page};
use crate::error::{ApiError, Code};
use crate::events::{EventView, decode};
use crate::principal::Member;
use crate::query::{self, Params, Path, order_id};
use crate::schema::List;
use crate::state::AppState;
use axum::extract::State;
use bulkhead_domain::{OrderId, TenantId};
use bulkhead_persistence::journal::read_events_between;
use bulkhead_persistence::order::find_order;
use bulkhead_persistence::{OrderRow, TenantTx};
use serde::Deserialize;
use utoipa::IntoParams;

/// Journal rows looked through for one page; an order that lives long in a busy tenant takes several.
const SCANNED_MAX: i64 = 5_000;
const SCAN_PAGE: i64 = 1_000;
const CURSOR_KIND: char = 'e';

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OrderEventsParams {
    /// 1 to 500; 100 if absent.
    limit: Option<i64>,
    /// From `meta.next_cursor` of the page before. A page may be empty and still name a next one.
    cursor: Option<String>,
}

/// The part of the journal that is looked through.
struct Range {
    order_id: OrderId,
    after_seq: i64,
    upto_seq: i64,
    limit: i64,
}

/// An order's life from the journal, oldest first
#[utoipa::path(get, path = "/orders/{id}/events", tag = "Trading", security(("bearer" = [])),
    params(("id" = Uuid, Path), OrderEventsParams), responses((status = 200, body = List<EventView>)))]
pub(crate) async fn list_order_events(
    Member(principal): Member,
    State(state): State<AppState>,
    Path(id): Path<String>,
    Params(params): Params<OrderEventsParams>,
) -> ApiResult<Page<EventView>> {
    let order_id = order_id(&id)?;
    let limit = query::limit(params.limit)?;
    let start = params.cursor.as_deref().map(read_start).transpose()?;
    let mut tx = state.db.begin_for(principal.tenant_id).await?;
    let row = find_order(&mut tx, order_id).await?.ok_or_else(|| ApiError::of(Code::OrderNotFound))?;
    let after_seq = start.unwrap_or(row.created_seq - 1).max(row.created_seq - 1);
    scan(&mut tx, Range { order_id, after_seq, upto_seq: row.updated_seq, limit }).await
}

/// The last durable state of an order.
pub(crate) async fn find_row(state: &AppState, tenant_id: TenantId, id: OrderId) -> ApiResult<OrderRow> {
    let mut tx = state.db.begin_for(tenant_id).await?;
    find_order(&mut tx, id).await?.ok_or_else(|| ApiError::of(Code::OrderNotFound))
}

async fn scan(tx: &mut TenantTx, range: Range) -> ApiResult<Page<EventView>> {
    let mut items = Vec::new();
    let mut at = range.after_seq;
    let scan_end = range.upto_seq.min(range.after_seq.saturating_add(SCANNED_MAX));
    let limit = usize::try_from(range.limit).unwrap_or(usize::MAX);
    while at < scan_end && items.len() < limit {
        for stored in read_events_between(tx, at, scan_end, SCAN_PAGE).await? {
            at = stored.seq;
            let recorded = decode(&stored)?;
            if recorded.event.order_id() == Some(range.order_id) {
                items.push(EventView::try_from(&recorded)?);
            }
            if items.len() == limit {
                break;
            }
        }
    }
    let next_cursor = (at < range.upto_seq).then(|| query::write_cursor(CURSOR_KIND, &[&at]));
    Ok(Page { items, next_cursor })
}

fn read_start(cursor: &str) -> ApiResult<i64> {
    let [at] = query::read_cursor(CURSOR_KIND, cursor)?;
    at.parse().map_err(|_| ApiError::of(Code::InvalidCursor))
}
