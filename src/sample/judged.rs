//! Constraints that only the target can decide: its functions, its collations, its operators. It is asked which rows
//! it would refuse; those are drawn again, or take what they lack from an accepted row, or are left out.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::{Array, new_null_array};

use crate::{
    codec::{Codec, decode_table_within},
    data::{TableData, arrow_type},
    finding::Finding,
    model::TableModel,
    plan::{ColumnRole, LinkRole},
    rules::enforce,
    sample::{Outlet, SampleError, Sampler, candidates::Candidates, draft::Draft},
    schema::{ColumnId, DataType, DialectName, Storage, Table, TableId, UniqueKey},
};

/// Rounds of drawing rows again.
const ROUNDS: usize = 4;
/// Replacements tried per row and round, half drawn anew and half taken from accepted rows.
const TRIES: usize = 8;
/// Share of rows repaired from which the user is warned: the values there are no longer those learned.
const HEAVY: f64 = 0.2;

/// A constraint of a table that is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suspect {
    /// A CHECK, by its place in the table's `checks`.
    Check(usize),
    /// A unique key, by its place in `Table::keys`.
    Key(usize),
    /// An EXCLUDE constraint, by its place in the table's `exclusions`.
    Exclusion(usize),
    /// A foreign key, by its place in the table's `foreign_keys`; its parent's rows are on the target.
    ForeignKey(usize),
}

/// Per suspect: the rows that break it, ascending, or why the target could not say.
pub type Answer = Vec<Result<Vec<u32>, String>>;

/// What became of the rows that broke one constraint.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    broken: usize,
    redrawn: usize,
    copied: usize,
    nulled: usize,
    dropped: usize,
}

/// A suspect and what may be changed to please it.
struct Case {
    suspect: Suspect,
    name: String,
    /// Columns it reads that may take another value, with those bound to them.
    columns: Vec<ColumnId>,
    tally: Tally,
}

