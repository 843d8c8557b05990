//! Indicators that TA-Lib does not have, against their formulas computed anew at each bar.

use super::{Owned, assert_column, outputs, walk};

/// A value at each bar, or none yet.
type Column = Vec<Option<f64>>;

const ROUNDING: (f64, f64) = (1e-9, 1e-11);

fn known(values: &[f64]) -> Column {
    values.iter().copied().map(Some).collect()
}

/// `formula` of the latest `period` values, where all of them are known.
fn window(values: &Column, period: usize, formula: impl Fn(&[f64]) -> f64) -> Column {
    let at = |index: usize| {
        let begin = (index + 1).checked_sub(period)?;
        let latest: Option<Vec<f64>> = values[begin..=index].iter().copied().collect();
        latest.map(|latest| formula(&latest))
    };
    (0..values.len()).map(at).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn highest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::MIN, f64::max)
}

fn lowest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::MAX, f64::min)
}

fn sma(values: &Column, period: usize) -> Column {
    window(values, period, mean)
}

fn wma(values: &Column, period: usize) -> Column {
    window(values, period, |latest| {
        let weights = 1..=latest.len();
        let total: usize = weights.clone().sum();
        weights.zip(latest).map(|(weight, value)| weight as f64 * value).sum::<f64>() / total as f64
    })
}

/// `keep` of what it was and the rest of what is new, begun with the mean of the first `period`.
fn smoothed(values: &Column, period: usize, keep: f64) -> Column {
    let mut state = None;
    let means = sma(values, period);
    let mut column = Column::new();
    for (value, mean) in values.iter().zip(means) {
        state = match state {
            Some(state) => Some(keep * state + (1.0 - keep) * value.unwrap()),
            None => mean,
        };
        column.push(state);
    }
    column
}

fn ema(values: &Column, period: usize) -> Column {
    smoothed(values, period, 1.0 - 2.0 / (period as f64 + 1.0))
}

fn wilder(values: &Column, period: usize) -> Column {
    smoothed(values, period, 1.0 - 1.0 / period as f64)
}

fn delayed(values: &Column, by: usize) -> Column {
    (0..values.len()).map(|index| values[index.checked_sub(by)?]).collect()
}

fn join(first: &Column, second: &Column, formula: impl Fn(f64, f64) -> f64) -> Column {
    first.iter().zip(second).map(|(first, second)| Some(formula((*first)?, (*second)?))).collect()
}

fn each(values: &Column, formula: impl Fn(f64) -> f64) -> Column {
    values.iter().map(|value| value.map(&formula)).collect()
}

fn change(values: &Column) -> Column {
    join(values, &delayed(values, 1), |value, before| value - before)
}

fn rate(values: &Column, period: usize) -> Column {
    join(values, &delayed(values, period), |value, before| 100.0 * (value / before - 1.0))
}

fn rsi(values: &Column, period: usize) -> Column {
    let moves = change(values);
    let rises = wilder(&each(&moves, |value| value.max(0.0)), period);
    let sizes = wilder(&each(&moves, f64::abs), period);
    join(&rises, &sizes, |rises, sizes| if sizes > 0.0 { 100.0 * rises / sizes } else { 0.0 })
}

fn accumulate(start: f64, terms: &[f64]) -> Column {
    let add = |total: &mut f64, term: &f64| {
        *total += term;
        Some(Some(*total))
    };
    terms.iter().scan(start, add).collect()
}

/// The columns of bars, and what is often needed of them.
struct Bars {
    owned: Owned,
    open: Column,
    high: Column,
    low: Column,
    close: Column,
    volume: Column,
    median: Column,
    typical: Column,
    true_range: Column,
}

impl Bars {
    fn new(owned: Owned) -> Self {
        let (high, low, close) = (known(&owned.high), known(&owned.low), known(&owned.close));
        let before = delayed(&close, 1);
        let top = join(&high, &before, f64::max);
        let bottom = join(&low, &before, f64::min);
        Self {
            open: known(&owned.open),
            volume: known(&owned.volume),
            median: join(&high, &low, |high, low| (high + low) / 2.0),
            typical: join(&join(&high, &low, |high, low| high + low), &close, |sum, close| {
                (sum + close) / 3.0
            }),
            true_range: join(&top, &bottom, |top, bottom| top - bottom),
            high,
            low,
            close,
            owned,
        }
    }

    /// Compares the indicator of this name with columns that were computed directly.
    fn agree(&self, name: &str, parameters: &[f64], want: &[Column]) {
        let got = outputs(name, parameters, &self.owned.bars());
        assert_eq!(got.len(), want.len(), "{name}");
        for (got, want) in got.iter().zip(want) {
            let want: Vec<f64> = want.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
            assert_column(name, got, &want, ROUNDING);
        }
    }

