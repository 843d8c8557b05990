//! The session against a fake venue.
