//! What the journal says about a load: the figures that claim durability are counted here.

use crate::BenchError;
use crate::world::Tenant;
use bulkhead_domain::TenantId;
use bulkhead_persistence::{Db, journal};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};
use tokio::time::sleep;

const PAGE_ROWS: i64 = 10_000;
/// A journal that does not grow for this long has taken everything in.
const QUIET_FOR: Duration = Duration::from_millis(300);
const DRAIN_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);

/// Where each tenant's journal ended at some moment.
#[derive(Debug, Clone)]
pub(crate) struct JournalMark(Vec<(TenantId, i64)>);

/// What was appended since a mark.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct JournalCount {
    pub(crate) events: u64,
    pub(crate) payload_bytes: u64,
    pub(crate) kinds: BTreeMap<String, u64>,
    /// Fills recorded within the window.
    pub(crate) fills_within: u64,
}

impl JournalCount {
    pub(crate) fn of_kind(&self, kind: &str) -> u64 {
        self.kinds.get(kind).copied().unwrap_or(0)
    }
}

impl JournalMark {
    /// Marks where the journals end now.
    pub(crate) async fn read(db: &Db, tenants: &[Tenant]) -> Result<Self, BenchError> {
        let mut marks = Vec::with_capacity(tenants.len());
        for tenant in tenants {
            marks.push((tenant.id, head_seq(db, tenant.id).await?));
        }
        Ok(Self(marks))
    }

    async fn read_again(&self, db: &Db) -> Result<i64, BenchError> {
        let mut sum = 0;
        for (tenant_id, _) in &self.0 {
            sum += head_seq(db, *tenant_id).await?;
        }
        Ok(sum)
    }

    /// Waits until nothing is appended any more; for how long it still was, to about a poll.
    pub(crate) async fn await_quiet(&self, db: &Db) -> Result<Duration, BenchError> {
        let begun = Instant::now();
        let (mut last, mut grown_at) = (self.read_again(db).await?, begun);
        while grown_at.elapsed() < QUIET_FOR {
            if begun.elapsed() > DRAIN_WITHIN {
                return Err(BenchError::Deadline { what: "draining the backlog" });
            }
            sleep(POLL).await;
            let sum = self.read_again(db).await?;
            if sum != last {
                (last, grown_at) = (sum, Instant::now());
            }
        }
        Ok(grown_at - begun)
    }

    /// Counts what was appended since; `window` is in microseconds since 1970.
    pub(crate) async fn count(&self, db: &Db, window: &Range<i64>) -> Result<JournalCount, BenchError> {
        let mut count = JournalCount::default();
        for (tenant_id, seq) in &self.0 {
            count_tenant(db, (*tenant_id, *seq), window, &mut count).await?;
        }
        Ok(count)
    }
}

async fn head_seq(db: &Db, tenant_id: TenantId) -> Result<i64, BenchError> {
    let mut tx = db.begin_for(tenant_id).await?;
    let head = journal::find_head(&mut tx).await?;
    Ok(head.map_or(0, |head| head.seq))
}

async fn count_tenant(
    db: &Db,
    (tenant_id, mut after): (TenantId, i64),
    window: &Range<i64>,
    count: &mut JournalCount,
) -> Result<(), BenchError> {
    let mut tx = db.begin_for(tenant_id).await?;
    loop {
        let page = journal::read_events(&mut tx, after, PAGE_ROWS).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.seq;
        for row in &page {
            count.events += 1;
            count.payload_bytes += row.payload.len() as u64;
            if row.kind == "order_filled" && window.contains(&row.recorded_at.micros()) {
                count.fills_within += 1;
            }
            match count.kinds.get_mut(&row.kind) {
                Some(known) => *known += 1,
                None => drop(count.kinds.insert(row.kind.clone(), 1)),
            }
        }
    }
}
