//! Features of the order book and of the trades between its states.
//!
//! Imbalance and microprice as in Stoikov ("The micro-price", 2018); order flow imbalance as in Cont, Kukanov and
//! Stoikov ("The price impact of order book events", 2014).

use super::{Row, features};
use crate::{
    QuantError, check,
    indicator::{
        Indicator, VALUE_MAX,
        momentum::RateOfChange,
        moving_average::Sma,
        quotient,
        statistic::{Total, ZScore},
        volatility::{HistoricalVolatility, log_ratio},
    },
};
use serde::{Deserialize, Serialize};

/// Changes with every change of a name, the order, or a formula.
pub const BOOK_FEATURES_VERSION: u32 = 1;

/// The levels of a side that are read.
const LEVELS: usize = 10;

/// An order book level.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Level {
    pub price: f64,
    pub size: f64,
}

/// What was traded since the state before, by the side that took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TradeFlow {
    pub buy_size: f64,
    pub sell_size: f64,
    pub buy_count: u32,
    pub sell_count: u32,
}

/// A book, best levels first, and the trades since the state before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BookState<'a> {
    pub bids: &'a [Level],
    pub asks: &'a [Level],
    pub trades: TradeFlow,
}

/// Makes a row of features at each state of the book. Stored and restored, it goes on where it stopped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BookFeatures {
    before: Option<(Level, Level)>,
    spread: ZScore,
    depth: [ZScore; 2],
    mean_depth: Sma,
    order_flow: [Total; 2],
    returns: [RateOfChange; 2],
    volatility: HistoricalVolatility,
    buys: [Total; 2],
    sells: [Total; 2],
    trade_size: ZScore,
}

/// What is known at a state.
struct View {
    bid: Level,
    ask: Level,
    bids: Side,
    asks: Side,
    order_flow: Option<f64>,
    order_flows: [Option<f64>; 2],
    mean_depth: Option<f64>,
    spread_score: Option<f64>,
    depth_scores: [Option<f64>; 2],
    returns: [Option<f64>; 2],
    volatility: Option<f64>,
    trades: TradeFlow,
    trade_signs: [Option<f64>; 2],
    trade_size_score: Option<f64>,
}

/// Sums over the levels of a side.
#[derive(Debug, Clone, Copy)]
struct Side {
    /// The sizes of the best 1, 3, 5 and 10 levels.
    sizes: [f64; 4],
    /// The mean price of 10 levels, weighted by size.
    mean_price: f64,
    /// The mean distance of 10 levels from the best one, weighted by size, relative to its price.
    depth_distance: f64,
    /// The least squares slope through the origin of the cumulated share of size against that distance.
    slope: Option<f64>,
}

features! {
    /// The names of the features of a book. Prices are relative to the middle or in spreads, sizes relative to others.
    BOOK_FEATURES, row(v: &View) {
        spread => quotient(v.spread(), v.middle());
        spread_score_100 => v.spread_score?;
        microprice => quotient(v.microprice() - v.middle(), v.spread());
        imbalance_1 => v.imbalance(0);
        imbalance_3 => v.imbalance(1);
        imbalance_5 => v.imbalance(2);
        imbalance_10 => v.imbalance(3);
        depth_ratio_10 => log_ratio(v.bids.sizes[3], v.asks.sizes[3]);
        bid_concentration => quotient(v.bids.sizes[0], v.bids.sizes[3]);
        ask_concentration => quotient(v.asks.sizes[0], v.asks.sizes[3]);
        bid_depth_score_100 => v.depth_scores[0]?;
        ask_depth_score_100 => v.depth_scores[1]?;
        bid_distance_10 => v.bids.depth_distance;
        ask_distance_10 => v.asks.depth_distance;
        bid_slope_10 => v.bids.slope?;
        ask_slope_10 => v.asks.slope?;
        weighted_middle_10 => quotient((v.bids.mean_price + v.asks.mean_price) / 2.0 - v.middle(), v.middle());
        order_flow_1 => quotient(v.order_flow?, v.mean_depth?);
        order_flow_10 => quotient(v.order_flows[0]?, v.mean_depth?);
        order_flow_50 => quotient(v.order_flows[1]?, v.mean_depth?);
        middle_return_1 => v.returns[0]? / 100.0;
        middle_return_10 => v.returns[1]? / 100.0;
        middle_volatility_50 => v.volatility?;
        trade_sign => signs(v.trades.buy_size, v.trades.sell_size);
        trade_sign_10 => v.trade_signs[0]?;
        trade_sign_50 => v.trade_signs[1]?;
        trade_count_sign => signs(f64::from(v.trades.buy_count), f64::from(v.trades.sell_count));
        trade_size_score_100 => v.trade_size_score?;
        trade_size_over_depth => quotient(v.trades.buy_size + v.trades.sell_size, v.bids.sizes[0] + v.asks.sizes[0]);
    }
}

/// `(buys - sells) / (buys + sells)`; zero without any.
fn signs(buys: f64, sells: f64) -> f64 {
    quotient(buys - sells, buys + sells)
}

impl View {
    fn middle(&self) -> f64 {
        (self.bid.price + self.ask.price) / 2.0
    }

    fn spread(&self) -> f64 {
        self.ask.price - self.bid.price
    }

    /// The middle weighted by the size on the other side.
    fn microprice(&self) -> f64 {
        self.bid.price + self.spread() * quotient(self.bid.size, self.bid.size + self.ask.size)
    }

    fn imbalance(&self, levels: usize) -> f64 {
        signs(self.bids.sizes[levels], self.asks.sizes[levels])
    }
}