    /// The volume times the place of the close.
    fn flow(&self) -> Column {
        let place = |index: usize| {
            let (high, low, close) = (self.owned.high[index], self.owned.low[index], self.owned.close[index]);
            let place = if high > low { (2.0 * close - low - high) / (high - low) } else { 0.0 };
            Some(place * self.owned.volume[index])
        };
        (0..self.close.len()).map(place).collect()
    }
}

fn bars() -> Bars {
    Bars::new(walk(21, 320))
}

#[test]
fn averages() {
    let b = bars();
    let difference = |first: &Column, second: &Column| join(first, second, |first, second| first - second);
    b.agree("wilder", &[14.0], &[wilder(&b.close, 14)]);
    let ahead = join(&b.close, &delayed(&b.close, 9), |value, before| 2.0 * value - before);
    b.agree("zlema", &[20.0], &[ema(&ahead, 20)]);
    let ahead = join(&wma(&b.close, 8), &wma(&b.close, 17), |half, whole| 2.0 * half - whole);
    b.agree("hma", &[17.0], &[wma(&ahead, 4)]);
    let money = join(&b.close, &b.volume, |close, volume| close * volume);
    b.agree("vwma", &[20.0], &[join(&sma(&money, 20), &sma(&b.volume, 20), |money, volume| money / volume)]);
    let alma = window(&b.close, 9, |latest| {
        let weight = |index: usize| (-(index as f64 - 6.0).powi(2) / (2.0 * 1.5 * 1.5)).exp();
        let total: f64 = (0..9).map(weight).sum();
        (0..9).map(|index| weight(index) * latest[index]).sum::<f64>() / total
    });
    b.agree("alma", &[9.0, 0.85, 6.0], &[alma]);
    b.agree("awesome", &[5.0, 34.0], &[difference(&sma(&b.median, 5), &sma(&b.median, 34))]);
    b.agree("dpo", &[20.0], &[difference(&delayed(&b.close, 11), &sma(&b.close, 20))]);
}

#[test]
fn averages_that_adapt() {
    let b = bars();
    let close = &b.owned.close;
    let mut vidya = vec![None; 14];
    let mut value = close[13];
    for index in 14..close.len() {
        let moves: Vec<f64> = (index - 13..=index).map(|at| close[at] - close[at - 1]).collect();
        let momentum = (moves.iter().sum::<f64>() / moves.iter().map(|step| step.abs()).sum::<f64>()).abs();
        let gain = 2.0 / 15.0 * momentum;
        value = gain * close[index] + (1.0 - gain) * value;
        vidya.push(Some(value));
    }
    b.agree("vidya", &[14.0], &[vidya]);
    let mut value = close[0];
    let mcginley = close.iter().map(|price| {
        value += (price - value) / (14.0 * (price / value).powi(4));
        Some(value)
    });
    b.agree("mcginley", &[14.0], &[mcginley.collect()]);
}

#[test]
fn momentum() {
    let b = bars();
    let sum = join(&rate(&b.close, 14), &rate(&b.close, 11), |long, short| long + short);
    b.agree("coppock", &[14.0, 11.0, 10.0], &[wma(&sum, 10)]);
    let part = |change: usize, average: usize, weight: f64| {
        each(&sma(&rate(&b.close, change), average), |value| weight * value)
    };
    let plus = |first: &Column, second: &Column| join(first, second, |first, second| first + second);
    let kst =
        plus(&plus(&part(10, 10, 1.0), &part(15, 10, 2.0)), &plus(&part(20, 10, 3.0), &part(30, 15, 4.0)));
    let signal = sma(&kst, 9);
    let shown = join(&kst, &signal, |line, _| line);
    b.agree("kst", &[9.0], &[shown, signal]);
    let moves = change(&b.close);
    let sizes = each(&moves, f64::abs);
    let tsi = join(&ema(&ema(&moves, 25), 13), &ema(&ema(&sizes, 25), 13), |net, total| 100.0 * net / total);
    b.agree("tsi", &[25.0, 13.0], &[tsi]);
    let average = ema(&b.close, 13);
    let above = |values: &Column| join(values, &average, |value, average| value - average);
    b.agree("elder_ray", &[13.0], &[above(&b.high), above(&b.low)]);
}

