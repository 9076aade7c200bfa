//! Small schemas with the shapes that are hard to clone, in each engine's own words.

use std::fmt::Write;

use crate::support::{Engine, Scratch};

/// Statements being gathered for one engine.
pub(crate) struct Script {
    engine: Engine,
    sql: String,
}

impl Script {
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine, sql: String::new() }
    }

    /// Adds a statement.
    pub(crate) fn add(&mut self, statement: &str) {
        let _ = writeln!(self.sql, "{statement};");
    }

    /// Adds the statement of this engine.
    pub(crate) fn either(&mut self, postgres: &str, mysql: &str, sqlite: &str) {
        self.add(match self.engine {
            Engine::Postgres => postgres,
            Engine::MySql => mysql,
            Engine::Sqlite => sqlite,
        });
    }

    /// Adds rows 1 to `count`; `row` writes the values of one.
    pub(crate) fn rows(&mut self, table: &str, count: i64, row: impl Fn(i64) -> String) {
        let rows: Vec<String> = (1..=count).map(|id| format!("({})", row(id))).collect();
        self.add(&format!("INSERT INTO {table} VALUES {}", rows.join(", ")));
    }

    /// The statements so far.
    pub(crate) fn text(&self) -> &str {
        &self.sql
    }

    /// Runs it all in a new database.
    pub(crate) fn database(&self, name: &str) -> Scratch {
        let scratch = Scratch::new(self.engine, name);
        scratch.run(&self.sql);
        scratch
    }
}

/// Numbers that look drawn and are the same every time.
pub(crate) fn noise(row: i64, column: i64, below: i64) -> i64 {
    let mixed = (row.wrapping_mul(2_654_435_761) ^ column.wrapping_mul(40_503)).wrapping_mul(2_246_822_519);
    (mixed >> 16).rem_euclid(below)
}

