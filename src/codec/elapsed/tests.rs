//! Times among siblings: ordered, on their grid, near what they were, chosen only where they save bits.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Date32Array, TimestampMicrosecondArray};
use rand::RngExt;

use super::{Elapsed, Kin};
use crate::{
    codec::{
        Codec, ColumnCodec, Datetime,
        calendar::{self, DAY_MICROS},
        decode_table, encode_table, reading,
    },
    data::{Families, TableData},
    privacy::Guard,
    schema::{Column, ColumnId, DataType},
    seed::Seed,
};

const HOUR: i64 = 3_600_000_000;
const MINUTE: i64 = 60_000_000;

struct Visits {
    families: Families,
    parent: TableData,
    times: ArrayRef,
}

impl Visits {
    fn kin(&self) -> Kin<'_> {
        Kin { families: &self.families, parent: Some(&self.parent), series: None }
    }

    fn fit(&self) -> Option<Elapsed> {
        self.fit_keyed(false)
    }

    fn fit_keyed(&self, keyed: bool) -> Option<Elapsed> {
        let date = reading::dates(&self.times).is_some();
        let data_type = if date { DataType::Date } else { DataType::Timestamp { zoned: false } };
        let column = Column::new("at", data_type);
        let own = Datetime::fit(&column, &self.times, Guard::rows(5)).unwrap();
        Elapsed::fit(&column, &self.times, &own, self.kin(), (Guard::rows(5), keyed))
            .map(|(elapsed, _)| elapsed)
    }
}

/// Families of 0 to 7 rows over twenty years; the first a few days after its parent, each next `gap` after the last.
fn visits(date: bool, gap: impl Fn(&mut crate::seed::Stream) -> i64) -> Visits {
    let mut r = Seed(5).stream("elapsed/test", 0);
    let counts: Vec<u32> = (0..900).map(|_| r.random_range(0..8)).collect();
    let bases: Vec<i64> =
        counts.iter().map(|_| r.random_range(5000..12_000) * DAY_MICROS + 3 * HOUR).collect();
    let mut times = Vec::new();
    for (count, base) in counts.iter().zip(&bases) {
        let mut time = base + r.random_range(0..3) * DAY_MICROS + r.random_range(0..600) * MINUTE;
        for _ in 0..*count {
            let null = r.random_range(0..50) == 0;
            times.push((!null).then_some(time));
            time += gap(&mut r);
        }
    }
    let micros: TimestampMicrosecondArray = times.iter().copied().collect();
    let days: Date32Array = times.iter().map(|t| t.map(|t| t.div_euclid(DAY_MICROS) as i32)).collect();
    let parents: TimestampMicrosecondArray = bases.iter().copied().map(Some).collect();
    let parent = TableData::new(vec![ColumnId(4)], vec![Arc::new(parents)], counts.len());
    let times: ArrayRef = if date { Arc::new(days) } else { Arc::new(micros) };
    Visits { families: Families::from_counts(&counts), parent, times }
}

fn there_and_back(visits: &Visits, codec: &Codec, seed: u64) -> ArrayRef {
    let codecs = vec![(ColumnId(0), codec.clone())];
    let data = TableData::new(vec![ColumnId(0)], vec![visits.times.clone()], visits.times.len());
    let encoded = encode_table(&codecs, &data, Some(visits.kin()));
    for (tokens, sub_column) in encoded.tokens.iter().zip(&encoded.sub_columns) {
        assert!(tokens.iter().all(|token| *token < sub_column.size), "{}", sub_column.name);
    }
    decode_table(&codecs, &encoded, Some(visits.kin()), Seed(seed), "t").arrays.remove(0)
}

fn gaps(visits: &Visits, times: &ArrayRef) -> Vec<i64> {
    let times = super::micros(times).unwrap();
    let before = super::previous(&times, &visits.families);
    let mut gaps: Vec<i64> = before.iter().zip(&times).filter_map(|(a, b)| Some((*b)? - (*a)?)).collect();
    gaps.sort_unstable();
    gaps
}

