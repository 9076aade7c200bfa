//! Each relation across tables is found where it was planted, refused after one exception, and never found in noise.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray};
use proptest::prelude::*;
use rand::RngExt;

use super::{
    AggregateFunction, Childless, Given, Heirloom, Inheritance, Observed, ObservedTable, discover_all,
};
use crate::{
    config::Config,
    data::{Families, Links, NO_ROW, TableData},
    plan::{Plan, fixture},
    privacy::Guard,
    rules::{Product, Rule, Rules, TableRules, Value, enforce, recompute},
    schema::{ColumnId, ForeignKeyId, Schema, TableId},
    seed::{Seed, Stream},
};

/// Tables by their place in [`shop`]'s schema.
const CUSTOMER: usize = 0;
const PURCHASE: usize = 1;
const REGION: usize = 2;

/// Attributes of a customer and of a purchase, by their place in the schema.
const JOINED: ColumnId = ColumnId(2);
const PAID: ColumnId = ColumnId(3);
const ORDERS: ColumnId = ColumnId(4);
const LAST: ColumnId = ColumnId(5);
const RATED: ColumnId = ColumnId(6);
const PLACED: ColumnId = ColumnId(2);
const PRICE: ColumnId = ColumnId(3);
const QUANTITY: ColumnId = ColumnId(4);
const AREA: ColumnId = ColumnId(5);
const TIER: ColumnId = ColumnId(6);
const STARS: ColumnId = ColumnId(7);

/// What the rows of a small shop hold; tests break one value of it.
struct Shop {
    customer_of: Vec<u32>,
    region_of: Vec<u32>,
    region_names: Vec<String>,
    joined: Vec<i32>,
    paid: Vec<f64>,
    orders: Vec<i64>,
    last: Vec<Option<i32>>,
    rated: Vec<f64>,
    placed: Vec<i32>,
    price: Vec<f64>,
    quantity: Vec<i64>,
    area: Vec<String>,
    tier: Vec<i64>,
    stars: Vec<i64>,
}

fn cents(value: f64) -> f64 {
    (value * 100.0 + 1e-7).round() / 100.0
}

impl Shop {
    /// 20 regions of 200 customers of 0 to 8 purchases each.
    fn new() -> Self {
        let mut random = Seed(3).stream("shop", 0);
        let regions = 20;
        let region_of: Vec<u32> = (0..200).map(|customer| customer / 10).collect();
        let region_names: Vec<String> = (0..regions).map(|region| format!("region {region}")).collect();
        let counts: Vec<u32> = (0..200).map(|_| random.random_range(0..9)).collect();
        let customer_of = Families::from_counts(&counts).parent_of_rows();
        let joined: Vec<i32> = (0..200).map(|_| random.random_range(15_000..16_000)).collect();
        let tiers: Vec<i64> = (0..200).map(|_| random.random_range(1..5)).collect();
        let mut placed: Vec<i32> =
            customer_of.iter().map(|c| joined[*c as usize] + random.random_range(0..400)).collect();
        let mut shop = Self {
            price: customer_of.iter().map(|_| f64::from(random.random_range(100..9999)) / 100.0).collect(),
            quantity: customer_of.iter().map(|_| random.random_range(1..6)).collect(),
            area: customer_of.iter().map(|c| region_names[region_of[*c as usize] as usize].clone()).collect(),
            tier: customer_of.iter().map(|c| tiers[*c as usize]).collect(),
            stars: customer_of.iter().map(|_| random.random_range(1..6)).collect(),
            paid: vec![0.0; 200],
            orders: counts.iter().map(|count| i64::from(*count)).collect(),
            last: vec![None; 200],
            rated: vec![0.0; 200],
            placed: std::mem::take(&mut placed),
            region_of,
            region_names,
            joined,
            customer_of,
        };
        for customer in 0..200 {
            let own: Vec<usize> =
                (0..shop.customer_of.len()).filter(|row| shop.customer_of[*row] == customer as u32).collect();
            let paid: f64 = own.iter().map(|row| shop.price[*row] * shop.quantity[*row] as f64).sum();
            shop.paid[customer] = cents(paid);
            shop.last[customer] = own.iter().map(|row| shop.placed[*row]).max();
            let stars: i64 = own.iter().map(|row| shop.stars[*row]).sum();
            shop.rated[customer] = cents(stars as f64 / own.len().max(1) as f64);
        }
        shop
    }

