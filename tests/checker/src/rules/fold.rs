//! One tenant's journal as orders, fills and positions, and what is wrong with the events by themselves.

use crate::database::JournalRow;
use crate::journal::{After, Entry, OrderFilled, OrderMade, Payload};
use crate::order_fold::{Life, Order};
use crate::position_fold::Book;
use crate::report::{Report, ViolationName};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a journal amounts to.
#[derive(Debug, Default)]
pub(super) struct TenantFold {
    pub(super) orders: BTreeMap<Uuid, Order>,
    pub(super) by_client_order_id: BTreeMap<String, Uuid>,
    pub(super) by_venue_client_id: BTreeMap<String, Uuid>,
    /// By account and execution id.
    pub(super) fills: BTreeMap<(String, String), BookedFill>,
    pub(super) book: Book,
}

/// A fill at its place in the journal.
#[derive(Debug, Clone)]
pub(super) struct BookedFill {
    pub(super) seq: i64,
    pub(super) filled: OrderFilled,
}

impl TenantFold {
    pub(super) fn of(tenant_id: Uuid, rows: &[&JournalRow], report: &mut Report) -> Self {
        let mut fold = Self::default();
        for row in rows {
            match Payload::parse(&row.kind, row.version, &row.payload) {
                Ok(payload) => {
                    let entry = Entry { seq: row.seq, recorded_micros: row.recorded_micros, payload };
                    let mut note = |name, detail| report.add(name, tenant_id, detail);
                    fold.apply(&entry, &mut note);
                }
                Err(detail) => {
                    let detail = format!("seq {}: {detail}", row.seq);
                    report.add(ViolationName::EventUnreadable, tenant_id, detail);
                }
            }
        }
        for order in fold.orders.values() {
            if order.filled_quantity() > order.terms.quantity {
                let (filled, quantity) = (order.filled_quantity(), order.terms.quantity);
                let detail = format!("order {}: {filled} filled of {quantity}", order.id);
                report.add(ViolationName::FilledBeyondQuantity, tenant_id, detail);
            }
        }
        fold
    }

    /// The order its caller named so.
    pub(super) fn order_named(&self, client_order_id: &str) -> Option<&Order> {
        self.orders.get(self.by_client_order_id.get(client_order_id)?)
    }

    fn apply(&mut self, entry: &Entry, note: &mut impl FnMut(ViolationName, String)) {
        match &entry.payload {
            Payload::CashDeposited(deposit) => self.book.deposit(deposit),
            Payload::OrderSubmitted(made) => self.make(made, Life::Submitting, entry, note),
            Payload::OrderDenied(made) => self.make(made, Life::Denied, entry, note),
            Payload::OrderFilled(filled) => {
                self.fill(filled, entry, note);
                self.change(entry, note);
            }
            _ => self.change(entry, note),
        }
        if let Some((id, after)) = entry.payload.order() {
            self.check_after(id, after, entry, note);
        }
    }

    fn make(
        &mut self,
        made: &OrderMade,
        life: Life,
        entry: &Entry,
        note: &mut impl FnMut(ViolationName, String),
    ) {
        let order = Order::made(made, life, entry);
        let (id, seq) = (order.id, entry.seq);
        if let Some(other) = self.by_client_order_id.insert(order.client_order_id.clone(), id) {
            let detail = format!("{} names order {other} and, at seq {seq}, {id}", order.client_order_id);
            note(ViolationName::ClientOrderIdShared, detail);
        }
        if let Some(other) = self.by_venue_client_id.insert(order.venue_client_id.clone(), id) {
            let detail = format!("{} names order {other} and, at seq {seq}, {id}", order.venue_client_id);
            note(ViolationName::VenueClientIdShared, detail);
        }
        if self.orders.insert(id, order).is_some() {
            note(ViolationName::OrderLifeBroken, format!("order {id} is made again at seq {seq}"));
        }
    }

    fn change(&mut self, entry: &Entry, note: &mut impl FnMut(ViolationName, String)) {
        let Some((id, _)) = entry.payload.order() else { return };
        match self.orders.get_mut(&id) {
            Some(order) if order.life == Life::Denied => {
                let detail = format!("denied order {id} changes at seq {}", entry.seq);
                note(ViolationName::OrderLifeBroken, detail);
            }
            Some(order) => order.apply(entry),
            None => {
                let detail = format!("order {id} changes at seq {} and was never made", entry.seq);
                note(ViolationName::OrderLifeBroken, detail);
            }
        }
    }

    fn fill(&mut self, filled: &OrderFilled, entry: &Entry, note: &mut impl FnMut(ViolationName, String)) {
        let key = (filled.order.account.clone(), filled.execution.execution_id.clone());
        if let Some(known) = self.fills.get(&key) {
            let detail = format!("execution {} is booked at seq {} and {}", key.1, known.seq, entry.seq);
            note(ViolationName::ExecutionBookedTwice, detail);
            return;
        }
        self.book.fill(filled, entry.seq);
        self.fills.insert(key, BookedFill { seq: entry.seq, filled: filled.clone() });
    }

    /// The event says what the order looks like after it; that must be what its events amount to.
    fn check_after(
        &self,
        id: Uuid,
        after: &After,
        entry: &Entry,
        note: &mut impl FnMut(ViolationName, String),
    ) {
        let Some(order) = self.orders.get(&id) else { return };
        let is_same = order.status() == after.status
            && order.version == after.version
            && order.filled_quantity() == after.filled_quantity;
        if !is_same {
            let detail = format!(
                "order {id} at seq {}: said to be {} version {} with {} filled, is {} version {} with {}",
                entry.seq,
                after.status,
                after.version,
                after.filled_quantity,
                order.status(),
                order.version,
                order.filled_quantity()
            );
            note(ViolationName::OrderLifeBroken, detail);
        }
    }
}
