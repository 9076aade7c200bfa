//! Gaps keep their grid, whichever time they are counted from; times that have nothing to do with each other stay apart.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Date32Array, TimestampMicrosecondArray, cast::AsArray, types};
use rand::RngExt;

use super::{Kin, Span, SpanBase};
use crate::{
    codec::{Codec, Datetime, calendar::DAY_MICROS, counted_from_kin, decode_table, encode_table},
    data::{Families, TableData},
    privacy::Guard,
    schema::{Column, ColumnId, DataType},
    seed::Seed,
};

const SECOND: i64 = 1_000_000;
const BASE: ColumnId = ColumnId(0);
const OWN: ColumnId = ColumnId(1);

/// Times over a year to the second, and others after them; one row in ten has neither.
fn rows(gap: impl Fn(&mut crate::seed::Stream) -> i64) -> (ArrayRef, ArrayRef) {
    let mut r = Seed(5).stream("span/test", 0);
    let pairs: Vec<(Option<i64>, Option<i64>)> = (0..3000)
        .map(|_| {
            let from = r.random_range(0..365 * 86_400_i64) * SECOND;
            let to = from + gap(&mut r);
            if r.random_range(0..10) == 0 { (None, None) } else { (Some(from), Some(to)) }
        })
        .collect();
    let (from, to): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    (
        Arc::new(TimestampMicrosecondArray::from(from)) as ArrayRef,
        Arc::new(TimestampMicrosecondArray::from(to)) as ArrayRef,
    )
}

fn own(data_type: DataType, values: &ArrayRef) -> (Column, Datetime) {
    let column = Column::new("till", data_type);
    let codec = Datetime::fit(&column, values, Guard::rows(5)).unwrap();
    (column, codec)
}

fn round_trip(span: Span, base: &ArrayRef, values: &ArrayRef) -> TableData {
    let (_, of_base) = own(DataType::Timestamp { zoned: false }, base);
    let codecs = vec![(OWN, Codec::Span(Box::new(span))), (BASE, Codec::Datetime(of_base))];
    let rows = TableData::new(vec![BASE, OWN], vec![base.clone(), values.clone()], base.len());
    let tokens = encode_table(&codecs, &rows, None);
    decode_table(&codecs, &tokens, None, Seed(3), "span")
}

#[test]
fn gaps_keep_their_own_grid_whatever_that_of_the_times() {
    let (from, to) = rows(|r| r.random_range(2..40) * 360 * 60 * SECOND);
    let (column, codec) = own(DataType::Timestamp { zoned: false }, &to);

    let (span, bits, otherwise) =
        Span::fit(&column, &to, (SpanBase::Own(BASE), &from), &codec, Guard::rows(5)).unwrap();

    assert!(bits + 5.0 < otherwise, "{bits} beside {otherwise}");
    let back = round_trip(span, &from, &to);
    let times = |column| back.column(column).unwrap().as_primitive::<types::TimestampMicrosecondType>();
    for row in 0..back.row_count {
        let (from, to) = (times(BASE), times(OWN));
        assert_eq!(from.is_null(row), to.is_null(row));
        if from.is_valid(row) {
            let gap = to.value(row) - from.value(row);
            assert_eq!(gap % (360 * 60 * SECOND), 0, "row {row}: {gap}");
            assert!((2..40).contains(&(gap / (360 * 60 * SECOND))), "row {row}: {gap}");
        }
    }
}

#[test]
fn days_are_counted_from_a_point_in_time() {
    let (from, to) = rows(|r| r.random_range(7..11) * DAY_MICROS);
    let day = |time: i64| time.div_euclid(DAY_MICROS) as i32;
    let due: Date32Array =
        to.as_primitive::<types::TimestampMicrosecondType>().iter().map(|t| t.map(day)).collect();
    let due: ArrayRef = Arc::new(due);
    let (column, codec) = own(DataType::Date, &due);

    let (span, ..) = Span::fit(&column, &due, (SpanBase::Own(BASE), &from), &codec, Guard::rows(5)).unwrap();

    let back = round_trip(span, &from, &due);
    let from = back.column(BASE).unwrap().as_primitive::<types::TimestampMicrosecondType>();
    let due = back.column(OWN).unwrap().as_primitive::<types::Date32Type>();
    assert!(
        (0..back.row_count)
            .filter(|row| from.is_valid(*row))
            .all(|row| { (7..11).contains(&(due.value(row) - day(from.value(row)))) })
    );
}

