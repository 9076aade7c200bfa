//! Which rows a conditional foreign key binds.

use arrow_array::{Array, ArrayRef, cast::AsArray, types::Int64Type};

use crate::{
    data::TableData,
    schema::{ForeignKey, Storage, Table},
};

/// Tells per row if a foreign key binds it; `None` if it binds all rows. Without its column, it binds none.
#[must_use]
pub fn bound_rows(child: &Table, fk: &ForeignKey, rows: &TableData) -> Option<Vec<bool>> {
    let when = fk.when()?;
    let column = child.column(when.column);
    let Some(array) = rows.column(when.column) else { return Some(vec![false; rows.row_count]) };
    // Blanks behind a text of fixed length mean nothing.
    let form = |text: &str| {
        let text = text.trim_end();
        if column.collation.ignores_case() { text.to_lowercase() } else { text.to_owned() }
    };
    let values: Vec<String> = when.values.iter().map(|value| form(value)).collect();
    let storage = column.data_type.storage();
    let bound = |row: usize| text(array, storage, row).is_some_and(|text| values.contains(&form(&text)));
    Some((0..rows.row_count).map(bound).collect())
}

/// A value in its text form; `None` if it is null or of a type that names nothing.
fn text(array: &ArrayRef, storage: Storage, row: usize) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    match storage {
        Storage::Text => array.as_string_opt::<i32>().map(|texts| texts.value(row).to_owned()),
        Storage::Integer => {
            array.as_primitive_opt::<Int64Type>().map(|numbers| numbers.value(row).to_string())
        }
        Storage::Boolean => array.as_boolean_opt().map(|flags| u8::from(flags.value(row)).to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, StringArray};

    use super::bound_rows;
    use crate::{
        data::TableData,
        plan::fixture,
        schema::{ColumnId, Undeclared, When},
    };

    #[test]
    fn rows_are_bound_by_the_text_form_of_a_value() {
        let mut schema = fixture("a: *id, kind:text, number, b_id > b.id\nb: *id");
        let rows = |column: usize, array: ArrayRef| TableData::new(vec![ColumnId(column)], vec![array], 4);
        let texts = rows(1, Arc::new(StringArray::from(vec![Some("Post  "), Some("post"), Some("x"), None])));
        let numbers = rows(2, Arc::new(Int64Array::from(vec![Some(7), Some(-7), Some(70), None])));
        let mut fk = schema.tables[0].foreign_keys[0].clone();
        assert_eq!(bound_rows(&schema.tables[0], &fk, &texts), None);
        let mut when = |column: usize, values: &[&str]| {
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            fk.undeclared = Some(Undeclared { when: Some(When { column: ColumnId(column), values }) });
            fk.clone()
        };

        let by_text = when(1, &["Post", "y"]);
        assert_eq!(bound_rows(&schema.tables[0], &by_text, &texts).unwrap(), [true, false, false, false]);
        assert_eq!(bound_rows(&schema.tables[0], &by_text, &numbers).unwrap(), [false; 4]);
        let by_number = when(2, &["7", "70"]);
        assert_eq!(bound_rows(&schema.tables[0], &by_number, &numbers).unwrap(), [true, false, true, false]);
        schema.tables[0].columns[1].collation = crate::schema::Collation::Case;
        assert_eq!(bound_rows(&schema.tables[0], &by_text, &texts).unwrap(), [true, true, false, false]);
    }
}
