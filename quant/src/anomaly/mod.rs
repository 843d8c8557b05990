//! What is wrong with a tick: stale, crossed, far from the others, too large.
