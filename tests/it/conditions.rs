//! Rows under a condition, from the command line to the database.

use crate::support::{Engine, Scratch, dbsynth};

const CUSTOMERS: i64 = 400;

/// Customers of three countries; the segment (before the country in the table) and the age follow the country, and
/// the orders of Italians are small.
fn shop(name: &str) -> Scratch {
    let scratch = Scratch::new(Engine::Sqlite, name);
    let mut statements = String::from(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, segment VARCHAR(10) NOT NULL, \
         age INTEGER NOT NULL, country VARCHAR(2) NOT NULL, joined TIMESTAMP);\n\
         CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), \
         cents INTEGER NOT NULL);\n",
    );
    let (mut customers, mut orders) = (Vec::new(), Vec::new());
    for id in 1..=CUSTOMERS {
        let country = ["IT", "FR", "DE"][(id % 3) as usize];
        let usual = id * 7 % 10 < 8;
        let segment = if (country == "IT") == usual { "retail" } else { "trade" };
        let age = 20 + (id * 37) % 30 + if country == "IT" { 30 } else { 0 };
        let month = 1 + id % 12;
        customers.push(format!(
            "({id}, '{segment}', {age}, '{country}', '2024-{month:02}-{:02} {:02}:30:00')",
            1 + id % 28,
            id % 24
        ));
        for order in 0..3 {
            let cents = if country == "IT" { 500 } else { 9_000 } + (id * 13 + order * 101) % 900;
            orders.push(format!("({}, {id}, {cents})", id * 10 + order));
        }
    }
    statements.push_str(&format!("INSERT INTO customers VALUES {};\n", customers.join(", ")));
    statements.push_str(&format!("INSERT INTO orders VALUES {};\n", orders.join(", ")));
    scratch.run(&statements);
    scratch
}

#[test]
fn rows_meet_their_condition_and_what_hangs_on_it_follows() {
    let (source, target) = (shop("where_source"), Scratch::new(Engine::Sqlite, "where_target"));
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("shop.dbsynth");
    let model = model.to_str().unwrap();
    dbsynth(&["train", source.text(), "-o", model]).exits(0);
    let count = |condition: &str| target.number(&format!("SELECT count(*) FROM customers WHERE {condition}"));

    let run = ["generate", model, target.text(), "--yes", "--where"];
    dbsynth(&[&run[..], &["customers.country = \"IT\""]].concat()).exits(0);

    assert_eq!((count("country = 'IT'"), count("1 = 1")), (CUSTOMERS, CUSTOMERS));
    // The earlier segment, the age and the children follow the country.
    let retail = count("segment = 'retail'");
    assert!(retail * 100 > CUSTOMERS * 65, "{retail} in the segment of Italians");
    let old = count("age >= 50");
    assert!(old * 100 > CUSTOMERS * 70, "{old} as old as Italians are");
    let orders = target.number("SELECT count(*) FROM orders");
    let small = target.number("SELECT count(*) FROM orders WHERE cents < 4000");
    assert!(small * 100 > orders * 85, "{small} of {orders} orders as small as those of Italians");

    // Without the condition a third of them are.
    dbsynth(&run[..run.len() - 1]).exits(0);
    assert!(count("country = 'IT'") * 2 < CUSTOMERS);

    let several = "customers.age BETWEEN 33 AND 47 AND customers.country IN ('FR', 'DE') \
                   AND customers.joined > '2024-03-05 12:00:00' AND customers.joined < '2024-06-01'";
    dbsynth(&[&run[..], &[several, "--where", "orders.cents <> 9001"]].concat()).exits(0);
    let met = count(&several.replace("customers.", ""));
    assert_eq!((met, count("1 = 1")), (CUSTOMERS, CUSTOMERS));
    assert_eq!(target.number("SELECT count(*) FROM orders WHERE cents = 9001"), 0);
}

#[test]
fn a_condition_that_cannot_be_met_is_refused_before_anything_is_written() {
    let (source, target) = (shop("where_refused"), Scratch::new(Engine::Sqlite, "where_refused_target"));
    for (condition, reason) in [
        ("customers.country LIKE 'I%'", "is not understood"),
        ("customers.age > 1000", "no value that was learnt meets it"),
        ("customers.id = 3", "allotted anew"),
    ] {
        let run = dbsynth(&["clone", source.text(), target.text(), "--where", condition]).exits(2);
        assert!(run.stderr.contains(reason) && run.stderr.contains(condition), "{}", run.stderr);
    }
    assert_eq!(target.number("SELECT count(*) FROM sqlite_schema"), 0);
}

