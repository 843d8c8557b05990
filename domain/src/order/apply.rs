//! How events change an order. Total: an event that does not fit changes nothing but what it proves.
