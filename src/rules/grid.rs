//! What a type rounds to: a value between two points of its grid would come back from the server as another one.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Float64Array, Time64MicrosecondArray, TimestampMicrosecondArray,
    cast::AsArray,
    types::{Float64Type, Time64MicrosecondType, TimestampMicrosecondType},
};

use crate::{
    data::TableData,
    schema::{Column, ColumnId, DataType, Table},
};

/// Most digits that are rounded; a float has no more.
const MOST_DIGITS: i32 = 15;

/// Which point of the grid a value between two takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Toward {
    /// The nearest, as servers do.
    Nearest,
    /// The next lower.
    Lower,
    /// The next higher.
    Higher,
}

/// Puts the values of all columns on the grids of their types.
pub(super) fn settle_on_grids(table: &Table, rows: &mut TableData) {
    let own = |id: &ColumnId| id.0 < table.columns.len();
    for (id, array) in rows.columns.iter().zip(&mut rows.arrays).filter(|(id, _)| own(id)) {
        if let Some(settled) = on_grid(table.column(*id), array, Toward::Nearest) {
            *array = settled;
        }
    }
}

/// Values on the grid of a column's type; `None` if every value is one.
#[must_use]
pub(super) fn on_grid(column: &Column, array: &ArrayRef, toward: Toward) -> Option<ArrayRef> {
    if let Some(floats) = array.as_primitive_opt::<Float64Type>() {
        let round = |value: f64| rounded(&column.data_type, value, toward);
        let off = floats.iter().flatten().any(|value| value.is_finite() && round(value) != value);
        return off.then(|| {
            let all = floats
                .iter()
                .map(|value| value.map(|value| if value.is_finite() { round(value) } else { value }));
            Arc::new(all.collect::<Float64Array>()) as ArrayRef
        });
    }
    let digits = column.fraction.filter(|digits| *digits < 6)?;
    let step = 10_i64.pow(6 - u32::from(digits));
    let round = |value: i64| match (value, toward) {
        // The infinities.
        (i64::MIN | i64::MAX, _) => value,
        (_, Toward::Lower) => value.div_euclid(step).saturating_mul(step),
        (_, Toward::Higher) => value.saturating_add(step - 1).div_euclid(step).saturating_mul(step),
        (_, Toward::Nearest) => value.saturating_add(step / 2).div_euclid(step).saturating_mul(step),
    };
    if let Some(times) = array.as_primitive_opt::<Time64MicrosecondType>() {
        let off = times.iter().flatten().any(|value| round(value) != value);
        return off.then(|| {
            Arc::new(times.iter().map(|value| value.map(round)).collect::<Time64MicrosecondArray>())
                as ArrayRef
        });
    }
    let stamps = array.as_primitive_opt::<TimestampMicrosecondType>()?;
    let off = stamps.iter().flatten().any(|value| round(value) != value);
    off.then(|| {
        Arc::new(stamps.iter().map(|value| value.map(round)).collect::<TimestampMicrosecondArray>())
            as ArrayRef
    })
}

fn rounded(data_type: &DataType, value: f64, toward: Toward) -> f64 {
    match data_type {
        // The shortest decimal of a single, as it is read from the server.
        DataType::Float { single: true } => (value as f32).to_string().parse().unwrap_or(value),
        DataType::Decimal { scale: Some(scale), .. } if scale.abs() <= MOST_DIGITS => {
            let unit = 10_f64.powi(scale.abs());
            let scaled = if *scale < 0 { value / unit } else { value * unit };
            // Beyond this a float has no digits left to round.
            if scaled.abs() >= 9e15 {
                return value;
            }
            let near = scaled.round();
            let whole = match toward {
                // What is on the grid but for the noise of floating point stays there.
                _ if (scaled - near).abs() <= 1e-9 * near.abs().max(1.0) => near,
                Toward::Nearest => near,
                Toward::Lower => scaled.floor(),
                Toward::Higher => scaled.ceil(),
            };
            if *scale < 0 { whole * unit } else { whole / unit }
        }
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, TimestampMicrosecondArray, cast::AsArray, types::Float64Type};

    use super::{Toward, on_grid};
    use crate::schema::{Column, DataType};

    fn floats(data_type: DataType, values: &[f64], toward: Toward) -> Option<Vec<f64>> {
        let array: ArrayRef = Arc::new(Float64Array::from(values.to_vec()));
        let settled = on_grid(&Column::new("c", data_type), &array, toward)?;
        Some(settled.as_primitive::<Float64Type>().values().to_vec())
    }

    #[test]
    fn decimals_and_singles_are_rounded_as_the_server_rounds() {
        let decimal = |scale| DataType::Decimal { precision: Some(9), scale: Some(scale) };

        assert_eq!(floats(decimal(2), &[1.25, f64::INFINITY], Toward::Nearest), None);
        assert_eq!(floats(decimal(2), &[1.256, -0.001], Toward::Nearest), Some(vec![1.26, 0.0]));
        assert_eq!(floats(decimal(1), &[1.26, 0.3], Toward::Lower), Some(vec![1.2, 0.3]));
        assert_eq!(floats(decimal(1), &[1.21, 0.3], Toward::Higher), Some(vec![1.3, 0.3]));
        assert_eq!(floats(decimal(-2), &[149.0], Toward::Nearest), Some(vec![100.0]));
        let single = DataType::Float { single: true };
        assert_eq!(floats(single, &[6.621_608_734_130_859], Toward::Nearest), Some(vec![6.621_608_7]));
    }

    #[test]
    fn times_keep_the_digits_of_their_type() {
        let array: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![1_234_567, i64::MAX]));
        let mut column = Column::new("at", DataType::Timestamp { zoned: false });
        assert!(on_grid(&column, &array, Toward::Nearest).is_none());

        column.fraction = Some(3);
        let settled = |toward| {
            let settled = on_grid(&column, &array, toward).unwrap();
            settled.as_primitive::<arrow_array::types::TimestampMicrosecondType>().values().to_vec()
        };
        assert_eq!(settled(Toward::Nearest), [1_235_000, i64::MAX]);
        assert_eq!(settled(Toward::Lower), [1_234_000, i64::MAX]);
        assert_eq!(settled(Toward::Higher), [1_235_000, i64::MAX]);
    }
}
