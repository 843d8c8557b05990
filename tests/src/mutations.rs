//! The checker sees what it is there for: one honest run is green, and every copy of it that was tampered with is red.

use crate::harness::checker::{Case, Verdict};
use crate::harness::postgres::Cluster;
use crate::harness::record::Record;
use crate::harness::trader::{decimal, limit, market, named};
use crate::harness::{Server, ServerOptions, Trader};
use bulkhead_checker::client_record::{Action, Outcome};
use bulkhead_checker::database::Tables;
use bulkhead_checker::journal::chain_hash;
use hyper::Method;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// A run that is over: its database stands still, its files are copied before they are changed.
struct Run {
    server: Server,
    cluster: Cluster,
    record: PathBuf,
    copies: u32,
}

/// A copy of the run, to be tampered with.
struct Copy {
    database: String,
    record: PathBuf,
    venue_log: PathBuf,
    cluster: Cluster,
}

async fn place(trader: &Trader, record: &Record, body: &Value) -> Outcome {
    let name = body["client_order_id"].as_str().unwrap();
    let sent = record.send(trader.tenant_id, Action::Place, (name, body.clone()));
    let bytes = Some(body.to_string().into());
    let answer = trader.client.try_send(Method::POST, "/api/v1/orders", bytes).await;
    record.end(sent, &answer)
}

fn id_of(outcome: &Outcome) -> String {
    let Outcome::Acknowledged { order, .. } = outcome else { panic!("not acknowledged: {outcome:?}") };
    order["id"].as_str().unwrap().to_owned()
}

/// Orders that fill, rest and are cancelled, and at the very end one that is denied.
async fn trade(trader: &Trader, record: &Record) {
    for number in 0..6 {
        let side = if number % 3 == 2 { "sell" } else { "buy" };
        let filled =
            place(trader, record, &named(market(side, "BTC-USDT", "0.01"), &format!("m{number}"))).await;
        trader.await_status(&id_of(&filled), &["filled"]).await;
        let body = named(limit("buy", "ETH-USDT", ("0.1", "1000")), &format!("l{number}"));
        let id = id_of(&place(trader, record, &body).await);
        trader.await_status(&id, &["accepted"]).await;
        let sent = record.send(trader.tenant_id, Action::Cancel, (&format!("l{number}"), Value::Null));
        let answer = trader.client.try_send(Method::DELETE, &format!("/api/v1/orders/{id}"), None).await;
        record.end(sent, &answer);
        trader.await_status(&id, &["canceled"]).await;
    }
    // What is repeated is one order, and what is invalid none.
    place(trader, record, &named(market("buy", "BTC-USDT", "0.01"), "m0")).await;
    place(trader, record, &named(market("buy", "BTC-USDT", "0.0000001"), "invalid")).await;
    let denied = place(trader, record, &named(market("buy", "BTC-USDT", "90"), "denied")).await;
    assert!(matches!(denied, Outcome::Refused { ref order, .. } if order.is_object()), "{denied:?}");
}

impl Run {
    async fn start() -> (Self, crate::harness::postgres::Started) {
        let mut server = Server::start(ServerOptions::default()).await;
        let record = Record::create(&server.dir().join("clients.jsonl"));
        let (ann, bob) = (server.trader("ann").await, server.trader("bob").await);
        trade(&ann, &record).await;
        trade(&bob, &record).await;
        let cluster = server.cluster().clone();
        server.terminate().await;
        let started = cluster.start_fast().await;
        let path = record.path().to_owned();
        (Self { server, cluster, record: path, copies: 0 }, started)
    }

    async fn copy(&mut self) -> Copy {
        self.copies += 1;
        let database = format!("copy_{}", self.copies);
        let sql = format!("create database {database} template bulkhead");
        self.cluster.execute("postgres", &sql).await;
        let dir = self.server.dir().join(&database);
        fs::create_dir(&dir).unwrap();
        let (record, venue_log) = (dir.join("clients.jsonl"), dir.join("venue"));
        fs::copy(&self.record, &record).unwrap();
        fs::create_dir(&venue_log).unwrap();
        for entry in fs::read_dir(self.server.venue_log()).unwrap().flatten() {
            fs::copy(entry.path(), venue_log.join(entry.file_name())).unwrap();
        }
        Copy { database, record, venue_log, cluster: self.cluster.clone() }
    }
}

impl Copy {
    async fn tables(&self) -> Tables {
        Tables::read(&self.cluster.url(&self.database)).await.unwrap()
    }

    async fn execute(&self, sql: &str) {
        self.cluster.execute(&self.database, sql).await;
    }

    async fn check(&self) -> Verdict {
        let database_url = self.cluster.url(&self.database);
        Case { record: &self.record, venue_log: &self.venue_log, database_url: &database_url }.run().await
    }

