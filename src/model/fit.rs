//! Fits every table of a snapshot: encode all, build the row graph, train side by side.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use rayon::prelude::*;

use crate::{
    codec::{EncodedTable, RunningTotals},
    conditioning::{Conditioning, Receiver, RowGraph, RowGraphTable},
    config::{Config, TableSettings},
    data::Links,
    db::Blueprint,
    finding::Finding,
    generator::{GeneratorError, GeneratorSpec, TrainingSet, expected_work, specification},
    model::{
        Completion, Model, Origin, TableModel,
        encode::{Encoded, copied_rows, encode},
        keeper::{Keeper, Lesson, Networks},
        links,
        purse::{Lessons, Purse},
        relations::discover_rules,
    },
    plan::Plan,
    privacy::EntityMap,
    progress::{Allowance, Event, Progress, Unlimited},
    rules::Rules,
    schema::{Schema, TableId},
    snapshot::{Snapshot, TableSnapshot},
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
    /// Columns of a copied table to learn, so that their nulls can be filled.
    pub completion: Option<&'a Completion>,
    /// Whose the rows are.
    pub entities: &'a EntityMap,
}

/// A fitted model and what is worth knowing about it.
pub struct Fitted {
    /// The model.
    pub model: Model,
    /// Findings of codecs and writers.
    pub findings: Vec<Finding>,
}

/// Fits a model. What is learned of each table goes to `keeper` when its training ends; what `keeper` knows is not
/// learned again.
///
/// # Errors
/// [`GeneratorError`] if a network fails or the run is interrupted.
pub fn fit(
    options: FitOptions<'_>,
    blueprint: Blueprint,
    keeper: &dyn Keeper,
    progress: &dyn Progress,
) -> Result<Fitted, GeneratorError> {
    let FitOptions { schema, plan, snapshot, config, completion, .. } = options;
    progress.event(&Event::StageStarted { stage: "train" });
    let mut findings = Vec::new();
    let rules =
        &discover_rules(schema, plan, snapshot, options.settings, options.rules, (options.entities, config));
    let options = FitOptions { rules, ..options };
    let mut encoded: Vec<Option<Encoded>> = (0..schema.tables.len())
        .into_par_iter()
        .map(|index| encode(&options, TableId(index)))
        .collect::<Vec<_>>()
        .into_iter()
        .map(|pair| {
            pair.map(|(encoded, found)| {
                findings.extend(found);
                encoded
            })
        })
        .collect();
    links::learn(options, &mut encoded);
    let graph = training_graph(snapshot, &encoded);
    let spec = specification(config.generator, config.ablation);

    // The heaviest tables first, so that the last thread is not left alone with one of them.
    let mut work: Vec<TableId> = plan.order().filter(|id| encoded[id.0].is_some()).collect();
    work.sort_by_key(|id| {
        let weight = encoded[id.0].as_ref().map_or(0, Encoded::weight);
        std::cmp::Reverse(weight)
    });
    let works: Vec<Lessons> = work.iter().map(|id| expected(options, *id, &encoded)).collect();
    let named = |(id, work): (&TableId, &Lessons)| (schema.table(*id).name.to_string(), work.iter().sum());
    progress.event(&Event::TrainingPlanned { tables: work.iter().zip(&works).map(named).collect() });
    keeper.expect(works.iter().filter(|work| work.iter().any(|work| *work > 0.0)).count());
    let purse =
        config.time_budget.map(|seconds| Purse::new(seconds as f64, rayon::current_num_threads(), works));
    let context = Context { options, graph: &graph, spec: spec.as_ref(), keeper, progress };
    let trained: Vec<(TableId, Networks)> = work
        .into_par_iter()
        .enumerate()
        .with_max_len(1)
        .map(|(place, id)| match (encoded[id.0].as_ref(), &purse) {
            (Some(table), purse) => {
                let purse = purse.as_ref().map(|purse| (purse, place));
                context.train(id, table, purse).map(|networks| (id, networks))
            }
            (None, _) => Ok((id, Networks::default())),
        })
        .collect::<Result<_, _>>()?;

    let mut tables: Vec<Option<TableModel>> = (0..schema.tables.len()).map(|_| None).collect();
    for (id, networks) in trained {
        let Some(Encoded { mut facts, uniques, .. }) = encoded[id.0].take() else { continue };
        facts.train_seconds = networks.seconds;
        let copied = snapshot
            .table(id)
            .filter(|_| plan.table(id).is_copied())
            .map(|rows| copied_rows(schema.table(id), rows));
        let completed = completion.filter(|completion| completion.table == id);
        tables[id.0] = Some(TableModel {
            facts,
            link_generator: networks.links,
            row_generator: networks.rows,
            copied,
            completed: completed.map_or_else(Vec::new, |completion| completion.columns.clone()),
            uniques: uniques.map(Arc::new),
        });
    }
    progress.event(&Event::StageFinished { stage: "train" });
    let total = |rows: &Option<_>| rows.as_ref().map_or(0, |rows: &TableSnapshot| rows.total_rows);
    let real_rows: Vec<u64> = snapshot.tables.iter().map(total).collect();
    let origin = Origin::new(config, schema, &real_rows);
    let model = Model { schema: schema.clone(), blueprint, plan: plan.clone(), origin, tables };
    Ok(Fitted { model, findings })
}

