//! Columns that several determinants decide together: what every combination of them has is drawn before the rows,
//! so that rows of one combination agree wherever they are made, and the rest of each row is drawn to suit.
//!
//! Some rows of each combination are drawn first; one of them decides. Which one is chosen so that all rows together
//! have the values they would have had without the rule: a combination of many rows takes a value that many rows drew.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::ArrayRef;
use indexmap::IndexMap;
use rand::RngExt;

use crate::{
    codec::{ColumnCodec, Kin, decode_table_within},
    data::{NO_ROW, TableData},
    generator::{Restriction, TokenLimit},
    model::{TableFacts, TableModel, take_linked},
    rules::{Determinant, Heirloom, Inherited, Value, enforce},
    sample::{SampleError, Sampler, blocks::Place, draft::Draft},
    schema::{ColumnId, TableId},
};

/// Rows that are drawn beforehand, over all combinations, and most of one of them.
const DRAWN_ROWS: usize = 1 << 15;
const MOST_OF_ONE: usize = 64;

/// One determinant of a row: an ancestor row, or a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Part {
    Ancestor(u32),
    Value(String),
}

/// All determinants of a row.
type Combination = Vec<Part>;

/// What the combinations of a table have.
pub(super) struct Decided {
    to: ColumnId,
    /// The place of each combination among the values.
    places: IndexMap<Combination, u32>,
    values: ArrayRef,
}

/// Tokens of one sub-column that rows have already.
#[derive(Debug, Clone)]
pub(super) struct KnownTokens {
    /// The sub-column, counted from the first attribute.
    pub(super) column: usize,
    /// The first sub-column of the same column.
    pub(super) first: usize,
    /// Per row.
    pub(super) tokens: Vec<Option<u16>>,
}

/// The rules of a table by which more than one determinant decides.
fn joint(model: &TableModel) -> impl Iterator<Item = &Inherited> {
    model.facts.rules.inherited.iter().filter(|rule| !rule.beside.is_empty())
}

/// True if a rule reads a column of the row, which is known only once the row is drawn.
pub(super) fn reads_row(rule: &Inherited) -> bool {
    rule.beside.iter().any(|one| matches!(one, Determinant::Column(_)))
}

/// Where the tokens of a column stand among those of the attributes; empty where it has none.
pub(super) fn sub_columns(facts: &TableFacts, column: ColumnId) -> std::ops::Range<usize> {
    let widths = facts.codecs.iter().map(|(id, codec)| (*id, codec.sub_columns().len()));
    let start = widths.clone().take_while(|(id, _)| *id != column).map(|(_, width)| width).sum();
    start..start + widths.clone().find(|(id, _)| *id == column).map_or(0, |(_, width)| width)
}

