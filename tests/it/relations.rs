//! What holds in every row of the source across tables holds in every row of the target.

use crate::support::{Engine, Scratch, dbsynth, engines};

/// Customers with orders, orders with lines and comments: totals, counts, copies, orderings and conditional nulls.
/// `noise(n, k)` are fixed but patternless numbers from 0 to k − 1.
fn shop(name: &str) -> Scratch {
    let shop = Scratch::new(Engine::Sqlite, name);
    let noise = |seed: &str, below: u32| format!("(abs(({seed}) * 7919 % 104729 * 6151 % 99991) % {below})");
    let numbers = |count: u32| {
        format!("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})")
    };
    shop.run(&format!(
        "CREATE TABLE customer (
            id INTEGER PRIMARY KEY, city TEXT NOT NULL, joined DATETIME NOT NULL,
            orders INTEGER NOT NULL, spent NUMERIC(10,2) NOT NULL CHECK (spent >= 0), last_order DATETIME);
         CREATE TABLE purchase (
            id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer ON DELETE CASCADE,
            city TEXT NOT NULL, status TEXT NOT NULL, placed DATETIME NOT NULL, closed DATETIME,
            subtotal NUMERIC(10,2) NOT NULL, shipping NUMERIC(10,2) NOT NULL,
            total NUMERIC(10,2) NOT NULL CHECK (total >= subtotal), comments INTEGER NOT NULL);
         CREATE TABLE line (
            id INTEGER PRIMARY KEY, purchase_id INTEGER NOT NULL REFERENCES purchase ON DELETE CASCADE,
            quantity INTEGER NOT NULL CHECK (quantity > 0), price NUMERIC(10,2) NOT NULL,
            total NUMERIC(10,2) NOT NULL);
         CREATE TABLE comment (
            id INTEGER PRIMARY KEY, purchase_id INTEGER NOT NULL REFERENCES purchase,
            written DATETIME NOT NULL, stars INTEGER NOT NULL);
         {} INSERT INTO customer SELECT i, 'city ' || {}, datetime(1600000000 + 86400 * {}, 'unixepoch'), 0, 0, NULL
            FROM n;
         {} INSERT INTO purchase SELECT i, c.id, c.city, CASE {} WHEN 0 THEN 'open' WHEN 1 THEN 'lost' ELSE 'done' END,
            datetime(c.joined, '+' || {} || ' minutes'), NULL, 0, {} / 100.0, 0, 0
            FROM n JOIN customer c ON c.id = 1 + {} ORDER BY i;
         UPDATE purchase SET closed = datetime(placed, '+' || {} || ' minutes') WHERE status <> 'open';
         {} INSERT INTO line SELECT i, 1 + {}, 1 + {}, (100 + {}) / 100.0, 0 FROM n;
         UPDATE line SET total = round(quantity * price, 2);
         {} INSERT INTO comment SELECT i, p.id, datetime(p.placed, '+' || {} || ' minutes'), 1 + {}
            FROM n JOIN purchase p ON p.id = 1 + {} ORDER BY i;
         UPDATE purchase SET subtotal = (SELECT round(coalesce(sum(total), 0), 2) FROM line WHERE purchase_id = purchase.id),
            total = (SELECT round(coalesce(sum(total), 0) + purchase.shipping, 2) FROM line WHERE purchase_id = purchase.id),
            comments = (SELECT count(*) FROM comment WHERE purchase_id = purchase.id);
         UPDATE customer SET orders = (SELECT count(*) FROM purchase WHERE customer_id = customer.id),
            spent = (SELECT round(coalesce(sum(total), 0), 2) FROM purchase WHERE customer_id = customer.id),
            last_order = (SELECT max(placed) FROM purchase WHERE customer_id = customer.id)",
        numbers(160),
        noise("i + 5", 12),
        noise("i * 3 + 7", 700),
        numbers(500),
        noise("i * 5 + 1", 4),
        noise("i * 17 + 3", 300_000),
        noise("i * 19 + 2", 3000),
        noise("i * 23 + 11", 160),
        noise("id * 29 + 13", 20_000),
        numbers(1400),
        noise("i * 31 + 17", 500),
        noise("i * 37 + 19", 9),
        noise("i * 41 + 23", 9000),
        numbers(900),
        noise("i * 43 + 29", 90_000),
        noise("i * 47 + 31", 5),
        noise("i * 53 + 37", 500),
    ));
    shop
}