#[test]
fn a_time_is_counted_from_the_parents() {
    let (of_parent, _) = rows(|_| 0);
    let parent = TableData::new(vec![BASE], vec![of_parent.clone()], of_parent.len());
    let mut r = Seed(8).stream("span/parent", 0);
    let counts: Vec<u32> = (0..of_parent.len()).map(|_| r.random_range(0..2)).collect();
    let families = Families::from_counts(&counts);
    let kin = Some(Kin { families: &families, parent: Some(&parent), series: None });
    let known = of_parent.as_primitive::<types::TimestampMicrosecondType>();
    let sent: TimestampMicrosecondArray = families
        .parent_of_rows()
        .into_iter()
        .map(|row| {
            known
                .is_valid(row as usize)
                .then(|| known.value(row as usize) + r.random_range(1..4) * DAY_MICROS)
        })
        .collect();
    let sent: ArrayRef = Arc::new(sent);
    let children = TableData::new(vec![OWN], vec![sent.clone()], sent.len());
    let base = SpanBase::Parent(BASE);
    let bases = base.values(&children, kin).unwrap();
    let (column, codec) = own(DataType::Timestamp { zoned: false }, &sent);

    let (span, ..) = Span::fit(&column, &sent, (base, &bases), &codec, Guard::rows(5)).unwrap();

    let codecs = vec![(OWN, Codec::Span(Box::new(span)))];
    let tokens = encode_table(&codecs, &children, kin);
    let back = decode_table(&codecs, &tokens, kin, Seed(3), "span");
    let back = back.column(OWN).unwrap().as_primitive::<types::TimestampMicrosecondType>();
    let bases = bases.as_primitive::<types::TimestampMicrosecondType>();
    for row in (0..back.len()).filter(|row| bases.is_valid(*row)) {
        let gap = back.value(row) - bases.value(row);
        assert!((1..4).contains(&(gap / DAY_MICROS)) && gap % DAY_MICROS == 0, "row {row}: {gap}");
    }
    assert!(counted_from_kin(&codecs, OWN), "a row drawn alone does not know its parent");
}

#[test]
fn times_that_have_nothing_to_do_with_each_other_stay_apart() {
    let (from, _) = rows(|_| 0);
    let (to, _) = rows(|r| r.random_range(0..5));
    let mut r = Seed(6).stream("span/apart", 0);
    let shuffled: TimestampMicrosecondArray = to
        .as_primitive::<types::TimestampMicrosecondType>()
        .iter()
        .map(|time| time.map(|_| r.random_range(0..365 * 86_400_i64) * SECOND))
        .collect();
    let shuffled: ArrayRef = Arc::new(shuffled);
    let (column, codec) = own(DataType::Timestamp { zoned: false }, &shuffled);

    assert!(Span::fit(&column, &shuffled, (SpanBase::Own(BASE), &from), &codec, Guard::rows(5)).is_none());
}

#[test]
fn a_far_day_that_stands_for_never_keeps_its_day() {
    let never = 8028 * 365 * DAY_MICROS;
    let (from, to) = rows(|r| r.random_range(365..367) * DAY_MICROS);
    let from_times = from.as_primitive::<types::TimestampMicrosecondType>();
    let to = to.as_primitive::<types::TimestampMicrosecondType>().iter().enumerate();
    let to: ArrayRef = Arc::new(TimestampMicrosecondArray::from_iter(
        to.map(|(row, time)| if row % 9 == 0 || time.is_none() { Some(never) } else { time }),
    ));
    let (column, codec) = own(DataType::Timestamp { zoned: false }, &to);

    let (span, ..) = Span::fit(&column, &to, (SpanBase::Own(BASE), &from), &codec, Guard::rows(5)).unwrap();

    let times = to.as_primitive::<types::TimestampMicrosecondType>().iter().enumerate();
    let some_null = times.map(|(row, time)| time.filter(|_| row % 7 != 0));
    let some_null: ArrayRef = Arc::new(some_null.collect::<TimestampMicrosecondArray>());
    let base = (SpanBase::Own(BASE), &from);
    assert!(
        Span::fit(&column, &some_null, base, &codec, Guard::rows(5)).is_none(),
        "null means something else"
    );
    let back = round_trip(span, &from, &to);
    let again = back.column(OWN).unwrap().as_primitive::<types::TimestampMicrosecondType>();
    let before = back.column(BASE).unwrap().as_primitive::<types::TimestampMicrosecondType>();
    for row in 0..back.row_count {
        let expected_never = row % 9 == 0 || from_times.is_null(row);
        assert_eq!(again.value(row) == never, expected_never, "row {row}");
        let days = (again.value(row) - before.value(row)) / DAY_MICROS;
        assert!(expected_never || (364..368).contains(&days), "row {row}: {days} days");
    }
}
