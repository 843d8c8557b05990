//! Drives the core: feeds it the market and the queued requests, and delivers what it says. Whoever owns a
//! driver calls [`PaperDriver::turn`] when its handle wakes it and when the time it named has come.

use super::faults::{Fate, FaultInjector};
use super::handle::{Command, Connection, ConnectionId, PaperHandle};
use super::progress::ProgressLog;
use super::source::Market;
use super::venue::{PaperInput, PaperOutput, PaperVenue};
use super::{PaperError, PaperFaults};
use crate::clock::ClockMap;
use crate::link::DisconnectCause;
use crate::market::{MarketEvent, MarketInbox};
use bulkhead_domain::{Symbol, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Commands per turn, so that the market is looked at in between. One turn is one write to the log.
const TURN_COMMANDS_MAX: usize = 1_024;
/// A connection that a fault broke comes back after this.
const FAULT_RECONNECT_MICROS: i64 = 200_000;

/// What a turn leaves to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Requests are still waiting: turn again at once.
    pub is_more: bool,
    /// Turn again at this wall time at the latest; `None`: only when woken.
    pub next_due: Option<Timestamp>,
}

/// A running paper venue.
pub struct PaperDriver {
    handle: Arc<PaperHandle>,
    venue: PaperVenue,
    market: Market,
    progress: ProgressLog,
    clock: ClockMap,
    faults: Option<FaultInjector>,
    /// The last quote of each symbol, for new subscribers.
    quotes: HashMap<Symbol, MarketEvent>,
    /// Delayed reports and reconnections by the wall time they are due, and a number that keeps them apart.
    later: BTreeMap<(Timestamp, u64), Later>,
    next_later: u64,
}

enum Later {
    Deliver(PaperOutput),
    Connect(ConnectionId),
}

impl PaperDriver {
    /// Opens the venue's log and market, and connects the handle's waiting links. A handle has one driver at
    /// a time.
    pub fn open(handle: &Arc<PaperHandle>) -> Result<Self, PaperError> {
        let config = &handle.config;
        let mut market = config.market.open()?;
        let venue = PaperVenue::open(&config.data_dir, &crate::Venue::instruments(handle.as_ref()))?;
        let mut clock = market.start((handle.wall_clock())(), venue.now())?;
        clock.skew_micros = config.clock_skew_micros;
        handle.set_clock(clock);
        let faults = FaultInjector::new(config.faults);
        handle.driver_opened();
        Ok(Self {
            handle: Arc::clone(handle),
            venue,
            market,
            progress: ProgressLog::default(),
            clock,
            faults,
            quotes: HashMap::new(),
            later: BTreeMap::new(),
            next_later: 0,
        })
    }

    /// Handles what is due at the wall time `wall`. After an error the driver is to be dropped: the venue
    /// says nothing more, so what was in flight is unknown to whoever sent it.
    pub fn turn(&mut self, wall: Timestamp) -> Result<Turn, PaperError> {
        let now = self.clock.venue_time(wall);
        let events = self.market.advance(now)?;
        let (commands, is_more) = self.handle.take_commands(TURN_COMMANDS_MAX);
        self.remember_quotes(&events);
        let mut inputs: Vec<PaperInput> = events.iter().cloned().map(PaperInput::Market).collect();
        for command in commands {
            match command {
                Command::Request(connection, request) => {
                    inputs.push(PaperInput::Request { connection: connection.id, request });
                }
                Command::Connect(id) => self.connect(id),
                Command::Subscribe(inbox) => self.send_quotes(&inbox),
                Command::SetFaults(faults) => self.faults = FaultInjector::new(faults),
            }
        }
        let outputs = self.venue.step(now, inputs)?;
        self.handle.publish(&events);
        for output in outputs {
            self.release(wall, output);
        }
        self.run_due(wall);
        let told = self.market.progress().and_then(|progress| self.progress.show(progress, wall));
        Ok(Turn { is_more, next_due: [self.next_due(), told].into_iter().flatten().min() })
    }

    /// Switches faults on or off.
    pub fn set_faults(&mut self, faults: PaperFaults) {
        self.faults = FaultInjector::new(faults);
    }

    fn next_due(&self) -> Option<Timestamp> {
        let market = self.market.next_due().map(|venue| self.clock.wall_time(venue));
        let later = self.later.first_key_value().map(|((due, _), _)| *due);
        let expiry = self.venue.next_expiry().map(|venue| self.clock.wall_time(venue));
        [market, later, expiry].into_iter().flatten().min()
    }

    fn remember_quotes(&mut self, events: &[MarketEvent]) {
        for event in events {
            match event {
                MarketEvent::Quote(quote) => {
                    self.quotes.insert(quote.symbol.clone(), event.clone());
                }
                MarketEvent::Closed { symbol, .. } => {
                    self.quotes.insert(symbol.clone(), event.clone());
                }
                MarketEvent::Trade(_) => {}
            }
        }
    }

    fn send_quotes(&self, inbox: &MarketInbox) {
        for event in self.quotes.values() {
            inbox(event.clone());
        }
    }

    fn connect(&self, id: ConnectionId) {
        if let Some(connection) = self.handle.connection(id) {
            connection.connected();
        }
    }

    fn release(&mut self, wall: Timestamp, output: PaperOutput) {
        let Some(injector) = &mut self.faults else {
            self.deliver(output);
            return;
        };
        let delay_micros = injector.faults.delay_micros;
        match injector.decide(&output) {
            Fate::Deliver => self.deliver(output),
            Fate::Lose => {}
            Fate::Twice => {
                self.deliver(output.clone());
                self.deliver(output);
            }
            Fate::Delay => self.plan(wall.plus_micros(delay_micros), Later::Deliver(output)),
            Fate::Disconnect => {
                for connection in self.handle.connections_of(&output.account) {
                    connection.disconnected(DisconnectCause::Injected);
                    self.plan(wall.plus_micros(FAULT_RECONNECT_MICROS), Later::Connect(connection.id));
                }
            }
        }
    }

    fn plan(&mut self, due: Timestamp, later: Later) {
        self.later.insert((due, self.next_later), later);
        self.next_later += 1;
    }

    fn run_due(&mut self, wall: Timestamp) {
        while let Some(entry) = self.later.first_entry() {
            if entry.key().0 > wall {
                break;
            }
            match entry.remove() {
                Later::Deliver(output) => self.deliver(output),
                Later::Connect(id) => self.connect(id),
            }
        }
    }

    fn deliver(&self, output: PaperOutput) {
        let targets: Vec<Arc<Connection>> = match output.connection {
            Some(id) => self.handle.connection(id).into_iter().collect(),
            None => self.handle.connections_of(&output.account),
        };
        let mut targets = targets.into_iter();
        let last = targets.next_back();
        for connection in targets {
            connection.deliver(output.message.clone());
        }
        if let Some(connection) = last {
            connection.deliver(output.message);
        }
    }
}

impl Drop for PaperDriver {
    fn drop(&mut self) {
        self.handle.driver_closed();
    }
}
