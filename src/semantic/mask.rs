//! Codes of a fixed shape: learned position by position, written anew.

use std::collections::BTreeMap;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::distinct;
use crate::{
    privacy::{Guard, Kept, KeptKind},
    seed::Stream,
};

/// Share of values that must agree before a character is kept literally.
const LITERAL_SHARE: f64 = 0.95;
/// Most shapes told apart.
const SHAPES_MAX: usize = 16;
/// Longest code described position by position.
const LENGTH_MAX: usize = 160;
/// Index space that is plenty for any table.
const PLENTY: u64 = 1 << 40;

/// One position of a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    /// The same character in (nearly) every value.
    Literal(char),
    /// Drawn from ranges of digits, upper-case and lower-case letters.
    Drawn(Vec<(char, char)>),
}

/// A shape: one place per character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mask {
    pub(super) places: Vec<Place>,
    rows: usize,
    /// Distinct entities with it.
    entities: u32,
}

/// The shapes of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Masks {
    /// Ascending by length, never empty.
    masks: Vec<Mask>,
}

impl Masks {
    /// Learns shapes from values; `None` if no shape is shared by enough of them.
    pub(super) fn fit(values: &[&str], guard: Guard<'_>) -> Option<Self> {
        // Shapes differ in length or in where their punctuation stands, so codes of two shapes never meet.
        let mut by_skeleton = BTreeMap::<String, Group>::new();
        for (row, value) in values.iter().enumerate() {
            let characters: Vec<char> = value.chars().collect();
            if (1..=LENGTH_MAX).contains(&characters.len()) {
                let group = by_skeleton.entry(skeleton(value, false)).or_default();
                group.values.push(characters);
                group.owners.push(guard.owner(row));
            }
        }
        let least = guard.least();
        let mut masks: Vec<Mask> = by_skeleton
            .into_values()
            .filter(|group| group.entities() >= least)
            .map(|group| Mask::fit(&group, least))
            .collect();
        masks.sort_by_key(|mask| std::cmp::Reverse(mask.rows));
        masks.truncate(SHAPES_MAX);
        masks.sort_by_key(|mask| mask.places.len());
        (!masks.is_empty()).then_some(Self { masks })
    }

