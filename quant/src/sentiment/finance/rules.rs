//! The rules: which quantity a movement moves, and what the words around a term make of it.

use super::Contribution;
use super::lexicon::Kind;
use super::scene::{Item, Scene};

/// How far a movement is from the quantity that it moves, in words between.
const QUANTITY_REACH: usize = 2;
/// How far a comparison is from the expectation.
const EXPECTATION_REACH: usize = 4;
/// How far a negation and a hedge reach.
const NEGATION_REACH: usize = 3;
const HEDGE_REACH: usize = 6;
/// How far a concession reaches.
const CONCESSION_REACH: usize = 12;
/// How far a strengthening or weakening word reaches.
const BOOSTER_REACH: usize = 1;
/// A comparison without an expectation.
const VERSUS_ALONE: f64 = 0.5;
/// A term in capitals among others that are not.
const CAPITALS: f64 = 1.25;
/// What stands before "but", and what stands behind it.
const BEFORE_CONTRAST: f64 = 0.5;
const BEHIND_CONTRAST: f64 = 1.5;
/// The valence of a percentage with a sign and no movement, as in "BTC +8%".
const SIGNED_PERCENT: f64 = 1.0;
/// The percentage that leaves a movement as it is, and the least and most that one can do.
const PERCENT_USUAL: f64 = 3.0;
const PERCENT_FACTOR_MIN: f64 = 0.4;
const PERCENT_FACTOR_MAX: f64 = 2.0;

/// A term with what belongs to it.
#[derive(Debug, Clone, Copy)]
struct Term {
    item: usize,
    /// The quantity that is moved, or the expectation that is met.
    other: Option<usize>,
    /// The percentage that tells how far, by its word.
    percent: Option<usize>,
}

/// What the terms of a text contribute, in its order.
pub(super) fn contributions(scene: &Scene<'_>) -> Vec<Contribution> {
    let terms = terms(scene);
    let contrast = scene.items.iter().find(|item| item.entry.kind == Kind::Contrast).map(|item| item.start);
    let signed = signed_percentages(scene, &terms);
    let mut placed: Vec<(usize, Contribution)> = terms
        .iter()
        .map(|term| (scene.items[term.item].start, contribution(scene, term)))
        .chain(signed)
        .filter(|(_, contribution)| contribution.valence != 0.0)
        .collect();
    placed.sort_by_key(|(at, _)| *at);
    let weigh = |(at, mut contribution): (usize, Contribution)| {
        if let Some(contrast) = contrast {
            contribution.valence *= if at < contrast { BEFORE_CONTRAST } else { BEHIND_CONTRAST };
        }
        contribution
    };
    placed.into_iter().map(weigh).collect()
}

/// Finds the terms, and for movements and comparisons what they are about; a quantity belongs to one term only.
fn terms(scene: &Scene<'_>) -> Vec<Term> {
    let mut is_taken = vec![false; scene.items.len()];
    let mut is_percent_taken = vec![false; scene.words.len()];
    let mut terms = Vec::new();
    for (item, Item { entry, .. }) in scene.items.iter().enumerate() {
        let free = |other: &usize| !is_taken[*other];
        let other = match entry.kind {
            Kind::Act => quantity_behind(scene, item, QUANTITY_REACH)
                .filter(free)
                .or_else(|| quantity_before(scene, item).filter(free)),
            Kind::Move => quantity_moved(scene, item).filter(free),
            Kind::Versus => quantity_before(scene, item).filter(free),
            // "Inflation rises more than expected": the quantity is that of the movement.
            Kind::Surprise => {
                quantity_behind(scene, item, QUANTITY_REACH).or_else(|| quantity_before(scene, item))
            }
            _ => None,
        };
        let percent = matches!(entry.kind, Kind::Act | Kind::Move)
            .then(|| percent_near(scene, item).filter(|at| !is_percent_taken[*at]))
            .flatten();
        if let Some(at) = percent {
            is_percent_taken[at] = true;
        }
        if let Some(other) = other {
            is_taken[other] = true;
        }
        terms.push(Term { item, other, percent });
    }
    terms.retain(|term| !is_taken[term.item]);
    terms
}

fn is_quantity(scene: &Scene<'_>, item: usize) -> bool {
    matches!(scene.items[item].entry.kind, Kind::Good | Kind::Bad | Kind::Expectation)
}

fn is_term(scene: &Scene<'_>, item: usize) -> bool {
    let kind = scene.items[item].entry.kind;
    matches!(kind, Kind::Event | Kind::Move | Kind::Act | Kind::Versus | Kind::Surprise)
}

fn quantity_before(scene: &Scene<'_>, item: usize) -> Option<usize> {
    scene.before(item, QUANTITY_REACH).find(|&other| is_quantity(scene, other))
}

