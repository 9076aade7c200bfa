//! Columns that may not be null, and yet arrive with nulls: values that could not be read.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray, UInt32Array,
};
use arrow_select::take::take;

use crate::{
    data::TableData,
    schema::{Column, DataType, Storage, Table},
};

/// Gives every null of a NOT NULL column the value of the nearest earlier row that has one (of the first that has one
/// for the rows before it): nothing may be learned that the target would refuse. The source has reported the values.
pub(super) fn fill(table: &Table, data: &mut TableData) {
    for (id, array) in data.columns.iter().zip(&mut data.arrays) {
        let column = table.column(*id);
        if column.nullable || column.generated.is_some() || array.null_count() == 0 {
            continue;
        }
        *array = filled(column, array);
    }
}

fn filled(column: &Column, array: &ArrayRef) -> ArrayRef {
    let Some(first) = (0..array.len()).find(|row| array.is_valid(*row)) else {
        return constant(column, array.len());
    };
    let mut last = first;
    let rows = (0..array.len()).map(|row| {
        if array.is_valid(row) {
            last = row;
        }
        u32::try_from(last).unwrap_or(0)
    });
    take(array, &UInt32Array::from_iter_values(rows), None).unwrap_or_else(|_| array.clone())
}

/// A column of which no value could be read.
fn constant(column: &Column, rows: usize) -> ArrayRef {
    match column.data_type.storage() {
        Storage::Boolean => Arc::new(BooleanArray::from(vec![false; rows])),
        Storage::Integer => {
            let least =
                if let DataType::Integer { min, max } = column.data_type { 0.clamp(min, max) } else { 0 };
            Arc::new(Int64Array::from(vec![least; rows]))
        }
        Storage::Float => Arc::new(Float64Array::from(vec![0.0; rows])),
        Storage::Text => Arc::new(StringArray::from(vec![text_of(&column.data_type); rows])),
        Storage::Bytes => Arc::new(BinaryArray::from(vec![b"".as_slice(); rows])),
        Storage::Date => Arc::new(Date32Array::from(vec![0; rows])),
        Storage::Time => Arc::new(Time64MicrosecondArray::from(vec![0; rows])),
        Storage::Timestamp => Arc::new(TimestampMicrosecondArray::from(vec![0; rows])),
    }
}

fn text_of(data_type: &DataType) -> &str {
    match data_type {
        DataType::Enum { labels } => labels.first().map_or("", String::as_str),
        DataType::Uuid => "00000000-0000-0000-0000-000000000000",
        DataType::Json => "null",
        DataType::Inet => "0.0.0.0",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, StringArray, cast::AsArray, types::Int64Type};

    use super::fill;
    use crate::{
        data::TableData,
        schema::{Column, ColumnId, DataType, Table, TableName},
    };

    fn column(name: &str, data_type: DataType, nullable: bool) -> Column {
        Column { nullable, ..Column::new(name, data_type) }
    }

    #[test]
    fn a_column_that_may_not_be_null_has_no_null_to_learn() {
        let number = DataType::Integer { min: 0, max: 9 };
        let label = DataType::Enum { labels: vec!["a".to_owned()] };
        let table = Table::new(
            TableName::bare("t"),
            vec![
                column("must", number.clone(), false),
                column("may", number, true),
                column("none", label, false),
            ],
        );
        let numbers = || Arc::new(Int64Array::from(vec![None, Some(3), None, Some(5)])) as ArrayRef;
        let labels = Arc::new(StringArray::from(vec![None::<&str>; 4])) as ArrayRef;
        let mut data = TableData::new((0..3).map(ColumnId).collect(), vec![numbers(), numbers(), labels], 4);

        fill(&table, &mut data);

        assert_eq!(data.arrays[0].as_primitive::<Int64Type>().values(), &[3, 3, 3, 5]);
        assert_eq!(&data.arrays[1], &numbers());
        assert!(data.arrays[2].as_string::<i32>().iter().all(|label| label == Some("a")));
    }
}
