//! The handle, its driver, faults, and the venue on the other side of a network.

use super::rig::{TestDir, account, dec, id, order};
use crate::clock::{WallClock, system_clock};
use crate::link::{
    Funding, NotDeliveredCause, RequestId, RequestKind, SendError, Venue, VenueAccountKey, VenueLink,
    VenueMessage, VenueRequest,
};
use crate::market::MarketEvent;
use crate::paper::client::PaperClient;
use crate::paper::{
    CONNECTION_QUEUE_MAX, MarketConfig, PaperConfig, PaperDriver, PaperFaults, PaperHandle, server,
};
use bulkhead_domain::order::Side;
use bulkhead_domain::report::{ReportKind, VenueOrderState};
use bulkhead_domain::{Amount, Currency, Timestamp, VenueName};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

fn config(dir: &TestDir) -> PaperConfig {
    PaperConfig {
        name: VenueName::parse("paper").unwrap(),
        data_dir: dir.path().to_owned(),
        market: MarketConfig::Simulated { seed: 1 },
        clock_skew_micros: 0,
        faults: PaperFaults::default(),
    }
}

fn request(link: &dyn VenueLink, key: &VenueAccountKey, kind: RequestKind) -> VenueRequest {
    let expires_at = link.clock().plus_micros(10_000_000);
    VenueRequest { request_id: RequestId(1), account: key.clone(), expires_at, kind }
}

fn funding() -> RequestKind {
    let currency = Currency::parse("USDT").unwrap();
    RequestKind::OpenAccount(Funding { currency, amount: Amount::from(dec("1000000")) })
}

/// A driver turned by hand under a clock moved by hand.
struct Hand {
    now: Arc<AtomicI64>,
    handle: Arc<PaperHandle>,
    driver: Option<PaperDriver>,
    heard: Arc<Mutex<Vec<VenueMessage>>>,
    link: Arc<dyn VenueLink>,
    dir: TestDir,
}

impl Hand {
    fn new(faults: PaperFaults) -> Self {
        let dir = TestDir::new();
        let now = Arc::new(AtomicI64::new(1_700_000_000_000_000));
        let clock = Arc::clone(&now);
        let wall: WallClock = Arc::new(move || Timestamp::from_micros(clock.load(Ordering::SeqCst)));
        let handle = PaperHandle::new(PaperConfig { faults, ..config(&dir) }, wall).unwrap();
        let heard: Arc<Mutex<Vec<VenueMessage>>> = Arc::default();
        let inbox = Arc::clone(&heard);
        let link =
            handle.connect(account(1), Arc::new(move |message| inbox.lock().unwrap().push(message))).unwrap();
        let driver = Some(PaperDriver::open(&handle).unwrap());
        let mut hand = Self { now, handle, driver, heard, link, dir };
        hand.send(funding()).unwrap();
        hand.turn();
        hand
    }

    fn send(&self, kind: RequestKind) -> Result<(), SendError> {
        self.link.send(request(&*self.link, &account(1), kind))
    }

    fn turn(&mut self) -> Vec<VenueMessage> {
        self.now.fetch_add(1_000, Ordering::SeqCst);
        let wall = (self.handle.wall_clock())();
        self.driver.as_mut().unwrap().turn(wall).unwrap();
        self.take()
    }

    fn take(&self) -> Vec<VenueMessage> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }

    fn buy(&mut self, name: &str) -> Vec<VenueMessage> {
        self.send(RequestKind::Submit(order(name, Side::Buy, "0.001"))).unwrap();
        self.turn()
    }
}

fn kinds(messages: &[VenueMessage]) -> Vec<&'static str> {
    let kind = |message: &VenueMessage| match message {
        VenueMessage::Connected => "connected",
        VenueMessage::Disconnected { .. } => "disconnected",
        VenueMessage::Report(report) => match report.kind {
            ReportKind::Accepted { .. } => "accepted",
            ReportKind::Filled { .. } => "filled",
            ReportKind::State { .. } => "state",
            _ => "report",
        },
        _ => "answer",
    };
    messages.iter().map(kind).collect()
}