#[test]
fn sessions_keep_their_order_their_gaps_and_their_start() {
    let visits = visits(false, |r| r.random_range(1..30) * MINUTE);
    let elapsed = visits.fit().expect("gaps of minutes are worth it");
    assert_eq!(elapsed.base(), Some(ColumnId(4)));

    let back = there_and_back(&visits, &Codec::Elapsed(Box::new(elapsed)), 1);

    assert_eq!(back.null_count(), visits.times.null_count());
    let (real, made) = (gaps(&visits, &visits.times), gaps(&visits, &back));
    assert!(made.iter().all(|gap| *gap >= 0 && gap % MINUTE == 0), "{:?}", &made[..5]);
    for share in [10, 50, 90] {
        let at = real.len() * share / 100;
        assert!((real[at] - made[at]).abs() <= 2 * MINUTE, "{share} %: {} became {}", real[at], made[at]);
    }
    // The outermost days are clipped, so that no single row shows.
    let (real, made) = (super::micros(&visits.times).unwrap(), super::micros(&back).unwrap());
    let near = |row: &usize| (real[*row].unwrap_or(0) - made[*row].unwrap_or(0)).abs() < 2 * DAY_MICROS;
    assert!((0..real.len()).filter(near).count() * 100 >= real.len() * 98);
}

