//! How long this crate takes, task by task, on one thread, and what it answers.
//!
//! `speed inputs DIR` writes the inputs, which other libraries are asked about too; `speed measure DIR [--only NAME]`
//! prints a line of JSON per task: `{"task", "seconds_median", "seconds_best", "answer": […]}`. `NAME` is a task
//! (`indicator/rsi`) or an area (`indicator`). `make bench-quant` runs both sides in turns.
#![expect(clippy::indexing_slicing, reason = "the inputs are of this program's own making")]

mod assets;
mod bars;
mod files;
mod heston;
mod learning;
mod options;
mod returns;
mod stopwatch;
mod text;

use files::Inputs;
use std::process::ExitCode;
use stopwatch::Stopwatch;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Of whatever can be cancelled: nothing is.
const GO_ON: &(dyn Fn() -> bool + Sync) = &|| false;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        ["inputs", dir] => write(&Inputs::new(dir)),
        ["measure", dir] => measure(&Inputs::new(dir), Stopwatch::new(None)),
        ["measure", dir, "--only", name] => measure(&Inputs::new(dir), Stopwatch::new(Some(name))),
        _ => Err("usage: speed inputs DIR | speed measure DIR [--only NAME]".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("speed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(inputs: &Inputs) -> Outcome<()> {
    heston::write(inputs)?;
    options::write(inputs)?;
    returns::write(inputs)?;
    bars::write(inputs)?;
    assets::write(inputs)?;
    learning::write(inputs)?;
    text::write(inputs)
}

fn measure(inputs: &Inputs, mut watch: Stopwatch) -> Outcome<()> {
    // Peers are given one thread too.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global()?;
    heston::measure(inputs, &mut watch)?;
    options::measure(inputs, &mut watch)?;
    returns::measure(inputs, &mut watch)?;
    bars::measure(inputs, &mut watch)?;
    assets::measure(inputs, &mut watch)?;
    learning::measure(inputs, &mut watch)?;
    text::measure(inputs, &mut watch)?;
    watch.finish()
}
