//! The journal as it is shown: every event of a tenant, by its sequence number.

use crate::envelope::{ApiResult, Page};
use crate::error::ApiError;
use crate::principal::Member;
use crate::query::{self, Params, invalid};
use crate::schema::List;
use crate::state::AppState;
use axum::extract::State;
use bulkhead_domain::{EventDecodeError, RecordedEvent, Timestamp};
use bulkhead_persistence::journal::read_events;
use bulkhead_persistence::{DbError, StoredEvent};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_events))
}

/// An event. Old versions are shown in the newest form of their kind.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventView {
    /// From 1, without gaps.
    #[schema(example = 42, minimum = 1)]
    seq: i64,
    #[schema(example = "order_filled")]
    kind: &'static str,
    /// When it was recorded.
    #[schema(value_type = String, example = "2026-01-02T03:04:05.000006Z")]
    ts: Timestamp,
    /// Depends on the kind.
    #[schema(value_type = Object)]
    data: Box<RawValue>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventsParams {
    /// Only events after this one; 0 if absent.
    #[param(minimum = 0)]
    after_seq: Option<i64>,
    /// 1 to 500; 100 if absent.
    limit: Option<i64>,
    /// From `meta.next_cursor` of the page before; takes the place of `after_seq`.
    cursor: Option<String>,
}

const CURSOR_KIND: char = 'j';

impl TryFrom<&RecordedEvent> for EventView {
    type Error = ApiError;

    fn try_from(recorded: &RecordedEvent) -> Result<Self, ApiError> {
        let data = RawValue::from_string(recorded.event.payload()).map_err(ApiError::internal)?;
        Ok(Self { seq: recorded.seq, kind: recorded.event.kind(), ts: recorded.recorded_at, data })
    }
}

/// Reads a stored event.
pub(crate) fn decode(stored: &StoredEvent) -> ApiResult<RecordedEvent> {
    let corrupt =
        |error: EventDecodeError| DbError::Corrupt { what: "journal.payload", source: error.into() };
    Ok(stored.decode().map_err(corrupt)?)
}

/// Read the journal, oldest first
#[utoipa::path(get, path = "/events", tag = "Events", security(("bearer" = [])), params(EventsParams),
    responses((status = 200, body = List<EventView>)))]
async fn list_events(
    Member(principal): Member,
    State(state): State<AppState>,
    Params(params): Params<EventsParams>,
) -> ApiResult<Page<EventView>> {
    let limit = query::limit(params.limit)?;
    let after_seq = start(&params)?;
    let mut tx = state.db.begin_for(principal.tenant_id).await?;
    let rows = read_events(&mut tx, after_seq, limit + 1).await?;
    let (rows, next_cursor) = query::cut(rows, limit, |row| query::write_cursor(CURSOR_KIND, &[&row.seq]));
    let view = |row: &StoredEvent| EventView::try_from(&decode(row)?);
    Ok(Page { items: rows.iter().map(view).collect::<ApiResult<_>>()?, next_cursor })
}

fn start(params: &EventsParams) -> ApiResult<i64> {
    if let Some(cursor) = &params.cursor {
        let [seq] = query::read_cursor(CURSOR_KIND, cursor)?;
        return seq.parse().map_err(|_| ApiError::of(crate::error::Code::InvalidCursor));
    }
    let after_seq = params.after_seq.unwrap_or(0);
    if after_seq < 0 { Err(invalid("after_seq", "must not be negative")) } else { Ok(after_seq) }
}
