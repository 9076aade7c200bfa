//! What a column is, first by its schema and then by noisy looks: the tokens of its values.

use std::collections::BTreeMap;

use arrow_array::{Array, ArrayRef, cast::AsArray, types};
use arrow_schema::DataType as ArrowType;

use super::{
    axis::{Axis, Item, bits},
    budget::Budget,
    grid::{Numbers, cell, refine},
};
use crate::{
    config::TableSettings,
    plan::{ColumnRole, Plan},
    privacy::Purpose,
    rules::Rules,
    schema::{ColumnId, DataType, Storage, Table, TableId},
    semantic::{Meaning, detect},
};

/// Cells of the second look at a range.
const ZOOM: usize = 32;
/// Most spans of a column.
const SPANS: usize = 48;
/// Most labels of a column.
const LABELS: usize = 64;
/// Share of the values that labels must cover, for a text to be taken as a label.
const COVER: f64 = 0.6;
/// Largest share of values that may be finer than the unit that is kept.
const FINER: f64 = 0.03;
/// Largest range of whole numbers, set by a CHECK, whose values are tokens without a look.
const BOUNDED: f64 = 64.0;

/// How the values of a column are made.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Made {
    /// Drawn from what noisy looks said: numbers in steps of a unit.
    Numbers(Numbers, f64),
    /// Labels or truth values.
    Labels,
    /// Written anew, by its name and type alone.
    Written(Meaning),
    /// The place of a row among its siblings, from 1.
    Place,
    /// The number of the row, from 1.
    Serial,
}

/// A column with its tokens.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) column: ColumnId,
    pub(super) made: Made,
    pub(super) axis: Axis,
}

/// What a column is before anybody looks.
pub(super) enum Start {
    /// Nothing needs to be looked at.
    Known(Shape),
    /// The range of numbers is asked for.
    Range(Numbers),
    /// The labels of a text are asked for.
    Labels,
}

/// What is known of a table without a look at its rows.
#[derive(Clone, Copy)]
pub(super) struct Declared<'a> {
    pub(super) id: TableId,
    pub(super) table: &'a Table,
    pub(super) plan: &'a Plan,
    pub(super) rules: &'a Rules,
    pub(super) settings: Option<&'a TableSettings>,
}

