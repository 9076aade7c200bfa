//! Large tables are generated in table blocks: a run of whole families at a time, from their tokens to the rows that
//! are handed out, so that rows are loaded while the next ones are made and few of them are held at once.
//!
//! The structure (how many rows, which parents) is drawn for the whole table before: it is small, and its totals are
//! exact. What stays of a block is what later tables read: tokens, links, keys. A table qualifies if no constraint
//! and no rule of it looks from one block into another.

use std::{ops::Range, sync::Arc};

use crate::{
    codec::EncodedTable,
    data::{Families, Links, TableData},
    finding::Finding,
    model::{Model, TableModel},
    plan::{ColumnRole, LinkRole},
    progress::{Event, interrupted},
    rules::{Inheritance, Inherited},
    sample::{
        Outlet, Piece, SampleError, Sampler, Shard,
        clock::ranks,
        draft::Draft,
        joint::{KnownTokens, reads_row},
    },
    schema::{ColumnId, ForeignKeyId, TableId, UniqueKey},
};

/// Rows of a block, about: its last family is whole. See [`crate::sample::SampleOptions::block_rows`].
pub const BLOCK_ROWS: usize = 1 << 16;

/// Where a draft's rows stand in their table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The block's number; `None` for a table generated in one piece.
    pub(super) block: Option<usize>,
    /// True if one shard draws these rows and the others do not.
    alone: bool,
    /// Rows of the table before these.
    pub(super) first_row: usize,
    /// Families of the table before these.
    pub(super) first_family: usize,
}

impl Place {
    /// The part of a random stream's name that tells blocks of a table apart.
    pub(super) fn of(self, table: &impl std::fmt::Display) -> String {
        self.block.map_or_else(|| table.to_string(), |block| format!("{table}/block {block}"))
    }

    /// Names a chunk of these rows; `None` if another shard hands it out.
    pub(super) fn piece(self, table: TableId, chunk: usize, shard: Shard) -> Option<Piece> {
        let (block, chunk) = (self.block.unwrap_or(0) as u64, chunk as u64);
        (self.alone || shard.owns(block + chunk)).then_some(Piece { table, number: block << 32 | chunk })
    }
}

impl Draft {
    /// The rows of some families, with all that is decided of them.
    fn block(&self, number: usize, families: Range<usize>, alone: bool) -> Self {
        let offsets = &self.families.offsets[families.start..=families.end];
        let rows = offsets[0] as usize..offsets[offsets.len() - 1] as usize;
        let tokens = self.tokens.tokens.iter().map(|column| column[rows.clone()].to_vec()).collect();
        let part =
            |values: &[u32]| if values.is_empty() { Vec::new() } else { values[rows.clone()].to_vec() };
        Self {
            families: Families { offsets: offsets.iter().map(|offset| offset - offsets[0]).collect() },
            parent_count: self.parent_count.min(families.end).saturating_sub(families.start),
            links: self.links.iter().map(|links| Links { parent: part(&links.parent) }).collect(),
            present: (self.present.iter())
                .map(|present| if present.is_empty() { Vec::new() } else { present[rows.clone()].to_vec() })
                .collect(),
            tokens: EncodedTable {
                sub_columns: self.tokens.sub_columns.clone(),
                tokens,
                row_count: rows.len(),
            },
            times: Vec::new(),
            known: (self.known.iter())
                .map(|known| KnownTokens { tokens: known.tokens[rows.clone()].to_vec(), ..known.clone() })
                .collect(),
            data: self.data.slice(rows.start, rows.len()),
            place: Place { block: Some(number), alone, first_row: rows.start, first_family: families.start },
        }
    }
}

/// False if a rule binds rows of several families: one value for all rows of an ancestor that is not the parent itself,
/// unless the value is drawn before the rows are.
fn holds_by_family(rule: &Inherited, context: Option<ForeignKeyId>) -> bool {
    if !rule.beside.is_empty() {
        return !reads_row(rule);
    }
    !matches!(rule.how, Inheritance::Shared) || context.is_some_and(|context| rule.path == [context])
}

/// Splits families into runs of about `rows` rows each.
fn runs(families: &Families, rows: usize) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut start = 0;
    while start < families.len() {
        let full = families.offsets[start] as usize + rows;
        let end = families.offsets.partition_point(|offset| (*offset as usize) < full).min(families.len());
        // A family of its own size fills a block alone.
        let end = end.max(start + 1);
        runs.push(start..end);
        start = end;
    }
    runs
}

