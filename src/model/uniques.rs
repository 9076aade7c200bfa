//! Which rows of a table are not to be repeated: those of a table of entities that one of them alone has.

use std::sync::Arc;

use arrow_array::Array;

use crate::{
    codec::{Codec, EncodedTable, Kin, decode_table},
    data::{KeyColumns, TableData},
    model::{FitOptions, Model, encode::encode, relations::discover_rules},
    privacy::{Entities, SampleUniques},
    schema::{ColumnId, TableId},
    seed::Seed,
    semantic::RowWriter,
};

/// Times that tokens are decoded: those that give the row itself each time stand for it alone, or nearly so.
const DECODED: usize = 2;

/// Finds the rows that one entity alone has, where every row is an entity of its own. What is written anew never
/// repeats; rows of children are told apart by their families, which nobody could repeat by chance.
pub(super) fn sample_uniques(
    (codecs, writer): (&[(ColumnId, Codec)], &RowWriter),
    (rows, tokens): (&TableData, &EncodedTable),
    kin: Option<Kin<'_>>,
    (entities, seed): (&Entities, Seed),
) -> Option<SampleUniques> {
    if !are_entities(entities) || tokens.tokens.is_empty() {
        return None;
    }
    let mut named: Vec<bool> = (0..rows.row_count)
        .map(|row| !writer.columns().any(|(id, _)| rows.column(id).is_some_and(|array| array.is_valid(row))))
        .collect();
    let modelled: Vec<(ColumnId, bool)> =
        codecs.iter().filter(|(_, codec)| !codec.is_presence()).map(|(column, _)| (*column, false)).collect();
    for round in 0..DECODED {
        if !named.contains(&true) {
            return None;
        }
        let decoded = decode_table(codecs, tokens, kin, seed, &format!("uniques/{round}"));
        let of = |rows| KeyColumns::of(rows, &modelled);
        let (Some(before), Some(after)) = (of(rows), of(&decoded)) else { return None };
        let (mut one, mut other) = (Vec::new(), Vec::new());
        for (row, named) in named.iter_mut().enumerate().filter(|(_, named)| **named) {
            before.write_nulls(row, true, &mut one);
            after.write_nulls(row, true, &mut other);
            *named = one == other;
        }
    }
    SampleUniques::find(&tokens.tokens, &entities.of_row, |row| named[row])
}

/// Finds out what a model is not to repeat that was learned of the same rows before: nobody keeps it.
pub fn find_uniques(model: &mut Model, options: FitOptions<'_>) {
    let FitOptions { schema, plan, snapshot, config, entities, .. } = options;
    if !config.privacy.avoids_uniques() {
        return;
    }
    let rules = &discover_rules(schema, plan, snapshot, options.settings, options.rules, (entities, config));
    let options = FitOptions { rules, ..options };
    for (index, table) in model.tables.iter_mut().enumerate() {
        let id = TableId(index);
        let Some(table) = table.as_mut().filter(|_| entities.table(id).is_some_and(are_entities)) else {
            continue;
        };
        table.uniques = encode(&options, id).and_then(|(encoded, _)| encoded.uniques).map(Arc::new);
    }
}

/// True if no two rows belong to one entity.
fn are_entities(entities: &Entities) -> bool {
    entities.count == entities.of_row.len()
}
