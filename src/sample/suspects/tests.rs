use super::mentioned;
use crate::schema::{Column, ColumnId, DataType, Table, TableName};

fn table(columns: &[&str]) -> Table {
    let column = |name: &&str| Column {
        name: (*name).to_owned(),
        native_type: String::new(),
        data_type: DataType::Text { max_chars: None },
        nullable: true,
        default: None,
        auto_increment: false,
        generated: None,
        case_insensitive: false,
        representation: None,
    };
    Table {
        name: TableName::bare("t"),
        columns: columns.iter().map(column).collect(),
        primary_key: None,
        unique_keys: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        exclusions: Vec::new(),
        estimated_rows: None,
    }
}

#[test]
fn columns_are_found_by_name_outside_of_literals_and_calls() {
    let table = table(&["price", "kind", "odd name", "upper", "note"]);

    let found = mentioned(&table, "upper(kind) <> 'note' AND \"odd name\" > (price)::text");

    assert_eq!(found, [ColumnId(0), ColumnId(1), ColumnId(2)]);
}
