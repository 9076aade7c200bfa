//! Measures what the columns of a table really hold: storage classes in one pass over the table, then the
//! layouts of text that looks like dates or truth values.

use std::collections::BTreeMap;

use sqlx::Row as _;

use super::{
    catalog::{RawColumn, RawTable, UNREADABLE},
    format::{Fraction, Layout, Moment},
    server::{Connection, lift_error},
    sql::identifier,
    types::{Contents, Declared, StorageClass, data_type, declared},
};
use crate::{db::DbError, finding::Finding, schema::DataType};

const WHAT: &str = "cannot look at the values";
/// Columns measured per query: at most seven results each, and SQLite allows 2000.
const COLUMNS_PER_QUERY: usize = 100;
/// Different shapes of text looked at; a date column has one or two.
const SHAPES: usize = 64;
/// At least this share of the texts must be dates for the column to be one.
const DATE_SHARE: f64 = 0.9;
/// Pairs of words for true and false, as applications write them.
const TRUTHS: [(&str, &str); 5] = [("true", "false"), ("t", "f"), ("yes", "no"), ("y", "n"), ("on", "off")];

/// What one column holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Verdict {
    pub(super) data_type: DataType,
    pub(super) representation: Option<String>,
    pub(super) has_nulls: bool,
}

/// The representation of a text column without a declared type that holds numbers as well.
pub(super) const ANY_CLASS: &str = "any";

impl From<DataType> for Verdict {
    fn from(data_type: DataType) -> Self {
        Self { data_type, representation: None, has_nulls: false }
    }
}

/// Measures every column of a table. Returns its number of rows and a verdict per column.
pub(super) fn table(
    connection: &mut Connection,
    table: &RawTable,
    findings: &mut Vec<Finding>,
) -> Result<(u64, Vec<Verdict>), DbError> {
    let (rows, contents) = contents(connection, table)?;
    let mut verdicts = Vec::with_capacity(contents.len());
    for (column, contents) in table.columns.iter().zip(&contents) {
        let declared = declared(&column.declared);
        let mut probe = Probe { connection, table: &table.name, column: &column.name, findings };
        verdicts.push(Verdict { has_nulls: contents.total() < rows, ..probe.verdict(declared, contents)? });
    }
    Ok((rows, verdicts))
}

/// The storage class that the values of a declared type have unless the data is mixed.
fn expected_class(declared: Declared) -> Option<&'static str> {
    match declared {
        Declared::Boolean | Declared::Integer => Some("integer"),
        Declared::Float => Some("real"),
        Declared::Bytes => Some("blob"),
        Declared::Text(_)
        | Declared::Date
        | Declared::Time
        | Declared::Timestamp
        | Declared::Uuid
        | Declared::Json => Some("text"),
        Declared::Decimal(..) | Declared::Untyped | Declared::Number => None,
    }
}

/// The column as a query reads it.
fn value(column: &RawColumn) -> String {
    if column.hidden == UNREADABLE { "NULL".to_owned() } else { identifier(&column.name) }
}

