//! Walks the plan and generates every table: structure, tokens, values, keys, links; hands out rows.
//!
//! A table's rows are complete, repaired and counted before any of its children is generated, so that no
//! child ever refers to a row that is dropped later. Only columns that sum up children are overwritten once those are
//! there; such a table waits for its children before it is handed out. A large table that waits for nothing is handed
//! out while it is made, block by block.

mod balance;
mod blocks;
mod candidates;
mod carried;
mod checks;
mod clock;
mod completion;
mod conditions;
mod draft;
mod fixed_keys;
mod generated;
mod joint;
mod judged;
mod judged_links;
mod keys;
mod kin;
mod learned_link;
mod leaves;
mod links;
mod outlet;
mod ranked;
mod referable;
mod references;
mod regular;
mod relink;
mod rows;
mod separate;
mod shard;
mod spacing;
mod suspects;
mod totals;
mod trials;
mod unique;
mod waiting;

pub use blocks::BLOCK_ROWS;
pub use completion::Filled;
pub use conditions::check_conditions;
pub use judged::{Answer, Suspect};
pub use outlet::{Outlet, Piece, Unjudged};
pub use shard::Shard;
pub use suspects::{computes_in_vain, uncertain_columns};

use std::{sync::Arc, time::Instant};

use crate::{
    conditioning::{RowGraph, RowGraphTable},
    config::TableMode,
    data::{Families, Links, TableData},
    finding::Finding,
    generator::GeneratorError,
    model::{Model, TableModel},
    plan::LinkRole,
    progress::{Event, Progress, interrupted},
    rules::Condition,
    sample::{draft::Draft, waiting::Waiting},
    schema::{ColumnId, ForeignKeyId, TableId},
    seed::Seed,
    structure::StructureError,
};

/// Why sampling stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SampleError {
    /// A generator failed.
    #[error(transparent)]
    Generator(#[from] GeneratorError),
    /// The structure of a table cannot be drawn.
    #[error("table {table}: {source}")]
    Structure {
        /// The table.
        table: String,
        /// Why.
        source: StructureError,
    },
    /// Nobody takes the rows any more (the load failed).
    #[error("the load stopped")]
    Closed,
    /// The run was interrupted.
    #[error("interrupted")]
    Interrupted,
}

/// How much to generate.
#[derive(Debug, Clone, Copy)]
pub struct SampleOptions<'a> {
    /// The one seed.
    pub seed: Seed,
    /// Synthetic rows per real row.
    pub scale: f64,
    /// Rows asked for, by `TableId`, where said.
    pub rows: &'a [Option<u64>],
    /// What the rows of some tables must meet, at most one entry per table.
    pub conditions: &'a [Condition],
    /// True to let the target judge every constraint, also those that can be decided here: twice the work, and needed
    /// only where it has refused what was thought to hold.
    pub judge_all: bool,
    /// Rows that a large table is generated at a time ([`BLOCK_ROWS`]). The rows of such a table depend on it.
    pub block_rows: usize,
    /// The share of the rows to hand out.
    pub shard: Shard,
}

impl<'a> SampleOptions<'a> {
    /// As many rows as the source has, or as `rows` says by `TableId`, without conditions.
    #[must_use]
    pub fn new(seed: Seed, rows: &'a [Option<u64>]) -> Self {
        Self {
            seed,
            scale: 1.0,
            rows,
            conditions: &[],
            judge_all: false,
            block_rows: BLOCK_ROWS,
            shard: Shard::WHOLE,
        }
    }
}

/// What was generated of a table.
#[derive(Debug, Clone, Copy, Default)]
pub struct TableSample {
    /// Rows handed out.
    pub rows: u64,
    /// Seconds spent.
    pub seconds: f64,
}

/// What was generated.
#[derive(Debug, Clone, Default)]
pub struct SampleSummary {
    /// One entry per table, by `TableId`.
    pub tables: Vec<TableSample>,
    /// What was filled of completed columns.
    pub filled: Vec<Filled>,
    /// Repairs and what could not be drawn.
    pub findings: Vec<Finding>,
}

