//! Days, weekdays and times of day as numbers and as text.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

/// Microseconds of a day.
pub(super) const DAY_MICROS: i64 = 86_400_000_000;

/// The weekday of a day number (days since 1970-01-01, a Thursday): Monday is 0.
pub(super) fn weekday(day: i64) -> usize {
    (day.rem_euclid(7) + 3) as usize % 7
}

/// The first and the last day of the decade of a day, where a calendar has it.
pub(super) fn decade(day: i64) -> Option<(i64, i64)> {
    let first = date_of(day)?.year().div_euclid(10) * 10;
    let start =
        |year| Some((NaiveDate::from_ymd_opt(year, 1, 1)? - NaiveDate::from_ymd_opt(1970, 1, 1)?).num_days());
    Some((start(first)?, start(first + 10)? - 1))
}

/// Days of the calendar that bookings are made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalendarGrid {
    /// The first day of a year.
    YearStart,
    /// The last day of a year.
    YearEnd,
    /// The first day of a month.
    MonthStart,
    /// The last day of a month.
    MonthEnd,
}

/// Days, and distinct ones among them, that show a grid.
const GRID_DAYS: usize = 12;
const GRID_DISTINCT: usize = 3;

impl CalendarGrid {
    /// The coarsest grid that all of these days, in order, lie on.
    #[must_use]
    pub fn of(days: &[i64]) -> Option<Self> {
        let distinct = 1 + days.windows(2).filter(|pair| pair[0] != pair[1]).count();
        if days.len() < GRID_DAYS || distinct < GRID_DISTINCT {
            return None;
        }
        let grids = [Self::YearStart, Self::YearEnd, Self::MonthStart, Self::MonthEnd];
        grids
            .into_iter()
            .find(|grid| days.iter().all(|day| date_of(*day).is_some() && grid.snap(*day) == *day))
    }

    /// The day of the grid in the same year or month.
    pub(super) fn snap(self, day: i64) -> i64 {
        let snapped = date_of(day).and_then(|date| {
            let (year, month) = (date.year(), date.month());
            match self {
                Self::YearStart => NaiveDate::from_ymd_opt(year, 1, 1),
                Self::YearEnd => NaiveDate::from_ymd_opt(year, 12, 31),
                Self::MonthStart => NaiveDate::from_ymd_opt(year, month, 1),
                Self::MonthEnd if month == 12 => NaiveDate::from_ymd_opt(year, 12, 31),
                Self::MonthEnd => NaiveDate::from_ymd_opt(year, month + 1, 1)?.pred_opt(),
            }
        });
        let since = |date: NaiveDate| Some((date - NaiveDate::from_ymd_opt(1970, 1, 1)?).num_days());
        snapped.and_then(since).unwrap_or(day)
    }

    /// The day of the grid that is nearest: gaps between such days differ, and one day too few is another month.
    pub(super) fn nearest(self, day: i64) -> i64 {
        let here = self.snap(day);
        let (next, last) = self.neighbours(here);
        let near = |place: &i64| place.abs_diff(day);
        [here, next, last].into_iter().min_by_key(near).unwrap_or(here)
    }
}

impl CalendarGrid {
    /// The days of the grid around a day: the next, the one before, the one after the next, and so on.
    pub fn around(self, day: i64) -> impl Iterator<Item = i64> {
        let (mut after, mut before) = (self.snap(day), self.snap(day));
        std::iter::from_fn(move || {
            after = self.neighbours(after).0;
            before = self.neighbours(before).1;
            Some([after, before])
        })
        .flatten()
    }

    /// The days of the grid after and before one of them.
    fn neighbours(self, day: i64) -> (i64, i64) {
        let beyond = match self {
            Self::YearStart | Self::YearEnd => 367,
            Self::MonthStart | Self::MonthEnd => 32,
        };
        let (next, last) = match self {
            Self::YearStart | Self::MonthStart => (day.saturating_add(beyond), day.saturating_sub(1)),
            Self::YearEnd | Self::MonthEnd => (day.saturating_add(1), day.saturating_sub(beyond)),
        };
        (self.snap(next), self.snap(last))
    }
}

/// The date of a day number, where a calendar has it.
pub(super) fn date_of(day: i64) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(1970, 1, 1)?.checked_add_signed(TimeDelta::try_days(day)?)
}

/// ISO text of a day number.
pub(super) fn date_text(day: i64) -> String {
    date_of(day).map_or_else(|| format!("day {day}"), |date| date.to_string())
}

/// Clock text of microseconds since midnight.
pub(super) fn time_text(micros: i64) -> String {
    let (sign, size) = if micros < 0 { ("-", micros.unsigned_abs()) } else { ("", micros.unsigned_abs()) };
    let seconds = size / 1_000_000;
    let text = format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if size % 1_000_000 == 0 { text } else { format!("{text}.{:06}", size % 1_000_000) }
}

/// ISO text of microseconds since 1970-01-01 00:00.
pub(super) fn timestamp_text(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros)
        .map_or_else(|| format!("microsecond {micros}"), |time| time.naive_utc().to_string())
}

/// Units a span of time may be counted in, in microseconds: an hour down to one.
const UNITS: [i64; 7] = [3_600_000_000, 900_000_000, 60_000_000, 1_000_000, 1_000, 10, 1];

/// The largest unit all of `micros` are whole numbers of.
pub(super) fn unit_of(micros: impl Iterator<Item = i64> + Clone) -> i64 {
    UNITS.into_iter().find(|unit| micros.clone().all(|micros| micros % unit == 0)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::{CalendarGrid, date_text};

    #[test]
    fn days_on_a_grid_of_the_calendar_stay_on_it() {
        let months: Vec<i64> = (0..400).filter(|day| date_text(*day).ends_with("-01")).collect();
        assert_eq!(CalendarGrid::of(&months), Some(CalendarGrid::MonthStart));
        let ends: Vec<i64> = months.iter().map(|day| day - 1).collect();
        assert_eq!(CalendarGrid::of(&ends), Some(CalendarGrid::MonthEnd));
        let years: Vec<i64> = (0..7000).filter(|day| date_text(*day).ends_with("-12-31")).collect();
        assert_eq!(CalendarGrid::of(&years), Some(CalendarGrid::YearEnd));
        let around: Vec<i64> = CalendarGrid::MonthStart.around(months[5] + 9).take(4).collect();
        assert_eq!(around, [months[6], months[4], months[7], months[3]]);
        assert_eq!(CalendarGrid::of(&months[..3]), None, "too few to tell");
        assert_eq!(CalendarGrid::of(&(0..40).collect::<Vec<_>>()), None);

        let texts = |grid: CalendarGrid| [45, 333, 365 + 365 + 58].map(|day| date_text(grid.snap(day)));
        assert_eq!(texts(CalendarGrid::MonthEnd), ["1970-02-28", "1970-11-30", "1972-02-29"]);
        assert_eq!(texts(CalendarGrid::YearStart), ["1970-01-01", "1970-01-01", "1972-01-01"]);
        for (grid, days) in [
            (CalendarGrid::MonthStart, &months),
            (CalendarGrid::MonthEnd, &ends),
            (CalendarGrid::YearEnd, &years),
        ] {
            for day in &days[1..days.len() - 1] {
                assert!(
                    (-9..=9).all(|step| grid.nearest(day + step) == *day),
                    "{grid:?} near {}",
                    date_text(*day)
                );
            }
        }
    }
}
