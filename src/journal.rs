//! `bulkhead journal`.

use crate::cli::JournalCommand;
use crate::database::Database;
use crate::output::{Output, say, tell};
use anyhow::Context;
use bulkhead_domain::TenantId;
use bulkhead_persistence::journal::BreakKind;
use bulkhead_persistence::tenant::list_tenants;
use bulkhead_persistence::{Db, StoredEvent, journal};
use std::process::ExitCode;
use std::time::Duration;

/// Events read at a time.
const PAGE: i64 = 1_000;
const TENANTS_PAGE: i64 = 500;
const TAIL_EVERY: Duration = Duration::from_millis(250);

pub(crate) async fn run(command: JournalCommand) -> anyhow::Result<ExitCode> {
    match command {
        JournalCommand::Show { database, tenant, after, limit } => {
            let database = Database::open(&database).await?;
            let shown = show(&database.db, tenant, after, limit).await;
            database.close().await?;
            shown.map(|()| ExitCode::SUCCESS)
        }
        JournalCommand::Verify { database, tenant } => {
            let database = Database::open(&database).await?;
            let is_whole = verify(&database.db, tenant).await;
            database.close().await?;
            Ok(if is_whole? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        JournalCommand::Tail { database, tenant, after } => {
            let database = Database::open(&database).await?;
            let ended = tokio::select! {
                result = tail(&database.db, tenant, after) => result,
                _ = tokio::signal::ctrl_c() => Ok(()),
            };
            database.close().await?;
            ended.map(|()| ExitCode::SUCCESS)
        }
    }
}

async fn show(db: &Db, tenant_id: TenantId, after: i64, limit: i64) -> anyhow::Result<()> {
    let head = head(db, tenant_id).await?;
    let (mut after, mut left) = (after, limit);
    while left > 0 {
        let page = read(db, tenant_id, after, left.min(PAGE)).await?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        left -= i64::try_from(page.len())?;
        print(&page)?;
    }
    if after < head {
        tell(format_args!("{} more events follow: go on with --after {after}", head - after));
    }
    Ok(())
}

/// The end of the journal; an error where there is no such tenant.
async fn head(db: &Db, tenant_id: TenantId) -> anyhow::Result<i64> {
    let mut tx = db.begin_for(tenant_id).await?;
    let head = journal::find_head(&mut tx).await?;
    tx.commit().await?;
    head.map(|head| head.seq).with_context(|| format!("there is no tenant {tenant_id}"))
}

async fn tail(db: &Db, tenant_id: TenantId, after: Option<i64>) -> anyhow::Result<()> {
    let head = head(db, tenant_id).await?;
    let mut after = after.unwrap_or(head);
    loop {
        let page = read(db, tenant_id, after, PAGE).await?;
        print(&page)?;
        match page.last() {
            Some(last) => after = last.seq,
            None => tokio::time::sleep(TAIL_EVERY).await,
        }
    }
}

async fn read(db: &Db, tenant_id: TenantId, after: i64, limit: i64) -> anyhow::Result<Vec<StoredEvent>> {
    let mut tx = db.begin_for(tenant_id).await?;
    let page = journal::read_events(&mut tx, after, limit).await?;
    tx.commit().await?;
    Ok(page)
}

fn print(events: &[StoredEvent]) -> anyhow::Result<()> {
    let mut output = Output::new();
    for event in events {
        let data: &serde_json::value::RawValue = serde_json::from_str(&event.payload)?;
        let line = serde_json::json!({
            "seq": event.seq, "epoch": event.epoch, "kind": event.kind, "version": event.version,
            "ts": event.recorded_at, "event_id": event.event_id, "hash": hex(&event.hash), "data": data,
        });
        output.line(line)?;
    }
    Ok(output.flush()?)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Walks one chain or all; prints a line for each.
async fn verify(db: &Db, tenant: Option<TenantId>) -> anyhow::Result<bool> {
    let tenants = match tenant {
        Some(tenant_id) => vec![tenant_id],
        None => all_tenants(db).await?,
    };
    let mut is_whole = true;
    for tenant_id in tenants {
        let mut tx = db.begin_for(tenant_id).await?;
        let report = journal::verify(&mut tx).await?;
        tx.commit().await?;
        match report {
            Some(report) => match report.first_break {
                None => {
                    say(format_args!(
                        "{tenant_id}: {} events verified, the chain is whole",
                        report.verified
                    ))?;
                }
                Some(at) => {
                    is_whole = false;
                    say(format_args!("{tenant_id}: broken at event {}: {}", at.seq, describe(at.kind)))?;
                }
            },
            None => {
                is_whole = false;
                say(format_args!("{tenant_id}: there is no such tenant"))?;
            }
        }
    }
    Ok(is_whole)
}

fn describe(kind: BreakKind) -> &'static str {
    match kind {
        BreakKind::Missing => "the row is missing",
        BreakKind::HashMismatch => "the row is not the one that was hashed",
        BreakKind::EpochOutOfOrder => "its epoch is lower than one before it, or higher than the head's",
        BreakKind::HeadMismatch => "the head's hash is not the last row's",
        BreakKind::BeyondHead => "the row lies beyond the head",
    }
}

async fn all_tenants(db: &Db) -> anyhow::Result<Vec<TenantId>> {
    let mut all = Vec::new();
    let mut cursor = None;
    loop {
        let mut tx = db.begin_system().await?;
        let page = list_tenants(&mut tx, cursor, TENANTS_PAGE).await?;
        tx.commit().await?;
        let Some(last) = page.last() else { return Ok(all) };
        cursor = Some((last.created_at, last.id));
        all.extend(page.iter().map(|tenant| tenant.id));
    }
}
