//! Features of bars: returns, volatility, indicators without their units, volume, the shape of the bar, and the time.

use super::{Row, features};
use crate::{
    QuantError,
    indicator::{
        Bar, Indicator, Pair, Sample,
        momentum::{Cci, Macd, MacdValue, Rsi, StochasticFast, StochasticValue},
        moving_average::{Ema, Sma},
        quotient,
        statistic::{Correlation, LinearSlope, ZScore},
        trend::{Adx, AroonOscillator, DirectionalIndex, DirectionalValue},
        volatility::{
            Atr, Band, Bollinger, Donchian, GarmanKlass, HistoricalVolatility, Parkinson, log_ratio,
        },
        volume::{ChaikinMoneyFlow, MoneyFlow},
    },
};
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// Changes with every change of a name, the order, or a formula.
pub const BAR_FEATURES_VERSION: u32 = 1;

const SECONDS_PER_DAY: u32 = 86_400;
const DAYS_PER_WEEK: u8 = 7;

/// Horizons of the returns, in bars.
const HORIZONS: [usize; 6] = [1, 3, 5, 10, 20, 60];

/// A bar and when it closed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimedBar {
    pub bar: Bar,
    /// Seconds since midnight, in the zone that the caller chooses.
    pub second_of_day: u32,
    /// From 0 to 6.
    pub day_of_week: u8,
}

/// Makes a row of features at each bar. Stored and restored, it goes on where it stopped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BarFeatures {
    /// The latest closes, newest first.
    closes: Vec<f64>,
    volume_before: Option<f64>,
    volatility: [HistoricalVolatility; 3],
    parkinson: Parkinson,
    garman_klass: GarmanKlass,
    rsi: [Rsi; 2],
    stochastic: StochasticFast,
    cci: Cci,
    money: MoneyFlow,
    flow: ChaikinMoneyFlow,
    adx: Adx,
    directional: DirectionalIndex,
    aroon: AroonOscillator,
    bollinger: Bollinger,
    macd: Macd,
    atr: Atr,
    sma: Sma,
    ema: Ema,
    slope: LinearSlope,
    correlation: Correlation,
    donchian: Donchian,
    volume_scores: [ZScore; 2],
    volume_averages: [Sma; 2],
}

/// What is known at a bar.
struct View {
    timed: TimedBar,
    returns: [Option<f64>; 6],
    close_before: Option<f64>,
    volume_before: Option<f64>,
    volatility: [Option<f64>; 3],
    parkinson: Option<f64>,
    garman_klass: Option<f64>,
    rsi: [Option<f64>; 2],
    stochastic: Option<StochasticValue>,
    cci: Option<f64>,
    money: Option<f64>,
    flow: Option<f64>,
    adx: Option<f64>,
    directional: Option<DirectionalValue>,
    aroon: Option<f64>,
    bollinger: Option<Band>,
    macd: Option<MacdValue>,
    atr: Option<f64>,
    sma: Option<f64>,
    ema: Option<f64>,
    slope: Option<f64>,
    correlation: Option<f64>,
    donchian: Option<Band>,
    volume_scores: [Option<f64>; 2],
    volume_averages: [Option<f64>; 2],
}

features! {
    /// The names of the features of a bar. Returns and volatilities are logarithmic and per bar; distances are in
    /// average true ranges; indices are scaled to a size of about 1.
    BAR_FEATURES, row(v: &View) {
        return_1 => v.returns[0]?;
        return_3 => v.returns[1]?;
        return_5 => v.returns[2]?;
        return_10 => v.returns[3]?;
        return_20 => v.returns[4]?;
        return_60 => v.returns[5]?;
        volatility_10 => v.volatility[0]?;
        volatility_20 => v.volatility[1]?;
        volatility_60 => v.volatility[2]?;
        volatility_ratio_10_60 => quotient(v.volatility[0]?, v.volatility[2]?);
        return_20_over_volatility_60 => quotient(v.returns[4]?, v.volatility[2]? * 20_f64.sqrt());
        parkinson_20 => v.parkinson?;
        garman_klass_20 => v.garman_klass?;
        natr_14 => quotient(v.atr?, v.bar().close);
        rsi_3 => v.rsi[0]? / 50.0 - 1.0;
        rsi_14 => v.rsi[1]? / 50.0 - 1.0;
        stochastic_k_14 => v.stochastic?.k / 50.0 - 1.0;
        stochastic_d_14 => v.stochastic?.d / 50.0 - 1.0;
        cci_20 => v.cci? / 200.0;
        money_flow_14 => v.money? / 50.0 - 1.0;
        chaikin_flow_20 => v.flow?;
        adx_14 => v.adx? / 100.0;
        directional_difference_14 => (v.directional?.plus - v.directional?.minus) / 100.0;
        aroon_25 => v.aroon? / 100.0;
        bollinger_place_20 => v.bollinger_place()?;
        bollinger_width_20 => quotient(v.bollinger?.upper - v.bollinger?.lower, v.bollinger?.middle);
        macd_line => v.in_ranges(v.macd?.line)?;
        macd_histogram => v.in_ranges(v.macd?.histogram)?;
        sma_distance_20 => v.in_ranges(v.bar().close - v.sma?)?;
        ema_distance_50 => v.in_ranges(v.bar().close - v.ema?)?;
        slope_20 => v.in_ranges(v.slope?)?;
        price_volume_correlation_20 => v.correlation?;
        donchian_place_20 => place(v.bar().close, v.donchian?.lower, v.donchian?.upper);
        close_place => place(v.bar().close, v.bar().low, v.bar().high);
        body => quotient(v.bar().close - v.bar().open, v.bar().range());
        upper_wick => quotient(v.bar().high - v.bar().open.max(v.bar().close), v.bar().range());
        lower_wick => quotient(v.bar().open.min(v.bar().close) - v.bar().low, v.bar().range());
        gap => v.in_ranges(v.bar().open - v.close_before?)?;
        volume_score_20 => v.volume_scores[0]?;
        volume_score_60 => v.volume_scores[1]?;
        volume_ratio_5_20 => quotient(v.volume_averages[0]?, v.volume_averages[1]?);
        volume_change => log_ratio(v.bar().volume, v.volume_before?);
        time_of_day_sine => v.time_of_day().sin();
        time_of_day_cosine => v.time_of_day().cos();
        day_of_week_sine => v.day_of_week().sin();
        day_of_week_cosine => v.day_of_week().cos();
    }
}

