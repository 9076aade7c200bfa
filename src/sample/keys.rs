//! Allots fresh surrogate keys.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, StringArray};
use rand::Rng;

use crate::{
    finding::Finding,
    plan::ColumnRole,
    sample::{Sampler, draft::Draft},
    schema::{DataType, Storage, TableId},
};

impl Sampler<'_> {
    /// Fills every surrogate key column: numbers from 1, or random UUIDs.
    pub(super) fn allot_keys(&mut self, id: TableId, draft: &mut Draft) {
        let table = self.model.schema.table(id);
        let row_count = draft.row_count();
        for (column_id, column) in table.iter() {
            let surrogate = self.model.plan.table(id).columns[column_id.0] == ColumnRole::SurrogateKey;
            if !surrogate || draft.data.column(column_id).is_some() {
                continue;
            }
            let array: ArrayRef = match (&column.data_type, column.data_type.storage()) {
                (DataType::Integer { max, .. }, _) => {
                    if row_count as i64 > *max {
                        let what = format!("{row_count} rows do not fit into {}", column.native_type);
                        let finding = Finding::warning("key-too-narrow", what);
                        self.summary.findings.push(finding.table(&table.name).column(&column.name));
                    }
                    Arc::new(Int64Array::from_iter_values(1..=row_count as i64))
                }
                (_, Storage::Integer) => Arc::new(Int64Array::from_iter_values(1..=row_count as i64)),
                (_, Storage::Float) => {
                    Arc::new(Float64Array::from_iter_values((1..=row_count).map(|row| row as f64)))
                }
                (DataType::Uuid, _) => {
                    let name = format!("keys/{}/{}", table.name, column.name);
                    let mut random = self.options.seed.stream(&name, 0);
                    Arc::new(StringArray::from_iter_values((0..row_count).map(|_| random_uuid(&mut random))))
                }
                _ => Arc::new(StringArray::from_iter_values((1..=row_count).map(|row| row.to_string()))),
            };
            draft.data.set(column_id, array);
        }
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
