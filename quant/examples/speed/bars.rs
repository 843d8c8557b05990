//! Five indicators over a million bars, one by one and in one pass.

use crate::Outcome;
use crate::files::Inputs;
use crate::stopwatch::Stopwatch;
use bulkhead_quant::indicator::column::{
    self, BandColumns, BollingerParameters, MacdColumns, MacdPeriods, OverviewColumns, OverviewParameters,
    RangeColumns,
};
use bulkhead_quant::random::SplitMix64;

const BARS: usize = 1_000_000;
/// Where columns are compared: past the warm-up, and the last.
const SAMPLED: [usize; 6] = [1_000, 1_001, 123_456, 500_000, 777_777, 999_999];
const MACD: MacdPeriods = MacdPeriods { fast: 12, slow: 26, signal: 9 };
const BANDS: BollingerParameters = BollingerParameters { period: 20, width: 2.0 };

/// A geometric random walk.
pub(crate) fn write(inputs: &Inputs) -> Outcome<()> {
    let mut random = SplitMix64::new(7);
    let (mut high, mut low, mut close) = (Vec::new(), Vec::new(), Vec::new());
    let mut price: f64 = 100.0;
    for _ in 0..BARS {
        let open = price;
        price *= (0.001 * random.normal()).exp();
        high.push(open.max(price) * (1.0 + 0.0005 * random.uniform()));
        low.push(open.min(price) * (1.0 - 0.0005 * random.uniform()));
        close.push(price);
    }
    inputs.write_numbers("high", &high)?;
    inputs.write_numbers("low", &low)?;
    inputs.write_numbers("close", &close)
}

fn sampled(columns: &[&[f64]]) -> Vec<f64> {
    columns.iter().flat_map(|column| SAMPLED.map(|at| column[at])).collect()
}

pub(crate) fn measure(inputs: &Inputs, watch: &mut Stopwatch) -> Outcome<()> {
    if !watch.wants_area("indicator") {
        return Ok(());
    }
    let high = inputs.read_numbers("high")?;
    let low = inputs.read_numbers("low")?;
    let close = inputs.read_numbers("close")?;
    let bars = RangeColumns { high: &high, low: &low, close: &close };
    let mut buffers: [Vec<f64>; 9] = std::array::from_fn(|_| vec![0.0; BARS]);
    let [rsi, line, signal, histogram, upper, middle, lower, atr, adx] =
        buffers.each_mut().map(Vec::as_mut_slice);
    if let Some((timed, _)) = watch.time("indicator/rsi", || column::rsi(&close, 14, rsi))? {
        timed.answer(&sampled(&[rsi]));
    }
    let macd = || {
        let out = MacdColumns { line: &mut *line, signal: &mut *signal, histogram: &mut *histogram };
        column::macd(&close, MACD, out)
    };
    if let Some((timed, _)) = watch.time("indicator/macd", macd)? {
        timed.answer(&sampled(&[line, signal, histogram]));
    }
    let bollinger = || {
        let out = BandColumns { upper: &mut *upper, middle: &mut *middle, lower: &mut *lower };
        column::bollinger(&close, BANDS, out)
    };
    if let Some((timed, _)) = watch.time("indicator/bollinger", bollinger)? {
        timed.answer(&sampled(&[upper, middle, lower]));
    }
    if let Some((timed, _)) = watch.time("indicator/atr", || column::atr(bars, 14, atr))? {
        timed.answer(&sampled(&[atr]));
    }
    if let Some((timed, _)) = watch.time("indicator/adx", || column::adx(bars, 14, adx))? {
        timed.answer(&sampled(&[adx]));
    }
    let overview = || {
        let out = OverviewColumns {
            rsi: &mut *rsi,
            macd: MacdColumns { line: &mut *line, signal: &mut *signal, histogram: &mut *histogram },
            bollinger: BandColumns { upper: &mut *upper, middle: &mut *middle, lower: &mut *lower },
            atr: &mut *atr,
            adx: &mut *adx,
        };
        column::overview(bars, &OverviewParameters::default(), out)
    };
    if let Some((timed, _)) = watch.time("indicator/overview", overview)? {
        timed.answer(&sampled(&[rsi, line, signal, histogram, upper, middle, lower, atr, adx]));
    }
    Ok(())
}
