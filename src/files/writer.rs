//! Takes what is generated and writes it into the folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use arrow_array::{new_empty_array, new_null_array};

use super::{
    FilesError, Folder, MANIFEST, Manifest, ManifestColumn, ManifestFile, ManifestTable, ModelFacts,
    csv::CsvFile,
    name::file_names,
    parquet::{ParquetFile, shapes},
    sql::{SCRIPT, SqlFile},
};
use crate::{
    config::{FileFormat, SchemaMode, TableMode},
    data::{TableData, arrow_type},
    db::{Blueprint, Phase, Scribe, scribe},
    finding::Finding,
    load::{Receive, Written, here, lost_keys},
    plan::Plan,
    progress::{Event, Progress, interrupted},
    schema::{ColumnId, DialectName, Schema, Table, TableId},
};

const STAGE: &str = "write";
/// Commands that load the CSV files.
const LOAD: &str = "load.sql";

/// A folder being written.
pub struct FolderWriter<'a> {
    folder: Folder,
    format: FileFormat,
    schema: &'a Schema,
    plan: &'a Plan,
    blueprint: Blueprint,
    scribe: &'static dyn Scribe,
    /// The file of each table, by `TableId`.
    names: Vec<String>,
    /// The one script.
    script: Option<SqlFile>,
    /// Tables whose files are open.
    open: BTreeMap<TableId, Sheet>,
    /// The columns written of each table that is done, by `TableId`.
    columns: Vec<Option<Vec<ColumnId>>>,
    files: Vec<ManifestFile>,
    findings: Vec<Finding>,
    written: Vec<Written>,
}

enum Sheet {
    Csv(CsvFile),
    Parquet(Box<ParquetFile>),
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Made {
    /// The folder.
    pub folder: String,
    /// The form of its files.
    pub format: FileFormat,
    /// Its files.
    pub files: Vec<ManifestFile>,
}

/// What the manifest says of a run beyond the files.
#[derive(Debug, Clone, Copy)]
pub struct RunFacts<'a> {
    /// The seed of the rows.
    pub seed: u64,
    /// Synthetic rows per real row.
    pub scale: f64,
    /// The model.
    pub model: &'a ModelFacts,
    /// What is worth knowing.
    pub findings: &'a [Finding],
}

/// The command that loads the folder at `path`, as the user names it.
#[must_use]
pub fn how_to_load(engine: DialectName, format: FileFormat, path: &str) -> String {
    let path = path.trim_end_matches('/');
    let scribe = scribe(engine);
    match format {
        FileFormat::Sql => scribe.run(&format!("{path}/{SCRIPT}"), false),
        FileFormat::Csv => format!("cd {path} && {}", scribe.run(LOAD, true)),
        FileFormat::Parquet => format!("duckdb -c \"SELECT * FROM parquet_schema('{path}/*.parquet')\""),
    }
}

impl<'a> FolderWriter<'a> {
    /// Makes the folder beside the old one, after [`Folder::admit`].
    ///
    /// # Errors
    /// [`FilesError`] if the folder is refused, or the system refuses a file.
    pub fn begin(
        mut folder: Folder,
        (format, mode): (FileFormat, SchemaMode),
        schema: &'a Schema,
        plan: &'a Plan,
        blueprint: &Blueprint,
    ) -> Result<Self, FilesError> {
        folder.admit(mode)?;
        folder.begin()?;
        let scribe = scribe(blueprint.dialect);
        let all = schema.iter().map(|(_, table)| &table.name);
        let names = file_names(all, format.word(), &[LOAD]);
        let findings =
            if format == FileFormat::Sql { lost_keys(schema, plan, blueprint) } else { Vec::new() };
        let blueprint = here(blueprint, plan);
        let script = match format {
            FileFormat::Sql => {
                let title = format!("Synthetic data for {}, made by dbsynth", blueprint.dialect);
                Some(SqlFile::create(folder.file(SCRIPT), scribe, &blueprint, &title)?)
            }
            FileFormat::Csv | FileFormat::Parquet => None,
        };
        let count = schema.tables.len();
        Ok(Self {
            folder,
            format,
            schema,
            plan,
            blueprint,
            scribe,
            names,
            script,
            open: BTreeMap::new(),
            columns: vec![None; count],
            files: Vec::new(),
            findings,
            written: vec![Written::default(); count],
        })
    }

