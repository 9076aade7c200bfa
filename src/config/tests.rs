use proptest::prelude::*;

use super::{
    Ablation, AuditLevel, AuditSettings, Config, ConfigError, File, GeneratorKind, Overrides, TableMode,
};

fn parse(text: &str) -> Result<File, ConfigError> {
    File::from_toml(text, "synth.toml")
}

fn complaint(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn the_commented_default_file_says_exactly_the_defaults() {
    let file = parse(include_str!("../../synth.toml")).unwrap();

    assert_eq!(file.config, Config::default());
}

#[test]
fn the_examples_in_the_default_file_parse_once_uncommented() {
    let is_example = |line: &str| {
        line.starts_with("# [")
            || line.split_once(" = ").is_some_and(|(key, _)| key.starts_with("# ") && !key[2..].contains(' '))
    };
    let uncommented: String = include_str!("../../synth.toml")
        .lines()
        .map(|line| if is_example(line) { line.trim_start_matches("# ") } else { line })
        .collect::<Vec<_>>()
        .join("\n");

    let file = parse(&uncommented).unwrap();

    assert_eq!(file.config.tables["public.orders"].rows, Some(10_000));
    assert_eq!(file.config.tables["public.orders"].mode, Some(TableMode::Synthesize));
    assert_eq!(file.config.tables["customers"].columns["email"], "email");
    assert_eq!(file.config.references[0].parent, "posts");
    assert_eq!(file.config.references[1].when.as_ref().unwrap().values, ["Post"]);
    assert_eq!(file.config.threads, Some(4));
    let root = &file.config.privacy.entities[0];
    assert_eq!(root.name, "customers");
    assert!(root.place.as_ref().is_some_and(|place| place.starts_with("synth.toml:")));
}

#[test]
fn an_unknown_key_is_shown_with_its_line() {
    insta::assert_snapshot!(complaint("[clone]\nseed = 1\nscael = 0.5\n"), @r"
    synth.toml:3:1: unknown field `scael`, expected one of `seed`, `scale`, `tables`, `exclude`, `training_rows`, `generator`, `ablation`, `time_budget`, `where`, `threads`, `memory`, `format`, `replace`, `schema_mode`, `keep_failed`, `on_drift`, `strict`, `state`
      |
    3 | scael = 0.5
      | ^^^^^
    ");
}

#[test]
fn a_value_that_makes_no_sense_is_shown_with_its_place() {
    insta::assert_snapshot!(complaint("[clone]\n  scale = -2.0 # no\n"), @r"
    synth.toml:2:11: scale must be a number above 0, not -2
      |
    2 |   scale = -2.0 # no
      |           ^^^^
    ");
    insta::assert_snapshot!(complaint("[tables.orders]\nmode = \"synth\"\n"), @r#"
    synth.toml:2:8: unknown variant `synth`, expected one of `synthesize`, `copy`, `structure`, `skip`
      |
    2 | mode = "synth"
      |        ^^^^^^^
    "#);
    insta::assert_snapshot!(complaint("[[references]]\nfrom = \"a(b)\"\nto = \"c\"\n"), @r#"
    synth.toml:3:6: `c` is not of the form `table(column)` or `table(column, column)`
      |
    3 | to = "c"
      |      ^^^
    "#);
    insta::assert_snapshot!(complaint("[privacy]\nk = 1\n"), @r"
    synth.toml:2:5: k must be at least 2: with one entity every value is kept
      |
    2 | k = 1
      |     ^
    ");
    assert!(complaint("[[references]]\nfrom = \"a(b, c)\"\nto = \"d(e)\"\n").contains("pair up"));
}

#[test]
fn limits_of_the_audit_are_read_and_checked() {
    let audit = parse("[audit]\nlevel = \"full\"\nmembership_auc = 0.6\n").unwrap().config.audit;

    assert_eq!((audit.level, audit.membership_auc), (AuditLevel::Full, 0.6));
    assert_eq!(audit.holdout, AuditSettings::default().holdout);
    for (line, complained) in [
        ("holdout = 0.9", "holdout must be above 0 and at most 0.5"),
        ("confidence = 1", "confidence must be"),
        ("rare_below = 1", "rare_below must be"),
        ("exact_rows = -0.1", "exact_rows must be between 0 and 1"),
        ("exact_row = 0.1", "unknown field `exact_row`"),
    ] {
        let told = complaint(&format!("[audit]\n{line}\n"));
        assert!(told.contains(complained) && told.contains("synth.toml:"), "{told}");
    }
}

#[test]
fn broken_syntax_is_shown_with_its_place_and_never_a_password() {
    let shown = complaint("[source.prod]\nurl = \"postgres://ann:s3cret@db/shop\n");

    assert!(shown.starts_with("synth.toml:2:"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
}

const NAMED: &str = r#"
[source.prod]
url = "postgres://${USER_NAME:-app}@db.example/shop"
[target.staging]
url = "postgres://staging.example/shop"
[target.lab]
url = "mysql://lab.example/shop"
allow_write = true
[target.here]
url = "sqlite:here.db"
"#;

fn nothing(_: &str) -> Option<String> {
    None
}

#[test]
fn words_are_urls_or_names_of_the_file() {
    let file = parse(NAMED).unwrap();
    let source = |word| file.source(word, &nothing).map(|url| url.to_string());

    assert_eq!(source("prod").unwrap(), "postgres://app@db.example/shop");
    assert_eq!(source("staging").unwrap(), "postgres://staging.example/shop");
    assert_eq!(source("sqlite:a.db").unwrap(), "sqlite:a.db");
    assert!(matches!(
        source("prd"),
        Err(ConfigError::UnknownName { known, .. }) if known == ["prod", "here", "lab", "staging"]
    ));
    assert!(matches!(source("oracle://x/y"), Err(ConfigError::Url(_))));
}

#[test]
fn a_target_elsewhere_needs_its_owner_to_allow_it() {
    let file = parse(NAMED).unwrap();
    let refusal = |word| match file.target(word, &nothing) {
        Err(ConfigError::WriteNotAllowed { add, .. }) => add,
        other => panic!("{other:?}"),
    };

    assert!(file.target("here", &nothing).is_ok());
    assert!(file.target("lab", &nothing).is_ok());
    assert!(file.target("mysql://lab.example/shop", &nothing).is_ok());
    assert!(file.target("postgres://localhost/shop", &nothing).is_ok());
    assert_eq!(refusal("staging"), "[target.staging]\nallow_write = true");
    assert!(refusal("mysql://lab.example/other").contains("url = \"mysql://lab.example/other\""));
    assert!(!refusal("mysql://u:pw@lab.example/other").contains("pw"));
    assert!(matches!(file.target("prod", &nothing), Err(ConfigError::UnknownName { .. })));
}

#[test]
fn flags_win_over_the_file() {
    let file = parse(
        "[clone]\nseed = 1\nscale = 2.0\nablation = \"no-siblings\"\ntables = [\"a\"]\n\
         [tables.\"public.orders\"]\nrows = 5\n",
    )
    .unwrap();
    let flags = Overrides {
        seed: Some(7),
        rows: vec![("orders".to_owned(), 9), ("lines".to_owned(), 3)],
        only_tables: vec!["b".to_owned()],
        generator: Some(GeneratorKind::Independent),
        ..Overrides::default()
    };

    let config = flags.apply(file.config).unwrap();

    assert_eq!((config.seed.0, config.scale), (7, 2.0));
    assert_eq!(config.only_tables, ["b"]);
    assert_eq!(config.tables["public.orders"].rows, Some(9));
    assert_eq!(config.tables["lines"].rows, Some(3));
    assert_eq!(config.tables.len(), 2);
    assert_eq!(config.generator, GeneratorKind::Independent);
    assert_eq!(config.ablation, Some(Ablation::NoSiblings));
}

#[test]
fn flags_are_checked_like_the_file() {
    let scale = Overrides { scale: Some(f64::NAN), ..Overrides::default() };

    assert!(matches!(scale.apply(Config::default()), Err(ConfigError::Flag { flag: "--scale", .. })));
}

/// Text made of pieces that a configuration consists of, and of anything else.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("[clone]\n".to_owned()),
        Just("[tables.\"ü\"]\n".to_owned()),
        Just("[[references]]\n".to_owned()),
        Just("scale = ".to_owned()),
        Just("from = \"é(".to_owned()),
        Just("url = \"postgres://ü:ß@".to_owned()),
        Just("\r\n".to_owned()),
        "\\PC{0,6}",
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_is_read_or_complained_about(text in any_text()) {
        if let Err(error) = parse(&text) {
            prop_assert!(error.to_string().starts_with("synth.toml:"));
        }
    }

    #[test]
    fn a_url_in_a_broken_file_never_shows_its_password(head in "[a-z= \"]{0,8}", tail in "[a-z= \"\\[\\]]{0,8}") {
        let complaint = match parse(&format!("[source.a]\n{head}url = \"mysql://u:s3cret@h/d{tail}\n")) {
            Ok(file) => format!("{:?}", file.source("b", &nothing)),
            Err(error) => format!("{error} {error:?}"),
        };
        prop_assert!(!complaint.contains("s3cret"), "{}", complaint);
    }
}
