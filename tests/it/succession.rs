//! What rows hand on to the next one holds in the copy: periods that follow each other, balances, daily sales, calendars.

use crate::{
    fixtures::{Script, noise},
    support::{Engine, Scratch, dbsynth, engines},
};

const ACCOUNTS: i64 = 150;
const ENTRIES: i64 = 10;
const PRODUCTS: i64 = 12;
const SHOPS: i64 = 5;
const DAYS: i64 = 24;

/// The day so many days after 2021-01-01, in months of 28 days.
fn day(number: i64) -> String {
    format!("'{}-{:02}-{:02}'", 2021 + number / 336, 1 + number / 28 % 12, 1 + number % 28)
}

/// Accounts whose entries follow each other, products that each shop sells every day, and the days of some months.
fn books(engine: Engine, name: &str) -> Scratch {
    let mut script = Script::new(engine);
    for (table, rows) in [("account", ACCOUNTS), ("product", PRODUCTS), ("shop", SHOPS)] {
        script.add(&format!("CREATE TABLE {table} (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL)"));
        script.rows(table, rows, |id| format!("{id}, {}", noise(id, 1, 4)));
    }
    script.add(
        "CREATE TABLE entry (id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL, valid_from DATE NOT NULL, \
         valid_to DATE NOT NULL, kind VARCHAR(10) NOT NULL, amount DECIMAL(10,2) NOT NULL, \
         balance DECIMAL(12,2) NOT NULL, FOREIGN KEY (account_id) REFERENCES account (id))",
    );
    let begin = |id: i64| {
        let place = (id - 1) % ENTRIES;
        ((id - place)..=id).map(|before| 1 + noise(before, 2, 60)).sum::<i64>()
    };
    let change = |id: i64| {
        let amount = 100 + noise(id, 3, 90_000);
        if noise(id, 4, 3) == 0 { -amount } else { amount }
    };
    script.rows("entry", ACCOUNTS * ENTRIES, |id| {
        let place = (id - 1) % ENTRIES;
        let end = if place + 1 == ENTRIES { "'9999-12-31'".to_owned() } else { day(begin(id + 1)) };
        let balance: i64 = ((id - place)..=id).map(change).sum();
        let kind = if change(id) < 0 { "'out'" } else { "'in'" };
        let cents = |amount: i64| format!("{:.2}", amount as f64 / 100.0);
        let (amount, balance) = (cents(change(id).abs()), cents(balance));
        format!("{id}, {}, {}, {end}, {kind}, {amount}, {balance}", 1 + (id - 1) / ENTRIES, day(begin(id)))
    });
    script.add(
        "CREATE TABLE sale (id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL, shop_id INTEGER NOT NULL, \
         sold_on DATE NOT NULL, sold INTEGER NOT NULL, FOREIGN KEY (product_id) REFERENCES product (id), \
         FOREIGN KEY (shop_id) REFERENCES shop (id))",
    );
    // Every shop but one sells a product.
    script.rows("sale", PRODUCTS * (SHOPS - 1) * DAYS, |id| {
        let (series, on) = ((id - 1) / DAYS, (id - 1) % DAYS);
        let (product, place) = (series / (SHOPS - 1), series % (SHOPS - 1));
        let shop = (place + i64::from(place >= product % SHOPS)) % SHOPS;
        format!("{id}, {}, {}, {}, {}", 1 + product, 1 + shop, day(on), noise(id, 5, 20))
    });
    script.add("CREATE TABLE calendar (day DATE PRIMARY KEY, holiday INTEGER NOT NULL)");
    script.rows("calendar", 28, |id| format!("'2024-01-{id:02}', {}", noise(id, 6, 2)));
    script.rows("calendar", 29, |id| format!("'2024-02-{id:02}', {}", noise(id, 7, 2)));
    script.rows("calendar", 31, |id| format!("'2024-03-{id:02}', {}", noise(id, 8, 2)));
    script.rows("calendar", 30, |id| format!("'2024-04-{id:02}', {}", noise(id, 9, 2)));
    script.add("INSERT INTO calendar VALUES ('2024-01-29', 0), ('2024-01-30', 1), ('2024-01-31', 0)");
    script.database(name)
}

fn rows_hand_on_what_they_did(engine: Engine) {
    if !engines().contains(&engine) {
        return;
    }
    let name = |end: &str| format!("succession_{engine:?}_{end}").to_lowercase();
    let source = books(engine, &name("source"));
    let copy = Scratch::new(engine, &name("copy"));

    dbsynth(&["clone", source.text(), copy.text(), "--time-budget", "8s", "--audit", "off"]).exits(0);

    let steps = "SELECT entry.*, lead(valid_from) OVER (PARTITION BY account_id ORDER BY valid_from, id) AS next, \
                 lag(balance) OVER (PARTITION BY account_id ORDER BY valid_from, id) AS earlier FROM entry";
    let broken = |what: &str| copy.number(&format!("SELECT count(*) FROM ({steps}) AS steps WHERE {what}"));
    let signed = "CASE kind WHEN 'out' THEN -amount ELSE amount END";
    assert!(broken("next IS NOT NULL") > ACCOUNTS, "rows have siblings");
    assert_eq!(broken("next IS NOT NULL AND valid_to <> next"), 0, "periods follow each other");
    assert_eq!(
        broken(&format!("abs(balance - coalesce(earlier, 0) - ({signed})) > 0.001")),
        0,
        "balances add up"
    );
    let open = copy.number("SELECT count(*) FROM entry WHERE valid_to = '9999-12-31'");
    assert_eq!(open, ACCOUNTS, "the last period is open");

    let series =
        "SELECT count(*) AS days, count(DISTINCT sold_on) AS kinds FROM sale GROUP BY product_id, shop_id";
    let odd = copy.number(&format!("SELECT count(*) FROM ({series}) AS series WHERE days <> kinds"));
    assert_eq!(odd, 0, "a shop sells a product once a day");
    assert_eq!(copy.number("SELECT count(DISTINCT sold_on) FROM sale"), DAYS, "every day, and no other");

    assert_eq!(copy.number("SELECT count(*) FROM calendar"), 121);
    let within = "SELECT count(*) FROM calendar WHERE day >= '2024-01-01' AND day <= '2024-04-30'";
    assert_eq!(copy.number(within), 121, "every day once");

    dbsynth(&["verify", copy.text()]).exits(0);
    let rules = dbsynth(&["plan", source.text(), "--rules"]).exits(0).stdout;
    for rule in [
        "valid_to = valid_from of the next sibling (1350 pairs)",
        "balance = balance of the previous sibling ± amount (− where kind is out), from 0",
        "siblings with one shop_id follow each other in time",
        "day runs on row by row, from 2024-01-01",
    ] {
        assert!(rules.contains(rule), "{rule} is missing in {rules}");
    }
}

#[test]
fn rows_hand_on_what_they_did_on_postgres() {
    rows_hand_on_what_they_did(Engine::Postgres);
}

#[test]
fn rows_hand_on_what_they_did_on_mariadb() {
    rows_hand_on_what_they_did(Engine::MySql);
}

#[test]
fn rows_hand_on_what_they_did_on_sqlite() {
    rows_hand_on_what_they_did(Engine::Sqlite);
}
