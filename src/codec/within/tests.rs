//! Claims about limits on every codec: what is decoded meets them, and the shares say how much that is.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use rand::RngExt;

use crate::{
    codec::{Codec, ColumnCodec, Hints},
    privacy::Guard,
    rules::Limit,
    schema::{Column, DataType},
    seed::Seed,
};

const ROWS: usize = 4_000;
const DAY: i64 = 86_400_000_000;

fn fit(data_type: DataType, values: &ArrayRef, categorical: bool) -> Codec {
    let column = Column::new("c", data_type);
    Codec::fit(&column, values, &Hints { categorical, bounds: None, guard: Guard::rows(5) })
}

fn integer() -> DataType {
    DataType::Integer { min: i64::MIN, max: i64::MAX }
}

/// Draws tokens of `values` under a limit as a model that knows only the marginals would: encoded rows are thinned
/// by the shares, and what is left is decoded. Returns the expected share of all rows and the decoded values.
fn thinned(codec: &Codec, values: &ArrayRef, limit: &Limit) -> (f64, ArrayRef) {
    let mut random = Seed(1).stream("thinned", 0);
    let tokens = codec.encode(values);
    let mut expected = 0.0;
    let mut kept: Vec<Vec<u16>> = vec![Vec::new(); tokens.len()];
    for row in 0..values.len() {
        let row: Vec<u16> = tokens.iter().map(|column| column[row]).collect();
        let mut share = 1.0;
        for place in 0..row.len() {
            share *= f64::from(codec.shares(limit, &row[..place])[usize::from(row[place])]);
        }
        expected += share;
        if random.random::<f64>() < share {
            kept.iter_mut().zip(&row).for_each(|(column, token)| column.push(*token));
        }
    }
    let slices: Vec<&[u16]> = kept.iter().map(Vec::as_slice).collect();
    (expected / values.len() as f64, codec.decode_within(&slices, limit, &mut random))
}

fn check(codec: &Codec, values: &ArrayRef, limit: &Limit) {
    let real =
        (0..values.len()).filter(|row| limit.allows(values, *row)).count() as f64 / values.len() as f64;
    let (expected, decoded) = thinned(codec, values, limit);

    assert!((real - expected).abs() < 0.03, "{limit:?}: {expected} of the rows instead of {real}");
    assert!(!decoded.is_empty(), "{limit:?} leaves nothing");
    for row in 0..decoded.len() {
        assert!(limit.allows(&decoded, row), "{limit:?} lets {:?} through", decoded.slice(row, 1));
    }
}

#[test]
fn numbers_under_a_limit_stay_inside_it() {
    let mut random = Seed(3).stream("numbers", 0);
    let wide: ArrayRef = Arc::new(Int64Array::from_iter(
        (0..ROWS).map(|row| (row % 9 > 0).then(|| random.random_range(0..1_000_000))),
    ));
    let few: ArrayRef = Arc::new(Int64Array::from_iter_values((0..ROWS).map(|row| (row % 20) as i64)));
    let open =
        |from, to| vec![vec![(i64::MIN, to)], vec![(from, i64::MAX)], vec![(0, from), (to, to + from)]];
    for (values, limits) in [(&wide, open(17_123, 400_123)), (&few, open(3, 11))] {
        let codec = fit(integer(), values, false);
        for ranges in limits {
            check(&codec, values, &Limit::Whole(ranges));
        }
        check(&codec, values, &Limit::Present);
    }
    check(&fit(integer(), &wide, false), &wide, &Limit::Null);

    let money: ArrayRef = Arc::new(Float64Array::from_iter_values(
        (0..ROWS).map(|_| (random.random_range(0.0..500.0_f64) * 100.0).round() / 100.0),
    ));
    let codec = fit(DataType::Decimal { precision: Some(10), scale: Some(2) }, &money, false);
    for ranges in [vec![(10.005, 77.0)], vec![(f64::NEG_INFINITY, 250.0)], vec![(499.0, f64::INFINITY)]] {
        check(&codec, &money, &Limit::Floats(ranges));
    }
    let floats: ArrayRef =
        Arc::new(Float64Array::from_iter_values((0..ROWS).map(|_| random.random::<f64>() - 0.5)));
    let codec = fit(DataType::Float { single: false }, &floats, false);
    for ranges in [vec![(-0.1, 0.2)], vec![(f64::NEG_INFINITY, -0.001)]] {
        check(&codec, &floats, &Limit::Floats(ranges));
    }
}