impl Sampler<'_> {
    /// Makes the constraints hold that are not decided here. Runs before any child of the table exists.
    pub(super) fn settle_suspects(
        &mut self,
        id: TableId,
        model: &TableModel,
        draft: &mut Draft,
        outlet: &mut dyn Outlet,
    ) -> Result<(), SampleError> {
        let suspects = if self.options.judge_all {
            self.everything(id)
        } else {
            suspects(self.model.schema.dialect, self.model.schema.table(id), model, &draft.data)
        };
        if suspects.is_empty() || draft.row_count() == 0 {
            return Ok(());
        }
        let table = self.model.schema.table(id);
        let roles = &self.model.plan.table(id).columns;
        let mut cases: Vec<Case> = suspects
            .iter()
            .map(|suspect| {
                let (name, reads) = reads(table, *suspect);
                let columns = changeable(model, roles, &reads);
                Case { suspect: *suspect, name, columns, tally: Tally::default() }
            })
            .collect();
        let Some(broken) = self.ask(id, &draft.data, &mut cases, outlet)? else { return Ok(()) };
        if broken.iter().all(BTreeSet::is_empty) {
            return Ok(());
        }
        let rows_before = draft.row_count();
        for (case, broken) in cases.iter_mut().zip(&broken) {
            case.tally.broken = broken.len();
        }
        self.settle_rows(id, model, draft, &mut cases, outlet)?;
        self.make_unique(id, model, draft);
        self.settle_pairs(id, model, draft, &mut cases, outlet)?;
        self.leave_out(id, draft, &mut cases, outlet)?;
        for case in &cases {
            self.report_suspect(table, case, rows_before);
        }
        Ok(())
    }

    /// Every constraint of a table that can be judged now.
    fn everything(&self, id: TableId) -> Vec<Suspect> {
        let table = self.model.schema.table(id);
        let there = |parent: TableId| {
            self.keys[parent.0].is_some() && !self.waiting.iter().any(|waiting| waiting.id == parent)
        };
        let keys = table.foreign_keys.iter().enumerate().filter(|(index, fk)| {
            !self.is_late(id, *index) && fk.parent != id && there(fk.parent)
                || fk.parent == id && !self.is_late(id, *index)
                || fk.parent == id && self.model.plan.table(id).links[*index] == LinkRole::SelfReference
        });
        (0..table.checks.len())
            .map(Suspect::Check)
            .chain((0..table.keys().count()).map(Suspect::Key))
            .chain((0..table.exclusions.len()).map(Suspect::Exclusion))
            .chain(keys.map(|(index, _)| Suspect::ForeignKey(index)))
            .collect()
    }

    /// Mends rows that break a CHECK understood here after all that was done to them since it was first held to them.
    pub(super) fn mend_checks(&mut self, id: TableId, model: &TableModel, draft: &mut Draft) {
        let table = self.model.schema.table(id);
        let roles = &self.model.plan.table(id).columns;
        let rules = &model.facts.rules;
        let mut broken = rules.broken(&draft.data);
        let before = broken.len();
        for attempt in 0..2 * TRIES + 1 {
            if broken.is_empty() {
                break;
            }
            let wanted: BTreeMap<u32, Vec<ColumnId>> =
                broken.iter().map(|(row, reads)| (*row, changeable(model, roles, reads))).collect();
            let trial = if attempt == 2 * TRIES {
                nulled(table, &draft.data, &wanted)
            } else if attempt % 2 == 0 {
                replaced(&draft.data, &wanted, &draft.data, &donors(&wanted, draft.row_count(), attempt))
            } else {
                let rows: Vec<u32> = wanted.keys().copied().collect();
                let fresh = self.fresh(id, model, draft, &rows, 2000 + attempt);
                replaced(&draft.data, &wanted, &fresh, &(0..rows.len() as u32).collect::<Vec<_>>())
            };
            let failed = rules.violations(&trial);
            let base = draft.row_count() as u32;
            let mut index: Vec<u32> = (0..base).collect();
            for (place, row) in wanted.keys().enumerate().filter(|(place, _)| !failed[*place]) {
                index[*row as usize] = base + place as u32;
            }
            let Some(both) = TableData::concat(&[draft.data.clone(), trial]) else { break };
            draft.data = both.take(&index);
            broken = rules.broken(&draft.data);
        }
        if before == 0 {
            return;
        }
        let what = format!("{before} rows broke a CHECK again once they were whole");
        let finding = match broken.len() {
            0 => Finding::note("check-repaired", what).instead("they took values that do not"),
            left => {
                let keep: Vec<bool> =
                    (0..draft.row_count() as u32).map(|row| !broken.contains_key(&row)).collect();
                self.drop_rows(id, draft, &keep);
                Finding::warning("check-not-met", what).instead(format!("{left} of them were left out"))
            }
        };
        self.summary.findings.push(finding.table(&table.name));
    }

    /// Asks about every case. What cannot be answered is reported once and no case any more.
    fn ask(
        &mut self,
        id: TableId,
        rows: &TableData,
        cases: &mut Vec<Case>,
        outlet: &mut dyn Outlet,
    ) -> Result<Option<Vec<BTreeSet<u32>>>, SampleError> {
        let suspects: Vec<Suspect> = cases.iter().map(|case| case.suspect).collect();
        let Some(answer) = outlet.judge(id, rows, &suspects)? else { return Ok(None) };
        let mut broken = Vec::with_capacity(cases.len());
        let mut answers = answer.into_iter();
        let name = &self.model.schema.table(id).name;
        let findings = &mut self.summary.findings;
        cases.retain(|case| match answers.next() {
            Some(Ok(rows)) => {
                broken.push(rows.into_iter().collect());
                true
            }
            Some(Err(reason)) => {
                let what = format!("{}: the target could not be asked about it: {reason}", case.name);
                let finding = Finding::warning("constraint-not-judged", what).table(name);
                findings.push(finding.instead("rows were not tested against it before the load"));
                false
            }
            None => false,
        });
        Ok(Some(broken))
    }

    /// Mends rows that break a CHECK: each gets the first replacement that the target accepts.
    fn settle_rows(
        &mut self,
        id: TableId,
        model: &TableModel,
        draft: &mut Draft,
        cases: &mut [Case],
        outlet: &mut dyn Outlet,
    ) -> Result<(), SampleError> {
        let places: Vec<usize> =
            (0..cases.len()).filter(|place| matches!(cases[*place].suspect, Suspect::Check(_))).collect();
        if places.is_empty() {
            return Ok(());
        }
        let suspects: Vec<Suspect> = places.iter().map(|place| cases[*place].suspect).collect();
        for round in 0..=ROUNDS {
            let Some(answer) = outlet.judge(id, &draft.data, &suspects)? else { return Ok(()) };
            let bad = union(&answer);
            if bad.is_empty() {
                break;
            }
            let wanted: BTreeMap<u32, Vec<ColumnId>> = bad
                .iter()
                .map(|row| {
                    let broken = places.iter().zip(&answer).filter(|(_, rows)| holds(rows, *row));
                    (*row, broken.flat_map(|(place, _)| cases[*place].columns.iter().copied()).collect())
                })
                .collect();
            let blamed: BTreeMap<u32, usize> = bad
                .iter()
                .filter_map(|row| {
                    let mut broken = places.iter().zip(&answer).filter(|(_, rows)| holds(rows, *row));
                    broken.next().map(|(place, _)| (*row, *place))
                })
                .collect();
            let last = round == ROUNDS;
            let tries = if last { 1 } else { TRIES };
            let trials: Vec<TableData> = (0..tries)
                .map(|attempt| {
                    if last {
                        return nulled(self.model.schema.table(id), &draft.data, &wanted);
                    }
                    let (source, of) = if attempt % 2 == 0 {
                        let rows: Vec<u32> = wanted.keys().copied().collect();
                        let fresh = self.fresh(id, model, draft, &rows, round * TRIES + attempt);
                        (fresh, (0..rows.len() as u32).collect())
                    } else {
                        (draft.data.clone(), donors(&wanted, draft.row_count(), round * TRIES + attempt))
                    };
                    replaced(&draft.data, &wanted, &source, &of)
                })
                .collect();
            let Some(all) = TableData::concat(&trials) else { break };
            let Some(answer) = outlet.judge(id, &all, &suspects)? else { break };
            let refused = union(&answer);
            let broken_here = model.facts.rules.violations(&all);
            let mut index: Vec<u32> = (0..draft.row_count() as u32).collect();
            let base = draft.row_count() as u32;
            let mut counted: Vec<(u32, usize)> = Vec::new();
            for (place, row) in wanted.keys().enumerate() {
                let good = (0..tries).find(|attempt| {
                    let trial = attempt * wanted.len() + place;
                    !refused.contains(&(trial as u32)) && !broken_here[trial]
                });
                if let Some(attempt) = good {
                    index[*row as usize] = base + (attempt * wanted.len() + place) as u32;
                    counted.push((*row, attempt));
                }
            }
            for (row, attempt) in counted {
                let Some(place) = blamed.get(&row) else { continue };
                let tally = &mut cases[*place].tally;
                *(match (last, attempt % 2) {
                    (true, _) => &mut tally.nulled,
                    (false, 0) => &mut tally.redrawn,
                    (false, _) => &mut tally.copied,
                }) += 1;
            }
            let Some(both) = TableData::concat(&[draft.data.clone(), all]) else { break };
            draft.data = both.take(&index);
        }
        Ok(())
    }

    /// Mends rows that clash with another one: their values are drawn again, then moved to neighbours, then nulled.
    fn settle_pairs(
        &mut self,
        id: TableId,
        model: &TableModel,
        draft: &mut Draft,
        cases: &mut [Case],
        outlet: &mut dyn Outlet,
    ) -> Result<(), SampleError> {
        let places: Vec<usize> = (0..cases.len())
            .filter(|place| matches!(cases[*place].suspect, Suspect::Key(_) | Suspect::Exclusion(_)))
            .collect();
        if places.is_empty() {
            return Ok(());
        }
        let suspects: Vec<Suspect> = places.iter().map(|place| cases[*place].suspect).collect();
        for round in 0..=ROUNDS {
            let Some(answer) = outlet.judge(id, &draft.data, &suspects)? else { return Ok(()) };
            if union(&answer).is_empty() {
                break;
            }
            for (place, rows) in places.iter().zip(&answer) {
                let Ok(rows) = rows else { continue };
                let case = &mut cases[*place];
                let wanted: BTreeMap<u32, Vec<ColumnId>> =
                    rows.iter().map(|row| (*row, case.columns.clone())).collect();
                if wanted.is_empty() || case.columns.is_empty() {
                    continue;
                }
                let rows: Vec<u32> = wanted.keys().copied().collect();
                let table = self.model.schema.table(id);
                let trial = if round == ROUNDS {
                    nulled(table, &draft.data, &wanted)
                } else if round % 2 == 0 || matches!(case.suspect, Suspect::Exclusion(_)) {
                    let fresh = self.fresh(id, model, draft, &rows, 1000 + round);
                    let of: Vec<u32> = (0..rows.len() as u32).collect();
                    replaced(&draft.data, &wanted, &fresh, &of)
                } else {
                    stepped(table, model, &draft.data, &wanted, round)
                };
                let broken = model.facts.rules.violations(&trial);
                let base = draft.row_count() as u32;
                let mut index: Vec<u32> = (0..base).collect();
                for (place, row) in rows.iter().enumerate().filter(|(place, _)| !broken[*place]) {
                    index[*row as usize] = base + place as u32;
                }
                let Some(both) = TableData::concat(&[draft.data.clone(), trial]) else { continue };
                draft.data = both.take(&index);
            }
            self.make_unique(id, model, draft);
        }
        Ok(())
    }

    /// Leaves out what still breaks a constraint. A row less can make nothing worse.
    fn leave_out(
        &mut self,
        id: TableId,
        draft: &mut Draft,
        cases: &mut Vec<Case>,
        outlet: &mut dyn Outlet,
    ) -> Result<(), SampleError> {
        for _ in 0..ROUNDS {
            let Some(broken) = self.ask(id, &draft.data, cases, outlet)? else { return Ok(()) };
            let bad: BTreeSet<u32> = broken.iter().flatten().copied().collect();
            if bad.is_empty() {
                break;
            }
            for (case, broken) in cases.iter_mut().zip(&broken) {
                case.tally.dropped += broken.len();
            }
            let keep: Vec<bool> = (0..draft.row_count() as u32).map(|row| !bad.contains(&row)).collect();
            self.drop_rows(id, draft, &keep);
        }
        Ok(())
    }

    /// Values of some rows drawn again under the same tokens.
    fn fresh(&self, id: TableId, model: &TableModel, draft: &Draft, rows: &[u32], round: usize) -> TableData {
        let facts = &model.facts;
        let table = self.model.schema.table(id);
        let own = draft.data.take(rows);
        if draft.tokens.row_count != draft.row_count() {
            return own;
        }
        let first = facts.given_columns();
        let last = draft.tokens.tokens.len() - facts.counts.len() - facts.block_columns();
        let tokens = draft.tokens.sub_columns(first..last.max(first)).take(rows);
        let limits = self.condition(id).map_or_else(BTreeMap::new, |condition| condition.limits.clone());
        let stream = format!("judged/{}/{round}", table.name);
        let decoded = decode_table_within(&facts.codecs, &tokens, None, &limits, self.options.seed, &stream);
        // Far behind the rounds of the first repair.
        let values = self.write_text(&table.name.to_string(), model, decoded, 100 + round);
        let given = self.given(id, model, draft, &draft.data).take(rows);
        let mut all = own;
        for (column, array) in values.columns.into_iter().zip(values.arrays) {
            let timed = facts
                .codecs
                .iter()
                .any(|(timed, codec)| *timed == column && matches!(codec, Codec::Elapsed(_)));
            if !timed {
                all.set(column, array);
            }
        }
        enforce(&facts.rules.discovered, table, all, &given).0
    }

    fn report_suspect(&mut self, table: &Table, case: &Case, rows: usize) {
        let Tally { broken, redrawn, copied, nulled, dropped } = case.tally;
        if broken + dropped == 0 {
            return;
        }
        let what = format!(
            "{broken} rows broke {} as the target sees it: {redrawn} were drawn again, {copied} took values from \
             another row, {nulled} gave a value up, {dropped} were left out",
            case.name
        );
        let heavy = (redrawn + copied + nulled + dropped) as f64 > HEAVY * rows as f64;
        let finding = if dropped > 0 || heavy {
            Finding::warning("constraint-repaired", what)
        } else {
            Finding::note("constraint-repaired", what)
        };
        self.summary.findings.push(finding.table(&table.name));
    }
}

