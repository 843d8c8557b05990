//! Features for learning, from bars and from the book.
//!
//! A row is made at each bar, or at each state of the book, from what has been seen up to then and nothing later. Names
//! and order are fixed for a version; a model is trained and asked with rows of one version. A feature that cannot be
//! known yet is missing, never a number that stands for it. All that are present are finite, and free of the unit that
//! prices and sizes are quoted in.

mod bar;
mod book;

pub use bar::{BAR_FEATURES, BAR_FEATURES_VERSION, BarFeatures, TimedBar};
pub use book::{BOOK_FEATURES, BOOK_FEATURES_VERSION, BookFeatures, BookState, Level, TradeFlow};

/// Features in the order of their names; `None` where one cannot be known yet.
pub type Row = Vec<Option<f64>>;

/// Declares names, and the function that makes the row in their order.
macro_rules! features {
    ($(#[$doc:meta])* $names:ident, $row:ident($view:ident: &$type:ty) { $($name:ident => $value:expr;)+ }) => {
        $(#[$doc])*
        pub const $names: &[&str] = &[$(stringify!($name)),+];

        /// The features in the order of their names.
        fn $row(view: &$type) -> $crate::feature::Row {
            let formulas: [fn(&$type) -> Option<f64>; $names.len()] = [$(|$view| Some($value)),+];
            formulas.iter().map(|formula| formula(view)).collect()
        }
    };
}
use features;
