//! What the stand-in keeps of the rows, and what it never shows.

use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{ArrayRef, Int64Array, StringArray, cast::AsArray, types::Int64Type};
use rand::RngExt;

use super::{
    Private, PrivateOptions,
    axis::{Axis, Item, Level, project},
    budget::Budget,
    lineage::Kinship,
    privatise,
    relations::Relation,
    table::{Given, LearnedTable, Subject},
};
use crate::{
    config::Config,
    data::{Families, Links, TableData},
    plan::Plan,
    privacy::{Guarantee, Purpose},
    rules::Rules,
    schema::{ColumnId, ForeignKeyId, Schema, TableId},
    seed::{Secret, Seed},
    snapshot::{Snapshot, TableSnapshot},
};

const SHOP: &str = "
    customers: *id, city:text, age!
    orders: *id, customer_id! > customers.id, state:text, total!
";

/// One customer and the orders below.
#[derive(Clone)]
struct Customer {
    city: Option<String>,
    age: i64,
    orders: Vec<(String, i64)>,
}

/// Customers of whom the older ones live in Rome and order more, and dearer things.
fn customers(count: usize) -> Vec<Customer> {
    let mut random = Seed(1).stream("shop", 0);
    (0..count)
        .map(|_| {
            let age = random.random_range(18..80);
            let old = age >= 50;
            let city = (random.random::<f64>() < 0.9)
                .then(|| if old { "Rome" } else { ["Oslo", "Paris"][random.random_range(0..2)] }.to_owned());
            let orders = (0..if old { 3 } else { random.random_range(0..2) }).map(|_| {
                let total = if old { random.random_range(500..1000) } else { random.random_range(1..50) };
                (["paid", "open"][usize::from(total > 700)].to_owned(), total)
            });
            let orders = orders.collect();
            Customer { city, age, orders }
        })
        .collect()
}

