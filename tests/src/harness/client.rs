//! A client of the REST interface.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, IF_MATCH, RETRY_AFTER};
use hyper::{Method, Request};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// One server, maybe with a token.
#[derive(Clone)]
pub(crate) struct Client {
    http: HttpClient<HttpConnector, Full<Bytes>>,
    address: String,
    token: Option<String>,
    if_match: Option<String>,
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// No answer: the connection broke or the deadline passed.
#[derive(Debug)]
pub(crate) struct Lost;

impl Client {
    pub(crate) fn new(address: &str) -> Self {
        // A request is never sent twice behind the test's back.
        let http = HttpClient::builder(TokioExecutor::new()).retry_canceled_requests(false).build_http();
        Self { http, address: address.to_owned(), token: None, if_match: None }
    }

    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    pub(crate) fn without_token(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, &format!("/api/v1{path}"), None).await
    }

    pub(crate) async fn get_root(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, &format!("/api/v1{path}"), Some(body.to_string().into())).await
    }

    /// A change based on a version.
    pub(crate) async fn post_if_match(&self, path: &str, if_match: &str, body: &Value) -> Answer {
        Self { if_match: Some(if_match.to_owned()), ..self.clone() }.post(path, body).await
    }

    pub(crate) async fn post_bytes(&self, path: &str, body: Bytes) -> Answer {
        self.send(Method::POST, &format!("/api/v1{path}"), Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, &format!("/api/v1{path}"), Some(body.to_string().into())).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, &format!("/api/v1{path}"), None).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<Bytes>) -> Answer {
        let shown = format!("{method} {path}");
        self.try_send(method, path, body).await.unwrap_or_else(|Lost| panic!("{shown}: no answer"))
    }

    /// Sends a request whose answer may be lost.
    pub(crate) async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Answer, Lost> {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(if_match) = &self.if_match {
            request = request.header(IF_MATCH, if_match);
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(body.unwrap_or_default())).unwrap();
        let exchange = async {
            let response = self.http.request(request).await.map_err(|_| Lost)?;
            let (parts, body) = response.into_parts();
            let bytes = body.collect().await.map_err(|_| Lost)?.to_bytes();
            let body = serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
            Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
        };
        timeout(ANSWER_WITHIN, exchange).await.map_err(|_| Lost)?
    }
}

impl Answer {
    /// The data of a success with this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> &Value {
        assert_eq!(self.status, status, "{}", self.body);
        &self.body["data"]
    }

    /// Checks an error's status and code, and that it is whole.
    #[track_caller]
    pub(crate) fn expect_error(&self, status: u16, code: &str) -> &Value {
        let error = &self.body["error"];
        assert_eq!((self.status, error["code"].as_str()), (status, Some(code)), "{}", self.body);
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{error}");
        assert!(error["retryable"].is_boolean() && error["details"].is_object(), "{error}");
        let outcomes = ["not_executed", "executed", "unknown"];
        assert!(outcomes.contains(&error["outcome"].as_str().unwrap()), "{error}");
        assert!(self.body["meta"]["request_id"].is_string(), "{}", self.body);
        if matches!(status, 429 | 503) {
            assert!(self.retry_after().is_some(), "Retry-After is missing: {}", self.body);
        }
        error
    }

    /// An error's code.
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()
    }

    /// The items of a list.
    #[track_caller]
    pub(crate) fn items(&self) -> &[Value] {
        self.expect(200).as_array().unwrap()
    }
}
