//! What is written into a row fits what the row says: names fit a gender, a country and an address of mail, telephone
//! numbers a country, and numbers that identify somebody are right and new.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    fixtures::{Script, noise},
    support::{Engine, Scratch, dbsynth, engines, texts},
};

const PEOPLE: i64 = 240;
const WOMEN: [&str; 8] = ["Mary", "Anna", "Linda", "Susan", "Karen", "Laura", "Emma", "Julia"];
const MEN: [&str; 8] = ["James", "Peter", "Robert", "Paul", "Mark", "David", "Thomas", "George"];
const FAMILIES: [&str; 6] = ["Quendt", "Zorvath", "Blixby", "Murnau", "Tchalk", "Oelwein"];
/// Codes, names and calling codes.
const COUNTRIES: [(&str, &str, &str); 4] =
    [("DE", "Germany", "49"), ("FR", "France", "33"), ("PT", "Portugal", "351"), ("PE", "Peru", "51")];

fn is_woman(id: i64) -> bool {
    noise(id, 1, 10) < 4
}

fn first_name(id: i64) -> &'static str {
    if is_woman(id) { WOMEN[noise(id, 2, 8) as usize] } else { MEN[noise(id, 2, 8) as usize] }
}

fn luhn(digits: &str) -> u32 {
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let digits = digits.chars().rev().filter_map(|sign| sign.to_digit(10)).enumerate();
    digits.map(|(place, digit)| if place % 2 == 1 { doubled(digit) } else { digit }).sum::<u32>() % 10
}

/// A card number that passes the test of Luhn.
fn card(id: i64) -> String {
    let stem = format!("45390{:010}", noise(id, 3, 10_000_000_000));
    let rest = luhn(&format!("{stem}0"));
    format!("{stem}{}", (10 - rest) % 10)
}

fn mobile(id: i64) -> i64 {
    4_915_100_000_000 + noise(id, 4, 99_999_999)
}

fn people(engine: Engine, name: &str) -> Scratch {
    let mut script = Script::new(engine);
    script.add(
        "CREATE TABLE person (id INTEGER PRIMARY KEY, vorname VARCHAR(40) NOT NULL, nachname VARCHAR(40) NOT NULL, \
         anrede VARCHAR(8) NOT NULL, mail VARCHAR(80) NOT NULL, country_code CHAR(2) NOT NULL, \
         tel VARCHAR(30) NOT NULL, card BIGINT NOT NULL, handy BIGINT NOT NULL)",
    );
    script.rows("person", PEOPLE, |id| {
        let (code, _, calling) = COUNTRIES[noise(id, 5, 4) as usize];
        let (first, last) = (first_name(id), FAMILIES[noise(id, 6, 6) as usize]);
        let title = if is_woman(id) { "Frau" } else { "Herr" };
        format!(
            "{id}, '{first}', '{last}', '{title}', '{}.{id}@corp.org', '{code}', '+{calling} 30 {:07}', {}, {}",
            first.to_lowercase(),
            noise(id, 7, 9_999_999),
            card(id),
            mobile(id)
        )
    });
    script.database(name)
}

fn rows_are_about_one_person(engine: Engine) {
    if !engines().contains(&engine) {
        return;
    }
    let name = |end: &str| format!("coherence_{engine:?}_{end}").to_lowercase();
    let source = people(engine, &name("source"));
    let target = Scratch::new(engine, &name("target"));

    let shown = dbsynth(&["inspect", source.text(), "--coverage", "--json"]).exits(0);
    dbsynth(&["clone", source.text(), target.text(), "--time-budget", "5s", "--audit", "off"]).exits(0);

    assert!(shown.stdout.contains("follows anrede"), "{}", shown.stdout);
    assert!(shown.stdout.contains("follows country_code"), "{}", shown.stdout);
    let real = texts(&source.url());
    let made: BTreeMap<String, Vec<String>> = texts(&target.url())
        .into_iter()
        .map(|((_, column), values)| (column, values.into_iter().flatten().collect()))
        .collect();
    assert_eq!(made["vorname"].len() as i64, PEOPLE);
    let names_of = |title: &str| -> BTreeSet<&String> {
        let rows = (0..PEOPLE as usize).filter(|row| made["anrede"][*row] == title);
        rows.map(|row| &made["vorname"][row]).collect()
    };
    let (women, men) = (names_of("Frau"), names_of("Herr"));
    assert!(women.len() > 30 && men.len() > 50, "{} women's names, {} men's", women.len(), men.len());
    assert!(women.is_disjoint(&men), "{:?}", women.intersection(&men).collect::<Vec<_>>());
    for name in WOMEN {
        assert!(!men.contains(&name.to_owned()), "{name}");
    }
    for (row, mail) in made["mail"].iter().enumerate() {
        let address = format!("{}.{}", made["vorname"][row], made["nachname"][row]);
        let address = address.to_lowercase().replace(' ', "");
        assert!(mail.starts_with(&address), "{mail}, not {address}");
        let code = made["country_code"][row].trim();
        let (.., calling) = COUNTRIES.iter().find(|(known, ..)| *known == code).unwrap();
        assert!(made["tel"][row].starts_with(&format!("+{calling} ")), "{code}: {}", made["tel"][row]);
    }
    for column in ["mail", "tel", "nachname"] {
        let real: BTreeSet<&String> =
            real[&("person".to_owned(), column.to_owned())].iter().flatten().collect();
        assert!(made[column].iter().all(|value| !real.contains(value)), "{column}");
    }
    let cards: BTreeSet<String> = (1..=PEOPLE).map(card).collect();
    let mobiles: BTreeSet<i64> = (1..=PEOPLE).map(mobile).collect();
    for id in (1..=PEOPLE).step_by(8) {
        let number = |column: &str| target.number(&format!("SELECT {column} FROM person WHERE id = {id}"));
        let (card, mobile) = (number("card").to_string(), number("handy"));
        assert!(luhn(&card) == 0 && card.len() == 16 && !cards.contains(&card), "{card}");
        assert!(!mobiles.contains(&mobile) && mobile > 1_000_000, "{mobile}");
    }
}

