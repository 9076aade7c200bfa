//! From Postgres types to what they mean, through domains and arrays.

use std::collections::BTreeMap;

use super::catalog::{FieldRow, TypeRow};
use crate::schema::DataType;

/// Domains and arrays deeper than this are taken as opaque; guards against a corrupt catalog.
const DEEPEST: usize = 32;

/// All types of a database, by OID.
pub(super) struct Types<'a> {
    by_oid: BTreeMap<i64, &'a TypeRow>,
}

impl<'a> Types<'a> {
    /// Indexes the catalog's types.
    pub(super) fn new(rows: &'a [TypeRow]) -> Self {
        Self { by_oid: rows.iter().map(|row| (row.oid, row)).collect() }
    }

    /// Walks from a type down to what its domains stand on: first the type itself.
    pub(super) fn chain(&self, oid: i64) -> Vec<&'a TypeRow> {
        let mut chain = Vec::new();
        let mut next = oid;
        while let Some(row) = self.by_oid.get(&next).filter(|_| chain.len() < DEEPEST) {
            chain.push(*row);
            next = if row.kind == 'd' { row.base } else { 0 };
        }
        chain
    }

    /// Says what a type with a modifier means.
    pub(super) fn data_type(&self, oid: i64, modifier: i32) -> DataType {
        self.resolve(oid, modifier, 0)
    }

    /// Digits of a second that a type of times keeps, where it says so.
    pub(super) fn fraction(&self, oid: i64, modifier: i32) -> Option<u8> {
        let chain = self.chain(oid);
        let base = chain.last().filter(|row| row.kind == 'b' && row.namespace == "pg_catalog")?;
        // As in `resolve`: the innermost domain fixes the modifier.
        let modifier = if chain.len() < 2 { modifier } else { chain[chain.len() - 2].modifier };
        matches!(base.name.as_str(), "time" | "timestamp" | "timestamptz")
            .then(|| u8::try_from(modifier).ok())
            .flatten()
    }

    /// True for citext, whose equality ignores case.
    pub(super) fn is_citext(&self, oid: i64) -> bool {
        self.chain(oid).last().is_some_and(|row| row.name == "citext" && row.kind == 'b')
    }

    fn resolve(&self, oid: i64, modifier: i32, depth: usize) -> DataType {
        let chain = self.chain(oid);
        let Some(base) = chain.last().filter(|_| depth < DEEPEST) else { return DataType::Other };
        // The innermost domain fixes the modifier; a bare type has the column's.
        let modifier = match chain.len() {
            0 | 1 => modifier,
            deep => chain[deep - 2].modifier,
        };
        match base.kind {
            'e' => DataType::Enum { labels: base.labels.clone() },
            'b' if base.element != 0 => {
                DataType::Array { element: Box::new(self.resolve(base.element, modifier, depth + 1)) }
            }
            'b' if base.namespace == "pg_catalog" => built_in(&base.name, modifier),
            'b' if base.name == "citext" => DataType::Text { max_chars: None },
            'b' => DataType::native(&base.name),
            'r' | 'm' => DataType::Range {
                subtype: Box::new(self.resolve(base.subtype, -1, depth + 1)),
                multi: base.kind == 'm',
            },
            'c' => {
                let field = |field: &FieldRow| {
                    (field.name.clone(), self.resolve(field.type_oid, field.modifier, depth + 1))
                };
                DataType::Composite { fields: base.fields.iter().map(field).collect() }
            }
            _ => DataType::Other,
        }
    }
}

/// Maps a built-in type. Sources: PostgreSQL documentation, chapter 8; typmod layouts from
/// `numeric.c` (precision and 11-bit signed scale) and `varchar.c`, less the 4-byte header.
fn built_in(name: &str, modifier: i32) -> DataType {
    let length = |header: i32| u32::try_from(modifier - header).ok().filter(|_| modifier >= header);
    match name {
        "bool" => DataType::Boolean,
        "int2" => DataType::Integer { min: i16::MIN.into(), max: i16::MAX.into() },
        "int4" => DataType::Integer { min: i32::MIN.into(), max: i32::MAX.into() },
        "int8" => DataType::Integer { min: i64::MIN, max: i64::MAX },
        "oid" => DataType::Integer { min: 0, max: u32::MAX.into() },
        "numeric" => match numeric_modifier(modifier) {
            Some((precision, scale)) => DataType::Decimal { precision: Some(precision), scale: Some(scale) },
            None => DataType::Decimal { precision: None, scale: None },
        },
        "money" => DataType::Decimal { precision: Some(19), scale: Some(2) },
        "float4" => DataType::Float { single: true },
        "float8" => DataType::Float { single: false },
        "varchar" | "bpchar" => DataType::Text { max_chars: length(4) },
        "text" => DataType::Text { max_chars: None },
        "char" => DataType::Text { max_chars: Some(1) },
        "name" => DataType::Text { max_chars: Some(63) },
        "bytea" => DataType::Bytes { max_bytes: None },
        "date" => DataType::Date,
        "time" => DataType::Time,
        "timestamp" => DataType::Timestamp { zoned: false },
        "timestamptz" => DataType::Timestamp { zoned: true },
        "uuid" => DataType::Uuid,
        "json" | "jsonb" => DataType::Json,
        "interval" => DataType::Interval,
        "inet" | "cidr" => DataType::Inet,
        "bit" => DataType::Bits { length: length(0) },
        "varbit" => DataType::Bits { length: None },
        _ => DataType::native(name),
    }
}

