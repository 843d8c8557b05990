//! A tenant's owner, signed in.

use super::client::{Answer, Client};
use super::{PATIENCE, POLL, eventually};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

pub(crate) const PASSWORD: &str = "correct horse battery staple";
/// Statuses of orders that may still change.
pub(crate) const OPEN: &str = "submitted,accepted,partially_filled,pending_cancel,unknown";
/// Events per page, the most there is.
const PAGE: usize = 500;

#[derive(Clone)]
pub(crate) struct Trader {
    pub(crate) client: Client,
    pub(crate) tenant_id: Uuid,
    pub(crate) email: String,
    pub(crate) refresh_token: String,
}

impl Trader {
    pub(crate) async fn sign_up(client: Client, name: &str) -> Self {
        let email = format!("{name}@tenant.test");
        let body = json!({ "email": email, "password": PASSWORD, "tenant_name": name });
        let answer = client.post("/auth/signup", &body).await;
        Self::of(&client, email, answer.expect(201))
    }

    /// Signs in again, at a server that may be another one.
    pub(crate) async fn sign_in(&self, client: Client) -> Self {
        let answer = client.post("/auth/login", &json!({ "email": self.email, "password": PASSWORD })).await;
        Self::of(&client, self.email.clone(), answer.expect(200))
    }

    fn of(client: &Client, email: String, data: &Value) -> Self {
        let text = |field: &str| data[field].as_str().unwrap();
        Self {
            client: client.with_token(text("access_token")),
            tenant_id: text("tenant_id").parse().unwrap(),
            email,
            refresh_token: text("refresh_token").to_owned(),
        }
    }

    pub(crate) async fn place(&self, body: &Value) -> Answer {
        self.client.post("/orders", body).await
    }

    /// Places an order and waits until it has one of these statuses.
    pub(crate) async fn place_until(&self, body: &Value, statuses: &[&str]) -> Value {
        let answer = self.place(body).await;
        let id = answer.expect(201)["id"].as_str().unwrap().to_owned();
        self.await_status(&id, statuses).await
    }

    pub(crate) async fn order(&self, id: &str) -> Value {
        self.client.get(&format!("/orders/{id}")).await.expect(200).clone()
    }

    pub(crate) async fn await_status(&self, id: &str, statuses: &[&str]) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let order = self.order(id).await;
            if statuses.contains(&order["status"].as_str().unwrap()) {
                return order;
            }
            assert!(Instant::now() < deadline, "not one of {statuses:?} within {PATIENCE:?}: {order}");
            sleep(POLL).await;
        }
    }

    /// Cancels everything and waits until nothing is open any more.
    pub(crate) async fn close_all(&self) {
        eventually("nothing is open", async || {
            let open = self.client.get(&format!("/orders?status={OPEN}&limit=1")).await;
            if open.status == 200 && open.items().is_empty() {
                return Some(());
            }
            self.client.delete("/orders").await;
            None
        })
        .await;
    }

    /// The whole journal as it is shown.
    pub(crate) async fn events(&self) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all.last().map_or(0, |event| event["seq"].as_i64().unwrap());
            let page = self.client.get(&format!("/events?after_seq={after}&limit={PAGE}")).await;
            all.extend_from_slice(page.items());
            if page.items().len() < PAGE {
                return all;
            }
        }
    }

    /// The last event's number.
    pub(crate) async fn last_seq(&self) -> i64 {
        self.events().await.last().map_or(0, |event| event["seq"].as_i64().unwrap())
    }

    /// Waits until the tenant takes orders.
    pub(crate) async fn await_serving(&self) {
        let body = json!({ "client_order_id": format!("probe-{}", Uuid::new_v4().simple()), "symbol": "BTC-USDT",
            "side": "buy", "type": "limit", "quantity": "0.001", "price": "30000", "time_in_force": "ioc" });
        let order = eventually("the tenant takes orders", async || {
            let answer = self.place(&body).await;
            matches!(answer.status, 200 | 201).then_some(answer)
        })
        .await;
        let id = order.body["data"]["id"].as_str().unwrap();
        self.await_status(id, &["canceled", "filled"]).await;
    }
}

/// A market order.
pub(crate) fn market(side: &str, symbol: &str, quantity: &str) -> Value {
    json!({ "symbol": symbol, "side": side, "type": "market", "quantity": quantity })
}

/// A limit order that rests until it is cancelled.
pub(crate) fn limit(side: &str, symbol: &str, terms: (&str, &str)) -> Value {
    json!({ "symbol": symbol, "side": side, "type": "limit", "quantity": terms.0, "price": terms.1 })
}

/// The same under a name.
pub(crate) fn named(mut body: Value, client_order_id: &str) -> Value {
    body["client_order_id"] = client_order_id.into();
    body
}

/// A number that is written as a string.
#[track_caller]
pub(crate) fn decimal(value: &Value) -> Decimal {
    value.as_str().unwrap_or_else(|| panic!("a string with a number, not {value}")).parse().unwrap()
}