/// What stays of the blocks of a table.
struct Kept {
    counts: Vec<u32>,
    data: Vec<TableData>,
    links: Vec<Links>,
    tokens: Option<EncodedTable>,
}

impl Kept {
    /// Keeps what later tables read of a finished block.
    fn add(&mut self, block: Draft, columns: &[ColumnId]) {
        self.counts.extend((0..block.families.len()).map(|family| block.families.rows(family).len() as u32));
        if block.tokens.row_count == 0 {
            return;
        }
        // Repairs may have set columns in another order.
        let held = columns.iter().filter_map(|column| Some((*column, block.data.column(*column)?.clone())));
        let (held, arrays) = held.unzip();
        let mut data = TableData::new(held, arrays, block.data.row_count);
        for column in columns {
            if let Some(texts) = block.data.exact(*column) {
                data.set_exact(*column, Arc::new(texts.clone()));
            }
        }
        self.data.push(data);
        for (all, links) in self.links.iter_mut().zip(block.links) {
            all.parent.extend(links.parent);
        }
        match &mut self.tokens {
            None => self.tokens = Some(block.tokens),
            Some(all) => {
                all.row_count += block.tokens.row_count;
                for (all, tokens) in all.tokens.iter_mut().zip(block.tokens.tokens) {
                    all.extend(tokens);
                }
            }
        }
    }
}