/// Queries that count rows breaking what holds in every row of the shop, by what holds.
const BROKEN: [(&str, &str); 12] = [
    (
        "line.total = quantity · price",
        "SELECT count(*) FROM line WHERE abs(total - round(quantity * price, 2)) > 1e-6",
    ),
    (
        "subtotal = Σ line.total",
        "SELECT count(*) FROM purchase p WHERE abs(subtotal -
         (SELECT coalesce(sum(total), 0) FROM line WHERE purchase_id = p.id)) > 1e-6",
    ),
    (
        "total = subtotal + shipping",
        "SELECT count(*) FROM purchase WHERE abs(total - subtotal - shipping) > 1e-6",
    ),
    (
        "comments is their number",
        "SELECT count(*) FROM purchase p WHERE comments <> (SELECT count(*) FROM comment WHERE purchase_id = p.id)",
    ),
    (
        "orders is their number",
        "SELECT count(*) FROM customer c WHERE orders <> (SELECT count(*) FROM purchase WHERE customer_id = c.id)",
    ),
    (
        "spent = Σ purchase.total",
        "SELECT count(*) FROM customer c WHERE abs(spent -
         (SELECT coalesce(sum(total), 0) FROM purchase WHERE customer_id = c.id)) > 1e-6",
    ),
    (
        "last_order is the greatest",
        "SELECT count(*) FROM customer c WHERE last_order IS NOT
         (SELECT max(placed) FROM purchase WHERE customer_id = c.id)",
    ),
    (
        "a purchase repeats its customer's city",
        "SELECT count(*) FROM purchase p JOIN customer c ON c.id = customer_id WHERE p.city <> c.city",
    ),
    (
        "nobody orders before joining",
        "SELECT count(*) FROM purchase p JOIN customer c ON c.id = customer_id WHERE placed < joined",
    ),
    (
        "nobody comments before ordering",
        "SELECT count(*) FROM comment JOIN purchase p ON p.id = purchase_id WHERE written < placed",
    ),
    ("nothing closes before it is placed", "SELECT count(*) FROM purchase WHERE closed < placed"),
    (
        "open purchases alone are not closed",
        "SELECT count(*) FROM purchase WHERE (closed IS NULL) <> (status = 'open')",
    ),
];

fn keeps_everything(target: &Scratch) {
    for (what, query) in BROKEN {
        assert_eq!(target.number(query), 0, "{what}");
    }
}

#[test]
fn totals_counts_copies_orderings_and_nulls_hold_exactly_in_the_target() {
    let source = shop("relations_source");
    keeps_everything(&source);
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("shop.dbsynth");
    let model = model.to_str().unwrap();
    let (target, larger) =
        (Scratch::new(Engine::Sqlite, "relations_target"), Scratch::new(Engine::Sqlite, "relations_larger"));

    dbsynth(&["train", source.text(), "-o", model]).exits(0);
    let run = dbsynth(&["generate", model, target.text(), "--json"]).exits(0).json();
    dbsynth(&["generate", model, larger.text(), "--scale", "2"]).exits(0);

    keeps_everything(&target);
    keeps_everything(&larger);
    assert_eq!(target.number("SELECT count(*) FROM line"), 1400);
    assert!(target.number("SELECT count(DISTINCT subtotal) FROM purchase") > 100);
    assert!(target.number("SELECT count(*) FROM purchase WHERE status = 'open'") > 20);
    let findings = run["findings"].as_array().unwrap();
    let told = |code: &str, table: &str| {
        findings.iter().any(|finding| finding["code"] == code && finding["table"] == table)
    };
    for table in ["purchase", "customer"] {
        assert!(told("total-computed", table), "{findings:?}");
    }
    lists_every_rule(&dbsynth(&["inspect", model, "--json"]).exits(0).json());
    assert!(dbsynth(&["inspect", model]).exits(0).stdout.contains("  rule comments = number of"));
}

