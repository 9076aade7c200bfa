//! Every codec on every kind of column: total, in range, close in distribution, equal after JSON, repeatable.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use proptest::prelude::*;
use rand::{Rng, RngExt};

use super::*;
use crate::{
    data::TableData,
    privacy::Guard,
    schema::{Column, ColumnId, DataType},
    seed::Seed,
};

fn column(data_type: DataType) -> Column {
    Column::new("c", data_type)
}

fn integer() -> DataType {
    DataType::Integer { min: i64::MIN, max: i64::MAX }
}

fn money() -> DataType {
    DataType::Decimal { precision: Some(10), scale: Some(2) }
}

fn stamp() -> DataType {
    DataType::Timestamp { zoned: false }
}

fn integers(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn floats(values: impl IntoIterator<Item = f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(values))
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn stamps(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(values))
}

fn stream() -> Stream {
    Seed(7).stream("codec/test", 0)
}

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

/// Name, type and values of every kind of column a codec meets.
fn columns() -> Vec<(&'static str, DataType, ArrayRef)> {
    let mut r = stream();
    let n = 5000;
    let mut exponential = |scale: f64| -scale * (1.0 - r.random::<f64>()).ln();
    let skewed: Vec<f64> = (0..n).map(|_| exponential(100.0)).collect();
    let cents: Vec<f64> = (0..n).map(|_| (exponential(100.0) * 100.0).round() / 100.0).collect();
    let mut r = stream();
    let heavy_zero: Vec<f64> =
        (0..n).map(|_| if r.random::<f64>() < 0.4 { 0.0 } else { r.random::<f64>() * 9.0 + 1.0 }).collect();
    let office: Vec<i64> = (0..n)
        .map(|_| {
            let day = 18_000 + r.random_range(0..300) * 7 + r.random_range(0..5);
            day * DAY + 8 * HOUR + r.random_range(0..10 * HOUR / 1_000_000) * 1_000_000
        })
        .collect();
    let wide: Vec<i64> = (0..n).map(|_| r.next_u64() as i64).collect();
    let noisy: Vec<i64> = (0..n).map(|_| r.random_range(0..100_000)).collect();
    let nullable: Vec<Option<i64>> = (0..n).map(|i| (i % 3 != 0).then(|| r.random_range(-50..50))).collect();
    let days: Vec<i32> = (0..n).map(|_| 10_000 + r.random_range(0..9_000)).collect();
    vec![
        ("empty integer", integer(), integers([])),
        ("empty text", DataType::Text { max_chars: None }, texts(&[])),
        ("one row", integer(), integers([42])),
        ("one float", DataType::Float { single: false }, floats([0.1])),
        ("constant", money(), floats(std::iter::repeat_n(9.99, 100))),
        ("all null", integer(), Arc::new(Int64Array::from(vec![None::<i64>; 20]))),
        ("nulls", integer(), Arc::new(Int64Array::from(nullable))),
        ("extremes", integer(), integers([i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX])),
        ("wide", integer(), integers(wide)),
        ("noisy", integer(), integers(noisy)),
        ("ages", integer(), integers((0..n).map(|i| (i * i) % 97 + 3))),
        ("tiny", integer(), integers((0..30).map(|i| i * 1_000 + i * i))),
        ("fifties", integer(), integers((0..n).map(|i| (i * 7919 % 3000) * 50))),
        ("skewed", DataType::Float { single: false }, floats(skewed)),
        ("cents", money(), floats(cents)),
        ("heavy zero", DataType::Float { single: false }, floats(heavy_zero)),
        (
            "float specials",
            DataType::Float { single: false },
            floats((0..60).map(|i| match i {
                0 => f64::NAN,
                1 => f64::INFINITY,
                2 => f64::NEG_INFINITY,
                3 => f64::MAX,
                4 => f64::MIN,
                5 => f64::MIN_POSITIVE,
                _ => f64::from(i).sqrt(),
            })),
        ),
        (
            "single",
            DataType::Float { single: true },
            floats((0..3000).map(|i| f64::from((f64::from(i) * 0.731).sin() as f32))),
        ),
        (
            "boolean",
            DataType::Boolean,
            Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(true)])),
        ),
        (
            "enum",
            DataType::Enum { labels: vec!["a".into(), "B b".into()] },
            texts(&[Some("a"), Some("B b"), Some("a"), None]),
        ),
        ("text", DataType::Text { max_chars: None }, texts(&[Some("x"), Some("y"), Some("x")])),
        (
            "thousands of labels",
            DataType::Text { max_chars: None },
            Arc::new(
                (0..16_000)
                    .map(|i| (i % 11 != 0).then(|| format!("C{:04}", (i * i + 7 * i) % 1999)))
                    .collect::<StringArray>(),
            ),
        ),
        ("bytes", DataType::Bytes { max_bytes: None }, Arc::new(BinaryArray::from_vec(vec![b"x", b"y"]))),
        ("dates", DataType::Date, Arc::new(Date32Array::from(days))),
        (
            "infinite dates",
            DataType::Date,
            Arc::new(Date32Array::from(vec![Some(i32::MAX), Some(i32::MIN), Some(3), Some(4), None])),
        ),
        ("office hours", stamp(), stamps(office)),
        ("midnights", stamp(), stamps((0..4000).map(|i| (i * 7919 % 9000 + 7000) * DAY))),
        (
            "infinite times",
            stamp(),
            Arc::new(TimestampMicrosecondArray::from(vec![
                Some(i64::MAX),
                Some(i64::MIN),
                Some(5),
                None,
                Some(-5),
            ])),
        ),
        (
            "times",
            DataType::Time,
            Arc::new(Time64MicrosecondArray::from_iter_values(
                (0..4000).map(|i| (i * 7919 % 1440) * 60_000_000),
            )),
        ),
    ]
}

