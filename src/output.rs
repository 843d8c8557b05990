//! What a command says on standard output and standard error, either of which may have lost its reader.
//!
//! 1. A result whose reader has left ends the command quietly: `| head` got what it wanted.
//! 2. What is only told, such as where a server listens, never ends anything.

use std::fmt::{Arguments, Display};
use std::io::{self, BufWriter, ErrorKind, Stdout, Write};

/// The lines of a command's result. They are with their reader once [`Output::flush`] has returned.
pub(crate) struct Output(BufWriter<Stdout>);

impl Output {
    pub(crate) fn new() -> Self {
        Self(BufWriter::new(io::stdout()))
    }

    /// One line.
    pub(crate) fn line(&mut self, line: impl Display) -> io::Result<()> {
        writeln!(self.0, "{line}")
    }

    /// Hands over what was written.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A result of one line.
pub(crate) fn say(line: impl Display) -> io::Result<()> {
    let mut output = Output::new();
    output.line(line)?;
    output.flush()
}

/// Says that and where a server is ready. It serves whether or not somebody hears it.
pub(crate) fn announce(ready: &serde_json::Value) {
    drop(say(ready));
}

/// Tells a person something on standard error, if one is there.
pub(crate) fn tell(text: Arguments<'_>) {
    // Nobody reads it: then nobody misses it.
    drop(writeln!(io::stderr(), "{text}"));
}

/// What went wrong, from the outside in. Some errors end with the text of their cause already; it is said once.
pub(crate) fn describe(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Whether the command ended because nobody reads its result any more.
pub(crate) fn is_reader_gone(error: &anyhow::Error) -> bool {
    let is_broken_pipe = |error: &io::Error| error.kind() == ErrorKind::BrokenPipe;
    error.downcast_ref::<io::Error>().is_some_and(is_broken_pipe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn a_cause_is_said_once() {
        let cause = || io::Error::other("no such file");
        let plain = Err::<(), _>(cause()).context("cannot read t.csv").unwrap_err();
        assert_eq!(describe(&plain), "cannot read t.csv: no such file");
        let repeated = Err::<(), _>(cause()).context("cannot read t.csv: no such file").unwrap_err();
        assert_eq!(describe(&repeated), "cannot read t.csv: no such file");
    }

    #[test]
    fn only_a_result_without_reader_is_a_quiet_end() {
        let broken = || anyhow::Error::new(io::Error::from(ErrorKind::BrokenPipe));
        assert!(is_reader_gone(&broken()));
        assert!(!is_reader_gone(&anyhow::anyhow!("something else")));
    }
}
