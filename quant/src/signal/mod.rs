//! Trading signals, each with its confidence and the numbers behind it.