fn fit(data_type: &DataType, values: &ArrayRef, protect_below: u32) -> Codec {
    Codec::fit(
        &column(data_type.clone()),
        values,
        &Hints { categorical: true, bounds: None, guard: Guard::rows(protect_below) },
    )
}

fn decode(codec: &Codec, tokens: &[Vec<u16>]) -> ArrayRef {
    let slices: Vec<&[u16]> = tokens.iter().map(Vec::as_slice).collect();
    codec.decode(&slices, &mut stream())
}

/// Values as sortable numbers; texts by their hash of length and first byte, nulls left out.
fn numbers(values: &ArrayRef) -> Vec<f64> {
    let mut all: Vec<f64> =
        (0..values.len()).filter(|row| values.is_valid(*row)).map(|row| number(values, row)).collect();
    all.sort_by(f64::total_cmp);
    all
}

fn number(values: &ArrayRef, row: usize) -> f64 {
    use super::literal::Literal;
    match Literal::read(values, row) {
        Some(Literal::Integer(v) | Literal::Time(v) | Literal::Timestamp(v)) => v as f64,
        Some(Literal::FloatBits(bits)) => f64::from_bits(bits),
        Some(Literal::Date(v)) => f64::from(v),
        Some(Literal::Boolean(v)) => f64::from(u8::from(v)),
        Some(Literal::Text(v)) => v.bytes().fold(0.0, |sum, byte| sum * 31.0 + f64::from(byte)),
        Some(Literal::Bytes(v)) => v.len() as f64,
        None => f64::NAN,
    }
}

/// The largest distance of the two distribution functions (Kolmogorov–Smirnov).
fn ks(a: &[f64], b: &[f64]) -> f64 {
    let share = |all: &[f64], x: f64| {
        all.partition_point(|y| y.total_cmp(&x).is_le()) as f64 / all.len().max(1) as f64
    };
    a.iter().chain(b).map(|x| (share(a, *x) - share(b, *x)).abs()).fold(0.0, f64::max)
}

