//! Plans that rebalance.

use bulkhead_quant::QuantError;
use bulkhead_quant::portfolio::rebalance::{Holding, Plan, Rules, Trade, plan};
use proptest::prelude::*;

const FREE: Rules = Rules { equity: 1_000.0, cost_rate: 0.0, cost_fixed: 0.0, band: 0.0, turnover_max: 10.0 };

fn holding(quantity: f64, price: f64, target_weight: f64) -> Holding {
    Holding { quantity, price, lot: 1.0, notional_min: 0.0, target_weight }
}

fn lots(plan: &Plan) -> Vec<(usize, i64)> {
    plan.trades.iter().map(|Trade { asset, lots, .. }| (*asset, *lots)).collect()
}

#[test]
fn sells_pay_for_buys() {
    let holdings = [holding(0.0, 10.0, 0.6), holding(100.0, 10.0, 0.4)];
    let plan = plan(&holdings, &FREE).unwrap();
    assert_eq!(lots(&plan), [(1, -60), (0, 60)]);
    assert_eq!((plan.cash, plan.turnover, plan.cost), (0.0, 1.2, 0.0));
    assert_eq!((plan.deviation_before, plan.deviation_after), (0.6, 0.0));
    assert_eq!(plan.weights, [0.6, 0.4]);
}

#[test]
fn costs_are_paid_from_what_was_sold() {
    let holdings = [holding(0.0, 10.0, 0.6), holding(100.0, 10.0, 0.4)];
    let rules = Rules { cost_rate: 0.01, cost_fixed: 5.0, ..FREE };
    let plan = plan(&holdings, &rules).unwrap();
    // 600 are sold for 589; 57 lots and their cost are 580.70, 58 would be 590.80.
    assert_eq!(lots(&plan), [(1, -60), (0, 57)]);
    assert!((plan.cost - 21.7).abs() < 1e-12 && (plan.cash - 8.3).abs() < 1e-12, "{plan:?}");
    assert!((plan.weights[0] - 570.0 / 978.3).abs() < 1e-15);
}

#[test]
fn trades_are_rounded_to_the_nearest_lot_that_can_be_paid() {
    // 33.3 are wanted of each: three lots of 10, the fourth missing only a third.
    let third = 1.0 / 30.0;
    let plan_a = plan(&[holding(0.0, 10.0, third), holding(0.0, 10.0, third)], &FREE).unwrap();
    assert_eq!(lots(&plan_a), [(0, 3), (1, 3)]);
    // 36 are wanted: the fourth lot is the nearer one.
    let plan_b = plan(&[holding(0.0, 10.0, 0.036)], &FREE).unwrap();
    assert_eq!(lots(&plan_b), [(0, 4)]);
    // All is wanted, but only one of the two can have the last lot.
    let plan_c = plan(&[holding(0.0, 300.0, 0.55), holding(0.0, 300.0, 0.45)], &FREE).unwrap();
    assert_eq!(lots(&plan_c), [(0, 2), (1, 1)]);
    assert_eq!((plan_c.cash, plan_c.turnover), (100.0, 0.9));
    // A quantity that is no whole number in binary is still that many lots.
    let tenth = Holding { lot: 0.1, ..holding(0.0, 100.0, 0.03) };
    assert_eq!(lots(&plan(&[tenth], &FREE).unwrap()), [(0, 3)]);
}

#[test]
fn a_band_and_a_least_notional_leave_small_trades_alone() {
    let holdings = [holding(39.0, 10.0, 0.4), holding(50.0, 10.0, 0.6)];
    assert_eq!(lots(&plan(&holdings, &Rules { band: 0.02, ..FREE }).unwrap()), [(1, 10)]);
    let least = Holding { notional_min: 20.0, ..holdings[0] };
    assert_eq!(lots(&plan(&[least, holdings[1]], &FREE).unwrap()), [(1, 10)]);
    assert_eq!(lots(&plan(&holdings, &Rules { turnover_max: 0.0, ..FREE }).unwrap()), []);
}

#[test]
fn a_sell_that_costs_more_than_it_brings_is_left() {
    let plan = plan(&[holding(1.0, 3.0, 0.0)], &Rules { cost_fixed: 5.0, ..FREE }).unwrap();
    assert_eq!(plan.trades, []);
}

