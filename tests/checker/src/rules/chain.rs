//! The journal by itself: no gap, no fall of the epoch, an unbroken chain that ends where the head says.

use crate::database::{HeadRow, JournalRow};
use crate::journal::{GENESIS, chain_hash};
use crate::report::{Report, ViolationName};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Walks one tenant's rows.
pub(super) fn check(tenant_id: Uuid, rows: &[&JournalRow], head: Option<&HeadRow>, report: &mut Report) {
    check_sequence(tenant_id, rows, head, report);
    check_hashes(tenant_id, rows, head, report);
    check_event_ids(tenant_id, rows, report);
    check_head(tenant_id, rows.last().copied(), head, report);
}

fn check_sequence(tenant_id: Uuid, rows: &[&JournalRow], head: Option<&HeadRow>, report: &mut Report) {
    let mut expected = head.map_or(0, |head| head.base_seq) + 1;
    let mut epoch = i64::MIN;
    for row in rows {
        if row.seq != expected {
            let detail = format!("seq {} follows where {expected} was due", row.seq);
            report.add(ViolationName::SequenceGap, tenant_id, detail);
        }
        if row.epoch < epoch {
            let detail = format!("epoch {} at seq {} follows epoch {epoch}", row.epoch, row.seq);
            report.add(ViolationName::EpochFell, tenant_id, detail);
        }
        expected = row.seq + 1;
        epoch = epoch.max(row.epoch);
    }
}

fn check_hashes(tenant_id: Uuid, rows: &[&JournalRow], head: Option<&HeadRow>, report: &mut Report) {
    let mut previous: &[u8] = head.map_or(&GENESIS, |head| &head.base_hash);
    for row in rows {
        if chain_hash(previous, row).as_slice() != row.hash {
            let detail = format!("the first row whose hash is not that of its content is seq {}", row.seq);
            report.add(ViolationName::HashBroken, tenant_id, detail);
            return;
        }
        previous = &row.hash;
    }
}

fn check_event_ids(tenant_id: Uuid, rows: &[&JournalRow], report: &mut Report) {
    let mut seen = BTreeSet::new();
    for row in rows {
        if !seen.insert(row.event_id) {
            let detail = format!("event {} occurs again at seq {}", row.event_id, row.seq);
            report.add(ViolationName::EventRepeated, tenant_id, detail);
        }
    }
}

fn check_head(tenant_id: Uuid, last: Option<&JournalRow>, head: Option<&HeadRow>, report: &mut Report) {
    let detail = match (head, last) {
        (None, _) => "the journal has rows and no head".to_owned(),
        (Some(head), None) if head.seq == head.base_seq => return,
        (Some(head), None) => format!("the head is at seq {} and the journal is empty", head.seq),
        (Some(head), Some(last)) => {
            if head.seq == last.seq && head.hash == last.hash && head.epoch >= last.epoch {
                return;
            }
            format!(
                "the head is at seq {} in epoch {}, the last row at {} in {}, hashes equal: {}",
                head.seq,
                head.epoch,
                last.seq,
                last.epoch,
                head.hash == last.hash
            )
        }
    };
    report.add(ViolationName::HeadDisagrees, tenant_id, detail);
}
