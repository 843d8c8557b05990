//! A small HTTP/1.1 client: one kept-alive connection, one request at a time, bytes in and bytes out. It shares the
//! machine with what it measures, so it does no more than it must.

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const HEAD_END: &[u8] = b"\r\n\r\n";
const READ_BYTES: usize = 16 * 1024;
/// A longer answer is not read.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// A head that is longer than this has no end.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("the connection failed: {0}")]
    Io(#[from] std::io::Error),
    #[error("the connection was closed before the answer")]
    Closed,
    #[error("the answer is not HTTP/1.1 with a length")]
    Malformed,
}

/// The first part of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// Bytes up to the body.
    pub(crate) length: usize,
    pub(crate) body_length: usize,
    /// The server closes the connection after this answer.
    pub(crate) closes: bool,
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    head: Head,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, HttpError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let head = Head { status: 0, length: 0, body_length: 0, closes: false };
        Ok(Self { stream, received: Vec::with_capacity(READ_BYTES), head })
    }

    /// Sends a whole request and reads the whole answer; its status.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<u16, HttpError> {
        self.received.clear();
        self.stream.write_all(request).await?;
        loop {
            let head = parse_head(&self.received)?;
            if let Some(head) = head
                && self.received.len() >= head.length + head.body_length
            {
                self.head = head;
                return Ok(head.status);
            }
            self.received.reserve(READ_BYTES);
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(HttpError::Closed);
            }
        }
    }

    /// The last answer's body.
    pub(crate) fn body(&self) -> &[u8] {
        let end = self.head.length + self.head.body_length;
        self.received.get(self.head.length..end).unwrap_or_default()
    }

    /// Whether the connection cannot be used for another request.
    pub(crate) fn closes(&self) -> bool {
        self.head.closes
    }
}

/// Reads the head of an answer; `None` while it is incomplete.
pub(crate) fn parse_head(bytes: &[u8]) -> Result<Option<Head>, HttpError> {
    let Some(end) = bytes.windows(HEAD_END.len()).position(|window| window == HEAD_END) else {
        return if bytes.len() > HEAD_BYTES_MAX { Err(HttpError::Malformed) } else { Ok(None) };
    };
    let head = bytes.get(..end).unwrap_or_default();
    let mut lines = head.split(|byte| *byte == b'\n');
    let status = parse_status(lines.next().unwrap_or_default())?;
    let mut found = Head { status, length: end + HEAD_END.len(), body_length: 0, closes: false };
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return Err(HttpError::Malformed);
        };
        let (name, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") {
            found.body_length = parse_number(value)?;
        } else if name.eq_ignore_ascii_case(b"connection") {
            found.closes = value.eq_ignore_ascii_case(b"close");
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            return Err(HttpError::Malformed);
        }
    }
    Ok(Some(found))
}

fn parse_status(line: &[u8]) -> Result<u16, HttpError> {
    let rest = line.strip_prefix(b"HTTP/1.1 ").ok_or(HttpError::Malformed)?;
    let digits = rest.get(..3).ok_or(HttpError::Malformed)?;
    u16::try_from(parse_number(digits)?).map_err(|_| HttpError::Malformed)
}

fn parse_number(digits: &[u8]) -> Result<usize, HttpError> {
    let text = std::str::from_utf8(digits).map_err(|_| HttpError::Malformed)?;
    let number: usize = text.parse().map_err(|_| HttpError::Malformed)?;
    if number <= BODY_BYTES_MAX { Ok(number) } else { Err(HttpError::Malformed) }
}

/// Builds a request with a JSON body, or none.
pub(crate) fn request(method: &str, path: &str, token: Option<&str>, body: Option<&str>) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: bench\r\n");
    if let Some(token) = token {
        text.push_str("authorization: Bearer ");
        text.push_str(token);
        text.push_str("\r\n");
    }
    if let Some(body) = body {
        text.push_str(&format!(
            "content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ));
    } else {
        text.push_str("\r\n");
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[test]
    fn a_whole_head_is_read_whatever_the_case_of_its_names() {
        let head =
            parse_head(b"HTTP/1.1 201 Created\r\nContent-LENGTH: 5\r\nx: y\r\n\r\nhello").unwrap().unwrap();
        assert_eq!(head, Head { status: 201, length: 49, body_length: 5, closes: false });
        let head =
            parse_head(b"HTTP/1.1 503 X\r\ncontent-length: 0\r\nConnection: Close\r\n\r\n").unwrap().unwrap();
        assert!(head.closes && head.body_length == 0 && head.status == 503);
        let head = parse_head(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap();
        assert_eq!((head.status, head.body_length), (204, 0));
    }

    #[test]
    fn every_cut_of_a_head_is_incomplete_and_not_wrong() {
        let whole = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n";
        for end in 0..whole.len() {
            assert!(parse_head(&whole[..end]).unwrap().is_none(), "cut at {end}");
        }
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        let bad: &[&[u8]] = &[
            b"HTTP/1.0 200 OK\r\n\r\n",
            b"HTTP/1.1 2x0 OK\r\n\r\n",
            b"HTTP/1.1 20\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        ];
        for bytes in bad {
            assert!(parse_head(bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
        assert!(parse_head(&vec![b'a'; HEAD_BYTES_MAX + 1]).is_err());
    }

    #[test]
    fn a_request_says_how_long_its_body_is() {
        let text = String::from_utf8(request("POST", "/p", Some("t"), Some("{}"))).unwrap();
        assert!(text.starts_with("POST /p HTTP/1.1\r\n") && text.contains("authorization: Bearer t\r\n"));
        assert!(text.ends_with("content-length: 2\r\n\r\n{}"));
        assert!(String::from_utf8(request("GET", "/", None, None)).unwrap().ends_with("host: bench\r\n\r\n"));
    }

    #[tokio::test]
    async fn answers_that_arrive_in_pieces_are_put_together_and_the_connection_is_kept() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut seen = [0; 1024];
            for pieces in [
                &["HTTP/1.1 2", "00 OK\r\ncontent-length: 4\r\n\r", "\nab", "cd"][..],
                &["HTTP/1.1 404 N\r\ncontent-length: 0\r\n\r\n"],
            ] {
                assert!(stream.read(&mut seen).await.unwrap() > 0);
                for piece in pieces {
                    stream.write_all(piece.as_bytes()).await.unwrap();
                    stream.flush().await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        });
        let mut connection = Connection::open(address).await.unwrap();
        let get = request("GET", "/", None, None);
        assert_eq!(connection.exchange(&get).await.unwrap(), 200);
        assert_eq!(connection.body(), b"abcd");
        assert_eq!(connection.exchange(&get).await.unwrap(), 404);
        assert!(connection.body().is_empty());
        server.await.unwrap();
        assert!(matches!(connection.exchange(&get).await, Err(HttpError::Closed | HttpError::Io(_))));
    }
}
