//! The catalog as rows: one struct per question in `catalog/`, asked for all tables at once.

use serde::Deserialize;
use sqlx::PgConnection;

use super::{fillers::FillerRow, server::ask};
use crate::db::DbError;

/// A table, partition, view, materialised view or foreign table.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Relation {
    pub(super) oid: i64,
    pub(super) namespace: String,
    pub(super) name: String,
    /// Quoted, with its schema.
    pub(super) qualified: String,
    /// `relkind`: r p v m f.
    pub(super) kind: char,
    pub(super) is_partition: bool,
    pub(super) unlogged: bool,
    pub(super) estimated_rows: f64,
    /// Partitioned parent or inheritance parents.
    pub(super) parents: Vec<i64>,
    pub(super) partition_key: Option<String>,
    pub(super) bound: Option<String>,
    /// The whole condition of a partition, its parents' included; none for the only partition of all values.
    #[serde(default)]
    pub(super) partition_constraint: Option<String>,
    pub(super) populated: bool,
    pub(super) options: Option<String>,
    /// The composite type it was made of.
    pub(super) of_type: Option<String>,
    /// Other than `heap`.
    pub(super) access_method: Option<String>,
    /// The query of a view.
    pub(super) definition: Option<String>,
}

impl Relation {
    /// True if it is one table of the schema: partitions belong to their root.
    pub(super) fn is_table(&self) -> bool {
        self.holds_rows() && !self.is_partition
    }

    /// True for tables and partitions.
    pub(super) fn holds_rows(&self) -> bool {
        matches!(self.kind, 'r' | 'p')
    }
}

/// A column of a table.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ColumnRow {
    pub(super) relation: i64,
    pub(super) number: i32,
    pub(super) name: String,
    pub(super) quoted: String,
    pub(super) native_type: String,
    pub(super) type_oid: i64,
    pub(super) modifier: i32,
    pub(super) not_null: bool,
    /// Declared here, whatever its inheritance parents have.
    pub(super) is_local: bool,
    /// `attidentity`: a, d or empty.
    pub(super) identity: String,
    /// `attgenerated`: s, v or empty.
    pub(super) generated: String,
    /// The default or generation expression.
    pub(super) expression: Option<String>,
    /// A collation other than the type's own.
    pub(super) collation: Option<String>,
    pub(super) deterministic: bool,
}

/// A type, for resolving columns.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct TypeRow {
    pub(super) oid: i64,
    pub(super) namespace: String,
    pub(super) name: String,
    /// `typtype`: b c d e p r m.
    pub(super) kind: char,
    /// The element type of a true array, else 0.
    pub(super) element: i64,
    /// The type under a domain, else 0.
    pub(super) base: i64,
    /// The type modifier a domain fixes.
    pub(super) modifier: i32,
    pub(super) not_null: bool,
    pub(super) labels: Vec<String>,
    /// Fields of a composite type.
    #[serde(default)]
    pub(super) fields: Vec<FieldRow>,
    /// What a range or multirange runs over, else 0.
    #[serde(default)]
    pub(super) subtype: i64,
}

/// A field of a composite type.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct FieldRow {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) type_oid: i64,
    pub(super) modifier: i32,
}

/// A CHECK of a domain.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct DomainCheckRow {
    pub(super) domain: i64,
    pub(super) name: String,
    pub(super) expression: String,
}

/// A table constraint.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ConstraintRow {
    pub(super) name: String,
    pub(super) quoted: String,
    /// `contype`: c f p u x.
    pub(super) kind: char,
    pub(super) relation: i64,
    pub(super) columns: Vec<i32>,
    pub(super) parent: i64,
    pub(super) parent_columns: Vec<i32>,
    pub(super) cascades: bool,
    pub(super) match_full: bool,
    pub(super) deferrable: bool,
    pub(super) validated: bool,
    /// False for NOT ENFORCED.
    pub(super) enforced: bool,
    /// Made by the server for a partition.
    pub(super) is_clone: bool,
    /// Comes with the parent's constraint.
    pub(super) inherited: bool,
    /// Declared here, whatever the parent has.
    pub(super) is_local: bool,
    /// WITHOUT OVERLAPS or PERIOD.
    pub(super) temporal: bool,
    pub(super) expression: Option<String>,
    pub(super) definition: String,
}

/// An index.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct IndexRow {
    pub(super) name: String,
    pub(super) quoted: String,
    pub(super) relation: i64,
    pub(super) is_unique: bool,
    pub(super) is_primary: bool,
    pub(super) valid: bool,
    /// Key column numbers, 0 for an expression.
    pub(super) columns: Vec<i32>,
    pub(super) expressions: Vec<String>,
    pub(super) predicate: Option<String>,
    pub(super) nulls_not_distinct: bool,
    pub(super) of_constraint: bool,
    /// The partitioned index it is a part of.
    pub(super) parent: Option<String>,
    /// Quoted, with its schema.
    pub(super) qualified: String,
    pub(super) of_view: bool,
    pub(super) definition: String,
}

