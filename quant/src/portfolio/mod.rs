//! What to hold: weights from returns and their covariance, and the trades to get there.
