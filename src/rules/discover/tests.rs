//! Each kind of relation is found where it was planted, refused after one exception, never found in noise, and kept.

use std::{collections::BTreeSet, sync::Arc};

use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use proptest::prelude::*;
use rand::RngExt;

use super::{discover, discover_dates, discover_nulls};
use crate::{
    data::TableData,
    privacy::Guard,
    rules::{DatePart, Given, Product, Rule, Value, enforce},
    schema::{Column, ColumnId, DataType, Table, TableName},
    seed::{Seed, Stream},
};

const ROWS: usize = 600;

fn random(name: &str) -> Stream {
    Seed(5).stream(name, 0)
}

fn whole(name: &str, low: i64, high: i64) -> Vec<i64> {
    let mut random = random(name);
    (0..ROWS).map(|_| random.random_range(low..=high)).collect()
}

/// Amounts with two decimals.
fn money(name: &str, low: i64, high: i64) -> Vec<f64> {
    whole(name, low, high).into_iter().map(|cents| cents as f64 / 100.0).collect()
}

fn cents(value: f64) -> f64 {
    (value * 100.0 + 1e-7).round() / 100.0
}

fn floats(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(values.iter().copied()))
}

fn integers(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values.iter().copied()))
}

fn data(arrays: Vec<ArrayRef>) -> TableData {
    let rows = arrays[0].len();
    TableData::new((0..arrays.len()).map(ColumnId).collect(), arrays, rows)
}

fn table(types: &[DataType]) -> Table {
    let column = |(index, data_type): (usize, &DataType)| Column::new(format!("c{index}"), data_type.clone());
    Table::new(TableName::bare("t"), types.iter().enumerate().map(column).collect())
}

fn float() -> DataType {
    DataType::Float { single: false }
}

fn found(rows: &TableData) -> Vec<Rule> {
    discover(rows, &BTreeSet::new(), Guard::rows(5))
}

/// What is computed, from what.
fn computed(rules: &[Rule]) -> Vec<(usize, Vec<usize>)> {
    let mut all: Vec<(usize, Vec<usize>)> = rules
        .iter()
        .filter_map(|rule| Some((rule.decides()?.0, rule.reads().iter().map(|read| read.0).collect())))
        .collect();
    all.sort();
    all
}

#[test]
fn a_line_total_is_price_times_quantity_and_one_exception_denies_it() {
    let (price, quantity) = (money("price", 99, 9999), whole("quantity", 1, 12));
    let mut total: Vec<f64> = price.iter().zip(&quantity).map(|(p, q)| cents(p * *q as f64)).collect();
    let rows = |total: &[f64]| data(vec![floats(&price), integers(&quantity), floats(total)]);

    let rules = found(&rows(&total));

    let product = Product { factors: vec![ColumnId(0), ColumnId(1)], share: None };
    let rule = Rule::Product { of: product, to: ColumnId(2), decimals: Some(2), rows: ROWS };
    assert!(rules.contains(&rule), "{rules:?}");

    let generated = data(vec![floats(&[1.25, 3.0]), integers(&[3, 2]), floats(&[9.0, 6.0])]);
    let integer = DataType::Integer { min: 0, max: 100 };
    let (kept, changed) = enforce(&rules, &table(&[float(), integer, float()]), generated, &Given::default());
    assert_eq!(kept.arrays[2].as_ref(), floats(&[3.75, 6.0]).as_ref());
    assert_eq!(changed, 1);

    total[333] += 0.01;
    assert_eq!(computed(&found(&rows(&total))), []);
}

#[test]
fn a_discount_is_taken_off_a_product() {
    let (price, quantity) = (money("price", 99, 9999), whole("quantity", 1, 12));
    let share: Vec<f64> = whole("share", 0, 4).iter().map(|step| *step as f64 / 20.0).collect();
    let total: Vec<f64> =
        (0..ROWS).map(|i| cents(price[i] * quantity[i] as f64 * (1.0 - share[i]))).collect();

    let rules = found(&data(vec![floats(&price), integers(&quantity), floats(&share), floats(&total)]));

    assert_eq!(computed(&rules), [(3, vec![0, 1, 2])]);
}