/// Every way tables refer to each other.
pub(crate) fn references(engine: Engine, name: &str) -> Scratch {
    let mut script = Script::new(engine);
    script.add("CREATE TABLE region (id INTEGER PRIMARY KEY, code VARCHAR(8) NOT NULL UNIQUE, kind VARCHAR(8) NOT NULL)");
    script.rows("region", 20, |id| format!("{id}, 'R{id:03}', '{}'", ["urban", "rural"][id as usize % 2]));

    // To a unique key that is not the primary key.
    script.add(
        "CREATE TABLE shop (id INTEGER PRIMARY KEY, region_code VARCHAR(8) NOT NULL, size INTEGER NOT NULL, \
         FOREIGN KEY (region_code) REFERENCES region (code))",
    );
    script.rows("shop", 60, |id| format!("{id}, 'R{:03}', {}", 1 + noise(id, 1, 20), noise(id, 2, 500)));

    // A primary key that is a foreign key, of two shops in three.
    script.add(
        "CREATE TABLE shop_profile (shop_id INTEGER PRIMARY KEY, stars INTEGER NOT NULL, \
         FOREIGN KEY (shop_id) REFERENCES shop (id))",
    );
    script.rows("shop_profile", 40, |id| format!("{id}, {}", 1 + noise(id, 3, 5)));

    // Many to many, and a foreign key to that composite key.
    script.add("CREATE TABLE item (id INTEGER PRIMARY KEY, kind VARCHAR(8) NOT NULL)");
    script.rows("item", 30, |id| format!("{id}, '{}'", ["tool", "food", "toy"][id as usize % 3]));
    script.add(
        "CREATE TABLE stock (shop_id INTEGER NOT NULL, item_id INTEGER NOT NULL, amount INTEGER NOT NULL, \
         PRIMARY KEY (shop_id, item_id), FOREIGN KEY (shop_id) REFERENCES shop (id), \
         FOREIGN KEY (item_id) REFERENCES item (id))",
    );
    script.rows("stock", 180, |id| format!("{}, {}, {}", 1 + id % 60, 1 + id / 60 * 7 + id % 7, id % 50));
    script.add(
        "CREATE TABLE movement (id INTEGER PRIMARY KEY, shop_id INTEGER NOT NULL, item_id INTEGER NOT NULL, \
         moved_on DATE NOT NULL, FOREIGN KEY (shop_id, item_id) REFERENCES stock (shop_id, item_id))",
    );
    script.rows("movement", 200, |id| {
        let stock = 1 + noise(id, 4, 180);
        format!(
            "{id}, {}, {}, '2024-{:02}-{:02}'",
            1 + stock % 60,
            1 + stock / 60 * 7 + stock % 7,
            1 + id % 12,
            1 + noise(id, 5, 28)
        )
    });

    // A self reference, and a cycle that one nullable key closes.
    let lead = ", FOREIGN KEY (lead_id) REFERENCES person (id)";
    script.add(&format!(
        "CREATE TABLE team (id INTEGER PRIMARY KEY, lead_id INTEGER, floor INTEGER NOT NULL{})",
        if engine == Engine::Sqlite { lead } else { "" }
    ));
    script.add(
        "CREATE TABLE person (id INTEGER PRIMARY KEY, boss_id INTEGER, team_id INTEGER NOT NULL, \
         grade INTEGER NOT NULL, FOREIGN KEY (boss_id) REFERENCES person (id), \
         FOREIGN KEY (team_id) REFERENCES team (id))",
    );
    if engine != Engine::Sqlite {
        script.add("ALTER TABLE team ADD CONSTRAINT team_lead FOREIGN KEY (lead_id) REFERENCES person (id)");
    }
    script.rows("team", 15, |id| format!("{id}, NULL, {}", noise(id, 6, 4)));
    script.rows("person", 100, |id| {
        let boss = if id <= 5 { "NULL".to_owned() } else { (1 + noise(id, 7, (id - 1).min(30))).to_string() };
        format!("{id}, {boss}, {}, {}", 1 + noise(id, 8, 15), noise(id, 9, 6))
    });
    script
        .add("UPDATE team SET lead_id = (SELECT min(id) FROM person WHERE team_id = team.id) WHERE id <= 10");

    // A diamond: aisle and cashier of one sale belong to one shop. Two keys to one parent.
    for table in ["aisle", "cashier"] {
        script.add(&format!(
            "CREATE TABLE {table} (id INTEGER PRIMARY KEY, shop_id INTEGER NOT NULL, \
             FOREIGN KEY (shop_id) REFERENCES shop (id))"
        ));
        script.rows(table, 120, |id| format!("{id}, {}", 1 + id % 60));
    }
    script.add(
        "CREATE TABLE sale (id INTEGER PRIMARY KEY, aisle_id INTEGER NOT NULL, cashier_id INTEGER NOT NULL, \
         cents INTEGER NOT NULL, FOREIGN KEY (aisle_id) REFERENCES aisle (id), \
         FOREIGN KEY (cashier_id) REFERENCES cashier (id))",
    );
    script.rows("sale", 200, |id| {
        let shop = noise(id, 10, 60);
        let of_shop = |column| 1 + (shop + 59) % 60 + 60 * noise(id, column, 2);
        format!("{id}, {}, {}, {}", of_shop(11), of_shop(12), noise(id, 13, 9000))
    });
    script.add(
        "CREATE TABLE transfer (id INTEGER PRIMARY KEY, from_shop INTEGER NOT NULL, to_shop INTEGER NOT NULL, \
         via_shop INTEGER, FOREIGN KEY (from_shop) REFERENCES shop (id), \
         FOREIGN KEY (to_shop) REFERENCES shop (id), FOREIGN KEY (via_shop) REFERENCES shop (id))",
    );
    script.rows("transfer", 100, |id| {
        let via = if id % 3 == 0 { (1 + noise(id, 16, 60)).to_string() } else { "NULL".to_owned() };
        format!("{id}, {}, {}, {via}", 1 + noise(id, 14, 60), 1 + noise(id, 15, 60))
    });

    // Composite foreign keys that share a column.
    script.add("CREATE TABLE tenant (id INTEGER PRIMARY KEY, plan VARCHAR(8) NOT NULL)");
    script.rows("tenant", 15, |id| format!("{id}, '{}'", ["free", "paid"][id as usize % 2]));
    for table in ["account", "contact"] {
        script.add(&format!(
            "CREATE TABLE {table} (tenant_id INTEGER NOT NULL, number INTEGER NOT NULL, weight INTEGER, \
             PRIMARY KEY (tenant_id, number), FOREIGN KEY (tenant_id) REFERENCES tenant (id))"
        ));
        script.rows(table, 90, |id| {
            format!("{}, {}, {}", 1 + (id - 1) % 15, 1 + (id - 1) / 15, noise(id, 17, 9))
        });
    }
    script.add(
        "CREATE TABLE deal (id INTEGER PRIMARY KEY, tenant_id INTEGER NOT NULL, account_number INTEGER NOT NULL, \
         contact_number INTEGER, FOREIGN KEY (tenant_id, account_number) REFERENCES account (tenant_id, number), \
         FOREIGN KEY (tenant_id, contact_number) REFERENCES contact (tenant_id, number))",
    );
    script.rows("deal", 150, |id| {
        let contact = if id % 4 == 0 { "NULL".to_owned() } else { (1 + noise(id, 18, 6)).to_string() };
        format!("{id}, {}, {}, {contact}", 1 + id % 15, 1 + noise(id, 19, 6))
    });
    script.database(name)
}

