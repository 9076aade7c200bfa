//! From a live source to a plan, and on to a fitted model.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use crate::{
    config::{Config, DbUrl, Privacy},
    db::{Blueprint, Database, Dialect, ServerIdentity, Source, connect, open_source},
    error::Error,
    finding::Finding,
    model::{
        Anchor, Completion, FitOptions, Fitted, Model, copied_rows, cover, describe_anchor, discover_rules,
        find_anchors, find_uniques, fit,
    },
    pipeline::{
        Intended, Planned, TableRule,
        audit::{Reference, hold_out, unaudited},
        evidence::RealRows,
    },
    plan::{MemoryEstimate, Observed, Plan, apply_references, settings, skipped, target_rows},
    privacy::{AccountError, Guarantee, map as entity_map},
    private::{PrivateOptions, privatise, reading_plan},
    progress::{Event, Progress, Silent},
    rules::{Rules, TableRules},
    schema::{ForeignKey, ForeignKeyId, Schema, TableId},
    seed::Secret,
    snapshot::{Limits, Snapshot, proposals, take},
    state::{Known, RunState},
};

/// An opened source with its plan.
pub(super) struct Opened {
    pub(super) source: Box<dyn Source>,
    pub(super) dialect: Box<dyn Database>,
    pub(super) identity: ServerIdentity,
    pub(super) blueprint: Blueprint,
    pub(super) planned: Planned,
    pub(super) used_parents: BTreeMap<(TableId, ForeignKeyId), u64>,
    /// When the snapshot was opened.
    pub(super) since: Instant,
}

