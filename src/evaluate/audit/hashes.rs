//! Cells of a table as hashes: cheap enough to look at every row of a side.

use crate::{
    data::TableData,
    evaluate::{
        Side,
        cells::Cells,
        frame::{Kind, array_of, kind_of},
    },
    schema::{ColumnId, Schema, TableId},
};

/// An odd constant of good dispersion: 2⁶⁴ over the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Spreads a number over all bits. Source: Steele et al., "Fast splittable pseudorandom number generators", OOPSLA
/// 2014 (the finaliser of `SplitMix64`).
pub(super) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The hash of a cell in the `column`-th place; 0 is null, whatever the place.
fn cell(cells: &Cells<'_>, row: usize, column: usize, text: &mut String) -> u64 {
    if cells.is_null(row) {
        return 0;
    }
    let number = cells.number(row);
    let value = if matches!(cells, Cells::Text(_) | Cells::Bytes(_)) || number.is_nan() {
        text.clear();
        cells.write(row, text);
        text.bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    } else if number == 0.0 {
        // Minus nought equals nought.
        1
    } else {
        number.to_bits()
    };
    mix(value ^ (column as u64 + 1).wrapping_mul(GOLDEN)).max(1)
}

/// The attributes of one table on one side.
pub(super) struct Hashed {
    /// Per attribute, per row.
    pub(super) columns: Vec<Vec<u64>>,
}

impl Hashed {
    pub(super) fn new(real: &Schema, side: &Side<'_>, table: TableId, attributes: &[Attribute]) -> Self {
        let rows = side_rows(real, side, table);
        let mut text = String::new();
        let column = |(place, attribute): (usize, &Attribute)| {
            let cells = array_of(real, side, table, attribute.id).map_or(Cells::Unread, Cells::new);
            (0..rows).map(|row| cell(&cells, row, place, &mut text)).collect()
        };
        Self { columns: attributes.iter().enumerate().map(column).collect() }
    }

    /// The hash of a whole row: a sum, so that single cells can be taken out of it again.
    pub(super) fn row(&self, row: usize) -> u64 {
        self.columns.iter().fold(0, |sum, column| sum.wrapping_add(column[row]))
    }
}

fn side_rows(real: &Schema, side: &Side<'_>, table: TableId) -> usize {
    crate::evaluate::frame::data_of(real, side, table).map_or(0, |(_, data): (_, &TableData)| data.row_count)
}

/// A column that says something of its own: no key, no constant.
pub(super) struct Attribute {
    pub(super) id: ColumnId,
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// The attributes of a table, as the real side shows them.
pub(super) fn attributes(real: &Side<'_>, table: TableId) -> Vec<Attribute> {
    let Some(data) = real.tables.get(table.0) else { return Vec::new() };
    let columns = real.schema.table(table).iter();
    columns
        .filter_map(|(id, column)| {
            let cells = data.column(id).map(Cells::new)?;
            let kind = kind_of(real.schema, table, id, &cells, (data.row_count, false));
            (kind.is_compared() || kind == Kind::Text).then(|| Attribute {
                id,
                name: column.name.clone(),
                kind,
            })
        })
        .collect()
}