    fn purchases(&self) -> TableData {
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(Date32Array::from(self.placed.clone())),
            Arc::new(Float64Array::from(self.price.clone())),
            Arc::new(Int64Array::from(self.quantity.clone())),
            Arc::new(StringArray::from(self.area.clone())),
            Arc::new(Int64Array::from(self.tier.clone())),
            Arc::new(Int64Array::from(self.stars.clone())),
        ];
        let columns = vec![PLACED, PRICE, QUANTITY, AREA, TIER, STARS];
        TableData::new(columns, arrays, self.customer_of.len())
    }

    fn customers(&self) -> TableData {
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(Date32Array::from(self.joined.clone())),
            Arc::new(Float64Array::from(self.paid.clone())),
            Arc::new(Int64Array::from(self.orders.clone())),
            Arc::new(Date32Array::from(self.last.clone())),
            Arc::new(Float64Array::from(self.rated.clone())),
        ];
        TableData::new(vec![JOINED, PAID, ORDERS, LAST, RATED], arrays, self.joined.len())
    }

    fn rules(&self) -> Rules {
        let names: ArrayRef = Arc::new(StringArray::from(self.region_names.clone()));
        let regions = TableData::new(vec![ColumnId(1)], vec![names], self.region_names.len());
        let links = [vec![self.region_of.clone()], vec![self.customer_of.clone()], Vec::new()];
        found(&shop_schema(), [self.customers(), self.purchases(), regions], links)
    }
}

fn shop_schema() -> Schema {
    fixture(
        "customer: *id, region_id! > region.id, joined, paid!, orders!, last, rated
         purchase: *id, customer_id! > customer.id, placed, price, quantity, area:text, tier, stars
         region: *id, name:text",
    )
}

/// Everything found in tables read whole; `links` are per table and foreign key.
pub(super) fn found<const N: usize>(
    schema: &Schema,
    data: [TableData; N],
    links: [Vec<Vec<u32>>; N],
) -> Rules {
    let real_rows: Vec<u64> = data.iter().map(|data| data.row_count as u64).collect();
    let (plan, _) = Plan::build(schema, &Config::default(), &real_rows).unwrap();
    let mut tables = Vec::new();
    for (index, data) in data.iter().enumerate() {
        let links: Vec<Links> = links[index].iter().map(|parent| Links { parent: parent.clone() }).collect();
        let parents = |fk: usize| data_rows(schema, index, fk, &real_rows);
        let fan_out: Vec<Vec<u32>> =
            links.iter().enumerate().map(|(fk, links)| links.fan_out(parents(fk))).collect();
        let present: Vec<Vec<bool>> =
            links.iter().map(|links| links.parent.iter().map(|row| *row != NO_ROW).collect()).collect();
        let families = match plan.table(TableId(index)).context {
            Some(context) => Families::from_counts(&fan_out[context.0]),
            None => Families::singletons(data.row_count),
        };
        let textual = data.columns.iter().zip(&data.arrays);
        let textual = textual.filter(|(_, array)| *array.data_type() == arrow_schema::DataType::Utf8);
        let labels: Vec<ColumnId> = textual.map(|(column, _)| *column).collect();
        tables.push((data, families, links, present, fan_out, labels));
    }
    let tables = tables
        .iter()
        .map(|(data, families, links, present, fan_out, labels)| {
            let total_rows = data.row_count as u64;
            Some(ObservedTable {
                data,
                families,
                links,
                present,
                fan_out,
                total_rows,
                key_courses: &[],
                panel: None,
                labels,
                guard: Guard::rows(5),
            })
        })
        .collect();
    let declared = Rules { tables: vec![TableRules::default(); N] };
    discover_all(&Observed { schema, plan: &plan, tables }, &declared)
}

fn data_rows(schema: &Schema, child: usize, fk: usize, rows: &[u64]) -> usize {
    rows[schema.tables[child].foreign_keys[fk].parent.0] as usize
}

