//! Tables whose times follow each other at one distance: readings every hour, prices of every trading day.
//!
//! Tokens say roughly when a row is; gaps say it exactly, once the family is decoded, and may lead elsewhere in the end.
//! So the times are decoded first, and everything else of the rows is drawn again under what they turned out to be.

use crate::{
    codec::{Codec, ColumnCodec, EncodedTable, Kin, decode_table, encode_table},
    conditioning::Conditioning,
    data::TableData,
    generator::{Restriction, TokenLimit},
    model::TableModel,
    sample::{SampleError, Sampler, draft::Draft},
    schema::{ColumnId, TableId},
};

impl Sampler<'_> {
    /// Decides the regular times of drawn rows, and draws the rows again under them. Without such times they stay.
    pub(super) fn under_regular_times(
        &self,
        id: TableId,
        model: &TableModel,
        (draft, conditioning): (&mut Draft, &Conditioning),
        rows: EncodedTable,
        name: &str,
    ) -> Result<EncodedTable, SampleError> {
        let regular: Vec<(ColumnId, Codec)> =
            model.facts.codecs.iter().filter(|(_, codec)| codec.is_regular()).cloned().collect();
        let Some(generator) = model.row_generator.as_deref().filter(|_| !regular.is_empty()) else {
            return Ok(rows);
        };
        let seed = self.options.seed;
        let parents = self.context_rows(id, draft);
        let kin = Kin { families: &draft.families, parent: parents.as_ref() };
        // They are the first columns of the table.
        let width: usize = regular.iter().map(|(_, codec)| codec.sub_columns().len()).sum();
        let drawn = rows.sub_columns(0..width);
        let times = decode_table(&regular, &drawn, Some(kin), seed, &format!("decode/{name}/times"));
        let known = encode_table(&regular, &times, Some(kin));
        draft.times = times.columns.iter().copied().zip(times.arrays.iter().cloned()).collect();
        let mut limits: Vec<Option<TokenLimit<'_>>> = known
            .tokens
            .into_iter()
            .zip(&known.sub_columns)
            .map(|(tokens, sub_column)| {
                let size = usize::from(sub_column.size);
                Some(TokenLimit {
                    first: 0,
                    shares: Box::new(move |_: &[u16]| vec![1.0; size]),
                    known: Some(tokens.into_iter().map(Some).collect()),
                })
            })
            .collect();
        limits.resize_with(rows.sub_columns.len(), || None);
        let restriction = Restriction { limits, candidates: 1 };
        Ok(generator.sample_under(conditioning, seed, &format!("{name}/timed"), &restriction)?)
    }

    /// The rows of the context parent that a draft's families belong to.
    pub(super) fn context_rows(&self, id: TableId, draft: &Draft) -> Option<TableData> {
        let table = self.model.schema.table(id);
        let context = self.model.plan.table(id).context?;
        let parents = self.keys[table.foreign_keys[context.0].parent.0].as_ref()?;
        Some(parents.slice(draft.place.first_family, draft.parent_count))
    }
}
