mod blocks;
mod cohorts;

use proptest::prelude::*;

use super::*;
use crate::{data::NO_ROW, seed::Seed};

fn stream() -> Stream {
    Seed(7).stream("structure/tests", 0)
}

fn request<'a>(present: &'a [bool], stubs: &'a [f32]) -> LinkRequest<'a> {
    LinkRequest { present, stubs, ..LinkRequest::default() }
}

#[test]
fn a_weighted_draw_follows_the_weights_and_stops_when_they_are_gone() {
    let mut tree = Fenwick::segmented(vec![1.0, 0.0, 3.0, 5.0], vec![0, 3, 4]);
    let mut random = stream();
    let draws: Vec<usize> = (0..4000).filter_map(|_| tree.draw(0, &mut random)).collect();

    let share = draws.iter().filter(|position| **position == 2).count() as f64 / 4000.0;
    assert!((share - 0.75).abs() < 0.03, "{share}");
    assert!(!draws.contains(&1) && !draws.contains(&3));
    tree.set(0, 0, 0.0);
    tree.set(0, 2, 0.0);
    assert_eq!(tree.draw(0, &mut random), None);
    assert_eq!(tree.draw(1, &mut random), Some(3));
}

#[test]
fn small_and_frequent_counts_are_exact_and_others_share_bins() {
    let mut counts = vec![0, 1, 2, 3, 3];
    counts.extend(std::iter::repeat_n(334, 50));
    counts.extend(100..200);
    let codec = CountCodec::fit(&counts);
    let tokens = codec.encode(&counts);

    for (count, token) in counts.iter().zip(&tokens) {
        if *count < 65 || *count == 334 {
            assert!(codec.is_exact(*token));
            assert_eq!(codec.decode(*token, &mut stream()), *count);
            assert!((codec.expected(*token) - *count as f32).abs() < 1e-6);
        } else {
            let back = codec.decode(*token, &mut stream());
            assert!((80..=200).contains(&back) && (f64::from(back) / f64::from(*count) - 1.0).abs() < 0.3);
        }
    }
    assert!(codec.size() < 15, "{}", codec.size());
    let sub_column = codec.sub_column("orders.count");
    assert_eq!(sub_column.scalars.len(), usize::from(codec.size()));
    assert!(sub_column.scalars.is_sorted());
}

#[test]
fn counts_never_seen_take_the_nearest_token() {
    let codec = CountCodec::fit(&[1, 5, 9]);

    assert_eq!(codec.encode(&[0, 4, 6, 8, 100]), vec![0, 1, 1, 2, 2]);
    assert_eq!(CountCodec::fit(&[]).encode(&[3]), vec![0]);
}

#[test]
fn a_constant_count_stays_constant_when_parents_scale() {
    let fan_out = TokenFanOut::new(CountCodec::fit(&vec![334; 100]));

    let counts = fan_out.sample(&[0; 30], Some(334 * 30), &mut stream()).unwrap();

    assert!(counts.iter().all(|count| *count == 334));
}

#[test]
fn a_forced_total_rescales_and_keeps_childless_parents_childless() {
    let codec = CountCodec::fit(&[0, 0, 1, 2, 3]);
    let tokens = codec.encode(&[0, 1, 2, 3].repeat(100));
    let fan_out = TokenFanOut::new(codec);

    let counts = fan_out.sample(&tokens, Some(6000), &mut stream()).unwrap();

    assert_eq!(counts.iter().sum::<u32>(), 6000);
    assert!(counts.iter().step_by(4).all(|count| *count == 0));
    assert!(counts.iter().skip(3).step_by(4).sum::<u32>() > 2500);
}

#[test]
fn a_unique_foreign_key_never_gets_a_second_child() {
    let codec = CountCodec::fit(&[0, 1]);
    let fan_out = TokenFanOut::new(codec).with_cap(Some(1));

    let counts = fan_out.sample(&[0, 1].repeat(50), Some(80), &mut stream()).unwrap();

    assert_eq!(counts.iter().sum::<u32>(), 80);
    assert!(counts.iter().all(|count| *count <= 1));
    assert_eq!(
        fan_out.sample(&[1; 5], Some(6), &mut stream()),
        Err(StructureError::Infeasible { wanted: 6, parents: 5 })
    );
    assert!(fan_out.sample(&[], Some(1), &mut stream()).is_err());
}

