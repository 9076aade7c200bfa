//! What the learned columns of a row tell of the person its written columns are about.
//!
//! A gender and a country are learned like any category. What is written beside them follows: a given name fits the
//! gender, a country's name fits its code, a telephone number begins as its country's do. Who follows whom is found by
//! names and values and held against the source: columns that do not agree there are not made to agree. Names follow
//! the country as well, in the letters of the source's; whether those there do, nobody can tell.

use std::collections::BTreeMap;

use arrow_array::{Array, ArrayRef, cast::AsArray, types::Int64Type};
use serde::{Deserialize, Serialize};

use super::{
    Meaning, column_name,
    country::Country,
    gender::{self, Gender},
    language::Letters,
};
use crate::{
    data::TableData,
    privacy::{Guard, Kept},
    schema::{ColumnId, ForeignKeyId, Storage, Table},
};

mod home;
mod names;
#[cfg(test)]
mod tests;

pub use home::says_country;
pub(super) use names::NameTeller;

/// Most labels of a column that says a gender.
const LABELS_MAX: usize = 40;
/// Share of rows whose name fits their gender, from where on names follow it.
const GENDER_AGREES: f64 = 0.75;
/// Share of rows of a label whose names are of one gender, from where on the label means it.
const LABEL_AGREES: f64 = 0.85;

/// What is known of a row before anything is written into it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    pub(super) gender: Option<Gender>,
    pub(super) country: Option<Country>,
}

/// The column of a row's ancestor that says its country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Above {
    /// The foreign keys to follow.
    pub path: Vec<ForeignKeyId>,
    /// The ancestor's column.
    pub from: ColumnId,
}

impl Above {
    /// What its values are known as beside a row's own columns.
    pub const COLUMN: ColumnId = ColumnId(u32::MAX as usize);
}

/// The learned columns that tell something of a row's person, and the written ones that follow them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tellers {
    gender: Option<GenderTeller>,
    /// Written columns that follow a country, each with the column that says it.
    countries: Vec<(ColumnId, ColumnId)>,
    /// The learned column that says the country.
    home: Option<ColumnId>,
    /// Where that is an ancestor's.
    #[serde(default)]
    above: Option<Above>,
    /// How names follow a country.
    #[serde(default)]
    names: Option<NameTeller>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct GenderTeller {
    column: ColumnId,
    /// `H` and `M` are *hombre* and *mujer*.
    spanish: bool,
    /// What `true` means, in a column of booleans.
    truth: Option<Gender>,
    /// Labels that only the names beside them explain, and how many entities do.
    labels: Vec<(String, Gender, u32)>,
}

impl Tellers {
    /// Finds what tells and what follows. `above`: an ancestor says a country, which counts where no column here does.
    pub(super) fn fit(
        table: &Table,
        data: &TableData,
        above: Option<(Above, ArrayRef)>,
        written: &[(ColumnId, Meaning, bool)],
        guard: Guard<'_>,
    ) -> Self {
        let is_written = |column: &ColumnId| written.iter().any(|(id, ..)| id == column);
        let learned: Vec<ColumnId> =
            table.iter().map(|(column, _)| column).filter(|column| !is_written(column)).collect();
        let gender = GenderTeller::fit(table, data, written, &learned, guard);
        let home: Vec<ColumnId> =
            learned.into_iter().filter(|column| says_country(table, data, *column)).collect();
        // A country that is written is the written person's own.
        let shown = written.iter().find(|(_, meaning, _)| *meaning == Meaning::Country);
        if let Some((above, values)) = above.filter(|_| home.is_empty() && shown.is_none()) {
            let mut beside = data.clone();
            beside.set(Above::COLUMN, values);
            let (home, countries) = home::followers(&beside, written, &[Above::COLUMN], guard);
            let names = NameTeller::fit(table, data, written, Above::COLUMN, guard);
            return Self { gender, countries, home, above: Some(above), names };
        }
        let (home, countries) = home::followers(data, written, &home, guard);
        let said = home.or(shown.map(|(column, ..)| *column));
        let names = said.and_then(|column| NameTeller::fit(table, data, written, column, guard));
        Self { gender, countries, home, above: None, names }
    }

