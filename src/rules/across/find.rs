//! Discovers everything: across tables first, then inside the rows of each.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::ArrayRef;
use rayon::prelude::*;

use crate::{
    config::TableMode,
    data::{Families, KeyCourse, KeyRun, Links, TableData},
    plan::{ColumnRole, LinkRole, Plan},
    privacy::Guard,
    schema::{ColumnId, DataType, ForeignKeyId, Schema, Storage, Table, TableId},
};

use super::{
    super::{
        CalendarRun, Carried, Carry, KeyClock, Numbering, Rules, TableRules, discover_beside, discover_dates,
        discover_nulls, family_positions,
    },
    Aggregate, Borrowed, Inheritance, Inherited,
    inherit::{Line, copy, limit, shared, tightest},
    joint,
    kin::Kin,
    lines::Loans,
    totals::{Offspring, find_totals},
};

/// The rows of one table that were read.
#[derive(Debug, Clone, Copy)]
pub struct ObservedTable<'a> {
    /// Attributes and key attributes.
    pub data: &'a TableData,
    /// Rows by context parent.
    pub families: &'a Families,
    /// Per foreign key: the parent row of each row.
    pub links: &'a [Links],
    /// Per foreign key: true where it is not null.
    pub present: &'a [Vec<bool>],
    /// Per foreign key: children of each parent row, counted over all rows of the table.
    pub fan_out: &'a [Vec<u32>],
    /// Rows of the table, read or not.
    pub total_rows: u64,
    /// What the numbers of fresh keys tell.
    pub key_courses: &'a [KeyCourse],
    /// The link whose parents split siblings into series.
    pub panel: Option<ForeignKeyId>,
    /// Text columns that hold labels, which may be kept and so computed; other texts are written.
    pub labels: &'a [ColumnId],
    /// Whose the rows are: a value is kept only if enough entities have it.
    pub guard: Guard<'a>,
}

/// The rows of a database that were read.
pub struct Observed<'a> {
    /// The schema.
    pub schema: &'a Schema,
    /// The order of work.
    pub plan: &'a Plan,
    /// One entry per table; `None` if it was not read.
    pub tables: Vec<Option<ObservedTable<'a>>>,
}

