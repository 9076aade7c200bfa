//! Every attack against a generator that copies, and against one that draws from the same distribution anew.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, StringArray};
use rand::RngExt;

use super::{Audit, AuditTerms, MeasureKind, Unit, audit};
use crate::{
    config::{AuditLevel, AuditSettings},
    data::TableData,
    evaluate::Side,
    schema::{
        Column, ColumnId, DataType, DialectName, ForeignKey, ForeignKeyId, Schema, Table, TableId, TableName,
        UniqueKey,
    },
    seed::{Seed, Stream},
};

const INTEGER: DataType = DataType::Integer { min: i64::MIN, max: i64::MAX };
/// Both tables have a key of their own.
fn keyed(name: &str, columns: Vec<Column>) -> Table {
    let primary_key = UniqueKey {
        name: "pk".to_owned(),
        columns: vec![ColumnId(0)],
        expressions: Vec::new(),
        predicate: None,
        nulls_not_distinct: false,
    };
    Table { primary_key: Some(primary_key), ..Table::new(TableName::bare(name), columns) }
}

const UNITS: [Unit; 2] = [Unit::Root, Unit::Below(ForeignKeyId(0))];

/// `customer(id, region, job, age, income)` and `visit(id, customer_id → customer, kind, amount, minutes)`.
fn shops() -> Schema {
    let columns = |names: &[(&str, DataType)]| {
        names.iter().map(|(name, data_type)| Column::new(*name, data_type.clone())).collect::<Vec<_>>()
    };
    let text = DataType::Text { max_chars: None };
    let float = DataType::Float { single: false };
    let customer = columns(&[
        ("id", INTEGER),
        ("region", text.clone()),
        ("job", text.clone()),
        ("age", INTEGER),
        ("income", float.clone()),
    ]);
    let visit = columns(&[
        ("id", INTEGER),
        ("customer_id", INTEGER),
        ("kind", text),
        ("amount", float.clone()),
        ("minutes", float),
    ]);
    let key = ForeignKey {
        name: "visit_customer".to_owned(),
        columns: vec![ColumnId(1)],
        parent: TableId(0),
        parent_columns: vec![ColumnId(0)],
        cascades: false,
        match_full: false,
        deferrable: false,
        validated: true,
        undeclared: None,
    };
    let visits = Table { foreign_keys: vec![key], ..keyed("visit", visit) };
    Schema { dialect: DialectName::Sqlite, tables: vec![keyed("customer", customer), visits] }
}

#[derive(Default, Clone)]
struct Rows {
    customers: Vec<(String, String, i64, f64)>,
    visits: Vec<(usize, String, f64, f64)>,
}

impl Rows {
    /// Customers whose attributes and visits hang together, drawn from one distribution.
    fn draw(count: usize, random: &mut Stream) -> Self {
        let mut rows = Self::default();
        for customer in 0..count {
            let region = random.random_range(0..8);
            let job = (region + random.random_range(0..6)) % 12;
            let age = 20 + random.random_range(0..60);
            let income =
                1_000.0 + 50.0 * f64::from(age) + 900.0 * random.random::<f64>() * f64::from(job + 1);
            rows.customers.push((format!("r{region}"), format!("j{job}"), i64::from(age), income.round()));
            for _ in 0..random.random_range(0..11) {
                let kind = (job + random.random_range(0..4)) % 10;
                let amount = (100.0 * random.random::<f64>() * f64::from(kind + 1)).round();
                let minutes = (amount / 3.0 + 30.0 * random.random::<f64>()).round();
                rows.visits.push((customer, format!("k{kind}"), amount, minutes));
            }
        }
        rows
    }

    /// Every customer once more, in another order, every number moved by up to `noise` of itself.
    fn copied(&self, noise: f64, random: &mut Stream) -> Self {
        let mut order: Vec<usize> = (0..self.customers.len()).collect();
        for place in 0..order.len() {
            let other = random.random_range(place..order.len());
            order.swap(place, other);
        }
        let mut moved = |value: f64| (value * (1.0 + noise * (2.0 * random.random::<f64>() - 1.0))).round();
        let mut rows = Self::default();
        for (place, customer) in order.into_iter().enumerate() {
            let (region, job, age, income) = &self.customers[customer];
            rows.customers.push((region.clone(), job.clone(), *age, moved(*income)));
            for (_, kind, amount, minutes) in self.visits.iter().filter(|visit| visit.0 == customer) {
                rows.visits.push((place, kind.clone(), moved(*amount), moved(*minutes)));
            }
        }
        rows
    }

