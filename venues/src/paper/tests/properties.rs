//! Random orders, quotes, trades, cancels and restarts: what must hold whatever comes.

use super::rig::{Rig, id, instrument, order, symbol, with};
use crate::link::{RequestKind, VenueMessage};
use crate::market::{Level, MarketEvent, Quote, TradePrint};
use crate::paper::log::{Position, Record, SegmentLimits, read_all};
use crate::paper::state::{State, StateError};
use crate::paper::{PaperInput, PaperVenue};
use bulkhead_domain::order::{Liquidity, Side, TimeInForce};
use bulkhead_domain::report::{ReportKind, VenueReport};
use bulkhead_domain::{Price, Qty, VenueClientId};
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, HashMap};
use std::fs::OpenOptions;
use std::sync::Arc;

#[derive(Debug, Clone)]
enum Act {
    Submit { tenant: u128, name: u8, side: Side, thousandths: i64, ticks: Option<i64>, tif: TimeInForce },
    Cancel { tenant: u128, name: u8 },
    Quote { mid: i64, sizes: Vec<i64> },
    Print { ticks: i64, thousandths: i64, aggressor: Side },
    Restart,
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

fn act() -> impl Strategy<Value = Act> {
    let tif = prop_oneof![5 => Just(TimeInForce::Gtc), 2 => Just(TimeInForce::Gtd), 1 => Just(TimeInForce::Ioc), 1 => Just(TimeInForce::Fok)];
    let submit = (1..4u128, any::<u8>(), side(), 0..3_000i64, proptest::option::of(9_985..10_015i64), tif);
    prop_oneof![
        8 => submit.prop_map(|(tenant, name, side, thousandths, ticks, tif)| Act::Submit {
            tenant, name, side, thousandths, ticks, tif
        }),
        1 => (1..4u128, any::<u8>()).prop_map(|(tenant, name)| Act::Cancel { tenant, name }),
        4 => (9_990..10_010i64, proptest::collection::vec(0..2_000i64, 0..8))
            .prop_map(|(mid, sizes)| Act::Quote { mid, sizes }),
        3 => (9_985..10_015i64, 1..2_000i64, side())
            .prop_map(|(ticks, thousandths, aggressor)| Act::Print { ticks, thousandths, aggressor }),
        1 => Just(Act::Restart),
    ]
}

fn at(ticks: i64) -> Price {
    Price::try_from(Decimal::new(ticks, 2)).unwrap()
}

fn size(thousandths: i64) -> Qty {
    Qty::try_from(Decimal::new(thousandths, 3)).unwrap()
}

fn book(mid: i64, sizes: &[i64]) -> (Arc<[Level]>, Arc<[Level]>) {
    let side = |parity: usize, sign: i64| {
        let sizes = sizes.iter().skip(parity).step_by(2);
        sizes
            .zip(1..)
            .map(|(size_of, gap)| Level { price: at(mid + sign * gap), quantity: size(*size_of) })
            .collect()
    };
    (side(0, -1), side(1, 1))
}

/// What the market offers each account until the next quote, or within one trade; fills are taken from it.
#[derive(Default)]
struct Offer {
    displayed: HashMap<(u128, Side), Qty>,
    total: HashMap<Side, Qty>,
}

impl Offer {
    fn new(bids: &[Level], asks: &[Level]) -> Self {
        let sum = |levels: &[Level]| levels.iter().fold(Qty::ZERO, |sum, level| sum.plus(level.quantity));
        Self {
            displayed: HashMap::new(),
            total: HashMap::from([(Side::Buy, sum(asks)), (Side::Sell, sum(bids))]),
        }
    }