impl Sampler<'_> {
    /// Draws what the combinations of a table's determinants have, before its rows.
    pub(super) fn decide(
        &mut self,
        id: TableId,
        model: &TableModel,
        draft: &mut Draft,
    ) -> Result<(), SampleError> {
        let rules: Vec<&Inherited> = joint(model).collect();
        if rules.is_empty() || draft.row_count() == 0 {
            return Ok(());
        }
        let whole = rules.iter().any(|rule| reads_row(rule));
        let mut drawn = draft.clone();
        let mut origin: Vec<usize> = (0..draft.row_count()).collect();
        let nothing = TableData::bare(draft.row_count());
        if !whole {
            let wanted: Vec<_> =
                rules.iter().map(|rule| self.combinations(id, rule, draft, &nothing)).collect();
            let keep = first_rows(&wanted, draft.row_count());
            drawn.retain(&keep);
            origin.retain(|row| keep[*row]);
        }
        let name = format!("sample/{}/joint", self.model.schema.table(id).name);
        self.draw_rows(id, model, &mut drawn, &name)?;
        let values = self.decoded(id, model, &drawn);
        let first = model.facts.given_columns();
        let mut decided = Vec::new();
        for rule in &rules {
            let Some(own) = values.column(rule.to) else { continue };
            let all = self.combinations(id, rule, draft, if whole { &values } else { &nothing });
            let range = sub_columns(&model.facts, rule.to);
            let tokens = &drawn.tokens.tokens[first + range.start..first + range.end];
            let (places, chosen) = choose(&all, &origin, tokens);
            if chosen.is_empty() {
                continue;
            }
            for (column, tokens) in range.clone().zip(tokens) {
                let of = |combination: &Option<Combination>| {
                    let place = *places.get(combination.as_ref()?)?;
                    tokens.get(chosen[place as usize] as usize).copied()
                };
                let tokens = all.iter().map(of).collect();
                draft.known.push(KnownTokens { column, first: range.start, tokens });
            }
            let values = take_linked(own.as_ref(), &chosen);
            decided.push(Decided { to: rule.to, places, values });
        }
        // What decides is drawn already.
        let read: BTreeSet<ColumnId> = rules.iter().flat_map(|rule| columns_read(rule)).collect();
        for column in read {
            let range = sub_columns(&model.facts, column);
            for (column, tokens) in range.clone().zip(&drawn.tokens.tokens[first + range.start..]) {
                let tokens = tokens.iter().copied().map(Some).collect();
                draft.known.push(KnownTokens { column, first: range.start, tokens });
            }
        }
        self.decided[id.0] = decided;
        Ok(())
    }

    /// The values of drawn rows, as far as they are decoded or written.
    fn decoded(&self, id: TableId, model: &TableModel, drawn: &Draft) -> TableData {
        let facts = &model.facts;
        let table = self.model.schema.table(id);
        let first = facts.given_columns();
        let last = drawn.tokens.tokens.len() - facts.counts.len() - facts.block_columns();
        let tokens = drawn.tokens.sub_columns(first..last.max(first));
        let limits = self.limits(id, model);
        let parent = self.model.plan.table(id).context.map(|context| table.foreign_keys[context.0].parent);
        let parents = parent.and_then(|parent| self.keys[parent.0].as_ref());
        let series = drawn.series(facts);
        let kin = Kin { families: &drawn.families, parent: parents, series: series.as_ref() };
        let stream = format!("decode/{}/joint", table.name);
        let known = TableData::bare(tokens.row_count);
        let decoded = decode_table_within(
            &facts.codecs,
            &tokens,
            Some(kin),
            (&known, &limits),
            self.options.seed,
            &stream,
        );
        self.write_text(id, model, decoded, (Place::default(), 0))
    }

    /// The combination of each row, `None` where a determinant is missing.
    fn combinations(
        &self,
        id: TableId,
        rule: &Inherited,
        draft: &Draft,
        values: &TableData,
    ) -> Vec<Option<Combination>> {
        let nowhere = || vec![None; draft.row_count()];
        let Some((_, first)) = self.climb(id, &rule.path, draft) else { return nowhere() };
        let ancestors = |rows: Vec<u32>| -> Vec<Option<Part>> {
            rows.into_iter().map(|row| (row != NO_ROW).then_some(Part::Ancestor(row))).collect()
        };
        let mut parts = vec![ancestors(first)];
        for determinant in &rule.beside {
            parts.push(match determinant {
                Determinant::Ancestor(path) => match self.climb(id, path, draft) {
                    Some((_, rows)) => ancestors(rows),
                    None => return nowhere(),
                },
                Determinant::Column(column) => match values.column(*column) {
                    Some(array) => (0..draft.row_count())
                        .map(|row| Value::read(array, row).text().map(Part::Value))
                        .collect(),
                    None => return nowhere(),
                },
            });
        }
        (0..draft.row_count()).map(|row| parts.iter().map(|part| part[row].clone()).collect()).collect()
    }

    /// What the combinations of a draft's rows have. One that was not there when they were drawn has what the seed
    /// says, so that it is the same everywhere.
    pub(super) fn jointly_decided(
        &self,
        id: TableId,
        rule: &Inherited,
        draft: &Draft,
        values: &TableData,
    ) -> Option<Heirloom> {
        let decided = self.decided[id.0].iter().find(|decided| decided.to == rule.to)?;
        let table = &self.model.schema.table(id).name;
        let count = decided.values.len() as u32;
        let strange = |combination: &Combination| {
            let name = format!("joint/{table}/{}/{combination:?}", rule.to.0);
            self.options.seed.stream(&name, 0).random_range(0..count)
        };
        let place = |combination: Option<Combination>| match combination {
            Some(combination) => {
                decided.places.get(&combination).copied().unwrap_or_else(|| strange(&combination))
            }
            None => NO_ROW,
        };
        let places = self.combinations(id, rule, draft, values).into_iter().map(place).collect();
        Some(Heirloom::Chosen { values: decided.values.clone(), places })
    }

    /// Brings columns that determinants decide back in line, where a repair changed a link or a value, with what the
    /// row computes of them.
    pub(super) fn follow_joint(&self, id: TableId, model: &TableModel, draft: &mut Draft) {
        if self.decided[id.0].is_empty() {
            return;
        }
        self.restore(id, model, draft, &joint(model).map(|rule| rule.to).collect::<Vec<_>>());
    }

    /// Gives columns that ancestors decide their values again, where these no longer are those of the row's ancestors.
    pub(super) fn restore(&self, id: TableId, model: &TableModel, draft: &mut Draft, columns: &[ColumnId]) {
        let given = self.given(id, model, draft, &draft.data);
        let stale: Vec<u32> = given.differing(&draft.data, columns.iter().copied());
        if stale.is_empty() {
            return;
        }
        let table = self.model.schema.table(id);
        let own = draft.data.take(&stale);
        let mut mended = enforce(&model.facts.rules.discovered, table, own.clone(), &given.take(&stale)).0;
        mended = mended.select(|column| own.columns.contains(&column));
        let before = model.facts.rules.violations(&own);
        let after = model.facts.rules.violations(&mended);
        // A CHECK comes before what was found.
        let good = (0..stale.len()).filter(|place| before[*place] || !after[*place]);
        draft.data = draft.data.patched(&mended, good.map(|place| (stale[place] as usize, place)));
    }
}

