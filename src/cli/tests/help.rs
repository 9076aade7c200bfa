use clap::{CommandFactory, Parser};

use crate::{
    cli::{args::Cli, commands::manual_page},
    config::GeneratorKind,
};

#[test]
fn every_command_explains_itself() {
    let mut command = Cli::command().term_width(100);
    command.build();
    let mut names = vec![String::new()];
    names.extend(command.get_subcommands().map(|subcommand| subcommand.get_name().to_owned()));

    for name in names.iter().filter(|name| *name != "help") {
        let help = match command.find_subcommand_mut(name) {
            Some(subcommand) => subcommand.render_long_help().to_string(),
            None => command.render_long_help().to_string(),
        };
        let help: Vec<&str> = help.lines().map(str::trim_end).collect();
        insta::assert_snapshot!(format!("help_{name}"), help.join("\n"));
    }
}

#[test]
fn the_declaration_of_the_arguments_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn flags_reach_the_configuration() {
    let cli = Cli::try_parse_from([
        "dbsynth",
        "clone",
        "prod",
        "staging",
        "--scale",
        "0.1",
        "--rows",
        "orders=1_000",
        "--rows",
        "a.b=2",
        "--tables",
        "x,y",
        "--exclude",
        "log_*",
        "--seed",
        "7",
        "--threads",
        "2",
        "--generator",
        "flattened",
        "--training-rows",
        "9",
        "--replace",
        "--strict",
        "--yes",
        "--quiet",
        "--config",
        "other.toml",
        "--log",
        "debug",
        "--json",
    ])
    .unwrap();

    let flags = cli.command.overrides();
    assert_eq!(flags.scale, Some(0.1));
    assert_eq!(flags.rows, [("orders".to_owned(), 1_000), ("a.b".to_owned(), 2)]);
    assert_eq!(
        (flags.only_tables, flags.exclude_tables),
        (vec!["x".to_owned(), "y".to_owned()], vec!["log_*".to_owned()])
    );
    assert_eq!((flags.seed, flags.threads, flags.training_rows), (Some(7), Some(2), Some(9)));
    assert_eq!(flags.generator, Some(GeneratorKind::Flattened));
    assert_eq!(flags.schema_mode, Some(crate::config::SchemaMode::Replace));
    assert!(flags.strict && cli.globals.quiet);
}

#[test]
fn a_malformed_row_count_says_how_to_write_it() {
    let error = Cli::try_parse_from(["dbsynth", "clone", "a", "b", "--rows", "orders"]).unwrap_err();

    assert!(error.to_string().contains("TABLE=N"), "{error}");
}

#[test]
fn the_manual_page_has_every_command() {
    let page = manual_page().unwrap();

    for subcommand in Cli::command().get_subcommands() {
        let heading = format!("DBSYNTH {}", subcommand.get_name().to_uppercase());
        assert!(page.contains(&heading), "{heading}");
    }
    assert_eq!(page.matches(".ds Aq").count(), 2, "one preamble");
}
