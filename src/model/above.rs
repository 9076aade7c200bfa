//! The country of a row whose own columns say none: that of an ancestor's row (a customer's country is a row of its
//! own, or a supplier's is that of its address).

use std::collections::BTreeSet;

use arrow_array::ArrayRef;

use super::take_linked;
use crate::{
    schema::{ForeignKeyId, Schema, TableId},
    semantic::{Above, says_country},
    snapshot::{Snapshot, TableSnapshot},
};

/// Links from a row to the one that says its country, at most.
const LINKS_MAX: usize = 3;

/// The nearest ancestor's column that says countries, and what it says of every row.
pub(super) fn country_above(
    schema: &Schema,
    snapshot: &Snapshot,
    id: TableId,
    context: Option<ForeignKeyId>,
) -> Option<(Above, ArrayRef)> {
    let mut seen = BTreeSet::from([id]);
    let mut level: Vec<(Vec<ForeignKeyId>, TableId, Vec<u32>)> = parents(schema, snapshot.table(id)?, id);
    // The context parent is the one that a row is most about.
    level.sort_by_key(|(path, ..)| context.is_none_or(|context| path[0] != context));
    for _ in 0..LINKS_MAX {
        let mut next = Vec::new();
        for (path, at, rows) in level {
            let Some(above) = snapshot.table(at).filter(|_| seen.insert(at)) else { continue };
            let table = schema.table(at);
            let from = table.iter().map(|(column, _)| column).find(|column| {
                above.data.column(*column).is_some() && says_country(table, &above.data, *column)
            });
            if let Some((from, values)) = from.and_then(|from| Some((from, above.data.column(from)?))) {
                return Some((Above { path, from }, take_linked(values.as_ref(), &rows)));
            }
            for (further, parent, links) in parents(schema, above, at) {
                let up = |row: &u32| links.get(*row as usize).copied().unwrap_or(crate::data::NO_ROW);
                let path = path.iter().copied().chain(further).collect();
                next.push((path, parent, rows.iter().map(up).collect()));
            }
        }
        level = next;
    }
    None
}

/// The parents of a table, with the row of each that every row of it has.
fn parents(
    schema: &Schema,
    rows: &TableSnapshot,
    id: TableId,
) -> Vec<(Vec<ForeignKeyId>, TableId, Vec<u32>)> {
    let keys = schema.table(id).foreign_keys.iter().zip(&rows.links).enumerate();
    keys.filter(|(_, (key, _))| key.parent != id)
        .map(|(index, (key, links))| (vec![ForeignKeyId(index)], key.parent, links.parent.clone()))
        .collect()
}