/// A time that follows another one is learned as a gap; a condition on it still chooses rows instead of leaving them out.
#[test]
fn a_condition_on_a_time_that_is_counted_from_another_one_keeps_the_rows() {
    let source = Scratch::new(Engine::Sqlite, "where_times_source");
    let mut statements = String::from(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, age INTEGER NOT NULL);\n\
         CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), \
         placed DATE NOT NULL, due DATE NOT NULL, cents INTEGER NOT NULL);\n\
         CREATE TABLE visits (id INTEGER PRIMARY KEY, began DATE NOT NULL, ended DATE NOT NULL);\n",
    );
    let (mut customers, mut orders, mut visits) = (Vec::new(), Vec::new(), Vec::new());
    for id in 0..150_i64 {
        customers.push(format!("({id}, {})", 20 + id % 50));
        let mut day = id * 37 % 900;
        for order in 0..6 {
            day += 5 + (id * 11 + order * 7) % 90;
            let due = day + 7 + (id * 3 + order) % 4;
            let date = |day: i64| format!("date('2020-01-01', '{day} days')");
            orders.push(format!("({}, {id}, {}, {}, {})", id * 10 + order, date(day), date(due), id * order));
            let began = (id * 6 + order) * 67 % 1400;
            visits.push(format!(
                "({}, {}, {})",
                id * 10 + order,
                date(began),
                date(began + 1 + (id + order) % 5)
            ));
        }
    }
    for (table, rows) in [("customers", customers), ("orders", orders), ("visits", visits)] {
        statements.push_str(&format!("INSERT INTO {table} VALUES {};\n", rows.join(", ")));
    }
    source.run(&statements);
    let target = Scratch::new(Engine::Sqlite, "where_times_target");
    let clone = ["clone", source.text(), target.text(), "--yes", "--time-budget", "10s", "--audit", "off"];
    let conditions = ["--where", "orders.due >= '2022-01-01'", "--where", "visits.ended < '2021-01-01'"];

    dbsynth(&[&clone[..], &conditions].concat()).exits(0);

    let count =
        |table: &str, what: &str| target.number(&format!("SELECT count(*) FROM {table} WHERE {what}"));
    for (table, met, gap, from, to) in [
        ("orders", "due >= '2022-01-01'", "julianday(due) - julianday(placed)", 7, 10),
        ("visits", "ended < '2021-01-01'", "julianday(ended) - julianday(began)", 1, 5),
    ] {
        let all = count(table, "1 = 1");
        assert_eq!(count(table, met), all, "{table}");
        assert!(all >= 850, "{all} of 900 rows of {table} are there");
        let usual = count(table, &format!("{gap} BETWEEN {from} AND {to}"));
        assert!(usual * 10 >= all * 9, "{usual} of {all} gaps of {table} are usual");
    }
}

/// A multiple of another column is learned as its factor; a condition on it chooses both.
#[test]
fn a_condition_on_a_multiple_keeps_the_rows() {
    let source = Scratch::new(Engine::Sqlite, "where_multiple_source");
    let rows: Vec<String> = (0..1500_i64)
        .map(|id| {
            let (net, rate) = (500 + id * 7919 % 99_000, [5, 7, 19][(id * 31 % 7 % 3) as usize]);
            let tax = (net * rate + 50) / 100;
            format!("({id}, {}.{:02}, {}.{:02})", net / 100, net % 100, tax / 100, tax % 100)
        })
        .collect();
    source.run(&format!(
        "CREATE TABLE sale (id INTEGER PRIMARY KEY, net DECIMAL(9,2) NOT NULL, tax DECIMAL(9,2) NOT NULL);\n\
         INSERT INTO sale VALUES {};",
        rows.join(", ")
    ));
    let target = Scratch::new(Engine::Sqlite, "where_multiple_target");
    let clone = ["clone", source.text(), target.text(), "--yes", "--time-budget", "10s", "--audit", "off"];

    for (condition, least) in [("tax >= 60", 1450), ("tax < 20", 1450), ("tax BETWEEN 10 AND 11", 1400)] {
        let wanted = format!("sale.{condition}");
        dbsynth(&[&clone[..], &["--where", &wanted, "--schema-mode", "replace"]].concat()).exits(0);

        let count = |what: &str| target.number(&format!("SELECT count(*) FROM sale WHERE {what}"));
        let all = count("1 = 1");
        assert!(all >= least, "{condition}: {all} of 1500 rows are there");
        assert_eq!(count(condition), all, "{condition}");
        let multiple = |rate: f64| format!("abs(tax - net * {rate}) < 0.006");
        let exact = count(&[0.05, 0.07, 0.19].map(multiple).join(" OR "));
        assert_eq!(exact, all, "{condition}: every tax is one of three rates");
        for rate in [0.05, 0.07] {
            assert!(condition == "tax >= 60" || count(&multiple(rate)) * 10 > all, "{condition}: {rate}");
        }
    }
}
