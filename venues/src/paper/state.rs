//! Accounts and open orders: a fold of the log's lines, live and on recovery by the same code.

use super::log::{AccountRecord, FilledRecord, OrderRecord, Position, Record, StateRecord};
use crate::link::{Funding, SubmitOrder, VenueAccountKey};
use bulkhead_domain::order::Side;
use bulkhead_domain::{Amount, Currency, Qty, Timestamp, VenueClientId, VenueOrderId};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Every so many fills of an account its log position is remembered, so that paging begins near the page.
pub(super) const FILL_MARK_STRIDE: u64 = 512;

/// One account at the venue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) key: VenueAccountKey,
    pub(super) opened_with: Funding,
    pub(super) balances: BTreeMap<Currency, Amount>,
    pub(super) fill_n: u64,
    pub(super) last_fill: Option<Position>,
    pub(super) fill_marks: Vec<Position>,
    /// Open orders by the id they came with.
    pub(super) orders: HashMap<VenueClientId, u64>,
}

/// An order that may still be filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LiveOrder {
    pub(super) number: u64,
    pub(super) account: usize,
    pub(super) venue_order_id: VenueOrderId,
    pub(super) order: SubmitOrder,
    pub(super) filled: Qty,
    /// What was displayed before it at its price when it came to rest, less what has traded there since.
    /// Logged only at a segment's start, so a restart may lengthen the queue, never shorten it.
    pub(super) queue_ahead: Qty,
    /// When it expires, by the venue's clock.
    pub(super) ends_at: Option<Timestamp>,
    pub(super) last: Position,
}

impl LiveOrder {
    pub(super) fn leaves(&self) -> Qty {
        self.order.quantity.saturating_minus(self.filled)
    }
}

/// A line that does not fit what came before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum StateError {
    #[error("the account was never opened")]
    UnknownAccount,
    #[error("the order was never accepted or is already closed")]
    UnknownOrder,
    #[error("the venue_order_id is not one of this venue")]
    ForeignOrderId,
}

/// All accounts and open orders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) next_order: u64,
    pub(super) accounts: Vec<Account>,
    pub(super) by_key: HashMap<VenueAccountKey, usize>,
    pub(super) orders: HashMap<u64, LiveOrder>,
    /// Open orders that end by themselves, by when.
    ends: BTreeSet<(Timestamp, u64)>,
}

/// The venue's name for its order with this number.
pub(super) fn venue_order_id(number: u64) -> VenueOrderId {
    VenueOrderId::parse(&format!("P{number}")).expect("a letter and digits are printable and short")
}

fn order_number(id: &VenueOrderId) -> Result<u64, StateError> {
    id.as_str().strip_prefix('P').and_then(|digits| digits.parse().ok()).ok_or(StateError::ForeignOrderId)
}

impl State {
    pub(super) fn account(&self, index: usize) -> &Account {
        self.accounts.get(index).expect("accounts are never removed")
    }

    pub(super) fn find_order(&self, key: &VenueAccountKey, id: &VenueClientId) -> Option<&LiveOrder> {
        let account = self.account(*self.by_key.get(key)?);
        self.orders.get(account.orders.get(id)?)
    }

    /// The next order that ends by itself, and when.
    pub(super) fn next_end(&self) -> Option<(Timestamp, u64)> {
        self.ends.first().copied()
    }

    /// Folds one line in.
    pub(super) fn apply(&mut self, record: &Record, at: Position) -> Result<(), StateError> {
        match record {
            Record::State(record) => self.load(record),
            Record::AccountOpened(opened) => {
                let balances = BTreeMap::from([(opened.funding.currency.clone(), opened.funding.amount)]);
                self.insert_account(Account {
                    key: opened.key.clone(),
                    opened_with: opened.funding.clone(),
                    balances,
                    fill_n: 0,
                    last_fill: None,
                    fill_marks: Vec::new(),
                    orders: HashMap::new(),
                });
            }
            Record::Deposit(deposit) => {
                let account = self.account_mut(&deposit.key)?;
                add(account, &deposit.funding.currency, deposit.funding.amount);
            }
            Record::Accepted(accepted) => {
                let account = *self.by_key.get(&accepted.key).ok_or(StateError::UnknownAccount)?;
                let number = order_number(&accepted.venue_order_id)?;
                self.next_order = self.next_order.max(number + 1);
                self.insert_order(LiveOrder {
                    number,
                    account,
                    venue_order_id: accepted.venue_order_id.clone(),
                    order: accepted.order.clone(),
                    filled: Qty::ZERO,
                    queue_ahead: Qty::ZERO,
                    ends_at: accepted.ends_at,
                    last: at,
                });
            }
            Record::Filled(filled) => self.apply_fill(filled, at)?,
            Record::Canceled(canceled) => self.close(order_number(&canceled.venue_order_id)?)?,
            Record::Expired(expired) => self.close(order_number(&expired.venue_order_id)?)?,
            Record::Rejected(_) | Record::Barred(_) => {}
        }
        Ok(())
    }