#[test]
fn the_whole_is_the_sum_of_its_parts_and_one_exception_denies_it() {
    let (net, tax, post) = (money("net", 500, 99_999), money("tax", 0, 9999), money("post", 0, 999));
    let fee = money("fee", 0, 500);
    let mut whole: Vec<f64> = (0..ROWS).map(|i| cents(net[i] + tax[i] + post[i] - fee[i])).collect();
    let rows =
        |whole: &[f64]| data(vec![floats(whole), floats(&net), floats(&tax), floats(&post), floats(&fee)]);

    let rules = found(&rows(&whole));

    // With a part that is taken off nothing says which column is the whole: the last one is computed.
    assert_eq!(computed(&rules), [(4, vec![1, 2, 3, 0])]);
    let (same, changed) = enforce(&rules, &table(&vec![float(); 5]), rows(&whole), &Given::default());
    assert_eq!((changed, same.row_count), (0, ROWS));

    whole[5] += 0.01;
    assert_eq!(computed(&found(&rows(&whole))), []);
}

#[test]
fn a_sum_of_two_is_found_from_the_parts_whatever_their_order() {
    let (net, tax) = (money("net", 500, 99_999), money("tax", 0, 9999));
    let gross: Vec<f64> = (0..ROWS).map(|i| cents(net[i] + tax[i])).collect();

    let rules = found(&data(vec![floats(&gross), floats(&net), floats(&tax)]));

    assert_eq!(computed(&rules), [(0, vec![1, 2])]);
}

#[test]
fn what_is_given_is_read_and_never_decided() {
    let (net, tax) = (money("net", 500, 99_999), money("tax", 0, 9999));
    let gross: Vec<f64> = (0..ROWS).map(|i| cents(net[i] + tax[i])).collect();
    let given = BTreeSet::from([ColumnId(0)]);

    let rules = discover(&data(vec![floats(&gross), floats(&net), floats(&tax)]), &given, Guard::rows(5));

    assert_eq!(computed(&rules), [(2, vec![0, 1])]);
}

#[test]
fn a_null_part_counts_as_nothing_where_the_whole_is_always_known() {
    let (net, tip) = (money("net", 500, 99_999), money("tip", 1, 999));
    let gone = |row: usize| row.is_multiple_of(3);
    let whole: Vec<f64> = (0..ROWS).map(|i| cents(net[i] + if gone(i) { 0.0 } else { tip[i] })).collect();
    let tips: Float64Array = (0..ROWS).map(|i| (!gone(i)).then_some(tip[i])).collect();

    let rules = found(&data(vec![floats(&net), Arc::new(tips), floats(&whole)]));

    assert!(matches!(rules[0], Rule::Sum { nulls_are_zero: true, to: ColumnId(2), .. }), "{rules:?}");
}

#[test]
fn a_tax_of_few_rates_is_moved_to_the_nearest() {
    let net = money("net", 500, 99_999);
    let rates = whole("rate", 0, 2);
    let mut tax: Vec<f64> = (0..ROWS).map(|i| cents(net[i] * [0.0, 0.07, 0.19][rates[i] as usize])).collect();
    let rules = found(&data(vec![floats(&net), floats(&tax)]));

    let ratio = Rule::Ratio {
        from: ColumnId(0),
        to: ColumnId(1),
        factors: [0.0, 0.07, 0.19].map(Value::Float).to_vec(),
        decimals: Some(2),
        rows: ROWS,
    };
    assert_eq!(rules, [ratio]);
    let generated = data(vec![floats(&[100.0, 100.0, 100.0]), floats(&[17.5, 6.0, 1.0])]);
    let (kept, changed) = enforce(&rules, &table(&[float(), float()]), generated, &Given::default());
    assert_eq!(kept.arrays[1].as_ref(), floats(&[19.0, 7.0, 0.0]).as_ref());
    assert_eq!(changed, 3);

    tax[9] += 0.5;
    assert_eq!(computed(&found(&data(vec![floats(&net), floats(&tax)]))), []);
}

fn states() -> (ArrayRef, Vec<Option<i32>>) {
    let mut random = random("states");
    let states: Vec<&str> = (0..ROWS).map(|_| ["open", "done", "lost"][random.random_range(0..3)]).collect();
    let days =
        states.iter().map(|state| (*state != "open").then(|| random.random_range(18_000..19_000))).collect();
    (Arc::new(StringArray::from(states)), days)
}

