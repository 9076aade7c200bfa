//! Found rules in words, for people.

use crate::schema::{Column, ColumnId, ForeignKeyId, Schema, Storage, Table, TableId};

use super::{
    Aggregate, AggregateFunction, Among, Carried, Carry, Determinant, Inheritance, Inherited, Product,
    Ranked, Rule, Sign, TableRules, Term, across::ancestor_along, value::Value,
};

/// Most values of a rule that are written out.
const MAX_VALUES: usize = 6;

impl TableRules {
    /// One line per found rule of a table: what holds, and how much showed it. `of` gives the rules of
    /// other tables.
    #[must_use]
    pub fn describe(
        &self,
        schema: &Schema,
        id: TableId,
        of: &dyn Fn(TableId) -> Option<Self>,
    ) -> Vec<String> {
        let table = &self.with_borrowed(schema, id);
        let numbered = self.positions.iter().map(|position| {
            format!("{} numbers the rows of a family from {}", name(table, position.column), position.start)
        });
        let inherited = self.inherited.iter().map(|rule| owed(schema, id, rule));
        let totals = self.aggregates.iter().map(|total| summed(schema, table, total, of));
        let inside = self.discovered.iter().map(|rule| inside(table, rule));
        let clock = self
            .clocks
            .iter()
            .map(|clock| format!("{} counts on with {}", name(table, clock.key), name(table, clock.with)));
        let begins = self.numberings.iter().map(|numbering| {
            let step = match numbering.step {
                step if step > 1.0 => format!(", in steps of about {step}"),
                _ => String::new(),
            };
            format!("{} counts from about {}{step}", name(table, numbering.key), numbering.first)
        });
        let differing = self.differing.iter().map(|key| {
            let columns = key.name.replace(", ", " or ");
            let rows = if key.columns.len() == 1 { "all rows" } else { "siblings" };
            format!("{rows} differ in {columns}")
        });
        let calendar = self.calendar.map(|run| {
            let begin = run.begin().unwrap_or_default();
            format!("{} runs on row by row, from {begin}", name(table, run.column))
        });
        let panel = self.panel.map(|link| {
            let columns = &schema.table(id).foreign_keys[link.0].columns;
            let columns: Vec<&str> = columns.iter().map(|column| name(table, *column)).collect();
            format!("siblings with one {} follow each other in time", columns.join(", "))
        });
        let carried = self.carried.iter().map(|rule| handed_on(table, rule));
        let placed = self.ranked.iter().map(|rule| place(schema, id, rule));
        numbered
            .chain(placed)
            .chain(calendar)
            .chain(panel)
            .chain(carried)
            .chain(differing)
            .chain(clock)
            .chain(begins)
            .chain(inherited)
            .chain(totals)
            .chain(inside)
            .collect()
    }

    /// A table with what it borrows as columns of its own.
    fn with_borrowed(&self, schema: &Schema, id: TableId) -> Table {
        let mut table = schema.table(id).clone();
        for borrowed in &self.borrowed {
            let ancestor = schema.table(ancestor_along(schema, id, &borrowed.path));
            let mut column = ancestor.column(borrowed.from).clone();
            column.name = format!("{}.{}", ancestor.name, column.name);
            // Rules know a borrowed column by its place; places between stay without a use.
            table.columns.resize(borrowed.known_as.0.max(table.columns.len()), column.clone());
            table.columns.insert(borrowed.known_as.0, column);
        }
        table
    }
}

fn name(table: &Table, column: ColumnId) -> &str {
    &table.column(column).name
}

fn place(schema: &Schema, id: TableId, rule: &Ranked) -> String {
    let table = schema.table(id);
    let among: Vec<&str> = match rule.among {
        Among::Link(fk) => {
            table.foreign_keys[fk.0].columns.iter().map(|column| name(table, *column)).collect()
        }
        Among::Column(column) => vec![name(table, column)],
    };
    let order = rule.by.map_or_else(String::new, |by| {
        let first = if by.descending { "greatest" } else { "least" };
        format!(", {first} {} first", name(table, by.column))
    });
    format!(
        "{} is the place among rows with one {}{order}, from {} ({} groups)",
        name(table, rule.to),
        among.join(", "),
        rule.start,
        rule.groups
    )
}

fn number(value: &Value) -> String {
    value.text().unwrap_or_default()
}