/// Names that need quotes, tables without rows or without a key, keys of text, tables that are copied.
pub(crate) fn oddities(engine: Engine, name: &str) -> Scratch {
    let quoted =
        |name: &str| if engine == Engine::MySql { format!("`{name}`") } else { format!("\"{name}\"") };
    let (order, lines) = (quoted("Order"), quoted("Order Details"));
    let (size, select, order_no) = (quoted("größe"), quoted("select"), quoted("order no."));
    let mut script = Script::new(engine);
    script.add(&format!("CREATE TABLE {order} (id INTEGER PRIMARY KEY, {select} VARCHAR(10) NOT NULL)"));
    script.rows(&order, 60, |id| format!("{id}, '{}'", ["große", "it''s", "日本"][id as usize % 3]));
    script.add(&format!(
        "CREATE TABLE {lines} ({order_no} INTEGER NOT NULL, {size} INTEGER NOT NULL, line INTEGER NOT NULL, \
         PRIMARY KEY ({order_no}, line), FOREIGN KEY ({order_no}) REFERENCES {order} (id))"
    ));
    script.rows(&lines, 120, |id| format!("{}, {}, {}", 1 + id % 60, noise(id, 1, 40), 1 + id / 60));

    script.add("CREATE TABLE event_log (level VARCHAR(8), code INTEGER)");
    script
        .rows("event_log", 120, |id| format!("'{}', {}", ["info", "warn"][id as usize % 2], noise(id, 2, 5)));
    script.add(
        "CREATE TABLE nobody_yet (id INTEGER PRIMARY KEY, note VARCHAR(20), score INTEGER CHECK (score > 0))",
    );

    script.add("CREATE TABLE currency (code CHAR(3) PRIMARY KEY, digits INTEGER NOT NULL)");
    script.add(
        "INSERT INTO currency VALUES ('EUR', 2), ('USD', 2), ('JPY', 0), ('CHF', 2), ('KWD', 3), ('SEK', 2)",
    );
    script.add(
        "CREATE TABLE price (id INTEGER PRIMARY KEY, currency CHAR(3) NOT NULL, amount NUMERIC(10, 2) NOT NULL, \
         FOREIGN KEY (currency) REFERENCES currency (code))",
    );
    script.rows("price", 150, |id| {
        let code = ["EUR", "USD", "JPY", "CHF", "KWD", "SEK"][noise(id, 3, 6) as usize];
        format!("{id}, '{code}', {}.{:02}", 1 + noise(id, 4, 300), noise(id, 5, 100))
    });

    script.add("CREATE TABLE schema_migrations (version VARCHAR(255) NOT NULL PRIMARY KEY)");
    script.rows("schema_migrations", 9, |id| format!("'2023{id:02}01120000'"));

    // Uniqueness of text, of numbers, of several columns, and of some rows only.
    script.add(
        "CREATE TABLE voucher (id INTEGER PRIMARY KEY, code VARCHAR(12) NOT NULL UNIQUE, serial INTEGER NOT NULL UNIQUE, \
         series VARCHAR(4) NOT NULL, place INTEGER NOT NULL, status VARCHAR(8) NOT NULL, holder INTEGER, \
         UNIQUE (series, place))",
    );
    script.rows("voucher", 150, |id| {
        let status = if noise(id, 6, 3) == 0 { "open" } else { "closed" };
        let holder = if status == "open" { id } else { 1 + noise(id, 7, 20) };
        format!(
            "{id}, 'V-{:05}', {}, '{}', {}, '{status}', {holder}",
            10_000 + id * 37,
            5_000 + id * 11,
            ["A", "B", "C"][id as usize % 3],
            id / 3
        )
    });
    if engine != Engine::MySql {
        script.add("CREATE UNIQUE INDEX one_open ON voucher (holder) WHERE status = 'open'");
    }
    script.database(name)
}