#[test]
fn degrees_follow_the_stubs() {
    let stubs: Vec<f32> = (0..200).map(|parent| (parent % 10) as f32).collect();
    let present = vec![true; 9000];

    let links = StubLinker::default().sample(&request(&present, &stubs), &mut stream());

    let fan_out = links.fan_out(200);
    let statistic: f64 = stubs
        .iter()
        .zip(&fan_out)
        .filter(|(stub, _)| **stub > 0.0)
        .map(|(stub, count)| {
            (f64::from(*count) - f64::from(*stub) * 10.0).powi(2) / (f64::from(*stub) * 10.0)
        })
        .sum();
    // 180 cells: a fair draw stays below this with overwhelming probability, stubs beat it by far.
    assert!(statistic < 240.0, "{statistic}");
    assert!(fan_out.iter().step_by(10).sum::<u32>() < 10);
}

#[test]
fn a_family_that_needs_every_parent_gets_every_parent() {
    let present = vec![true; 60];
    let values: Vec<u32> = (0..60).map(|row| u32::from(row >= 50)).collect();
    let stubs = vec![0.1; 50];
    let mut distinct = request(&present, &stubs);
    distinct.distinct_within = Some(&values);

    let links = StubLinker::default().sample(&distinct, &mut stream());

    let mut all: Vec<u32> = links.parent[..50].to_vec();
    all.sort_unstable();
    assert_eq!(all, (0..50).collect::<Vec<u32>>());
    assert!(links.parent.iter().all(|parent| *parent != NO_ROW));
}

#[test]
fn a_forest_without_a_root_gets_exactly_one() {
    let present = vec![true; 40];
    let mut ask = request(&present, &[1.0; 40]);
    ask.forest = true;

    let links = StubLinker::default().sample(&ask, &mut stream());

    assert_eq!(links.parent.iter().filter(|parent| **parent == NO_ROW).count(), 1);
    assert!(depths(&links).iter().all(Option::is_some));
}

#[test]
fn a_generated_forest_is_as_deep_as_the_real_one() {
    // A binary heap of 1023 rows: depth 9, half of the rows on the last level.
    let real =
        Links { parent: (0..1023_u32).map(|row| if row == 0 { NO_ROW } else { (row - 1) / 2 }).collect() };
    let linker = StubLinker { depth: Some(DepthProfile::fit(&real)) };
    let present: Vec<bool> = (0..2046).map(|row| row % 1023 != 0).collect();
    let stubs: Vec<f32> = (0..2046).map(|row| if row % 1023 < 511 { 2.0 } else { 0.0 }).collect();
    let mut ask = request(&present, &stubs);
    ask.forest = true;

    let links = linker.sample(&ask, &mut stream());

    let mean = |links: &Links| {
        let depths: Vec<usize> = depths(links).into_iter().flatten().collect();
        depths.iter().sum::<usize>() as f64 / depths.len() as f64
    };
    assert!((mean(&links) - mean(&real)).abs() < 0.1, "{} {}", mean(&links), mean(&real));
    let share = |links: &Links, rows| {
        links.fan_out(rows).iter().filter(|count| **count == 0).count() as f64 / rows as f64
    };
    assert!((share(&links, 2046) - 0.5).abs() < 0.05, "{}", share(&links, 2046));
}

#[test]
fn depth_is_unknown_on_and_below_a_cycle() {
    let links = Links { parent: vec![NO_ROW, 0, 3, 2, 3, 1] };

    assert_eq!(depths(&links), vec![Some(0), Some(1), None, None, None, Some(2)]);
}

