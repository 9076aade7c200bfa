//! Several connections read the parts of a table at once; the rows are handed on in the order of the parts.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use arrow_array::Array;

use super::copy_out::{Lane, Request};
use crate::{
    data::TableData,
    db::{Batch, DbError, DbErrorKind},
};

/// Bytes that a connection may have read ahead of their turn.
const WAITING_BYTES: usize = 32 << 20;

/// What was read, and what waits for its turn.
struct Shelf {
    /// Batches of every part that wait, and which connection read them.
    waiting: Vec<VecDeque<(usize, TableData)>>,
    /// Parts that were read to their end.
    done: Vec<bool>,
    /// The next part to read.
    next: usize,
    /// Bytes that wait, by connection.
    held: Vec<usize>,
    rows: u64,
    misfits: Vec<u64>,
    failure: Option<DbError>,
    /// Nobody wants more.
    stopped: bool,
}

/// A shelf that threads share.
struct Shared {
    shelf: Mutex<Shelf>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Shelf> {
        // A shelf is whole after every change, even if a thread stopped.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, shelf: MutexGuard<'a, Shelf>) -> MutexGuard<'a, Shelf> {
        self.changed.wait(shelf).unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads parts until none is left.
    fn work(&self, own: usize, lane: &mut Lane<'_>, request: &Request<'_>) {
        let panicked = Stop(self);
        self.read_parts(own, lane, request);
        std::mem::forget(panicked);
    }

    fn read_parts(&self, own: usize, lane: &mut Lane<'_>, request: &Request<'_>) {
        loop {
            let part = {
                let mut shelf = self.lock();
                if shelf.stopped || shelf.next == shelf.done.len() {
                    return;
                }
                shelf.next += 1;
                shelf.next - 1
            };
            let read = lane.read(request, part, &mut |batch| self.put(own, part, batch));
            let mut shelf = self.lock();
            match read {
                Ok((rows, misfits)) => {
                    shelf.rows += rows;
                    shelf.misfits.resize(misfits.len(), 0);
                    for (sum, more) in shelf.misfits.iter_mut().zip(misfits) {
                        *sum += more;
                    }
                    shelf.done[part] = true;
                }
                Err(error) => {
                    shelf.failure.get_or_insert(error);
                    shelf.stopped = true;
                }
            }
            drop(shelf);
            self.changed.notify_all();
        }
    }

    fn put(&self, own: usize, part: usize, batch: TableData) -> Result<(), DbError> {
        let size = bytes(&batch);
        let mut shelf = self.lock();
        // At least one batch may wait, however large it is.
        while shelf.held[own] > 0 && shelf.held[own] + size > WAITING_BYTES && !shelf.stopped {
            shelf = self.wait(shelf);
        }
        if shelf.stopped {
            return Err(DbError::new(DbErrorKind::Other, "reading was stopped"));
        }
        shelf.held[own] += size;
        shelf.waiting[part].push_back((own, batch));
        drop(shelf);
        self.changed.notify_all();
        Ok(())
    }

    /// Hands the batches on in the order of the parts.
    fn hand_on(&self, on_batch: Batch<'_>) -> Result<(), DbError> {
        let mut part = 0;
        loop {
            let mut shelf = self.lock();
            let batch = loop {
                if let Some(error) = shelf.failure.take() {
                    return Err(error);
                }
                if part == shelf.done.len() {
                    return Ok(());
                }
                if let Some((own, batch)) = shelf.waiting[part].pop_front() {
                    shelf.held[own] -= bytes(&batch);
                    break batch;
                }
                if shelf.done[part] {
                    part += 1;
                } else if shelf.stopped {
                    return Err(DbError::new(DbErrorKind::Other, "a thread that reads has stopped"));
                } else {
                    shelf = self.wait(shelf);
                }
            };
            drop(shelf);
            self.changed.notify_all();
            on_batch(batch)?;
        }
    }
}

/// Stops all when the rows are handed on, or cannot be, or a thread panics: nobody must wait for what never comes.
struct Stop<'a>(&'a Shared);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.lock().stopped = true;
        self.0.changed.notify_all();
    }
}

/// Reads all parts of a request. Returns the number of rows, and per column how many values became null.
///
/// # Errors
/// [`DbError`] of the first connection that fails, or what `on_batch` returns.
pub(super) fn read(
    mut lanes: Vec<Lane<'_>>,
    request: &Request<'_>,
    on_batch: Batch<'_>,
) -> Result<(u64, Vec<u64>), DbError> {
    let parts = request.cuts.count();
    if let ([lane], 1) = (lanes.as_mut_slice(), parts) {
        return lane.read(request, 0, on_batch);
    }
    let shelf = Shelf {
        waiting: (0..parts).map(|_| VecDeque::new()).collect(),
        done: vec![false; parts],
        next: 0,
        held: vec![0; lanes.len()],
        rows: 0,
        misfits: Vec::new(),
        failure: None,
        stopped: false,
    };
    let shared = Shared { shelf: Mutex::new(shelf), changed: Condvar::new() };
    std::thread::scope(|scope| {
        let mut threads = 0;
        for (own, mut lane) in lanes.into_iter().enumerate() {
            let shared = &shared;
            let work = move || shared.work(own, &mut lane, request);
            if std::thread::Builder::new().spawn_scoped(scope, work).is_ok() {
                threads += 1;
            }
        }
        if threads == 0 {
            return Err(DbError::new(DbErrorKind::Other, "the system gives no thread to read by"));
        }
        let _stop = Stop(&shared);
        shared.hand_on(on_batch)
    })?;
    let shelf = shared.lock();
    Ok((shelf.rows, shelf.misfits.clone()))
}

fn bytes(rows: &TableData) -> usize {
    rows.arrays.iter().map(|array| array.to_data().get_slice_memory_size().unwrap_or(0)).sum()
}