fn holds(rows: &Result<Vec<u32>, String>, row: u32) -> bool {
    rows.as_ref().is_ok_and(|rows| rows.binary_search(&row).is_ok())
}

fn union(answer: &Answer) -> BTreeSet<u32> {
    answer.iter().filter_map(|rows| rows.as_ref().ok()).flatten().copied().collect()
}

/// The constraints of a table that are not decided here.
fn suspects(dialect: DialectName, table: &Table, model: &TableModel, rows: &TableData) -> Vec<Suspect> {
    let rules = &model.facts.rules;
    let checks = rules.checks.iter().enumerate().filter(|(_, check)| check.expression.is_none());
    let checks = checks.map(|(place, _)| Suspect::Check(place));
    let keys = table.keys().enumerate().filter(|(_, key)| {
        !rules.understands(key)
            || key.columns.iter().any(|column| weighs_oddly(dialect, table, *column, rows))
    });
    let keys = keys.map(|(place, _)| Suspect::Key(place));
    let exclusions = (0..table.exclusions.len()).map(Suspect::Exclusion);
    checks.chain(keys).chain(exclusions).collect()
}

/// True if the column's collation may find texts equal that differ in more than case: accents, ignored characters.
fn weighs_oddly(dialect: DialectName, table: &Table, column: ColumnId, rows: &TableData) -> bool {
    let definition = table.column(column);
    if !definition.case_insensitive || definition.data_type.storage() != Storage::Text {
        return false;
    }
    if dialect == DialectName::Sqlite || matches!(definition.data_type, DataType::Enum { .. }) {
        return false;
    }
    if dialect == DialectName::Postgres && !definition.native_type.contains("citext") {
        return true;
    }
    // Case and trailing blanks are all there is to plain letters and digits.
    let Some(array) = rows.column(column) else { return false };
    let Some(texts) = array.as_any().downcast_ref::<arrow_array::StringArray>() else { return false };
    texts.iter().flatten().any(|text| text.bytes().any(|byte| !(0x20..0x7f).contains(&byte)))
}

