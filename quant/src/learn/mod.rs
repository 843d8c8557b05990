//! Models that learn from examples, and honest ways to judge them.