#[test]
fn turnover_is_shared_by_all_trades() {
    let holdings = [holding(0.0, 1.0, 0.6), holding(1_000.0, 1.0, 0.4)];
    let plan = plan(&holdings, &Rules { turnover_max: 0.6, ..FREE }).unwrap();
    assert_eq!(lots(&plan), [(1, -300), (0, 300)]);
    assert_eq!((plan.turnover, plan.cash), (0.6, 0.0));
}

#[test]
fn what_is_sold_out_does_not_become_short() {
    let plan = plan(&[holding(2.7, 10.0, 0.0)], &FREE).unwrap();
    assert_eq!(lots(&plan), [(0, -2)]);
    let short = self::plan(&[holding(2.0, 10.0, -0.1)], &FREE).unwrap();
    assert_eq!(lots(&short), [(0, -12)]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let too_much = plan(&[holding(0.0, 1.0, 0.7), holding(0.0, 1.0, 0.4)], &FREE);
    assert!(matches!(too_much, Err(QuantError::Infeasible { .. })));
    assert!(plan(&[holding(f64::NAN, 1.0, 0.5)], &FREE).is_err());
    assert!(plan(&[holding(0.0, 0.0, 0.5)], &FREE).is_err());
    assert!(plan(&[Holding { lot: 1e-300, ..holding(1.0, 1.0, 0.5) }], &FREE).is_err());
    assert!(plan(&[], &Rules { equity: -1.0, ..FREE }).is_err());
    assert!(plan(&vec![holding(0.0, 1.0, 0.0); 2_001], &FREE).is_err());
    assert!(plan(&[], &FREE).unwrap().trades.is_empty());
}

fn holdings() -> impl Strategy<Value = Vec<Holding>> {
    let one = (
        0.0..1_000.0_f64,
        0.01..500.0_f64,
        prop::sample::select(vec![0.001, 0.1, 1.0, 100.0]),
        0.0..50.0,
        0.0..1.0_f64,
    );
    prop::collection::vec(one, 1..12).prop_map(|list| {
        let total: f64 = list.iter().map(|(.., weight)| weight).sum::<f64>().max(1.0);
        list.into_iter()
            .map(|(quantity, price, lot, notional_min, weight)| Holding {
                quantity,
                price,
                lot,
                notional_min,
                target_weight: weight / total,
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn a_plan_keeps_to_its_rules(
        holdings in holdings(),
        (spare, cost_rate, cost_fixed) in (0.0..50_000.0_f64, 0.0..0.02_f64, 0.0..10.0_f64),
        (band, turnover_max) in (0.0..0.05_f64, 0.0..2.0_f64),
    ) {
        let held: f64 = holdings.iter().map(|holding| holding.quantity * holding.price).sum();
        let rules = Rules { equity: held + spare + 100.0, cost_rate, cost_fixed, band, turnover_max };
        let plan = plan(&holdings, &rules).unwrap();
        let mut cash = rules.equity - held;
        let mut turnover = 0.0;
        let mut is_buying = false;
        for trade in &plan.trades {
            let Holding { price, lot, notional_min, quantity, target_weight } = holdings[trade.asset];
            let value = trade.lots as f64 * lot * price;
            prop_assert!((value.abs() - trade.notional).abs() <= 1e-9 * trade.notional);
            prop_assert!(trade.notional >= notional_min);
            prop_assert!(trade.lots > 0 || !is_buying, "a sell after a buy");
            is_buying = trade.lots > 0;
            cash -= value + trade.cost;
            turnover += trade.notional / rules.equity;
            prop_assert!(cash >= -1e-9 * rules.equity, "overspent: {cash}");
            let drift = target_weight - quantity * price / rules.equity;
            prop_assert!(drift.abs() > band && drift * value > 0.0, "towards the target");
            prop_assert!(quantity + trade.lots as f64 * lot >= -1e-9, "never short");
            // At most half a lot beyond the target.
            prop_assert!(value.abs() <= drift.abs() * rules.equity + 0.5 * lot * price + 1e-9);
        }
        prop_assert!(turnover <= turnover_max * (1.0 + 1e-9));
        prop_assert!((turnover - plan.turnover).abs() <= 1e-9);
        prop_assert!(plan.cash >= 0.0 && (cash - plan.cash).abs() <= 1e-9 * rules.equity);
        let equity = plan.cash + plan.weights.iter().sum::<f64>() * (rules.equity - plan.cost);
        prop_assert!((equity - (rules.equity - plan.cost)).abs() <= 1e-9 * rules.equity);
        if cost_rate + cost_fixed <= 0.0 {
            prop_assert!(plan.deviation_after <= plan.deviation_before + 1e-12);
        }
    }
}
