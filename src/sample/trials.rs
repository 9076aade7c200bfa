//! Replacements for rows that break a constraint: other rows' values, nulls, neighbours.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arrow_array::{Array, StringArray, new_null_array};

use crate::{
    data::{TableData, arrow_type},
    model::TableModel,
    sample::{candidates::Candidates, judged::TRIES},
    schema::{ColumnId, DataType, Table},
    seed::spread,
};

/// A row for each wanted row to take values from: another one that is not wanted.
pub(super) fn donors(wanted: &BTreeMap<u32, Vec<ColumnId>>, rows: usize, attempt: usize) -> Vec<u32> {
    let good: Vec<u32> = (0..rows as u32).filter(|row| !wanted.contains_key(row)).collect();
    wanted
        .keys()
        .map(|row| match good.len() {
            0 => *row,
            count => good[spread(*row as usize, attempt, count)],
        })
        .collect()
}

/// The wanted rows with their columns taken from rows `of` of `source`.
pub(super) fn replaced(
    rows: &TableData,
    wanted: &BTreeMap<u32, Vec<ColumnId>>,
    source: &TableData,
    of: &[u32],
) -> TableData {
    let own_index: Vec<u32> = wanted.keys().copied().collect();
    let mut trial = rows.take(&own_index);
    let from = source.take(of);
    let count = own_index.len() as u32;
    for column in wanted.values().flatten().copied().collect::<BTreeSet<_>>() {
        let (Some(own), Some(new)) = (trial.column(column), from.column(column)) else { continue };
        let index: Vec<u32> = wanted
            .values()
            .enumerate()
            .map(|(place, columns)| place as u32 + if columns.contains(&column) { count } else { 0 })
            .collect();
        let part =
            |array: &arrow_array::ArrayRef| TableData::new(vec![column], vec![array.clone()], count as usize);
        if own.data_type() != new.data_type() {
            continue;
        }
        if let Some(both) = TableData::concat(&[part(own), part(new)]) {
            trial.set(column, both.take(&index).arrays.remove(0));
        }
    }
    trial
}

/// The wanted rows with null in the columns that may be null.
pub(super) fn nulled(table: &Table, rows: &TableData, wanted: &BTreeMap<u32, Vec<ColumnId>>) -> TableData {
    let columns: Vec<ColumnId> = rows.columns.clone();
    let arrays = columns
        .iter()
        .map(|column| {
            let storage = table.column(*column).data_type.storage();
            new_null_array(&arrow_type(storage), rows.row_count)
        })
        .collect();
    let nulls = TableData::new(columns, arrays, rows.row_count);
    let nullable: BTreeMap<u32, Vec<ColumnId>> = wanted
        .iter()
        .map(|(row, columns)| {
            let own = columns.iter().copied().filter(|column| table.column(*column).nullable);
            (*row, own.collect())
        })
        .collect();
    let of: Vec<u32> = wanted.keys().copied().collect();
    replaced(rows, &nullable, &nulls, &of)
}

/// Plain spellings of a text that are tried, see [`respelled`].
pub(super) const SPELLINGS: usize = 8;

/// The wanted rows with their texts in a plainer spelling: many a CHECK asks for a slug, a user name or a code.
pub(super) fn respelled(
    table: &Table,
    rows: &TableData,
    wanted: &BTreeMap<u32, Vec<ColumnId>>,
    spelling: usize,
) -> TableData {
    let own: Vec<u32> = wanted.keys().copied().collect();
    let mut trial = rows.take(&own);
    for column in wanted.values().flatten().copied().collect::<BTreeSet<_>>() {
        let is_text = matches!(table.column(column).data_type, DataType::Text { .. });
        let Some(array) = trial.column(column).filter(|_| is_text) else { continue };
        let Some(texts) = array.as_any().downcast_ref::<StringArray>() else { continue };
        let array = StringArray::from_iter(wanted.values().enumerate().map(|(place, columns)| {
            let text = texts.is_valid(place).then(|| texts.value(place))?;
            Some(if columns.contains(&column) { plain(text, spelling) } else { text.to_owned() })
        }));
        trial.set(column, Arc::new(array));
    }
    trial
}

