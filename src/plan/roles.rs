//! Where each column's values come from.

use crate::{
    plan::{ColumnRole, LinkRole},
    schema::{ColumnId, DataType, ForeignKey, Table},
};

/// Gives every column of a table its role.
pub(super) fn columns(table: &Table, links: &[LinkRole]) -> Vec<ColumnRole> {
    table.iter().map(|(id, _)| role(table, links, id)).collect()
}

/// True if a parent row decides the column. A column of one of the table's own keys does not wait for a parent row that
/// is drawn only once the row itself exists: `country(code)` in `(code, capital) → city` is the country's own, and so
/// is the tenant in `(tenant, manager) → person(tenant, id)`.
fn is_linked(table: &Table, links: &[LinkRole], id: ColumnId) -> bool {
    table.foreign_keys.iter().zip(links).any(|(fk, role)| {
        let late = matches!(role, LinkRole::SelfReference | LinkRole::Deferred);
        // Rows that a conditional key does not bind need a value of their own; the others get their parent's at last.
        fk.columns.contains(&id) && fk.when().is_none() && !(late && is_own(table, fk, *role, id))
    })
}

/// True if the row itself says the value of a column by which it refers to a row drawn later.
fn is_own(table: &Table, fk: &ForeignKey, role: LinkRole, id: ColumnId) -> bool {
    let in_primary_key = table.primary_key.as_ref().is_some_and(|key| key.columns.contains(&id));
    let to_itself = role == LinkRole::SelfReference
        && fk.columns.iter().zip(&fk.parent_columns).any(|(column, parent)| *column == id && *parent == id);
    // Set also where the reference is not, which another column's null says.
    let always_set =
        !table.column(id).nullable && fk.columns.iter().any(|column| table.column(*column).nullable);
    in_primary_key || to_itself || (always_set && table.keys().any(|key| key.columns.contains(&id)))
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