#[test]
fn a_number_between_two_observed_ones_can_be_asked_for() {
    let values: ArrayRef =
        Arc::new(Int64Array::from_iter_values((0..ROWS).map(|row| (row % 7 * 1000) as i64)));
    let codec = fit(integer(), &values, false);
    let limit = Limit::Whole(vec![(2_345, 2_345)]);

    let token = codec.shares(&limit, &[]).iter().position(|share| *share > 0.0).unwrap();
    let decoded = codec.decode_within(&[&[token as u16]], &limit, &mut Seed(1).stream("one", 0));

    assert!(limit.allows(&decoded, 0));
    let beyond = Limit::Whole(vec![(1_000_000, i64::MAX)]);
    assert!(codec.shares(&beyond, &[]).iter().all(|share| *share == 0.0));
}

#[test]
fn times_under_a_limit_stay_inside_it() {
    let mut random = Seed(4).stream("times", 0);
    let days: ArrayRef =
        Arc::new(Date32Array::from_iter_values((0..ROWS).map(|_| random.random_range(18_000..20_000))));
    let codec = fit(DataType::Date, &days, false);
    for ranges in [vec![(18_500, 18_900)], vec![(i64::MIN, 19_003)]] {
        check(&codec, &days, &Limit::Whole(ranges));
    }
    let stamps: ArrayRef =
        Arc::new(TimestampMicrosecondArray::from_iter_values((0..ROWS).map(|_| {
            random.random_range(18_000..18_400) * DAY + random.random_range(8..18) * 3_600_000_000
        })));
    let codec = fit(DataType::Timestamp { zoned: false }, &stamps, false);
    for ranges in [
        vec![(18_100 * DAY + 7_200_000_000, 18_250 * DAY + 43_200_000_000)],
        vec![(i64::MIN, 18_300 * DAY + 36_000_000_000)],
    ] {
        check(&codec, &stamps, &Limit::Whole(ranges));
    }
}

#[test]
fn labels_under_a_limit_stay_inside_it() {
    let labels: ArrayRef = Arc::new(StringArray::from_iter(
        (0..ROWS).map(|row| (row % 10 > 0).then(|| ["red", "green", "blue"][row % 3])),
    ));
    let codec = fit(DataType::Text { max_chars: None }, &labels, true);
    let texts = |only: Option<&[&str]>, except: &[&str]| Limit::Texts {
        only: only.map(|only| only.iter().map(|text| (*text).to_owned()).collect()),
        except: except.iter().map(|text| (*text).to_owned()).collect(),
        fold_case: false,
    };
    check(&codec, &labels, &texts(Some(&["red"]), &[]));
    check(&codec, &labels, &texts(Some(&["red", "blue"]), &[]));
    check(&codec, &labels, &texts(None, &["red"]));
    check(&codec, &labels, &Limit::Present);
    check(&codec, &labels, &Limit::Null);

    // What the source held too rarely to be kept, or never, can be asked for all the same.
    let unseen = texts(Some(&["mauve"]), &[]);
    let token = codec.shares(&unseen, &[]).iter().position(|share| *share > 0.0).unwrap();
    let decoded = codec.decode_within(&[&[token as u16]], &unseen, &mut Seed(1).stream("one", 0));
    assert!(unseen.allows(&decoded, 0));

    let flags: ArrayRef =
        Arc::new(BooleanArray::from_iter((0..ROWS).map(|row| (row % 5 > 0).then_some(row % 3 == 0))));
    check(&fit(DataType::Boolean, &flags, false), &flags, &Limit::Booleans { yes: true, no: false });
}
