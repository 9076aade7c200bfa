//! Places: in their city, on their decimals, in their notation.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, StringArray};
use rand::RngExt;

use super::{
    Place, coordinate_pairs,
    notation::{binary_prefix, read_point},
};
use crate::{
    codec::{Codec, ColumnCodec, reading},
    privacy::{Guard, KeptKind},
    schema::{Column, ColumnId, DataType},
    seed::Seed,
};

fn float() -> DataType {
    DataType::Float { single: false }
}

/// Two far cities and one shop, on four decimals.
fn cities() -> (ArrayRef, ArrayRef) {
    let mut r = Seed(4).stream("place/test", 0);
    let mut near = |middle: f64| ((middle + r.random_range(-0.2..0.2)) * 1e4).round() / 1e4;
    let points: Vec<(f64, f64)> = (0..3000)
        .map(|row| match row % 3 {
            0 => (near(52.5), near(13.4)),
            1 => (near(-33.9), near(151.2)),
            _ => (48.8583, 2.2945),
        })
        .collect();
    let xs: Float64Array = points.iter().map(|p| Some(p.0)).collect();
    let ys: Float64Array = points.iter().map(|p| Some(p.1)).collect();
    (Arc::new(xs), Arc::new(ys))
}

#[test]
fn a_pair_stays_in_one_city_near_its_point_and_on_its_decimals() {
    let (xs, ys) = cities();
    let codec =
        Place::fit_pair(&Column::new("lat", float()), (&xs, &ys), ColumnId(1), Guard::rows(5)).unwrap();
    let tokens = codec.encode_pair(&xs, &ys);
    let slices: Vec<&[u16]> = tokens.iter().map(Vec::as_slice).collect();
    let (a, b) = codec.decode_pair(&slices, &mut Seed(1).stream("t", 0));
    let (xs, ys) = (reading::floats(&xs).unwrap(), reading::floats(&ys).unwrap());
    let (a, b) = (reading::floats(&a).unwrap(), reading::floats(&b).unwrap());
    let mut same = 0;
    for row in 0..3000 {
        let (x, y) = (a.value(row), b.value(row));
        assert!((x - xs.value(row)).abs() < 0.2 && (y - ys.value(row)).abs() < 0.2, "{x} {y}");
        assert!((x * 1e4 - (x * 1e4).round()).abs() < 1e-6);
        same += usize::from(x == xs.value(row) && y == ys.value(row));
    }
    assert!((1000..1050).contains(&same), "{same}: the shop alone is exact");
    let exact: Vec<String> =
        codec.kept().into_iter().filter(|kept| kept.kind == KeptKind::Value).map(|kept| kept.text).collect();
    assert_eq!(exact, ["48.8583, 2.2945"]);
    for (tokens, sub_column) in tokens.iter().zip(codec.sub_columns()) {
        assert!(usize::from(sub_column.size) <= 257);
        assert!(tokens.iter().all(|token| *token < sub_column.size));
    }
}

#[test]
fn points_of_any_notation_come_back_in_it() {
    let (xs, ys) = cities();
    let (xs, ys) = (reading::floats(&xs).unwrap(), reading::floats(&ys).unwrap());
    for (open, close, joint) in [("(", ")", ","), ("POINT(", ")", " "), ("SRID=4326;POINT(", ")", " ")] {
        let values: ArrayRef = Arc::new(
            (0..3000)
                .map(|row| {
                    (row % 7 != 0).then(|| format!("{open}{}{joint}{}{close}", xs.value(row), ys.value(row)))
                })
                .collect::<StringArray>(),
        );
        let codec = Place::fit(&Column::new("at", DataType::Other), &values, Guard::rows(5)).unwrap();
        let codec = Codec::Place(Box::new(codec));
        let stored = serde_json::to_string(&codec).unwrap();
        assert_eq!(serde_json::from_str::<Codec>(&stored).unwrap(), codec);
        let mut random = Seed(2).stream("t", 0);
        let tokens: Vec<Vec<u16>> = codec
            .sub_columns()
            .iter()
            .map(|s| (0..400).map(|_| random.random_range(0..s.size)).collect())
            .collect();
        let slices: Vec<&[u16]> = tokens.iter().map(Vec::as_slice).collect();
        let decoded = codec.decode(&slices, &mut random);
        let texts = reading::texts(&decoded).unwrap();
        assert!(texts.iter().any(|text| text.is_none()));
        for text in texts.iter().flatten() {
            assert!(text.starts_with(open) && text.ends_with(close), "{text}");
            let (x, y) = read_point(text).unwrap();
            assert!(x.abs() <= 90.0 && y.abs() <= 180.0);
        }
    }
}

#[test]
fn odd_points_are_read_or_refused() {
    let binary = "0101000020E6100000000000000000F03F0000000000000040";
    assert_eq!(read_point(binary), Some((1.0, 2.0)));
    assert_eq!(binary_prefix(binary).as_deref(), Some("SRID=4326;"));
    for odd in ["", "(", "(1)", "(1,2", "(1,2,3)", "POINT EMPTY", "LINESTRING(1 2,3 4)", "POINT(a b)"] {
        assert_eq!(read_point(odd), None, "{odd}");
    }
}

#[test]
fn pairs_are_told_by_name_and_range() {
    let degrees: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0]));
    let metres: ArrayRef = Arc::new(Float64Array::from(vec![1000.0, 2.0]));
    let names = ["pickup_latitude", "pickup_longitude", "dropLat", "dropLng", "lat", "lon", "flat", "long"];
    let columns: Vec<_> = names.iter().map(|name| Column::new(*name, float())).collect();
    let all: Vec<_> = columns
        .iter()
        .enumerate()
        .map(|(id, column)| (ColumnId(id), column, if id == 5 { &metres } else { &degrees }))
        .collect();

    let pairs = coordinate_pairs(&all);

    let expected = [(0, 1), (2, 3), (4, 7)].map(|(a, b)| (ColumnId(a), ColumnId(b)));
    assert_eq!(pairs, expected);
}
