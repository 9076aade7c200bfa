//! Corrects what shows only once a table is drawn.
//!
//! In training every row follows real rows; when a table is drawn it follows drawn ones, and a slight leaning of one row
//! becomes the state that the next ones lean on: long families drift towards the end of a range ("exposure bias",
//! Bengio et al., "Scheduled sampling", NIPS 2015). So the families learnt from are drawn as well, under their own
//! parents, and tokens that come too often or too rarely, by more than chance between families, have their biases
//! moved until they do not.

use std::{collections::BTreeMap, ops::Range};

use candle_core::Result;

use crate::{codec::EncodedTable, conditioning::Conditioning, data::Families, seed::Seed};

use super::{autoregressive::Fitted, sample::chunks};

/// Drawings, at most.
const ROUNDS: usize = 24;

/// About as many rows are drawn at a time, of chunks of so many families.
const DRAWN_ROWS: usize = 10_000;
const CHUNK_FAMILIES: usize = 8;

/// Times as many rows, at most, that the fewest families may have: drawing longer ones would take as long as learning.
const MOST_ROWS: usize = 4;

/// Fewest stretches of which some can be told from chance: families, or [`STRETCH`] rows of a long one.
const LEAST_STRETCHES: usize = 20;
const STRETCH: usize = 256;

/// Standard errors from which a difference is none of chance.
const BEYOND_CHANCE: f64 = 2.5;

/// Share of the rows that a difference must be worth a correction.
const LEAST_SHARE: f64 = 0.002;

/// Rows added to either side, so that rare tokens are moved little, and the largest correction of one round.
const SMOOTHING: f64 = 4.0;
const LARGEST: f64 = 1.0;

/// Moves the output biases until drawn rows show each token as often as the real ones, stretch by stretch.
pub(super) fn settle(
    mut fitted: Fitted,
    conditioning: &Conditioning,
    rows: &EncodedTable,
    (seed, name): (Seed, &str),
) -> Result<Fitted> {
    let families = &conditioning.families;
    if fitted.shape.siblings.is_none() {
        return Ok(fitted);
    }
    let picked = picked(families);
    if picked.iter().flat_map(|chunk| stretches(families, chunk)).count() < LEAST_STRETCHES {
        return Ok(fitted);
    }
    let picked_rows: usize = picked.iter().map(|chunk| rows_of(families, chunk)).sum();
    if picked_rows > MOST_ROWS * DRAWN_ROWS {
        return Ok(fitted);
    }
    let mut pace = Pace::default();
    let mut best: Option<(f64, Vec<f32>)> = None;
    for round in 0..ROUNDS {
        let stream = format!("exposure/{name}/{round}");
        let drawn = chunks(&fitted, conditioning, (seed, &stream, None), picked.clone())?;
        let heads = &fitted.network.heads;
        let moves = corrections(&drawn, families, rows, |column| heads.output_offset(column));
        let Some((_, biases)) = fitted.weights.get_mut("output.bias") else { break };
        let off = moves.iter().map(|moved| moved.rows).sum::<f64>();
        tracing::debug!(table = name, round, moves = moves.len(), off, "drawn rows compared");
        if best.as_ref().is_none_or(|(least, _)| off < *least) {
            best = Some((off, biases.clone()));
        }
        if moves.is_empty() {
            break;
        }
        for moved in &moves {
            biases[moved.place] += pace.slowed(moved) as f32;
        }
        let Fitted { kind, settings, shape, weights, training, .. } = fitted;
        fitted = Fitted { training, ..Fitted::new(kind, settings, shape, weights)? };
    }
    let Some((_, biases)) = best else { return Ok(fitted) };
    let Fitted { kind, settings, shape, mut weights, training, .. } = fitted;
    if let Some((_, last)) = weights.get_mut("output.bias") {
        *last = biases;
    }
    Ok(Fitted { training, ..Fitted::new(kind, settings, shape, weights)? })
}

/// A bias to move.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Move {
    place: usize,
    by: f64,
    /// Rows that have the token too much or too little.
    rows: f64,
}

/// How fast each bias may move. In a series a token is mostly the one before, and a bias moves more rows than it seems
/// to: one that overshoots goes slower from then on.
#[derive(Debug, Default)]
struct Pace(BTreeMap<usize, (f64, f64)>);

impl Pace {
    fn slowed(&mut self, moved: &Move) -> f64 {
        let (speed, last) = self.0.entry(moved.place).or_insert((1.0, moved.by));
        if last.signum() != moved.by.signum() {
            *speed /= 2.0;
        }
        *last = moved.by;
        *speed * moved.by
    }
}

fn rows_of(families: &Families, chunk: &Range<usize>) -> usize {
    (families.offsets[chunk.end] - families.offsets[chunk.start]) as usize
}

/// The rows of a chunk, family by family and cut where a family is long.
fn stretches(families: &Families, chunk: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
    chunk.clone().map(|family| families.rows(family)).flat_map(|rows| {
        let end = rows.end;
        rows.step_by(STRETCH).map(move |from| from..end.min(from + STRETCH))
    })
}