#[test]
fn the_one_parent_that_has_nearly_everything_is_there_once() {
    // 1,000 promotions: "none" has 60,000 sales, a hundred others about 100 each, the rest nothing.
    let mut counts: Vec<u32> = (0..1000).map(|parent| if parent < 100 { 60 + parent } else { 0 }).collect();
    counts[500] = 60_000;
    let codec = CountCodec::fit(&counts);
    let fan_out = TokenFanOut::new(codec.clone());
    let total: u64 = counts.iter().map(|count| u64::from(*count)).sum();
    let heavy = |drawn: &[u32]| drawn.iter().filter(|count| **count > 1000).count();
    let none = |drawn: &[u32]| drawn.iter().filter(|count| **count == 0).count();
    let zero = codec.encode(&[0])[0];
    let missed: Vec<u16> =
        codec.encode(&counts).iter().map(|t| if codec.expected(*t) > 1000.0 { zero } else { *t }).collect();
    let mut twice = codec.encode(&counts);
    twice[700] = codec.encode(&[60_000])[0];

    for tokens in [missed, twice] {
        let drawn = fan_out.sample(&tokens, Some(total), &mut stream()).unwrap();
        assert_eq!(drawn.iter().map(|count| u64::from(*count)).sum::<u64>(), total);
        assert_eq!(heavy(&drawn), 1);
        assert!((none(&drawn) as i64 - 899).abs() <= 5, "{}", none(&drawn));
    }
}

#[test]
fn few_parents_that_have_everything_stay_few() {
    let mut seen = vec![0; 498];
    seen.extend([2270, 2311]);
    let codec = CountCodec::fit(&seen);
    let childless = codec.encode(&[0])[0];
    // The model drew no heavy parent at all.
    let drawn = TokenFanOut::new(codec).sample(&[childless; 500], Some(4581), &mut stream()).unwrap();

    assert_eq!(drawn.iter().sum::<u32>(), 4581);
    let mut with_children: Vec<u32> = drawn.into_iter().filter(|count| *count > 0).collect();
    with_children.sort_unstable();
    assert_eq!(with_children.len(), 2, "{with_children:?}");
    assert!(with_children[0] > 2000, "{with_children:?}");
}

#[test]
fn equal_heavy_counts_are_not_worn_away_by_the_total() {
    let counts: Vec<u32> = (0..1000).map(|parent| if parent % 4 == 0 { 0 } else { 48 }).collect();
    let codec = CountCodec::fit(&counts);
    let tokens = codec.encode(&counts);

    let drawn = TokenFanOut::new(codec).sample(&tokens, Some(36_500), &mut stream()).unwrap();

    assert_eq!(drawn.iter().sum::<u32>(), 36_500);
    assert!(drawn.iter().filter(|count| ![0, 48].contains(count)).count() <= 1);
}

