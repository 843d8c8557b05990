use super::*;
use crate::openapi::{operations, public_operations};
use crate::state::AppConfig;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response, StatusCode};
use bulkhead_actors::Jobs;
use bulkhead_actors::clock;
use bulkhead_actors::quotes::{Instruments, QuoteBoard};
use bulkhead_identity::{Identity, SigningKey};
use bulkhead_persistence::{Db, Endpoint, Plan, PoolSizes};
use http_body_util::BodyExt;
use serde_json::Value;
use std::sync::Arc;
use tower::ServiceExt;

/// Everything that can be done without a token, in the form `METHOD path`.
const PUBLIC: &[&str] = &[
    "GET /api/v1/clock",
    // Proves who is asking by its first frame, where no header did.
    "GET /api/v1/ws",
    "GET /health/live",
    "GET /health/ready",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/signup",
];

/// The server without a database and without tenants.
fn app() -> axum::Router {
    let endpoint = Endpoint::parse("postgres://nobody@127.0.0.1:1/nothing").unwrap();
    let db = Db::open(&endpoint, PoolSizes::default());
    let key = SigningKey::random().unwrap();
    let identity = Identity::new(db.clone(), &key, Plan::Starter, clock::now).unwrap();
    let instruments = Instruments::new(Arc::from([]));
    let quotes = QuoteBoard::new(&instruments);
    let jobs = Jobs::new();
    router(AppState::new(AppConfig { identity, db, instruments, quotes, jobs, faults_allowed: false }))
}

async fn send(request: Request<Body>) -> (Response<()>, Value) {
    let (parts, body) = app().oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    (Response::from_parts(parts, ()), value)
}

fn request(method: &str, path: &str, body: impl Into<Body>) -> Request<Body> {
    let builder = Request::builder().method(method).uri(path).header("content-type", "application/json");
    builder.body(body.into()).unwrap()
}

async fn code_of(request: Request<Body>) -> (u16, String) {
    let (response, value) = send(request).await;
    (response.status().as_u16(), value["error"]["code"].as_str().unwrap_or_default().to_owned())
}

fn is(expected: (u16, &str), found: &(u16, String)) -> bool {
    expected == (found.0, found.1.as_str())
}

#[tokio::test]
async fn success_and_failure_have_their_shapes_and_the_request_s_id() {
    let mut ask = request("GET", "/api/v1/clock", Body::empty());
    ask.headers_mut().insert("x-request-id", "from-the-client".parse().unwrap());
    let (response, value) = send(ask).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["x-request-id"], "from-the-client");
    assert_eq!(value["meta"]["request_id"], "from-the-client");
    let time = value["data"]["time"].as_str().unwrap();
    assert!(time.ends_with('Z') && time.len() == 27, "{time}");
    assert!(value["data"]["unix_micros"].is_i64());

    let (response, value) = send(request("GET", "/api/v1/portfolio", Body::empty())).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()["www-authenticate"], "Bearer realm=\"bulkhead\"");
    let error = &value["error"];
    assert_eq!(error["code"], "NOT_AUTHENTICATED");
    assert_eq!(error["outcome"], "not_executed");
    assert_eq!(error["retryable"], false);
    assert!(error["details"].is_object() && error["message"].is_string());
    assert_eq!(value["meta"]["request_id"].as_str(), response.headers()["x-request-id"].to_str().ok());
}

#[tokio::test]
async fn unknown_routes_and_methods_have_the_same_shape() {
    let table = [
        ("GET", "/", 404, "ROUTE_NOT_FOUND"),
        ("GET", "/api/v1/nothing", 404, "ROUTE_NOT_FOUND"),
        ("GET", "/api/v1/orders/", 404, "ROUTE_NOT_FOUND"),
        ("GET", "/api/v2/orders", 404, "ROUTE_NOT_FOUND"),
        ("PUT", "/api/v1/orders", 405, "METHOD_NOT_ALLOWED"),
        ("DELETE", "/health/live", 405, "METHOD_NOT_ALLOWED"),
    ];
    for (method, path, status, code) in table {
        let found = code_of(request(method, path, Body::empty())).await;
        assert!(is((status, code), &found), "{method} {path}: {found:?}");
    }
    let (response, _) = send(request("PUT", "/api/v1/auth/login", Body::empty())).await;
    assert_eq!(response.headers()["allow"], "POST");
}

#[tokio::test]
async fn bodies_are_refused_with_a_reason() {
    let large = format!("{{\"email\": \"{}\"}}", "x".repeat(10 * 1024 * 1024));
    let table = [
        ("", 400, "BODY_EMPTY"),
        ("  \n", 400, "BODY_EMPTY"),
        ("not json", 400, "BODY_NOT_JSON"),
        ("{\"email\": \"a@b.c\", ", 400, "BODY_NOT_JSON"),
        ("{\"email\": 5, \"password\": \"p\"}", 400, "FIELD_TYPE"),
        ("{\"email\": \"a@b.c\"}", 400, "FIELD_MISSING"),
        ("[\"a@b.c\", \"p\"]", 400, "FIELD_TYPE"),
        ("{\"email\": \"a@b.c\", \"password\": \"p\", \"remember\": true}", 400, "FIELD_UNKNOWN"),
        (large.as_str(), 413, "BODY_TOO_LARGE"),
    ];
    for (body, status, code) in table {
        let found = code_of(request("POST", "/api/v1/auth/login", body.to_owned())).await;
        assert!(is((status, code), &found), "{:?}: {found:?}", body.get(..30));
    }
    let mut form = request("POST", "/api/v1/auth/login", "email=a");
    form.headers_mut().insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    let found = code_of(form).await;
    assert!(is((415, "UNSUPPORTED_MEDIA_TYPE"), &found), "{found:?}");
}