fn inside(table: &Table, rule: &Rule) -> String {
    let name = |column: &ColumnId| name(table, *column).to_owned();
    let names =
        |columns: &[ColumnId], between: &str| columns.iter().map(name).collect::<Vec<_>>().join(between);
    match rule {
        Rule::Ordering { low, high, rows } => format!("{} ≤ {} ({rows} rows)", name(low), name(high)),
        Rule::Copy { from, to, rows } => format!("{} = {} ({rows} rows)", name(to), name(from)),
        Rule::Linear { from, to, factor, offset, rows, .. } => {
            let factor = match factor.number() {
                Some(1.0) => String::new(),
                _ => format!("{} · ", number(factor)),
            };
            let offset = match (offset, offset.number()) {
                (_, Some(0.0)) => String::new(),
                (Value::Integer(by), _) => format!(" + a fixed {by}"),
                _ => format!(" + {}", number(offset)),
            };
            format!("{} = {factor}{}{offset} ({rows} rows)", name(to), name(from))
        }
        Rule::Determines { from, to, pairs, rows, .. } => {
            format!("{} decides {} ({} values, {rows} rows)", name(from), name(to), pairs.len())
        }
        Rule::Product { of, to, rows, .. } => format!("{} = {} ({rows} rows)", name(to), product(table, of)),
        Rule::Sum { added, subtracted, nulls_are_zero, to, rows, .. } => {
            let minus: String = subtracted.iter().map(|column| format!(" − {}", name(column))).collect();
            let nulls = if *nulls_are_zero { ", null as 0" } else { "" };
            format!("{} = {}{minus} ({rows} rows{nulls})", name(to), names(added, " + "))
        }
        Rule::Ratio { from, to, factors, rows, .. } => {
            format!("{} = c · {}, c one of {} ({rows} rows)", name(to), name(from), list(factors))
        }
        Rule::DatePart { from, to, part, rows } => {
            format!("{} = {} of {} ({rows} rows)", name(to), part.name(), name(from))
        }
        Rule::NullWhen { from, to, any_value: true, rows, .. } => {
            format!("{} is null exactly where {} is ({rows} rows)", name(to), name(from))
        }
        Rule::NullWhen { from, to, values, rows, .. } => {
            format!("{} is null exactly where {} is {} ({rows} rows)", name(to), name(from), list(values))
        }
    }
}

fn handed_on(table: &Table, rule: &Carried) -> String {
    let name = |column: ColumnId| name(table, column);
    let (to, pairs) = (name(rule.to), rule.pairs);
    match &rule.how {
        Carry::FromNext { from, offset } => {
            let offset = match offset {
                0 => String::new(),
                offset => format!(" + a fixed {offset}"),
            };
            format!("{to} = {}{offset} of the next sibling ({pairs} pairs)", name(*from))
        }
        Carry::FromPrevious { from } => {
            format!("{to} = {} of the previous sibling ({pairs} pairs)", name(*from))
        }
        Carry::Running { terms, lagged, start, slips, .. } => {
            let term = |term: &Term| match &term.sign {
                Sign::Plus => format!(" + {}", name(term.of)),
                Sign::Minus => format!(" − {}", name(term.of)),
                Sign::MinusWhen { column, values } => {
                    format!(" ± {} (− where {} is {})", name(term.of), name(*column), list(values))
                }
            };
            let added: String = terms.iter().map(term).collect();
            let whose = if *lagged { ", all of the previous sibling" } else { "" };
            let start = start.as_ref().map_or_else(String::new, |start| format!(", from {}", number(start)));
            let slips = match slips.len() {
                0 => String::new(),
                _ => format!(
                    ", or with {} besides",
                    list(&slips.iter().map(|(slip, _)| slip.clone()).collect::<Vec<_>>())
                ),
            };
            format!("{to} = {to} of the previous sibling{added}{whose}{slips}{start} ({pairs} pairs)")
        }
    }
}

fn list(values: &[Value]) -> String {
    let texts: Vec<String> = values
        .iter()
        .take(MAX_VALUES)
        .map(|value| value.text().unwrap_or_else(|| "null".to_owned()))
        .collect();
    let more = values.len().saturating_sub(MAX_VALUES);
    let more = if more > 0 { format!(" or {more} more") } else { String::new() };
    format!("{}{more}", texts.join(", "))
}