#[test]
fn tokens_stay_in_their_vocabulary() {
    for (name, data_type, values) in columns() {
        for protect in [0, 5] {
            let codec = fit(&data_type, &values, protect);
            let tokens = codec.encode(&values);

            assert_eq!(tokens.len(), codec.sub_columns().len(), "{name}");
            for (tokens, sub_column) in tokens.iter().zip(codec.sub_columns()) {
                assert_eq!(tokens.len(), values.len(), "{name}");
                assert!(tokens.iter().all(|token| *token < sub_column.size), "{name}");
                let scalars = sub_column.scalars.len();
                assert!(scalars == 0 || scalars == usize::from(sub_column.size), "{name}: {sub_column:?}");
            }
        }
    }
}

#[test]
fn every_codec_decodes_any_token_of_its_vocabulary() {
    for (name, data_type, values) in columns() {
        for protect in [0, 5] {
            let codec = fit(&data_type, &values, protect);
            let mut random = stream();
            let tokens: Vec<Vec<u16>> = codec
                .sub_columns()
                .iter()
                .map(|s| (0..500).map(|_| random.random_range(0..s.size)).collect())
                .collect();

            let decoded = decode(&codec, &tokens);

            assert_eq!(decoded.len(), 500, "{name}");
            if !codec.is_presence() {
                assert_eq!(decoded.data_type(), values.data_type(), "{name}");
            }
        }
    }
}

#[test]
fn decoding_keeps_nulls_and_the_distribution() {
    for (name, data_type, values) in columns() {
        let codec = fit(&data_type, &values, 0);
        let decoded = decode(&codec, &codec.encode(&values));

        if codec.is_presence() {
            continue;
        }
        assert_eq!(decoded.null_count(), values.null_count(), "{name}");
        let distance = ks(&numbers(&values), &numbers(&decoded));
        let tolerance = match values.len() {
            0..20 => 0.5,
            20..100 => 0.2,
            _ => 0.02,
        };
        assert!(distance <= tolerance, "{name}: {distance}");
    }
}

#[test]
fn decoding_stays_close_to_the_value_itself() {
    for (name, data_type, values) in columns() {
        let codec = fit(&data_type, &values, 0);
        if codec.is_presence() || values.len() < 1000 {
            continue;
        }
        let decoded = decode(&codec, &codec.encode(&values));

        let line = numbers(&values);
        let rank = |x: f64| line.partition_point(|y| *y < x) as f64 / line.len() as f64;
        for row in (0..values.len()).filter(|row| values.is_valid(*row)) {
            let (before, after) = (number(&values, row), number(&decoded, row));
            assert!((rank(before) - rank(after)).abs() <= 0.03, "{name}: {before} became {after}");
        }
    }
}

#[test]
fn json_brings_every_codec_back() {
    for (name, data_type, values) in columns() {
        for protect in [0, 5] {
            let codec = fit(&data_type, &values, protect);
            let text = serde_json::to_string(&codec).unwrap();
            let back: Codec = serde_json::from_str(&text).unwrap();

            assert_eq!(codec, back, "{name}");
            assert_eq!(text, serde_json::to_string(&back).unwrap(), "{name}");
        }
    }
}

#[test]
fn encoding_is_total_for_values_never_seen() {
    for (name, data_type, seen) in columns() {
        let codec = fit(&data_type, &seen, 0);
        for (_, other_type, other) in columns() {
            if other_type.storage() != data_type.storage() {
                continue;
            }
            let tokens = codec.encode(&other);
            for (tokens, sub_column) in tokens.iter().zip(codec.sub_columns()) {
                assert_eq!(tokens.len(), other.len(), "{name}");
                assert!(tokens.iter().all(|token| *token < sub_column.size), "{name}");
            }
        }
    }
}

