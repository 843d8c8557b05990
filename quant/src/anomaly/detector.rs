//! The detector of one symbol.

use super::cusum::Cusum;
use super::price::{PriceWatch, log_ratio};
use super::scale::{Learning, Scale};
use super::settings::seconds;
use super::{Finding, Quote, Readiness, Reason, Settings, Trade, Verdict};
use crate::{QuantError, check};
use serde::{Deserialize, Serialize};

/// The version of [`State`].
const STATE_VERSION: u32 = 1;
/// Sizes and spreads are never thought to vary usually by less than this factor, as a logarithm.
const LOG_SIZE_FLOOR: f64 = 0.1;
/// What sizes may do above the usual without being counted, in standard deviations per trade.
const SURGE_ALLOWANCE: f64 = 1.25;

/// Watches the trades and quotes of one symbol.
#[derive(Debug, Clone, PartialEq)]
pub struct Detector {
    state: State,
}

/// All that a detector knows, to be stored. A store must keep doubles exactly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    version: u32,
    settings: Settings,
    last_time_ns: Option<i64>,
    quote: Option<LastQuote>,
    trades: PriceWatch,
    middles: PriceWatch,
    off_market: Scale,
    sizes: Scale,
    surge: Cusum,
    spreads: Scale,
}

/// The last quote.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct LastQuote {
    time_ns: i64,
    /// The middle and half the spread over it, unless the quote was crossed or locked.
    middle: Option<(f64, f64)>,
    /// Whether its age has been reported.
    is_reported: bool,
}

impl Detector {
    /// A detector that has seen nothing.
    ///
    /// # Errors
    /// If a setting is not finite, not above zero, or out of its range.
    pub fn new(settings: Settings) -> Result<Self, QuantError> {
        settings.check()?;
        Ok(Self {
            state: State {
                version: STATE_VERSION,
                settings,
                last_time_ns: None,
                quote: None,
                trades: PriceWatch::default(),
                middles: PriceWatch::default(),
                off_market: Scale::default(),
                sizes: Scale::default(),
                surge: Cusum::default(),
                spreads: Scale::default(),
            },
        })
    }

    /// All that it knows.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// A detector that goes on where a stored one was.
    ///
    /// # Errors
    /// If the state is of another version, or holds what no detector can have come to.
    pub fn restore(state: State) -> Result<Self, QuantError> {
        let refused = |why| QuantError::UnknownModel { what: "detector of anomalies", why };
        if state.version != STATE_VERSION {
            return Err(refused("it is of another version"));
        }
        state.settings.check()?;
        if !state.is_sound() {
            return Err(refused("a number is out of its range"));
        }
        Ok(Self { state })
    }

    /// Judges a trade, and learns from it.
    ///
    /// # Errors
    /// If the price is not finite and above zero, the size is not finite or negative, or the time is before that of the
    /// last tick. Nothing is learned then.
    pub fn observe_trade(&mut self, trade: &Trade) -> Result<Verdict, QuantError> {
        check::positive("price", trade.price)?;
        check::not_negative("size", trade.size)?;
        let state = &mut self.state;
        let mut verdict = state.arrive(trade.time_ns, state.trades.is_ready())?;
        state.judge_age_of_quote(trade.time_ns, &mut verdict);
        state.judge_distance_from_market(trade.price, &mut verdict);
        state.trades.observe(trade.price, &state.settings, &mut verdict);
        state.judge_size(trade.size, &mut verdict);
        Ok(verdict)
    }

    /// Judges a quote, and learns from it.
    ///
    /// # Errors
    /// If a price is not finite and above zero, or the time is before that of the last tick. Nothing is learned then.
    pub fn observe_quote(&mut self, quote: &Quote) -> Result<Verdict, QuantError> {
        check::positive("bid", quote.bid)?;
        check::positive("ask", quote.ask)?;
        let state = &mut self.state;
        let mut verdict = state.arrive(quote.time_ns, state.middles.is_ready())?;
        let middle = (0.5 * quote.bid + 0.5 * quote.ask).max(f64::MIN_POSITIVE);
        let overlap = quote.bid / middle - quote.ask / middle;
        let mut last = LastQuote { time_ns: quote.time_ns, middle: None, is_reported: false };
        if quote.bid > quote.ask {
            verdict.report(Reason::CrossedQuote, 1.0, overlap);
        } else if quote.bid >= quote.ask {
            verdict.report(Reason::LockedQuote, 0.5, overlap);
        } else {
            last.middle = Some((middle, -0.5 * overlap));
            state.middles.observe(middle, &state.settings, &mut verdict);
            state.judge_spread(-overlap, &mut verdict);
        }
        state.quote = Some(last);
        Ok(verdict)
    }

