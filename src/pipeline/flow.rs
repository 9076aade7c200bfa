//! Generation and writing overlap: rows cross a bounded channel.

use std::sync::mpsc::{SyncSender, channel, sync_channel};

use crate::{
    data::TableData,
    db::{DbError, DbErrorKind, Dialect},
    error::Error,
    load::{Parcel, Receive, write_all},
    model::Model,
    parts::{Parts, PartsError},
    pipeline::{
        audit::{Captured, Reference},
        evidence::Gathered,
        trial::trial,
        write::Run,
    },
    progress::Progress,
    sample::{Answer, Outlet, Piece, SampleError, SampleOptions, SampleSummary, Suspect, Unjudged, sample},
    schema::{Schema, TableId},
};

/// Batches that may wait between generation and writing.
const WAITING_PARCELS: usize = 16;

/// Where rows come from.
#[derive(Clone, Copy)]
pub(super) enum Rows<'a> {
    /// They are drawn.
    Drawn(SampleOptions<'a>),
    /// Several processes have drawn them.
    Kept(&'a Parts<'a>),
}

/// Who judges rows that only a server can judge.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    /// The tables.
    pub(super) schema: &'a Schema,
    /// How the server is asked.
    pub(super) dialect: &'a dyn Dialect,
}

/// What came of it.
pub(super) struct Flowed {
    /// What was generated.
    pub(super) sampled: SampleSummary,
    /// What the audit looks at.
    pub(super) captured: Captured,
    /// What a report looks at.
    pub(super) gathered: Gathered,
    /// False if conditions chose the rows: they are no fair sample of the model then.
    pub(super) fair: bool,
    /// Constraints that nobody was there to judge, with the rows they bind.
    pub(super) unjudged: Unjudged,
}

struct Sender<'a> {
    model: &'a Model,
    parcels: SyncSender<Parcel>,
    captured: Captured,
    gathered: Gathered,
    judge: Option<Judge<'a>>,
    unjudged: Unjudged,
}

impl Sender<'_> {
    /// Passes on what several processes have drawn.
    fn take_kept(&mut self, parts: &Parts<'_>, progress: &dyn Progress) -> Result<SampleSummary, PartsError> {
        for (table, suspect, rows) in parts.unjudged().filter(|_| self.judge.is_none()) {
            self.unjudged.note(table, &[suspect], rows);
        }
        parts.hand_out(self, progress)?;
        Ok(parts.summary())
    }
}

impl Outlet for Sender<'_> {
    fn rows(&mut self, Piece { table, .. }: Piece, rows: TableData) -> Result<(), SampleError> {
        self.captured.take(table, &rows);
        self.gathered.take(table, &rows);
        let rows = if self.judge.is_some() { rows } else { computed(self.model, table, rows) };
        self.parcels.send(Parcel::Rows(table, rows)).map_err(|_| SampleError::Closed)
    }

    fn done(&mut self, table: TableId) -> Result<(), SampleError> {
        self.parcels.send(Parcel::Done(table)).map_err(|_| SampleError::Closed)
    }

    fn judge(
        &mut self,
        id: TableId,
        rows: &TableData,
        suspects: &[Suspect],
    ) -> Result<Option<Answer>, SampleError> {
        let Some(Judge { schema, dialect }) = self.judge else {
            self.unjudged.note(id, suspects, rows.row_count);
            return Ok(None);
        };
        let (answer, verdict) = channel();
        let (trial, order) = trial(schema, dialect, (id, suspects), (rows.clone(), answer));
        self.parcels.send(Parcel::Judge(trial)).map_err(|_| SampleError::Closed)?;
        let verdict = verdict.recv().map_err(|_| SampleError::Closed)?;
        let unread = || Err("its text cannot be read".to_owned());
        let answer = order.into_iter().map(|place| match place {
            Some(place) => verdict.get(place).cloned().unwrap_or_else(unread),
            None => unread(),
        });
        Ok(Some(answer.collect()))
    }
}

/// The rows with the computed columns that can be evaluated here: no server computes them.
fn computed(model: &Model, id: TableId, mut rows: TableData) -> TableData {
    let (table, Some(learned)) = (model.schema.table(id), model.table(id)) else { return rows };
    let missing =
        table.iter().filter(|(id, column)| column.generated.is_some() && rows.column(*id).is_none());
    for column in missing.map(|(id, _)| id).collect::<Vec<_>>() {
        if let Some(values) = learned.facts.rules.generated_values(table, column, &rows) {
            rows.set(column, values);
        }
    }
    rows
}

/// Generates every table, or takes what was generated, and hands it to `receiver`; `lift` makes its error one of a run.
pub(super) fn flow<R: Receive<Error: Send> + Send>(
    model: &Model,
    (rows, judge): (Rows<'_>, Option<Judge<'_>>),
    run: Run<'_>,
    receiver: &mut R,
    lift: impl Fn(R::Error) -> Error,
) -> Result<Flowed, Error>
where
    R::Error: From<DbError>,
{
    let Run { pool, progress, reference, real, .. } = run;
    let (sender, parcels) = sync_channel(WAITING_PARCELS);
    // Rows under a condition are no fair sample of the model: then others are audited.
    let fair = run.config.conditions.is_empty();
    let captured = reference.filter(|_| fair).map_or_else(Captured::default, Reference::capture);
    let gathered = real.map_or_else(Gathered::default, |_| Gathered::new(model.schema.tables.len()));
    let mut outlet =
        Sender { model, parcels: sender, captured, gathered, judge, unjudged: Unjudged::default() };
    let (sampled, outlet, written) = std::thread::scope(|scope| {
        let writing = scope.spawn(|| write_all(receiver, parcels, progress));
        let sampled = match rows {
            Rows::Drawn(options) => {
                pool.install(|| sample(model, options, &mut outlet, progress)).map_err(Error::from)
            }
            Rows::Kept(parts) => outlet.take_kept(parts, progress).map_err(Error::from),
        };
        let Sender { parcels, captured, gathered, unjudged, .. } = outlet;
        // The writing ends when nobody can send any more.
        drop(parcels);
        let written = writing.join().unwrap_or_else(|_| {
            let what = "the writing thread stopped unexpectedly";
            Err(DbError::new(DbErrorKind::Other, what).into())
        });
        (sampled, (captured, gathered, unjudged), written)
    });
    // Writing that failed closes the channel: its own error says more than the sampler's.
    written.map_err(lift)?;
    let (captured, gathered, unjudged) = outlet;
    Ok(Flowed { sampled: sampled?, captured, gathered, fair, unjudged })
}
