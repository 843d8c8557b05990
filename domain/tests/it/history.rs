//! Random histories of a whole tenant, decided by the desk's and risk's books as the actors do it.

use crate::support::{TENANT, at, currency, dec, opening, qty, symbol, terms};
use bulkhead_domain::desk::{PlaceDecision, PlaceOrder};
use bulkhead_domain::instrument::{Instrument, InstrumentKind};
use bulkhead_domain::invariants::{check_order, check_positions, check_sequence};
use bulkhead_domain::order::{CanceledBy, OrderTerms, Side, UnknownCause};
use bulkhead_domain::report::{ReportKind, VenueCancelCause, VenueReport};
use bulkhead_domain::risk::{PreTrade, Quote};
use bulkhead_domain::tenant::TenantImage;
use bulkhead_domain::{ClientOrderId, Event, EventId, Order, OrderId, Price, RecordedEvent, Symbol};
use proptest::prelude::*;
use std::collections::BTreeMap;
use uuid::Uuid;

pub(crate) fn instrument(name: &str) -> Instrument {
    Instrument {
        symbol: symbol(name),
        kind: InstrumentKind::Spot,
        base: currency("BTC"),
        quote: currency("USDT"),
        price_tick: Price::parse("0.01").unwrap(),
        quantity_step: qty("0.001"),
        quantity_min: qty("0.001"),
        quantity_max: qty("1000"),
        notional_min: Price::parse("1").unwrap(),
        taker_fee_rate: dec("0.001"),
        maker_fee_rate: dec("0.0005"),
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Action {
    Place { other_symbol: bool, sells: bool, lots: u8, price: u8 },
    Hear { pick: usize, what: u8, number: u8 },
    Cancel { pick: usize },
    Doubt { pick: usize },
}

pub(crate) fn actions(length: usize) -> impl Strategy<Value = Vec<Action>> {
    let place = (any::<bool>(), any::<bool>(), 1u8..9, 90u8..110)
        .prop_map(|(other_symbol, sells, lots, price)| Action::Place { other_symbol, sells, lots, price });
    let hear = (any::<usize>(), 0u8..10, 0u8..6).prop_map(|(pick, what, number)| Action::Hear {
        pick,
        what,
        number,
    });
    let action = prop_oneof![
        3 => place,
        8 => hear,
        1 => any::<usize>().prop_map(|pick| Action::Cancel { pick }),
        1 => any::<usize>().prop_map(|pick| Action::Doubt { pick }),
    ];
    prop::collection::vec(action, 0..length)
}

pub(crate) struct History {
    pub(crate) image: TenantImage,
    pub(crate) events: Vec<RecordedEvent>,
    /// Every order there ever was, with the closed ones that the image has forgotten.
    pub(crate) orders: BTreeMap<OrderId, Order>,
}

impl History {
    pub(crate) fn open() -> Self {
        let mut this = Self { image: TenantImage::default(), events: Vec::new(), orders: BTreeMap::new() };
        opening(2, true, "2000").into_iter().for_each(|event| this.commit(event));
        this
    }

    pub(crate) fn run(actions: Vec<Action>) -> Self {
        let mut this = Self::open();
        for action in actions {
            match action {
                Action::Place { other_symbol, sells, lots, price } => {
                    let side = if sells { Side::Sell } else { Side::Buy };
                    let mut terms = terms(side, &format!("{lots}@{price}"));
                    if other_symbol {
                        terms.symbol = symbol("ETH-USDT");
                    }
                    this.place(terms);
                }
                Action::Hear { pick, what, number } => this.hear(pick, what, number),
                Action::Cancel { pick } => {
                    let events =
                        this.pick(pick).and_then(|order| order.decide_cancel(CanceledBy::User, at(0)).ok());
                    this.commit_all(events.unwrap_or_default());
                }
                Action::Doubt { pick } => {
                    let events =
                        this.pick(pick).map(|order| order.decide_unknown(UnknownCause::Timeout, at(0)));
                    this.commit_all(events.unwrap_or_default());
                }
            }
            this.check();
        }
        this
    }

    /// Ends every open order.
    pub(crate) fn close_all(&mut self) {
        let open: Vec<OrderId> = self.image.desk.orders().map(|order| order.id).collect();
        for order_id in open {
            self.report(order_id, ReportKind::Canceled { cause: VenueCancelCause::Unsolicited });
        }
        self.check();
    }

    pub(crate) fn place(&mut self, terms: OrderTerms) {
        let number = self.orders.len() as u128 + 1;
        let place = PlaceOrder {
            order_id: OrderId(Uuid::from_u128(number)),
            client_order_id: ClientOrderId::parse(&format!("client-{number}")).unwrap(),
            terms,
            valid_until: None,
        };
        assert_eq!(self.image.desk.decide_place(&place, true, at(0)), Ok(PlaceDecision::Authorize));
        let quote =
            |_: &Symbol| Some(Quote { bid: Price::parse("99").unwrap(), ask: Price::parse("101").unwrap() });
        let instrument = instrument(place.terms.symbol.as_str());
        let ask = PreTrade { terms: &place.terms, instrument: &instrument, quotes: &quote };
        let authorization = self.image.risk.authorize(&ask).unwrap();
        let event = self.image.desk.decide_authorized(TENANT, place, currency("USDT"), authorization);
        self.commit(event);
    }

    fn pick(&self, pick: usize) -> Option<&Order> {
        self.orders.values().nth(pick % self.orders.len().max(1))
    }

    fn hear(&mut self, pick: usize, what: u8, number: u8) {
        let Some(order_id) = self.pick(pick).map(|order| order.id) else { return };
        let kind = match what {
            0..=4 => crate::support::filled(
                &format!("{order_id}-{number}"),
                &format!("{}@{}", number + 1, 98 + number),
            ),
            5 => crate::support::accepted("v1"),
            6 => crate::support::rejected(),
            7 => crate::support::not_found(),
            8 => crate::support::cancel_rejected(),
            _ => ReportKind::Expired,
        };
        self.report(order_id, kind);
    }

    fn report(&mut self, order_id: OrderId, kind: ReportKind) {
        let order = &self.orders[&order_id];
        let report = VenueReport { venue_client_id: order.venue_client_id.clone(), venue_ts: at(0), kind };
        let decision = order.decide_report(&report, at(self.image.seq));
        self.commit_all(decision.events);
    }

    fn commit_all(&mut self, events: Vec<Event>) {
        events.into_iter().for_each(|event| self.commit(event));
    }

    fn commit(&mut self, event: Event) {
        let seq = self.image.seq + 1;
        let recorded = RecordedEvent {
            seq,
            event_id: EventId(Uuid::from_u128(seq.unsigned_abs().into())),
            recorded_at: at(seq),
            event,
        };
        self.image.apply(&recorded);
        match &recorded.event {
            Event::OrderSubmitted(data) => {
                self.orders.insert(data.order_id, Order::submitted(data, at(seq)));
            }
            Event::OrderDenied(data) => {
                self.orders.insert(data.order_id, Order::denied(data, at(seq)));
            }
            event => {
                if let Some(order) = event.order_id().and_then(|id| self.orders.get_mut(&id)) {
                    order.apply(event, at(seq));
                }
            }
        }
        self.events.push(recorded);
    }

    /// What holds between any two events.
    fn check(&self) {
        check_sequence(0, &self.events).unwrap();
        check_positions(self.events.iter().map(|recorded| &recorded.event), &self.image.portfolio).unwrap();
        self.orders.values().for_each(|order| check_order(order).unwrap());
        let open: Vec<&Order> = self.orders.values().filter(|order| !order.is_closed()).collect();
        assert_eq!(self.image.desk.orders().collect::<Vec<_>>(), open, "memory holds what is open");
        assert_eq!(self.image.desk.open_count(), open.len());
        assert_eq!(self.image.risk.reservation_count(), open.len(), "what is open is reserved, nothing else");
    }
}