    /// How the silence since the last tick looks at a moment at which none has come.
    ///
    /// # Errors
    /// If the moment is before the last tick.
    pub fn silence(&self, now_ns: i64) -> Result<Option<Finding>, QuantError> {
        let mut verdict = Verdict::new(Readiness::Ready);
        self.state.judge_silence(now_ns, &mut verdict)?;
        Ok(verdict.findings.pop())
    }
}

impl State {
    /// Begins a verdict on a tick with the silence before it.
    fn arrive(&mut self, time_ns: i64, is_ready: bool) -> Result<Verdict, QuantError> {
        let mut verdict = Verdict::new(if is_ready { Readiness::Ready } else { Readiness::WarmingUp });
        self.judge_silence(time_ns, &mut verdict)?;
        self.last_time_ns = Some(time_ns);
        Ok(verdict)
    }

    fn judge_silence(&self, now_ns: i64, verdict: &mut Verdict) -> Result<(), QuantError> {
        let Some(last_ns) = self.last_time_ns else { return Ok(()) };
        if now_ns < last_ns {
            let value = seconds(now_ns);
            return Err(QuantError::OutOfRange {
                what: "time",
                value,
                expected: "at or after that of the last tick",
            });
        }
        let silence = seconds(now_ns.saturating_sub(last_ns));
        verdict.weigh(Reason::FeedGap, silence, seconds(self.settings.silence_max_ns));
        Ok(())
    }

    /// An old quote is reported once, not at every trade.
    fn judge_age_of_quote(&mut self, now_ns: i64, verdict: &mut Verdict) {
        let Some(quote) = self.quote.as_mut().filter(|quote| !quote.is_reported) else { return };
        let (age_ns, most_ns) = (now_ns.saturating_sub(quote.time_ns), self.settings.quote_age_max_ns);
        verdict.weigh(Reason::StaleQuote, seconds(age_ns), seconds(most_ns));
        quote.is_reported = age_ns >= most_ns;
    }

    /// Compares a trade with the middle of a quote that is not stale.
    fn judge_distance_from_market(&mut self, price: f64, verdict: &mut Verdict) {
        let quote = self.quote.filter(|quote| !quote.is_reported);
        let Some((middle, half_spread)) = quote.and_then(|quote| quote.middle) else { return };
        let threshold = self.settings.off_market_threshold;
        let distance = log_ratio(price, middle);
        let floor = self.settings.return_floor.max(half_spread);
        let deviation = self.off_market.standardised(distance, floor).map_or(0.0, f64::abs);
        verdict.weigh(Reason::OffMarket, deviation, threshold);
        let learning = self.learning(self.settings.return_floor);
        self.off_market.learn(Some(distance), deviation >= threshold, learning);
    }

    fn judge_size(&mut self, size: f64, verdict: &mut Verdict) {
        // A size of zero has no logarithm, and no trade to judge.
        if size == 0.0 {
            return;
        }
        let Settings { volume_threshold, surge_threshold, .. } = self.settings;
        let deviation = self.sizes.standardised(size.ln(), LOG_SIZE_FLOOR);
        if let Some(deviation) = deviation {
            verdict.weigh(Reason::VolumeSpike, deviation, volume_threshold);
            let sum = self.surge.add_upward(deviation, SURGE_ALLOWANCE, surge_threshold);
            verdict.weigh(Reason::VolumeSurge, sum, surge_threshold);
        }
        let is_spike = deviation.is_some_and(|deviation| deviation >= volume_threshold);
        self.sizes.learn(Some(size.ln()), is_spike, self.learning(LOG_SIZE_FLOOR));
    }

    fn judge_spread(&mut self, spread: f64, verdict: &mut Verdict) {
        let threshold = self.settings.spread_threshold;
        let value = spread.max(f64::MIN_POSITIVE).ln();
        let deviation = self.spreads.standardised(value, LOG_SIZE_FLOOR).unwrap_or(0.0);
        verdict.weigh(Reason::WideSpread, deviation, threshold);
        self.spreads.learn(Some(value), deviation >= threshold, self.learning(LOG_SIZE_FLOOR));
    }

    fn learning(&self, floor: f64) -> Learning {
        Learning { warm_up_ticks: self.settings.warm_up_ticks, gain: self.settings.gain(), floor }
    }

    fn is_sound(&self) -> bool {
        let warm_up_ticks = self.settings.warm_up_ticks;
        let is_quote_sound = self.quote.and_then(|quote| quote.middle).is_none_or(|(middle, half_spread)| {
            middle.is_finite() && middle > 0.0 && half_spread.is_finite() && half_spread >= 0.0
        });
        let watches = [&self.trades, &self.middles];
        let scales = [&self.off_market, &self.sizes, &self.spreads];
        is_quote_sound
            && watches.iter().all(|watch| watch.is_sound(&self.settings))
            && scales.iter().all(|scale| scale.is_sound(warm_up_ticks))
            && self.surge.is_sound()
    }
}
