//! The paper venue as a process of its own: a handle's links and market events over TCP. Only futures that
//! the caller drives; meant for a loopback or private address, as an account's key is all it asks for.

use super::PaperError;
use super::driver::PaperDriver;
use super::handle::PaperHandle;
use super::wire::{ToClient, ToServer, Welcome, read_line, write_line};
use crate::link::{
    MarketSubscription, NotDeliveredCause, Refusal, SendError, Venue, VenueAccountKey, VenueLink,
    VenueMessage, VenueRequest,
};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};

/// Messages that may wait for one connection; a client that is further behind is cut off and reconciles.
const OUTBOUND_MAX: usize = 65_536;
/// With less room than this, market events are left out: the next quote replaces them.
const MARKET_ROOM_MIN: usize = OUTBOUND_MAX / 2;
/// Messages that are written together.
const WRITE_BATCH_MAX: usize = 512;
/// Connections at a time; further ones are closed at once.
const SOCKETS_MAX: usize = 1_024;
/// Links on one connection.
const LINKS_MAX: usize = 100_000;
/// A driver with nothing to do is looked at this often.
const IDLE: Duration = Duration::from_secs(1);
/// After a failed accept, as when there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Runs a whole venue: drives it and serves it until `shutdown` is ready.
pub async fn run(
    listener: TcpListener,
    handle: Arc<PaperHandle>,
    driver: PaperDriver,
    shutdown: impl Future<Output = ()>,
) -> Result<(), PaperError> {
    tokio::select! {
        result = drive(&handle, driver) => result.map(|never| match never {}),
        () = serve(listener, Arc::clone(&handle)) => Ok(()),
        () = shutdown => Ok(()),
    }
}

/// Turns the driver whenever there is something to do, until it fails.
pub async fn drive(handle: &PaperHandle, mut driver: PaperDriver) -> Result<Infallible, PaperError> {
    let wall = handle.wall_clock();
    let wakeup = Arc::new(Notify::new());
    let notifier = Arc::clone(&wakeup);
    handle.set_waker(Arc::new(move || notifier.notify_one()));
    loop {
        let turn = driver.turn(wall())?;
        let pause = turn.next_due.map_or(IDLE, |due| {
            let micros = due.micros().saturating_sub(wall().micros());
            Duration::from_micros(u64::try_from(micros).unwrap_or_default()).min(IDLE)
        });
        if turn.is_more || pause.is_zero() {
            tokio::task::yield_now().await;
            continue;
        }
        tokio::select! {
            () = wakeup.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Serves connections for ever; dropping the future closes them all.
pub async fn serve(listener: TcpListener, handle: Arc<PaperHandle>) {
    let mut sockets = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if sockets.len() < SOCKETS_MAX => {
                    sockets.push(serve_socket(stream, Arc::clone(&handle)));
                }
                Ok(_) => tracing::warn!("paper venue connection refused: too many"),
                Err(error) => {
                    tracing::warn!(%error, "paper venue cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(ended) = sockets.next() => {
                if let Err(error) = ended {
                    tracing::info!(%error, "paper venue connection ended");
                }
            }
        }
    }
}

/// Links and subscription of one connection.
struct Socket {
    handle: Arc<PaperHandle>,
    outbound: Outbound,
    links: HashMap<u64, Arc<dyn VenueLink>>,
    subscription: Option<MarketSubscription>,
}

/// The bounded way to a connection's writer; when it overflows the connection is cut.
#[derive(Clone)]
struct Outbound {
    sender: mpsc::Sender<ToClient>,
    overflow: Arc<Notify>,
}

async fn serve_socket(stream: TcpStream, handle: Arc<PaperHandle>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (read, write) = stream.into_split();
    let (sender, receiver) = mpsc::channel(OUTBOUND_MAX);
    let overflow = Arc::new(Notify::new());
    let outbound = Outbound { sender, overflow: Arc::clone(&overflow) };
    outbound.send(ToClient::Welcome(Welcome {
        name: handle.name(),
        instruments: handle.instruments().to_vec(),
        clock: handle.clock_map(),
        wall: (handle.wall_clock())(),
    }));
    let socket = Socket { handle, outbound, links: HashMap::new(), subscription: None };
    tokio::select! {
        result = socket.read_all(BufReader::new(read)) => result,
        result = write_all(write, receiver) => result,
        () = overflow.notified() => Err(io::Error::other("the client does not keep up")),
    }
}

async fn write_all(mut write: OwnedWriteHalf, mut receiver: mpsc::Receiver<ToClient>) -> io::Result<()> {
    let mut messages = Vec::new();
    let mut buffer = Vec::new();
    while receiver.recv_many(&mut messages, WRITE_BATCH_MAX).await > 0 {
        buffer.clear();
        messages.drain(..).for_each(|message| write_line(&mut buffer, &message));
        write.write_all(&buffer).await?;
    }
    Ok(())
}

impl Outbound {
    fn send(&self, message: ToClient) {
        if self.sender.try_send(message).is_err() {
            self.overflow.notify_one();
        }
    }
}

impl Socket {
    async fn read_all(mut self, mut reader: BufReader<OwnedReadHalf>) -> io::Result<()> {
        let mut buffer = Vec::new();
        while let Some(message) = read_line(&mut reader, &mut buffer).await? {
            match message {
                ToServer::Connect { link, account } => self.connect(link, account)?,
                ToServer::HangUp { link } => {
                    self.links.remove(&link);
                }
                ToServer::Request { link, body } => self.request(link, body),
                ToServer::Subscribe => self.subscribe()?,
            }
        }
        Ok(())
    }

    fn connect(&mut self, link: u64, account: VenueAccountKey) -> io::Result<()> {
        if self.links.len() >= LINKS_MAX {
            return Err(io::Error::other("too many links on one connection"));
        }
        let outbound = self.outbound.clone();
        let inbox = Arc::new(move |body| outbound.send(ToClient::Message { link, body }));
        let opened = self.handle.connect(account, inbox).map_err(io::Error::other)?;
        self.links.insert(link, opened);
        Ok(())
    }

    fn request(&self, link: u64, request: VenueRequest) {
        let request_id = request.request_id;
        let sent = match self.links.get(&link) {
            Some(opened) => opened.send(request),
            None => Err(SendError::NotDelivered(NotDeliveredCause::Disconnected)),
        };
        if let Err(error) = sent {
            let refusal = Refusal { code: "NOT_DELIVERED".to_owned(), message: error.to_string() };
            let body = VenueMessage::Refused { request_id, refusal };
            self.outbound.send(ToClient::Message { link, body });
        }
    }

    fn subscribe(&mut self) -> io::Result<()> {
        let outbound = self.outbound.clone();
        let inbox = Arc::new(move |body| {
            if outbound.sender.capacity() > MARKET_ROOM_MIN {
                outbound.send(ToClient::Market { body });
            }
        });
        self.subscription = Some(self.handle.subscribe(inbox).map_err(io::Error::other)?);
        Ok(())
    }
}
