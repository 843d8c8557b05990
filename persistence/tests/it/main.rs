//! Everything here runs against a real PostgreSQL with the real roles. A test has a cluster of its own.
#![cfg(test)]

mod append;
mod catalogue;
mod isolation;
mod lease;
mod plan;
mod private_postgres;
mod quant_parameter;
mod refresh_token;
mod support;
mod verify;