/// Generates every table of a model, parents first.
///
/// # Errors
/// [`SampleError`] if a generator fails, the outlet closes or the run is interrupted.
pub fn sample(
    model: &Model,
    options: SampleOptions<'_>,
    outlet: &mut dyn Outlet,
    progress: &dyn Progress,
) -> Result<SampleSummary, SampleError> {
    progress.event(&Event::StageStarted { stage: "sample" });
    let count = model.schema.tables.len();
    let mut sampler = Sampler {
        model,
        options,
        graph: RowGraph { tables: (0..count).map(|_| None).collect() },
        keys: (0..count).map(|_| None).collect(),
        wanted: kin::wanted_columns(model),
        waiting: Vec::new(),
        of_own_blocks: Vec::new(),
        ranks: Vec::new(),
        decided: (0..count).map(|_| Vec::new()).collect(),
        summary: SampleSummary {
            tables: vec![TableSample::default(); count],
            filled: Vec::new(),
            findings: Vec::new(),
        },
        progress,
    };
    for id in model.plan.order() {
        if interrupted() {
            return Err(SampleError::Interrupted);
        }
        match model.plan.table(id).mode {
            TableMode::Skip => {}
            TableMode::Structure => outlet.done(id)?,
            TableMode::Synthesize | TableMode::Copy => sampler.generate(id, outlet)?,
        }
    }
    // Nothing waits for anything any more; were it otherwise, rows that do not add up are better than none.
    for waiting in std::mem::take(&mut sampler.waiting) {
        sampler.hand_out(&waiting, outlet)?;
    }
    progress.event(&Event::StageFinished { stage: "sample" });
    let Sampler { mut summary, of_own_blocks, .. } = sampler;
    // Every shard finds out the same about rows that all of them draw: one of them tells.
    if options.shard.index() > 0 {
        summary.findings.clear();
    }
    summary.findings.extend(of_own_blocks);
    Ok(summary)
}

struct Sampler<'a> {
    model: &'a Model,
    options: SampleOptions<'a>,
    /// What children hear of the rows generated so far.
    graph: RowGraph,
    /// Columns that foreign keys or rules of other tables refer to, per generated table.
    keys: Vec<Option<TableData>>,
    /// Per table, the columns that rules of other tables read.
    wanted: Vec<Vec<ColumnId>>,
    /// Tables not handed out yet: deferred links wait for their parents, totals for the children.
    waiting: Vec<Waiting>,
    /// Where the rows of the table that is generated in blocks stand in the order of a key, per key with a clock.
    ranks: Vec<(ColumnId, Vec<u32>)>,
    /// Per table, what combinations of determinants have.
    decided: Vec<Vec<joint::Decided>>,
    /// What is to be said of blocks that only this shard draws.
    of_own_blocks: Vec<Finding>,
    summary: SampleSummary,
    progress: &'a dyn Progress,
}

