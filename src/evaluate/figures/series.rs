//! Points in time, counted per day, week, month or year, by weekday and by hour.

use chrono::{DateTime, Datelike, NaiveDate, Timelike};
use serde::Serialize;

use super::{crowd::Crowd, share};

/// Most buckets of a series.
const MOST_BUCKETS: i64 = 130;
/// Share of the buckets with real rows that must be shown, or a coarser unit is taken.
const SHOWN: f64 = 0.8;
/// Fewest buckets of a series: with fewer a finer unit says more, even with gaps.
const FEWEST_BUCKETS: i64 = 4;

/// What one bucket of a series spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SeriesUnit {
    /// A day.
    Day,
    /// A week from Monday.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
    /// Ten years.
    Decade,
}

const UNITS: [SeriesUnit; 5] =
    [SeriesUnit::Day, SeriesUnit::Week, SeriesUnit::Month, SeriesUnit::Year, SeriesUnit::Decade];

/// How often something happened, bucket by bucket.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    /// What one bucket spans.
    pub unit: SeriesUnit,
    /// First day of each bucket.
    pub starts: Vec<String>,
    /// Share of the real rows in each bucket; `None` where some are, but too few to be told.
    pub real: Vec<Option<f64>>,
    /// Share of the synthetic rows in each bucket; those outside of all buckets are in none.
    pub synthetic: Vec<f64>,
    /// Monday to Sunday.
    pub weekdays: Profile,
    /// The hours of the day, where there is a time of day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<Profile>,
}

/// Shares over the parts of a week or day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Profile {
    /// Share of the real rows; `None` where some are, but too few to be told.
    pub real: Vec<Option<f64>>,
    /// Share of the synthetic rows.
    pub synthetic: Vec<f64>,
}

impl SeriesUnit {
    /// The bucket of a day.
    fn bucket(self, day: NaiveDate) -> i64 {
        let days = i64::from(day.num_days_from_ce());
        match self {
            Self::Day => days,
            // Day 1 of the common era was a Monday.
            Self::Week => (days - 1).div_euclid(7),
            Self::Month => i64::from(day.year()) * 12 + i64::from(day.month0()),
            Self::Year => i64::from(day.year()),
            Self::Decade => i64::from(day.year()).div_euclid(10),
        }
    }

    /// The first day of a bucket.
    fn start(self, bucket: i64) -> Option<NaiveDate> {
        let days = |days: i64| NaiveDate::from_num_days_from_ce_opt(i32::try_from(days).ok()?);
        let year = |year: i64, month: u32| NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, 1);
        match self {
            Self::Day => days(bucket),
            Self::Week => days(bucket * 7 + 1),
            Self::Month => year(bucket.div_euclid(12), bucket.rem_euclid(12) as u32 + 1),
            Self::Year => year(bucket, 1),
            Self::Decade => year(bucket * 10, 1),
        }
    }
}

impl Series {
    /// Counts microseconds since 1970 per bucket; NaN is passed over.
    pub(super) fn measure(values: &[Vec<f64>; 2], crowd: &Crowd<'_>) -> Option<Self> {
        let (low, high) = crowd.range(&values[0])?;
        let (low, high) = (moment(low)?.date_naive(), moment(high)?.date_naive());
        let candidates = UNITS.into_iter().filter(|unit| buckets(*unit, low, high) <= MOST_BUCKETS);
        let mut best: Option<Self> = None;
        for unit in candidates {
            if best.is_some() && buckets(unit, low, high) < FEWEST_BUCKETS {
                break;
            }
            let series = Self::count(unit, (low, high), values, crowd)?;
            let whole = series.shown() >= SHOWN;
            best = Some(series);
            if whole {
                break;
            }
        }
        best
    }

    fn count(
        unit: SeriesUnit,
        (low, high): (NaiveDate, NaiveDate),
        values: &[Vec<f64>; 2],
        crowd: &Crowd<'_>,
    ) -> Option<Self> {
        let first = unit.bucket(low);
        let last = unit.bucket(high);
        let place = |value: f64| {
            let bucket = unit.bucket(moment(value)?.date_naive());
            (first..=last).contains(&bucket).then_some((bucket - first) as usize)
        };
        let length = (last - first + 1) as usize;
        let of_buckets = Profile::count(values, length, crowd, &place);
        let weekday =
            |value: f64| Some(moment(value)?.date_naive().weekday().num_days_from_monday() as usize);
        let hour = |value: f64| Some(moment(value)?.hour() as usize);
        let has_hours = values[0].iter().any(|value| moment(*value).is_some_and(|time| time.hour() != 0));
        Some(Self {
            unit,
            starts: (first..=last)
                .map(|bucket| unit.start(bucket).map(|day| day.to_string()))
                .collect::<Option<_>>()?,
            real: of_buckets.real,
            synthetic: of_buckets.synthetic,
            weekdays: Profile::count(values, 7, crowd, &weekday),
            hours: has_hours.then(|| Profile::count(values, 24, crowd, &hour)),
        })
    }

    /// Share of the buckets with real rows that are told.
    fn shown(&self) -> f64 {
        let filled = self.real.iter().filter(|share| share.is_none_or(|share| share > 0.0)).count();
        let told = self.real.iter().filter(|share| share.is_some_and(|share| share > 0.0)).count();
        told as f64 / filled.max(1) as f64
    }
}

impl Profile {
    fn count(
        values: &[Vec<f64>; 2],
        length: usize,
        crowd: &Crowd<'_>,
        place: &dyn Fn(f64) -> Option<usize>,
    ) -> Self {
        let mut rows: Vec<Vec<usize>> = vec![Vec::new(); length];
        let mut synthetic = vec![0_usize; length];
        for (row, value) in values[0].iter().enumerate() {
            if let Some(place) = place(*value) {
                rows[place].push(row);
            }
        }
        for place in values[1].iter().filter_map(|value| place(*value)) {
            synthetic[place] += 1;
        }
        let all = |side: usize| values[side].iter().filter(|value| value.is_finite()).count();
        let (real_rows, synthetic_rows) = (all(0), all(1));
        let told =
            |rows: &Vec<usize>| crowd.tells(rows.iter().copied()).then(|| share(rows.len(), real_rows));
        Self {
            real: rows.iter().map(told).collect(),
            synthetic: synthetic.iter().map(|count| share(*count, synthetic_rows)).collect(),
        }
    }
}

fn buckets(unit: SeriesUnit, low: NaiveDate, high: NaiveDate) -> i64 {
    unit.bucket(high) - unit.bucket(low) + 1
}

fn moment(micros: f64) -> Option<DateTime<chrono::Utc>> {
    if micros.is_finite() { DateTime::from_timestamp_micros(micros as i64) } else { None }
}
