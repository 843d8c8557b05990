//! What belongs to one tenant does not exist for another.

use crate::harness::trader::{limit, market, named};
use crate::harness::{Answer, Server, ServerOptions, Trader};
use serde_json::{Value, json};
use uuid::Uuid;

/// The body without what differs between any two answers, and without the id that was asked for.
fn comparable(answer: &Answer, id: &str) -> String {
    let mut body = answer.body.clone();
    body["meta"] = json!({});
    body.to_string().replace(id, "<id>")
}

/// The names of headers, which must not give anything away either.
fn header_names(answer: &Answer) -> Vec<String> {
    let mut names: Vec<String> = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
    names.sort();
    names
}

/// Everything of a tenant that has an id in a path.
async fn things(trader: &Trader) -> Vec<(&'static str, String)> {
    let filled = trader.place_until(&market("buy", "BTC-USDT", "0.1"), &["filled"]).await;
    let open = trader
        .place_until(&named(limit("buy", "ETH-USDT", ("0.1", "1000")), "private-name"), &["accepted"])
        .await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    vec![
        ("/orders/{id}", text(&filled["id"])),
        ("/orders/{id}", text(&open["id"])),
        ("/orders/by-client-id/{id}", "private-name".to_owned()),
        ("/orders/{id}/events", text(&open["id"])),
        ("/trades/{id}", text(&filled["fills"][0]["execution_id"])),
    ]
}

#[tokio::test]
async fn another_tenants_things_are_not_there() {
    let server = Server::start(ServerOptions::default()).await;
    let (ann, bob) = (server.trader("ann").await, server.trader("bob").await);
    bob.await_serving().await;
    for (route, id) in things(&ann).await {
        let random =
            if Uuid::parse_str(&id).is_ok() { Uuid::now_v7().to_string() } else { "n-o.n-e".to_owned() };
        let of = |id: &str| route.replace("{id}", id);
        ann.client.get(&of(&id)).await.expect(200);
        let (foreign, nothing) = (bob.client.get(&of(&id)).await, bob.client.get(&of(&random)).await);
        assert_eq!((foreign.status, nothing.status), (404, 404), "{route}");
        assert_eq!(comparable(&foreign, &id), comparable(&nothing, &random), "{route}");
        assert_eq!(header_names(&foreign), header_names(&nothing), "{route}");
    }
    let open = ann.client.get("/orders/by-client-id/private-name").await;
    let open = open.expect(200)["id"].as_str().unwrap().to_owned();
    bob.client.delete(&format!("/orders/{open}")).await.expect_error(404, "ORDER_NOT_FOUND");
    // The name that Ann uses is still free for Bob.
    bob.place(&named(limit("buy", "ETH-USDT", ("0.2", "1000")), "private-name")).await.expect(201);
    assert_eq!(ann.order(&open).await["status"], "accepted");
    assert_eq!(decimal_text(&ann.order(&open).await["quantity"]), "0.1");
}

fn decimal_text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Ids from this length on do not occur by chance.
const RECOGNISABLE: usize = 12;

/// Every route of the document that a tenant may read, and nothing of the other's in any answer.
#[tokio::test]
async fn no_list_shows_anything_of_another_tenant() {
    let server = Server::start(ServerOptions::default()).await;
    let (ann, bob) = (server.trader("ann").await, server.trader("bob").await);
    let things = things(&ann).await;
    let document = server.client().get("/openapi.json").await.body;
    let paths = document["paths"].as_object().unwrap();
    let mut asked = 0;
    for (path, operations) in paths {
        let is_read =
            operations.get("get").is_some() && path.starts_with("/api/v1/") && !path.contains("/ws");
        if !is_read {
            continue;
        }
        for path in filled_in(path, &things) {
            asked += 1;
            let answer = bob.client.get_root(&path).await;
            let text = answer.body.to_string();
            assert!(answer.status < 500, "{path}: {text}");
            assert!(!text.contains(&ann.tenant_id.to_string()) && !text.contains("ann@"), "{path}: {text}");
            for (_, id) in things.iter().filter(|(_, id)| !path.contains(id.as_str())) {
                // A short id such as `4.1` stands in many a timestamp: it counts where it is a value of its own.
                let trace = if id.len() < RECOGNISABLE { format!("\"{id}\"") } else { id.clone() };
                assert!(!text.contains(&trace), "{path}: {text}");
            }
            if path.starts_with("/api/v1/admin/") {
                answer.expect_error(403, "FORBIDDEN");
            }
        }
    }
    assert!(asked > 20, "the document's routes were asked: {asked}");
}

/// The path with every id that fits, or with the other tenant's id where only that fits.
fn filled_in(path: &str, things: &[(&str, String)]) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else { return vec![path.to_owned()] };
    let after = rest.split_once('}').unwrap().1;
    things.iter().map(|(_, id)| format!("{before}{id}{after}")).collect()
}

/// Whoever has no token, or has the wrong one, learns nothing.
#[tokio::test]
async fn every_route_but_the_public_ones_wants_a_token() {
    const PUBLIC: [&str; 5] = ["/auth/signup", "/auth/login", "/auth/refresh", "/clock", "/ws"];
    let server = Server::start(ServerOptions::default()).await;
    let ann = server.trader("ann").await;
    let stranger = ann.client.without_token();
    let document = stranger.get("/openapi.json").await.body;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let Some(short) = path.strip_prefix("/api/v1") else { continue };
        if PUBLIC.contains(&short) {
            continue;
        }
        let path = path.replace("{id}", &Uuid::now_v7().to_string());
        let path = filled_in(&path, &[("", "x".to_owned())]).remove(0);
        for method in operations.as_object().unwrap().keys() {
            let answer = match method.as_str() {
                "get" => stranger.get_root(&path).await,
                "post" => stranger.post(path.strip_prefix("/api/v1").unwrap(), &json!({})).await,
                "put" => stranger.put(path.strip_prefix("/api/v1").unwrap(), &json!({})).await,
                "delete" => stranger.delete(path.strip_prefix("/api/v1").unwrap()).await,
                other => panic!("{other} {path} is not known to this test"),
            };
            assert_eq!((answer.status, answer.code()), (401, "NOT_AUTHENTICATED"), "{method} {path}");
        }
    }
}
