//! Whole values of persons and runs of five words of the source that a clone of a known database might hold.

use std::collections::{BTreeMap, BTreeSet};

use dbsynth::config::DbUrl;

use crate::{
    fixtures::Script,
    support::{Engine, Scratch, contents, dbsynth, texts},
};

/// Words that a post is recognised by.
const SHINGLE: usize = 5;
/// Rows of a whole text below which its words are somebody's.
const SHARED: usize = 5;

type Texts = BTreeMap<(String, String), Vec<Option<String>>>;

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Runs of five words in texts that few rows have.
fn shingles(all: &Texts) -> BTreeSet<Vec<String>> {
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    for text in all.values().flatten().flatten() {
        *rows.entry(text).or_default() += 1;
    }
    let rare = rows.into_iter().filter(|(_, rows)| *rows < SHARED);
    rare.flat_map(|(text, _)| words(text).windows(SHINGLE).map(<[String]>::to_vec).collect::<Vec<_>>())
        .collect()
}

/// Values of the columns called like one of `names`, several joined, in lower case; only those with letters or digits
/// enough to be somebody's.
fn whole(all: &Texts, names: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let tables: BTreeSet<&String> = all.keys().map(|(table, _)| table).collect();
    for table in tables {
        let columns: Vec<_> = names
            .iter()
            .filter_map(|name| all.iter().find(|((t, c), _)| t == table && c.eq_ignore_ascii_case(name)))
            .collect();
        if columns.len() < names.len() {
            continue;
        }
        for row in 0..columns[0].1.len() {
            let parts: Option<Vec<&str>> = columns.iter().map(|(_, values)| values[row].as_deref()).collect();
            found.extend(parts.map(|parts| parts.join(" ").to_lowercase()).filter(|value| value.len() > 5));
        }
    }
    found
}

#[test]
fn no_person_and_no_run_of_words_of_chinook_is_in_its_clone() {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().join("chinook.sqlite");
    std::fs::copy(format!("{}/fixtures/chinook.sqlite", env!("CARGO_MANIFEST_DIR")), &original).unwrap();
    let source = format!("sqlite:{}", original.display());
    let target = Scratch::new(Engine::Sqlite, "leaks_chinook");

    dbsynth(&["clone", &source, target.text(), "--time-budget", "5s"]).exits(0);

    let (real, made) = (texts(&DbUrl::parse(&source).unwrap()), texts(&target.url()));
    let personal: [&[&str]; 5] =
        [&["Email"], &["Phone"], &["Fax"], &["Address"], &["first_name", "last_name"]];
    for names in personal {
        let (real, made) = (whole(&real, names), whole(&made, names));
        assert!(real.len() > 7 && made.len() > 7, "{names:?} are there to be compared");
        assert_eq!(real.intersection(&made).next(), None, "{names:?}");
    }
    let (real, made) = (shingles(&real), shingles(&made));
    assert!(real.len() > 1000, "{}", real.len());
    let leaked: Vec<_> = real.intersection(&made).collect();
    assert!(leaked.is_empty(), "{} of {} runs of words: {:?}", leaked.len(), made.len(), leaked.first());
}

/// A thousand guests of four attributes that many share, each alone with its own, or nearly so.
pub(crate) fn guests(name: &str) -> Scratch {
    let mut script = Script::new(Engine::Sqlite);
    script.add(
        "CREATE TABLE guest (id INTEGER PRIMARY KEY, floor INTEGER NOT NULL, bed INTEGER NOT NULL, meal INTEGER NOT NULL, \
         stay INTEGER)",
    );
    script.rows("guest", 1000, |id| {
        // Any of 8,000 combinations, scrambled by the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
        let z = (id as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let state = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 31;
        let digit = |place: u64, base: u64| state / place % base;
        let stay = if digit(400, 20) == 0 { "NULL".to_owned() } else { digit(400, 20).to_string() };
        format!("{id}, {}, {}, {}, {stay}", digit(1, 5), digit(5, 8), digit(40, 10))
    });
    script.database(name)
}

#[test]
fn no_guest_has_the_row_of_a_real_one() {
    let source = guests("leaks_guests");
    let target = Scratch::new(Engine::Sqlite, "leaks_guests_copy");
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("synth.toml");
    std::fs::write(&settings, "[privacy]\navoid_uniques = false\n").unwrap();
    let without_keys = |scratch: &Scratch| -> Vec<String> {
        let lines = contents(&scratch.url()).into_values().flatten();
        lines.map(|line| line.split_once(']').map_or(line.clone(), |(_, rest)| rest.to_owned())).collect()
    };
    let mut guests: BTreeMap<String, usize> = BTreeMap::new();
    without_keys(&source).into_iter().for_each(|row| *guests.entry(row).or_default() += 1);
    let clone = |flags: &[&str]| {
        let arguments =
            ["clone", source.text(), target.text(), "--audit", "off", "--time-budget", "5s", "--yes"];
        dbsynth(&[&arguments[..], flags].concat()).exits(0);
        let rows = without_keys(&target);
        assert_eq!(rows.len(), 1000);
        rows.into_iter().filter(|row| guests.get(row) == Some(&1)).count()
    };

    let (plain, avoided) = (clone(&["--config", settings.to_str().unwrap()]), clone(&[]));

    assert!(plain > 50, "chance alone repeats some: {plain}");
    assert!(avoided <= 2, "{avoided} of {plain} are left");
}