    fn take(&mut self, tenant: u128, side: Side, quantity: Qty) {
        let used = self.displayed.entry((tenant, side)).or_insert(Qty::ZERO);
        *used = used.plus(quantity);
        assert!(*used <= self.total.get(&side).copied().unwrap_or(Qty::ZERO), "only displayed size is sold");
    }
}

struct Run {
    rig: Rig,
    offer: Offer,
    sides: HashMap<(u128, VenueClientId), Side>,
}

impl Run {
    fn act(&mut self, act: Act) {
        match act {
            Act::Submit { tenant, name, side, thousandths, ticks, tif } => {
                let mut submitted = with(tif, order(&format!("o{name}"), side, "1"));
                submitted.quantity = size(thousandths);
                submitted.post_only = thousandths % 5 == 0;
                if tif == TimeInForce::Gtd {
                    submitted.expires_at = Some(self.rig.now.plus_micros(thousandths));
                }
                if let Some(ticks) = ticks {
                    submitted.kind = bulkhead_domain::order::OrderKind::Limit { price: at(ticks) };
                }
                self.sides.entry((tenant, submitted.venue_client_id.clone())).or_insert(side);
                let input = self.rig.request(tenant, RequestKind::Submit(submitted));
                self.step(input, None);
            }
            Act::Cancel { tenant, name } => {
                let kind = RequestKind::Cancel { venue_client_id: id(&format!("o{name}")) };
                let input = self.rig.request(tenant, kind);
                self.step(input, None);
            }
            Act::Quote { mid, sizes } => {
                let (bids, asks) = book(mid, &sizes);
                self.offer = Offer::new(&bids, &asks);
                self.rig.generation += 1;
                let generation = self.rig.generation;
                let quote = Quote { symbol: symbol(), bids, asks, ts: self.rig.now, generation };
                self.step(PaperInput::Market(MarketEvent::Quote(quote)), None);
            }
            Act::Print { ticks, thousandths, aggressor } => {
                let (price, quantity, ts) = (at(ticks), size(thousandths), self.rig.now);
                let print = TradePrint { symbol: symbol(), price, quantity, aggressor, ts, trade_id: 1 };
                self.step(PaperInput::Market(MarketEvent::Trade(print)), Some(quantity));
            }
            Act::Restart => {
                self.rig.restart();
                self.offer = Offer::default();
            }
        }
    }

