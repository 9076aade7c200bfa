use std::io;

use crate::{
    cli::diagnostic::Diagnostic,
    config::{Config, DbUrl, File, TableSettings},
    db::{DbError, DbErrorKind},
    error::Error,
    generator::GeneratorError,
    plan::PlanError,
    sample::SampleError,
    schema::{DialectName, Schema},
    structure::StructureError,
};

fn shown(error: impl Into<Error>) -> String {
    let diagnostic = Diagnostic::of(&error.into());
    format!("{diagnostic}\nexit code {}", diagnostic.code)
}

fn database(kind: DbErrorKind, message: &str) -> DbError {
    DbError::new(kind, message).caused_by(io::Error::other("Key (email)=(ann@example.com) already exists"))
}

const URL: &str = "postgres://ann:***@db.example/shop";

#[test]
fn usage_errors() {
    let url = |text| Error::from(DbUrl::parse(text).unwrap_err());
    let file = File::from_toml(
        "[source.prod]\nurl = \"${X?export X first}\"\n[target.far]\nurl = \"mysql://far/db\"",
        "synth.toml",
    )
    .unwrap();
    let word = |word: &str| Error::from(file.source(word, &|_| None).unwrap_err());
    let toml = |text: &str| Error::from(File::from_toml(text, "synth.toml").unwrap_err());
    let target = |word: &str| Error::from(file.target(word, &|_| None).unwrap_err());

    insta::assert_snapshot!("unknown_engine", shown(url("oracle://db/shop")));
    insta::assert_snapshot!("malformed_url", shown(url("postgres://ann:s3cret@db.example:port/shop")));
    insta::assert_snapshot!("unknown_name", shown(word("prd")));
    insta::assert_snapshot!("file_as_source", shown(word("data/shop.db")));
    insta::assert_snapshot!("missing_variable", shown(word("prod")));
    insta::assert_snapshot!("target_elsewhere", shown(target("far")));
    insta::assert_snapshot!(
        "target_elsewhere_by_url",
        shown(target("postgres://ann:s3cret@db.example/shop"))
    );
    insta::assert_snapshot!("malformed_toml", shown(toml("[clone]\nscale = \n")));
    insta::assert_snapshot!("unknown_key", shown(toml("[clone]\nscael = 1\n")));
    insta::assert_snapshot!("wrong_value", shown(toml("[clone]\nscale = 0.0\n")));
    insta::assert_snapshot!("wrong_mode", shown(toml("[tables.orders]\nmode = \"synth\"\n")));
    insta::assert_snapshot!(
        "wrong_reference",
        shown(toml("[[references]]\nfrom = \"comments\"\nto = \"posts(id)\"\n"))
    );
    let missing = File::read(std::path::Path::new("/nowhere/synth.toml")).unwrap_err();
    insta::assert_snapshot!("missing_file", shown(missing));
    insta::assert_snapshot!(
        "plain_usage",
        shown(Error::Usage("synth.toml is there already; --force overwrites it".to_owned()))
    );
}

#[test]
fn plan_errors() {
    let text = |text: &str| text.to_owned();
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();

    insta::assert_snapshot!(
        "unknown_table",
        shown(PlanError::UnknownTable {
            place: text("[tables]"),
            name: text("ordrs"),
            nearest: texts(&["orders"])
        })
    );
    insta::assert_snapshot!(
        "unknown_table_without_likeness",
        shown(PlanError::UnknownTable { place: text("exclude"), name: text("x_*"), nearest: Vec::new() })
    );
    insta::assert_snapshot!(
        "unknown_column",
        shown(PlanError::UnknownColumn {
            place: text("[tables.users.columns]"),
            table: text("users"),
            column: text("emial"),
            nearest: texts(&["email"])
        })
    );
    insta::assert_snapshot!(
        "ambiguous_table",
        shown(PlanError::AmbiguousTable {
            place: text("tables"),
            name: text("users"),
            candidates: texts(&["a.users", "b.users"])
        })
    );
    insta::assert_snapshot!(
        "contradiction",
        shown(PlanError::Contradiction { table: text("orders"), setting: "mode" })
    );
    insta::assert_snapshot!(
        "bad_context",
        shown(PlanError::BadContext {
            table: text("lines"),
            columns: texts(&["amount"]),
            reason: text("there is no foreign key over these columns"),
            usable: texts(&["order_id", "product_id"])
        })
    );
    insta::assert_snapshot!(
        "bad_reference",
        shown(PlanError::BadReference {
            place: text("[[references]] of synth.toml:12"),
            child: text("comments"),
            parent: text("posts"),
            reason: text("the parent's columns are no primary or unique key")
        })
    );
    insta::assert_snapshot!(
        "copy_without_parent",
        shown(PlanError::CopyWithoutParent {
            table: text("orders"),
            columns: texts(&["customer_id"]),
            parent: text("customers"),
            parent_mode: "synthesize"
        })
    );
}

