//! Tests of the paper venue, by way of its inputs and outputs.

mod log;
mod matching;
mod network;
mod properties;
mod replay;
mod requests;
mod rig;
mod terms;
