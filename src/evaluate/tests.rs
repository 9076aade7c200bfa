//! The scores against what other tools compute (`fixtures/reference/evaluate`), and on sides whose score is known.

use std::{path::Path, sync::Arc};

use arrow_array::{ArrayRef, Date32Array, Float64Array, Int64Array, StringArray};
use serde_json::Value;

use super::{
    Scorecard, Side, Terms,
    boosting::{Boosted, Feature},
    distances::shape,
    frame::Values,
    score,
};
use crate::{
    data::TableData,
    schema::{
        Column, ColumnId, DataType, DialectName, ForeignKey, Schema, Table, TableId, TableName, UniqueKey,
    },
    seed::Seed,
};

const INTEGER: DataType = DataType::Integer { min: i64::MIN, max: i64::MAX };
const FLOAT: DataType = DataType::Float { single: false };
const TEXT: DataType = DataType::Text { max_chars: None };

fn column(name: &str, data_type: DataType) -> Column {
    Column::new(name, data_type)
}

fn table(name: &str, columns: Vec<Column>, foreign_keys: Vec<ForeignKey>) -> Table {
    let primary_key = UniqueKey {
        name: "pk".to_owned(),
        columns: vec![ColumnId(0)],
        expressions: Vec::new(),
        predicate: None,
        nulls_not_distinct: false,
    };
    Table { primary_key: Some(primary_key), foreign_keys, ..Table::new(TableName::bare(name), columns) }
}

/// `sale(id, shop_id → shop, kind, amount)` and `shop(id, region, income, opened)`.
fn shops() -> Schema {
    let key = ForeignKey {
        name: "sale_shop".to_owned(),
        columns: vec![ColumnId(1)],
        parent: TableId(1),
        parent_columns: vec![ColumnId(0)],
        cascades: false,
        match_full: false,
        deferrable: false,
        validated: true,
        undeclared: None,
    };
    let sale = vec![
        column("id", INTEGER),
        column("shop_id", INTEGER),
        column("kind", TEXT),
        column("amount", FLOAT),
    ];
    let shop = vec![
        column("id", INTEGER),
        column("region", TEXT),
        column("income", FLOAT),
        column("opened", DataType::Date),
    ];
    let tables = vec![table("sale", sale, vec![key]), table("shop", shop, Vec::new())];
    Schema { dialect: DialectName::Sqlite, tables }
}

fn reference(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reference/evaluate");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

fn read_csv(table: &Table, text: &str) -> TableData {
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let cells = |index: usize| rows.iter().map(move |row| Some(row[index]).filter(|cell| !cell.is_empty()));
    let days = |text: &str| {
        let day: chrono::NaiveDate = text.parse().unwrap();
        day.signed_duration_since(chrono::NaiveDate::default()).num_days() as i32
    };
    let array = |(index, column): (usize, &Column)| -> ArrayRef {
        match column.data_type {
            DataType::Integer { .. } => Arc::new(Int64Array::from_iter(
                cells(index).map(|cell| cell.map(|text| text.parse().unwrap())),
            )),
            DataType::Float { .. } => Arc::new(Float64Array::from_iter(
                cells(index).map(|cell| cell.map(|text| text.parse().unwrap())),
            )),
            DataType::Date => Arc::new(Date32Array::from_iter(cells(index).map(|cell| cell.map(days)))),
            _ => Arc::new(StringArray::from_iter(cells(index))),
        }
    };
    let columns = (0..table.columns.len()).map(ColumnId).collect();
    TableData::new(columns, table.columns.iter().enumerate().map(array).collect(), rows.len())
}

fn terms() -> Terms {
    Terms { seed: Seed(1), ..Terms::default() }
}

fn side<'a>(schema: &'a Schema, name: &str) -> Side<'a> {
    let read = |table: &Table| read_csv(table, &reference(&format!("{name}.{}.csv", table.name)));
    Side { schema, tables: schema.tables.iter().map(read).collect(), links: None }
}

