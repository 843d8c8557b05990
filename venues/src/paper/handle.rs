//! The way into a paper venue of the same process: queues, connections and subscribers. It outlives the
//! driver: when that ends every link is disconnected, and connected again once another is opened.

use super::config::PaperConfig;
use super::{PaperError, PaperFaults};
use crate::clock::{ClockKind, ClockMap, WallClock};
use crate::link::{
    ConnectError, DisconnectCause, MarketSubscription, NotDeliveredCause, SendError, Venue, VenueAccountKey,
    VenueInbox, VenueLink, VenueMessage, VenueRequest,
};
use crate::market::{MarketEvent, MarketInbox};
use bulkhead_domain::instrument::Instrument;
use bulkhead_domain::{Timestamp, VenueName};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// One connection may have so many requests waiting; more are not delivered. Keeps a flood to itself.
pub const CONNECTION_QUEUE_MAX: usize = 4_096;
/// Connections to one venue.
pub const CONNECTIONS_MAX: usize = 100_000;

/// Names a connection; never reused by one handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// Called when something is waiting for the driver; must not block.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// What waits for the driver.
pub(super) enum Command {
    Connect(ConnectionId),
    Subscribe(MarketInbox),
    Request(Arc<Connection>, VenueRequest),
    SetFaults(PaperFaults),
}

/// One link's venue side.
pub(super) struct Connection {
    pub(super) id: ConnectionId,
    account: VenueAccountKey,
    inbox: VenueInbox,
    is_connected: AtomicBool,
    waiting: AtomicUsize,
}

#[derive(Default)]
struct Queue {
    commands: VecDeque<Command>,
    /// Whether a driver takes from it.
    is_open: bool,
}

#[derive(Default)]
struct Registry {
    connections: HashMap<ConnectionId, Arc<Connection>>,
    by_account: HashMap<VenueAccountKey, Vec<Arc<Connection>>>,
    subscribers: HashMap<u64, MarketInbox>,
}

/// A paper venue as its users in the same process see it.
pub struct PaperHandle {
    pub(super) config: PaperConfig,
    instruments: Arc<[Instrument]>,
    wall: WallClock,
    clock: RwLock<ClockMap>,
    queue: Mutex<Queue>,
    registry: Mutex<Registry>,
    waker: RwLock<Option<Waker>>,
    is_woken: AtomicBool,
    next_id: AtomicU64,
    own: std::sync::Weak<PaperHandle>,
}

/// A lock's content is whole between any two statements here, so a panic elsewhere does not spoil it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PaperHandle {
    /// Opens the market once, to check it and to learn what is traded. Nothing runs before a driver does.
    pub fn new(config: PaperConfig, wall: WallClock) -> Result<Arc<Self>, PaperError> {
        let mut market = config.market.open()?;
        let instruments = market.instruments();
        let mut clock = market.start(wall(), Timestamp::EPOCH)?;
        clock.skew_micros = config.clock_skew_micros;
        Ok(Arc::new_cyclic(|own| Self {
            config,
            instruments,
            wall,
            clock: RwLock::new(clock),
            queue: Mutex::default(),
            registry: Mutex::default(),
            waker: RwLock::default(),
            is_woken: AtomicBool::new(false),
            next_id: AtomicU64::new(1),
            own: own.clone(),
        }))
    }

    /// Has `waker` called whenever something begins to wait for the driver.
    pub fn set_waker(&self, waker: Waker) {
        *self.waker.write().unwrap_or_else(PoisonError::into_inner) = Some(waker);
    }

    /// Switches faults on or off.
    pub fn set_faults(&self, faults: PaperFaults) {
        self.push(Command::SetFaults(faults));
    }

    /// The wall clock the venue's follows.
    pub fn wall_clock(&self) -> WallClock {
        Arc::clone(&self.wall)
    }

    /// How the venue's clock follows from the wall clock.
    pub fn clock_map(&self) -> ClockMap {
        *self.clock.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_clock(&self, clock: ClockMap) {
        *self.clock.write().unwrap_or_else(PoisonError::into_inner) = clock;
    }

    /// Opens the queue for a new driver and connects everyone who waits.
    pub(super) fn driver_opened(&self) {
        self.reset_queue(true);
        let connections: Vec<_> = lock(&self.registry).connections.values().cloned().collect();
        for connection in connections {
            connection.connected();
        }
    }

    /// Tells everyone that the venue is gone.
    pub(super) fn driver_closed(&self) {
        self.reset_queue(false);
        let connections: Vec<_> = lock(&self.registry).connections.values().cloned().collect();
        for connection in connections {
            connection.disconnected(DisconnectCause::VenueClosed);
        }
    }

    /// Takes up to `limit` commands, and says whether more are waiting.
    pub(super) fn take_commands(&self, limit: usize) -> (Vec<Command>, bool) {
        // Cleared first: a command that comes in between wakes the driver once too often, never too rarely.
        self.is_woken.store(false, Ordering::SeqCst);
        let mut queue = lock(&self.queue);
        let count = queue.commands.len().min(limit);
        let commands: Vec<Command> = queue.commands.drain(..count).collect();
        let is_more = !queue.commands.is_empty();
        drop(queue);
        settle_waiting(&commands);
        (commands, is_more)
    }

    pub(super) fn connection(&self, id: ConnectionId) -> Option<Arc<Connection>> {
        lock(&self.registry).connections.get(&id).cloned()
    }

    pub(super) fn connections_of(&self, account: &VenueAccountKey) -> Vec<Arc<Connection>> {
        lock(&self.registry).by_account.get(account).cloned().unwrap_or_default()
    }

    pub(super) fn publish(&self, events: &[MarketEvent]) {
        let subscribers: Vec<MarketInbox> = lock(&self.registry).subscribers.values().cloned().collect();
        for subscriber in subscribers {
            for event in events {
                subscriber(event.clone());
            }
        }
    }

    fn reset_queue(&self, is_open: bool) {
        let mut queue = lock(&self.queue);
        queue.is_open = is_open;
        let forgotten: Vec<Command> = queue.commands.drain(..).collect();
        drop(queue);
        settle_waiting(&forgotten);
    }

    fn push(&self, command: Command) -> bool {
        let mut queue = lock(&self.queue);
        if !queue.is_open {
            return false;
        }
        queue.commands.push_back(command);
        drop(queue);
        self.wake();
        true
    }

    fn wake(&self) {
        if !self.is_woken.swap(true, Ordering::SeqCst) {
            let waker = self.waker.read().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(waker) = waker {
                waker();
            }
        }
    }

    fn own(&self) -> Arc<Self> {
        self.own.upgrade().expect("a method is running, so its value is alive")
    }

    fn hang_up(&self, connection: &Connection) {
        let mut registry = lock(&self.registry);
        registry.connections.remove(&connection.id);
        if let Some(others) = registry.by_account.get_mut(&connection.account) {
            others.retain(|other| other.id != connection.id);
            if others.is_empty() {
                registry.by_account.remove(&connection.account);
            }
        }
    }
}

