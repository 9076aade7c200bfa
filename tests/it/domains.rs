//! Values made of parts keep what they have to do with the columns beside them, inside the database's own domains.

use std::collections::BTreeMap;

use crate::support::{Engine, Scratch, dbsynth, engines};

const ROWS: i64 = 900;

/// A spread-out number below `below`.
fn noise(id: i64, salt: i64, below: i64) -> i64 {
    let mut x = (id * 1_000 + salt) as u64;
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) % below as u64) as i64
}

/// A document whose plan, seats and tags follow from the kind of the row.
fn document(id: i64, kind: i64) -> String {
    let plan = ["free", "pro", "team"][kind as usize];
    let tags: Vec<String> = (0..=kind).map(|tag| format!("\"t{tag}\"")).collect();
    let note =
        if noise(id, 1, 3) == 0 { "null".to_owned() } else { format!("\"seen {}\"", noise(id, 2, 900)) };
    format!(
        "{{\"plan\": \"{plan}\", \"seats\": {}, \"tags\": [{}], \"owner\": {{\"mail\": \"user{id}@zyx.io\", \"vip\": {}}}, \
         \"note\": {note}}}",
        kind * 100 + noise(id, 3, 40),
        tags.join(", "),
        kind == 2,
    )
}

fn fill(source: &Scratch, columns: &str, values: impl Fn(i64) -> String) {
    for start in (1..=ROWS).step_by(300) {
        let rows: Vec<String> = (start..start + 300).map(|id| format!("({})", values(id))).collect();
        source.run(&format!("INSERT INTO account ({columns}) VALUES {}", rows.join(", ")));
    }
}

fn cloned(engine: Engine, source: &Scratch) -> Scratch {
    let target = Scratch::new(engine, &format!("domains_{engine:?}_target").to_lowercase());
    let run = dbsynth(&["clone", source.text(), target.text(), "--json"]).exits(0);
    for line in run.json()["proof"]["lines"].as_array().unwrap() {
        assert_eq!(line["violations"], 0, "{line}");
    }
    assert_eq!(target.number("SELECT count(*) FROM account"), ROWS);
    target
}

/// At least `share` per cent of the rows that `of` counts hold `what`.
fn mostly(target: &Scratch, what: &str, of: &str, share: i64) {
    let all = target.number(&format!("SELECT count(*) FROM account WHERE {of}"));
    let good = target.number(&format!("SELECT count(*) FROM account WHERE ({of}) AND ({what})"));
    assert!(all > 50, "{of}: {all} rows only");
    assert!(good * 100 >= share * all, "{what}: {good} of {all} where {of}");
}

#[test]
fn parts_of_values_follow_their_columns_on_postgres() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let source = Scratch::new(Engine::Postgres, "domains_postgres_source");
    source.run(
        "CREATE TABLE account (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text NOT NULL, \
         doc jsonb NOT NULL, scores integer[] NOT NULL, labels text[], days date[], grid integer[], place point, \
         latitude double precision, longitude double precision, stay daterange NOT NULL, span interval NOT NULL, \
         address inet, network cidr, hardware macaddr, flags bit(6) NOT NULL, price money)",
    );
    let columns = "kind, doc, scores, labels, days, grid, place, latitude, longitude, stay, span, address, network, \
                   hardware, flags, price";
    fill(&source, columns, |id| {
        let kind = noise(id, 0, 3);
        let scores: Vec<String> =
            (0..=kind).map(|n| (kind * 1000 + n * 10 + noise(id, 10 + n, 9)).to_string()).collect();
        let (x, y) = [(13.4, 52.5), (2.3, 48.9), (-0.1, 51.5)][kind as usize];
        let (x, y) = (x + noise(id, 4, 1000) as f64 / 1e4, y + noise(id, 5, 1000) as f64 / 1e4);
        let day = 1 + noise(id, 6, 27);
        let address = if noise(id, 7, 4) == 0 {
            format!("fe80::{id:x}")
        } else {
            format!("93.184.{}.{}", id % 250, noise(id, 8, 250))
        };
        format!(
            "'kind {kind}', '{}', '{{{}}}', {}, '{{2024-0{}-{day:02}}}', '{{{{1,2}},{{3,{}}}}}', '({x:.4},{y:.4})', \
             {y:.4}, {x:.4}, daterange(date '2024-0{m}-{day:02}', date '2024-0{m}-{day:02}' + {}), '{} days {} hours', '{address}', \
             '93.184.{}.0/24', '08:00:2b:01:02:{:02x}', B'{:06b}', {}.25",
            document(id, kind),
            scores.join(","),
            if noise(id, 9, 9) == 0 { "NULL".to_owned() } else { format!("'{{lab{kind}}}'") },
            kind + 1,
            noise(id, 20, 500),
            1 + noise(id, 25, 20),
            kind * 10 + noise(id, 21, 5),
            noise(id, 22, 24),
            id % 250,
            id % 256,
            kind * 16 + noise(id, 23, 16),
            noise(id, 24, 500),
            m = kind + 1,
        )
    });

    let target = cloned(Engine::Postgres, &source);

    for kind in 0..3 {
        let of = format!("kind = 'kind {kind}'");
        let plan = ["free", "pro", "team"][kind as usize];
        let (low, high) = (kind * 100, kind * 100 + 40);
        mostly(&target, &format!("doc->>'plan' = '{plan}'"), &of, 85);
        mostly(&target, &format!("(doc->>'seats')::int BETWEEN {low} AND {high}"), &of, 80);
        mostly(&target, &format!("jsonb_array_length(doc->'tags') = {}", kind + 1), &of, 85);
        mostly(&target, &format!("(doc->'owner'->>'vip')::boolean = {}", kind == 2), &of, 85);
        mostly(&target, &format!("scores[1] BETWEEN {} AND {}", kind * 1000, kind * 1000 + 9), &of, 80);
        mostly(&target, &format!("cardinality(scores) = {}", kind + 1), &of, 85);
        mostly(&target, &format!("EXTRACT(month FROM lower(stay)) = {}", kind + 1), &of, 80);
        mostly(
            &target,
            &format!("EXTRACT(day FROM span) BETWEEN {} AND {}", kind * 10, kind * 10 + 4),
            &of,
            80,
        );
        let (x, y) = [(13.4, 52.5), (2.3, 48.9), (-0.1, 51.5)][kind as usize];
        mostly(&target, &format!("abs(place[0] - {x}) < 0.2 AND abs(place[1] - {y}) < 0.2"), &of, 80);
        mostly(&target, &format!("abs(longitude - {x}) < 0.2 AND abs(latitude - {y}) < 0.2"), &of, 80);
    }
    // One coordinate always belongs to the other.
    let lost = "NOT ((longitude > 10 AND latitude BETWEEN 52.4 AND 52.7) OR (longitude BETWEEN 2 AND 3 AND latitude \
                BETWEEN 48.8 AND 49.1) OR (longitude < 0.1 AND latitude BETWEEN 51.4 AND 51.7))";
    assert_eq!(target.number(&format!("SELECT count(*) FROM account WHERE {lost}")), 0);
    assert_eq!(target.number("SELECT count(*) FROM account WHERE doc->'owner'->>'mail' LIKE '%zyx%'"), 0);
    assert_eq!(
        target.number(
            "SELECT count(*) FROM account WHERE text(address) LIKE '93.%' OR text(network) LIKE '93.%'"
        ),
        0
    );
    mostly(
        &target,
        "address IS NOT NULL AND network IS NOT NULL AND hardware IS NOT NULL AND price IS NOT NULL",
        "true",
        99,
    );
    mostly(&target, "array_ndims(grid) = 2", "grid IS NOT NULL", 99);
    mostly(&target, "days[1] BETWEEN '2024-01-01' AND '2024-03-31'", "days IS NOT NULL", 99);
}

