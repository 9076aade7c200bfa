use std::collections::BTreeMap;

use super::{Condition, ConditionError};
use crate::{
    config::Config,
    plan::{Observed, Plan},
    rules::Limit,
    schema::{
        Column, ColumnId, DataType, DialectName, ForeignKey, Schema, Table, TableId, TableName, UniqueKey,
    },
};

fn column(name: &str, data_type: DataType) -> Column {
    Column {
        native_type: "t".to_owned(),
        nullable: name != "id",
        auto_increment: name == "id",
        ..Column::new(name, data_type)
    }
}

fn table(name: &str, columns: Vec<Column>, foreign_keys: Vec<ForeignKey>) -> Table {
    Table {
        primary_key: Some(UniqueKey {
            name: "key".to_owned(),
            columns: vec![ColumnId(0)],
            expressions: Vec::new(),
            predicate: None,
            nulls_not_distinct: false,
        }),
        foreign_keys,
        ..Table::new(TableName::bare(name), columns)
    }
}

/// Customers 0: id, country 1, age 2, rating 3, since 4, seen 5, member 6; orders 1: id, customer_id, total.
fn read(texts: &[&str]) -> Result<Vec<Condition>, ConditionError> {
    let integer = || DataType::Integer { min: i64::MIN, max: i64::MAX };
    let customers = vec![
        column("id", integer()),
        column("country", DataType::Text { max_chars: None }),
        column("age", integer()),
        column("rating", DataType::Float { single: false }),
        column("since", DataType::Date),
        column("seen", DataType::Timestamp { zoned: false }),
        column("member", DataType::Boolean),
        column("kind", DataType::Enum { labels: vec!["a".to_owned(), "b".to_owned()] }),
    ];
    let key = ForeignKey {
        name: "fk".to_owned(),
        columns: vec![ColumnId(1)],
        parent: TableId(0),
        parent_columns: vec![ColumnId(0)],
        cascades: false,
        match_full: false,
        deferrable: false,
        validated: true,
        undeclared: None,
    };
    let orders = vec![
        column("id", integer()),
        column("customer_id", integer()),
        column("total", DataType::Float { single: false }),
    ];
    let schema = Schema {
        dialect: DialectName::Sqlite,
        tables: vec![table("customers", customers, Vec::new()), table("orders", orders, vec![key])],
    };
    let observed = Observed {
        real_rows: vec![10, 10],
        full: std::collections::BTreeSet::new(),
        used_parents: BTreeMap::new(),
    };
    let (plan, _) = Plan::build_observed(&schema, &Config::default(), &observed).unwrap();
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    Condition::read_all(&texts, &schema, &plan)
}

fn limit(text: &str, column: usize) -> Limit {
    read(&[text]).unwrap()[0].limits[&ColumnId(column)].clone()
}

fn only(texts: &[&str]) -> Limit {
    let only = texts.iter().map(|text| (*text).to_owned()).collect();
    Limit::Texts { only: Some(only), except: Vec::new(), fold_case: false }
}

#[test]
fn every_comparison_leaves_what_sql_leaves() {
    assert_eq!(limit("customers.country = \"IT\"", 1), only(&["IT"]));
    assert_eq!(limit("customers.country IN ('IT', 'FR')", 1), only(&["IT", "FR"]));
    assert_eq!(limit("customers.age >= 18", 2), Limit::Whole(vec![(18, i64::MAX)]));
    assert_eq!(limit("18 <= customers.age", 2), Limit::Whole(vec![(18, i64::MAX)]));
    assert_eq!(
        limit("customers.age < 18 AND customers.age <> 3", 2),
        Limit::Whole(vec![(i64::MIN, 2), (4, 17)])
    );
    assert_eq!(limit("customers.age > 17.5", 2), Limit::Whole(vec![(18, i64::MAX)]));
    assert_eq!(limit("customers.age = -4", 2), Limit::Whole(vec![(-4, -4)]));
    assert_eq!(
        limit("customers.age NOT BETWEEN 5 AND 9", 2),
        Limit::Whole(vec![(i64::MIN, 4), (10, i64::MAX)])
    );
    assert_eq!(limit("customers.rating BETWEEN 1 AND 2.5", 3), Limit::Floats(vec![(1.0, 2.5)]));
    assert_eq!(limit("customers.since = '1970-01-03'", 4), Limit::Whole(vec![(2, 2)]));
    assert_eq!(
        limit("customers.seen <= '1970-01-01 00:00:01'", 5),
        Limit::Whole(vec![(i64::MIN, 1_000_000)])
    );
    assert_eq!(limit("customers.member = true", 6), Limit::Booleans { yes: true, no: false });
    assert_eq!(limit("customers.country IS NULL", 1), Limit::Null);
    assert_eq!(limit("(customers.country IS NOT NULL)", 1), Limit::Present);
    assert!(matches!(limit("customers.country <> 'IT'", 1), Limit::Texts { only: None, .. }));
}

#[test]
fn conditions_on_one_table_become_one() {
    let read =
        read(&["customers.age > 3", "orders.total > 1", "customers.age < 9 AND customers.country = 'IT'"]);
    let read = read.unwrap();

    assert_eq!(read.len(), 2);
    assert_eq!(read[0].limits[&ColumnId(2)], Limit::Whole(vec![(4, 8)]));
    assert_eq!(read[0].limits.len(), 2);
}

#[test]
fn what_is_not_understood_or_cannot_be_is_said_with_its_text() {
    let reasons: Vec<String> = [
        "country = 'IT'",
        "customers.country LIKE 'I%'",
        "customers.age > 3 OR customers.age < 1",
        "customers.age > orders.total",
        "customers.age > 3 AND orders.total > 1",
        "customers.age > 3 AND customers.age < 2",
        "customers.nobody = 1",
        "nowhere.age = 1",
        "customers.id = 7",
        "orders.customer_id = 7",
        "customers.age = 'old'",
        "customers.country < 'M'",
        "customers.kind = 'c'",
        "customers.age = NULL",
        "customers.age >",
    ]
    .iter()
    .map(|text| read(&[text]).unwrap_err().to_string())
    .collect();

    insta::assert_snapshot!(reasons.join("\n"));
}