fn lists_every_rule(json: &serde_json::Value) {
    let expected = [
        ("line", "total = quantity · price"),
        ("purchase", "subtotal = Σ line.(total)"),
        ("purchase", "total = subtotal + shipping"),
        ("purchase", "comments = number of comment rows"),
        ("purchase", "city = customer.city"),
        ("purchase", "placed ≥ customer.joined"),
        ("purchase", "closed is null exactly where status is open"),
        ("customer", "spent = Σ purchase.(total)"),
        ("customer", "last_order = greatest purchase.placed"),
        ("comment", "written ≥ purchase.placed"),
    ];
    let rules = json["rules"].as_array().unwrap();
    for (table, rule) in expected {
        let is = |found: &serde_json::Value| {
            found["table"] == table && found["rule"].as_str().is_some_and(|text| text.starts_with(rule))
        };
        assert!(rules.iter().any(is), "{table}: {rule} is not among\n{rules:#?}");
    }
}

#[test]
fn plan_and_inspect_list_the_rules_of_a_database() {
    let source = shop("relations_listed");

    lists_every_rule(&dbsynth(&["plan", source.text(), "--rules", "--json"]).exits(0).json());
    lists_every_rule(&dbsynth(&["inspect", source.text(), "--rules", "--json"]).exits(0).json());
    assert!(dbsynth(&["plan", source.text(), "--rules"]).exits(0).stdout.contains("rules of purchase\n"));
    assert!(!dbsynth(&["plan", source.text()]).exits(0).stdout.contains("rules of"));
}

/// Rows are generated along `low`: the highest node can be nobody's lower end, so its rows join other families.
fn ordered_ends_keep_every_row(engine: Engine) {
    if !engines().contains(&engine) {
        return;
    }
    let source = Scratch::new(engine, &format!("ordered_ends_{engine:?}_source").to_lowercase());
    source.run(
        "CREATE TABLE node (id integer PRIMARY KEY, name varchar(20) NOT NULL);
         CREATE TABLE span (id integer PRIMARY KEY, low integer NOT NULL, high integer NOT NULL, weight integer NOT NULL,
           FOREIGN KEY (low) REFERENCES node (id) ON DELETE CASCADE, FOREIGN KEY (high) REFERENCES node (id),
           CONSTRAINT in_order CHECK (low < high));",
    );
    let nodes: Vec<String> = (1..=40).map(|id| format!("({id}, 'node {id}')")).collect();
    source.run(&format!("INSERT INTO node VALUES {}", nodes.join(", ")));
    let span = |id: i64| {
        let low = 1 + id * 13 % 37;
        format!("({id}, {low}, {}, {})", low + 1 + id * 7 % (40 - low), id % 50)
    };
    let spans: Vec<String> = (1..=400).map(span).collect();
    source.run(&format!("INSERT INTO span VALUES {}", spans.join(", ")));
    let target = Scratch::new(engine, &format!("ordered_ends_{engine:?}_target").to_lowercase());

    let result = dbsynth(&["clone", source.text(), target.text(), "--json"]).exits(0).json();

    assert_eq!(target.number("SELECT count(*) FROM span"), 400, "{}", result["findings"]);
    assert_eq!(target.number("SELECT count(*) FROM span WHERE low >= high"), 0);
}

#[test]
fn ordered_ends_keep_every_row_on_sqlite() {
    ordered_ends_keep_every_row(Engine::Sqlite);
}

#[test]
fn ordered_ends_keep_every_row_on_postgres() {
    ordered_ends_keep_every_row(Engine::Postgres);
}

#[test]
fn ordered_ends_keep_every_row_on_mysql() {
    ordered_ends_keep_every_row(Engine::MySql);
}