fn shops_scored() -> Scorecard {
    let schema = shops();
    let (real, synthetic, holdout) =
        (side(&schema, "real"), side(&schema, "synthetic"), side(&schema, "holdout"));
    score(&real, &synthetic, Some(&holdout), &terms())
}

fn near(actual: f64, expected: &Value, tolerance: f64) {
    let expected = expected.as_f64().unwrap();
    assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected} ± {tolerance}");
}

#[test]
fn scores_agree_with_other_tools() {
    let expected: Value = serde_json::from_str(&reference("expected.json")).unwrap();

    let card = shops_scored();

    for column in &card.columns {
        near(column.shape, &expected["shapes"][&column.table][&column.column], 1e-9);
    }
    assert_eq!(card.columns.len(), 5);
    near(card.fan_outs[0].score, &expected["fan_out"], 1e-9);
    near(card.hops[0].score, &expected["hop1"], 1e-9);
    // Classifiers see other folds: three standard errors.
    for table in &card.tables {
        let c2st = table.c2st.unwrap();
        near(c2st.accuracy, &expected["c2st"][&table.table]["accuracy"], 3.0 * c2st.standard_error);
    }
    let entity = &card.entities[0];
    near(
        entity.c2st.accuracy,
        &expected["entity"]["synthetic"]["accuracy"],
        3.0 * entity.c2st.standard_error,
    );
    let real = entity.c2st_real.unwrap();
    near(real.accuracy, &expected["entity"]["real"]["accuracy"], 3.0 * real.standard_error);
    near(entity.nearest_is_training.unwrap(), &expected["nearest_is_training"], 0.01);
}

#[test]
fn the_same_seed_gives_the_same_scorecard() {
    assert_eq!(shops_scored(), shops_scored());
}

#[test]
fn a_copy_is_reported_as_a_leak() {
    let schema = shops();
    let (real, holdout) = (side(&schema, "real"), side(&schema, "holdout"));

    let card = score(&real, &real.clone(), Some(&holdout), &terms());

    assert!(card.columns.iter().all(|column| column.shape > 0.999_999));
    assert_eq!(card.tables[1].exact_share, Some(1.0));
    assert!(card.entities[0].nearest_is_training.unwrap() > 0.99);
    let codes: Vec<String> = card.findings().into_iter().map(|finding| finding.code).collect();
    assert!(
        codes.contains(&"possible-leak".to_owned()) && codes.contains(&"exact-copies".to_owned()),
        "{codes:?}"
    );
}

#[test]
fn a_missing_table_is_named_and_the_rest_is_scored() {
    let schema = shops();
    let mut smaller = schema.clone();
    smaller.tables.remove(0);
    let real = side(&schema, "real");
    let synthetic = Side { schema: &smaller, tables: vec![real.tables[1].clone()], links: None };

    let card = score(&real, &synthetic, None, &terms());

    assert_eq!(card.missing_tables, ["sale"]);
    assert_eq!(card.tables.len(), 1);
    assert!(card.entities.is_empty() && card.fan_outs.is_empty());
}

#[test]
fn empty_sides_score_nothing_and_do_not_fail() {
    let schema = shops();
    let real = side(&schema, "real");
    let tables = real.tables.iter().map(|data| data.slice(0, 0)).collect();
    let empty = Side { schema: &schema, tables, links: None };

    assert_eq!(score(&real, &empty, None, &terms()).mean_entity_c2st(), None);
    assert_eq!(score(&empty, &real, Some(&empty), &terms()).mean_c2st(), None);
}

#[test]
fn trees_learn_what_no_single_column_says() {
    let first: Vec<f32> = (0..400).map(|row| (row % 2) as f32).collect();
    let second: Vec<u32> = (0..400).map(|row| u32::from(row % 20 < 7)).collect();
    let labels: Vec<bool> = first.iter().zip(&second).map(|(a, b)| (*a > 0.5) != (*b == 1)).collect();
    let rows: Vec<u32> = (0..400).collect();
    let features = [Feature::ordered(&first), Feature::categorical(&second)];

    let model = Boosted::fit(&features, &labels, &rows);

    assert!((0..400).all(|row| model.predict(&features, row) == labels[row]));
}

