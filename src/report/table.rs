//! The one look of all tables: no frame, a line below the header, at most 100 columns wide.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, presets::NOTHING};

/// What fits a terminal and a CI log.
const WIDTH: u16 = 100;

/// A table with a header.
pub(super) struct Grid {
    table: Table,
    columns: usize,
}

impl Grid {
    /// Starts a table. A header that begins with `#` is a column of numbers.
    pub(super) fn new(header: &[&str]) -> Self {
        let mut table = Table::new();
        let style = NOTHING.header_separator(LineStyle::new('─', '─', '─', '─'));
        table.load_style(style).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(WIDTH);
        table.set_header(header.iter().map(|name| name.trim_start_matches('#')));
        for (index, name) in header.iter().enumerate() {
            if let Some(column) = table.column_mut(index).filter(|_| name.starts_with('#')) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self { table, columns: header.len() }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.columns, "one cell per header");
        self.table.add_row(cells);
    }

    /// The table with a line break at its end, without blanks at the ends of lines.
    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        for line in self.table.lines() {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}
