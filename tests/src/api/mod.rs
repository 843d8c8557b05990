//! The REST interface of the real server, through a client that knows what it asks for.

mod bad_input;
mod identity;
mod isolation;
mod lots;
mod order_batch;
mod order_terms;
mod orders;
mod portfolio;
mod portfolios;
mod quant;
mod risk;