#[tokio::test]
async fn a_large_body_in_pieces_is_measured_too() {
    let pieces =
        futures_util::stream::iter((0..300).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 1024]))));
    let found = code_of(request("POST", "/api/v1/auth/login", Body::from_stream(pieces))).await;
    assert!(is((413, "BODY_TOO_LARGE"), &found), "{found:?}");
}

#[tokio::test]
async fn sign_up_is_checked_before_anything_is_hashed_or_stored() {
    let table = [
        ("nobody", "a long pass phrase", "Desk", "INVALID_EMAIL"),
        ("a@example.com", "short", "Desk", "INVALID_PASSWORD"),
        ("a@example.com", "a long pass phrase", " ", "INVALID_TENANT_NAME"),
    ];
    for (email, password, tenant_name, code) in table {
        let body = serde_json::json!({ "email": email, "password": password, "tenant_name": tenant_name });
        let found = code_of(request("POST", "/api/v1/auth/signup", body.to_string())).await;
        assert!(is((400, code), &found), "{found:?}");
    }
}

#[tokio::test]
async fn tokens_that_prove_nothing_are_told_apart() {
    for (authorization, code) in
        [("Bearer abc", "TOKEN_INVALID"), ("Basic YTpi", "TOKEN_INVALID"), ("Bearer", "TOKEN_INVALID")]
    {
        let mut ask = request("GET", "/api/v1/orders", Body::empty());
        ask.headers_mut().insert("authorization", authorization.parse().unwrap());
        let (response, value) = send(ask).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(value["error"]["code"], code, "{authorization}");
        assert!(response.headers()["www-authenticate"].to_str().unwrap().contains("invalid_token"));
    }
}

#[tokio::test]
async fn without_its_parts_the_server_lives_but_is_not_ready() {
    let (response, _) = send(request("GET", "/health/live", Body::empty())).await;
    assert_eq!(response.status(), StatusCode::OK);
    let (response, value) = send(request("GET", "/health/ready", Body::empty())).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(value["error"]["code"], "NOT_READY");
    assert_eq!(value["error"]["details"]["parts"]["database"], "away");
    assert_eq!(value["error"]["details"]["parts"]["tenants"], "starting");
}

#[tokio::test]
async fn the_documentation_needs_nothing_from_elsewhere() {
    let (response, value) = send(request("GET", "/api/v1/openapi.json", Body::empty())).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(value["openapi"], "3.1.0");
    let page = app().oneshot(request("GET", "/docs/", Body::empty())).await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let html = page.into_body().collect().await.unwrap().to_bytes();
    let html = String::from_utf8_lossy(&html);
    assert!(html.contains("swagger-ui") && !html.contains("https://"), "{html}");
}

#[tokio::test]
async fn every_operation_but_the_public_ones_asks_who_is_there() {
    let document = document();
    assert_eq!(public_operations(&document), PUBLIC);
    for (path, item) in &document.paths.paths {
        let real = path.replace("{id}", "00000000-0000-0000-0000-000000000000").replace(['{', '}'], "");
        for (method, _) in operations(item) {
            let operation = format!("{method} {path}");
            let found = code_of(request(method, &real, "{}")).await;
            let refuses = is((401, "NOT_AUTHENTICATED"), &found);
            assert_eq!(refuses, !PUBLIC.contains(&operation.as_str()), "{operation}: {found:?}");
        }
    }
}

#[test]
fn the_document_is_the_one_that_was_agreed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let now = openapi_json() + "\n";
    if std::env::var_os("BULKHEAD_BLESS").is_some() {
        std::fs::write(path, &now).unwrap();
    }
    let agreed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        now == agreed,
        "the OpenAPI document has changed: look at the change, then run with BULKHEAD_BLESS=1"
    );
}

/// Operations that turn somebody away who already has as much as may be.
const LIMITED: &[&str] = &[
    "POST /api/v1/orders",
    "POST /api/v1/portfolio/optimize",
    "POST /api/v1/quant/calibrate/heston",
    "POST /api/v1/quant/calibrate/ou",
    "POST /api/v1/quant/calibrate/sabr",
    "POST /api/v1/trades",
];

#[test]
fn what_may_answer_429_says_so() {
    let document: Value = serde_json::from_str(&openapi_json()).unwrap();
    let says_so = |operation: &&str| {
        let (method, path) = operation.split_once(' ').unwrap();
        document["paths"][path][method.to_lowercase()]["responses"]["429"].is_object()
    };
    let silent: Vec<&&str> = LIMITED.iter().filter(|operation| !says_so(operation)).collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn every_operation_is_described() {
    let document: Value = serde_json::from_str(&openapi_json()).unwrap();
    let mut names = std::collections::HashSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = format!("{method} {path}");
            assert!(names.insert(operation["operationId"].as_str().unwrap()), "{name}'s name is taken");
            assert!(operation["summary"].is_string(), "{name} has no summary");
            assert!(operation["tags"][0].is_string(), "{name} has no tag");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.contains_key("503") && responses.contains_key("500"), "{name} lacks failures");
            for (status, response) in responses {
                let has_schema = response["content"]["application/json"]["schema"].is_object();
                assert!(has_schema || status == "101", "{name} {status} has no schema");
                let description = response["description"].as_str().unwrap_or_default();
                assert!(!description.is_empty(), "{name} {status} has no description");
            }
        }
    }
    // Every reference leads somewhere.
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "schema {name} is missing");
    }
}