#[test]
fn unseen_and_rare_categories_decode_to_common_ones() {
    let mut rows = vec![Some("common"); 50];
    rows.extend(vec![Some("usual"); 20]);
    rows.push(Some("only Eve"));
    let codec = fit(&DataType::Text { max_chars: None }, &texts(&rows), 5);

    let decoded = decode(&codec, &codec.encode(&texts(&[Some("only Eve"), Some("never seen")])));

    assert!(
        numbers(&decoded)
            .iter()
            .all(|value| numbers(&texts(&[Some("common"), Some("usual")])).contains(value))
    );
    assert_eq!(texts_kept(&codec), ["common", "usual"]);
}

fn texts_kept(codec: &Codec) -> Vec<String> {
    codec.kept().into_iter().map(|kept| kept.text).collect()
}

#[test]
fn thousands_of_labels_take_two_small_tokens_and_come_back_exactly() {
    let labels: Vec<String> = (0..30_000_u64).map(|i| format!("{:05}", (i * i) % 6007 * 13)).collect();
    let values: ArrayRef = Arc::new(StringArray::from_iter_values(&labels));
    let codec = fit(&DataType::Text { max_chars: None }, &values, 0);

    assert_eq!(codec.sub_columns().len(), 2);
    assert!(codec.sub_columns().iter().all(|sub_column| sub_column.size <= 256), "{:?}", codec.sub_columns());
    assert_eq!(decode(&codec, &codec.encode(&values)).as_ref(), values.as_ref());
}

/// Four entities of twenty rows each, and twenty entities of one row.
fn owners() -> Vec<u32> {
    (0..100).map(|row| if row < 80 { row / 20 } else { row }).collect()
}

#[test]
fn what_few_entities_have_is_not_kept_however_many_rows_have_it() {
    let owners = owners();
    let guard = Guard::entities(&owners, 5);
    let fit = |data_type: DataType, values: &ArrayRef| {
        Codec::fit(&column(data_type), values, &Hints { categorical: true, bounds: None, guard })
    };
    let text = DataType::Text { max_chars: None };
    // The first entity alone has twenty rows of one label, one number, one day.
    let labels: Vec<Option<&str>> =
        (0..100).map(|row| Some(if row < 20 { "only Eve" } else { "usual" })).collect();
    let kept = fit(text.clone(), &texts(&labels)).kept();
    assert_eq!(
        kept.iter().map(|kept| (kept.text.as_str(), kept.entities)).collect::<Vec<_>>(),
        [("usual", 23)]
    );
    let stored = |codec: &Codec| serde_json::to_string(codec).unwrap();
    let numbers = integers((0..100).map(|row| if row < 20 { 7_654_321 } else { row % 5 * 1000 }));
    let codec = fit(integer(), &numbers);
    assert!(!stored(&codec).contains("7654321"), "{}", stored(&codec));
    // One value in a whole table of one entity.
    let one = vec![0; 100];
    let alone = Guard::entities(&one, 5);
    let hints = Hints { categorical: true, bounds: None, guard: alone };
    let codec = Codec::fit(&column(text), &texts(&[Some("only Eve"); 100]), &hints);
    assert!(!stored(&codec).contains("Eve"));
}

#[test]
fn ranges_end_where_enough_entities_lie() {
    // Entity 0 has the twenty largest numbers, 1 the twenty below, and so on; then one row each.
    let owners = owners();
    let values = integers((0..100).map(|row| 1_000_003 * (101 - row)));
    let hints = Hints { guard: Guard::entities(&owners, 5), ..Hints::default() };
    let codec = Codec::fit(&column(integer()), &values, &hints);

    let decoded = decode(&codec, &codec.encode(&values));

    let largest = (0..100).map(|row| number(&decoded, row)).fold(f64::MIN, f64::max);
    assert!(largest <= 1_000_003.0 * 21.0, "{largest}: only four entities lie above");
    let stored = serde_json::to_string(&codec).unwrap();
    for row in 0..100_i64 {
        assert!(!stored.contains(&(1_000_003 * (101 - row)).to_string()), "row {row} in {stored}");
    }
}