impl Sampler<'_> {
    /// True if blocks of a table can be generated one after the other, each blind to the others.
    pub(super) fn in_blocks(&self, id: TableId, model: &TableModel, draft: &Draft) -> bool {
        let table = self.model.schema.table(id);
        let plan = self.model.plan.table(id);
        let rules = &model.facts.rules;
        let plain_link =
            |role: &LinkRole| matches!(role, LinkRole::Context | LinkRole::Link | LinkRole::Dangling);
        let plain_key = |column: &ColumnId| table.column(*column).generated.is_none();
        let fixed = |column: ColumnId| {
            plan.columns[column.0] == ColumnRole::SurrogateKey && !rules.key_constants(column).is_empty()
        };
        draft.row_count() / 2 >= self.options.block_rows
            && !self.options.judge_all
            && self.condition(id).is_none()
            && plan.links.iter().all(plain_link)
            && table.foreign_keys.iter().all(|fk| fk.when().is_none() && fk.columns.iter().all(plain_key))
            && rules.aggregates.is_empty()
            && rules.ranked.iter().all(|rule| self.places_hold_by_family(id, rule))
            && rules.inherited.iter().all(|rule| holds_by_family(rule, plan.context))
            && table.exclusions.is_empty()
            && table.keys().all(|key| self.holds_by_block(id, key))
            // Siblings of one block differ, but not all rows.
            && rules.differing.iter().all(|key| key.columns.len() > 1)
            && !table.iter().any(|(column, _)| fixed(column))
            && model.facts.counts.iter().all(|count| !self.is_balanced(id, count))
    }

    /// True if rows of different families never clash on a key: it numbers the rows, or holds the parent's key.
    fn holds_by_block(&self, id: TableId, key: &UniqueKey) -> bool {
        let table = self.model.schema.table(id);
        let plan = self.model.plan.table(id);
        let numbered = |column: &ColumnId| plan.columns[column.0] == ColumnRole::SurrogateKey;
        let of_parent = plan.context.is_some_and(|context| {
            let fk = &table.foreign_keys[context.0];
            fk.undeclared.is_none() && fk.columns.iter().all(|column| key.columns.contains(column))
        });
        key.columns.iter().any(numbered) || of_parent && !key.nulls_not_distinct
    }

    /// True if nothing that is generated later reads rows of a table: no child, no cousin, no total, no rule.
    fn is_read_by_none(&self, id: TableId) -> bool {
        let Model { schema, plan, .. } = self.model;
        let above = |table: TableId| {
            plan.table(table).context.map(|context| schema.table(table).foreign_keys[context.0].parent)
        };
        let mut later = plan.order().skip_while(|other| *other != id).skip(1);
        let cousins = above(id).is_some_and(|parent| later.any(|other| above(other) == Some(parent)));
        let mut tables = self.model.tables.iter().flatten();
        let added_up = tables.any(|table| table.facts.rules.aggregates.iter().any(|total| total.child == id));
        let children = schema.foreign_keys().any(|(_, _, fk)| fk.parent == id);
        !cousins && !added_up && !children && self.kept_columns(id).is_empty()
    }

    /// Generates a table whose structure is drawn block by block, and hands the rows out. Returns what later tables
    /// read of it. Blocks that nobody reads are left to the shard that has to hand them out.
    pub(super) fn sample_blocks(
        &mut self,
        id: TableId,
        model: &TableModel,
        draft: &Draft,
        outlet: &mut dyn Outlet,
    ) -> Result<Draft, SampleError> {
        let alone = self.is_read_by_none(id);
        let columns = self.kept_columns(id);
        let mut kept = Kept {
            counts: Vec::with_capacity(draft.families.len()),
            data: Vec::new(),
            links: vec![Links::default(); draft.links.len()],
            tokens: None,
        };
        let runs = runs(&draft.families, self.options.block_rows);
        let sizes: Vec<usize> = (runs.iter())
            .map(|run| (draft.families.offsets[run.end] - draft.families.offsets[run.start]) as usize)
            .collect();
        let clocks = self.clocks(id).iter();
        self.ranks = clocks.map(|clock| (clock.key, ranks(*clock, draft, &sizes))).collect();
        let before = self.summary.findings.len();
        for (number, families) in runs.into_iter().enumerate() {
            if interrupted() {
                return Err(SampleError::Interrupted);
            }
            if alone && !self.options.shard.owns(number as u64) {
                continue;
            }
            let mut block = draft.block(number, families, alone);
            if block.row_count() > 0 {
                self.finish_rows(id, model, &mut block, outlet)?;
                self.hand_over(id, &block, outlet)?;
                let table = self.model.schema.table(id).name.to_string();
                let done = block.row_count() as u64;
                self.progress.event(&Event::TableAdvanced { stage: "sample", table, done });
            }
            if !alone {
                kept.add(block, &columns);
            }
        }
        self.ranks = Vec::new();
        let told = Finding::summed(self.summary.findings.split_off(before));
        if alone {
            self.of_own_blocks.extend(told);
            return Ok(Draft::empty(self.model.schema.table(id)));
        }
        self.summary.findings.extend(told);
        Ok(Draft {
            families: Families::from_counts(&kept.counts),
            parent_count: draft.parent_count,
            links: kept.links,
            present: Vec::new(),
            known: Vec::new(),
            tokens: kept.tokens.unwrap_or_else(|| EncodedTable::empty(0)),
            times: Vec::new(),
            data: TableData::concat(&kept.data).unwrap_or_else(|| TableData::bare(0)),
            place: Place::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Inheritance, Inherited, holds_by_family, runs};
    use crate::{
        data::Families,
        schema::{ColumnId, ForeignKeyId},
    };

    #[test]
    fn one_value_for_the_rows_of_another_ancestor_looks_across_families() {
        let shared = |path: &[usize], how| {
            let path = path.iter().map(|fk| ForeignKeyId(*fk)).collect();
            Inherited { to: ColumnId(3), path, how, ancestors: 50, beside: Vec::new() }
        };
        let holds = |rule: &Inherited| holds_by_family(rule, Some(ForeignKeyId(0)));

        assert!(holds(&shared(&[0], Inheritance::Shared)));
        assert!(!holds(&shared(&[1], Inheritance::Shared)), "rows of a product are in many orders");
        assert!(!holds(&shared(&[0, 0], Inheritance::Shared)), "a customer has many orders");
        assert!(holds(&shared(&[1], Inheritance::Copy(ColumnId(0)))));
        assert!(!holds_by_family(&shared(&[1], Inheritance::Shared), None));
    }

    #[test]
    fn runs_hold_whole_families_and_every_one_of_them() {
        let families = Families::from_counts(&[3, 0, 9, 1, 1, 0]);

        assert_eq!(runs(&families, 4), vec![0..3, 3..6]);
        assert_eq!(runs(&families, 1), vec![0..1, 1..3, 3..4, 4..5, 5..6]);
        assert!(runs(&Families::from_counts(&[]), 4).is_empty());
    }
}
