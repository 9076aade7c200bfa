//! Fits every table of a snapshot: encode all, build the row graph, train side by side.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use rayon::prelude::*;

use crate::{
    codec::EncodedTable,
    conditioning::{Conditioning, Receiver, RowGraph, RowGraphTable},
    config::{Config, TableMode, TableSettings},
    data::Links,
    db::Blueprint,
    finding::Finding,
    generator::{GeneratorError, GeneratorSpec, TableGenerator, TrainingSet, specification},
    model::{
        Model, TableModel,
        encode::{Encoded, copied_rows, encode},
        relations::{discover_rules, find_anchors},
    },
    plan::Plan,
    progress::{Event, Progress},
    rules::Rules,
    schema::{Schema, TableId},
    snapshot::Snapshot,
};

/// What a fit reads.
#[derive(Clone, Copy)]
pub struct FitOptions<'a> {
    /// The schema.
    pub schema: &'a Schema,
    /// The order of work.
    pub plan: &'a Plan,
    /// The rows to learn from.
    pub snapshot: &'a Snapshot,
    /// What the user asked for.
    pub config: &'a Config,
    /// What the user says about each table.
    pub settings: &'a BTreeMap<TableId, TableSettings>,
    /// What the schema demands.
    pub rules: &'a Rules,
}

/// A fitted model and what is worth knowing about it.
pub struct Fitted {
    /// The model.
    pub model: Model,
    /// Findings of codecs and writers.
    pub findings: Vec<Finding>,
}

/// Fits a model.
///
/// # Errors
/// [`GeneratorError`] if a network fails or the run is interrupted.
pub fn fit(
    options: FitOptions<'_>,
    blueprint: Blueprint,
    progress: &dyn Progress,
) -> Result<Fitted, GeneratorError> {
    let FitOptions { schema, plan, snapshot, config, settings, rules } = options;
    progress.event(&Event::StageStarted { stage: "train" });
    let mut findings = Vec::new();
    let rules = &discover_rules(schema, plan, snapshot, settings, rules);
    let encoded: Vec<Option<Encoded>> = (0..schema.tables.len())
        .into_par_iter()
        .map(|index| encode(schema, plan, snapshot, TableId(index), settings, rules))
        .collect::<Vec<_>>()
        .into_iter()
        .map(|pair| {
            pair.map(|(encoded, found)| {
                findings.extend(found);
                encoded
            })
        })
        .collect();
    let graph = training_graph(snapshot, &encoded);
    let spec = specification(config.generator);

    // The heaviest tables first, so that the last thread is not left alone with one of them.
    let mut work: Vec<TableId> = plan.order().filter(|id| encoded[id.0].is_some()).collect();
    work.sort_by_key(|id| {
        let weight = encoded[id.0].as_ref().map_or(0, |e| e.rows.row_count * (1 + e.rows.sub_columns.len()));
        std::cmp::Reverse(weight)
    });
    let context = Context { options, graph: &graph, spec: spec.as_ref(), progress };
    let trained: Vec<(TableId, Networks)> = work
        .into_par_iter()
        .with_max_len(1)
        .map(|id| match encoded[id.0].as_ref() {
            Some(table) => context.train(id, table).map(|networks| (id, networks)),
            None => Ok((id, Networks::default())),
        })
        .collect::<Result<_, _>>()?;

    let mut tables: Vec<Option<TableModel>> = (0..schema.tables.len()).map(|_| None).collect();
    let mut encoded = encoded;
    for (id, networks) in trained {
        let Some(Encoded { mut facts, .. }) = encoded[id.0].take() else { continue };
        facts.anchors = find_anchors(schema, plan, snapshot, id);
        facts.train_seconds = networks.seconds;
        let copied = snapshot
            .table(id)
            .filter(|_| plan.table(id).mode == TableMode::Copy)
            .map(|rows| copied_rows(schema.table(id), rows));
        tables[id.0] =
            Some(TableModel { facts, link_generator: networks.links, row_generator: networks.rows, copied });
    }
    progress.event(&Event::StageFinished { stage: "train" });
    let model = Model { schema: schema.clone(), blueprint, plan: plan.clone(), tables };
    Ok(Fitted { model, findings })
}

#[derive(Default)]
struct Networks {
    links: Option<Box<dyn TableGenerator>>,
    rows: Option<Box<dyn TableGenerator>>,
    seconds: f64,
}

struct Context<'a> {
    options: FitOptions<'a>,
    graph: &'a RowGraph,
    spec: &'a dyn GeneratorSpec,
    progress: &'a dyn Progress,
}

impl Context<'_> {
    fn train(&self, id: TableId, encoded: &Encoded) -> Result<Networks, GeneratorError> {
        let FitOptions { schema, plan, snapshot, config, .. } = self.options;
        let Some(rows) = snapshot.table(id) else { return Ok(Networks::default()) };
        if rows.data.row_count == 0 {
            return Ok(Networks::default());
        }
        let name = schema.table(id).name.to_string();
        let started = Instant::now();
        self.progress.event(&Event::TableStarted { stage: "train", table: name.clone(), total: None });
        let copied = plan.table(id).mode == TableMode::Copy;
        let set = |rows_to_learn: &EncodedTable, given: Option<&EncodedTable>, links: Option<&[Links]>| {
            let receiver =
                Receiver { table: id, families: &rows.families, parent_count: rows.parent_count, links };
            TrainingSet {
                name: name.clone(),
                rows: rows_to_learn.clone(),
                conditioning: Conditioning {
                    families: rows.families.clone(),
                    has_siblings: plan.table(id).context.is_some(),
                    messages: self.graph.messages(schema, plan, receiver),
                    given: given.filter(|given| !given.sub_columns.is_empty()).cloned().map(Arc::new),
                },
            }
        };
        let links = if encoded.facts.presence.is_empty() || copied {
            None
        } else {
            Some(self.spec.fit(&set(&encoded.given, None, None), config.seed, self.progress)?)
        };
        let learned = if encoded.rows.sub_columns.is_empty() {
            None
        } else {
            let set = set(&encoded.rows, Some(&encoded.given), Some(&rows.links));
            Some(self.spec.fit(&set, config.seed, self.progress)?)
        };
        self.progress.event(&Event::TableFinished { stage: "train", table: name });
        Ok(Networks { links, rows: learned, seconds: started.elapsed().as_secs_f64() })
    }
}

fn training_graph(snapshot: &Snapshot, encoded: &[Option<Encoded>]) -> RowGraph {
    let tables = snapshot
        .tables
        .iter()
        .zip(encoded)
        .map(|(rows, encoded)| {
            let (rows, encoded) = (rows.as_ref()?, encoded.as_ref()?);
            Some(RowGraphTable {
                rows: Arc::new(encoded.all_tokens()),
                families: Arc::new(rows.families.clone()),
                known_families: Arc::new(rows.known_families.clone()),
                links: rows.links.clone(),
            })
        })
        .collect();
    RowGraph { tables }
}
