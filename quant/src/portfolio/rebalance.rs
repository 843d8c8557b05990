//! From what is held to what should be held, in whole lots.
//!
//! A plan guarantees that: 1. sells come before buys, and no buy spends cash that is not there by then, costs included;
//! 2. what is traded is within the turnover limit; 3. every trade is a whole number of lots, worth at least its least
//! notional, and no sell costs more than it brings; 4. an asset inside the band is left alone. Within that, trades are
//! rounded to the nearest lot: first towards none, then up by one lot where more than half of one is missing and the
//! limits still allow it.

use super::limits::WEIGHT_MAX;
use super::{ASSETS_MAX, check_moderate};
use crate::{QuantError, check};

/// Most lots of a trade or a holding: beyond it a whole number is not exact.
pub const LOTS_MAX: f64 = 9_007_199_254_740_992.0;

/// How far targets may exceed the equity by the rounding of their sum.
const ROUNDING: f64 = 1e-9;

/// What is held of an asset, how it trades, and what should be held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Holding {
    /// Quantity held; below zero if sold short.
    pub quantity: f64,
    /// Price of one unit.
    pub price: f64,
    /// Quantity that trades are multiples of.
    pub lot: f64,
    /// Least value of a trade.
    pub notional_min: f64,
    /// Part of the equity that should be held.
    pub target_weight: f64,
}

/// What a plan must keep to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Value of all holdings and of cash; what the holdings are not worth is cash.
    pub equity: f64,
    /// Cost of a trade as a part of its value.
    pub cost_rate: f64,
    /// Cost of a trade besides.
    pub cost_fixed: f64,
    /// Largest distance of a weight from its target that is left alone.
    pub band: f64,
    /// Largest value of all trades, bought and sold, as a part of the equity.
    pub turnover_max: f64,
}

/// One trade.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trade {
    /// Index of the asset.
    pub asset: usize,
    /// Lots to buy; below zero, to sell. This times the lot, in exact decimals, is the quantity to order.
    pub lots: i64,
    /// Value, always positive.
    pub notional: f64,
    /// Estimated cost.
    pub cost: f64,
}

/// The trades in the order in which to make them, and where they lead.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Sells and then buys, each the largest first.
    pub trades: Vec<Trade>,
    /// Weights after the trades, of the equity that their costs leave.
    pub weights: Vec<f64>,
    /// Cash after the trades and their costs.
    pub cash: f64,
    /// Value of all trades as a part of the equity before.
    pub turnover: f64,
    /// Estimated cost of all trades.
    pub cost: f64,
    /// Half the sum of the weights' distances from their targets, before the trades.
    pub deviation_before: f64,
    /// The same after the trades.
    pub deviation_after: f64,
}

/// Plans the trades that bring the holdings to their targets as nearly as the rules allow.
///
/// # Errors
/// If an input is not finite or out of range, or the targets add up to more than the equity.
pub fn plan(holdings: &[Holding], rules: &Rules) -> Result<Plan, QuantError> {
    check_rules(rules)?;
    if holdings.len() > ASSETS_MAX {
        return Err(QuantError::TooMany { what: "holdings", most: ASSETS_MAX, got: holdings.len() });
    }
    holdings.iter().try_for_each(|holding| check_holding(holding, rules))?;
    if holdings.iter().map(|holding| holding.target_weight).sum::<f64>() > 1.0 + ROUNDING {
        return Err(QuantError::Infeasible { what: "targets that add up to more than the equity" });
    }
    let mut draft = Draft::new(holdings, rules);
    draft.sell();
    draft.buy();
    draft.finish()
}

fn check_rules(rules: &Rules) -> Result<(), QuantError> {
    let checked = [
        ("equity", check::positive("equity", rules.equity)?),
        ("cost rate", check::not_negative("cost rate", rules.cost_rate)?),
        ("fixed cost", check::not_negative("fixed cost", rules.cost_fixed)?),
        ("band", check::not_negative("band", rules.band)?),
        ("largest turnover", check::not_negative("largest turnover", rules.turnover_max)?),
    ];
    checked.iter().try_for_each(|(what, value)| check_moderate(what, *value))
}