fn inheritance(rules: &Rules, to: ColumnId) -> Option<(Vec<ForeignKeyId>, Inheritance)> {
    let rule = rules.tables[PURCHASE].inherited.iter().find(|rule| rule.to == to)?;
    Some((rule.path.clone(), rule.how))
}

fn total(rules: &Rules, to: ColumnId) -> Option<(AggregateFunction, Childless)> {
    let rule = rules.tables[CUSTOMER].aggregates.iter().find(|rule| rule.to == to)?;
    assert_eq!((rule.child, rule.foreign_key), (TableId(PURCHASE), ForeignKeyId(0)));
    Some((rule.function.clone(), rule.childless.clone()))
}

/// The customer of most purchases, and its first purchase.
fn busiest(shop: &Shop) -> (usize, usize) {
    let customer = (0..200).max_by_key(|customer| shop.orders[*customer]).unwrap();
    (customer, shop.customer_of.iter().position(|c| *c as usize == customer).unwrap())
}

#[test]
fn a_sum_of_products_over_the_children_is_found_and_one_exception_denies_it() {
    let mut shop = Shop::new();

    let product = Product { factors: vec![PRICE, QUANTITY], share: None };
    let sum = AggregateFunction::Sum { of: product, part_decimals: None };
    assert_eq!(total(&shop.rules(), PAID), Some((sum, Childless::Computed)));

    let (customer, _) = busiest(&shop);
    shop.paid[customer] += 0.01;
    assert_eq!(total(&shop.rules(), PAID), None);
}

#[test]
fn a_number_of_children_is_found_and_one_exception_denies_it() {
    let mut shop = Shop::new();

    assert_eq!(total(&shop.rules(), ORDERS), Some((AggregateFunction::Count, Childless::Computed)));

    shop.orders[7] += 1;
    assert_eq!(total(&shop.rules(), ORDERS), None);
}

#[test]
fn a_number_of_children_may_count_from_one() {
    let mut shop = Shop::new();
    shop.orders.iter_mut().for_each(|orders| *orders += 1);

    let rules = shop.rules();

    let rule = rules.tables[CUSTOMER].aggregates.iter().find(|rule| rule.to == ORDERS).unwrap();
    assert_eq!((&rule.function, &rule.offset), (&AggregateFunction::Count, &Value::Float(1.0)));
    let values = rule.values(&shop.purchases(), &[0, 0, 2], 3);
    assert_eq!(values, [Some(Value::Float(3.0)), Some(Value::Float(1.0)), Some(Value::Float(2.0))]);
}

#[test]
fn the_last_day_of_the_children_is_found_and_one_exception_denies_it() {
    let mut shop = Shop::new();

    let greatest = (AggregateFunction::Max(PLACED), Childless::Always(Value::Null));
    assert_eq!(total(&shop.rules(), LAST), Some(greatest));

    let (customer, _) = busiest(&shop);
    shop.last[customer] = shop.last[customer].map(|day| day + 1);
    assert_eq!(total(&shop.rules(), LAST), None);
}

#[test]
fn a_mean_over_the_children_is_found_and_one_exception_denies_it() {
    let mut shop = Shop::new();

    assert_eq!(
        total(&shop.rules(), RATED),
        Some((AggregateFunction::Mean(STARS), Childless::Always(Value::Float(0.0))))
    );

    let (customer, _) = busiest(&shop);
    shop.rated[customer] += 0.01;
    assert_eq!(total(&shop.rules(), RATED), None);
}

#[test]
fn the_first_childs_value_is_found_by_day() {
    let mut shop = Shop::new();
    for customer in 0..200 {
        let own = (0..shop.customer_of.len()).filter(|row| shop.customer_of[*row] == customer as u32);
        let first = own.min_by_key(|row| (shop.placed[*row], *row));
        shop.rated[customer] = first.map_or(0.0, |row| shop.price[row]);
    }

    let first = AggregateFunction::First { of: PRICE, by: Some(PLACED) };
    assert_eq!(total(&shop.rules(), RATED).map(|(function, _)| function), Some(first));
}