#[test]
fn an_open_order_has_no_closing_day_and_one_exception_denies_it() {
    let (states, mut days) = states();
    let rows = |days: &[Option<i32>]| data(vec![states.clone(), Arc::new(Date32Array::from(days.to_vec()))]);

    let rules = discover_nulls(&rows(&days), &BTreeSet::new(), &[], Guard::rows(5));

    let rule = Rule::NullWhen {
        from: ColumnId(0),
        to: ColumnId(1),
        values: vec![Value::Text("open".to_owned())],
        any_value: false,
        rows: ROWS,
    };
    assert_eq!(rules, [rule]);
    let generated = data(vec![
        Arc::new(StringArray::from(vec!["open", "done", "lost", "done"])),
        Arc::new(Date32Array::from(vec![Some(1), None, Some(2), Some(3)])),
    ]);
    let types = [DataType::Text { max_chars: None }, DataType::Date];
    let (kept, changed) = enforce(&rules, &table(&types), generated, &Given::default());
    let nulls: Vec<bool> = (0..4).map(|row| kept.arrays[1].is_null(row)).collect();
    assert_eq!(nulls, [true, false, false, false]);
    assert_eq!(changed, 2);

    let lucky = days.iter().position(Option::is_some).unwrap();
    days[lucky] = None;
    assert_eq!(discover_nulls(&rows(&days), &BTreeSet::new(), &[], Guard::rows(5)), []);
}

#[test]
fn two_columns_that_are_null_together_are_found_and_one_exception_denies_it() {
    let mut random = random("together");
    let there: Vec<bool> = (0..ROWS).map(|_| random.random::<f64>() < 0.8).collect();
    let latitude: Float64Array = there.iter().map(|there| there.then(|| random.random::<f64>())).collect();
    let mut longitude: Vec<Option<f64>> =
        there.iter().map(|there| there.then(|| random.random::<f64>())).collect();
    let rows = |longitude: &[Option<f64>]| {
        data(vec![Arc::new(latitude.clone()), Arc::new(Float64Array::from(longitude.to_vec()))])
    };

    let rules = discover_nulls(&rows(&longitude), &BTreeSet::new(), &[], Guard::rows(5));

    assert_eq!(computed(&rules), [(1, vec![0])]);
    assert!(matches!(rules[0], Rule::NullWhen { any_value: true, .. }));

    let lost = longitude.iter().position(Option::is_some).unwrap();
    longitude[lost] = None;
    assert_eq!(discover_nulls(&rows(&longitude), &BTreeSet::new(), &[], Guard::rows(5)), []);
}

#[test]
fn rare_states_are_not_kept_as_values() {
    let (states, days) = states();
    let names: Vec<String> = (0..ROWS)
        .map(|row| match (row, days[row]) {
            (3, _) => "secret".to_owned(),
            (_, None) => "open".to_owned(),
            _ => "done".to_owned(),
        })
        .collect();
    let mut days = days;
    days[3] = None;
    drop(states);
    let rows = data(vec![Arc::new(StringArray::from(names)), Arc::new(Date32Array::from(days))]);

    let rules = discover_nulls(&rows, &BTreeSet::new(), &[], Guard::rows(5));

    assert_eq!(rules[0].literals(), ["open"]);
}

#[test]
fn what_is_no_number_does_not_become_an_amount() {
    let amount = DataType::Decimal { precision: Some(19), scale: Some(2) };
    let rule = vec![Rule::Copy { from: ColumnId(0), to: ColumnId(1), rows: 100 }];
    let generated = data(vec![floats(&[f64::NAN, 2.5, f64::INFINITY]), floats(&[1.0, 1.0, 7.0])]);

    let (kept, _) = enforce(&rule, &table(&[float(), amount]), generated, &Given::default());

    assert_eq!(kept.arrays[1].as_ref(), floats(&[1.0, 2.5, 7.0]).as_ref());
}

#[test]
fn computed_values_stay_inside_their_type() {
    let price = money("price", 99, 9999);
    let quantity = whole("quantity", 1, 12);
    let total: Vec<f64> = price.iter().zip(&quantity).map(|(p, q)| cents(p * *q as f64)).collect();
    let rules = found(&data(vec![floats(&price), integers(&quantity), floats(&total)]));
    let narrow = DataType::Decimal { precision: Some(5), scale: Some(2) };
    let integer = DataType::Integer { min: 0, max: 100 };
    let generated = data(vec![floats(&[900.0]), integers(&[4]), floats(&[1.0])]);

    let (kept, _) = enforce(&rules, &table(&[float(), integer, narrow]), generated, &Given::default());

    assert_eq!(kept.arrays[2].as_ref(), floats(&[999.99]).as_ref());
}

/// A column of noise: how many values, how lopsided, how often null.
fn noise() -> impl Strategy<Value = (u8, u64, f64, f64)> {
    (
        0_u8..5,
        prop_oneof![2_u64..6, 6_u64..60, 60_u64..5000],
        0.3_f64..4.0,
        prop_oneof![Just(0.0), 0.0_f64..0.6],
    )
}

