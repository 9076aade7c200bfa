//! Data completion: nulls become plausible values, everything else stays as it is, byte for byte.

use crate::support::{Engine, Scratch, dbsynth};

const PEOPLE: i64 = 900;
const TOWNS: [&str; 3] = ["north", "south", "west"];

/// People of three regions (a column of their parent): the tariff follows the region, the age the tariff and the
/// score. Three tariffs in ten and a fifth of the ages are unknown.
fn people(name: &str) -> Scratch {
    let scratch = Scratch::new(Engine::Sqlite, name);
    let mut statements = String::from(
        "CREATE TABLE town (id INTEGER PRIMARY KEY, region VARCHAR(10) NOT NULL);\n\
         CREATE TABLE person (id INTEGER PRIMARY KEY, town_id INTEGER NOT NULL REFERENCES town (id), \
         tariff VARCHAR(10), age INTEGER CHECK (age < 200), score DOUBLE NOT NULL, note TEXT, raw BLOB);\n\
         CREATE TABLE visit (id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL REFERENCES person (id), \
         day DATE NOT NULL);\n",
    );
    let (mut towns, mut people, mut visits) = (Vec::new(), Vec::new(), Vec::new());
    for id in 1..=90 {
        towns.push(format!("({id}, '{}')", TOWNS[(id % 3) as usize]));
    }
    for id in 1..=PEOPLE {
        let town = 1 + id * 7 % 90;
        let kind = town % 3;
        let tariff = ["'gold'", "'silver'", "'basic'"][kind as usize];
        // Which are unknown hangs on nothing.
        let percent = |salt: i64| (((id + salt * 977) * 2_654_435_761) >> 12) % 100;
        let tariff = if percent(1) < 30 { "NULL" } else { tariff };
        let age = 20 + kind * 25 + id * 11 % 8;
        let age = if percent(2) < 20 { "NULL".to_owned() } else { age.to_string() };
        let note = if id % 4 == 0 { "NULL".to_owned() } else { format!("' Zeile {id}\u{fc}  '") };
        people.push(format!(
            "({id}, {town}, {tariff}, {age}, {}.1 / 3, {note}, x'00ff{:02x}')",
            id % 50,
            id % 256
        ));
        visits.push(format!("({id}, {}, '2024-01-{:02}')", 1 + id * 31 % PEOPLE, 1 + id % 28));
    }
    statements.push_str(&format!("INSERT INTO town VALUES {};\n", towns.join(", ")));
    statements.push_str(&format!("INSERT INTO person VALUES {};\n", people.join(", ")));
    statements.push_str(&format!("INSERT INTO visit VALUES {};\n", visits.join(", ")));
    scratch.run(&statements);
    scratch
}

/// Every value of a table as SQL would write it, with its type; `hidden` columns only where another says so.
fn values(scratch: &Scratch, table: &str, columns: &[&str]) -> String {
    let columns: Vec<String> =
        columns.iter().map(|column| format!("typeof({column}) || quote({column})")).collect();
    let line = columns.join(" || '|' || ");
    scratch.text_of(&format!(
        "SELECT group_concat(line, char(10)) FROM (SELECT {line} AS line FROM {table} ORDER BY id)"
    ))
}

