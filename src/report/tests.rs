//! Snapshots of every text.

use insta::assert_snapshot;

use super::{number, text};
use crate::{
    config::TableMode,
    evaluate::{Accuracy, EntityScore, FanOutScore, HopScore, Scorecard, TableScore, Telltale},
    finding::Finding,
    load::{LoadSummary, TableLoad},
    plan::{ColumnRole, EntityPath, LinkRole, Plan, TablePlan},
    schema::{
        Column, ColumnId, DataType, DialectName, ForeignKey, ForeignKeyId, Schema, Table, TableId, TableName,
    },
    verify::{ConstraintKind, Proof, ProofLine},
};

fn column(name: &str) -> Column {
    Column { native_type: "integer".to_owned(), nullable: false, ..Column::new(name, DataType::Other) }
}

fn table(name: &str, columns: &[&str], foreign_keys: Vec<ForeignKey>) -> Table {
    Table {
        foreign_keys,
        ..Table::new(TableName::bare(name), columns.iter().map(|name| column(name)).collect())
    }
}

fn key(column: usize, parent: usize) -> ForeignKey {
    ForeignKey {
        name: String::new(),
        columns: vec![ColumnId(column)],
        parent: TableId(parent),
        parent_columns: vec![ColumnId(0)],
        cascades: false,
        match_full: false,
        deferrable: false,
        validated: true,
        undeclared: None,
    }
}

fn planned(table: usize, mode: TableMode, context: Option<usize>, links: Vec<LinkRole>) -> TablePlan {
    TablePlan {
        table: TableId(table),
        mode,
        reason: "a framework's migration log".to_owned(),
        context: context.map(ForeignKeyId),
        links,
        columns: vec![ColumnRole::Attribute],
        rows: None,
        entity: EntityPath { root: TableId(table), along: None, personal: true },
    }
}

fn loaded(table: &str, mode: TableMode, real_rows: u64, synthetic_rows: u64) -> TableLoad {
    TableLoad {
        table: table.to_owned(),
        mode,
        real_rows,
        synthetic_rows,
        train_seconds: 12.34,
        sample_seconds: 1.0,
        load_seconds: 0.04,
    }
}

fn line(table: &str, kind: ConstraintKind, name: &str, violations: Option<u64>) -> ProofLine {
    ProofLine { table: table.to_owned(), kind, name: name.to_owned(), violations }
}

fn some_findings() -> Vec<Finding> {
    vec![
        Finding::note("sampled", "learned from 200,000 of 41,000,000 rows").table("order_line"),
        Finding::warning("unsupported-type", "type `tsvector` is not understood")
            .table("customer")
            .column("search")
            .instead("values are null")
            .remedy("give it a default"),
    ]
}

#[test]
fn a_plan_reads_top_down() {
    let schema = Schema {
        dialect: DialectName::Postgres,
        tables: vec![
            table("customer", &["id", "referred_by"], vec![key(1, 0)]),
            table("migrations", &["version"], Vec::new()),
            table("order_line", &["order_id", "product_id"], vec![key(0, 3), key(1, 4)]),
            table("orders", &["id", "customer_id"], vec![key(1, 0)]),
            table("product", &["id"], Vec::new()),
        ],
    };
    let plan = Plan {
        tables: vec![
            planned(0, TableMode::Synthesize, None, vec![LinkRole::SelfReference]),
            planned(1, TableMode::Copy, None, Vec::new()),
            planned(2, TableMode::Synthesize, Some(0), vec![LinkRole::Context, LinkRole::Link]),
            planned(3, TableMode::Synthesize, Some(0), vec![LinkRole::Context]),
            planned(4, TableMode::Synthesize, None, Vec::new()),
        ],
        strata: vec![vec![TableId(0), TableId(1), TableId(4)], vec![TableId(3)], vec![TableId(2)]],
    };

    assert_snapshot!(text::plan(&schema, &plan, &[1_000, 12, 41_088, 9_219, 77], &[100, 12, 4_109, 922]));
}

