//! Rows under a condition: which tokens it leaves, and values that meet it exactly.

use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{Array, ArrayRef, StringArray, cast::AsArray};
use rand::RngExt;

use crate::{
    codec::{Codec, ColumnCodec, EncodedTable, decode_table},
    config::TableMode,
    data::TableData,
    finding::Finding,
    generator::{Restriction, TokenLimit},
    model::{Model, TableModel},
    rules::{Condition, ConditionError, Given, Limit, Rule, enforce, try_factors},
    sample::{Sampler, draft::Draft},
    schema::{ColumnId, Table, TableId},
    seed::{Seed, Stream, spread},
};

/// Candidates drawn for all rows together, and for one row at least and at most.
const ALL_CANDIDATES: usize = 4_000_000;
const CANDIDATES: (usize, usize) = (32, 256);
/// Values drawn of a token to see how often a computed column meets its limit.
const PROBES: usize = 32;
/// Rounds of drawing values again for rows that do not meet the condition yet.
const ROUNDS: usize = 64;
/// Where the rounds of drawing again are counted from: CHECKs count theirs from 1.
pub(super) const FIRST_ROUND: usize = 1000;

/// Says if conditions can be met under what was learnt.
///
/// # Errors
/// [`ConditionError`] if a table's rows are not generated, a column is not learnt, or no value learnt is left.
pub fn check_conditions(model: &Model, conditions: &[Condition], seed: Seed) -> Result<(), ConditionError> {
    for condition in conditions {
        let fail = |reason: String| ConditionError { text: condition.text.clone(), reason };
        let table = model.schema.table(condition.table);
        let mode = model.plan.table(condition.table).mode;
        let Some(learned) = model.table(condition.table).filter(|_| mode == TableMode::Synthesize) else {
            return Err(fail(format!("the rows of {} are not generated (mode {})", table.name, mode.word())));
        };
        for column in condition.limits.keys() {
            if source_of(learned, *column).is_none() {
                let name = &table.column(*column).name;
                return Err(fail(format!("`{name}` follows from the order of the rows; it is not learnt")));
            }
        }
        let restriction = restrict(learned, table, condition, 1, seed);
        for (place, limit) in restriction.limits.iter().enumerate() {
            let Some(limit) = limit.as_ref().filter(|limit| limit.first == place) else { continue };
            if (limit.shares)(&[]).iter().all(|share| *share <= 0.0) {
                return Err(fail("no value that was learnt meets it".to_owned()));
            }
        }
    }
    Ok(())
}

/// The modelled column that decides a column: itself, or the one it is computed or counted from.
fn source_of(model: &TableModel, column: ColumnId) -> Option<ColumnId> {
    let root = computed_from(model, column);
    let spans = spans(model, root);
    let root = spans.last().and_then(|(_, codec)| codec.counted_from()).unwrap_or(root);
    let is_modelled = |column: &ColumnId| model.facts.codecs.iter().any(|(coded, _)| coded == column);
    // A multiple of what nobody draws: its factor is drawn, at least.
    Some(root).filter(is_modelled).or(Some(column).filter(|column| model.facts.rules.is_factored(*column)))
}

/// The column that rules compute a column from: itself, if none does.
fn computed_from(model: &TableModel, column: ColumnId) -> ColumnId {
    computing(model, column).last().and_then(|rule| read_alone(rule)).unwrap_or(column)
}

/// The columns that lead from a time to the one of the row that it is counted from, itself first; none where it is not.
fn spans(model: &TableModel, column: ColumnId) -> Vec<(ColumnId, Codec)> {
    let codecs = &model.facts.codecs;
    let counted = |column: ColumnId| {
        let found = codecs.iter().find(|(coded, _)| *coded == column);
        found.filter(|(_, codec)| codec.counted_from().is_some()).cloned()
    };
    let chain = std::iter::successors(counted(column), |(_, codec)| counted(codec.counted_from()?));
    chain.take(codecs.len()).collect()
}

/// The column a rule computes from, if it is only one.
fn read_alone(rule: &Rule) -> Option<ColumnId> {
    match rule.reads().as_slice() {
        [from] => Some(*from),
        _ => None,
    }
}

/// The rules that compute a column, the last step first.
fn computing(model: &TableModel, column: ColumnId) -> Vec<&Rule> {
    let mut chain: Vec<&Rule> = Vec::new();
    let mut at = column;
    let rules = &model.facts.rules.discovered;
    let decides = |rule: &Rule| match rule {
        Rule::Determines { .. } => true,
        Rule::Ratio { to, .. } => model.facts.rules.is_factored(*to),
        _ => false,
    };
    while let Some((rule, from)) = rules
        .iter()
        .filter(|rule| (rule.computes().or(rule.decides().filter(|_| decides(rule)))) == Some(at))
        .find_map(|rule| Some((rule, read_alone(rule)?)))
    {
        if chain.len() > rules.len() {
            break;
        }
        chain.push(rule);
        at = from;
    }
    chain
}