#[test]
fn momentum_of_runs_and_ranks() {
    let b = bars();
    let mut run = 0_i32;
    let mut runs = vec![Some(0.0)];
    for step in change(&b.close).into_iter().flatten() {
        run = match step {
            step if step > 0.0 => run.max(0) + 1,
            step if step < 0.0 => run.min(0) - 1,
            _ => 0,
        };
        runs.push(Some(f64::from(run)));
    }
    let rank = window(&rate(&b.close, 1), 101, |latest| {
        latest[..100].iter().filter(|before| **before < latest[100]).count() as f64
    });
    let two = join(&rsi(&b.close, 3), &rsi(&runs, 2), |price, run| price + run);
    b.agree("connors", &[3.0, 2.0, 100.0], &[join(&two, &rank, |two, rank| (two + rank) / 3.0)]);

    let (mut place, mut value) = (0.0_f64, 0.0);
    let mut triggers = Column::new();
    let raw = window(&b.median, 10, |latest| {
        let (high, low) = (highest(latest), lowest(latest));
        (latest[9] - low) / (high - low) - 0.5
    });
    let transform = raw.into_iter().map(|raw| {
        let before = value;
        let raw = raw.map(|raw| {
            place = (0.33 * 2.0 * raw + 0.67 * place).clamp(-0.999, 0.999);
            value = 0.5 * ((1.0 + place) / (1.0 - place)).ln() + 0.5 * value;
            value
        });
        triggers.push(raw.map(|_| before));
        raw
    });
    let values: Column = transform.collect();
    b.agree("fisher", &[10.0], &[values, triggers]);
}

#[test]
fn trends() {
    let b = bars();
    let size = |first: &Column, second: &Column| join(first, second, |first, second| (first - second).abs());
    let total = |values: &Column| window(values, 14, |latest| latest.iter().sum());
    let share = |values: &Column| join(&total(values), &total(&b.true_range), |part, whole| part / whole);
    let (up, down) = (size(&b.high, &delayed(&b.low, 1)), size(&b.low, &delayed(&b.high, 1)));
    b.agree("vortex", &[14.0], &[share(&up), share(&down)]);
    let middle = |period: usize| {
        join(&window(&b.high, period, highest), &window(&b.low, period, lowest), |high, low| {
            (high + low) / 2.0
        })
    };
    let (conversion, base) = (middle(9), middle(26));
    let leading_a = delayed(&join(&conversion, &base, |conversion, base| (conversion + base) / 2.0), 25);
    let leading_b = delayed(&middle(52), 25);
    let shown = |values: &Column| join(values, &leading_b, |value, _| value);
    let want = [shown(&conversion), shown(&base), shown(&leading_a), leading_b.clone()];
    b.agree("ichimoku", &[9.0, 26.0, 52.0, 26.0], &want);
}

#[test]
fn supertrend() {
    let b = bars();
    let atr = wilder(&b.true_range, 10);
    let close = &b.owned.close;
    let (mut stops, mut directions) = (vec![None; 10], vec![None; 10]);
    let (mut upper, mut lower, mut rises) = (f64::INFINITY, f64::NEG_INFINITY, true);
    for index in 10..close.len() {
        let (middle, reach) = (b.median[index].unwrap(), 3.0 * atr[index].unwrap());
        upper = if middle + reach < upper || close[index - 1] > upper { middle + reach } else { upper };
        lower = if middle - reach > lower || close[index - 1] < lower { middle - reach } else { lower };
        rises = if rises { close[index] >= lower } else { close[index] > upper };
        stops.push(Some(if rises { lower } else { upper }));
        directions.push(Some(if rises { 1.0 } else { -1.0 }));
    }
    assert!(directions.contains(&Some(1.0)) && directions.contains(&Some(-1.0)));
    b.agree("supertrend", &[10.0, 3.0], &[stops, directions]);
}

#[test]
fn volatility() {
    let b = bars();
    let extent = join(&window(&b.high, 14, highest), &window(&b.low, 14, lowest), |high, low| high - low);
    let path = window(&b.true_range, 14, |latest| latest.iter().sum());
    let choppiness = join(&path, &extent, |path, extent| 100.0 * (path / extent).log10() / 14_f64.log10());
    b.agree("choppiness", &[14.0], &[choppiness]);
    let range = join(&b.high, &b.low, |high, low| high - low);
    let ratio = join(&ema(&range, 9), &ema(&ema(&range, 9), 9), |once, twice| once / twice);
    b.agree("mass_index", &[9.0, 25.0], &[window(&ratio, 25, |latest| latest.iter().sum())]);
    let fall =
        join(&b.close, &window(&b.close, 14, highest), |close, peak| (100.0 * (close - peak) / peak).powi(2));
    b.agree("ulcer", &[14.0], &[each(&sma(&fall, 14), f64::sqrt)]);
    let (middle, reach) = (ema(&b.close, 20), each(&wilder(&b.true_range, 10), |range| 2.0 * range));
    let upper = join(&middle, &reach, |middle, reach| middle + reach);
    let lower = join(&middle, &reach, |middle, reach| middle - reach);
    b.agree("keltner", &[20.0, 10.0, 2.0], &[upper, middle, lower]);
    let (upper, lower) = (window(&b.high, 20, highest), window(&b.low, 20, lowest));
    let middle = join(&upper, &lower, |upper, lower| (upper + lower) / 2.0);
    b.agree("donchian", &[20.0], &[upper, middle, lower]);
}

