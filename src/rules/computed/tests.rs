use std::sync::Arc;

use arrow_array::{Array, ArrayRef, StringArray, cast::AsArray};

use crate::{
    data::TableData,
    rules::Rules,
    schema::{Column, ColumnId, DataType, DialectName, Schema, Table, TableName, UniqueKey},
};

/// A table of text columns, some of them generated.
fn schema(columns: &[(&str, Option<&str>)]) -> Schema {
    let column = |(name, generated): &(&str, Option<&str>)| Column {
        generated: generated.map(str::to_owned),
        ..Column::new(*name, DataType::Text { max_chars: None })
    };
    let table = Table::new(TableName::bare("t"), columns.iter().map(column).collect());
    Schema { dialect: DialectName::MySql, tables: vec![table] }
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

#[test]
fn a_key_over_a_generated_column_over_another_is_computed_from_what_is_there() {
    let schema = schema(&[
        ("name", None),
        ("low", Some("lower(`name`)")),
        ("slug", Some("replace(`low`,' ','-')")),
        ("odd", Some("soundex(`low`)")),
        ("odder", Some("lower(`odd`)")),
    ]);
    let rules = Rules::declare(&schema).0;
    let (rules, table) = (&rules.tables[0], &schema.tables[0]);
    let key = UniqueKey {
        name: "slug".to_owned(),
        columns: vec![ColumnId(2)],
        expressions: Vec::new(),
        predicate: None,
        nulls_not_distinct: false,
    };
    let rows = TableData::new(vec![ColumnId(0)], vec![texts(&["Red Thing 1"])], 1);

    let values = rules.key_values(table, &key, &rows).unwrap();
    assert_eq!(values[0].0.as_string::<i32>().value(0), "red-thing-1");
    assert_eq!(rules.key_reads(&key).0, [ColumnId(0)]);
    // What one of the chain hides, hides all of it.
    assert_eq!(rules.generated_from(ColumnId(4)), None);
}

#[test]
fn an_input_takes_the_value_that_computes_the_wanted_key() {
    let cases = [
        ("left(`label`,2)", "XY-1000", "DE", Some("DE-1000")),
        ("left(`label`,2)", "XY-1000", "D", Some("D")),
        ("left(`label`,2)", "XY-1000", "DEU", None),
        ("right(`label`,2)", "XY-1000", "77", Some("XY-1077")),
        ("substr(`label`,4,2)", "XY-1000", "77", Some("XY-7700")),
        ("upper(`label`)", "xy", "DE", Some("DE")),
        ("concat('k-',`label`)", "xy", "k-DE", Some("DE")),
        ("concat('k-',`label`)", "xy", "DE", None),
        ("coalesce(`label`,'none')", "xy", "DE", Some("DE")),
        ("reverse(`label`)", "xy", "DE", None),
    ];
    for (expression, own, wanted, expected) in cases {
        let schema = schema(&[("label", None), ("key", Some(expression))]);
        let rules = Rules::declare(&schema).0;
        let rows = TableData::new(vec![ColumnId(0)], vec![texts(&[own])], 1);

        let solved = rules.tables[0].solved(&schema.tables[0], ColumnId(1), &texts(&[wanted]), &rows);
        let found = solved.as_ref().map(|(input, values)| {
            assert_eq!((*input, values.len()), (ColumnId(0), 1));
            values.as_string::<i32>().value(0)
        });
        assert_eq!(found, expected, "{expression} of {own} to be {wanted}");
    }
}
