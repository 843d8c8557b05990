//! The ledger over a real journal, behind a writer that fails when told to.

use super::{Append, Attached, LIMITS, Ledger, LedgerMsg};
use crate::fakes::database::Database;
use crate::fakes::writer::{FakeWriter, Fate, Faults};
use crate::fakes::{Heard, SOON, paper, probe};
use crate::feed::{CommittedBatch, Feed};
use crate::image::ImageSource;
use crate::journal_writer::{AppendFailure, JournalWriters};
use crate::order_desk::{self, DeskMsg};
use crate::portfolio::{self, PortfolioMsg};
use crate::risk::{self, RiskMsg};
use crate::snapshotter;
use arc_swap::ArcSwap;
use bulkhead_domain::event::PortfolioCreated;
use bulkhead_domain::{Event, PortfolioId, TenantId};
use bulkhead_persistence::Plan;
use bulkhead_supervision::{
    CallError, ChildSpec, Port, PortLimits, Reply, Strategy, SupervisorHandle, SupervisorSpec, start_root,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::timeout;

const OPENING: [&str; 3] = ["portfolio_created", "account_opened", "cash_deposited"];

struct Rig {
    database: Database,
    tenant_id: TenantId,
    faults: Arc<Faults>,
    ledger: Port<LedgerMsg>,
    portfolio: Heard<PortfolioMsg>,
    risk: Heard<RiskMsg>,
    desk: Heard<DeskMsg>,
    desk_port: Port<DeskMsg>,
    feed: Arc<Feed>,
    root: SupervisorHandle,
}

/// Followers' ports and what they hear.
struct Followers {
    portfolio: Port<PortfolioMsg>,
    risk: Port<RiskMsg>,
    desk: Port<DeskMsg>,
}

impl Rig {
    async fn start() -> Self {
        let database = Database::start().await;
        let tenant_id = database.tenant(Plan::Starter).await;
        let (faults, feed) = (Arc::<Faults>::default(), Arc::<Feed>::default());
        let writers = JournalWriters::new(1);
        let writer = {
            let (db, faults) = (database.db.clone(), faults.clone());
            move || FakeWriter { db: db.clone(), faults: faults.clone() }
        };
        let ports = Followers {
            portfolio: Port::new("root/portfolio", portfolio::LIMITS),
            risk: Port::new("root/risk", risk::LIMITS),
            desk: Port::new("root/desk", order_desk::LIMITS),
        };
        let (portfolio_child, portfolio) = probe("portfolio", &ports.portfolio);
        let (risk_child, risk) = probe("risk", &ports.risk);
        let (desk_child, desk) = probe("desk", &ports.desk);
        let (ledger, desk_port) = (Port::new("root/ledger", LIMITS), ports.desk.clone());
        let make = make_ledger(&database, tenant_id, &writers, &feed, ports);
        let spec = SupervisorSpec::new("root", Strategy::OneForOne)
            .child(ChildSpec::worker("writer", writers.ports()[0].clone(), writer))
            .child(portfolio_child)
            .child(risk_child)
            .child(desk_child)
            .child(ChildSpec::worker("ledger", ledger.clone(), make));
        let root = start_root(spec).await.unwrap();
        let rig = Self { database, tenant_id, faults, ledger, portfolio, risk, desk, desk_port, feed, root };
        rig.attach(1).await;
        rig
    }

    async fn attach(&self, incarnation: u64) -> Attached {
        loop {
            match self.ledger.call(SOON, |reply| LedgerMsg::AttachDesk { incarnation, reply }).await {
                Ok(attached) => return attached,
                // It is being restarted.
                Err(CallError::NotDelivered(_)) => yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Appends two events; the receiver hears when they are durable, or that they never will be.
    fn append(&self, desk_incarnation: u64, name: &str) -> oneshot::Receiver<()> {
        let (reply, released) = Reply::channel();
        let event = |number: u8| {
            let portfolio = PortfolioId::parse(&format!("{name}-{number}")).unwrap();
            (Event::PortfolioCreated(PortfolioCreated { portfolio, name: None }), None)
        };
        let append = Append {
            desk_incarnation,
            at: crate::clock::now(),
            events: vec![event(1), event(2)],
            release: Box::new(move || reply.send(())),
        };
        self.ledger.notify(LedgerMsg::Append(append)).unwrap();
        released
    }

    /// Lets everything the writer holds happen.
    async fn write_held(&self) {
        let mut conn = self.database.db.journal_conn().await.unwrap();
        for (append, settle) in self.faults.take_held() {
            conn.append(&[append]).await.unwrap();
            settle.with(Ok(()));
        }
    }

    async fn follow(&self) -> Attached {
        self.ledger.call(SOON, LedgerMsg::Follow).await.unwrap()
    }

    /// The names of the portfolios in the journal, whose chain is whole.
    async fn names(&self) -> Vec<String> {
        let image = self.database.replay(self.tenant_id).await;
        assert_eq!(image.seq, self.database.head(self.tenant_id).await.seq);
        image.portfolio.portfolios.iter().map(|portfolio| portfolio.as_str().to_owned()).collect()
    }
}

fn make_ledger(
    database: &Database,
    tenant_id: TenantId,
    writers: &JournalWriters,
    feed: &Arc<Feed>,
    ports: Followers,
) -> impl Fn() -> Ledger + Send + Sync + 'static {
    let (db, writers, feed) = (database.db.clone(), writers.clone(), feed.clone());
    let claim = Arc::new(ArcSwap::from_pointee(database.claim.clone()));
    let images = Arc::new(ImageSource::new(db.clone(), tenant_id));
    let snapshotter = Port::new("root/snapshotter", PortLimits { ..snapshotter::LIMITS });
    move || Ledger {
        tenant_id,
        plan: Plan::Starter,
        claim: claim.clone(),
        db: db.clone(),
        images: images.clone(),
        writers: writers.clone(),
        feed: feed.clone(),
        portfolio: ports.portfolio.clone(),
        risk: ports.risk.clone(),
        desk: ports.desk.clone(),
        snapshotter: snapshotter.clone(),
    }
}

async fn is_released(released: oneshot::Receiver<()>) -> bool {
    timeout(SOON, released).await.expect("neither released nor dropped").is_ok()
}

fn seqs(batch: &CommittedBatch) -> Vec<i64> {
    batch.events.iter().map(|recorded| recorded.seq).collect()
}

#[tokio::test]
async fn what_is_held_is_released_in_order_once_durable_and_published_to_all() {
    let mut rig = Rig::start().await;
    assert_eq!(rig.database.kinds(rig.tenant_id).await, OPENING);
    assert_eq!((rig.feed.heads().events, rig.follow().await.seq), (3, 3));
    let mut feed = rig.feed.subscribe();
    rig.faults.next(&[Fate::Hold, Fate::Hold]);
    let (mut first, second) = (rig.append(1, "a"), rig.append(1, "b"));
    let (reply, barrier) = Reply::channel();
    rig.ledger.notify(LedgerMsg::Barrier(Box::new(move || reply.send(())))).unwrap();
    let mut attach = Box::pin(rig.attach(2));
    assert!(
        timeout(Duration::from_millis(200), attach.as_mut()).await.is_err(),
        "a desk waits for its predecessor"
    );
    assert!(first.try_recv().is_err());
    assert_eq!(rig.faults.appends(), [(0, 3), (3, 2), (5, 2)], "appends are pipelined");
    assert_eq!((rig.faults.held_count(), rig.feed.heads().events), (2, 3));
    rig.write_held().await;
    assert_eq!(attach.await.seq, 7);
    assert!(is_released(first).await && is_released(second).await && is_released(barrier).await);
    for expected in [[4, 5], [6, 7]] {
        let PortfolioMsg::Committed(batch) = rig.portfolio.next().await else { panic!("another message") };
        assert_eq!((seqs(&batch), batch.heads_before.events), (expected.to_vec(), expected[0] - 1));
        let RiskMsg::Committed(batch) = rig.risk.next().await else { panic!("another message") };
        assert_eq!(seqs(&batch), expected);
        let DeskMsg::Committed(batch) = rig.desk.next().await else { panic!("another message") };
        assert_eq!(seqs(&batch), expected);
        assert_eq!(seqs(&feed.receiver.recv().await.unwrap()), expected);
    }
    // What the old desk still sends is refused, and whoever waits is told.
    assert!(!is_released(rig.append(1, "old")).await);
    assert!(is_released(rig.append(2, "new")).await);
    assert_eq!(rig.names().await, ["a-1", "a-2", "b-1", "b-2", "main", "new-1", "new-2"]);
    rig.root.stop(SOON).await.unwrap();
}

#[tokio::test]
async fn what_was_released_is_on_its_way_when_the_desk_hears_of_the_commit() {
    let mut rig = Rig::start().await;
    let desk = rig.desk_port.clone();
    let portfolio = PortfolioId::parse("a").unwrap();
    let append = Append {
        desk_incarnation: 1,
        at: crate::clock::now(),
        events: vec![(Event::PortfolioCreated(PortfolioCreated { portfolio, name: None }), None)],
        // In the place of a submission on its way to a session.
        release: Box::new(move || drop(desk.notify(DeskMsg::StashCheck { account: paper() }))),
    };
    rig.ledger.notify(LedgerMsg::Append(append)).unwrap();
    assert!(matches!(rig.desk.next().await, DeskMsg::StashCheck { .. }));
    assert!(matches!(rig.desk.next().await, DeskMsg::Committed(_)));
    rig.root.stop(SOON).await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_drops_what_ran_ahead_and_the_journal_says_what_happened() {
    let rig = Rig::start().await;
    // Written, but nobody heard: it is there after the restart although its release never ran.
    rig.faults.next(&[Fate::Commit, Fate::LoseAfter]);
    assert!(is_released(rig.append(1, "a")).await);
    assert!(!is_released(rig.append(1, "b")).await);
    assert_eq!(rig.attach(2).await.seq, 7);
    assert_eq!(rig.ledger.incarnation(), 2);
    // Not written: what was pipelined behind it does not fit any more.
    rig.faults.next(&[Fate::Hold, Fate::LoseBefore]);
    let (held, lost, behind) = (rig.append(2, "c"), rig.append(2, "d"), rig.append(2, "e"));
    assert!(!is_released(held).await && !is_released(lost).await && !is_released(behind).await);
    assert_eq!(rig.attach(3).await.seq, 7);
    assert!(is_released(rig.append(3, "f")).await);
    assert_eq!(rig.names().await, ["a-1", "a-2", "b-1", "b-2", "f-1", "f-2", "main"]);
    assert_eq!(rig.ledger.incarnation(), 3);
    rig.root.stop(SOON).await.unwrap();
}

#[tokio::test]
async fn a_fenced_ledger_reloads_under_the_new_epoch() {
    let rig = Rig::start().await;
    let before = rig.database.head(rig.tenant_id).await;
    rig.database.fence(rig.tenant_id).await;
    assert!(!is_released(rig.append(1, "stale")).await);
    assert_eq!(rig.attach(2).await.seq, 3);
    assert!(is_released(rig.append(2, "fresh")).await);
    let after = rig.database.head(rig.tenant_id).await;
    assert_eq!((after.seq, after.epoch), (5, before.epoch + 1));
    assert_eq!(rig.names().await, ["fresh-1", "fresh-2", "main"]);
    rig.faults.next(&[Fate::Fence]);
    assert!(!is_released(rig.append(2, "refused")).await);
    assert_eq!(rig.attach(3).await.seq, 5);
    // An answer to an earlier incarnation says nothing to this one.
    let stray = LedgerMsg::Settled { generation: 1, upto: 99, outcome: Err(AppendFailure::Lost) };
    rig.ledger.notify(stray).unwrap();
    assert_eq!((rig.follow().await.seq, rig.ledger.incarnation()), (5, 3));
    rig.root.stop(SOON).await.unwrap();
}
