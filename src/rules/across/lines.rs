//! Paths up from a table to its ancestors, and the numbers that its rows may read there.

use crate::{
    data::{NO_ROW, TableData},
    plan::LinkRole,
    schema::{ColumnId, ForeignKeyId, TableId},
};

use super::{
    super::{
        TableRules,
        evidence::{LEAST_ROWS, numbers},
        value::take_rows,
    },
    Borrowed, Inheritance,
    find::Observed,
    inherit::Line,
};

/// How far up ancestors are looked for.
const MAX_DEPTH: usize = 2;

/// Most numbers of ancestors that are tried as factors.
const MAX_LOANS: usize = 12;

/// Numbers of ancestors, as columns of the rows below them.
pub(super) struct Loans {
    pub(super) terms: Vec<Borrowed>,
    pub(super) data: TableData,
}

impl Loans {
    fn none(row_count: usize) -> Self {
        Self { terms: Vec::new(), data: TableData::bare(row_count) }
    }

    pub(super) fn keep(&self, keep: impl Fn(&Borrowed) -> bool) -> Self {
        let terms: Vec<Borrowed> = self.terms.iter().filter(|loan| keep(loan)).cloned().collect();
        let data = self.data.select(|column| terms.iter().any(|loan| loan.known_as == column));
        Self { terms, data }
    }
}

impl Observed<'_> {
    /// Every path up from a table with the ancestors it leads to, the nearest first.
    pub(super) fn lines(&self, id: TableId) -> Vec<(Vec<ForeignKeyId>, TableId, Line)> {
        let Some(rows) = self.made(id) else { return Vec::new() };
        let count = rows.data.row_count;
        let start = Line { rows: (0..count as u32).collect(), absent: vec![false; count] };
        let mut last = vec![(Vec::new(), id, start)];
        let mut all = Vec::new();
        for _ in 0..MAX_DEPTH {
            let next: Vec<_> = last.iter().flat_map(|(path, at, line)| self.steps(path, *at, line)).collect();
            all.extend(std::mem::replace(&mut last, next));
        }
        all.extend(last);
        all.remove(0);
        all
    }

    fn steps(
        &self,
        path: &[ForeignKeyId],
        at: TableId,
        line: &Line,
    ) -> Vec<(Vec<ForeignKeyId>, TableId, Line)> {
        let (table, roles) = (self.schema.table(at), &self.plan.table(at).links);
        let Some(rows) = self.tables[at.0] else { return Vec::new() };
        let step = |index: usize| {
            let parent = table.foreign_keys[index].parent;
            let open = matches!(roles[index], LinkRole::Context | LinkRole::Link);
            if !open || self.tables[parent.0].is_none() {
                return None;
            }
            let (links, present) = (&rows.links.get(index)?.parent, rows.present.get(index)?);
            let of = |row: u32| (row != NO_ROW).then_some(row as usize);
            let next = Line {
                rows: line.rows.iter().map(|row| of(*row).map_or(NO_ROW, |row| links[row])).collect(),
                absent: (line.rows.iter().zip(&line.absent))
                    .map(|(row, absent)| *absent || of(*row).is_some_and(|row| !present[row]))
                    .collect(),
            };
            let known = next.rows.iter().filter(|row| **row != NO_ROW).count();
            (known >= LEAST_ROWS).then(|| ([path, &[ForeignKeyId(index)]].concat(), parent, next))
        };
        (0..table.foreign_keys.len()).filter_map(step).collect()
    }

    /// Numbers of ancestors that a product of a row may have as a factor. Every row must know its ancestor.
    pub(super) fn loans(&self, id: TableId, rules: &TableRules) -> Loans {
        let Some(rows) = self.made(id) else { return Loans::none(0) };
        let width = self.schema.table(id).columns.len();
        let mut loans = Loans::none(rows.data.row_count);
        for (path, ancestor, line) in self.lines(id) {
            let Some(above) = self.tables[ancestor.0] else { continue };
            if line.rows.contains(&NO_ROW) {
                continue;
            }
            let own = |from: ColumnId| {
                rules.inherited.iter().any(|rule| rule.path == path && rule.how == Inheritance::Copy(from))
            };
            for from in self.readable(ancestor).into_iter().filter(|from| !own(*from)) {
                let array = above.data.column(from).filter(|array| numbers(array).is_some());
                let Some(array) = array.filter(|_| loans.terms.len() < MAX_LOANS) else { continue };
                let known_as = ColumnId(width + loans.terms.len());
                loans.terms.push(Borrowed { path: path.clone(), from, known_as });
                loans.data.set(known_as, take_rows(array, &line.rows));
            }
        }
        loans
    }
}