    /// Rows and seconds per table so far, indexed by [`TableId`].
    #[must_use]
    pub fn written(&self) -> &[Written] {
        &self.written
    }

    /// Hears of tables with constraints that nobody could judge: a script goes on without one that their rows break.
    pub fn doubt(&mut self, tables: &BTreeSet<TableId>) {
        let constraint = |phase: Phase| matches!(phase, Phase::Key | Phase::Index | Phase::ForeignKey);
        for statement in &mut self.blueprint.statements {
            let doubted = statement.table.is_some_and(|table| tables.contains(&table));
            statement.optional |= doubted && constraint(statement.phase);
        }
    }

    /// Writes what comes after the rows. Returns what is worth knowing.
    ///
    /// # Errors
    /// [`FilesError`] if the system refuses it.
    pub fn finish(&mut self) -> Result<Vec<Finding>, FilesError> {
        let tables = self.tables();
        for id in &tables {
            if self.columns[id.0].is_none() {
                self.end(*id)?;
            }
        }
        if let Some(script) = self.script.take() {
            let bytes = script.finish(self.schema, &self.blueprint)?;
            self.files.push(ManifestFile { name: SCRIPT.to_owned(), bytes });
        }
        if self.format == FileFormat::Csv {
            let text = self.load_script(&tables);
            self.folder.write(LOAD, &text)?;
            self.files.push(ManifestFile { name: LOAD.to_owned(), bytes: text.len() as u64 });
        }
        if self.format != FileFormat::Sql {
            self.findings.extend(self.left_behind());
        }
        self.files.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(std::mem::take(&mut self.findings))
    }

    /// Writes the manifest and puts the folder in its place.
    ///
    /// # Errors
    /// [`FilesError`] if the system refuses it; whatever was there is then as it was.
    pub fn commit(self, run: RunFacts<'_>) -> Result<Made, FilesError> {
        let tables = self.tables().into_iter().map(|id| self.manifest_table(id)).collect();
        let manifest = Manifest {
            manifest: Manifest::form(),
            dbsynth: env!("CARGO_PKG_VERSION").to_owned(),
            format: self.format,
            engine: self.schema.dialect,
            seed: run.seed,
            scale: run.scale,
            model: run.model.clone(),
            tables,
            files: self.files.clone(),
            findings: run.findings.to_vec(),
        };
        self.folder.write(MANIFEST, &manifest.text())?;
        let made =
            Made { folder: self.folder.path().display().to_string(), format: self.format, files: self.files };
        self.folder.commit()?;
        Ok(made)
    }

    /// Tables that are written, parents first.
    fn tables(&self) -> Vec<TableId> {
        self.plan.order().filter(|id| self.plan.table(*id).mode != TableMode::Skip).collect()
    }

    /// The columns a file has of a table.
    fn columns_of(&self, table: &Table, rows: &TableData) -> Vec<ColumnId> {
        let there = |id: &ColumnId| rows.column(*id).is_some();
        match self.format {
            FileFormat::Parquet => table.iter().map(|(id, _)| id).filter(there).collect(),
            FileFormat::Csv | FileFormat::Sql => table.writable_columns().into_iter().filter(there).collect(),
        }
    }