/// What a condition asks of one modelled column: of itself, and of those computed from it.
struct Asked<'a> {
    codec: &'a Codec,
    column: ColumnId,
    table: &'a Table,
    own: Option<&'a Limit>,
    /// What else is asked of it.
    consequences: Vec<Consequence<'a>>,
    seed: Seed,
}

/// What is asked of a column that follows from another one.
struct Consequence<'a> {
    /// Times counted from it.
    spans: Vec<(ColumnId, Codec)>,
    /// Rules in the order they compute.
    rules: Vec<Rule>,
    /// The column in the end.
    to: ColumnId,
    limit: &'a Limit,
}

impl Asked<'_> {
    fn shares(&self, before: &[u16]) -> Vec<f32> {
        let size = self.codec.sub_columns()[before.len()].size;
        let mut shares = match self.own {
            Some(limit) => self.codec.shares(limit, before),
            None => vec![1.0; usize::from(size)],
        };
        for consequence in &self.consequences {
            for (share, probed) in shares.iter_mut().zip(self.probe(consequence, before)) {
                *share *= probed;
            }
        }
        shares
    }

    /// How often values of each token lead to an allowed value of the column that follows.
    fn probe(&self, consequence: &Consequence<'_>, before: &[u16]) -> Vec<f32> {
        let Consequence { spans, rules, to, limit } = consequence;
        let sub_columns = self.codec.sub_columns();
        let size = usize::from(sub_columns[before.len()].size);
        let rows = size * PROBES;
        let own = (0..sub_columns.len()).map(|place| {
            let token = |row: usize| match place.cmp(&before.len()) {
                std::cmp::Ordering::Less => before[place],
                std::cmp::Ordering::Equal => (row / PROBES) as u16,
                std::cmp::Ordering::Greater => (row % usize::from(sub_columns[place].size)) as u16,
            };
            (0..rows).map(token).collect()
        });
        let mut encoded =
            EncodedTable { sub_columns: sub_columns.to_vec(), tokens: own.collect(), row_count: rows };
        let mut codecs = vec![(self.column, self.codec.clone())];
        for (column, codec) in spans {
            for sub_column in codec.sub_columns() {
                // Any gap will do.
                let place = encoded.tokens.len();
                let any = |row: usize| spread(row, place, usize::from(sub_column.size)) as u16;
                encoded.push(sub_column.clone(), (0..rows).map(any).collect());
            }
            codecs.push((*column, codec.clone()));
        }
        let mut values = decode_table(&codecs, &encoded, None, self.seed, "condition/probe");
        // Any factor will do as well.
        try_factors(rules, &mut values, |_| true, 0);
        let (values, _) = enforce(rules, self.table, values, &Given::default());
        let Some(array) = values.column(*to) else { return vec![1.0; size] };
        (0..size)
            .map(|token| {
                let met = (0..PROBES).filter(|probe| limit.allows(array, token * PROBES + probe)).count();
                met as f32 / PROBES as f32
            })
            .collect()
    }
}

/// What a condition leaves of the tokens of a table's row generator.
fn restrict<'a>(
    model: &'a TableModel,
    table: &'a Table,
    condition: &'a Condition,
    rows: usize,
    seed: Seed,
) -> Restriction<'a> {
    let mut limits: Vec<Option<TokenLimit<'a>>> = Vec::new();
    for (column, codec) in &model.facts.codecs {
        let first = limits.len();
        // What is a factor multiplied out asks for another column, and for other factors in the end.
        let own = condition.limits.get(column).filter(|_| !model.facts.rules.is_factored(*column));
        let followers = condition
            .limits
            .iter()
            .filter(|(to, _)| *to != column && source_of(model, **to) == Some(*column));
        let consequences: Vec<_> = followers
            .map(|(to, limit)| Consequence {
                spans: spans(model, computed_from(model, *to)),
                rules: computing(model, *to).into_iter().rev().cloned().collect(),
                to: *to,
                limit,
            })
            .collect();
        let free = own.is_none() && consequences.is_empty();
        let asked = Arc::new(Asked { codec, column: *column, table, own, consequences, seed });
        for _ in codec.sub_columns() {
            let asked = Arc::clone(&asked);
            let shares = Box::new(move |before: &[u16]| asked.shares(before));
            limits.push((!free).then_some(TokenLimit { first, shares, known: None }));
        }
    }
    limits.extend((0..model.facts.block_columns() + model.facts.counts.len()).map(|_| None));
    let candidates = (ALL_CANDIDATES / rows.max(1)).clamp(CANDIDATES.0, CANDIDATES.1);
    Restriction { limits, candidates }
}