#[test]
fn totals_need_families_that_tell_a_sum_from_a_maximum() {
    let mut shop = Shop::new();
    // One purchase each: a sum, a mean and a maximum are all one.
    let rows: Vec<usize> =
        (0..200).filter_map(|c| shop.customer_of.iter().position(|customer| *customer == c)).collect();
    shop.customer_of = rows.iter().map(|row| shop.customer_of[*row]).collect();
    shop.placed.truncate(rows.len());
    shop.price.truncate(rows.len());
    shop.quantity.truncate(rows.len());
    shop.area.truncate(rows.len());
    shop.tier.truncate(rows.len());
    shop.stars.truncate(rows.len());
    for (row, customer) in shop.customer_of.iter().enumerate() {
        shop.paid[*customer as usize] = shop.price[row];
    }

    assert_eq!(total(&shop.rules(), PAID), None);
}

#[test]
fn a_copy_of_a_grandparents_value_is_found_and_one_exception_denies_it() {
    let mut shop = Shop::new();
    let name = ColumnId(1);

    let path = vec![ForeignKeyId(0), ForeignKeyId(0)];
    assert_eq!(inheritance(&shop.rules(), AREA), Some((path, Inheritance::Copy(name))));
    assert!(shop.rules().tables[PURCHASE].computed().contains(&AREA), "it need not be sampled");
    assert!(shop.rules().tables[REGION].inherited.is_empty());

    let (_, first) = busiest(&shop);
    shop.area[first] = "elsewhere".to_owned();
    assert_eq!(inheritance(&shop.rules(), AREA), None);
}

#[test]
fn one_value_for_all_children_is_found_and_one_exception_denies_it() {
    let mut shop = Shop::new();

    assert_eq!(inheritance(&shop.rules(), TIER), Some((vec![ForeignKeyId(0)], Inheritance::Shared)));

    let (_, first) = busiest(&shop);
    shop.tier[first] = 9;
    assert_eq!(inheritance(&shop.rules(), TIER), None);
}

#[test]
fn no_child_before_its_parent_is_found_and_one_exception_denies_it() {
    let mut shop = Shop::new();

    assert_eq!(
        inheritance(&shop.rules(), PLACED),
        Some((vec![ForeignKeyId(0)], Inheritance::NotBefore(JOINED)))
    );

    let (customer, first) = busiest(&shop);
    shop.placed[first] = shop.joined[customer] - 1;
    assert_eq!(inheritance(&shop.rules(), PLACED), None);
}

#[test]
fn twenty_rows_prove_nothing_across_tables() {
    let mut shop = Shop::new();
    shop.customer_of.truncate(20);
    for values in [&mut shop.tier, &mut shop.stars, &mut shop.quantity] {
        values.truncate(20);
    }
    shop.price.truncate(20);
    shop.placed.truncate(20);
    shop.area.truncate(20);
    shop.orders =
        Links { parent: shop.customer_of.clone() }.fan_out(200).into_iter().map(i64::from).collect();

    let rules = shop.rules();

    assert_eq!(rules.tables[CUSTOMER].aggregates, []);
    assert_eq!(rules.tables[PURCHASE].inherited, []);
}

#[test]
fn what_ancestors_give_is_kept_whatever_was_drawn() {
    let rules = Shop::new().rules();
    let schema = shop_schema();
    let own = &rules.tables[PURCHASE];
    let day = |days: &[i32]| -> ArrayRef { Arc::new(Date32Array::from(days.to_vec())) };
    let drawn = TableData::new(
        vec![PLACED, TIER],
        vec![day(&[15_500, 15_100, 15_300]), Arc::new(Int64Array::from(vec![1, 2, 3]))],
        3,
    );
    let heirloom = |how: Inheritance| match how {
        Inheritance::Copy(_) => {
            Heirloom::Values(Arc::new(StringArray::from(vec!["north", "north", "south"])))
        }
        Inheritance::Shared => Heirloom::Ancestors(vec![4, 4, 9]),
        _ => Heirloom::Values(day(&[15_200, 15_200, 15_300])),
    };
    let found: Vec<_> = own.inherited.iter().map(|rule| (rule, heirloom(rule.how))).collect();
    let given = Given::new(&found, &drawn);

    let (kept, changed) = enforce(&own.discovered, &schema.tables[PURCHASE], drawn, &given);

    let read = |column, row| Value::read(kept.column(column).unwrap(), row);
    assert_eq!(read(AREA, 2), Value::Text("south".to_owned()));
    assert_eq!(
        (read(TIER, 0), read(TIER, 1), read(TIER, 2)),
        (Value::Integer(1), Value::Integer(1), Value::Integer(3))
    );
    assert_eq!((read(PLACED, 0), read(PLACED, 2)), (Value::Date(15_500), Value::Date(15_300)));
    // The day before the customer joined moved behind it by as much as another row is behind its own.
    assert!([Value::Date(15_500), Value::Date(15_200)].contains(&read(PLACED, 1)), "{:?}", read(PLACED, 1));
    assert_eq!(changed, 1, "what is given is not counted");
}