#[test]
fn nulls_are_filled_as_their_row_and_parent_say_and_nothing_else_changes() {
    let (source, target) = (people("complete_source"), Scratch::new(Engine::Sqlite, "complete_target"));
    let unknown = source.number("SELECT count(*) FROM person WHERE tariff IS NULL");
    let lines = |scratch: &Scratch| {
        let person = values(scratch, "person", &["id", "town_id", "tariff", "age", "score", "note", "raw"]);
        person.lines().map(str::to_owned).collect::<Vec<_>>()
    };

    let run = dbsynth(&[
        "complete",
        source.text(),
        target.text(),
        "--table",
        "person",
        "--columns",
        "tariff,age",
        "--copy-real-rows",
        "--json",
    ])
    .exits(0);

    assert_eq!(run.json()["filled"][0]["filled"], unknown);
    assert_eq!(run.json()["filled"][1]["left"], 0);
    assert_eq!(target.number("SELECT count(*) FROM person WHERE tariff IS NULL OR age IS NULL"), 0);
    for (table, columns) in [("town", &["id", "region"][..]), ("visit", &["id", "person_id", "day"])] {
        assert_eq!(values(&source, table, columns), values(&target, table, columns), "{table}");
    }
    let (before, after) = (lines(&source), lines(&target));
    assert_eq!(before.len(), after.len());
    let (mut kinds, mut ages, mut right_kinds, mut right_ages) = (0, 0, 0, 0);
    for (before, after) in before.iter().zip(&after) {
        let (before, after): (Vec<&str>, Vec<&str>) =
            (before.split('|').collect(), after.split('|').collect());
        for (column, (before, after)) in before.iter().zip(&after).enumerate() {
            if ![2, 3].contains(&column) || *before != "nullNULL" {
                assert_eq!(before, after);
            }
        }
        let kind = before[1].trim_start_matches("integer").parse::<usize>().unwrap() % 3;
        if before[2] == "nullNULL" {
            kinds += 1;
            right_kinds += usize::from(after[2] == ["text'gold'", "text'silver'", "text'basic'"][kind]);
        }
        if before[3] == "nullNULL" {
            ages += 1;
            let age: usize = after[3].trim_start_matches("integer").parse().unwrap();
            right_ages += usize::from((20 + kind * 25..28 + kind * 25).contains(&age));
        }
    }
    // By their frequencies alone a third of each would be right. (Values are drawn, not the likeliest taken.)
    assert!(right_kinds * 100 > kinds * 75, "{right_kinds} of {kinds} tariffs");
    assert!(right_ages * 100 > ages * 65, "{right_ages} of {ages} ages");
}

#[test]
fn filled_values_obey_the_checks_of_their_rows() {
    let (source, target) = (
        Scratch::new(Engine::Sqlite, "complete_checked"),
        Scratch::new(Engine::Sqlite, "complete_checked_target"),
    );
    // Nearly independent numbers under a CHECK over both: drawn freely, the second is often below the first.
    let lots: Vec<String> = (1..=600)
        .map(|id| {
            let (least, more) = (id * 7_919 % 100, id * 104_729 % 100);
            let most = if id % 4 == 0 { "NULL".to_owned() } else { least.max(more).to_string() };
            format!("({id}, {least}, {most})")
        })
        .collect();
    source.run(&format!(
        "CREATE TABLE lot (id INTEGER PRIMARY KEY, least INTEGER NOT NULL, most INTEGER, CHECK (most >= least));\n\
         INSERT INTO lot VALUES {};",
        lots.join(", ")
    ));

    let run = dbsynth(&[
        "complete",
        source.text(),
        target.text(),
        "--table",
        "lot",
        "--columns",
        "most",
        "--copy-real-rows",
        "--json",
    ])
    .exits(0);

    // Where hardly a value would do, some nulls stay and are told of.
    let (filled, left) = (&run.json()["filled"][0]["filled"], &run.json()["filled"][0]["left"]);
    let (filled, left) = (filled.as_u64().unwrap(), left.as_u64().unwrap());
    assert_eq!(filled + left, 150);
    assert!(filled > 120, "{filled} of 150");
    assert_eq!(target.number("SELECT count(*) FROM lot WHERE most IS NULL") as u64, left);
    assert_eq!(target.number("SELECT count(*) FROM lot WHERE most < least"), 0);
}

#[test]
fn real_rows_are_copied_only_with_consent_and_into_columns_that_can_be_filled() {
    let (source, target) =
        (people("complete_refused"), Scratch::new(Engine::Sqlite, "complete_refused_target"));
    let complete = ["complete", source.text(), target.text(), "--table", "person", "--columns"];

    let run = dbsynth(&[&complete[..], &["age"]].concat()).exits(5);
    assert!(run.stderr.contains("--copy-real-rows"), "{}", run.stderr);
    for (column, reason) in
        [("id", "key"), ("town_id", "foreign key"), ("score", "NOT NULL"), ("nobody", "no such column")]
    {
        let run = dbsynth(&[&complete[..], &[column, "--copy-real-rows"]].concat()).exits(2);
        assert!(run.stderr.contains(reason), "{}", run.stderr);
    }

    assert_eq!(target.number("SELECT count(*) FROM sqlite_schema"), 0);

    // What does not fit its type is copied as it is.
    source.run("UPDATE person SET score = 'unknown' WHERE id = 5");
    dbsynth(&[&complete[..], &["tariff", "--copy-real-rows"]].concat()).exits(0);
    assert_eq!(target.text_of("SELECT score FROM person WHERE id = 5"), "unknown");
}
