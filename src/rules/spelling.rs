//! What conditions say about the spelling of one text column, and texts bent to it.
//!
//! A text that is written by its meaning knows nothing of `CHECK (code LIKE 'INV-%')`. Here such a text is bent: its
//! case, its length, and where it must match a pattern, a text drawn from the pattern takes its place.

use rand::{Rng, RngExt};
use regex_syntax::hir::{Class, ClassBytesRange, ClassUnicodeRange, Hir, HirKind};

use crate::schema::ColumnId;

use super::{
    expression::{Comparison, Expression, Function},
    pattern::Pattern,
    ranges::{conjuncts, is_column, without_null_case},
    value::Value,
};

/// Most bytes a value is filled up to.
const MOST_BYTES: usize = 1 << 20;
/// Texts tried before the last one is given back as it is.
const TRIES: usize = 24;
/// Repetitions drawn beyond the fewest where a pattern has no upper end.
const SPARE_REPEATS: u32 = 8;

/// The demands on the spelling of one column.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Spelling {
    patterns: Vec<Pattern>,
    shortest: usize,
    longest: Option<usize>,
    case: Option<Function>,
}

impl Spelling {
    /// Bytes of a length that CHECKs allow: cut, or filled up with random ones.
    #[must_use]
    pub fn bend_bytes(&self, bytes: &[u8], random: &mut impl Rng) -> Vec<u8> {
        let longest = self.longest.unwrap_or(usize::MAX);
        let mut bent = bytes[..bytes.len().min(longest)].to_vec();
        // A demand for more than any value could hold is not met by filling memory.
        let shortest = self.shortest.min(longest).min(MOST_BYTES);
        bent.resize_with(shortest.max(bent.len()), || random.random());
        bent
    }

    /// Reads the demands out of conditions that all must hold; `None` if they say nothing about how `column` is spelled.
    pub(super) fn read<'a>(
        conditions: impl Iterator<Item = &'a Expression>,
        column: ColumnId,
    ) -> Option<Self> {
        let mut spelling = Self::default();
        for conjunct in conditions.flat_map(conjuncts) {
            let alternatives = without_null_case(conjunct, column);
            if let [one] = alternatives.as_slice() {
                conjuncts(one).into_iter().for_each(|part| spelling.demand(part, column));
            }
        }
        (spelling != Self::default()).then_some(spelling)
    }

    fn demand(&mut self, part: &Expression, column: ColumnId) {
        match part {
            Expression::Matches(inner, pattern) if is_column(inner, column) => {
                self.patterns.push(pattern.clone());
            }
            Expression::Call(Function::StartsWith, arguments) => {
                if let [text, Expression::Literal(Value::Text(start))] = arguments.as_slice()
                    && is_column(text, column)
                {
                    self.patterns.extend(Pattern::regex(&format!("(?s)^{}.*$", regex::escape(start)), false));
                }
            }
            Expression::Compare(how, left, right) => {
                self.compare(*how, left, right, column);
                self.compare(how.flipped(), right, left, column);
            }
            _ => {}
        }
    }

    fn compare(&mut self, how: Comparison, left: &Expression, right: &Expression, column: ColumnId) {
        let Expression::Call(function, arguments) = left else { return };
        if !matches!(arguments.as_slice(), [text] if is_column(text, column)) {
            return;
        }
        match (function, right) {
            (Function::Lower | Function::Upper, other)
                if how == Comparison::Equal && is_column(other, column) =>
            {
                self.case = Some(*function);
            }
            (Function::Length | Function::ByteLength, Expression::Literal(limit)) => {
                let Some(limit) = limit.number().filter(|limit| (0.0..1e9).contains(limit)) else { return };
                let limit = limit as usize;
                let (low, high) = match how {
                    Comparison::Equal => (limit, Some(limit)),
                    Comparison::GreaterOrEqual => (limit, None),
                    Comparison::Greater => (limit + 1, None),
                    Comparison::LessOrEqual => (0, Some(limit)),
                    Comparison::Less => (0, Some(limit.saturating_sub(1))),
                    Comparison::NotEqual => return,
                };
                self.shortest = self.shortest.max(low);
                self.longest = match (self.longest, high) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                };
            }
            _ => {}
        }
    }

    /// True if `text` meets every demand.
    #[must_use]
    pub fn admits(&self, text: &str) -> bool {
        let length = text.chars().count();
        length >= self.shortest
            && self.longest.is_none_or(|longest| length <= longest)
            && self.cased(text) == text
            && self.patterns.iter().all(|pattern| pattern.matches(text).unwrap_or(true))
    }

    /// Bends a text of at most `room` characters to the demands: itself if it meets them, else the first try that does.
    pub fn bend(&self, text: &str, room: Option<usize>, random: &mut impl Rng) -> String {
        let longest = [self.longest, room].into_iter().flatten().min();
        let mut bent = self.fitted(&self.cased(text), longest);
        for attempt in 0..TRIES {
            if self.admits(&bent) {
                break;
            }
            // Of several patterns any may be the one that decides.
            let Some(pattern) = self.patterns.get(attempt % self.patterns.len().max(1)) else { break };
            let Some(shape) = pattern.shape() else { break };
            let mut drawn = String::new();
            draw(&shape, text, longest, random, &mut drawn);
            bent = self.fitted(&self.cased(&drawn), longest);
        }
        bent
    }

    fn cased(&self, text: &str) -> String {
        match self.case {
            Some(Function::Lower) => text.to_lowercase(),
            Some(Function::Upper) => text.to_uppercase(),
            _ => text.to_owned(),
        }
    }

    /// Cuts a text that is too long; a text that is too short goes on from its start.
    fn fitted(&self, text: &str, longest: Option<usize>) -> String {
        let length = text.chars().count();
        if let Some(longest) = longest.filter(|longest| length > *longest) {
            return text.chars().take(longest).collect();
        }
        let filling = if text.is_empty() { "x" } else { text };
        if length < self.shortest {
            filling.chars().cycle().take(self.shortest).collect()
        } else {
            text.to_owned()
        }
    }
}

