//! The requests that are sent, made in advance as far as possible.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::request;

const ID_DIGITS: usize = 12;
/// Stands where the number goes until it is written over.
const ID_BLANK: &str = "xxxxxxxxxxxx";
const HEX: &[u8; 16] = b"0123456789abcdef";
/// Small enough to fill at once at the best price, large enough for the instrument's smallest order.
pub(crate) const ORDER_QUANTITY: &str = "0.0005";
pub(crate) const ORDER_SYMBOL: &str = "BTC-USDT";

/// What a load sends.
pub(crate) trait Script: Send + Sync + 'static {
    /// Writes the request for this turn of this connection into `request`, whose content is of no use any more.
    fn write(&self, connection: usize, turn: usize, request: &mut Vec<u8>);
}

/// The same few requests in turn.
#[derive(Debug, Clone)]
pub(crate) struct FixedRequests(pub(crate) Arc<[Vec<u8>]>);

impl Script for FixedRequests {
    fn write(&self, connection: usize, turn: usize, request: &mut Vec<u8>) {
        let at = (connection + turn) % self.0.len().max(1);
        request.clear();
        request.extend_from_slice(self.0.get(at).map_or(&[], Vec::as_slice));
    }
}

/// Small market orders, bought and sold in turn in each tenant, each under an id of its own.
#[derive(Debug)]
pub(crate) struct OrderRequests {
    tenants: Vec<TenantOrders>,
}

#[derive(Debug)]
struct TenantOrders {
    buy: Template,
    sell: Template,
    sent: AtomicU64,
}

#[derive(Debug)]
struct Template {
    bytes: Vec<u8>,
    id_at: usize,
}

impl OrderRequests {
    /// Orders for the owners of these tokens. `run` keeps the ids of several loads on one tenant apart.
    pub(crate) fn new<'a>(tokens: impl IntoIterator<Item = &'a str>, run: &str) -> Self {
        let of = |token: &str| TenantOrders {
            buy: Template::new(token, run, "buy"),
            sell: Template::new(token, run, "sell"),
            sent: AtomicU64::new(0),
        };
        Self { tenants: tokens.into_iter().map(of).collect() }
    }

    /// Connections walk through the tenants with different strides' starts, so that every tenant has work at any
    /// number of connections.
    fn tenant(&self, connection: usize, turn: usize) -> Option<&TenantOrders> {
        self.tenants.get((connection + turn * 7) % self.tenants.len().max(1))
    }
}

impl Script for OrderRequests {
    fn write(&self, connection: usize, turn: usize, request: &mut Vec<u8>) {
        request.clear();
        let Some(tenant) = self.tenant(connection, turn) else { return };
        let number = tenant.sent.fetch_add(1, Ordering::Relaxed);
        let template = if number % 2 == 0 { &tenant.buy } else { &tenant.sell };
        request.extend_from_slice(&template.bytes);
        if let Some(digits) = request.get_mut(template.id_at..template.id_at + ID_DIGITS) {
            write_hex(digits, number);
        }
    }
}

impl Template {
    fn new(token: &str, run: &str, side: &str) -> Self {
        let body = format!(
            r#"{{"client_order_id":"{run}-{ID_BLANK}","symbol":"{ORDER_SYMBOL}","side":"{side}","type":"market","quantity":"{ORDER_QUANTITY}"}}"#
        );
        let id_in_body = body.find(ID_BLANK).unwrap_or(0);
        let bytes = request("POST", "/api/v1/orders", Some(token), Some(&body));
        let id_at = bytes.len() - body.len() + id_in_body;
        Self { bytes, id_at }
    }
}

fn write_hex(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = HEX.get((number & 15) as usize).copied().unwrap_or(b'0');
        number >>= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn text(script: &impl Script, connection: usize, turn: usize) -> String {
        let mut bytes = Vec::new();
        script.write(connection, turn, &mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn every_order_has_an_id_of_its_own_and_sides_alternate() {
        let orders = OrderRequests::new(["only"], "r1");
        let all: Vec<String> = (0..40).map(|turn| text(&orders, turn % 3, turn)).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 40);
        assert_eq!(all.iter().filter(|order| order.contains(r#""side":"sell""#)).count(), 20);
        assert!(all[17].contains(r#""client_order_id":"r1-000000000011""#), "{}", all[17]);
        let (head, body) = all[0].split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())));
        assert!(serde_json::from_str::<serde_json::Value>(body).is_ok());
    }

    #[test]
    fn all_tenants_get_orders_even_from_fewer_connections() {
        let tokens: Vec<String> = (0..100).map(|n| format!("token-{n}.")).collect();
        let orders = OrderRequests::new(tokens.iter().map(String::as_str), "r");
        let mut seen = BTreeSet::new();
        for (connection, turn) in (0..64).flat_map(|connection| (0..10).map(move |turn| (connection, turn))) {
            let request = text(&orders, connection, turn);
            seen.extend(tokens.iter().find(|token| request.contains(token.as_str())).cloned());
        }
        assert_eq!(seen.len(), 100);
    }
}
