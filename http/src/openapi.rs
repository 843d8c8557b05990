//! The OpenAPI document: what the handlers say, and what is the same for all of them.

use crate::error::Code;
use crate::schema::ErrorAnswer;
use utoipa::OpenApi as _;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};

/// What the document says before any handler is asked.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Bulkhead",
        description = "A multi-tenant trading platform. Every answer is `{\"data\", \"meta\"}` or `{\"error\", \"meta\"}`. \
                       Prices, quantities and amounts are JSON strings; times are RFC 3339 in UTC with microseconds; \
                       enums may grow. Requests may carry `x-request-id`; every answer does.",
        license(name = "Apache-2.0")
    ),
    tags(
        (name = "Process", description = "Whether the server lives, and what time it is"),
        (name = "Identity", description = "Sign-up, sign-in, tokens"),
        (name = "Tenant", description = "The tenant, its accounts and portfolios"),
        (name = "Trading", description = "Orders, executions, instruments"),
        (name = "Portfolio", description = "Positions, cash, profit and loss"),
        (name = "Risk", description = "The kill switch: what is halted, halt, resume"),
        (name = "Quant", description = "Option models, calibrations, portfolio construction. Their numbers are JSON numbers"),
        (name = "Events", description = "The journal, read or followed"),
        (name = "Admin", description = "For platform admins")
    ),
    components(schemas(ErrorAnswer))
)]
struct Document;

const SECURITY_SCHEME: &str = "bearer";
const SERVER_FAILURES: &[(&str, &str)] = &[
    ("500", "A fault of ours: INTERNAL"),
    (
        "503",
        "Not now: OVERLOADED, RECOVERING, QUARANTINED, DATABASE_UNAVAILABLE, …; `Retry-After` says when. With outcome \
             `unknown` the request may have been executed",
    ),
];
const AUTH_FAILURES: &[(&str, &str)] = &[
    ("401", "NOT_AUTHENTICATED, TOKEN_EXPIRED, TOKEN_INVALID or SESSION_REVOKED"),
    ("403", "FORBIDDEN: the role lacks the right"),
];
/// What a success means where its handler does not say.
const SUCCESSES: &[(&str, &str)] =
    &[("200", "Here it is"), ("201", "Made"), ("202", "Taken; it is under way, or it is a job to ask about")];
const BODY_FAILURES: &[(&str, &str)] = &[("413", "BODY_TOO_LARGE"), ("415", "UNSUPPORTED_MEDIA_TYPE")];

/// The document to which the routers add their handlers.
pub(crate) fn base() -> OpenApi {
    let mut document = Document::openapi();
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The access token of sign-up, sign-in or refresh"));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(SECURITY_SCHEME, SecurityScheme::Http(scheme.build()));
    document
}

/// Adds to each operation the failures that every operation of its kind has.
pub(crate) fn complete(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        for operation in operations_mut(item) {
            add_failures(path, operation);
        }
    }
}

/// The operations of the document that need no proof of who is asking, as `METHOD path`.
#[cfg(test)]
pub(crate) fn public_operations(document: &OpenApi) -> Vec<String> {
    let is_public = |operation: &Operation| operation.security.as_ref().is_none_or(Vec::is_empty);
    let mut found = Vec::new();
    for (path, item) in &document.paths.paths {
        for (method, operation) in operations(item) {
            if is_public(operation) {
                found.push(format!("{method} {path}"));
            }
        }
    }
    found.sort();
    found
}

/// All operations of a path.
#[cfg(test)]
pub(crate) fn operations(item: &PathItem) -> Vec<(&'static str, &Operation)> {
    let all = [
        ("GET", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?))).collect()
}

fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, post, put, patch, delete, .. } = item;
    [get, post, put, patch, delete].into_iter().filter_map(Option::as_mut)
}

fn add_failures(path: &str, operation: &mut Operation) {
    let takes_input = operation.request_body.is_some() || operation.parameters.is_some();
    let is_secured = operation.security.is_some();
    let mut failures: Vec<(&str, &str)> = SERVER_FAILURES.to_vec();
    if takes_input {
        failures.push(("400", "The request is wrong; `error.code` and `error.details` say how"));
    }
    if is_secured {
        failures.extend(AUTH_FAILURES);
    }
    if operation.request_body.is_some() {
        failures.extend(BODY_FAILURES);
    }
    if path.contains('{') {
        failures.push(("404", "There is no such thing, or it is another tenant's"));
    }
    for (status, description) in failures {
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(failure(description)));
    }
    for (status, response) in &mut operation.responses.responses {
        let is_failure = status.starts_with(['4', '5']);
        if let RefOr::T(response) = response
            && is_failure
            && response.content.is_empty()
        {
            *response = failure(&response.description);
        }
    }
    describe_successes(operation);
}

/// OpenAPI wants a description of every response.
fn describe_successes(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        let known = SUCCESSES.iter().find(|(known, _)| known == status);
        if let (RefOr::T(response), Some((_, description))) = (response, known)
            && response.description.is_empty()
        {
            response.description = (*description).to_owned();
        }
    }
}

fn failure(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorAnswer"))).build();
    ResponseBuilder::new().description(description).content("application/json", content).build()
}

/// The list of codes as a page of the documentation.
pub fn error_codes_markdown() -> String {
    let mut page = String::from("| code | status | meaning |\n|---|---|---|\n");
    for code in Code::ALL {
        let line = format!("| `{}` | {} | {} |\n", code.as_str(), code.status().as_u16(), code.meaning());
        page.push_str(&line);
    }
    page
}
