//! Keys that nobody declared: what no two siblings of the source agree in, or no two rows at all.
//!
//! The sales of a shop name a department and a week, and no week of a department comes twice; no two races are on one
//! day. Believed only where rows would have agreed many times, had the columns nothing to do with each other.

use arrow_array::ArrayRef;
use arrow_schema::DataType as ArrowType;

use crate::{
    data::{Families, KeyColumns, KeyNumbering, NO_ROW, ordered},
    plan::{ColumnRole, LinkRole},
    schema::{ColumnId, ForeignKeyId, Storage, Table, TableId, UniqueKey},
};

use super::{
    super::{
        Rule, TableRules,
        evidence::{SEARCHED_EXPECTED, gcd},
    },
    find::{Observed, ObservedTable},
};

/// Most columns and links that are combined.
const MOST_PARTS: usize = 24;

/// Most rows of a table in which no two may agree: it is made in one piece.
const MOST_ROWS: usize = 50_000;

/// What siblings may differ in: a column, or the parent along a link.
struct Part {
    columns: Vec<ColumnId>,
    /// True for a value that can move to another one.
    is_attribute: bool,
    /// Number of the value, row by row; [`NO_ROW`] for null.
    codes: Vec<u32>,
    /// Chance that two rows of the table agree.
    sameness: f64,
}

impl Observed<'_> {
    /// Keys of a table that no declared key implies: columns in which all rows differ, and what siblings differ in,
    /// with the context foreign key.
    pub(super) fn differing(&self, id: TableId, rules: &TableRules) -> Vec<UniqueKey> {
        let Some(rows) = self.made(id) else { return Vec::new() };
        let mut found = self.apart(id, rows, rules);
        let alone: Vec<ColumnId> = found.iter().flat_map(|key| key.columns.iter().copied()).collect();
        if let Some(context) = self.plan.table(id).context {
            found.extend(self.siblings_differ(id, (context, rows), rules, &alone));
        }
        found
    }

    /// Whole numbers and days that no two rows of a table share, though there is so little room that they should.
    fn apart(&self, id: TableId, rows: ObservedTable<'_>, rules: &TableRules) -> Vec<UniqueKey> {
        let (table, roles) = (self.schema.table(id), &self.plan.table(id).columns);
        let is_whole = rows.data.row_count as u64 == rows.total_rows && rows.data.row_count <= MOST_ROWS;
        let (settled, decided) = (rules.settled(), decided(rules));
        let is_free = |column: &ColumnId| {
            roles[column.0] == ColumnRole::Attribute
                && !settled.contains(column)
                && !decided.contains(column)
                && rules.calendar.is_none_or(|run| run.column != *column)
        };
        let open = rows.data.columns.iter().filter(|column| is_whole && is_free(column));
        open.filter(|column| rows.data.column(**column).is_some_and(should_have_met))
            .filter(|column| !is_implied(table, &[**column]))
            .map(|column| found_key(table, vec![*column], &[*column]))
            .collect()
    }

    /// What siblings differ in that do not differ from all rows in it (`alone`).
    fn siblings_differ(
        &self,
        id: TableId,
        (context, rows): (ForeignKeyId, ObservedTable<'_>),
        rules: &TableRules,
        alone: &[ColumnId],
    ) -> Vec<UniqueKey> {
        let table = self.schema.table(id);
        let parent = &table.foreign_keys[context.0].columns;
        let mut parts = self.parts(id, context, rows, rules);
        parts.retain(|part| !part.columns.iter().any(|column| alone.contains(column)));
        if parts.len() > MOST_PARTS {
            return Vec::new();
        }
        let siblings = agreeing(rows.families, &[]);
        let mut found: Vec<UniqueKey> = Vec::new();
        parts.retain(|part| {
            let alone = agreeing(rows.families, &[&part.codes]) == 0;
            if alone && part.is_attribute && siblings as f64 * part.sameness >= SEARCHED_EXPECTED {
                found.extend(key(table, parent, &[part]));
            }
            !alone
        });
        let pairs: Vec<u64> = parts.iter().map(|part| agreeing(rows.families, &[&part.codes])).collect();
        for (place, one) in parts.iter().enumerate() {
            for (other_place, other) in parts.iter().enumerate().skip(place + 1) {
                let expected =
                    (pairs[place] as f64 * other.sameness).min(pairs[other_place] as f64 * one.sameness);
                if (one.is_attribute || other.is_attribute)
                    && expected >= SEARCHED_EXPECTED
                    && agreeing(rows.families, &[&one.codes, &other.codes]) == 0
                {
                    found.extend(key(table, parent, &[one, other]));
                }
            }
        }
        found
    }

    fn parts(
        &self,
        id: TableId,
        context: ForeignKeyId,
        rows: ObservedTable<'_>,
        rules: &TableRules,
    ) -> Vec<Part> {
        let (table, plan) = (self.schema.table(id), self.plan.table(id));
        let decided = decided(rules);
        let own = table.iter().filter(|(column, _)| {
            plan.columns[column.0] == ColumnRole::Attribute
                && !rules.is_settled(*column)
                && !decided.contains(column)
        });
        let columns = own.filter_map(|(column, _)| {
            let array = rows.data.column(column)?;
            let codes =
                KeyNumbering::default().number(&KeyColumns::new(&[(array, false)]), rows.data.row_count);
            Some((vec![column], true, codes))
        });
        let links = table
            .foreign_keys
            .iter()
            .enumerate()
            .filter(|(fk, _)| plan.links[*fk] == LinkRole::Link && ForeignKeyId(*fk) != context);
        let links = links
            .filter_map(|(fk, key)| Some((key.columns.clone(), false, rows.links.get(fk)?.parent.clone())));
        let all = columns.chain(links).filter(|(_, _, codes)| codes.len() == rows.families.row_count());
        all.map(|(columns, is_attribute, codes)| {
            let sameness = sameness(&codes);
            Part { columns, is_attribute, codes, sameness }
        })
        // What (nearly) all rows have tells nobody apart, and what hardly two rows share never agrees.
        .filter(|part| part.sameness > 0.0 && part.sameness < 0.9)
        .collect()
    }
}

