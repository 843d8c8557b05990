//! The batch: joining, settling once, resolving. The writer itself: many tenants, one at fault, the database away.

use super::batch::Batch;
use super::{AppendFailure, JournalWriter, JournalWriters, Settle, WriterMsg};
use crate::fakes::database::Database;
use crate::fakes::{SOON, TENANT, btc, paper, terms};
use bulkhead_domain::chain::ChainLink;
use bulkhead_domain::order::{OrderStatus, Side};
use bulkhead_domain::{
    Amount, ChainHash, ClientOrderId, EventId, Incarnation, OrderId, PortfolioId, SignedQty, TenantId,
    Timestamp, VenueClientId,
};
use bulkhead_persistence::{AppendOutcome, Head, JournalRow, OrderRow, Plan, PositionRow, TenantAppend};
use bulkhead_supervision::{ChildSpec, Reply, Strategy, SupervisorSpec, start_root};
use rust_decimal::Decimal;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

const OTHER: TenantId = TenantId(Uuid::from_u128(8));

type Telling = (&'static str, Result<(), AppendFailure>);

/// Who was told what, in order.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<Telling>>>);

impl Told {
    fn settle(&self, name: &'static str) -> Settle {
        let told = self.clone();
        Settle::new(move |outcome| told.0.lock().unwrap().push((name, outcome)))
    }

    fn take(&self) -> Vec<Telling> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn head_of(tenant_id: TenantId, seq: i64) -> Head {
    Head {
        tenant_id,
        shard_id: 0,
        epoch: 1,
        incarnation: Incarnation(Uuid::from_u128(1)),
        seq,
        hash: [0; 32],
        base_seq: 0,
        base_hash: [0; 32],
    }
}

/// An append of `count` rows behind `head`, which moves along.
fn append(head: &mut Head, count: usize) -> TenantAppend {
    let expected_seq = head.seq;
    let rows = (0..count).map(|_| row(head)).collect();
    TenantAppend {
        tenant_id: head.tenant_id,
        epoch: head.epoch,
        incarnation: head.incarnation,
        expected_seq,
        rows,
        orders: Vec::new(),
        fills: Vec::new(),
        positions: Vec::new(),
    }
}

fn row(head: &mut Head) -> JournalRow {
    head.seq += 1;
    let event_id = EventId(Uuid::now_v7());
    let payload = format!("{{\"portfolio\":\"p{}\"}}", head.seq);
    let link = ChainLink {
        tenant_id: head.tenant_id,
        seq: head.seq,
        event_id,
        kind: "portfolio_created",
        version: 1,
        recorded_at: Timestamp::EPOCH,
        payload: &payload,
    };
    head.hash = link.hash(&head.hash);
    let (kind, hash): (_, ChainHash) = ("portfolio_created".into(), head.hash);
    JournalRow { event_id, kind, version: 1, payload, hash, recorded_at: Timestamp::EPOCH }
}

fn order_row(number: u128, name: &str, status: OrderStatus, seq: i64) -> OrderRow {
    let id = OrderId(Uuid::from_u128(number));
    let terms = terms(Side::Buy, "1@100");
    OrderRow {
        id,
        client_order_id: ClientOrderId::parse(name).unwrap(),
        venue_client_id: VenueClientId::derive(TENANT, id),
        portfolio: terms.portfolio,
        account: terms.account,
        mode: bulkhead_domain::order::Mode::Paper,
        symbol: terms.symbol,
        side: terms.side,
        status,
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
        created_seq: seq,
        updated_seq: seq,
        body: "{}".to_owned(),
    }
}

fn position_row(portfolio: &str, quantity: i64, seq: i64) -> PositionRow {
    PositionRow {
        portfolio: PortfolioId::parse(portfolio).unwrap(),
        account: paper(),
        symbol: btc(),
        quantity: SignedQty::from(Decimal::from(quantity)),
        cost: Amount::ZERO,
        realized_pnl: Amount::ZERO,
        fees: Amount::ZERO,
        seq,
    }
}

#[test]
fn appends_of_one_tenant_join_and_later_rows_replace_earlier_ones() {
    let told = Told::default();
    let (mut one, mut other) = (head_of(TENANT, 5), head_of(OTHER, 0));
    let mut first = append(&mut one, 2);
    first.orders.push(order_row(1, "a", OrderStatus::Submitted, 6));
    first.positions = vec![position_row("main", 1, 7), position_row("side", 5, 7)];
    let mut second = append(&mut one, 1);
    second.orders =
        vec![order_row(2, "b", OrderStatus::Submitted, 8), order_row(1, "a", OrderStatus::Filled, 8)];
    second.positions.push(position_row("main", 2, 8));
    let elsewhere = append(&mut other, 1);
    let waiting = vec![
        (first, told.settle("first")),
        (elsewhere, told.settle("other")),
        (second, told.settle("second")),
    ];
    let mut batch = Batch::of(waiting);
    assert_eq!(batch.tenants(), [TENANT, OTHER]);
    let part = &batch.appends()[0];
    assert_eq!((part.expected_seq, part.rows.len()), (5, 3));
    assert_eq!(part.rows.last().unwrap().hash, one.hash);
    let orders: Vec<_> = part.orders.iter().map(|row| (row.client_order_id.as_str(), row.status)).collect();
    assert_eq!(orders, [("a", OrderStatus::Filled), ("b", OrderStatus::Submitted)]);
    let positions: Vec<_> = part.positions.iter().map(|row| (row.portfolio.as_str(), row.seq)).collect();
    assert_eq!(positions, [("main", 8), ("side", 7)]);
    assert!(told.take().is_empty());
    batch.settle_all(&[AppendOutcome::Committed, AppendOutcome::Fenced]);
    let fenced = || Err(AppendFailure::Fenced);
    assert_eq!(told.take(), [("first", Ok(())), ("second", Ok(())), ("other", fenced())]);
    assert!(batch.is_empty());
    drop(batch);
    assert!(told.take().is_empty(), "told once");
}

#[test]
fn what_does_not_continue_is_fenced_at_once_and_joins_nothing() {
    let told = Told::default();
    let mut head = head_of(TENANT, 5);
    let first = append(&mut head, 2);
    let next = append(&mut head, 1);
    let gap = TenantAppend { expected_seq: 9, ..next.clone() };
    let again = TenantAppend { expected_seq: 5, ..next.clone() };
    let newer = TenantAppend { epoch: 2, ..next.clone() };
    let reborn = TenantAppend { incarnation: Incarnation(Uuid::from_u128(2)), ..next.clone() };
    let names = ["gap", "again", "newer", "reborn"];
    let strays = [gap, again, newer, reborn].into_iter().zip(names.map(|name| told.settle(name)));
    let waiting =
        std::iter::once((first, told.settle("first"))).chain(strays).chain([(next, told.settle("next"))]);
    let batch = Batch::of(waiting.collect());
    assert_eq!(told.take(), names.map(|name| (name, Err(AppendFailure::Fenced))));
    assert_eq!((batch.len(), batch.appends()[0].rows.len()), (1, 3));
    drop(batch);
    assert_eq!(
        told.take(),
        ["first", "next"].map(|name| (name, Err(AppendFailure::Lost))),
        "dropped is lost"
    );
}

#[test]
fn an_ambiguous_commit_is_settled_by_where_the_heads_are() {
    let told = Told::default();
    let tenant = |number| TenantId(Uuid::from_u128(number));
    let names = ["written", "not written", "ours but elsewhere", "somebody else's", "gone"];
    let mut heads = Vec::new();
    let mut waiting = Vec::new();
    for (number, name) in names.into_iter().enumerate() {
        let before = head_of(tenant(number as u128), 5);
        let mut after = before.clone();
        waiting.push((append(&mut after, 2), told.settle(name)));
        heads.push(match name {
            "written" => after,
            "not written" => before,
            "ours but elsewhere" => Head { seq: 6, ..before },
            // The same place and hash under another epoch proves nothing.
            _ => Head { epoch: 2, ..after },
        });
    }
    heads.pop();
    let mut batch = Batch::of(waiting);
    batch.mark_ambiguous();
    assert_eq!(batch.resolve(&heads), 4);
    assert!(!batch.is_ambiguous());
    assert_eq!(batch.tenants(), [tenant(1)], "only what is certainly not written is written again");
    let fenced = || Err(AppendFailure::Fenced);
    let expected = [("written", Ok(())), (names[2], fenced()), (names[3], fenced()), (names[4], fenced())];
    assert_eq!(told.take(), expected);
    batch.settle_first(AppendOutcome::Committed);
    assert_eq!(told.take(), [("not written", Ok(()))]);
    assert!(batch.is_empty());
}

#[test]
fn refusing_one_leaves_the_others() {
    let told = Told::default();
    let (mut one, mut other) = (head_of(TENANT, 5), head_of(OTHER, 0));
    let waiting =
        vec![(append(&mut one, 1), told.settle("one")), (append(&mut other, 1), told.settle("other"))];
    let mut batch = Batch::of(waiting);
    batch.refuse_first("no");
    assert_eq!(told.take(), [("one", Err(AppendFailure::Refused("no".to_owned())))]);
    assert_eq!(batch.first().map(|part| part.tenant_id), Some(OTHER));
}

#[test]
fn a_tenant_always_uses_the_same_writer() {
    let writers = JournalWriters::new(2);
    for number in 0..20 {
        let tenant_id = TenantId(Uuid::from_u128(number));
        assert_eq!(writers.of(tenant_id).path(), writers.clone().of(tenant_id).path());
    }
    assert_ne!(writers.of(TENANT).path(), writers.of(OTHER).path());
    assert_eq!(JournalWriters::new(0).ports().len(), 1);
}

struct Outcome(tokio::sync::oneshot::Receiver<Result<(), AppendFailure>>);

impl Outcome {
    fn settle() -> (Settle, Self) {
        let (reply, receiver) = Reply::channel();
        (Settle::new(move |outcome| reply.send(outcome)), Self(receiver))
    }

    async fn get(self) -> Result<(), AppendFailure> {
        tokio::time::timeout(SOON, self.0).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn one_tenant_at_fault_fails_alone_and_a_held_head_is_waited_for() {
    let database = Database::start().await;
    let writers = JournalWriters::new(1);
    let make = {
        let db = database.db.clone();
        move || JournalWriter { db: db.clone() }
    };
    let port = writers.ports()[0].clone();
    let spec = SupervisorSpec::new("root", Strategy::OneForOne).child(ChildSpec::worker(
        "writer",
        port.clone(),
        make,
    ));
    let root = start_root(spec).await.unwrap();
    let mut heads = Vec::new();
    for _ in 0..3 {
        let tenant_id = database.tenant(Plan::Starter).await;
        database.hold(tenant_id).await.commit().await.unwrap();
        heads.push(database.head(tenant_id).await);
    }
    let mut outcomes = Vec::new();
    let held = database.hold(heads[1].tenant_id).await;
    for (number, head) in heads.iter_mut().enumerate() {
        for part in 0..2u8 {
            let mut append = append(head, 2);
            if number == 1 {
                // The same client order id under two orders.
                append.orders.push(order_row(u128::from(part) + 1, "same", OrderStatus::Submitted, head.seq));
            }
            let (settle, outcome) = Outcome::settle();
            port.notify(WriterMsg::Append(append, settle)).unwrap();
            outcomes.push((number, outcome));
        }
    }
    drop(held);
    port.call(SOON, WriterMsg::Barrier).await.unwrap();
    let mut refused = 0;
    for (number, outcome) in outcomes {
        match outcome.get().await {
            Ok(()) => {}
            Err(AppendFailure::Refused(_) | AppendFailure::Fenced) if number == 1 => refused += 1,
            Err(error) => panic!("tenant {number}: {error}"),
        }
    }
    assert!(refused >= 1);
    for number in [0, 2] {
        assert_eq!(database.head(heads[number].tenant_id).await.hash, heads[number].hash);
    }
    root.stop(SOON).await.unwrap();
}