#[test]
fn small_tables_keep_no_value_of_a_single_row() {
    let values = integers((0..200).map(|i| i * i * 37 + 11));
    let codec = fit(&integer(), &values, 0);

    let decoded = decode(&codec, &codec.encode(&values));
    let same = (0..200).filter(|row| number(&values, *row) == number(&decoded, *row)).count();

    assert!(same < 20, "{same} of 200 came back exactly");
    assert!(codec.kept().len() <= 2);
}

#[test]
fn protection_clips_the_extremes() {
    let values = floats((0..2000).map(|i| if i == 0 { 1e9 } else { f64::from(i) * 0.37 }));
    let codec = fit(&DataType::Float { single: false }, &values, 5);

    let decoded = decode(&codec, &codec.encode(&values));

    assert!(numbers(&decoded).last().unwrap() < &740.0);
}

#[test]
fn a_heavy_value_has_its_own_token() {
    let values = floats((0..4000).map(|i| if i % 5 < 2 { 0.0 } else { f64::from(i).sqrt() * 1.234_567 }));
    let codec = fit(&DataType::Float { single: false }, &values, 0);

    let decoded = decode(&codec, &codec.encode(&values));
    let zeros = numbers(&decoded).iter().filter(|value| **value == 0.0).count();

    assert_eq!(zeros, 1600);
}

#[test]
fn decimals_steps_bounds_and_singles_are_kept() {
    let halves = floats((0..5000).map(|i| f64::from(i * 7919 % 100_003) * 0.05));
    let decoded = decode(&fit(&money(), &halves, 0), &fit(&money(), &halves, 0).encode(&halves));
    assert!(numbers(&decoded).iter().all(|v| ((v * 20.0).round() / 20.0 - v).abs() < 1e-9));

    let fifties = integers((0..5000).map(|i| (i * 7919 % 30_011) * 50));
    let decoded = decode(&fit(&integer(), &fifties, 0), &fit(&integer(), &fifties, 0).encode(&fifties));
    assert!(numbers(&decoded).iter().all(|v| v % 50.0 == 0.0));

    let hints = Hints { bounds: Some((0.0, 1000.0)), ..Hints::default() };
    let bounded = Codec::fit(&column(integer()), &fifties, &hints);
    let decoded = decode(&bounded, &bounded.encode(&fifties));
    assert!(numbers(&decoded).iter().all(|v| (0.0..=1000.0).contains(v)));

    let single = DataType::Float { single: true };
    let sines = floats((0..3000).map(|i| f64::from(f64::from(i).sin() as f32)));
    let decoded = decode(&fit(&single, &sines, 0), &fit(&single, &sines, 0).encode(&sines));
    // As a server prints them: the shortest decimal that is the same single.
    assert!(numbers(&decoded).iter().all(|v| (*v as f32).to_string().parse() == Ok(*v)));
}

#[test]
fn large_identifiers_do_not_pass_through_floats() {
    let ids = integers((0..1000).map(|i| 9_007_199_254_740_993 + (i / 100) * 2));
    let codec = fit(&integer(), &ids, 0);

    let decoded = decode(&codec, &codec.encode(&ids));

    assert_eq!(decoded.as_ref(), ids.as_ref());
}

#[test]
fn weekdays_hours_and_midnights_are_kept() {
    let all = columns();
    let find = |wanted| all.iter().find(|(name, ..)| *name == wanted).map(|(_, t, v)| (t, v)).unwrap();
    let (data_type, office) = find("office hours");
    let codec = fit(data_type, office, 0);
    let decoded = decode(&codec, &codec.encode(office));
    let days = |values: &ArrayRef, keep: fn(i64) -> bool| {
        let array = reading::timestamps(values).unwrap();
        array.values().iter().filter(|v| keep(**v)).count() as f64 / array.len() as f64
    };
    let weekend: fn(i64) -> bool = |v| calendar::weekday(v.div_euclid(DAY)) > 4;
    let night: fn(i64) -> bool = |v| !(8 * HOUR..18 * HOUR).contains(&v.rem_euclid(DAY));
    let seconds: fn(i64) -> bool = |v| v % 1_000_000 == 0;
    assert!((days(&decoded, weekend) - days(office, weekend)).abs() < 0.02);
    assert_eq!(days(&decoded, night), 0.0);
    assert_eq!(days(&decoded, seconds), 1.0);

    let (data_type, midnights) = find("midnights");
    let codec = fit(data_type, midnights, 0);
    let decoded = decode(&codec, &codec.encode(midnights));
    assert_eq!(days(&decoded, |v| v % DAY == 0), 1.0);
}

