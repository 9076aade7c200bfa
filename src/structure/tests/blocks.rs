use std::collections::BTreeMap;

use rand::RngExt;

use super::*;
use crate::{
    codec::{EncodedTable, SubColumn},
    data::{Families, Links},
};

const CLASSES: usize = 4;

fn column(size: u16) -> SubColumn {
    SubColumn { name: "class".to_owned(), size, scalars: Vec::new(), counts_children: false, one_hot: true }
}

fn table(tokens: Vec<u16>, size: u16) -> EncodedTable {
    let mut table = EncodedTable::empty(tokens.len());
    table.push(column(size), tokens);
    table
}

/// 600 users and 400 films of four hidden tastes: `per_user` links each, nine of ten to the own taste.
fn planted(per_user: usize) -> (Vec<u32>, Vec<u32>) {
    let mut random = stream();
    let (mut films, mut users) = (Vec::new(), Vec::new());
    for user in 0..600 {
        for _ in 0..per_user {
            let taste =
                if random.random::<f64>() < 0.9 { user % CLASSES } else { random.random_range(0..CLASSES) };
            films.push((random.random_range(0..100) * CLASSES + taste) as u32);
            users.push(user as u32);
        }
    }
    (films, users)
}

fn fit(films: &[u32], users: &[u32], user_rows: &EncodedTable) -> (Blocks, Vec<u16>) {
    let evidence = BlockEvidence {
        parents: &table(vec![0; 400], 1),
        links: films,
        children: &EncodedTable::empty(films.len()),
        peers: &[Peer { rows: user_rows, index: users }],
        most: usize::MAX,
    };
    Blocks::fit(evidence, &mut stream()).expect("enough rows for blocks")
}

/// Share of films that are of their block's commonest taste.
fn purity(of_films: &[u16]) -> f64 {
    let mut counts = BTreeMap::<u16, [usize; CLASSES]>::new();
    for (film, block) in of_films.iter().enumerate() {
        counts.entry(*block).or_default()[film % CLASSES] += 1;
    }
    let pure: usize = counts.values().filter_map(|classes| classes.iter().max()).sum();
    pure as f64 / of_films.len() as f64
}

fn same_taste(links: &Links, users: &[u32]) -> f64 {
    let same = links.parent.iter().zip(users).filter(|(film, user)| *film % 4 == *user % 4).count();
    same as f64 / users.len() as f64
}

#[test]
fn tastes_that_only_the_links_show_are_found_and_drawn_again() {
    let (films, users) = planted(8);
    let (blocks, of_films) = fit(&films, &users, &table(vec![0; 600], 1));
    assert!(purity(&of_films) > 0.9, "{}", purity(&of_films));

    let of_films: Vec<Option<u16>> = of_films.into_iter().map(Some).collect();
    let chosen: Vec<Option<u16>> = films.iter().map(|film| of_films[*film as usize]).collect();
    let present = vec![true; films.len()];
    let stubs: Vec<f32> =
        Links { parent: films.clone() }.fan_out(400).into_iter().map(|count| count as f32).collect();
    let plain = request(&present, &stubs);
    let choice = BlockChoice { blocks: &blocks, of_children: &chosen, of_parents: &of_films };
    let with_blocks = LinkRequest { blocks: Some(choice), ..plain.clone() };

    let drawn = StubLinker::default().sample(&with_blocks, &mut stream());
    let at_random = StubLinker::default().sample(&plain, &mut stream());

    assert!(same_taste(&drawn, &users) > 0.8, "{}", same_taste(&drawn, &users));
    assert!(same_taste(&at_random, &users) < 0.35, "{}", same_taste(&at_random, &users));
    // New links, old degrees.
    assert!(drawn.parent.iter().zip(&films).filter(|(a, b)| a == b).count() < films.len() / 10);
    assert!(drawn.fan_out(400).iter().zip(&stubs).all(|(count, stub)| *count as f32 == *stub));
}

#[test]
fn rows_used_by_one_kind_of_rows_share_blocks_even_with_few_links() {
    let (films, users) = planted(2);
    let (_, of_films) = fit(&films, &users, &table((0..600).map(|user| user % 4).collect(), 4));

    assert!(purity(&of_films) > 0.75, "{}", purity(&of_films));
}

