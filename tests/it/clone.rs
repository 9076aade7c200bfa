//! From a small schema to a proven copy, on every engine.

use crate::support::{Engine, Scratch, dbsynth, engines};

const CUSTOMERS: i64 = 100;

/// Customers in two regions; those of the north buy three times as often and pay ten times as much, by card.
fn shop(engine: Engine, name: &str) -> Scratch {
    let scratch = Scratch::new(engine, name);
    let mut statements = String::from(
        "CREATE TABLE customer (id INTEGER PRIMARY KEY, region VARCHAR(10) NOT NULL);\n\
         CREATE TABLE sale (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, \
         payment VARCHAR(10) NOT NULL, cents INTEGER NOT NULL CHECK (cents > 0), \
         FOREIGN KEY (customer_id) REFERENCES customer (id));\n",
    );
    let (mut customers, mut sales) = (Vec::new(), Vec::new());
    for id in 1..=CUSTOMERS {
        let north = id % 2 == 0;
        customers.push(format!("({id}, '{}')", if north { "north" } else { "south" }));
        for sale in 0..if north { 6 } else { 2 } {
            let payment = if north { "card" } else { "cash" };
            sales.push(format!(
                "({}, {id}, '{payment}', {})",
                id * 10 + sale,
                if north { 5_000 } else { 500 } + (id * 37 + sale * 101) % 900
            ));
        }
    }
    statements.push_str(&format!("INSERT INTO customer VALUES {};\n", customers.join(", ")));
    statements.push_str(&format!("INSERT INTO sale VALUES {};\n", sales.join(", ")));
    scratch.run(&statements);
    scratch
}

#[test]
fn a_scratch_database_holds_what_was_written() {
    for engine in engines() {
        let scratch = shop(engine, "scratch");

        assert_eq!(scratch.number("SELECT count(*) FROM customer"), CUSTOMERS);
        assert_eq!(scratch.number("SELECT count(*) FROM sale WHERE payment = 'card'"), 6 * CUSTOMERS / 2);
    }
}

fn keeps_what_hangs_together(engine: Engine) {
    if !engines().contains(&engine) {
        return;
    }
    let name = |end: &str| format!("clone_{engine:?}_{end}").to_lowercase();
    let (source, target) = (shop(engine, &name("source")), Scratch::new(engine, &name("target")));

    let count = |scratch: &Scratch| {
        let mixed = scratch.number(
            "SELECT count(*) FROM sale JOIN customer ON customer.id = sale.customer_id \
             WHERE (region = 'north') <> (payment = 'card') OR (region = 'north') <> (cents > 2500)",
        );
        (mixed, scratch.number("SELECT count(*) FROM sale"))
    };
    // Payment and amount follow the region, across the foreign key.
    dbsynth(&["clone", source.text(), target.text()]).exits(0);
    let (mixed, sales) = count(&target);
    assert!(mixed * 10 < sales, "{mixed} of {sales} sales are not as their region is");
    // The northern buy thrice as often: three sales in four.
    let card = target.number("SELECT count(*) FROM sale WHERE payment = 'card'");
    assert!((65..=85).contains(&(100 * card / sales)), "{card} of {sales} sales by card");

    // Without relations that is lost, so the measure can fail.
    dbsynth(&["clone", source.text(), target.text(), "--generator", "independent", "--yes"]).exits(0);
    let (mixed, sales) = count(&target);
    assert!(mixed * 4 > sales, "only {mixed} of {sales} sales are not as their region is");
}

#[test]
fn children_follow_their_parents_on_sqlite() {
    keeps_what_hangs_together(Engine::Sqlite);
}

#[test]
fn children_follow_their_parents_on_postgres() {
    keeps_what_hangs_together(Engine::Postgres);
}

#[test]
fn children_follow_their_parents_on_mysql() {
    keeps_what_hangs_together(Engine::MySql);
}
