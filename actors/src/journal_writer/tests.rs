//! The batch: joining, settling once, resolving.