    fn apply_fill(&mut self, filled: &FilledRecord, at: Position) -> Result<(), StateError> {
        let number = order_number(&filled.venue_order_id)?;
        let order = self.orders.get_mut(&number).ok_or(StateError::UnknownOrder)?;
        order.filled = filled.filled_quantity;
        order.last = at;
        let account = self.accounts.get_mut(order.account).expect("accounts are never removed");
        let execution = &filled.execution;
        let quantity = Amount::from(execution.quantity.get());
        let notional = execution.price.notional(execution.quantity);
        let (base, quote) = match filled.side {
            Side::Buy => (quantity, Amount::ZERO.minus(notional)),
            Side::Sell => (Amount::ZERO.minus(quantity), notional),
        };
        add(account, &filled.base, base);
        add(account, &execution.fee_currency, quote.minus(execution.fee));
        account.fill_n = filled.fill_n;
        account.last_fill = Some(at);
        if filled.fill_n.is_multiple_of(FILL_MARK_STRIDE) {
            account.fill_marks.push(at);
        }
        if filled.closed { self.close(number) } else { Ok(()) }
    }

    fn close(&mut self, number: u64) -> Result<(), StateError> {
        let order = self.orders.remove(&number).ok_or(StateError::UnknownOrder)?;
        let account = self.accounts.get_mut(order.account).expect("accounts are never removed");
        account.orders.remove(&order.order.venue_client_id);
        if let Some(ends_at) = order.ends_at {
            self.ends.remove(&(ends_at, number));
        }
        Ok(())
    }

    fn account_mut(&mut self, key: &VenueAccountKey) -> Result<&mut Account, StateError> {
        let index = *self.by_key.get(key).ok_or(StateError::UnknownAccount)?;
        Ok(self.accounts.get_mut(index).expect("accounts are never removed"))
    }

    fn insert_account(&mut self, account: Account) {
        self.by_key.insert(account.key.clone(), self.accounts.len());
        self.accounts.push(account);
    }

    fn insert_order(&mut self, order: LiveOrder) {
        let account = self.accounts.get_mut(order.account).expect("accounts are never removed");
        account.orders.insert(order.order.venue_client_id.clone(), order.number);
        self.ends.extend(order.ends_at.map(|ends_at| (ends_at, order.number)));
        self.orders.insert(order.number, order);
    }

    /// What a new segment begins with.
    pub(super) fn record(&self) -> StateRecord {
        let account = |account: &Account| AccountRecord {
            key: account.key.clone(),
            opened_with: account.opened_with.clone(),
            balances: account.balances.clone(),
            fill_n: account.fill_n,
            last_fill: account.last_fill,
            fill_marks: account.fill_marks.clone(),
        };
        let order = |order: &LiveOrder| OrderRecord {
            key: self.account(order.account).key.clone(),
            number: order.number,
            venue_order_id: order.venue_order_id.clone(),
            order: order.order.clone(),
            filled_quantity: order.filled,
            queue_ahead: order.queue_ahead,
            ends_at: order.ends_at,
            last: order.last,
        };
        let mut orders: Vec<OrderRecord> = self.orders.values().map(order).collect();
        orders.sort_unstable_by_key(|order| order.number);
        StateRecord {
            next_order: self.next_order,
            accounts: self.accounts.iter().map(account).collect(),
            orders,
        }
    }

    fn load(&mut self, record: &StateRecord) {
        *self = Self { next_order: record.next_order, ..Self::default() };
        for account in &record.accounts {
            self.insert_account(Account {
                key: account.key.clone(),
                opened_with: account.opened_with.clone(),
                balances: account.balances.clone(),
                fill_n: account.fill_n,
                last_fill: account.last_fill,
                fill_marks: account.fill_marks.clone(),
                orders: HashMap::new(),
            });
        }
        for order in &record.orders {
            // An order of an account that the same record lacks cannot have been written by this venue.
            if let Some(account) = self.by_key.get(&order.key).copied() {
                self.insert_order(LiveOrder {
                    number: order.number,
                    account,
                    venue_order_id: order.venue_order_id.clone(),
                    order: order.order.clone(),
                    filled: order.filled_quantity,
                    queue_ahead: order.queue_ahead,
                    ends_at: order.ends_at,
                    last: order.last,
                });
            }
        }
    }
}

fn add(account: &mut Account, currency: &Currency, amount: Amount) {
    match account.balances.get_mut(currency) {
        Some(balance) => *balance = balance.plus(amount),
        None => {
            account.balances.insert(currency.clone(), amount);
        }
    }
}
