//! Lots by method: worked examples, picked lots, and the sum that no method changes.

use crate::support::{at, currency, dec, price, qty};
use bulkhead_domain::lots::{Lot, LotBook, LotFill, LotMethod, LotPick, LotPickError};
use bulkhead_domain::order::Side;
use bulkhead_domain::{Amount, ExecutionId, Price, Qty};
use proptest::prelude::*;
use rust_decimal::Decimal;

const METHODS: [LotMethod; 3] = [LotMethod::Fifo, LotMethod::Lifo, LotMethod::Average];

fn execution(number: usize) -> ExecutionId {
    ExecutionId::parse(&format!("e{number}")).unwrap()
}

/// `fill(1, "buy 2@100")`, with a fee of one.
fn fill(number: usize, text: &str) -> LotFill {
    let (side, rest) = text.split_once(' ').unwrap();
    let (quantity, at_price) = rest.split_once('@').unwrap();
    LotFill {
        execution_id: execution(number),
        side: if side == "buy" { Side::Buy } else { Side::Sell },
        quantity: qty(quantity),
        price: price(at_price),
        fee: Amount::from(dec("1")),
        at: at(i64::try_from(number).unwrap()),
    }
}

fn booked(method: LotMethod, texts: &[&str]) -> LotBook {
    let mut book = LotBook::new(method, currency("USDT"));
    texts.iter().enumerate().for_each(|(number, text)| book.book(&fill(number, text)));
    book
}

/// Each lot as `execution quantity@price fees`, in the order in which they are closed.
fn shown(book: &LotBook) -> Vec<String> {
    let one = |lot: &Lot| format!("{} {}@{} {}", lot.execution_id, lot.quantity, lot.price(), lot.fees);
    book.lots().map(one).collect()
}

fn pick(number: usize, quantity: &str) -> LotPick {
    LotPick { execution_id: execution(number), quantity: qty(quantity) }
}

#[test]
fn each_method_closes_its_own_lots() {
    let fills = ["buy 2@100", "buy 2@120", "sell 3@130"];
    for (method, lots, realized) in [
        (LotMethod::Fifo, "e1 1@120 0.5", "70"),
        (LotMethod::Lifo, "e0 1@100 0.5", "50"),
        (LotMethod::Average, "e0 1@110 0.5", "60"),
    ] {
        let book = booked(method, &fills);
        assert_eq!(shown(&book), [lots], "{method:?}");
        assert_eq!(book.realized_pnl().get(), dec(realized), "{method:?}");
        assert_eq!(book.closed_fees().get(), dec("2.5"), "{method:?}");
        assert_eq!(book.realized_pnl().plus(book.unrealized_pnl(dec("140"))).get(), dec("90"), "{method:?}");
    }
}

#[test]
fn turning_opens_a_lot_of_the_rest_with_the_rest_of_the_fee() {
    for method in METHODS {
        let book = booked(method, &["buy 1@100", "sell 4@110", "sell 4@90"]);
        let lots = match method {
            LotMethod::Fifo => vec!["e1 -3@110 0.75", "e2 -4@90 1"],
            LotMethod::Lifo => vec!["e2 -4@90 1", "e1 -3@110 0.75"],
            LotMethod::Average => vec!["e1 -7@98.5714285714285714 1.75"],
        };
        assert_eq!(shown(&book), lots, "{method:?}");
        assert_eq!((book.realized_pnl().get(), book.closed_fees().get()), (dec("10"), dec("1.25")));
        assert_eq!(book.quantity().get(), dec("-7"));
    }
}

#[test]
fn picked_lots_are_closed_and_no_others() {
    let mut book = booked(LotMethod::Fifo, &["buy 2@100", "buy 2@120", "buy 2@110"]);
    book.book_specific(&fill(3, "sell 3@130"), &[pick(1, "2"), pick(2, "1")]).unwrap();
    assert_eq!(shown(&book), ["e0 2@100 1", "e2 1@110 0.5"]);
    assert_eq!((book.realized_pnl().get(), book.closed_fees().get()), (dec("40"), dec("2.5")));
    assert_eq!(book.quantity().get(), dec("3"));
}

#[test]
fn a_pick_that_does_not_fit_changes_nothing() {
    let mut book = booked(LotMethod::Fifo, &["buy 2@100", "buy 2@120"]);
    let before = book.clone();
    let sum = LotPickError::SumDiffers { picked: dec("2"), filled: qty("3") };
    let much = LotPickError::TooMuch { lot: execution(1), open: dec("1"), asked: dec("2") };
    for (text, picks, expected) in [
        ("sell 3@130", vec![pick(0, "2")], sum),
        ("sell 3@130", vec![pick(9, "3")], LotPickError::UnknownLot(execution(9))),
        ("sell 3@130", vec![pick(1, "1"), pick(1, "2")], much),
        ("buy 1@130", vec![pick(0, "1")], LotPickError::SameSide(execution(0))),
    ] {
        assert_eq!(book.book_specific(&fill(5, text), &picks), Err(expected), "{text}");
        assert_eq!(book, before, "{text}");
    }
    let mut averaged = booked(LotMethod::Average, &["buy 2@100"]);
    assert_eq!(averaged.book_specific(&fill(5, "sell 1@130"), &[pick(0, "1")]), Err(LotPickError::Averaged));
}

fn fills() -> impl Strategy<Value = Vec<(i64, i64, bool, i64)>> {
    prop::collection::vec((1i64..2_000_000, 1i64..9_000_000_000, any::<bool>(), 0i64..1_000_000), 1..60)
}

proptest! {
    /// The sum of realised and unrealised profit, and of open and closed fees, is the same by every method: what the
    /// fills themselves say.
    #[test]
    fn every_method_splits_the_same_money(fills in fills(), mark in 1i64..9_000_000_000) {
        let mark = Decimal::new(mark, 4);
        let mut books = METHODS.map(|method| LotBook::new(method, currency("USDT")));
        let (mut cash, mut held, mut fees) = (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
        for (number, (quantity, price, buys, fee)) in fills.into_iter().enumerate() {
            let one = LotFill {
                execution_id: execution(number),
                side: if buys { Side::Buy } else { Side::Sell },
                quantity: Qty::try_from(Decimal::new(quantity, 5)).unwrap(),
                price: Price::try_from(Decimal::new(price, 4)).unwrap(),
                fee: Amount::from(Decimal::new(fee, 7)),
                at: at(0),
            };
            let delta = one.side.signed(one.quantity).get();
            cash -= delta * one.price.get();
            held += delta;
            fees += one.fee.get();
            for book in &mut books {
                book.book(&one);
                let total = book.realized_pnl().plus(book.unrealized_pnl(mark)).get();
                prop_assert_eq!(total, (cash + held * mark).normalize());
                let open_fees: Decimal = book.lots().map(|lot| lot.fees.get()).sum();
                prop_assert_eq!(open_fees + book.closed_fees().get(), fees);
                let open: Decimal = book.lots().map(|lot| lot.quantity.get()).sum();
                prop_assert_eq!(open, held);
                prop_assert_eq!(book.quantity().get(), held.normalize());
                prop_assert!(book.lots().all(|lot| !lot.quantity.get().is_zero()));
            }
        }
    }
}
