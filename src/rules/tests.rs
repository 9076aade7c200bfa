use std::{collections::BTreeSet, sync::Arc};

use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use rand::RngExt;

use super::*;
use crate::{
    data::Families,
    privacy::Guard,
    schema::{Check, Column, DataType, DialectName, Table, TableName},
    seed::{Seed, Stream},
};

fn integer() -> DataType {
    DataType::Integer { min: i64::MIN, max: i64::MAX }
}

fn money() -> DataType {
    DataType::Decimal { precision: Some(10), scale: Some(2) }
}

fn text() -> DataType {
    DataType::Text { max_chars: None }
}

fn table(columns: &[(&str, DataType)], checks: &[&str]) -> Table {
    let column = |(name, data_type): &(&str, DataType)| Column::new(*name, data_type.clone());
    let check = |(index, expression): (usize, &&str)| Check {
        name: format!("check_{index}"),
        expression: (*expression).to_owned(),
        domain_column: None,
    };
    Table {
        checks: checks.iter().enumerate().map(check).collect(),
        ..Table::new(TableName::bare("t"), columns.iter().map(column).collect())
    }
}

/// A schema of one table with one text column.
pub(super) fn text_schema(dialect: DialectName, column: &str) -> Schema {
    Schema { dialect, tables: vec![table(&[(column, text())], &[])] }
}

fn declared(
    dialect: DialectName,
    columns: &[(&str, DataType)],
    checks: &[&str],
) -> (TableRules, Vec<Finding>) {
    let schema = Schema { dialect, tables: vec![table(columns, checks)] };
    let (mut rules, findings) = Rules::declare(&schema);
    (rules.tables.remove(0), findings)
}

fn integers(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn floats(values: impl IntoIterator<Item = f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(values))
}

fn data(arrays: Vec<ArrayRef>) -> TableData {
    let rows = arrays[0].len();
    TableData::new((0..arrays.len()).map(ColumnId).collect(), arrays, rows)
}

fn stream() -> Stream {
    Seed(3).stream("rules/test", 0)
}

/// Columns of one row: i = 5, f = 2.5, s = 'Abc', d = 2020-02-29, ts = 2020-02-29 12:30, b = true, n = NULL.
fn sample_columns() -> Vec<(&'static str, DataType)> {
    vec![
        ("i", integer()),
        ("f", money()),
        ("s", text()),
        ("d", DataType::Date),
        ("ts", DataType::Timestamp { zoned: false }),
        ("b", DataType::Boolean),
        ("n", integer()),
        ("e", DataType::Enum { labels: vec!["sad".into(), "ok".into()] }),
    ]
}

fn sample_row() -> TableData {
    data(vec![
        integers([5]),
        floats([2.5]),
        Arc::new(StringArray::from(vec!["Abc"])),
        Arc::new(Date32Array::from(vec![18_321])),
        Arc::new(TimestampMicrosecondArray::from(vec![18_321 * 86_400_000_000 + 45_000_000_000])),
        Arc::new(BooleanArray::from(vec![true])),
        Arc::new(Int64Array::from(vec![None::<i64>])),
        Arc::new(StringArray::from(vec!["ok"])),
    ])
}

/// True if the check is understood and false on the sample row.
fn fails(dialect: DialectName, check: &str) -> bool {
    let (rules, findings) = declared(dialect, &sample_columns(), &[check]);
    assert!(findings.is_empty(), "not understood: {check}");
    rules.violations(&sample_row())[0]
}

