//! Features: known names, nothing from the future, nothing that is not finite.

use bulkhead_quant::{
    QuantError,
    feature::{
        BAR_FEATURES, BOOK_FEATURES, BarFeatures, BookFeatures, BookState, Level, Row, TimedBar, TradeFlow,
    },
    indicator::Bar,
    random::SplitMix64,
};
use proptest::prelude::*;

/// More than the longest memory of a feature that forgets.
const COUNT: usize = 160;

fn bars(seed: u64) -> Vec<TimedBar> {
    let mut random = SplitMix64::new(seed);
    let mut price: f64 = 50.0;
    (0..COUNT)
        .map(|index| {
            let open = price;
            price *= (0.01 * random.normal()).exp();
            let bar = Bar {
                open,
                high: open.max(price) * (1.0 + 0.01 * random.uniform()),
                low: open.min(price) * (1.0 - 0.01 * random.uniform()),
                close: price,
                volume: 10.0 + 100.0 * random.uniform(),
            };
            let minute = u32::try_from(index).unwrap();
            TimedBar { bar, second_of_day: minute * 60, day_of_week: u8::try_from(index % 7).unwrap() }
        })
        .collect()
}

/// A book that a test owns.
#[derive(Debug, Clone)]
struct Book {
    bids: Vec<Level>,
    asks: Vec<Level>,
    trades: TradeFlow,
}

impl Book {
    fn state(&self) -> BookState<'_> {
        BookState { bids: &self.bids, asks: &self.asks, trades: self.trades }
    }
}

fn books(seed: u64) -> Vec<Book> {
    let mut random = SplitMix64::new(seed);
    let mut middle = 1000.0;
    (0..COUNT)
        .map(|_| {
            middle += (3.0 * random.normal()).round();
            let mut levels = |sign: f64| -> Vec<Level> {
                let count = 1 + random.below(15);
                let level = |depth: usize| Level {
                    price: middle + sign * (1.0 + depth as f64),
                    size: 1.0 + (10.0 * random.uniform()).floor(),
                };
                (0..count).map(level).collect()
            };
            let (bids, asks) = (levels(-1.0), levels(1.0));
            let trades = TradeFlow {
                buy_size: (5.0 * random.uniform()).floor(),
                sell_size: (5.0 * random.uniform()).floor(),
                buy_count: 2,
                sell_count: 1,
            };
            Book { bids, asks, trades }
        })
        .collect()
}

fn bar_rows(bars: &[TimedBar]) -> Vec<Row> {
    let mut features = BarFeatures::new().unwrap();
    bars.iter().map(|bar| features.update(*bar).unwrap()).collect()
}

fn book_rows(books: &[Book]) -> Vec<Row> {
    let mut features = BookFeatures::new().unwrap();
    books.iter().map(|book| features.update(book.state()).unwrap()).collect()
}

fn feature(names: &[&str], row: &Row, name: &str) -> Option<f64> {
    row[names.iter().position(|other| *other == name).unwrap_or_else(|| panic!("no feature {name}"))]
}

