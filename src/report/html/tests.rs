//! What a page holds, and what it never does.

use crate::{
    config::TableMode,
    evaluate::{
        Accuracy, ColumnScore, FanOutScore, Scorecard, TableScore, Telltale,
        figures::{
            Associations, Bar, Bars, ColumnFigure, FanOutFigure, Figures, Histogram, Others, Picture,
            TableFigures,
        },
    },
    finding::Finding,
    plan::{
        LinkRole,
        explain::{Explanation, LinkLine, TableLine},
    },
    report::{FoundRule, Light, Measured, Report, RunFacts, RunSetting, html::page},
    verify::{ConstraintKind, Proof, ProofLine},
};

/// Ends an attribute, an element, a style sheet and a comment, and runs a script if any of it works.
const HOSTILE: &str =
    "x\"'></text></style></title><script>alert(1)</script><img src=http://evil onerror=alert(2)>-->&";

fn line(table: &str, parents: &[(&str, LinkRole)]) -> TableLine {
    let key = |(parent, role): &(&str, LinkRole)| LinkLine {
        columns: vec![format!("{parent}_id")],
        parent: (*parent).to_owned(),
        role: *role,
        when: None,
        validated: true,
    };
    TableLine {
        table: table.to_owned(),
        mode: TableMode::Synthesize,
        reason: String::new(),
        real_rows: 1200,
        target_rows: 1200,
        foreign_keys: parents.iter().map(key).collect(),
        columns: Vec::new(),
        entity: table.to_owned(),
    }
}

fn scored(table: &str, column: &str) -> (TableScore, ColumnScore) {
    let told = Accuracy { accuracy: 0.71, standard_error: 0.01, rows: 1000 };
    let score = TableScore {
        table: table.to_owned(),
        real_rows: 1200,
        synthetic_rows: 1180,
        shapes: Some(0.94),
        pairs: Some(0.91),
        c2st: Some(told),
        telltales: vec![Telltale { feature: column.to_owned(), share: 0.6 }],
        exact_share: Some(0.0),
        holdout_exact_share: Some(0.002),
    };
    (score, ColumnScore { table: table.to_owned(), column: column.to_owned(), shape: 0.84 })
}

fn drawn(table: &str, column: &str, label: &str) -> TableFigures {
    let histogram = Histogram {
        edges: vec![0.0, 10.0, 20.0, 40.0],
        step: 10.0,
        whole: false,
        real: vec![0.5, 0.3, 0.2],
        synthetic: vec![0.4, 0.4, 0.2],
    };
    let bars = Bars {
        bars: vec![Bar { label: label.to_owned(), real: 0.7, synthetic: 0.6 }],
        others: Others { labels: 3, real: None, synthetic: 0.4 },
    };
    let of = |column: String, picture| ColumnFigure {
        column,
        native_type: "text".to_owned(),
        shape: Some(0.94),
        nulls: Some([0.1, 0.12]),
        picture,
    };
    let pairs = vec![vec![Some(1.0), Some(-0.4)], vec![Some(-0.4), Some(1.0)]];
    TableFigures {
        table: table.to_owned(),
        real_rows: 1200,
        synthetic_rows: 1180,
        shape: Some(0.94),
        columns: vec![
            of(column.to_owned(), Picture::Histogram(histogram)),
            of(format!("{column} kind"), Picture::Bars(bars)),
        ],
        associations: Some(Associations {
            columns: vec![column.to_owned(), format!("{column} kind")],
            left_out: 0,
            real: pairs.clone(),
            synthetic: pairs,
        }),
    }
}

struct Sample {
    order: Explanation,
    card: Scorecard,
    figures: Figures,
    proof: Proof,
    findings: Vec<Finding>,
    name: String,
}

