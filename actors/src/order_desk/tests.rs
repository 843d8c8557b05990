//! The desk against a fake ledger and session.
