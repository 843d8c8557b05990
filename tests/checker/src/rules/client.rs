//! What clients were told, against the journal.

use super::Folds;
use super::fold::TenantFold;
use crate::client_record::{Action, ClientRecord, Outcome, RequestLine};
use crate::order_fold::{Life, Order};
use crate::report::{Report, ViolationName};
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Looks up every answer in the journal, and every order of these tenants in the requests.
pub(super) fn check(client: &ClientRecord, folds: &Folds, report: &mut Report) {
    let empty = TenantFold::default();
    for request in &client.requests {
        let fold = folds.get(&request.tenant_id).unwrap_or(&empty);
        match (&request.outcome, request.action) {
            (Outcome::Acknowledged { order, .. }, Action::Place) => placed(request, order, fold, report),
            (Outcome::Acknowledged { order, .. }, Action::Cancel) => canceled(request, order, fold, report),
            (Outcome::Refused { order, .. }, _) if order.is_object() => denied(request, order, fold, report),
            (Outcome::Refused { .. } | Outcome::ConnectionLost, _) => {}
        }
    }
    check_refused(client, folds, report);
    check_origins(client, folds, report);
}

/// An order by its own id, as an answer names it.
fn find<'a>(answered: &Value, fold: &'a TenantFold) -> Option<&'a Order> {
    let id: Uuid = text(answered, "id").parse().ok()?;
    fold.orders.get(&id)
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn decimal(value: &Value, field: &str) -> Option<Decimal> {
    value.get(field)?.as_str()?.parse().ok()
}

fn placed(request: &RequestLine, answered: &Value, fold: &TenantFold, report: &mut Report) {
    let Some(order) = find(answered, fold) else {
        let detail =
            format!("{} was acknowledged as order {}", request.client_order_id, text(answered, "id"));
        report.add(ViolationName::AcknowledgedOrderMissing, request.tenant_id, detail);
        return;
    };
    if order.client_order_id != request.client_order_id || !is_as_asked(order, &request.body) {
        let detail = format!("order {} is not what {} asked for", order.id, request.client_order_id);
        report.add(ViolationName::AcknowledgedTermsDiffer, request.tenant_id, detail);
    }
    check_shown(request, answered, order, report);
}

fn is_as_asked(order: &Order, body: &Value) -> bool {
    let terms = &order.terms;
    text(body, "symbol") == terms.symbol
        && text(body, "side") == terms.side
        && text(body, "type") == terms.kind.name
        && decimal(body, "quantity") == Some(terms.quantity)
        && decimal(body, "price") == terms.kind.price
}

/// Whatever an answer showed of an order must still be so, or have gone on from there.
fn check_shown(request: &RequestLine, answered: &Value, order: &Order, report: &mut Report) {
    let version = answered.get("version").and_then(Value::as_u64).unwrap_or(0);
    if version > order.version {
        let detail =
            format!("order {} was shown at version {version}, the journal has {}", order.id, order.version);
        report.add(ViolationName::AcknowledgedStateLost, request.tenant_id, detail);
    }
    let fills = answered.get("fills").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for fill in fills {
        let id = text(fill, "execution_id");
        let is_booked = order.fills.get(id).is_some_and(|booked| {
            decimal(fill, "price") == Some(booked.price) && decimal(fill, "quantity") == Some(booked.quantity)
        });
        if !is_booked {
            let detail = format!("order {}: execution {id} was shown", order.id);
            report.add(ViolationName::AcknowledgedFillMissing, request.tenant_id, detail);
        }
    }
}

fn canceled(request: &RequestLine, answered: &Value, fold: &TenantFold, report: &mut Report) {
    match fold.order_named(&request.client_order_id) {
        Some(order) if order.was_cancel_requested => check_shown(request, answered, order, report),
        Some(order) => {
            let detail = format!("order {} ({})", order.id, order.status());
            report.add(ViolationName::AcknowledgedCancelMissing, request.tenant_id, detail);
        }
        None => {
            let detail = format!("{} was acknowledged as being canceled", request.client_order_id);
            report.add(ViolationName::AcknowledgedOrderMissing, request.tenant_id, detail);
        }
    }
}

fn denied(request: &RequestLine, answered: &Value, fold: &TenantFold, report: &mut Report) {
    match find(answered, fold) {
        Some(order) if order.life == Life::Denied => {}
        Some(order) => {
            let detail = format!("order {} was answered as denied and is {}", order.id, order.status());
            report.add(ViolationName::DeniedOrderSubmitted, request.tenant_id, detail);
        }
        None => {
            let detail = format!("{} was denied as order {}", request.client_order_id, text(answered, "id"));
            report.add(ViolationName::AcknowledgedOrderMissing, request.tenant_id, detail);
        }
    }
}

/// An id all of whose requests were certainly not executed has no order.
fn check_refused(client: &ClientRecord, folds: &Folds, report: &mut Report) {
    let mut attempts: BTreeMap<(Uuid, &str), bool> = BTreeMap::new();
    for request in client.requests.iter().filter(|request| request.action == Action::Place) {
        let is_nothing = request.is_not_executed() && request.answered_order().is_none();
        let key = (request.tenant_id, request.client_order_id.as_str());
        let so_far = attempts.entry(key).or_insert(true);
        *so_far = *so_far && is_nothing;
    }
    for ((tenant_id, client_order_id), _) in attempts.into_iter().filter(|(_, is_nothing)| *is_nothing) {
        let order = folds.get(&tenant_id).and_then(|fold| fold.order_named(client_order_id));
        if let Some(order) = order {
            let detail =
                format!("{client_order_id} was always answered as not executed; order {} exists", order.id);
            report.add(ViolationName::RefusedOrderExists, tenant_id, detail);
        }
    }
}

/// Nobody but the clients on record may have placed orders for these tenants.
fn check_origins(client: &ClientRecord, folds: &Folds, report: &mut Report) {
    let mut asked: BTreeMap<Uuid, BTreeSet<&str>> = BTreeMap::new();
    for request in client.requests.iter().filter(|request| request.action == Action::Place) {
        asked.entry(request.tenant_id).or_default().insert(&request.client_order_id);
    }
    for (tenant_id, asked) in asked {
        let orders = folds.get(&tenant_id).into_iter().flat_map(|fold| fold.orders.values());
        for order in orders.filter(|order| !asked.contains(order.client_order_id.as_str())) {
            let detail = format!("order {} ({}) was asked for by nobody", order.id, order.client_order_id);
            report.add(ViolationName::OrderFromNowhere, tenant_id, detail);
        }
    }
}