/// Finds every relation and adds it to the declared rules.
#[must_use]
pub fn discover_all(observed: &Observed<'_>, declared: &Rules) -> Rules {
    let mut rules = declared.clone();
    let ids: Vec<TableId> = observed.schema.iter().map(|(id, _)| id).collect();
    for id in &ids {
        if let Some(rows) = observed.made(*id).filter(|_| observed.plan.table(*id).context.is_some()) {
            rules.tables[id.0].positions = family_positions(rows.data, rows.families);
        }
        let ranked = observed.ranked(*id, &rules.tables[id.0]);
        rules.tables[id.0].ranked = ranked;
        observed.number(*id, &mut rules.tables[id.0]);
        rules.tables[id.0].calendar = observed.calendar(*id);
    }
    // Copies come first: what repeats a parent's value is also its maximum over the children. Then totals, which are
    // known last and so can give nothing away; then what else is owed to parents.
    let copies: Vec<Vec<Inherited>> =
        ids.par_iter().map(|id| observed.copies(*id, &rules.tables[id.0])).collect();
    for (table, copies) in rules.tables.iter_mut().zip(copies) {
        table.inherited = copies;
    }
    let loans: Vec<Loans> = ids.par_iter().map(|id| observed.loans(*id, &rules.tables[id.0])).collect();
    let totals: Vec<Vec<Aggregate>> = ids.par_iter().map(|id| observed.totals(*id, &rules, &loans)).collect();
    let is_total = |id: TableId, column: ColumnId| totals[id.0].iter().any(|total| total.to == column);
    // Nothing can be lent that is known only once the borrower is complete.
    let loans: Vec<Loans> = loans
        .iter()
        .zip(&ids)
        .map(|(loans, id)| {
            let lender = |loan: &Borrowed| ancestor_along(observed.schema, *id, &loan.path);
            loans.keep(|loan| !is_total(lender(loan), loan.from))
        })
        .collect();
    for (table, totals) in rules.tables.iter_mut().zip(totals) {
        let lent = |total: &Aggregate| {
            let width = observed.schema.table(total.child).columns.len();
            let mut reads = total.function.reads().into_iter().filter(|column| column.0 >= width);
            reads.all(|column| loans[total.child.0].data.columns.contains(&column))
        };
        table.aggregates = totals.into_iter().filter(lent).collect();
    }
    let debts: Vec<Vec<Inherited>> = ids.par_iter().map(|id| observed.debts(*id, &rules)).collect();
    for (table, debts) in rules.tables.iter_mut().zip(debts) {
        table.inherited.extend(debts);
    }
    let carried: Vec<_> = ids.par_iter().map(|id| observed.carried(*id, &rules.tables[id.0])).collect();
    for ((table, carried), id) in rules.tables.iter_mut().zip(carried).zip(&ids) {
        table.carried = carried;
        table.panel = observed.made(*id).and_then(|rows| rows.panel);
    }
    let inside: Vec<_> =
        ids.par_iter().map(|id| observed.inside(*id, &rules.tables[id.0], &loans[id.0])).collect();
    for (table, inside) in rules.tables.iter_mut().zip(inside) {
        table.discovered = inside;
        // What the row computes follows the columns it is computed from, not a limit of its own.
        let own: Vec<ColumnId> = table
            .discovered
            .iter()
            .filter(|rule| !matches!(rule, super::super::Rule::NullWhen { .. }))
            .filter_map(super::super::Rule::decides)
            .collect();
        table.inherited.retain(|rule| !own.contains(&rule.to));
    }
    let jointly: Vec<Vec<Inherited>> =
        ids.par_iter().map(|id| observed.joint(*id, &rules.tables[id.0])).collect();
    for (table, found) in rules.tables.iter_mut().zip(jointly) {
        joint::add(found, table);
    }
    let differing: Vec<_> = ids.par_iter().map(|id| observed.differing(*id, &rules.tables[id.0])).collect();
    for (table, found) in rules.tables.iter_mut().zip(differing) {
        table.differing = found;
    }
    for (id, loans) in ids.iter().zip(loans) {
        let inside = rules.tables[id.0].discovered.iter().flat_map(super::super::Rule::reads);
        let totals =
            rules.tables.iter().flat_map(|table| &table.aggregates).filter(|total| total.child == *id);
        let read: BTreeSet<ColumnId> =
            inside.chain(totals.flat_map(|total| total.function.reads())).collect();
        rules.tables[id.0].borrowed = loans.keep(|loan| read.contains(&loan.known_as)).terms;
    }
    rules
}