struct Context<'a> {
    options: FitOptions<'a>,
    graph: &'a RowGraph,
    spec: &'a dyn GeneratorSpec,
    keeper: &'a dyn Keeper,
    progress: &'a dyn Progress,
}

impl Context<'_> {
    fn train(
        &self,
        id: TableId,
        encoded: &Encoded,
        purse: Option<(&Purse, usize)>,
    ) -> Result<Networks, GeneratorError> {
        let FitOptions { schema, plan, snapshot, config, .. } = self.options;
        let Some(rows) = snapshot.table(id) else { return Ok(Networks::default()) };
        if rows.data.row_count == 0 {
            return Ok(Networks::default());
        }
        let name = schema.table(id).name.to_string();
        let started = Instant::now();
        self.progress.event(&Event::TableStarted { stage: "train", table: name.clone(), total: None });
        let copied = plan.table(id).is_copied();
        let facts = &encoded.facts;
        let running = RunningTotals::new(&facts.rules.carried, &facts.codecs, (config.seed, &name))
            .filter(|_| !copied)
            .map(|running| Arc::new(running.within(rows.series().as_ref())));
        let set = |rows_to_learn: &EncodedTable, given: Option<&EncodedTable>, links: Option<&[Links]>| {
            let receiver = Receiver {
                table: id,
                first_parent: 0,
                families: &rows.families,
                parent_count: rows.parent_count,
                links,
            };
            TrainingSet {
                name: name.clone(),
                rows: rows_to_learn.clone(),
                conditioning: Conditioning {
                    families: rows.families.clone(),
                    has_siblings: plan.table(id).context.is_some(),
                    messages: self.graph.messages(schema, plan, receiver),
                    given: given.filter(|given| !given.sub_columns.is_empty()).cloned().map(Arc::new),
                    running: running.clone().filter(|_| links.is_some()),
                    avoided: None,
                },
            }
        };
        let has_links = !encoded.given.sub_columns.is_empty() && !copied;
        let links = has_links.then(|| set(&encoded.given, None, None));
        let learned = encoded.learned();
        let has_rows = !learned.sub_columns.is_empty();
        let learned = has_rows.then(|| set(&learned, Some(&encoded.given), Some(&rows.links)));
        let lesson = Lesson { table: &name, links: links.as_ref(), rows: learned.as_ref() };
        let kept = if has_links || has_rows { self.keeper.name(lesson) } else { None };
        let networks = match kept.as_ref().and_then(|kept| self.keeper.recall(&name, kept)) {
            Some(networks) => networks,
            None => {
                let fit = |set: &TrainingSet, lesson: usize| {
                    let clock = purse.map(|(purse, place)| purse.open(place, lesson));
                    let allowance = clock.as_ref().map_or(&Unlimited as &dyn Allowance, |clock| clock);
                    self.spec.fit_within(set, config.seed, self.progress, allowance)
                };
                let links = links.as_ref().map(|set| fit(set, 0)).transpose()?;
                let rows = learned.as_ref().map(|set| fit(set, 1)).transpose()?;
                let networks = Networks { links, rows, seconds: started.elapsed().as_secs_f64() };
                if let Some(kept) = &kept {
                    self.keeper.keep(&name, kept, &networks);
                }
                networks
            }
        };
        self.progress.event(&Event::TableFinished { stage: "train", table: name });
        Ok(networks)
    }
}

/// How much work the lessons of a table are at most.
fn expected(options: FitOptions<'_>, id: TableId, encoded: &[Option<Encoded>]) -> Lessons {
    let (Some(rows), Some(encoded)) = (options.snapshot.table(id), &encoded[id.0]) else {
        return Lessons::default();
    };
    let links = !options.plan.table(id).is_copied();
    let families = (0..rows.families.len()).filter(|family| !rows.families.rows(*family).is_empty()).count();
    [(links, &encoded.given), (true, &encoded.learned())].map(|(trained, learned)| {
        if !trained || learned.sub_columns.is_empty() || rows.data.row_count == 0 {
            return 0.0;
        }
        expected_work(rows.data.row_count, families, &learned.sub_columns)
    })
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
