//! Constraints that only the target can decide: its functions, its collations, its operators. It is asked which rows
//! it would refuse; those are drawn again, or take what they lack from an accepted row, or are left out.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    codec::{counted_from_kin, decode_table_within},
    data::TableData,
    finding::Finding,
    model::{TableModel, take_linked},
    plan::LinkRole,
    rules::{TableRules, enforce},
    sample::{
        Outlet, SampleError, Sampler,
        draft::Draft,
        judged_links::Asked,
        suspects::{changeable, holds, reads, suspects, union},
        trials::{PLAIN_VALUES, SPELLINGS, donors, nulled, plain_values, replaced, respelled, stepped},
    },
    schema::{ColumnId, Table, TableId},
    semantic::Above,
};

/// Rounds of drawing rows again.
const ROUNDS: usize = 4;
/// Replacements tried per row and round, half drawn anew and half taken from accepted rows.
pub(super) const TRIES: usize = 8;
/// CHECKs listed in a finding.
const NAMES_SHOWN: usize = 5;
/// Share of rows repaired from which the user is warned: the values there are no longer those learned.
const HEAVY: f64 = 0.2;

/// A constraint of a table that is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suspect {
    /// A CHECK, by its place in the table's `checks`.
    Check(usize),
    /// A unique key, by its place in `Table::keys`.
    Key(usize),
    /// An EXCLUDE constraint, by its place in the table's `exclusions`.
    Exclusion(usize),
    /// A foreign key, by its place in the table's `foreign_keys`; its parent's rows are on the target.
    ForeignKey(usize),
    /// An index that is not unique, by its place in the table's `computed_indexes`: can it be computed?
    Index(usize),
    /// A generated column, by its place in the table: can it be computed?
    Generated(usize),
}

impl Suspect {
    /// True if it looks at one row at a time.
    fn is_of_rows(self) -> bool {
        matches!(self, Self::Check(_) | Self::Index(_) | Self::Generated(_))
    }
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
    plain: usize,
    /// Rows that took another parent.
    moved: usize,
    dropped: usize,
    /// Rows that an index still cannot be made of.
    left: usize,
}

