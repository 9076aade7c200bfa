//! Where each column's values come from.

use crate::{
    plan::ColumnRole,
    schema::{ColumnId, DataType, Table},
};

/// Gives every column of a table its role.
pub(super) fn columns(table: &Table) -> Vec<ColumnRole> {
    table.iter().map(|(id, _)| role(table, id)).collect()
}

fn role(table: &Table, id: ColumnId) -> ColumnRole {
    let column = table.column(id);
    let sole_key = table.primary_key.as_ref().is_some_and(|key| key.columns == [id]);
    let numbered = matches!(column.data_type, DataType::Integer { .. } | DataType::Uuid);
    if column.generated.is_some() {
        ColumnRole::Generated
    } else if table.foreign_keys.iter().any(|fk| fk.columns.contains(&id)) {
        ColumnRole::ForeignKey
    } else if column.auto_increment || (sole_key && numbered) {
        ColumnRole::SurrogateKey
    } else if table.keys().any(|key| key.columns.contains(&id)) {
        ColumnRole::KeyAttribute
    } else {
        ColumnRole::Attribute
    }
}
