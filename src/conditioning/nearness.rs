//! Series: columns whose places on the line lie close to their previous sibling's.
//!
//! Of a token that was the previous sibling's a hint says so; of its neighbours on the line nothing would, and a
//! network learns slowly that after each of fifty bins the same one or the next one comes. These hints say how near a
//! token lies, so that the gates of a column are an autoregression.

use crate::{codec::SubColumn, data::Families};

/// What is known of each token's place: it is the previous sibling's, it is the next one, it lies close to it, it lies
/// in its neighbourhood, how far off it lies, and that it lies above.
pub(super) const NEAR: usize = 6;

/// Widths of the two neighbourhoods, and where distance stops to count, in deviations of the column.
pub(super) const CLOSE: f32 = 0.1;
pub(super) const AROUND: f32 = 0.5;
pub(super) const FARTHEST: f32 = 2.0;

/// How near a token lies, from 1 where it is to 0 far off.
#[inline(always)]
pub(super) fn bump(off: f32, width: f32) -> f32 {
    1.0 / (1.0 + (off / width) * (off / width))
}

/// Mean square of steps, as a share of what it were if siblings had nothing to do with each other (von Neumann's
/// ratio, halved), below which a column is a series.
const SERIES: f64 = 0.5;

/// Fewest rows with a previous sibling that can show a series.
const PAIRS_MIN: usize = 50;

/// Calls `write(hint, token, value)` for what the places of tokens tell beside that of the previous sibling's token.
#[inline(always)]
pub(super) fn nearness(scalars: &[f32], previous: u16, mut write: impl FnMut(usize, usize, f32)) {
    let previous = usize::from(previous);
    write(0, previous, 1.0);
    if previous + 1 < scalars.len() {
        write(1, previous + 1, 1.0);
    }
    let place = scalars[previous];
    for (token, scalar) in scalars.iter().enumerate() {
        let step = scalar - place;
        write(2, token, bump(step, CLOSE));
        write(3, token, bump(step, AROUND));
        write(4, token, -step.abs().min(FARTHEST));
        write(5, token, f32::from(u8::from(step > 0.0)));
    }
}

/// True if the rows of a family lie near their previous ones: the square of a step (mean over all) is less than
/// [`SERIES`] times what two rows of the table differ by.
pub(super) fn is_series(column: &SubColumn, tokens: &[u16], families: &Families) -> bool {
    let place = |row: usize| column.scalars.get(usize::from(tokens[row])).copied().map_or(0.0, f64::from);
    if column.scalars.len() < 3 || column.scalars.len() != usize::from(column.size) || tokens.is_empty() {
        return false;
    }
    let rows = tokens.len() as f64;
    let mean = (0..tokens.len()).map(place).sum::<f64>() / rows;
    let variance = (0..tokens.len()).map(|row| (place(row) - mean).powi(2)).sum::<f64>() / rows;
    let (mut pairs, mut squares) = (0_usize, 0.0);
    for family in 0..families.len() {
        for row in families.rows(family).skip(1) {
            pairs += 1;
            squares += (place(row) - place(row - 1)).powi(2);
        }
    }
    pairs >= PAIRS_MIN && squares < SERIES * 2.0 * variance * pairs as f64
}

#[cfg(test)]
mod tests {
    use super::{NEAR, is_series, nearness};
    use crate::{codec::SubColumn, data::Families};

    fn line(size: u16) -> SubColumn {
        let scalars = (0..size).map(|token| f32::from(token) / f32::from(size) * 4.0 - 2.0).collect();
        SubColumn { name: "line".into(), size, scalars, counts_children: false, one_hot: true }
    }

    #[test]
    fn a_walk_is_a_series_and_shuffled_rows_are_none() {
        let families = Families::from_counts(&[100, 100]);
        let walk: Vec<u16> = (0..200_u16).map(|row| (row / 4) % 50).collect();
        let shuffled: Vec<u16> = (0..200_usize).map(|row| walk[row * 77 % 200]).collect();

        assert!(is_series(&line(50), &walk, &families));
        assert!(!is_series(&line(50), &shuffled, &families));
        assert!(!is_series(&line(50), &walk, &Families::singletons(200)), "no row has a previous one");
        assert!(!is_series(&line(50), &[7; 200], &families), "one value");
    }

    #[test]
    fn the_nearer_a_token_the_more_speaks_for_it() {
        let mut told = [[0.0; NEAR]; 4];
        nearness(&[-0.5, 0.5, 0.8, 9.0], 1, |hint, token, value| told[token][hint] += value);

        assert_eq!(told[1], [1.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
        assert_eq!(told[2][..2], [0.0, 1.0]);
        assert!(told[2][2] < 0.2 && told[2][3] > 0.6 && told[2][4] < -0.29 && told[2][5] == 1.0);
        assert!(told[0][3] < told[2][3] && told[0][5] == 0.0);
        assert_eq!(told[3][4], -2.0);
    }
}
