//! What is measured, one file per scenario.

mod ack_latency;
mod actor_kill;
mod fanout;
mod floor;
mod floor_rows;
mod idle_tenants;
mod orders;
mod overload;
mod portfolio;
mod quant_flood;
mod recovery;

use crate::report::{Outcome, Unit};
use crate::{BenchArgs, BenchError};
use clap::ValueEnum;

/// Tenants of every scenario that does not say otherwise.
pub(crate) const TENANTS: u32 = 100;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum ScenarioName {
    /// Market orders of 100 tenants until their fills are durable, at 64 and 256 connections.
    OrdersMany,
    /// The same of one tenant, at 256 connections.
    OrdersOne,
    /// The same rows and statements without the application.
    Floor,
    /// How long an order waits for its 201 at 500 a second.
    AckLatency,
    /// Reads of the portfolio.
    Portfolio,
    /// From an event to a thousand WebSockets.
    WsFanout,
    /// Memory and start of tenants that do nothing.
    IdleTenants,
    /// Actors killed under load, and what a neighbour feels of it.
    ActorKill,
    /// Memory and answers when far too much is asked.
    Overload,
    /// A ledger killed with 10,000 events behind its last snapshot.
    Recovery,
    /// What a flood of calibrations does to the orders of others.
    QuantFlood,
}

impl ScenarioName {
    pub(crate) const ALL: [Self; 11] = [
        Self::OrdersMany,
        Self::OrdersOne,
        Self::Floor,
        Self::AckLatency,
        Self::Portfolio,
        Self::WsFanout,
        Self::IdleTenants,
        Self::ActorKill,
        Self::Overload,
        Self::Recovery,
        Self::QuantFlood,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::OrdersMany => "orders_many",
            Self::OrdersOne => "orders_one",
            Self::Floor => "floor",
            Self::AckLatency => "ack_latency",
            Self::Portfolio => "portfolio",
            Self::WsFanout => "ws_fanout",
            Self::IdleTenants => "idle_tenants",
            Self::ActorKill => "actor_kill",
            Self::Overload => "overload",
            Self::Recovery => "recovery",
            Self::QuantFlood => "quant_flood",
        }
    }
}

/// Figures that are compared between scenarios.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Fills a second served to 100 tenants at 256 connections.
    pub(crate) served: Option<f64>,
}

/// Measures one scenario.
pub(crate) async fn run(
    name: ScenarioName,
    args: &BenchArgs,
    figures: &mut Figures,
) -> Result<Outcome, BenchError> {
    match name {
        ScenarioName::OrdersMany => orders::many(args, figures).await,
        ScenarioName::OrdersOne => orders::one(args).await,
        ScenarioName::Floor => floor::measure(args, figures).await,
        ScenarioName::AckLatency => ack_latency::measure(args).await,
        ScenarioName::Portfolio => portfolio::measure(args).await,
        ScenarioName::WsFanout => fanout::measure(args).await,
        ScenarioName::IdleTenants => idle_tenants::measure(args).await,
        ScenarioName::ActorKill => actor_kill::measure(args).await,
        ScenarioName::Overload => overload::measure(args).await,
        ScenarioName::Recovery => recovery::measure(args).await,
        ScenarioName::QuantFlood => quant_flood::measure(args).await,
    }
}

/// Adds a latency's rows without goals.
fn latency_rows(outcome: &mut Outcome, what: &str, summary: &crate::stats::Summary) {
    for (name, value) in
        [("p50", summary.p50), ("p99", summary.p99), ("p99.9", summary.p999), ("max", summary.max)]
    {
        outcome.row(format!("{what} {name}"), value, Unit::Millis);
    }
}