#[test]
fn a_total_that_breaks_a_check_is_not_put_in() {
    let shop = Shop::new();
    let mut rules = shop.rules().tables.remove(CUSTOMER);
    let mut schema = shop_schema();
    schema.tables[CUSTOMER].checks = vec![crate::schema::Check {
        name: "at_most_five".to_owned(),
        expression: "(orders <= 5)".to_owned(),
        domain_column: None,
    }];
    rules.checks = Rules::declare(&schema).0.tables.remove(CUSTOMER).checks;
    rules.aggregates.retain(|total| total.to == ORDERS);
    let rows = shop.customers().take(&[0, 1, 2]);
    let before = Value::read(rows.column(ORDERS).unwrap(), 1);
    let totals = vec![[2.0, 6.0, 4.0].map(|count| Some(Value::Float(count))).to_vec()];

    let done = recompute(&rules, &schema.tables[CUSTOMER], &rows, &totals, &Given::default());

    let orders: Vec<Value> = (0..3).map(|row| Value::read(done.rows.column(ORDERS).unwrap(), row)).collect();
    assert_eq!(orders, [Value::Integer(2), before, Value::Integer(4)]);
    assert_eq!(done.left, 1);
}

/// Items of products with a price, and of carts.
fn carts(edit: impl Fn(&mut Vec<f64>, &mut Vec<f64>)) -> (Schema, Rules) {
    let schema = fixture(
        "cart: *id, paid
         item: *id, cart_id! > cart.id cascade, product_id! > product.id, quantity, cost
         product: *id, price, weight",
    );
    let mut random = Seed(9).stream("carts", 0);
    let price: Vec<f64> = (0..60).map(|_| f64::from(random.random_range(100..9999)) / 100.0).collect();
    let weight: Vec<i64> = (0..60).map(|_| random.random_range(1..900)).collect();
    let counts: Vec<u32> = (0..150).map(|_| random.random_range(1..6)).collect();
    let cart = Families::from_counts(&counts).parent_of_rows();
    let product: Vec<u32> = cart.iter().map(|_| random.random_range(0..60)).collect();
    let quantity: Vec<i64> = cart.iter().map(|_| random.random_range(1..6)).collect();
    let mut cost: Vec<f64> =
        product.iter().zip(&quantity).map(|(p, q)| cents(price[*p as usize] * *q as f64)).collect();
    let mut paid = vec![0.0; 150];
    for (cart, cost) in cart.iter().zip(&cost) {
        paid[*cart as usize] += cost;
    }
    paid.iter_mut().for_each(|paid| *paid = cents(*paid));
    edit(&mut cost, &mut paid);
    let float = |values: Vec<f64>| -> ArrayRef { Arc::new(Float64Array::from(values)) };
    let integer = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
    let (items, products) = (cart.len(), price.len());
    let data = [
        TableData::new(vec![ColumnId(1)], vec![float(paid)], 150),
        TableData::new(vec![ColumnId(3), ColumnId(4)], vec![integer(quantity), float(cost)], items),
        TableData::new(vec![ColumnId(1), ColumnId(2)], vec![float(price), integer(weight)], products),
    ];
    let rules = found(&schema, data, [Vec::new(), vec![cart, product], Vec::new()]);
    (schema, rules)
}

