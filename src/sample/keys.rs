//! Allots fresh surrogate keys.

use std::{ops::Range, sync::Arc};

use arrow_array::{ArrayRef, Float64Array, Int64Array, StringArray};
use rand::Rng;

use crate::{
    data::TableData,
    finding::Finding,
    plan::ColumnRole,
    sample::{Sampler, draft::Draft},
    schema::{ColumnId, DataType, Storage, TableId},
};

/// Numbers tried at a time, at least, for a key that a CHECK binds.
const LEAST_BLOCK: usize = 1000;
/// Most times so many are tried.
const MOST_BLOCKS: usize = 32;

impl Sampler<'_> {
    /// Fills every surrogate key column: numbers from 1, or random UUIDs.
    pub(super) fn allot_keys(&mut self, id: TableId, draft: &mut Draft) {
        let table = self.model.schema.table(id);
        let row_count = draft.row_count();
        let first = draft.place.first_row;
        let last = first + row_count;
        for (column_id, column) in table.iter() {
            let surrogate = self.model.plan.table(id).columns[column_id.0] == ColumnRole::SurrogateKey;
            if !surrogate || draft.data.column(column_id).is_some() {
                continue;
            }
            let array: ArrayRef = match (&column.data_type, column.data_type.storage()) {
                (DataType::Integer { max, .. }, _) => {
                    let beyond = |rows: usize| rows as i64 > *max;
                    if beyond(last) && !beyond(first) {
                        let what = format!("more than {max} rows do not fit into {}", column.native_type);
                        let finding = Finding::warning("key-too-narrow", what);
                        self.summary.findings.push(finding.table(&table.name).column(&column.name));
                    }
                    Arc::new(Int64Array::from(self.own_numbers(id, column_id, first..last)))
                }
                (_, Storage::Integer) => {
                    Arc::new(Int64Array::from_iter_values(first as i64 + 1..=last as i64))
                }
                (_, Storage::Float) => {
                    Arc::new(Float64Array::from_iter_values((first + 1..=last).map(|row| row as f64)))
                }
                (DataType::Uuid, _) => {
                    let name = format!("keys/{}/{}", draft.place.of(&table.name), column.name);
                    let mut random = self.options.seed.stream(&name, 0);
                    Arc::new(StringArray::from_iter_values((0..row_count).map(|_| random_uuid(&mut random))))
                }
                _ => Arc::new(StringArray::from_iter_values((first + 1..=last).map(|row| row.to_string()))),
            };
            draft.data.set(column_id, array);
        }
    }
}

impl Sampler<'_> {
    /// The numbers of some rows of a table, in their order.
    fn own_numbers(&self, id: TableId, column: ColumnId, rows: Range<usize>) -> Vec<i64> {
        match self.ranks.iter().find(|(key, _)| *key == column) {
            Some((_, ranks)) => {
                let all = self.numbers(id, column, ranks.len());
                ranks[rows].iter().map(|rank| all[*rank as usize]).collect()
            }
            None => self.numbers(id, column, rows.end).split_off(rows.start),
        }
    }

    /// Numbers that lie as those of the source do, where they do not count from 1 and nothing binds them.
    fn spread_out(&self, id: TableId, column: ColumnId, count: usize) -> Option<Vec<i64>> {
        let DataType::Integer { max, .. } = self.model.schema.table(id).column(column).data_type else {
            return None;
        };
        let rules = &self.generated(id)?.facts.rules;
        let numbering = rules.numberings.iter().find(|numbering| numbering.key == column)?;
        let bound = rules.checks.iter().any(|check| check.columns.contains(&column));
        let fits = count.checked_sub(1).is_none_or(|last| numbering.number(last) <= max);
        (fits && !bound).then(|| (0..count).map(|place| numbering.number(place)).collect())
    }

    /// The numbers of a column from the first row on: those of [`Self::spread_out`], else the first from 1 that the type and the CHECKs over the key alone allow; where they allow too few, the
    /// numbers go on and the target decides.
    fn numbers(&self, id: TableId, column: ColumnId, count: usize) -> Vec<i64> {
        if let Some(numbers) = self.spread_out(id, column, count) {
            return numbers;
        }
        let all = (1..=count as i64).collect();
        let DataType::Integer { min, max } = self.model.schema.table(id).column(column).data_type else {
            return all;
        };
        let Some(rules) = self.model.table(id).map(|model| &model.facts.rules) else { return all };
        if !rules.checks.iter().any(|check| check.columns == [column]) {
            return all;
        }
        let allowed = |from: i64, length: usize| -> Vec<i64> {
            let numbers: Vec<i64> = (0..length as i64)
                .map_while(|step| from.checked_add(step))
                .filter(|number| (min..=max).contains(number))
                .collect();
            let array: ArrayRef = Arc::new(Int64Array::from(numbers.clone()));
            let rows = TableData::new(vec![column], vec![array], numbers.len());
            let refused = rules.violations(&rows);
            numbers
                .into_iter()
                .zip(refused)
                .filter(|(_, refused)| !refused)
                .map(|(number, _)| number)
                .collect()
        };
        // A range may begin far away from 1.
        let low = rules.bounds(column).map_or(f64::NEG_INFINITY, |(low, _)| low);
        let mut next = if low.is_finite() { (low.ceil() as i64).max(1) } else { 1 };
        if rules.bounds(column).is_some_and(|(_, high)| high < 1.0) && low.is_finite() {
            next = low.ceil() as i64;
        }
        let mut found = Vec::with_capacity(count);
        for _ in 0..MOST_BLOCKS {
            if found.len() >= count {
                break;
            }
            found.extend(allowed(next, count.max(LEAST_BLOCK)));
            next = next.saturating_add(count.max(LEAST_BLOCK) as i64);
        }
        if found.len() < count {
            return all;
        }
        found.truncate(count);
        found
    }
}

/// A random UUID, version 4. Source: RFC 9562, section 5.4.
fn random_uuid(random: &mut impl Rng) -> String {
    let bits = (u128::from(random.next_u64()) << 64) | u128::from(random.next_u64());
    let bits = (bits & !(0xf << 76) & !(0b11 << 62)) | (0x4 << 76) | (0b10 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::random_uuid;
    use crate::seed::Seed;

    #[test]
    fn uuids_say_their_version_and_variant() {
        let uuid = random_uuid(&mut Seed(1).stream("uuid", 0));

        assert_eq!(uuid.len(), 36);
        assert_eq!(&uuid[14..15], "4");
        assert!(matches!(&uuid[19..20], "8" | "9" | "a" | "b"), "{uuid}");
    }
}
