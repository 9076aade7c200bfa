use super::mentioned;
use crate::schema::{Column, ColumnId, DataType, Table, TableName};

fn table(columns: &[&str]) -> Table {
    let column = |name: &&str| Column::new(*name, DataType::Text { max_chars: None });
    Table::new(TableName::bare("t"), columns.iter().map(column).collect())
}

#[test]
fn columns_are_found_by_name_outside_of_literals_and_calls() {
    let table = table(&["price", "kind", "odd name", "upper", "note"]);

    let found = mentioned(&table, "upper(kind) <> 'note' AND \"odd name\" > (price)::text");

    assert_eq!(found, [ColumnId(0), ColumnId(1), ColumnId(2)]);
}
