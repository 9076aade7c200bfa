//! Finds columns that sum up the rows of a child table.

use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType as ArrowType;

use crate::{
    data::TableData,
    privacy::Guard,
    schema::{ColumnId, ForeignKeyId, TableId},
};

use super::{
    super::{
        evidence::{LEAST_PARENTS, SEARCHED_EXPECTED, Shuffle, decimals, numbers, same},
        relation::{Product, rounded},
        value::Value,
    },
    Aggregate, AggregateFunction, Childless,
    aggregate::Computation,
    kin::Kin,
};

/// Rows with two children or more that a total needs: with one child each, a sum, a mean and a maximum are all one.
const LEAST_SIBLINGS: usize = 15;

/// Parent rows that a function is tried on first.
const PROBES: usize = 12;

/// Most numbers of a child among which products are looked for.
const COLUMNS_OF_PRODUCTS: usize = 14;

/// What a column of shares is multiplied by: a part taken off, as a fraction or in per cent.
const SHARES: [f64; 2] = [-1.0, -0.01];

/// A child table with whatever of it was observed.
pub(super) struct Offspring<'a> {
    pub(super) child: TableId,
    pub(super) foreign_key: ForeignKeyId,
    pub(super) rows: &'a TableData,
    /// Columns of the child that may be summed up.
    pub(super) columns: Vec<ColumnId>,
    /// Columns of its ancestors that may be factors of a product.
    pub(super) borrowed: Vec<ColumnId>,
    pub(super) kin: Kin,
    /// Parent rows whose children were all observed.
    pub(super) complete: Vec<bool>,
    /// True if the rows of the child stand in the order of its families.
    pub(super) in_order: bool,
}

/// The children of a few parent rows: most functions are refused by them.
struct Probe {
    parents: Vec<usize>,
    rows: TableData,
    /// Per parent, its rows in `rows`.
    children: Vec<Vec<u32>>,
}

impl Probe {
    fn new(offspring: &Offspring<'_>, filled: &[usize]) -> Self {
        let size = |parent: &usize| offspring.kin.of(*parent).len();
        let several: Vec<usize> = filled.iter().copied().filter(|parent| size(parent) > 1).collect();
        let parents: Vec<usize> =
            several.iter().copied().step_by((several.len() / PROBES).max(1)).take(PROBES).collect();
        let mut rows = Vec::new();
        let children = parents
            .iter()
            .map(|parent| {
                let first = rows.len() as u32;
                rows.extend_from_slice(offspring.kin.of(*parent));
                (first..rows.len() as u32).collect()
            })
            .collect();
        let used = |id| offspring.columns.contains(&id) || offspring.borrowed.contains(&id);
        Self { parents, rows: offspring.rows.select(used).take(&rows), children }
    }
}

/// A column of the parent that might be a total.
struct Target<'a> {
    id: ColumnId,
    array: &'a ArrayRef,
    numbers: Option<Vec<f64>>,
    decimals: Option<i32>,
    /// Complete parent rows with children, and without.
    filled: &'a [usize],
    childless: &'a [usize],
    guard: Guard<'a>,
}

/// Finds the columns of `targets` that are totals over one child table.
pub(super) fn find_totals(
    parents: &TableData,
    targets: &[ColumnId],
    offspring: &Offspring<'_>,
    guard: Guard<'_>,
) -> Vec<Aggregate> {
    let complete = (0..offspring.kin.len()).filter(|row| offspring.complete[*row]);
    let (filled, childless): (Vec<usize>, Vec<usize>) =
        complete.partition(|row| !offspring.kin.of(*row).is_empty());
    let siblings = filled.iter().filter(|row| offspring.kin.of(**row).len() > 1).count();
    if filled.len() < LEAST_PARENTS || siblings < LEAST_SIBLINGS {
        return Vec::new();
    }
    let candidates = functions(offspring);
    let targets: Vec<Target<'_>> = targets
        .iter()
        .filter_map(|id| {
            let array = parents.column(*id)?;
            let numbers = numbers(array);
            let decimals =
                numbers.as_ref().and_then(|all| decimals(all.iter().copied().filter(|v| !v.is_nan())));
            let (filled, childless) = (filled.as_slice(), childless.as_slice());
            Some(Target { id: *id, array, numbers, decimals, filled, childless, guard })
        })
        .collect();
    let probe = Probe::new(offspring, &filled);
    let mut found: Vec<Aggregate> = Vec::new();
    for function in candidates {
        let open: Vec<&Target<'_>> = targets
            .iter()
            .filter(|target| found.iter().all(|other| other.to != target.id))
            .filter(|target| target.takes(&function, offspring))
            .collect();
        let likely = Computation::new(&function, &probe.rows)
            .is_some_and(|small| open.iter().any(|target| target.fits(&function, &small, &probe)));
        if !likely {
            continue;
        }
        let Some(computation) = Computation::new(&function, offspring.rows) else { continue };
        found.extend(open.iter().filter_map(|target| target.total(&function, &computation, offspring)));
    }
    found
}

