//! The venue's own log, against the journal.

use super::Folds;
use super::fold::TenantFold;
use crate::evidence::Evidence;
use crate::order_fold::{Life, Order};
use crate::report::{Report, ViolationName};
use crate::venue_log::{FilledRecord, FundedRecord, StateRecord, SubmittedRecord, VenueLine, VenueRecord};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use uuid::Uuid;

/// An order of a tenant's account by the name it has at the venue.
type OrderKey = (Uuid, String, String);
/// A currency of a tenant's account.
type BalanceKey = (Uuid, String, String);

/// What the log amounts to.
#[derive(Default)]
struct VenueFold<'a> {
    orders: BTreeMap<OrderKey, VenueOrder<'a>>,
    fills: BTreeMap<(Uuid, String, String), &'a FilledRecord>,
    /// Money and what was bought with it, kept apart, so that a difference can be told by its kind.
    cash: BTreeMap<BalanceKey, Decimal>,
    holdings: BTreeMap<BalanceKey, Decimal>,
    bases: BTreeMap<String, String>,
}

/// What the log says about one name.
#[derive(Default)]
struct VenueOrder<'a> {
    submitted: Vec<(&'a SubmittedRecord, bool, Option<i64>)>,
    filled: Decimal,
    is_canceled: bool,
    is_expired: bool,
    is_barred: bool,
}

pub(super) fn check(evidence: &Evidence, folds: &Folds, report: &mut Report) {
    let venue = VenueFold::of(&evidence.venue, report);
    let empty = TenantFold::default();
    for (key, order) in &venue.orders {
        let fold = folds.get(&key.0).unwrap_or(&empty);
        check_venue_order(key, order, fold, (evidence.is_one_clock, &mut *report));
    }
    for ((tenant_id, account, execution_id), filled) in &venue.fills {
        let fold = folds.get(tenant_id).unwrap_or(&empty);
        check_execution(fold, (account, execution_id), filled, report);
    }
    for (tenant_id, fold) in folds {
        check_journal_orders(*tenant_id, fold, &venue, report);
        for (account, execution_id) in fold.fills.keys() {
            if !venue.fills.contains_key(&(*tenant_id, account.clone(), execution_id.clone())) {
                let detail = format!("execution {execution_id} of account {account}");
                report.add(ViolationName::ExecutionNotAtVenue, *tenant_id, detail);
            }
        }
    }
    check_balances(folds, &venue, report);
}

impl<'a> VenueFold<'a> {
    fn of(lines: &'a [VenueLine], report: &mut Report) -> Self {
        let mut fold = Self::default();
        let mut expected = 1;
        for line in lines {
            if line.n != expected {
                let detail = format!("line {} follows where {expected} was due", line.n);
                report.add_global(ViolationName::VenueLogGap, detail);
            }
            expected = line.n + 1;
            fold.apply(line, report);
        }
        fold
    }

    fn apply(&mut self, line: &'a VenueLine, report: &mut Report) {
        match &line.record {
            VenueRecord::State(state) => self.compare_state(state, line.n, report),
            VenueRecord::AccountOpened(funded) | VenueRecord::Deposit(funded) => self.fund(funded),
            VenueRecord::Accepted(submitted) => self.submit(submitted, true, line),
            VenueRecord::Rejected(submitted) => self.submit(submitted, false, line),
            VenueRecord::Filled(filled) => self.fill(filled, report),
            VenueRecord::Canceled(canceled) => {
                let id = (canceled.tenant_id, &canceled.account, &canceled.venue_client_id);
                self.order(id).is_canceled = true;
            }
            VenueRecord::Expired(expired) => {
                self.order((expired.tenant_id, &expired.account, &expired.venue_client_id)).is_expired = true;
            }
            VenueRecord::Barred(barred) => {
                self.order((barred.tenant_id, &barred.account, &barred.venue_client_id)).is_barred = true;
            }
        }
    }