fn check_holding(holding: &Holding, rules: &Rules) -> Result<(), QuantError> {
    let checked = [
        ("quantity", check::finite("quantity", holding.quantity)?),
        ("price", check::positive("price", holding.price)?),
        ("lot", check::positive("lot", holding.lot)?),
        ("least notional", check::not_negative("least notional", holding.notional_min)?),
    ];
    checked.iter().try_for_each(|(what, value)| check_moderate(what, *value))?;
    check::finite("target weight", holding.target_weight)?;
    if holding.target_weight.abs() > WEIGHT_MAX {
        let value = holding.target_weight;
        return Err(QuantError::OutOfRange { what: "target weight", value, expected: "from -1000 to 1000" });
    }
    let target = holding.target_weight * rules.equity / holding.price;
    let lots = (holding.quantity.abs() + target.abs()) / holding.lot;
    if lots.is_nan() || lots > LOTS_MAX {
        return Err(QuantError::OutOfRange { what: "lots", value: lots, expected: "no more than 2^53" });
    }
    Ok(())
}

/// A plan in the making.
struct Draft<'a> {
    holdings: &'a [Holding],
    rules: &'a Rules,
    /// Values to trade within band and turnover, before they are rounded.
    wanted: Vec<f64>,
    /// Whole lots, with the sign of what is wanted.
    lots: Vec<f64>,
    cash: f64,
    traded: f64,
}

impl<'a> Draft<'a> {
    fn new(holdings: &'a [Holding], rules: &'a Rules) -> Self {
        let equity = rules.equity;
        let mut wanted: Vec<f64> = holdings
            .iter()
            .map(|holding| {
                let drift = holding.target_weight * equity - holding.quantity * holding.price;
                if drift.abs() > rules.band * equity { drift } else { 0.0 }
            })
            .collect();
        let total: f64 = wanted.iter().map(|value| value.abs()).sum();
        if total > rules.turnover_max * equity {
            for value in &mut wanted {
                *value *= rules.turnover_max * equity / total;
            }
        }
        let held: f64 = holdings.iter().map(|holding| holding.quantity * holding.price).sum();
        let lots = vec![0.0; holdings.len()];
        Self { holdings, rules, wanted, lots, cash: equity - held, traded: 0.0 }
    }

    /// Value of one lot.
    fn unit(&self, asset: usize) -> f64 {
        self.holdings[asset].price * self.holdings[asset].lot
    }

    fn cost(&self, notional: f64) -> f64 {
        if notional > 0.0 { self.rules.cost_rate * notional + self.rules.cost_fixed } else { 0.0 }
    }

    /// Assets of which this sign is wanted, what is wanted most first.
    fn wanted_of(&self, sign: f64) -> Vec<usize> {
        let mut assets: Vec<usize> =
            (0..self.wanted.len()).filter(|&i| self.wanted[i] * sign > 0.0).collect();
        assets.sort_by(|&a, &b| self.wanted[b].abs().total_cmp(&self.wanted[a].abs()));
        assets
    }

    fn sell(&mut self) {
        let assets = self.wanted_of(-1.0);
        for &asset in &assets {
            self.set(asset, -(-self.wanted[asset] / self.unit(asset)).floor());
        }
        self.top_up(&assets, -1.0);
    }

    fn buy(&mut self) {
        let assets = self.wanted_of(1.0);
        let total: f64 = assets.iter().map(|&asset| self.wanted[asset]).sum();
        let fixed: f64 = assets.iter().map(|_| self.rules.cost_fixed).sum();
        let affordable = (self.cash - fixed).max(0.0) / (1.0 + self.rules.cost_rate);
        let part = if total > affordable { affordable / total } else { 1.0 };
        for &asset in &assets {
            self.set(asset, (part * self.wanted[asset] / self.unit(asset)).floor());
        }
        self.top_up(&assets, 1.0);
    }

