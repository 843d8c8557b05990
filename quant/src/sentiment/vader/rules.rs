//! The rules: how the words around a word of sentiment change its valence.

use super::lexicon::{BOOST, Role, Word};
use super::text::Token;
use std::collections::HashMap;

/// What a word in capitals among others adds.
const CAPITALS: f64 = 0.733;
/// What a negation multiplies by.
const NEGATION: f64 = -0.74;
/// What "never so" and "never this" multiply by.
const NEVER_SO: f64 = 1.25;
/// How much of a boost is felt over a distance of one, two and three words.
const BOOST_BY_DISTANCE: [f64; 3] = [1.0, 0.95, 0.9];

/// Phrases with a valence of their own, and those that weaken.
const IDIOMS: [(&[Role], f64); 8] = [
    (&[Role::The, Role::Shit], 3.0),
    (&[Role::The, Role::Bomb], 3.0),
    (&[Role::Bad, Role::Ass], 1.5),
    (&[Role::Bus, Role::Stop], 0.0),
    (&[Role::Yeah, Role::Right], -2.0),
    (&[Role::Kiss, Role::Of, Role::Death], -1.5),
    (&[Role::To, Role::Die, Role::For], 3.0),
    (&[Role::Beating, Role::Heart], 3.5),
];
const WEAKENING: [&[Role]; 3] =
    [&[Role::Just, Role::Enough], &[Role::Kind, Role::Of], &[Role::Sort, Role::Of]];

/// The valence of every token in its place.
pub(super) fn valences(tokens: &[Token]) -> Vec<f64> {
    let upper_count = tokens.iter().filter(|token| token.is_upper).count();
    let place = Place { tokens, has_some_capitals: 0 < upper_count && upper_count < tokens.len() };
    let mut valences: Vec<f64> = (0..tokens.len()).map(|i| place.valence(i)).collect();
    if let Some(but) = tokens.iter().position(|token| token.word.role == Role::But) {
        weigh_around_but(&mut valences, but);
    }
    valences
}

/// A text whose words are looked at one by one.
struct Place<'t> {
    tokens: &'t [Token],
    /// Whether some words, not all, are in capitals: only then do capitals mean anything.
    has_some_capitals: bool,
}

