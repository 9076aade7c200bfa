//! Claims about how far rows that are drawn together stray from what they are due.

use rand::Rng;

use super::{SEED, column, fitted, small, table, under};
use crate::{
    codec::SubColumn,
    conditioning::Conditioning,
    data::Families,
    generator::{Autoregressive, TrainingSet},
    seed::Seed,
};

/// A column, of counts of children or not, that is 0 in half of the rows, whatever the rest of the row is.
fn coins(counts_children: bool, conditioning: Conditioning) -> TrainingSet {
    let mut random = SEED.stream("coins", 0);
    let rows = conditioning.families.row_count();
    let mut below = |bound: u32| (0..rows).map(|_| (random.next_u32() % bound) as u16).collect::<Vec<_>>();
    let coin = SubColumn { counts_children, ..column("coin", 2, false) };
    let columns = vec![column("noise", 5, true), coin];
    let tokens = vec![below(5), below(2)];
    TrainingSet { name: "coins".to_owned(), rows: table(columns, tokens), conditioning }
}

/// The variance of the number of zeros over forty copies, as a share of what rows drawn each by itself have.
fn spread(set: &TrainingSet) -> f64 {
    let generator = fitted(&Autoregressive { settings: Some(small()) }, set);
    let zeros = |seed: u64| {
        let drawn = generator.sample(&set.conditioning, Seed(seed), "coins").unwrap();
        drawn.tokens[1].iter().filter(|token| **token == 0).count() as f64
    };
    let zeros: Vec<f64> = (0..40).map(zeros).collect();
    let mean = zeros.iter().sum::<f64>() / zeros.len() as f64;
    let rows = set.rows.row_count as f64;
    assert!((mean / rows - 0.5).abs() < 0.1, "{mean} of {rows}");
    let variance = zeros.iter().map(|zeros| (zeros - mean).powi(2)).sum::<f64>() / (zeros.len() - 1) as f64;
    variance / (mean * (1.0 - mean / rows))
}

#[test]
fn children_and_counts_of_children_are_balanced_and_entities_are_not() {
    let parents = table(vec![column("kind", 4, false)], vec![(0..150).map(|row| row % 4).collect()]);
    let entities = || Conditioning::free(Families::singletons(300));

    let children = spread(&coins(false, under(parents, &[2; 150])));
    let counts = spread(&coins(true, entities()));
    let alone = spread(&coins(false, entities()));

    // The shares of 40 copies vary by a good fifth themselves.
    assert!(children < 0.35, "{children}");
    assert!(counts < 0.35, "{counts}");
    assert!(alone > 0.5, "{alone}");
}