/// A text of ASCII letters and digits, its words set apart in one of a few ways.
fn plain(text: &str, spelling: usize) -> String {
    let between = ["-", "_", "", ".", " ", ""][spelling.min(5)];
    let letters_alone = spelling == 5;
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() || letters_alone && c.is_ascii_digit());
    let joined = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(between).to_lowercase();
    match spelling {
        6 => joined.to_uppercase(),
        7 => joined.bytes().map(|byte| char::from(b'0' + byte % 10)).collect(),
        _ => joined,
    }
}

/// Kinds of values tried by [`plain_values`].
pub(super) const PLAIN_VALUES: usize = 8;

/// The wanted rows with texts that most functions can read: a number, a day, a document. They differ from row to row
/// where that is possible.
pub(super) fn plain_values(
    table: &Table,
    rows: &TableData,
    wanted: &BTreeMap<u32, Vec<ColumnId>>,
    kind: usize,
) -> TableData {
    let own: Vec<u32> = wanted.keys().copied().collect();
    let mut trial = rows.take(&own);
    for column in wanted.values().flatten().copied().collect::<BTreeSet<_>>() {
        let DataType::Text { max_chars } = table.column(column).data_type else { continue };
        let Some(array) = trial.column(column) else { continue };
        let Some(texts) = array.as_any().downcast_ref::<StringArray>() else { continue };
        let most = max_chars.map_or(usize::MAX, |most| most as usize);
        let array = StringArray::from_iter(wanted.iter().enumerate().map(|(place, (row, columns))| {
            let text = texts.is_valid(place).then(|| texts.value(place).to_owned());
            if columns.contains(&column) {
                Some(plain_value(*row, kind).chars().take(most).collect())
            } else {
                text
            }
        }));
        trial.set(column, Arc::new(array));
    }
    trial
}

fn plain_value(row: u32, kind: usize) -> String {
    let (year, month, day) = (2000 + row % 24, 1 + row / 24 % 12, 1 + row / 288 % 28);
    match kind {
        0 => format!("{year}{month:02}{day:02}"),
        1 => format!("{year}-{month:02}-{day:02}"),
        2 => format!("{year}-{month:02}-{day:02} {:02}:00:00", row / 8064 % 24),
        3 => (row + 1).to_string(),
        4 => "{}".to_owned(),
        5 => "[]".to_owned(),
        6 => format!("00000000-0000-4000-8000-{row:012x}"),
        _ => String::new(),
    }
}

/// The wanted rows with one column moved to a value nearby that keeps the understood CHECKs.
pub(super) fn stepped(
    table: &Table,
    model: &TableModel,
    rows: &TableData,
    wanted: &BTreeMap<u32, Vec<ColumnId>>,
    round: usize,
) -> TableData {
    let own: Vec<u32> = wanted.keys().copied().collect();
    let Some(column) = wanted.values().flatten().copied().next() else { return rows.take(&own) };
    let Some(array) = rows.column(column).cloned() else { return rows.take(&own) };
    let rules = &model.facts.rules;
    let codec = model.facts.codecs.iter().find(|(id, _)| *id == column).map(|(_, codec)| codec);
    let definition = table.column(column);
    let candidates = Candidates::new(definition, codec, rules.allowed_values(column), &array);
    let pieces: Vec<TableData> = own
        .iter()
        .enumerate()
        .map(|(place, row)| {
            let before = rows.take(&[*row]);
            // Rows of one clash must not move to one place.
            let skip = place * (round + 1);
            let found = candidates.of(*row as usize).skip(skip).take(TRIES * TRIES).find_map(|candidate| {
                let mut one = before.clone();
                one.set(column, candidate.array(definition.data_type.storage()));
                (!rules.violations(&one)[0]).then_some(one)
            });
            found.unwrap_or(before)
        })
        .collect();
    TableData::concat(&pieces).unwrap_or_else(|| rows.take(&own))
}

#[cfg(test)]
mod tests {
    use super::{SPELLINGS, plain};

    #[test]
    fn a_text_has_a_spelling_for_every_usual_kind_of_code() {
        let all: Vec<String> = (0..SPELLINGS).map(|spelling| plain("Órie  O'Neil 7", spelling)).collect();

        assert_eq!(
            all,
            [
                "rie-o-neil-7",
                "rie_o_neil_7",
                "rieoneil7",
                "rie.o.neil.7",
                "rie o neil 7",
                "rieoneil",
                "RIEONEIL7",
                "451101585"
            ]
        );
    }
}