/// Counts what every column holds. The first pass over the table asks only whether a column holds what it
/// declares (ten times cheaper than asking for everything); the second looks at those that do not.
fn contents(connection: &mut Connection, table: &RawTable) -> Result<(u64, Vec<Contents>), DbError> {
    let mut found = vec![Contents::default(); table.columns.len()];
    let mut mixed = Vec::new();
    let every: Vec<usize> = (0..table.columns.len()).collect();
    let mut row_count = 0;
    for columns in every.chunks(COLUMNS_PER_QUERY) {
        let mut parts = vec!["count(*)".to_owned()];
        for index in columns {
            let column = &table.columns[*index];
            let (name, declared) = (value(column), declared(&column.declared));
            let class = expected_class(declared).unwrap_or("null");
            parts.push(format!("count({name})"));
            parts.push(sum(&format!("typeof({name}) = '{class}'")));
            parts.push(if class == "text" {
                sum(&no_date(&name))
            } else {
                sum(&format!("{name} NOT IN (0, 1)"))
            });
            parts.push(match declared {
                Declared::Text(Some(_)) => format!("coalesce(max(length({name})), 0)"),
                _ => "0".to_owned(),
            });
        }
        let numbers = aggregate(connection, table, &parts)?;
        let mut numbers = numbers.into_iter();
        let mut next = || numbers.next().unwrap_or(0);
        row_count = next();
        for index in columns {
            let (values, expected, exceptions, longest_text) = (next(), next(), next(), next());
            let class = expected_class(declared(&table.columns[*index].declared));
            if values != expected {
                mixed.push(*index);
                continue;
            }
            let count = |name: &str| if class == Some(name) { expected } else { 0 };
            found[*index] = Contents {
                integers: count("integer"),
                reals: count("real"),
                texts: count("text"),
                blobs: count("blob"),
                flags_only: exceptions == 0,
                longest_text,
                texts_like_dates: exceptions == 0,
            };
        }
    }
    for columns in mixed.chunks(COLUMNS_PER_QUERY) {
        let mut parts = Vec::new();
        for index in columns {
            let name = value(&table.columns[*index]);
            parts
                .extend(["integer", "real", "text", "blob"].map(|c| sum(&format!("typeof({name}) = '{c}'"))));
            parts.push(sum(&format!("typeof({name}) = 'integer' AND {name} NOT IN (0, 1)")));
            parts
                .push(format!("coalesce(max(CASE WHEN typeof({name}) = 'text' THEN length({name}) END), 0)"));
            parts.push(sum(&format!("typeof({name}) = 'text' AND {}", no_date(&name))));
        }
        let numbers = aggregate(connection, table, &parts)?;
        let mut numbers = numbers.into_iter();
        let mut next = || numbers.next().unwrap_or(0);
        for index in columns {
            found[*index] = Contents {
                integers: next(),
                reals: next(),
                texts: next(),
                blobs: next(),
                flags_only: next() == 0,
                longest_text: next(),
                texts_like_dates: next() == 0,
            };
        }
    }
    Ok((row_count, found))
}

fn sum(condition: &str) -> String {
    format!("coalesce(sum({condition}), 0)")
}

/// True for a text that does not begin like an ISO date, or is longer than one can be.
fn no_date(name: &str) -> String {
    format!("NOT ({name} GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]*' AND length({name}) <= 40)")
}

fn aggregate(connection: &mut Connection, table: &RawTable, parts: &[String]) -> Result<Vec<u64>, DbError> {
    let sql = format!("SELECT {} FROM {}", parts.join(", "), identifier(&table.name));
    let rows = connection.rows(WHAT, &sql)?;
    let Some(row) = rows.first() else { return Ok(Vec::new()) };
    (0..parts.len())
        .map(|index| {
            let value: i64 = row.try_get(index).map_err(|error| lift_error(WHAT, error))?;
            Ok(u64::try_from(value).unwrap_or(0))
        })
        .collect()
}

struct Probe<'a> {
    connection: &'a mut Connection,
    table: &'a str,
    column: &'a str,
    findings: &'a mut Vec<Finding>,
}