/// What may be computed of the children, the plainest first.
fn functions(offspring: &Offspring<'_>) -> Vec<AggregateFunction> {
    let kind = |id: &ColumnId| offspring.rows.column(*id).map(|array| array.data_type().clone());
    let of_kind = |wanted: &dyn Fn(&ArrowType) -> bool| -> Vec<ColumnId> {
        offspring.columns.iter().copied().filter(|id| kind(id).is_some_and(|kind| wanted(&kind))).collect()
    };
    let numbers = of_kind(&|kind| matches!(kind, ArrowType::Int64 | ArrowType::Float64));
    let times = of_kind(&is_time);
    let lines: Vec<ColumnId> = numbers.iter().chain(&times).copied().collect();
    let sum = |factors: Vec<ColumnId>, share: Option<(ColumnId, f64)>, part_decimals| {
        let share = share.map(|(column, by)| (column, Value::Float(by)));
        AggregateFunction::Sum { of: Product { factors, share }, part_decimals }
    };
    let mut all = vec![AggregateFunction::Count];
    all.extend(numbers.iter().map(|id| sum(vec![*id], None, None)));
    all.extend(lines.iter().flat_map(|id| [AggregateFunction::Max(*id), AggregateFunction::Min(*id)]));
    let orders = || {
        let by_itself = offspring.in_order.then_some(None);
        times.iter().take(2).map(|time| Some(*time)).chain(by_itself)
    };
    for of in &offspring.columns {
        for by in orders().filter(|by| *by != Some(*of)) {
            all.push(AggregateFunction::First { of: *of, by });
            all.push(AggregateFunction::Last { of: *of, by });
        }
    }
    all.extend(numbers.iter().map(|id| AggregateFunction::Mean(*id)));
    let few = &numbers[..numbers.len().min(COLUMNS_OF_PRODUCTS)];
    let factors: Vec<ColumnId> = few.iter().chain(&offspring.borrowed).copied().collect();
    let pairs: Vec<[ColumnId; 2]> = few
        .iter()
        .enumerate()
        .flat_map(|(index, a)| factors[index + 1..].iter().map(move |b| [*a, *b]))
        .collect();
    // A part of one: all its values are at most that.
    let largest = |id: &ColumnId| -> f64 {
        let values = offspring.rows.column(*id).and_then(super::super::evidence::numbers).unwrap_or_default();
        values.into_iter().fold(0.0, |most: f64, value| most.max(value.abs()))
    };
    let shares: Vec<(ColumnId, f64)> = few
        .iter()
        .map(|id| (*id, largest(id)))
        .flat_map(|(id, most)| SHARES.map(|by| (id, by, most)))
        .filter(|(_, by, most)| most * by.abs() <= 1.0)
        .map(|(id, by, _)| (id, by))
        .collect();
    // Whether each part was rounded shows in the total only where there are parts to round.
    for part_decimals in [None, Some(2)] {
        all.extend(pairs.iter().map(|pair| sum(pair.to_vec(), None, part_decimals)));
        for (share, by) in &shares {
            let singles = few.iter().map(|a| vec![*a]);
            for factors in singles.chain(pairs.iter().map(|pair| pair.to_vec())) {
                if !factors.contains(share) {
                    all.push(sum(factors, Some((*share, *by)), part_decimals));
                }
            }
        }
    }
    all
}

fn is_time(kind: &ArrowType) -> bool {
    matches!(kind, ArrowType::Date32 | ArrowType::Timestamp(..))
}