    /// Reads a mask as a user writes it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let places: Vec<Place> = text
            .chars()
            .map(|c| match c {
                '#' => Place::Drawn(vec![('0', '9')]),
                '^' => Place::Drawn(vec![('A', 'Z')]),
                '?' => Place::Drawn(vec![('a', 'z')]),
                '*' => Place::Drawn(vec![('0', '9'), ('A', 'Z')]),
                literal => Place::Literal(literal),
            })
            .collect();
        (!places.is_empty()).then(|| Self { masks: vec![Mask::plain(places, 1)] })
    }

    /// True if nothing is drawn: every code would be the one all rows share.
    pub(super) fn is_fixed(&self) -> bool {
        self.masks.iter().flat_map(|mask| &mask.places).all(|place| matches!(place, Place::Literal(_)))
    }

    /// Share of `values` whose shape is one of these.
    pub(super) fn coverage(&self, values: &[&str]) -> f64 {
        let rows: usize = self.masks.iter().map(|mask| mask.rows).sum();
        rows as f64 / values.len().max(1) as f64
    }

    /// Hexadecimal digits as long as the values, all drawn.
    pub(super) fn hex(values: &[&str]) -> Self {
        let mut lengths = BTreeMap::<usize, usize>::new();
        for value in values {
            *lengths.entry(value.chars().count().min(LENGTH_MAX)).or_default() += 1;
        }
        let upper = values.iter().any(|value| value.contains(|c: char| ('A'..='F').contains(&c)));
        let letters = if upper { ('A', 'F') } else { ('a', 'f') };
        let place = Place::Drawn(vec![('0', '9'), letters]);
        let masks: Vec<Mask> = lengths
            .into_iter()
            .filter(|(length, _)| *length > 0)
            .map(|(length, rows)| Mask::plain(vec![place.clone(); length], rows))
            .collect();
        if masks.is_empty() { Self::digits() } else { Self { masks } }
    }

    /// Eight digits.
    pub(super) fn digits() -> Self {
        Self { masks: vec![Mask::plain(vec![Place::Drawn(vec![('0', '9')]); 8], 1)] }
    }

    /// The shapes that values of the source decide.
    pub(super) fn kept(&self) -> Vec<Kept> {
        let shapes = self.masks.iter().filter(|mask| mask.entities > 0);
        shapes.map(|mask| Kept::value(mask.describe(), mask.entities).as_kind(KeptKind::Shape)).collect()
    }

    /// The most frequent shape, for people.
    pub(super) fn describe(&self) -> String {
        self.masks.iter().max_by_key(|mask| mask.rows).map(Mask::describe).unwrap_or_default()
    }

    /// The kinds of characters only: every letter and digit is drawn. Where too few entities share the punctuation of
    /// a value, hyphens stand for it.
    pub(super) fn generic(values: &[&str], guard: Guard<'_>) -> Option<Self> {
        let known = |value: &&str| (1..=LENGTH_MAX).contains(&value.chars().count());
        let mut rows_of = BTreeMap::<String, Vec<usize>>::new();
        for (row, value) in values.iter().enumerate().filter(|(_, value)| known(value)) {
            rows_of.entry(skeleton(value, true)).or_default().push(row);
        }
        let mut kinds = BTreeMap::<String, (Vec<Place>, usize)>::new();
        for (skeleton, rows) in rows_of {
            let shared = guard.enough(rows.iter().copied());
            let plain = |c: char| if shared || c.is_alphanumeric() { c } else { '-' };
            let key: String = skeleton.chars().map(plain).collect();
            let places = || values[rows[0]].chars().map(plain).map(Place::any_like).collect();
            kinds.entry(key).or_insert_with(|| (places(), 0)).1 += rows.len();
        }
        let mut masks: Vec<Mask> =
            kinds.into_values().map(|(places, rows)| Mask::plain(places, rows)).collect();
        masks.sort_by_key(|mask| std::cmp::Reverse(mask.rows));
        masks.truncate(SHAPES_MAX);
        masks.sort_by_key(|mask| mask.places.len());
        (!masks.is_empty()).then_some(Self { masks })
    }

    /// Draws letters and digits that all rows share too, unless `keep` (length-independent place, all places)
    /// says it is no secret.
    #[must_use]
    pub(super) fn loosened(mut self, keep: impl Fn(usize, &[Place]) -> bool) -> Self {
        for mask in &mut self.masks {
            let before = mask.places.clone();
            for (index, place) in mask.places.iter_mut().enumerate() {
                if let Place::Literal(literal) = *place
                    && !keep(index, &before)
                {
                    *place = Place::any_like(literal);
                }
            }
        }
        self
    }

    /// Fixes three neighbouring digits of every shape so that no value of `sources` can come out: 555 in the
    /// exchange (telephone numbers that ring nowhere), else three digits no source value has there.
    #[must_use]
    pub(super) fn unreachable(mut self, sources: &[&str]) -> Self {
        for mask in &mut self.masks {
            let slots: Vec<usize> = (0..mask.places.len()).filter(|i| mask.places[*i].is_digit()).collect();
            let starts =
                [slots.len().saturating_sub(7), 0].into_iter().chain(0..slots.len().saturating_sub(2));
            let free = starts.filter(|start| start + 3 <= slots.len()).find_map(|start| {
                let slots = &slots[start..start + 3];
                ["555", "000", "999", "111"].into_iter().find_map(|digits| {
                    let clash = sources.iter().any(|source| {
                        let characters: Vec<char> = source.chars().collect();
                        characters.len() == mask.places.len()
                            && slots
                                .iter()
                                .zip(digits.chars())
                                .all(|(slot, digit)| characters[*slot] == digit)
                    });
                    (!clash).then(|| (slots.to_vec(), digits))
                })
            });
            for (slot, digit) in free.iter().flat_map(|(slots, digits)| slots.iter().zip(digits.chars())) {
                mask.places[*slot] = Place::Literal(digit);
            }
        }
        self
    }

    /// Writes a telephone number; one in the international form (`+…`, `00…`) begins with a country's calling code.
    pub(super) fn write_dialled(
        &self,
        calling: &str,
        index: Option<u64>,
        max: Option<usize>,
        random: &mut Stream,
    ) -> String {
        let total: usize = self.masks.iter().map(|mask| mask.rows).sum();
        let place = random.random_range(0..total.max(1));
        let drawn = self.masks.iter().scan(0, |sum, mask| {
            *sum += mask.rows;
            Some((*sum, mask))
        });
        let mask = drawn.into_iter().find(|(sum, _)| place < *sum).map_or(&self.masks[0], |(_, mask)| mask);
        let dialled = mask.dialled(calling).filter(|mask| {
            let fits = max.is_none_or(|max| mask.places.len() <= max);
            fits && index.is_none_or(|index| index < mask.space())
        });
        match dialled {
            Some(mask) => mask.write(index, random),
            None => self.write(index, max, random),
        }
    }

    /// Writes a code; with an `index`, a different one for every index, ignoring case, within `max` characters.
    pub(super) fn write(&self, index: Option<u64>, max: Option<usize>, random: &mut Stream) -> String {
        let total: usize = self.masks.iter().map(|mask| mask.rows).sum();
        let mut pick = random.random_range(0..total.max(1));
        let drawn = self.masks.iter().find(|mask| {
            let hit = pick < mask.rows;
            pick = pick.saturating_sub(mask.rows);
            hit
        });
        let mask = drawn.unwrap_or(&self.masks[0]);
        let Some(index) = index else { return mask.write(None, random) };
        if index < mask.space() {
            return mask.write(Some(index), random);
        }
        // Shapes share no code, so an index that one cannot hold may use another.
        let Some(widest) = self.masks.iter().max_by_key(|mask| mask.space()) else { return String::new() };
        if index < widest.space() {
            return widest.write(Some(index), random);
        }
        let longest = self.masks.last().map_or(0, |mask| mask.places.len());
        widest.widened(longest, max).write_tiers(index - widest.space(), random)
    }
}

