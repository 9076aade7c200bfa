//! One set's scores as a Markdown table, and its place in a document.

use std::path::Path;

use dbsynth::{evaluate::Scorecard, load::LoadSummary};

use super::Failure;

/// Where a document without sections gets them.
const HEADING: &str = "## Fidelity, method by method";

/// The numbers of one run.
pub(super) struct Measured {
    /// Columns of the table by name, in their order.
    values: Vec<(String, Option<f64>)>,
    fit_seconds: Option<f64>,
    rows_per_second: Option<f64>,
}

impl Measured {
    pub(super) fn new(card: &Scorecard) -> Self {
        let mut values: Vec<(String, Option<f64>)> = card
            .tables
            .iter()
            .map(|table| (format!("C2ST {}", table.table), table.c2st.map(|score| score.accuracy)))
            .collect();
        // One parent table is its own mean.
        for entity in card.entities.iter().filter(|_| card.entities.len() > 1) {
            values.push((format!("C2ST-Agg {}", entity.table), Some(entity.c2st.accuracy)));
        }
        values.push(("**C2ST-Agg**".to_owned(), card.mean_entity_c2st()));
        values.push(("children per parent".to_owned(), card.mean_fan_out()));
        for length in 1..=3 {
            if let Some(hop) = card.hops.iter().find(|hop| hop.length == length) {
                values.push((format!("hop {length}"), Some(hop.score)));
            }
        }
        let shares: Vec<f64> = card.entities.iter().filter_map(|entity| entity.nearest_is_training).collect();
        let share = (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64);
        values.push(("closer to training".to_owned(), share));
        Self { values, fit_seconds: None, rows_per_second: None }
    }

    pub(super) fn with_times(mut self, load: &LoadSummary) -> Self {
        let rows: u64 = load.tables.iter().map(|table| table.synthetic_rows).sum();
        let seconds: f64 = load.tables.iter().map(|table| table.sample_seconds).sum();
        self.fit_seconds = Some(load.tables.iter().map(|table| table.train_seconds).sum());
        self.rows_per_second = (seconds > 0.0).then(|| rows as f64 / seconds);
        self
    }
}

/// The table of one set.
pub(super) struct Sheet {
    set: String,
    methods: Vec<(String, Vec<Measured>)>,
}

impl Sheet {
    pub(super) fn new(set: &str) -> Self {
        Self { set: set.to_owned(), methods: Vec::new() }
    }

    pub(super) fn add(&mut self, name: &str, runs: Vec<Measured>) {
        self.methods.push((name.to_owned(), runs));
    }

    /// The Markdown table: mean ± standard deviation over the seeds.
    pub(super) fn render(&self) -> String {
        let mut names: Vec<&str> = Vec::new();
        for (name, value) in self.methods.iter().flat_map(|(_, runs)| runs).flat_map(|run| &run.values) {
            if value.is_some() && !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        let seeds = self.methods.iter().map(|(_, runs)| runs.len()).max().unwrap_or(0);
        let mut text = format!("{}, {seeds} seed{}:\n\n", self.set, if seeds == 1 { "" } else { "s" });
        text.push_str(&format!("| method | {} | fit s | rows/s |\n", names.join(" | ")));
        text.push_str(&format!("|---|{}\n", "---|".repeat(names.len() + 2)));
        for (method, runs) in &self.methods {
            let find = |run: &Measured, name: &str| {
                run.values.iter().find(|(known, _)| known == name).and_then(|(_, value)| *value)
            };
            let cells = names.iter().map(|name| cell(runs.iter().map(|run| find(run, name)), 3));
            let cells: Vec<String> = cells
                .chain([
                    cell(runs.iter().map(|run| run.fit_seconds), 1),
                    cell(runs.iter().map(|run| run.rows_per_second), 0),
                ])
                .collect();
            text.push_str(&format!("| {method} | {} |\n", cells.join(" | ")));
        }
        text
    }

    /// Puts the table where the document has one of this set, else at the end of the section, else at its end.
    pub(super) fn write(&self, file: &Path) -> Result<(), Failure> {
        let mut document = std::fs::read_to_string(file)?;
        let (begin, end) =
            (format!("<!-- fidelity: {} -->", self.set), format!("<!-- end: {} -->", self.set));
        let section = format!("{begin}\n{}{end}\n", self.render());
        let place = document.find(&begin).and_then(|start| {
            let stop = document[start..].find(&end)? + start + end.len();
            Some(start..(stop + 1).min(document.len()))
        });
        match place {
            Some(place) => document.replace_range(place, &section),
            None => {
                if !document.contains(HEADING) {
                    document.push_str(&format!("\n{HEADING}\n"));
                }
                // Behind the last set of the section, wherever that stands.
                let after =
                    document.rfind("<!-- end: ").unwrap_or_else(|| document.find(HEADING).unwrap_or(0));
                let at = document[after..].find('\n').map_or(document.len(), |line| after + line + 1);
                document.insert_str(at, &format!("\n{section}"));
            }
        }
        std::fs::write(file, document)?;
        Ok(())
    }
}

fn cell(values: impl Iterator<Item = Option<f64>>, decimals: usize) -> String {
    let values: Vec<f64> = values.flatten().collect();
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    match values.len() {
        0 => "–".to_owned(),
        1 => format!("{mean:.decimals$}"),
        _ => {
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            format!("{mean:.decimals$} ± {:.decimals$}", (squares / (count - 1.0)).sqrt())
        }
    }
}
