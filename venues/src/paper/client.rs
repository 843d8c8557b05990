//! A paper venue in another process, as a [`Venue`]. One connection carries every account's link; when it
//! breaks, all links are disconnected and come back with it.

use super::handle::lock;
use super::wire::{ToClient, ToServer, Welcome, read_line, write_line};
use crate::clock::{ClockKind, ClockMap, WallClock};
use crate::link::{
    ConnectError, DisconnectCause, MarketSubscription, NotDeliveredCause, SendError, Venue, VenueAccountKey,
    VenueInbox, VenueLink, VenueMessage, VenueRequest,
};
use crate::market::{MarketEvent, MarketInbox};
use bulkhead_domain::instrument::Instrument;
use bulkhead_domain::{Symbol, Timestamp, VenueName};
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;

/// Requests that may wait for the connection's writer; more are not delivered.
const OUTBOUND_MAX: usize = 65_536;
/// A server that has not said welcome by then is not there.
const WELCOME_WITHIN: Duration = Duration::from_secs(5);
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// The client side of a paper venue's server.
pub struct PaperClient {
    name: VenueName,
    instruments: Arc<[Instrument]>,
    wall: WallClock,
    clock: Mutex<ClockMap>,
    links: Mutex<HashMap<u64, Arc<Remote>>>,
    subscribers: Mutex<HashMap<u64, MarketInbox>>,
    quotes: Mutex<HashMap<Symbol, MarketEvent>>,
    outbound: Mutex<Outbound>,
    has_outbound: Notify,
    next_id: AtomicU64,
    own: Weak<Self>,
}

#[derive(Default)]
struct Outbound {
    messages: Vec<ToServer>,
    /// Whether a connection takes from it.
    is_open: bool,
}

/// One link's client side.
struct Remote {
    account: VenueAccountKey,
    inbox: VenueInbox,
    is_connected: AtomicBool,
}

/// Keeps the client connected; see [`ClientRun::run`].
pub struct ClientRun {
    client: Arc<PaperClient>,
    address: String,
    first: Option<Socket>,
}

struct Socket {
    reader: BufReader<OwnedReadHalf>,
    write: OwnedWriteHalf,
}

impl PaperClient {
    /// Connects for the first time, to learn the venue's name and instruments. Nothing moves before
    /// [`ClientRun::run`] is driven.
    pub async fn open(address: &str, wall: WallClock) -> io::Result<(Arc<Self>, ClientRun)> {
        let (socket, welcome) = dial(address).await?;
        let clock = Mutex::new(clock_seen_here(&welcome, wall()));
        let client = Arc::new_cyclic(|own| Self {
            name: welcome.name,
            instruments: welcome.instruments.into(),
            wall,
            clock,
            links: Mutex::default(),
            subscribers: Mutex::default(),
            quotes: Mutex::default(),
            outbound: Mutex::default(),
            has_outbound: Notify::new(),
            next_id: AtomicU64::new(1),
            own: own.clone(),
        });
        let run = ClientRun { client: Arc::clone(&client), address: address.to_owned(), first: Some(socket) };
        Ok((client, run))
    }

    fn push(&self, message: ToServer) -> Result<(), NotDeliveredCause> {
        let mut outbound = lock(&self.outbound);
        if !outbound.is_open {
            return Err(NotDeliveredCause::Disconnected);
        }
        let is_request = matches!(message, ToServer::Request { .. });
        if is_request && outbound.messages.len() >= OUTBOUND_MAX {
            return Err(NotDeliveredCause::QueueFull);
        }
        outbound.messages.push(message);
        drop(outbound);
        self.has_outbound.notify_one();
        Ok(())
    }