/// The columns of the row that a rule reads.
fn columns_read(rule: &Inherited) -> impl Iterator<Item = ColumnId> + '_ {
    rule.beside.iter().filter_map(|one| match one {
        Determinant::Column(column) => Some(*column),
        Determinant::Ancestor(_) => None,
    })
}

/// Which rows are drawn beforehand: the first ones of every combination.
fn first_rows(wanted: &[Vec<Option<Combination>>], row_count: usize) -> Vec<bool> {
    let mut keep = vec![false; row_count];
    for all in wanted {
        let distinct = all.iter().flatten().collect::<BTreeSet<_>>().len();
        let most = (DRAWN_ROWS / distinct.max(1)).clamp(1, MOST_OF_ONE);
        let mut seen: IndexMap<&Combination, usize> = IndexMap::new();
        for (keep, combination) in keep.iter_mut().zip(all) {
            let Some(combination) = combination else { continue };
            let count = seen.entry(combination).or_default();
            *count += 1;
            *keep |= *count <= most;
        }
    }
    keep
}

/// Chooses a row for every combination among the drawn ones, which stand at `origin` in the table: the place of each
/// combination, and its drawn row. `tokens` are what the drawn rows have, per sub-column.
fn choose(
    all: &[Option<Combination>],
    origin: &[usize],
    tokens: &[Vec<u16>],
) -> (IndexMap<Combination, u32>, Vec<u32>) {
    let mut sizes: IndexMap<&Combination, usize> = IndexMap::new();
    for combination in all.iter().flatten() {
        *sizes.entry(combination).or_default() += 1;
    }
    let mut drawn: IndexMap<&Combination, Vec<u32>> = IndexMap::new();
    for (row, at) in origin.iter().enumerate() {
        if let Some(combination) = &all[*at] {
            drawn.entry(combination).or_default().push(row as u32);
        }
    }
    // Values are told apart as finely as leaves no more of them than combinations.
    let kind = |row: u32, width: usize| -> Vec<u16> {
        tokens[..width].iter().map(|column| column[row as usize]).collect()
    };
    let rows = || drawn.values().flatten().copied();
    let few =
        |width: &usize| rows().map(|row| kind(row, *width)).collect::<BTreeSet<_>>().len() <= drawn.len();
    let width = (1..=tokens.len()).rev().find(few).unwrap_or(tokens.len().min(1));
    let mut left: BTreeMap<Vec<u16>, f64> = BTreeMap::new();
    for (combination, rows) in &drawn {
        let share = sizes[combination] as f64 / rows.len() as f64;
        rows.iter().for_each(|row| *left.entry(kind(*row, width)).or_default() += share);
    }
    let mut order: Vec<usize> = (0..drawn.len()).collect();
    order.sort_by_key(|place| std::cmp::Reverse(sizes[drawn.get_index(*place).map_or(&vec![], |(c, _)| c)]));
    let mut chosen = vec![0; drawn.len()];
    for place in order {
        let Some((combination, rows)) = drawn.get_index(place) else { continue };
        let size = sizes[combination] as f64;
        let room = |row: u32| left.get(&kind(row, width)).map_or(0.0, |left| left.min(size));
        // Of equal room the first one drawn.
        let best = rows.iter().copied().reduce(|best, row| if room(row) > room(best) { row } else { best });
        let Some(best) = best else { continue };
        chosen[place] = best;
        *left.entry(kind(best, width)).or_default() -= size;
    }
    let places = drawn.keys().enumerate().map(|(place, one)| ((*one).clone(), place as u32)).collect();
    (places, chosen)
}