#[test]
fn a_driver_may_move_between_threads_and_a_handle_be_shared() {
    fn is_send<T: Send>() {}
    fn is_shared<T: Send + Sync>() {}
    is_send::<PaperDriver>();
    is_shared::<PaperHandle>();
    is_shared::<PaperClient>();
}

#[test]
fn links_live_through_a_new_driver() {
    let mut hand = Hand::new(PaperFaults::default());
    assert_eq!(kinds(&hand.buy("a")), ["filled"]);
    drop(hand.driver.take());
    assert_eq!(kinds(&hand.take()), ["disconnected"]);
    assert_eq!(
        hand.send(RequestKind::Balances),
        Err(SendError::NotDelivered(NotDeliveredCause::Disconnected))
    );
    hand.driver = Some(PaperDriver::open(&hand.handle).unwrap());
    assert_eq!(kinds(&hand.take()), ["connected"]);
    hand.send(RequestKind::QueryOrder { venue_client_id: id("a") }).unwrap();
    let messages = hand.turn();
    let [VenueMessage::Report(report)] = &messages[..] else { panic!("{messages:?}") };
    let ReportKind::State { order: Some(order) } = &report.kind else { panic!("{report:?}") };
    assert_eq!(order.state, VenueOrderState::Filled);
    assert!(hand.dir.path().exists());
}

#[test]
fn a_flood_is_stopped_at_its_own_link_and_wakes_once() {
    let mut hand = Hand::new(PaperFaults::default());
    let wakes = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&wakes);
    hand.handle.set_waker(Arc::new(move || {
        counter.fetch_add(1, Ordering::SeqCst);
    }));
    hand.turn();
    for _ in 0..CONNECTION_QUEUE_MAX {
        hand.send(RequestKind::Balances).unwrap();
    }
    assert_eq!(hand.send(RequestKind::Balances), Err(SendError::NotDelivered(NotDeliveredCause::QueueFull)));
    assert_eq!(wakes.load(Ordering::SeqCst), 1);
    let other: Arc<Mutex<Vec<VenueMessage>>> = Arc::default();
    let inbox = Arc::clone(&other);
    let link = hand
        .handle
        .connect(account(2), Arc::new(move |message| inbox.lock().unwrap().push(message)))
        .unwrap();
    for _ in 0..5 {
        hand.turn();
    }
    link.send(request(&*link, &account(2), funding())).unwrap();
    assert!(hand.send(RequestKind::Balances).is_ok());
    hand.turn();
    assert_eq!(kinds(&other.lock().unwrap()), ["connected", "answer"]);
    let foreign = link.send(request(&*link, &account(1), RequestKind::Balances));
    assert_eq!(foreign, Err(SendError::NotDelivered(NotDeliveredCause::WrongAccount)));
}

#[test]
fn a_hung_up_link_hears_nothing() {
    let mut hand = Hand::new(PaperFaults::default());
    hand.send(RequestKind::Submit(order("a", Side::Buy, "0.001"))).unwrap();
    hand.link = hand.handle.connect(account(2), Arc::new(|_| {})).unwrap();
    assert_eq!(hand.turn(), []);
}

#[test]
fn the_clock_runs_ahead_by_its_skew() {
    let dir = TestDir::new();
    let wall: WallClock = Arc::new(|| Timestamp::from_micros(5_000_000));
    let handle = PaperHandle::new(PaperConfig { clock_skew_micros: -7, ..config(&dir) }, wall).unwrap();
    let _driver = PaperDriver::open(&handle).unwrap();
    assert_eq!(Venue::clock(&*handle).micros(), 4_999_993);
}

#[test]
fn faults_change_what_is_heard_and_never_what_happened() {
    let always = PaperFaults { delay_micros: 50_000, ..PaperFaults::default() };
    let cases = [
        (PaperFaults { lose_permille: 1000, ..always }, vec![], vec![]),
        (PaperFaults { duplicate_fill_permille: 1000, ..always }, vec!["filled", "filled"], vec![]),
        (PaperFaults { delay_permille: 1000, ..always }, vec![], vec!["filled"]),
        (PaperFaults { disconnect_permille: 1000, ..always }, vec!["disconnected"], vec!["connected"]),
    ];
    for (faults, at_once, later) in cases {
        let mut hand = Hand::new(faults);
        assert_eq!(kinds(&hand.buy("a")), at_once, "{faults:?}");
        hand.now.fetch_add(300_000, Ordering::SeqCst);
        assert_eq!(kinds(&hand.turn()), later, "{faults:?}");
        hand.send(RequestKind::QueryOrder { venue_client_id: id("a") }).unwrap();
        let messages = hand.turn();
        let [VenueMessage::Report(report)] = &messages[..] else { panic!("{messages:?}") };
        assert!(
            matches!(&report.kind, ReportKind::State { order: Some(known) } if known.executions.len() == 1)
        );
    }
}