#[test]
fn tables_decode_the_same_at_any_thread_count() {
    let rows = 40_000;
    let data = TableData::new(
        vec![ColumnId(0), ColumnId(2)],
        vec![integers((0..rows).map(|i| i * 7919 % 100_003)), stamps((0..rows).map(|i| i * 12_345_678_901))],
        rows as usize,
    );
    let codecs: Vec<(ColumnId, Codec)> = [(0, integer()), (1, stamp())]
        .into_iter()
        .map(|(at, data_type)| (data.columns[at], fit(&data_type, &data.arrays[at], 0)))
        .collect();
    let encoded = encode_table(&codecs, &data, None);
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();

    let one = pool(1).install(|| decode_table(&codecs, &encoded, None, Seed(1), "t"));
    let four = pool(4).install(|| decode_table(&codecs, &encoded, None, Seed(1), "t"));

    assert_eq!(one.row_count, rows as usize);
    assert_eq!(one.columns, data.columns);
    assert_eq!(one.arrays, four.arrays);
}

#[test]
fn an_empty_table_round_trips() {
    let data = TableData::new(vec![ColumnId(0)], vec![integers([])], 0);
    let codecs = vec![(ColumnId(0), fit(&integer(), &integers([1, 2, 3]), 0))];

    let back = decode_table(&codecs, &encode_table(&codecs, &data, None), None, Seed(1), "t");

    assert_eq!(back.row_count, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_integers_decode_inside_their_range(values in proptest::collection::vec(any::<i64>(), 1..400)) {
        let array = integers(values.iter().copied());
        let codec = fit(&integer(), &array, 0);
        let decoded = decode(&codec, &codec.encode(&array));
        let (low, high) = (values.iter().min().unwrap(), values.iter().max().unwrap());
        for value in reading::integers(&decoded).unwrap().values() {
            prop_assert!(low <= value && value <= high);
        }
    }

    #[test]
    fn any_floats_decode_inside_their_range(
        values in proptest::collection::vec(proptest::num::f64::NORMAL | proptest::num::f64::ZERO, 1..400)
    ) {
        let array = floats(values.iter().copied());
        let codec = fit(&DataType::Float { single: false }, &array, 0);
        let decoded = decode(&codec, &codec.encode(&array));
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for value in reading::floats(&decoded).unwrap().values() {
            prop_assert!(low <= *value && *value <= high);
        }
    }

    #[test]
    fn any_floats_survive_their_keys(value in proptest::num::f64::NORMAL | proptest::num::f64::ZERO) {
        let scale = super::axis::Scale::Binary { single: false };
        prop_assert_eq!(scale.value(scale.key(value)), value);
    }
}

#[test]
fn a_coarse_number_has_one_token_and_stays_in_its_bin() {
    let values = integers((0..20_000).map(|row| row * row));
    let fitted = || Codec::fit(&column(integer()), &values, &Hints::default());
    let (fine, coarse) = (fitted(), fitted().coarse());
    assert_eq!((fine.sub_columns().len(), coarse.sub_columns().len()), (2, 1));

    let tokens = coarse.encode(&values);
    assert_eq!(tokens[0], fine.encode(&values)[0], "the same bins");
    let drawn = coarse.decode(&[&tokens[0]], &mut stream());
    assert_eq!(coarse.encode(&drawn), tokens, "a value of another bin");
}