fn product(table: &Table, of: &Product) -> String {
    let factors: Vec<&str> = of.factors.iter().map(|column| name(table, *column)).collect();
    let share = of.share.as_ref().map(|(column, by)| {
        let share = name(table, *column);
        match by.number() {
            Some(-1.0) => format!(" · (1 − {share})"),
            Some(1.0) => format!(" · (1 + {share})"),
            Some(by) if by < 0.0 => format!(" · (1 − {share} %)"),
            _ => format!(" · (1 + {share} %)"),
        }
    });
    format!("{}{}", factors.join(" · "), share.unwrap_or_default())
}

fn owed(schema: &Schema, id: TableId, rule: &Inherited) -> String {
    let table = schema.table(id);
    let ancestor = schema.table(rule.ancestor(schema, id));
    let via = along(schema, id, &rule.path);
    if !rule.beside.is_empty() {
        let above = |path: &[ForeignKeyId]| {
            let ancestor = &schema.table(ancestor_along(schema, id, path)).name;
            format!("one {ancestor} along {}", along(schema, id, path))
        };
        let beside = rule.beside.iter().map(|determinant| match determinant {
            Determinant::Ancestor(path) => above(path),
            Determinant::Column(column) => format!("one {}", name(table, *column)),
        });
        let all: Vec<String> = std::iter::once(above(&rule.path)).chain(beside).collect();
        let (to, all) = (name(table, rule.to), all.join(" and "));
        return format!("{to} is one for all rows with {all} ({} combinations)", rule.ancestors);
    }
    let there = |column: ColumnId| format!("{}.{}", ancestor.name, name(ancestor, column));
    let what = match rule.how {
        Inheritance::Copy(from) if is_day_of(table.column(rule.to), ancestor.column(from)) => {
            format!("= day of {}", there(from))
        }
        Inheritance::Copy(from) => format!("= {}", there(from)),
        Inheritance::Shared => format!("is one for all rows of a {} row", ancestor.name),
        Inheritance::NotBefore(from) => format!("≥ {}", there(from)),
        Inheritance::NotAfter(from) => format!("≤ {}", there(from)),
    };
    format!("{} {what} along {via} ({} rows of {})", name(table, rule.to), rule.ancestors, ancestor.name)
}

/// True if a column of days repeats one of points in time.
fn is_day_of(to: &Column, from: &Column) -> bool {
    (to.data_type.storage(), from.data_type.storage()) == (Storage::Date, Storage::Timestamp)
}

/// A path of foreign keys by their columns.
fn along(schema: &Schema, id: TableId, path: &[ForeignKeyId]) -> String {
    let mut at = schema.table(id);
    let mut steps = Vec::new();
    for fk in path {
        let key = &at.foreign_keys[fk.0];
        steps.push(key.columns.iter().map(|column| name(at, *column)).collect::<Vec<_>>().join(", "));
        at = schema.table(key.parent);
    }
    steps.join(" → ")
}

fn summed(
    schema: &Schema,
    table: &Table,
    total: &Aggregate,
    of: &dyn Fn(TableId) -> Option<TableRules>,
) -> String {
    let child = of(total.child).map(|rules| rules.with_borrowed(schema, total.child));
    let child = child.as_ref().unwrap_or_else(|| schema.table(total.child));
    let there = |column: &ColumnId| format!("{}.{}", child.name, name(child, *column));
    let by = |by: &Option<ColumnId>| by.map_or_else(String::new, |by| format!(" by {}", name(child, by)));
    let what = match &total.function {
        AggregateFunction::Count => format!("number of {} rows", child.name),
        AggregateFunction::Sum { of, .. } => format!("Σ {}.({})", child.name, product(child, of)),
        AggregateFunction::Mean(of) => format!("mean of {}", there(of)),
        AggregateFunction::Max(of) => format!("greatest {}", there(of)),
        AggregateFunction::Min(of) => format!("least {}", there(of)),
        AggregateFunction::First { of, by: order } => format!("{} of the first row{}", there(of), by(order)),
        AggregateFunction::Last { of, by: order } => format!("{} of the last row{}", there(of), by(order)),
    };
    let offset = match total.offset.number() {
        Some(offset) if offset != 0.0 => format!(" + {offset}"),
        _ => String::new(),
    };
    let key = &child.foreign_keys[total.foreign_key.0];
    let via = key.columns.iter().map(|column| name(child, *column)).collect::<Vec<_>>().join(", ");
    format!("{} = {what}{offset} along {}.{via} ({} rows)", name(table, total.to), child.name, total.parents)
}