/// A server on a port of its own, in a task that `stop` ends.
struct Server {
    address: String,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    async fn start(dir: &TestDir, address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let handle = PaperHandle::new(config(dir), system_clock()).unwrap();
        let driver = PaperDriver::open(&handle).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let shutdown = async {
                stopped.await.unwrap();
            };
            server::run(listener, handle, driver, shutdown).await.unwrap();
        });
        Self { address, stop, task }
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }
}

async fn next(heard: &mut mpsc::UnboundedReceiver<VenueMessage>) -> VenueMessage {
    tokio::time::timeout(Duration::from_secs(20), heard.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn orders_go_over_the_network_and_links_come_back_with_the_server() {
    let dir = TestDir::new();
    let server = Server::start(&dir, "127.0.0.1:0").await;
    let address = server.address.clone();
    let (client, run) = PaperClient::open(&address, system_clock()).await.unwrap();
    let (end, ended) = oneshot::channel::<()>();
    let running = tokio::spawn(run.run(async {
        ended.await.unwrap();
    }));
    assert_eq!(client.name().as_str(), "paper");
    assert_eq!(client.instruments().len(), 5);
    assert!((Venue::clock(&*client).micros() - system_clock()().micros()).abs() < 5_000_000);

    let (quotes, mut events) = mpsc::unbounded_channel();
    let subscription = client
        .subscribe(Arc::new(move |event| {
            let _closed = quotes.send(event);
        }))
        .unwrap();
    let (sender, mut heard) = mpsc::unbounded_channel();
    let link = client
        .connect(
            account(1),
            Arc::new(move |message| {
                let _closed = sender.send(message);
            }),
        )
        .unwrap();
    assert_eq!(next(&mut heard).await, VenueMessage::Connected);
    let send = |kind| link.send(request(&*link, &account(1), kind));
    send(funding()).unwrap();
    assert_eq!(next(&mut heard).await, VenueMessage::Funded { request_id: RequestId(1) });
    send(RequestKind::Submit(order("a", Side::Buy, "0.5"))).unwrap();
    let first = [next(&mut heard).await];
    assert_eq!(kinds(&first), ["filled"]);
    assert!(matches!(events.recv().await.unwrap(), MarketEvent::Quote(_) | MarketEvent::Trade(_)));
    drop(subscription);

    server.stop().await;
    loop {
        if matches!(next(&mut heard).await, VenueMessage::Disconnected { .. }) {
            break;
        }
    }
    assert_eq!(send(RequestKind::Balances), Err(SendError::NotDelivered(NotDeliveredCause::Disconnected)));
    let server = Server::start(&dir, &address).await;
    assert_eq!(next(&mut heard).await, VenueMessage::Connected);
    send(RequestKind::QueryOrder { venue_client_id: id("a") }).unwrap();
    let VenueMessage::Report(report) = next(&mut heard).await else { panic!("a report must come") };
    assert!(
        matches!(&report.kind, ReportKind::State { order: Some(known) } if known.state == VenueOrderState::Filled)
    );
    let pages = [RequestKind::OpenOrders, RequestKind::FillsSince { cursor: None }, RequestKind::Balances];
    for kind in pages {
        send(kind).unwrap();
        assert_eq!(kinds(&[next(&mut heard).await]), ["answer"]);
    }
    end.send(()).unwrap();
    running.await.unwrap();
    assert!(matches!(next(&mut heard).await, VenueMessage::Disconnected { .. }));
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_venue_is_refused() {
    assert!(PaperClient::open("127.0.0.1:1", system_clock()).await.is_err());
}