/// Draws a text that matches. Where anything may stand, `filling` stands.
fn draw(shape: &Hir, filling: &str, longest: Option<usize>, random: &mut impl Rng, out: &mut String) {
    match shape.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(class) => out.extend(character(class, random)),
        HirKind::Capture(group) => draw(&group.sub, filling, longest, random, out),
        HirKind::Concat(parts) => parts.iter().for_each(|part| draw(part, filling, longest, random, out)),
        HirKind::Alternation(parts) => {
            draw(&parts[random.random_range(0..parts.len())], filling, longest, random, out);
        }
        HirKind::Repetition(repetition) => {
            if repetition.max.is_none()
                && matches!(repetition.sub.kind(), HirKind::Class(class) if is_any(class))
            {
                let room = longest.map_or(usize::MAX, |longest| longest.saturating_sub(out.chars().count()));
                let line = filling.lines().next().unwrap_or_default();
                let fill: String = line.chars().take(room).collect();
                let missing = (repetition.min as usize).saturating_sub(fill.chars().count());
                out.push_str(&fill);
                out.extend(std::iter::repeat_n('x', missing));
                return;
            }
            let most = repetition.max.unwrap_or(repetition.min + SPARE_REPEATS).min(repetition.min + 64);
            for _ in 0..random.random_range(repetition.min..=most.max(repetition.min)) {
                draw(&repetition.sub, filling, longest, random, out);
            }
        }
    }
}

/// True for `.` and its like: a class that leaves out a handful of characters at most.
fn is_any(class: &Class) -> bool {
    match class {
        Class::Unicode(class) => class.iter().map(ClassUnicodeRange::len).sum::<usize>() > 1_000_000,
        Class::Bytes(class) => class.iter().map(ClassBytesRange::len).sum::<usize>() > 250,
    }
}

