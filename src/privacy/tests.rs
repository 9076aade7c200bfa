use super::{Guard, Support, map_links};
use crate::{
    config::{Config, NamedTable, Privacy},
    data::{Links, NO_ROW},
    plan::{Plan, PlanError, fixture},
    schema::{Schema, TableId},
    seed::Seed,
};

const SHOP: &str = "
    customers: *id, name:text
    lines: *order_id > orders.id cascade, *line, product_id! > products.id
    orders: *id, customer_id! > customers.id
    products: *id, name:text
    reviews: *id, product_id! > products.id cascade, customer_id > customers.id, text:text
";

fn named(names: &[&str]) -> Config {
    let entities = names.iter().map(|name| NamedTable { name: (*name).to_owned(), place: None });
    Config { privacy: Privacy { entities: entities.collect(), ..Privacy::default() }, ..Config::default() }
}

/// The root of every table, by name.
fn roots(schema: &Schema, config: &Config, rows: &[u64]) -> Vec<(String, String)> {
    let plan = Plan::build(schema, config, rows).unwrap().0;
    let name = |id: TableId| schema.table(id).name.name.clone();
    schema.iter().map(|(id, _)| (name(id), name(plan.table(id).entity.root))).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn tables_belong_to_the_persons_above_them_else_to_the_top_of_their_context() {
    let schema = fixture(SHOP);
    let found = roots(&schema, &Config::default(), &[100, 1200, 400, 50, 300]);

    let expected = [
        ("customers", "customers"),
        ("lines", "customers"),
        ("orders", "customers"),
        ("products", "products"),
        // Generated along its product, but written by a customer.
        ("reviews", "customers"),
    ];
    assert_eq!(found, pairs(&expected));

    let things = fixture("atoms: *id, m! > molecules.id\nbonds: *id, a! > atoms.id\nmolecules: *id");
    let found = roots(&things, &Config::default(), &[400, 800, 100]);
    assert_eq!(found, pairs(&[("atoms", "molecules"), ("bonds", "molecules"), ("molecules", "molecules")]));
}

#[test]
fn a_person_below_a_town_or_an_employee_is_an_entity() {
    let towns = fixture(
        "cities: *id\ncustomers: *id, city_id! > cities.id\nvisits: *id, customer_id! > customers.id",
    );
    let found = roots(&towns, &Config::default(), &[100, 400, 900]);
    assert_eq!(found, pairs(&[("cities", "cities"), ("customers", "customers"), ("visits", "customers")]));

    let cared =
        fixture("customers: *id, rep_id! > employees.id\nemployees: *id\npayslips: *id, e! > employees.id");
    let found = roots(&cared, &Config::default(), &[400, 100, 900]);
    let expected = [("customers", "customers"), ("employees", "employees"), ("payslips", "employees")];
    assert_eq!(found, pairs(&expected));
}

#[test]
fn entities_that_are_named_hold_alone() {
    let schema = fixture(SHOP);
    let found = roots(&schema, &named(&["orders"]), &[100, 1200, 400, 50, 300]);
    assert_eq!(found[1], ("lines".to_owned(), "orders".to_owned()));
    assert_eq!(found[4], ("reviews".to_owned(), "products".to_owned()));

    let error = Plan::build(&schema, &named(&["custmers"]), &[]).unwrap_err();
    assert!(matches!(error, PlanError::UnknownTable { nearest, .. } if nearest == ["customers"]));
}

#[test]
fn rows_follow_their_parents_to_their_entity_and_rows_without_one_are_entities_of_their_own() {
    let schema = fixture(SHOP);
    let plan = Plan::build(&schema, &Config::default(), &[3, 4, 3, 2, 3]).unwrap().0;
    let links = |parents: &[&[u32]]| -> Vec<Links> {
        parents.iter().map(|parent| Links { parent: parent.to_vec() }).collect()
    };
    let (lines, orders) = (links(&[&[0, 0, 2, 1], &[0, 1, 0, 1]]), links(&[&[2, 0, NO_ROW]]));
    let reviews = links(&[&[0, 0, 1], &[1, NO_ROW, 1]]);
    let tables = [
        Some((3, &[][..])),
        Some((4, lines.as_slice())),
        Some((3, orders.as_slice())),
        Some((2, &[][..])),
        Some((3, reviews.as_slice())),
    ];

    let map = map_links(&schema, &plan, &tables);

    let of = |table: usize| map.table(TableId(table)).unwrap().of_row.clone();
    assert_eq!(of(0), [0, 1, 2]);
    let stray = of(2)[2];
    assert_eq!(of(2), [2, 0, stray]);
    assert_eq!(of(1), [2, 2, stray, 0]);
    assert_eq!(map.table(TableId(1)).unwrap().count, 3);
    assert_eq!((of(4)[0], of(4)[2]), (1, 1));
    assert!(stray >= 3 && of(4)[1] >= 3 && of(4)[1] != stray, "numbers of stray rows are no one else's");
}

#[test]
fn rows_below_a_few_things_are_entities_of_their_own_and_rows_below_persons_never() {
    let map_of = |text: &str| {
        let schema = fixture(text);
        let plan = Plan::build(&schema, &Config::default(), &[12, 300, 600]).unwrap().0;
        let links = |rows: u32, of: u32| vec![Links { parent: (0..rows).map(|row| row % of).collect() }];
        let (readings, marks) = (links(300, 12), links(600, 300));
        let tables = [Some((12, &[][..])), Some((300, readings.as_slice())), Some((600, marks.as_slice()))];
        (map_links(&schema, &plan, &tables), schema)
    };
    let below = "*id\nb_readings: *id, a! > a_stations.id\nc_marks: *id, r! > b_readings.id";

    let (map, schema) = map_of(&format!("a_stations: {below}"));

    let readings = map.table(TableId(1)).unwrap();
    assert_eq!((readings.count, readings.root), (300, TableId(1)));
    assert_eq!(readings.too_few, Some((TableId(0), 12)));
    let marks = map.table(TableId(2)).unwrap();
    assert_eq!((marks.count, marks.root, marks.of_row[301]), (300, TableId(1), 1));
    assert_eq!(map.findings(&schema).len(), 1);

    for persons in ["patients", "klanten", "pacientes", "Mitglieder"] {
        let (map, schema) = map_of(&format!("a_{persons}: {}", below.replace("stations", persons)));
        assert_eq!(map.table(TableId(1)).unwrap().count, 12, "{persons}");
        assert!(map.findings(&schema).is_empty());
    }
    let (map, _) = map_of(&format!("a_stations: *id, vorname:text\n{}", below.split_once('\n').unwrap().1));
    assert_eq!(map.table(TableId(1)).unwrap().count, 12, "a column that only persons have");
}

#[test]
fn support_counts_entities_and_not_rows() {
    let owners = [7, 7, 7, 8, 9];
    let guard = Guard::entities(&owners, 2);
    let support = guard.support(["a", "a", "b", "a", "b"].into_iter().zip(0..));

    assert_eq!(support["a"], Support { rows: 3, entities: 2 });
    assert_eq!(support["b"], Support { rows: 2, entities: 2 });
    assert!(!guard.enough([0, 1, 2].into_iter()) && guard.enough([0, 3].into_iter()));
    assert_eq!(Guard::rows(2).distinct([0, 1, 2].into_iter()), 3);
}

#[test]
fn the_threshold_is_never_below_k_and_does_not_show_it() {
    let least: Vec<usize> =
        (0..40).map(|n| Guard::noisy(&[], 5, Seed(1), &format!("t.c{n}")).least()).collect();

    assert!(least.iter().all(|least| (5..=7).contains(least)));
    assert!((5..=7).all(|at| least.contains(&at)));
    assert_eq!(least[0], Guard::noisy(&[], 5, Seed(1), "t.c0").least());
}
