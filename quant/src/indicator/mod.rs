//! Technical indicators, bar by bar and over columns, numerically the same as TA-Lib.
