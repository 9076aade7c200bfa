//! What several determinants decide together is found where it was planted, and never in noise.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array};
use rand::RngExt;

use super::super::tests::found;
use super::{Determinant, Inherited};
use crate::{
    data::TableData,
    plan::fixture,
    schema::{ColumnId, ForeignKeyId},
    seed::{Seed, Stream},
};

const SIZE: ColumnId = ColumnId(3);
const PRICE: ColumnId = ColumnId(4);
const STOCK: ColumnId = ColumnId(5);
const RARE: ColumnId = ColumnId(6);

/// Offers of products by shops.
struct Market {
    product_of: Vec<u32>,
    shop_of: Vec<u32>,
    size: Vec<i64>,
    price: Vec<i64>,
    stock: Vec<i64>,
    rare: Vec<i64>,
    parents: u32,
}

impl Market {
    /// Offers in which nothing decides anything: a third column is hardly ever set, which looks like a rule.
    fn noise(seed: u64, offers: usize, parents: u32) -> Self {
        let mut random = Seed(seed).stream("market", 0);
        let mut some = |below: u32| (0..offers).map(|_| random.random_range(0..below)).collect::<Vec<_>>();
        let (product_of, shop_of) = (some(parents), some(parents));
        let mut numbers = |below| some(below).into_iter().map(i64::from).collect::<Vec<_>>();
        let (size, price, stock) = (numbers(4), numbers(500), numbers(50));
        let rare = numbers(400).into_iter().map(|number| i64::from(number == 0)).collect();
        Self { product_of, shop_of, size, price, stock, rare, parents }
    }

    /// Sets every price by what `of` says of product, shop and size.
    fn priced(mut self, of: impl Fn(u32, u32, i64) -> i64) -> Self {
        for row in 0..self.price.len() {
            self.price[row] = of(self.product_of[row], self.shop_of[row], self.size[row]);
        }
        self
    }

    /// Gives some rows a price of their own.
    fn with_exceptions(mut self, rows: usize) -> Self {
        let step = self.price.len() / rows;
        self.price.iter_mut().step_by(step).take(rows).for_each(|price| *price += 1);
        self
    }

    /// What is said to be decided jointly, with what decides it.
    fn rules(&self) -> Vec<Inherited> {
        let schema = fixture(
            "product: *id, weight
             shop: *id, floor
             offer: *id, product_id! > product.id, shop_id! > shop.id, size, price, stock, rare",
        );
        let mut random = Seed(9).stream("parents", 0);
        let parents = self.parents as usize;
        let column = |random: &mut Stream| -> ArrayRef {
            Arc::new((0..parents).map(|_| random.random_range(0..1000_i64)).collect::<Int64Array>())
        };
        let mut above = || TableData::new(vec![ColumnId(1)], vec![column(&mut random)], parents);
        let arrays = [&self.size, &self.price, &self.stock, &self.rare]
            .map(|values| Arc::new(Int64Array::from(values.clone())) as ArrayRef);
        let offers = TableData::new(vec![SIZE, PRICE, STOCK, RARE], arrays.to_vec(), self.size.len());
        let links = [Vec::new(), Vec::new(), vec![self.product_of.clone(), self.shop_of.clone()]];
        let rules = found(&schema, [above(), above(), offers], links);
        let all = rules.tables.into_iter().flat_map(|table| table.inherited);
        all.filter(|rule| !rule.beside.is_empty()).collect()
    }
}

/// A price that looks like nothing.
fn price(one: u32, other: u32) -> i64 {
    i64::from((one * 7919 + other * 104_729 + one * other * 31) % 9973)
}

fn decided_by_both(rules: &[Inherited]) -> bool {
    let [rule] = rules else { return false };
    rule.to == PRICE
        && rule.path == [ForeignKeyId(0)]
        && rule.beside == [Determinant::Ancestor(vec![ForeignKeyId(1)])]
}

#[test]
fn a_value_of_two_parents_is_found() {
    let market = Market::noise(1, 2000, 15).priced(|product, shop, _| price(product, shop));

    let rules = market.rules();

    assert!(decided_by_both(&rules), "{rules:?}");
    assert_eq!(rules[0].ancestors, 224, "combinations of two rows or more");
}

#[test]
fn few_rows_may_differ_and_more_may_not() {
    let market = |rows| {
        let market = Market::noise(2, 4000, 15).priced(|product, shop, _| price(product, shop));
        market.with_exceptions(rows).rules()
    };

    assert!(decided_by_both(&market(10)));
    assert_eq!(market(80), []);
}

#[test]
fn a_value_of_a_parent_and_a_column_of_the_row_is_found() {
    let market = Market::noise(3, 2000, 40).priced(|product, _, size| price(product, size as u32));

    let rules = market.rules();

    assert_eq!(rules.len(), 1, "{rules:?}");
    assert_eq!((rules[0].to, &rules[0].path[..]), (PRICE, &[ForeignKeyId(0)][..]));
    assert_eq!(rules[0].beside, [Determinant::Column(SIZE)]);
}

#[test]
fn a_value_of_three_determinants_is_found() {
    let market =
        Market::noise(4, 4000, 12).priced(|product, shop, size| price(product, shop * 4 + size as u32));

    let rules = market.rules();

    assert_eq!(rules.len(), 1, "{rules:?}");
    let beside = [Determinant::Ancestor(vec![ForeignKeyId(1)]), Determinant::Column(SIZE)];
    assert_eq!(rules[0].beside, beside);
}

#[test]
fn what_one_parent_decides_needs_no_other() {
    assert_eq!(Market::noise(5, 2000, 15).priced(|product, _, _| price(product, 0)).rules(), []);
    // Nor does it where few rows differ.
    let nearly = Market::noise(5, 2000, 15).priced(|product, _, _| price(product, 0)).with_exceptions(8);
    assert_eq!(nearly.rules(), []);
}

#[test]
fn combinations_that_hardly_repeat_prove_nothing() {
    let market = Market::noise(6, 2000, 300).priced(|product, shop, _| price(product, shop));

    assert_eq!(market.rules(), []);
}

#[test]
fn nothing_is_found_in_noise() {
    for seed in 0..20 {
        for parents in [3, 15, 60, 800] {
            assert_eq!(Market::noise(seed, 1500, parents).rules(), [], "seed {seed}, {parents} parents");
        }
    }
}
