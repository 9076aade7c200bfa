//! Whole values of persons and runs of five words of the source that a clone of a known database might hold.

use std::collections::{BTreeMap, BTreeSet};

use dbsynth::config::DbUrl;

use crate::support::{Engine, Scratch, dbsynth, texts};

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
