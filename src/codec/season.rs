//! The months and the days of a month that days fall on: a season of races, rents on the first and the fifteenth.
//!
//! Quantile bins of a column of many years are months wide, and a day drawn anywhere inside one forgets the season.

use chrono::Datelike;
use serde::{Deserialize, Serialize};

use super::calendar::date_of;

/// Days that tell a pattern, and years that tell one of months.
const LEAST_DAYS: usize = 200;
const LEAST_YEARS: i64 = 2;
/// Most days that a column reaches over, for the days of its calendar to be counted.
const MOST_SPAN: i64 = 100_000;
/// Share of the heaviest weight that the lightest must be below for a pattern to be worth its price.
const FLAT: f64 = 0.8;
/// Share of all days that may lie where too few entities are for the place to be kept.
const MOST_RARE: f64 = 0.1;
/// The greatest weight.
const WHOLE: f64 = 1000.0;

/// How often each month and each day of a month is, as a share of the most frequent one in thousandths.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Season {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    months: Vec<u16>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    month_days: Vec<u16>,
}

impl Season {
    /// The pattern of sorted days; `None` if they have none. Months and days of months that fewer than `least` days
    /// are in count as empty.
    pub(super) fn of(days: &[i64], least: usize) -> Option<Self> {
        let known: Vec<i64> = days.iter().copied().filter(|day| date_of(*day).is_some()).collect();
        let (first, last) = (*known.first()?, *known.last()?);
        let span = last.saturating_sub(first);
        if known.len() < LEAST_DAYS || span > MOST_SPAN {
            return None;
        }
        let months = if span >= LEAST_YEARS * 365 {
            weights::<12>(&known, (first, last), least, |date| date.month0() as usize)
        } else {
            Vec::new()
        };
        let month_days = weights::<31>(&known, (first, last), least, |date| date.day0() as usize);
        (!months.is_empty() || !month_days.is_empty()).then_some(Self { months, month_days })
    }

    /// How likely a day is, beside the likeliest: 0 to 1.
    pub(super) fn share(&self, day: i64) -> f64 {
        let Some(date) = date_of(day) else { return 1.0 };
        let share = |weights: &[u16], place: u32| {
            weights.get(place as usize).map_or(1.0, |weight| f64::from(*weight) / WHOLE)
        };
        share(&self.months, date.month0()) * share(&self.month_days, date.day0())
    }
}

/// The weight of each of `N` places, days on it beside days of the calendar on it; empty if they differ by no more than
/// chance, by little, or if too many lie where few are.
fn weights<const N: usize>(
    days: &[i64],
    (first, last): (i64, i64),
    least: usize,
    place: impl Fn(chrono::NaiveDate) -> usize,
) -> Vec<u16> {
    let count = |days: &mut dyn Iterator<Item = i64>| {
        let mut counts = [0.0_f64; N];
        days.filter_map(date_of).for_each(|date| counts[place(date)] += 1.0);
        counts
    };
    let (seen, there) = (count(&mut days.iter().copied()), count(&mut (first..=last)));
    let whole: f64 = there.iter().sum();
    let expected = there.map(|there| days.len() as f64 * there / whole);
    let chi: f64 = (seen.iter().zip(&expected))
        .filter(|(_, expected)| **expected > 0.0)
        .map(|(seen, expected)| (seen - expected).powi(2) / expected)
        .sum();
    let freedom = (N - 1) as f64;
    let rare: f64 = seen.iter().filter(|seen| **seen < least as f64).sum();
    // Six deviations of a chi-squared number.
    if chi < freedom + 6.0 * (2.0 * freedom).sqrt() || rare > MOST_RARE * days.len() as f64 {
        return Vec::new();
    }
    let density: Vec<f64> = (seen.iter().zip(&there))
        .map(|(seen, there)| if *seen < least as f64 || *there == 0.0 { 0.0 } else { seen / there })
        .collect();
    let most = density.iter().copied().fold(0.0, f64::max);
    if most == 0.0 || density.iter().all(|density| *density >= FLAT * most) {
        return Vec::new();
    }
    density.iter().map(|density| (WHOLE * density / most).round() as u16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::calendar::date_text;

    #[test]
    fn a_season_has_no_winter() {
        let summer = |day: &i64| ("04".."10").contains(&&date_text(*day)[5..7]);
        let days: Vec<i64> = (0..9000).filter(summer).step_by(4).collect();

        let season = Season::of(&days, 5).expect("found");

        let july = (150..9000).find(|day| date_text(*day).ends_with("07-11")).unwrap();
        assert!(season.share(july) > 0.8);
        assert!(season.share(july + 180) == 0.0);
    }

    #[test]
    fn rents_are_due_on_two_days() {
        let due = |day: &i64| matches!(&date_text(*day)[8..], "01" | "15");
        let days: Vec<i64> = (0..9000).filter(due).collect();

        let season = Season::of(&days, 0).expect("found");

        assert!((0..60).all(|day| (season.share(day) > 0.9) == due(&day)));
    }

    #[test]
    fn even_days_and_few_days_have_none() {
        assert_eq!(Season::of(&(0..9000).collect::<Vec<_>>(), 5), None);
        assert_eq!(Season::of(&(0..199).map(|day| day * 30).collect::<Vec<_>>(), 0), None);
    }

    #[test]
    fn what_few_share_is_not_kept() {
        let mut days: Vec<i64> =
            (0..9000).filter(|day| ("04".."10").contains(&&date_text(*day)[5..7])).collect();
        days.push(9100);
        assert!(&date_text(9100)[5..7] == "12");

        let season = Season::of(&days, 5).expect("found");

        assert!(season.share(9100) == 0.0);
    }
}