/// One character of a class, a plain printable one if there is any.
fn character(class: &Class, random: &mut impl Rng) -> Option<char> {
    let ranges: Vec<(u32, u32)> = match class {
        Class::Unicode(class) => class.iter().map(|r| (u32::from(r.start()), u32::from(r.end()))).collect(),
        Class::Bytes(class) => class.iter().map(|r| (u32::from(r.start()), u32::from(r.end()))).collect(),
    };
    let within = |low: u32, high: u32| -> Vec<(u32, u32)> {
        let cut = ranges.iter().map(|(from, to)| ((*from).max(low), (*to).min(high)));
        cut.filter(|(from, to)| from <= to).collect()
    };
    // Letters and digits, else what prints, else whatever there is.
    let mut chosen: Vec<(u32, u32)> = [(0x30, 0x39), (0x41, 0x5a), (0x61, 0x7a)]
        .iter()
        .flat_map(|(low, high)| within(*low, *high))
        .collect();
    if chosen.is_empty() {
        chosen = within(0x20, 0x7e);
    }
    if chosen.is_empty() {
        chosen = ranges.clone();
    }
    let total: u32 = chosen.iter().map(|(from, to)| to - from + 1).sum();
    let mut place = if total == 0 { return None } else { random.random_range(0..total) };
    for (from, to) in chosen {
        let width = to - from + 1;
        if place < width {
            return char::from_u32(from + place);
        }
        place -= width;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::Spelling;
    use crate::{
        rules::Rules,
        schema::{Check, ColumnId, DialectName},
        seed::Seed,
    };

    /// Bends every text to the checks of a text column `code`.
    fn bent(dialect: DialectName, checks: &[&str], texts: &[&str]) -> Vec<String> {
        let mut schema = crate::rules::tests::text_schema(dialect, "code");
        schema.tables[0].checks = (checks.iter().enumerate())
            .map(|(index, text)| Check {
                name: format!("c{index}"),
                expression: (*text).to_owned(),
                domain_column: None,
            })
            .collect();
        let (rules, findings) = Rules::declare(&schema);
        assert!(findings.is_empty(), "{findings:?}");
        let spelling: Spelling = rules.tables[0].spelling(ColumnId(0)).unwrap();
        let mut random = Seed(4).stream("bend", 0);
        let all: Vec<String> = texts.iter().map(|text| spelling.bend(text, Some(20), &mut random)).collect();
        assert!(all.iter().all(|text| spelling.admits(text)), "{all:?}");
        all
    }

    #[test]
    fn a_text_that_fits_is_left_alone() {
        assert_eq!(bent(DialectName::Sqlite, &["code LIKE 'inv-%'"], &["inv-77"]), ["inv-77"]);
    }

    #[test]
    fn a_prefix_is_put_before() {
        assert_eq!(
            bent(DialectName::Postgres, &["code LIKE 'INV-%' AND length(code) <= 12"], &["some long title"]),
            ["INV-some lon"]
        );
    }

    #[test]
    fn case_and_length_are_kept() {
        assert_eq!(
            bent(
                DialectName::Postgres,
                &["lower(code) = code", "char_length(code) >= 5"],
                &["Ab", "QUITE long"]
            ),
            ["ababa", "quite long"]
        );
    }

    #[test]
    fn patterns_of_every_engine_are_drawn() {
        let drawn = bent(DialectName::Postgres, &["code ~ '^[A-Z]{2}-[0-9]{3}(x|y)?$'"], &["a", "b", "c"]);
        assert!(drawn.iter().any(|text| text != &drawn[0]), "{drawn:?}");
        bent(DialectName::MySql, &["code REGEXP '^[a-f0-9]{8}$'"], &["a"]);
        bent(DialectName::Sqlite, &["code GLOB '[A-Z][A-Z]-[0-9]*'"], &["a"]);
        bent(DialectName::Postgres, &["code IS NULL OR code ~ '^[^@]+@[^@]+$'"], &["nobody"]);
    }
}
