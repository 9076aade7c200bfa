//! What unique keys, EXCLUDE constraints and generated columns mean for rows.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};

use crate::{
    data::TableData,
    schema::{ColumnId, Exclusion, Table, UniqueKey},
};

use super::{CheckRule, TableRules, computed, enforce, eval, evaluated, truths, value::Value};

impl TableRules {
    /// Which rows a unique key speaks of: those that its predicate holds for. A predicate that is not understood
    /// speaks of every row, which is stricter than needed and never wrong.
    #[must_use]
    pub fn key_subjects(&self, key: &UniqueKey, rows: &TableData) -> Vec<bool> {
        self.subjects(&key.name, key.predicate.is_some(), rows)
    }

    /// Which rows an EXCLUDE constraint binds; all, if its predicate is not understood.
    #[must_use]
    pub fn exclusion_subjects(&self, exclusion: &Exclusion, rows: &TableData) -> Vec<bool> {
        self.subjects(&exclusion.name, exclusion.predicate.is_some(), rows)
    }

    fn subjects(&self, name: &str, is_partial: bool, rows: &TableData) -> Vec<bool> {
        let predicate = self.predicates.iter().find(|predicate| is_partial && predicate.name == name);
        predicate.and_then(|predicate| truths(predicate, rows)).map_or_else(
            || vec![true; rows.row_count],
            |truths| truths.iter().map(|truth| *truth == Some(true)).collect(),
        )
    }

    /// True if the predicate and every expression of a key is understood.
    #[must_use]
    pub fn understands(&self, key: &UniqueKey) -> bool {
        let known = |rules: &[CheckRule], wanted: usize| {
            let own = rules.iter().filter(|rule| rule.name == key.name);
            own.filter(|rule| rule.expression.is_some()).count() == wanted
        };
        known(&self.predicates, usize::from(key.predicate.is_some()))
            && known(&self.key_expressions, key.expressions.len())
    }

    /// The columns that the expressions and generated columns of a key read, and those that its predicate reads.
    #[must_use]
    pub fn key_reads(&self, key: &UniqueKey) -> (Vec<ColumnId>, Vec<ColumnId>) {
        let of = |rules: &[CheckRule]| -> Vec<ColumnId> {
            let own = rules.iter().filter(|rule| rule.name == key.name);
            let mut all: Vec<ColumnId> = own.flat_map(|rule| rule.columns.iter().copied()).collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        let mut inner = of(&self.key_expressions);
        inner.extend(key.columns.iter().filter_map(|column| self.generated_from(*column)).flatten().copied());
        (inner, of(&self.predicates))
    }

    /// What a unique key compares: its columns and its expressions evaluated on `rows`, each with whether it ignores
    /// case. `None` if a column is not there yet or an expression is not understood.
    #[must_use]
    pub fn key_values(
        &self,
        table: &Table,
        key: &UniqueKey,
        rows: &TableData,
    ) -> Option<Vec<(ArrayRef, bool)>> {
        let plain = key.columns.iter().map(|column| {
            let values = match table.column(*column).generated {
                Some(_) => self.generated_values(table, *column, rows)?,
                None => rows.column(*column)?.clone(),
            };
            Some((values, table.column(*column).collation.ignores_case()))
        });
        let mut values = plain.collect::<Option<Vec<_>>>()?;
        let own: Vec<&CheckRule> = self.key_expressions.iter().filter(|part| part.name == key.name).collect();
        if own.len() != key.expressions.len() {
            return None;
        }
        for part in own {
            let texts: StringArray = evaluated(part, rows)?.iter().map(Value::text).collect();
            values.push((Arc::new(texts), part.fold_case));
        }
        Some(values)
    }

    /// The columns a generated column is computed from; `None` if its expression is not understood.
    #[must_use]
    pub fn generated_from(&self, column: ColumnId) -> Option<&[ColumnId]> {
        self.generated.iter().find(|(id, _)| *id == column).map(|(_, rule)| rule.columns.as_slice())
    }

    /// The values of a generated column; `None` if its expression is not understood or a column it reads is missing.
    #[must_use]
    pub fn generated_values(&self, table: &Table, column: ColumnId, rows: &TableData) -> Option<ArrayRef> {
        let (_, rule) = self.generated.iter().find(|(id, _)| *id == column)?;
        enforce::build(&table.column(column).data_type, &evaluated(rule, rows)?)
    }

    /// What an input of a generated column must be for it to hold `wanted`: the input, and its value per row, its own
    /// where there is no such value. `None` if the expression cannot be turned round.
    #[must_use]
    pub fn solved(
        &self,
        table: &Table,
        column: ColumnId,
        wanted: &ArrayRef,
        rows: &TableData,
    ) -> Option<(ColumnId, ArrayRef)> {
        let (_, rule) = self.generated.iter().find(|(id, _)| *id == column)?;
        let expression = rule.expression.as_ref()?;
        let columns: Vec<_> = (0..table.columns.len()).map(|index| rows.column(ColumnId(index))).collect();
        let found: Vec<Option<(ColumnId, Value)>> = (0..rows.row_count)
            .map(|index| {
                let row = eval::Row { columns: &columns, index, fold_case: rule.fold_case };
                computed::solved(expression, Value::read(wanted, index), row)
            })
            .collect();
        let input = found.iter().flatten().map(|(input, _)| *input).next()?;
        let own = rows.column(input)?;
        let values: Vec<Value> = found
            .into_iter()
            .enumerate()
            .map(|(row, found)| found.map_or_else(|| Value::read(own, row), |(_, value)| value))
            .collect();
        Some((input, enforce::build(&table.column(input).data_type, &values)?))
    }
}
