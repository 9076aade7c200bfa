//! Parents that not every row may have: a CHECK looks at them through a function, or the column that refers is narrower
//! than their key. Every row finds one that it may have.

use crate::support::{Engine, Scratch, dbsynth, engines};

/// CHECKs that ask the parent's row for its kind, as multi-tenant applications write them.
const KINDS: &str = "\
CREATE TYPE kind AS ENUM ('machine', 'web', 'native');
CREATE TABLE application (id varchar(21) PRIMARY KEY, name text NOT NULL, kind kind NOT NULL, region varchar(9) NOT NULL);
CREATE FUNCTION is_of(varchar, VARIADIC kind[]) RETURNS boolean LANGUAGE plpgsql SET search_path = public
  AS $$ BEGIN RETURN (SELECT kind FROM application WHERE id = $1) = ANY ($2); END; $$;
CREATE TABLE role (id serial PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE secret (application_id varchar(21) NOT NULL REFERENCES application, name varchar(60), value text NOT NULL, region varchar(9),
  PRIMARY KEY (application_id, name), CONSTRAINT of_machines CHECK (is_of(application_id, 'machine')));
CREATE TABLE config (application_id varchar(21) PRIMARY KEY REFERENCES application, metadata text,
  CONSTRAINT of_webs CHECK (is_of(application_id, 'web', 'native')));
CREATE TABLE application_role (role_id int REFERENCES role, application_id varchar(21) REFERENCES application,
  PRIMARY KEY (role_id, application_id), CONSTRAINT roles_of_machines CHECK (is_of(application_id, 'machine')));
INSERT INTO application SELECT 'app' || i, 'Application ' || i, (ARRAY['machine', 'web', 'native']::kind[])[1 + i % 3],
  'region ' || i / 3 % 4
  FROM generate_series(0, 59) i;
INSERT INTO role (name) SELECT 'role ' || i FROM generate_series(1, 12) i;
INSERT INTO secret SELECT 'app' || 3 * (i % 15), 'secret ' || i, md5(i::text), 'region ' || i % 15 % 4 FROM generate_series(1, 200) i;
INSERT INTO config SELECT 'app' || 1 + 3 * i, 'meta ' || i FROM generate_series(0, 14) i;
INSERT INTO application_role SELECT 1 + i % 12, 'app' || 3 * (i % 20) FROM generate_series(0, 29) i;
";

/// Columns that refer to a key of longer texts; one is the key of a table.
const WIDTHS: &str = "\
CREATE TABLE status (name varchar(64) PRIMARY KEY, description varchar(200));
CREATE TABLE balancer (id integer PRIMARY KEY, status varchar(12) NOT NULL, operating varchar(16) NOT NULL,
  CONSTRAINT of_status FOREIGN KEY (status) REFERENCES status (name),
  CONSTRAINT of_operating FOREIGN KEY (operating) REFERENCES status (name));
";

#[test]
fn rows_find_parents_that_a_check_accepts() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let source = Scratch::new(Engine::Postgres, "parents_checked_source");
    source.run(KINDS);
    let target = Scratch::new(Engine::Postgres, "parents_checked_target");

    dbsynth(&["clone", source.text(), target.text()]).exits(0);

    for table in ["application", "role", "secret", "config", "application_role"] {
        let count = format!("SELECT count(*) FROM {table}");
        assert_eq!(target.number(&count), source.number(&count), "{table}");
    }
    // Rows without CHECKs went to parents of every kind: what is asked is not met by chance.
    assert_eq!(target.number("SELECT count(*) FROM secret WHERE NOT is_of(application_id, 'machine')"), 0);
    assert_eq!(target.number("SELECT count(DISTINCT application_id) FROM config"), 15);
    let elsewhere = "SELECT count(*) FROM secret s JOIN application a ON a.id = application_id WHERE s.region <> a.region";
    assert_eq!(source.number(elsewhere), 0);
    assert_eq!(target.number(elsewhere), 0, "what repeats the parent's value repeats the new parent's");
}

fn narrow_columns_refer_to_keys_that_fit(engine: Engine) {
    if !engines().contains(&engine) {
        return;
    }
    let source = Scratch::new(engine, &format!("parents_narrow_{engine:?}_source").to_lowercase());
    source.run(WIDTHS);
    let long = |i: usize| if i.is_multiple_of(2) { "_OF_A_VERY_LONG_PROCEDURE" } else { "" };
    let names: Vec<String> = (0..40).map(|i| format!("('STATE{i}{}', 'state {i}')", long(i))).collect();
    source.run(&format!("INSERT INTO status VALUES {}", names.join(", ")));
    let odd = |i: usize| 2 * (i % 20) + 1;
    let rows: Vec<String> =
        (0..90).map(|i| format!("({i}, 'STATE{}', 'STATE{}')", odd(i), odd(i * 7))).collect();
    source.run(&format!("INSERT INTO balancer VALUES {}", rows.join(", ")));
    let target = Scratch::new(engine, &format!("parents_narrow_{engine:?}_target").to_lowercase());

    dbsynth(&["clone", source.text(), target.text()]).exits(0);

    assert_eq!(target.number("SELECT count(*) FROM status"), 40);
    assert_eq!(target.number("SELECT count(*) FROM balancer"), 90);
    let lengths = if engine == Engine::MySql { "char_length" } else { "length" };
    let longer = format!("SELECT count(*) FROM status WHERE {lengths}(name) > 16");
    assert!(target.number(&longer) > 0, "keys that are too long were there to choose");
}

#[test]
fn narrow_columns_refer_to_keys_that_fit_on_postgres() {
    narrow_columns_refer_to_keys_that_fit(Engine::Postgres);
}

#[test]
fn narrow_columns_refer_to_keys_that_fit_on_mysql() {
    narrow_columns_refer_to_keys_that_fit(Engine::MySql);
}
