//! The fenced batch append.

use crate::support::{Chain, Fixture, claim_of};
use bulkhead_domain::{ExecutionId, Incarnation};
use bulkhead_persistence::AppendOutcome::{Committed, Fenced};
use bulkhead_persistence::{AppendError, Snapshot, journal, order, position, snapshot};
use bulkhead_persistence::{fill, fill::FillFilter, order::OrderCursor, order::OrderFilter};
use sqlx::Row;
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn what_is_appended_is_read_back() {
    let fixture = Fixture::new().await;
    let mut conn = fixture.db.journal_conn().await.unwrap();
    let (mut a, mut b) = (fixture.chain().await, fixture.chain().await);
    let batch = [a.filled("e-1"), b.events(3)];
    assert_eq!(conn.append(&batch).await.unwrap(), [Committed, Committed]);

    let mut tx = fixture.db.begin_for(a.head.tenant_id).await.unwrap();
    let order_row = &batch[0].orders[0];
    assert_eq!(order::find_order(&mut tx, order_row.id).await.unwrap().as_ref(), Some(order_row));
    let by_client = order::find_order_by_client_id(&mut tx, &order_row.client_order_id).await.unwrap();
    assert_eq!(by_client.as_ref(), Some(order_row));
    let by_venue = order::find_order_by_venue_client_id(&mut tx, &order_row.venue_client_id).await.unwrap();
    assert_eq!(by_venue.as_ref(), Some(order_row));
    assert_eq!(fill::list_fills(&mut tx, &FillFilter::default(), None, 10).await.unwrap(), batch[0].fills);
    assert_eq!(fill::find_fills(&mut tx, &batch[0].fills[0].execution_id).await.unwrap(), batch[0].fills);
    assert_eq!(position::list_positions(&mut tx).await.unwrap(), batch[0].positions);
    assert_eq!(journal::find_head(&mut tx).await.unwrap(), Some(a.head.clone()));

    let mut tx = fixture.db.begin_for(b.head.tenant_id).await.unwrap();
    let events = journal::read_events(&mut tx, 1, 10).await.unwrap();
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(events[1].hash, b.head.hash);
    assert_eq!(events[0].payload, batch[1].rows[1].payload);
    assert_eq!(events[0].decode().unwrap().event_id, batch[1].rows[1].event_id);
}

#[tokio::test]
async fn a_later_append_replaces_the_state_of_an_order_and_a_position() {
    let fixture = Fixture::new().await;
    let mut conn = fixture.db.journal_conn().await.unwrap();
    let mut chain = fixture.chain().await;
    let first = chain.filled("e-1");
    conn.append(std::slice::from_ref(&first)).await.unwrap();
    let mut second = chain.filled("e-2");
    let created = first.orders[0].clone();
    second.orders[0] = order::OrderRow { updated_seq: 2, body: "{\"a\":1}".to_owned(), ..created };
    second.fills[0].order_id = second.orders[0].id;
    conn.append(std::slice::from_ref(&second)).await.unwrap();

    let mut tx = fixture.db.begin_for(chain.head.tenant_id).await.unwrap();
    let listed = order::list_orders(&mut tx, &OrderFilter::default(), None, 10).await.unwrap();
    assert_eq!(listed, second.orders);
    assert_eq!(position::list_positions(&mut tx).await.unwrap(), second.positions);
    let fills = fill::list_fills(&mut tx, &FillFilter::default(), None, 10).await.unwrap();
    assert_eq!(fills.len(), 2);

    let (latest, earlier) = (&fills[0], &fills[1]);
    let account = &latest.account;
    let named = |row: &fill::FillRow| Some((row.execution_id.clone(), row.venue_ts));
    assert_eq!(fill::find_fill_back(&mut tx, account, 0).await.unwrap(), named(latest));
    assert_eq!(fill::find_fill_back(&mut tx, account, 1).await.unwrap(), named(earlier));
    assert_eq!(fill::find_fill_back(&mut tx, account, 2).await.unwrap(), None);
    let ids = [latest.execution_id.clone(), ExecutionId::parse("never").unwrap()];
    let booked: Vec<_> = fill::find_booked(&mut tx, account, &ids).await.unwrap().into_iter().collect();
    assert_eq!(booked, std::slice::from_ref(&latest.execution_id));
    let mut stranger = fixture.db.begin_for(fixture.chain().await.head.tenant_id).await.unwrap();
    assert!(fill::find_booked(&mut stranger, account, &ids).await.unwrap().is_empty());
    assert_eq!(fill::find_fill_back(&mut stranger, account, 0).await.unwrap(), None);
}