/// Opens a source, reads its catalog, counts its rows and plans.
pub(super) fn open(url: &DbUrl, config: &Config, progress: &dyn Progress) -> Result<Opened, Error> {
    progress.event(&Event::StageStarted { stage: "introspect" });
    let database = connect(url).map_err(Error::Source)?;
    let since = Instant::now();
    let mut source = open_source(database.as_ref(), &config.source).map_err(Error::Source)?;
    let identity = source.identity().map_err(Error::Source)?;
    let introspection = source.introspect().map_err(Error::Source)?;
    let mut findings = introspection.findings;
    let mut schema = introspection.schema;
    findings.extend(apply_references(&mut schema, &config.references)?);
    let private = config.privacy.epsilon.is_some();
    if private {
        // What the catalog estimates is of the rows, and would end up in the model.
        schema.tables.iter_mut().for_each(|table| table.estimated_rows = None);
    }
    let skipped = skipped(&schema, config)?;
    let read: Vec<_> = schema.iter().filter(|(id, _)| !skipped.contains(id)).map(|(_, t)| t).collect();
    source.check_readable(&read).map_err(Error::Source)?;
    let real_rows = schema
        .iter()
        .map(|(id, table)| match source.row_count(table) {
            // It may have been left out because it cannot be read.
            Err(_) if skipped.contains(&id) => Ok(0),
            counted => counted,
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(Error::Source)?;
    // A private plan is made of the schema alone.
    let observed = if private {
        Observed { full: taken_for_full(&schema), ..Observed::default() }
    } else {
        let full = full_keys(source.as_mut(), database.dialect(), &schema, &skipped)?;
        let used_parents = used_parents(source.as_mut(), database.dialect(), &schema, &skipped)?;
        Observed { real_rows: real_rows.clone(), full, used_parents }
    };
    let (plan, found) = Plan::build_observed(&schema, config, &observed)?;
    findings.extend(found);
    let target_rows = target_rows(&plan, &real_rows, config.scale);
    progress.event(&Event::StageFinished { stage: "introspect" });
    let planned = Planned {
        schema,
        plan,
        real_rows,
        target_rows,
        replaces: Vec::new(),
        rules: Vec::new(),
        proposals: Vec::new(),
        unfinished: None,
        coverage: Vec::new(),
        around: Intended::of(config),
        memory: MemoryEstimate::default(),
        findings,
    };
    Ok(Opened {
        source,
        dialect: database,
        identity,
        blueprint: introspection.blueprint,
        planned,
        used_parents: observed.used_parents,
        since,
    })
}

/// Looks for foreign keys that the catalog of a planned source does not declare.
pub(super) fn find_proposals(mut opened: Opened) -> Result<Opened, Error> {
    let source = opened.source.as_mut();
    opened.planned.proposals =
        proposals(source, opened.dialect.dialect(), &opened.planned.schema).map_err(Error::Source)?;
    Ok(opened)
}

/// Foreign keys that may be null but hold no null.
fn full_keys(
    source: &mut dyn Source,
    dialect: &dyn Dialect,
    schema: &Schema,
    skipped: &BTreeSet<TableId>,
) -> Result<BTreeSet<(TableId, ForeignKeyId)>, Error> {
    let mut full = BTreeSet::new();
    for (id, fk) in Observed::questions(schema).into_iter().filter(|(id, _)| !skipped.contains(id)) {
        let table = schema.table(id);
        let nulls: Vec<String> = table.foreign_keys[fk.0]
            .columns
            .iter()
            .map(|column| table.column(*column))
            .filter(|column| column.nullable)
            .map(|column| format!("{} IS NULL", dialect.quote_identifier(&column.name)))
            .collect();
        let from = dialect.quote_table(&table.name);
        let sql = format!("SELECT count(*) FROM {from} WHERE {}", nulls.join(" OR "));
        if source.count(&sql).map_err(Error::Source)? == 0 {
            full.insert((id, fk));
        }
    }
    Ok(full)
}

/// Foreign keys that are taken to hold no null, as nobody may look: those of tables that have none but such as may hold
/// nulls. Otherwise such a table would hang below nothing, although its rows belong to somebody.
fn taken_for_full(schema: &Schema) -> BTreeSet<(TableId, ForeignKeyId)> {
    let open: BTreeSet<(TableId, ForeignKeyId)> = Observed::questions(schema).into_iter().collect();
    let to_others = |(id, key, fk): &(TableId, ForeignKeyId, &ForeignKey)| {
        (fk.parent != *id && fk.when().is_none()).then_some((*id, *key))
    };
    let required: BTreeSet<TableId> = schema
        .foreign_keys()
        .filter_map(|one| to_others(&one))
        .filter(|key| !open.contains(key))
        .map(|(id, _)| id)
        .collect();
    open.into_iter().filter(|(id, _)| !required.contains(id)).collect()
}

/// Parent rows that have a child, per foreign key to another table.
fn used_parents(
    source: &mut dyn Source,
    dialect: &dyn Dialect,
    schema: &Schema,
    skipped: &BTreeSet<TableId>,
) -> Result<BTreeMap<(TableId, ForeignKeyId), u64>, Error> {
    let mut used = BTreeMap::new();
    let followed =
        |(child, _, fk): &(TableId, _, &ForeignKey)| *child != fk.parent && !skipped.contains(child);
    for (id, fk_id, fk) in schema.foreign_keys().filter(followed) {
        let table = schema.table(id);
        let names: Vec<String> =
            fk.columns.iter().map(|column| dialect.quote_identifier(&table.column(*column).name)).collect();
        let set: Vec<String> = (names.iter().map(|name| format!("{name} IS NOT NULL")))
            .chain(dialect.binding(table, fk, ""))
            .collect();
        let sql = format!(
            "SELECT count(*) FROM (SELECT DISTINCT {} FROM {} WHERE {}) AS used",
            names.join(", "),
            dialect.quote_table(&table.name),
            set.join(" AND ")
        );
        used.insert((id, fk_id), source.count(&sql).map_err(Error::Source)?);
    }
    Ok(used)
}

/// A fitted model with what the summary needs of its making.
pub(super) struct Learned {
    pub(super) fitted: Fitted,
    pub(super) findings: Vec<Finding>,
    /// What generated rows are audited against, if they are.
    pub(super) reference: Option<Reference>,
    /// What a report shows of the real rows, if one is asked for.
    pub(super) real: Option<RealRows>,
}

/// Reads a snapshot and fits a model, or takes up what an unfinished run has left of them. The source is closed before
/// training begins.
pub(super) fn learn(
    opened: Opened,
    config: &Config,
    completion: Option<&Completion>,
    state: &RunState,
    progress: &dyn Progress,
) -> Result<Learned, Error> {
    let Opened { mut source, blueprint, planned, used_parents, .. } = opened;
    let Planned { schema, plan, real_rows, mut findings, .. } = planned;
    let known = Known {
        schema: &schema,
        plan: &plan,
        blueprint: &blueprint,
        real_rows: &real_rows,
        used_parents: &used_parents,
    };
    // A report shows real rows, and a copied table is made of them.
    let needs_rows = config.evidence || plan.order().any(|id| plan.table(id).is_copied());
    if !needs_rows && let Some((fitted, found)) = state.model_without_reading(known, config) {
        findings.extend(found.read);
        findings.extend(state.findings());
        return Ok(Learned { fitted, findings, reference: None, real: None });
    }
    let before = findings.len();
    let promise = promise(config)?;
    let reading = promise.is_some().then(|| reading_plan(&schema, &plan));
    let reading = reading.as_ref().unwrap_or(&plan);
    let limits = Limits {
        // Which rows a sample keeps depends on all others: under a promise every row is read.
        training_rows: if promise.is_some() { u64::MAX } else { config.training_rows },
        real_rows: &real_rows,
        used_parents: &used_parents,
        seed: config.seed,
    };
    let snapshot = take(source.as_mut(), &schema, reading, limits, progress).map_err(Error::Source)?;
    let misread = source.take_findings();
    drop(source);
    if completion.is_some() {
        refuse_losses(&schema, &snapshot, &misread)?;
    }
    findings.extend(misread);
    for (id, table) in schema.iter() {
        let Some(rows) = snapshot.table(id) else { continue };
        for (fk, count) in table.foreign_keys.iter().zip(&rows.dangling).filter(|(_, count)| **count > 0) {
            let what = format!("{count} rows refer to a parent row that does not exist");
            findings.push(
                Finding::warning("orphans-in-source", what)
                    .table(&table.name)
                    .column(&fk.name)
                    .instead("they are not learned from"),
            );
        }
    }
    let reference = match completion {
        Some(_) => None,
        None => {
            let secret = promise.as_ref().map(|(_, secret)| *secret);
            hold_out(&schema, reading, &snapshot, &config.audit, (config.seed, secret))
        }
    };
    if reference.is_none() && completion.is_none() {
        findings.extend(unaudited(config));
    }
    let whole = snapshot;
    let snapshot = reference.as_ref().map_or(&whole, Reference::training);
    let real = config.evidence.then(|| RealRows::new(snapshot.clone(), config));
    let (rules, found) = Rules::declare(&schema);
    findings.extend(found);
    let read = findings[before..].to_vec();
    let settings = settings(&schema, config)?;
    let entities = entity_map(&schema, &plan, snapshot);
    let options = FitOptions {
        schema: &schema,
        plan: &plan,
        snapshot,
        config,
        settings: &settings,
        rules: &rules,
        completion,
        entities: &entities,
    };
    if let Some(mut fitted) = state.model_of(known, config, &whole) {
        fill_copied(&mut fitted.model, snapshot);
        find_uniques(&mut fitted.model, options);
        findings.extend(state.findings());
        return Ok(Learned { fitted, findings, reference, real });
    }
    let private = promise
        .map(|(asked, secret)| {
            progress.event(&Event::StageStarted { stage: "privacy" });
            let held_out = |root: TableId| match &reference {
                Some(reference) if reference.holds(root) => config.audit.holdout,
                _ => 0.0,
            };
            let (schema, plan, rules, settings) = (&schema, &plan, &rules, &settings);
            let rows = config.training_rows;
            let held_out = &held_out;
            let options = PrivateOptions { schema, plan, rules, settings, asked, secret, held_out, rows };
            let private = privatise(snapshot, options).map_err(|error| unkept(asked, &error));
            progress.event(&Event::StageFinished { stage: "privacy" });
            private
        })
        .transpose()?;
    // From here on nothing sees a real row.
    let (snapshot, ledger) = match &private {
        Some(private) => (&private.snapshot, Some(private.ledger.clone())),
        None => (snapshot, None),
    };
    findings.extend(private.iter().flat_map(|private| private.findings.clone()));
    let noisy = private.as_ref().map(|private| entity_map(&schema, &plan, &private.snapshot));
    let entities = noisy.as_ref().unwrap_or(&entities);
    findings.extend(entities.findings(&schema));
    let options = FitOptions { snapshot, entities, ..options };
    let mut fitted = fit(options, blueprint.clone(), state, progress)?;
    fitted.model.origin.privacy = ledger;
    state.keep_model(&fitted, (known, config), (&whole, reference.is_some()), &read);
    findings.extend(state.findings());
    Ok(Learned { fitted, findings, reference, real })
}

/// Gives copied tables their rows, which no unfinished run keeps.
fn fill_copied(model: &mut Model, snapshot: &Snapshot) {
    let Model { schema, plan, tables, .. } = model;
    for (id, table) in schema.iter().filter(|(id, _)| plan.table(*id).is_copied()) {
        if let (Some(model), Some(rows)) = (&mut tables[id.0], snapshot.table(id)) {
            model.copied = Some(copied_rows(table, rows));
        }
    }
}

/// What every entity is promised, and where the noise comes from, if differential privacy is asked for.
fn promise(config: &Config) -> Result<Option<(Guarantee, Secret)>, Error> {
    let Privacy { epsilon, delta, noise_seed, .. } = config.privacy;
    let Some(epsilon) = epsilon else { return Ok(None) };
    let no_noise = || Error::Usage("the system has no randomness to make noise of".to_owned());
    let secret = noise_seed.map(Secret::fixed).or_else(Secret::fresh).ok_or_else(no_noise)?;
    Ok(Some((Guarantee { epsilon, delta }, secret)))
}

fn unkept(asked: Guarantee, error: &AccountError) -> Error {
    let Guarantee { epsilon, delta } = asked;
    Error::Usage(format!(
        "epsilon {epsilon} at delta {delta:e} cannot be kept: {error}; raise --epsilon or --delta"
    ))
}

/// Refuses to copy real rows that would not arrive as they are: values that do not fit the type of their column, rows
/// without their parent.
fn refuse_losses(schema: &Schema, snapshot: &Snapshot, misread: &[Finding]) -> Result<(), Error> {
    if let Some(finding) = misread.first() {
        let place = [finding.table.as_deref(), finding.column.as_deref()].into_iter().flatten();
        let place = place.collect::<Vec<_>>().join(".");
        return Err(Error::Usage(format!("{place} cannot be copied as it is: {}", finding.what)));
    }
    for (id, table) in schema.iter() {
        let Some(rows) = snapshot.table(id) else { continue };
        let (read, all) = (rows.data.row_count as u64, rows.total_rows);
        if read != all {
            let lost = all.abs_diff(read);
            let name = &table.name;
            return Err(Error::Usage(format!(
                "{lost} rows of {name} refer to a parent row that does not exist"
            )));
        }
    }
    Ok(())
}

/// Reads the rows of a planned source, looks for relations in them and, if asked, says how every column is made.
pub(super) fn find_rules(opened: Opened, config: &Config, coverage: bool) -> Result<Planned, Error> {
    let Opened { mut source, mut planned, used_parents, .. } = opened;
    let (schema, plan) = (&planned.schema, &planned.plan);
    let limits = Limits {
        training_rows: config.training_rows,
        real_rows: &planned.real_rows,
        used_parents: &used_parents,
        seed: config.seed,
    };
    let snapshot = take(source.as_mut(), schema, plan, limits, &Silent).map_err(Error::Source)?;
    let (declared, _) = Rules::declare(schema);
    let settings = settings(schema, config)?;
    let entities = entity_map(schema, plan, &snapshot);
    let rules = discover_rules(schema, plan, &snapshot, &settings, &declared, (&entities, config));
    let misread = source.take_findings();
    if coverage {
        let options = FitOptions {
            schema,
            plan,
            snapshot: &snapshot,
            config,
            settings: &settings,
            rules: &rules,
            completion: None,
            entities: &entities,
        };
        let told: Vec<Finding> = planned.findings.iter().chain(&misread).cloned().collect();
        planned.coverage = cover(options, &told);
    }
    let all = schema.iter().flat_map(|(id, _)| {
        let of = |id: TableId| Some(rules.table(id).clone());
        in_words((schema, plan), id, &of, &find_anchors(schema, plan, &snapshot, id))
    });
    planned.rules = all.collect();
    planned.findings.extend(misread);
    Ok(planned)
}

/// The relations a model keeps.
pub(super) fn rules_of(model: &Model) -> Vec<TableRule> {
    let Model { schema, plan, tables, .. } = model;
    let tables = schema.iter().zip(tables).filter_map(|((id, _), table)| Some((id, &table.as_ref()?.facts)));
    let of = |id: TableId| model.table(id).map(|table| table.facts.rules.clone());
    tables.flat_map(|(id, facts)| in_words((schema, plan), id, &of, &facts.anchors)).collect()
}

fn in_words(
    (schema, plan): (&Schema, &Plan),
    id: TableId,
    of: &dyn Fn(TableId) -> Option<TableRules>,
    anchors: &[(ForeignKeyId, Anchor)],
) -> Vec<TableRule> {
    let anchors = anchors.iter().map(|(link, anchor)| describe_anchor(schema, plan, id, *link, *anchor));
    let table = schema.table(id).name.to_string();
    let own = of(id).map_or_else(Vec::new, |rules| rules.describe(schema, id, of));
    own.into_iter().chain(anchors).map(|rule| TableRule { table: table.clone(), rule }).collect()
}
