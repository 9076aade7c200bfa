//! Columns whose siblings go through the whole line in their order: product codes, positions, days of one window.
//!
//! How far such a family must have come when a share of its rows is done is known: as far as that share of all rows. A
//! network that only sees the previous sibling keeps the stride of most families, and one with fewer rows ends halfway.
//! These hints say how near a token lies to where the family should stand.

use super::nearness::{AROUND, CLOSE, FARTHEST, bump};
use crate::{codec::SubColumn, data::Families, normal::normal_quantile};

/// What is known of each token's place: it lies close to where the family should stand, it lies in that neighbourhood,
/// and how far off it lies.
pub(super) const PACE: usize = 3;

/// Mean square of how far rows lie from where their families should stand, as a share of the variance of all rows, below
/// which a column keeps pace.
const KEEPS_PACE: f64 = 0.25;

/// Fewest rows that have siblings on both sides, and so can show a pace.
const INNER_ROWS_MIN: usize = 50;

/// Where row `index` of `count` siblings should stand: the normal score of the share of its family that is done.
#[inline(always)]
fn schedule(index: usize, count: usize) -> f32 {
    normal_quantile((index as f64 + 0.5) / count.max(1) as f64) as f32
}

/// Calls `write(hint, token, value)` for what the places of tokens tell of row `index` of `count` siblings.
#[inline(always)]
pub(super) fn pace(
    scalars: &[f32],
    (index, count): (usize, usize),
    mut write: impl FnMut(usize, usize, f32),
) {
    let due = schedule(index, count);
    for (token, scalar) in scalars.iter().enumerate() {
        let off = scalar - due;
        write(0, token, bump(off, CLOSE));
        write(1, token, bump(off, AROUND));
        write(2, token, -off.abs().min(FARTHEST));
    }
}

/// True if rows lie where the share of their family that is done says: the square of what they are off (mean over
/// families of at least three) is less than [`KEEPS_PACE`] times the variance.
pub(super) fn keeps_pace(column: &SubColumn, tokens: &[u16], families: &Families) -> bool {
    let place = |row: usize| column.scalars.get(usize::from(tokens[row])).copied().map_or(0.0, f64::from);
    if column.scalars.len() < 3 || column.scalars.len() != usize::from(column.size) || tokens.is_empty() {
        return false;
    }
    let (mut inner, mut all, mut off, mut sum, mut squares) = (0, 0, 0.0, 0.0, 0.0);
    for family in 0..families.len() {
        let rows = families.rows(family);
        if rows.len() < 3 {
            continue;
        }
        inner += rows.len() - 2;
        all += rows.len();
        for row in rows.clone() {
            off += (place(row) - f64::from(schedule(row - rows.start, rows.len()))).powi(2);
            sum += place(row);
            squares += place(row).powi(2);
        }
    }
    let variance = squares - sum * sum / all.max(1) as f64;
    inner >= INNER_ROWS_MIN && off < KEEPS_PACE * variance
}

#[cfg(test)]
mod tests {
    use super::{keeps_pace, pace};
    use crate::{codec::SubColumn, data::Families, normal::normal_quantile};

    /// Normal scores of tokens that are equally frequent.
    fn line(size: u16) -> SubColumn {
        let score = |token: u16| normal_quantile((f64::from(token) + 0.5) / f64::from(size)) as f32;
        SubColumn {
            name: "line".into(),
            size,
            scalars: (0..size).map(score).collect(),
            counts_children: false,
            one_hot: true,
        }
    }

    #[test]
    fn families_of_any_size_that_go_through_the_line_keep_pace_and_others_do_not() {
        let families = Families::from_counts(&[100, 25, 50, 1]);
        let sweep: Vec<u16> = (0..100)
            .chain((0..25).map(|row| row * 4 + 1))
            .chain((0..50).map(|row| row * 2))
            .chain([7])
            .collect();
        let shuffled: Vec<u16> = (0..176_usize).map(|row| sweep[row * 77 % 176]).collect();
        let windows: Vec<u16> = (0..176_u16).map(|row| row % 100 / 4 + 70 * u16::from(row >= 100)).collect();

        assert!(keeps_pace(&line(100), &sweep, &families));
        assert!(!keeps_pace(&line(100), &shuffled, &families));
        assert!(!keeps_pace(&line(100), &windows, &families), "each family goes through a part of its own");
        assert!(!keeps_pace(&line(100), &sweep, &Families::singletons(176)), "no row has siblings");
        assert!(!keeps_pace(&line(100), &[7; 176], &families), "one value");
    }

    #[test]
    fn the_nearer_a_token_to_where_the_family_should_stand_the_more_speaks_for_it() {
        let column = line(101);
        for (index, count) in [(0, 5), (2, 5), (4, 5), (150, 301)] {
            let mut told = vec![[0.0; 3]; 101];
            pace(&column.scalars, (index, count), |hint, token, value| told[token][hint] = value);
            let due = ((index as f64 + 0.5) / count as f64 * 101.0) as usize;
            let best =
                [0, 1, 2].map(|hint| (0..101).max_by(|a, b| told[*a][hint].total_cmp(&told[*b][hint])));
            assert_eq!(best, [Some(due); 3], "row {index} of {count}");
        }
    }
}