/// A sequence.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct SequenceRow {
    pub(super) oid: i64,
    pub(super) qualified: String,
    pub(super) unlogged: bool,
    pub(super) options: String,
    /// `a` serial, `i` identity.
    pub(super) ownership: Option<char>,
    pub(super) owner: Option<i64>,
    pub(super) owner_column: Option<i32>,
    /// (table, column) of the defaults that use it.
    pub(super) used_by: Vec<(i64, i32)>,
}

/// An object with a place in the order of dependencies, and its DDL.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct MadeRow {
    pub(super) key: String,
    pub(super) object: String,
    /// None if it cannot be written again (a finding says so).
    pub(super) sql: Option<String>,
}

/// `dependent` needs `dependency` to exist.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct DependencyRow {
    pub(super) dependent: String,
    pub(super) dependency: String,
}

/// A ready statement.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct StatementRow {
    pub(super) object: String,
    pub(super) relation: Option<i64>,
    pub(super) optional: bool,
    pub(super) sql: String,
}

/// Something the blueprint leaves out.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct NotCopiedRow {
    pub(super) kind: String,
    pub(super) name: String,
}

/// Everything the catalog said.
pub(super) struct Catalog {
    pub(super) version: i64,
    pub(super) search_path: String,
    pub(super) relations: Vec<Relation>,
    pub(super) columns: Vec<ColumnRow>,
    pub(super) types: Vec<TypeRow>,
    pub(super) domain_checks: Vec<DomainCheckRow>,
    pub(super) constraints: Vec<ConstraintRow>,
    pub(super) indexes: Vec<IndexRow>,
    pub(super) sequences: Vec<SequenceRow>,
    pub(super) made_types: Vec<MadeRow>,
    pub(super) functions: Vec<MadeRow>,
    /// Operators, casts, text search.
    pub(super) beside_tables: Vec<MadeRow>,
    pub(super) dependencies: Vec<DependencyRow>,
    /// Schemas, extensions, collations: needed before all else, in this order.
    pub(super) first: Vec<StatementRow>,
    /// How columns are stored and counted: once the tables are there, in this order.
    pub(super) table_options: Vec<StatementRow>,
    /// Rules, triggers, statistics, policies, comments, event triggers: after all else, in this order.
    pub(super) last: Vec<StatementRow>,
    pub(super) not_copied: Vec<NotCopiedRow>,
    /// Triggers that may compute columns.
    pub(super) fillers: Vec<FillerRow>,
}

impl Catalog {
    /// The columns of a table, in their order.
    pub(super) fn columns_of(&self, relation: i64) -> &[ColumnRow] {
        of_relation(&self.columns, relation, |row| row.relation)
    }

    /// The constraints of a table.
    pub(super) fn constraints_of(&self, relation: i64) -> &[ConstraintRow] {
        of_relation(&self.constraints, relation, |row| row.relation)
    }

    /// The indexes of a table.
    pub(super) fn indexes_of(&self, relation: i64) -> &[IndexRow] {
        of_relation(&self.indexes, relation, |row| row.relation)
    }
}

/// Finds a table's rows among rows sorted by table, as the questions sort them.
fn of_relation<T>(rows: &[T], relation: i64, of: impl Fn(&T) -> i64) -> &[T] {
    let start = rows.partition_point(|row| of(row) < relation);
    let end = rows.partition_point(|row| of(row) <= relation);
    &rows[start..end]
}

/// Asks every question. The session's search path must be empty, so that all names come qualified.
pub(super) async fn read(
    connection: &mut PgConnection,
    version: i64,
    search_path: String,
) -> Result<Catalog, DbError> {
    let c = connection;
    let mut first = ask(c, include_str!("catalog/namespaces.sql")).await?;
    first.extend(ask::<StatementRow>(c, include_str!("catalog/extensions.sql")).await?);
    first.extend(ask::<StatementRow>(c, include_str!("catalog/collations.sql")).await?);
    let mut last = ask(c, include_str!("catalog/finish.sql")).await?;
    last.extend(ask::<StatementRow>(c, include_str!("catalog/event_triggers.sql")).await?);
    last.extend(ask::<StatementRow>(c, include_str!("catalog/comments.sql")).await?);
    Ok(Catalog {
        version,
        search_path,
        relations: ask(c, include_str!("catalog/relations.sql")).await?,
        columns: ask(c, include_str!("catalog/columns.sql")).await?,
        types: ask(c, include_str!("catalog/types.sql")).await?,
        domain_checks: ask(c, include_str!("catalog/domain_checks.sql")).await?,
        constraints: ask(c, include_str!("catalog/constraints.sql")).await?,
        indexes: ask(c, include_str!("catalog/indexes.sql")).await?,
        sequences: ask(c, include_str!("catalog/sequences.sql")).await?,
        made_types: ask(c, include_str!("catalog/made_types.sql")).await?,
        functions: ask(c, include_str!("catalog/functions.sql")).await?,
        beside_tables: ask(c, include_str!("catalog/beside_tables.sql")).await?,
        dependencies: ask(c, include_str!("catalog/dependencies.sql")).await?,
        first,
        table_options: ask(c, include_str!("catalog/table_options.sql")).await?,
        last,
        not_copied: ask(c, include_str!("catalog/not_copied.sql")).await?,
        fillers: ask(c, include_str!("catalog/fillers.sql")).await?,
    })
}
