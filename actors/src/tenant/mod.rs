//! A tenant as a whole: its tree, its sessions, the directory of all tenants of the node, and the handle that
//! is the only way in.

mod cell;
mod directory;
mod handle;
mod sessions;
mod tree;

pub(crate) use cell::Shared;
pub(crate) use directory::Slots;
pub use directory::{AdminError, Tenants};
pub use handle::TenantHandle;
pub(crate) use sessions::Sessions;
pub(crate) use tree::tenant_name;
