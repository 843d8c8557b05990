//! Named books: made, looked at, renamed, archived.

use crate::body::JsonBody;
use crate::envelope::{ApiResult, Created, Data, Page};
use crate::error::{ApiError, Code};
use crate::orders::IDEMPOTENCY_KEY_HEADER;
use crate::principal::{Member, Trader};
use crate::schema::{Answer, ErrorAnswer, List};
use crate::state::AppState;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use bulkhead_actors::BookEntry;
use bulkhead_domain::named_book::{ChangePortfolio, PortfolioName};
use bulkhead_domain::{PortfolioId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_portfolios, create_portfolio)).routes(routes!(
        show_portfolio_name,
        change_portfolio,
        archive_portfolio
    ))
}

/// A named book. What is in it is at `/portfolio?portfolio={id}`.
#[derive(Serialize, ToSchema)]
#[schema(as = PortfolioName)]
struct PortfolioNameView {
    #[schema(value_type = String, example = "main")]
    id: PortfolioId,
    #[schema(value_type = String, example = "Main")]
    name: PortfolioName,
    /// active, or archived: takes no new orders.
    #[schema(example = "active")]
    status: &'static str,
    #[schema(value_type = String, example = "2026-01-02T03:04:05.000006Z")]
    created_at: Timestamp,
    /// null while it is active.
    #[schema(value_type = Option<String>, example = json!(null), required)]
    archived_at: Option<Timestamp>,
}

/// A new portfolio.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreatePortfolioRequest {
    /// Names it for ever, in orders and queries. Without one, the header `Idempotency-Key` is taken.
    #[schema(example = "momentum", max_length = 32, pattern = "^[a-z0-9_-]+$")]
    id: Option<String>,
    /// What people call it; the id if absent.
    #[schema(example = "Momentum Fund", max_length = 64)]
    name: Option<String>,
}

/// What is to change; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangePortfolioRequest {
    #[schema(example = "Momentum Fund II", max_length = 64)]
    name: Option<String>,
    /// active or archived.
    #[schema(example = "active")]
    status: Option<String>,
}

impl From<BookEntry> for PortfolioNameView {
    fn from((id, book): BookEntry) -> Self {
        Self {
            id,
            status: if book.is_archived() { "archived" } else { "active" },
            name: book.name,
            created_at: book.created_at,
            archived_at: book.archived_at,
        }
    }
}

/// List portfolios, archived ones included
#[utoipa::path(get, path = "/portfolios", tag = "Portfolio", security(("bearer" = [])),
    responses((status = 200, body = List<PortfolioNameView>)))]
async fn list_portfolios(
    Member(principal): Member,
    State(state): State<AppState>,
) -> ApiResult<Page<PortfolioNameView>> {
    let books = state.tenant(principal.tenant_id).await?.list_portfolios().await?;
    Ok(Page { items: books.into_iter().map(PortfolioNameView::from).collect(), next_cursor: None })
}

/// Make a portfolio
///
/// The id makes it happen once: the same request again is answered with the portfolio there is.
#[utoipa::path(post, path = "/portfolios", tag = "Portfolio", security(("bearer" = [])),
    request_body = CreatePortfolioRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Taken as id where the body has none")),
    responses((status = 201, description = "Made", body = Answer<PortfolioNameView>),
        (status = 200, description = "It was there already", body = Answer<PortfolioNameView>),
        (status = 409, description = "PORTFOLIO_EXISTS, PORTFOLIO_ARCHIVED or TOO_MANY_PORTFOLIOS", body = ErrorAnswer)))]
async fn create_portfolio(
    Trader(principal): Trader,
    State(state): State<AppState>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<CreatePortfolioRequest>,
) -> ApiResult<Response> {
    let id = new_id(request.id.as_deref(), &headers)?;
    let name = request.name.as_deref().map(parse_name).transpose()?;
    let (book, is_new) = state.tenant(principal.tenant_id).await?.create_portfolio(id, name).await?;
    let view = PortfolioNameView::from(book);
    Ok(if is_new { Created(view).into_response() } else { Data(view).into_response() })
}

