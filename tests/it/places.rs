//! Places among other rows hold in the copy, and what goes with them: seasons, days of moments, links that lead to one
//! row, labels of codes.

use crate::{
    fixtures::{Script, noise},
    support::{Engine, Scratch, dbsynth, engines},
};

const TEAMS: i64 = 12;
const DRIVERS: i64 = 60;
const YEARS: i64 = 24;
const ROUNDS: i64 = 10;
const STARTERS: i64 = 6;
const CLASSES: [(&str, &str); 4] =
    [("M1", "under one litre"), ("M2", "up to two"), ("M3", "open"), ("H", "historic")];

/// The day of a race: summer only, no two in one week.
fn day(race: i64) -> String {
    let (year, round) = ((race - 1) / ROUNDS, (race - 1) % ROUNDS);
    let day = 1 + 15 * (round % 2) + noise(race, 1, 12);
    format!("{}-{:02}-{day:02}", 1995 + year, 4 + round / 2)
}

/// What a starter has got: no two in one race have the same.
fn points(starter: i64) -> i64 {
    noise(starter, 2, 900) * STARTERS + starter % STARTERS
}

fn races(engine: Engine, name: &str) -> Scratch {
    let mut script = Script::new(engine);
    let timestamp = if engine == Engine::MySql { "DATETIME" } else { "TIMESTAMP" };
    script.add("CREATE TABLE team (id INTEGER PRIMARY KEY, size INTEGER NOT NULL)");
    script.rows("team", TEAMS, |id| format!("{id}, {}", noise(id, 3, 4)));
    script.add(
        "CREATE TABLE driver (id INTEGER PRIMARY KEY, team_id INTEGER NOT NULL, age INTEGER NOT NULL, \
         FOREIGN KEY (team_id) REFERENCES team (id))",
    );
    script.rows("driver", DRIVERS, |id| format!("{id}, {}, {}", 1 + id % TEAMS, 18 + noise(id, 4, 20)));
    script.add(&format!(
        "CREATE TABLE race (id INTEGER PRIMARY KEY, season INTEGER NOT NULL, round INTEGER NOT NULL, \
         begins {timestamp} NOT NULL)"
    ));
    script.rows("race", YEARS * ROUNDS, |id| {
        let (year, round) = (1995 + (id - 1) / ROUNDS, 1 + (id - 1) % ROUNDS);
        format!("{id}, {year}, {round}, '{} {:02}:30:00'", day(id), 10 + noise(id, 5, 8))
    });
    script.add(
        "CREATE TABLE starter (id INTEGER PRIMARY KEY, race_id INTEGER NOT NULL, driver_id INTEGER NOT NULL, \
         team_id INTEGER NOT NULL, held_on DATE NOT NULL, points INTEGER NOT NULL, place INTEGER NOT NULL, \
         class VARCHAR(10) NOT NULL, class_name VARCHAR(30) NOT NULL, \
         FOREIGN KEY (race_id) REFERENCES race (id), FOREIGN KEY (driver_id) REFERENCES driver (id), \
         FOREIGN KEY (team_id) REFERENCES team (id))",
    );
    script.rows("starter", YEARS * ROUNDS * STARTERS, |id| {
        let (race, driver) = (1 + (id - 1) / STARTERS, 1 + noise(id, 6, DRIVERS));
        let first = id - (id - 1) % STARTERS;
        let ahead = (first..first + STARTERS).filter(|other| points(*other) > points(id)).count();
        let (class, named) = CLASSES[noise(id, 7, 4) as usize];
        let (team, place) = (1 + driver % TEAMS, 1 + ahead);
        format!(
            "{id}, {race}, {driver}, {team}, '{}', {}, {place}, '{class}', '{named}'",
            day(race),
            points(id)
        )
    });
    script.database(name)
}

fn places_hold(engine: Engine) {
    if !engines().contains(&engine) {
        return;
    }
    let name = |end: &str| format!("places_{engine:?}_{end}").to_lowercase();
    let source = races(engine, &name("source"));
    let copy = Scratch::new(engine, &name("copy"));

    dbsynth(&["clone", source.text(), copy.text(), "--time-budget", "8s", "--audit", "off"]).exits(0);

    for (places, group, table) in [("place", "race_id", "starter"), ("round", "season", "race")] {
        let grouped = format!(
            "SELECT count(*) AS members, count(DISTINCT {places}) AS kinds, min({places}) AS least, \
             max({places}) AS most FROM {table} GROUP BY {group}"
        );
        let broken = copy.number(&format!(
            "SELECT count(*) FROM ({grouped}) AS grouped WHERE members <> kinds OR members <> most OR least <> 1"
        ));
        assert_eq!(broken, 0, "{places} counts on from 1 among rows of one {group}");
    }
    let pairs =
        "SELECT count(*) FROM starter AS one JOIN starter AS other ON one.race_id = other.race_id WHERE";
    assert_eq!(copy.number(&format!("{pairs} one.points > other.points AND one.place > other.place")), 0);
    let seasons = "SELECT count(*) FROM race AS one JOIN race AS other ON one.season = other.season WHERE";
    assert_eq!(copy.number(&format!("{seasons} one.begins < other.begins AND one.round > other.round")), 0);

    let day_of = |column: &str| format!("substr(CAST({column} AS CHAR(19)), 1, 10)");
    let rows = YEARS * ROUNDS * STARTERS;
    let on_the_day = format!(
        "SELECT count(*) FROM starter JOIN race ON race.id = race_id WHERE {} = {}",
        day_of("held_on"),
        day_of("begins")
    );
    assert_eq!(copy.number(&on_the_day), rows, "the day of the race");
    let of_the_team = "SELECT count(*) FROM starter JOIN driver ON driver.id = driver_id WHERE starter.team_id = driver.team_id";
    assert_eq!(copy.number(of_the_team), rows, "the driver's team");
    let named: String =
        CLASSES.iter().map(|(class, named)| format!(" WHEN '{class}' THEN '{named}'")).collect();
    let called = format!("SELECT count(*) FROM starter WHERE class_name = CASE class{named} END");
    assert_eq!(copy.number(&called), rows, "each class by its name");
    let month = "substr(CAST(begins AS CHAR(19)), 6, 2)";
    let off_season = format!("SELECT count(*) FROM race WHERE {month} NOT BETWEEN '04' AND '08'");
    assert_eq!(copy.number(&off_season), 0, "no race in winter");

    dbsynth(&["verify", copy.text()]).exits(0);
    let rules = dbsynth(&["plan", source.text(), "--rules"]).exits(0).stdout;
    for rule in [
        "place is the place among rows with one race_id, greatest points first, from 1 (240 groups)",
        "round is the place among rows with one season, least begins first, from 1 (24 groups)",
        "held_on = day of race.begins along race_id",
        "team_id and driver_id lead to the same team row",
        "class decides class_name (4 values, 1440 rows)",
    ] {
        assert!(rules.contains(rule), "{rule} is missing in {rules}");
    }
}

#[test]
fn places_hold_on_postgres() {
    places_hold(Engine::Postgres);
}

#[test]
fn places_hold_on_mariadb() {
    places_hold(Engine::MySql);
}

#[test]
fn places_hold_on_sqlite() {
    places_hold(Engine::Sqlite);
}
