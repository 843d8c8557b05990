//! The table of all indicators.

use super::streaming::{OfBar, Values, step};
use crate::{
    QuantError,
    indicator::{
        Bar, Indicator, Output,
        momentum::{
            self, ConnorsRsi, Coppock, KnowSureThing, Macd, Stochastic, StochasticFast, StochasticRsi, Tsi,
        },
        moving_average::{self, Alma, T3},
        parameter, price, statistic,
        trend::{self, Ichimoku, IchimokuPeriods, ParabolicSar, Supertrend},
        volatility::{self, Bollinger, Keltner, MassIndex},
        volume,
    },
};
use serde::{Deserialize, Serialize};

/// A number of a bar that an indicator can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    Open,
    High,
    Low,
    Close,
    Volume,
    Median,
    Typical,
}

impl Field {
    pub(super) fn of(self, bar: &Bar) -> f64 {
        match self {
            Self::Open => bar.open,
            Self::High => bar.high,
            Self::Low => bar.low,
            Self::Close => bar.close,
            Self::Volume => bar.volume,
            Self::Median => bar.median(),
            Self::Typical => bar.typical(),
        }
    }
}

/// A parameter of an indicator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    pub name: &'static str,
    pub default: f64,
}

/// What is known of an indicator before one is made.
#[derive(Debug)]
pub struct Definition {
    pub name: &'static str,
    pub parameters: &'static [Parameter],
    /// What it reads. An indicator of prices or pairs can be told to read other fields.
    pub inputs: &'static [Field],
    pub outputs: &'static [&'static str],
    /// Whether its inputs are fixed.
    pub takes_bars: bool,
    pub(super) build: fn(Arguments<'_>) -> Result<State, QuantError>,
}

impl Definition {
    /// The default of every parameter.
    #[must_use]
    pub fn defaults(&self) -> Vec<f64> {
        self.parameters.iter().map(|parameter| parameter.default).collect()
    }
}

/// Parameters, as many as the definition has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arguments<'a> {
    pub(super) definition: &'static Definition,
    pub(super) values: &'a [f64],
}

impl Arguments<'_> {
    fn whole(&self, index: usize) -> Result<usize, QuantError> {
        parameter::whole(self.definition.parameters[index].name, self.values[index])
    }

    fn number(&self, index: usize) -> f64 {
        self.values[index]
    }
}

/// Declares the table, and the state of any indicator in it.
macro_rules! indicators {
    ($($name:literal $variant:ident($type:ty) [$($input:ident),+] ($($parameter:ident = $default:literal),*)
        |$given:pat_param| $build:expr;)+) => {
        /// An indicator of any kind.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub(super) enum State {
            $($variant(Box<$type>)),+
        }

        impl State {
            pub(super) fn step(&mut self, bar: &Bar, inputs: &[Field]) -> Option<Values> {
                match self {
                    $(Self::$variant(indicator) => step(indicator.as_mut(), bar, inputs)),+
                }
            }
        }

        /// All indicators, by family.
        pub static DEFINITIONS: &[Definition] = &[$(Definition {
            name: $name,
            parameters: &[$(Parameter { name: stringify!($parameter), default: $default }),*],
            inputs: &[$(Field::$input),+],
            outputs: <<$type as Indicator>::Output as Output>::NAMES,
            takes_bars: <<$type as Indicator>::Input as OfBar>::TAKES_BARS,
            build: |$given| Ok(State::$variant(Box::new($build))),
        }),+];
    };
}

