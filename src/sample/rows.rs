//! Structure and tokens of a table's rows, and the values they decode to.

use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Int64Array, StringArray, cast::AsArray, new_null_array,
};
use rayon::prelude::*;

use crate::{
    codec::{EncodedTable, Kin, RunningTotals, counted_from_kin, decode_table_within, encode_table},
    conditioning::{Conditioning, Receiver},
    data::{Families, Links, TableData, arrow_type},
    finding::Finding,
    generator::TableGenerator,
    model::{TableModel, take_linked},
    plan::{ColumnRole, LinkRole},
    rules::{Position, RepairTally, enforce, try_factors},
    sample::{
        SampleError, Sampler,
        blocks::Place,
        conditions::{FIRST_ROUND, put_listed},
        draft::Draft,
        joint::with_known,
    },
    schema::{ColumnId, DataType, Table, TableId, TableName},
    semantic::Above,
    structure::{FanOut, TokenFanOut},
};

/// Rows written by one stream of the text writer.
const WRITER_ROWS: usize = 4096;
/// Rounds of drawing again before a value is taken from another row.
const REPAIR_ROUNDS: usize = 8;

impl Sampler<'_> {
    /// Decides how many rows there are and which parent each belongs to.
    pub(super) fn lay_out(&mut self, id: TableId, model: &TableModel) -> Result<Draft, SampleError> {
        let table = self.model.schema.table(id);
        let mut draft = Draft::empty(table);
        let target = self.target_rows(id, model);
        let Some(context) = self.model.plan.table(id).context else {
            draft.families = Families::singletons(target as usize);
            draft.data.row_count = target as usize;
            return Ok(draft);
        };
        let fk = &table.foreign_keys[context.0];
        let parent_count = self.keys[fk.parent.0].as_ref().map_or(0, |keys| keys.row_count);
        let orphans = (target as f64 * model.facts.orphan_share).round() as usize;
        let mut counts = self.child_counts(id, target.saturating_sub(orphans as u64), parent_count)?;
        self.only_eligible(id, model, &mut counts);
        counts.extend(std::iter::repeat_n(1, orphans));
        draft.families = Families::from_counts(&counts);
        draft.parent_count = parent_count;
        draft.data.row_count = draft.families.row_count();
        let parents = (0..draft.families.len() as u32)
            .flat_map(|family| {
                let parent = if (family as usize) < parent_count { family } else { crate::data::NO_ROW };
                std::iter::repeat_n(parent, draft.families.rows(family as usize).len())
            })
            .collect();
        draft.links[context.0] = Links { parent: parents };
        Ok(draft)
    }

    fn target_rows(&self, id: TableId, model: &TableModel) -> u64 {
        let learned =
            model.row_generator.is_some() || model.facts.codecs.is_empty() && model.facts.counts.is_empty();
        if model.facts.real_rows == 0 || !learned {
            return 0;
        }
        if let Some(rows) = self.options.rows.get(id.0).copied().flatten().or(self.model.plan.table(id).rows)
        {
            return rows;
        }
        let scaled = model.facts.real_rows as f64 * self.options.scale;
        // Children follow their parents: a parent table with rows of its own number takes them along.
        let ratio = self.model.plan.table(id).context.map_or(1.0, |context| {
            let parent = self.model.schema.table(id).foreign_keys[context.0].parent;
            let real = self.model.table(parent).map_or(0, |parent| parent.facts.real_rows) as f64;
            let made = self.keys[parent.0].as_ref().map_or(0, |keys| keys.row_count) as f64;
            if real > 0.0 && self.options.scale > 0.0 { made / (real * self.options.scale) } else { 1.0 }
        });
        let rows = (scaled * ratio).round() as u64;
        // A table with rows never scales down to nothing.
        if model.facts.real_rows > 0 && rows == 0 && self.options.scale > 0.0 { 1 } else { rows }
    }

    fn child_counts(
        &mut self,
        id: TableId,
        target: u64,
        parent_count: usize,
    ) -> Result<Vec<u32>, SampleError> {
        let table = self.model.schema.table(id);
        let name = table.name.to_string();
        let context = self.model.plan.table(id).context;
        let parent = context.map(|context| table.foreign_keys[context.0].parent);
        let counted = parent.and_then(|parent| {
            let counts = &self.model.table(parent)?.facts.counts;
            let place = counts.iter().position(|c| c.child == id && Some(c.foreign_key) == context)?;
            let rows = &self.graph.tables[parent.0].as_ref()?.rows;
            let tokens = rows.tokens.get((rows.tokens.len() + place).checked_sub(counts.len())?)?;
            Some((counts[place].codec.clone(), tokens.clone()))
        });
        let Some((codec, tokens)) = counted.filter(|_| parent_count > 0) else {
            if target > 0 {
                let what = format!("{target} rows have no parent row to belong to");
                self.summary.findings.push(
                    Finding::warning("no-parent-rows", what).table(&name).instead("they were left out"),
                );
            }
            return Ok(vec![0; parent_count]);
        };
        let single = context.is_some_and(|context| {
            let columns = &table.foreign_keys[context.0].columns;
            table.keys().any(|key| {
                key.predicate.is_none()
                    && key.expressions.is_empty()
                    && key.columns.iter().all(|column| columns.contains(column))
            })
        });
        let fan_out = TokenFanOut::new(codec).with_cap(single.then_some(1));
        let mut random = self.options.seed.stream(&format!("fan-out/{name}"), 0);
        let target = if single { target.min(parent_count as u64) } else { target };
        fan_out
            .sample(&tokens, Some(target), &mut random)
            .map_err(|source| SampleError::Structure { table: name, source })
    }

    pub(super) fn conditioning(
        &self,
        id: TableId,
        draft: &Draft,
        links: bool,
        given: Option<EncodedTable>,
    ) -> Conditioning {
        let receiver = Receiver {
            table: id,
            families: &draft.families,
            first_parent: draft.place.first_family,
            parent_count: draft.parent_count,
            links: links.then_some(draft.links.as_slice()),
        };
        Conditioning {
            families: draft.families.clone(),
            has_siblings: self.model.plan.table(id).context.is_some(),
            messages: self.graph.messages(&self.model.schema, &self.model.plan, receiver),
            given: given.filter(|given| !given.sub_columns.is_empty()).map(Arc::new),
            running: self.running_totals(id, draft).filter(|_| links).map(Arc::new),
            avoided: self.generated(id).and_then(|model| model.uniques.clone()).filter(|_| links),
        }
    }

    /// The totals that go on from row to row of a draft.
    fn running_totals(&self, id: TableId, draft: &Draft) -> Option<RunningTotals> {
        let facts = &self.generated(id)?.facts;
        let name = format!("totals/{}", draft.place.of(&self.model.schema.table(id).name));
        let running = RunningTotals::new(&facts.rules.carried, &facts.codecs, (self.options.seed, &name));
        running.map(|running| running.within(draft.series(facts).as_ref()))
    }

    fn run(
        &self,
        generator: Option<&dyn TableGenerator>,
        conditioning: &Conditioning,
        stream: &str,
    ) -> Result<EncodedTable, SampleError> {
        match generator {
            Some(generator) => Ok(generator.sample(conditioning, self.options.seed, stream)?),
            None => Ok(EncodedTable::empty(conditioning.families.row_count())),
        }
    }

    /// Draws the tokens of links: which are set, which block they lead to, which are an earlier sibling's.
    pub(super) fn sample_link_tokens(
        &mut self,
        id: TableId,
        model: &TableModel,
        draft: &mut Draft,
    ) -> Result<(), SampleError> {
        let conditioning = self.conditioning(id, draft, false, None);
        let name = format!("sample/{}/links", self.model.schema.table(id).name);
        draft.tokens = self.run(model.link_generator.as_deref(), &conditioning, &name)?;
        for link in &model.facts.links {
            let columns = model.facts.link_columns(link.foreign_key);
            if let Some(tokens) = draft.tokens.tokens.get(columns) {
                draft.present[link.foreign_key.0] = link.decode(tokens).0;
            }
        }
        Ok(())
    }

    /// Draws attribute and count tokens under everything decided so far.
    pub(super) fn sample_rows(
        &mut self,
        id: TableId,
        model: &TableModel,
        draft: &mut Draft,
    ) -> Result<(), SampleError> {
        let name = format!("sample/{}", draft.place.of(&self.model.schema.table(id).name));
        self.draw_rows(id, model, draft, &name)
    }

    /// Does the same by the random streams of a name.
    pub(super) fn draw_rows(
        &mut self,
        id: TableId,
        model: &TableModel,
        draft: &mut Draft,
        name: &str,
    ) -> Result<(), SampleError> {
        let given = std::mem::replace(&mut draft.tokens, EncodedTable::empty(0));
        let conditioning = self.conditioning(id, draft, true, Some(given.clone()));
        let known = std::mem::take(&mut draft.known);
        let under = |known, name: &str| {
            let restriction = with_known(
                self.restriction(id, model, conditioning.families.row_count()),
                known,
                &model.facts,
            );
            match (model.row_generator.as_deref(), &restriction) {
                (Some(generator), Some(restriction)) => {
                    Ok(generator.sample_under(&conditioning, self.options.seed, name, restriction)?)
                }
                (generator, _) => self.run(generator, &conditioning, name),
            }
        };
        let mut rows = under(known.clone(), name)?;
        if let Some(times) = self.regular_times(id, model, draft, &rows, name) {
            rows = under([known, times].concat(), &format!("{name}/timed"))?;
        }
        draft.tokens = given.beside(rows);
        Ok(())
    }

    /// The tokens of links that are known already.
    pub(super) fn known_link_tokens(&self, id: TableId, model: &TableModel, draft: &Draft) -> EncodedTable {
        let mut given = EncodedTable::empty(draft.row_count());
        for link in &model.facts.links {
            let fk = link.foreign_key.0;
            let present: Vec<bool> =
                draft.links[fk].parent.iter().map(|parent| *parent != crate::data::NO_ROW).collect();
            let columns = link.sub_columns(&self.model.schema.table(id).foreign_keys[fk].name);
            for (column, tokens) in columns.into_iter().zip(link.encode(&present, &[], &[])) {
                given.push(column, tokens);
            }
        }
        given
    }

    /// A copied table's attributes are given; only its child counts are drawn.
    pub(super) fn copied_tokens(
        &mut self,
        id: TableId,
        model: &TableModel,
        draft: &mut Draft,
    ) -> Result<(), SampleError> {
        let given = self.known_link_tokens(id, model, draft);
        draft.tokens = given.beside(encode_table(&model.facts.codecs, &draft.data, None));
        self.sample_rows(id, model, draft)
    }

    /// Completes a table without rows: every column, and every sub-column its children hear of, is there and empty.
    pub(super) fn leave_empty(&mut self, id: TableId, model: &TableModel, draft: &mut Draft) {
        let table = self.model.schema.table(id);
        let wanted = model.facts.real_rows > 0 && self.options.scale > 0.0;
        if wanted && self.model.plan.table(id).context.is_none() {
            let finding = Finding::warning("nothing-learned", "no row of the table could be learned from");
            self.summary.findings.push(finding.table(&table.name).instead("it is left empty"));
        }
        rows_of_nulls(table, &table.writable_columns(), draft);
        let mut tokens = EncodedTable::empty(0);
        for link in &model.facts.links {
            for column in link.sub_columns(&table.foreign_keys[link.foreign_key.0].name) {
                tokens.push(column, Vec::new());
            }
        }
        let mut tokens = tokens.beside(encode_table(&model.facts.codecs, &draft.data, None));
        for column in model.facts.blocks.iter().flat_map(|blocks| &blocks.columns) {
            tokens.push(column.clone(), Vec::new());
        }
        for count in &model.facts.counts {
            let child = self.model.schema.table(count.child);
            let name = format!("{}.{}#", child.name, child.foreign_keys[count.foreign_key.0].name);
            tokens.push(count.codec.sub_column(&name), Vec::new());
        }
        draft.tokens = tokens;
        draft.links = vec![Links::absent(0); table.foreign_keys.len()];
    }

    /// Decodes tokens, writes text, computes positions, allots keys and enforces what must hold inside a row.
    pub(super) fn make_values(&mut self, id: TableId, model: &TableModel, draft: &mut Draft) {
        let table = self.model.schema.table(id);
        let seed = self.options.seed;
        let place = draft.place;
        let name = place.of(&table.name);
        let facts = &model.facts;
        let first = facts.given_columns();
        let last = draft.tokens.tokens.len() - facts.counts.len() - facts.block_columns();
        let tokens = draft.tokens.sub_columns(first..last.max(first));
        let limits = self.limits(id, model);
        let written: Vec<ColumnId> = facts.writer.columns().map(|(column, _)| column).collect();
        let parents = self.context_rows(id, draft);
        let series = draft.series(facts);
        let kin = Kin { families: &draft.families, parent: parents.as_ref(), series: series.as_ref() };
        // A row drawn again is alone: its siblings stay as they are.
        let bases = self.known_bases(id, model, draft);
        let above = self.said_above(id, model, draft);
        let decode = |rows: Option<&[u32]>, round: usize| -> TableData {
            let kin = (round == 0).then_some(kin);
            let (tokens, bases) = match rows {
                Some(rows) => (&tokens.take(rows), &bases.take(rows)),
                None => (&tokens, &bases),
            };
            let stream = format!("decode/{name}/{round}");
            let mut decoded =
                decode_table_within(&facts.codecs, tokens, kin, (bases, &limits), seed, &stream);
            if let Some(said) = &above {
                let said = rows.map_or_else(|| said.clone(), |rows| take_linked(said.as_ref(), rows));
                decoded.set(Above::COLUMN, said);
            }
            let mut values = self.write_text(id, model, decoded, (place, round));
            if let Some(condition) = self.condition(id) {
                let mut random = seed.stream(&format!("condition/{name}/{round}"), 0);
                put_listed(condition, &written, &mut values, &mut random);
            }
            values
        };
        let numbered: Vec<(ColumnId, ArrayRef)> = facts
            .rules
            .positions
            .iter()
            .map(|position| (position.column, number_families(*position, &draft.families)))
            .collect();
        let mut values = decode(None, 0);
        let running = self.running_totals(id, draft).map(|running| running.values(&tokens.tokens));
        for (column, placed) in running.into_iter().flatten() {
            values.set(column, placed);
        }
        for (column, times) in std::mem::take(&mut draft.times) {
            values.set(column, times);
        }
        for (column, numbers) in &numbered {
            values.set(*column, numbers.clone());
        }
        // Times counted from a sibling's keep their place when a row is drawn again.
        let timed: Vec<(ColumnId, ArrayRef)> = facts
            .codecs
            .iter()
            .filter(|(column, _)| counted_from_kin(&facts.codecs, *column))
            .filter_map(|(column, _)| Some((*column, values.column(*column)?.clone())))
            .collect();
        let given = self.given(id, model, draft, &values);
        let (values, changed) = enforce(&facts.rules.discovered, table, values, &given);
        let roles = &self.model.plan.table(id).columns;
        let allowed =
            values.columns.iter().copied().filter(|c| roles[c.0] == ColumnRole::Attribute).collect();
        let mut round = 0;
        let (values, tally) = facts.rules.repair(
            table,
            &values,
            &allowed,
            &mut |rows: &[usize]| {
                round += 1;
                let rows: Vec<u32> = rows.iter().map(|row| *row as u32).collect();
                let mut again = decode(Some(&rows), round);
                for (column, numbers) in numbered.iter().chain(&timed) {
                    again.set(*column, take_linked(numbers.as_ref(), &rows));
                }
                enforce(&facts.rules.discovered, table, again, &given.take(&rows)).0
            },
            REPAIR_ROUNDS,
        );
        // A value taken from another row does not know this row's ancestors.
        let values = if tally.repaired + tally.copied > 0 {
            enforce(&facts.rules.discovered, table, values, &given).0
        } else {
            values
        };
        let values = self.meet_condition(id, model, values, &mut |rows, round| {
            let mut again = decode(Some(rows), round);
            for (column, numbers) in &numbered {
                again.set(*column, take_linked(numbers.as_ref(), rows));
            }
            enforce(&facts.rules.discovered, table, again, &given.take(rows)).0
        });
        let values = self.settle_sums(id, model, values, draft);
        let values = self.carry_on(id, model, series.as_ref().unwrap_or(&draft.families), values, &given);
        self.report_enforced(&table.name, changed);
        self.report_repairs(&table.name, &tally);
        self.note_written_conditions(id, model);
        for (column, array) in values.columns.into_iter().zip(values.arrays) {
            if draft.data.column(column).is_none() {
                draft.data.set(column, array);
            }
        }
        self.take_places(id, model, draft);
        self.allot_keys(id, draft);
        self.run_with_clocks(model, draft);
    }

    /// Replaces the presence of written columns by written values, spelled as CHECKs demand.
    pub(super) fn write_text(
        &self,
        id: TableId,
        model: &TableModel,
        decoded: TableData,
        (place, round): (Place, usize),
    ) -> TableData {
        let table = self.model.schema.table(id);
        let name = place.of(&table.name);
        let mut data = self.written(&name, model, decoded, (place.first_row, round));
        let spelled: Vec<(ColumnId, ArrayRef)> = (data.columns.iter().zip(&data.arrays))
            .filter_map(|(column, array)| {
                let stream = format!("spell/{name}/{}/{round}", column.0);
                if let Some(bytes) = array.as_binary_opt::<i32>() {
                    let spelling = model.facts.rules.spelling(*column)?;
                    let mut random = self.options.seed.stream(&stream, 0);
                    let bend =
                        |bytes: Option<&[u8]>| bytes.map(|bytes| spelling.bend_bytes(bytes, &mut random));
                    return Some((
                        *column,
                        Arc::new(bytes.iter().map(bend).collect::<BinaryArray>()) as ArrayRef,
                    ));
                }
                let texts = array.as_string_opt::<i32>()?;
                let spelling = model.facts.rules.spelling(*column)?;
                let room = match table.column(*column).data_type {
                    DataType::Text { max_chars } => max_chars.map(|most| most as usize),
                    _ => None,
                };
                let mut random = self.options.seed.stream(&stream, 0);
                let bend = |text: Option<&str>| text.map(|text| spelling.bend(text, room, &mut random));
                Some((*column, Arc::new(texts.iter().map(bend).collect::<StringArray>()) as ArrayRef))
            })
            .collect();
        for (column, array) in spelled {
            data.set(column, array);
        }
        let rules = &model.facts.rules;
        let mut rows = rules.with_numbers_apart(data);
        // Rows drawn again for a condition may have other factors: those drawn with their tokens do not meet it.
        if let Some(condition) = self.condition(id).filter(|_| round >= FIRST_ROUND) {
            let asked = |to: ColumnId| rules.is_factored(to) && condition.limits.contains_key(&to);
            try_factors(&rules.discovered, &mut rows, asked, round);
        }
        rows
    }

    fn written(
        &self,
        name: &str,
        model: &TableModel,
        decoded: TableData,
        (first_row, round): (usize, usize),
    ) -> TableData {
        let writer = &model.facts.writer;
        let presence: BTreeMap<ColumnId, Vec<bool>> = writer
            .columns()
            .filter_map(|(column, _)| {
                let flags = decoded.column(column)?.as_any().downcast_ref::<BooleanArray>()?;
                Some((column, (0..flags.len()).map(|row| flags.value(row)).collect()))
            })
            .collect();
        let row_count = decoded.row_count;
        let documents: Vec<(ColumnId, StringArray)> = writer
            .documents()
            .filter_map(|column| {
                let texts = decoded.column(column)?.as_any().downcast_ref::<StringArray>()?;
                Some((column, texts.clone()))
            })
            .collect();
        let told = writer.tell(&decoded);
        let mut data = decoded.select(|column| column != Above::COLUMN && !presence.contains_key(&column));
        if (presence.is_empty() && documents.is_empty()) || row_count == 0 {
            return data;
        }
        let blocks: Vec<TableData> = (0..row_count.div_ceil(WRITER_ROWS))
            .into_par_iter()
            .map(|block| {
                let rows = block * WRITER_ROWS..row_count.min((block + 1) * WRITER_ROWS);
                let present: Vec<(ColumnId, Vec<bool>)> = presence
                    .iter()
                    .map(|(column, present)| (*column, present[rows.clone()].to_vec()))
                    .collect();
                let documents: Vec<(ColumnId, StringArray)> = documents
                    .iter()
                    .map(|(column, texts)| (*column, texts.slice(rows.start, rows.len())))
                    .collect();
                let mut random = self.options.seed.stream(&format!("write/{name}/{round}"), block as u64);
                // Rows written again must differ from all first ones, so they count on from far behind.
                let told = told.get(rows.clone()).unwrap_or_default();
                let first_row = (first_row + rows.start) as u64 + ((round as u64) << 32);
                writer.complete(&present, &documents, told, first_row, &mut random)
            })
            .collect();
        if let Some(text) = TableData::concat(&blocks) {
            for (column, array) in text.columns.into_iter().zip(text.arrays) {
                data.set(column, array);
            }
        }
        data
    }

    /// What still breaks a CHECK is reported once the rows are whole.
    fn report_repairs(&mut self, table: &TableName, tally: &RepairTally) {
        if tally.repaired + tally.copied == 0 {
            return;
        }
        let what = format!("{} rows broke a CHECK and were drawn again", tally.repaired);
        let instead = format!("{} more took other values from another row", tally.copied);
        let finding = Finding::note("check-repaired", what);
        let finding = if tally.copied > 0 { finding.instead(instead) } else { finding };
        self.summary.findings.push(finding.table(table));
    }

    /// True for foreign keys whose columns are filled after the row's own values.
    pub(super) fn is_late(&self, id: TableId, index: usize) -> bool {
        let late = [LinkRole::SelfReference, LinkRole::Deferred];
        let binds_all = self.model.schema.table(id).foreign_keys[index].when().is_none();
        binds_all && late.contains(&self.model.plan.table(id).links[index])
    }
}

/// Counts the rows of every family from the position's start.
fn number_families(position: Position, families: &Families) -> ArrayRef {
    let numbers = (0..families.len()).flat_map(|family| (position.start..).take(families.rows(family).len()));
    Arc::new(Int64Array::from_iter_values(numbers))
}

/// Adds every writable column that nothing filled: null, which the plan has made sure is allowed.
pub(super) fn fill_missing_columns(table: &Table, draft: &mut Draft) {
    let mut missing = table.writable_columns();
    missing.retain(|column| draft.data.column(*column).is_none() && table.column(*column).default.is_none());
    rows_of_nulls(table, &missing, draft);
}

fn rows_of_nulls(table: &Table, columns: &[ColumnId], draft: &mut Draft) {
    let row_count = draft.row_count();
    for column in columns {
        let kind = arrow_type(table.column(*column).data_type.storage());
        draft.data.set(*column, new_null_array(&kind, row_count));
    }
}