#[test]
fn a_cost_is_the_price_of_the_product_times_quantity_and_one_exception_denies_it() {
    let (schema, rules) = carts(|_, _| {});

    let words = |schema: &Schema, rules: &Rules, table: usize| {
        rules.tables[table].describe(schema, TableId(table), &|id| Some(rules.table(id).clone()))
    };
    assert_eq!(words(&schema, &rules, 1).len(), 1);
    assert!(words(&schema, &rules, 1)[0].starts_with("cost = quantity · product.price"), "{rules:?}");
    assert_eq!(rules.tables[1].borrowed.len(), 1, "what no rule reads is not kept");

    let (_, rules) = carts(|cost, _| cost[17] += 0.01);
    assert_eq!(rules.tables[1].discovered, []);
    assert_eq!(rules.tables[1].borrowed.len(), 1, "the carts still add up the prices");
}

#[test]
fn a_total_may_add_up_prices_that_only_the_product_knows() {
    // The cost of an item is noise here.
    let scramble =
        |cost: &mut Vec<f64>| cost.iter_mut().enumerate().for_each(|(i, c)| *c = (i * 37 % 911) as f64);
    let (_, rules) = carts(|cost, _| scramble(cost));

    let total = &rules.tables[0].aggregates[0];
    let price = rules.tables[1].borrowed[0].known_as;
    let product = Product { factors: vec![ColumnId(3), price], share: None };
    assert_eq!(total.function, AggregateFunction::Sum { of: product, part_decimals: None });

    let (_, rules) = carts(|cost, paid| {
        scramble(cost);
        paid[3] += 0.01;
    });
    assert_eq!(rules.tables[0].aggregates, []);
    assert_eq!(rules.tables[1].borrowed, []);
}

/// A column of noise for a parent or a child.
fn noise(kind: u8, values: u64, rows: usize, random: &mut Stream) -> ArrayRef {
    let drawn: Vec<Option<i64>> = (0..rows)
        .map(|_| (random.random::<f64>() < 0.95).then(|| random.random_range(0..values as i64)))
        .collect();
    match kind {
        0 => Arc::new(Int64Array::from(drawn)),
        1 => Arc::new(drawn.iter().map(|v| v.map(|v| v as f64 / 100.0)).collect::<Float64Array>()),
        2 => Arc::new(drawn.iter().map(|v| v.map(|v| v as i32)).collect::<Date32Array>()),
        3 => Arc::new(drawn.iter().map(|v| v.map(|v| v % 2 == 0)).collect::<BooleanArray>()),
        _ => Arc::new(drawn.iter().map(|v| v.map(|v| format!("v{v}"))).collect::<StringArray>()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn noise_shows_no_relation_across_tables(
        kinds in prop::collection::vec((0_u8..5, prop_oneof![2_u64..5, 5_u64..50, 50_u64..3000]), 8),
        parents in 3_usize..250,
        most in 1_u32..8,
        seed in 0_u64..1_000_000,
    ) {
        let schema = fixture("b: *id, p, q, r, s\n c: *id, b_id! > b.id, t, u, v, w");
        let mut random = Seed(seed).stream("across", 0);
        let counts: Vec<u32> = (0..parents).map(|_| random.random_range(0..=most)).collect();
        let parent = Families::from_counts(&counts).parent_of_rows();
        let mut table = |kinds: &[(u8, u64)], first: usize, rows: usize| {
            let arrays = kinds.iter().map(|(kind, values)| noise(*kind, *values, rows, &mut random)).collect();
            TableData::new((first..first + 4).map(ColumnId).collect(), arrays, rows)
        };
        let above = table(&kinds[..4], 1, parents);
        let below = table(&kinds[4..], 2, parent.len());

        let rules = found(&schema, [above, below], [Vec::new(), vec![parent]]);

        for table in &rules.tables {
            prop_assert_eq!(&table.inherited, &Vec::new());
            prop_assert_eq!(&table.aggregates, &Vec::new());
            prop_assert_eq!(&table.differing, &Vec::new());
            prop_assert_eq!(&table.carried, &Vec::new());
            prop_assert_eq!(&table.ranked, &Vec::new());
            let determined = |rule: &&Rule| matches!(rule, Rule::Determines { .. });
            prop_assert_eq!(table.discovered.iter().find(determined), None);
        }
    }
}
