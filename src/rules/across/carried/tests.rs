//! What siblings hand on is found where it was planted, refused after one exception, and put right in drawn rows.

use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, Float64Array, Int64Array, StringArray};
use rand::RngExt;

use super::super::tests::found;
use crate::{
    data::{Families, TableData},
    plan::fixture,
    rules::{Carried, Carry, Sign, TableRules},
    schema::ColumnId,
    seed::Seed,
};

const ACCOUNTS: u32 = 40;
const ENTRIES: u32 = 12;

/// What 40 accounts of 12 entries each hold.
struct Ledger {
    from: Vec<i32>,
    to: Vec<i32>,
    kind: Vec<&'static str>,
    amount: Vec<f64>,
    balance: Vec<f64>,
    before: Vec<&'static str>,
}

impl Ledger {
    fn new() -> Self {
        let mut random = Seed(5).stream("ledger", 0);
        let rows = (ACCOUNTS * ENTRIES) as usize;
        let mut from: Vec<i32> = Vec::new();
        for row in 0..rows {
            let begins = row.is_multiple_of(ENTRIES as usize);
            from.push(if begins { 0 } else { from[row - 1] } + random.random_range(1..90));
        }
        let last = |row: usize| (row + 1).is_multiple_of(ENTRIES as usize);
        let to = (0..rows).map(|row| if last(row) { 99_999 } else { from[row + 1] - 1 }).collect();
        let kind: Vec<&str> = (0..rows).map(|_| ["in", "out", "fee"][random.random_range(0..3)]).collect();
        let amount: Vec<f64> =
            (0..rows).map(|_| f64::from(random.random_range(100..99_999)) / 100.0).collect();
        let mut balance: Vec<f64> = Vec::new();
        for row in 0..rows {
            let before = if row.is_multiple_of(ENTRIES as usize) { 100.0 } else { balance[row - 1] };
            let change = if kind[row] == "in" { amount[row] } else { -amount[row] };
            balance.push(((before + change) * 100.0).round() / 100.0);
        }
        let before = (0..rows)
            .map(|row| if row.is_multiple_of(ENTRIES as usize) { "none" } else { kind[row - 1] })
            .collect();
        Self { from, to, kind, amount, balance, before }
    }

    fn rows(&self) -> TableData {
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(Date32Array::from(self.from.clone())),
            Arc::new(Date32Array::from(self.to.clone())),
            Arc::new(StringArray::from(self.kind.clone())),
            Arc::new(Float64Array::from(self.amount.clone())),
            Arc::new(Float64Array::from(self.balance.clone())),
            Arc::new(StringArray::from(self.before.clone())),
        ];
        TableData::new((2..8).map(ColumnId).collect(), arrays, self.from.len())
    }

    fn rules(&self) -> TableRules {
        let size: ArrayRef = Arc::new(Int64Array::from_iter_values(0..i64::from(ACCOUNTS)));
        let accounts = TableData::new(vec![ColumnId(1)], vec![size], ACCOUNTS as usize);
        let account_of = families().parent_of_rows();
        let mut rules = found(&schema(), [accounts, self.rows()], [Vec::new(), vec![account_of]]);
        assert!(rules.tables[0].carried.is_empty(), "accounts have no siblings");
        rules.tables.remove(1)
    }
}

fn schema() -> crate::schema::Schema {
    fixture(
        "account: *id, size
         entry: *id, account_id! > account.id, valid_from:date!, valid_to:date!, kind:text!, amount:float!, \
         balance:float!, kind_before:text!",
    )
}

fn families() -> Families {
    Families::from_counts(&[ENTRIES; ACCOUNTS as usize])
}

fn rule(rules: &TableRules, to: usize) -> Option<&Carried> {
    rules.carried.iter().find(|rule| rule.to == ColumnId(to))
}

#[test]
fn the_end_of_a_period_is_the_day_before_the_next_one() {
    let rules = Ledger::new().rules();

    let end = rule(&rules, 3).expect("found");
    assert_eq!(end.how, Carry::FromNext { from: ColumnId(2), offset: -1 });
}