/// The key over the context foreign key and some parts; `None` if a declared key implies it.
fn key(table: &Table, parent: &[ColumnId], parts: &[&Part]) -> Option<UniqueKey> {
    let mut columns = parent.to_vec();
    let mut told: Vec<ColumnId> = parts.iter().flat_map(|part| part.columns.iter().copied()).collect();
    // What comes last moves last: a label, before a time leaves its grid.
    told.sort_by_key(|column| {
        matches!(table.column(*column).data_type.storage(), Storage::Date | Storage::Timestamp)
    });
    columns.extend(&told);
    (!is_implied(table, &columns)).then(|| found_key(table, columns, &told))
}

/// Columns that others of their row decide: these differ where it does.
fn decided(rules: &TableRules) -> Vec<ColumnId> {
    let inside = rules.discovered.iter().filter_map(Rule::decides);
    rules.computed().into_iter().chain(inside).collect()
}

/// True if a declared key keeps rows from agreeing in `columns`.
fn is_implied(table: &Table, columns: &[ColumnId]) -> bool {
    table.keys().any(|key| {
        key.predicate.is_none()
            && key.expressions.is_empty()
            && key.columns.iter().all(|column| columns.contains(column))
    })
}

fn found_key(table: &Table, columns: Vec<ColumnId>, told: &[ColumnId]) -> UniqueKey {
    let names: Vec<&str> = told.iter().map(|column| table.column(*column).name.as_str()).collect();
    let name = names.join(", ");
    UniqueKey { name, columns, expressions: Vec::new(), predicate: None, nulls_not_distinct: false }
}