proptest! {
    #[test]
    fn sums_equal_the_target(
        counts in prop::collection::vec(prop_oneof![Just(0_u32), 0_u32..5, 60_u32..500], 1..120),
        factor in 0.9_f64..1.1,
        forced in prop::option::of(0_u64..20_000),
    ) {
        let codec = CountCodec::fit(&counts);
        let tokens = codec.encode(&counts);
        let sum: u64 = counts.iter().map(|count| u64::from(*count)).sum();
        let target = forced.unwrap_or((sum as f64 * factor) as u64);
        let fan_out = TokenFanOut::new(codec);

        let drawn = fan_out.sample(&tokens, Some(target), &mut stream()).unwrap();

        prop_assert_eq!(drawn.iter().map(|count| u64::from(*count)).sum::<u64>(), target);
        prop_assert_eq!(&drawn, &fan_out.sample(&tokens, Some(target), &mut stream()).unwrap());
        if forced.is_none() && sum > 4 * counts.len() as u64 {
            let zeros = |counts: &[u32]| counts.iter().filter(|count| **count == 0).count() as f64;
            prop_assert!((zeros(&drawn) - zeros(&counts)).abs() <= 0.05 * counts.len() as f64 + 1.0);
        }
    }

    #[test]
    fn links_keep_every_rule(
        rows in prop::collection::vec((prop::bool::weighted(0.9), 0_u32..4, 0_u32..20), 0..150),
        parents in prop::collection::vec((0.0_f32..4.0, 0_u32..3), 0..30),
        grouped: bool,
        distinct: bool,
    ) {
        let present: Vec<bool> = rows.iter().map(|row| row.0).collect();
        let child_groups: Vec<u32> = rows.iter().map(|row| row.1).collect();
        let values: Vec<u32> = rows.iter().map(|row| row.2).collect();
        let stubs: Vec<f32> = parents.iter().map(|parent| parent.0).collect();
        let parent_groups: Vec<u32> = parents.iter().map(|parent| parent.1).collect();
        let ask = LinkRequest {
            groups: grouped.then_some((&child_groups[..], &parent_groups[..])),
            distinct_within: distinct.then_some(&values[..]),
            ..request(&present, &stubs)
        };

        let links = StubLinker::default().sample(&ask, &mut stream());

        prop_assert_eq!(&links, &StubLinker::default().sample(&ask, &mut stream()));
        let mut seen = std::collections::BTreeSet::new();
        let mut family = std::collections::BTreeMap::<(u32, u32), (usize, usize)>::new();
        for (row, parent) in links.parent.iter().enumerate() {
            let group = if grouped { child_groups[row] } else { 0 };
            let value = if distinct { values[row] } else { row as u32 };
            if *parent == NO_ROW {
                if present[row] {
                    family.entry((value, group)).or_default().1 += 1;
                }
                continue;
            }
            prop_assert!(present[row]);
            prop_assert!((*parent as usize) < parents.len());
            prop_assert!(!grouped || parent_groups[*parent as usize] == group);
            prop_assert!(seen.insert((value, *parent)));
            family.entry((value, group)).or_default().0 += 1;
        }
        // A row may be left without a parent only if its family already has every parent of its group.
        for ((_, group), (linked, left)) in family {
            let available = parent_groups.iter().filter(|g| !grouped || **g == group).count();
            prop_assert!(left == 0 || linked == available);
        }
    }

    #[test]
    fn forests_have_no_cycle(
        rows in prop::collection::vec((prop::bool::weighted(0.9), 0.0_f32..4.0, 0_u32..3, 0_u32..6), 1..120),
        grouped: bool,
        distinct: bool,
        profile in prop::option::of(prop::collection::vec(0.1_f64..1.0, 1..6)),
    ) {
        let present: Vec<bool> = rows.iter().map(|row| row.0).collect();
        let stubs: Vec<f32> = rows.iter().map(|row| row.1.floor()).collect();
        let groups: Vec<u32> = rows.iter().map(|row| row.2).collect();
        let values: Vec<u32> = rows.iter().map(|row| row.3).collect();
        let total: f64 = profile.iter().flatten().sum();
        let depth = profile.map(|levels| DepthProfile { levels: levels.iter().map(|l| l / total).collect() });
        let linker = StubLinker { depth };
        let ask = LinkRequest {
            groups: grouped.then_some((&groups[..], &groups[..])),
            distinct_within: distinct.then_some(&values[..]),
            forest: true,
            ..request(&present, &stubs)
        };

        let links = linker.sample(&ask, &mut stream());

        prop_assert!(depths(&links).iter().all(Option::is_some));
        let mut seen = std::collections::BTreeSet::new();
        for (row, parent) in links.parent.iter().enumerate().filter(|(_, parent)| **parent != NO_ROW) {
            prop_assert!(present[row]);
            prop_assert!(!grouped || groups[row] == groups[*parent as usize]);
            prop_assert!(!distinct || seen.insert((values[row], *parent)));
        }
        if !distinct {
            let orphans = (0..rows.len()).filter(|row| present[*row] && links.parent[*row] == NO_ROW);
            let allowed = if grouped { 3 } else { 1 };
            prop_assert!(orphans.count() <= allowed);
        }
    }
}

#[test]
fn a_generated_forest_branches_as_its_stubs_say() {
    let mut random = stream();
    // Every eleventh row has a crowd below it, two of eleven have a pair, the rest nobody.
    let stubs: Vec<f32> = (0..1100).map(|row| [6.0, 2.0, 2.0, 0.0][(row % 11).min(3)]).collect();
    let present: Vec<bool> = (0..1100).map(|row| row >= 100).collect();
    let ask = LinkRequest { forest: true, ..request(&present, &stubs) };

    let links = StubLinker::default().sample(&ask, &mut random);

    let fan_out = links.fan_out(1100);
    let kept =
        fan_out.iter().zip(&stubs).filter(|(count, stub)| (**count as f32 - **stub).abs() <= 1.0).count();
    assert!(kept > 1000, "{kept}");
    assert!(fan_out.iter().filter(|count| **count >= 5).count() > 85);
    assert!(depths(&links).iter().all(Option::is_some));
}
