//! Values that a row may move to when its own is taken.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray, cast::AsArray, new_null_array, types,
};

use super::{
    leaves,
    spacing::{DAY, SECOND, Spacing},
};
use crate::{
    codec::Codec,
    data::arrow_type,
    schema::{Column, DataType, Storage},
};

/// Most values tried for one clashing row.
pub(super) const MAX_TRIES: usize = 2000;

/// Rows per different number, on average, from where on a column holds codes.
const SHARED_BY: usize = 10;

/// A value a clashing row may move to.
#[derive(Debug, Clone)]
pub(super) enum Moved {
    Null,
    Integer(i64),
    Float(f64),
    Text(String),
    Boolean(bool),
}

impl Moved {
    /// The value as an array of one row.
    pub(super) fn array(&self, storage: Storage) -> ArrayRef {
        match self {
            Self::Null => new_null_array(&arrow_type(storage), 1),
            Self::Integer(value) => match storage {
                Storage::Date => Arc::new(Date32Array::from(vec![*value as i32])),
                Storage::Time => Arc::new(Time64MicrosecondArray::from(vec![*value])),
                Storage::Timestamp => Arc::new(TimestampMicrosecondArray::from(vec![*value])),
                _ => Arc::new(Int64Array::from(vec![*value])),
            },
            Self::Float(value) => Arc::new(Float64Array::from(vec![*value])),
            Self::Text(value) => Arc::new(StringArray::from(vec![value.as_str()])),
            Self::Boolean(value) => Arc::new(BooleanArray::from(vec![*value])),
        }
    }
}

/// Values near a row's own, nearest first, inside the column's domain; null last, where it may be.
pub(super) struct Candidates<'a> {
    column: &'a Column,
    codec: Option<&'a Codec>,
    array: &'a ArrayRef,
    /// Other values of an enumerated text column.
    domain: Option<Vec<String>>,
    /// True if the schema allows no value beyond `domain`.
    closed: bool,
    range: (i64, i64),
    /// The steps that whole numbers, days and times move by.
    spacing: Spacing,
    /// Whole numbers that many rows share, ascending; none where a column has too many to be codes.
    codes: Vec<i64>,
    /// The least and the greatest whole number, day or time.
    seen: Option<(i64, i64)>,
}

impl<'a> Candidates<'a> {
    /// `allowed` are the values a CHECK lists, if one does.
    pub(super) fn new(
        column: &'a Column,
        codec: Option<&'a Codec>,
        allowed: Option<Vec<String>>,
        array: &'a ArrayRef,
    ) -> Self {
        let enumerated = matches!(column.data_type, DataType::Text { .. } | DataType::Array { .. })
            && codec.is_some_and(|c| !c.is_presence());
        let declared = match &column.data_type {
            DataType::Enum { labels } => Some(labels.clone()),
            DataType::Set { labels } => Some(subsets(labels)),
            _ => allowed,
        };
        let closed = declared.is_some();
        let domain = match declared.filter(|_| column.data_type.storage() == Storage::Text) {
            Some(declared) => Some(declared),
            None => enumerated.then(|| {
                let texts = array.as_string::<i32>();
                let all: std::collections::BTreeSet<String> =
                    texts.iter().flatten().map(str::to_owned).collect();
                all.into_iter().collect()
            }),
        };
        let range = match column.data_type {
            DataType::Integer { min, max } => (min, max),
            DataType::Date => (-700_000, 2_900_000),
            _ => (i64::MIN / 2, i64::MAX / 2),
        };
        let codes = if column.data_type.storage() == Storage::Integer { codes(array) } else { Vec::new() };
        let seen = whole(column.data_type.storage(), array).fold(None, |ends: Option<(i64, i64)>, next| {
            Some(ends.map_or((next, next), |(low, high)| (low.min(next), high.max(next))))
        });
        Self { column, codec, array, domain, closed, range, spacing: Spacing::of(column, array), codes, seen }
    }