#[test]
fn volatility_per_bar() {
    let b = bars();
    let returns = join(&b.close, &delayed(&b.close, 1), |close, before| (close / before).ln());
    let deviation = window(&returns, 20, |latest| {
        let centre = mean(latest);
        (latest.iter().map(|value| (value - centre).powi(2)).sum::<f64>() / 19.0).sqrt()
    });
    b.agree("volatility", &[20.0], &[deviation]);
    let ln = |first: &Column, second: &Column| join(first, second, |first, second| (first / second).ln());
    let root = |variance: &Column| each(&sma(variance, 20), f64::sqrt);
    let ln_2 = 2_f64.ln();
    let parkinson = each(&ln(&b.high, &b.low), |range| range * range / (4.0 * ln_2));
    b.agree("parkinson", &[20.0], &[root(&parkinson)]);
    let garman_klass = join(&ln(&b.high, &b.low), &ln(&b.close, &b.open), |range, body| {
        0.5 * range * range - (2.0 * ln_2 - 1.0) * body * body
    });
    b.agree("garman_klass", &[20.0], &[root(&garman_klass)]);
    let times = |first: &Column, second: &Column| join(first, second, |first, second| first * second);
    let above = times(&ln(&b.high, &b.close), &ln(&b.high, &b.open));
    let below = times(&ln(&b.low, &b.close), &ln(&b.low, &b.open));
    b.agree("rogers_satchell", &[20.0], &[root(&join(&above, &below, |above, below| above + below))]);
}

#[test]
fn volume() {
    let b = bars();
    let (close, volume) = (&b.owned.close, &b.owned.volume);
    let relative: Vec<f64> = (0..close.len())
        .map(|index| if index == 0 { 0.0 } else { volume[index] * (close[index] / close[index - 1] - 1.0) })
        .collect();
    b.agree("pvt", &[], &[accumulate(0.0, &relative)]);
    let index_where = |counts: &dyn Fn(f64, f64) -> bool| {
        let mut value = 1000.0;
        let follow = |index: usize| {
            if index > 0 && counts(volume[index], volume[index - 1]) {
                value *= close[index] / close[index - 1];
            }
            Some(value)
        };
        (0..close.len()).map(follow).collect::<Column>()
    };
    b.agree("nvi", &[], &[index_where(&|now, before| now < before)]);
    b.agree("pvi", &[], &[index_where(&|now, before| now > before)]);
    b.agree("cmf", &[20.0], &[join(&sma(&b.flow(), 20), &sma(&b.volume, 20), |flow, volume| flow / volume)]);
    let force = join(&change(&b.close), &b.volume, |change, volume| change * volume);
    b.agree("force_index", &[13.0], &[ema(&force, 13)]);
    let range = join(&b.high, &b.low, |high, low| high - low);
    let box_ratio = join(&b.volume, &range, |volume, range| volume / 1e8 / range);
    let ease = join(
        &change(&b.median),
        &box_ratio,
        |moved, ratio| if ratio.is_finite() { moved / ratio } else { 0.0 },
    );
    b.agree("ease_of_movement", &[14.0, 1e8], &[sma(&ease, 14)]);
    let percent = join(&sma(&b.volume, 5), &sma(&b.volume, 20), |fast, slow| 100.0 * (fast - slow) / slow);
    b.agree("volume_oscillator", &[5.0, 20.0], &[percent]);
    let money: Vec<f64> =
        b.typical.iter().flatten().zip(volume).map(|(price, volume)| price * volume).collect();
    let vwap = join(&accumulate(0.0, &money), &accumulate(0.0, volume), |money, volume| money / volume);
    b.agree("vwap", &[], &[vwap]);
}

#[test]
fn scores_and_means() {
    let b = bars();
    let score = window(&b.close, 20, |latest| {
        let centre = mean(latest);
        let variance = latest.iter().map(|value| (value - centre).powi(2)).sum::<f64>() / 20.0;
        (latest[19] - centre) / variance.sqrt()
    });
    b.agree("zscore", &[20.0], &[score]);
    let owned = &b.owned;
    let (mut open_before, mut close_before) = (owned.open[0], owned.close[0]);
    let mut want = vec![Column::new(); 4];
    for bar in owned.bars() {
        let open = (open_before + close_before) / 2.0;
        let close = (bar.open + bar.high + bar.low + bar.close) / 4.0;
        let values = [open, bar.high.max(open.max(close)), bar.low.min(open.min(close)), close];
        for (column, value) in want.iter_mut().zip(values) {
            column.push(Some(value));
        }
        (open_before, close_before) = (open, close);
    }
    b.agree("heikin_ashi", &[], &want);
}
