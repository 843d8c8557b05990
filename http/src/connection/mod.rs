//! One connection: HTTP while there is something to say, a bare socket in between.
//!
//! hyper holds a parser and two buffers of 8 KiB for each of its connections. Between two requests they hold nothing,
//! so they are given back there: thousands of quiet connections cost a socket and a small task each. hyper is left
//! only where no byte is in its hands: the request was read to its end, the answer is written and flushed, and the
//! socket has nothing to read. What it may have read beyond goes to its successor.

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tower::Service;
use tracing::debug;

/// A request's header has to arrive within this time, and a connection that is quiet for as long is closed.
pub const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(60);
/// For this long a connection is not heard whose request the server had no room for, whatever it makes of
/// `Retry-After`: refusing those who ask again at once would cost more than serving the others.
const TURNED_AWAY_PAUSE: Duration = Duration::from_millis(100);
/// Bytes a request's header may have.
const HEADER_BYTES_MAX: usize = 32 * 1024;

/// Marks the answer to a request that the server as a whole had no room for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TurnedAway;

/// How far the exchange on a connection is. One task drives a connection, so that the order of its steps is plain.
#[derive(Debug, Clone, Default)]
struct Progress(Arc<AtomicU8>);

const REQUEST_READ: u8 = 1;
const ANSWER_ENDED: u8 = 2;
const ANSWER_SENT: u8 = 4;
const QUIET: u8 = 8;
const TURNED_AWAY: u8 = 16;

/// The socket, which tells when an answer has left and nothing follows.
#[derive(Debug)]
struct ToldSocket {
    io: TokioIo<TcpStream>,
    /// What was read already and belongs to the next request.
    ahead: Bytes,
    progress: Progress,
}

/// A body that tells when it has ended.
struct ToldBody<B> {
    body: B,
    progress: Progress,
    end: End,
}

/// Whose end is told, and how it shows.
#[derive(Clone, Copy, PartialEq)]
enum End {
    /// The last byte was seen.
    OfRequest,
    /// The body was let go of.
    OfAnswer,
}

/// Serves a connection until its end, or until `draining` becomes true and what is on its way is answered.
pub(crate) async fn serve_connection(stream: TcpStream, app: Router, mut draining: watch::Receiver<bool>) {
    // Answers are written whole; waiting for more to send would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "no delay could not be set");
    }
    let mut socket =
        ToldSocket { io: TokioIo::new(stream), ahead: Bytes::new(), progress: Progress::default() };
    loop {
        if socket.ahead.is_empty() {
            tokio::select! {
                is_readable = timeout(HEADER_READ_TIMEOUT, socket.io.inner().readable()) => {
                    if !matches!(is_readable, Ok(Ok(()))) { return }
                }
                () = drained(&mut draining) => return,
            }
        }
        // In a box of its own, so that the task of a quiet connection has no room for it.
        match Box::pin(exchange(socket, &app, &mut draining)).await {
            Some(quiet) => socket = quiet,
            None => return,
        }
        if socket.progress.has(TURNED_AWAY) {
            sleep(TURNED_AWAY_PAUSE).await;
        }
    }
}

/// Serves requests until the connection ends (nothing) or is quiet (its socket).
async fn exchange(
    socket: ToldSocket,
    app: &Router,
    draining: &mut watch::Receiver<bool>,
) -> Option<ToldSocket> {
    let progress = socket.progress.clone();
    progress.begin();
    let service = hyper::service::service_fn(|request: hyper::Request<Incoming>| {
        progress.begin();
        let request = request.map(|body| Body::new(ToldBody::new(body, &progress, End::OfRequest)));
        let answer = app.clone().call(request);
        async {
            let answer = answer.await?;
            if answer.extensions().get::<TurnedAway>().is_some() {
                progress.note(TURNED_AWAY);
            }
            Ok::<_, Infallible>(answer.map(|body| ToldBody::new(body, &progress, End::OfAnswer)))
        }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .max_header_size(HEADER_BYTES_MAX)
        .max_buf_size(HEADER_BYTES_MAX)
        // A client that hangs up is noticed at its next turn: looking for it earlier costs a read and another buffer
        // per request, and an order that came in whole is carried out whoever still listens.
        .half_close(true)
        .serve_connection(socket, service)
        .with_upgrades();
    let turn = poll_fn(|cx| match Pin::new(&mut connection).poll(cx) {
        Poll::Pending if progress.is_quiet() => Poll::Ready(None),
        ended => ended.map(Some),
    });
    let ended = tokio::select! {
        ended = turn => ended,
        () = drained(draining) => {
            Pin::new(&mut connection).graceful_shutdown();
            Some((&mut connection).await)
        }
    };
    match ended {
        Some(ended) => {
            if let Err(error) = ended {
                debug!(%error, "connection ended early");
            }
            None
        }
        None => {
            let parts = connection.into_parts()?;
            Some(ToldSocket { ahead: parts.read_buf, ..parts.io })
        }
    }
}

async fn drained(draining: &mut watch::Receiver<bool>) {
    drop(draining.wait_for(|draining| *draining).await);
}

impl Progress {
    fn begin(&self) {
        self.0.store(0, Relaxed);
    }

    fn note(&self, step: u8) {
        self.0.fetch_or(step, Relaxed);
    }

    fn has(&self, steps: u8) -> bool {
        self.0.load(Relaxed) & steps == steps
    }

    fn is_quiet(&self) -> bool {
        self.has(QUIET)
    }
}

impl<B: HttpBody> ToldBody<B> {
    fn new(body: B, progress: &Progress, end: End) -> Self {
        let told = Self { body, progress: progress.clone(), end };
        told.note_request_read();
        told
    }

    fn note_request_read(&self) {
        if self.end == End::OfRequest && self.body.is_end_stream() {
            self.progress.note(REQUEST_READ);
        }
    }
}

impl<B: HttpBody + Unpin> HttpBody for ToldBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.note_request_read();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for ToldBody<B> {
    fn drop(&mut self) {
        if self.end == End::OfAnswer {
            self.progress.note(ANSWER_ENDED);
        }
    }
}

impl Read for ToldSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let length = self.ahead.len().min(buffer.remaining());
            buffer.put_slice(&self.ahead.split_to(length));
            return Poll::Ready(Ok(()));
        }
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        if read.is_pending() && self.progress.has(REQUEST_READ | ANSWER_ENDED | ANSWER_SENT) {
            self.progress.note(QUIET);
        }
        read
    }
}

impl Write for ToldSocket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    /// hyper flushes when it has handed over all it had.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.progress.has(ANSWER_ENDED) {
            self.progress.note(ANSWER_SENT);
        }
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