/// Fails unless features stay known once they are, all are at last, and all are finite.
fn check_rows(names: &[&str], rows: &[Row]) {
    for pair in rows.windows(2) {
        for ((name, before), after) in names.iter().zip(&pair[0]).zip(&pair[1]) {
            assert!(before.is_none() || after.is_some() || name.contains("slope"), "{name} is known no more");
        }
    }
    for row in rows {
        assert_eq!(row.len(), names.len());
        assert!(row.iter().flatten().all(|value| value.is_finite()));
    }
    for (index, name) in names.iter().enumerate() {
        assert!(rows.iter().skip(COUNT / 2).any(|row| row[index].is_some()), "{name} is never known");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_future_does_not_change_the_past(first in any::<u64>(), second in any::<u64>(), at in 1..COUNT) {
        let mut changed = bars(first);
        changed[at..].clone_from_slice(&bars(second)[at..]);
        prop_assert!(bar_rows(&changed)[..at] == bar_rows(&bars(first))[..at]);
        let mut changed = books(first);
        changed[at..].clone_from_slice(&books(second)[at..]);
        prop_assert!(book_rows(&changed)[..at] == book_rows(&books(first))[..at]);
    }

    #[test]
    fn rows_are_finite_and_stay_known(seed in any::<u64>()) {
        check_rows(BAR_FEATURES, &bar_rows(&bars(seed)));
        check_rows(BOOK_FEATURES, &book_rows(&books(seed)));
    }

    #[test]
    fn stored_and_restored_goes_on_the_same(seed in any::<u64>(), at in 0..COUNT) {
        let mut features = BarFeatures::new().unwrap();
        bars(seed)[..at].iter().for_each(|bar| drop(features.update(*bar).unwrap()));
        let stored = serde_json::to_string(&features).unwrap();
        let mut restored: BarFeatures = serde_json::from_str(&stored).unwrap();
        let rows: Vec<Row> = bars(seed)[at..].iter().map(|bar| restored.update(*bar).unwrap()).collect();
        prop_assert!(rows == bar_rows(&bars(seed))[at..]);

        let mut features = BookFeatures::new().unwrap();
        books(seed)[..at].iter().for_each(|book| drop(features.update(book.state()).unwrap()));
        let stored = serde_json::to_string(&features).unwrap();
        let mut restored: BookFeatures = serde_json::from_str(&stored).unwrap();
        let rows: Vec<Row> = books(seed)[at..].iter().map(|book| restored.update(book.state()).unwrap()).collect();
        prop_assert!(rows == book_rows(&books(seed))[at..]);
    }

    #[test]
    fn units_do_not_matter(seed in any::<u64>(), exponent in -20_i32..20) {
        let unit = 2_f64.powi(exponent);
        let scaled: Vec<TimedBar> = bars(seed).into_iter().map(|timed| {
            let Bar { open, high, low, close, volume } = timed.bar;
            let bar = Bar { open: open * unit, high: high * unit, low: low * unit, close: close * unit, volume: volume * unit };
            TimedBar { bar, ..timed }
        }).collect();
        for (want, got) in bar_rows(&bars(seed)).iter().zip(&bar_rows(&scaled)) {
            for (name, (want, got)) in BAR_FEATURES.iter().zip(want.iter().zip(got)) {
                let close = want.zip(*got).map_or(want == got, |(want, got)| (want - got).abs() < 1e-9);
                prop_assert!(close, "{name}: {got:?} for {want:?}");
            }
        }
    }

    #[test]
    fn anything_is_taken_or_refused(numbers in prop::collection::vec(any::<f64>(), 8), sorted in any::<bool>()) {
        let mut n = numbers;
        if sorted {
            n.iter_mut().for_each(|value| *value = value.abs());
            n.sort_by(f64::total_cmp);
        }
        let bar = Bar { low: n[0], open: n[1], close: n[2], high: n[3], volume: n[4] };
        let mut features = BarFeatures::new().unwrap();
        for timed in bars(1).into_iter().chain([TimedBar { bar, second_of_day: 0, day_of_week: 0 }]) {
            if let Ok(row) = features.update(timed) {
                prop_assert!(row.iter().flatten().all(|value| value.is_finite()));
            }
        }
        let level = |price: f64, size: f64| Level { price, size };
        let wild = Book {
            bids: vec![level(n[1], n[6]), level(n[0], n[5])],
            asks: vec![level(n[2], n[4]), level(n[3], n[7])],
            trades: TradeFlow { buy_size: n[4], sell_size: n[5], buy_count: u32::MAX, sell_count: 0 },
        };
        let mut features = BookFeatures::new().unwrap();
        for book in books(1).into_iter().chain([wild]) {
            if let Ok(row) = features.update(book.state()) {
                prop_assert!(row.iter().flatten().all(|value| value.is_finite()));
            }
        }
    }
}

#[test]
fn there_are_more_than_fifty_with_names_of_their_own() {
    let mut names: Vec<&str> = BAR_FEATURES.iter().chain(BOOK_FEATURES).copied().collect();
    let count = names.len();
    assert!(count >= 50, "{count}");
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn a_book_is_read_as_published() {
    let level = |price: f64, size: f64| Level { price, size };
    let first = Book {
        bids: vec![level(99.0, 4.0), level(98.0, 6.0)],
        asks: vec![level(101.0, 12.0), level(102.0, 8.0)],
        trades: TradeFlow { buy_size: 3.0, sell_size: 1.0, buy_count: 1, sell_count: 1 },
    };
    let second = Book { bids: vec![level(100.0, 5.0)], asks: vec![level(101.0, 10.0)], ..first.clone() };
    let mut features = BookFeatures::new().unwrap();
    let row = features.update(first.state()).unwrap();
    let close = |name: &str, want: f64| {
        let got = feature(BOOK_FEATURES, &row, name).unwrap();
        assert!((got - want).abs() < 1e-12, "{name}: {got}");
    };
    close("spread", 0.02);
    // 99 + 2 * 4 / 16 = 99.5 is half a unit below the middle of 100, and a quarter of the spread.
    close("microprice", -0.25);
    close("imbalance_1", (4.0 - 12.0) / 16.0);
    close("imbalance_10", (10.0 - 20.0) / 30.0);
    close("trade_sign", 0.5);
    close("bid_concentration", 0.4);
    // Of the size of 10, 6 lie one unit below 99.
    close("bid_distance_10", 0.6 / 99.0);
    assert_eq!(feature(BOOK_FEATURES, &row, "order_flow_1"), None);
    // A better bid of 5 came, and 2 of the 12 on the ask went; the depth is known only after 50 states.
    let mut rows = vec![features.update(second.state()).unwrap()];
    for _ in 0..48 {
        rows.push(features.update(second.state()).unwrap());
    }
    let total = feature(BOOK_FEATURES, rows.last().unwrap(), "order_flow_10");
    assert_eq!(total, Some(0.0));
}

#[test]
fn bars_and_books_that_cannot_be_are_refused_and_change_nothing() {
    let mut features = BarFeatures::new().unwrap();
    let good = bars(2);
    good[..90].iter().for_each(|bar| drop(features.update(*bar).unwrap()));
    let before = features.clone();
    let late = TimedBar { second_of_day: 86_400, ..good[90] };
    let negative = TimedBar { bar: Bar { low: -1.0, ..good[90].bar }, ..good[90] };
    let unknown = TimedBar { bar: Bar { close: f64::NAN, ..good[90].bar }, ..good[90] };
    for bad in [late, negative, unknown, TimedBar { day_of_week: 7, ..good[90] }] {
        assert!(features.update(bad).is_err());
        assert_eq!(features, before);
    }

    let mut features = BookFeatures::new().unwrap();
    let book = books(2).remove(0);
    let crossed = BookState { bids: &book.asks, asks: &book.bids, ..book.state() };
    assert!(features.update(crossed).is_err());
    let empty = BookState { bids: &[], ..book.state() };
    assert_eq!(features.update(empty), Err(QuantError::TooFew { what: "bids", needed: 1, got: 0 }));
    assert_eq!(features, BookFeatures::new().unwrap());
}
