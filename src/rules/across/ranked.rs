//! Finds columns that hold the place of a row among others, see [`Ranked`].

use std::collections::BTreeMap;

use arrow_array::{Array, ArrayRef, cast::AsArray, types::Int64Type};
use arrow_schema::DataType as ArrowType;

use crate::{
    data::NO_ROW,
    plan::LinkRole,
    schema::{ColumnId, ForeignKeyId, TableId},
};

use super::{
    super::{
        Among, RankOrder, Ranked, TableRules,
        evidence::{LEAST_EXPECTED, SEARCHED_EXPECTED},
        groups_of,
    },
    find::{Observed, ObservedTable},
};

#[cfg(test)]
mod tests;

/// Share of the groups that must have places without a gap, and of neighbouring places that an order must explain.
const SHARE: f64 = 0.999;
/// Groups of two rows or more before places are no coincidence.
const LEAST_GROUPS: usize = 20;
/// Most columns of a table that is searched.
const MOST_COLUMNS: usize = 64;

/// Rows by what they have in common.
struct Groups {
    among: Among,
    /// Rows, group by group.
    members: Vec<Vec<usize>>,
}

impl Groups {
    fn new(among: Among, codes: &[u32]) -> Self {
        let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (row, code) in codes.iter().enumerate().filter(|(_, code)| **code != NO_ROW) {
            members.entry(*code).or_default().push(row);
        }
        Self { among, members: members.into_values().collect() }
    }

    /// Groups of two rows or more.
    fn with_company(&self) -> usize {
        self.members.iter().filter(|rows| rows.len() >= 2).count()
    }
}

impl Observed<'_> {
    /// Columns of a table that hold the place of a row among those of one parent, or of one value.
    pub(super) fn ranked(&self, id: TableId, rules: &TableRules) -> Vec<Ranked> {
        let Some(rows) = self.made(id) else { return Vec::new() };
        let columns = self.readable(id);
        if columns.len() > MOST_COLUMNS || !rows.guard.enough(0..rows.data.row_count) {
            return Vec::new();
        }
        let numbered = |column: ColumnId| rules.positions.iter().any(|position| position.column == column);
        let targets = columns.iter().copied().filter(|column| !numbered(*column));
        let groups = self.groups(id, rows, &columns);
        let mut found: Vec<(Ranked, Vec<Vec<usize>>)> = targets
            .filter_map(|to| {
                let array = rows.data.column(to).filter(|_| rows.data.exact(to).is_none())?;
                groups.iter().find_map(|groups| places(to, array, groups))
            })
            .collect();
        for place in 0..found.len() {
            let (rule, ranks) = &found[place];
            let explains = |column: &&ColumnId| {
                **column != rule.to
                    && rule.among != Among::Column(**column)
                    && !leads_to(&found, **column, rule.to)
            };
            let open = columns.iter().filter(explains);
            let best = open
                .filter_map(|column| order(*column, rows.data.column(*column)?, ranks))
                .min_by_key(|(ties, _)| *ties);
            found[place].0.by = best.map(|(_, order)| order);
        }
        found.into_iter().map(|(rule, _)| rule).collect()
    }

    /// What rows may have places among: one context parent, one parent along a link, one value. Groups of which rows
    /// were left unread say nothing.
    fn groups(&self, id: TableId, rows: ObservedTable<'_>, columns: &[ColumnId]) -> Vec<Groups> {
        let roles = &self.plan.table(id).links;
        let linked = |wanted: LinkRole| {
            let all = (0..roles.len()).filter(move |fk| roles[*fk] == wanted);
            all.filter_map(|fk| {
                let (parents, fan_out) = (&rows.links.get(fk)?.parent, rows.fan_out.get(fk)?);
                let mut seen = vec![0_u32; fan_out.len()];
                for parent in parents.iter().filter(|parent| **parent != NO_ROW) {
                    *seen.get_mut(*parent as usize)? += 1;
                }
                let whole =
                    |parent: u32| parent != NO_ROW && seen[parent as usize] == fan_out[parent as usize];
                let codes: Vec<u32> =
                    parents.iter().map(|parent| if whole(*parent) { *parent } else { NO_ROW }).collect();
                Some(Groups::new(Among::Link(ForeignKeyId(fk)), &codes))
            })
        };
        let whole = rows.data.row_count as u64 == rows.total_rows;
        let valued = columns.iter().filter(|_| whole).filter_map(|column| {
            Some(Groups::new(Among::Column(*column), &groups_of(rows.data.column(*column)?)))
        });
        let all = linked(LinkRole::Context).chain(linked(LinkRole::Link)).chain(valued);
        all.filter(|groups| groups.with_company() >= LEAST_GROUPS).collect()
    }
}