/// The common types of each engine, with generated columns, enumerations and CHECKs.
pub(crate) fn types(engine: Engine, name: &str) -> Scratch {
    let mut script = Script::new(engine);
    if engine == Engine::Postgres {
        script.add("CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')");
        script.add("CREATE DOMAIN percent AS integer CHECK (VALUE BETWEEN 0 AND 100)");
    }
    script.either(
        "CREATE TABLE everything (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, small smallint, big bigint, \
         price numeric(12,4), ratio real, weight double precision, flag boolean, code char(5), word varchar(20), \
         story text, raw bytea, day date, clock time, moment timestamp, instant timestamptz, span interval, \
         token uuid, doc json, docb jsonb, address inet, numbers integer[], words text[], feeling mood, \
         share percent, room int4range, place point, bits bit(4), \
         double_price numeric GENERATED ALWAYS AS (price * 2) STORED, low integer, high integer, \
         CHECK (low <= high), CHECK (word IN ('red', 'green', 'blue')))",
        "CREATE TABLE everything (id INT AUTO_INCREMENT PRIMARY KEY, small SMALLINT, big BIGINT, \
         price DECIMAL(12,4), ratio FLOAT, weight DOUBLE, flag TINYINT(1), code CHAR(5), word VARCHAR(20), \
         story TEXT, raw VARBINARY(8), day DATE, clock TIME, moment DATETIME(6), instant TIMESTAMP NULL, \
         tiny TINYINT UNSIGNED, medium MEDIUMINT, huge BIGINT UNSIGNED, bits BIT(4), born YEAR, doc JSON, \
         feeling ENUM('sad', 'ok', 'happy'), parts SET('a', 'b', 'c'), bin BINARY(4), \
         double_price DECIMAL(14,4) GENERATED ALWAYS AS (price * 2) STORED, \
         half DOUBLE GENERATED ALWAYS AS (weight / 2) VIRTUAL, low INT, high INT, \
         CHECK (low <= high), CHECK (word IN ('red', 'green', 'blue')))",
        "CREATE TABLE everything (id INTEGER PRIMARY KEY AUTOINCREMENT, big BIGINT, price DECIMAL(12,4), \
         weight REAL, flag BOOLEAN, code CHAR(5), word VARCHAR(20), story TEXT, raw BLOB, day DATE, clock TIME, \
         moment DATETIME, doc JSON, feeling TEXT CHECK (feeling IN ('sad', 'ok', 'happy')), \
         double_price NUMERIC GENERATED ALWAYS AS (price * 2) STORED, \
         half REAL GENERATED ALWAYS AS (weight / 2) VIRTUAL, low INTEGER, high INTEGER, \
         CHECK (low <= high), CHECK (word IN ('red', 'green', 'blue')))",
    );
    let columns = match engine {
        Engine::Postgres => {
            "small, big, price, ratio, weight, flag, code, word, story, raw, day, clock, moment, instant, span, token, \
             doc, docb, address, numbers, words, feeling, share, room, place, bits, low, high"
        }
        Engine::MySql => {
            "small, big, price, ratio, weight, flag, code, word, story, raw, day, clock, moment, instant, tiny, \
             medium, huge, bits, born, doc, feeling, parts, bin, low, high"
        }
        Engine::Sqlite => {
            "big, price, weight, flag, code, word, story, raw, day, clock, moment, doc, feeling, low, high"
        }
    };
    script.rows(&format!("everything ({columns})"), 100, |id| values(engine, id));
    if engine == Engine::Sqlite {
        script.add("CREATE TABLE strict_one (k TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID");
        script.rows("strict_one", 60, |id| format!("'key-{:04}', {}", id * 13, noise(id, 30, 7)));
    }
    script.database(name)
}