/// Where `value` lies from -1 at `low` to 1 at `high`; zero if they are one.
fn place(value: f64, low: f64, high: f64) -> f64 {
    quotient((value - low) - (high - value), high - low)
}

impl View {
    fn bar(&self) -> &Bar {
        &self.timed.bar
    }

    fn in_ranges(&self, distance: f64) -> Option<f64> {
        Some(quotient(distance, self.atr?))
    }

    fn bollinger_place(&self) -> Option<f64> {
        let Band { upper, lower, .. } = self.bollinger?;
        Some(place(self.bar().close, lower, upper))
    }

    fn time_of_day(&self) -> f64 {
        TAU * f64::from(self.timed.second_of_day) / f64::from(SECONDS_PER_DAY)
    }

    fn day_of_week(&self) -> f64 {
        TAU * f64::from(self.timed.day_of_week) / f64::from(DAYS_PER_WEEK)
    }
}

impl TimedBar {
    fn check(&self) -> Result<(), QuantError> {
        self.bar.check()?;
        let refuse = |what, value, expected| Err(QuantError::OutOfRange { what, value, expected });
        if self.second_of_day >= SECONDS_PER_DAY {
            return refuse("second of the day", f64::from(self.second_of_day), "below 86400");
        }
        if self.day_of_week >= DAYS_PER_WEEK {
            return refuse("day of the week", f64::from(self.day_of_week), "from 0 to 6");
        }
        if self.bar.low <= 0.0 {
            return refuse("low", self.bar.low, "above zero");
        }
        Ok(())
    }
}

impl BarFeatures {
    /// Begins with nothing known.
    ///
    /// # Errors
    /// None with the periods of this version.
    pub fn new() -> Result<Self, QuantError> {
        Ok(Self {
            closes: Vec::new(),
            volume_before: None,
            volatility: [
                HistoricalVolatility::new(10)?,
                HistoricalVolatility::new(20)?,
                HistoricalVolatility::new(60)?,
            ],
            parkinson: Parkinson::new(20)?,
            garman_klass: GarmanKlass::new(20)?,
            rsi: [Rsi::new(3)?, Rsi::new(14)?],
            stochastic: StochasticFast::new(14, 3)?,
            cci: Cci::new(20)?,
            money: MoneyFlow::new(14)?,
            flow: ChaikinMoneyFlow::new(20)?,
            adx: Adx::new(14)?,
            directional: DirectionalIndex::new(14)?,
            aroon: AroonOscillator::new(25)?,
            bollinger: Bollinger::new(20, 2.0)?,
            macd: Macd::new(12, 26, 9)?,
            atr: Atr::new(14)?,
            sma: Sma::new(20)?,
            ema: Ema::new(50)?,
            slope: LinearSlope::new(20)?,
            correlation: Correlation::new(20)?,
            donchian: Donchian::new(20)?,
            volume_scores: [ZScore::new(20)?, ZScore::new(60)?],
            volume_averages: [Sma::new(5)?, Sma::new(20)?],
        })
    }

    /// Takes a bar; the features that are known at its close, in the order of [`BAR_FEATURES`].
    ///
    /// # Errors
    /// If the bar is not sound, a price is not above zero, or the time does not exist. It has then changed nothing.
    pub fn update(&mut self, timed: TimedBar) -> Result<Row, QuantError> {
        timed.check()?;
        Ok(row(&self.step(timed)))
    }

    fn step(&mut self, timed: TimedBar) -> View {
        let bar = timed.bar;
        let close = bar.close;
        let return_over =
            |horizon: usize| self.closes.get(horizon - 1).map(|before| log_ratio(close, *before));
        let returns = HORIZONS.map(return_over);
        let close_before = self.closes.first().copied();
        self.closes.truncate(HORIZONS[HORIZONS.len() - 1] - 1);
        self.closes.insert(0, close);
        View {
            timed,
            returns,
            close_before,
            volume_before: self.volume_before.replace(bar.volume),
            volatility: self.volatility.each_mut().map(|volatility| volatility.step(close)),
            parkinson: self.parkinson.step(bar),
            garman_klass: self.garman_klass.step(bar),
            rsi: self.rsi.each_mut().map(|rsi| rsi.step(close)),
            stochastic: self.stochastic.step(bar),
            cci: self.cci.step(bar),
            money: self.money.step(bar),
            flow: self.flow.step(bar),
            adx: self.adx.step(bar),
            directional: self.directional.step(bar),
            aroon: self.aroon.step(bar),
            bollinger: self.bollinger.step(close),
            macd: self.macd.step(close),
            atr: self.atr.step(bar),
            sma: self.sma.step(close),
            ema: self.ema.step(close),
            slope: self.slope.step(close),
            correlation: self.correlation.step(Pair { x: close, y: bar.volume }),
            donchian: self.donchian.step(bar),
            volume_scores: self.volume_scores.each_mut().map(|score| score.step(bar.volume)),
            volume_averages: self.volume_averages.each_mut().map(|average| average.step(bar.volume)),
        }
    }
}