/// Adds the tokens that rows have already to what restricts them.
pub(super) fn with_known<'a>(
    restriction: Option<Restriction<'a>>,
    known: Vec<KnownTokens>,
    facts: &TableFacts,
) -> Option<Restriction<'a>> {
    if known.is_empty() {
        return restriction;
    }
    let own = facts.codecs.iter().flat_map(|(_, codec)| codec.sub_columns());
    let sizes: Vec<usize> = own.map(|column| usize::from(column.size)).collect();
    let width = sizes.len() + facts.block_columns() + facts.counts.len();
    let free = || Restriction { limits: (0..width).map(|_| None).collect(), candidates: 1 };
    let mut restriction = restriction.unwrap_or_else(free);
    for KnownTokens { column, first, tokens } in known {
        match &mut restriction.limits[column] {
            Some(limit) => limit.known = Some(tokens),
            limit => {
                let size = sizes[column];
                let shares = Box::new(move |_: &[u16]| vec![1.0; size]);
                *limit = Some(TokenLimit { first, shares, known: Some(tokens) });
            }
        }
    }
    Some(restriction)
}

#[cfg(test)]
mod tests {
    use super::{Combination, Part, choose, first_rows};

    fn of(ancestor: u32) -> Option<Combination> {
        Some(vec![Part::Ancestor(ancestor), Part::Value("large".to_owned())])
    }

    #[test]
    fn a_combination_of_many_rows_takes_a_value_that_many_rows_drew() {
        // Six rows of one combination and two of another; four of six drew the value 3, which is rare elsewhere.
        let all: Vec<Option<Combination>> = (0..9).map(|row| if row < 6 { of(1) } else { of(2) }).collect();
        let tokens = vec![vec![5, 3, 3, 3, 3, 5, 3, 5, 5]];

        let (places, chosen) = choose(&all, &(0..9).collect::<Vec<_>>(), &tokens);

        let token = |ancestor| tokens[0][chosen[places[&of(ancestor).unwrap()] as usize] as usize];
        assert_eq!((token(1), token(2)), (3, 5));
    }

    #[test]
    fn every_combination_gets_a_row_of_its_own_and_unbound_rows_get_none() {
        let all: Vec<Option<Combination>> = vec![of(1), None, of(2), of(1), of(3)];
        let origin = [0, 2, 4];

        let (places, chosen) = choose(&all, &origin, &[vec![1, 1, 1]]);

        assert_eq!(places.len(), 3);
        for (combination, place) in &places {
            let row = origin[chosen[*place as usize] as usize];
            assert_eq!(all[row].as_ref(), Some(combination));
        }
        assert!(choose(&all, &[], &[]).1.is_empty(), "nothing drawn, nothing chosen");
    }

    #[test]
    fn the_first_rows_of_each_combination_are_drawn() {
        let many: Vec<Option<Combination>> =
            (0..1000).map(|row| (row > 0).then(|| of(row % 2)).flatten()).collect();

        let keep = first_rows(&[many], 1000);

        assert_eq!(keep.iter().filter(|keep| **keep).count(), 128);
        assert!(!keep[0] && keep[1] && keep[128] && !keep[129]);
    }
}