    /// Opens the way out and asks for every link and subscription there is.
    fn socket_opened(&self) {
        // The links' lock is held throughout: a link opened meanwhile is asked for once, here or by itself.
        let links = lock(&self.links);
        let mut outbound = lock(&self.outbound);
        outbound.is_open = true;
        let connect = |(link, remote): (&u64, &Arc<Remote>)| {
            let account = remote.account.clone();
            ToServer::Connect { link: *link, account }
        };
        outbound.messages = links.iter().map(connect).collect();
        outbound.messages.push(ToServer::Subscribe);
        drop(outbound);
        drop(links);
        self.has_outbound.notify_one();
    }

    fn socket_closed(&self, cause: DisconnectCause) {
        *lock(&self.outbound) = Outbound::default();
        let links: Vec<_> = lock(&self.links).values().cloned().collect();
        for remote in links {
            remote.disconnected(cause);
        }
    }

    fn take(&self, message: ToClient) {
        match message {
            // Only the first line of a connection says this.
            ToClient::Welcome(_) => {}
            ToClient::Message { link, body } => {
                let remote = lock(&self.links).get(&link).cloned();
                if let Some(remote) = remote {
                    remote.take(body);
                }
            }
            ToClient::Market { body } => {
                if !matches!(body, MarketEvent::Trade(_)) {
                    lock(&self.quotes).insert(body.symbol().clone(), body.clone());
                }
                let subscribers: Vec<MarketInbox> = lock(&self.subscribers).values().cloned().collect();
                for subscriber in subscribers {
                    subscriber(body.clone());
                }
            }
        }
    }

    async fn read_all(&self, mut reader: BufReader<OwnedReadHalf>) -> io::Result<()> {
        let mut buffer = Vec::new();
        while let Some(message) = read_line(&mut reader, &mut buffer).await? {
            self.take(message);
        }
        Ok(())
    }

    async fn write_all(&self, mut write: OwnedWriteHalf) -> io::Result<()> {
        let mut buffer = Vec::new();
        loop {
            self.has_outbound.notified().await;
            let messages = std::mem::take(&mut lock(&self.outbound).messages);
            buffer.clear();
            messages.iter().for_each(|message| write_line(&mut buffer, message));
            write.write_all(&buffer).await?;
        }
    }
}

impl Remote {
    fn take(&self, message: VenueMessage) {
        match message {
            VenueMessage::Connected => self.is_connected.store(true, Ordering::SeqCst),
            VenueMessage::Disconnected { .. } => self.is_connected.store(false, Ordering::SeqCst),
            _ => {}
        }
        (self.inbox)(message);
    }

    fn disconnected(&self, cause: DisconnectCause) {
        if self.is_connected.swap(false, Ordering::SeqCst) {
            (self.inbox)(VenueMessage::Disconnected { cause });
        }
    }
}

impl ClientRun {
    /// Keeps the connection up, with growing pauses between attempts, until `shutdown` is ready.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        let client = Arc::clone(&self.client);
        tokio::select! {
            () = self.reconnect_for_ever() => {}
            () = shutdown => {}
        }
        client.socket_closed(DisconnectCause::Network);
    }

    async fn reconnect_for_ever(&mut self) {
        let mut backoff = BACKOFF_FIRST;
        loop {
            let socket = match self.first.take() {
                Some(socket) => Ok(socket),
                None => self.dial_again().await,
            };
            match socket {
                Ok(socket) => {
                    backoff = BACKOFF_FIRST;
                    self.use_socket(socket).await;
                }
                Err(error) => tracing::debug!(%error, "paper venue is not reachable"),
            }
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    async fn dial_again(&self) -> io::Result<Socket> {
        let (socket, welcome) = dial(&self.address).await?;
        let client = &self.client;
        if welcome.name != client.name || *welcome.instruments != *client.instruments {
            return Err(io::Error::other("the venue at this address is another one than before"));
        }
        *lock(&client.clock) = clock_seen_here(&welcome, (client.wall)());
        Ok(socket)
    }

    async fn use_socket(&self, socket: Socket) {
        let client = &self.client;
        client.socket_opened();
        let ended = tokio::select! {
            ended = client.read_all(socket.reader) => ended,
            ended = client.write_all(socket.write) => ended,
        };
        let cause = match ended {
            Ok(()) => DisconnectCause::VenueClosed,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => DisconnectCause::Protocol,
            Err(_) => DisconnectCause::Network,
        };
        tracing::info!(?cause, "connection to the paper venue ended");
        client.socket_closed(cause);
    }
}

async fn dial(address: &str) -> io::Result<(Socket, Welcome)> {
    let greeting = async {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (read, write) = stream.into_split();
        let mut reader = BufReader::new(read);
        match read_line(&mut reader, &mut Vec::new()).await? {
            Some(ToClient::Welcome(welcome)) => Ok((Socket { reader, write }, welcome)),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "no paper venue at this address")),
        }
    };
    let timed_out = |_| io::Error::new(io::ErrorKind::TimedOut, "the paper venue said nothing");
    tokio::time::timeout(WELCOME_WITHIN, greeting).await.map_err(timed_out)?
}