fn quantity_behind(scene: &Scene<'_>, item: usize, reach: usize) -> Option<usize> {
    scene.behind(item, reach).find(|&other| is_quantity(scene, other))
}

/// What moves by itself: "rising costs", "costs rise" or "a rise in costs".
fn quantity_moved(scene: &Scene<'_>, item: usize) -> Option<usize> {
    let end = scene.items[item].end;
    let reach = if scene.is_word(end, &["in", "of"]) { 1 + QUANTITY_REACH } else { 0 };
    quantity_behind(scene, item, reach).or_else(|| quantity_before(scene, item))
}

/// The percentage close to a movement, unless it is a level: "to 5%".
fn percent_near(scene: &Scene<'_>, item: usize) -> Option<usize> {
    let Item { start, end, .. } = scene.items[item];
    let first = start.saturating_sub(2);
    let is_change = |at: &usize| {
        scene.words[*at].percent.is_some()
            && scene.is_one_statement(*at, start)
            && !scene.is_word(at.wrapping_sub(1), &["to", "at"])
    };
    let count = scene.range(first..end + 4).len();
    (end..first + count).find(is_change).or_else(|| (first..start).rev().find(is_change))
}

/// Percentages with a sign that no movement has taken.
fn signed_percentages(scene: &Scene<'_>, terms: &[Term]) -> Vec<(usize, Contribution)> {
    let signed = |(at, word): (usize, &super::words::Word<'_>)| {
        let percent = word.percent.filter(|percent| percent.sign != 0.0)?;
        if terms.iter().any(|term| term.percent == Some(at)) {
            return None;
        }
        let valence = percent.sign * SIGNED_PERCENT * percent_factor(percent.size);
        Some((at, Contribution { term: "percentage", about: None, valence }))
    };
    scene.words.iter().enumerate().filter_map(signed).collect()
}

/// What a percentage makes of a movement: the logarithm of one more than it, against that of the usual one.
fn percent_factor(size: f64) -> f64 {
    (size.ln_1p() / PERCENT_USUAL.ln_1p()).clamp(PERCENT_FACTOR_MIN, PERCENT_FACTOR_MAX)
}

fn contribution(scene: &Scene<'_>, term: &Term) -> Contribution {
    let entry = scene.items[term.item].entry;
    let about = term.other.map(|other| scene.items[other].entry);
    let direction = if about.is_some_and(|about| about.kind == Kind::Bad) { -1.0 } else { 1.0 };
    let size = match entry.kind {
        Kind::Move | Kind::Act => {
            let percent = term.percent.and_then(|at| scene.words[at].percent);
            percent.map_or(1.0, |percent| percent_factor(percent.size))
        }
        Kind::Versus => {
            let mut behind = scene.behind(term.item, EXPECTATION_REACH);
            let is_full = behind.any(|other| scene.items[other].entry.kind == Kind::Expectation);
            if is_full { 1.0 } else { VERSUS_ALONE }
        }
        Kind::Event | Kind::Surprise | Kind::Good | Kind::Bad => 1.0,
        _ => 0.0,
    };
    let valence = entry.value * direction * size * surroundings(scene, term);
    Contribution { term: entry.phrase, about: about.map(|about| about.phrase), valence }
}

/// What negations, hedges, strengthening words, concessions and capitals around a term multiply it by.
fn surroundings(scene: &Scene<'_>, term: &Term) -> f64 {
    let first = term.other.map_or(term.item, |other| other.min(term.item));
    let last = term.other.map_or(term.item, |other| other.max(term.item));
    let value = |item: usize| scene.items[item].entry.value;
    let is = |kind: Kind| move |item: &usize| scene.items[*item].entry.kind == kind;
    let inside = || first + 1..last;
    let start = scene.items[first].start;
    // A negation belongs to the next term, and to those that "or" joins to it.
    let is_joined = scene.is_word(start.wrapping_sub(1), &["or", "nor"]);
    let is_between = |item: &usize| is_joined || !is_term(scene, *item);
    let negations: f64 = scene
        .before(first, NEGATION_REACH)
        .take_while(is_between)
        .chain(inside())
        .filter(is(Kind::Negation))
        .map(value)
        .product();
    let boosters = scene
        .before(first, BOOSTER_REACH)
        .chain(inside())
        .chain(scene.behind(last, BOOSTER_REACH))
        .filter(is(Kind::Booster));
    let boost: f64 = boosters.map(value).product();
    let hedge = scene.before(first, HEDGE_REACH).chain(inside()).find(is(Kind::Hedge)).map_or(1.0, value);
    let concession = scene.before(first, CONCESSION_REACH).find(is(Kind::Concession)).map_or(1.0, value);
    let item = &scene.items[term.item];
    let is_loud =
        scene.has_some_capitals && scene.range(item.start..item.end).iter().all(|word| word.is_upper);
    negations * boost * hedge * concession * if is_loud { CAPITALS } else { 1.0 }
}
