//! Which rows of a parent can be referred to at all: a unique key may hold nulls, and nothing refers to a null.

use arrow_array::Array;

use crate::{data::TableData, schema::ForeignKey};

/// For every parent row whether the key that `fk` refers to is whole. None where all are.
pub(super) fn referable(fk: &ForeignKey, parents: &TableData) -> Option<Vec<bool>> {
    let holed = fk.parent_columns.iter().filter_map(|column| parents.column(*column));
    let holed: Vec<_> = holed.filter(|array| array.null_count() > 0).collect();
    (!holed.is_empty())
        .then(|| (0..parents.row_count).map(|row| holed.iter().all(|array| array.is_valid(row))).collect())
}

/// The same as groups of children and of parents: no child is in the group of the parents that cannot be referred to.
pub(super) fn as_groups(referable: Option<Vec<bool>>, children: usize) -> Option<(Vec<u32>, Vec<u32>)> {
    let parents = referable?.into_iter().map(|whole| u32::from(!whole)).collect();
    Some((vec![0; children], parents))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array};

    use super::{as_groups, referable};
    use crate::{
        data::TableData,
        plan::fixture,
        schema::{ColumnId, ForeignKey},
    };

    fn rows(values: Vec<Option<i64>>) -> TableData {
        let count = values.len();
        TableData::new(vec![ColumnId(1)], vec![Arc::new(Int64Array::from(values)) as ArrayRef], count)
    }

    #[test]
    fn a_parent_whose_key_is_null_is_in_a_group_of_its_own() {
        let schema = fixture("a: *id, code\nb: *id, c! > a.code");
        let fk = ForeignKey { parent_columns: vec![ColumnId(1)], ..schema.tables[1].foreign_keys[0].clone() };

        assert_eq!(referable(&fk, &rows(vec![Some(1), Some(2)])), None);
        let whole = referable(&fk, &rows(vec![Some(1), None, Some(3)]));
        assert_eq!(as_groups(whole, 2), Some((vec![0, 0], vec![0, 1, 0])));
    }
}