#[tokio::test]
async fn a_wrong_epoch_incarnation_or_sequence_is_fenced_and_the_others_commit() {
    let fixture = Fixture::new().await;
    let mut conn = fixture.db.journal_conn().await.unwrap();
    let mut good = fixture.chain().await;
    for spoil in 0..3 {
        let mut chain = fixture.chain().await;
        let mut bad = chain.filled("e-1");
        match spoil {
            0 => bad.epoch -= 1,
            1 => bad.incarnation = Incarnation(Uuid::now_v7()),
            _ => bad.expected_seq += 1,
        }
        let outcomes = conn.append(&[bad, good.events(1)]).await.unwrap();
        assert_eq!(outcomes, [Fenced, Committed], "spoil {spoil}");
        let mut tx = fixture.db.begin_for(chain.head.tenant_id).await.unwrap();
        assert!(journal::read_events(&mut tx, 0, 10).await.unwrap().is_empty());
        assert!(position::list_positions(&mut tx).await.unwrap().is_empty());
        assert_eq!(journal::find_head(&mut tx).await.unwrap().unwrap().seq, 0);
    }
}

#[tokio::test]
async fn an_execution_counts_once_and_costs_only_its_own_tenant_the_batch() {
    let fixture = Fixture::new().await;
    let mut conn = fixture.db.journal_conn().await.unwrap();
    let (mut a, mut b) = (fixture.chain().await, fixture.chain().await);
    conn.append(&[a.filled("e-1")]).await.unwrap();
    let batch = [a.filled("e-1"), b.filled("e-1")];
    let error = conn.append(&batch).await.unwrap_err();
    let AppendError::Statement(error) = error else { panic!("{error:?}") };
    assert_eq!(error.constraint(), Some("fill_execution_id_key"));
    // Tenant by tenant, over the same connection.
    assert!(matches!(conn.append(&batch[..1]).await, Err(AppendError::Statement(_))));
    assert_eq!(conn.append(&batch[1..]).await.unwrap(), [Committed]);
}

#[tokio::test]
async fn a_client_order_id_is_used_once() {
    let fixture = Fixture::new().await;
    let mut conn = fixture.db.journal_conn().await.unwrap();
    let mut chain = fixture.chain().await;
    let first = chain.filled("e-1");
    conn.append(std::slice::from_ref(&first)).await.unwrap();
    let mut second = chain.filled("e-2");
    second.orders[0].client_order_id = first.orders[0].client_order_id.clone();
    let Err(AppendError::Statement(error)) = conn.append(&[second]).await else { panic!("must be refused") };
    assert_eq!(error.constraint(), Some("trade_order_client_order_id_key"));
}

#[tokio::test]
async fn a_lost_connection_is_replaced_and_its_append_resolved_by_the_head() {
    let fixture = Fixture::new().await;
    let mut conn = fixture.db.journal_conn().await.unwrap();
    let mut chain = fixture.chain().await;
    conn.append(&[chain.events(1)]).await.unwrap();
    let kill = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'bulkhead_writer'";
    fixture.execute(kill).await;
    let append = chain.events(1);
    let error = conn.append(std::slice::from_ref(&append)).await.unwrap_err();
    assert!(matches!(error, AppendError::NotCommitted(_)), "{error:?}");
    let heads = conn.read_heads(&[chain.head.tenant_id]).await.unwrap();
    assert_eq!(heads[0].seq, append.expected_seq);
    assert_eq!(conn.append(std::slice::from_ref(&append)).await.unwrap(), [Committed]);
    // As if the answer to that commit had been lost: the head proves that it happened, and again is fenced.
    let heads = conn.read_heads(&[chain.head.tenant_id]).await.unwrap();
    assert_eq!(heads, [chain.head.clone()]);
    assert_eq!(conn.append(&[append]).await.unwrap(), [Fenced]);
}

#[tokio::test]
async fn reading_a_head_waits_for_an_append_on_its_way() {
    let fixture = Fixture::new().await;
    let mut conn = fixture.db.journal_conn().await.unwrap();
    let chain = fixture.chain().await;
    let mut admin = fixture.admin().await;
    let hold = "begin; update journal_head set seq = 1, hash = sha256('in flight')";
    sqlx::raw_sql(hold).execute(&mut admin).await.unwrap();
    let tenants = [chain.head.tenant_id];
    let mut reading = std::pin::pin!(conn.read_heads(&tenants));
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut reading).await.is_err());
    sqlx::raw_sql("commit").execute(&mut admin).await.unwrap();
    assert_eq!(reading.await.unwrap()[0].seq, 1);
}