/// Letters, in small ones, without the accents that the lists of German, French and Brazilian names have.
fn plain(name: &str) -> String {
    const ACCENTS: [(&str, char); 7] = [
        ("áàâäãå", 'a'),
        ("éèêë", 'e'),
        ("íìîï", 'i'),
        ("óòôöõø", 'o'),
        ("úùûü", 'u'),
        ("ç", 'c'),
        ("ÿ", 'y'),
    ];
    let plain =
        |c: char| ACCENTS.iter().find(|(accents, _)| accents.contains(c)).map_or(c, |(_, plain)| *plain);
    name.to_lowercase().replace('ß', "ss").replace('œ', "oe").replace('æ', "ae").chars().map(plain).collect()
}

/// Names that only one of the countries has here, by country and gender, without accents.
const TYPICAL: [(&str, bool, &str); 6] = [
    ("DE", true, "heike waltraud ingeborg edeltraut hannelore anneliese jutta"),
    ("DE", false, "jurgen jorg willi gunter"),
    ("FR", true, "amandine manon francoise odile solange perrine"),
    ("FR", false, "thierry guillaume benoit herve jeremie mathieu"),
    ("BR", true, "luana fabiana janaina jaqueline thalita"),
    ("BR", false, "joao thiago rogerio vinicius wellington murilo"),
];

/// People of four countries; `accent` stands in the names of each.
fn people_of_countries(engine: Engine, name: &str, accent: &str) -> Scratch {
    let mut script = Script::new(engine);
    script.add(
        "CREATE TABLE person (id INTEGER PRIMARY KEY, country VARCHAR(40) NOT NULL, gender VARCHAR(8) NOT NULL, \
         first_name VARCHAR(12) NOT NULL, last_name VARCHAR(40) NOT NULL, email VARCHAR(80) NOT NULL UNIQUE)",
    );
    script.rows("person", 4 * PEOPLE, |id| {
        let country = ["DE", "FR", "BR", "US"][noise(id, 5, 4) as usize];
        let (first, last) = (first_name(id), FAMILIES[noise(id, 6, 6) as usize]);
        let gender = if is_woman(id) { "f" } else { "m" };
        format!("{id}, '{country}', '{gender}', '{first}', '{last}{accent}', '{first}.{id}@corp.org'")
    });
    script.database(name)
}

fn names_are_of_the_country(engine: Engine) {
    if !engines().contains(&engine) {
        return;
    }
    for accent in ["", "ê"] {
        let end = if accent.is_empty() { "plain" } else { "accents" };
        let name = |of: &str| format!("names_{engine:?}_{of}_{end}").to_lowercase();
        let source = people_of_countries(engine, &name("source"), accent);
        let target = Scratch::new(engine, &name("target"));

        let shown = dbsynth(&["inspect", source.text(), "--coverage", "--json"]).exits(0);
        dbsynth(&["clone", source.text(), target.text(), "--time-budget", "5s", "--audit", "off"]).exits(0);

        assert!(shown.stdout.contains("as first_name, follows gender and country"), "{}", shown.stdout);
        assert!(shown.stdout.contains("as last_name, follows country"), "{}", shown.stdout);
        let made: BTreeMap<String, Vec<String>> = texts(&target.url())
            .into_iter()
            .map(|((_, column), values)| (column, values.into_iter().flatten().collect()))
            .collect();
        let (mut typical, mut accented) = (0, BTreeSet::new());
        for (row, first) in made["first_name"].iter().enumerate() {
            let (country, gender) = (made["country"][row].as_str(), made["gender"][row].as_str());
            let last = &made["last_name"][row];
            let called = plain(first);
            for (of, woman, names) in TYPICAL {
                if names.split(' ').any(|name| name == called) {
                    assert_eq!((country, gender == "f"), (of, woman), "{first} {last}");
                    typical += 1;
                }
            }
            if !first.is_ascii() {
                assert!(country != "US" && !accent.is_empty(), "{country}: {first}");
            }
            if !last.is_ascii() {
                assert!(country != "US" && !accent.is_empty(), "{country}: {last}");
                accented.insert(country);
            }
            assert!(first.chars().count() <= 12, "{first}");
            let mail = &made["email"][row];
            let address = format!("{called}.{}", plain(last)).replace(' ', "");
            assert!(mail.is_ascii() && mail.starts_with(&address), "{mail}, not {address}");
        }
        assert!(typical > 20, "{typical}");
        assert_eq!(accented.len(), if accent.is_empty() { 0 } else { 3 }, "{accented:?}");
        assert_eq!(made["email"].iter().collect::<BTreeSet<_>>().len() as i64, 4 * PEOPLE);
    }
}

