//! The country of a row: which column says it, and which others follow.

use std::collections::BTreeSet;

use super::{Meaning, column_name, labels, names};
use crate::{
    data::TableData,
    privacy::Guard,
    schema::{ColumnId, Storage, Table},
    semantic::country::Country,
};

/// Share of rows that agree on a country, from where on one column follows the other.
const COUNTRY_AGREES: f64 = 0.9;

/// The column, of those saying countries, that says a row's, and the written columns that follow a country.
pub(super) fn followers(
    data: &TableData,
    written: &[(ColumnId, Meaning, bool)],
    saying: &[ColumnId],
    guard: Guard<'_>,
) -> (Option<ColumnId>, Vec<(ColumnId, ColumnId)>) {
    let following: Vec<&(ColumnId, Meaning, bool)> =
        written.iter().filter(|(_, meaning, _)| has_country(meaning)).collect();
    let has_names = names::are_in(written);
    if following.is_empty() && !has_names {
        return (None, Vec::new());
    }
    let follow = |leader: ColumnId, is_home: bool| -> Vec<(ColumnId, ColumnId)> {
        let said = said(data, leader);
        let agrees = |(column, meaning, _): &&&(ColumnId, Meaning, bool)| {
            let known = agreement(data, *column, meaning, &said, guard);
            // Nobody knows: two columns called country are of one.
            let alike = *meaning == Meaning::Country && is_home;
            *column != leader && known.map_or(alike, |share| share >= COUNTRY_AGREES)
        };
        following.iter().filter(agrees).map(|(column, ..)| (*column, leader)).collect()
    };
    let found: Vec<(ColumnId, Vec<(ColumnId, ColumnId)>)> = saying
        .iter()
        .map(|column| (*column, follow(*column, true)))
        .filter(|(_, found)| has_names || !found.is_empty())
        .collect();
    // The first of those that most follow.
    let most = found.iter().map(|(_, following)| following.len()).max();
    if let Some((home, following)) = found.into_iter().find(|(_, found)| Some(found.len()) == most) {
        return (Some(home), following);
    }
    let home = following.iter().find(|(_, meaning, _)| *meaning == Meaning::Country);
    (None, home.map_or_else(Vec::new, |(home, ..)| follow(*home, false)))
}

/// True for columns that name a country, or begin with its number or code.
pub(super) fn has_country(meaning: &Meaning) -> bool {
    matches!(meaning, Meaning::Country | Meaning::Phone | Meaning::Iban)
}

/// True if a column says countries, by its name and most of its values, or by nearly all of them.
#[must_use]
pub fn says_country(table: &Table, data: &TableData, column: ColumnId) -> bool {
    let described = table.column(column);
    if described.data_type.storage() != Storage::Text {
        return false;
    }
    let named = column_name::hint("", &described.name) == Some(Meaning::Country);
    let Some(values) = data.column(column) else { return named && data.row_count == 0 };
    let distinct: BTreeSet<String> = labels(values).into_iter().flatten().collect();
    let share = |reads: fn(&str) -> Option<Country>| {
        distinct.iter().filter(|label| reads(label).is_some()).count() as f64 / distinct.len().max(1) as f64
    };
    (named && (distinct.is_empty() || share(Country::read) >= 0.5)) || share(Country::read_name) >= 0.8
}

fn said(data: &TableData, column: ColumnId) -> Vec<Option<Country>> {
    let read = |label: Option<String>| label.and_then(|label| Country::read(&label));
    data.column(column).map_or_else(Vec::new, |values| labels(values).into_iter().map(read).collect())
}

/// Share of the rows in which a column agrees with the country said; `None` if too few entities have both.
fn agreement(
    data: &TableData,
    column: ColumnId,
    meaning: &Meaning,
    said: &[Option<Country>],
    guard: Guard<'_>,
) -> Option<f64> {
    let values = labels(data.column(column)?);
    let (mut rows, mut agree) = (Vec::new(), 0);
    for (row, (text, country)) in values.iter().zip(said).enumerate() {
        let (Some(text), Some(country)) = (text, country) else { continue };
        let known = match meaning {
            Meaning::Phone => country.rings(text),
            Meaning::Iban => Some(text.starts_with(country.code(2))),
            _ => Country::read(text).map(|other| other == *country),
        };
        if let Some(same) = known {
            rows.push(row);
            agree += usize::from(same);
        }
    }
    let sure = guard.distinct(rows.iter().copied()) >= guard.least().max(1);
    sure.then(|| f64::from(agree as u32) / rows.len() as f64)
}
