//! Chooses a codec or a writer for every column of a table, and encodes its rows.

use std::collections::BTreeMap;

use arrow_array::{Array, UInt32Array};
use arrow_select::take::take;

use crate::{
    codec::{Codec, EncodedTable, Hints, Presence, SubColumn, encode_table},
    config::{TableMode, TableSettings},
    data::{NO_ROW, TableData},
    finding::Finding,
    model::{ChildCount, TableFacts, relations::PROTECT_BELOW},
    plan::{ColumnRole, LinkRole, Plan},
    rules::{Rule, Rules, TableRules},
    schema::{ColumnId, ForeignKeyId, Schema, Storage, Table, TableId},
    semantic::{Meaning, RowWriter, detect},
    snapshot::{Snapshot, TableSnapshot},
    structure::{CountCodec, DepthProfile},
};

/// One table, encoded.
pub(super) struct Encoded {
    pub(super) facts: TableFacts,
    /// Tokens decided before the row: presence of links (and all attributes, for a copied table).
    pub(super) given: EncodedTable,
    /// Tokens the row generator learns: attributes (unless copied), then child counts.
    pub(super) rows: EncodedTable,
}

impl Encoded {
    /// All tokens of a row, as other tables see them.
    pub(super) fn all_tokens(&self) -> EncodedTable {
        self.given.clone().beside(self.rows.clone())
    }
}

/// Encodes a table of the snapshot.
pub(super) fn encode(
    schema: &Schema,
    plan: &Plan,
    snapshot: &Snapshot,
    id: TableId,
    settings: &BTreeMap<TableId, TableSettings>,
    rules: &Rules,
) -> Option<(Encoded, Vec<Finding>)> {
    let table = schema.table(id);
    let rows = snapshot.table(id)?;
    let copied = plan.table(id).mode == TableMode::Copy;
    let settings = settings.get(&id);

    let mut facts_rules = if copied { TableRules::default() } else { rules.table(id).clone() };
    let computed = facts_rules.computed();
    let mut modelled = attributes(table, plan, id);
    modelled.retain(|column| !computed.contains(column));
    let (codecs, written) = choose_codecs((id, table), rows, &modelled, settings, rules, copied);
    // A text that is written anew no longer says anything of others.
    facts_rules.discovered.retain(|rule| match rule {
        Rule::NullWhen { from, any_value: false, .. } => !written.iter().any(|(column, ..)| column == from),
        _ => true,
    });
    let (writer, findings) = if copied {
        RowWriter::fit(table, &rows.data, &[])
    } else {
        RowWriter::fit(table, &rows.data, &written)
    };

    let attributes = encode_table(&codecs, &rows.data);
    let (presence, presence_tokens) = encode_presence(plan, id, table, rows);
    let (counts, count_tokens) = encode_counts(schema, plan, snapshot, id, rows.data.row_count);
    let (given, learned) = if copied {
        (presence_tokens.beside(attributes), count_tokens)
    } else {
        (presence_tokens, attributes.beside(count_tokens))
    };
    let facts = TableFacts {
        codecs,
        writer,
        rules: facts_rules,
        presence,
        counts,
        anchors: Vec::new(),
        forests: forests(plan, id, rows),
        orphan_share: rows.orphan_share,
        real_rows: rows.total_rows,
        train_seconds: 0.0,
    };
    Some((Encoded { facts, given, rows: learned }, findings))
}

/// Columns with values of their own.
fn attributes(table: &Table, plan: &Plan, id: TableId) -> Vec<ColumnId> {
    let roles = &plan.table(id).columns;
    let own = |column: &ColumnId| matches!(roles[column.0], ColumnRole::Attribute | ColumnRole::KeyAttribute);
    table.iter().map(|(column, _)| column).filter(own).collect()
}

type Chosen = (Vec<(ColumnId, Codec)>, Vec<(ColumnId, Meaning, bool)>);

