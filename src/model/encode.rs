//! Encodes the rows of a table: its columns, what tells of its links, and the counts of its children.

use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_select::take::take;

use crate::{
    codec::{ColumnCodec, EncodedTable, Kin, SubColumn, encode_table},
    config::TableMode,
    data::{NO_ROW, TableData},
    finding::Finding,
    model::above::country_above,
    model::{
        ChildCount, FitOptions, TableFacts,
        choose::{Chosen, Protection, attributes, choose_codecs},
        spans::count_spans,
        uniques::sample_uniques,
    },
    plan::{LinkRole, Plan},
    privacy::SampleUniques,
    rules::{Inheritance, Rule},
    schema::{ColumnId, ForeignKeyId, Table, TableId},
    semantic::RowWriter,
    snapshot::TableSnapshot,
    structure::{CountCodec, DepthProfile},
};

/// One table, encoded.
pub(super) struct Encoded {
    pub(super) facts: TableFacts,
    /// Tokens decided before the row: those of links (and all attributes, for a copied table).
    pub(super) given: EncodedTable,
    /// Attributes to learn; none for a copied table.
    pub(super) own: EncodedTable,
    /// The blocks other tables see the rows in.
    pub(super) blocks: EncodedTable,
    /// Child counts.
    pub(super) counts: EncodedTable,
    /// Rows that are not to be repeated, where a row is an entity.
    pub(super) uniques: Option<SampleUniques>,
}

impl Encoded {
    /// All tokens of a row, as other tables see them.
    pub(super) fn all_tokens(&self) -> EncodedTable {
        self.given.clone().beside(self.learned())
    }

    /// Tokens the row generator learns: attributes (unless copied), blocks, child counts.
    pub(super) fn learned(&self) -> EncodedTable {
        self.own.clone().beside(self.blocks.clone()).beside(self.counts.clone())
    }

    /// How much there is to learn.
    pub(super) fn weight(&self) -> usize {
        let columns = [&self.given, &self.own, &self.blocks, &self.counts];
        self.own.row_count * (1 + columns.iter().map(|table| table.sub_columns.len()).sum::<usize>())
    }

    /// The attributes, learned or copied, before links have tokens.
    pub(super) fn attributes(&self) -> EncodedTable {
        self.given.clone().beside(self.own.clone())
    }
}

