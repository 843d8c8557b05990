//! Two tenants on every table: neither sees nor touches the other's rows.

use crate::support::Fixture;
use bulkhead_domain::TenantId;
use bulkhead_persistence::quant_parameter::{
    QuantParameterFilter, insert_quant_parameter, list_quant_parameters,
};
use bulkhead_persistence::refresh_token::{NewRefreshToken, SessionOwner, insert_refresh_token};
use bulkhead_persistence::session::{SessionRow, insert_session};
use bulkhead_persistence::{Snapshot, journal, order, position, snapshot, tenant, user};
use bulkhead_persistence::{fill, fill::FillFilter, order::OrderFilter};
use sqlx::{AssertSqlSafe, PgConnection, Row};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Every table of a tenant gets a row.
async fn populate(fixture: &Fixture) -> TenantId {
    let mut conn = fixture.db.journal_conn().await.unwrap();
    let mut chain = fixture.chain().await;
    conn.append(&[chain.filled("e-1")]).await.unwrap();
    let tenant_id = chain.head.tenant_id;
    let owner =
        SessionOwner { session_id: Uuid::now_v7(), tenant_id, user_id: fixture.user(tenant_id).await };
    let (created_at, expires_at) = (crate::support::T0, crate::support::T0.plus_micros(1));
    let session = SessionRow {
        id: owner.session_id,
        tenant_id,
        user_id: owner.user_id,
        created_at,
        expires_at,
        revoked_at: None,
    };
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(tenant_id.0.as_bytes());
    let mut tx = fixture.db.begin_system().await.unwrap();
    insert_session(&mut tx, &session).await.unwrap();
    let token = NewRefreshToken { hash, issued_at: created_at, expires_at };
    insert_refresh_token(&mut tx, owner, token).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = fixture.db.begin_for(tenant_id).await.unwrap();
    let state = Snapshot { seq: 1, version: 1, hash: chain.head.hash, body: vec![1] };
    assert!(snapshot::save_snapshot(&mut tx, &state).await.unwrap());
    insert_quant_parameter(&mut tx, &crate::quant_parameter::fit(1)).await.unwrap();
    tx.commit().await.unwrap();
    tenant_id
}

async fn tenant_tables(conn: &mut PgConnection) -> Vec<String> {
    let sql = "select table_name::text from information_schema.columns
               where table_schema = 'public' and column_name = 'tenant_id' order by 1";
    sqlx::query(sql).fetch_all(conn).await.unwrap().iter().map(|row| row.get(0)).collect()
}

async fn run(conn: &mut PgConnection, sql: &str) -> Result<u64, sqlx::Error> {
    Ok(sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await?.rows_affected())
}

/// How many rows a role sees when it asks for everything; `None` when it may not ask at all.
async fn visible(fixture: &Fixture, session: &str, table: &str) -> Option<i64> {
    let mut admin = fixture.admin().await;
    run(&mut admin, &format!("begin; {session}")).await.unwrap();
    let sql = format!("select count(tenant_id) from {table}");
    match sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut admin).await {
        Ok(row) => Some(row.get(0)),
        Err(error) => {
            assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{table}: {error}");
            None
        }
    }
}

#[tokio::test]
async fn a_role_that_asks_for_everything_gets_its_own_tenant_only() {
    let fixture = Fixture::new().await;
    let (a, _b) = (populate(&fixture).await, populate(&fixture).await);
    let app = format!("set local role bulkhead_app; set local app.current_tenant_id = '{a}'");
    let app_of_nobody = "set local role bulkhead_app; set local app.current_tenant_id = ''";
    let writer = format!("set local role bulkhead_writer; set local app.tenants = '{{{a}}}'");
    let mut seen = BTreeMap::new();
    for table in tenant_tables(&mut fixture.admin().await).await {
        assert_eq!(
            visible(&fixture, "set local role bulkhead_owner", &table).await,
            Some(0),
            "{table}: forced"
        );
        assert!(
            visible(&fixture, app_of_nobody, &table).await.unwrap_or(0) == 0,
            "{table}: no tenant, no rows"
        );
        let row = (visible(&fixture, &app, &table).await, visible(&fixture, &writer, &table).await);
        seen.insert(table, row);
    }
    // What each role sees of a table that holds one row of either tenant: (app, writer).
    let expected = [
        ("app_user", (Some(1), None)),
        ("fill", (Some(1), None)),
        ("journal", (Some(1), None)),
        ("journal_head", (Some(1), Some(1))),
        ("position", (Some(1), Some(1))),
        ("quant_parameter", (Some(1), None)),
        ("refresh_token", (None, None)),
        ("session", (None, None)),
        ("snapshot", (Some(1), None)),
        ("trade_order", (Some(1), Some(1))),
    ];
    assert_eq!(seen, expected.map(|(table, row)| (table.to_owned(), row)).into());
}

