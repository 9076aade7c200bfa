//! Places are found where they were planted, with the order they show, refused after one exception, and never found in
//! noise.

use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, Float64Array, Int64Array};
use rand::{RngExt, seq::SliceRandom};

use super::super::tests::found;
use crate::{
    data::TableData,
    plan::fixture,
    rules::{Among, RankOrder, Ranked, Rules},
    schema::{ColumnId, ForeignKeyId},
    seed::Seed,
};

const YEARS: usize = 24;
const ROUNDS: usize = 5;
const STARTERS: usize = 8;

/// What the races of some years hold, and where their starters came in.
struct Season {
    year: Vec<i64>,
    round: Vec<i64>,
    day: Vec<i32>,
    points: Vec<f64>,
    position: Vec<i64>,
    lane: Vec<Option<i64>>,
    noise: Vec<i64>,
}

impl Season {
    fn new() -> Self {
        let mut random = Seed(8).stream("season", 0);
        let races = YEARS * ROUNDS;
        let (mut points, mut position, mut lane) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..races {
            let mut own: Vec<f64> = (0..STARTERS).map(|_| f64::from(random.random_range(0..9000))).collect();
            own.shuffle(&mut random);
            position.extend(own.iter().map(|one| 1 + own.iter().filter(|other| *other > one).count() as i64));
            points.extend(own);
            let mut lanes: Vec<Option<i64>> = (0..STARTERS as i64 - 2).map(Some).collect();
            lanes.extend([None, None]);
            lanes.shuffle(&mut random);
            lane.extend(lanes);
        }
        Self {
            year: (0..races).map(|race| 1990 + (race / ROUNDS) as i64).collect(),
            round: (0..races).map(|race| 1 + (race % ROUNDS) as i64).collect(),
            day: (0..races).map(|race| 8000 + 30 * race as i32).collect(),
            noise: (0..points.len()).map(|_| random.random_range(1..=STARTERS as i64)).collect(),
            points,
            position,
            lane,
        }
    }

    fn rules(&self) -> Rules {
        let drivers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..STARTERS as i64));
        let drivers = TableData::new(vec![ColumnId(1)], vec![drivers], STARTERS);
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(self.year.clone())),
            Arc::new(Int64Array::from(self.round.clone())),
            Arc::new(Date32Array::from(self.day.clone())),
        ];
        let races = TableData::new((1..4).map(ColumnId).collect(), arrays, self.year.len());
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(Float64Array::from(self.points.clone())),
            Arc::new(Int64Array::from(self.position.clone())),
            Arc::new(Int64Array::from(self.lane.clone())),
            Arc::new(Int64Array::from(self.noise.clone())),
        ];
        let standings = TableData::new((3..7).map(ColumnId).collect(), arrays, self.points.len());
        let race_of = (0..self.points.len()).map(|row| (row / STARTERS) as u32).collect();
        let driver_of = (0..self.points.len()).map(|row| (row % STARTERS) as u32).collect();
        let schema = fixture(
            "driver: *id, size
             race: *id, year!, round!, held_on:date!
             standing: *id, race_id! > race.id, driver_id! > driver.id, points:float!, position!, lane, noise!",
        );
        found(&schema, [drivers, races, standings], [Vec::new(), Vec::new(), vec![race_of, driver_of]])
    }
}

fn rule(rules: &Rules, table: usize, to: usize) -> Option<&Ranked> {
    rules.tables[table].ranked.iter().find(|rule| rule.to == ColumnId(to))
}

#[test]
fn places_are_found_among_the_rows_of_a_parent_and_of_a_value() {
    let rules = Season::new().rules();

    let position = rule(&rules, 2, 4).expect("positions are places by points");
    assert_eq!(position.among, Among::Link(ForeignKeyId(0)));
    assert_eq!(position.by, Some(RankOrder { column: ColumnId(3), descending: true }));
    assert_eq!((position.start, position.groups), (1, YEARS * ROUNDS));
    let lane = rule(&rules, 2, 5).expect("lanes are places of those that have one");
    assert_eq!((lane.among, lane.by, lane.start), (Among::Link(ForeignKeyId(0)), None, 0));
    let round = rule(&rules, 1, 2).expect("rounds are places in a year");
    assert_eq!(round.among, Among::Column(ColumnId(1)));
    assert_eq!(round.by, Some(RankOrder { column: ColumnId(3), descending: false }));
    assert_eq!(rule(&rules, 2, 6), None, "noise holds no places");
}

#[test]
fn days_that_no_two_races_share_are_a_key() {
    let mut season = Season::new();
    season.day = (0..season.day.len() as i32).map(|race| 8000 + 7 * race + 7 * (race / 9)).collect();
    let keys = |season: &Season| season.rules().tables[1].differing.clone();

    let found = keys(&season);
    assert_eq!(found.iter().map(|key| key.columns.as_slice()).collect::<Vec<_>>(), [[ColumnId(3)]]);

    season.day[3] = season.day[4];
    assert_eq!(keys(&season), []);
}

#[test]
fn a_tie_or_a_gap_denies_it() {
    let mut season = Season::new();
    season.position[0] = season.position[1];
    season.lane[7] = season.lane[7].map_or(Some(6), |lane| Some(lane + 20));
    season.round[4] = 6;

    let rules = season.rules();

    assert_eq!(rules.tables.iter().map(|table| table.ranked.len()).sum::<usize>(), 0);
}

#[test]
fn two_orders_do_not_tell_each_other() {
    let mut season = Season::new();
    season.points = season.position.iter().map(|place| *place as f64).collect();
    season.noise.clone_from(&season.position);

    let rules = season.rules();

    let told = |to: usize| rule(&rules, 2, to).and_then(|rule| rule.by).map(|by| by.column);
    assert!(rule(&rules, 2, 4).is_some() && rule(&rules, 2, 6).is_some());
    assert!(told(4) != Some(ColumnId(6)) || told(6) != Some(ColumnId(4)));
}
