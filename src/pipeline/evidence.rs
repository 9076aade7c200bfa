//! What a report shows of the rows: real ones as they were learnt from, synthetic ones as they were handed out.

use std::collections::BTreeSet;

use arrow_array::cast::AsArray;
use serde::Serialize;

use crate::{
    config::{Config, TableMode, TableSettings},
    data::TableData,
    evaluate::{
        Scorecard, Side, Terms, examine,
        figures::{Figures, Guard},
    },
    model::Model,
    pipeline::{TableRule, learn::rules_of},
    plan::settings,
    schema::{Schema, TableId},
    semantic::{Meaning, detect},
    snapshot::Snapshot,
};

/// Most generated rows of a table that are kept to be looked at: as many as are learnt from by default.
const MOST_KEPT: usize = 200_000;

/// What a report shows of the rows. Asked for by [`Config::evidence`].
#[derive(Debug, Clone, Default, Serialize)]
pub struct Evidence {
    /// The scores; `None` if there were no real rows.
    pub scorecard: Option<Scorecard>,
    /// What is drawn; `None` if there were no real rows.
    pub figures: Option<Figures>,
    /// Relations that the model keeps.
    pub rules: Vec<TableRule>,
}

impl Evidence {
    /// What a model alone shows.
    pub(super) fn of_model(model: &Model) -> Self {
        Self { rules: rules_of(model), ..Self::default() }
    }

    /// What a model shows together with the rows it learnt from and those it made.
    pub(super) fn of_rows(model: &Model, real: &Snapshot, made: Gathered, config: &Config) -> Self {
        let (schema, plan) = (&model.schema, &model.plan);
        let empty = || (TableData::bare(0), Vec::new());
        let (tables, links) = (real.tables.iter())
            .map(|table| table.as_ref().map_or_else(empty, |table| (table.data.clone(), table.links.clone())))
            .unzip();
        let real_side = Side { schema, tables, links: Some(links) };
        let mut partial = made.partial();
        partial.extend(schema.iter().map(|(id, _)| id).filter(|id| {
            real.table(*id).is_some_and(|table| table.total_rows > table.data.row_count as u64)
        }));
        let with_rows = |id: &TableId| matches!(plan.table(*id).mode, TableMode::Synthesize | TableMode::Copy);
        let skipped = schema.iter().map(|(id, _)| id).filter(|id| !with_rows(id)).collect();
        let terms = Terms { seed: config.seed, skipped, partial, ..Terms::default() };
        let guard = guard(schema, &real_side.tables, &settings_of(schema, config));
        let (card, figures) = examine(&real_side, &made.side(schema), None, &terms, &guard);
        Self { scorecard: Some(card), figures: Some(figures), rules: rules_of(model) }
    }
}

/// The settings of each column, where they fit the schema: they were checked long before.
fn settings_of(schema: &Schema, config: &Config) -> Vec<TableSettings> {
    let mut known = settings(schema, config).unwrap_or_default();
    schema.iter().map(|(id, _)| known.remove(&id).unwrap_or_default()).collect()
}

/// Which columns of real rows a report must not show.
pub(super) fn guard(schema: &Schema, real: &[TableData], settings: &[TableSettings]) -> Guard {
    let mut personal = BTreeSet::new();
    for (id, table) in schema.iter() {
        for (column, described) in table.iter() {
            let setting = settings.get(id.0).and_then(|known| known.columns.get(&described.name));
            let said = setting.and_then(|word| Meaning::parse(word));
            let is_personal = match (said, real.get(id.0).and_then(|rows| rows.column(column))) {
                (Some(meaning), _) => meaning.is_personal(),
                (None, Some(values)) => {
                    let is_text = values.as_string_opt::<i32>().is_some();
                    is_text && detect(table, column, values, None).meaning.is_personal()
                }
                (None, None) => false,
            };
            if is_personal {
                personal.insert((id, column));
            }
        }
    }
    Guard { personal, ..Guard::default() }
}

/// Generated rows, as they were handed out: the first ones of large tables.
#[derive(Default)]
pub(super) struct Gathered {
    /// Empty if nothing is to be kept.
    tables: Vec<GatheredTable>,
}

#[derive(Default, Clone)]
struct GatheredTable {
    batches: Vec<TableData>,
    kept: usize,
    seen: usize,
}

impl Gathered {
    /// Somewhere to keep the rows of so many tables.
    pub(super) fn new(tables: usize) -> Self {
        Self { tables: vec![GatheredTable::default(); tables] }
    }

    /// Takes rows; whole batches until there are enough.
    pub(super) fn take(&mut self, table: TableId, rows: &TableData) {
        let Some(table) = self.tables.get_mut(table.0) else { return };
        table.seen += rows.row_count;
        if table.kept < MOST_KEPT {
            table.kept += rows.row_count;
            table.batches.push(rows.clone());
        }
    }

    fn partial(&self) -> BTreeSet<TableId> {
        let cut = self.tables.iter().enumerate().filter(|(_, table)| table.kept < table.seen);
        cut.map(|(index, _)| TableId(index)).collect()
    }

    fn side(self, schema: &Schema) -> Side<'_> {
        let whole = |table: &GatheredTable| TableData::concat(&table.batches);
        let tables =
            self.tables.iter().map(|table| whole(table).unwrap_or_else(|| TableData::bare(0))).collect();
        Side { schema, tables, links: None }
    }
}