impl Declared<'_> {
    /// Its columns with values of their own.
    pub(super) fn columns(self) -> impl Iterator<Item = ColumnId> {
        let roles = &self.plan.table(self.id).columns;
        self.table
            .iter()
            .map(|(column, _)| column)
            .filter(move |column| matches!(roles[column.0], ColumnRole::Attribute | ColumnRole::KeyAttribute))
    }

    /// What the schema says of a column.
    pub(super) fn start(self, column: ColumnId) -> Start {
        let described = self.table.column(column);
        let nullable = described.nullable;
        let known = |made, items| Start::Known(Shape { column, made, axis: Axis::new(nullable, items) });
        let lone = self.table.keys().any(|key| key.columns == [column] && key.predicate.is_none());
        let allowed = self.rules.table(self.id).allowed_values(column);
        let setting = self.settings.and_then(|said| said.columns.get(&described.name));
        let numbers = Numbers::of(described);
        match (&described.data_type, numbers) {
            (DataType::Boolean, _) => {
                return known(Made::Labels, vec![Item::Number(0.0), Item::Number(1.0)]);
            }
            (DataType::Enum { labels }, _) if !lone => {
                return known(Made::Labels, labels.iter().cloned().map(Item::Text).collect());
            }
            _ => {}
        }
        if let Some(numbers) = numbers {
            if numbers == Numbers::Whole && self.is_place(column) {
                return known(Made::Place, vec![Item::Any]);
            }
            if numbers == Numbers::Whole && lone {
                return known(Made::Serial, vec![Item::Any]);
            }
            let listed: Vec<f64> =
                allowed.iter().flatten().filter_map(|text| text.trim().parse().ok()).collect();
            if !listed.is_empty() && numbers == Numbers::Whole {
                return known(Made::Numbers(numbers, 1.0), listed.into_iter().map(Item::Number).collect());
            }
            if let Some((low, high)) = self.rules.table(self.id).bounds(column)
                && numbers == Numbers::Whole
                && high - low <= BOUNDED
            {
                let values = (0..=(high - low) as i64).map(|n| Item::Number(low.ceil() + n as f64));
                let values = values.filter(|item| matches!(item, Item::Number(n) if *n <= high));
                return known(Made::Numbers(numbers, 1.0), values.collect());
            }
            return Start::Range(numbers);
        }
        if let Some(labels) = allowed.filter(|labels| !labels.is_empty() && !lone) {
            return known(Made::Labels, labels.into_iter().map(Item::Text).collect());
        }
        let meaning = self.meaning(column);
        let text = described.data_type.storage() == Storage::Text;
        let labelled = text && !lone && (setting.is_none() || meaning == Meaning::Category);
        let labelled = labelled && !meaning.is_personal() && meaning != Meaning::Uuid;
        if labelled { Start::Labels } else { known(Made::Written(meaning), vec![Item::Any]) }
    }

    /// What its name and type say.
    fn meaning(self, column: ColumnId) -> Meaning {
        let described = self.table.column(column);
        let setting = self.settings.and_then(|said| said.columns.get(&described.name));
        let nothing = arrow_array::new_empty_array(&crate::data::arrow_type(described.data_type.storage()));
        detect(self.table, column, &nothing, setting.map(String::as_str)).meaning
    }

    /// True for a number that only tells siblings apart: part of a key whose other columns lead to other tables.
    fn is_place(self, column: ColumnId) -> bool {
        let leads = |other: &ColumnId| self.table.foreign_keys.iter().any(|fk| fk.columns.contains(other));
        self.table.keys().any(|key| {
            key.columns.len() > 1
                && key.columns.contains(&column)
                && key.columns.iter().all(|other| *other == column || leads(other))
        })
    }

    /// A column of which nothing is known but whether it is null.
    pub(super) fn written(self, column: ColumnId) -> Shape {
        let described = self.table.column(column);
        let made = match Numbers::of(described) {
            Some(numbers) => Made::Numbers(numbers, *numbers.units().first().unwrap_or(&1.0)),
            None => Made::Written(match self.meaning(column) {
                Meaning::Category => crate::semantic::unlabelled(&described.data_type),
                meaning => meaning,
            }),
        };
        let items = match made {
            Made::Numbers(..) => {
                let (low, high) =
                    self.rules.table(self.id).bounds(column).unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
                vec![Item::Number(0.0_f64.max(low).min(high))]
            }
            _ => vec![Item::Any],
        };
        Shape { column, made, axis: Axis::new(described.nullable, items) }
    }
}

/// A number of an array; `None` if it is null or no number.
pub(super) fn number(array: &ArrayRef, row: usize) -> Option<f64> {
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        ArrowType::Boolean => f64::from(u8::from(array.as_boolean().value(row))),
        ArrowType::Int64 => array.as_primitive::<types::Int64Type>().value(row) as f64,
        ArrowType::Float64 => array.as_primitive::<types::Float64Type>().value(row),
        ArrowType::Date32 => f64::from(array.as_primitive::<types::Date32Type>().value(row)),
        ArrowType::Time64(_) => array.as_primitive::<types::Time64MicrosecondType>().value(row) as f64,
        ArrowType::Timestamp(..) => array.as_primitive::<types::TimestampMicrosecondType>().value(row) as f64,
        _ => return None,
    })
    .filter(|value| value.is_finite())
}

/// A text of an array; `None` if it is null or no text.
pub(super) fn text(array: &ArrayRef, row: usize) -> Option<&str> {
    let texts = array.as_string_opt::<i32>()?;
    texts.is_valid(row).then(|| texts.value(row))
}

/// The token of one value. What is null where it must not be counts as the first value.
pub(super) fn token(shape: &Shape, array: &ArrayRef, row: usize) -> u16 {
    let axis = &shape.axis;
    if array.is_null(row) {
        return axis.null();
    }
    match shape.made {
        Made::Written(_) | Made::Place | Made::Serial => axis.of_item(0),
        _ => match (number(array, row), text(array, row)) {
            (Some(number), _) => axis.of_number(number),
            (_, Some(text)) => axis.of_text(text),
            _ => axis.of_item(0),
        },
    }
}