/// Splits numeric's type modifier into precision and scale; none if unconstrained.
pub(super) fn numeric_modifier(modifier: i32) -> Option<(u32, i32)> {
    let packed = u32::try_from(modifier - 4).ok().filter(|_| modifier >= 4)?;
    let scale = (packed & 0x7ff) as i32;
    Some(((packed >> 16) & 0xffff, (scale ^ 1024) - 1024))
}

#[cfg(test)]
mod tests {
    use super::{Types, numeric_modifier};
    use crate::{
        db::postgres::catalog::{FieldRow, TypeRow},
        schema::DataType,
    };

    fn row(oid: i64, name: &str, kind: char) -> TypeRow {
        TypeRow {
            oid,
            namespace: "pg_catalog".into(),
            name: name.into(),
            kind,
            element: 0,
            base: 0,
            modifier: -1,
            not_null: false,
            labels: Vec::new(),
            fields: Vec::new(),
            subtype: 0,
        }
    }

    #[test]
    fn numeric_modifiers_unpack_with_negative_scales() {
        assert_eq!(numeric_modifier(((10 << 16) | 2) + 4), Some((10, 2)));
        assert_eq!(numeric_modifier(((5 << 16) | (0x7ff & -2)) + 4), Some((5, -2)));
        assert_eq!(numeric_modifier(-1), None);
    }

    #[test]
    fn a_domain_over_a_domain_has_the_innermost_type_and_length() {
        let inner = TypeRow { base: 1, modifier: 14, ..row(2, "short", 'd') };
        let outer = TypeRow { base: 2, ..row(3, "shorter", 'd') };
        let rows = [row(1, "varchar", 'b'), inner, outer];

        assert_eq!(Types::new(&rows).data_type(3, -1), DataType::Text { max_chars: Some(10) });
        let seconds = [row(1, "timestamp", 'b'), TypeRow { base: 1, modifier: 3, ..row(2, "moment", 'd') }];
        let types = Types::new(&seconds);
        assert_eq!(
            (types.fraction(1, -1), types.fraction(1, 0), types.fraction(2, -1)),
            (None, Some(0), Some(3))
        );
    }

    #[test]
    fn ranges_and_composites_are_known_by_their_parts_and_others_by_their_names() {
        let range = TypeRow { subtype: 1, ..row(5, "spans", 'r') };
        let domain = TypeRow { base: 5, ..row(6, "my_spans", 'd') };
        let fields = [FieldRow { name: "at".into(), type_oid: 6, modifier: -1 }];
        let composite = TypeRow { fields: fields.into(), ..row(7, "place", 'c') };
        let foreign = TypeRow { namespace: "public".into(), ..row(8, "hstore", 'b') };
        let rows = [row(1, "date", 'b'), range, domain, composite, foreign];
        let types = Types::new(&rows);

        let spans = DataType::Range { subtype: Box::new(DataType::Date), multi: false };
        assert_eq!(types.data_type(6, -1), spans);
        assert_eq!(types.data_type(7, -1), DataType::Composite { fields: vec![("at".into(), spans)] });
        assert_eq!(types.data_type(8, -1), DataType::native("hstore"));
        assert_eq!(types.data_type(99, -1), DataType::Other);
    }

    #[test]
    fn an_array_keeps_the_modifier_for_its_elements() {
        let array = TypeRow { element: 1, ..row(4, "_varchar", 'b') };
        let rows = [row(1, "varchar", 'b'), array];

        let element = Box::new(DataType::Text { max_chars: Some(3) });
        assert_eq!(Types::new(&rows).data_type(4, 7), DataType::Array { element });
    }
}