fn values(engine: Engine, id: i64) -> String {
    let null_or =
        |column: i64, value: String| if noise(id, column, 8) == 0 { "NULL".to_owned() } else { value };
    let pick = |column: i64, of: &[&str]| format!("'{}'", of[noise(id, column, of.len() as i64) as usize]);
    let date = format!("2024-{:02}-{:02}", 1 + noise(id, 1, 12), 1 + noise(id, 2, 28));
    let time = format!("{:02}:{:02}:{:02}", noise(id, 3, 24), noise(id, 4, 60), noise(id, 5, 60));
    let low = noise(id, 6, 50);
    let hex = format!("{:08x}", noise(id, 7, i64::from(u32::MAX)));
    let big = null_or(8, (noise(id, 9, 1 << 30) * 5_000_000_000).to_string());
    let price = null_or(10, format!("{}.{:04}", noise(id, 11, 900), noise(id, 12, 10_000)));
    let weight = null_or(13, format!("{}.5", noise(id, 14, 80)));
    let flag = if noise(id, 15, 3) == 0 { "true" } else { "false" };
    let code = format!("'C{:04}'", noise(id, 16, 9_999));
    let word = null_or(17, pick(18, &["red", "green", "blue"]));
    let story = null_or(
        19,
        pick(20, &["a short story", "another one; with 'quotes'", ""]).replace("'quotes'", "''quotes''"),
    );
    let doc = format!("'{{\"a\": {}, \"b\": [\"x\", null]}}'", noise(id, 21, 9));
    let feeling = null_or(22, pick(23, &["sad", "ok", "happy"]));
    let (small, high) = (noise(id, 24, 300) - 150, low + noise(id, 25, 20));
    let moment = format!("'{date} {time}'");
    match engine {
        Engine::Postgres => format!(
            "{small}, {big}, {price}, {weight}, {weight}, {flag}, {code}, {word}, {story}, '\\x{hex}', '{date}', \
             '{time}', {moment}, '{date} {time}+02', '{} hours', '0b2c6c1e-5b1f-4c9d-8a3b-0000{hex}', {doc}, {doc}, \
             '10.0.{}.{}', '{{{low},{high}}}', '{{p,q}}', {feeling}, {}, '[{low},{})', '({low},{high})', B'{:04b}', \
             {low}, {high}",
            noise(id, 26, 90),
            noise(id, 27, 9),
            noise(id, 28, 255),
            noise(id, 29, 101),
            high + 1,
            noise(id, 30, 16)
        ),
        Engine::MySql => format!(
            "{small}, {big}, {price}, {weight}, {weight}, {flag}, {code}, {word}, {story}, x'{hex}', '{date}', \
             '{time}', {moment}, {moment}, {}, {}, {}, b'{:04b}', {}, {doc}, {feeling}, {}, x'{hex}', {low}, {high}",
            noise(id, 26, 256),
            noise(id, 27, 90_000),
            10_000_000_000_000_000_000_u64 + id as u64,
            noise(id, 28, 16),
            1950 + noise(id, 29, 70),
            pick(31, &["a", "a,b", "c", ""])
        ),
        Engine::Sqlite => format!(
            "{big}, {price}, {weight}, {flag}, {code}, {word}, {story}, x'{hex}', '{date}', '{time}', {moment}, {doc}, \
             {feeling}, {low}, {high}"
        ),
    }
}

