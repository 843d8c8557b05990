//! Whole tenants: the real tree over a real database and a paper venue.

mod chaos;
mod durability;
mod late;
mod lifecycle;
mod rig;