/// The constraint's name and the columns it reads.
fn reads(table: &Table, suspect: Suspect) -> (String, Vec<ColumnId>) {
    match suspect {
        Suspect::Check(place) => {
            let check = &table.checks[place];
            let columns = match check.domain_column {
                Some(column) => vec![column],
                None => mentioned(table, &check.expression),
            };
            (format!("CHECK {}", check.name), columns)
        }
        Suspect::Key(place) => {
            let key: Option<&UniqueKey> = table.keys().nth(place);
            let mut columns = key.map(|key| key.columns.clone()).unwrap_or_default();
            for text in key.into_iter().flat_map(|key| &key.expressions) {
                columns.extend(mentioned(table, text));
            }
            (format!("unique key {}", key.map_or("", |key| key.name.as_str())), columns)
        }
        Suspect::ForeignKey(place) => {
            let fk = &table.foreign_keys[place];
            (format!("foreign key {}", fk.name), fk.columns.clone())
        }
        Suspect::Exclusion(place) => {
            let exclusion = &table.exclusions[place];
            let columns = exclusion.elements.iter().flat_map(|element| mentioned(table, &element.expression));
            (format!("EXCLUDE {}", exclusion.name), columns.collect())
        }
    }
}

/// The columns whose names stand in a text of SQL, outside of string literals.
pub(super) fn mentioned(table: &Table, text: &str) -> Vec<ColumnId> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' => 1 + rest[1..].find('\'').map_or(rest.len() - 1, |at| at + 1),
            '"' | '`' => {
                let end = 1 + rest[1..].find(first).unwrap_or(rest.len() - 1);
                found.extend(table.find(&rest[1..end]));
                (end + 1).min(rest.len())
            }
            c if c.is_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'));
                let end = end.unwrap_or(rest.len());
                // A function may have a column's name.
                if !rest[end..].trim_start().starts_with('(') {
                    found.extend(table.find(&rest[..end]));
                }
                end
            }
            c => c.len_utf8(),
        };
        rest = &rest[length..];
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Of the columns read, those that may take another value, and all that is bound to them.
fn changeable(model: &TableModel, roles: &[ColumnRole], reads: &[ColumnId]) -> Vec<ColumnId> {
    let rules = &model.facts.rules;
    let mut columns = rules.bound_to(reads);
    columns.retain(|column| {
        matches!(roles.get(column.0), Some(ColumnRole::Attribute | ColumnRole::KeyAttribute))
            && !rules.is_settled(*column)
    });
    columns
}

