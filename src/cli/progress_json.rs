//! Progress for machines: one JSON object per line.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use serde_json::{Map, Value};

use crate::{
    cli::terminal,
    progress::{Event, Progress},
};

/// Seconds between two lines of the same table.
const LINE_SECONDS: f64 = 1.0;

/// Where a table stands.
struct Stand {
    done: u64,
    total: Option<u64>,
    started: Instant,
    told: Instant,
}

impl Stand {
    fn new(total: Option<u64>) -> Self {
        let now = Instant::now();
        Self { done: 0, total, started: now, told: now }
    }
}

type Tell = Box<dyn Fn(&str, Map<String, Value>) + Send + Sync>;

/// One object per stage and table that begins and ends, and now and then one in between.
pub(super) struct ProgressJson {
    tell: Tell,
    tables: Mutex<BTreeMap<(&'static str, String), Stand>>,
}

impl ProgressJson {
    /// Writes to stderr.
    pub(super) fn new() -> Self {
        Self::to(Box::new(|message, fields| terminal::object("info", message, fields)))
    }

    fn to(tell: Tell) -> Self {
        Self { tell, tables: Mutex::default() }
    }

    fn stage(&self, message: &str, stage: &str) {
        (self.tell)(message, Map::from_iter([("stage".to_owned(), Value::from(stage))]));
    }

    fn table(&self, message: &str, stage: &str, table: &str, stand: &Stand) {
        let mut fields = Map::new();
        fields.insert("stage".to_owned(), Value::from(stage));
        fields.insert("table".to_owned(), Value::from(table));
        fields.insert("done".to_owned(), Value::from(stand.done));
        fields.insert("total".to_owned(), stand.total.map_or(Value::Null, Value::from));
        fields.insert("seconds".to_owned(), Value::from(stand.started.elapsed().as_secs_f64()));
        (self.tell)(message, fields);
    }
}

impl Progress for ProgressJson {
    fn event(&self, event: &Event) {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::StageStarted { stage } => self.stage("started", stage),
            Event::StageFinished { stage } => self.stage("finished", stage),
            Event::TableStarted { stage, table, total } => {
                let stand = Stand::new(*total);
                self.table("started", stage, table, &stand);
                tables.insert((stage, table.clone()), stand);
            }
            Event::TableAdvanced { stage, table, done } => {
                // Not every stage says that a table begins.
                let stand = tables.entry((*stage, table.clone())).or_insert_with(|| Stand::new(None));
                stand.done += done;
                if stand.told.elapsed().as_secs_f64() >= LINE_SECONDS {
                    stand.told = Instant::now();
                    self.table("running", stage, table, stand);
                }
            }
            Event::TableFinished { stage, table } => {
                if let Some(stand) = tables.remove(&(*stage, table.clone())) {
                    self.table("finished", stage, table, &stand);
                }
            }
            Event::TrainingPlanned { .. } => {}
            Event::Trained(round) => {
                if let Some(stand) = tables.get_mut(&("train", round.table.clone()))
                    && stand.told.elapsed().as_secs_f64() >= LINE_SECONDS
                {
                    stand.told = Instant::now();
                    let mut fields = Map::new();
                    fields.insert("stage".to_owned(), Value::from("train"));
                    fields.insert("table".to_owned(), Value::from(round.table.as_str()));
                    fields.insert("done".to_owned(), Value::from(round.steps));
                    fields.insert("total".to_owned(), Value::from(round.max_steps));
                    fields.insert("epoch".to_owned(), Value::from(round.epoch));
                    fields.insert("loss".to_owned(), round.loss.map_or(Value::Null, Value::from));
                    (self.tell)("running", fields);
                }
            }
            Event::Said { stage, line } => self.stage(line, stage),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::ProgressJson;
    use crate::progress::{Event, Progress};

    #[test]
    fn a_table_tells_how_far_it_came() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        let listener = ProgressJson::to(Box::new(move |message, fields| {
            ear.lock().unwrap().push((message.to_owned(), fields));
        }));
        let table = || "orders".to_owned();
        for event in [
            Event::StageStarted { stage: "load" },
            Event::TableStarted { stage: "load", table: table(), total: Some(9) },
            Event::TableAdvanced { stage: "load", table: table(), done: 4 },
            Event::TableAdvanced { stage: "load", table: table(), done: 5 },
            Event::TableFinished { stage: "load", table: table() },
            Event::Said { stage: "after_load", line: "done".to_owned() },
        ] {
            listener.event(&event);
        }

        let heard = heard.lock().unwrap();
        let told: Vec<&str> = heard.iter().map(|(message, _)| message.as_str()).collect();
        assert_eq!(told, ["started", "started", "finished", "done"]);
        let (_, last) = &heard[2];
        assert_eq!((&last["table"], &last["done"], &last["total"]), (&"orders".into(), &9.into(), &9.into()));
        assert_eq!(heard[3].1["stage"], "after_load");
    }
}
