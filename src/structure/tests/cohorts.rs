use rand::RngExt;

use super::*;
use crate::{
    codec::{EncodedTable, SubColumn},
    data::Families,
};

const KINDS: u16 = 4;
const COLUMNS: usize = 4;

/// Families of `size` rows; a row says its family's kind, `faithful` of the time, in each of its columns.
fn children(parents: usize, size: u32, faithful: f64) -> (EncodedTable, Families) {
    let mut random = stream();
    let families = Families::from_counts(&vec![size; parents]);
    let mut table = EncodedTable::empty(parents * size as usize);
    for _ in 0..COLUMNS {
        let token = |parent: u32| {
            let own = random.random::<f64>() < faithful;
            if own { parent as u16 % KINDS } else { random.random_range(0..KINDS) }
        };
        let tokens = families.parent_of_rows().into_iter().map(token).collect();
        table.push(column(), tokens);
    }
    (table, families)
}

fn column() -> SubColumn {
    SubColumn {
        name: "taste".to_owned(),
        size: KINDS,
        scalars: Vec::new(),
        counts_children: false,
        one_hot: true,
    }
}

fn found(parents: &EncodedTable, size: u32, faithful: f64) -> Option<Vec<u16>> {
    let (children, families) = children(parents.row_count, size, faithful);
    let evidence = CohortEvidence { parents, children: &children, families: &families };
    cohorts(evidence, &mut stream()).map(|(_, of_parents)| of_parents)
}

#[test]
fn families_of_a_kind_share_a_cohort() {
    let of_parents = found(&EncodedTable::empty(600), 6, 0.8).expect("families differ");
    let mut counts = vec![[0_usize; KINDS as usize]; 1 + usize::from(*of_parents.iter().max().unwrap())];
    for (parent, cohort) in of_parents.iter().enumerate() {
        counts[usize::from(*cohort)][parent % usize::from(KINDS)] += 1;
    }
    let pure: usize = counts.iter().filter_map(|kinds| kinds.iter().max()).sum();
    assert!(pure > 570, "{pure} of 600 families stand with their kind: {counts:?}");
    assert!(counts.iter().all(|kinds| kinds.iter().sum::<usize>() >= 8), "a small cohort names its families");
    assert_eq!(Some(of_parents), found(&EncodedTable::empty(600), 6, 0.8));
}

#[test]
fn what_differs_by_chance_or_by_the_parents_row_makes_no_cohort() {
    assert_eq!(None, found(&EncodedTable::empty(600), 6, 0.0));
    let mut parents = EncodedTable::empty(600);
    parents.push(column(), (0..600).map(|parent| parent % KINDS).collect());
    assert_eq!(None, found(&parents, 6, 0.8));
}

#[test]
fn few_or_small_families_make_no_cohort() {
    assert_eq!(None, found(&EncodedTable::empty(200), 6, 0.8));
    assert_eq!(None, found(&EncodedTable::empty(600), 1, 0.8));
}

#[test]
fn rows_of_orphans_are_in_no_family_of_a_parent() {
    let (mut children, families) = children(600, 6, 0.8);
    let mut sizes: Vec<u32> = (0..families.len()).map(|family| families.rows(family).len() as u32).collect();
    sizes.extend([1, 1, 1]);
    children.row_count += 3;
    children.tokens.iter_mut().for_each(|tokens| tokens.extend([0, 1, 2]));
    let parents = EncodedTable::empty(600);
    let evidence =
        CohortEvidence { parents: &parents, children: &children, families: &Families::from_counts(&sizes) };
    let (_, of_parents) = cohorts(evidence, &mut stream()).expect("families differ");
    assert_eq!(600, of_parents.len());
}
