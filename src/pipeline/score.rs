//! Reads whole databases into memory and scores them.

use crate::{
    config::{Config, DbUrl},
    data::TableData,
    db::{Scan, connect},
    error::Error,
    evaluate::{Scorecard, Side, score},
    progress::{Event, Progress},
    schema::Schema,
};

/// Rows asked from a database at a time.
const BATCH_ROWS: usize = 8192;

struct Whole {
    schema: Schema,
    tables: Vec<TableData>,
}

impl Whole {
    fn side(&self) -> Side<'_> {
        Side { schema: &self.schema, tables: self.tables.clone() }
    }
}

pub(super) fn evaluate(
    real: &DbUrl,
    synthetic: &DbUrl,
    holdout: Option<&DbUrl>,
    config: &Config,
    progress: &dyn Progress,
) -> Result<Scorecard, Error> {
    let real = read(real, progress).map_err(Error::Source)?;
    let synthetic = read(synthetic, progress).map_err(Error::Target)?;
    let holdout = holdout.map(|url| read(url, progress)).transpose().map_err(Error::Source)?;
    progress.event(&Event::StageStarted { stage: "evaluate" });
    let holdout = holdout.as_ref().map(Whole::side);
    let card = score(&real.side(), &synthetic.side(), holdout.as_ref(), config.seed);
    progress.event(&Event::StageFinished { stage: "evaluate" });
    Ok(card)
}

fn read(url: &DbUrl, progress: &dyn Progress) -> Result<Whole, crate::db::DbError> {
    progress.event(&Event::StageStarted { stage: "read" });
    let database = connect(url)?;
    let mut source = database.source()?;
    let schema = source.introspect()?.schema;
    let mut tables = Vec::with_capacity(schema.tables.len());
    for table in &schema.tables {
        let columns: Vec<_> = table.iter().map(|(id, _)| id).collect();
        let order_by = table.primary_key.as_ref().map(|key| key.columns.clone()).unwrap_or_default();
        let scan = Scan { columns, order_by, batch_rows: BATCH_ROWS };
        let mut batches = Vec::new();
        source.scan(table, &scan, &mut |batch| {
            batches.push(batch);
            Ok(())
        })?;
        let empty = || TableData { columns: Vec::new(), arrays: Vec::new(), row_count: 0 };
        tables.push(TableData::concat(&batches).unwrap_or_else(empty));
    }
    progress.event(&Event::StageFinished { stage: "read" });
    Ok(Whole { schema, tables })
}