#[test]
fn database_errors_of_every_kind_and_end() {
    let said = [
        (DbErrorKind::Unreachable, "cannot connect to db.example:5432: connection refused"),
        (DbErrorKind::Login, "password authentication failed for user \"ann\""),
        (DbErrorKind::NoDatabase, "database \"shop\" does not exist"),
        (DbErrorKind::Permission, "permission denied for table orders"),
        (DbErrorKind::Constraint, "orders violates orders_total_check"),
        (DbErrorKind::DiskFull, "no space left on device while writing orders"),
        (DbErrorKind::Timeout, "statement timeout while reading orders"),
        (DbErrorKind::Disconnected, "the server closed the connection while writing orders"),
        (DbErrorKind::Interrupted, "interrupted while reading orders"),
        (DbErrorKind::Refused, "the file is open elsewhere"),
        (DbErrorKind::Unsupported, "MySQL 5.5 is too old"),
        (DbErrorKind::Other, "something new"),
    ];
    for (kind, message) in said {
        let name = format!("{kind:?}").to_lowercase();
        insta::assert_snapshot!(format!("source_{name}"), shown(Error::Source(database(kind, message))));
        insta::assert_snapshot!(format!("target_{name}"), shown(Error::Target(database(kind, message))));
    }
}

#[test]
fn causes_of_database_errors_stay_hidden_because_they_may_quote_values() {
    let shown = shown(Error::Target(database(DbErrorKind::Constraint, "users violates users_email_key")));

    assert!(!shown.contains("ann@example.com"), "{shown}");
}

#[test]
fn refusals_and_the_rest() {
    let tables = ["a", "b", "c", "d", "e", "f", "g"].map(str::to_owned).to_vec();

    insta::assert_snapshot!("same_database", shown(Error::SameDatabase { target: URL.to_owned() }));
    insta::assert_snapshot!(
        "target_not_empty",
        shown(Error::TargetNotEmpty { target: URL.to_owned(), tables })
    );
    let (source_engine, target_engine) = (DialectName::Postgres, DialectName::Sqlite);
    insta::assert_snapshot!(
        "different_engines",
        shown(Error::DifferentEngines { source_engine, target_engine })
    );
    insta::assert_snapshot!("declined", shown(Error::Declined));
    insta::assert_snapshot!("interrupted", shown(Error::Interrupted));
    insta::assert_snapshot!("interrupted_in_training", shown(GeneratorError::Interrupted));
    insta::assert_snapshot!(
        "infeasible",
        shown(SampleError::Structure {
            table: "orders".to_owned(),
            source: StructureError::Infeasible { wanted: 500, parents: 2 }
        })
    );
    let mismatch =
        GeneratorError::Mismatch { table: "orders".to_owned(), detail: "3 messages, not 2".to_owned() };
    insta::assert_snapshot!("internal", shown(mismatch));
    insta::assert_snapshot!("panic", Diagnostic::of_panic().to_string());
    let reason = "it is no model file".to_owned();
    insta::assert_snapshot!("model_file", shown(Error::ModelFile { path: "x.dbsynth".to_owned(), reason }));
    let source = io::Error::from(io::ErrorKind::PermissionDenied);
    insta::assert_snapshot!(
        "file",
        shown(Error::File { action: "write", path: "/synth.toml".to_owned(), source })
    );
}

#[test]
fn a_configured_table_that_is_not_there_is_found_by_the_plan() {
    let schema = Schema { dialect: DialectName::Sqlite, tables: Vec::new() };
    let mut config = Config::default();
    config.tables.insert("orders".to_owned(), TableSettings::default());

    let error = crate::plan::Plan::build(&schema, &config, &[]).unwrap_err();

    assert_eq!(Diagnostic::of(&error.into()).code, 2);
}

#[test]
fn every_exit_code_is_documented() {
    let page = include_str!("../../../docs/exit-codes.md");
    use crate::cli::diagnostic::{FINDINGS, INTERNAL, INTERRUPTED, REFUSED, SOURCE, TARGET, USAGE};

    for code in [0, FINDINGS, USAGE, SOURCE, TARGET, REFUSED, INTERNAL, INTERRUPTED] {
        assert!(page.contains(&format!("\n| {code} | ")), "{code}");
    }
}
