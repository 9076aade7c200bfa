//! Key values as comparable bytes, so that a composite key of any types is one map entry.

use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray, cast::AsArray,
};
use arrow_schema::DataType as ArrowType;
use indexmap::IndexMap;

use super::{NO_ROW, TableData};
use crate::schema::ColumnId;

/// Columns of a key, read row by row as bytes that are equal exactly if the keys are.
///
/// Numbers compare by value whatever their width (a foreign key may be wider than its parent); text compares
/// without case where `fold_case` says the collation does.
pub struct KeyColumns<'a> {
    columns: Vec<(KeyColumn<'a>, bool)>,
    /// Per column, the texts of values that its array does not hold exactly.
    exact: Vec<Option<&'a StringArray>>,
}

enum KeyColumn<'a> {
    Boolean(&'a BooleanArray),
    Integer(&'a Int64Array),
    Float(&'a Float64Array),
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
    Date(&'a Date32Array),
    Time(&'a Time64MicrosecondArray),
    Timestamp(&'a TimestampMicrosecondArray),
}

impl<'a> KeyColumns<'a> {
    /// Reads the given arrays as one key.
    ///
    /// # Panics
    /// If an array is of a type [`crate::schema::Storage`] does not name.
    #[must_use]
    pub fn new(arrays: &[(&'a ArrayRef, bool)]) -> Self {
        let columns = arrays
            .iter()
            .map(|(array, fold_case)| {
                let column = match array.data_type() {
                    ArrowType::Boolean => KeyColumn::Boolean(array.as_boolean()),
                    ArrowType::Int64 => KeyColumn::Integer(array.as_primitive()),
                    ArrowType::Float64 => KeyColumn::Float(array.as_primitive()),
                    ArrowType::Utf8 => KeyColumn::Text(array.as_string()),
                    ArrowType::Binary => KeyColumn::Bytes(array.as_binary()),
                    ArrowType::Date32 => KeyColumn::Date(array.as_primitive()),
                    ArrowType::Time64(_) => KeyColumn::Time(array.as_primitive()),
                    ArrowType::Timestamp(_, _) => KeyColumn::Timestamp(array.as_primitive()),
                    other => panic!("{other} is no storage of a column"),
                };
                (column, *fold_case)
            })
            .collect();
        Self { columns, exact: vec![None; arrays.len()] }
    }

    /// Reads columns of `rows` as one key, by their exact values (numbers beyond 64 bits, for one). `None` if one of
    /// them is not held.
    ///
    /// # Panics
    /// As [`Self::new`].
    #[must_use]
    pub fn of(rows: &'a TableData, columns: &[(ColumnId, bool)]) -> Option<Self> {
        let arrays: Option<Vec<_>> =
            columns.iter().map(|(id, fold)| Some((rows.column(*id)?, *fold))).collect();
        let exact = columns.iter().map(|(id, _)| rows.exact(*id)).collect();
        Some(Self { exact, ..Self::new(&arrays?) })
    }

    /// Writes the key of `row` to `out` (cleared first). Returns false if any column is null.
    pub fn write(&self, row: usize, out: &mut Vec<u8>) -> bool {
        self.write_nulls(row, false, out)
    }

    /// Writes the key of `row` as [`Self::write`] does; with `nulls`, a null is a value like any other.
    pub fn write_nulls(&self, row: usize, nulls: bool, out: &mut Vec<u8>) -> bool {
        out.clear();
        for ((column, fold_case), exact) in self.columns.iter().zip(&self.exact) {
            if let Some(texts) = exact.filter(|texts| texts.is_valid(row))
                && let Some(text) = beyond(texts.value(row))
            {
                out.push(4);
                push_bytes(text.as_bytes(), out);
                continue;
            }
            let integer = match column {
                KeyColumn::Boolean(a) if a.is_valid(row) => i64::from(a.value(row)),
                KeyColumn::Integer(a) if a.is_valid(row) => a.value(row),
                KeyColumn::Date(a) if a.is_valid(row) => i64::from(a.value(row)),
                KeyColumn::Time(a) if a.is_valid(row) => a.value(row),
                KeyColumn::Timestamp(a) if a.is_valid(row) => a.value(row),
                KeyColumn::Float(a) if a.is_valid(row) => {
                    let value = a.value(row);
                    if value.fract() == 0.0 && value.abs() < 9e15 {
                        value as i64
                    } else {
                        out.push(1);
                        out.extend_from_slice(&value.to_bits().to_le_bytes());
                        continue;
                    }
                }
                KeyColumn::Text(a) if a.is_valid(row) => {
                    push_text(a.value(row), *fold_case, out);
                    continue;
                }
                KeyColumn::Bytes(a) if a.is_valid(row) => {
                    push_bytes(a.value(row), out);
                    continue;
                }
                _ if nulls => {
                    out.push(3);
                    continue;
                }
                _ => return false,
            };
            out.push(0);
            out.extend_from_slice(&integer.to_le_bytes());
        }
        true
    }
}

/// An exact value in one form for every type that may hold it, unless 64 bits hold it as well.
fn beyond(text: &str) -> Option<&str> {
    let plain = if text.contains('.') && !text.contains(['e', 'E', ' ', ':']) {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    };
    // A number that comes back from a float is read from its array.
    let held =
        plain.parse::<i64>().is_ok() || plain.parse::<f64>().is_ok_and(|number| number.to_string() == plain);
    (!held).then_some(plain)
}

fn push_text(text: &str, fold_case: bool, out: &mut Vec<u8>) {
    if fold_case {
        push_bytes(text.trim_end().to_lowercase().as_bytes(), out);
    } else {
        push_bytes(text.as_bytes(), out);
    }
}

fn push_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(2);
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Finds the row that holds a key.
#[derive(Debug, Default)]
pub struct KeyIndex {
    rows: IndexMap<Box<[u8]>, u32>,
}

impl KeyIndex {
    /// Indexes `row_count` rows; of equal keys the first row wins, null keys are left out.
    #[must_use]
    pub fn build(keys: &KeyColumns<'_>, row_count: usize) -> Self {
        let mut rows = IndexMap::with_capacity(row_count);
        let mut key = Vec::new();
        for row in 0..row_count {
            if keys.write(row, &mut key) {
                rows.entry(key.clone().into_boxed_slice()).or_insert(row as u32);
            }
        }
        Self { rows }
    }

    /// Returns the row that holds `key`, or [`NO_ROW`].
    #[must_use]
    pub fn find(&self, key: &[u8]) -> u32 {
        self.rows.get(key).copied().unwrap_or(NO_ROW)
    }
}

/// Numbers rows by the value of a key: rows with equal keys get one number, null keys [`NO_ROW`].
#[derive(Debug, Default)]
pub struct KeyNumbering {
    numbers: IndexMap<Box<[u8]>, u32>,
}

impl KeyNumbering {
    /// Numbers `row_count` rows, adding values not seen before.
    pub fn number(&mut self, keys: &KeyColumns<'_>, row_count: usize) -> Vec<u32> {
        let mut key = Vec::new();
        (0..row_count)
            .map(|row| {
                if !keys.write(row, &mut key) {
                    return NO_ROW;
                }
                let next = self.numbers.len() as u32;
                match self.numbers.get(key.as_slice()) {
                    Some(number) => *number,
                    None => {
                        self.numbers.insert(key.clone().into_boxed_slice(), next);
                        next
                    }
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, Int64Array, StringArray};

    use super::{KeyColumns, KeyIndex, beyond};
    use crate::{
        data::{NO_ROW, TableData},
        schema::ColumnId,
    };

    #[test]
    fn a_wider_number_finds_its_parent() {
        let parents: ArrayRef = Arc::new(Int64Array::from(vec![10, 20]));
        let children: ArrayRef = Arc::new(Float64Array::from(vec![20.0, 30.0]));
        let index = KeyIndex::build(&KeyColumns::new(&[(&parents, false)]), 2);
        let keys = KeyColumns::new(&[(&children, false)]);
        let mut key = Vec::new();

        assert!(keys.write(0, &mut key));
        assert_eq!(index.find(&key), 1);
        assert!(keys.write(1, &mut key));
        assert_eq!(index.find(&key), NO_ROW);
    }

    #[test]
    fn composite_keys_do_not_run_into_each_other() {
        let left: ArrayRef = Arc::new(StringArray::from(vec!["ab", "a"]));
        let right: ArrayRef = Arc::new(StringArray::from(vec!["c", "bc"]));
        let keys = KeyColumns::new(&[(&left, false), (&right, false)]);
        let (mut first, mut second) = (Vec::new(), Vec::new());
        keys.write(0, &mut first);
        keys.write(1, &mut second);

        assert_ne!(first, second);
    }

    #[test]
    fn numbers_beyond_64_bits_are_keys_of_their_own() {
        let rows = |texts: Vec<Option<&str>>, values: Vec<i64>| {
            let count = values.len();
            let array: ArrayRef = Arc::new(Int64Array::from(values));
            let mut rows = TableData::new(vec![ColumnId(0)], vec![array], count);
            rows.set_exact(ColumnId(0), Arc::new(StringArray::from(texts)));
            rows
        };
        let parents = rows(
            vec![Some("18446744073709551615"), Some("18446744073709551610"), None],
            vec![i64::MAX, i64::MAX, 7],
        );
        let children = rows(vec![None, Some("18446744073709551610")], vec![7, i64::MAX]);
        let columns = [(ColumnId(0), false)];
        let index = KeyIndex::build(&KeyColumns::of(&parents, &columns).unwrap(), 3);
        let keys = KeyColumns::of(&children, &columns).unwrap();
        let mut key = Vec::new();

        assert!(keys.write(0, &mut key));
        assert_eq!(index.find(&key), 2);
        assert!(keys.write(1, &mut key));
        assert_eq!(index.find(&key), 1);
        assert_eq!(
            (beyond("1.50"), beyond("0.10000000000000000000001")),
            (None, Some("0.10000000000000000000001"))
        );
    }

    #[test]
    fn a_null_is_no_key() {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![None, Some(1)]));
        let keys = KeyColumns::new(&[(&column, false)]);

        assert!(!keys.write(0, &mut Vec::new()));
    }
}
