use crate::{
    cli::{
        commands::{inspected, synth_toml},
        render,
    },
    config::{Config, DbUrl, File, TableMode},
    finding::Finding,
    load::{LoadSummary, TableLoad},
    pipeline::{Planned, RunSummary, TableRule},
    plan::{Plan, target_rows},
    report::text,
    schema::{Check, Schema},
    verify::{ConstraintKind, Proof, ProofLine},
};

fn planned() -> Planned {
    let mut schema: Schema = crate::plan::fixture(
        "
        Weird Name: *id, kind:text
        customers: *id, ^email!:text, name:text
        orders: *id, customer_id! > customers.id, total
        ",
    );
    let expression = "total >= 0".to_owned();
    schema.tables[2].checks =
        vec![Check { name: "orders_total".to_owned(), expression, domain_column: None }];
    let real_rows = vec![3, 1_000, 25_000];
    let (plan, findings) = Plan::build(&schema, &Config::default(), &real_rows).unwrap();
    let target_rows = target_rows(&plan, &real_rows, 1.0);
    Planned {
        memory: crate::plan::MemoryEstimate { learning: Some(200 << 20), generating: 150 << 20 },
        schema,
        plan,
        real_rows,
        target_rows,
        replaces: Vec::new(),
        rules: Vec::new(),
        proposals: Vec::new(),
        unfinished: None,
        coverage: Vec::new(),
        around: Default::default(),
        findings,
    }
}

#[test]
fn inspect_shows_tables_columns_and_keys() {
    insta::assert_snapshot!("inspect", inspected(&planned(), &[]));
}

#[test]
fn rules_stand_with_their_table() {
    let mut planned = planned();
    let rule = |table: &str, rule: &str| TableRule { table: table.to_owned(), rule: rule.to_owned() };
    planned.rules = vec![rule("customers", "a ≤ b"), rule("orders", "c = d"), rule("orders", "e = f")];

    let text = inspected(&planned, &[]);

    assert!(text.find("rule a ≤ b") < text.find("\norders"), "{text}");
    assert!(text.ends_with("  rule c = d\n  rule e = f\n"), "{text}");
    assert_eq!(
        render::rules(&planned.rules),
        "rules of customers\n  a ≤ b\nrules of orders\n  c = d\n  e = f\n"
    );
}

#[test]
fn init_writes_a_file_that_parses_and_holds_no_password() {
    let url = DbUrl::parse("postgres://ann:s3cret@db.example/shop").unwrap();
    let text = synth_toml("prod", &url, &planned());

    assert!(!text.contains("s3cret"));
    insta::assert_snapshot!("init", text);
    let file = File::from_toml(&text, "synth.toml").unwrap();
    assert_eq!(file.config, Config::default());
    let from_environment = |_: &str| Some(url.expose().to_owned());
    assert_eq!(file.source("prod", &from_environment).unwrap().expose(), url.expose());
}

#[test]
fn the_tables_init_suggests_parse_once_uncommented() {
    let url = DbUrl::parse("sqlite:a.db").unwrap();
    let text = synth_toml("odd name", &url, &planned());
    let wanted =
        |line: &str| ["# [tables.", "# mode", "# context"].iter().any(|start| line.starts_with(start));
    let start = text.find("# [tables.").unwrap();
    let tables: Vec<&str> =
        text[start..].lines().filter(|line| wanted(line)).map(|line| &line[2..]).collect();

    let file = File::from_toml(&tables.join("\n"), "synth.toml").unwrap();

    assert_eq!(file.config.tables["orders"].context, Some(vec!["customer_id".to_owned()]));
    assert!(Plan::build(&planned().schema, &file.config, &[]).is_ok());
    assert!(text.contains("[source.\"odd name\"]\nurl = \"sqlite:a.db\""));
}

#[test]
fn a_run_is_summed_up() {
    let table = |table: &str, real_rows, synthetic_rows| TableLoad {
        table: table.to_owned(),
        mode: TableMode::Synthesize,
        real_rows,
        synthetic_rows,
        train_seconds: 1.0,
        sample_seconds: 0.5,
        load_seconds: 0.25,
    };
    let line = |name: &str, violations| ProofLine {
        table: "orders".to_owned(),
        kind: ConstraintKind::ForeignKey,
        name: name.to_owned(),
        violations,
    };
    let tables = vec![table("customers", 1_000, 100), table("orders", 25_000, 2_500)];
    let proof = Proof { lines: vec![line("a_fkey", Some(0)), line("b_fkey", Some(2)), line("c_fkey", None)] };
    let run = RunSummary {
        load: LoadSummary { tables, seconds: 4.2 },
        proof,
        schema: None,
        privacy: None,
        audit: None,
        files: None,
        filled: Vec::new(),
        around: Default::default(),
        findings: Vec::new(),
        evidence: None,
    };

    insta::assert_snapshot!("summary", render::summary(&run));
    insta::assert_snapshot!("proof", text::proof(&run.proof));
}

#[test]
fn warnings_come_before_notes() {
    let findings = [
        Finding::note("a", "small").table("x"),
        Finding::warning("b", "large").table("z").column("c").instead("did this").remedy("do that"),
    ];

    assert_eq!(
        text::findings(&findings),
        "1 warning:\n  z.c: large; did this (do that) [b]\n1 note:\n  x: small [a]\n"
    );
}

#[test]
fn the_plan_in_short_counts() {
    assert_eq!(
        render::plan_in_short(&planned()),
        "3 tables in 2 strata, 26,003 rows in the source, about 26,003 to be written\n\
         memory: about 200 MB to learn, 150 MB to generate"
    );
}