#[test]
fn postgres_checks_are_evaluated_as_the_server_prints_them() {
    let hold = [
        "((i >= 0) AND (i <= 10))",
        "(i = ANY (ARRAY[4, 5]))",
        "((s)::text = ANY ((ARRAY['Abc'::character varying, 'x'::character varying])::text[]))",
        "(s <> ALL (ARRAY['a'::text, 'b'::text]))",
        "((s)::text ~~ 'A%'::text)",
        "((s)::text ~~* 'a_C'::text)",
        "((s)::text !~~ 'x%'::text)",
        "((s)::text ~ '^[A-Z][a-z]+$'::text)",
        "((s)::text !~* 'q'::text)",
        "(n IS NULL)",
        "(n > 3)",
        "((n IS DISTINCT FROM 4) AND (i IS NOT DISTINCT FROM 5))",
        "(f > (0)::numeric)",
        "(f = '2.50'::numeric)",
        "((f * (2)::numeric) = (i)::numeric)",
        "(char_length((s)::text) = 3)",
        "(lower((s)::text) = 'abc'::text)",
        "(COALESCE(n, 7) = 7)",
        "(d >= '2020-01-01'::date)",
        "(ts > '2020-02-29 12:00:00'::timestamp without time zone)",
        "(ts >= d)",
        "(EXTRACT(month FROM d) = (2)::numeric)",
        "(date_part('hour'::text, ts) = (12)::double precision)",
        "CASE\n    WHEN b THEN (i > 0)\n    ELSE (i < 0)\nEND",
        "(b OR (n = 1))",
        "(e = 'ok'::mood)",
        "(num_nonnulls(i, n) = 1)",
        "(TRIM(BOTH FROM s) <> ''::text)",
        "((i % 5) = 0)",
        "((i / 2) = 2)",
        "(abs((- i)) = 5)",
        "((d + 1) > '2020-02-29'::date)",
        "((i, s) = (5, 'Abc'::text))",
        "(ROW(i, f) IS DISTINCT FROM ROW(5, (1)::numeric))",
        "((i, i) < (5, 6))",
        "((i, f) >= (5, 2.5))",
        "((i, s) IS NOT NULL)",
        "(('{\"a\": {\"b\": 1}}'::jsonb -> 'a'::text) ->> 'b'::text) = '1'::text",
        "(jsonb_typeof('{\"a\": 1}'::jsonb) = 'object'::text)",
        "(jsonb_array_length('[1, 2]'::jsonb) = 2)",
        "(array_length('{a,b}'::text[], 1) = 2)",
        "(cardinality('{}'::text[]) = 0)",
        "(concat(s, n, 'x') = 'Abcx'::text)",
        "((i & 4) = 4)",
        "(replace(s, 'b'::text, ''::text) = 'Ac'::text)",
    ];
    for check in hold {
        assert!(!fails(DialectName::Postgres, check), "{check}");
        assert!(fails(DialectName::Postgres, &format!("NOT {check}")) || check == "(n > 3)", "NOT {check}");
    }
}

#[test]
fn mysql_and_sqlite_checks_are_evaluated() {
    for check in [
        "(`s` in (_utf8mb4'Abc',_utf8mb4'x'))",
        "(`s` in (_utf8mb4\\'Abc\\',_utf8mb4\\'x\\'))",
        "`i` between 1 and 5",
        "(`s` like _utf8mb4'A%')",
        "regexp_like(`s`,_utf8mb4'^A')",
        "if(`i` > 3, `s` = 'Abc', `s` is null)",
        "((`i` = 5) xor (`i` = 6))",
        "json_unquote(json_extract('{\"a\": \"x\"}', '$.a')) = 'x'",
        "json_type('[1]') = 'ARRAY'",
        "`i` / 2 = 2.5",
        "(`n` <=> NULL)",
        "year(`d`) = 2020",
        "`b` in (0,1)",
        "length(`s`) = 3",
        "(`f` > -1)",
        "locate('b', `s`) = 2",
        "find_in_set('b', 'a,b') = 2 and find_in_set('c', 'a,b') = 0",
        "(to_days('2020-12-31') - to_days('2020-12-01')) = 30 and to_days(`d`) > 719528",
    ] {
        assert!(!fails(DialectName::MySql, check), "{check}");
        assert!(fails(DialectName::MySql, &format!("not ({check})")) || check.contains('\\'), "not {check}");
    }
    for check in [
        "\"s\" LIKE 'aB%'",
        "length(s) <= 3",
        "i / 2 = 2",
        "b IN (0, 1)",
        "s GLOB '[A-Z]b?'",
        "s GLOB '*c' AND NOT s GLOB '[^A]*'",
        "typeof(i) = 'integer' AND typeof(s) IN ('text', 'null')",
        "s > 'Aba'",
        "iif(b, i = 5, 0)",
        "json_extract('{\"a\": [7]}', '$.a[0]') = 7",
    ] {
        assert!(!fails(DialectName::Sqlite, check), "{check}");
        assert!(fails(DialectName::Sqlite, &format!("NOT ({check})")), "NOT {check}");
    }
}