fn numbers(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(values.collect::<Int64Array>())
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn rows(columns: Vec<(usize, ArrayRef)>, count: usize) -> TableSnapshot {
    let (columns, arrays) = columns.into_iter().map(|(column, array)| (ColumnId(column), array)).unzip();
    TableSnapshot {
        total_rows: count as u64,
        data: TableData::new(columns, arrays, count),
        families: Families::singletons(count),
        parent_count: 0,
        known_families: Vec::new(),
        links: Vec::new(),
        present: Vec::new(),
        fan_out: Vec::new(),
        orphan_share: 0.0,
        dangling: Vec::new(),
        key_courses: Vec::new(),
        panel: None,
    }
}

fn snapshot(customers: &[Customer]) -> Snapshot {
    let cities = texts(customers.iter().map(|customer| customer.city.as_deref()));
    let ages = numbers(customers.iter().map(|customer| customer.age));
    let orders: Vec<&(String, i64)> = customers.iter().flat_map(|customer| &customer.orders).collect();
    let states = texts(orders.iter().map(|(state, _)| Some(state.as_str())));
    let totals = numbers(orders.iter().map(|(_, total)| *total));
    let counts: Vec<u32> = customers.iter().map(|customer| customer.orders.len() as u32).collect();
    let families = Families::from_counts(&counts);
    let parents = families.parent_of_rows();
    let below = TableSnapshot {
        parent_count: customers.len(),
        known_families: vec![true; customers.len()],
        links: vec![Links { parent: parents }],
        present: vec![vec![true; orders.len()]],
        fan_out: vec![counts],
        dangling: vec![0],
        key_courses: Vec::new(),
        panel: None,
        families,
        ..rows(vec![(2, states), (3, totals)], orders.len())
    };
    Snapshot { tables: vec![Some(rows(vec![(1, cities), (2, ages)], customers.len())), Some(below)] }
}

fn private(customers: &[Customer], epsilon: f64, secret: u64) -> Private {
    let schema: Schema = crate::plan::fixture(SHOP);
    let (plan, _) = Plan::build(&schema, &Config::default(), &[]).unwrap();
    let (rules, _) = Rules::declare(&schema);
    let options = PrivateOptions {
        schema: &schema,
        plan: &plan,
        rules: &rules,
        settings: &BTreeMap::new(),
        asked: Guarantee { epsilon, delta: 1e-6 },
        secret: Secret::fixed(secret),
        held_out: &|_| 0.0,
        rows: 100_000,
    };
    privatise(&snapshot(customers), options).unwrap()
}

fn ints(rows: &Snapshot, table: usize, column: usize) -> Vec<i64> {
    let rows = rows.table(TableId(table)).unwrap();
    rows.data.column(ColumnId(column)).unwrap().as_primitive::<Int64Type>().values().to_vec()
}

fn words(rows: &Snapshot, table: usize, column: usize) -> Vec<Option<String>> {
    let rows = rows.table(TableId(table)).unwrap();
    let array = rows.data.column(ColumnId(column)).unwrap().as_string::<i32>();
    array.iter().map(|text| text.map(str::to_owned)).collect()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let all: Vec<f64> = values.collect();
    all.iter().sum::<f64>() / all.len().max(1) as f64
}

#[test]
fn the_stand_in_has_the_rows_values_and_relations_of_many_entities() {
    let made = private(&customers(4_000), 8.0, 1).snapshot;

    let (cities, ages) = (words(&made, 0, 1), ints(&made, 0, 2));
    assert!((3_900..4_100).contains(&ages.len()), "{}", ages.len());
    assert!(ages.iter().all(|age| (0..=128).contains(age)));
    let nulls = cities.iter().filter(|city| city.is_none()).count() as f64 / cities.len() as f64;
    assert!((nulls - 0.1).abs() < 0.03, "{nulls}");
    let age_in = |wanted: &str| {
        mean(cities.iter().zip(&ages).filter(|(c, _)| c.as_deref() == Some(wanted)).map(|(_, a)| *a as f64))
    };
    assert!(age_in("Rome") > age_in("Oslo") + 15.0, "{} {}", age_in("Rome"), age_in("Oslo"));

    let orders = made.table(TableId(1)).unwrap();
    let counts = &orders.fan_out[0];
    let old = |row: usize| ages[row] >= 50;
    let of = |wanted: bool| {
        mean((0..counts.len()).filter(|row| old(*row) == wanted).map(|row| f64::from(counts[row])))
    };
    assert!(of(true) > 2.0 && of(false) < 1.2, "{} {}", of(true), of(false));
    let totals = ints(&made, 1, 3);
    let dear = |wanted: bool| {
        let parents = &orders.links[0].parent;
        mean(totals.iter().zip(parents).filter(|(_, p)| old(**p as usize) == wanted).map(|(t, _)| *t as f64))
    };
    assert!(dear(true) > 2.0 * dear(false), "{} {}", dear(true), dear(false));
    assert_eq!(orders.families.row_count(), totals.len());
    assert_eq!(orders.present[0], vec![true; totals.len()]);
}

#[test]
fn what_one_entity_alone_has_is_never_seen_however_often_it_has_it() {
    let mut all = customers(1_000);
    let canary = Customer {
        city: Some("Xanadu".to_owned()),
        age: 4_000_000,
        orders: vec![("haunted".to_owned(), 1 << 50); 5_000],
    };
    all.push(canary);
    for secret in 0..3 {
        let made = private(&all, 8.0, secret).snapshot;

        assert!(!words(&made, 0, 1).contains(&Some("Xanadu".to_owned())));
        assert!(!words(&made, 1, 2).contains(&Some("haunted".to_owned())));
        assert!(ints(&made, 0, 2).iter().all(|age| *age < 1_000));
        assert!(ints(&made, 1, 3).iter().all(|total| *total < 100_000));
        // Nor do its five thousand orders show in their number.
        assert!(ints(&made, 1, 3).len() < 2_500, "{}", ints(&made, 1, 3).len());
    }
}

#[test]
fn the_secret_alone_decides_the_noise() {
    let all = customers(300);
    let tables = |secret| {
        let made = private(&all, 3.0, secret).snapshot;
        (words(&made, 0, 1), ints(&made, 0, 2), ints(&made, 1, 3))
    };

    assert_eq!(tables(1), tables(1));
    assert_ne!(tables(1), tables(2));
}

#[test]
fn no_more_is_spent_than_was_asked_for_and_most_of_it_is_used() {
    for epsilon in [0.5, 1.0, 3.0, 10.0] {
        let ledger = private(&customers(500), epsilon, 1).ledger;

        assert_eq!(ledger.groups.len(), 1);
        let spent = ledger.achieved.epsilon;
        assert!(spent <= epsilon && spent > 0.7 * epsilon, "{epsilon}: {spent}");
        assert_eq!(ledger.groups[0].tables[0].rows, 1);
        // Of five hundred customers hardly more than noise is seen with little to spend.
        let sure = if epsilon < 3.0 { 3..=16 } else { 3..=4 };
        assert!(sure.contains(&ledger.groups[0].tables[1].rows), "{epsilon}: {:?}", ledger.groups[0].tables);
    }
}

#[test]
fn noise_of_counts_is_as_wide_as_paid_for_and_whole() {
    let asked = Guarantee { epsilon: 3.0, delta: 1e-6 };
    let mut budget = Budget::new(asked, Secret::fixed(5), TableId(0)).unwrap();
    let mut look = budget.look((Purpose::Counts, 1.0), 1, 2.0);
    let mut counts = vec![100.0; 20_000];
    look.blur(&mut counts);

    let variance = mean(counts.iter().map(|count| (count - 100.0).powi(2)));
    assert!((variance.sqrt() / look.sigma - 1.0).abs() < 0.03, "{} {}", variance.sqrt(), look.sigma);
    assert!(counts.iter().all(|count| count.fract() == 0.0));
    assert_eq!(look.sigma, budget.sigma((Purpose::Counts, 1.0), 1, 2.0));
}

#[test]
fn a_value_of_one_entity_passes_a_threshold_as_rarely_as_paid_for() {
    // So large a delta that the rare case can be counted.
    let asked = Guarantee { epsilon: 3.0, delta: 0.1 };
    let mut budget = Budget::new(asked, Secret::fixed(5), TableId(0)).unwrap();
    let mut look = budget.look((Purpose::Counts, 1.0), 1, 1.0);
    let threshold = budget.threshold(look.sigma, 1);
    let mut counts = vec![1.0; 100_000];
    look.blur(&mut counts);

    let passed = counts.iter().filter(|count| **count > threshold).count() as f64 / counts.len() as f64;
    assert!(passed <= 0.05 + 0.002, "{passed}");
}

#[test]
fn the_best_candidate_is_chosen_where_it_stands_out_and_any_where_none_does() {
    let asked = Guarantee { epsilon: 3.0, delta: 1e-6 };
    let mut budget = Budget::new(asked, Secret::fixed(5), TableId(0)).unwrap();
    let mut wins = [0; 3];
    for _ in 0..300 {
        assert_eq!(budget.choose(1, &[0.0, 1e4, 0.0], 1.0), 1);
        wins[budget.choose(1, &[0.0, 0.0, 0.0], 1.0)] += 1;
    }
    assert!(wins.iter().all(|wins| (70..130).contains(wins)), "{wins:?}");
}

/// A table of random tokens: three columns of four tokens each, entities of up to three siblings in it.
fn tokens(entities: u32) -> LearnedTable {
    let mut random = Seed(2).stream("tokens", 0);
    let mut table = LearnedTable { expected: 300.0, ..LearnedTable::default() };
    let mut kin = Kinship::default();
    for entity in 0..entities {
        for place in 0..random.random_range(1..=3) {
            let row = kin.entity.len() as u32;
            kin.before.push(if place == 0 { u32::MAX } else { row - 1 });
            kin.place.push(place);
            kin.entity.push(entity);
            kin.above.push(entity);
        }
    }
    for column in 0..3 {
        let axis = Axis::new(false, (0..4).map(|n| Item::Number(f64::from(n))).collect());
        let values: Vec<u16> = (0..kin.entity.len()).map(|_| random.random_range(0..4)).collect();
        table.push(Subject::Link(ForeignKeyId(column)), axis.clone(), values);
        let shares = vec![0.4, 0.3, 0.2, 0.1];
        table.levels.push([3, 6, 12, 24].map(|most| Level::new(&axis, &shares, most)).to_vec());
        table.shares.push(shares);
    }
    table.kin = kin;
    table
}

#[test]
fn one_entity_moves_scores_and_counts_by_no_more_than_is_paid_for() {
    let table = tokens(40);
    let all: Vec<u32> = (0..table.kin.entity.len() as u32).collect();
    let given =
        [vec![(Given::Own(0), 1)], vec![(Given::Before(2), 0), (Given::Own(1), 1)], vec![(Given::Place, 0)]];
    for given in given {
        let relation = Relation { level: 1, given, shares: Vec::new() };
        for left_out in 0..40 {
            let rest: Vec<u32> =
                all.iter().copied().filter(|row| table.kin.entity[*row as usize] != left_out).collect();
            let rows = (all.len() - rest.len()) as f64;
            let with = table.view(None, (&all, 3.0));
            let without = table.view(None, (&rest, 3.0));

            let moved = (with.score(2, &relation, 1.0) - without.score(2, &relation, 1.0)).abs();
            assert!(moved <= 2.0 * rows + 1e-9, "{moved} by {rows} rows");
            let counts = with.count(2, &relation);
            let rest = without.count(2, &relation);
            let length: f64 = counts.iter().zip(&rest).map(|(a, b)| (a - b).powi(2)).sum();
            assert!(length.sqrt() <= rows + 1e-9);
        }
    }
}

#[test]
fn noisy_counts_become_the_nearest_shares() {
    assert_eq!(project(&[6.0, 2.0, 2.0]), [0.6, 0.2, 0.2]);
    let shares = project(&[12.0, -4.0, 2.0]);
    assert!(shares[1] == 0.0 && (shares.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{shares:?}");
    assert_eq!(project(&[-3.0, -3.0]), [0.5, 0.5]);
}

#[test]
fn tokens_find_their_values_and_values_their_tokens() {
    let axis = Axis::new(true, vec![Item::Span(10.0, 20.0), Item::Number(5.0), Item::Span(0.0, 10.0)]);

    assert_eq!(axis.size(), 4);
    assert_eq!([5.0, 6.0, 15.0, 99.0, -3.0].map(|n| axis.of_number(n)), [2, 1, 3, 3, 1]);
    assert_eq!(axis.item(0), None);
    assert_eq!(axis.item(2), Some(&Item::Number(5.0)));
    let level = Level::new(&axis, &[0.1, 0.3, 0.1, 0.5], 3);
    assert_eq!((level.groups, level.of), (3, vec![0, 1, 1, 2]));
    let labels = Axis::new(false, ["a", "b", "c", "d"].map(|text| Item::Text(text.to_owned())).to_vec());
    assert_eq!(labels.of_text("c"), 2);
    assert_eq!(Level::new(&labels, &[0.1, 0.2, 0.5, 0.2], 2).of, [1, 1, 0, 1]);
}