/// True if no two values agree that would have met many times, had they been drawn from their range.
fn should_have_met(array: &ArrayRef) -> bool {
    // Instants have so much room that few ever meet; only a grid of days or numbers is narrow.
    if !matches!(array.data_type(), ArrowType::Int64 | ArrowType::Date32) {
        return false;
    }
    let Some(values) = ordered(array) else { return false };
    let mut known: Vec<i64> = values.into_iter().flatten().collect();
    known.sort_unstable();
    let step = known.windows(2).fold(0, |step, pair| gcd(step, pair[1].abs_diff(pair[0])));
    let (Some(first), Some(last)) = (known.first(), known.last()) else { return false };
    if known.windows(2).any(|pair| pair[0] == pair[1]) || step == 0 {
        return false;
    }
    let (rows, places) = (known.len() as f64, (last.abs_diff(*first) / step) as f64 + 1.0);
    rows * (rows - 1.0) / 2.0 / places >= SEARCHED_EXPECTED
}

/// The chance that two rows have one value.
fn sameness(codes: &[u32]) -> f64 {
    let mut sorted: Vec<u32> = codes.iter().copied().filter(|code| *code != NO_ROW).collect();
    sorted.sort_unstable();
    let same: f64 = sorted.chunk_by(|a, b| a == b).map(|run| run.len() as f64 * (run.len() - 1) as f64).sum();
    let rows = codes.len() as f64;
    if rows < 2.0 { 0.0 } else { same / (rows * (rows - 1.0)) }
}

/// Pairs of siblings that agree in all of some values.
fn agreeing(families: &Families, codes: &[&[u32]]) -> u64 {
    let mut values: Vec<Vec<u32>> = Vec::new();
    let mut pairs = 0;
    for family in 0..families.len() {
        let rows = families.rows(family);
        if rows.len() < 2 {
            continue;
        }
        values.clear();
        values.extend(rows.filter_map(|row| {
            let value: Vec<u32> = codes.iter().map(|codes| codes[row]).collect();
            (!value.contains(&NO_ROW)).then_some(value)
        }));
        values.sort_unstable();
        let runs = values.chunk_by(|a, b| a == b).map(|run| run.len() as u64);
        pairs += runs.map(|count| count * (count - 1) / 2).sum::<u64>();
    }
    pairs
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Date32Array, Int64Array};

    use super::super::tests::found;
    use crate::{data::TableData, plan::fixture, schema::ColumnId};

    /// Keys found of 12 shops that each report 20 departments a week for 6 weeks.
    fn keys(edit: impl Fn(&mut Vec<i64>, &mut Vec<i32>)) -> Vec<String> {
        let schema = fixture("shop: *id, size\n sale: *id, shop_id! > shop.id, department, week, amount");
        let rows = 0..12 * 20 * 6;
        let mut department: Vec<i64> = rows.clone().map(|row| i64::from(row / 6 % 20)).collect();
        let mut week: Vec<i32> = rows.clone().map(|row| 7 * (row % 6)).collect();
        edit(&mut department, &mut week);
        let amount: ArrayRef =
            Arc::new(Int64Array::from_iter_values(rows.clone().map(|row| i64::from(row * row % 97))));
        let size: ArrayRef = Arc::new(Int64Array::from_iter_values(0..12));
        let shops = TableData::new(vec![ColumnId(1)], vec![size], 12);
        let arrays: Vec<ArrayRef> =
            vec![Arc::new(Int64Array::from(department)), Arc::new(Date32Array::from(week)), amount];
        let sales = TableData::new((2..5).map(ColumnId).collect(), arrays, rows.len());
        let shop_of = rows.map(|row| row as u32 / 120).collect();

        let rules = found(&schema, [shops, sales], [Vec::new(), vec![shop_of]]);

        assert!(rules.tables[0].differing.is_empty(), "shops have no siblings");
        rules.tables[1].differing.iter().map(|key| key.name.clone()).collect()
    }

    #[test]
    fn a_week_of_a_department_comes_once_and_one_exception_denies_it() {
        assert_eq!(keys(|_, _| ()), ["department, week"]);
        assert_eq!(keys(|_, week| week[1] = week[0]), Vec::<String>::new());
    }

    #[test]
    fn a_week_that_comes_once_says_so_alone() {
        let names = keys(|_, week| {
            for (row, week) in week.iter_mut().enumerate() {
                *week = 7 * (row as i32 % 120);
            }
        });
        assert_eq!(names, ["week"]);
    }
}
