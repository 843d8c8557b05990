//! A recording played again: trades and quotes merged by time, in the recording's own time.
//!
//! Sizes are taken as they were recorded, whatever the instrument's step. At the end the market closes.

use super::MarketError;
use super::rows::{RowKind, Rows};
use crate::clock::{ClockKind, ClockMap};
use crate::market::MarketEvent;
use bulkhead_domain::instrument::{Instrument, InstrumentKind};
use bulkhead_domain::{Currency, Price, Qty, Symbol, Timestamp};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// So many events at once; the rest comes with the next call.
const EVENTS_PER_ADVANCE_MAX: usize = 2_048;

/// Where a recording is and how fast it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayFiles {
    pub trades: PathBuf,
    pub quotes: PathBuf,
    /// Times as fast as it was recorded.
    pub speed: u32,
}

/// How far a replay is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayProgress {
    pub rows_done: u64,
    pub rows_total: u64,
    /// The recorded time reached.
    pub recorded_time: Timestamp,
    pub is_finished: bool,
}

/// A recording being played.
#[derive(Debug)]
pub struct Replay {
    files: ReplayFiles,
    trades: Rows,
    quotes: Rows,
    instruments: Arc<[Instrument]>,
    rows_total: u64,
    first_ts: Timestamp,
    reached: Timestamp,
    /// Quotes and closings that come before the next row.
    pending: Vec<MarketEvent>,
    is_closed: bool,
}

/// What the check of all rows found.
struct Survey {
    rows: u64,
    first_ts: Timestamp,
    /// Decimal places of the prices of each symbol.
    price_scales: BTreeMap<Symbol, u32>,
}

impl Replay {
    /// Opens and checks both files completely: a recording that is wrong in the middle is refused at once.
    pub fn open(files: ReplayFiles) -> Result<Self, MarketError> {
        if files.speed == 0 {
            return Err(MarketError::SpeedZero);
        }
        let mut survey = Survey { rows: 0, first_ts: Timestamp::EPOCH, price_scales: BTreeMap::new() };
        let (trades, quotes) = open_rows(&files)?;
        let firsts = [trades.peek(), quotes.peek()].into_iter().flatten().map(MarketEvent::ts);
        survey.first_ts = firsts.min().ok_or_else(|| MarketError::Empty { path: files.quotes.clone() })?;
        for mut rows in [trades, quotes] {
            while let Some(event) = rows.take()? {
                survey.see(&event);
            }
        }
        let instruments =
            survey.price_scales.iter().map(|(symbol, scale)| instrument(symbol, *scale)).collect();
        let (trades, quotes) = open_rows(&files)?;
        Ok(Self {
            files,
            trades,
            quotes,
            instruments,
            rows_total: survey.rows,
            first_ts: survey.first_ts,
            reached: survey.first_ts,
            pending: Vec::new(),
            is_closed: false,
        })
    }

    /// The symbols of the recording.
    pub fn instruments(&self) -> Arc<[Instrument]> {
        Arc::clone(&self.instruments)
    }

    /// How far it is.
    pub fn progress(&self) -> ReplayProgress {
        ReplayProgress {
            rows_done: self.trades.done + self.quotes.done,
            rows_total: self.rows_total,
            recorded_time: self.reached,
            is_finished: self.is_closed,
        }
    }

    pub(super) fn start(&mut self, wall: Timestamp, resume: Timestamp) -> Result<ClockMap, MarketError> {
        let mut quotes: BTreeMap<Symbol, MarketEvent> = BTreeMap::new();
        while self.next_row_ts().is_some_and(|ts| ts <= resume) {
            if let Some(event @ MarketEvent::Quote(_)) = self.next_row()? {
                quotes.insert(event.symbol().clone(), event);
            }
        }
        self.pending.extend(quotes.into_values());
        let venue_anchor = self.first_ts.max(resume);
        self.reached = venue_anchor;
        let (kind, speed) = (ClockKind::Recorded, self.files.speed);
        Ok(ClockMap { kind, wall_anchor: wall, venue_anchor, speed, skew_micros: 0 })
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        if !self.pending.is_empty() {
            return Some(self.reached);
        }
        self.next_row_ts().or(if self.is_closed { None } else { Some(self.reached) })
    }

    pub(super) fn advance(&mut self, now: Timestamp) -> Result<Vec<MarketEvent>, MarketError> {
        let mut events = std::mem::take(&mut self.pending);
        while events.len() < EVENTS_PER_ADVANCE_MAX && self.next_row_ts().is_some_and(|ts| ts <= now) {
            events.extend(self.next_row()?);
        }
        self.reached = events.last().map_or(self.reached, |event| event.ts().max(self.reached));
        if self.next_row_ts().is_none() && !self.is_closed {
            self.is_closed = true;
            let ts = self.reached;
            let closed =
                |instrument: &Instrument| MarketEvent::Closed { symbol: instrument.symbol.clone(), ts };
            events.extend(self.instruments.iter().map(closed));
        }
        Ok(events)
    }

    fn next_row_ts(&self) -> Option<Timestamp> {
        [self.trades.peek(), self.quotes.peek()].into_iter().flatten().map(MarketEvent::ts).min()
    }

    /// The earlier of both files' next rows; a quote before a trade of the same time.
    fn next_row(&mut self) -> Result<Option<MarketEvent>, MarketError> {
        let is_quote = match (self.quotes.peek(), self.trades.peek()) {
            (Some(quote), Some(trade)) => quote.ts() <= trade.ts(),
            (quote, _) => quote.is_some(),
        };
        if is_quote { self.quotes.take() } else { self.trades.take() }
    }
}

impl Survey {
    fn see(&mut self, event: &MarketEvent) {
        self.rows += 1;
        let scale = self.price_scales.entry(event.symbol().clone()).or_default();
        let mut see_price = |price: Price| *scale = (*scale).max(price.get().scale());
        match event {
            MarketEvent::Trade(print) => see_price(print.price),
            MarketEvent::Quote(quote) => {
                quote.bids.iter().chain(&*quote.asks).for_each(|level| see_price(level.price));
            }
            MarketEvent::Closed { .. } => {}
        }
    }
}

fn open_rows(files: &ReplayFiles) -> Result<(Rows, Rows), MarketError> {
    Ok((Rows::open(&files.trades, RowKind::Trades)?, Rows::open(&files.quotes, RowKind::Quotes)?))
}

/// A recording names no filters. The tick follows from its prices (never coarser than a cent); steps and fees
/// are those the venue had for its main pairs.
fn instrument(symbol: &Symbol, price_scale: u32) -> Instrument {
    let (base, quote) = symbol.as_str().split_once('-').expect("rows of other symbols are refused");
    let currency = |code| Currency::parse(code).expect("rows of other symbols are refused");
    let quantity = |value| Qty::try_from(value).expect("constants are within bounds");
    let price = |value| Price::try_from(value).expect("constants are within bounds");
    Instrument {
        symbol: symbol.clone(),
        kind: InstrumentKind::Spot,
        base: currency(base),
        quote: currency(quote),
        price_tick: price(Decimal::new(1, price_scale.max(2))),
        quantity_step: quantity(Decimal::new(1, 6)),
        quantity_min: quantity(Decimal::new(1, 6)),
        quantity_max: quantity(Decimal::from(9_000)),
        notional_min: price(Decimal::from(5)),
        taker_fee_rate: Decimal::new(10, 4),
        maker_fee_rate: Decimal::new(8, 4),
    }
}