impl Sample {
    /// `count` tables, each the child of one before it, all with `name` in their names.
    fn new(count: usize, name: &str) -> Self {
        let table = |index: usize| format!("{name}{index}");
        let mut strata: Vec<Vec<TableLine>> = Vec::new();
        for index in 0..count {
            let depth = (index + 1).ilog2() as usize;
            let parent = table(index.saturating_sub(1) / 2);
            let parents = if index == 0 { vec![] } else { vec![(parent.as_str(), LinkRole::Context)] };
            if strata.len() <= depth {
                strata.push(Vec::new());
            }
            strata[depth].push(line(&table(index), &parents));
        }
        let (tables, columns) = (0..count).map(|index| scored(&table(index), name)).unzip();
        let fan_out = FanOutFigure {
            child: table(1),
            columns: name.to_owned(),
            parent: table(0),
            from: vec![0, 1, 2],
            real: vec![0.2, 0.5, 0.3],
            synthetic: vec![0.25, 0.45, 0.3],
            means: [1.1, 1.05],
        };
        let scored = FanOutScore { child: table(1), columns: name.to_owned(), parent: table(0), score: 0.95 };
        let card = Scorecard { tables, columns, fan_outs: vec![scored], ..Scorecard::default() };
        let figures = Figures {
            least_units: 5,
            tables: (0..count).map(|index| drawn(&table(index), name, name)).collect(),
            fan_outs: vec![fan_out],
        };
        let holds = ProofLine {
            table: table(0),
            kind: ConstraintKind::PrimaryKey,
            name: name.to_owned(),
            violations: Some(0),
        };
        let found = Finding::warning("unsupported-type", name)
            .table(table(0))
            .column(name)
            .instead(name)
            .remedy(name);
        Self {
            order: Explanation {
                strata,
                without_rows: vec![line(&format!("empty {name}"), &[])],
                entities: Vec::new(),
            },
            card,
            figures,
            proof: Proof { lines: vec![holds] },
            findings: vec![found],
            name: name.to_owned(),
        }
    }

    fn report(&self) -> Report<'_> {
        let run = RunFacts {
            command: "clone".to_owned(),
            source: Some(format!("sqlite:/tmp/{}.sqlite", self.name)),
            target: format!("sqlite:/tmp/{}.sqlite", self.name),
            written: Some("2026-01-01 00:00:00 UTC".to_owned()),
            settings: vec![RunSetting { name: "Seed".to_owned(), value: self.name.clone() }],
        };
        let measured = Measured {
            load: None,
            proof: Some(&self.proof),
            schema: None,
            scorecard: Some(&self.card),
            figures: Some(&self.figures),
            audit: None,
            promise: None,
        };
        let rules = vec![FoundRule { table: format!("{}0", self.name), rule: self.name.clone() }];
        Report::new(run, Some(self.order.clone()), measured, rules, &self.findings)
    }
}

#[test]
fn hostile_names_stay_text() {
    let page = page(&Sample::new(5, HOSTILE).report());

    assert!(page.contains("&lt;script&gt;alert(1)"), "it is there, as text");
    assert!(!page.contains("<script"));
    assert!(!page.contains("<img"));
    assert_eq!(page.matches("<style>").count(), 1);
    assert_eq!(page.matches("</style>").count(), 1);
    assert_eq!(page.matches("</title></head>").count() + page.matches("</title><link").count(), 1);
    // No attribute ends early: what follows the hostile quote is still inside of it.
    assert!(!page.contains("x\"'>"));
}

#[test]
fn characters_that_nobody_sees_are_shown() {
    let page = page(&Sample::new(2, "ab\u{202e}cd\u{0}ef\u{200b}").report());

    assert!(!page.contains(['\u{202e}', '\u{0}', '\u{200b}']));
    assert!(page.contains("ab\u{fffd}cd\u{fffd}ef\u{fffd}"));
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    let sample = Sample::new(12, "orders");

    assert_eq!(page(&sample.report()), page(&sample.report()));
    assert_eq!(sample.report().json().unwrap(), sample.report().json().unwrap());
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let page = page(&Sample::new(12, "orders").report());

    assert!(page.contains("default-src 'none'; style-src 'unsafe-inline'; img-src data:"));
    for word in ["http://", "https://", "<script", "url(", "@import", "src=", " onload", "javascript:"] {
        assert!(!page.contains(word), "{word}");
    }
    let targets = page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    for target in targets {
        assert!(target.starts_with('#') || target == "data:,", "{target}");
    }
}

#[test]
fn every_link_inside_the_page_leads_somewhere() {
    let page = page(&Sample::new(12, "odd name/ü.").report());

    for target in page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let known = page.contains(&format!("id=\"{target}\""));
        // Tables without rows have no part of their own.
        assert!(known || target.contains("empty"), "{target}");
    }
}