#[test]
fn a_balance_goes_on_by_amounts_whose_kind_says_their_sign() {
    let rules = Ledger::new().rules();

    let Some(Carry::Running { terms, lagged: false, start: Some(start), decimals: Some(2), .. }) =
        rule(&rules, 6).map(|rule| rule.how.clone())
    else {
        panic!("{:?}", rules.carried)
    };
    assert_eq!(start.number(), Some(100.0));
    assert_eq!(terms.len(), 1);
    assert_eq!(terms[0].of, ColumnId(5));
    let Sign::MinusWhen { column, values } = &terms[0].sign else { panic!("{terms:?}") };
    assert_eq!(*column, ColumnId(4));
    let values: Vec<String> = values.iter().filter_map(crate::rules::Value::text).collect();
    assert_eq!(values, ["fee", "out"]);
}

#[test]
fn a_state_is_that_after_the_change_before() {
    let rules = Ledger::new().rules();
    assert_eq!(rule(&rules, 7).expect("found").how, Carry::FromPrevious { from: ColumnId(4) });
}

#[test]
fn one_exception_in_many_denies_it() {
    let mut ledger = Ledger::new();
    ledger.to[3] += 1;
    ledger.balance[200] += 5.0;
    ledger.before[100] = if ledger.before[100] == "in" { "out" } else { "in" };
    assert_eq!(ledger.rules().carried, []);
}

#[test]
fn drawn_rows_are_put_right_and_those_of_the_source_stay() {
    let ledger = Ledger::new();
    let (rules, rows, schema) = (ledger.rules(), ledger.rows(), schema());
    let table = &schema.tables[1];
    let none = vec![false; rows.row_count];
    for rule in &rules.carried {
        let again = rule.values(table, &rows, &families(), &none).expect("computed");
        assert_eq!(&again, rows.column(rule.to).expect("there"), "{rule:?}");
    }

    let mut drawn = ledger;
    drawn.amount[5] += 1.0;
    drawn.to[0] = 7;
    let rows = drawn.rows();
    let balance = rule(&rules, 6).expect("found");
    let again = balance.values(table, &rows, &families(), &none).expect("computed");
    let change = if drawn.kind[5] == "in" { 1.0 } else { -1.0 };
    for row in 0..2 * ENTRIES as usize {
        let moved = if (5..ENTRIES as usize).contains(&row) { change } else { 0.0 };
        let total = crate::rules::Value::read(&again, row).number().expect("a number");
        assert!((total - drawn.balance[row] - moved).abs() < 1e-9, "{row}");
    }
    let mut kept = none;
    kept[8] = true;
    let again = balance.values(table, &rows, &families(), &kept).expect("computed");
    let total = |row: usize| crate::rules::Value::read(&again, row).number().expect("a number");
    assert!((total(8) - drawn.balance[8]).abs() < 1e-9 && (total(9) - drawn.balance[9]).abs() < 1e-9);
}

#[test]
fn what_stands_before_a_row_is_the_sum_until_then() {
    // Opening, taken, brought, closing: the row computes the closing stock.
    let schema =
        fixture("shop: *id, size\n day: *id, shop_id! > shop.id, opening!, taken!, brought!, closing!");
    let mut random = Seed(6).stream("stock", 0);
    let rows = (ACCOUNTS * ENTRIES) as usize;
    let (mut opening, mut closing) = (Vec::new(), Vec::new());
    let taken: Vec<i64> = (0..rows).map(|_| random.random_range(0..30)).collect();
    let brought: Vec<i64> = (0..rows).map(|_| random.random_range(0..30)).collect();
    for row in 0..rows {
        let begins = row.is_multiple_of(ENTRIES as usize);
        opening.push(if begins { random.random_range(0..500) } else { closing[row - 1] });
        closing.push(opening[row] + brought[row] - taken[row]);
    }
    let size: ArrayRef = Arc::new(Int64Array::from_iter_values(0..i64::from(ACCOUNTS)));
    let shops = TableData::new(vec![ColumnId(1)], vec![size], ACCOUNTS as usize);
    let arrays =
        [opening, taken, brought, closing].map(|values| Arc::new(Int64Array::from(values)) as ArrayRef);
    let days = TableData::new((2..6).map(ColumnId).collect(), arrays.to_vec(), rows);

    let rules = found(&schema, [shops, days], [Vec::new(), vec![families().parent_of_rows()]]);

    let carried = &rules.tables[1].carried;
    assert_eq!(carried.len(), 1, "{carried:?}");
    assert_eq!(carried[0].to, ColumnId(2));
    assert!(matches!(carried[0].how, Carry::Running { lagged: true, .. }));
    assert!(rules.tables[1].computed().contains(&ColumnId(5)), "{:?}", rules.tables[1].discovered);
}