/// A row for each wanted row to take values from: another one that is not wanted.
fn donors(wanted: &BTreeMap<u32, Vec<ColumnId>>, rows: usize, attempt: usize) -> Vec<u32> {
    let good: Vec<u32> = (0..rows as u32).filter(|row| !wanted.contains_key(row)).collect();
    wanted
        .keys()
        // A fixed hash of the row spreads the donors without a random stream.
        .map(|row| match good.len() {
            0 => *row,
            count => good[((*row as usize).wrapping_mul(0x9E37_79B9).wrapping_add(attempt * 7919)) % count],
        })
        .collect()
}

/// The wanted rows with their columns taken from rows `of` of `source`.
fn replaced(
    rows: &TableData,
    wanted: &BTreeMap<u32, Vec<ColumnId>>,
    source: &TableData,
    of: &[u32],
) -> TableData {
    let own_index: Vec<u32> = wanted.keys().copied().collect();
    let mut trial = rows.take(&own_index);
    let from = source.take(of);
    let count = own_index.len() as u32;
    for column in wanted.values().flatten().copied().collect::<BTreeSet<_>>() {
        let (Some(own), Some(new)) = (trial.column(column), from.column(column)) else { continue };
        let index: Vec<u32> = wanted
            .values()
            .enumerate()
            .map(|(place, columns)| place as u32 + if columns.contains(&column) { count } else { 0 })
            .collect();
        let part =
            |array: &arrow_array::ArrayRef| TableData::new(vec![column], vec![array.clone()], count as usize);
        if own.data_type() != new.data_type() {
            continue;
        }
        if let Some(both) = TableData::concat(&[part(own), part(new)]) {
            trial.set(column, both.take(&index).arrays.remove(0));
        }
    }
    trial
}