    /// One more lot of each asset of which more than half a lot is missing, where the most is missing first.
    fn top_up(&mut self, assets: &[usize], sign: f64) {
        let missing =
            |draft: &Self, asset: usize| (draft.wanted[asset] - draft.lots[asset] * draft.unit(asset)).abs();
        let mut assets: Vec<usize> =
            assets.iter().copied().filter(|&asset| missing(self, asset) > 0.5 * self.unit(asset)).collect();
        assets.sort_by(|&a, &b| missing(self, b).total_cmp(&missing(self, a)));
        for asset in assets {
            let Holding { quantity, lot, target_weight, .. } = self.holdings[asset];
            let lots = self.lots[asset] + sign;
            // No more is sold than there is, unless it is to be short; and the reverse.
            let is_past_zero = (target_weight >= 0.0 && quantity > 0.0 && quantity + lots * lot < 0.0)
                || (target_weight <= 0.0 && quantity < 0.0 && quantity + lots * lot > 0.0);
            if !is_past_zero {
                self.set(asset, lots);
            }
        }
    }

    /// Trades this many lots of an asset instead of what it was, if the rules allow it.
    fn set(&mut self, asset: usize, lots: f64) {
        let unit = self.unit(asset);
        let (before, after) = (self.lots[asset].abs() * unit, lots.abs() * unit);
        let traded = self.traded - before + after;
        let before_cash = self.lots[asset] * unit + self.cost(before);
        let cash = self.cash + before_cash - lots * unit - self.cost(after);
        let is_worth_it = lots > 0.0 && cash >= 0.0 || lots < 0.0 && after > self.cost(after);
        let is_allowed = after >= self.holdings[asset].notional_min
            && traded <= self.rules.turnover_max * self.rules.equity;
        if is_worth_it && is_allowed {
            (self.lots[asset], self.cash, self.traded) = (lots, cash, traded);
        }
    }

    fn finish(self) -> Result<Plan, QuantError> {
        let mut trades: Vec<Trade> = Vec::new();
        for (asset, &lots) in self.lots.iter().enumerate().filter(|(_, lots)| **lots != 0.0) {
            let notional = lots.abs() * self.unit(asset);
            trades.push(Trade { asset, lots: whole(lots), notional, cost: self.cost(notional) });
        }
        trades.sort_by(|a, b| (a.lots > 0).cmp(&(b.lots > 0)).then(b.notional.total_cmp(&a.notional)));
        let cost: f64 = trades.iter().map(|trade| trade.cost).sum();
        let equity = check::positive("equity after costs", self.rules.equity - cost)?;
        let weigh = |lots: &dyn Fn(usize) -> f64, equity: f64| -> Vec<f64> {
            let holdings = self.holdings.iter().enumerate();
            holdings.map(|(i, held)| (held.quantity + lots(i) * held.lot) * held.price / equity).collect()
        };
        let weights = weigh(&|asset| self.lots[asset], equity);
        let deviation = |weights: &[f64]| {
            let pairs = weights.iter().zip(self.holdings);
            0.5 * pairs.map(|(weight, holding)| (weight - holding.target_weight).abs()).sum::<f64>()
        };
        check::series("weights", &weights, 0)?;
        Ok(Plan {
            deviation_before: check::finite("deviation", deviation(&weigh(&|_| 0.0, self.rules.equity)))?,
            deviation_after: check::finite("deviation", deviation(&weights))?,
            turnover: self.traded / self.rules.equity,
            cash: self.cash,
            trades,
            weights,
            cost,
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a whole number of at most 2^53")]
const fn whole(lots: f64) -> i64 {
    lots as i64
}
