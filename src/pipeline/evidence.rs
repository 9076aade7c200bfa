//! What a report shows of the rows: real ones as they were learnt from, synthetic ones as they were handed out.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::cast::AsArray;
use serde::Serialize;

use crate::{
    config::{Config, TableMode, TableSettings},
    data::{Links, TableData},
    evaluate::{
        Scorecard, Side, Terms, examine,
        figures::{Figures, Guard},
    },
    model::Model,
    pipeline::{TableRule, learn::rules_of},
    plan::{Plan, settings},
    privacy::map_links,
    schema::{Schema, TableId},
    semantic::{Meaning, detect, detect_by_name, detect_number},
    snapshot::{Snapshot, TableSnapshot},
};

/// Most generated rows of a table that are kept to be looked at: as many as are learnt from by default.
const MOST_KEPT: usize = 200_000;
/// Most entities above `k` that value protection asks for, by its noise: a report shows what all thresholds keep.
const MOST_NOISE: usize = 2;

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
    pub(super) fn of_rows(model: &Model, real: &RealRows, made: Gathered, config: &Config) -> Self {
        let (schema, plan) = (&model.schema, &model.plan);
        let real_side = real.side(schema);
        let mut partial = made.partial();
        partial.extend(&real.partial);
        let with_rows =
            |id: &TableId| matches!(plan.table(*id).mode, TableMode::Synthesize | TableMode::Copy);
        let skipped = schema.iter().map(|(id, _)| id).filter(|id| !with_rows(id)).collect();
        let terms = Terms { seed: config.seed, skipped, partial, ..Terms::default() };
        // They fitted the schema when the run began.
        let settings = settings(schema, config).unwrap_or_default();
        let guard = guard(plan, &real_side, &settings, config);
        let (card, figures) = examine(&real_side, &made.side(schema), None, &terms, &guard);
        Self { scorecard: Some(card), figures: Some(figures), rules: rules_of(model) }
    }
}

/// The rows that were learnt from, kept to be shown.
pub(super) struct RealRows {
    snapshot: Snapshot,
    /// Tables of which only a part was read.
    partial: BTreeSet<TableId>,
}

impl RealRows {
    /// Arrays are shared with the snapshot, not copied.
    pub(super) fn new(snapshot: Snapshot, config: &Config) -> Self {
        let is_large = |table: &Option<TableSnapshot>| {
            table.as_ref().is_some_and(|table| table.total_rows > config.training_rows)
        };
        let large = snapshot.tables.iter().enumerate().filter(|(_, table)| is_large(table));
        Self { partial: large.map(|(index, _)| TableId(index)).collect(), snapshot }
    }

    fn side<'a>(&self, schema: &'a Schema) -> Side<'a> {
        let empty = || (TableData::bare(0), Vec::new());
        let (tables, links) = (self.snapshot.tables.iter())
            .map(|table| table.as_ref().map_or_else(empty, |table| (table.data.clone(), table.links.clone())))
            .unzip();
        Side { schema, tables, links: Some(links) }
    }
}

/// What a report must not show of a real side whose links are known.
pub(super) fn guard(
    plan: &Plan,
    real: &Side<'_>,
    settings: &BTreeMap<TableId, TableSettings>,
    config: &Config,
) -> Guard {
    let mut personal = BTreeSet::new();
    for (id, table) in real.schema.iter() {
        for (column, described) in table.iter() {
            let setting = settings.get(&id).and_then(|known| known.columns.get(&described.name));
            let said = setting.and_then(|word| Meaning::parse(word));
            let is_personal = match (said, real.tables.get(id.0).and_then(|rows| rows.column(column))) {
                (Some(meaning), _) => meaning.is_personal(),
                (None, Some(values)) => {
                    let by_values = match values.as_string_opt::<i32>() {
                        Some(_) => Some(detect(table, column, values, None)),
                        None => {
                            detect_number(table, column, values).or_else(|| detect_by_name(table, column))
                        }
                    };
                    by_values.is_some_and(|found| found.meaning.is_personal())
                }
                (None, None) => false,
            };
            if is_personal {
                personal.insert((id, column));
            }
        }
    }
    let links = real.links.as_deref().unwrap_or_default();
    let rows: Vec<Option<(usize, &[Links])>> = (real.tables.iter().enumerate())
        .map(|(index, table)| Some((table.row_count, links.get(index).map_or(&[][..], Vec::as_slice))))
        .collect();
    let entities = map_links(real.schema, plan, &rows);
    let units = (entities.tables.into_iter().enumerate())
        .filter_map(|(index, entities)| Some((TableId(index), entities?.of_row)))
        .collect();
    let least = config.privacy.k as usize + MOST_NOISE;
    Guard { least, personal, units }
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