#[test]
fn json_checks_of_mariadb_are_evaluated() {
    let (rules, _) = declared(DialectName::MySql, &[("doc", text())], &["json_valid(`doc`)"]);
    let rows = data(vec![Arc::new(StringArray::from(vec!["{\"a\": 1}", "{oops"]))]);

    assert_eq!(rules.violations(&rows), [false, true]);
}

#[test]
fn what_is_not_understood_is_told_and_never_violated() {
    for check in [
        "(my_function(i) > 3)",
        "(e < 'ok'::mood)",
        "(d <= CURRENT_DATE)",
        "(s < 'Abd'::text)",
        "(xm IS DOCUMENT)",
        "(((",
    ] {
        let (rules, findings) = declared(DialectName::Postgres, &sample_columns(), &[check]);

        assert_eq!(findings[0].code, "check-not-understood", "{check}");
        assert_eq!(rules.violations(&sample_row()), [false], "{check}");
        assert_eq!(rules.checks.len(), 1);
    }
}

#[test]
fn a_domain_check_reads_its_column() {
    let mut table = table(&[("a", integer()), ("b", integer())], &["(VALUE > 3)"]);
    table.checks[0].domain_column = Some(ColumnId(1));
    let (rules, _) = Rules::declare(&Schema { dialect: DialectName::Postgres, tables: vec![table] });

    assert_eq!(rules.tables[0].violations(&data(vec![integers([0]), integers([2])])), [true]);
    assert_eq!(rules.tables[0].bounds(ColumnId(1)), Some((4.0, f64::INFINITY)));
}

