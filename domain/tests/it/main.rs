//! The domain from outside: tables for what is written down, random histories for what must always hold.
#![cfg(test)]

mod desk;
mod edges;
mod golden;
mod halt;
mod history;
mod image;
mod limits;
mod lots;
mod named_book;
mod order_properties;
mod order_table;
mod risk_model;
mod risk_table;
mod support;
