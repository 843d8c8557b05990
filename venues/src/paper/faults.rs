//! Faults that are switched on for tests and drills: what a network and a bad day do to a venue's messages.
//! They change what is said, never what is executed or logged.

use super::venue::PaperOutput;
use crate::link::VenueMessage;
use bulkhead_domain::report::ReportKind;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Chances in a thousand, per report about an order. All zero: off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PaperFaults {
    /// The same seed and the same reports meet the same faults.
    pub seed: u64,
    /// Executed, but the report is lost.
    pub lose_permille: u16,
    /// A fill is reported twice.
    pub duplicate_fill_permille: u16,
    /// A report comes `delay_micros` later, behind what follows it.
    pub delay_permille: u16,
    pub delay_micros: i64,
    /// The account's connections break and the report is lost.
    pub disconnect_permille: u16,
}

/// What becomes of one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Deliver,
    Lose,
    Twice,
    Delay,
    Disconnect,
}

/// The faults at work.
#[derive(Debug)]
pub(super) struct FaultInjector {
    pub(super) faults: PaperFaults,
    rng: ChaCha8Rng,
}

impl FaultInjector {
    /// `None` when everything is off, so that the usual way costs one comparison.
    pub(super) fn new(faults: PaperFaults) -> Option<Self> {
        let chances = [
            faults.lose_permille,
            faults.duplicate_fill_permille,
            faults.delay_permille,
            faults.disconnect_permille,
        ];
        let is_on = chances.into_iter().any(|chance| chance > 0);
        is_on.then(|| Self { faults, rng: ChaCha8Rng::seed_from_u64(faults.seed) })
    }

    /// Decides about one output. Answers to questions are spared: a fault test must be able to end.
    pub(super) fn decide(&mut self, output: &PaperOutput) -> Fate {
        let VenueMessage::Report(report) = &output.message else { return Fate::Deliver };
        if matches!(report.kind, ReportKind::State { .. }) {
            return Fate::Deliver;
        }
        let is_fill = matches!(report.kind, ReportKind::Filled { .. });
        let duplicate_permille = if is_fill { self.faults.duplicate_fill_permille } else { 0 };
        let fates = [
            (self.faults.disconnect_permille, Fate::Disconnect),
            (self.faults.lose_permille, Fate::Lose),
            (duplicate_permille, Fate::Twice),
            (self.faults.delay_permille, Fate::Delay),
        ];
        for (permille, fate) in fates {
            if permille > 0 && self.rng.random_range(0..1000) < permille {
                return fate;
            }
        }
        Fate::Deliver
    }
}
