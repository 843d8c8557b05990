//! Parameters that calibrations found, per model and underlying: the current ones and their history.

use crate::{DbError, TenantTx};
use bulkhead_domain::Timestamp;
use time::OffsetDateTime;
use uuid::Uuid;

/// Of one model and underlying; older ones are deleted.
pub const HISTORY_MAX: i64 = 1_000;
/// Pairs of model and underlying whose current parameters are listed.
pub const CURRENT_MAX: i64 = 500;

/// One calibration's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuantParameterRow {
    pub id: Uuid,
    pub model: String,
    pub underlying: String,
    pub fitted_at: Timestamp,
    /// The user who asked for it.
    pub fitted_by: Uuid,
    /// A JSON object.
    pub parameters: String,
    /// A JSON object.
    pub quality: String,
}

/// Which to list; what is absent is any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuantParameterFilter {
    pub model: Option<String>,
    pub underlying: Option<String>,
}

/// A place in a list, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuantParameterPlace {
    pub fitted_at: Timestamp,
    pub id: Uuid,
}

struct Record {
    id: Uuid,
    model: String,
    underlying: String,
    fitted_at: OffsetDateTime,
    fitted_by: Uuid,
    parameters: String,
    quality: String,
}

impl From<Record> for QuantParameterRow {
    fn from(row: Record) -> Self {
        Self {
            id: row.id,
            model: row.model,
            underlying: row.underlying,
            fitted_at: row.fitted_at.into(),
            fitted_by: row.fitted_by,
            parameters: row.parameters,
            quality: row.quality,
        }
    }
}

/// Adds a result, which is the current one from then on, and deletes what is older than the history keeps.
pub async fn insert_quant_parameter(tx: &mut TenantTx, row: &QuantParameterRow) -> Result<(), DbError> {
    let tenant_id = tx.tenant_id().0;
    sqlx::query!(
        "insert into quant_parameter (tenant_id, id, model, underlying, fitted_at, fitted_by, parameters, quality)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        tenant_id,
        row.id,
        row.model,
        row.underlying,
        OffsetDateTime::from(row.fitted_at),
        row.fitted_by,
        row.parameters,
        row.quality
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "delete from quant_parameter q using
             (select fitted_at, id from quant_parameter
              where tenant_id = $1 and model = $2 and underlying = $3
              order by fitted_at desc, id desc offset $4 limit 1) oldest_kept
         where q.tenant_id = $1 and q.model = $2 and q.underlying = $3
           and (q.fitted_at, q.id) < (oldest_kept.fitted_at, oldest_kept.id)",
        tenant_id,
        row.model,
        row.underlying,
        HISTORY_MAX - 1
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The newest result of every model and underlying, by name; at most [`CURRENT_MAX`].
pub async fn list_current_quant_parameters(
    tx: &mut TenantTx,
    filter: &QuantParameterFilter,
) -> Result<Vec<QuantParameterRow>, DbError> {
    let tenant_id = tx.tenant_id().0;
    let rows = sqlx::query_as!(
        Record,
        "select distinct on (model, underlying) id, model, underlying, fitted_at, fitted_by, parameters, quality
         from quant_parameter
         where tenant_id = $1 and ($2::text is null or model = $2) and ($3::text is null or underlying = $3)
         order by model, underlying, fitted_at desc, id desc limit $4",
        tenant_id,
        filter.model,
        filter.underlying,
        CURRENT_MAX
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(QuantParameterRow::from).collect())
}

/// At most `limit` results older than `before` (`None`: from the newest), newest first.
pub async fn list_quant_parameters(
    tx: &mut TenantTx,
    filter: &QuantParameterFilter,
    before: Option<QuantParameterPlace>,
    limit: i64,
) -> Result<Vec<QuantParameterRow>, DbError> {
    let tenant_id = tx.tenant_id().0;
    let rows = sqlx::query_as!(
        Record,
        "select id, model, underlying, fitted_at, fitted_by, parameters, quality
         from quant_parameter
         where tenant_id = $1 and ($2::text is null or model = $2) and ($3::text is null or underlying = $3)
           and ($4::timestamptz is null or (fitted_at, id) < ($4, $5))
         order by fitted_at desc, id desc limit $6",
        tenant_id,
        filter.model,
        filter.underlying,
        before.map(|place| OffsetDateTime::from(place.fitted_at)),
        before.map(|place| place.id),
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(QuantParameterRow::from).collect())
}
