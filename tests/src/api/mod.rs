//! The REST interface of the real server, through a client that knows what it asks for.

mod bad_input;
mod identity;
mod isolation;
mod order_batch;
mod order_terms;
mod lots;
mod orders;
mod portfolio;
mod portfolios;
mod quant;