/// People with everything that must not get out, their orders, and who recommended whom.
pub(crate) fn household(engine: Engine, name: &str) -> Scratch {
    let mut script = Script::new(engine);
    script.add(
        "CREATE TABLE person (id INTEGER PRIMARY KEY, first_name VARCHAR(30) NOT NULL, \
         last_name VARCHAR(30) NOT NULL, email VARCHAR(80) NOT NULL UNIQUE, phone VARCHAR(30), \
         address VARCHAR(80), friend_id INTEGER, joined_on DATE NOT NULL, \
         FOREIGN KEY (friend_id) REFERENCES person (id))",
    );
    script.rows("person", PEOPLE, |id| {
        let (first, last) = person(id);
        let friend = if id < 4 || id % 3 == 0 {
            "NULL".to_owned()
        } else {
            (id - 1 - noise(id, 1, 3)).max(1).to_string()
        };
        format!(
            "{id}, '{first}', '{last}', '{}', '{}', '{}', {friend}, '2023-{:02}-{:02}'",
            email(id),
            phone(id),
            address(id),
            1 + noise(id, 2, 12),
            1 + noise(id, 3, 28)
        )
    });
    script.add(
        "CREATE TABLE purchase (id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL, amount NUMERIC(8, 2) NOT NULL, \
         contact_email VARCHAR(80), FOREIGN KEY (person_id) REFERENCES person (id))",
    );
    script.rows("purchase", 120, |id| {
        let buyer = 1 + noise(id, 4, PEOPLE);
        format!("{id}, {buyer}, {}.{:02}, '{}'", 5 + noise(id, 5, 200), noise(id, 6, 100), email(buyer))
    });
    script.database(name)
}

/// Rows of `person`.
pub(crate) const PEOPLE: i64 = 80;

/// First and last name; no two people share both.
pub(crate) fn person(id: i64) -> (&'static str, &'static str) {
    const FIRST: [&str; 10] = [
        "Quirina", "Tadeus", "Ludmilla", "Osvaldo", "Brunhild", "Casimir", "Eudora", "Florian", "Gudrun",
        "Hektor",
    ];
    const LAST: [&str; 8] = [
        "Zwickenpflug",
        "Oberhuemer",
        "Quandtmann",
        "Xanthopoulos",
        "Vrbanic",
        "Yildirimer",
        "Uhlenbrock",
        "Jaskolka",
    ];
    let id = (id - 1) as usize;
    (FIRST[id % 10], LAST[(id / 10) % 8])
}

pub(crate) fn email(id: i64) -> String {
    let (first, last) = person(id);
    format!("{first}.{last}{}@canary-mail.test", noise(id, 20, 90)).to_lowercase()
}

pub(crate) fn phone(id: i64) -> String {
    format!("+49 89 {:07}", 1_000_000 + noise(id, 21, 8_999_999))
}

pub(crate) fn address(id: i64) -> String {
    format!("{} Kanarienvogelgasse, {} Hinterwald", 1 + noise(id, 22, 200), 10_000 + noise(id, 23, 80_000))
}
