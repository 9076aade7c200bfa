//! A family's first time, counted from a time of its parent.

use serde::{Deserialize, Serialize};

use crate::{
    codec::{
        SubColumn,
        calendar::DAY_MICROS,
        gaps::{Unit, clock_of, cost, entropy, fit_gap, micros},
        line::Line,
    },
    data::{Families, TableData},
    privacy::{Guard, Owned},
    schema::{Column, ColumnId},
};

use super::{ASCENDING, PAIRS_MIN, SAVED_BITS};

/// The parent's column, and the gaps after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Since {
    pub(super) base: ColumnId,
    pub(super) line: Line,
}

impl Since {
    /// Finds the parent's time that a family's first row follows most closely, if that says more than the bins of
    /// days alone.
    pub(super) fn fit(
        column: &Column,
        (times, before): (&[Option<i64>], &[Option<i64>]),
        unit: Unit,
        (families, parent): (&Families, Option<&TableData>),
        when: &Line,
        guard: Guard<'_>,
    ) -> Option<(Self, Vec<SubColumn>)> {
        let parent = parent?;
        let parents = families.parent_of_rows();
        let firsts: Vec<Owned<(usize, i64)>> = guard.own(
            (0..times.len())
                .filter(|row| before[*row].is_none())
                .filter_map(|row| Some((row, (parents[row] as usize, times[row]?)))),
        );
        let keys: Vec<Owned<i64>> =
            firsts.iter().map(|((_, time), owner)| (time.div_euclid(DAY_MICROS), *owner)).collect();
        // The time of day, which gaps of microseconds say and bins of days do not.
        let clock = if unit == Unit::Days {
            0.0
        } else {
            entropy(firsts.iter().map(|((_, time), _)| clock_of(*time)))
        };
        let mut least = cost(when, &keys) + clock - SAVED_BITS;
        let mut found = None;
        for (base, values) in parent.columns.iter().zip(&parent.arrays) {
            let Some(bases) = micros(values) else { continue };
            let gaps: Vec<Owned<i64>> = firsts
                .iter()
                .filter_map(|((family, time), owner)| {
                    Some((unit.between(bases.get(*family).copied().flatten()?, *time), *owner))
                })
                .collect();
            let forward =
                gaps.iter().filter(|(gap, _)| *gap >= 0).count() as f64 >= ASCENDING * firsts.len() as f64;
            if gaps.len() < PAIRS_MIN / 2 || !forward {
                continue;
            }
            let name = format!("{}.since", column.name);
            let (_, line, sub_columns, bits) = fit_gap(&name, unit, gaps, guard);
            if bits < least {
                least = bits;
                found = Some((Self { base: *base, line }, sub_columns));
            }
        }
        found
    }
}
