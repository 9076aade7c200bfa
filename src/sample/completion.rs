//! Data completion: the nulls of chosen columns of a copied table are filled, everything else stays as it is.
//!
//! Null is a token like any other in training, so the network knows the values given that there is one: drawing
//! without the null token gives just that. Tokens that are known are kept, and those drawn before them are weighed by
//! how well they suit.

use std::collections::BTreeMap;

use arrow_array::{Array, ArrayRef};
use arrow_select::interleave::interleave;

use crate::{
    codec::{Codec, ColumnCodec, EncodedTable, decode_table_within, encode_table},
    data::TableData,
    finding::Finding,
    generator::{Restriction, TokenLimit},
    model::TableModel,
    rules::Limit,
    sample::{SampleError, Sampler, blocks::Place, draft::Draft},
    schema::{ColumnId, TableId},
};

/// Candidates drawn per row where several columns are filled, so that the first suits the others.
const CANDIDATES: usize = 64;
/// Times that rows are drawn again whose filled values break a CHECK.
const ROUNDS: usize = 8;

/// What was filled of one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filled {
    /// The table.
    pub table: TableId,
    /// The column.
    pub column: ColumnId,
    /// Nulls that became values.
    pub filled: u64,
    /// Nulls that stayed.
    pub left: u64,
}

impl Sampler<'_> {
    /// Fills the nulls of the model's completed columns in the draft of a copied table.
    pub(super) fn complete(
        &mut self,
        id: TableId,
        model: &TableModel,
        draft: &mut Draft,
    ) -> Result<(), SampleError> {
        let (filled, known): (Vec<_>, Vec<_>) =
            model.facts.codecs.iter().cloned().partition(|(column, _)| model.completed.contains(column));
        let table = self.model.schema.table(id);
        let given = self.known_link_tokens(id, model, draft).beside(encode_table(&known, &draft.data, None));
        let before = draft.data.clone();
        let was_broken = model.facts.rules.violations(&before);
        let mut open: Vec<bool> = vec![true; draft.row_count()];
        draft.tokens = given.clone().beside(encode_table(&filled, &before, None));
        for round in 0..ROUNDS {
            if draft.row_count() == 0 || !open.contains(&true) {
                break;
            }
            let Some(tokens) = self.fill_tokens(id, model, draft, (&filled, &given), round)? else { break };
            let values = self.fill_values(id, model, (&filled, &tokens), &before, round);
            let broken = model.facts.rules.violations(&values);
            let good = |row: usize| open[row] && (!broken[row] || was_broken[row]);
            for (column, _) in &filled {
                let (Some(old), Some(new)) = (draft.data.column(*column), values.column(*column)) else {
                    continue;
                };
                let pick: Vec<(usize, usize)> =
                    (0..open.len()).map(|row| (usize::from(good(row)), row)).collect();
                let mixed = interleave(&[old.as_ref(), new.as_ref()], &pick).expect("arrays of one column");
                draft.data.set(*column, mixed);
                // A value that its array cannot hold is no gap: it stays as it is.
                if let Some((_, texts)) = before.exact.iter().find(|(held, _)| held == column) {
                    draft.data.set_exact(*column, texts.clone());
                }
            }
            open = (0..open.len()).map(|row| open[row] && !good(row)).collect();
            draft.tokens = given.clone().beside(tokens);
        }
        for column in &model.completed {
            let nulls = |data: &TableData| data.column(*column).map_or(0, Array::null_count) as u64;
            let (all, left) = (nulls(&before), nulls(&draft.data));
            self.summary.filled.push(Filled { table: id, column: *column, filled: all - left, left });
            if left > 0 {
                self.summary.findings.push(
                    Finding::warning(
                        "not-completed",
                        format!("{left} nulls found no value: none is known, or each drawn breaks a CHECK"),
                    )
                    .table(&table.name)
                    .column(&table.column(*column).name)
                    .instead("they are left null"),
                );
            }
        }
        Ok(())
    }

    /// Draws tokens for the nulls, under the rest of the row, its parents and its siblings.
    fn fill_tokens(
        &self,
        id: TableId,
        model: &TableModel,
        draft: &Draft,
        (filled, given): (&[(ColumnId, Codec)], &EncodedTable),
        round: usize,
    ) -> Result<Option<EncodedTable>, SampleError> {
        let Some(generator) = model.row_generator.as_deref() else { return Ok(None) };
        let conditioning = self.conditioning(id, draft, true, Some(given.clone()));
        let mut limits: Vec<Option<TokenLimit<'_>>> = Vec::new();
        for (column, codec) in filled {
            let Some(values) = draft.data.column(*column) else { continue };
            let first = limits.len();
            for tokens in codec.encode(values) {
                let known =
                    tokens.iter().enumerate().map(|(row, token)| values.is_valid(row).then_some(*token));
                limits.push(Some(TokenLimit {
                    first,
                    shares: Box::new(|before: &[u16]| codec.shares(&Limit::Present, before)),
                    known: Some(known.collect()),
                }));
            }
        }
        let candidates = if filled.len() == 1 { 1 } else { CANDIDATES };
        let restriction = Restriction { limits, candidates };
        let name = format!("complete/{}/{round}", self.model.schema.table(id).name);
        Ok(Some(generator.sample_under(&conditioning, self.options.seed, &name, &restriction)?))
    }

    /// Values where there were nulls; everything else is `before`, untouched.
    fn fill_values(
        &self,
        id: TableId,
        model: &TableModel,
        (filled, tokens): (&[(ColumnId, Codec)], &EncodedTable),
        before: &TableData,
        round: usize,
    ) -> TableData {
        let name = self.model.schema.table(id).name.to_string();
        let limits: BTreeMap<ColumnId, Limit> =
            filled.iter().map(|(column, _)| (*column, Limit::Present)).collect();
        let stream = format!("decode/{name}/{round}");
        let decoded =
            decode_table_within(filled, tokens, None, (before, &limits), self.options.seed, &stream);
        let decoded = self.write_text(id, model, decoded, (Place::default(), round));
        let mut values = before.clone();
        for (column, _) in filled {
            let (Some(old), Some(new)) = (before.column(*column), decoded.column(*column)) else { continue };
            // A column that is not one of the writer's has flags and no values: it stays as it was.
            if old.data_type() != new.data_type() {
                continue;
            }
            let pick: Vec<(usize, usize)> =
                (0..old.len()).map(|row| (usize::from(old.is_null(row)), row)).collect();
            let mixed: ArrayRef =
                interleave(&[old.as_ref(), new.as_ref()], &pick).expect("arrays of one type");
            values.set(*column, mixed);
        }
        values
    }
}