    /// True for a value like those that rows have: a code or label of theirs, or one between the least and the greatest
    /// that keeps their spacing.
    pub(super) fn is_seen(&self, moved: &Moved) -> bool {
        match moved {
            Moved::Null | Moved::Float(_) => false,
            Moved::Boolean(_) => true,
            Moved::Text(text) => self.domain.as_ref().is_some_and(|domain| domain.contains(text)),
            Moved::Integer(value) if !self.codes.is_empty() => self.codes.binary_search(value).is_ok(),
            Moved::Integer(value) => self.seen.is_some_and(|(low, high)| {
                (low..=high).contains(value) && self.spacing.keeps(value.saturating_sub(low))
            }),
        }
    }

    /// The values for a row. A null that clashes (NULLS NOT DISTINCT) moves to where other rows are, if there
    /// are any.
    pub(super) fn of(&self, row: usize) -> Box<dyn Iterator<Item = Moved> + '_> {
        if self.array.is_null(row) {
            let there = (0..self.array.len()).find(|other| self.array.is_valid(*other));
            return match there {
                Some(other) => Box::new(self.values(other).take(MAX_TRIES)),
                None => Box::new(self.first().take(MAX_TRIES)),
            };
        }
        let null = self.column.nullable.then_some(Moved::Null);
        Box::new(self.values(row).take(MAX_TRIES).chain(null))
    }

    /// Values for a column that is null in every row.
    fn first(&self) -> Box<dyn Iterator<Item = Moved> + '_> {
        match (self.column.data_type.storage(), &self.column.data_type) {
            (Storage::Integer | Storage::Date, _) => self.steps(0, 1),
            (Storage::Time, _) => self.steps(DAY / 2, SECOND),
            (Storage::Timestamp, _) => self.steps(0, DAY),
            (Storage::Float, _) => Box::new((0..10).map(|n| Moved::Float(f64::from(n)))),
            (Storage::Boolean, _) => Box::new([true, false].into_iter().map(Moved::Boolean)),
            (Storage::Text, DataType::Text { .. }) => match self.domain.as_ref().filter(|_| self.closed) {
                Some(domain) => Box::new(domain.iter().cloned().map(Moved::Text)),
                None => self.invented("A".to_owned(), false),
            },
            (Storage::Text | Storage::Bytes, _) => Box::new(std::iter::empty()),
        }
    }

    fn values(&self, row: usize) -> Box<dyn Iterator<Item = Moved> + '_> {
        match self.column.data_type.storage() {
            Storage::Integer => {
                let value = self.array.as_primitive::<types::Int64Type>().value(row);
                Box::new(self.known(value).chain(self.near(value, 1)))
            }
            Storage::Date => {
                let days = self.array.as_primitive::<types::Date32Type>();
                let all = days.iter().flatten().map(i64::from);
                self.near(self.inside(i64::from(days.value(row)), all), 1)
            }
            Storage::Time => {
                self.near(self.array.as_primitive::<types::Time64MicrosecondType>().value(row), SECOND)
            }
            Storage::Timestamp => {
                let times = self.array.as_primitive::<types::TimestampMicrosecondType>();
                let time = self.inside(times.value(row), times.iter().flatten());
                if time % DAY == 0 {
                    return self.near(time, DAY);
                }
                // Near first; where a key is over the day alone, only days help.
                let near = self.near(time, SECOND).take(MAX_TRIES / 2);
                Box::new(near.chain(self.steps(time, DAY)))
            }
            Storage::Float => {
                let value = self.array.as_primitive::<types::Float64Type>().value(row);
                let scale = match self.column.data_type {
                    DataType::Decimal { scale: Some(scale), .. } => scale,
                    _ => 6,
                };
                let step = 10_f64.powi(-scale);
                Box::new((1..).map(move |n| {
                    let offset = f64::from((n + 1) / 2) * step;
                    Moved::Float(if n % 2 == 1 { value + offset } else { value - offset })
                }))
            }
            Storage::Boolean => Box::new([true, false].into_iter().map(Moved::Boolean)),
            Storage::Text => self.texts(row),
            Storage::Bytes => Box::new(std::iter::empty()),
        }
    }

    /// The value, or another row's, where this one has no neighbours: infinity.
    fn inside(&self, value: i64, mut others: impl Iterator<Item = i64>) -> i64 {
        let (low, high) = self.range;
        let within = |value: &i64| (low..=high).contains(value);
        if within(&value) { value } else { others.find(within).unwrap_or(value.clamp(low, high)) }
    }

    /// Codes that other rows have, nearest first.
    fn known(&self, value: i64) -> impl Iterator<Item = Moved> + '_ {
        let (mut below, mut above) = (
            self.codes[..self.codes.partition_point(|code| *code < value)].iter().rev().peekable(),
            self.codes[self.codes.partition_point(|code| *code <= value)..].iter().peekable(),
        );
        std::iter::from_fn(move || match (below.peek(), above.peek()) {
            (Some(low), Some(high)) if value.abs_diff(**low) < high.abs_diff(value) => below.next(),
            (Some(_), None) => below.next(),
            _ => above.next(),
        })
        .map(|code| Moved::Integer(*code))
    }

    /// Values around this one that keep the column's spacing, then others: better a value between than none.
    fn near(&self, value: i64, step: i64) -> Box<dyn Iterator<Item = Moved> + '_> {
        let finer = || self.steps(value, step);
        match self.spacing {
            Spacing::Steps(wider) if wider > step => {
                let wide = self.steps(value, wider).take(MAX_TRIES / 2);
                Box::new(wide.filter(|moved| self.in_season(moved)).chain(finer()))
            }
            Spacing::Calendar(days) => {
                let (unit, first) = if self.column.data_type.storage() == Storage::Date {
                    (1, value)
                } else {
                    (DAY, value.div_euclid(DAY))
                };
                let (low, high) = self.range;
                let on_days = days.around(first).map(move |day| day.saturating_mul(unit));
                let on_days = on_days.filter(move |v| (low..=high).contains(v)).map(Moved::Integer);
                Box::new(on_days.take(MAX_TRIES / 2).chain(finer()))
            }
            Spacing::Steps(_) => finer(),
        }
    }

    /// False for days of a time of the year in which nothing happens.
    fn in_season(&self, moved: &Moved) -> bool {
        let day = match (moved, self.column.data_type.storage()) {
            (Moved::Integer(day), Storage::Date) => *day,
            (Moved::Integer(time), Storage::Timestamp) => time.div_euclid(DAY),
            _ => return true,
        };
        self.codec.is_none_or(|codec| codec.in_season(day))
    }

    fn steps(&self, value: i64, step: i64) -> Box<dyn Iterator<Item = Moved> + '_> {
        let (low, high) = self.range;
        let around = (1..i64::MAX).map(move |n| {
            let offset = ((n + 1) / 2).saturating_mul(step);
            if n % 2 == 1 { value.saturating_add(offset) } else { value.saturating_sub(offset) }
        });
        Box::new(around.take(MAX_TRIES * 2).filter(move |v| (low..=high).contains(v)).map(Moved::Integer))
    }

    fn texts(&self, row: usize) -> Box<dyn Iterator<Item = Moved> + '_> {
        let text = self.array.as_string::<i32>().value(row).to_owned();
        let read = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        let is_document = self.column.data_type == DataType::Json
            || text.starts_with(['{', '['])
                && matches!(self.column.data_type, DataType::Text { .. })
                && read(&text);
        let invented = self.invented(text, is_document);
        let Some(domain) = self.domain.as_ref().filter(|_| !is_document) else { return invented };
        let start = row % domain.len().max(1);
        let known = domain.iter().cycle().skip(start).take(domain.len()).cloned().map(Moved::Text);
        if self.closed { Box::new(known) } else { Box::new(known.chain(invented)) }
    }

    /// Texts like this one that may never have been seen.
    fn invented(&self, text: String, is_document: bool) -> Box<dyn Iterator<Item = Moved>> {
        let read = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        if is_document {
            return Box::new(leaves::changed(text).filter(move |text| read(text)).map(Moved::Text));
        }
        // Texts of a type with a form of its own: digits may change.
        if !matches!(self.column.data_type, DataType::Text { .. }) {
            return Box::new((1..).map_while(move |n: u64| counted_on(&text, n, true)).map(Moved::Text));
        }
        let longest = match self.column.data_type {
            DataType::Text { max_chars: Some(longest) } => longest as usize,
            _ => usize::MAX,
        };
        // A code keeps its form: its digits and letters count on. A name gets a number behind it.
        let counted = {
            let text = text.clone();
            (1..).map_while(move |n: u64| counted_on(&text, n, false)).map(Moved::Text)
        };
        // What a key compares may be the beginning alone: a prefix, a first word.
        let fronted = {
            let text = text.clone();
            let end = text.find(' ').filter(|end| *end > 0).unwrap_or(text.len());
            let (head, tail) = (text[..end].to_owned(), text[end..].to_owned());
            let turned = (1..)
                .map_while(move |n: u64| counted_on(&head, n, false))
                .map(move |head| Moved::Text(format!("{head}{tail}")))
                .take(MAX_TRIES / 4);
            let put_before = (1..).map(move |n: u32| {
                Moved::Text(format!("{}{text}", base36(n)).chars().take(longest).collect())
            });
            turned.chain(put_before)
        };
        let is_code = text.chars().any(|c| c.is_ascii_digit());
        let numbered = (1..).map(move |n: u32| {
            let suffix = if longest < 6 { base36(n) } else { format!(" {n}") };
            let room = longest.saturating_sub(suffix.chars().count());
            let head: String = text.chars().take(room).collect();
            Moved::Text(format!("{head}{suffix}").chars().take(longest).collect())
        });
        if is_code {
            Box::new(counted.take(MAX_TRIES / 4).chain(numbered.take(MAX_TRIES / 4)).chain(fronted))
        } else {
            Box::new(numbered.take(MAX_TRIES / 4).chain(counted.take(MAX_TRIES / 4)).chain(fronted))
        }
    }
}