/// A suspect and what may be changed to please it.
struct Case {
    suspect: Suspect,
    name: String,
    /// Columns it reads that may take another value, with those bound to them.
    columns: Vec<ColumnId>,
    /// All columns it reads.
    reads: Vec<ColumnId>,
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
            suspects(self.model.schema.table(id), model, &draft.data)
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
                Case { suspect: *suspect, name, columns, reads, tally: Tally::default() }
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
        self.settle_parents(id, model, draft, &mut cases, outlet)?;
        self.make_unique(id, model, draft);
        self.settle_pairs(id, model, draft, &mut cases, outlet)?;
        // A type that was swapped is another table's row.
        if !self.model.plan.table(id).links.contains(&LinkRole::Deferred) {
            self.draw_references(id, model, draft, true);
        }
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
            .chain((0..table.computed_indexes.len()).map(Suspect::Index))
            .chain(
                table
                    .iter()
                    .filter(|(_, column)| column.generated.is_some())
                    .map(|(id, _)| Suspect::Generated(id.0)),
            )
            .collect()
    }

    /// Mends rows that break a CHECK understood here after all that was done to them since it was first held to them.
    pub(super) fn mend_checks(&mut self, id: TableId, model: &TableModel, draft: &mut Draft) {
        let table = self.model.schema.table(id);
        let roles = &self.model.plan.table(id).columns;
        let rules = &model.facts.rules;
        let mut broken = rules.broken(&draft.data);
        let before = broken.len();
        let names = if before == 0 { String::new() } else { broken_names(rules, &draft.data) };
        for attempt in 0..2 * TRIES + SPELLINGS + 1 {
            if broken.is_empty() {
                break;
            }
            let wanted: BTreeMap<u32, Vec<ColumnId>> =
                broken.iter().map(|(row, reads)| (*row, changeable(model, roles, reads))).collect();
            let trial = if attempt == 2 * TRIES + SPELLINGS {
                nulled(table, &draft.data, &wanted)
            } else if attempt >= 2 * TRIES {
                respelled(table, &draft.data, &wanted, attempt - 2 * TRIES)
            } else if attempt % 2 == 0 {
                replaced(&draft.data, &wanted, &draft.data, &donors(&wanted, draft.row_count(), attempt))
            } else {
                let rows: Vec<u32> = wanted.keys().copied().collect();
                let fresh = self.fresh(id, model, draft, &rows, 2000 + attempt);
                replaced(&draft.data, &wanted, &fresh, &(0..rows.len() as u32).collect::<Vec<_>>())
            };
            let failed = rules.violations(&trial);
            let good = wanted.keys().enumerate().filter(|(place, _)| !failed[*place]);
            draft.data = draft.data.patched(&trial, good.map(|(place, row)| (*row as usize, place)));
            broken = rules.broken(&draft.data);
        }
        if before == 0 {
            return;
        }
        let what = format!("{before} rows broke {names} again once they were whole");
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
            (0..cases.len()).filter(|place| cases[*place].suspect.is_of_rows()).collect();
        if places.is_empty() {
            return Ok(());
        }
        let suspects: Vec<Suspect> = places.iter().map(|place| cases[*place].suspect).collect();
        for round in 0..=ROUNDS + 2 {
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
            // Plainer spellings, then nulls, and at the very end values that most functions can read.
            let (spelled, nulls, last) = (round == ROUNDS, round == ROUNDS + 1, round > ROUNDS + 1);
            let tries = match () {
                () if nulls => 1,
                () if spelled => SPELLINGS,
                () if last => PLAIN_VALUES,
                () => TRIES,
            };
            let trials: Vec<TableData> = (0..tries)
                .map(|attempt| {
                    if nulls {
                        return nulled(self.model.schema.table(id), &draft.data, &wanted);
                    }
                    if last {
                        return plain_values(self.model.schema.table(id), &draft.data, &wanted, attempt);
                    }
                    if spelled {
                        return respelled(self.model.schema.table(id), &draft.data, &wanted, attempt);
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
            let mut mended: Vec<(usize, usize)> = Vec::new();
            let mut counted: Vec<(u32, usize)> = Vec::new();
            for (place, row) in wanted.keys().enumerate() {
                let good = (0..tries).find(|attempt| {
                    let trial = attempt * wanted.len() + place;
                    !refused.contains(&(trial as u32)) && !broken_here[trial]
                });
                if let Some(attempt) = good {
                    mended.push((*row as usize, attempt * wanted.len() + place));
                    counted.push((*row, attempt));
                }
            }
            for (row, attempt) in counted {
                let Some(place) = blamed.get(&row) else { continue };
                let tally = &mut cases[*place].tally;
                *(match attempt % 2 {
                    _ if nulls => &mut tally.nulled,
                    _ if last => &mut tally.plain,
                    _ if spelled => &mut tally.redrawn,
                    0 => &mut tally.redrawn,
                    _ => &mut tally.copied,
                }) += 1;
            }
            draft.data = draft.data.patched(&all, mended);
        }
        Ok(())
    }

    /// Mends rows that break a CHECK by the parent they have.
    fn settle_parents(
        &self,
        id: TableId,
        model: &TableModel,
        draft: &mut Draft,
        cases: &mut [Case],
        outlet: &mut dyn Outlet,
    ) -> Result<(), SampleError> {
        let of_rows: Vec<&mut Case> = cases.iter_mut().filter(|case| case.suspect.is_of_rows()).collect();
        let asked: Vec<Asked> = of_rows.iter().map(|case| (case.suspect, case.reads.clone())).collect();
        if asked.is_empty() {
            return Ok(());
        }
        let moved = self.settle_links(id, model, draft, &asked, outlet)?;
        if moved.iter().any(|moved| *moved > 0) {
            // What repeats the parent's value repeats the new parent's.
            self.restore(id, model, draft, &model.facts.rules.copies());
        }
        for (case, moved) in of_rows.into_iter().zip(moved) {
            case.tally.moved += moved;
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
        // A row that a generated column cannot be computed for is in nobody's way.
        let computed =
            (cases.iter().map(|case| case.suspect)).filter(|one| matches!(one, Suspect::Generated(_)));
        let suspects: Vec<Suspect> =
            places.iter().map(|place| cases[*place].suspect).chain(computed).collect();
        for round in 0..=ROUNDS {
            let Some(mut answer) = outlet.judge(id, &draft.data, &suspects)? else { return Ok(()) };
            answer.truncate(places.len());
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
                let good = rows.iter().enumerate().filter(|(place, _)| !broken[*place]);
                draft.data = draft.data.patched(&trial, good.map(|(place, row)| (*row as usize, place)));
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
            // An index that promises nothing is worth less than a row.
            let binds = |case: &&Case| !matches!(case.suspect, Suspect::Index(_));
            let binding = cases.iter().zip(&broken).filter(|(case, _)| binds(case));
            let bad: BTreeSet<u32> = binding.flat_map(|(_, broken)| broken).copied().collect();
            for (case, broken) in cases.iter_mut().zip(&broken) {
                match case.suspect {
                    Suspect::Index(_) => case.tally.left = broken.len(),
                    _ => case.tally.dropped += broken.len(),
                }
            }
            if bad.is_empty() {
                break;
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
        let limits = self.limits(id, model);
        let stream = format!("judged/{}/{round}", draft.place.of(&table.name));
        let mut decoded =
            decode_table_within(&facts.codecs, &tokens, None, (&own, &limits), self.options.seed, &stream);
        if let Some(said) = self.said_above(id, model, draft) {
            decoded.set(Above::COLUMN, take_linked(said.as_ref(), rows));
        }
        // Far behind the rounds of the first repair.
        let values = self.write_text(id, model, decoded, (draft.place, 100 + round));
        let given = self.given(id, model, draft, &draft.data).take(rows);
        let mut all = own;
        for (column, array) in values.columns.into_iter().zip(values.arrays) {
            let timed = counted_from_kin(&facts.codecs, column);
            if !timed {
                all.set(column, array);
            }
        }
        enforce(&facts.rules.discovered, table, all, &given).0
    }

    fn report_suspect(&mut self, table: &Table, case: &Case, rows: usize) {
        let Tally { broken, redrawn, copied, nulled, plain, moved, dropped, left } = case.tally;
        if broken + dropped + left == 0 {
            return;
        }
        let mut what = format!(
            "{broken} rows broke {} as the target sees it: {redrawn} were drawn again, {copied} took values from \
             another row, {nulled} gave a value up, {dropped} were left out",
            case.name
        );
        if plain > 0 {
            what.push_str(&format!(", {plain} took a plain value that it can be computed from"));
        }
        if moved > 0 {
            what.push_str(&format!(", {moved} took another parent"));
        }
        if left > 0 {
            what.push_str(&format!(", {left} are as they were, so that it cannot be made"));
        }
        let heavy = (redrawn + copied + nulled + plain + moved + dropped) as f64 > HEAVY * rows as f64;
        let finding = if dropped + left > 0 || heavy {
            Finding::warning("constraint-repaired", what)
        } else {
            Finding::note("constraint-repaired", what)
        };
        self.summary.findings.push(finding.table(&table.name));
    }
}

/// The CHECKs that some rows break, by name.
fn broken_names(rules: &TableRules, rows: &TableData) -> String {
    let failures = rules.failures(rows);
    let broken = failures.iter().filter(|(_, failed)| failed.contains(&true));
    let names: BTreeSet<&str> = broken.map(|(check, _)| check.name.as_str()).collect();
    let list: Vec<&str> = names.iter().take(NAMES_SHOWN).copied().collect();
    let more = if names.len() > NAMES_SHOWN { " …" } else { "" };
    format!("CHECK {}{more}", list.join(", "))
}
