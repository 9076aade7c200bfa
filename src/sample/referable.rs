//! Which rows of a parent can be referred to at all: a unique key may hold nulls, and nothing refers to a null; and the
//! columns that refer may be narrower than the key.

use arrow_array::{Array, ArrayRef, cast::AsArray, types::Int64Type};

use crate::{
    data::TableData,
    schema::{DataType, ForeignKey, Schema, Table},
};

/// For every parent row whether the key that `fk` of `table` refers to is whole and finds room in the columns that refer
/// to it. None where all are.
pub(super) fn referable(
    schema: &Schema,
    table: &Table,
    fk: &ForeignKey,
    parents: &TableData,
) -> Option<Vec<bool>> {
    let mut all: Option<Vec<bool>> = None;
    for (own, column) in fk.columns.iter().zip(&fk.parent_columns) {
        let Some(array) = parents.column(*column) else { continue };
        let own = &table.column(*own).data_type;
        let alike = *own == schema.table(fk.parent).column(*column).data_type;
        if alike && array.null_count() == 0 {
            continue;
        }
        let fits = |row: usize| array.is_valid(row) && (alike || has_room(own, array, row));
        for row in (0..parents.row_count).filter(|row| !fits(*row)) {
            all.get_or_insert_with(|| vec![true; parents.row_count])[row] = false;
        }
    }
    all
}

/// True if a column of the type can hold a value of the parent's column.
fn has_room(own: &DataType, array: &ArrayRef, row: usize) -> bool {
    match own {
        DataType::Integer { min, max } => {
            let numbers = array.as_primitive_opt::<Int64Type>();
            numbers.is_none_or(|numbers| (*min..=*max).contains(&numbers.value(row)))
        }
        DataType::Text { max_chars: Some(most) } => {
            let texts = array.as_string_opt::<i32>();
            texts.is_none_or(|texts| texts.value(row).chars().count() <= *most as usize)
        }
        DataType::Bytes { max_bytes: Some(most) } => {
            let bytes = array.as_binary_opt::<i32>();
            bytes.is_none_or(|bytes| bytes.value(row).len() <= *most as usize)
        }
        _ => true,
    }
}

/// The same as groups of children and of parents: no child is in the group of the parents that cannot be referred to.
pub(super) fn as_groups(referable: Option<Vec<bool>>, children: usize) -> Option<(Vec<u32>, Vec<u32>)> {
    let parents = referable?.into_iter().map(|whole| u32::from(!whole)).collect();
    Some((vec![0; children], parents))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, StringArray};

    use super::{as_groups, referable};
    use crate::{
        data::TableData,
        plan::fixture,
        schema::{ColumnId, DataType, ForeignKey, Table},
    };

    fn rows(values: Vec<Option<i64>>) -> TableData {
        let count = values.len();
        TableData::new(vec![ColumnId(1)], vec![Arc::new(Int64Array::from(values)) as ArrayRef], count)
    }

    #[test]
    fn a_parent_whose_key_is_null_is_in_a_group_of_its_own() {
        let schema = fixture("a: *id, code\nb: *id, c! > a.code");
        let fk = ForeignKey { parent_columns: vec![ColumnId(1)], ..schema.tables[1].foreign_keys[0].clone() };

        let table = &schema.tables[1];
        assert_eq!(referable(&schema, table, &fk, &rows(vec![Some(1), Some(2)])), None);
        let whole = referable(&schema, table, &fk, &rows(vec![Some(1), None, Some(3)]));
        assert_eq!(as_groups(whole, 2), Some((vec![0, 0], vec![0, 1, 0])));
    }

    #[test]
    fn a_key_that_finds_no_room_in_the_referring_column_is_out_of_reach() {
        let schema = fixture("a: *id, code\nb: *id, c! > a.code");
        let fk = ForeignKey { parent_columns: vec![ColumnId(1)], ..schema.tables[1].foreign_keys[0].clone() };
        let narrow = |data_type| {
            let mut table: Table = schema.tables[1].clone();
            table.columns[fk.columns[0].0].data_type = data_type;
            table
        };
        let texts = StringArray::from(vec!["öäüß", "five5", "four"]);
        let texts = TableData::new(vec![ColumnId(1)], vec![Arc::new(texts) as ArrayRef], 3);

        let four = narrow(DataType::Text { max_chars: Some(4) });
        assert_eq!(referable(&schema, &four, &fk, &texts), Some(vec![true, false, true]));
        let any = narrow(DataType::Text { max_chars: None });
        assert_eq!(referable(&schema, &any, &fk, &texts), None);
        let small = narrow(DataType::Integer { min: 0, max: 255 });
        assert_eq!(
            referable(&schema, &small, &fk, &rows(vec![Some(255), Some(256), Some(-1)])),
            Some(vec![true, false, false])
        );
    }
}