fn column_of((kind, values, skew, nulls): (u8, u64, f64, f64), rows: usize, random: &mut Stream) -> ArrayRef {
    let drawn: Vec<Option<i64>> = (0..rows)
        .map(|_| {
            let value = (random.random::<f64>().powf(skew) * values as f64) as i64;
            (random.random::<f64>() >= nulls).then_some(value)
        })
        .collect();
    match kind {
        0 => Arc::new(Int64Array::from(drawn)),
        1 => Arc::new(drawn.iter().map(|v| v.map(|v| v as f64 / 100.0)).collect::<Float64Array>()),
        2 => Arc::new(drawn.iter().map(|v| v.map(|v| v as i32)).collect::<Date32Array>()),
        3 => Arc::new(drawn.iter().map(|v| v.map(|v| v % 2 == 0)).collect::<BooleanArray>()),
        _ => Arc::new(drawn.iter().map(|v| v.map(|v| format!("v{v}"))).collect::<StringArray>()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn noise_of_any_size_and_variety_shows_no_relation(
        columns in prop::collection::vec(noise(), 2..9),
        rows in prop_oneof![10_usize..150, 150_usize..900],
        seed in 0_u64..1_000_000,
    ) {
        let mut random = Seed(seed).stream("noise", 0);
        let arrays = columns.iter().map(|column| column_of(*column, rows, &mut random)).collect();
        let rows = data(arrays);

        let decided: Vec<Rule> =
            found(&rows).into_iter().filter(|rule| rule.decides().is_some()).collect();

        prop_assert_eq!(decided, Vec::<Rule>::new());
        prop_assert_eq!(discover_nulls(&rows, &BTreeSet::new(), &[], Guard::rows(5)), Vec::<Rule>::new());
    }
}

/// Days of three years, one a row, and points in time.
fn calendar() -> (ArrayRef, ArrayRef) {
    let mut r = random("calendar");
    let micros: Vec<i64> = (0..ROWS as i64)
        .map(|day| (10_000 + day * 2) * 86_400_000_000 + r.random_range(0..86_400) * 1_000_000)
        .collect();
    let days: Date32Array = (0..ROWS as i32).map(|day| Some(10_000 + day * 2)).collect();
    (Arc::new(days), Arc::new(TimestampMicrosecondArray::from(micros)))
}

fn part_of(values: &ArrayRef, part: DatePart) -> Vec<Value> {
    (0..values.len()).map(|row| part.of(&Value::read(values, row)).unwrap()).collect()
}

#[test]
fn parts_of_a_date_are_found_wherever_the_date_stands() {
    let (days, times) = calendar();
    let whole = |part| -> ArrayRef {
        let numbers =
            part_of(&days, part).into_iter().map(|v| if let Value::Integer(n) = v { Some(n) } else { None });
        Arc::new(numbers.collect::<Int64Array>())
    };
    let names: ArrayRef =
        Arc::new(part_of(&days, DatePart::WeekdayName).iter().map(Value::text).collect::<StringArray>());
    let hours: ArrayRef = {
        let hours = part_of(&times, DatePart::Hour).into_iter().map(|v| v.number());
        Arc::new(hours.collect::<Float64Array>())
    };
    let mut off = part_of(&days, DatePart::Month).iter().map(Value::number).collect::<Vec<_>>();
    off[17] = Some(13.0);
    let columns: Vec<ArrayRef> = vec![
        whole(DatePart::Year),
        whole(DatePart::Month),
        names,
        Arc::new(Float64Array::from(off)),
        days.clone(),
        hours,
        times,
    ];
    let rows = TableData::new((0..7).map(ColumnId).collect(), columns, ROWS);

    let rules = discover_dates(&rows, &BTreeSet::new(), Guard::rows(5));

    let found: Vec<(usize, usize, DatePart)> = rules
        .iter()
        .map(|rule| match rule {
            Rule::DatePart { from, to, part, .. } => (from.0, to.0, *part),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        (4, 0, DatePart::Year),
        (4, 1, DatePart::Month),
        (4, 2, DatePart::WeekdayName),
        (6, 4, DatePart::Date),
        (6, 5, DatePart::Hour),
    ];
    for part in &expected {
        assert!(found.contains(part), "{part:?} in {found:?}");
    }
    assert!(found.iter().all(|(_, to, _)| *to != 3), "one exception refuses: {found:?}");
    assert!(
        discover_dates(
            &rows.select(|column| column.0 != 4 && column.0 != 6),
            &BTreeSet::new(),
            Guard::rows(5)
        )
        .is_empty()
    );
}
