//! Windows of consecutive siblings, shuffled into batches; the same code builds what a network sees of a
//! batch in training, validation and tests.

use std::sync::Arc;

use candle_core::Result;

use crate::{
    codec::EncodedTable,
    conditioning::{
        Conditioning, Distortion, Halvings, Inputs, Per, RowInputs, SiblingState, features_of, gather,
    },
    nn::LineHint,
};

use super::{evidence::Tables, network::Shape};

/// Rows of one window, at least and at most: long families are cut, or one of them would be a batch by itself.
/// Each cut keeps a copy of the state before it, so larger tables are cut less finely.
const WINDOW_ROWS: (usize, usize) = (64, 512);

/// Consecutive rows of one family and the state before the first of them.
#[derive(Debug, Clone)]
pub(super) struct Window {
    /// The family.
    pub family: u32,
    /// Rows, counted over the whole table.
    pub rows: std::ops::Range<usize>,
    /// The stations before it, and what its family's halvings see.
    state: Option<Box<SiblingState>>,
    halvings: Option<Arc<Halvings>>,
}

/// One batch as the network reads it.
#[derive(Debug)]
pub(super) struct Batch {
    /// What it is generated under.
    pub inputs: Inputs,
    /// What to generate: tokens, column by column.
    pub tokens: Vec<Vec<u16>>,
    /// What the siblings hint about them, column by column.
    pub hints: Vec<Vec<f32>>,
    /// What single known tokens say about them, column by column.
    pub lines: Vec<Vec<LineHint>>,
}

/// The rows of a training set and how to read them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    /// The network's shape.
    pub shape: &'a Shape,
    /// The rows to learn.
    pub rows: &'a EncodedTable,
    /// What they are generated under, as the generator views it.
    pub conditioning: &'a Conditioning,
}

impl Reader<'_> {
    /// Cuts all families into windows; rows without sibling state are windows of their own.
    pub(super) fn windows(&self) -> Vec<Window> {
        let families = &self.conditioning.families;
        let window_rows = (families.row_count() / 4_096).clamp(WINDOW_ROWS.0, WINDOW_ROWS.1);
        let mut windows = Vec::new();
        for family in 0..families.len() {
            let rows = families.rows(family);
            let Some(layout) = &self.shape.siblings else {
                windows.extend(rows.map(|row| Window {
                    family: family as u32,
                    rows: row..row + 1,
                    state: None,
                    halvings: None,
                }));
                continue;
            };
            let course = layout.course(rows.len());
            let halvings = (course.step() > 1)
                .then(|| Arc::new(Halvings::of(layout, course, |index| self.row_tokens(rows.start + index))));
            let mut state = SiblingState::default();
            let mut start = rows.start;
            while start < rows.end {
                let end = rows.end.min(start + window_rows);
                let before = (start > rows.start).then(|| Box::new(state.clone()));
                let halvings = halvings.clone();
                windows.push(Window { family: family as u32, rows: start..end, state: before, halvings });
                if end < rows.end {
                    for row in (start..end).filter(|row| course.gap(row - rows.start) == 0) {
                        state.push(layout, &self.row_tokens(row));
                    }
                }
                start = end;
            }
        }
        windows
    }

    /// Returns the tokens of a row: those given, then its own.
    fn row_tokens(&self, row: usize) -> Vec<u16> {
        let given = self.conditioning.given.iter().flat_map(|given| &given.tokens);
        given.chain(&self.rows.tokens).map(|column| column[row]).collect()
    }

    /// Builds the batch of some windows; `distortion` disturbs what it sees, in training only. Without it the rows
    /// are held out: the tables are read as counted over all training rows.
    pub(super) fn batch(
        &self,
        windows: &[&Window],
        tables: &Tables,
        distortion: Option<Distortion<'_>>,
    ) -> Result<Batch> {
        let held_out = distortion.is_none();
        self.build(windows, tables, held_out, distortion)
    }

    /// Builds the batch of windows that were trained on, as they are.
    pub(super) fn undisturbed(&self, windows: &[&Window], tables: &Tables) -> Result<Batch> {
        self.build(windows, tables, false, None)
    }

    fn build(
        &self,
        windows: &[&Window],
        tables: &Tables,
        held_out: bool,
        mut distortion: Option<Distortion<'_>>,
    ) -> Result<Batch> {
        let width = self.shape.context.own_width;
        let count = windows.iter().map(|window| window.rows.len()).sum::<usize>();
        let mut own = vec![0.0; count * width];
        let (mut families, mut family_of_row) = (Vec::<u32>::new(), Vec::with_capacity(count));
        let mut rows = Vec::with_capacity(count);
        let columns: Vec<&[u16]> = self
            .conditioning
            .given
            .iter()
            .flat_map(|given| &given.tokens)
            .chain(&self.rows.tokens)
            .map(Vec::as_slice)
            .collect();
        let mut hints = vec![Vec::new(); self.rows.tokens.len()];
        let mut slots = own.chunks_exact_mut(width.max(1));
        for window in windows {
            if families.last() != Some(&window.family) {
                families.push(window.family);
            }
            let family = self.conditioning.families.rows(window.family as usize);
            let mut state = window.state.as_deref().cloned().unwrap_or_default();
            for row in window.rows.clone() {
                family_of_row.push(families.len() as u32 - 1);
                rows.push(row as u32);
                if width == 0 {
                    continue;
                }
                let Some(out) = slots.next() else { break };
                let tokens = self.row_tokens(row);
                let given_width = write_given(self.shape, &tokens, out);
                if let Some(layout) = &self.shape.siblings {
                    let index = row - family.start;
                    let course = layout.course(family.len());
                    let disturbed = distortion.as_mut().map(|distortion| (distortion, columns.as_slice()));
                    let gap = course.gap(index);
                    let of = |sibling: Option<usize>| {
                        sibling.map_or_else(Vec::new, |sibling| self.row_tokens(family.start + sibling))
                    };
                    let near;
                    let siblings = match &window.halvings {
                        Some(halvings) if gap > 0 => {
                            near = (of(course.previous(index)), of(course.next(index)));
                            halvings.siblings(gap, (&near.0, &near.1))
                        }
                        _ => state.siblings(),
                    };
                    siblings.write_features(layout, (index, course), disturbed, &mut out[given_width..]);
                    self.shape.push_hints(siblings, (index, course), &mut hints);
                    if gap == 0 {
                        state.push(layout, &tokens);
                    }
                }
            }
        }
        if let Some(distortion) = &mut distortion {
            distortion.drop(&mut own);
        }
        let inputs = Inputs {
            families: gather(self.conditioning, Per::Family, &families, distortion.as_mut())?,
            rows: RowInputs::gather(self.conditioning, &rows, family_of_row, own, distortion.as_mut())?,
        };
        let pick = |column: &Vec<u16>| rows.iter().map(|row| column[*row as usize]).collect();
        let places: Vec<(usize, usize)> = windows
            .iter()
            .flat_map(|window| window.rows.clone().map(|row| (window.family as usize, row)))
            .collect();
        let lines =
            (0..self.rows.tokens.len()).map(|column| self.lines(tables, column, &places, held_out)).collect();
        Ok(Batch { inputs, tokens: self.rows.tokens.iter().map(pick).collect(), hints, lines })
    }
}

/// Writes the features of the tokens decided before (the first of `tokens`), and returns their width.
pub(super) fn write_given(shape: &Shape, tokens: &[u16], out: &mut [f32]) -> usize {
    features_of(&shape.given, tokens, out); // stops after the given ones
    shape.given.iter().map(crate::codec::SubColumn::feature_width).sum()
}