/// The whole numbers, days or times of a column; none of another storage.
fn whole(storage: Storage, array: &ArrayRef) -> Box<dyn Iterator<Item = i64> + '_> {
    match storage {
        Storage::Integer => Box::new(array.as_primitive::<types::Int64Type>().iter().flatten()),
        Storage::Date => Box::new(array.as_primitive::<types::Date32Type>().iter().flatten().map(i64::from)),
        Storage::Time => Box::new(array.as_primitive::<types::Time64MicrosecondType>().iter().flatten()),
        Storage::Timestamp => {
            Box::new(array.as_primitive::<types::TimestampMicrosecondType>().iter().flatten())
        }
        _ => Box::new(std::iter::empty()),
    }
}

/// The different numbers of a column, if each is shared by many rows: they may be codes, and no others exist.
fn codes(array: &ArrayRef) -> Vec<i64> {
    let mut all: Vec<i64> = array.as_primitive::<types::Int64Type>().iter().flatten().collect();
    let rows = all.len();
    all.sort_unstable();
    all.dedup();
    if all.len() * SHARED_BY > rows || all.len() > MAX_TRIES / 2 {
        all.clear();
    }
    all
}

/// The values of a SET: its labels joined by commas in their own order, small sets first, as many as are ever tried.
fn subsets(labels: &[String]) -> Vec<String> {
    let mut found = vec![(String::new(), 0)];
    let mut from = 0;
    while from < found.len() && found.len() < MAX_TRIES {
        let (text, next): (String, usize) = found[from].clone();
        from += 1;
        for (place, label) in labels.iter().enumerate().skip(next) {
            let joined = if next == 0 { label.clone() } else { format!("{text},{label}") };
            found.push((joined, place + 1));
        }
    }
    found.into_iter().map(|(text, _)| text).collect()
}