impl<'a> Observed<'a> {
    /// The rows of a table whose rows are made, not copied.
    pub(super) fn made(&self, id: TableId) -> Option<ObservedTable<'a>> {
        self.tables[id.0].filter(|_| self.plan.table(id).mode == TableMode::Synthesize)
    }

    /// What the fresh numbers of a table run with, and where they begin. The only key of a table counts from 1.
    fn number(&self, id: TableId, rules: &mut TableRules) {
        let Some(rows) = self.made(id) else { return };
        let (table, count) = (self.schema.table(id), rows.data.row_count);
        // A time or the context parent before other parents: their order may show the same, by ties or by chance.
        let far = |column: &ColumnId| {
            let keys = table.foreign_keys.iter().enumerate();
            let mut others = keys.filter(|(fk, _)| self.plan.table(id).context != Some(ForeignKeyId(*fk)));
            others.any(|(_, fk)| fk.columns.contains(column))
        };
        let clock = |course: &KeyCourse| {
            let near: Vec<KeyRun> = course.runs.iter().filter(|run| !far(&run.with)).copied().collect();
            let find = |runs: &[KeyRun]| KeyClock::find(course.key, runs, rows.guard, count);
            find(&near).or_else(|| find(&course.runs))
        };
        rules.clocks = rows.key_courses.iter().filter_map(clock).collect();
        let sole = |key| table.primary_key.as_ref().is_some_and(|own| own.columns == [key]);
        let beside =
            rows.key_courses.iter().filter(|course| !sole(course.key) && rows.guard.enough(0..count));
        rules.numberings = beside
            .filter_map(|course| Numbering::find(course.key, course.spread?, rows.total_rows))
            .collect();
    }

    /// The column that makes a calendar of a table whose rows have no siblings and were all read.
    fn calendar(&self, id: TableId) -> Option<CalendarRun> {
        let rows = self.made(id).filter(|rows| rows.data.row_count as u64 == rows.total_rows)?;
        if self.plan.table(id).context.is_some() {
            return None;
        }
        let roles = &self.plan.table(id).columns;
        let own =
            |column: &ColumnId| matches!(roles[column.0], ColumnRole::Attribute | ColumnRole::KeyAttribute);
        let columns = rows.data.columns.iter().zip(&rows.data.arrays).filter(|(column, _)| own(column));
        columns.into_iter().find_map(|(column, array)| CalendarRun::find(*column, array))
    }

    /// The columns that relations across tables may decide: attributes outside any key and CHECK.
    pub(super) fn free(&self, id: TableId, rules: &TableRules) -> Vec<ColumnId> {
        let table = self.schema.table(id);
        let free = |column: &ColumnId| {
            let checked = rules.checks.iter().any(|check| check.columns.contains(column));
            self.is_attribute(id, *column) && !checked && !rules.is_settled(*column)
        };
        table.iter().map(|(column, _)| column).filter(free).collect()
    }

    /// True for a column with a value of its own that is part of no key.
    pub(super) fn is_attribute(&self, id: TableId, column: ColumnId) -> bool {
        let table = self.schema.table(id);
        self.plan.table(id).columns[column.0] == ColumnRole::Attribute
            && table.column(column).data_type.storage() != Storage::Bytes
            && !in_key(table, column)
    }

    /// Columns of a table that others may read: no numbers of its own making.
    pub(super) fn readable(&self, id: TableId) -> Vec<ColumnId> {
        let roles = &self.plan.table(id).columns;
        let own = |column: &ColumnId| {
            matches!(roles[column.0], ColumnRole::Attribute | ColumnRole::KeyAttribute)
                && self.schema.table(id).column(*column).data_type.storage() != Storage::Bytes
        };
        self.schema.table(id).iter().map(|(column, _)| column).filter(own).collect()
    }

    /// Columns that repeat a value of an ancestor.
    fn copies(&self, id: TableId, rules: &TableRules) -> Vec<Inherited> {
        let Some(rows) = self.made(id) else { return Vec::new() };
        let free = self.free(id, rules);
        let mut found: Vec<Inherited> = Vec::new();
        for (path, ancestor, line) in self.lines(id) {
            let Some(above) = self.tables[ancestor.0] else { continue };
            let sources = self.readable(ancestor);
            for to in &free {
                let Some(array) = rows.data.column(*to) else { continue };
                if found.iter().any(|rule| rule.to == *to) {
                    continue;
                }
                // The same value before the day of another one.
                let is_other = |from: &&ColumnId| {
                    above.data.column(**from).is_none_or(|there| there.data_type() != array.data_type())
                };
                let (others, alike): (Vec<&ColumnId>, Vec<&ColumnId>) = sources.iter().partition(is_other);
                let source = alike.into_iter().chain(others).find_map(|from| {
                    copy(&line, array, above.data.column(*from)?).map(|ancestors| (*from, ancestors))
                });
                found.extend(source.map(|(from, ancestors)| Inherited {
                    path: path.clone(),
                    to: *to,
                    how: Inheritance::Copy(from),
                    ancestors,
                    beside: Vec::new(),
                }));
            }
        }
        found
    }

    /// Columns that sum up the rows of a child table.
    fn totals(&self, id: TableId, rules: &Rules, loans: &[Loans]) -> Vec<Aggregate> {
        let Some(rows) = self.made(id) else { return Vec::new() };
        let table = self.schema.table(id);
        let copied_below = self.copied_from(id, rules);
        let own = rules.table(id);
        let open = |column: &ColumnId| {
            self.is_attribute(id, *column) && !own.is_settled(*column) && !copied_below.contains(column)
        };
        let mut targets: Vec<ColumnId> = table.iter().map(|(column, _)| column).filter(open).collect();
        let mut found = Vec::new();
        for (child, foreign_key, fk) in self.schema.foreign_keys().filter(|(_, _, fk)| fk.parent == id) {
            let role = self.plan.table(child).links[foreign_key.0];
            let usable = match role {
                LinkRole::Context | LinkRole::Link => child != id,
                LinkRole::SelfReference => fk.when().is_none(),
                LinkRole::Conditional | LinkRole::Deferred | LinkRole::Dangling => false,
            };
            let Some(below) = self.made(child).filter(|_| usable) else { continue };
            let (Some(links), Some(fan_out)) =
                (below.links.get(foreign_key.0), below.fan_out.get(foreign_key.0))
            else {
                continue;
            };
            let parents = rows.data.row_count;
            // Of a forest only what was read is counted: it must be all there is.
            let whole = below.data.row_count as u64 == below.total_rows;
            if fan_out.len() != parents || fk.parent == child && !whole {
                continue;
            }
            let seen = links.fan_out(parents);
            let inherits = |column: ColumnId| {
                rules
                    .table(child)
                    .inherited
                    .iter()
                    .any(|rule| rule.to == column && rule.path == [foreign_key])
            };
            let mut columns = self.readable(child);
            columns.retain(|column| !inherits(*column) && (child != id || !targets.contains(column)));
            let loans = loans[child.0].keep(|loan| loan.path[0] != foreign_key);
            let mut with_loans = below.data.clone();
            for (column, array) in loans.data.columns.iter().zip(&loans.data.arrays) {
                with_loans.set(*column, array.clone());
            }
            let offspring = Offspring {
                child,
                foreign_key,
                rows: &with_loans,
                columns,
                borrowed: loans.data.columns.clone(),
                kin: Kin::new(&links.parent, parents),
                complete: seen.iter().zip(fan_out).map(|(seen, all)| seen == all).collect(),
                in_order: role == LinkRole::Context,
            };
            let new = find_totals(rows.data, &targets, &offspring, rows.guard);
            targets.retain(|target| new.iter().all(|total| total.to != *target));
            found.extend(new);
        }
        found
    }

    /// The columns of a table that rows below it copy.
    fn copied_from(&self, id: TableId, rules: &Rules) -> BTreeSet<ColumnId> {
        let mut copied = BTreeSet::new();
        for (below, _) in self.schema.iter() {
            for rule in &rules.table(below).inherited {
                if rule.ancestor(self.schema, below) == id {
                    copied.extend(rule.how.from());
                }
            }
        }
        copied
    }

    /// Columns that all rows of an ancestor share, and times that an ancestor limits.
    fn debts(&self, id: TableId, rules: &Rules) -> Vec<Inherited> {
        let Some(rows) = self.made(id) else { return Vec::new() };
        let own = rules.table(id);
        let lines = self.lines(id);
        let mut found: Vec<Inherited> = Vec::new();
        let mut best: BTreeMap<ColumnId, (usize, Inherited)> = BTreeMap::new();
        for (path, _, line) in &lines {
            for to in self.free(id, own) {
                let Some(array) = rows.data.column(to) else { continue };
                let Some(ancestors) = shared(line, array) else { continue };
                // The fewest families say the most.
                let families = line.rows.iter().collect::<BTreeSet<_>>().len();
                if best.get(&to).is_none_or(|(fewest, _)| families < *fewest) {
                    let how = Inheritance::Shared;
                    best.insert(
                        to,
                        (families, Inherited { path: path.clone(), to, how, ancestors, beside: Vec::new() }),
                    );
                }
            }
        }
        found.extend(best.into_values().map(|(_, rule)| rule));
        for to in self.free(id, own) {
            let Some(array) = rows.data.column(to) else { continue };
            if found.iter().any(|rule| rule.to == to) {
                continue;
            }
            found.extend(self.limits_of(rules, to, array, &lines));
        }
        found
    }

    fn limits_of(
        &self,
        rules: &Rules,
        to: ColumnId,
        array: &ArrayRef,
        lines: &[(Vec<ForeignKeyId>, TableId, Line)],
    ) -> Vec<Inherited> {
        let mut found: Vec<Inherited> = Vec::new();
        for (path, ancestor, line) in lines {
            let Some(above) = self.tables[ancestor.0] else { continue };
            let totals = &rules.table(*ancestor).aggregates;
            let sources: Vec<ColumnId> = self
                .readable(*ancestor)
                .into_iter()
                .filter(|from| totals.iter().all(|total| total.to != *from))
                .collect();
            let both = sources.iter().filter_map(|from| Some((*from, above.data.column(*from)?)));
            let limits: Vec<(Inheritance, usize)> = both
                .flat_map(|(from, times)| {
                    [(true, Inheritance::NotBefore(from)), (false, Inheritance::NotAfter(from))]
                        .into_iter()
                        .filter_map(|(before, how)| Some((how, limit(line, array, times, before)?)))
                })
                // What the parent limits, the grandparent limits through it.
                .filter(|(how, _)| {
                    !found.iter().any(|rule| {
                        path.starts_with(&rule.path)
                            && std::mem::discriminant(&rule.how) == std::mem::discriminant(how)
                    })
                })
                .collect();
            let column = |id: ColumnId| above.data.column(id).cloned();
            found.extend(tightest(limits, &column).into_iter().map(|(how, ancestors)| Inherited {
                path: path.clone(),
                to,
                how,
                ancestors,
                beside: Vec::new(),
            }));
        }
        found
    }

    /// Relations between the columns of one row.
    fn inside(&self, id: TableId, rules: &TableRules, loans: &Loans) -> Vec<super::super::Rule> {
        let Some(rows) = self.made(id) else { return Vec::new() };
        let table = self.schema.table(id);
        let positions = |column: ColumnId| rules.positions.iter().any(|position| position.column == column);
        let free = |column: ColumnId| self.is_attribute(id, column) && !positions(column);
        // Text is written, not computed, unless it is a label; but it is there or not, and may say so of others.
        let textual = |column: ColumnId| table.column(column).data_type.storage() == Storage::Text;
        let mut settled: BTreeSet<ColumnId> = rules.settled().into_iter().collect();
        // What is carried over must not lead back to itself inside the row.
        settled.extend(rules.carried.iter().flat_map(Carried::sources));
        let mut found = self.dates(id, rows, &free, &settled);
        settled.extend(found.iter().filter_map(super::super::Rule::computes));
        let told =
            rows.data.select(|column| free(column) && (!textual(column) || rows.labels.contains(&column)));
        found.extend(discover_beside(&told, &loans.data, &settled, rows.guard));
        let mut fixed = settled;
        fixed.extend(table.iter().filter(|(_, column)| !column.nullable).map(|(column, _)| column));
        let nulls = discover_nulls(&rows.data.select(free), &fixed, &found, rows.guard);
        found.extend(nulls);
        // A total goes up and down with what is added to it, whichever is larger.
        let at_odds = |low: &ColumnId, high: &ColumnId| {
            let both = |rule: &Carried| {
                let sources = rule.sources();
                (rule.to == *low && sources.contains(high)) || (rule.to == *high && sources.contains(low))
            };
            rules.carried.iter().any(|rule| matches!(rule.how, Carry::Running { .. }) && both(rule))
        };
        found.retain(
            |rule| !matches!(rule, super::super::Rule::Ordering { low, high, .. } if at_odds(low, high)),
        );
        found
    }
}