    /// Checks that what fills was on offer: from the quote, or from a trade of the size `print`.
    fn step(&mut self, input: PaperInput, print: Option<Qty>) {
        self.rig.now = self.rig.now.plus_micros(10);
        let mut of_print: HashMap<u128, Qty> = HashMap::new();
        for output in self.rig.venue.step(self.rig.now, [input]).unwrap() {
            let VenueMessage::Report(VenueReport { venue_client_id, kind, .. }) = output.message else {
                continue;
            };
            let ReportKind::Filled { execution, .. } = kind else { continue };
            let tenant = output.account.tenant_id.0.as_u128();
            match print {
                None => self.offer.take(tenant, self.sides[&(tenant, venue_client_id)], execution.quantity),
                Some(size) => {
                    assert_eq!(execution.liquidity, Liquidity::Maker);
                    let used = of_print.entry(tenant).or_insert(Qty::ZERO);
                    *used = used.plus(execution.quantity);
                    assert!(*used <= size, "a trade's size counts once per account");
                }
            }
        }
    }
}

/// Balances and order states from the log alone, by other code than the venue's.
fn check_log(rig: &mut Rig) {
    // Whatever has an end is over by then, so that asking changes nothing more.
    rig.now = rig.now.plus_micros(10_000);
    rig.venue.step(rig.now, Vec::new()).unwrap();
    let mut balances: BTreeMap<(u128, String), Decimal> = BTreeMap::new();
    let mut quantities: HashMap<String, (Qty, Qty, bool)> = HashMap::new();
    let mut fill_counts: HashMap<u128, u64> = HashMap::new();
    for line in read_all(rig.dir.path()).unwrap() {
        match line.record {
            Record::AccountOpened(opened) => {
                let entry = (opened.key.tenant_id.0.as_u128(), opened.funding.currency.to_string());
                *balances.entry(entry).or_default() += opened.funding.amount.get();
            }
            Record::Accepted(accepted) => {
                let known = (accepted.order.quantity, Qty::ZERO, false);
                assert!(quantities.insert(accepted.venue_order_id.to_string(), known).is_none());
            }
            Record::Filled(filled) => {
                let tenant = filled.key.tenant_id.0.as_u128();
                let (quantity, sum, is_over) = quantities.get_mut(filled.venue_order_id.as_str()).unwrap();
                *sum = sum.plus(filled.execution.quantity);
                assert!(!*is_over && *sum <= *quantity && *sum == filled.filled_quantity);
                assert_eq!(filled.closed, *sum == *quantity);
                *is_over = filled.closed;
                let fill_count = fill_counts.entry(tenant).or_default();
                *fill_count += 1;
                assert_eq!(filled.fill_n, *fill_count);
                let signed = filled.side.signed(filled.execution.quantity).get();
                *balances.entry((tenant, "BTC".to_owned())).or_default() += signed;
                *balances.entry((tenant, "USDT".to_owned())).or_default() -=
                    signed * filled.execution.price.get() + filled.execution.fee.get();
            }
            Record::Canceled(canceled) => {
                let (_, sum, is_over) = quantities.get_mut(canceled.venue_order_id.as_str()).unwrap();
                assert!(!*is_over && *sum == canceled.filled_quantity);
                *is_over = true;
            }
            Record::Expired(expired) => {
                let (_, sum, is_over) = quantities.get_mut(expired.venue_order_id.as_str()).unwrap();
                assert!(!*is_over && *sum == expired.filled_quantity);
                *is_over = true;
            }
            _ => {}
        }
    }
    for tenant in 1..=3 {
        for currency in ["BTC", "USDT"] {
            let expected = balances.get(&(tenant, currency.to_owned())).copied().unwrap_or_default();
            assert_eq!(rig.balance(tenant, currency), expected, "tenant {tenant} {currency}");
        }
    }
    let open = quantities.values().filter(|(_, _, is_over)| !is_over).count();
    assert_eq!(open, rig.venue.state.orders.len());
}

fn without_queues(mut state: State) -> State {
    state.orders.values_mut().for_each(|order| order.queue_ahead = Qty::ZERO);
    state
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn money_and_sizes_are_conserved(
        acts in proptest::collection::vec(act(), 1..150),
        closed_max in prop_oneof![Just(5usize), Just(100_000)],
    ) {
        let rig = Rig::with_segments(SegmentLimits { closed_max, bytes_max: 1 << 25 });
        let mut run = Run { rig, offer: Offer::default(), sides: HashMap::new() };
        for act in acts {
            run.act(act);
        }
        check_log(&mut run.rig);
        let before = without_queues(run.rig.venue.state.clone());
        run.rig.restart();
        prop_assert_eq!(before, without_queues(run.rig.venue.state.clone()));
    }

    #[test]
    fn any_cut_of_the_log_opens_to_a_prefix(
        acts in proptest::collection::vec(act(), 1..60),
        cut in 0.0..1.0f64,
    ) {
        let rig = Rig::new();
        let mut run = Run { rig, offer: Offer::default(), sides: HashMap::new() };
        for act in acts {
            run.act(act);
        }
        let lines = read_all(run.rig.dir.path()).unwrap();
        run.rig.close();
        let path = run.rig.dir.path().join("segment-0000000001.jsonl");
        let bytes = std::fs::read(&path).unwrap();
        let first = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a small length")]
        let length = first + (cut * (bytes.len() - first) as f64) as usize;
        OpenOptions::new().write(true).open(&path).unwrap().set_len(length as u64).unwrap();
        let reopened = PaperVenue::open(run.rig.dir.path(), &[instrument()]).unwrap();
        let kept = read_all(run.rig.dir.path()).unwrap();
        prop_assert!(kept.len() <= lines.len());
        prop_assert_eq!(&kept[..], &lines[..kept.len()]);
        let mut state = State::default();
        let folded: Result<(), StateError> = kept.iter().try_for_each(|line| {
            // Positions matter only to look-ups.
            state.apply(&line.record, Position { segment: 1, offset: 0 })
        });
        prop_assert!(folded.is_ok());
        let balances = |state: &State| state.accounts.iter().map(|account| account.balances.clone()).collect::<Vec<_>>();
        prop_assert_eq!(balances(&state), balances(&reopened.state));
        prop_assert_eq!(state.orders.len(), reopened.state.orders.len());
        drop(reopened);
        run.rig.restart();
        if run.rig.venue.state.by_key.len() == 3 {
            run.offer = Offer::default();
            run.act(Act::Quote { mid: 10_000, sizes: vec![1_000_000; 4] });
            let filled = run.rig.fills(2, order("later", Side::Buy, "0.5"));
            prop_assert_eq!(filled.len(), 1);
            check_log(&mut run.rig);
        }
    }
}
