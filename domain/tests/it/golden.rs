//! A golden payload of every kind and version is read for ever, and written the same way while it is current.

use bulkhead_domain::order::OrderStatus;
use bulkhead_domain::{Event, EventDecodeError};
use std::fs;
use std::path::PathBuf;

fn dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The payloads of one kind at version 1, one a line: as a chain of hashes covers them, to the byte.
fn payloads(kind: &str) -> Vec<String> {
    let text = fs::read_to_string(dir().join(format!("{kind}.v1.jsonl"))).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn every_kind_has_a_golden_payload_and_every_payload_a_kind() {
    let mut files: Vec<String> =
        fs::read_dir(dir()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let mut expected: Vec<String> = Event::KINDS.iter().map(|kind| format!("{kind}.v1.jsonl")).collect();
    files.sort();
    expected.sort();
    assert_eq!(files, expected);
}

#[test]
fn golden_payloads_are_read_and_written_byte_by_byte() {
    for kind in Event::KINDS {
        let payloads = payloads(kind);
        assert!(!payloads.is_empty(), "{kind}");
        for payload in payloads {
            let event = Event::decode(kind, 1, &payload).unwrap_or_else(|error| panic!("{kind}: {error}"));
            assert_eq!((event.kind(), event.payload().as_str()), (*kind, payload.as_str()));
        }
    }
}

#[test]
fn a_golden_fill_says_what_it_said() {
    let event = Event::decode("order_filled", 1, &payloads("order_filled")[0]).unwrap();
    assert!(event.is_trade() && event.is_order_event());
    let Event::OrderFilled(data) = event else { panic!("another kind") };
    assert_eq!(data.execution.price.to_string(), "40000.12345678");
    assert_eq!(data.execution.quantity.to_string(), "0.25");
    assert_eq!(data.after.status, OrderStatus::PartiallyFilled);
    assert_eq!(data.execution.venue_ts.to_string(), "2021-01-08T00:00:00.278001Z");
}

#[test]
fn what_cannot_be_read_is_said_and_never_guessed() {
    let future = Event::decode("order_filled", 2, "{}");
    assert!(matches!(future, Err(EventDecodeError::UnknownKind { version: 2, .. })), "{future:?}");
    let unheard = Event::decode("order_teleported", 1, "{}");
    assert!(matches!(unheard, Err(EventDecodeError::UnknownKind { .. })), "{unheard:?}");
    let broken = Event::decode("portfolio_created", 1, "{\"portfolio\":\"Main Book\"}");
    assert!(matches!(broken, Err(EventDecodeError::Payload { .. })), "{broken:?}");
}
