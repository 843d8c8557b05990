//! The ledger against a fake writer.
