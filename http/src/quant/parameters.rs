//! Parameters that calibrations found, kept per model and underlying.

use crate::envelope::{ApiResult, Page};
use crate::error::{ApiError, Code};
use crate::principal::Member;
use crate::query::{self, Params};
use crate::schema::List;
use crate::state::AppState;
use axum::extract::State;
use bulkhead_domain::Timestamp;
use bulkhead_persistence::quant_parameter::{
    QuantParameterFilter, QuantParameterPlace, QuantParameterRow, list_current_quant_parameters,
    list_quant_parameters,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

const CURSOR_KIND: char = 'p';
const UNDERLYING_LENGTH_MAX: usize = 64;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_parameters))
}

/// One calibration's result.
#[derive(Serialize, ToSchema)]
struct ParametersView {
    /// The id of the job that found it.
    id: Uuid,
    #[schema(example = "heston")]
    model: String,
    #[schema(example = "BTC-USDT")]
    underlying: String,
    #[schema(value_type = String, example = "2026-01-02T03:04:05.000006Z")]
    fitted_at: Timestamp,
    /// The user who asked for it.
    fitted_by: Uuid,
    #[schema(value_type = Object)]
    parameters: Box<RawValue>,
    /// How well they fit.
    #[schema(value_type = Object)]
    quality: Box<RawValue>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParametersParams {
    /// heston, sabr or ou.
    model: Option<String>,
    #[param(example = "BTC-USDT")]
    underlying: Option<String>,
    /// current (the newest of every model and underlying; the default) or history.
    view: Option<String>,
    /// Of the history: 1 to 500; 100 if absent.
    limit: Option<i64>,
    /// Of the history: from `meta.next_cursor` of the page before.
    cursor: Option<String>,
}

/// Models whose parameters are kept.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Model {
    Heston,
    Sabr,
    Ou,
}

impl Model {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Heston => "heston",
            Self::Sabr => "sabr",
            Self::Ou => "ou",
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Which {
    Current,
    History,
}

impl TryFrom<QuantParameterRow> for ParametersView {
    type Error = ApiError;

    fn try_from(row: QuantParameterRow) -> ApiResult<Self> {
        let object = |text| RawValue::from_string(text).map_err(ApiError::internal);
        Ok(Self {
            id: row.id,
            model: row.model,
            underlying: row.underlying,
            fitted_at: row.fitted_at,
            fitted_by: row.fitted_by,
            parameters: object(row.parameters)?,
            quality: object(row.quality)?,
        })
    }
}

/// List calibrated parameters
///
/// The current ones by model and underlying, or the history, newest first.
#[utoipa::path(get, path = "/quant/parameters", tag = "Quant", security(("bearer" = [])), params(ListParametersParams),
    responses((status = 200, body = List<ParametersView>)))]
async fn list_parameters(
    Member(principal): Member,
    State(state): State<AppState>,
    Params(params): Params<ListParametersParams>,
) -> ApiResult<Page<ParametersView>> {
    let which = query::word("view", params.view.as_deref())?.unwrap_or(Which::Current);
    let limit = query::limit(params.limit)?;
    let before = params.cursor.as_deref().map(read_cursor).transpose()?;
    let underlying = params.underlying.map(check_underlying).transpose()?;
    let model: Option<Model> = query::word("model", params.model.as_deref())?;
    let filter = QuantParameterFilter { model: model.map(|model| model.as_str().to_owned()), underlying };
    let mut tx = state.db.begin_for(principal.tenant_id).await?;
    let (rows, next_cursor) = match which {
        Which::Current => (list_current_quant_parameters(&mut tx, &filter).await?, None),
        Which::History => {
            let rows = list_quant_parameters(&mut tx, &filter, before, limit + 1).await?;
            query::cut(rows, limit, |row| {
                query::write_cursor(CURSOR_KIND, &[&row.fitted_at.micros(), &row.id])
            })
        }
    };
    let items = rows.into_iter().map(ParametersView::try_from).collect::<ApiResult<_>>()?;
    Ok(Page { items, next_cursor })
}

/// Reads the name something is kept under.
pub(super) fn check_underlying(text: String) -> ApiResult<String> {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"._:/-".contains(&b);
    if (1..=UNDERLYING_LENGTH_MAX).contains(&text.len()) && text.bytes().all(is_allowed) {
        Ok(text)
    } else {
        Err(ApiError::of(Code::InvalidUnderlying).with_field("underlying"))
    }
}

fn read_cursor(cursor: &str) -> ApiResult<QuantParameterPlace> {
    let [fitted_at, id] = query::read_cursor(CURSOR_KIND, cursor)?;
    let refused = || ApiError::of(Code::InvalidCursor);
    Ok(QuantParameterPlace {
        fitted_at: Timestamp::from_micros(fitted_at.parse().map_err(|_| refused())?),
        id: Uuid::try_parse(&id).map_err(|_| refused())?,
    })
}