/// Encodes a table of the snapshot.
pub(super) fn encode(options: &FitOptions<'_>, id: TableId) -> Option<(Encoded, Vec<Finding>)> {
    let FitOptions { schema, plan, snapshot, config, settings, rules, completion, entities } = *options;
    let table = schema.table(id);
    let rows = snapshot.table(id)?;
    let copied = plan.table(id).is_copied();
    let owners = entities.table(id).map_or(&[][..], |entities| &entities.of_row);
    let protection = Protection { table, owners, config };
    let settings = settings.get(&id);

    let mut facts_rules = rules.table(id).clone();
    if copied {
        facts_rules = facts_rules.declared();
    }
    // A value to be filled is asked for as it is.
    let coded;
    let mut rows = rows;
    if !copied && completion.is_none() && !protection.is_coarse() {
        let data;
        (facts_rules, data) = facts_rules.with_factors(&rows.data);
        if facts_rules.has_factors() {
            coded = TableSnapshot { data, ..rows.clone() };
            rows = &coded;
        }
    }
    let open;
    if !copied && completion.is_none() && !facts_rules.carried.is_empty() {
        let series = rows.series();
        let data = facts_rules.without_carried(&rows.data, series.as_ref().unwrap_or(&rows.families));
        open = TableSnapshot { data, ..rows.clone() };
        rows = &open;
    }
    let computed = facts_rules.computed();
    let mut modelled = attributes(table, plan, id);
    modelled.retain(|column| !computed.contains(column));
    let completed: &[ColumnId] =
        completion.filter(|completion| completion.table == id).map_or(&[], |completion| &completion.columns);
    let parent = plan.table(id).context.map(|context| table.foreign_keys[context.0].parent);
    let series = rows.series();
    let kin = parent.filter(|_| !copied).map(|parent| Kin {
        families: &rows.families,
        series: series.as_ref(),
        parent: snapshot.table(parent).filter(|_| parent != id).map(|parent| &parent.data),
    });
    let Chosen { mut codecs, mut written, documents, meanings, times, findings: unlearned, .. } =
        choose_codecs(
            (plan.table(id).context, protection),
            (rows, kin),
            &modelled,
            settings,
            &facts_rules,
            copied,
        );
    // A gap to be filled could be either time.
    if !copied && completed.is_empty() {
        // What repeats the context parent's is counted from there.
        let context = plan.table(id).context;
        let copies = facts_rules.inherited.iter().filter(|rule| {
            matches!(rule.how, Inheritance::Copy(_)) && context.is_none_or(|context| rule.path != [context])
        });
        let copied: Vec<ColumnId> = copies.map(|rule| rule.to).collect();
        count_spans(table, (&rows.data, kin), &times, &mut codecs, &copied);
    }
    // A text that is written anew no longer says anything of others.
    facts_rules.discovered.retain(|rule| match rule {
        Rule::NullWhen { from, any_value: false, .. } => !written.iter().any(|(column, ..)| column == from),
        _ => true,
    });
    // Columns to be filled come last, so that they are generated under all others; what is decided before the row
    // comes first, then regular times, so that all others are generated under them.
    codecs.sort_by_key(|(column, codec)| {
        let is_calendar = facts_rules.calendar.is_some_and(|run| run.column == *column);
        (completed.contains(column), facts_rules.rank(*column), !is_calendar && !codec.is_regular())
    });
    if copied {
        written.retain(|(column, ..)| completed.contains(column));
    }
    let above = (!copied)
        .then(|| country_above(schema, snapshot, id, plan.table(id).context))
        .flatten()
        .filter(|_| RowWriter::may_follow_a_country(&written));
    let (mut writer, mut findings) =
        RowWriter::fit_below(table, &rows.data, above, &written, protection.texts());
    findings.extend(unlearned);
    for (column, texts) in &documents {
        let texts: Vec<(&str, Vec<&str>, &[u32])> = texts
            .iter()
            .map(|text| {
                let values = text.values.iter().map(String::as_str).collect();
                (text.name.as_str(), values, text.owners.as_slice())
            })
            .collect();
        writer.add_document(table, *column, &texts);
    }

    let attributes = encode_table(&codecs, &rows.data, kin);
    let known = codecs.iter().filter(|(column, _)| !completed.contains(column));
    let known: usize = known.map(|(_, codec)| codec.sub_columns().len()).sum();
    let (counts, count_tokens) = encode_counts(options, id, protection);
    let nothing = EncodedTable::empty(rows.data.row_count);
    let (given, own) = if copied {
        (attributes.sub_columns(0..known), attributes.sub_columns(known..attributes.tokens.len()))
    } else {
        (nothing.clone(), attributes)
    };
    let repeats = copied || completion.is_some() || !config.privacy.avoids_uniques();
    let uniques = entities.table(id).filter(|_| !repeats).and_then(|entities| {
        sample_uniques((&codecs, &writer), (&rows.data, &own), kin, (entities, config.seed))
    });
    let facts = TableFacts {
        codecs,
        writer,
        rules: facts_rules,
        links: Vec::new(),
        blocks: Vec::new(),
        counts,
        anchors: Vec::new(),
        forests: forests(plan, id, rows),
        orphan_share: rows.orphan_share,
        meanings,
        entities: entities.table(id).map_or(0, |entities| entities.count as u64),
        real_rows: rows.total_rows,
        train_seconds: 0.0,
    };
    Some((Encoded { facts, given, own, blocks: nothing, counts: count_tokens, uniques }, findings))
}

fn forests(plan: &Plan, id: TableId, rows: &TableSnapshot) -> Vec<(ForeignKeyId, DepthProfile)> {
    let links = plan.table(id).links.iter().zip(&rows.links).enumerate();
    links
        .filter(|(_, (role, _))| **role == LinkRole::SelfReference)
        .map(|(index, (_, links))| (ForeignKeyId(index), DepthProfile::fit(links)))
        .collect()
}

/// The token that says if a nullable foreign key is set: 1 if it is.
#[must_use]
pub fn presence_sub_column(foreign_key: &str) -> SubColumn {
    SubColumn {
        name: format!("{foreign_key}?"),
        size: 2,
        scalars: Vec::new(),
        counts_children: false,
        one_hot: true,
    }
}

fn encode_counts(
    options: &FitOptions<'_>,
    id: TableId,
    protection: Protection<'_>,
) -> (Vec<ChildCount>, EncodedTable) {
    let FitOptions { schema, plan, snapshot, entities, .. } = *options;
    let row_count = snapshot.table(id).map_or(0, |rows| rows.data.row_count);
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
        let name = format!("{}.{}#", schema.table(child).name, fk.name);
        // How much of its own an entity has shows it: the largest counts end where enough entities lie.
        let alone = entities.table(child).is_some_and(|rows| rows.too_few.is_some());
        let own = plan.table(child).entity.along == Some(foreign_key) && !alone;
        let codec = match protection.of(&name).highest(fan_out).filter(|_| own) {
            Some(most) => CountCodec::fit(&fan_out.iter().map(|count| *count.min(&most)).collect::<Vec<_>>()),
            None => CountCodec::fit(fan_out),
        };
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
pub fn take_linked(array: &dyn Array, parent: &[u32]) -> ArrayRef {
    let indices: UInt32Array = parent.iter().map(|row| (*row != NO_ROW).then_some(*row)).collect();
    take(array, &indices, None).expect("a linked row exists")
}

/// The rows of a copied table as they are written.
#[must_use]
pub fn copied_rows(table: &Table, rows: &TableSnapshot) -> TableData {
    rows.data.select(|column| table.column(column).generated.is_none())
}