#[test]
fn shapes_count_shifts_and_nulls() {
    let numbers = |values: &[f64]| Values::Number(values.to_vec());
    let real = numbers(&[1.0, 2.0, 3.0, 4.0]);

    assert_eq!(shape(&real, &real), Some(1.0));
    assert_eq!(shape(&real, &numbers(&[2.0, 3.0, 4.0, 5.0])), Some(0.75));
    assert_eq!(shape(&real, &numbers(&[1.0, 2.0, 3.0, 4.0, f64::NAN])), Some(0.8));
    assert_eq!(shape(&real, &numbers(&[])), Some(0.0));
    assert_eq!(shape(&numbers(&[f64::NAN]), &real), None);
    assert_eq!(shape(&Values::Category(vec![1, 1, 2, 2]), &Values::Category(vec![1, 1, 1, 0])), Some(0.5));
}

#[test]
fn the_classifier_says_what_it_tells_rows_by() {
    let schema = shops();
    let real = side(&schema, "real");
    let mut shifted = real.clone();
    let amounts = read_csv(&schema.tables[0], &reference("real.sale.csv")).arrays[3].clone();
    let more = amounts.as_any().downcast_ref::<Float64Array>().unwrap().iter();
    shifted.tables[0]
        .set(ColumnId(3), Arc::new(more.map(|v| v.map(|v| v + 1_000.0)).collect::<Float64Array>()));

    let card = score(&real, &shifted, None, &terms());

    let (sale, shop) = (&card.tables[0].telltales[0], &card.entities[0].telltales[0]);
    assert!(sale.feature == "amount" && sale.share > 0.9, "{sale:?}");
    assert!(shop.feature == "mean amount in sale (shop_id)" && shop.share > 0.9, "{shop:?}");
}

#[test]
fn codes_count_as_categories_where_the_user_says_so() {
    let schema = Schema {
        dialect: DialectName::Sqlite,
        tables: vec![table("visit", vec![column("id", INTEGER), column("code", INTEGER)], Vec::new())],
    };
    let with = |codes: [i64; 4]| {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..4));
        let codes: ArrayRef = Arc::new(Int64Array::from_iter_values(codes));
        let rows = TableData::new(vec![ColumnId(0), ColumnId(1)], vec![ids, codes], 4);
        Side { schema: &schema, tables: vec![rows], links: None }
    };
    let categories = [("visit".to_owned(), ["code".to_owned()].into())].into();

    // As numbers the two sides are a quarter apart wherever one looks; as categories half of the rows are wrong.
    let (real, other) = (with([1, 2, 3, 4]), with([2, 2, 4, 4]));
    let as_numbers = score(&real, &other, None, &terms());
    let as_codes = score(&real, &other, None, &Terms { categories, ..terms() });

    assert_eq!((as_numbers.columns[0].shape, as_codes.columns[0].shape), (0.75, 0.5));
}

#[test]
fn names_of_rows_and_skipped_tables_are_not_scored() {
    let schema = Schema {
        dialect: DialectName::Sqlite,
        tables: vec![
            table("country", vec![column("id", INTEGER), column("name", TEXT)], Vec::new()),
            table("skipped", vec![column("id", INTEGER), column("size", INTEGER)], Vec::new()),
        ],
    };
    let with = |names: [&str; 3]| {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..3));
        let names: ArrayRef = Arc::new(StringArray::from_iter_values(names));
        let columns = vec![ColumnId(0), ColumnId(1)];
        let country = TableData::new(columns.clone(), vec![ids.clone(), names], 3);
        let tables = vec![country, TableData::new(columns, vec![ids.clone(), ids], 3)];
        Side { schema: &schema, tables, links: None }
    };
    let skipped = [TableId(1)].into();

    let card = score(&with(["a", "b", "c"]), &with(["x", "y", "z"]), None, &Terms { skipped, ..terms() });

    assert!(card.columns.is_empty() && card.missing_tables.is_empty(), "{card:?}");
    assert_eq!(card.tables.len(), 1);
}
