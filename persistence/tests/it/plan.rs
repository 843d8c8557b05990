//! The plans that are really used on populated tables, as the server logs them.

use crate::support::Fixture;
use bulkhead_persistence::fill::FillFilter;
use bulkhead_persistence::order::OrderFilter;
use bulkhead_persistence::{fill, journal, order, position};

/// Other tenants' rows, many against the few of the tenant that is looked at, and the statistics to know it.
const POPULATE: &str = "
    create temporary table other as select gen_random_uuid() as id from generate_series(1, 3000);
    insert into tenant select id, 'x', 'starter', 'active', now() from other;
    insert into journal_head select id, 0, 0, id, 0, sha256(''), 0, sha256('') from other;
    insert into journal select o.id, n, 1, gen_random_uuid(), 'k', 1, '', sha256(''), now()
        from other o, generate_series(1, 20) n;
    insert into trade_order select o.id, gen_random_uuid(), n::text, n::text, 'main', 'paper', 'paper', 'S', 'buy',
        'filled', now(), now(), n, n, '' from other o, generate_series(1, 20) n;
    insert into fill select o.id, 'paper', n::text, gen_random_uuid(), n, 'main', 'paper', 'S', 'buy', 1, 1, 0, 'USDT',
        'taker', now(), now() from other o, generate_series(1, 20) n;
    insert into position select id, 'main', 'paper', 'S', 1, 1, 0, 0, 1 from other;
    analyze";

const LOG_PLANS: &str = "
    load 'auto_explain';
    alter role bulkhead_writer set session_preload_libraries = 'auto_explain';
    alter role bulkhead_app set session_preload_libraries = 'auto_explain';
    alter system set auto_explain.log_min_duration = 0;
    select pg_reload_conf()";

#[tokio::test]
async fn no_statement_scans_a_table_even_if_it_was_planned_while_empty() {
    let fixture = Fixture::new().await;
    let mut admin = fixture.admin().await;
    // One at a time: some of them refuse to run inside the transaction that several together are.
    for statement in LOG_PLANS.split(';') {
        sqlx::raw_sql(statement).execute(&mut admin).await.unwrap();
    }
    let mut conn = fixture.db.journal_conn().await.unwrap();
    let mut chains = Vec::new();
    for _ in 0..16 {
        chains.push(fixture.chain().await);
    }
    // Often enough for any plan to be generic and kept.
    for round in 0..8 {
        let batch: Vec<_> = chains.iter_mut().map(|chain| chain.filled(&format!("empty-{round}"))).collect();
        conn.append(&batch).await.unwrap();
    }
    fixture.execute(POPULATE).await;
    for round in 0..8 {
        let batch: Vec<_> = chains.iter_mut().map(|chain| chain.filled(&format!("full-{round}"))).collect();
        conn.append(&batch).await.unwrap();
    }
    conn.read_heads(&[chains[0].head.tenant_id]).await.unwrap();
    for chain in chains.iter().cycle().take(32) {
        let mut tx = fixture.db.begin_for(chain.head.tenant_id).await.unwrap();
        let row = order::list_orders(&mut tx, &OrderFilter::default(), None, 5).await.unwrap().remove(0);
        order::find_order(&mut tx, row.id).await.unwrap().unwrap();
        order::find_order_by_client_id(&mut tx, &row.client_order_id).await.unwrap().unwrap();
        order::find_order_by_venue_client_id(&mut tx, &row.venue_client_id).await.unwrap().unwrap();
        fill::list_fills(&mut tx, &FillFilter::default(), None, 5).await.unwrap();
        position::list_positions(&mut tx).await.unwrap();
        journal::read_events(&mut tx, 3, 5).await.unwrap();
        journal::find_head(&mut tx).await.unwrap();
    }
    let log = std::fs::read_to_string(fixture.cluster_dir().join("log")).unwrap();
    let plans: Vec<&str> = log.split("  plan:\n").skip(1).collect();
    assert!(plans.iter().any(|plan| plan.contains("journal_head_pkey")), "plans are logged");
    assert!(plans.iter().any(|plan| plan.contains("trade_order_created_at_idx")));
    let scanning = plans.iter().find(|plan| plan.contains("Seq Scan"));
    assert_eq!(scanning, None);
}
