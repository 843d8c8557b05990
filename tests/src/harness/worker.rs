//! One connection's worth of load: places and cancels orders, and never forgets one whose outcome it does not know.

use super::client::{Answer, Client, Lost};
use super::load::{Address, TenantLoad, Whereabouts};
use super::record::Record;
use super::trader::{limit, market, named};
use bulkhead_checker::client_record::{Action, Outcome};
use hyper::Method;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Attempts for one order, over all of the server's lives.
const ATTEMPTS_MAX: u32 = 500;
const RETRY_AFTER: Duration = Duration::from_millis(50);
const SERVER_BACK_WITHIN: Duration = Duration::from_secs(120);
/// Own orders that are remembered in order to be cancelled.
const RESTING_MAX: usize = 4;

pub(crate) struct Worker {
    tenant: Arc<TenantLoad>,
    record: Record,
    whereabouts: Whereabouts,
    is_stopping: Arc<AtomicBool>,
    rng: ChaCha8Rng,
    name: String,
    count: u64,
    /// Orders that may still be open: own name and id.
    resting: VecDeque<(String, String)>,
}

impl Worker {
    pub(crate) fn new(
        (tenant, record): (Arc<TenantLoad>, Record),
        (whereabouts, is_stopping): (Whereabouts, Arc<AtomicBool>),
        (seed, number): (u64, u64),
    ) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(number));
        let name = format!("w{seed}-{number}");
        Self { tenant, record, whereabouts, is_stopping, rng, name, count: 0, resting: VecDeque::new() }
    }

    pub(crate) async fn run(mut self) {
        while !self.is_stopping.load(Ordering::Relaxed) {
            if self.resting.len() >= RESTING_MAX || (!self.resting.is_empty() && self.rng.random_bool(0.15)) {
                self.cancel_oldest().await;
            } else {
                self.place_one().await;
            }
        }
    }

    /// Places an order and stays with it until its outcome is known.
    async fn place_one(&mut self) {
        self.count += 1;
        let client_order_id = format!("{}-{}", self.name, self.count);
        let body = named(self.draw(), &client_order_id);
        for _ in 0..ATTEMPTS_MAX {
            match self.attempt(Action::Place, (&client_order_id, &body)).await {
                Outcome::Acknowledged { order, .. } => {
                    self.tenant.acknowledged.fetch_add(1, Ordering::Relaxed);
                    if order["type"] == "limit" {
                        let id = order["id"].as_str().unwrap().to_owned();
                        self.resting.push_back((client_order_id, id));
                    }
                    return;
                }
                // A denial is an answer too, and so is anything the request itself is to blame for.
                Outcome::Refused { order, .. } if order.is_object() => return,
                Outcome::Refused { status, code, .. } if (400..500).contains(&status) && status != 429 => {
                    assert_ne!(code, "CLIENT_ORDER_ID_REUSED", "the same request under the same name");
                    return;
                }
                Outcome::Refused { .. } | Outcome::ConnectionLost => {}
            }
        }
        panic!("{client_order_id}: no outcome after {ATTEMPTS_MAX} attempts");
    }

    async fn cancel_oldest(&mut self) {
        let Some((client_order_id, id)) = self.resting.pop_front() else { return };
        for _ in 0..ATTEMPTS_MAX {
            match self.attempt(Action::Cancel, (&client_order_id, &json!(id))).await {
                Outcome::Acknowledged { .. } => return,
                Outcome::Refused { status, .. } if (400..500).contains(&status) => return,
                Outcome::Refused { .. } | Outcome::ConnectionLost => {}
            }
        }
        panic!("{client_order_id}: not cancelled after {ATTEMPTS_MAX} attempts");
    }

    /// One request, written down; waits a moment, or for the server to be back, when there is no answer to it.
    async fn attempt(&mut self, action: Action, (client_order_id, body): (&str, &Value)) -> Outcome {
        let address = self.server().await;
        let client = address.client.with_token(&self.tenant.token.lock().await.clone());
        let (method, path, sent_body) = match action {
            Action::Place => (Method::POST, "/api/v1/orders".to_owned(), body.clone()),
            Action::Cancel => {
                (Method::DELETE, format!("/api/v1/orders/{}", body.as_str().unwrap()), Value::Null)
            }
        };
        let bytes = (action == Action::Place).then(|| body.to_string().into());
        let sent = self.record.send(self.tenant.trader.tenant_id, action, (client_order_id, sent_body));
        let answer = client.try_send(method, &path, bytes).await;
        let outcome = self.record.end(sent, &answer);
        self.after(&answer, &address).await;
        outcome
    }

    async fn after(&mut self, answer: &Result<Answer, Lost>, address: &Address) {
        match answer {
            Err(Lost) => {
                self.tenant.troubles.fetch_add(1, Ordering::Relaxed);
                // Lost while the server lives on: the next attempt is made at once. Else when it is back.
                let life = address.life;
                let is_back = |now: &Option<Arc<Address>>| now.as_ref().is_some_and(|now| now.life > life);
                drop(timeout(RETRY_AFTER, self.whereabouts.wait_for(is_back)).await);
            }
            Ok(answer) if answer.status == 401 => self.sign_in(&address.client).await,
            Ok(answer) if answer.status == 429 || answer.status >= 500 => {
                self.tenant.troubles.fetch_add(1, Ordering::Relaxed);
                assert_ne!(answer.code(), "QUARANTINED", "no failure here may quarantine a tenant");
                assert_ne!(
                    answer.code(),
                    "INTERNAL",
                    "no failure here is a fault of the server: {}",
                    answer.body
                );
                sleep(RETRY_AFTER).await;
            }
            Ok(_) => {}
        }
    }

    /// The server, as soon as there is one.
    async fn server(&mut self) -> Arc<Address> {
        let up = timeout(SERVER_BACK_WITHIN, self.whereabouts.wait_for(Option::is_some)).await;
        up.expect("the server comes back").unwrap().clone().unwrap()
    }

    async fn sign_in(&self, client: &Client) {
        let mut token = self.tenant.token.lock().await;
        let signed_in = self.tenant.trader.sign_in(client.clone()).await;
        signed_in.client.token().clone_into(&mut token);
    }

    /// Some order: mostly at the market, some that rest, some beyond all means.
    fn draw(&mut self) -> Value {
        let side = if self.rng.random_bool(0.5) { "buy" } else { "sell" };
        let (symbol, quantity, far) = match self.rng.random_range(0..3) {
            0 => ("BTC-USDT", "0.001", ("30000", "90000")),
            1 => ("ETH-USDT", "0.02", ("1000", "9000")),
            _ => ("SOL-USDT", "0.3", ("100", "200")),
        };
        match self.rng.random_range(0..100) {
            0..50 => market(side, symbol, quantity),
            // Beyond the market, so that it rests until it is cancelled.
            50..80 => limit(side, symbol, (quantity, if side == "buy" { far.0 } else { far.1 })),
            // Through the market, so that it fills.
            80..92 => limit(side, symbol, (quantity, if side == "buy" { far.1 } else { far.0 })),
            92..96 => {
                let mut order = limit(side, symbol, (quantity, if side == "buy" { far.0 } else { far.1 }));
                order["time_in_force"] = "fok".into();
                order
            }
            _ => market("buy", "BTC-USDT", "90"),
        }
    }
}