impl Sampler<'_> {
    fn generate(&mut self, id: TableId, outlet: &mut dyn Outlet) -> Result<(), SampleError> {
        let started = Instant::now();
        let name = self.model.schema.table(id).name.to_string();
        self.progress.event(&Event::TableStarted { stage: "sample", table: name.clone(), total: None });
        let model = self.model;
        let (draft, handed_over) = match model.table(id) {
            Some(table) => match &table.copied {
                Some(rows) => (self.copy(id, table, rows)?, false),
                None => self.synthesize(id, table, outlet)?,
            },
            None => (Draft::empty(model.schema.table(id)), false),
        };
        self.remember(id, &draft);
        self.summary.tables[id.0].seconds = started.elapsed().as_secs_f64();
        if !handed_over {
            let done = draft.row_count() as u64;
            self.progress.event(&Event::TableAdvanced { stage: "sample", table: name.clone(), done });
        }
        self.progress.event(&Event::TableFinished { stage: "sample", table: name });
        let totals = self.generated(id).map_or(0, |table| table.facts.rules.aggregates.len());
        self.waiting.push(Waiting { id, draft, handed_over, totals: vec![None; totals] });
        self.settle(outlet)
    }

    /// Keeps what children and later links need of a finished table.
    fn remember(&mut self, id: TableId, draft: &Draft) {
        let columns = self.referenced_columns(id);
        self.keys[id.0] = Some(draft.data.select(|column| columns.contains(&column)));
        self.graph.tables[id.0] = Some(RowGraphTable {
            rows: Arc::new(draft.tokens.clone()),
            families: Arc::new(draft.families.clone()),
            known_families: Arc::new(vec![true; draft.parent_count]),
            links: draft.links.clone(),
        });
    }

    /// Columns of a table that rows of other tables read.
    fn referenced_columns(&self, id: TableId) -> Vec<ColumnId> {
        let keys = self.model.schema.foreign_keys().filter(|(_, _, fk)| fk.parent == id);
        let mut columns: Vec<ColumnId> = keys
            .flat_map(|(_, _, fk)| fk.parent_columns.iter().copied())
            .chain(self.counted_from(id))
            .chain(self.wanted[id.0].iter().copied())
            .collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Columns of a table that stay when its rows are handed out: what others read, and what totals are made of.
    fn kept_columns(&self, id: TableId) -> Vec<ColumnId> {
        let tables = self.model.tables.iter().flatten();
        let totals = tables.flat_map(|table| &table.facts.rules.aggregates).filter(|total| total.child == id);
        let mut columns = self.referenced_columns(id);
        columns.extend(totals.flat_map(|total| total.function.reads()));
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Columns of a table that times of its children are counted from.
    fn counted_from(&self, id: TableId) -> Vec<ColumnId> {
        let model = self.model;
        let children = (0..model.schema.tables.len()).map(TableId).filter(|child| {
            let context = model.plan.table(*child).context;
            context.is_some_and(|fk| model.schema.table(*child).foreign_keys[fk.0].parent == id)
        });
        children
            .filter_map(|child| model.table(child))
            .flat_map(|child| &child.facts.codecs)
            .filter_map(|(_, codec)| codec.counted_from_parent())
            .collect()
    }

    /// The model of a table whose rows are generated, not copied.
    fn generated(&self, id: TableId) -> Option<&TableModel> {
        self.model.table(id).filter(|model| model.copied.is_none())
    }

    /// Takes the rows of a copied table as they are; only its child counts are generated.
    fn copy(&mut self, id: TableId, model: &TableModel, rows: &TableData) -> Result<Draft, SampleError> {
        let plan = self.model.plan.table(id);
        let mut draft = Draft::empty(self.model.schema.table(id));
        draft.data = rows.clone();
        for (index, fk) in self.model.schema.table(id).foreign_keys.iter().enumerate() {
            let parents = if fk.parent == id { Some(rows) } else { self.keys[fk.parent.0].as_ref() };
            draft.links[index] =
                Links { parent: links::find_parents(self.model.schema.table(id), fk, rows, parents) };
        }
        if let Some(context) = plan.context {
            let parent = self.model.schema.table(id).foreign_keys[context.0].parent;
            draft.parent_count = self.keys[parent.0].as_ref().map_or(0, |keys| keys.row_count);
            let mut counts = draft.links[context.0].fan_out(draft.parent_count);
            let orphans = rows.row_count - counts.iter().sum::<u32>() as usize;
            counts.extend(std::iter::repeat_n(1, orphans));
            draft.families = Families::from_counts(&counts);
        } else {
            draft.families = Families::singletons(rows.row_count);
        }
        self.fill_generated(id, model, &mut draft);
        if model.completed.is_empty() {
            self.copied_tokens(id, model, &mut draft)?;
        } else {
            self.complete(id, model, &mut draft)?;
        }
        Ok(draft)
    }

    /// Generates the rows of a table. True if they were handed out on the way; the draft then holds what later tables
    /// read.
    fn synthesize(
        &mut self,
        id: TableId,
        model: &TableModel,
        outlet: &mut dyn Outlet,
    ) -> Result<(Draft, bool), SampleError> {
        let mut draft = self.lay_out(id, model)?;
        self.fill_generated(id, model, &mut draft);
        if draft.row_count() == 0 {
            self.leave_empty(id, model, &mut draft);
            return Ok((draft, false));
        }
        self.sample_link_tokens(id, model, &mut draft)?;
        let roles = &self.model.plan.table(id).links;
        for (index, role) in roles.iter().enumerate() {
            match role {
                LinkRole::Context => self.fill_link(id, ForeignKeyId(index), &mut draft),
                LinkRole::Dangling => draft.links[index] = Links::absent(draft.row_count()),
                _ => {}
            }
        }
        for (index, role) in roles.iter().enumerate() {
            if *role == LinkRole::Link {
                self.draw_link(id, model, ForeignKeyId(index), &mut draft);
            }
        }
        self.relink(id, model, &mut draft);
        self.decide(id, model, &mut draft)?;
        if self.in_blocks(id, model, &draft) {
            return Ok((self.sample_blocks(id, model, &draft, outlet)?, true));
        }
        self.finish_rows(id, model, &mut draft, outlet)?;
        Ok((draft, false))
    }

    /// Draws the rows of a structure and makes every constraint hold that binds them.
    fn finish_rows(
        &mut self,
        id: TableId,
        model: &TableModel,
        draft: &mut Draft,
        outlet: &mut dyn Outlet,
    ) -> Result<(), SampleError> {
        let roles = &self.model.plan.table(id).links;
        self.sample_rows(id, model, draft)?;
        self.balance_counts(id, model, draft);
        self.make_values(id, model, draft);
        for (index, role) in roles.iter().enumerate() {
            let binds_all = self.model.schema.table(id).foreign_keys[index].when().is_none();
            if *role == LinkRole::SelfReference && binds_all {
                self.draw_link(id, model, ForeignKeyId(index), draft);
            }
        }
        self.fix_keys(id, model, draft);
        self.settle_generated(id, model, draft);
        self.mend_checks(id, model, draft);
        self.make_unique(id, model, draft);
        self.follow(id, model, draft);
        if !roles.contains(&LinkRole::Deferred) {
            rows::fill_missing_columns(self.model.schema.table(id), draft);
            self.settle_checks(id, model, draft, true);
            self.draw_references(id, model, draft, true);
        }
        self.drop_unmet(id, draft);
        self.separate_spans(id, model, draft);
        self.follow(id, model, draft);
        self.settle_suspects(id, model, draft, outlet)?;
        self.follow(id, model, draft);
        Ok(())
    }
}
