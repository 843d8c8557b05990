//! The outside face: REST, WebSocket and their documentation. Extract, one call, map.
//!
//! 1. A handler that takes no principal is public, and the list of those is pinned by a test.
//! 2. Every failure has one shape, a stable code, and says whether the request was executed.
//! 3. What a client sends is bounded in size, in time and in number.

mod admin;
mod auth;
mod body;
mod connection;
mod context;
mod decimal_text;
mod edge;
mod envelope;
mod error;
mod events;
mod gate;
mod health;
mod instruments;
mod lots;
mod openapi;
mod orders;
mod portfolio;
mod portfolios;
mod principal;
mod quant;
mod query;
mod risk;
mod router;
mod schema;
mod server;
mod state;
mod tenants;
mod trades;
mod ws;

pub use body::BODY_BYTES_MAX;
pub use connection::HEADER_READ_TIMEOUT;
pub use error::{ApiError, Code, Outcome};
pub use gate::Gate;
pub use openapi::error_codes_markdown;
pub use router::{openapi_json, router};
pub use server::{CONNECTIONS_MAX, Drain, serve};
pub use state::{AppConfig, AppState, Lifecycle, Parts, TenantsSlot, WEBSOCKETS_MAX};
