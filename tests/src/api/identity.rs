//! Who is asking: sign-up, sign-in, rotation, theft of a refresh token, sign-out, tokens that prove nothing.

use crate::harness::server::{ADMIN_EMAIL, ADMIN_PASSWORD};
use crate::harness::trader::PASSWORD;
use crate::harness::{Answer, Client, Server, ServerOptions, within};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// A spent refresh token may come back for so long, in case the answer was lost.
const REUSE_AFTER: Duration = Duration::from_secs(30);

async fn refresh(client: &Client, token: &str) -> Answer {
    client.post("/auth/refresh", &json!({ "refresh_token": token })).await
}

/// The claims of a token, unverified.
fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    let mut bits = 0_u32;
    let mut count = 0;
    let mut bytes = Vec::new();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for letter in part.chars() {
        bits = bits << 6 | u32::try_from(alphabet.find(letter).unwrap()).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 255).unwrap());
        }
    }
    serde_json::from_slice(&bytes).unwrap()
}

/// A token that says this, signed with the server's own key.
fn sign(claims: &Value, data: &Path) -> String {
    let key = std::fs::read(data.join("token-signing.key")).unwrap();
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some("at+jwt".to_owned());
    encode(&header, claims, &EncodingKey::from_secret(&key)).unwrap()
}

#[tokio::test]
async fn a_session_from_sign_up_to_sign_out() {
    let server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;
    let me = trader.client.get("/auth/me").await;
    assert_eq!(me.expect(200)["email"], "ann@tenant.test");
    assert_eq!(me.expect(200)["role"], "owner");
    assert_eq!(me.expect(200)["tenant_id"], trader.tenant_id.to_string());

    let taken = json!({ "email": "ANN@tenant.test", "password": PASSWORD, "tenant_name": "other" });
    server.client().post("/auth/signup", &taken).await.expect_error(409, "EMAIL_TAKEN");
    for (email, password) in [("ann@tenant.test", "wrong pass phrase"), ("nobody@tenant.test", PASSWORD)] {
        let body = json!({ "email": email, "password": password });
        server.client().post("/auth/login", &body).await.expect_error(401, "INVALID_CREDENTIALS");
    }
    let short = json!({ "email": "bob@tenant.test", "password": "short", "tenant_name": "bob" });
    server.client().post("/auth/signup", &short).await.expect_error(400, "INVALID_PASSWORD");

    // Two sessions: what ends one leaves the other alone.
    let other = trader.sign_in(server.client()).await;
    other.client.post("/auth/logout", &json!({})).await.expect(200);
    other.client.get("/auth/me").await.expect_error(401, "SESSION_REVOKED");
    refresh(&server.client(), &other.refresh_token).await.expect_error(401, "REFRESH_TOKEN_INVALID");
    trader.client.get("/auth/me").await.expect(200);
    server.client().get("/auth/me").await.expect_error(401, "NOT_AUTHENTICATED");
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_theft_ends_the_session() {
    let server = Server::start(ServerOptions::default()).await;
    let (trader, client) = (server.trader("ann").await, server.client());
    let second = refresh(&client, &trader.refresh_token).await;
    let token = |answer: &Answer, field: &str| answer.expect(200)[field].as_str().unwrap().to_owned();
    let (access, next) = (token(&second, "access_token"), token(&second, "refresh_token"));
    assert_ne!(next, trader.refresh_token);
    let newest = client.with_token(&access);
    newest.get("/auth/me").await.expect(200);
    let third = refresh(&client, &next).await;
    third.expect(200);

    // The first token was spent twice over: whoever brings it now has stolen it, once the time in which an answer
    // may have been lost is over.
    let reused = within(REUSE_AFTER, "the spent token is taken for stolen", async || {
        let answer = refresh(&client, &trader.refresh_token).await;
        (answer.status == 401).then_some(answer)
    })
    .await;
    reused.expect_error(401, "REFRESH_TOKEN_REUSED");
    let stolen = refresh(&client, &token(&third, "refresh_token")).await;
    assert_eq!(stolen.status, 401, "the whole family is ended: {}", stolen.body);
    client
        .with_token(&token(&third, "access_token"))
        .get("/auth/me")
        .await
        .expect_error(401, "SESSION_REVOKED");
    refresh(&client, "bhr_nonsense").await.expect_error(401, "REFRESH_TOKEN_INVALID");
}

#[tokio::test]
async fn tokens_that_prove_nothing_are_refused() {
    let server = Server::start(ServerOptions::default()).await;
    let (trader, client) = (server.trader("ann").await, server.client());
    let good = claims(trader.client.token());
    client.with_token(&sign(&good, &server.data())).get("/auth/me").await.expect(200);

    let mut expired = good.clone();
    for claim in ["iat", "nbf", "exp"] {
        expired[claim] = (good[claim].as_i64().unwrap() - 3_600).into();
    }
    let expired = client.with_token(&sign(&expired, &server.data()));
    expired.get("/orders").await.expect_error(401, "TOKEN_EXPIRED");

    let mut promoted = trader.client.token().to_owned();
    promoted.replace_range(promoted.len() - 4.., "AAAA");
    for token in [promoted.as_str(), "nonsense", "a.b.c"] {
        client.with_token(token).get("/orders").await.expect_error(401, "TOKEN_INVALID");
    }
    let mut foreign = good.clone();
    foreign["aud"] = "somebody-else".into();
    let foreign = client.with_token(&sign(&foreign, &server.data()));
    foreign.get("/orders").await.expect_error(401, "TOKEN_INVALID");
}

#[tokio::test]
async fn the_platforms_admin_is_made_at_the_first_start() {
    let mut server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;
    trader.client.get("/admin/tenants").await.expect_error(403, "FORBIDDEN");
    let tenants = server.admin().await.get("/admin/tenants").await;
    let ids: Vec<&Value> = tenants.items().iter().map(|tenant| &tenant["id"]).collect();
    assert!(ids.contains(&&json!(trader.tenant_id)), "{ids:?}");
    server.terminate().await;
    server.start_again().await;
    let body = json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
    server.client().post("/auth/login", &body).await.expect(200);
}