    /// Runs SQL and lets the checker look.
    async fn after(&self, sql: &str) -> Verdict {
        self.execute(sql).await;
        self.check().await
    }

    /// Changes the lines of a file.
    fn edit(&self, path: &Path, mut change: impl FnMut(&mut Vec<String>)) {
        let mut lines: Vec<String> = fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect();
        change(&mut lines);
        fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    }

    fn segment(&self) -> PathBuf {
        self.venue_log.join("segment-0000000001.jsonl")
    }

    /// Appends an event as the platform would, with a good hash and a head that fits.
    async fn append(&self, like: i64, change: impl Fn(&str) -> String) {
        let tables = self.tables().await;
        let tenant_id = first_trader(&tables);
        let rows: Vec<_> = tables.journal.iter().filter(|row| row.tenant_id == tenant_id).collect();
        let last = rows.last().unwrap();
        let mut row = rows.iter().find(|row| row.seq == like).copied().unwrap().clone();
        row.seq = last.seq + 1;
        row.event_id = uuid::Uuid::new_v4();
        row.payload = change(&row.payload);
        let hash: String = chain_hash(&last.hash, &row).iter().map(|byte| format!("{byte:02x}")).collect();
        self.execute(&format!(
            "insert into journal select tenant_id, {}, epoch, '{}', kind, version, '{}', '\\x{hash}', recorded_at
             from journal where tenant_id = '{tenant_id}' and seq = {like};
             update journal_head set seq = {}, hash = '\\x{hash}' where tenant_id = '{tenant_id}'",
            row.seq,
            row.event_id,
            row.payload.replace('\'', "''"),
            row.seq
        ))
        .await;
    }

    /// The first event of a kind in the journal of the tenant that is tampered with.
    async fn seq_of(&self, kind: &str) -> i64 {
        let tables = self.tables().await;
        let tenant_id = first_trader(&tables);
        tables.journal.iter().find(|row| row.tenant_id == tenant_id && row.kind == kind).unwrap().seq
    }
}

/// Only the first tenant that traded is tampered with: the platform's own tenant has a journal too, and no orders.
const TENANT: &str = "tenant_id = (select min(tenant_id::text)::uuid from trade_order)";

/// The same tenant. The text of an id sorts as the id does.
fn first_trader(tables: &Tables) -> uuid::Uuid {
    tables.journal.iter().filter(|row| row.kind == "order_filled").map(|row| row.tenant_id).min().unwrap()
}

#[tokio::test]
async fn an_honest_run_is_green_and_every_change_to_it_is_red() {
    let (mut run, _postgres) = Run::start().await;
    run.copy().await.check().await.assert_green();
    journal(&mut run).await;
    read_models(&mut run).await;
    clients(&mut run).await;
    venue(&mut run).await;
}

/// What is changed in the journal.
async fn journal(run: &mut Run) {
    // The last event is the denied order's only one: without it the chain is as good as before.
    let dropped = run.copy().await;
    let verdict = dropped
        .after(&format!(
            "create temp table gone as select j.* from journal j join journal_head h using (tenant_id, seq) where j.{TENANT};
             delete from journal j using gone where j.tenant_id = gone.tenant_id and j.seq = gone.seq;
             delete from trade_order o using gone where o.tenant_id = gone.tenant_id and o.created_seq = gone.seq;
             update journal_head h set seq = j.seq, hash = j.hash from gone, journal j
             where h.tenant_id = gone.tenant_id and j.tenant_id = gone.tenant_id and j.seq = gone.seq - 1"
        ))
        .await;
    verdict.assert_red_only(&["acknowledged_order_missing"]);

    let doubled = run.copy().await;
    doubled.append(doubled.seq_of("order_filled").await, str::to_owned).await;
    doubled.check().await.assert_red("execution_booked_twice");

    let invented = run.copy().await;
    let fill = invented.seq_of("order_filled").await;
    invented.append(fill, |payload| payload.replacen("\"execution_id\":\"", "\"execution_id\":\"9", 1)).await;
    let verdict = invented.check().await;
    for name in
        ["execution_not_at_venue", "filled_beyond_quantity", "fill_row_missing", "cash_differs_from_venue"]
    {
        verdict.assert_red(name);
    }

    let broken = run.copy().await;
    let verdict = broken
        .after(&format!("update journal set payload = payload || ' ' where {TENANT} and seq = 7"))
        .await;
    verdict.assert_red_only(&["hash_broken"]);
    assert!(verdict.text.contains("seq 7"), "the first bad row is named: {}", verdict.text);

    let missing = run.copy().await;
    let verdict = missing.after(&format!("delete from journal where {TENANT} and seq = 5")).await;
    verdict.assert_red("sequence_gap");
    verdict.assert_red("hash_broken");

    let fallen = run.copy().await;
    let verdict =
        fallen.after(&format!("update journal set epoch = epoch - 1 where {TENANT} and seq = 9")).await;
    verdict.assert_red_only(&["epoch_fell"]);

    let ahead = run.copy().await;
    let verdict = ahead.after(&format!("update journal_head set seq = seq + 1 where {TENANT}")).await;
    verdict.assert_red_only(&["head_disagrees"]);
}