    /// The ancestor's column that says the country.
    pub(super) fn above(&self) -> Option<&Above> {
        self.above.as_ref()
    }

    /// The columns that a written column of this meaning follows.
    pub(super) fn leaders(&self, column: ColumnId, meaning: &Meaning) -> Vec<ColumnId> {
        let named =
            matches!(meaning, Meaning::FirstName | Meaning::FullName | Meaning::UserName | Meaning::Email);
        let gender = self.gender.as_ref().filter(|_| named).map(|teller| teller.column);
        let country = self.countries.iter().find(|(id, _)| *id == column).map(|(_, leader)| *leader);
        let language = self.names.as_ref().and_then(|names| names.leader(meaning));
        gender.into_iter().chain(country).chain(language).collect()
    }

    /// True if what a country decides is among the written columns.
    pub(super) fn may_follow_a_country(written: &[(ColumnId, Meaning, bool)]) -> bool {
        names::are_in(written) || written.iter().any(|(_, meaning, _)| home::has_country(meaning))
    }

    /// How names follow a country.
    pub(super) fn names(&self) -> Option<&NameTeller> {
        self.names.as_ref()
    }

    /// The letters that a written column may hold.
    pub(super) fn letters(&self, column: ColumnId) -> Letters {
        self.names.as_ref().map_or_else(Letters::default, |names| names.letters(column))
    }

    /// True if a written column follows a country.
    pub(super) fn follows_country(&self, column: ColumnId) -> bool {
        self.countries.iter().any(|(id, _)| *id == column)
    }

    /// True if the rows say a gender.
    pub(super) fn has_gender(&self) -> bool {
        self.gender.is_some()
    }

    /// Labels of a column that names of the source explain.
    pub(super) fn kept(&self, column: ColumnId) -> Vec<Kept> {
        let teller = self.gender.iter().filter(|teller| teller.column == column);
        let labels = teller.flat_map(|teller| &teller.labels);
        labels.map(|(label, _, entities)| Kept::value(label.clone(), *entities)).collect()
    }

    /// Reads what rows tell.
    pub(super) fn tell(&self, rows: &TableData) -> Vec<Told> {
        let mut told = vec![Told::default(); rows.row_count];
        if let Some(teller) = &self.gender
            && let Some(values) = rows.column(teller.column)
        {
            for (row, label) in labels(values).into_iter().enumerate() {
                told[row].gender = label.and_then(|label| teller.read(&label));
            }
        }
        if let Some(values) = self.home.and_then(|home| rows.column(home)) {
            for (row, label) in labels(values).into_iter().enumerate() {
                told[row].country = label.and_then(|label| Country::read(&label));
            }
        }
        told
    }
}

