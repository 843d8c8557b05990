//! The present market, readable by everyone without waiting.

use arc_swap::ArcSwapOption;
use bulkhead_domain::instrument::Instrument;
use bulkhead_domain::{Price, Symbol, risk};
use bulkhead_venues::{MarketEvent, Quote, TradePrint};
use std::collections::HashMap;
use std::sync::Arc;

/// What is known of one symbol's market.
#[derive(Debug, Default)]
struct Market {
    quote: ArcSwapOption<Quote>,
    last_trade: ArcSwapOption<TradePrint>,
}

/// The instruments of a venue, by symbol.
#[derive(Debug, Clone)]
pub struct Instruments(Arc<[Instrument]>, Arc<HashMap<Symbol, usize>>);

impl Instruments {
    /// Indexes a venue's instruments.
    pub fn new(instruments: Arc<[Instrument]>) -> Self {
        let index = instruments.iter().enumerate().map(|(at, one)| (one.symbol.clone(), at)).collect();
        Self(instruments, Arc::new(index))
    }

    /// The instrument, if the venue has it.
    pub fn get(&self, symbol: &Symbol) -> Option<&Instrument> {
        self.0.get(*self.1.get(symbol)?)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Instrument> {
        self.0.iter()
    }
}

/// Latest quotes and trades. Clones are the same board.
#[derive(Debug, Clone)]
pub struct QuoteBoard(Arc<HashMap<Symbol, Market>>);

impl QuoteBoard {
    /// A board for these instruments, empty at first.
    pub fn new(instruments: &Instruments) -> Self {
        Self(Arc::new(instruments.iter().map(|one| (one.symbol.clone(), Market::default())).collect()))
    }

    /// Takes in one market event.
    pub fn record(&self, event: MarketEvent) {
        let Some(market) = self.0.get(event.symbol()) else { return };
        match event {
            MarketEvent::Quote(quote) => market.quote.store(Some(Arc::new(quote))),
            MarketEvent::Trade(print) => market.last_trade.store(Some(Arc::new(print))),
            MarketEvent::Closed { .. } => {}
        }
    }

    /// The best bid and ask; `None` while one side is empty.
    pub fn quote(&self, symbol: &Symbol) -> Option<risk::Quote> {
        let quote = self.depth(symbol)?;
        let best =
            |levels: &[bulkhead_venues::Level]| -> Option<Price> { levels.first().map(|level| level.price) };
        Some(risk::Quote { bid: best(&quote.bids)?, ask: best(&quote.asks)? })
    }

    /// The displayed book.
    pub fn depth(&self, symbol: &Symbol) -> Option<Arc<Quote>> {
        self.0.get(symbol)?.quote.load_full()
    }

    /// The last trade between others.
    pub fn last_trade(&self, symbol: &Symbol) -> Option<Arc<TradePrint>> {
        self.0.get(symbol)?.last_trade.load_full()
    }
}