    fn side<'a>(&self, schema: &'a Schema) -> Side<'a> {
        let numbers = |values: Vec<f64>| -> ArrayRef { Arc::new(Float64Array::from(values)) };
        let integers = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
        let texts = |values: Vec<String>| -> ArrayRef { Arc::new(StringArray::from(values)) };
        let (customers, visits) = (&self.customers, &self.visits);
        let of_customers = vec![
            integers((0..customers.len() as i64).collect()),
            texts(customers.iter().map(|row| row.0.clone()).collect()),
            texts(customers.iter().map(|row| row.1.clone()).collect()),
            integers(customers.iter().map(|row| row.2).collect()),
            numbers(customers.iter().map(|row| row.3).collect()),
        ];
        let of_visits = vec![
            integers((0..visits.len() as i64).collect()),
            integers(visits.iter().map(|row| row.0 as i64).collect()),
            texts(visits.iter().map(|row| row.1.clone()).collect()),
            numbers(visits.iter().map(|row| row.2).collect()),
            numbers(visits.iter().map(|row| row.3).collect()),
        ];
        let ids = || (0..5).map(ColumnId).collect::<Vec<_>>();
        let tables = vec![
            TableData::new(ids(), of_customers, customers.len()),
            TableData::new(ids(), of_visits, visits.len()),
        ];
        Side { schema, tables, links: None }
    }
}

fn audited(synthetic: impl Fn(&Rows, &mut Stream) -> Rows, seed: u64) -> Audit {
    let schema = shops();
    let mut random = Seed(seed).stream("audit/tests", 0);
    let (training, holdout) = (Rows::draw(400, &mut random), Rows::draw(240, &mut random));
    let synthetic = synthetic(&training, &mut random);
    let settings = AuditSettings { level: AuditLevel::Full, ..AuditSettings::default() };
    let terms = AuditTerms { units: &UNITS, settings: &settings, seed: Seed(seed) };
    audit(&training.side(&schema), &synthetic.side(&schema), &holdout.side(&schema), terms)
}

fn breached(audit: &Audit, kind: MeasureKind) -> bool {
    audit.breaches().any(|measure| measure.kind == kind)
}

#[test]
fn every_attack_catches_a_generator_that_copies_its_training_rows() {
    use MeasureKind::*;
    let audit = audited(|training, random| training.copied(0.0, random), 1);

    let all = [
        ExactRows,
        NearRows,
        NearEntities,
        CloserToTraining,
        RareCombinations,
        ChildSequences,
        MembershipAuc,
        MembershipTruePositives,
        DensityAuc,
        AttributeInference,
    ];
    for kind in all {
        assert!(breached(&audit, kind), "{kind}: {:#?}", audit.worst());
    }
    let secret =
        |measure: &&super::Measure| measure.kind == AttributeInference && measure.table == "customer";
    let secrets: Vec<_> = audit.breaches().filter(secret).filter_map(|m| m.column.clone()).collect();
    assert!(secrets.contains(&"income".to_owned()), "{secrets:?}");
    let finding = audit.findings().into_iter().find(|finding| finding.column.is_some()).unwrap();
    assert_eq!(finding.code, "privacy-breach");
    assert!(finding.table.is_some() && finding.remedy.is_some());
}

#[test]
fn copies_with_a_little_noise_are_caught_by_distances() {
    let audit = audited(|training, random| training.copied(0.01, random), 2);

    for kind in [MeasureKind::NearEntities, MeasureKind::CloserToTraining, MeasureKind::MembershipAuc] {
        assert!(breached(&audit, kind), "{kind}: {:#?}", audit.worst());
    }
}

#[test]
fn rows_drawn_anew_from_the_same_distribution_breach_nothing() {
    let (mut closer, mut members) = (Vec::new(), Vec::new());
    for seed in 10..15 {
        let audit = audited(|_, random| Rows::draw(400, random), seed);

        assert!(audit.measures.len() > 12, "{:#?}", audit.measures);
        assert_eq!(audit.findings(), [], "seed {seed}");
        let of = |kind| audit.measures.iter().find(|measure| measure.kind == kind).unwrap().value;
        closer.push(of(MeasureKind::CloserToTraining));
        members.push(of(MeasureKind::MembershipAuc));
    }
    for values in [closer, members] {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        assert!((mean - 0.5).abs() < 0.06, "{values:?}");
    }
}

#[test]
fn a_few_copied_families_are_few_rows_too_many() {
    // One family in five is copied: rows, runs and rare combinations say so.
    let audit = audited(
        |training, random| {
            let fresh = Rows::draw(320, random);
            let mut rows = fresh.clone();
            for customer in 0..80 {
                let place = rows.customers.len();
                rows.customers.push(training.customers[customer].clone());
                let visits = training.visits.iter().filter(|visit| visit.0 == customer);
                rows.visits.extend(visits.map(|(_, kind, a, m)| (place, kind.clone(), *a, *m)));
            }
            rows
        },
        3,
    );

    assert!(breached(&audit, MeasureKind::ExactRows), "{:#?}", audit.worst());
    assert!(breached(&audit, MeasureKind::RareCombinations), "{:#?}", audit.worst());
}