impl Side {
    fn of(levels: &[Level]) -> Self {
        let best = levels[0].price;
        let size_of = |count: usize| levels.iter().take(count).map(|level| level.size).sum::<f64>();
        let sizes = [1, 3, 5, LEVELS].map(size_of);
        let total = sizes[3];
        let (mut distances, mut cumulated, mut products, mut squares) = (0.0, 0.0, 0.0, 0.0);
        for level in levels {
            let distance = quotient((level.price - best).abs(), best);
            cumulated += level.size / total;
            distances += distance * (level.size / total);
            products += distance * cumulated;
            squares += distance * distance;
        }
        let signed = if levels[levels.len() - 1].price < best { -distances } else { distances };
        Self {
            sizes,
            mean_price: best + best * signed,
            depth_distance: distances,
            slope: (squares > 0.0).then(|| quotient(products, squares)),
        }
    }
}

/// The levels of a side that are read, if they are sound: worse and worse.
fn side<'a>(
    what: &'static str,
    levels: &'a [Level],
    is_better: fn(f64, f64) -> bool,
) -> Result<&'a [Level], QuantError> {
    let levels = &levels[..levels.len().min(LEVELS)];
    if levels.is_empty() {
        return Err(QuantError::TooFew { what, needed: 1, got: 0 });
    }
    for level in levels {
        for value in [level.price, level.size] {
            if check::positive(what, value)? > VALUE_MAX {
                return Err(QuantError::OutOfRange { what, value, expected: "at most 1e30" });
            }
        }
    }
    for pair in levels.windows(2) {
        if !is_better(pair[0].price, pair[1].price) {
            return Err(QuantError::OutOfRange {
                what,
                value: pair[1].price,
                expected: "worse than the level before",
            });
        }
    }
    Ok(levels)
}

impl TradeFlow {
    fn check(&self) -> Result<(), QuantError> {
        for value in [self.buy_size, self.sell_size] {
            if check::not_negative("traded size", value)? > VALUE_MAX {
                return Err(QuantError::OutOfRange { what: "traded size", value, expected: "at most 1e30" });
            }
        }
        Ok(())
    }
}

/// The order flow between two states of the best levels: size that came at a price as good or better, less size that
/// went.
fn order_flow((bid_before, ask_before): (Level, Level), bid: Level, ask: Level) -> f64 {
    let mut flow = 0.0;
    if bid.price >= bid_before.price {
        flow += bid.size;
    }
    if bid.price <= bid_before.price {
        flow -= bid_before.size;
    }
    if ask.price <= ask_before.price {
        flow -= ask.size;
    }
    if ask.price >= ask_before.price {
        flow += ask_before.size;
    }
    flow
}

impl BookFeatures {
    /// Begins with nothing known.
    ///
    /// # Errors
    /// None with the periods of this version.
    pub fn new() -> Result<Self, QuantError> {
        let totals = || Ok::<_, QuantError>([Total::new(10)?, Total::new(50)?]);
        Ok(Self {
            before: None,
            spread: ZScore::new(100)?,
            depth: [ZScore::new(100)?, ZScore::new(100)?],
            mean_depth: Sma::new(50)?,
            order_flow: totals()?,
            returns: [RateOfChange::new(1)?, RateOfChange::new(10)?],
            volatility: HistoricalVolatility::new(50)?,
            buys: totals()?,
            sells: totals()?,
            trade_size: ZScore::new(100)?,
        })
    }

    /// Takes a state of the book; the features that are known then, in the order of [`BOOK_FEATURES`]. Levels beyond
    /// the tenth are not read.
    ///
    /// # Errors
    /// If a side is empty or not in order, the book is crossed or locked, or a number is not sound. It has then changed
    /// nothing.
    pub fn update(&mut self, state: BookState<'_>) -> Result<Row, QuantError> {
        let bids = side("bids", state.bids, |better, worse| better > worse)?;
        let asks = side("asks", state.asks, |better, worse| better < worse)?;
        state.trades.check()?;
        if bids[0].price >= asks[0].price {
            let expected = "below the best ask";
            return Err(QuantError::OutOfRange { what: "best bid", value: bids[0].price, expected });
        }
        Ok(row(&self.step(bids, asks, state.trades)))
    }

    fn step(&mut self, bids: &[Level], asks: &[Level], trades: TradeFlow) -> View {
        let (bid, ask) = (bids[0], asks[0]);
        let (bid_side, ask_side) = (Side::of(bids), Side::of(asks));
        let middle = (bid.price + ask.price) / 2.0;
        let flow = self.before.replace((bid, ask)).map(|before| order_flow(before, bid, ask));
        let order_flows = match flow {
            Some(flow) => self.order_flow.each_mut().map(|total| total.step(flow)),
            None => [None; 2],
        };
        let buys = self.buys.each_mut().map(|total| total.step(trades.buy_size));
        let sells = self.sells.each_mut().map(|total| total.step(trades.sell_size));
        let sign = |index: usize| buys[index].zip(sells[index]).map(|(buys, sells)| signs(buys, sells));
        View {
            bid,
            ask,
            bids: bid_side,
            asks: ask_side,
            order_flow: flow,
            order_flows,
            mean_depth: self.mean_depth.step((bid.size + ask.size) / 2.0),
            spread_score: self.spread.step((ask.price - bid.price) / middle),
            depth_scores: [self.depth[0].step(bid_side.sizes[3]), self.depth[1].step(ask_side.sizes[3])],
            returns: self.returns.each_mut().map(|change| change.step(middle)),
            volatility: self.volatility.step(middle),
            trades,
            trade_signs: [sign(0), sign(1)],
            trade_size_score: self.trade_size.step(trades.buy_size + trades.sell_size),
        }
    }
}