/// 40 meters of 12 readings each, whose total is rounded and what is added is not.
fn metered(edit: impl Fn(&mut [f64])) -> Vec<Carried> {
    let schema = fixture("meter: *id, size\n reading: *id, meter_id! > meter.id, used:float!, total:float!");
    let mut random = Seed(7).stream("meter", 0);
    let rows = (ACCOUNTS * ENTRIES) as usize;
    let mut used: Vec<f64> = (0..rows).map(|_| f64::from(random.random_range(0..5000)) / 1000.0).collect();
    let mut sum = 0.0;
    let mut total = Vec::new();
    for (row, used) in used.iter().enumerate() {
        sum = if row.is_multiple_of(ENTRIES as usize) { *used } else { sum + used };
        total.push((sum * 10.0).round() / 10.0);
    }
    edit(&mut used);
    let size: ArrayRef = Arc::new(Int64Array::from_iter_values(0..i64::from(ACCOUNTS)));
    let meters = TableData::new(vec![ColumnId(1)], vec![size], ACCOUNTS as usize);
    let arrays = [used, total].map(|values| Arc::new(Float64Array::from(values)) as ArrayRef);
    let readings = TableData::new((2..4).map(ColumnId).collect(), arrays.to_vec(), rows);
    let mut rules = found(&schema, [meters, readings], [Vec::new(), vec![families().parent_of_rows()]]);
    rules.tables.remove(1).carried
}

#[test]
fn a_rounded_total_is_one_of_what_is_finer() {
    let carried = metered(|_| ());

    let [rule] = carried.as_slice() else { panic!("{carried:?}") };
    let Carry::Running { terms, start: Some(start), decimals: Some(1), .. } = &rule.how else {
        panic!("{rule:?}")
    };
    assert_eq!((terms[0].of, &terms[0].sign), (ColumnId(2), &Sign::Plus));
    assert_eq!(start.number(), Some(0.0));
    let always_more = metered(|used| used.iter_mut().for_each(|used| *used += 0.04));
    assert_eq!(always_more, [], "each is near, but not their sum");
}

#[test]
fn a_counter_that_slips_now_and_then_still_counts() {
    // The trips of a vehicle: where one ends the next begins, or up to 3 km on.
    let schema = fixture("car: *id, size\n trip: *id, car_id! > car.id, begins!, distance!");
    let counted = |slip: fn(i64) -> i64| {
        let mut random = Seed(8).stream("trips", 0);
        let rows = (ACCOUNTS * ENTRIES) as usize;
        let distance: Vec<i64> = (0..rows).map(|_| random.random_range(1..200)).collect();
        let mut begins: Vec<i64> = Vec::new();
        for row in 0..rows {
            let is_first = row.is_multiple_of(ENTRIES as usize);
            let slip = slip(random.random_range(0..1000));
            begins.push(if is_first {
                random.random_range(0..90_000)
            } else {
                begins[row - 1] + distance[row - 1] + slip
            });
        }
        let size: ArrayRef = Arc::new(Int64Array::from_iter_values(0..i64::from(ACCOUNTS)));
        let cars = TableData::new(vec![ColumnId(1)], vec![size], ACCOUNTS as usize);
        let arrays = [begins, distance].map(|values| Arc::new(Int64Array::from(values)) as ArrayRef);
        let trips = TableData::new((2..4).map(ColumnId).collect(), arrays.to_vec(), rows);
        let mut rules = found(&schema, [cars, trips], [Vec::new(), vec![families().parent_of_rows()]]);
        rules.tables.remove(1).carried
    };

    let carried = counted(|any| if any < 850 { 0 } else { any % 3 + 1 });

    let [rule] = carried.as_slice() else { panic!("{carried:?}") };
    let Carry::Running { lagged: true, slips, .. } = &rule.how else { panic!("{rule:?}") };
    let slips: Vec<(f64, f64)> =
        slips.iter().filter_map(|(slip, share)| slip.number().zip(share.number())).collect();
    assert_eq!(slips.iter().map(|(slip, _)| *slip).collect::<Vec<_>>(), [1.0, 2.0, 3.0]);
    assert!(slips.iter().all(|(_, share)| (0.02..0.09).contains(share)), "{slips:?}");
    let slipped = (0..10_000).filter(|row| (rule.running(*row, Some((0.0, 0.0)), 0.0, 0.0)) > 0.5).count();
    assert!((1000..2000).contains(&slipped), "{slipped} of 10,000 rows");
    assert_eq!(counted(|any| any), [], "anything may be between");
}