#[test]
fn no_block_is_small_and_tokens_lead_back_to_it() {
    let (films, users) = planted(16);
    let (blocks, of_films) = fit(&films, &users, &table((0..600).map(|user| user % 7).collect(), 7));
    let mut sizes = BTreeMap::<u16, usize>::new();
    of_films.iter().for_each(|block| *sizes.entry(*block).or_default() += 1);
    let mut known: Vec<Option<u16>> = of_films.into_iter().map(Some).collect();
    known.push(None);

    assert!(sizes.len() > 8 && sizes.len() <= 256, "{}", sizes.len());
    assert!(sizes.values().all(|size| *size >= 8), "{sizes:?}");
    let tokens = blocks.encode(&known);
    assert_eq!(blocks.decode(&tokens), known);
    for (column, tokens) in blocks.sub_columns("film", true).iter().zip(&tokens) {
        assert!(tokens.iter().all(|token| *token < column.size));
    }
}

#[test]
fn a_block_without_stubs_hands_over_and_every_degree_stays() {
    let (films, users) = planted(8);
    let (blocks, of_films) = fit(&films, &users, &table(vec![0; 600], 1));
    let of_films: Vec<Option<u16>> = of_films.into_iter().map(Some).collect();
    // Everybody wants the same block.
    let chosen = vec![Some(0); 1200];
    let present = vec![true; 1200];
    let stubs = vec![3.0; 400];
    let choice = BlockChoice { blocks: &blocks, of_children: &chosen, of_parents: &of_films };
    let ask = LinkRequest { blocks: Some(choice), ..request(&present, &stubs) };

    let links = StubLinker::default().sample(&ask, &mut stream());

    assert!(links.fan_out(400).iter().all(|count| *count == 3));
}

#[test]
fn flagged_rows_take_an_earlier_siblings_parent_and_others_do_not() {
    let families = Families::from_counts(&[5; 100]);
    let again: Vec<bool> = (0..500).map(|row| row % 5 >= 3).collect();
    let family = families.parent_of_rows();
    let present = vec![true; 500];
    let stubs = vec![10.0; 60];
    let siblings = Siblings { family: &family, again: Some(&again) };
    let ask = LinkRequest { siblings: Some(siblings), ..request(&present, &stubs) };

    let links = StubLinker::default().sample(&ask, &mut stream());

    assert_eq!(repeated(&families, &links.parent), again);
    assert_eq!(Repeats::fit(&families, &links.parent), Repeats::Token);
}

#[test]
fn siblings_that_never_share_a_parent_are_told_from_those_that_might() {
    let families = Families::from_counts(&[10; 50]);
    let never: Vec<u32> = (0..500).map(|row| row % 20).collect();
    let few: Vec<u32> = (0..500).map(|row| if row % 100 == 1 { row - 1 } else { row }).collect();
    let short = Families::from_counts(&[2; 50]);
    let unknown: Vec<u32> = (0..100).collect();

    assert_eq!(Repeats::fit(&families, &never), Repeats::Never);
    assert_eq!(Repeats::fit(&families, &few), Repeats::Free);
    assert_eq!(Repeats::fit(&short, &unknown), Repeats::Free);

    let family = families.parent_of_rows();
    let (present, stubs) = (vec![true; 500], vec![25.0; 20]);
    let siblings = Siblings { family: &family, again: None };
    let ask = LinkRequest { siblings: Some(siblings), ..request(&present, &stubs) };
    let links = StubLinker::default().sample(&ask, &mut stream());
    assert!(!repeated(&families, &links.parent).contains(&true));
}

#[test]
fn no_row_links_to_the_parent_it_avoids() {
    let avoid: Vec<u32> = (0..300).map(|row| row % 3).collect();
    let (present, stubs) = (vec![true; 300], vec![100.0; 3]);
    let ask = LinkRequest { avoid: Some(&avoid), ..request(&present, &stubs) };

    let links = StubLinker::default().sample(&ask, &mut stream());

    assert!(links.parent.iter().zip(&avoid).all(|(parent, avoid)| parent != avoid && *parent != NO_ROW));
}

#[test]
fn balanced_counts_meet_each_groups_total_and_keep_their_strata() {
    let mut random = stream();
    let kinds: Vec<u32> = (0..900).map(|row| row % 3).collect();
    let groups: Vec<u32> = (0..900).map(|row| row / 9).collect();
    // Kind 0 always has one child, kind 1 none or two, kind 2 up to four.
    let counts: Vec<i64> = kinds
        .iter()
        .map(|kind| match kind {
            0 => 1,
            1 => 2 * random.random_range(0..2),
            _ => random.random_range(0..5),
        })
        .collect();
    let totals: BTreeMap<u32, i64> = (0..100).map(|group| (group, 9 + i64::from(group % 5))).collect();

    let donors = balance(&counts, &groups, &totals, std::slice::from_ref(&kinds), &mut random);

    for group in 0..100_usize {
        let sum: i64 = donors[group * 9..group * 9 + 9].iter().map(|row| counts[*row as usize]).sum();
        assert_eq!(sum, totals[&(group as u32)]);
    }
    assert!(donors.iter().zip(&kinds).all(|(donor, kind)| kinds[*donor as usize] == *kind));
    assert!(donors.iter().enumerate().filter(|(row, donor)| *row as u32 == **donor).count() > 450);
}

