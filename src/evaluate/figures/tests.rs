//! What figures show and what they keep to themselves.

use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{ArrayRef, Date32Array, Float64Array, Int64Array, StringArray};
use proptest::prelude::*;

use super::{Discretion, FanOutFigure, Figures, Guard, Picture, SeriesUnit, crowd::Crowd};
use crate::{
    data::TableData,
    evaluate::{Side, Terms, examine},
    schema::{Column, ColumnId, DataType, DialectName, Schema, Table, TableId, TableName},
};

const TEXT: DataType = DataType::Text { max_chars: None };
const WHOLE: DataType = DataType::Integer { min: i64::MIN, max: i64::MAX };

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn numbers(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

/// Figures of one table `t` with the same columns on both sides.
fn figures_of(
    columns: &[(&str, DataType)],
    real: Vec<ArrayRef>,
    synthetic: Vec<ArrayRef>,
    guard: &Guard,
) -> Figures {
    let described = columns.iter().map(|(name, data_type)| Column::new(*name, data_type.clone())).collect();
    let table = Table::new(TableName::bare("t"), described);
    let schema = Schema { dialect: DialectName::Sqlite, tables: vec![table] };
    let side = |arrays: Vec<ArrayRef>| {
        let rows = arrays[0].len();
        let ids = (0..arrays.len()).map(ColumnId).collect();
        Side { schema: &schema, tables: vec![TableData::new(ids, arrays, rows)], links: None }
    };
    examine(&side(real), &side(synthetic), None, &Terms::default(), guard).1
}

fn picture(figures: &Figures, column: usize) -> &Picture {
    &figures.tables[0].columns[column].picture
}

fn personal(column: usize) -> Guard {
    Guard { personal: [(TableId(0), ColumnId(column))].into(), ..Guard::default() }
}

#[test]
fn a_label_of_few_rows_is_not_named() {
    let mut real = vec!["common"; 30];
    real.extend(["rare-canary"; 4]);
    let made = vec!["rare-canary"; 34];
    let figures = figures_of(&[("kind", TEXT)], vec![texts(&real)], vec![texts(&made)], &Guard::default());

    let Picture::Bars(bars) = picture(&figures, 0) else { panic!("{figures:?}") };
    assert_eq!(bars.bars.len(), 1);
    assert_eq!(bars.others.labels, 1);
    assert_eq!(bars.others.real, None, "four rows are not counted either");
    assert!(!serde_json::to_string(&figures).unwrap().contains("canary"));
}

#[test]
fn a_label_of_many_rows_of_few_units_is_not_named() {
    let mut real = vec!["common"; 40];
    real.extend(["one-customers-canary"; 20]);
    let mut units: Vec<u32> = (0..40).collect();
    units.extend([99; 20]);
    let guard = Guard { units: BTreeMap::from([(TableId(0), units)]), ..Guard::default() };
    let figures = figures_of(&[("kind", TEXT)], vec![texts(&real)], vec![texts(&real)], &guard);

    assert!(!serde_json::to_string(&figures).unwrap().contains("canary"));
}

#[test]
fn of_a_personal_column_only_lengths_are_told() {
    let real = ["Ann", "Bob", "Cyd"].repeat(20);
    let figures = figures_of(&[("name", TEXT)], vec![texts(&real)], vec![texts(&real)], &personal(0));

    let Picture::Lengths { why, histogram } = picture(&figures, 0) else { panic!("{figures:?}") };
    assert_eq!(*why, Discretion::Personal);
    assert_eq!(histogram.real, [1.0]);
    let told = serde_json::to_string(&figures).unwrap();
    assert!(!told.contains("Ann") && !told.contains("Bob"), "{told}");
}

#[test]
fn of_a_personal_number_nothing_is_told() {
    let real: Vec<f64> = (0..100).map(f64::from).collect();
    let columns = [("salary", DataType::Float { single: false })];
    let figures = figures_of(&columns, vec![numbers(&real)], vec![numbers(&real)], &personal(0));

    assert_eq!(picture(&figures, 0), &Picture::Hidden { why: Discretion::Personal });
}

#[test]
fn an_extreme_number_of_few_rows_is_no_edge() {
    let mut real: Vec<f64> = (0..200).map(|row| f64::from(row % 50)).collect();
    real.extend([73_219.0, 73_219.0, -9_871.5]);
    let columns = [("amount", DataType::Float { single: false })];
    let figures = figures_of(&columns, vec![numbers(&real)], vec![numbers(&real)], &Guard::default());

    let Picture::Histogram(histogram) = picture(&figures, 0) else { panic!("{figures:?}") };
    assert!(histogram.edges.iter().all(|edge| (-1.0..=60.0).contains(edge)), "{:?}", histogram.edges);
    assert!((histogram.real.iter().sum::<f64>() - 1.0).abs() < 0.01, "nothing is lost");
}

#[test]
fn edges_are_round_numbers() {
    let real: Vec<f64> = (0..500).map(|row| 17.318 + f64::from(row) * 0.777).collect();
    let columns = [("amount", DataType::Float { single: false })];
    let figures = figures_of(&columns, vec![numbers(&real)], vec![numbers(&real)], &Guard::default());

    let Picture::Histogram(histogram) = picture(&figures, 0) else { panic!("{figures:?}") };
    assert_eq!(histogram.step, 20.0);
    assert!(histogram.edges.iter().all(|edge| edge % 20.0 == 0.0), "{:?}", histogram.edges);
}

#[test]
fn too_few_rows_are_not_drawn() {
    let real: Vec<f64> = (0..9).map(f64::from).collect();
    let columns = [("amount", DataType::Float { single: false })];
    let figures = figures_of(&columns, vec![numbers(&real)], vec![numbers(&real)], &Guard::default());

    assert_eq!(picture(&figures, 0), &Picture::Hidden { why: Discretion::FewRows });
}

#[test]
fn a_few_nulls_are_not_counted() {
    let with_nulls = |nulls: usize| -> Option<[f64; 2]> {
        let values: Int64Array = (0..100).map(|row| (row >= nulls).then_some((row % 7) as i64)).collect();
        let arrays: Vec<ArrayRef> = vec![Arc::new(values)];
        figures_of(&[("n", WHOLE)], arrays.clone(), arrays, &Guard::default()).tables[0].columns[0].nulls
    };

    assert_eq!(with_nulls(0), Some([0.0, 0.0]));
    assert_eq!(with_nulls(3), None);
    assert_eq!(with_nulls(20), Some([0.2, 0.2]));
}

#[test]
fn days_are_counted_by_the_finest_unit_that_is_full_enough() {
    let unit = |rows_per_day: i32, days: i32| {
        let values: Date32Array =
            (0..days * rows_per_day).map(|row| Some(20_000 + row / rows_per_day)).collect();
        let arrays: Vec<ArrayRef> = vec![Arc::new(values)];
        let figures = figures_of(&[("day", DataType::Date)], arrays.clone(), arrays, &Guard::default());
        let Picture::Series(series) = picture(&figures, 0) else { panic!("{figures:?}") };
        assert_eq!(series.starts.len(), series.real.len());
        series.unit
    };

    assert_eq!(unit(10, 60), SeriesUnit::Day);
    assert_eq!(unit(1, 60), SeriesUnit::Week);
    assert_eq!(unit(1, 1000), SeriesUnit::Month);
}

#[test]
fn a_day_of_few_rows_is_left_blank() {
    let mut days: Vec<i32> = (0..300).map(|row| 20_000 + row / 10).collect();
    days.retain(|day| *day != 20_010);
    days.extend([20_010; 2]);
    let arrays: Vec<ArrayRef> = vec![Arc::new(Date32Array::from(days))];
    let figures = figures_of(&[("day", DataType::Date)], arrays.clone(), arrays, &Guard::default());

    let Picture::Series(series) = picture(&figures, 0) else { panic!("{figures:?}") };
    let blank: Vec<usize> = (0..series.real.len()).filter(|bucket| series.real[*bucket].is_none()).collect();
    assert_eq!(blank, [10]);
}

#[test]
fn numbers_of_children_of_few_parents_are_joined() {
    let mut counts = vec![1_u32; 50];
    counts.extend([2; 20]);
    counts.extend([37; 2]);
    let ends = ("orders".to_owned(), "customer".to_owned(), "customers".to_owned());
    let figure = FanOutFigure::measure(ends, &counts, &counts, &Crowd::new(None, 72, 5)).unwrap();

    assert_eq!(figure.from, [0, 1, 2]);
    assert!((figure.real[2] - 22.0 / 72.0).abs() < 1e-3, "the two large families are among the last");
}

#[test]
fn associations_tell_dependence_from_none() {
    let rows = 2_000;
    let first: Vec<f64> = (0..rows).map(|row| f64::from(row % 97)).collect();
    let opposite: Vec<f64> = first.iter().map(|value| 5.0 - 2.0 * value).collect();
    let label: Vec<&str> = first.iter().map(|value| if *value < 48.0 { "low" } else { "high" }).collect();
    let other: Vec<&str> = (0..rows).map(|row| if (row / 97) % 2 == 0 { "even" } else { "odd" }).collect();
    let arrays = vec![numbers(&first), numbers(&opposite), texts(&label), texts(&other)];
    let float = DataType::Float { single: false };
    let columns = [("a", float.clone()), ("b", float), ("label", TEXT), ("other", TEXT)];
    let figures = figures_of(&columns, arrays.clone(), arrays, &Guard::default());

    let found = figures.tables[0].associations.as_ref().unwrap();
    assert_eq!(found.real[0][1], Some(-1.0));
    assert!(found.real[0][2].unwrap() > 0.9);
    assert!(found.real[0][3].unwrap() < 0.1);
    assert!(found.mean_difference().unwrap() < 0.05);
}

proptest! {
    #[test]
    fn joined_bins_cover_all_rows_and_hold_none_or_enough(
        sizes in proptest::collection::vec(0_usize..9, 1..30),
        least in 1_usize..8,
    ) {
        let mut next = 0;
        let rows: Vec<Vec<usize>> = sizes.iter().map(|size| { next += size; (next - size..next).collect() }).collect();
        let crowd = Crowd::new(None, next, least);
        if let Some(joined) = crowd.join(&rows) {
            let mut expected = 0;
            for bins in &joined {
                prop_assert_eq!(bins.start, expected);
                expected = bins.end;
                let held = rows[bins.clone()].iter().map(Vec::len).sum::<usize>();
                prop_assert!(held == 0 || held >= least);
            }
            prop_assert_eq!(expected, rows.len());
        } else {
            prop_assert!(next < least);
        }
    }
}