impl GenderTeller {
    fn fit(
        table: &Table,
        data: &TableData,
        written: &[(ColumnId, Meaning, bool)],
        learned: &[ColumnId],
        guard: Guard<'_>,
    ) -> Option<Self> {
        let of = |wanted: Meaning| written.iter().find(|(_, meaning, _)| *meaning == wanted);
        let (names, ..) = of(Meaning::FirstName).or_else(|| of(Meaning::FullName))?;
        let known: Vec<Option<Gender>> = data.column(*names).map_or_else(Vec::new, |values| {
            // `Last, First`
            let given = |name: String| name.rsplit(", ").next().and_then(Gender::of_name);
            labels(values).into_iter().map(|name| name.and_then(given)).collect()
        });
        let found = learned.iter().filter_map(|column| Self::candidate(table, *column, data, &known, guard));
        found.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, teller)| teller)
    }

    /// A column that says a gender, and how well the names agree (0.5: nobody knows).
    fn candidate(
        table: &Table,
        column: ColumnId,
        data: &TableData,
        names: &[Option<Gender>],
        guard: Guard<'_>,
    ) -> Option<(f64, Self)> {
        let described = table.column(column);
        let truth = column_name::says_gender(&described.name);
        let storage = described.data_type.storage();
        let named = column_name::is_gender(&described.name);
        let fits = match storage {
            Storage::Text => true,
            Storage::Integer => named,
            Storage::Boolean => truth.is_some(),
            _ => false,
        };
        let values = data.column(column);
        if !fits || (values.is_none() && data.row_count > 0) {
            return None;
        }
        let mut rows_of: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (row, label) in values.map_or_else(Vec::new, labels).into_iter().enumerate() {
            if let Some(label) = label {
                rows_of.entry(label).or_default().push(row);
                if rows_of.len() > LABELS_MAX {
                    return None;
                }
            }
        }
        let spanish = gender::is_spanish(rows_of.keys().map(String::as_str));
        let truth = truth.filter(|_| storage == Storage::Boolean);
        let mut teller = Self { column, spanish, truth, labels: Vec::new() };
        let named = named || truth.is_some();
        if named {
            teller.learn(&rows_of, names, guard);
        }
        let (mut agree, mut seen, mut read) = (0, Vec::new(), 0);
        for (label, rows) in &rows_of {
            let Some(gender) = teller.read(label) else { continue };
            read += rows.len();
            for row in rows {
                if let Some(name) = names.get(*row).copied().flatten() {
                    agree += usize::from(name == gender);
                    seen.push(*row);
                }
            }
        }
        let share = agree as f64 / seen.len().max(1) as f64;
        let sure = guard.distinct(seen.iter().copied()) >= guard.least().max(1);
        let total: usize = rows_of.values().map(Vec::len).sum();
        match (named, sure) {
            (true, false) => (read > 0 || total == 0).then_some((0.5, teller)),
            (true, true) => (share >= GENDER_AGREES).then_some((share, teller)),
            // A column of another name: only if the names say so.
            (false, true) => (share >= LABEL_AGREES && 2 * read >= total).then_some((share, teller)),
            (false, false) => None,
        }
    }

    /// Learns labels that no list here knows from the names beside them, where enough entities have each.
    fn learn(&mut self, rows_of: &BTreeMap<String, Vec<usize>>, names: &[Option<Gender>], guard: Guard<'_>) {
        for (label, rows) in rows_of {
            if self.read(label).is_some() {
                continue;
            }
            let of = |gender| rows.iter().copied().filter(move |row| names.get(*row) == Some(&Some(gender)));
            let (women, men) = (of(Gender::Woman).count(), of(Gender::Man).count());
            let (gender, most) = if women > men { (Gender::Woman, women) } else { (Gender::Man, men) };
            let entities = guard.distinct(of(gender));
            if most as f64 >= LABEL_AGREES * (women + men) as f64 && entities >= guard.least().max(2) {
                self.labels.push((label.clone(), gender, entities as u32));
            }
        }
    }

    fn read(&self, label: &str) -> Option<Gender> {
        if let Some(truth) = self.truth {
            let other = if truth == Gender::Woman { Gender::Man } else { Gender::Woman };
            return Some(if label == "true" { truth } else { other });
        }
        let learned = self.labels.iter().find(|(known, ..)| known == label);
        learned.map(|(_, gender, _)| *gender).or_else(|| Gender::read(label, self.spanish))
    }
}

/// The values of a column of texts, whole numbers or booleans, as text.
fn labels(values: &ArrayRef) -> Vec<Option<String>> {
    if let Some(texts) = values.as_string_opt::<i32>() {
        return texts.iter().map(|text| text.map(str::to_owned)).collect();
    }
    if let Some(numbers) = values.as_primitive_opt::<Int64Type>() {
        return numbers.iter().map(|number| number.map(|number| number.to_string())).collect();
    }
    if let Some(flags) = values.as_boolean_opt() {
        return flags.iter().map(|flag| flag.map(|flag| flag.to_string())).collect();
    }
    vec![None; values.len()]
}