/// The wanted rows with null in the columns that may be null.
fn nulled(table: &Table, rows: &TableData, wanted: &BTreeMap<u32, Vec<ColumnId>>) -> TableData {
    let columns: Vec<ColumnId> = rows.columns.clone();
    let arrays = columns
        .iter()
        .map(|column| {
            let storage = table.column(*column).data_type.storage();
            new_null_array(&arrow_type(storage), rows.row_count)
        })
        .collect();
    let nulls = TableData::new(columns, arrays, rows.row_count);
    let nullable: BTreeMap<u32, Vec<ColumnId>> = wanted
        .iter()
        .map(|(row, columns)| {
            let own = columns.iter().copied().filter(|column| table.column(*column).nullable);
            (*row, own.collect())
        })
        .collect();
    let of: Vec<u32> = wanted.keys().copied().collect();
    replaced(rows, &nullable, &nulls, &of)
}

/// The wanted rows with one column moved to a value nearby that keeps the understood CHECKs.
fn stepped(
    table: &Table,
    model: &TableModel,
    rows: &TableData,
    wanted: &BTreeMap<u32, Vec<ColumnId>>,
    round: usize,
) -> TableData {
    let own: Vec<u32> = wanted.keys().copied().collect();
    let Some(column) = wanted.values().flatten().copied().next() else { return rows.take(&own) };
    let Some(array) = rows.column(column).cloned() else { return rows.take(&own) };
    let rules = &model.facts.rules;
    let codec = model.facts.codecs.iter().find(|(id, _)| *id == column).map(|(_, codec)| codec);
    let definition = table.column(column);
    let candidates = Candidates::new(definition, codec, rules.allowed_values(column), &array);
    let pieces: Vec<TableData> = own
        .iter()
        .enumerate()
        .map(|(place, row)| {
            let before = rows.take(&[*row]);
            // Rows of one clash must not move to one place.
            let skip = place * (round + 1);
            let found = candidates.of(*row as usize).skip(skip).take(TRIES * TRIES).find_map(|candidate| {
                let mut one = before.clone();
                one.set(column, candidate.array(definition.data_type.storage()));
                (!rules.violations(&one)[0]).then_some(one)
            });
            found.unwrap_or(before)
        })
        .collect();
    TableData::concat(&pieces).unwrap_or_else(|| rows.take(&own))
}

#[cfg(test)]
mod tests;