impl Observed<'_> {
    /// The columns of a table that are parts of its dates. A date may be a key: its parts follow where it is moved.
    fn dates(
        &self,
        id: TableId,
        rows: ObservedTable<'_>,
        free: &dyn Fn(ColumnId) -> bool,
        settled: &BTreeSet<ColumnId>,
    ) -> Vec<super::super::Rule> {
        let table = self.schema.table(id);
        let key_date = |column: ColumnId| {
            self.plan.table(id).columns[column.0] == ColumnRole::KeyAttribute
                && matches!(table.column(column).data_type.storage(), Storage::Date | Storage::Timestamp)
        };
        let spelled = |column: ColumnId| {
            let data_type = &table.column(column).data_type;
            // What a type or a CHECK lists is not spelled by a calendar.
            !matches!(data_type, DataType::Enum { .. } | DataType::Native { .. })
        };
        let seen = rows.data.select(|column| free(column) && spelled(column) || key_date(column));
        let mut given = settled.clone();
        given.extend(seen.columns.iter().copied().filter(|column| key_date(*column)));
        discover_dates(&seen, &given, rows.guard)
    }
}

fn in_key(table: &Table, column: ColumnId) -> bool {
    table.keys().any(|key| key.columns.contains(&column))
}

impl Inherited {
    /// The table its path leads to, from the table `below` that has the rule.
    #[must_use]
    pub fn ancestor(&self, schema: &Schema, below: TableId) -> TableId {
        ancestor_along(schema, below, &self.path)
    }
}

/// The table that a path of foreign keys leads to.
#[must_use]
pub fn ancestor_along(schema: &Schema, below: TableId, path: &[ForeignKeyId]) -> TableId {
    path.iter().fold(below, |at, fk| schema.table(at).foreign_keys[fk.0].parent)
}