/// A column that must be looked at: its values in one row of every entity.
pub(super) struct Asked<'a> {
    pub(super) declared: Declared<'a>,
    pub(super) column: ColumnId,
    pub(super) start: Start,
    pub(super) values: &'a ArrayRef,
    /// One row of every entity that has some: so an entity changes every count by one at most.
    pub(super) rows: &'a [u32],
    /// Spans that the columns' own look can tell apart.
    pub(super) spans: usize,
}

/// Half of what domains get is for the first looks.
const FIRST: (Purpose, f64) = (Purpose::Domains, 0.5);
const SECOND: (Purpose, f64) = (Purpose::Domains, 0.5);

/// How much one entity changes the counts of values and their sum.
const VALUES: f64 = std::f64::consts::SQRT_2;

/// Looks at those columns that need it (`firsts` of them), and returns the shapes of all in the same order.
pub(super) fn look(budget: &mut Budget, asked: &[Asked<'_>], firsts: usize) -> Vec<Shape> {
    let texts = asked.iter().filter(|one| matches!(one.start, Start::Labels)).count();
    let reals = asked.iter().filter(|one| matches!(one.start, Start::Range(Numbers::Real))).count();
    let thresholds = texts + reals;
    // First: ranges of numbers on the coarse grid, labels of texts.
    let mut ranges: Vec<Option<Vec<(f64, f64)>>> = Vec::with_capacity(firsts);
    let mut shapes: Vec<Option<Shape>> = Vec::with_capacity(firsts);
    for one in asked {
        match &one.start {
            Start::Known(shape) => {
                shapes.push(Some(shape.clone()));
                ranges.push(None);
            }
            Start::Range(numbers) => {
                let grid = numbers.grid();
                let mut look = budget.look(FIRST, firsts, 1.0);
                let mut counts = one.histogram(&grid);
                look.blur(&mut counts);
                let whole = numbers.is_whole();
                let pieces = if whole { one.spans.max(ZOOM) } else { ZOOM };
                ranges.push(refine(&grid, &counts, look.sigma, (pieces, whole)));
                shapes.push(None);
            }
            Start::Labels => {
                let mut look = budget.look(FIRST, firsts, VALUES);
                let threshold = budget.threshold(look.sigma, thresholds);
                let values = one.rows.iter().filter_map(|row| text(one.values, *row as usize));
                let (kept, covered) = common(values.map(str::to_owned), &mut look, threshold);
                let enough = covered >= COVER;
                let rest = (!kept.is_empty()).then_some(Item::Any);
                let items = kept.into_iter().map(Item::Text).chain(rest).collect::<Vec<_>>();
                shapes.push(Some(if items.is_empty() || !enough {
                    one.declared.written(one.column)
                } else {
                    let nullable = one.declared.table.column(one.column).nullable;
                    Shape { column: one.column, made: Made::Labels, axis: Axis::new(nullable, items) }
                }));
                ranges.push(None);
            }
        }
    }
    // Second: closer looks where a range leaves room, exact values, units.
    let closer = |range: &Option<Vec<(f64, f64)>>, numbers: Numbers| {
        let wide = |(low, high): &(f64, f64)| !numbers.is_whole() || high - low > 1.0;
        range.as_ref().is_some_and(|cells| cells.iter().any(wide))
    };
    let wanted = |one: &Asked<'_>, range: &Option<Vec<(f64, f64)>>| match &one.start {
        Start::Range(numbers) if range.is_some() => {
            let exact = usize::from(*numbers == Numbers::Real);
            usize::from(closer(range, *numbers)) + exact + usize::from(!numbers.units().is_empty())
        }
        _ => 0,
    };
    let seconds: usize = asked.iter().zip(&ranges).map(|(one, range)| wanted(one, range)).sum();
    for ((one, range), shape) in asked.iter().zip(&ranges).zip(&mut shapes) {
        let Start::Range(numbers) = one.start else { continue };
        let Some(cells) = range else {
            *shape = Some(one.declared.written(one.column));
            continue;
        };
        let whole = numbers.is_whole();
        let spans = if closer(range, numbers) {
            let mut look = budget.look(SECOND, seconds, 1.0);
            let mut counts = one.histogram(cells);
            look.blur(&mut counts);
            refine(cells, &counts, look.sigma, (one.spans.min(SPANS), whole)).unwrap_or_else(|| cells.clone())
        } else {
            cells.clone()
        };
        let unit = if numbers.units().is_empty() {
            1.0
        } else {
            let mut look = budget.look(SECOND, seconds, 1.0);
            let mut counts = vec![0.0; numbers.units().len() + 1];
            for value in one.numbers() {
                counts[numbers.fineness(value)] += 1.0;
            }
            look.blur(&mut counts);
            finest(numbers, &counts, look.sigma)
        };
        let mut items: Vec<Item> = spans.into_iter().map(|(low, high)| one.span(low, high, whole)).collect();
        if numbers == Numbers::Real {
            let mut look = budget.look(SECOND, seconds, VALUES);
            let threshold = budget.threshold(look.sigma, thresholds);
            let (kept, _) = common(one.numbers().map(bits), &mut look, threshold);
            items.extend(kept.into_iter().map(|bits| Item::Number(f64::from_bits(bits))));
        }
        let nullable = one.declared.table.column(one.column).nullable;
        let made = Made::Numbers(numbers, unit);
        *shape = Some(Shape { column: one.column, made, axis: Axis::new(nullable, items) });
    }
    asked
        .iter()
        .zip(shapes)
        .map(|(one, shape)| shape.unwrap_or_else(|| one.declared.written(one.column)))
        .collect()
}

