//! Whose language the names of a row are in, and which letters its columns take.

use arrow_array::{Array, cast::AsArray};
use serde::{Deserialize, Serialize};

use super::{Meaning, Told};
use crate::{
    data::TableData,
    privacy::Guard,
    schema::{ColumnId, Table},
    semantic::{
        country::Country,
        language::{Language, Letters, Script},
    },
};

/// The column that says the country whose language names are in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::semantic) struct NameTeller {
    column: ColumnId,
    /// True if it is written as well, so that the person's own country is the one it shows.
    is_written: bool,
    /// Scripts that every column of names shows in the source.
    scripts: Vec<Script>,
    /// Columns that hold more than ASCII.
    letters: Vec<(ColumnId, Letters)>,
}

impl NameTeller {
    /// Finds out how names follow the country that `column` says; `None` if no column has names, or if they must
    /// differ: lists of one country are short, and share names with those of others.
    pub(super) fn fit(
        table: &Table,
        data: &TableData,
        written: &[(ColumnId, Meaning, bool)],
        column: ColumnId,
        guard: Guard<'_>,
    ) -> Option<Self> {
        let is_key = |column: &ColumnId| {
            let name = table.column(*column).name.to_lowercase();
            let in_expression = |text: &String| text.to_lowercase().contains(&name);
            table.keys().any(|key| key.columns.contains(column) || key.expressions.iter().any(in_expression))
        };
        let names: Vec<ColumnId> =
            written.iter().filter(|(_, meaning, _)| is_name(meaning)).map(|(column, ..)| *column).collect();
        let differ =
            written.iter().any(|(column, meaning, unique)| is_name(meaning) && (*unique || is_key(column)));
        if differ || !are_in(written) {
            return None;
        }
        let enough = |column: ColumnId, passes: &dyn Fn(&str) -> bool| {
            let texts = data.column(column).and_then(|values| values.as_string_opt::<i32>());
            texts.is_some_and(|texts| {
                let rows = (0..texts.len()).filter(|row| texts.is_valid(*row) && passes(texts.value(*row)));
                guard.distinct(rows) >= guard.least().max(1)
            })
        };
        let is_spelt =
            |meaning: &Meaning| is_name(meaning) || matches!(meaning, Meaning::StreetAddress | Meaning::City);
        let letters =
            written.iter().filter(|(_, meaning, _)| is_spelt(meaning)).filter_map(|(column, ..)| {
                let mut shown = [Letters::Any, Letters::Western].into_iter();
                let most = shown.find(|wanted| enough(*column, &|text| Letters::of(text) >= *wanted))?;
                Some((*column, most))
            });
        let shows = |script: Script, column: ColumnId| {
            enough(column, &|text| text.chars().any(|letter| Script::of(letter) == Some(script)))
        };
        let foreign = [Script::EastAsian, Script::Arabic]
            .into_iter()
            .filter(|script| !names.is_empty() && names.iter().all(|column| shows(*script, *column)));
        Some(Self {
            column,
            is_written: written.iter().any(|(id, ..)| *id == column),
            scripts: std::iter::once(Script::Latin).chain(foreign).collect(),
            letters: letters.collect(),
        })
    }

    /// The column that a written column of this meaning follows.
    pub(super) fn leader(&self, meaning: &Meaning) -> Option<ColumnId> {
        follows(meaning).then_some(self.column)
    }

    /// The letters a column may hold.
    pub(super) fn letters(&self, column: ColumnId) -> Letters {
        let found = self.letters.iter().find(|(id, _)| *id == column);
        found.map(|(_, letters)| *letters).unwrap_or_default()
    }

    /// The language of a row's names, for a person of this country; `None`: English.
    pub(in crate::semantic) fn language(&self, told: Told, own: Country) -> Option<&'static Language> {
        let country = if self.is_written { Some(told.country.unwrap_or(own)) } else { told.country };
        country.and_then(Language::of).filter(|language| self.scripts.contains(&language.script()))
    }
}

/// True if words of a language are among the written columns.
pub(super) fn are_in(written: &[(ColumnId, Meaning, bool)]) -> bool {
    written.iter().any(|(_, meaning, _)| follows(meaning))
}

/// True for columns of names.
fn is_name(meaning: &Meaning) -> bool {
    matches!(meaning, Meaning::FirstName | Meaning::LastName | Meaning::FullName)
}

/// True for columns whose words are of a language.
fn follows(meaning: &Meaning) -> bool {
    is_name(meaning)
        || matches!(meaning, Meaning::UserName | Meaning::Email | Meaning::StreetAddress | Meaning::City)
}