fn clock_seen_here(welcome: &Welcome, wall: Timestamp) -> ClockMap {
    welcome.clock.seen_from(welcome.wall.micros().saturating_sub(wall.micros()))
}

impl Venue for PaperClient {
    fn name(&self) -> VenueName {
        self.name.clone()
    }

    fn instruments(&self) -> Arc<[Instrument]> {
        Arc::clone(&self.instruments)
    }

    fn clock(&self) -> Timestamp {
        let map = *lock(&self.clock);
        map.venue_time((self.wall)())
    }

    fn clock_kind(&self) -> ClockKind {
        lock(&self.clock).kind
    }

    fn connect(
        &self,
        account: VenueAccountKey,
        inbox: VenueInbox,
    ) -> Result<Arc<dyn VenueLink>, ConnectError> {
        let link = self.next_id.fetch_add(1, Ordering::Relaxed);
        let remote =
            Arc::new(Remote { account: account.clone(), inbox, is_connected: AtomicBool::new(false) });
        let mut links = lock(&self.links);
        if links.len() >= super::CONNECTIONS_MAX {
            return Err(ConnectError::TooManyConnections);
        }
        links.insert(link, Arc::clone(&remote));
        // Without a connection, the next one asks for it.
        let _queued = self.push(ToServer::Connect { link, account });
        drop(links);
        let client = self.own.upgrade().expect("a method is running, so its value is alive");
        Ok(Arc::new(ClientLink { client, link, remote }))
    }

    fn subscribe(&self, inbox: MarketInbox) -> Result<MarketSubscription, ConnectError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        lock(&self.subscribers).insert(id, Arc::clone(&inbox));
        let quotes: Vec<MarketEvent> = lock(&self.quotes).values().cloned().collect();
        quotes.into_iter().for_each(|quote| inbox(quote));
        let client = self.own.clone();
        Ok(MarketSubscription::new(move || {
            if let Some(client) = client.upgrade() {
                lock(&client.subscribers).remove(&id);
            }
        }))
    }
}

/// One account's link over the connection.
struct ClientLink {
    client: Arc<PaperClient>,
    link: u64,
    remote: Arc<Remote>,
}

impl VenueLink for ClientLink {
    fn send(&self, request: VenueRequest) -> Result<(), SendError> {
        if request.account != self.remote.account {
            return Err(SendError::NotDelivered(NotDeliveredCause::WrongAccount));
        }
        if !self.remote.is_connected.load(Ordering::SeqCst) {
            return Err(SendError::NotDelivered(NotDeliveredCause::Disconnected));
        }
        let message = ToServer::Request { link: self.link, body: request };
        self.client.push(message).map_err(SendError::NotDelivered)
    }

    fn clock(&self) -> Timestamp {
        Venue::clock(&*self.client)
    }
}

impl Drop for ClientLink {
    fn drop(&mut self) {
        lock(&self.client.links).remove(&self.link);
        // Without a connection there is nothing to hang up.
        let _queued = self.client.push(ToServer::HangUp { link: self.link });
    }
}
