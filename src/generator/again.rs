//! Rows that are drawn again, by streams of their own: those that one real entity alone has, and those whose running
//! totals nobody in the source has.

use candle_core::Result;

use crate::{
    codec::{Balances, RunningTotals},
    generator::sample::{Draw, Place},
    seed::Stream,
};

/// Times that a row is drawn again that one real entity alone has.
const UNIQUE_TRIES: usize = 4;

/// Times that a row is drawn whose total nobody in the source has.
const TOTAL_TRIES: usize = 12;

/// Draws the rows at some places by another stream.
type DrawAgain<'a> = dyn Fn(&[Place], Stream) -> Result<Vec<Vec<u16>>> + 'a;

impl Draw<'_> {
    /// Draws rows again that are to be avoided: what is left of them is what the model is sure of. Rows of a stream
    /// `number` are drawn by `again`.
    pub(super) fn avoid_uniques(
        &self,
        places: &[Place],
        drawn: &mut [Vec<u16>],
        (number, again): (u64, &DrawAgain<'_>),
    ) -> Result<()> {
        let Some(uniques) = &self.conditioning.avoided else { return Ok(()) };
        let mut hits: Vec<usize> = (0..places.len()).collect();
        for attempt in 0..=UNIQUE_TRIES {
            hits.retain(|row| uniques.contain(drawn.iter().map(|column| column[*row])));
            if hits.is_empty() || attempt == UNIQUE_TRIES {
                break;
            }
            let random = self.seed.stream(&format!("{}/unique/{attempt}", self.name), number);
            draw_again(&hits, places, drawn, (again, random))?;
        }
        Ok(())
    }

    /// Sets the running totals of rows just drawn, of those that are `open`: a family that is halved does not know what
    /// comes before a row. Rows whose total nobody in the source has are drawn again, and the nearest one stays.
    pub(super) fn settle_totals(
        &self,
        running: &RunningTotals,
        (mut open, places, first_family): (Vec<usize>, &[Place], usize),
        (drawn, balances): (&mut Vec<Vec<u16>>, &mut [Balances]),
        (number, again): (u64, &DrawAgain<'_>),
    ) -> Result<()> {
        let place = |row: &usize| {
            let (at, index) = places[*row];
            self.conditioning.families.rows(first_family + at).start + index
        };
        let mut least = vec![f64::INFINITY; places.len()];
        let (mut kept, before) = (drawn.clone(), balances.to_vec());
        for attempt in 0..TOTAL_TRIES {
            let mut tokens: Vec<Vec<u16>> =
                drawn.iter().map(|column| open.iter().map(|row| column[*row]).collect()).collect();
            let mut after: Vec<Balances> = open.iter().map(|row| before[*row].clone()).collect();
            let excess = running.settle(&mut tokens, &mut after, &open.iter().map(place).collect::<Vec<_>>());
            for (place, (row, after)) in open.iter().zip(after).enumerate() {
                if excess[place] < least[*row] {
                    least[*row] = excess[place];
                    balances[*row] = after;
                    kept.iter_mut().zip(&tokens).for_each(|(column, tokens)| column[*row] = tokens[place]);
                }
            }
            open.retain(|row| least[*row] > 0.0);
            if open.is_empty() {
                break;
            }
            let random = self.seed.stream(&format!("{}/again/{attempt}", self.name), number);
            draw_again(&open, places, drawn, (again, random))?;
        }
        *drawn = kept;
        Ok(())
    }
}

/// Draws some of the rows at `places` again, in place.
fn draw_again(
    rows: &[usize],
    places: &[Place],
    drawn: &mut [Vec<u16>],
    (again, random): (&DrawAgain<'_>, Stream),
) -> Result<()> {
    let places: Vec<Place> = rows.iter().map(|row| places[*row]).collect();
    for (column, new) in drawn.iter_mut().zip(again(&places, random)?) {
        rows.iter().zip(new).for_each(|(row, token)| column[*row] = token);
    }
    Ok(())
}
