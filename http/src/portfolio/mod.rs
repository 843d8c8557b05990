//! Portfolio, positions and balances: the present, from memory.

mod view;

pub(crate) use view::PortfolioAnswer;
use view::{BalanceView, PositionAnswer};

use crate::envelope::{ApiResult, Data, Page};
use crate::error::{ApiError, Code};
use crate::principal::Member;
use crate::query::{self, Params, Path};
use crate::schema::{Answer, List};
use crate::state::AppState;
use axum::extract::State;
use bulkhead_actors::{PortfolioFilter, PortfolioView};
use bulkhead_domain::{AccountId, PortfolioId, Symbol, TenantId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(show_portfolio))
        .routes(routes!(list_positions))
        .routes(routes!(show_position))
        .routes(routes!(list_balances))
}

/// Which part of the tenant is looked at.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PortfolioParams {
    /// paper or live; if absent live where a live account exists.
    #[param(example = "paper")]
    pub(crate) mode: Option<String>,
    #[param(example = "paper")]
    pub(crate) account: Option<String>,
    #[param(example = "main")]
    pub(crate) portfolio: Option<String>,
}

impl TryFrom<&PortfolioParams> for PortfolioFilter {
    type Error = ApiError;

    fn try_from(params: &PortfolioParams) -> Result<Self, ApiError> {
        Ok(Self {
            mode: query::word("mode", params.mode.as_deref())?,
            account: query::text("account", params.account.as_deref(), AccountId::parse)?,
            portfolio: query::text("portfolio", params.portfolio.as_deref(), PortfolioId::parse)?,
        })
    }
}

/// The whole picture at the present market
#[utoipa::path(get, path = "/portfolio", tag = "Portfolio", security(("bearer" = [])), params(PortfolioParams),
    responses((status = 200, body = Answer<PortfolioAnswer>)))]
async fn show_portfolio(
    Member(principal): Member,
    State(state): State<AppState>,
    Params(params): Params<PortfolioParams>,
) -> ApiResult<Data<PortfolioAnswer>> {
    let picture = picture(&state, principal.tenant_id, &params).await?;
    Ok(Data(picture.into()))
}

/// List positions, flat ones included
#[utoipa::path(get, path = "/positions", tag = "Portfolio", security(("bearer" = [])), params(PortfolioParams),
    responses((status = 200, body = List<PositionAnswer>)))]
async fn list_positions(
    Member(principal): Member,
    State(state): State<AppState>,
    Params(params): Params<PortfolioParams>,
) -> ApiResult<Page<PositionAnswer>> {
    let picture = picture(&state, principal.tenant_id, &params).await?;
    Ok(Page { items: picture.positions.into_iter().map(PositionAnswer::from).collect(), next_cursor: None })
}

/// Look at what is held in one symbol
///
/// One entry per portfolio and account.
#[utoipa::path(get, path = "/positions/{symbol}", tag = "Portfolio", security(("bearer" = [])),
    params(("symbol" = String, Path, example = "BTC-USDT"), PortfolioParams),
    responses((status = 200, body = List<PositionAnswer>)))]
async fn show_position(
    Member(principal): Member,
    State(state): State<AppState>,
    Path(symbol): Path<String>,
    Params(params): Params<PortfolioParams>,
) -> ApiResult<Page<PositionAnswer>> {
    let symbol = Symbol::parse(&symbol).map_err(|_| ApiError::of(Code::PositionNotFound))?;
    let picture = picture(&state, principal.tenant_id, &params).await?;
    let of_symbol = picture.positions.into_iter().filter(|position| position.symbol == symbol);
    let items: Vec<PositionAnswer> = of_symbol.map(PositionAnswer::from).collect();
    if items.is_empty() {
        Err(ApiError::of(Code::PositionNotFound))
    } else {
        Ok(Page { items, next_cursor: None })
    }
}

/// List cash, currency by currency
#[utoipa::path(get, path = "/balances", tag = "Portfolio", security(("bearer" = [])), params(PortfolioParams),
    responses((status = 200, body = List<BalanceView>)))]
async fn list_balances(
    Member(principal): Member,
    State(state): State<AppState>,
    Params(params): Params<PortfolioParams>,
) -> ApiResult<Page<BalanceView>> {
    let picture = picture(&state, principal.tenant_id, &params).await?;
    let mode = picture.mode;
    let view = |cash| BalanceView::new(cash, mode);
    Ok(Page { items: picture.balances.into_iter().map(view).collect(), next_cursor: None })
}

async fn picture(
    state: &AppState,
    tenant_id: TenantId,
    params: &PortfolioParams,
) -> ApiResult<PortfolioView> {
    let filter = PortfolioFilter::try_from(params)?;
    Ok(state.tenant(tenant_id).await?.portfolio(filter).await?)
}