#[test]
fn days_between_visits_keep_office_hours_and_weekdays() {
    let mut visits = visits(false, |r| r.random_range(3..9) * DAY_MICROS);
    let moved: TimestampMicrosecondArray = super::micros(&visits.times)
        .unwrap()
        .iter()
        .enumerate()
        .map(|(row, time)| {
            let day = (*time)?.div_euclid(DAY_MICROS);
            // No weekend, office hours.
            let day = day - (calendar::weekday(day) as i64 - 4).max(0);
            Some(
                day * DAY_MICROS
                    + (9 + ((row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as i64 % 8) * HOUR,
            )
        })
        .collect();
    visits.times = Arc::new(moved);
    let codec = Codec::Elapsed(Box::new(visits.fit().expect("days are worth it")));

    let back = super::micros(&there_and_back(&visits, &codec, 2)).unwrap();

    let all = back.iter().flatten().count() as f64;
    let office = back.iter().flatten().filter(|t| (9 * HOUR..17 * HOUR).contains(&t.rem_euclid(DAY_MICROS)));
    let office = office.count() as f64;
    assert!(office > 0.98 * all, "{office} of {all}: {:?}", codec.sub_columns());
    let weekend = back.iter().flatten().filter(|t| calendar::weekday(t.div_euclid(DAY_MICROS)) > 4);
    let weekend = weekend.count() as f64;
    assert!(weekend < 0.1 * all, "{weekend} of {all}: {:?}", codec.kept());
    let made: ArrayRef = Arc::new(back.iter().copied().collect::<TimestampMicrosecondArray>());
    assert!(gaps(&visits, &made).iter().all(|gap| *gap >= 0));
}

#[test]
fn dates_become_gaps_of_days() {
    let visits = visits(true, |r| r.random_range(0..6) * DAY_MICROS);
    let codec = Codec::Elapsed(Box::new(visits.fit().expect("days are worth it")));

    let back = there_and_back(&visits, &codec, 3);

    let (real, made) = (gaps(&visits, &visits.times), gaps(&visits, &back));
    assert_eq!(real[real.len() / 2], made[made.len() / 2]);
    assert!(*made.first().unwrap() >= 0);
    assert_eq!(back.data_type(), visits.times.data_type());
}

#[test]
fn times_without_order_or_told_by_few_days_stay_as_they_are() {
    let shuffled = visits(false, |r| r.random_range(-3000..3000) * HOUR);
    assert!(shuffled.fit().is_none());

    let mut weekly = visits(true, |_| 7 * DAY_MICROS);
    weekly.times =
        Arc::new((0..weekly.times.len() as i32).map(|row| Some(10_000 + row % 100)).collect::<Date32Array>());
    assert!(weekly.fit().is_none());
}

#[test]
fn any_tokens_decode_alone_and_together_and_json_brings_the_codec_back() {
    for date in [true, false] {
        let visits = visits(date, |r| r.random_range(1..90) * HOUR);
        let codec = Codec::Elapsed(Box::new(visits.fit().unwrap()));
        let stored = serde_json::to_string(&codec).unwrap();
        assert_eq!(serde_json::from_str::<Codec>(&stored).unwrap(), codec);
        assert!(!codec.kept().is_empty());

        let codecs = vec![(ColumnId(0), codec)];
        let data = TableData::new(vec![ColumnId(0)], vec![visits.times.clone()], visits.times.len());
        let mut rows = encode_table(&codecs, &data, None);
        let mut random = Seed(9).stream("t", 0);
        for (tokens, sub_column) in rows.tokens.iter_mut().zip(&rows.sub_columns) {
            tokens.iter_mut().for_each(|token| *token = random.random_range(0..sub_column.size));
        }
        let together = decode_table(&codecs, &rows, Some(visits.kin()), Seed(1), "t");
        let again = decode_table(&codecs, &rows, Some(visits.kin()), Seed(1), "t");
        let alone = decode_table(&codecs, &rows, None, Seed(1), "t");
        assert_eq!(together.arrays, again.arrays);
        assert_eq!(alone.row_count, visits.times.len());
    }
}

#[test]
fn times_on_first_days_of_months_stay_there() {
    let mut random = Seed(6).stream("elapsed/months", 0);
    let month = |number: i64| -> i32 {
        let (year, month) = (1900 + number.div_euclid(12) as i32, number.rem_euclid(12) as u32 + 1);
        let date = chrono::NaiveDate::from_ymd_opt(year, month, 1).unwrap();
        date.signed_duration_since(chrono::NaiveDate::default()).num_days() as i32
    };
    let families = Families::from_counts(&[5; 600]);
    // Two hundred years, so that no month has rows enough to be kept by itself; bills every month or every third.
    let mut days: Vec<i32> = Vec::new();
    for _ in 0..600 {
        let mut at = random.random_range(0..2400);
        for _ in 0..5 {
            days.push(month(at));
            at += if random.random_range(0..3) == 0 { 3 } else { 1 };
        }
    }
    let visits = Visits {
        families,
        parent: TableData::bare(600),
        times: Arc::new(Date32Array::from(days)) as ArrayRef,
    };

    let elapsed = visits.fit().expect("gaps of 28 to 31 days say more than two hundred years");

    let back = there_and_back(&visits, &Codec::Elapsed(Box::new(elapsed)), 2);
    let texts: Vec<String> = reading::dates(&back)
        .unwrap()
        .iter()
        .flatten()
        .map(|day| calendar::date_text(i64::from(day)))
        .collect();
    assert_eq!(texts.len(), 3000);
    assert!(texts.iter().all(|text| text.ends_with("-01")), "{:?}", &texts[..8]);
}

/// Eight stations, each read every hour of about 60 days, with a reading missing now and then.
fn readings() -> Visits {
    let mut r = Seed(9).stream("elapsed/readings", 0);
    let mut counts = Vec::new();
    let mut times = Vec::new();
    for _ in 0..8 {
        let all: Vec<i64> = (0..60 * 24)
            .filter(|_| r.random_range(0..500) > 0)
            .map(|hour| 9000 * DAY_MICROS + hour * HOUR)
            .collect();
        counts.push(all.len() as u32);
        times.extend(all);
    }
    let parent =
        TableData::new(vec![ColumnId(4)], vec![Arc::new(TimestampMicrosecondArray::from(vec![0; 8]))], 8);
    Visits {
        families: Families::from_counts(&counts),
        parent,
        times: Arc::new(TimestampMicrosecondArray::from(times)),
    }
}

#[test]
fn a_regular_series_stays_one_and_every_row_says_its_day_and_hour() {
    let readings = readings();
    let elapsed = readings.fit().expect("hours drawn one by one would clash");
    assert!(elapsed.is_regular());
    let times = super::micros(&readings.times).unwrap();

    let tokens = elapsed.encode_with(&readings.times, Some(readings.kin()));
    let (_, _, clock) = elapsed.places();
    let hours: std::collections::BTreeSet<(i64, u16)> = times
        .iter()
        .flatten()
        .zip(&tokens[clock.unwrap()])
        .map(|(time, token)| (time.rem_euclid(DAY_MICROS), *token))
        .collect();
    assert_eq!(hours.len(), 24, "one token per hour");
    let days: std::collections::BTreeSet<(i64, u16)> = times
        .iter()
        .flatten()
        .zip(&tokens[0])
        .map(|(time, token)| (time.div_euclid(DAY_MICROS), *token))
        .collect();
    assert_eq!(days.len(), 60, "one token per day");

    let back = there_and_back(&readings, &Codec::Elapsed(Box::new(elapsed)), 3);
    let made = gaps(&readings, &back);
    assert!(made.iter().all(|gap| *gap > 0 && gap % HOUR == 0));
    assert!(made.iter().filter(|gap| **gap == HOUR).count() * 100 > made.len() * 98);
}

#[test]
fn a_family_that_would_end_late_begins_earlier() {
    let readings = readings();
    let elapsed = readings.fit_keyed(true).unwrap();
    let last = elapsed.when.last();
    let series = |first: i64| (0..240).map(|hour| Some(first * DAY_MICROS + hour * HOUR)).collect::<Vec<_>>();

    let mut late = series(last - 4);
    elapsed.pull_back(&mut late, None);
    assert_eq!(late, series(last - 11), "by whole weeks");
    let mut anchored = series(last - 4);
    let base = (last - 5) * DAY_MICROS;
    elapsed.pull_back(&mut anchored, Some(base));
    assert_eq!(anchored, series(last - 4), "no two may meet");
    // Without a key, what is late meets what came before it: its sibling, or the parent's own time.
    let elapsed = readings.fit().unwrap();
    elapsed.pull_back(&mut anchored, Some(base));
    assert!(anchored.iter().flatten().all(|time| time.div_euclid(DAY_MICROS) <= last));
    let mut beyond = series(last + 1);
    elapsed.pull_back(&mut beyond, Some(base));
    assert!(beyond.iter().all(|time| *time == Some(base)));
    let mut fitting = series(last - 20);
    elapsed.pull_back(&mut fitting, None);
    assert_eq!(fitting, series(last - 20));
}

#[test]
fn days_that_a_key_keeps_apart_are_gaps_even_where_few_atoms_say_them() {
    // Forty shops, open on the same hundred days.
    let day = |row: i32| 9000 + row % 100;
    let daily = Visits {
        families: Families::from_counts(&[100; 40]),
        parent: TableData::new(
            vec![ColumnId(4)],
            vec![Arc::new(TimestampMicrosecondArray::from(vec![0; 40]))],
            40,
        ),
        times: Arc::new((0..4000).map(|row| Some(day(row))).collect::<Date32Array>()),
    };
    assert!(daily.fit().is_none(), "a day says the next one");

    let elapsed = daily.fit_keyed(true).unwrap();

    assert!(elapsed.is_regular());
    let back = there_and_back(&daily, &Codec::Elapsed(Box::new(elapsed)), 5);
    assert!(gaps(&daily, &back).iter().all(|gap| *gap == DAY_MICROS));
}

#[test]
fn a_series_without_room_closes_its_long_gaps() {
    let readings = readings();
    let elapsed = readings.fit_keyed(true).unwrap();
    let (first, last) = (elapsed.when.first(), elapsed.when.last());
    // From the first day on, with forty days of silence in the middle, and once one hour.
    let hours = (last - first + 1) * 24 - 30;
    let at = |hour: i64| hour + if hour > hours / 2 { 960 } else { 0 } + i64::from(hour > hours / 3);
    let mut series: Vec<Option<i64>> =
        (0..hours).map(|hour| Some(first * DAY_MICROS + at(hour) * HOUR)).collect();
    let silent = series.clone();

    elapsed.pull_back(&mut series, None);

    assert!(series.is_sorted() && series.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(series.iter().flatten().all(|time| time.div_euclid(DAY_MICROS) <= last));
    assert_eq!(series[..hours as usize / 3], silent[..hours as usize / 3], "what is early stays");
    let clocks = |series: &[Option<i64>]| -> Vec<i64> {
        series.iter().flatten().map(|time| time.rem_euclid(DAY_MICROS)).collect()
    };
    assert_eq!(clocks(&series), clocks(&silent), "times of day stay");
    let gap = |pair: &[Option<i64>]| pair[1].unwrap() - pair[0].unwrap();
    assert_eq!(series.windows(2).map(gap).filter(|gap| *gap > HOUR).count(), 2, "the short one may stay");
}

#[test]
fn a_closed_gap_keeps_weekdays_and_times_of_day_where_weeks_go_far_enough() {
    let readings = readings();
    let elapsed = readings.fit_keyed(true).unwrap();
    let (first, last) = (elapsed.when.first(), elapsed.when.last());
    // Every day at another hour, with 30 days and 5 hours of silence in the middle; twelve days late.
    let count = last - first + 1 - 18;
    let at = |day: i64| (first + day) * DAY_MICROS + day % 9 * HOUR;
    let later = |day: i64| if day > count / 2 { 30 * DAY_MICROS + 5 * HOUR } else { 0 };
    let mut series: Vec<Option<i64>> = (0..count).map(|day| Some(at(day) + later(day))).collect();
    let before = series.clone();

    elapsed.pull_back(&mut series, None);

    for (time, before) in series.iter().flatten().zip(before.iter().flatten()) {
        assert_eq!((before - time) % (7 * DAY_MICROS), 0, "by whole weeks");
    }
    assert!(series.iter().flatten().max().unwrap().div_euclid(DAY_MICROS) <= last);
    assert_ne!(series, before);
}