/// Values of one skeleton.
#[derive(Default)]
struct Group {
    values: Vec<Vec<char>>,
    owners: Vec<u32>,
}

impl Group {
    fn entities(&self) -> usize {
        Guard::entities(&self.owners, 0).distinct(0..self.owners.len())
    }
}

impl Mask {
    fn fit(group: &Group, least: usize) -> Self {
        let length = group.values.first().map_or(0, Vec::len);
        let places = (0..length).map(|place| Place::fit(group, place, least)).collect();
        Self { places, rows: group.values.len(), entities: group.entities() as u32 }
    }

    /// A shape that nobody's values decide.
    fn plain(places: Vec<Place>, rows: usize) -> Self {
        Self { places, rows, entities: 0 }
    }

    /// The shape with a country's calling code where one stands; `None` if none does, or if three digits that no source
    /// has stand in its place.
    fn dialled(&self, calling: &str) -> Option<Self> {
        let is = |place: &Place, sign: char| *place == Place::Literal(sign);
        let could = |place: &Place, sign: char| is(place, sign) || matches!(place, Place::Drawn(_));
        let start = match self.places.as_slice() {
            [plus, ..] if is(plus, '+') => 1,
            [first, second, ..] if is(first, '0') && could(second, '0') => 2,
            _ => return None,
        };
        let start = start + self.places[start..].iter().position(Place::is_digit)?;
        let run = self.places[start..].iter().take_while(|place| place.is_digit()).count();
        // A group of its own, or the first digits of a long one.
        let taken = if run <= 4 { run } else { calling.len() };
        let fixed = self.places[start..].iter().take(3);
        let marked = ["555", "000", "999", "111"].iter().any(|digits| {
            fixed.clone().count() == 3
                && fixed.clone().zip(digits.chars()).all(|(place, digit)| is(place, digit))
        });
        if marked {
            return None;
        }
        let mut places = self.places.clone();
        places.splice(start..start + taken, calling.chars().map(Place::Literal));
        Some(Self { places, ..*self })
    }