#[tokio::test]
async fn the_functions_of_one_tenant_find_nothing_of_another() {
    let fixture = Fixture::new().await;
    let (a, b) = (populate(&fixture).await, populate(&fixture).await);
    let mut tx = fixture.db.begin_for(b).await.unwrap();
    let theirs = order::list_orders(&mut tx, &OrderFilter::default(), None, 10).await.unwrap().remove(0);
    drop(tx);
    let mut tx = fixture.db.begin_for(a).await.unwrap();
    assert_eq!(order::find_order(&mut tx, theirs.id).await.unwrap(), None);
    assert_eq!(order::find_order_by_client_id(&mut tx, &theirs.client_order_id).await.unwrap(), None);
    assert_eq!(order::find_order_by_venue_client_id(&mut tx, &theirs.venue_client_id).await.unwrap(), None);
    assert_eq!(order::list_orders(&mut tx, &OrderFilter::default(), None, 10).await.unwrap().len(), 1);
    assert_eq!(fill::list_fills(&mut tx, &FillFilter::default(), None, 10).await.unwrap().len(), 1);
    assert_eq!(position::list_positions(&mut tx).await.unwrap().len(), 1);
    assert_eq!(journal::read_events(&mut tx, 0, 10).await.unwrap().len(), 1);
    assert_eq!(journal::find_head(&mut tx).await.unwrap().unwrap().tenant_id, a);
    let fits = list_quant_parameters(&mut tx, &QuantParameterFilter::default(), None, 10).await.unwrap();
    assert_eq!(fits.len(), 1);
    assert_eq!(user::list_users(&mut tx).await.unwrap().len(), 1);
    assert_eq!(tenant::own_tenant(&mut tx).await.unwrap().unwrap().id, a);
}

#[tokio::test]
async fn a_writer_cannot_write_beyond_the_batch_it_declared() {
    let fixture = Fixture::new().await;
    let (a, b) = (populate(&fixture).await, populate(&fixture).await);
    let session = format!("begin; set local role bulkhead_writer; set local app.tenants = '{{{a}}}'");
    let zero = "decode(repeat('00', 32), 'hex')";
    let refused = [
        format!("insert into journal values ('{b}', 2, 1, gen_random_uuid(), 'k', 1, '', {zero}, now())"),
        format!("insert into position values ('{b}', 'p', 'a', 's', 0, 0, 0, 0, 1)"),
        format!(
            "insert into position values ('{b}', 'main', 'paper', 'BTC-USDT', 0, 0, 0, 0, 9)
                 on conflict (tenant_id, portfolio, account, symbol) do update set quantity = 7"
        ),
        format!(
            "insert into fill values ('{b}', 'paper', 'x', gen_random_uuid(), 9, 'main', 'paper', 'S', 'buy', 1, 1, 0,
                                      'USDT', 'taker', now(), now())"
        ),
        "update journal_head set epoch = 99".to_owned(),
        "update journal set payload = ''".to_owned(),
        "delete from journal".to_owned(),
        "select password_hash from app_user".to_owned(),
        "select from tenant".to_owned(),
    ];
    for sql in refused {
        let mut admin = fixture.admin().await;
        run(&mut admin, &session).await.unwrap();
        let error = run(&mut admin, &sql).await.expect_err(&sql);
        assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{sql}: {error}");
    }
    let mut admin = fixture.admin().await;
    run(&mut admin, &session).await.unwrap();
    assert_eq!(
        run(&mut admin, "update journal_head set seq = seq + 1").await.unwrap(),
        1,
        "its own tenant only"
    );
}

#[tokio::test]
async fn a_commit_after_a_failed_statement_is_an_error() {
    let fixture = Fixture::new().await;
    let tenant_id = fixture.tenant().await;
    let mut tx = fixture.db.begin_system().await.unwrap();
    let again = tenant::find_tenant(&mut tx, tenant_id).await.unwrap().unwrap();
    assert_eq!(tenant::insert_tenant(&mut tx, &again).await.unwrap_err().constraint(), Some("tenant_pkey"));
    assert!(tx.commit().await.is_err());
}