/// Customers of towns, which are of countries: what they are called and their telephone numbers say of which.
#[test]
fn names_are_of_a_country_that_an_ancestor_says() {
    let mut script = Script::new(Engine::Sqlite);
    script.add("CREATE TABLE country (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL UNIQUE)");
    script.add(
        "CREATE TABLE town (id INTEGER PRIMARY KEY, country_id INTEGER NOT NULL REFERENCES country (id), \
         name VARCHAR(40) NOT NULL)",
    );
    script.add(
        "CREATE TABLE customer (id INTEGER PRIMARY KEY, town_id INTEGER NOT NULL REFERENCES town (id), \
         first_name VARCHAR(40) NOT NULL, last_name VARCHAR(40) NOT NULL, phone VARCHAR(30) NOT NULL)",
    );
    const PLACES: [(&str, &str); 4] = [("Germany", "49"), ("France", "33"), ("Brazil", "55"), ("Peru", "51")];
    script.rows("country", 4, |id| format!("{id}, '{}'", PLACES[id as usize - 1].0));
    script.rows("town", 40, |id| format!("{id}, {}, 'Town {id}'", id % 4 + 1));
    script.rows("customer", 4 * PEOPLE, |id| {
        let town = noise(id, 1, 40) + 1;
        let (_, calling) = PLACES[(town % 4) as usize];
        let (first, last) = (first_name(id), FAMILIES[noise(id, 6, 6) as usize]);
        format!("{id}, {town}, '{first}', '{last}é', '+{calling} 30 {:07}'", noise(id, 7, 9_999_999))
    });
    let source = script.database("names_above_source");
    let target = Scratch::new(Engine::Sqlite, "names_above_target");

    let shown = dbsynth(&["inspect", source.text(), "--coverage", "--json"]).exits(0);
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("synth.toml");
    std::fs::write(&settings, "[tables.country]\nmode = \"copy\"\n").unwrap();
    let settings = settings.to_str().unwrap();
    let budget = ["--time-budget", "5s", "--audit", "off", "--config", settings];
    dbsynth(&[&["clone", source.text(), target.text()][..], &budget].concat()).exits(0);

    assert!(shown.stdout.contains("as last_name, follows country.name"), "{}", shown.stdout);
    assert!(shown.stdout.contains("as phone, follows country.name"), "{}", shown.stdout);
    let count = |condition: &str| {
        target.number(&format!(
            "SELECT count(*) FROM customer JOIN town ON town.id = customer.town_id \
             JOIN country ON country.id = town.country_id WHERE {condition}"
        ))
    };
    assert_eq!(count("1 = 1"), 4 * PEOPLE);
    for (name, calling) in PLACES {
        let there = count(&format!("country.name = '{name}'"));
        assert!(there > 0, "{name}");
        assert_eq!(count(&format!("country.name = '{name}' AND phone LIKE '+{calling} %'")), there, "{name}");
    }
    for (of, names) in TYPICAL.map(|(of, _, names)| (of, names)) {
        let country =
            ["Germany", "France", "Brazil"][["DE", "FR", "BR"].iter().position(|code| *code == of).unwrap()];
        let listed: Vec<String> = names.split(' ').map(|name| format!("'{name}'")).collect();
        let called = format!("lower(first_name) IN ({})", listed.join(", "));
        assert!(count(&format!("{called} AND country.name = '{country}'")) > 0, "{of}");
        assert_eq!(count(&format!("{called} AND country.name <> '{country}'")), 0, "{of}");
    }
}

#[test]
fn names_of_sqlite_are_of_the_country() {
    names_are_of_the_country(Engine::Sqlite);
}

#[test]
fn names_of_postgres_are_of_the_country() {
    names_are_of_the_country(Engine::Postgres);
}

#[test]
fn names_of_mysql_are_of_the_country() {
    names_are_of_the_country(Engine::MySql);
}

#[test]
fn rows_of_sqlite_are_about_one_person() {
    rows_are_about_one_person(Engine::Sqlite);
}

#[test]
fn rows_of_postgres_are_about_one_person() {
    rows_are_about_one_person(Engine::Postgres);
}

#[test]
fn rows_of_mysql_are_about_one_person() {
    rows_are_about_one_person(Engine::MySql);
}
