//! Reading a recording's rows, and saying exactly where one is wrong.

use super::MarketError;
use crate::market::{Level, MarketEvent, Quote, TradePrint};
use bulkhead_domain::order::Side;
use bulkhead_domain::{Price, Qty, Symbol, Timestamp};
use csv::{ByteRecord, Reader, ReaderBuilder};
use rust_decimal::Decimal;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const TRADE_COLUMNS: &[&str] = &["timestamp", "symbol", "trade_id", "price", "quantity", "buyer_maker"];
const QUOTE_COLUMNS: &[&str] = &["timestamp", "symbol", "bid", "bid_size", "ask", "ask_size"];
/// Recordings made with floats carry noise beyond this.
const RECORDED_SCALE: u32 = 8;

/// Which file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowKind {
    Trades,
    Quotes,
}

impl RowKind {
    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Trades => TRADE_COLUMNS,
            Self::Quotes => QUOTE_COLUMNS,
        }
    }
}

/// One file, read row by row, with the next row looked at.
#[derive(Debug)]
pub(super) struct Rows {
    path: PathBuf,
    kind: RowKind,
    reader: Reader<File>,
    record: ByteRecord,
    next: Option<MarketEvent>,
    last_ts: Option<Timestamp>,
    /// Rows handed out so far.
    pub(super) done: u64,
}

impl Rows {
    pub(super) fn open(path: &Path, kind: RowKind) -> Result<Self, MarketError> {
        let io = |source| MarketError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        let reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
        let (record, next, last_ts) = (ByteRecord::new(), None, None);
        let mut rows = Self { path: path.to_owned(), kind, reader, record, next, last_ts, done: 0 };
        rows.read_header()?;
        rows.next = rows.read()?;
        Ok(rows)
    }

    /// The next row without taking it.
    pub(super) fn peek(&self) -> Option<&MarketEvent> {
        self.next.as_ref()
    }

    /// Takes the next row.
    pub(super) fn take(&mut self) -> Result<Option<MarketEvent>, MarketError> {
        let following = if self.next.is_some() { self.read()? } else { None };
        let taken = std::mem::replace(&mut self.next, following);
        self.done += u64::from(taken.is_some());
        Ok(taken)
    }

    fn read_header(&mut self) -> Result<(), MarketError> {
        self.read_record()?;
        for (at, expected) in self.kind.columns().iter().enumerate() {
            let found = self.record.get(at).map(String::from_utf8_lossy);
            // Files from spreadsheets begin with a byte order mark.
            if found.as_deref().map(|text| text.trim_start_matches('\u{feff}')) != Some(expected) {
                let found = found.map_or_else(|| "nothing".to_owned(), |text| format!("{text:?}"));
                return Err(self.wrong(&(at + 1).to_string(), found, &format!("the header {expected:?}")));
            }
        }
        self.check_width()
    }

    fn check_width(&self) -> Result<(), MarketError> {
        let expected = self.kind.columns().len();
        if self.record.len() == expected {
            return Ok(());
        }
        let found = format!("{} columns", self.record.len());
        Err(self.wrong(
            &(self.record.len().min(expected) + 1).to_string(),
            found,
            &format!("{expected} columns"),
        ))
    }

    fn read_record(&mut self) -> Result<bool, MarketError> {
        self.reader
            .read_byte_record(&mut self.record)
            .map_err(|error| MarketError::Io { path: self.path.clone(), source: error.into() })
    }

    fn read(&mut self) -> Result<Option<MarketEvent>, MarketError> {
        if !self.read_record()? {
            return Ok(None);
        }
        if self.record.len() > self.kind.columns().len() {
            self.check_width()?;
        }
        let ts = self.field(0, "an RFC 3339 timestamp", |text| Timestamp::parse(text).ok())?;
        if let Some(last) = self.last_ts.filter(|last| ts < *last) {
            return Err(self.wrong("timestamp", ts.to_string(), &format!("a time not before {last}")));
        }
        self.last_ts = Some(ts);
        let is_pair =
            |symbol: &Symbol| symbol.as_str().split_once('-').is_some_and(|(b, q)| is_code(b) && is_code(q));
        let symbol =
            self.field(1, "a symbol such as BTC-USDT", |text| Symbol::parse(text).ok().filter(is_pair))?;
        match self.kind {
            RowKind::Trades => self.trade(ts, symbol).map(Some),
            RowKind::Quotes => self.quote(ts, symbol).map(Some),
        }
    }

    fn trade(&self, ts: Timestamp, symbol: Symbol) -> Result<MarketEvent, MarketError> {
        let trade_id = self.field(2, "a whole number", |text| text.parse().ok())?;
        let price = self.field(3, "a positive price", price)?;
        let quantity = self.field(4, "a quantity of zero or more", quantity)?;
        let aggressor = self.field(5, "True or False", |text| match text {
            "True" | "true" => Some(Side::Sell),
            "False" | "false" => Some(Side::Buy),
            _ => None,
        })?;
        Ok(MarketEvent::Trade(TradePrint { symbol, price, quantity, aggressor, ts, trade_id }))
    }

    fn quote(&self, ts: Timestamp, symbol: Symbol) -> Result<MarketEvent, MarketError> {
        let side = |at: usize| -> Result<Arc<[Level]>, MarketError> {
            let price = self.field(at, "a positive price", price)?;
            let quantity = self.field(at + 1, "a size of zero or more", quantity)?;
            let level = Level { price, quantity };
            Ok(if quantity.is_zero() { Arc::from([]) } else { Arc::from([level]) })
        };
        let (bids, asks) = (side(2)?, side(4)?);
        if let (Some(bid), Some(ask)) = (bids.first(), asks.first())
            && bid.price > ask.price
        {
            // Nobody could have traded at either; a fill at one of them would be an invention.
            let expected = format!("a price not below the bid of {}", bid.price);
            return Err(self.wrong("ask", format!("{:?}", ask.price.to_string()), &expected));
        }
        // The row's place in the file: the same in every replay, also in one that goes on in the middle.
        let generation = self.record.position().map_or(0, csv::Position::record);
        Ok(MarketEvent::Quote(Quote { symbol, bids, asks, ts, generation }))
    }

    fn field<T>(
        &self,
        at: usize,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, MarketError> {
        let column = self.kind.columns().get(at).expect("callers name columns that exist");
        let Some(bytes) = self.record.get(at) else {
            return Err(self.wrong(column, "nothing".to_owned(), expected));
        };
        let parsed = std::str::from_utf8(bytes).ok().and_then(parse);
        parsed.ok_or_else(|| self.wrong(column, format!("{:?}", String::from_utf8_lossy(bytes)), expected))
    }

    fn wrong(&self, column: &str, found: String, expected: &str) -> MarketError {
        let line = self.record.position().map_or(1, csv::Position::line);
        let (column, expected) = (column.to_owned(), expected.to_owned());
        MarketError::Row { path: self.path.clone(), line, column, found, expected }
    }
}

fn is_code(text: &str) -> bool {
    bulkhead_domain::Currency::parse(text).is_ok()
}

/// A decimal as recorders write it: plain or with an exponent, possibly with a float's noise at the end.
fn recorded(text: &str) -> Option<Decimal> {
    let parsed = text.parse().or_else(|_| Decimal::from_scientific(text));
    parsed.ok().map(|value| value.round_dp(RECORDED_SCALE))
}

fn price(text: &str) -> Option<Price> {
    recorded(text).and_then(|value| Price::try_from(value).ok())
}

fn quantity(text: &str) -> Option<Qty> {
    recorded(text).and_then(|value| Qty::try_from(value).ok())
}
