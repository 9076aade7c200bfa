//! Whole tables through their codecs, side by side.

use std::collections::BTreeMap;

use arrow_array::ArrayRef;
use arrow_select::concat::concat;
use rayon::prelude::*;

use crate::{data::TableData, rules::Limit, schema::ColumnId, seed::Seed};

use super::{Codec, ColumnCodec, EncodedTable, literal};

/// Rows decoded from one random stream. Fixed, so that the thread count changes nothing.
const BLOCK_ROWS: usize = 16_384;

/// Encodes the columns of a table that have codecs, in the order of `codecs`. A column `data` does not hold is
/// encoded as null.
#[must_use]
pub fn encode_table(codecs: &[(ColumnId, Codec)], data: &TableData) -> EncodedTable {
    let tokens: Vec<Vec<u16>> = codecs
        .par_iter()
        .flat_map(|(column, codec)| match data.column(*column) {
            Some(values) => codec.encode(values),
            None => codec.encode(&literal::nulls(crate::schema::Storage::Text, data.row_count)),
        })
        .collect();
    let sub_columns = codecs.iter().flat_map(|(_, codec)| codec.sub_columns().to_vec()).collect();
    EncodedTable { sub_columns, tokens, row_count: data.row_count }
}

/// Decodes rows made under the same `codecs`. Values are placed by the streams `name/decode/<column>`, one per block
/// of rows; [`Codec::Presence`] columns come back as booleans.
///
/// # Panics
/// If `rows` does not have the sub-columns of `codecs`.
#[must_use]
pub fn decode_table(codecs: &[(ColumnId, Codec)], rows: &EncodedTable, seed: Seed, name: &str) -> TableData {
    decode_table_within(codecs, rows, &BTreeMap::new(), seed, name)
}

/// Decodes as [`decode_table`] does, columns with a limit into values that it leaves.
///
/// # Panics
/// If `rows` does not have the sub-columns of `codecs`.
#[must_use]
pub fn decode_table_within(
    codecs: &[(ColumnId, Codec)],
    rows: &EncodedTable,
    limits: &BTreeMap<ColumnId, Limit>,
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
    let arrays: Vec<ArrayRef> = jobs
        .par_iter()
        .map(|(column, codec, tokens)| {
            let stream_name = format!("{name}/decode/{}", column.0);
            let blocks: Vec<ArrayRef> = (0..rows.row_count.div_ceil(BLOCK_ROWS).max(1))
                .into_par_iter()
                .map(|block| {
                    let from = block * BLOCK_ROWS;
                    let to = (from + BLOCK_ROWS).min(rows.row_count);
                    let slices: Vec<&[u16]> = tokens.iter().map(|tokens| &tokens[from..to]).collect();
                    let mut random = seed.stream(&stream_name, block as u64);
                    match limits.get(column) {
                        Some(limit) => codec.decode_within(&slices, limit, &mut random),
                        None => codec.decode(&slices, &mut random),
                    }
                })
                .collect();
            let parts: Vec<&dyn arrow_array::Array> = blocks.iter().map(AsRef::as_ref).collect();
            concat(&parts).expect("blocks of one column have one type")
        })
        .collect();
    TableData::new(jobs.iter().map(|(column, ..)| *column).collect(), arrays, rows.row_count)
}