impl Asked<'_> {
    fn numbers(&self) -> impl Iterator<Item = f64> {
        self.rows.iter().filter_map(|row| number(self.values, *row as usize))
    }

    fn histogram(&self, grid: &[(f64, f64)]) -> Vec<f64> {
        let mut counts = vec![0.0; grid.len()];
        for value in self.numbers() {
            counts[cell(grid, value)] += 1.0;
        }
        counts
    }

    fn span(&self, low: f64, high: f64, whole: bool) -> Item {
        if whole && high - low <= 1.0 { Item::Number(low) } else { Item::Span(low, high) }
    }
}

/// The coarsest unit that nearly all values are whole multiples of; 0 if there is none.
fn finest(numbers: Numbers, noisy: &[f64], sigma: f64) -> f64 {
    let units = numbers.units();
    let total: f64 = noisy.iter().map(|count| count.max(0.0)).sum();
    let least = (FINER * total).max(2.0 * sigma);
    let last = (0..noisy.len()).rev().find(|place| noisy[*place] > least);
    match last {
        Some(place) => units.get(place).copied().unwrap_or(0.0),
        None => units.first().copied().unwrap_or(0.0),
    }
}

/// The values whose noisy counts pass the threshold, frequent ones first, and the share of all that they cover. A value
/// of one entity alone passes by chance only; what does not pass is never seen again.
fn common<T: Ord>(
    values: impl Iterator<Item = T>,
    look: &mut super::budget::Look,
    threshold: f64,
) -> (Vec<T>, f64) {
    let mut counts: BTreeMap<T, f64> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1.0;
    }
    // How many there are in all is a count of its own: the number of different values must not show.
    let mut total = [counts.values().sum::<f64>()];
    look.blur(&mut total);
    let total = total[0].max(1.0);
    let mut noisy: Vec<f64> = counts.values().copied().collect();
    look.blur(&mut noisy);
    let mut kept: Vec<(f64, T)> =
        noisy.into_iter().zip(counts.into_keys()).filter(|(count, _)| *count > threshold).collect();
    kept.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    kept.truncate(LABELS);
    let covered: f64 = kept.iter().map(|(count, _)| count).sum::<f64>() / total;
    (kept.into_iter().map(|(_, value)| value).collect(), covered)
}