#[test]
fn documents_in_text_columns_follow_their_columns_on_sqlite_and_mysql() {
    for engine in engines().into_iter().filter(|engine| *engine != Engine::Postgres) {
        let source = Scratch::new(engine, &format!("domains_{engine:?}_source").to_lowercase());
        let key =
            if engine == Engine::MySql { "INT AUTO_INCREMENT PRIMARY KEY" } else { "INTEGER PRIMARY KEY" };
        let set = if engine == Engine::MySql { "SET('a', 'b', 'c', 'd', 'e', 'f', 'g')" } else { "TEXT" };
        source.run(&format!(
            "CREATE TABLE account (id {key}, kind VARCHAR(20) NOT NULL, doc LONGTEXT NOT NULL CHECK (json_valid(doc)), \
             parts {set}, latitude DOUBLE NOT NULL, longitude DOUBLE NOT NULL)"
        ));
        fill(&source, "kind, doc, parts, latitude, longitude", |id| {
            let kind = noise(id, 0, 3);
            let chosen: Vec<&str> = ["a", "b", "c", "d", "e", "f", "g"]
                .into_iter()
                .enumerate()
                .filter(|(place, _)| {
                    *place as i64 == kind || (*place > 2 && noise(id, *place as i64, 2) == 0)
                })
                .map(|(_, label)| label)
                .collect();
            let (x, y) = [(13.4, 52.5), (2.3, 48.9), (-0.1, 51.5)][kind as usize];
            let (x, y) = (x + noise(id, 4, 1000) as f64 / 1e4, y + noise(id, 5, 1000) as f64 / 1e4);
            format!("'kind {kind}', '{}', '{}', {y:.4}, {x:.4}", document(id, kind), chosen.join(","))
        });

        let target = cloned(engine, &source);

        assert_eq!(target.number("SELECT count(*) FROM account WHERE NOT json_valid(doc)"), 0);
        assert_eq!(target.number("SELECT count(*) FROM account WHERE doc LIKE '%zyx.io%'"), 0);
        let mut met: BTreeMap<&str, i64> = BTreeMap::new();
        for (kind, plan) in ["free", "pro", "team"].into_iter().enumerate() {
            let of = format!("kind = 'kind {kind}'");
            let at = |path: &str| match engine {
                Engine::MySql => format!("JSON_UNQUOTE(JSON_EXTRACT(doc, '{path}'))"),
                _ => format!("json_extract(doc, '{path}')"),
            };
            mostly(&target, &format!("{} = '{plan}'", at("$.plan")), &of, 85);
            let (low, high) = (kind * 100, kind * 100 + 40);
            mostly(&target, &format!("{} + 0 BETWEEN {low} AND {high}", at("$.seats")), &of, 80);
            if engine == Engine::MySql {
                mostly(&target, &format!("FIND_IN_SET('{}', parts) > 0", ["a", "b", "c"][kind]), &of, 85);
            }
            met.insert(plan, target.number(&format!("SELECT count(*) FROM account WHERE {of}")));
        }
        assert!(met.values().all(|rows| *rows > 100), "{met:?}");
    }
}
