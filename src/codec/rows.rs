//! Whole tables through their codecs, side by side.

use std::collections::BTreeMap;

use arrow_array::ArrayRef;
use arrow_select::concat::concat;
use rayon::prelude::*;

use crate::{data::TableData, rules::Limit, schema::ColumnId, seed::Seed};

use super::{Codec, ColumnCodec, EncodedTable, Kin, literal};

/// Rows decoded from one random stream. Fixed, so that the thread count changes nothing.
const BLOCK_ROWS: usize = 16_384;

/// Encodes the columns of a table that have codecs, in the order of `codecs`. A column `data` does not hold is
/// encoded as null. `kin` are the siblings and parents of the rows; without them every row is alone.
#[must_use]
pub fn encode_table(codecs: &[(ColumnId, Codec)], data: &TableData, kin: Option<Kin<'_>>) -> EncodedTable {
    let tokens: Vec<Vec<u16>> = codecs
        .par_iter()
        .flat_map(|(column, codec)| {
            let Some(values) = data.column(*column) else {
                return codec.encode(&literal::nulls(crate::schema::Storage::Text, data.row_count));
            };
            match codec {
                Codec::Elapsed(elapsed) => elapsed.encode_with(values, kin),
                Codec::Span(span) => span.encode_with(values, span.base().values(data, kin).as_ref()),
                Codec::Place(place) => match place.partner().and_then(|partner| data.column(partner)) {
                    Some(others) => place.encode_pair(values, others),
                    None => codec.encode(values),
                },
                _ => codec.encode(values),
            }
        })
        .collect();
    let sub_columns = codecs.iter().flat_map(|(_, codec)| codec.sub_columns().to_vec()).collect();
    EncodedTable { sub_columns, tokens, row_count: data.row_count }
}

/// True if a column's values are counted from siblings or the parent, straight or over other columns: a row drawn again
/// alone does not know them.
#[must_use]
pub fn counted_from_kin(codecs: &[(ColumnId, Codec)], column: ColumnId) -> bool {
    let codec = |column: ColumnId| codecs.iter().find(|(held, _)| *held == column).map(|(_, codec)| codec);
    // No chain is longer than there are columns.
    let chain = std::iter::successors(codec(column), |at| codec(at.counted_from()?));
    let of_kin = |codec: &Codec| matches!(codec, Codec::Elapsed(_)) || codec.counted_from_parent().is_some();
    chain.take(codecs.len()).any(of_kin)
}

/// Decodes rows made under the same `codecs`. Values are placed by the streams `name/decode/<column>`, one per block
/// of rows (per family for [`Codec::Elapsed`]); [`Codec::Presence`] columns come back as booleans. `kin` as for
/// [`encode_table`].
///
/// # Panics
/// If `rows` does not have the sub-columns of `codecs`.
#[must_use]
pub fn decode_table(
    codecs: &[(ColumnId, Codec)],
    rows: &EncodedTable,
    kin: Option<Kin<'_>>,
    seed: Seed,
    name: &str,
) -> TableData {
    let nothing = TableData::bare(rows.row_count);
    decode_table_within(codecs, rows, kin, (&nothing, &BTreeMap::new()), seed, name)
}

/// Decodes as [`decode_table`] does, columns with a limit into values that it leaves. `known` are columns of the rows
/// without a codec that times are counted from.
///
/// # Panics
/// If `rows` does not have the sub-columns of `codecs`.
#[must_use]
pub fn decode_table_within(
    codecs: &[(ColumnId, Codec)],
    rows: &EncodedTable,
    kin: Option<Kin<'_>>,
    (known, limits): (&TableData, &BTreeMap<ColumnId, Limit>),
    seed: Seed,
    name: &str,
) -> TableData {
    let mut first = 0;
    let mut jobs: Vec<(ColumnId, &Codec, &[Vec<u16>])> = Vec::with_capacity(codecs.len());
    for (column, codec) in codecs {
        let width = codec.sub_columns().len();
        jobs.push((*column, codec, &rows.tokens[first..first + width]));
        first += width;
    }
    // Times counted from others of their row wait for those.
    let (spans, jobs): (Vec<_>, Vec<_>) =
        jobs.into_iter().partition(|(_, codec, _)| matches!(codec, Codec::Span(_)));
    let decoded: Vec<Vec<(ColumnId, ArrayRef)>> = jobs
        .par_iter()
        .map(|(column, codec, tokens)| {
            let stream_name = format!("{name}/decode/{}", column.0);
            if let Codec::Elapsed(elapsed) = codec {
                let slices: Vec<&[u16]> = tokens.iter().map(Vec::as_slice).collect();
                return vec![(*column, elapsed.decode_with(&slices, kin, seed, &stream_name))];
            }
            let blocks: Vec<Vec<ArrayRef>> = (0..rows.row_count.div_ceil(BLOCK_ROWS).max(1))
                .into_par_iter()
                .map(|block| {
                    let from = block * BLOCK_ROWS;
                    let to = (from + BLOCK_ROWS).min(rows.row_count);
                    let slices: Vec<&[u16]> = tokens.iter().map(|tokens| &tokens[from..to]).collect();
                    let mut random = seed.stream(&stream_name, block as u64);
                    match (codec, limits.get(column)) {
                        (Codec::Place(place), _) if place.partner().is_some() => {
                            let (first, second) = place.decode_pair(&slices, &mut random);
                            vec![first, second]
                        }
                        (_, Some(limit)) => vec![codec.decode_within(&slices, limit, &mut random)],
                        (_, None) => vec![codec.decode(&slices, &mut random)],
                    }
                })
                .collect();
            let partner = if let Codec::Place(place) = codec { place.partner() } else { None };
            std::iter::once(*column)
                .chain(partner)
                .enumerate()
                .map(|(place, column)| {
                    let parts: Vec<&dyn arrow_array::Array> =
                        blocks.iter().map(|block| block[place].as_ref()).collect();
                    (column, concat(&parts).expect("blocks of one column have one type"))
                })
                .collect()
        })
        .collect();
    let (columns, arrays) = decoded.into_iter().flatten().unzip();
    let mut decoded = TableData::new(columns, arrays, rows.row_count);
    decode_spans(spans, &mut decoded, (known, kin), (seed, name));
    decoded
}

/// Decodes columns that are counted from others, each after the one it is counted from.
fn decode_spans(
    mut spans: Vec<(ColumnId, &Codec, &[Vec<u16>])>,
    decoded: &mut TableData,
    (known, kin): (&TableData, Option<Kin<'_>>),
    (seed, name): (Seed, &str),
) {
    while !spans.is_empty() {
        let waits = |(_, codec, _): &(ColumnId, &Codec, &[Vec<u16>])| {
            let base = codec.counted_from();
            base.is_some_and(|base| spans.iter().any(|(column, ..)| *column == base))
        };
        let (waiting, ready): (Vec<_>, Vec<_>) = spans.iter().copied().partition(waits);
        // A circle, which no fit makes, would wait for ever.
        let (waiting, ready) = if ready.is_empty() { (Vec::new(), waiting) } else { (waiting, ready) };
        for (column, codec, tokens) in ready {
            let Codec::Span(span) = codec else { continue };
            let slices: Vec<&[u16]> = tokens.iter().map(Vec::as_slice).collect();
            let mut random = seed.stream(&format!("{name}/decode/{}", column.0), 0);
            let bases =
                span.base().values(decoded, kin).or_else(|| known.column(codec.counted_from()?).cloned());
            let values = span.decode_with(&slices, bases.as_ref(), &mut random);
            decoded.set(column, values);
        }
        spans = waiting;
    }
}
