//! A thread that computes, one piece of work after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;

use tokio::sync::oneshot;

/// As far down as the system goes: it runs when nobody else would.
const LOWEST_PRIORITY: i32 = 19;

type Order = (Box<dyn FnOnce() + Send>, oneshot::Sender<Result<(), Panicked>>);

/// The work panicked, with this text.
#[derive(Debug, thiserror::Error)]
#[error("a computation panicked: {0}")]
pub(crate) struct Panicked(String);

/// A thread of its own; it ends when this is dropped and its work is done.
pub(crate) struct ComputeThread(mpsc::Sender<Order>);

impl ComputeThread {
    pub(crate) fn start(name: String) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel::<Order>();
        std::thread::Builder::new().name(name).spawn(move || {
            // Without this it still computes, at everybody's expense.
            if let Err(error) = rustix::process::setpriority_process(None, LOWEST_PRIORITY) {
                tracing::warn!(%error, "the priority of a computing thread could not be lowered");
            }
            while let Ok((work, done)) = receiver.recv() {
                let ended = catch_unwind(AssertUnwindSafe(work)).map_err(|cause| Panicked(text_of(&*cause)));
                drop(done.send(ended));
            }
        })?;
        Ok(Self(sender))
    }

    /// Computes, and returns when it is done.
    pub(crate) async fn run(&self, work: Box<dyn FnOnce() + Send>) -> Result<(), Panicked> {
        let (done, ended) = oneshot::channel();
        let gone = || Panicked("the thread has ended".to_owned());
        self.0.send((work, done)).map_err(|_| gone())?;
        ended.await.unwrap_or_else(|_| Err(gone()))
    }
}

fn text_of(cause: &(dyn std::any::Any + Send)) -> String {
    let text = cause.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| cause.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no text".to_owned())
}