impl Place<'_> {
    fn word(&self, i: usize) -> &Word {
        &self.tokens[i].word
    }

    fn role(&self, i: usize) -> Role {
        self.tokens[i].word.role
    }

    /// The role of the word so many places before `i`.
    fn before(&self, i: usize, distance: usize) -> Option<Role> {
        i.checked_sub(distance).map(|i| self.role(i))
    }

    fn is_loud(&self, i: usize) -> bool {
        self.has_some_capitals && self.tokens[i].is_upper
    }

    fn valence(&self, i: usize) -> f64 {
        let word = self.word(i);
        let next = self.tokens.get(i + 1);
        let is_kind_of = word.role == Role::Kind && next.is_some_and(|next| next.word.role == Role::Of);
        let Some(known) = word.valence.filter(|_| word.boost == 0.0 && !is_kind_of) else {
            return 0.0;
        };
        let negates_next = word.role == Role::No && next.is_some_and(|next| next.word.valence.is_some());
        let mut valence = if negates_next { 0.0 } else { known };
        if self.follows_no(i) {
            valence = known * NEGATION;
        }
        if self.is_loud(i) {
            valence += if valence > 0.0 { CAPITALS } else { -CAPITALS };
        }
        for distance in 1..=i.min(3) {
            if self.word(i - distance).valence.is_none() {
                valence += self.boost(i - distance, valence) * BOOST_BY_DISTANCE[distance - 1];
                valence *= self.turn(i, distance);
                if distance == 3 {
                    valence = self.idiom(i, valence);
                }
            }
        }
        if self.follows_least(i) { valence * NEGATION } else { valence }
    }

    /// Whether "no" stands close in front.
    fn follows_no(&self, i: usize) -> bool {
        let no = Some(Role::No);
        self.before(i, 1) == no
            || self.before(i, 2) == no
            || self.before(i, 3) == no && matches!(self.before(i, 1), Some(Role::Or | Role::Nor))
    }

    /// Whether "least" stands in front, but for "at least" and "very least".
    fn follows_least(&self, i: usize) -> bool {
        self.before(i, 1) == Some(Role::Least)
            && self.word(i - 1).valence.is_none()
            && !matches!(self.before(i, 2), Some(Role::At | Role::Very))
    }

    /// What the word at `i` adds to a valence behind it.
    fn boost(&self, i: usize, valence: f64) -> f64 {
        let boost = self.word(i).boost;
        if boost == 0.0 {
            return 0.0;
        }
        let boost = if valence < 0.0 { -boost } else { boost };
        match (self.is_loud(i), valence > 0.0) {
            (false, _) => boost,
            (true, true) => boost + CAPITALS,
            (true, false) => boost - CAPITALS,
        }
    }

    /// What the word so far in front multiplies the valence by.
    fn turn(&self, i: usize, distance: usize) -> f64 {
        let role = self.role(i - distance);
        let nearer = |what: fn(Role) -> bool| (1..distance).any(|near| what(self.role(i - near)));
        let is_so = |role| matches!(role, Role::So | Role::This);
        let is_doubt = |role| role == Role::Doubt;
        // At three words the original asks for "never" with the middle word only; "so" just in front is enough.
        let is_never_so = match distance {
            2 => role == Role::Never && is_so(self.role(i - 1)),
            3 => role == Role::Never && is_so(self.role(i - 2)) || is_so(self.role(i - 1)),
            _ => false,
        };
        if is_never_so {
            NEVER_SO
        } else if role == Role::Without && nearer(is_doubt) || !self.word(i - distance).is_negation {
            1.0
        } else {
            NEGATION
        }
    }

    /// The valence after phrases of two and three words that end or begin here; there are three words in front.
    fn idiom(&self, i: usize, valence: f64) -> f64 {
        let mut roles = [Role::Other; 6];
        for (role, token) in roles.iter_mut().zip(&self.tokens[i - 3..]) {
            *role = token.word.role;
        }
        let [three, two, one, zero, next, last] = roles;
        let found = idiom_valence(&[one, zero])
            .or_else(|| idiom_valence(&[two, one, zero]))
            .or_else(|| idiom_valence(&[two, one]))
            .or_else(|| idiom_valence(&[three, two, one]))
            .or_else(|| idiom_valence(&[three, two]));
        let ahead = idiom_valence(&[zero, next, last]).or_else(|| idiom_valence(&[zero, next]));
        let mut valence = ahead.or(found).unwrap_or(valence);
        for phrase in [[three, two], [two, one]] {
            if WEAKENING.contains(&phrase.as_slice()) {
                valence -= BOOST;
            }
        }
        valence
    }
}

fn idiom_valence(roles: &[Role]) -> Option<f64> {
    if roles.contains(&Role::Other) {
        return None;
    }
    IDIOMS.iter().find(|(phrase, _)| *phrase == roles).map(|(_, valence)| *valence)
}

/// Halves what stands before "but" and strengthens what stands behind.
///
/// For each valence in turn, the original changes the first entry that equals it, which need not be the one whose turn
/// it is. `first` holds for a valence an index with no equal one before it, so that a long text is not searched from
/// the beginning each time. Zero stays zero.
fn weigh_around_but(valences: &mut [f64], but: usize) {
    let mut first: HashMap<u64, usize> = HashMap::new();
    for i in 0..valences.len() {
        let valence = valences[i];
        if valence == 0.0 {
            continue;
        }
        let bits = valence.to_bits();
        let from = first.get(&bits).copied().unwrap_or(0);
        let found = valences[from..].iter().position(|other| other.to_bits() == bits);
        let at = found.map_or(i, |distance| from + distance);
        let weight = if at < but { 0.5 } else { 1.5 };
        let changed = valence * weight;
        valences[at] = changed;
        first.insert(bits, at + 1);
        if let Some(first) = first.get_mut(&changed.to_bits()) {
            *first = at.min(*first);
        }
    }
}