indicators! {
    "sma" Sma(moving_average::Sma) [Close] (period = 20.0) |a| moving_average::Sma::new(a.whole(0)?)?;
    "ema" Ema(moving_average::Ema) [Close] (period = 20.0) |a| moving_average::Ema::new(a.whole(0)?)?;
    "wma" Wma(moving_average::Wma) [Close] (period = 20.0) |a| moving_average::Wma::new(a.whole(0)?)?;
    "dema" Dema(moving_average::Dema) [Close] (period = 20.0) |a| moving_average::Dema::new(a.whole(0)?)?;
    "tema" Tema(moving_average::Tema) [Close] (period = 20.0) |a| moving_average::Tema::new(a.whole(0)?)?;
    "t3" T3(T3) [Close] (period = 5.0, volume_factor = 0.7) |a| T3::new(a.whole(0)?, a.number(1))?;
    "trima" Trima(moving_average::TriangularAverage) [Close] (period = 20.0)
        |a| moving_average::TriangularAverage::new(a.whole(0)?)?;
    "kama" Kama(moving_average::Kama) [Close] (period = 10.0) |a| moving_average::Kama::new(a.whole(0)?)?;
    "wilder" Wilder(moving_average::WilderAverage) [Close] (period = 14.0)
        |a| moving_average::WilderAverage::new(a.whole(0)?)?;
    "zlema" Zlema(moving_average::ZeroLagEma) [Close] (period = 20.0)
        |a| moving_average::ZeroLagEma::new(a.whole(0)?)?;
    "hma" Hma(moving_average::HullAverage) [Close] (period = 16.0)
        |a| moving_average::HullAverage::new(a.whole(0)?)?;
    "vwma" Vwma(moving_average::Vwma) [Close, Volume] (period = 20.0) |a| moving_average::Vwma::new(a.whole(0)?)?;
    "alma" Alma(Alma) [Close] (period = 9.0, offset = 0.85, sigma = 6.0)
        |a| Alma::new(a.whole(0)?, a.number(1), a.number(2))?;
    "vidya" Vidya(moving_average::Vidya) [Close] (period = 14.0) |a| moving_average::Vidya::new(a.whole(0)?)?;
    "mcginley" Mcginley(moving_average::McGinley) [Close] (period = 14.0)
        |a| moving_average::McGinley::new(a.whole(0)?)?;

    "rsi" Rsi(momentum::Rsi) [Close] (period = 14.0) |a| momentum::Rsi::new(a.whole(0)?)?;
    "cmo" Cmo(momentum::Cmo) [Close] (period = 14.0) |a| momentum::Cmo::new(a.whole(0)?)?;
    "mom" Mom(momentum::Momentum) [Close] (period = 10.0) |a| momentum::Momentum::new(a.whole(0)?)?;
    "roc" Roc(momentum::RateOfChange) [Close] (period = 10.0) |a| momentum::RateOfChange::new(a.whole(0)?)?;
    "dpo" Dpo(momentum::Dpo) [Close] (period = 20.0) |a| momentum::Dpo::new(a.whole(0)?)?;
    "coppock" Coppock(Coppock) [Close] (long = 14.0, short = 11.0, average = 10.0)
        |a| Coppock::new(a.whole(0)?, a.whole(1)?, a.whole(2)?)?;
    "kst" Kst(KnowSureThing) [Close] (signal = 9.0) |a| KnowSureThing::new(a.whole(0)?)?;
    "macd" Macd(Macd) [Close] (fast = 12.0, slow = 26.0, signal = 9.0)
        |a| Macd::new(a.whole(0)?, a.whole(1)?, a.whole(2)?)?;
    "apo" Apo(momentum::Apo) [Close] (fast = 12.0, slow = 26.0) |a| momentum::Apo::new(a.whole(0)?, a.whole(1)?)?;
    "ppo" Ppo(momentum::Ppo) [Close] (fast = 12.0, slow = 26.0) |a| momentum::Ppo::new(a.whole(0)?, a.whole(1)?)?;
    "awesome" Awesome(momentum::Awesome) [High, Low] (fast = 5.0, slow = 34.0)
        |a| momentum::Awesome::new(a.whole(0)?, a.whole(1)?)?;
    "trix" Trix(momentum::Trix) [Close] (period = 15.0) |a| momentum::Trix::new(a.whole(0)?)?;
    "tsi" Tsi(Tsi) [Close] (long = 25.0, short = 13.0) |a| Tsi::new(a.whole(0)?, a.whole(1)?)?;
    "stoch" Stoch(Stochastic) [High, Low, Close] (period = 14.0, slowing = 3.0, average = 3.0)
        |a| Stochastic::new(a.whole(0)?, a.whole(1)?, a.whole(2)?)?;
    "stochf" Stochf(StochasticFast) [High, Low, Close] (period = 5.0, average = 3.0)
        |a| StochasticFast::new(a.whole(0)?, a.whole(1)?)?;
    "stochrsi" Stochrsi(StochasticRsi) [Close] (rsi_period = 14.0, period = 5.0, average = 3.0)
        |a| StochasticRsi::new(a.whole(0)?, a.whole(1)?, a.whole(2)?)?;
    "willr" Willr(momentum::WilliamsR) [High, Low, Close] (period = 14.0) |a| momentum::WilliamsR::new(a.whole(0)?)?;
    "cci" Cci(momentum::Cci) [High, Low, Close] (period = 20.0) |a| momentum::Cci::new(a.whole(0)?)?;
    "ultosc" Ultosc(momentum::UltimateOscillator) [High, Low, Close] (short = 7.0, middle = 14.0, long = 28.0)
        |a| momentum::UltimateOscillator::new(a.whole(0)?, a.whole(1)?, a.whole(2)?)?;
    "connors" Connors(ConnorsRsi) [Close] (price_period = 3.0, run_period = 2.0, rank_period = 100.0)
        |a| ConnorsRsi::new(a.whole(0)?, a.whole(1)?, a.whole(2)?)?;
    "fisher" Fisher(momentum::Fisher) [High, Low] (period = 10.0) |a| momentum::Fisher::new(a.whole(0)?)?;
    "elder_ray" ElderRay(momentum::ElderRay) [High, Low, Close] (period = 13.0)
        |a| momentum::ElderRay::new(a.whole(0)?)?;

    "adx" Adx(trend::Adx) [High, Low, Close] (period = 14.0) |a| trend::Adx::new(a.whole(0)?)?;
    "adxr" Adxr(trend::Adxr) [High, Low, Close] (period = 14.0) |a| trend::Adxr::new(a.whole(0)?)?;
    "dx" Dx(trend::Dx) [High, Low, Close] (period = 14.0) |a| trend::Dx::new(a.whole(0)?)?;
    "di" Di(trend::DirectionalIndex) [High, Low, Close] (period = 14.0) |a| trend::DirectionalIndex::new(a.whole(0)?)?;
    "vortex" Vortex(trend::Vortex) [High, Low, Close] (period = 14.0) |a| trend::Vortex::new(a.whole(0)?)?;
    "aroon" Aroon(trend::Aroon) [High, Low] (period = 14.0) |a| trend::Aroon::new(a.whole(0)?)?;
    "aroonosc" Aroonosc(trend::AroonOscillator) [High, Low] (period = 14.0) |a| trend::AroonOscillator::new(a.whole(0)?)?;
    "ichimoku" Ichimoku(Ichimoku) [High, Low] (conversion = 9.0, base = 26.0, leading = 52.0, displacement = 26.0)
        |a| Ichimoku::new(IchimokuPeriods {
            conversion: a.whole(0)?, base: a.whole(1)?, leading: a.whole(2)?, displacement: a.whole(3)?,
        })?;
    "sar" Sar(ParabolicSar) [High, Low] (acceleration = 0.02, maximum = 0.2)
        |a| ParabolicSar::new(a.number(0), a.number(1))?;
    "supertrend" Supertrend(Supertrend) [High, Low, Close] (period = 10.0, width = 3.0)
        |a| Supertrend::new(a.whole(0)?, a.number(1))?;
    "ht_trendline" HtTrendline(trend::HilbertTrendline) [Close] () |_| trend::HilbertTrendline::default();

    "trange" Trange(volatility::TrueRange) [High, Low, Close] () |_| volatility::TrueRange::default();
    "atr" Atr(volatility::Atr) [High, Low, Close] (period = 14.0) |a| volatility::Atr::new(a.whole(0)?)?;
    "natr" Natr(volatility::Natr) [High, Low, Close] (period = 14.0) |a| volatility::Natr::new(a.whole(0)?)?;
    "choppiness" Choppiness(volatility::Choppiness) [High, Low, Close] (period = 14.0)
        |a| volatility::Choppiness::new(a.whole(0)?)?;
    "mass_index" MassIndex(MassIndex) [High, Low] (average = 9.0, period = 25.0)
        |a| MassIndex::new(a.whole(0)?, a.whole(1)?)?;
    "ulcer" Ulcer(volatility::UlcerIndex) [Close] (period = 14.0) |a| volatility::UlcerIndex::new(a.whole(0)?)?;
    "bbands" Bbands(Bollinger) [Close] (period = 20.0, width = 2.0) |a| Bollinger::new(a.whole(0)?, a.number(1))?;
    "keltner" Keltner(Keltner) [High, Low, Close] (period = 20.0, range_period = 10.0, width = 2.0)
        |a| Keltner::new(a.whole(0)?, a.whole(1)?, a.number(2))?;
    "donchian" Donchian(volatility::Donchian) [High, Low] (period = 20.0) |a| volatility::Donchian::new(a.whole(0)?)?;
    "volatility" Volatility(volatility::HistoricalVolatility) [Close] (period = 20.0)
        |a| volatility::HistoricalVolatility::new(a.whole(0)?)?;
    "parkinson" Parkinson(volatility::Parkinson) [High, Low] (period = 20.0)
        |a| volatility::Parkinson::new(a.whole(0)?)?;
    "garman_klass" GarmanKlass(volatility::GarmanKlass) [Open, High, Low, Close] (period = 20.0)
        |a| volatility::GarmanKlass::new(a.whole(0)?)?;
    "rogers_satchell" RogersSatchell(volatility::RogersSatchell) [Open, High, Low, Close] (period = 20.0)
        |a| volatility::RogersSatchell::new(a.whole(0)?)?;

    "obv" Obv(volume::OnBalance) [Close, Volume] () |_| volume::OnBalance::default();
    "ad" Ad(volume::AccumulationDistribution) [High, Low, Close, Volume] () |_| volume::AccumulationDistribution::default();
    "adosc" Adosc(volume::AccumulationOscillator) [High, Low, Close, Volume] (fast = 3.0, slow = 10.0)
        |a| volume::AccumulationOscillator::new(a.whole(0)?, a.whole(1)?)?;
    "pvt" Pvt(volume::PriceVolumeTrend) [Close, Volume] () |_| volume::PriceVolumeTrend::default();
    "nvi" Nvi(volume::NegativeVolume) [Close, Volume] () |_| volume::NegativeVolume::default();
    "pvi" Pvi(volume::PositiveVolume) [Close, Volume] () |_| volume::PositiveVolume::default();
    "mfi" Mfi(volume::MoneyFlow) [High, Low, Close, Volume] (period = 14.0) |a| volume::MoneyFlow::new(a.whole(0)?)?;
    "cmf" Cmf(volume::ChaikinMoneyFlow) [High, Low, Close, Volume] (period = 20.0)
        |a| volume::ChaikinMoneyFlow::new(a.whole(0)?)?;
    "force_index" ForceIndex(volume::ForceIndex) [Close, Volume] (period = 13.0) |a| volume::ForceIndex::new(a.whole(0)?)?;
    "ease_of_movement" EaseOfMovement(volume::EaseOfMovement) [High, Low, Volume] (period = 14.0, scale = 1e8)
        |a| volume::EaseOfMovement::new(a.whole(0)?, a.number(1))?;
    "volume_oscillator" VolumeOscillator(volume::VolumeOscillator) [Volume] (fast = 5.0, slow = 20.0)
        |a| volume::VolumeOscillator::new(a.whole(0)?, a.whole(1)?)?;
    "vwap" Vwap(volume::Vwap) [High, Low, Close, Volume] () |_| volume::Vwap::default();

    "variance" Variance(statistic::Variance) [Close] (period = 20.0) |a| statistic::Variance::new(a.whole(0)?)?;
    "stddev" Stddev(statistic::StandardDeviation) [Close] (period = 20.0)
        |a| statistic::StandardDeviation::new(a.whole(0)?)?;
    "sum" Sum(statistic::Total) [Close] (period = 20.0) |a| statistic::Total::new(a.whole(0)?)?;
    "max" Max(statistic::Highest) [Close] (period = 20.0) |a| statistic::Highest::new(a.whole(0)?)?;
    "min" Min(statistic::Lowest) [Close] (period = 20.0) |a| statistic::Lowest::new(a.whole(0)?)?;
    "midpoint" Midpoint(statistic::MidPoint) [Close] (period = 14.0) |a| statistic::MidPoint::new(a.whole(0)?)?;
    "midprice" Midprice(statistic::MidPrice) [High, Low] (period = 14.0) |a| statistic::MidPrice::new(a.whole(0)?)?;
    "linearreg" Linearreg(statistic::LinearRegression) [Close] (period = 14.0)
        |a| statistic::LinearRegression::new(a.whole(0)?)?;
    "linearreg_slope" LinearregSlope(statistic::LinearSlope) [Close] (period = 14.0)
        |a| statistic::LinearSlope::new(a.whole(0)?)?;
    "tsf" Tsf(statistic::TimeSeriesForecast) [Close] (period = 14.0) |a| statistic::TimeSeriesForecast::new(a.whole(0)?)?;
    "zscore" Zscore(statistic::ZScore) [Close] (period = 20.0) |a| statistic::ZScore::new(a.whole(0)?)?;
    "avgdev" Avgdev(statistic::MeanDeviation) [Close] (period = 14.0) |a| statistic::MeanDeviation::new(a.whole(0)?)?;
    "beta" Beta(statistic::Beta) [High, Low] (period = 5.0) |a| statistic::Beta::new(a.whole(0)?)?;
    "correl" Correl(statistic::Correlation) [High, Low] (period = 30.0) |a| statistic::Correlation::new(a.whole(0)?)?;

    "avgprice" Avgprice(price::AveragePrice) [Open, High, Low, Close] () |_| price::AveragePrice;
    "medprice" Medprice(price::MedianPrice) [High, Low] () |_| price::MedianPrice;
    "typprice" Typprice(price::TypicalPrice) [High, Low, Close] () |_| price::TypicalPrice;
    "wclprice" Wclprice(price::WeightedClose) [High, Low, Close] () |_| price::WeightedClose;
    "bop" Bop(price::BalanceOfPower) [Open, High, Low, Close] () |_| price::BalanceOfPower;
    "heikin_ashi" HeikinAshi(price::HeikinAshi) [Open, High, Low, Close] () |_| price::HeikinAshi::default();
}