#[test]
fn ranges_and_lists_of_single_columns_are_read() {
    let columns = [
        ("i", integer()),
        ("f", money()),
        ("s", text()),
        ("g", DataType::Float { single: false }),
        ("u", integer()),
    ];
    let checks = [
        "((i > 0) AND (i < 100))",
        "(f > 0.5)",
        "((s IS NULL) OR ((s)::text = ANY (ARRAY['a'::text, 'b'::text])))",
        "((g >= (- (1.5)::double precision)) AND (g <= (1.5)::double precision))",
        "((u >= 1) OR (i = 3))",
    ];
    let (rules, _) = declared(DialectName::Postgres, &columns, &checks);

    assert_eq!(rules.bounds(ColumnId(0)), Some((1.0, 99.0)));
    assert_eq!(rules.bounds(ColumnId(1)), Some((0.51, f64::INFINITY)));
    assert_eq!(rules.allowed_values(ColumnId(2)), Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(rules.bounds(ColumnId(3)), Some((-1.5, 1.5)));
    assert_eq!(rules.bounds(ColumnId(4)), None);
    assert_eq!(rules.allowed_values(ColumnId(0)), None);
}

#[test]
fn rules_survive_json() {
    let (mut rules, _) = declared(
        DialectName::Postgres,
        &sample_columns(),
        &["(f > 0.1)", "((s)::text ~~ 'A%'::text)", "nonsense(", "(i = ANY (ARRAY[1, 2]))"],
    );
    rules.positions.push(Position { column: ColumnId(0), start: 1 });
    rules.discovered.push(Rule::Linear {
        from: ColumnId(0),
        to: ColumnId(1),
        factor: Value::Float(1.0 / 3.0),
        offset: Value::Float(0.0),
        decimals: Some(2),
        rows: 100,
    });

    rules.inherited.push(Inherited {
        path: vec![crate::schema::ForeignKeyId(0)],
        to: ColumnId(2),
        how: Inheritance::Copy(ColumnId(1)),
        ancestors: 60,
        beside: Vec::new(),
    });
    rules.aggregates.push(Aggregate {
        to: ColumnId(1),
        child: TableId(3),
        foreign_key: crate::schema::ForeignKeyId(1),
        function: AggregateFunction::Last { of: ColumnId(2), by: None },
        offset: Value::Float(0.1),
        decimals: None,
        childless: Childless::Always(Value::Null),
        parents: 77,
    });

    let back: TableRules = serde_json::from_str(&serde_json::to_string(&rules).unwrap()).unwrap();

    assert_eq!(rules, back);
}

#[test]
fn an_equation_is_solved_and_a_choice_of_nulls_is_found() {
    let columns = [("a", integer()), ("b", integer()), ("c", integer()), ("x", integer()), ("y", integer())];
    let checks = ["c = a * b", "(x IS NULL AND y IS NOT NULL) OR (x IS NOT NULL AND y IS NULL)"];
    let (rules, _) = declared(DialectName::Postgres, &columns, &checks);
    let table = table(&columns, &[]);
    let mut rows = data(vec![
        integers([2, 3, 4, 5]),
        integers([7, 8, 9, 1]),
        integers([0, 0, 36, 0]),
        integers([1, 1, 2, 3]),
        integers([6, 6, 6, 6]),
    ]);
    let attributes: BTreeSet<ColumnId> = (0..5).map(ColumnId).collect();
    let again = rows.clone();
    let mut same =
        |indices: &[usize]| again.take(&indices.iter().map(|index| *index as u32).collect::<Vec<_>>());

    let (fixed, tally) = rules.repair(&table, &rows, &attributes, &mut same, 2);

    assert_eq!(tally, RepairTally { repaired: 0, copied: 4, left: 0 });
    assert_eq!(rules.violations(&fixed), [false; 4]);
    let products: Vec<Value> =
        (0..4).map(|row| Value::read(fixed.column(ColumnId(2)).unwrap(), row)).collect();
    assert_eq!(products, [14, 24, 36, 5].map(Value::Integer));

    // Keys are not for repair to change.
    rows.set(ColumnId(2), integers([1, 1, 1, 1]));
    let (kept, tally) = rules.repair(&table, &rows, &BTreeSet::new(), &mut same, 2);
    assert_eq!((tally.left, kept.arrays), (4, rows.arrays));
}

#[test]
fn repair_retries_then_copies_then_counts() {
    let columns = [("a", integer()), ("b", integer())];
    let (rules, _) = declared(DialectName::Postgres, &columns, &["(a <= b)"]);
    let table = table(&columns, &[]);
    let rows = data(vec![integers([1, 9, 9, 2]), integers([5, 3, 3, 4])]);
    let attributes = BTreeSet::from([ColumnId(0), ColumnId(1)]);
    let mut asked = Vec::new();
    let mut retry = |indices: &[usize]| {
        asked.push(indices.to_vec());
        // The first is mended at once, the others never.
        data(vec![
            integers(indices.iter().map(|index| if *index == 1 { 0 } else { 8 })),
            integers(indices.iter().map(|_| 7)),
        ])
    };

    let (fixed, tally) = rules.repair(&table, &rows, &attributes, &mut retry, 3);

    assert_eq!(asked, [vec![1, 2], vec![2], vec![2]]);
    assert_eq!(tally, RepairTally { repaired: 1, copied: 1, left: 0 });
    assert_eq!(rules.violations(&fixed), [false; 4]);
    assert_eq!(Value::read(fixed.column(ColumnId(0)).unwrap(), 1), Value::Integer(0));

    let mut never =
        |indices: &[usize]| rows.take(&indices.iter().map(|index| *index as u32).collect::<Vec<_>>());
    let (_, tally) = rules.repair(&table, &rows, &BTreeSet::new(), &mut never, 2);
    assert_eq!(tally, RepairTally { repaired: 0, copied: 0, left: 2 });
}

#[test]
fn line_numbers_are_positions_and_other_integers_are_not() {
    let mut random = stream();
    let counts: Vec<u32> = (0..200).map(|family| family % 6).collect();
    let families = Families::from_counts(&counts);
    let numbered = |start: i64| {
        integers(counts.iter().flat_map(|n| (0..i64::from(*n)).map(move |i| i + start)).collect::<Vec<_>>())
    };
    let noise = integers((0..families.row_count()).map(|_| random.random_range(1..4)).collect::<Vec<_>>());

    let found = family_positions(&data(vec![numbered(1), noise, numbered(0)]), &families);

    assert_eq!(
        found,
        [Position { column: ColumnId(0), start: 1 }, Position { column: ColumnId(2), start: 0 }]
    );
}

#[test]
fn nothing_is_found_in_random_columns() {
    for seed in 0..10 {
        let mut random = Seed(seed).stream("rules/random", 0);
        let rows = 400;
        let mut whole =
            |most: i64| integers((0..rows).map(|_| random.random_range(0..most)).collect::<Vec<_>>());
        let mut arrays = vec![whole(2), whole(5), whole(100), whole(100_000), whole(1_000_000)];
        let mut random = Seed(seed).stream("rules/random", 1);
        // Rare yes, disjoint ranges, near-constant text: chance makes them look related.
        arrays.push(Arc::new(BooleanArray::from(
            (0..rows).map(|_| random.random::<f64>() < 0.01).collect::<Vec<_>>(),
        )));
        arrays.push(integers((0..rows).map(|_| 5_000_000 + random.random_range(0..10)).collect::<Vec<_>>()));
        arrays.push(Arc::new(StringArray::from(
            (0..rows).map(|row| if row == 7 { "b" } else { "a" }).collect::<Vec<_>>(),
        )));
        arrays.push(Arc::new(StringArray::from(
            (0..rows).map(|_| format!("v{}", random.random_range(0..150))).collect::<Vec<_>>(),
        )));
        arrays.push(floats((0..rows).map(|_| random.random::<f64>()).collect::<Vec<_>>()));

        let found = discover(&data(arrays), &BTreeSet::new(), Guard::OFF);

        assert_eq!(found, [], "seed {seed}");
    }
}

#[test]
fn planted_relations_are_found_and_enforced() {
    let mut random = stream();
    let rows = 1000;
    let price: Vec<f64> = (0..rows).map(|_| f64::from(random.random_range(100..100_000)) / 100.0).collect();
    let start: Vec<i32> = (0..rows).map(|_| random.random_range(10_000..12_000)).collect();
    let city: Vec<i64> = (0..rows).map(|_| random.random_range(0..40)).collect();
    let columns = [
        ("price", money()),
        ("tax", money()),
        ("copy", money()),
        ("start", DataType::Date),
        ("end", DataType::Date),
        ("due", DataType::Date),
        ("country", text()),
        ("city", text()),
    ];
    let original = data(vec![
        floats(price.iter().copied()),
        floats(price.iter().map(|price| (price * 19.0).round() / 100.0)),
        floats(price.iter().copied()),
        Arc::new(Date32Array::from(start.clone())),
        Arc::new(Date32Array::from(
            start.iter().map(|day| day + random.random_range(0..60)).collect::<Vec<_>>(),
        )),
        Arc::new(Date32Array::from(start.iter().map(|day| day + 14).collect::<Vec<_>>())),
        Arc::new(StringArray::from(
            city.iter().map(|city| format!("country {}", city % 7)).collect::<Vec<_>>(),
        )),
        Arc::new(StringArray::from(city.iter().map(|city| format!("city {city}")).collect::<Vec<_>>())),
    ]);

    let rules = discover(&original, &BTreeSet::new(), Guard::OFF);

    let decided: Vec<_> =
        rules.iter().filter_map(|rule| Some((rule.decides()?.0, rule.reads()[0].0))).collect();
    assert_eq!(decided, [(1, 0), (2, 0), (5, 3), (6, 7)]);
    let sampled = rules.iter().find(|rule| rule.decides() == Some(ColumnId(6)));
    assert_eq!(sampled.and_then(Rule::computes), None, "seven countries say roughly which of forty cities");
    let ordered = |rule: &Rule| matches!(rule, Rule::Ordering { low: ColumnId(3), high: ColumnId(4), .. });
    assert!(rules.iter().any(ordered), "{rules:?}");
    assert_eq!(rules.len(), 5);

    // Columns that are computed may be missing from generated rows; an inverted period changes places.
    let table = table(&columns, &[]);
    let generated = TableData::new(
        vec![ColumnId(0), ColumnId(3), ColumnId(4), ColumnId(7)],
        vec![
            floats([10.0]),
            Arc::new(Date32Array::from(vec![11_000])),
            Arc::new(Date32Array::from(vec![10_500])),
            Arc::new(StringArray::from(vec!["city 9"])),
        ],
        1,
    );
    let (fixed, changed) = enforce(&rules, &table, generated, &Given::default());
    let read = |column| Value::read(fixed.column(ColumnId(column)).unwrap(), 0);
    assert_eq!(changed, 2);
    assert_eq!(read(1), Value::Float(1.9));
    assert_eq!((read(3), read(4), read(5)), (Value::Date(10_500), Value::Date(11_000), Value::Date(10_514)));
    assert_eq!(read(6), Value::Text("country 2".to_owned()));

    let (same, unchanged) = enforce(&rules, &table, original.clone(), &Given::default());
    assert_eq!(unchanged, 0);
    assert_eq!(same.arrays, original.arrays);
}

#[test]
fn protection_drops_rare_pairs_of_a_dependency() {
    let name = |row: usize| if row == 0 { "only Eve".to_owned() } else { format!("v{}", row % 30) };
    let group = |row: usize| if row == 0 { "hers".to_owned() } else { format!("g{}", row % 30 % 5) };
    let rows = data(vec![
        Arc::new(StringArray::from((0..600).map(name).collect::<Vec<_>>())),
        Arc::new(StringArray::from((0..600).map(group).collect::<Vec<_>>())),
    ]);

    let rules = discover(&rows, &BTreeSet::new(), Guard::rows(5));

    assert_eq!(rules.len(), 1);
    assert!(rules[0].literals().iter().all(|value| value != "only Eve" && value != "hers"));
}

#[test]
fn a_day_decides_and_an_unseen_day_takes_the_nearest() {
    let days: Vec<i32> = (0..1200).map(|row| 18_000 + 2 * (row % 60)).collect();
    let rows = data(vec![
        Arc::new(Date32Array::from(days.clone())),
        integers(days.iter().map(|day| i64::from(*day) % 5)),
    ]);

    let rules = discover(&rows, &BTreeSet::new(), Guard::OFF);

    assert_eq!(rules.iter().filter_map(Rule::computes).collect::<Vec<_>>(), [ColumnId(1)]);
    assert_eq!(rules[0].reads(), [ColumnId(0)]);
    let table = table(&[("day", DataType::Date), ("promo", integer())], &[]);
    let unseen = TableData::new(vec![ColumnId(0)], vec![Arc::new(Date32Array::from(vec![30_000]))], 1);
    let (fixed, _) = enforce(&rules, &table, unseen, &Given::default());
    assert_eq!(Value::read(fixed.column(ColumnId(1)).unwrap(), 0), Value::Integer((18_000 + 118) % 5));
}

#[test]
fn numbers_out_of_order_are_cut_and_codes_are_left_alone() {
    let mut random = stream();
    let prices: Vec<i64> = (0..1000).map(|_| random.random_range(10..1000)).collect();
    let discounts: Vec<i64> = prices.iter().map(|price| random.random_range(0..=*price)).collect();
    let code: Vec<i64> = prices.iter().map(|price| i64::from(*price > 500)).collect();
    let columns = [("discount", integer()), ("price", integer()), ("code", integer())];
    let rules = discover(
        &data(vec![integers(discounts), integers(prices), integers(code)]),
        &BTreeSet::new(),
        Guard::OFF,
    );

    assert_eq!(rules, [Rule::Ordering { low: ColumnId(0), high: ColumnId(1), rows: 1000 }]);
    let generated = data(vec![integers([90]), integers([70]), integers([1])]);
    let (fixed, changed) = enforce(&rules, &table(&columns, &[]), generated, &Given::default());
    assert_eq!(changed, 1);
    assert_eq!(fixed.arrays, data(vec![integers([70]), integers([70]), integers([1])]).arrays);
}

/// Conditions that hold for the sample row, as Postgres 15's `pg_get_constraintdef` prints them.
const PRINTED: &[&str] = &[
    r#"((i >= 1) AND (i <= 10))"#,
    r#"(i = ANY (ARRAY[4, 5]))"#,
    r#"((s)::text = ANY ((ARRAY['a'::character varying, 'Abc'::character varying])::text[]))"#,
    r#"((s)::text <> ALL ((ARRAY['q'::character varying, 'r'::character varying])::text[]))"#,
    r#"((s)::text ~~ 'A%'::text)"#,
    r#"((s)::text !~~* 'x%'::text)"#,
    r#"(length(TRIM(BOTH FROM s)) > 0)"#,
    r#"(TRIM(LEADING 'x'::text FROM s) <> ''::text)"#,
    r#"((s)::text ~ '^[A-Za-z]+$'::text)"#,
    r#"((s)::text ~ similar_to_escape('(A|B)%'::text))"#,
    r#"(COALESCE(n, 1) = 1)"#,
    r#"((n IS NOT NULL) OR (i > 0))"#,
    r#"((b AND (i > 0)) OR (NOT b))"#,
    r#"((EXTRACT(year FROM d) >= (2000)::numeric) AND (EXTRACT(year FROM d) <= (2100)::numeric))"#,
    r#"(d >= '2020-01-01'::date)"#,
    r#"(ts < '2100-01-01 00:00:00'::timestamp without time zone)"#,
    r#"((ts)::date >= d)"#,
    r#"(date_trunc('day'::text, ts) = d)"#,
    r#"CASE
    WHEN b THEN (i > 0)
    ELSE (i < 0)
END"#,
    r#"(e = ANY (ARRAY['ok'::mood, 'sad'::mood]))"#,
    r#"(e = 'ok'::mood)"#,
    r#"(upper((s)::text) <> lower((s)::text))"#,
    r#"(POSITION(('b'::text) IN (s)) > 0)"#,
    r#"(SUBSTRING(s FROM 1 FOR 1) = 'A'::text)"#,
    r#"(substr((s)::text, 1, 1) = 'A'::text)"#,
    r#"((f * (2)::numeric) = (5)::numeric)"#,
    r#"(f > 0.01)"#,
    r#"(mod(i, 5) = 0)"#,
    r#"((i % 5) = 0)"#,
    r#"(num_nonnulls(i, n) = 1)"#,
    r#"(char_length((s)::text) <= 50)"#,
    r#"((s)::text IS DISTINCT FROM 'x'::text)"#,
    r#"(b IS TRUE)"#,
    r#"(b IS NOT FALSE)"#,
    r#"(round(f) >= (2)::numeric)"#,
    r#"((f >= (0)::numeric) AND (f <= 99.99))"#,
    r#"("left"((s)::text, 1) = 'A'::text)"#,
    r#"(((s)::text || 'x'::text) <> 'x'::text)"#,
    r#"(((s)::text = lower((s)::text)) OR true)"#,
    r#"((i)::text <> ''::text)"#,
    r#"(abs((- i)) < 100)"#,
    r#"(GREATEST(i, n) > 1)"#,
    r#"(i = ANY (ARRAY[5, 6]))"#,
    r#"(i <> ALL ('{1,2}'::integer[]))"#,
    r#"(e = ANY (ARRAY['ok'::mood, 'sad'::mood]))"#,
    r#"((s)::text ^@ 'A'::text)"#,
    r#"(NULLIF((s)::text, ''::text) IS NOT NULL)"#,
    r#"((i > 0) IS TRUE)"#,
    r#"((i IS DISTINCT FROM 1) OR (n IS DISTINCT FROM 2))"#,
    r#"(ceil(f) = (3)::numeric)"#,
    r#"(floor(f) = (2)::numeric)"#,
    r#"(power((i)::double precision, (2)::double precision) = (25)::double precision)"#,
    r#"(sqrt((i)::double precision) > (2)::double precision)"#,
    r#"(((i)::double precision ^ (2)::double precision) = (25)::double precision)"#,
];

#[test]
fn conditions_printed_by_a_real_server_hold() {
    for check in PRINTED {
        let (rules, findings) = declared(DialectName::Postgres, &sample_columns(), &[check]);

        assert_eq!(findings, [], "{check}");
        assert_eq!(rules.violations(&sample_row()), [false], "{check}");
    }
}

#[test]
fn a_total_that_all_families_share_is_found_and_met_on_the_grid() {
    let families = Families::from_counts(&[4; 60]);
    let mut random = Seed(3).stream("sums", 0);
    let balanced: Vec<f64> = (0..60)
        .flat_map(|_| {
            let free: [i64; 3] = std::array::from_fn(|_| random.random_range(-200..200));
            [free[0], free[1], free[2], -free.iter().sum::<i64>()]
        })
        .map(|unit| unit as f64 / 1000.0)
        .collect();
    let noise: Vec<f64> = (0..240).map(|_| f64::from(random.random_range(-200_i32..200)) / 1000.0).collect();
    let rows = TableData::new(
        vec![ColumnId(0), ColumnId(1)],
        vec![Arc::new(Float64Array::from(balanced)), Arc::new(Float64Array::from(noise.clone()))],
        240,
    );

    let found = family_sums(&rows, &families);

    assert_eq!(found.iter().map(|sum| sum.column).collect::<Vec<_>>(), [ColumnId(0)]);
    let drawn: ArrayRef = Arc::new(Float64Array::from(noise.clone()));
    let settled = found[0].settle(&drawn, &families).expect("a column of numbers");
    let settled = settled.as_any().downcast_ref::<Float64Array>().expect("floats");
    for family in 0..60 {
        let sum: f64 = families.rows(family).map(|row| settled.value(row)).sum();
        assert!(sum.abs() < 1e-12, "{sum}");
    }
    // Everyone moves alike, by whole thousandths.
    for (row, before) in noise.iter().enumerate() {
        let units = settled.value(row) * 1000.0;
        assert!((units - units.round()).abs() < 1e-9);
        assert!((settled.value(row) - before).abs() < 0.3);
    }
}

#[test]
fn spans_of_time_and_ends_of_ranges_are_computed() {
    let range = DataType::Range { subtype: Box::new(integer()), multi: false };
    let stamp = || DataType::Timestamp { zoned: true };
    let (rules, findings) = declared(
        DialectName::Postgres,
        &[("made", stamp()), ("ends", stamp()), ("r", range)],
        &[
            "((ends > (made + '1 day'::interval)))",
            "((ends - made) <= '2 days 12:00:00'::interval)",
            "((upper(r) > (lower(r) + 2)) OR isempty(r))",
        ],
    );
    assert!(findings.is_empty(), "{findings:?}");
    let hours = |hours: Vec<i64>| -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from_iter_values(hours.into_iter().map(|h| h * 3_600_000_000)))
    };
    let rows = data(vec![
        hours(vec![0, 0, 0, 0, 0]),
        hours(vec![25, 24, 61, 25, 25]),
        Arc::new(StringArray::from(vec!["[1,9)", "[1,9)", "[1,9)", "[1,2)", "empty"])),
    ]);

    assert_eq!(rules.violations(&rows), [false, true, true, true, false]);
}

#[test]
fn conditions_see_bytes_and_their_length() {
    let columns = [("picture", DataType::Bytes { max_bytes: None }), ("meta", text())];
    let checks = ["(picture IS NULL) = (meta = 'null')", "picture IS NULL OR octet_length(picture) = 4"];
    let (rules, _) = declared(DialectName::Postgres, &columns, &checks);
    let pictures: Vec<Option<&[u8]>> = vec![None, None, Some(&[1; 4]), Some(&[1; 4]), Some(&[1; 3])];
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(arrow_array::BinaryArray::from(pictures)),
        Arc::new(StringArray::from(vec!["null", "{}", "null", "{}", "{}"])),
    ];
    let rows = TableData::new(vec![ColumnId(0), ColumnId(1)], arrays, 5);

    assert_eq!(rules.violations(&rows), [false, true, true, false, true]);

    let spelling = rules.spelling(ColumnId(0)).unwrap();
    let mut random = Seed(1).stream("bytes", 0);
    assert_eq!(spelling.bend_bytes(&[7; 9], &mut random), [7; 4]);
    assert_eq!(spelling.bend_bytes(&[7; 2], &mut random).len(), 4);
}