impl Sampler<'_> {
    /// The condition on a table's rows.
    pub(super) fn condition(&self, id: TableId) -> Option<&Condition> {
        self.options.conditions.iter().find(|condition| condition.table == id)
    }

    /// What the condition on a table asks of the values that tokens stand for.
    pub(super) fn limits(&self, id: TableId, model: &TableModel) -> BTreeMap<ColumnId, Limit> {
        let limits = self.condition(id).map(|condition| condition.limits.iter()).into_iter().flatten();
        let of_values = limits.filter(|(column, _)| !model.facts.rules.is_factored(**column));
        of_values.map(|(column, limit)| (*column, limit.clone())).collect()
    }

    /// What the condition on a table leaves of its tokens.
    pub(super) fn restriction<'a>(
        &'a self,
        id: TableId,
        model: &'a TableModel,
        rows: usize,
    ) -> Option<Restriction<'a>> {
        let condition = self.condition(id)?;
        Some(restrict(model, self.model.schema.table(id), condition, rows, self.options.seed))
    }

    /// Draws the values of rows again that do not meet the condition on their table.
    pub(super) fn meet_condition(
        &self,
        id: TableId,
        model: &TableModel,
        mut values: TableData,
        again: &mut dyn FnMut(&[u32], usize) -> TableData,
    ) -> TableData {
        let Some(condition) = self.condition(id) else { return values };
        for round in 0..ROUNDS {
            let failing = failing(condition, &values);
            if failing.is_empty() {
                break;
            }
            let fresh = again(&failing, FIRST_ROUND + round);
            let refused = model.facts.rules.violations(&fresh);
            let still: Vec<u32> = self::failing(condition, &fresh);
            let good = |place: &usize| !refused[*place] && still.binary_search(&(*place as u32)).is_err();
            let met = failing.iter().enumerate().filter(|(place, _)| good(place));
            values =
                values.patched(&in_order_of(&values, fresh), met.map(|(place, row)| (*row as usize, place)));
        }
        values
    }

    /// Leaves out the rows that still do not meet the condition on their table. Runs before any child exists.
    pub(super) fn drop_unmet(&mut self, id: TableId, draft: &mut Draft) {
        let Some(condition) = self.condition(id) else { return };
        let failing = failing(condition, &draft.data);
        if failing.is_empty() {
            return;
        }
        let what = format!("{} rows could not meet {}", failing.len(), condition.text);
        let mut keep = vec![true; draft.row_count()];
        for row in &failing {
            keep[*row as usize] = false;
        }
        self.drop_rows(id, draft, &keep);
        let name = &self.model.schema.table(id).name;
        let finding = Finding::warning("condition-not-met", what).table(name);
        self.summary.findings.push(finding.instead("these rows were left out"));
    }

    /// Tells of conditions on columns that are written by their meaning: nothing follows those.
    pub(super) fn note_written_conditions(&mut self, id: TableId, model: &TableModel) {
        let Some(condition) = self.condition(id) else { return };
        let table = self.model.schema.table(id);
        let written = |column: &ColumnId| {
            let presence = |(coded, codec): &(ColumnId, Codec)| coded == column && codec.is_presence();
            model.facts.codecs.iter().any(presence)
        };
        let told: Vec<Finding> = condition
            .limits
            .iter()
            .filter(|(column, limit)| written(column) && matches!(limit, Limit::Texts { .. }))
            .map(|(column, _)| {
                Finding::note("condition-on-written-text", "the column is written anew, not learnt")
                    .table(&table.name)
                    .column(&table.column(*column).name)
                    .instead("it holds what was asked; the other columns do not follow it")
            })
            .collect();
        self.summary.findings.extend(told);
    }
}

/// Puts the texts a condition lists into columns that are written anew.
pub(super) fn put_listed(
    condition: &Condition,
    written: &[ColumnId],
    data: &mut TableData,
    random: &mut Stream,
) {
    let lists: BTreeMap<ColumnId, &Vec<String>> = condition
        .limits
        .iter()
        .filter(|(column, _)| written.contains(column))
        .filter_map(|(column, limit)| match limit {
            Limit::Texts { only: Some(only), .. } => Some((*column, only)),
            _ => None,
        })
        .collect();
    for (column, list) in lists {
        let Some(texts) = data.column(column).and_then(|array| array.as_string_opt::<i32>()) else {
            continue;
        };
        let put: StringArray = (0..texts.len())
            .map(|row| texts.is_valid(row).then(|| list[random.random_range(0..list.len())].as_str()))
            .collect();
        data.set(column, Arc::new(put) as ArrayRef);
    }
}

/// Rows that do not meet a condition, ascending. A column that is not there yet fails no row.
fn failing(condition: &Condition, values: &TableData) -> Vec<u32> {
    let limits: Vec<(&ArrayRef, &Limit)> = condition
        .limits
        .iter()
        .filter_map(|(column, limit)| Some((values.column(*column)?, limit)))
        .collect();
    (0..values.row_count as u32)
        .filter(|row| !limits.iter().all(|(array, limit)| limit.allows(array, *row as usize)))
        .collect()
}

/// `rows` with its columns in the order of `model`.
fn in_order_of(model: &TableData, rows: TableData) -> TableData {
    let arrays = model.columns.iter().filter_map(|column| rows.column(*column).cloned()).collect();
    TableData { columns: model.columns.clone(), arrays, ..rows }
}