#[tokio::test]
async fn a_takeover_waits_for_an_append_on_its_way_and_the_old_owner_is_fenced() {
    let fixture = Fixture::new().await;
    let mut conn = fixture.db.journal_conn().await.unwrap();
    let mut zombie = fixture.chain().await;
    let tenant_id = zombie.head.tenant_id;
    conn.append(&[zombie.events(1)]).await.unwrap();
    let mut admin = fixture.admin().await;
    let hold = "begin; update journal_head set seq = 2, hash = sha256('in flight')";
    sqlx::raw_sql(hold).execute(&mut admin).await.unwrap();

    let successor = claim_of("node-2");
    fixture.db.lease_conn().seize_all_shards(&successor).await.unwrap();
    let mut takeover = std::pin::pin!(fixture.activate(tenant_id, &successor));
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut takeover).await.is_err());
    sqlx::raw_sql("commit").execute(&mut admin).await.unwrap();
    let head = takeover.await.unwrap();
    assert_eq!((head.seq, head.epoch, head.incarnation), (2, 2, successor.incarnation));

    zombie.head.seq = 2;
    assert_eq!(conn.append(&[zombie.events(1)]).await.unwrap(), [Fenced]);
    assert_eq!(fixture.activate(tenant_id, &fixture.claim).await, None);
    assert_eq!(conn.append(&[Chain { head }.events(1)]).await.unwrap(), [Committed]);
}

#[tokio::test]
async fn orders_are_listed_newest_first_by_cursor_and_filter() {
    let fixture = Fixture::new().await;
    let mut conn = fixture.db.journal_conn().await.unwrap();
    let mut chain = fixture.chain().await;
    let mut rows = Vec::new();
    for number in 0..5 {
        let append = chain.filled(&format!("e-{number}"));
        rows.insert(0, append.orders[0].clone());
        conn.append(&[append]).await.unwrap();
    }
    let mut tx = fixture.db.begin_for(chain.head.tenant_id).await.unwrap();
    let filter = OrderFilter { symbol: Some(rows[0].symbol.clone()), ..OrderFilter::default() };
    let first = order::list_orders(&mut tx, &filter, None, 2).await.unwrap();
    assert_eq!(first, rows[..2]);
    let cursor = OrderCursor { created_at: first[1].created_at, id: first[1].id };
    assert_eq!(order::list_orders(&mut tx, &filter, Some(cursor), 10).await.unwrap(), rows[2..]);
    let none = OrderFilter { statuses: vec![bulkhead_domain::order::OrderStatus::Denied], ..filter };
    assert!(order::list_orders(&mut tx, &none, None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_snapshot_is_kept_only_where_the_journal_agrees() {
    let fixture = Fixture::new().await;
    let mut conn = fixture.db.journal_conn().await.unwrap();
    let mut chain = fixture.chain().await;
    let at =
        |chain: &Chain| Snapshot { seq: chain.head.seq, version: 1, hash: chain.head.hash, body: vec![1, 2] };
    let empty = at(&chain);
    conn.append(&[chain.events(4)]).await.unwrap();
    let first = at(&chain);
    conn.append(&[chain.events(4)]).await.unwrap();
    let second = at(&chain);
    let _uncommitted = chain.events(1);
    let ahead = at(&chain);

    let mut tx = fixture.db.begin_for(chain.head.tenant_id).await.unwrap();
    assert!(snapshot::save_snapshot(&mut tx, &empty).await.unwrap());
    assert!(snapshot::save_snapshot(&mut tx, &first).await.unwrap());
    assert!(snapshot::save_snapshot(&mut tx, &second).await.unwrap());
    assert!(!snapshot::save_snapshot(&mut tx, &ahead).await.unwrap());
    tx.commit().await.unwrap();

    let mut tx = fixture.db.begin_for(chain.head.tenant_id).await.unwrap();
    assert_eq!(snapshot::load_snapshot(&mut tx, 1).await.unwrap(), Some(second));
    assert_eq!(snapshot::load_snapshot(&mut tx, 2).await.unwrap(), None);
    let count =
        sqlx::query("select count(*) from snapshot").fetch_one(&mut fixture.admin().await).await.unwrap();
    assert_eq!(count.get::<i64, _>(0), 2);
}