/// The `n`-th text after this one of the same form: digits, capitals and small letters count like the wheels of a
/// meter, everything else stays; with `digits_only`, letters stay as well. `None` once the wheels have gone round.
pub(super) fn counted_on(text: &str, n: u64, digits_only: bool) -> Option<String> {
    let mut carry = n;
    let mut turned: Vec<char> = text.chars().collect();
    for character in turned.iter_mut().rev() {
        let (first, size) = match character {
            '0'..='9' => ('0', 10),
            'A'..='Z' if !digits_only => ('A', 26),
            'a'..='z' if !digits_only => ('a', 26),
            _ => continue,
        };
        let place = u64::from(u32::from(*character) - u32::from(first)) + carry % size;
        carry = carry / size + place / size;
        *character = char::from_u32(u32::from(first) + (place % size) as u32)?;
        if carry == 0 {
            break;
        }
    }
    (carry == 0).then(|| turned.into_iter().collect())
}

/// A number in digits and capitals, for keys too short for anything else.
fn base36(mut number: u32) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit(number % 36, 36).unwrap_or('0').to_ascii_uppercase());
        number /= 36;
        if number == 0 {
            break;
        }
    }
    digits.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array};

    use super::{Candidates, Moved, counted_on, subsets};
    use crate::plan::fixture;

    #[test]
    fn a_code_moves_to_codes_that_exist_before_others() {
        let schema = fixture("t: *id, code");
        let column = &schema.tables[0].columns[1];
        let codes: ArrayRef =
            Arc::new(Int64Array::from_iter_values((0..60).map(|row| [3, 7, 8, 20][row % 4])));

        let candidates = Candidates::new(column, None, None, &codes);
        let of_seven: Vec<i64> = candidates
            .of(1)
            .take(4)
            .map(|moved| match moved {
                Moved::Integer(value) => value,
                other => panic!("{other:?}"),
            })
            .collect();

        assert_eq!(of_seven[..3], [8, 3, 20]);
        assert_ne!(of_seven[3], 20, "then values that nobody has");
        assert!(candidates.is_seen(&Moved::Integer(20)) && !candidates.is_seen(&Moved::Integer(9)));
        assert!(!candidates.is_seen(&Moved::Null));

        let days: ArrayRef = Arc::new(Int64Array::from_iter_values(10..70));
        let candidates = Candidates::new(column, None, None, &days);
        assert!(candidates.is_seen(&Moved::Integer(33)) && !candidates.is_seen(&Moved::Integer(70)));
    }

    #[test]
    fn codes_count_on_in_their_own_form_and_end() {
        assert_eq!(counted_on("AB-0998", 3, false).as_deref(), Some("AB-1001"));
        assert_eq!(counted_on("Az-99", 1, false).as_deref(), Some("Ba-00"));
        assert_eq!(counted_on("Z9", 1, false), None);
        assert_eq!(counted_on("--", 1, false), None);
        assert_eq!(counted_on("{\"ref\": 19}", 1, true).as_deref(), Some("{\"ref\": 20}"));
    }

    #[test]
    fn a_set_may_hold_any_of_its_labels_together() {
        let labels = ["x", "y", "z"].map(str::to_owned);
        assert_eq!(subsets(&labels), ["", "x", "y", "z", "x,y", "x,z", "y,z", "x,y,z"]);
        let many: Vec<String> = (0..64).map(|n| format!("l{n}")).collect();
        assert!(subsets(&many).len() < 3000);
    }
}