#[test]
fn a_summary_counts_rows_seconds_and_findings() {
    let summary = LoadSummary {
        tables: vec![
            loaded("customer", TableMode::Synthesize, 1_000, 1_000),
            loaded("migrations", TableMode::Copy, 12, 12),
            loaded("order_line", TableMode::Synthesize, 41_088_000, 41_087_990),
        ],
        seconds: 1_234.5,
    };

    assert_snapshot!(text::summary(&summary, &some_findings()));
}

#[test]
fn a_proof_without_violations_says_that_all_hold() {
    let lines = vec![
        line("orders", ConstraintKind::PrimaryKey, "orders_pkey", Some(0)),
        line("orders", ConstraintKind::ForeignKey, "orders_customer_fkey", Some(0)),
        line("orders", ConstraintKind::Check, "orders_total_check", Some(0)),
        line("customer", ConstraintKind::PrimaryKey, "customer_pkey", Some(0)),
    ];

    assert_snapshot!(text::proof(&Proof { lines }));
}

#[test]
fn a_proof_names_what_is_violated_and_what_was_not_checked() {
    let lines = vec![
        line("orders", ConstraintKind::PrimaryKey, "orders_pkey", Some(0)),
        line("orders", ConstraintKind::ForeignKey, "orders_customer_fkey", Some(1_204)),
        line("orders", ConstraintKind::Check, "orders_doc_check", None),
    ];

    assert_snapshot!(text::proof(&Proof { lines }));
}

#[test]
fn a_scorecard_says_how_to_read_it() {
    let accuracy = |accuracy| Accuracy { accuracy, standard_error: 0.012, rows: 1_000 };
    let card = Scorecard {
        tables: vec![TableScore {
            table: "household".to_owned(),
            real_rows: 1_000,
            synthetic_rows: 1_000,
            shapes: Some(0.981),
            pairs: None,
            c2st: Some(accuracy(0.527)),
            telltales: vec![
                Telltale { feature: "income".to_owned(), share: 0.41 },
                Telltale { feature: "month of moved_in".to_owned(), share: 0.12 },
            ],
            exact_share: Some(0.0),
            holdout_exact_share: None,
        }],
        entities: vec![EntityScore {
            table: "household".to_owned(),
            c2st: accuracy(0.5),
            telltales: vec![Telltale { feature: "income".to_owned(), share: 0.2 }],
            c2st_holdout: None,
            c2st_real: Some(accuracy(0.49)),
            nearest_is_training: Some(0.503),
        }],
        fan_outs: vec![FanOutScore {
            child: "individual".to_owned(),
            columns: "household_id".to_owned(),
            parent: "household".to_owned(),
            score: 0.987,
        }],
        hops: vec![HopScore { length: 1, score: 0.961, pairs: 80 }],
        ..Scorecard::default()
    };

    assert_snapshot!(text::scorecard(&card));
}

#[test]
fn findings_show_warnings_first() {
    assert_snapshot!(text::findings(&some_findings()));
}

#[test]
fn long_names_do_not_widen_a_table_beyond_100_columns() {
    let name = "a_table_name_as_long_as_servers_allow_it_which_is_63_characters".to_owned();
    let summary = LoadSummary {
        tables: vec![loaded(&name, TableMode::Synthesize, 999_999_999_999, 999_999_999_999)],
        seconds: 0.0,
    };

    let widest = text::summary(&summary, &[]).lines().map(|line| line.chars().count()).max();

    assert!(widest <= Some(100), "{widest:?}");
}

#[test]
fn thousands_are_grouped() {
    let grouped: Vec<String> = [0, 999, 1_000, 1_234_567].into_iter().map(number::count).collect();

    assert_eq!(grouped, ["0", "999", "1,000", "1,234,567"]);
}
