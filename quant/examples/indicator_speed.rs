//! How long five indicators take over a million bars, one by one and in one pass: medians in milliseconds.

use bulkhead_quant::{
    QuantError,
    indicator::column::{
        self, BandColumns, BollingerParameters, MacdColumns, MacdPeriods, OverviewColumns,
        OverviewParameters, RangeColumns,
    },
    random::SplitMix64,
};
use std::{hint::black_box, time::Instant};

const BARS: usize = 1_000_000;
const REPEATS: usize = 31;

/// A geometric random walk.
struct Walk {
    high: Vec<f64>,
    low: Vec<f64>,
    close: Vec<f64>,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let mut random = SplitMix64::new(seed);
        let mut walk = Self { high: Vec::new(), low: Vec::new(), close: Vec::new() };
        let mut price: f64 = 100.0;
        for _ in 0..BARS {
            let open = price;
            price *= (0.001 * random.normal()).exp();
            walk.high.push(open.max(price) * (1.0 + 0.0005 * random.uniform()));
            walk.low.push(open.min(price) * (1.0 - 0.0005 * random.uniform()));
            walk.close.push(price);
        }
        walk
    }

    fn columns(&self) -> RangeColumns<'_> {
        RangeColumns { high: &self.high, low: &self.low, close: &self.close }
    }
}

/// The median time in milliseconds.
fn median_ms(mut run: impl FnMut() -> Result<usize, QuantError>) -> Result<f64, QuantError> {
    let mut times = Vec::with_capacity(REPEATS);
    run()?;
    for _ in 0..REPEATS {
        let start = Instant::now();
        black_box(run()?);
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times.into_iter().nth(REPEATS / 2).unwrap_or(f64::NAN))
}

fn main() -> Result<(), QuantError> {
    let walk = Walk::new(7);
    let close = walk.close.as_slice();
    let mut buffers: [Vec<f64>; 9] = std::array::from_fn(|_| vec![0.0; BARS]);
    let [rsi, line, signal, histogram, upper, middle, lower, atr, adx] =
        buffers.each_mut().map(Vec::as_mut_slice);
    let periods = MacdPeriods { fast: 12, slow: 26, signal: 9 };
    let bands = BollingerParameters { period: 20, width: 2.0 };
    let mut times = vec![("rsi", median_ms(|| column::rsi(close, 14, rsi))?)];
    let macd = median_ms(|| {
        let out = MacdColumns { line: &mut *line, signal: &mut *signal, histogram: &mut *histogram };
        column::macd(close, periods, out)
    })?;
    let bollinger = median_ms(|| {
        let out = BandColumns { upper: &mut *upper, middle: &mut *middle, lower: &mut *lower };
        column::bollinger(close, bands, out)
    })?;
    times.push(("macd", macd));
    times.push(("bollinger", bollinger));
    times.push(("atr", median_ms(|| column::atr(walk.columns(), 14, atr))?));
    times.push(("adx", median_ms(|| column::adx(walk.columns(), 14, adx))?));
    let overview = median_ms(|| {
        let out = OverviewColumns {
            rsi: &mut *rsi,
            macd: MacdColumns { line: &mut *line, signal: &mut *signal, histogram: &mut *histogram },
            bollinger: BandColumns { upper: &mut *upper, middle: &mut *middle, lower: &mut *lower },
            atr: &mut *atr,
            adx: &mut *adx,
        };
        column::overview(walk.columns(), &OverviewParameters::default(), out)
    })?;
    let sum: f64 = times.iter().map(|(_, time)| time).sum();
    times.push(("sum of the five", sum));
    times.push(("overview", overview));
    for (name, time) in times {
        println!("{name}: {time:.2} ms per million bars");
    }
    Ok(())
}