fn settle_waiting(taken: &[Command]) {
    for command in taken {
        if let Command::Request(connection, _) = command {
            connection.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Connection {
    pub(super) fn connected(&self) {
        if !self.is_connected.swap(true, Ordering::SeqCst) {
            (self.inbox)(VenueMessage::Connected);
        }
    }

    pub(super) fn disconnected(&self, cause: DisconnectCause) {
        if self.is_connected.swap(false, Ordering::SeqCst) {
            (self.inbox)(VenueMessage::Disconnected { cause });
        }
    }

    /// Delivers a message, unless the connection is broken.
    pub(super) fn deliver(&self, message: VenueMessage) {
        if self.is_connected.load(Ordering::SeqCst) {
            (self.inbox)(message);
        }
    }
}

impl Venue for PaperHandle {
    fn name(&self) -> VenueName {
        self.config.name.clone()
    }

    fn instruments(&self) -> Arc<[Instrument]> {
        Arc::clone(&self.instruments)
    }

    fn clock(&self) -> Timestamp {
        self.clock_map().venue_time((self.wall)())
    }

    fn clock_kind(&self) -> ClockKind {
        self.clock_map().kind
    }

    fn connect(
        &self,
        account: VenueAccountKey,
        inbox: VenueInbox,
    ) -> Result<Arc<dyn VenueLink>, ConnectError> {
        let id = ConnectionId(self.next_id.fetch_add(1, Ordering::Relaxed));
        let (is_connected, waiting) = (AtomicBool::new(false), AtomicUsize::new(0));
        let connection = Arc::new(Connection { id, account: account.clone(), inbox, is_connected, waiting });
        let mut registry = lock(&self.registry);
        if registry.connections.len() >= CONNECTIONS_MAX {
            return Err(ConnectError::TooManyConnections);
        }
        registry.connections.insert(id, Arc::clone(&connection));
        registry.by_account.entry(account).or_default().push(Arc::clone(&connection));
        drop(registry);
        // Without a driver the next one connects it.
        self.push(Command::Connect(id));
        Ok(Arc::new(PaperLink { handle: self.own(), connection }))
    }

    fn subscribe(&self, inbox: MarketInbox) -> Result<MarketSubscription, ConnectError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        lock(&self.registry).subscribers.insert(id, Arc::clone(&inbox));
        self.push(Command::Subscribe(inbox));
        let handle = self.own();
        Ok(MarketSubscription::new(move || {
            lock(&handle.registry).subscribers.remove(&id);
        }))
    }
}

/// One account's link to a venue in the same process.
struct PaperLink {
    handle: Arc<PaperHandle>,
    connection: Arc<Connection>,
}

impl VenueLink for PaperLink {
    fn send(&self, request: VenueRequest) -> Result<(), SendError> {
        let refuse = |cause| Err(SendError::NotDelivered(cause));
        if request.account != self.connection.account {
            return refuse(NotDeliveredCause::WrongAccount);
        }
        if !self.connection.is_connected.load(Ordering::SeqCst) {
            return refuse(NotDeliveredCause::Disconnected);
        }
        if self.connection.waiting.load(Ordering::Relaxed) >= CONNECTION_QUEUE_MAX {
            return refuse(NotDeliveredCause::QueueFull);
        }
        self.connection.waiting.fetch_add(1, Ordering::Relaxed);
        if !self.handle.push(Command::Request(Arc::clone(&self.connection), request)) {
            self.connection.waiting.fetch_sub(1, Ordering::Relaxed);
            return refuse(NotDeliveredCause::Disconnected);
        }
        Ok(())
    }

    fn clock(&self) -> Timestamp {
        Venue::clock(&*self.handle)
    }
}

impl Drop for PaperLink {
    fn drop(&mut self) {
        self.handle.hang_up(&self.connection);
    }
}