impl Probe<'_> {
    fn verdict(&mut self, declared: Declared, contents: &Contents) -> Result<Verdict, DbError> {
        let plain = Verdict::from(data_type(declared, contents));
        if contents.class() != StorageClass::Text {
            return Ok(plain);
        }
        let special = match declared {
            Declared::Boolean => self.truths()?,
            Declared::Date | Declared::Time | Declared::Timestamp => self.moments(contents)?,
            _ if contents.texts_like_dates => self.moments(contents)?,
            _ => None,
        };
        let temporal = matches!(declared, Declared::Date | Declared::Time | Declared::Timestamp);
        if special.is_none() && temporal {
            self.findings.push(
                Finding::note("unknown-date-layout", "holds text that no known layout of dates explains")
                    .table(self.table)
                    .column(self.column)
                    .instead("treated as text"),
            );
        }
        // Where SQLite itself turns no text into a number, what was a number must be written as one.
        let untyped = matches!(declared, Declared::Untyped) && contents.integers + contents.reals > 0;
        let classes = untyped.then(|| ANY_CLASS.to_owned());
        Ok(special.unwrap_or(Verdict { representation: classes, ..plain }))
    }

    /// Texts of this column, and how many rows have them, grouped by `by`.
    fn groups(&mut self, by: &str) -> Result<Vec<(String, u64)>, DbError> {
        let sql = format!(
            "SELECT min(x), count(*) FROM (SELECT {0} AS x FROM {1} WHERE typeof({0}) = 'text') \
             GROUP BY {by} ORDER BY count(*) DESC, min(x) LIMIT {SHAPES}",
            identifier(self.column),
            identifier(self.table)
        );
        let rows = self.connection.rows(WHAT, &sql)?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            // Bytes that are no UTF-8 are no date either.
            let Ok(text) = row.try_get::<String, _>(0) else { continue };
            let count: i64 = row.try_get(1).map_err(|error| lift_error(WHAT, error))?;
            found.push((text, u64::try_from(count).unwrap_or(0)));
        }
        Ok(found)
    }

    fn truths(&mut self) -> Result<Option<Verdict>, DbError> {
        let words = self.groups("x COLLATE BINARY")?;
        let known = TRUTHS.iter().find(|(yes, no)| {
            words.iter().all(|(word, _)| word.eq_ignore_ascii_case(yes) || word.eq_ignore_ascii_case(no))
        });
        let (Some((yes, no)), true) = (known, words.len() <= 2) else { return Ok(None) };
        // Only one of the two may be there: the other is then written in the same case.
        let case = |word: &str| {
            let seen = words.iter().find(|(seen, _)| seen.eq_ignore_ascii_case(word));
            let like = words.first().map_or("", |(seen, _)| seen.as_str());
            match seen {
                Some((seen, _)) => seen.clone(),
                None if like.len() > 1 && like == like.to_uppercase() => word.to_uppercase(),
                None if like.starts_with(char::is_uppercase) => word[..1].to_uppercase() + &word[1..],
                None => word.to_owned(),
            }
        };
        let representation = Some(format!("{}|{}", case(yes), case(no)));
        Ok(Some(Verdict { representation, ..Verdict::from(DataType::Boolean) }))
    }

    fn moments(&mut self, contents: &Contents) -> Result<Option<Verdict>, DbError> {
        // The shape of a text is the text with every digit as 0.
        let shape = (1..10).fold("x".to_owned(), |shape, digit| format!("replace({shape}, '{digit}', '0')"));
        let groups = self.groups(&shape)?;
        let mut known = 0;
        let mut kinds: BTreeMap<String, (u64, Layout, Vec<usize>)> = BTreeMap::new();
        for (text, count) in groups {
            let Some(mut layout) = Moment::read(&text).map(|moment| moment.layout) else { continue };
            known += count;
            let mut digits = 0;
            if let Some(clock) = &mut layout.clock {
                if let Fraction::Fixed(seen) = clock.fraction {
                    digits = seen;
                }
                clock.fraction = Fraction::Fixed(0);
            }
            let kind = layout.to_string().replace(|letter: char| letter.is_ascii_digit(), "0");
            let entry = kinds.entry(kind).or_insert((0, layout, Vec::new()));
            entry.0 += count;
            entry.2.push(digits);
        }
        if (known as f64) < DATE_SHARE * contents.texts as f64 {
            return Ok(None);
        }
        let dated = kinds.values().any(|(_, layout, _)| layout.date.is_some());
        let undated = kinds.values().any(|(_, layout, _)| layout.date.is_none());
        let timed = kinds.values().any(|(_, layout, _)| layout.clock.is_some());
        // Rare exact times among plain days must not lose their time.
        let candidates = kinds.values().filter(|(_, layout, _)| layout.clock.is_some() == timed);
        let Some((_, layout, digits)) = candidates.max_by_key(|(count, ..)| *count) else { return Ok(None) };
        if dated && undated {
            return Ok(None);
        }
        let mut layout = layout.clone();
        if let Some(clock) = &mut layout.clock {
            clock.fraction = Fraction::explain(digits.clone());
        }
        let offset_varies = layout.suffix.contains(|letter: char| letter.is_ascii_digit())
            && self.distinct_endings(layout.suffix.chars().count())? > 1;
        if offset_varies {
            layout.suffix =
                layout.suffix.replace(|letter: char| letter.is_ascii_digit(), "0").replace('-', "+");
        }
        if kinds.len() > 1 || offset_varies {
            self.findings.push(
                Finding::note("several-date-layouts", "holds dates in more than one layout")
                    .table(self.table)
                    .column(self.column)
                    .instead(format!("all are written as {layout}")),
            );
        }
        let data_type = match (dated, timed) {
            (true, true) => {
                DataType::Timestamp { zoned: !layout.suffix.is_empty() && layout.offset_seconds() == 0 }
            }
            (true, false) => DataType::Date,
            (false, _) => DataType::Time,
        };
        Ok(Some(Verdict { representation: Some(layout.to_string()), ..Verdict::from(data_type) }))
    }

    fn distinct_endings(&mut self, length: usize) -> Result<i64, DbError> {
        let sql = format!(
            "SELECT count(DISTINCT substr({0}, -{length})) FROM {1} WHERE typeof({0}) = 'text'",
            identifier(self.column),
            identifier(self.table)
        );
        self.connection.integer(WHAT, &sql)
    }
}
