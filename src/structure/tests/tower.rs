use rand::RngExt;

use super::*;
use crate::{
    codec::{EncodedTable, SubColumn},
    conditioning::{Conditioning, Message, MessageSource, Per},
    data::Families,
};

const CLASSES: usize = 4;
const USERS: usize = 600;
const PER_USER: usize = 8;

fn table(tokens: Vec<u16>, size: u16) -> EncodedTable {
    let mut table = EncodedTable::empty(tokens.len());
    let column = SubColumn { name: "class".to_owned(), size, scalars: Vec::new(), one_hot: true };
    table.push(column, tokens);
    table
}

/// Films whose class is their number modulo [`CLASSES`].
fn films(count: usize) -> EncodedTable {
    table((0..count).map(|film| (film % CLASSES) as u16).collect(), CLASSES as u16)
}

/// Ratings in the order of their users, whose rows say their taste or nothing.
fn ratings(known: bool) -> Conditioning {
    let taste = |user: usize| if known { (user % CLASSES) as u16 } else { 0 };
    let users = table((0..USERS).map(taste).collect(), CLASSES as u16);
    let source = MessageSource::Row { table: users.into(), index: (0..USERS as u32).collect() };
    let message = Message { name: "user→".to_owned(), per: Per::Family, via: None, copied: false, source };
    Conditioning {
        families: Families::from_counts(&[PER_USER as u32; USERS]),
        has_siblings: true,
        messages: vec![message],
        given: None,
        running: None,
    }
}

/// Nine of ten ratings are of films of the user's taste.
fn planted(films: usize) -> Vec<u32> {
    let mut random = stream();
    let mut film = |user: usize| {
        let taste = if random.random::<f64>() < 0.9 { user } else { random.random_range(0..CLASSES) };
        (random.random_range(0..films / CLASSES) * CLASSES + taste % CLASSES) as u32
    };
    (0..USERS * PER_USER).map(|row| film(row / PER_USER)).collect()
}

/// Draws films by towers that learned the planted ratings; also how many children each film was to have.
fn drawn(count: usize, known: bool) -> (Vec<u32>, Vec<f32>) {
    let (films, ratings) = (films(count), ratings(known));
    let links = planted(count);
    let evidence = TowerEvidence { parents: &films, conditioning: &ratings };
    let towers = TwoTower::fit(evidence, &links, &mut stream()).unwrap().expect("enough rows");
    let scores = towers.over(evidence).expect("the same rows");
    let stubs: Vec<f32> =
        Links { parent: links }.fan_out(count).into_iter().map(|count| count as f32).collect();
    let users = ratings.families.parent_of_rows();
    let present = vec![true; users.len()];
    let ask =
        LinkRequest { towers: Some(&scores), distinct_within: Some(&users), ..request(&present, &stubs) };
    let parents = StubLinker::default().sample(&ask, &mut stream()).parent;
    assert_eq!(parents, StubLinker::default().sample(&ask, &mut stream()).parent, "the same stream");
    for films in parents.chunks_exact(PER_USER) {
        assert!(films.iter().all(|film| films.iter().filter(|other| *other == film).count() == 1));
    }
    (parents, stubs)
}

fn same_taste(parents: &[u32]) -> f64 {
    let same = |(row, film): &(usize, &u32)| **film as usize % CLASSES == row / PER_USER % CLASSES;
    parents.iter().enumerate().filter(same).count() as f64 / parents.len() as f64
}

#[test]
fn towers_link_rows_that_go_together_and_keep_degrees() {
    let (parents, stubs) = drawn(400, true);

    assert!((0.85..=0.97).contains(&same_taste(&parents)), "{}", same_taste(&parents));
    let drawn = Links { parent: parents }.fan_out(400);
    assert!(drawn.iter().zip(&stubs).all(|(count, stub)| *count as f32 == *stub));
}

#[test]
fn a_few_of_very_many_parents_are_scored() {
    let (parents, _) = drawn(8_000, true);

    assert!(same_taste(&parents) > 0.85, "{}", same_taste(&parents));
}

#[test]
fn siblings_parents_tell_what_their_own_row_does_not() {
    let (parents, _) = drawn(400, false);
    let alike = |films: &[u32]| {
        let pairs = films.windows(2).filter(|pair| pair[0] % 4 == pair[1] % 4).count();
        pairs as f64 / (PER_USER - 1) as f64
    };
    let mean = parents.chunks_exact(PER_USER).map(alike).sum::<f64>() / USERS as f64;

    assert!(mean > 0.6, "{mean} of neighbours are of one class, 0.25 by chance");
}

#[test]
fn few_links_teach_nothing() {
    let (films, ratings) = (films(400), ratings(true));
    let mut links = vec![crate::data::NO_ROW; USERS * PER_USER];
    links[..100].copy_from_slice(&planted(400)[..100]);
    let evidence = TowerEvidence { parents: &films, conditioning: &ratings };

    assert!(TwoTower::fit(evidence, &links, &mut stream()).unwrap().is_none());
}