impl Target<'_> {
    /// True if a function's values are of this column's kind.
    fn takes(&self, function: &AggregateFunction, offspring: &Offspring<'_>) -> bool {
        match function {
            AggregateFunction::Count | AggregateFunction::Sum { .. } | AggregateFunction::Mean(_) => {
                self.numbers.is_some()
            }
            AggregateFunction::Max(of)
            | AggregateFunction::Min(of)
            | AggregateFunction::First { of, .. }
            | AggregateFunction::Last { of, .. } => {
                offspring.rows.column(*of).is_some_and(|array| array.data_type() == self.array.data_type())
            }
        }
    }

    /// True if a function gives this column on the probed rows.
    fn fits(&self, function: &AggregateFunction, computation: &Computation, probe: &Probe) -> bool {
        let values = probe.parents.iter().zip(&probe.children).map(|(row, own)| (*row, computation.of(own)));
        let nowhere = (TableId(0), ForeignKeyId(0));
        let Some(aggregate) = self.with_offset(function, nowhere, values.clone()) else {
            // Nothing known to compare: the whole table decides.
            return true;
        };
        values.clone().all(|(row, value)| self.agrees(&aggregate.finish(value), row))
    }

    fn agrees(&self, value: &Value, row: usize) -> bool {
        match (&self.numbers, value.number()) {
            (Some(numbers), Some(value)) => same(value, numbers[row]),
            _ => *value == Value::read(self.array, row),
        }
    }

    /// The function with the offset that the first row with both values shows; `None` if there is none.
    fn with_offset(
        &self,
        function: &AggregateFunction,
        (child, foreign_key): (TableId, ForeignKeyId),
        mut values: impl Iterator<Item = (usize, Value)>,
    ) -> Option<Aggregate> {
        let (first, value) = values.find(|(row, value)| !self.array.is_null(*row) && !value.is_null())?;
        let shifts = matches!(function, AggregateFunction::Count | AggregateFunction::Sum { .. });
        let offset = match &self.numbers {
            Some(numbers) if shifts => rounded(numbers[first] - value.number()?, self.decimals.unwrap_or(9)),
            _ => 0.0,
        };
        Some(Aggregate {
            to: self.id,
            child,
            foreign_key,
            function: function.clone(),
            offset: Value::Float(offset),
            decimals: self.decimals,
            childless: Childless::Sampled,
            parents: 0,
        })
    }

    fn total(
        &self,
        function: &AggregateFunction,
        computation: &Computation,
        offspring: &Offspring<'_>,
    ) -> Option<Aggregate> {
        let of = |row: usize| computation.of(offspring.kin.of(row));
        let shifts = matches!(function, AggregateFunction::Count | AggregateFunction::Sum { .. });
        let values = self.filled.iter().map(|row| (*row, of(*row)));
        let mut aggregate =
            self.with_offset(function, (offspring.child, offspring.foreign_key), values.clone())?;
        let computed: Vec<Value> = values
            .map(|(row, value)| {
                let value = aggregate.finish(value);
                self.agrees(&value, row).then_some(value)
            })
            .collect::<Option<_>>()?;
        let shuffle = Shuffle::new(computed.len());
        let exceptions = self
            .filled
            .iter()
            .enumerate()
            .filter(|(place, row)| !self.agrees(&computed[shuffle.of(*place)], **row))
            .count() as f64;
        if exceptions < SEARCHED_EXPECTED {
            return None;
        }
        aggregate.parents = computed.len();
        aggregate.childless = self.without_children(shifts, &aggregate.offset);
        Some(aggregate)
    }

    /// What rows without children have, if it is one value.
    fn without_children(&self, shifts: bool, offset: &Value) -> Childless {
        let mut values = self.childless.iter().map(|row| Value::read(self.array, *row));
        let Some(first) = values.next() else {
            return if shifts { Childless::Computed } else { Childless::Sampled };
        };
        let number = |value: &Value| value.number();
        if !values.all(|value| value == first) {
            return Childless::Sampled;
        }
        if shifts && number(&first).zip(number(offset)).is_some_and(|(a, b)| same(a, b)) {
            return Childless::Computed;
        }
        let enough = first.is_null() || self.guard.enough(self.childless.iter().copied());
        if enough { Childless::Always(first) } else { Childless::Sampled }
    }
}