    fn order(&mut self, (tenant_id, account, id): (Uuid, &String, &String)) -> &mut VenueOrder<'a> {
        self.orders.entry((tenant_id, account.clone(), id.clone())).or_default()
    }

    fn submit(&mut self, submitted: &'a SubmittedRecord, is_accepted: bool, line: &'a VenueLine) {
        let id = (submitted.tenant_id, &submitted.account, &submitted.venue_client_id);
        self.order(id).submitted.push((submitted, is_accepted, line.micros()));
    }

    fn fund(&mut self, funded: &FundedRecord) {
        let key = (funded.tenant_id, funded.account.clone(), funded.currency.clone());
        *self.cash.entry(key).or_default() += funded.amount;
    }

    fn fill(&mut self, filled: &'a FilledRecord, report: &mut Report) {
        let execution = &filled.execution;
        let order = self.order((filled.tenant_id, &filled.account, &filled.venue_client_id));
        order.filled += execution.quantity;
        if order.filled != filled.filled_quantity {
            let detail =
                format!("execution {}: the sum so far is not what the line says", execution.execution_id);
            report.add(ViolationName::VenueStateDiffers, filled.tenant_id, detail);
        }
        let signed = if filled.side == "buy" { execution.quantity } else { -execution.quantity };
        let key = |currency: &String| (filled.tenant_id, filled.account.clone(), currency.clone());
        *self.holdings.entry(key(&filled.base)).or_default() += signed;
        *self.cash.entry(key(&execution.fee_currency)).or_default() -=
            signed * execution.price + execution.fee;
        self.bases.insert(filled.symbol.clone(), filled.base.clone());
        if self.fills.insert(key(&execution.execution_id), filled).is_some() {
            let detail = format!("the venue logged execution {} twice", execution.execution_id);
            report.add(ViolationName::VenueStateDiffers, filled.tenant_id, detail);
        }
    }

    /// A segment begins with what the lines before it amount to.
    fn compare_state(&self, state: &StateRecord, n: u64, report: &mut Report) {
        for account in &state.accounts {
            for (currency, stated) in &account.balances {
                let key = (account.tenant_id, account.account.clone(), currency.clone());
                let of = |map: &BTreeMap<BalanceKey, Decimal>| map.get(&key).copied().unwrap_or_default();
                let summed = of(&self.cash) + of(&self.holdings);
                if summed != *stated {
                    let detail =
                        format!("line {n} states {stated} {currency}, the lines before it say {summed}");
                    report.add(ViolationName::VenueStateDiffers, account.tenant_id, detail);
                }
            }
        }
    }
}

fn check_venue_order(
    key: &OrderKey,
    venue_order: &VenueOrder<'_>,
    fold: &TenantFold,
    to: (bool, &mut Report),
) {
    let (is_one_clock, report) = to;
    let (tenant_id, _, id) = key;
    let mut note = |name, detail| report.add(name, *tenant_id, format!("{id}: {detail}"));
    let Some((submitted, _, at)) = venue_order.submitted.first() else { return };
    if venue_order.submitted.len() > 1 {
        let detail = format!("the venue answered {} submissions", venue_order.submitted.len());
        note(ViolationName::VenueOrderRepeated, detail);
    }
    if venue_order.is_barred {
        note(ViolationName::VenueOrderRepeated, "the venue took an order it had barred".to_owned());
    }
    if venue_order.filled > submitted.quantity {
        let detail = format!("{} filled of {}", venue_order.filled, submitted.quantity);
        note(ViolationName::VenueFilledBeyondQuantity, detail);
    }
    let order = fold.by_venue_client_id.get(id).and_then(|order_id| fold.orders.get(order_id));
    let Some(order) = order.filter(|order| order.life != Life::Denied) else {
        note(ViolationName::VenueOrderWithoutIntent, "the journal has no order of this name".to_owned());
        return;
    };
    if !is_same_order(submitted, order) {
        note(ViolationName::VenueOrderDiffers, format!("the venue has {submitted:?}"));
    }
    if is_one_clock && at.is_some_and(|at| at < order.created_micros) {
        note(ViolationName::VenueOrderBeforeIntent, format!("order {} was recorded later", order.id));
    }
}

fn is_same_order(submitted: &SubmittedRecord, order: &Order) -> bool {
    let terms = &order.terms;
    submitted.account == terms.account
        && submitted.symbol == terms.symbol
        && submitted.side == terms.side
        && submitted.order_type == terms.kind.name
        && submitted.price == terms.kind.price
        && submitted.quantity == terms.quantity
        && submitted.time_in_force == terms.time_in_force
        && submitted.expires_at == terms.expires_at
        && submitted.post_only == terms.post_only
}