/// A row of a log: what kind of thing, which one, whether it is done, and an amount that never comes twice.
type Entry = (i64, i64, i64, i64);

/// A log that names each of the things of twenty kinds at most once, and about a quarter of all there could be.
fn log(random: &mut Stream) -> Vec<Entry> {
    let mut entries = Vec::new();
    for kind in 0..20 {
        let mut things: Vec<i64> = (0..200).collect();
        for place in 0..55 {
            let other = random.random_range(place..things.len());
            things.swap(place, other);
            entries.push(entry(kind, things[place], random));
        }
    }
    for place in 0..entries.len() {
        let other = random.random_range(place..entries.len());
        entries.swap(place, other);
    }
    entries
}

fn entry(kind: i64, thing: i64, random: &mut Stream) -> Entry {
    (kind, thing, i64::from(random.random_range(0..10) == 0), random.random_range(0..1_000_000_000))
}

/// Entries whose columns are drawn each for itself.
fn fresh(count: usize, random: &mut Stream) -> Vec<Entry> {
    (0..count)
        .map(|_| {
            let (kind, thing) = (random.random_range(0..20), random.random_range(0..200));
            entry(kind, thing, random)
        })
        .collect()
}

/// Audits a log of which a twentieth is held out; if not `wide`, without the amounts.
fn audited_log(wide: bool, synthetic: impl Fn(&[Entry], &mut Stream) -> Vec<Entry>, seed: u64) -> Audit {
    let names = ["id", "kind", "thing", "done", "amount"];
    let width = if wide { 5 } else { 4 };
    let columns = names[..width].iter().map(|name| Column::new(*name, INTEGER)).collect();
    let schema = Schema { dialect: DialectName::Sqlite, tables: vec![keyed("log", columns)] };
    let side = |entries: &[Entry]| {
        let integers = |value: fn(&Entry) -> i64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(entries.iter().map(value)))
        };
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..entries.len() as i64));
        let arrays = [ids, integers(|e| e.0), integers(|e| e.1), integers(|e| e.2), integers(|e| e.3)];
        let ids = (0..width).map(ColumnId).collect();
        let data = TableData::new(ids, arrays[..width].to_vec(), entries.len());
        Side { schema: &schema, tables: vec![data], links: None }
    };
    let mut random = Seed(seed).stream("audit/tests", 0);
    let entries = log(&mut random);
    let (holdout, training) = entries.split_at(55);
    let synthetic = synthetic(training, &mut random);
    let settings = AuditSettings::default();
    let terms = AuditTerms { units: &[Unit::Root], settings: &settings, seed: Seed(seed) };
    audit(&side(training), &side(&synthetic), &side(holdout), terms)
}

#[test]
fn taken_places_hit_by_chance_are_no_breach_where_real_rows_never_repeat() {
    for (seed, wide) in (20..24).flat_map(|seed| [(seed, false), (seed, true)]) {
        let audit = audited_log(wide, |_, random| fresh(1_100, random), seed);

        let kind = if wide { MeasureKind::NearRows } else { MeasureKind::ExactRows };
        let measure = audit.measures.iter().find(|measure| measure.kind == kind).unwrap();
        assert!(measure.share.unwrap() > 0.15, "{measure:#?}");
        assert_eq!(audit.findings(), [], "seed {seed}");
    }
}

#[test]
fn copies_are_a_breach_where_real_rows_never_repeat() {
    for wide in [false, true] {
        let half_copied =
            |training: &[Entry], random: &mut Stream| [training[..550].to_vec(), fresh(550, random)].concat();

        let audit = audited_log(wide, half_copied, 31);

        for kind in [MeasureKind::ExactRows, MeasureKind::RareCombinations] {
            assert!(breached(&audit, kind), "{kind}: {:#?}", audit.worst());
        }
        let copied = audit.measures.iter().find(|measure| measure.kind == MeasureKind::ExactRows).unwrap();
        assert!((0.35..0.65).contains(&copied.value), "{copied:#?}");
    }
}

#[test]
fn too_few_entities_are_named_and_not_judged() {
    let schema = shops();
    let mut random = Seed(4).stream("audit/tests", 0);
    let rows = Rows::draw(15, &mut random);
    let side = rows.side(&schema);
    let settings = AuditSettings::default();

    let audit = audit(
        &side,
        &side.clone(),
        &side.clone(),
        AuditTerms { units: &UNITS, settings: &settings, seed: Seed(4) },
    );

    assert!(audit.measures.is_empty() && audit.findings().is_empty());
    assert_eq!(audit.unmeasured[0].table, "customer");
}

#[test]
fn the_same_seed_gives_the_same_audit() {
    let once = || audited(|_, random| Rows::draw(400, random), 5);

    assert_eq!(once(), once());
}
