//! A tenant as a whole: its tree, its sessions, the directory of all tenants of the node, and the handle that
//! is the only way in.

mod cell;
mod directory;
mod handle;
mod sessions;
#[cfg(test)]
mod tests;
mod tree;

pub(crate) use cell::Shared;
#[cfg(test)]
pub(crate) use cell::TenantCell;
pub(crate) use directory::Slots;
pub use directory::{AdminError, Tenants};
pub use handle::TenantHandle;
pub(crate) use sessions::Sessions;
pub(crate) use tree::tenant_name;
