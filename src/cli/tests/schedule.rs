//! The examples for schedulers and the snippets of the documentation are read as users would have them read.

use std::{fs, path::PathBuf};

use clap::Parser;

use crate::{
    cli::args::Cli,
    config::{Config, File, HookStage, SchemaMode, Throttle},
};

/// Jobs for Kubernetes.
const JOBS: [&str; 2] =
    ["examples/schedule/kubernetes-cronjob.yaml", "examples/schedule/kubernetes-indexed-job.yaml"];

fn text(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Uncommented: every line of the form `# key …` below a `# [` becomes one of the file.
fn uncommented(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for line in text.lines() {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        inside = line.starts_with("# [") || inside && line.starts_with("# ");
        out.push_str(if inside { bare } else { line });
        out.push('\n');
    }
    out
}

/// The block scalar below a key of a YAML file, without its indent.
fn block(yaml: &str, key: &str) -> String {
    let start = yaml.lines().position(|line| line.trim() == format!("{key}: |")).unwrap();
    let lines = yaml.lines().skip(start + 1);
    let indent = lines.clone().next().map_or(0, |line| line.len() - line.trim_start().len());
    let inside =
        lines.take_while(|line| line.trim().is_empty() || line.len() - line.trim_start().len() >= indent);
    inside.map(|line| format!("{}\n", line.get(indent..).unwrap_or_default())).collect()
}

fn variables(name: &str) -> Option<String> {
    match name {
        "PROD_URL" => Some("postgres://reader:s3cret@prod.example/shop".to_owned()),
        "STAGING_URL" => Some("postgres://app@staging.example/shop".to_owned()),
        _ => None,
    }
}

#[test]
fn the_configurations_of_the_schedules_parse_and_allow_what_they_need() {
    let own = text("examples/schedule/synth.toml");
    let mapped = block(&text("examples/schedule/kubernetes-cronjob.yaml"), "synth.toml");
    for file in [&own, &uncommented(&own), &mapped] {
        let file = File::from_toml(file, "synth.toml").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(file.config.schema_mode, SchemaMode::Swap);
        assert!(file.source("prod", &variables).is_ok() && file.target("staging", &variables).is_ok());
        let access = file.access("prod", &variables);
        assert_eq!((access.throttle, access.max_connections), (Some(Throttle::Bytes(20_000_000)), Some(1)));
        // The same database by its URL is read as gently.
        assert_eq!(file.access("postgres://reader:s3cret@prod.example/shop", &variables), access);
    }
    let full = File::from_toml(&uncommented(&own), "synth.toml").unwrap();
    assert_eq!(full.config.identities[0].table, "users");
    assert_eq!(full.config.hooks.of(HookStage::AfterSwap).len(), 1);
}

#[test]
fn every_command_line_of_the_schedules_is_understood() {
    let files = [
        "examples/schedule/crontab",
        "examples/schedule/systemd/dbsynth.service",
        "examples/schedule/github-actions.yml",
        "examples/schedule/README.md",
        "docs/nightly.md",
    ];
    let mut seen = 0;
    for path in files {
        for line in text(path).lines() {
            let commands = ["dbsynth clone prod staging", "dbsynth plan prod"];
            let Some(start) = commands.iter().find_map(|command| line.find(command)) else { continue };
            let line = line[start..].split(['>', '`', '|']).next().unwrap();
            Cli::try_parse_from(line.split_whitespace())
                .unwrap_or_else(|error| panic!("{path}: {line}: {error}"));
            seen += 1;
        }
    }
    for path in JOBS {
        let yaml = text(path);
        let args = yaml.lines().find_map(|line| line.trim().strip_prefix("args: ")).unwrap();
        // As Kubernetes replaces it.
        let args: Vec<String> = serde_json::from_str(&args.replace("$(JOB_COMPLETION_INDEX)", "0")).unwrap();
        Cli::try_parse_from(std::iter::once("dbsynth".to_owned()).chain(args)).unwrap();
    }
    for line in text("docs/shards.md").lines().filter(|line| line.starts_with("dbsynth ")) {
        Cli::try_parse_from(line.split_whitespace()).unwrap_or_else(|error| panic!("{line}: {error}"));
        seen += 1;
    }
    assert!(seen >= 10, "{seen}");
}

#[test]
fn yaml_of_the_schedules_is_indented_by_pairs_of_spaces() {
    for path in [JOBS[0], JOBS[1], "examples/schedule/github-actions.yml", "docker/compose.yml"] {
        for (number, line) in text(path).lines().enumerate() {
            let indent = line.len() - line.trim_start_matches(' ').len();
            assert!(!line.contains('\t') && indent % 2 == 0, "{path}:{}", number + 1);
        }
    }
    for path in JOBS {
        for rule in ["runAsNonRoot: true", "readOnlyRootFilesystem: true", "secretRef:"] {
            assert!(text(path).contains(rule), "{path}: {rule}");
        }
    }
    assert!(text(JOBS[0]).contains("concurrencyPolicy: Forbid"));
    assert!(text(JOBS[1]).contains("completionMode: Indexed"));
    let own = File::from_toml(&block(&text(JOBS[1]), "synth.toml"), "synth.toml").unwrap();
    assert!(own.target("staging", &variables).is_ok());
    let image = text("docker/Dockerfile");
    assert!(image.contains("\nUSER 10001:10001\n") && text("docker/compose.yml").contains("read_only: true"));
}

#[test]
fn the_image_is_built_with_all_that_the_program_includes() {
    let (image, context) = (text("docker/Dockerfile"), text("docker/Dockerfile.dockerignore"));
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("tests") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !path.ends_with("tests.rs")
            {
                for rest in fs::read_to_string(&path).unwrap().split("include_str!(\"").skip(1) {
                    let file = folder.join(rest.split('"').next().unwrap()).canonicalize().unwrap();
                    let file = file.strip_prefix(&root).unwrap().display().to_string();
                    let known = context.lines().any(|line| line == format!("!{file}"));
                    assert!(
                        file.starts_with("src/") || known && image.contains(&format!("COPY {file} ")),
                        "{file}"
                    );
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 0);
}

#[test]
fn the_playground_of_containers_may_write_its_target() {
    let file = File::from_toml(&text("docker/playground.toml"), "synth.toml").unwrap();
    let source = file.source("shop", &|_| None).unwrap();
    let target = file.target("staging", &|_| None).unwrap();
    let compose = text("docker/compose.yml");
    assert!(compose.contains("playground.toml:/home/dbsynth/synth.toml:ro"));
    for url in [source, target] {
        let host = url.to_string();
        assert!(host.contains("@postgres/") && compose.contains("\n  postgres:\n"), "{host}");
    }
    for line in text("docker/README.md").lines() {
        let Some(words) = line.strip_prefix("docker compose run --rm ") else { continue };
        let words = words.split('#').next().unwrap();
        Cli::try_parse_from(words.split_whitespace()).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

#[test]
fn the_snippets_of_the_documentation_parse() {
    let text = text("docs/nightly.md");
    let snippets: Vec<&str> =
        text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(snippets.len(), 2);
    for snippet in snippets {
        let file = File::from_toml(snippet, "synth.toml").unwrap_or_else(|error| panic!("{error}"));
        assert_ne!(file.config, Config::default(), "{snippet}");
    }
}

#[test]
fn the_default_file_parses_with_all_its_examples() {
    let default = File::from_toml(&text("synth.toml"), "synth.toml").unwrap();
    assert_eq!(default.config, Config::default());

    let full = File::from_toml(&uncommented(&text("synth.toml")), "synth.toml");
    let full = full.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(full.config.hooks.iter().count(), 3);
    assert_eq!(full.config.identities[0].count, 1);
    assert!(full.access("prod", &|_| None).lock_timeout.is_some());
}