/// Look at a portfolio's name
#[utoipa::path(get, path = "/portfolios/{id}", tag = "Portfolio", security(("bearer" = [])),
    params(("id" = String, Path, example = "main")),
    responses((status = 200, body = Answer<PortfolioNameView>)))]
async fn show_portfolio_name(
    Member(principal): Member,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Data<PortfolioNameView>> {
    let id = existing_id(&id)?;
    let books = state.tenant(principal.tenant_id).await?.list_portfolios().await?;
    let book = books.into_iter().find(|(known, _)| *known == id);
    book.map(|book| Data(book.into())).ok_or_else(|| ApiError::of(Code::PortfolioNotFound))
}

/// Rename, archive or restore a portfolio
#[utoipa::path(put, path = "/portfolios/{id}", tag = "Portfolio", security(("bearer" = [])),
    params(("id" = String, Path, example = "momentum")), request_body = ChangePortfolioRequest,
    responses((status = 200, body = Answer<PortfolioNameView>),
        (status = 409, description = "PORTFOLIO_PERMANENT, PORTFOLIO_HAS_POSITIONS or PORTFOLIO_HAS_OPEN_ORDERS", body = ErrorAnswer)))]
async fn change_portfolio(
    Trader(principal): Trader,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(request): JsonBody<ChangePortfolioRequest>,
) -> ApiResult<Data<PortfolioNameView>> {
    let id = existing_id(&id)?;
    let name = request.name.as_deref().map(parse_name).transpose()?;
    let is_archived = request.status.as_deref().map(parse_status).transpose()?;
    let change = ChangePortfolio { name, is_archived };
    let book = state.tenant(principal.tenant_id).await?.change_portfolio(id, change).await?;
    Ok(Data(book.into()))
}

/// Archive a portfolio
///
/// It must hold no position and have no open order. What happened in it stays readable, its id stays taken, and it can
/// be restored.
#[utoipa::path(delete, path = "/portfolios/{id}", tag = "Portfolio", security(("bearer" = [])),
    params(("id" = String, Path, example = "momentum")),
    responses((status = 200, body = Answer<PortfolioNameView>),
        (status = 409, description = "PORTFOLIO_PERMANENT, PORTFOLIO_HAS_POSITIONS or PORTFOLIO_HAS_OPEN_ORDERS", body = ErrorAnswer)))]
async fn archive_portfolio(
    Trader(principal): Trader,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Data<PortfolioNameView>> {
    let change = ChangePortfolio { name: None, is_archived: Some(true) };
    let id = existing_id(&id)?;
    let book = state.tenant(principal.tenant_id).await?.change_portfolio(id, change).await?;
    Ok(Data(book.into()))
}

fn new_id(given: Option<&str>, headers: &HeaderMap) -> ApiResult<PortfolioId> {
    let header = headers.get(IDEMPOTENCY_KEY_HEADER).map(|value| value.to_str().unwrap_or_default());
    let (field, text) = match (given, header) {
        (Some(given), Some(header)) if given != header => {
            let message = "Idempotency-Key and id were both sent and differ: send one of them";
            return Err(ApiError::new(Code::IdempotencyKeyMismatch, message));
        }
        (Some(given), _) => ("id", given),
        (None, Some(header)) => ("Idempotency-Key", header),
        (None, None) => {
            let message = "a portfolio needs an id, in the body or as Idempotency-Key";
            return Err(ApiError::new(Code::InvalidPortfolio, message).with_field("id"));
        }
    };
    PortfolioId::parse(text)
        .map_err(|error| ApiError::new(Code::InvalidPortfolio, error.to_string()).with_field(field))
}

/// What cannot be an id is the id of nothing.
fn existing_id(text: &str) -> ApiResult<PortfolioId> {
    PortfolioId::parse(text).map_err(|_| ApiError::of(Code::PortfolioNotFound))
}

fn parse_name(text: &str) -> ApiResult<PortfolioName> {
    PortfolioName::parse(text).map_err(|error| {
        ApiError::new(Code::InvalidPortfolioName, format!("name {error}")).with_field("name")
    })
}

fn parse_status(text: &str) -> ApiResult<bool> {
    match text {
        "active" => Ok(false),
        "archived" => Ok(true),
        _ => Err(ApiError::of(Code::InvalidPortfolioStatus).with_field("status")),
    }
}