/// Chunks of families spread over all of them, with about [`DRAWN_ROWS`] rows, but not fewer families than are needed.
fn picked(families: &Families) -> Vec<Range<usize>> {
    let all =
        || (0..families.len()).step_by(CHUNK_FAMILIES).map(|at| at..families.len().min(at + CHUNK_FAMILIES));
    let fewest = LEAST_STRETCHES.div_ceil(CHUNK_FAMILIES);
    let count = all().count();
    let share = DRAWN_ROWS as f64 / families.row_count().max(1) as f64;
    let wanted = ((count as f64 * share).ceil() as usize).clamp(fewest.min(count), count).max(1);
    all().step_by((count / wanted).max(1)).take(wanted).collect()
}

/// The biases to move, by how much; those of a column begin at its `offset`.
fn corrections(
    drawn: &[(Range<usize>, Vec<Vec<u16>>)],
    families: &Families,
    rows: &EncodedTable,
    offset: impl Fn(usize) -> usize,
) -> Vec<Move> {
    let mut moves = Vec::new();
    for (column, sub_column) in rows.sub_columns.iter().enumerate() {
        let size = usize::from(sub_column.size);
        let (mut seen, mut given) = (vec![0.0; size], vec![0.0; size]);
        let mut squares = vec![0.0_f64; size];
        let mut total = 0.0;
        let mut gap = vec![0.0_f64; size];
        for (chunk, tokens) in drawn {
            let first = families.offsets[chunk.start] as usize;
            for range in stretches(families, chunk) {
                total += range.len() as f64;
                let mut touched: Vec<usize> = Vec::with_capacity(2 * range.len());
                for row in range {
                    let (real, new) =
                        (usize::from(rows.tokens[column][row]), usize::from(tokens[column][row - first]));
                    seen[real] += 1.0;
                    given[new] += 1.0;
                    gap[real] += 1.0;
                    gap[new] -= 1.0;
                    touched.extend([real, new]);
                }
                // Rows of a stretch are no independent witnesses.
                for token in touched {
                    squares[token] += gap[token] * gap[token];
                    gap[token] = 0.0;
                }
            }
        }
        let first = offset(column);
        for token in 0..size {
            let difference: f64 = seen[token] - given[token];
            let beyond = difference.abs() > BEYOND_CHANCE * squares[token].sqrt();
            if beyond && difference.abs() > LEAST_SHARE * total && seen[token] > 0.0 {
                let by = ((seen[token] + SMOOTHING) / (given[token] + SMOOTHING)).ln();
                let by = by.clamp(-LARGEST, LARGEST);
                moves.push(Move { place: first + token, by, rows: difference.abs() });
            }
        }
    }
    moves
}

#[cfg(test)]
mod tests {
    use super::{DRAWN_ROWS, Families, Move, Pace, corrections, picked, rows_of, stretches};
    use crate::codec::{EncodedTable, SubColumn};

    const FAMILIES: usize = 40;
    const ROWS: usize = 10;

    /// What is corrected if family `f` has the token `drawn(f, row)` where it had one of four in turn.
    fn moved(drawn: impl Fn(usize, usize) -> u16) -> Vec<Move> {
        let families = Families::from_counts(&[ROWS as u32; FAMILIES]);
        let mut rows = EncodedTable::empty(FAMILIES * ROWS);
        let sub_column = SubColumn {
            name: "x".to_owned(),
            size: 4,
            scalars: Vec::new(),
            counts_children: false,
            one_hot: true,
        };
        rows.push(sub_column, (0..FAMILIES * ROWS).map(|row| (row % 4) as u16).collect());
        let tokens = (0..FAMILIES * ROWS).map(|row| drawn(row / ROWS, row)).collect();
        corrections(&[(0..FAMILIES, vec![tokens])], &families, &rows, |_| 100)
    }

    #[test]
    fn what_comes_too_often_in_many_families_is_held_back() {
        let moves = moved(|_, row| if row % 2 == 0 { 3 } else { (row % 4) as u16 });

        let by = |token: usize| {
            moves.iter().find(|moved| moved.place == 100 + token).map_or(0.0, |moved| moved.by)
        };
        assert!(by(3) < -0.5 && by(0) > 0.5, "{moves:?}");
        assert!(moved(|_, row| (row % 4) as u16).is_empty(), "nothing differs");
    }

    #[test]
    fn families_are_picked_from_all_over_and_not_too_many() {
        let rows =
            |families: &Families| -> usize { picked(families).iter().map(|c| rows_of(families, c)).sum() };

        let small = Families::from_counts(&[3; 500]);
        assert_eq!(rows(&small), 1500, "all of a small table");
        let large = Families::from_counts(&[10; 40_000]);
        assert!((DRAWN_ROWS / 2..=2 * DRAWN_ROWS).contains(&rows(&large)), "{}", rows(&large));
        assert!(picked(&large).last().unwrap().end > 35_000);
        let long = Families::from_counts(&[5000; 100]);
        assert_eq!(picked(&long).len(), 3, "few families, but enough to tell chance");
        assert_eq!(stretches(&long, &(0..2)).count(), 40, "a long family tells more than one of few rows");
        assert!(picked(&Families::from_counts(&[])).is_empty());
    }

    #[test]
    fn what_overshoots_goes_slower() {
        let mut pace = Pace::default();
        let steps = [0.8, -0.8, -0.8, 0.8].map(|by| pace.slowed(&Move { place: 3, by, rows: 1.0 }));
        assert_eq!(steps, [0.8, -0.4, -0.4, 0.2]);
    }

    #[test]
    fn one_family_of_its_own_is_chance() {
        assert_eq!(moved(|family, row| if family == 7 { 3 } else { (row % 4) as u16 }), []);
    }
}