#[test]
fn a_large_schema_is_collapsed_to_what_can_be_read() {
    let page = page(&Sample::new(200, "orders").report());

    assert_eq!(page.matches("class=\"node").count(), 48);
    assert!(page.contains("152 further tables with fewer links"));
    assert_eq!(page.matches("<details class=\"table\"").count(), 200, "every table has its part");
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
}

#[test]
fn lights_are_told_by_word_and_shape() {
    let sample = Sample::new(3, "orders");
    let report = sample.report();
    let page = page(&report);

    assert_eq!(report.verdict.integrity.light, Light::Good);
    assert_eq!(report.verdict.fidelity.light, Light::Good);
    assert_eq!(report.verdict.privacy.light, Light::Good);
    assert_eq!(page.matches("<span>Good</span>").count(), 3);
}

#[test]
fn a_broken_constraint_turns_integrity_red() {
    let mut sample = Sample::new(3, "orders");
    sample.proof.lines[0].violations = Some(3);

    assert_eq!(sample.report().verdict.integrity.light, Light::Bad);
}

#[test]
fn copies_above_chance_turn_privacy_red() {
    let mut sample = Sample::new(3, "orders");
    sample.card.tables[1].exact_share = Some(0.05);

    let report = sample.report();
    assert_eq!(report.verdict.privacy.light, Light::Bad);
    assert!(report.verdict.privacy.sentences[0].contains("orders1"));
}

#[test]
fn without_real_rows_likeness_is_not_claimed() {
    let facts = RunFacts::default();
    let report = Report::new(facts, None, Measured::default(), Vec::new(), &[]);

    assert_eq!(report.verdict.fidelity.light, Light::Unknown);
    assert_eq!(report.verdict.privacy.light, Light::Unknown);
    assert!(page(&report).contains("Not measured"));
}

#[test]
fn without_a_holdout_privacy_is_not_called_good() {
    let mut sample = Sample::new(3, "orders");
    for table in &mut sample.card.tables {
        table.holdout_exact_share = None;
    }

    assert_eq!(sample.report().verdict.privacy.light, Light::Look);
}

/// The colours of a theme by name, of the `index`-th rule for `:root`.
fn colours(index: usize) -> std::collections::BTreeMap<String, [f64; 3]> {
    let rule = super::STYLE.split(":root{").nth(index + 1).unwrap().split('}').next().unwrap();
    let of = |text: &str| {
        let digits: String = match text.len() {
            3 => text.chars().flat_map(|digit| [digit, digit]).collect(),
            _ => text.to_owned(),
        };
        [0, 2, 4].map(|at| f64::from(u8::from_str_radix(&digits[at..at + 2], 16).unwrap()) / 255.0)
    };
    let pairs = rule.split(';').filter_map(|part| part.trim().strip_prefix("--")?.split_once(":#"));
    pairs.map(|(name, colour)| (name.to_owned(), of(colour))).collect()
}

/// The contrast of two colours. Source: WCAG 2.2, "contrast ratio" and "relative luminance".
fn contrast(first: [f64; 3], second: [f64; 3]) -> f64 {
    let linear = |part: f64| if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) };
    let luminance =
        |[red, green, blue]: [f64; 3]| 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
    let (a, b) = (luminance(first), luminance(second));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn colours_contrast_enough_in_light_dark_and_print() {
    let texts = [
        ("ink", "page"),
        ("ink", "card"),
        ("soft", "page"),
        ("soft", "card"),
        ("soft", "tint"),
        ("link", "page"),
        ("link", "card"),
        ("good", "good-bg"),
        ("look", "look-bg"),
        ("bad", "bad-bg"),
        ("unknown", "unknown-bg"),
        ("bad", "card"),
        ("good", "card"),
    ];
    for theme in 0..3 {
        let colours = colours(theme);
        for (text, ground) in texts {
            let ratio = contrast(colours[text], colours[ground]);
            assert!(ratio >= 4.5, "{text} on {ground} in theme {theme}: {ratio:.2}");
        }
        for line in ["real", "syn"] {
            let ratio = contrast(colours[line], colours["card"]);
            assert!(ratio >= 3.0, "{line} in theme {theme}: {ratio:.2}");
        }
    }
}