#[test]
fn degrees_are_exact_where_siblings_differ_and_blocks_run_dry() {
    let (films, users) = planted(8);
    let (blocks, of_films) = fit(&films, &users, &table(vec![0; 600], 1));
    let of_films: Vec<Option<u16>> = of_films.into_iter().map(Some).collect();
    // 300 families of ten rows that may not share a film: five films are in nearly every family, the others in three
    // or four. Everybody wants the same block.
    let stubs: Vec<f32> = (0..400)
        .map(|film| match film {
            0..5 => 290.0,
            5..370 => 4.0,
            _ => 3.0,
        })
        .collect();
    let (present, chosen) = (vec![true; 3000], vec![Some(0); 3000]);
    let family: Vec<u32> = (0..3000).map(|row| row / 10).collect();
    let choice = BlockChoice { blocks: &blocks, of_children: &chosen, of_parents: &of_films };
    let ask =
        LinkRequest { blocks: Some(choice), distinct_within: Some(&family), ..request(&present, &stubs) };

    let links = StubLinker::default().sample(&ask, &mut stream());

    let expected: Vec<u32> = stubs.iter().map(|stubs| *stubs as u32).collect();
    assert_eq!(links.fan_out(400), expected);
    let mut pairs: Vec<(u32, u32)> = family.into_iter().zip(links.parent).collect();
    pairs.sort_unstable();
    assert!(pairs.windows(2).all(|pair| pair[0] != pair[1]), "no family has a film twice");
}

#[test]
fn degrees_are_exact_in_families_too_large_to_look_through() {
    // Ten families of 300 rows that may not share a film: half of 600 films are in all of them.
    let stubs: Vec<f32> = (0..600).map(|film| if film % 2 == 0 { 9.0 } else { 1.0 }).collect();
    let (present, family) = (vec![true; 3000], (0..3000).map(|row| row / 300).collect::<Vec<u32>>());
    let ask = LinkRequest { distinct_within: Some(&family), ..request(&present, &stubs) };

    let links = StubLinker::default().sample(&ask, &mut stream());

    let expected: Vec<u32> = stubs.iter().map(|stubs| *stubs as u32).collect();
    assert_eq!(links.fan_out(600), expected);
    let mut pairs: Vec<(u32, u32)> = family.into_iter().zip(links.parent).collect();
    pairs.sort_unstable();
    assert!(pairs.windows(2).all(|pair| pair[0] != pair[1]), "no family has a film twice");
}

#[test]
fn a_block_without_its_few_large_parents_gets_them_back() {
    let (films, users) = planted(40);
    let (blocks, _) = fit(&films, &users, &table((0..600).map(|user| (user % CLASSES) as u16).collect(), 4));
    assert!(blocks.len() > 2);
    // Two films that half of all rows want, both in another block; and many small ones, as many as are wanted.
    let mut of_films: Vec<Option<u16>> = (0..400).map(|film| Some(film % blocks.len() as u16)).collect();
    let mut stubs = vec![10.0; 400];
    let mut demand = vec![0; blocks.len()];
    of_films.iter().flatten().for_each(|block| demand[usize::from(*block)] += 10);
    for film in [0, 1] {
        (of_films[film], stubs[film]) = (Some(0), 2000.0);
        demand[1] += 2000;
    }

    let moved = supply(&blocks, &mut of_films, &stubs, &demand);

    assert_eq!((of_films[0], of_films[1]), (Some(1), Some(1)));
    let mut supplied = vec![0.0; blocks.len()];
    for (block, stubs) in of_films.iter().zip(&stubs) {
        supplied[usize::from(block.unwrap())] += f64::from(*stubs);
    }
    for (supplied, demand) in supplied.iter().zip(&demand) {
        assert!((supplied - *demand as f64).abs() <= 20.0, "{supplied} for {demand}");
    }
    assert!(moved <= 6, "{moved} moved: the small ones had their place");
    assert_eq!(supply(&blocks, &mut of_films, &stubs, &demand), 0, "all is well");
}