fn check_execution(fold: &TenantFold, key: (&str, &str), filled: &FilledRecord, report: &mut Report) {
    let (account, execution_id) = (key.0.to_owned(), key.1.to_owned());
    let Some(booked) = fold.fills.get(&(account, execution_id)) else {
        let detail = format!("execution {} of {}", key.1, filled.venue_client_id);
        report.add(ViolationName::ExecutionNotBooked, filled.tenant_id, detail);
        return;
    };
    let order = fold.orders.get(&booked.filled.order.id);
    let is_same = booked.filled.execution == filled.execution
        && booked.filled.order.symbol == filled.symbol
        && booked.filled.order.side == filled.side
        && order.is_some_and(|order| order.venue_client_id == filled.venue_client_id);
    if !is_same {
        let detail = format!("execution {} is booked at seq {} with other terms", key.1, booked.seq);
        report.add(ViolationName::ExecutionTermsDiffer, filled.tenant_id, detail);
    }
}

/// At rest, an order is open at both ends or over at both.
fn check_journal_orders(tenant_id: Uuid, fold: &TenantFold, venue: &VenueFold<'_>, report: &mut Report) {
    for order in fold.orders.values().filter(|order| order.life != Life::Denied) {
        let key = (tenant_id, order.terms.account.clone(), order.venue_client_id.clone());
        let (at_venue, is_same) = match venue.orders.get(&key) {
            None => ("unknown", order.life == Life::Rejected),
            Some(venue_order) => compare_lives(venue_order, order),
        };
        if !is_same {
            let detail = format!("order {} is {} and {at_venue} at the venue", order.id, order.status());
            report.add(ViolationName::OrderStateDiffersFromVenue, tenant_id, detail);
        }
    }
}

fn compare_lives(venue_order: &VenueOrder<'_>, order: &Order) -> (&'static str, bool) {
    match venue_order.submitted.first() {
        None => ("barred", order.life == Life::Rejected),
        Some((_, false, _)) => ("rejected", order.life == Life::Rejected),
        Some((submitted, true, _)) if venue_order.filled == submitted.quantity => {
            ("filled", order.life == Life::Filled)
        }
        Some((_, true, _)) if venue_order.is_canceled => ("canceled", order.life == Life::Canceled),
        Some((_, true, _)) if venue_order.is_expired => ("expired", order.life == Life::Expired),
        Some((_, true, _)) => ("open", order.life == Life::Working && !order.is_unknown),
    }
}

fn check_balances(folds: &Folds, venue: &VenueFold<'_>, report: &mut Report) {
    for (tenant_id, fold) in folds {
        let mut held: BTreeMap<BalanceKey, Decimal> = BTreeMap::new();
        for ((_, account, symbol), position) in &fold.book.positions {
            let base = venue.bases.get(symbol).map_or(symbol.as_str(), String::as_str);
            *held.entry((*tenant_id, account.clone(), base.to_owned())).or_default() += position.quantity;
        }
        let at_venue = venue.holdings.iter().filter(|((id, _, _), _)| id == tenant_id);
        for (key, here, there) in pairs(&held, at_venue) {
            let detail = format!("{}: {here} {} here, {there} at the venue", key.1, key.2);
            report.add(ViolationName::PositionDiffersFromVenue, *tenant_id, detail);
        }
        let is_opened = venue.cash.keys().any(|(id, _, _)| id == tenant_id);
        if !is_opened {
            continue;
        }
        let cash = fold.book.cash.iter();
        let cash: BTreeMap<BalanceKey, Decimal> = cash
            .map(|((account, currency), amount)| ((*tenant_id, account.clone(), currency.clone()), *amount))
            .collect();
        let at_venue = venue.cash.iter().filter(|((id, _, _), _)| id == tenant_id);
        for (key, here, there) in pairs(&cash, at_venue) {
            let detail = format!("{}: {here} {} here, {there} at the venue", key.1, key.2);
            report.add(ViolationName::CashDiffersFromVenue, *tenant_id, detail);
        }
    }
}

/// The keys whose values differ; what is absent is zero.
fn pairs<'a>(
    here: &BTreeMap<BalanceKey, Decimal>,
    there: impl Iterator<Item = (&'a BalanceKey, &'a Decimal)>,
) -> Vec<(BalanceKey, Decimal, Decimal)> {
    let mut both: BTreeMap<BalanceKey, (Decimal, Decimal)> =
        here.iter().map(|(key, amount)| (key.clone(), (*amount, Decimal::ZERO))).collect();
    for (key, amount) in there {
        both.entry(key.clone()).or_default().1 = *amount;
    }
    both.into_iter().filter(|(_, (a, b))| a != b).map(|(key, (a, b))| (key, a, b)).collect()
}