    fn describe(&self) -> String {
        self.places
            .iter()
            .map(|place| match place {
                Place::Literal(literal) => *literal,
                Place::Drawn(ranges) => match ranges.as_slice() {
                    [(low, _)] if low.is_ascii_digit() => '#',
                    [(low, _)] if low.is_ascii_uppercase() => '^',
                    [_] => '?',
                    _ => '*',
                },
            })
            .collect()
    }

    /// How many codes the places that carry the index can tell apart, ignoring case.
    fn space(&self) -> u64 {
        self.indexed().iter().map(|place| self.places[*place].size()).product()
    }

    /// The last places that together tell plenty of codes apart; the others stay random.
    fn indexed(&self) -> Vec<usize> {
        let mut space = 1_u64;
        let mut places = Vec::new();
        for (index, place) in self.places.iter().enumerate().rev() {
            if matches!(place, Place::Drawn(_)) && space < PLENTY {
                space = space.saturating_mul(place.size());
                places.push(index);
            }
        }
        places
    }

    fn write(&self, index: Option<u64>, random: &mut Stream) -> String {
        let mut text: Vec<char> = self.places.iter().map(|place| place.draw(random)).collect();
        if let Some(index) = index {
            let mut rest = distinct::permute(index, self.space());
            for place in self.indexed() {
                let size = self.places[place].size();
                text[place] = self.places[place].sign(rest % size, random);
                rest /= size;
            }
        }
        text.into_iter().collect()
    }

    /// Shapes for indices this one cannot hold: longer ones where the column has room (a length no shape has),
    /// else any sign in any place, with a first sign this shape never starts with.
    fn widened(&self, longest: usize, max: Option<usize>) -> Wider {
        let any = || Place::Drawn(vec![('0', '9'), ('a', 'z')]);
        let room = max.map_or(12, |max| max.saturating_sub(longest).min(12));
        if room > 0 {
            let tiers = (1..=room)
                .map(|extra| {
                    let mut places = self.places.clone();
                    let digits = longest - self.places.len() + extra;
                    places.extend(std::iter::repeat_n(Place::Drawn(vec![('0', '9')]), digits));
                    Mask::plain(places, 1)
                })
                .collect();
            return Wider { tiers };
        }
        let first = match self.places.first() {
            Some(place) if place.starts_with_digit() => vec![('a', 'z')],
            _ => vec![('0', '9')],
        };
        let mut places = vec![any(); self.places.len()];
        if let Some(place) = places.first_mut() {
            *place = Place::Drawn(first);
        }
        Wider { tiers: vec![Mask::plain(places, 1)] }
    }
}

/// What stands where: punctuation itself, letters and digits (told apart only where asked) by their kind.
fn skeleton(value: &str, kinds: bool) -> String {
    value
        .chars()
        .map(|c| match c {
            c if c.is_ascii_digit() && kinds => '#',
            c if c.is_alphanumeric() => 'a',
            other => other,
        })
        .collect()
}

struct Wider {
    tiers: Vec<Mask>,
}

impl Wider {
    fn write_tiers(&self, mut index: u64, random: &mut Stream) -> String {
        for mask in &self.tiers {
            if index < mask.space() {
                return mask.write(Some(index), random);
            }
            index -= mask.space();
        }
        // Nothing is left in the type: a repeat, which the caller repairs.
        self.tiers.last().map(|mask| mask.write(None, random)).unwrap_or_default()
    }
}

