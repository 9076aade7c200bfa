//! Tables whose times follow each other at one distance: readings every hour, prices of every trading day, calendars.
//!
//! Tokens say roughly when a row is; gaps say it exactly, once the family is decoded, and may lead elsewhere in the end.
//! So the times are decoded first, and everything else of the rows is drawn again under what they turned out to be.

use crate::{
    codec::{EncodedTable, Kin, decode_table, encode_table},
    data::TableData,
    model::TableModel,
    sample::{
        Sampler,
        draft::Draft,
        joint::{KnownTokens, sub_columns},
    },
    schema::{ColumnId, TableId},
};

impl Sampler<'_> {
    /// Decides the regular times of drawn attributes, and returns their tokens. `None` without such times, and under a
    /// condition, which may want others.
    pub(super) fn regular_times(
        &self,
        id: TableId,
        model: &TableModel,
        draft: &mut Draft,
        drawn: &EncodedTable,
        name: &str,
    ) -> Option<Vec<KnownTokens>> {
        let regular = model.facts.codecs.iter().filter(|(_, codec)| codec.is_regular());
        let calendar = model.facts.rules.calendar;
        if drawn.row_count == 0 || self.condition(id).is_some() {
            return None;
        }
        let parents = self.context_rows(id, draft);
        let series = draft.series(&model.facts);
        let kin = Kin { families: &draft.families, parent: parents.as_ref(), series: series.as_ref() };
        let mut known = Vec::new();
        let mut decided = Vec::new();
        let run_of = |column: &ColumnId| calendar.filter(|run| run.column == *column);
        let run_on = model.facts.codecs.iter().filter(|(column, _)| run_of(column).is_some());
        for (column, codec) in run_on.chain(regular) {
            let codec = [(*column, codec.clone())];
            let range = sub_columns(&model.facts, *column);
            let stream = format!("{name}/times");
            let times = match run_of(column) {
                Some(run) => {
                    let first = draft.place.first_row;
                    let times = run.times(first..first + drawn.row_count);
                    TableData::new(vec![*column], vec![times], drawn.row_count)
                }
                None => decode_table(
                    &codec,
                    &drawn.sub_columns(range.clone()),
                    Some(kin),
                    self.options.seed,
                    &stream,
                ),
            };
            let told = encode_table(&codec, &times, Some(kin));
            for (place, tokens) in range.clone().zip(told.tokens) {
                let tokens = tokens.into_iter().map(Some).collect();
                known.push(KnownTokens { column: place, first: range.start, tokens });
            }
            decided.extend(times.columns.into_iter().zip(times.arrays));
        }
        draft.times = decided;
        (!known.is_empty()).then_some(known)
    }

    /// The rows of the context parent that a draft's families belong to.
    pub(super) fn context_rows(&self, id: TableId, draft: &Draft) -> Option<TableData> {
        let table = self.model.schema.table(id);
        let context = self.model.plan.table(id).context?;
        let parents = self.keys[table.foreign_keys[context.0].parent.0].as_ref()?;
        Some(parents.slice(draft.place.first_family, draft.parent_count))
    }
}
