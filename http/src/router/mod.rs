//! All routes in one place, and what is around them.

use crate::context::RequestIds;
use crate::edge::{edge, method_not_allowed, route_not_found};
use crate::state::AppState;
use crate::{
    admin, auth, events, health, instruments, lots, openapi, orders, portfolio, portfolios, quant, risk,
    tenants, trades, ws,
};
use axum::Router;
use axum::http::header;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Where everything but health and documentation lives.
const API: &str = "/api/v1";
const DOCUMENT_PATH: &str = "/api/v1/openapi.json";
const DOCS_PATH: &str = "/docs";

/// The whole of the outside face.
pub fn router(state: AppState) -> Router {
    let (routes, document) = routes().split_for_parts();
    let document = Bytes::from(document_json(document));
    let show_document = move || {
        let document = document.clone();
        async move { ([(header::CONTENT_TYPE, crate::error::JSON)], document).into_response() }
    };
    let docs = SwaggerUi::new(DOCS_PATH).config(Config::from(DOCUMENT_PATH));
    routes
        .route(DOCUMENT_PATH, get(show_document))
        .merge(docs)
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(route_not_found)
        .layer(from_fn_with_state(RequestIds::new(), edge))
        .with_state(state)
}

/// The OpenAPI document as it is served.
pub fn openapi_json() -> String {
    document_json(document())
}

/// The OpenAPI document.
pub(crate) fn document() -> OpenApi {
    routes().split_for_parts().1
}

fn document_json(mut document: OpenApi) -> String {
    openapi::complete(&mut document);
    document.to_pretty_json().expect("the document has string keys and finite values only")
}

fn routes() -> OpenApiRouter<AppState> {
    let api = OpenApiRouter::default()
        .merge(auth::router())
        .merge(health::clock_router())
        .merge(instruments::router())
        .merge(orders::router())
        .merge(trades::router())
        .merge(portfolio::router())
        .merge(portfolios::router())
        .merge(lots::router())
        .merge(quant::router())
        .merge(risk::router())
        .merge(tenants::router())
        .merge(events::router())
        .merge(ws::router())
        .merge(admin::router());
    OpenApiRouter::with_openapi(openapi::base()).merge(health::router()).nest(API, api)
}

#[cfg(test)]
mod tests;