fn choose_codecs(
    (id, table): (TableId, &Table),
    rows: &TableSnapshot,
    modelled: &[ColumnId],
    settings: Option<&TableSettings>,
    rules: &Rules,
    copied: bool,
) -> Chosen {
    let mut codecs = Vec::new();
    let mut written = Vec::new();
    for column_id in modelled {
        let column = table.column(*column_id);
        let Some(values) = rows.data.column(*column_id) else { continue };
        let setting = settings.and_then(|s| s.columns.get(&column.name)).map(String::as_str);
        let sole_key = table.keys().any(|key| key.columns == [*column_id] && key.predicate.is_none());
        let in_key = table.keys().any(|key| key.columns.contains(column_id));
        let textual = matches!(column.data_type.storage(), Storage::Text | Storage::Bytes);
        let declared = rules.table(id).allowed_values(*column_id).is_some()
            || matches!(column.data_type, crate::schema::DataType::Enum { .. });
        let mut hints = Hints {
            categorical: declared,
            bounds: rules.table(id).bounds(*column_id),
            protect_below: if copied || declared { 0 } else { PROTECT_BELOW },
        };
        if (textual && !declared) || setting.is_some() {
            let meaning = detect(table, *column_id, values, setting).meaning;
            if textual && (meaning != Meaning::Category || (sole_key && !copied)) {
                let meaning = if meaning == Meaning::Category { Meaning::Title } else { meaning };
                written.push((*column_id, meaning, in_key));
                codecs.push((*column_id, Codec::Presence(Presence::fit(column, values))));
                continue;
            }
            hints.categorical |= meaning == Meaning::Category;
        }
        codecs.push((*column_id, Codec::fit(column, values, &hints)));
    }
    (codecs, written)
}

fn forests(plan: &Plan, id: TableId, rows: &TableSnapshot) -> Vec<(ForeignKeyId, DepthProfile)> {
    let links = plan.table(id).links.iter().zip(&rows.links).enumerate();
    links
        .filter(|(_, (role, _))| **role == LinkRole::SelfReference)
        .map(|(index, (_, links))| (ForeignKeyId(index), DepthProfile::fit(links)))
        .collect()
}

/// One token per foreign key that is null in some rows (a context key is not: orphans are families).
fn encode_presence(
    plan: &Plan,
    id: TableId,
    table: &Table,
    rows: &TableSnapshot,
) -> (Vec<ForeignKeyId>, EncodedTable) {
    let mut keys = Vec::new();
    let mut encoded = EncodedTable::empty(rows.data.row_count);
    for (index, role) in plan.table(id).links.iter().enumerate() {
        let present = &rows.present[index];
        let drawn = matches!(role, LinkRole::Link | LinkRole::SelfReference | LinkRole::Deferred);
        if drawn && present.iter().any(|present| !present) {
            keys.push(ForeignKeyId(index));
            let sub_column = presence_sub_column(&table.foreign_keys[index].name);
            encoded.push(sub_column, present.iter().map(|p| u16::from(*p)).collect());
        }
    }
    (keys, encoded)
}

/// The token that says if a nullable foreign key is set: 1 if it is.
#[must_use]
pub fn presence_sub_column(foreign_key: &str) -> SubColumn {
    SubColumn { name: format!("{foreign_key}?"), size: 2, scalars: Vec::new(), one_hot: true }
}

fn encode_counts(
    schema: &Schema,
    plan: &Plan,
    snapshot: &Snapshot,
    id: TableId,
    row_count: usize,
) -> (Vec<ChildCount>, EncodedTable) {
    let mut counts = Vec::new();
    let mut encoded = EncodedTable::empty(row_count);
    for (child, foreign_key, fk) in schema.foreign_keys().filter(|(_, _, fk)| fk.parent == id) {
        let role = plan.table(child).links[foreign_key.0];
        let counted = plan.table(child).mode == TableMode::Synthesize && role != LinkRole::Dangling;
        let Some(rows) = snapshot.table(child).filter(|_| counted) else { continue };
        let fan_out = &rows.fan_out[foreign_key.0];
        if fan_out.len() != row_count {
            continue;
        }
        let codec = CountCodec::fit(fan_out);
        let name = format!("{}.{}#", schema.table(child).name, fk.name);
        encoded.push(codec.sub_column(&name), codec.encode(fan_out));
        counts.push(ChildCount { child, foreign_key, codec });
    }
    (counts, encoded)
}

/// Fills columns of `parents` into rows linked to them: null where there is no parent.
///
/// # Panics
/// If an index is out of range.
#[must_use]
pub fn take_linked(array: &dyn Array, parent: &[u32]) -> arrow_array::ArrayRef {
    let indices: UInt32Array = parent.iter().map(|row| (*row != NO_ROW).then_some(*row)).collect();
    take(array, &indices, None).expect("a linked row exists")
}

/// The rows of a copied table as they are written.
pub(super) fn copied_rows(table: &Table, rows: &TableSnapshot) -> TableData {
    rows.data.select(|column| table.column(column).generated.is_none())
}