    fn rows(&mut self, id: TableId, rows: &TableData) -> Result<(), FilesError> {
        let table = self.schema.table(id);
        if self.columns[id.0].is_none() {
            self.columns[id.0] = Some(self.columns_of(table, rows));
        }
        let columns = self.columns[id.0].clone().unwrap_or_default();
        // One order and one set of columns, whatever the rows came in.
        let mut ordered = TableData::bare(rows.row_count);
        for column in &columns {
            let kind = || arrow_type(table.column(*column).data_type.storage());
            let array = rows.column(*column).cloned();
            ordered.set(*column, array.unwrap_or_else(|| new_null_array(&kind(), rows.row_count)));
        }
        ordered.exact.clone_from(&rows.exact);
        // Computed columns are stored like any other where no engine computes them.
        let stored = (self.format == FileFormat::Parquet).then(|| {
            let mut stored = table.clone();
            stored.columns.iter_mut().for_each(|column| column.generated = None);
            stored
        });
        let printer = self.scribe.printer(stored.as_ref().unwrap_or(table), &ordered)?;
        if let Some(script) = &mut self.script {
            return if rows.row_count == 0 { Ok(()) } else { script.rows((id, table), printer.as_ref()) };
        }
        if !self.open.contains_key(&id) {
            let path = self.folder.file(&self.names[id.0]);
            let sheet = match self.format {
                FileFormat::Parquet => {
                    let shapes = shapes(table, &columns, self.schema.dialect);
                    Sheet::Parquet(Box::new(ParquetFile::create(path, shapes)?))
                }
                FileFormat::Csv | FileFormat::Sql => {
                    let columns = printer.columns();
                    Sheet::Csv(CsvFile::create(path, table, columns, self.scribe.csv_null())?)
                }
            };
            self.open.insert(id, sheet);
        }
        match self.open.get_mut(&id) {
            Some(Sheet::Csv(file)) => file.rows(table, printer.as_ref(), rows.row_count),
            Some(Sheet::Parquet(file)) => file.rows(&ordered, printer.as_ref()),
            None => Ok(()),
        }
    }

    /// Ends a table; one without rows gets a file all the same.
    fn end(&mut self, id: TableId) -> Result<(), FilesError> {
        let table = self.schema.table(id);
        if self.columns[id.0].is_none() {
            let columns = table.writable_columns();
            let empty = |id: &ColumnId| new_empty_array(&arrow_type(table.column(*id).data_type.storage()));
            let arrays = columns.iter().map(empty).collect();
            self.rows(id, &TableData::new(columns, arrays, 0))?;
        }
        if let Some(script) = &mut self.script {
            return script.end_rows();
        }
        let Some(sheet) = self.open.remove(&id) else { return Ok(()) };
        let name = self.names[id.0].clone();
        let bytes = match sheet {
            Sheet::Csv(file) => {
                if file.empty_texts > 0 && self.scribe.csv_confuses_empty() {
                    let what = format!("{} empty texts in columns that may be null", file.empty_texts);
                    let finding = Finding::warning("empty-text-in-csv", what).table(&table.name);
                    let finding =
                        finding.instead("they are written in quotes, but this engine's import reads null");
                    self.findings.push(finding.remedy("--format sql keeps them apart"));
                }
                file.finish()?
            }
            Sheet::Parquet(file) => {
                let columns = self.columns[id.0].iter().flatten();
                for (column, lost) in columns.zip(&file.lost).filter(|(_, lost)| **lost > 0) {
                    let what = format!("{lost} values have no place in the column's type in the file");
                    self.findings.push(
                        Finding::warning("value-not-in-file", what)
                            .table(&table.name)
                            .column(&table.column(*column).name)
                            .instead("they are null there")
                            .remedy("--format csv or sql keeps them"),
                    );
                }
                file.finish()?
            }
        };
        self.files.push(ManifestFile { name, bytes });
        Ok(())
    }