/// What is changed in the tables that are made from the journal.
async fn read_models(run: &mut Run) {
    let cases = [
        ("update position set quantity = quantity + 1 where", "position_differs_from_journal"),
        ("update position set cost = cost + 0.0000000001 where", "position_differs_from_journal"),
        ("delete from position where", "position_differs_from_journal"),
        (
            "delete from fill where execution_id in (select min(execution_id) from fill group by tenant_id) and",
            "fill_row_missing",
        ),
        ("update fill set price = price + 0.01 where", "fill_row_differs"),
        ("update trade_order set status = 'accepted' where status = 'canceled' and", "order_row_differs"),
        (
            "update trade_order set body = replace(body, '\"version\":', '\"version\":1') where",
            "order_row_differs",
        ),
        ("delete from trade_order where status = 'filled' and", "order_row_missing"),
    ];
    for (sql, name) in cases {
        let copy = run.copy().await;
        copy.after(&format!("{sql} {TENANT}")).await.assert_red_only(&[name]);
    }
}

/// What clients were told otherwise.
async fn clients(run: &mut Run) {
    let copy = run.copy().await;
    copy.edit(&copy.record, |lines| {
        let line = lines.iter_mut().find(|line| line.contains("\"client_order_id\":\"invalid\"")).unwrap();
        *line = line.replace("\"client_order_id\":\"invalid\"", "\"client_order_id\":\"m1\"");
        let id = "\"client_order_id\":\"m1\"";
        let tenant = line.split("\"tenant_id\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        lines.retain(|line| !(line.contains(&tenant) && line.contains(id) && line.contains("acknowledged")));
    });
    copy.check().await.assert_red("refused_order_exists");

    let copy = run.copy().await;
    copy.edit(&copy.record, |lines| {
        let line = lines.iter_mut().find(|line| line.contains("\"action\":\"cancel\"")).unwrap();
        *line = line.replace("\"client_order_id\":\"l0\"", "\"client_order_id\":\"m0\"");
    });
    copy.check().await.assert_red("acknowledged_cancel_missing");

    let copy = run.copy().await;
    copy.edit(&copy.record, |lines| {
        lines.push("{\"record\":\"kill\",\"round\":1,\"what\":\"server\",\"at_micros\":-1}".to_owned());
    });
    assert_eq!(copy.check().await.code, Some(3), "a round in which nothing was in flight proves nothing");
}

/// What is changed in the venue's log.
async fn venue(run: &mut Run) {
    let copy = run.copy().await;
    copy.edit(&copy.segment(), |lines| {
        let at = lines.iter().position(|line| line.contains("\"kind\":\"filled\"")).unwrap();
        lines.remove(at);
    });
    let verdict = copy.check().await;
    for name in [
        "venue_log_gap",
        "execution_not_at_venue",
        "position_differs_from_venue",
        "order_state_differs_from_venue",
    ] {
        verdict.assert_red(name);
    }

    let copy = run.copy().await;
    copy.edit(&copy.segment(), |lines| {
        let line = lines.iter_mut().find(|line| line.contains("\"kind\":\"filled\"")).unwrap();
        let mut value: Value = serde_json::from_str(line).unwrap();
        value["price"] = (decimal(&value["price"]) + decimal(&"0.01".into())).to_string().into();
        *line = value.to_string();
    });
    let verdict = copy.check().await;
    verdict.assert_red_only(&["execution_terms_differ", "cash_differs_from_venue"]);

    let copy = run.copy().await;
    copy.edit(&copy.segment(), |lines| {
        let line = lines.iter().find(|line| line.contains("\"kind\":\"accepted\"")).unwrap().clone();
        for (extra, id) in [(1, None), (2, Some("stranger"))] {
            let mut value: Value = serde_json::from_str(&line).unwrap();
            value["n"] = (lines.len() + 1).into();
            value["venue_order_id"] = format!("X{extra}").into();
            if let Some(id) = id {
                value["venue_client_id"] = id.into();
            }
            lines.push(value.to_string());
        }
    });
    copy.check().await.assert_red_only(&["venue_order_repeated", "venue_order_without_intent"]);
}
