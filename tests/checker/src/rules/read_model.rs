//! The read models, against the journal.

use super::Folds;
use super::fold::{BookedFill, TenantFold};
use crate::database::{FillRow, OrderRow, PositionRow, Tables};
use crate::order_fold::Order;
use crate::position_fold::Position;
use crate::report::{Report, ViolationName};
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Compares all three tables, both ways.
pub(super) fn check(tables: &Tables, folds: &Folds, report: &mut Report) {
    let empty = TenantFold::default();
    for row in &tables.orders {
        check_order(row, folds.get(&row.tenant_id).unwrap_or(&empty), report);
    }
    for row in &tables.fills {
        check_fill(row, folds.get(&row.tenant_id).unwrap_or(&empty), report);
    }
    for row in &tables.positions {
        check_position(row, folds.get(&row.tenant_id).unwrap_or(&empty), report);
    }
    let orders: BTreeSet<(Uuid, Uuid)> = tables.orders.iter().map(|row| (row.tenant_id, row.id)).collect();
    let fills: BTreeSet<(Uuid, i64)> = tables.fills.iter().map(|row| (row.tenant_id, row.seq)).collect();
    let positions: BTreeSet<(Uuid, _)> =
        tables.positions.iter().map(|row| (row.tenant_id, row.key())).collect();
    for (tenant_id, fold) in folds {
        for order in fold.orders.keys().filter(|id| !orders.contains(&(*tenant_id, **id))) {
            report.add(ViolationName::OrderRowMissing, *tenant_id, format!("order {order}"));
        }
        for fill in fold.fills.values().filter(|fill| !fills.contains(&(*tenant_id, fill.seq))) {
            let detail = format!("execution {} of seq {}", fill.filled.execution.execution_id, fill.seq);
            report.add(ViolationName::FillRowMissing, *tenant_id, detail);
        }
        for key in fold.book.positions.keys().filter(|key| !positions.contains(&(*tenant_id, (*key).clone())))
        {
            let detail = format!("there is no row for {}/{}/{}", key.0, key.1, key.2);
            report.add(ViolationName::PositionDiffersFromJournal, *tenant_id, detail);
        }
    }
}

impl PositionRow {
    fn key(&self) -> (String, String, String) {
        (self.portfolio.clone(), self.account.clone(), self.symbol.clone())
    }
}

fn check_order(row: &OrderRow, fold: &TenantFold, report: &mut Report) {
    let Some(order) = fold.orders.get(&row.id) else {
        report.add(ViolationName::OrderRowWithoutEvent, row.tenant_id, format!("order {}", row.id));
        return;
    };
    for (field, is_same) in order_fields(row, order) {
        if !is_same {
            let detail = format!("order {}: {field} is not what the journal says", row.id);
            report.add(ViolationName::OrderRowDiffers, row.tenant_id, detail);
        }
    }
}

fn order_fields(row: &OrderRow, order: &Order) -> [(&'static str, bool); 10] {
    [
        ("client_order_id", row.client_order_id == order.client_order_id),
        ("venue_client_id", row.venue_client_id == order.venue_client_id),
        ("symbol", row.symbol == order.terms.symbol),
        ("side", row.side == order.terms.side),
        ("status", row.status == order.status()),
        ("created_seq", row.created_seq == order.created_seq),
        ("updated_seq", row.updated_seq == order.updated_seq),
        ("body.id", row.body.get("id").and_then(Value::as_str) == Some(row.id.to_string().as_str())),
        ("body.version", row.body.get("version").and_then(Value::as_u64) == Some(order.version)),
        ("body.fills", has_fills(&row.body, order)),
    ]
}

fn has_fills(body: &Value, order: &Order) -> bool {
    let Some(fills) = body.get("fills").and_then(Value::as_object) else { return false };
    let number = |fill: &Value, field: &str| fill.get(field)?.as_str()?.parse::<Decimal>().ok();
    let is_booked = |(id, fill): (&String, &Value)| {
        order.fills.get(id).is_some_and(|booked| {
            number(fill, "price") == Some(booked.price) && number(fill, "quantity") == Some(booked.quantity)
        })
    };
    fills.len() == order.fills.len() && fills.iter().all(is_booked)
}

fn check_fill(row: &FillRow, fold: &TenantFold, report: &mut Report) {
    let Some(booked) = fold.fills.get(&(row.account.clone(), row.execution_id.clone())) else {
        let detail = format!("execution {} of seq {}", row.execution_id, row.seq);
        report.add(ViolationName::FillRowWithoutEvent, row.tenant_id, detail);
        return;
    };
    if !is_same_fill(row, booked) {
        let detail = format!("execution {} is not what seq {} says", row.execution_id, booked.seq);
        report.add(ViolationName::FillRowDiffers, row.tenant_id, detail);
    }
}

fn is_same_fill(row: &FillRow, booked: &BookedFill) -> bool {
    let (order, execution) = (&booked.filled.order, &booked.filled.execution);
    row.seq == booked.seq
        && row.order_id == order.id
        && row.symbol == order.symbol
        && row.side == order.side
        && row.price == execution.price
        && row.quantity == execution.quantity
        && row.fee == execution.fee
        && row.fee_currency == execution.fee_currency
}

fn check_position(row: &PositionRow, fold: &TenantFold, report: &mut Report) {
    let stored = Position {
        quantity: row.quantity,
        cost: row.cost,
        realized_pnl: row.realized_pnl,
        fees: row.fees,
        seq: row.seq,
    };
    let folded = fold.book.positions.get(&row.key());
    if folded != Some(&stored) {
        let detail = format!("{}/{}: stored {stored:?}, fold {folded:?}", row.account, row.symbol);
        report.add(ViolationName::PositionDiffersFromJournal, row.tenant_id, detail);
    }
}