    fn manifest_table(&self, id: TableId) -> ManifestTable {
        let (table, mode) = (self.schema.table(id), self.plan.table(id).mode);
        let columns = self.columns[id.0].as_deref().unwrap_or_default();
        let shapes = shapes(table, columns, self.schema.dialect);
        let columns = shapes
            .iter()
            .map(|(column, shape)| {
                let column = table.column(*column);
                ManifestColumn {
                    name: column.name.clone(),
                    native_type: column.native_type.clone(),
                    file_type: (self.format == FileFormat::Parquet).then(|| shape.name()),
                    nullable: column.nullable,
                }
            })
            .collect();
        ManifestTable {
            table: table.name.to_string(),
            namespace: table.name.namespace.clone(),
            name: table.name.name.clone(),
            mode,
            rows: self.written[id.0].rows,
            file: if self.format == FileFormat::Sql { SCRIPT.to_owned() } else { self.names[id.0].clone() },
            columns,
        }
    }

    fn load_script(&self, tables: &[TableId]) -> String {
        let dialect = self.blueprint.dialect;
        let mut text = format!(
            "-- Loads the files into tables that are there already, parents first; made by dbsynth for {dialect}.\n\
             -- Run it in this folder.\n\n{}{}",
            self.scribe.opening(),
            self.scribe.begin()
        );
        for id in tables {
            let columns = self.columns[id.0].as_deref().unwrap_or_default();
            if self.written[id.0].rows > 0 && !columns.is_empty() {
                text.push_str(&self.scribe.load_csv(self.schema.table(*id), columns, &self.names[id.0]));
            }
        }
        for sequence in self.scribe.sequences(self.schema, &self.blueprint) {
            text.push_str(&sequence);
        }
        text.push_str(self.scribe.closing());
        text
    }

    /// What rows alone do not bring along.
    fn left_behind(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let filled = self.blueprint.statements.iter().filter(|statement| statement.phase == Phase::Fill);
        for statement in filled {
            let mut finding = Finding::warning(
                "not-computed",
                format!("{}: only a server computes them", statement.object),
            )
            .instead("they are written as they were drawn")
            .remedy("--format sql has the statement that computes them");
            if let Some(table) = statement.table {
                finding = finding.table(&self.schema.table(table).name);
            }
            findings.push(finding);
        }
        for id in self.tables() {
            let table = self.schema.table(id);
            let there = self.columns[id.0].as_deref().unwrap_or_default();
            let computed =
                table.iter().filter(|(id, column)| column.generated.is_some() && !there.contains(id));
            let names: Vec<&str> = computed.map(|(_, column)| column.name.as_str()).collect();
            if !names.is_empty() {
                findings.push(
                    Finding::note(
                        "computed-column-left-out",
                        format!("computed columns: {}", names.join(", ")),
                    )
                    .table(&table.name)
                    .instead("they are not in the file: the engine computes them where it is loaded"),
                );
            }
        }
        let others =
            self.blueprint.statements.iter().filter(|statement| statement.phase == Phase::Finish).count();
        if others > 0 {
            let what = format!("{others} statements make views, triggers, functions and comments");
            let finding = Finding::note("rows-only", what).instead("the files hold rows only");
            findings.push(finding.remedy("--format sql writes the schema as well"));
        }
        findings
    }
}

impl Receive for FolderWriter<'_> {
    type Error = FilesError;

    fn write(&mut self, id: TableId, rows: &TableData, progress: &dyn Progress) -> Result<(), FilesError> {
        if interrupted() {
            return Err(FilesError::Interrupted);
        }
        let started = Instant::now();
        self.rows(id, rows)?;
        let written = &mut self.written[id.0];
        written.rows += rows.row_count as u64;
        written.seconds += started.elapsed().as_secs_f64();
        let table = self.schema.table(id).name.to_string();
        progress.event(&Event::TableAdvanced { stage: STAGE, table, done: rows.row_count as u64 });
        Ok(())
    }

    fn finish_table(&mut self, id: TableId, progress: &dyn Progress) -> Result<(), FilesError> {
        let started = Instant::now();
        self.end(id)?;
        self.written[id.0].seconds += started.elapsed().as_secs_f64();
        let table = self.schema.table(id).name.to_string();
        progress.event(&Event::TableFinished { stage: STAGE, table });
        Ok(())
    }
}
