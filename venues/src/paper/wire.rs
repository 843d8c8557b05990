//! What client and server say to each other: one JSON object per line.

use crate::clock::ClockMap;
use crate::link::{VenueAccountKey, VenueMessage, VenueRequest};
use crate::market::MarketEvent;
use bulkhead_domain::instrument::Instrument;
use bulkhead_domain::{Timestamp, VenueName};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::tcp::OwnedReadHalf;

/// Longer than a full page of anything the venue says.
const LINE_BYTES_MAX: u64 = 8 * 1024 * 1024;

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub(super) enum ToServer {
    /// Opens a link under a number of the client's.
    Connect {
        link: u64,
        account: VenueAccountKey,
    },
    HangUp {
        link: u64,
    },
    Request {
        link: u64,
        body: VenueRequest,
    },
    Subscribe,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub(super) enum ToClient {
    Welcome(Welcome),
    Message { link: u64, body: VenueMessage },
    Market { body: MarketEvent },
}

/// The first line of a server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Welcome {
    pub(super) name: VenueName,
    pub(super) instruments: Vec<Instrument>,
    pub(super) clock: ClockMap,
    /// The server's wall clock, for a client whose own differs.
    pub(super) wall: Timestamp,
}

/// Appends a line.
pub(super) fn write_line<T: Serialize>(buffer: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(&mut *buffer, value)
        .expect("the protocol has string keys and a vector takes every byte");
    buffer.push(b'\n');
}

/// Reads a line; `None` at the end of the connection.
pub(super) async fn read_line<T: DeserializeOwned>(
    reader: &mut BufReader<OwnedReadHalf>,
    buffer: &mut Vec<u8>,
) -> io::Result<Option<T>> {
    buffer.clear();
    let count = reader.take(LINE_BYTES_MAX).read_until(b'\n', buffer).await?;
    if count == 0 {
        return Ok(None);
    }
    if buffer.last() != Some(&b'\n') {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the line is too long or was cut off"));
    }
    serde_json::from_slice(buffer).map(Some).map_err(io::Error::from)
}
