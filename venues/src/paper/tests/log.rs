//! The log: restarts, segments, torn tails, failed writes.

use super::rig::{Rig, account, id, instrument, order};
use crate::link::RequestKind;
use crate::paper::log::{Record, SegmentLimits, read_all};
use crate::paper::{PaperError, PaperVenue};
use bulkhead_domain::order::Side::{Buy, Sell};
use bulkhead_domain::report::VenueOrderState;
use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::path::PathBuf;

const SMALL: SegmentLimits = SegmentLimits { closed_max: 7, bytes_max: 1 << 20 };

fn files(rig: &Rig, suffix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(rig.dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries.filter(|path| path.to_string_lossy().ends_with(suffix)).collect();
    paths.sort();
    paths
}

fn trade(rig: &mut Rig, count: usize) {
    for number in 0..count {
        rig.quote("5@99", "5@101");
        rig.submit(1, order(&format!("m{number}"), Buy, "0.5"));
        rig.submit(2, order(&format!("r{number}"), Buy, "0.0001"));
        if number % 10 == 0 {
            rig.submit(3, order(&format!("w{number}"), Sell, "7@101"));
        }
    }
}

#[test]
fn every_id_answers_across_segments_and_restarts() {
    let mut rig = Rig::with_segments(SMALL);
    trade(&mut rig, 100);
    assert!(files(&rig, ".jsonl").len() > 25, "there must be enough segments to merge indexes");
    assert!(files(&rig, ".idx").len() < 20, "indexes must have been merged");
    for round in 0..3 {
        for number in 0..100 {
            let filled = rig.query(1, &format!("m{number}")).unwrap();
            assert_eq!((filled.state, filled.executions.len()), (VenueOrderState::Filled, 1));
            let rejected = rig.query(2, &format!("r{number}")).unwrap();
            assert!(matches!(rejected.state, VenueOrderState::Rejected { .. }));
        }
        let waiting = rig.query(3, "w0").unwrap();
        assert_eq!(waiting.state, VenueOrderState::Open);
        assert_eq!(rig.query(1, &format!("none{round}")), None);
        if round == 1 {
            // Indexes are only a help.
            files(&rig, ".idx").iter().for_each(|path| fs::remove_file(path).unwrap());
        }
        rig.restart();
    }
}

#[test]
fn a_half_written_index_is_rebuilt() {
    let mut rig = Rig::with_segments(SMALL);
    trade(&mut rig, 30);
    for path in files(&rig, ".idx") {
        let length = fs::metadata(&path).unwrap().len();
        OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 5).unwrap();
    }
    rig.restart();
    assert_eq!(rig.query(1, "m0").unwrap().state, VenueOrderState::Filled);
}

#[test]
fn a_restart_gives_the_same_state_and_never_the_same_ids() {
    for limits in [SegmentLimits::default(), SMALL] {
        let mut rig = Rig::with_segments(limits);
        trade(&mut rig, 40);
        let mut before = rig.venue.state.clone();
        rig.restart();
        let mut after = rig.venue.state.clone();
        for state in [&mut before, &mut after] {
            state.orders.values_mut().for_each(|order| order.queue_ahead = bulkhead_domain::Qty::ZERO);
        }
        assert_eq!(before, after);
        rig.quote("5@99", "5@101");
        rig.submit(1, order("after", Buy, "0.5"));
        let lines = read_all(rig.dir.path()).unwrap();
        let numbers: Vec<u64> = lines.iter().map(|line| line.n).collect();
        assert_eq!(numbers, (1..=lines.len() as u64).collect::<Vec<_>>());
        let mut executions = BTreeSet::new();
        let mut orders = BTreeSet::new();
        for line in lines {
            match line.record {
                Record::Filled(filled) => assert!(executions.insert(filled.execution.execution_id)),
                Record::Accepted(accepted) => assert!(orders.insert(accepted.venue_order_id)),
                _ => {}
            }
        }
    }
}

#[test]
fn resting_orders_go_on_after_a_restart() {
    let mut rig = Rig::new();
    rig.submit(1, order("limit", Buy, "1@100"));
    rig.submit(1, order("market", Buy, "1"));
    rig.restart();
    assert_eq!(rig.quote("1@99", "5@100").len(), 2);
}

#[test]
fn a_torn_last_line_is_cut_off_wherever_it_tears() {
    let mut rig = Rig::new();
    rig.quote("5@99", "5@101");
    rig.submit(1, order("a", Buy, "0.5"));
    let path = files(&rig, ".jsonl").pop().unwrap();
    let whole = fs::read(&path).unwrap();
    rig.submit(1, order("b", Buy, "1@50"));
    let longer = fs::read(&path).unwrap();
    for length in whole.len()..longer.len() {
        fs::write(&path, &longer[..length]).unwrap();
        rig.restart();
        assert_eq!(fs::read(&path).unwrap(), whole);
    }
    // Zeroes at the end, as some file systems leave them after a power cut.
    fs::write(&path, [whole.as_slice(), &[0; 100]].concat()).unwrap();
    rig.restart();
    assert_eq!(fs::read(&path).unwrap(), whole);
    rig.submit(1, order("b", Buy, "1@50"));
    assert_eq!(rig.query(1, "b").unwrap().state, VenueOrderState::Open);
}

#[test]
fn damage_in_the_middle_is_an_error_that_says_where() {
    let mut rig = Rig::new();
    rig.quote("5@99", "5@101");
    rig.submit(1, order("a", Buy, "0.5"));
    let path = files(&rig, ".jsonl").pop().unwrap();
    let text = fs::read_to_string(&path).unwrap().replacen("accepted", "excepted", 1);
    fs::write(&path, text).unwrap();
    rig.close();
    let error = PaperVenue::open(rig.dir.path(), &[instrument()]).unwrap_err();
    assert!(matches!(&error, PaperError::Corrupt { path: named, .. } if *named == path), "{error}");
}

#[test]
fn after_a_failed_write_the_venue_is_silent() {
    let mut rig = Rig::new();
    rig.venue.log.fail_writes();
    let input = rig.request(1, RequestKind::Submit(order("a", Buy, "1@50")));
    assert!(matches!(rig.venue.step(rig.now, [input]), Err(PaperError::Io { .. })));
    let input = rig.request(1, RequestKind::QueryOrder { venue_client_id: id("a") });
    assert!(matches!(rig.venue.step(rig.now, [input]), Err(PaperError::Stopped)));
    rig.restart();
    assert_eq!(rig.query(1, "a"), None);
    assert_eq!(rig.venue.state.account(0).key, account(1));
}

#[test]
fn many_open_orders_do_not_begin_a_segment_at_every_step() {
    let mut rig = Rig::with_segments(SegmentLimits { closed_max: 100_000, bytes_max: 1_000 });
    for number in 0..400 {
        rig.submit(1, order(&format!("o{number}"), Buy, "1@50"));
    }
    assert!(files(&rig, ".jsonl").len() < 20);
    rig.restart();
    assert_eq!(rig.venue.state.orders.len(), 400);
    assert_eq!(rig.query(1, "o0").unwrap().state, VenueOrderState::Open);
}

#[test]
fn a_log_has_one_venue_at_a_time() {
    let mut rig = Rig::new();
    let second = PaperVenue::open(rig.dir.path(), &[instrument()]);
    assert!(matches!(second, Err(PaperError::InUse { .. })));
    rig.close();
    PaperVenue::open(rig.dir.path(), &[instrument()]).unwrap();
}
