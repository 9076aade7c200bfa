//! Where each column's values come from.

use crate::{
    plan::{ColumnRole, LinkRole},
    schema::{ColumnId, DataType, Table},
};

/// Gives every column of a table its role.
pub(super) fn columns(table: &Table, links: &[LinkRole]) -> Vec<ColumnRole> {
    table.iter().map(|(id, _)| role(table, links, id)).collect()
}

/// True if a parent row decides the column. A primary key column does not wait for a parent row that is drawn
/// only once the row itself exists: `country(code)` in `(code, capital) → city` is the country's own.
fn is_linked(table: &Table, links: &[LinkRole], id: ColumnId) -> bool {
    let in_key = table.primary_key.as_ref().is_some_and(|key| key.columns.contains(&id));
    table.foreign_keys.iter().zip(links).any(|(fk, role)| {
        let late = matches!(role, LinkRole::SelfReference | LinkRole::Deferred);
        // Rows that a conditional key does not bind need a value of their own; the others get their parent's at last.
        fk.columns.contains(&id) && fk.when().is_none() && !(late && in_key)
    })
}

fn role(table: &Table, links: &[LinkRole], id: ColumnId) -> ColumnRole {
    let column = table.column(id);
    let sole_key = table.primary_key.as_ref().is_some_and(|key| key.columns == [id]);
    let numbered = matches!(column.data_type, DataType::Integer { .. } | DataType::Uuid);
    if column.generated.is_some() {
        ColumnRole::Generated
    } else if is_linked(table, links, id) {
        ColumnRole::ForeignKey
    } else if column.auto_increment || (sole_key && numbered) {
        ColumnRole::SurrogateKey
    } else if table.keys().any(|key| key.columns.contains(&id)) {
        ColumnRole::KeyAttribute
    } else {
        ColumnRole::Attribute
    }
}