/// True if the places of `from` are told by `column`, or by what is told by it.
fn leads_to(found: &[(Ranked, Vec<Vec<usize>>)], from: ColumnId, column: ColumnId) -> bool {
    let mut at = from;
    for _ in 0..=found.len() {
        let rule = found.iter().find(|(rule, _)| rule.to == at);
        let Some(by) = rule.and_then(|(rule, _)| rule.by) else { return false };
        if by.column == column {
            return true;
        }
        at = by.column;
    }
    true
}

/// The rule, and the rows of each group in the order of their places, if a column holds places; chance would hardly
/// ever have drawn so many groups of values without a gap and without a tie.
fn places(to: ColumnId, array: &ArrayRef, groups: &Groups) -> Option<(Ranked, Vec<Vec<usize>>)> {
    if *array.data_type() != ArrowType::Int64 || groups.among == Among::Column(to) {
        return None;
    }
    let values = array.as_primitive::<Int64Type>();
    let known = |rows: &Vec<usize>| {
        let mut rows: Vec<usize> = rows.iter().copied().filter(|row| values.is_valid(*row)).collect();
        rows.sort_by_key(|row| values.value(*row));
        rows
    };
    let ranks: Vec<Vec<usize>> = groups.members.iter().map(known).filter(|rows| !rows.is_empty()).collect();
    let start =
        ranks.iter().map(|rows| values.value(rows[0])).min().filter(|start| matches!(start, 0 | 1))?;
    let gapless =
        |rows: &&Vec<usize>| (start..).zip(rows.iter()).all(|(place, row)| values.value(*row) == place);
    let exact = ranks.iter().filter(gapless).count();
    let with_company =
        |ranks: &mut dyn Iterator<Item = &Vec<usize>>| ranks.filter(|rows| rows.len() >= 2).count();
    let (exact_company, company) =
        (with_company(&mut ranks.iter().filter(gapless)), with_company(&mut ranks.iter()));
    if company < LEAST_GROUPS
        || (exact as f64) < SHARE * ranks.len() as f64
        || (exact_company as f64) < SHARE * company as f64
    {
        return None;
    }
    let mut counts: BTreeMap<i64, f64> = BTreeMap::new();
    let total =
        ranks.iter().flatten().map(|row| *counts.entry(values.value(*row)).or_default() += 1.0).count();
    let surprise = |rows: &Vec<usize>| {
        let orders: f64 = (2..=rows.len()).map(|place| (place as f64).ln()).sum();
        let chance: f64 = rows.iter().map(|row| (counts[&values.value(*row)] / total as f64).ln()).sum();
        -(orders + chance)
    };
    let evidence: f64 = ranks.iter().filter(gapless).filter(|rows| rows.len() >= 2).map(surprise).sum();
    let rule = Ranked { to, among: groups.among, by: None, start, groups: exact };
    (evidence >= SEARCHED_EXPECTED).then_some((rule, ranks))
}

/// The order that places show in a column, and how many neighbours tie in it; `None` if they show none.
fn order(column: ColumnId, array: &ArrayRef, ranks: &[Vec<usize>]) -> Option<(usize, RankOrder)> {
    [true, false].into_iter().find_map(|descending| {
        let order = RankOrder { column, descending };
        let keys = order.keys(array)?;
        let (mut ahead, mut behind, mut ties) = (0_usize, 0_usize, 0_usize);
        for pair in ranks.iter().flat_map(|rows| rows.windows(2)) {
            match keys[pair[0]].total_cmp(&keys[pair[1]]) {
                std::cmp::Ordering::Less => ahead += 1,
                std::cmp::Ordering::Greater => behind += 1,
                std::cmp::Ordering::Equal => ties += 1,
            }
        }
        let steps = (ahead + behind) as f64;
        (steps >= 2.0 * LEAST_EXPECTED && behind as f64 <= (1.0 - SHARE) * steps).then_some((ties, order))
    })
}
