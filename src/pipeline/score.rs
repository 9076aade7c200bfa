//! Reads whole databases into memory and scores them.

use crate::{
    config::{Config, DbUrl},
    data::TableData,
    db::{Scan, connect},
    error::Error,
    evaluate::{Scorecard, Side, score},
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
) -> Result<Scorecard, Error> {
    let real = read(real).map_err(Error::Source)?;
    let synthetic = read(synthetic).map_err(Error::Target)?;
    let holdout = holdout.map(read).transpose().map_err(Error::Source)?;
    let holdout = holdout.as_ref().map(Whole::side);
    Ok(score(&real.side(), &synthetic.side(), holdout.as_ref(), config.seed))
}

fn read(url: &DbUrl) -> Result<Whole, crate::db::DbError> {
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
    Ok(Whole { schema, tables })
}