impl Place {
    fn fit(group: &Group, place: usize, least: usize) -> Self {
        let mut counts = BTreeMap::<char, usize>::new();
        for value in &group.values {
            *counts.entry(value[place]).or_default() += 1;
        }
        let owners = Guard::entities(&group.owners, least as u32);
        let shared = |sign: char| {
            owners.enough((0..group.values.len()).filter(|row| group.values[*row][place] == sign))
        };
        let total: usize = counts.values().sum();
        let Some((common, rows)) = counts.iter().max_by_key(|(_, rows)| **rows) else {
            return Self::Literal(' ');
        };
        if *rows as f64 >= LITERAL_SHARE * total as f64 && shared(*common) {
            return Self::Literal(*common);
        }
        let spread = |is: fn(char) -> bool| {
            let mut all = counts.keys().copied().filter(|c| is(*c));
            let first = all.next()?;
            Some((first, all.next_back().unwrap_or(first)))
        };
        let mut ranges: Vec<(char, char)> = Vec::new();
        ranges.extend(spread(|c| c.is_ascii_digit()));
        let letters = |full: (char, char), seen: Option<(char, char)>| {
            // Letters of other alphabets are written in ASCII: every column can hold it.
            seen.map(|(low, high)| if low.is_ascii() && high.is_ascii() { (low, high) } else { full })
        };
        ranges.extend(letters(('A', 'Z'), spread(|c| c.is_alphabetic() && c.is_uppercase())));
        ranges.extend(letters(('a', 'z'), spread(|c| c.is_alphabetic() && !c.is_uppercase())));
        if ranges.is_empty() {
            return Self::Literal(*common);
        }
        // A single sign would be a literal that too few rows share.
        for (low, high) in &mut ranges {
            if low == high {
                (*low, *high) = match low {
                    '0'..='9' => ('0', '9'),
                    'A'..='Z' => ('A', 'Z'),
                    _ => ('a', 'z'),
                };
            }
        }
        Self::Drawn(ranges)
    }

    /// The signs of a drawn place as bits, digits then letters whatever their case: what differs even where case
    /// does not count.
    fn signs(&self) -> u64 {
        let Self::Drawn(ranges) = self else { return 0 };
        let bits = ranges.iter().flat_map(|(low, high)| *low..=*high).filter_map(|c| c.to_digit(36));
        bits.fold(0, |signs, bit| signs | 1 << bit)
    }

    /// How many signs may stand here.
    fn size(&self) -> u64 {
        u64::from(self.signs().count_ones()).max(1)
    }

    /// The sign of this number, in a case this place has.
    fn sign(&self, number: u64, random: &mut Stream) -> char {
        let Self::Drawn(ranges) = self else { return '0' };
        let mut signs = self.signs();
        for _ in 0..number {
            signs &= signs.wrapping_sub(1);
        }
        let sign = char::from_digit(signs.trailing_zeros().min(35), 36).unwrap_or('0');
        let within = |c: char| ranges.iter().any(|(low, high)| (*low..=*high).contains(&c));
        match (within(sign), within(sign.to_ascii_uppercase())) {
            (true, true) if random.random() => sign,
            (_, true) => sign.to_ascii_uppercase(),
            _ => sign,
        }
    }

    fn draw(&self, random: &mut Stream) -> char {
        match self {
            Self::Literal(literal) => *literal,
            Self::Drawn(_) => {
                let number = random.random_range(0..self.size());
                self.sign(number, random)
            }
        }
    }

    /// A drawn place for the kind of a character; punctuation stays itself.
    fn any_like(character: char) -> Self {
        match character {
            '0'..='9' => Self::Drawn(vec![('0', '9')]),
            c if c.is_alphabetic() && c.is_uppercase() => Self::Drawn(vec![('A', 'Z')]),
            c if c.is_alphanumeric() => Self::Drawn(vec![('a', 'z')]),
            other => Self::Literal(other),
        }
    }

    fn is_digit(&self) -> bool {
        match self {
            Self::Literal(literal) => literal.is_ascii_digit(),
            Self::Drawn(ranges) => matches!(ranges.as_slice(), [(low, _)] if low.is_ascii_digit()),
        }
    }

    fn starts_with_digit(&self) -> bool {
        match self {
            Self::Literal(literal) => literal.is_ascii_digit(),
            Self::Drawn(ranges) => ranges.iter().any(|(low, _)| low.is_ascii_digit()),
        }
    }
}
