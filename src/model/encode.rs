//! Chooses a codec or a writer for every column of a table, and encodes its rows.

use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_select::take::take;

use crate::{
    codec::{
        Codec, ColumnCodec, Elapsed, EncodedTable, Hints, Kin, Place, Presence, SubColumn, WrittenTexts,
        encode_table,
    },
    config::{Config, TableMode, TableSettings},
    data::{NO_ROW, TableData},
    finding::Finding,
    model::{
        ChildCount, FitOptions, TableFacts,
        parts::{document, places, unlearned},
        spans::{TimeColumn, count_spans},
    },
    plan::{ColumnRole, LinkRole, Plan},
    privacy::Guard,
    rules::{Rule, Rules},
    schema::{ColumnId, DataType, ForeignKeyId, Storage, Table, TableId},
    semantic::{Meaning, RowWriter, detect, detect_by_name, unlabelled},
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
    let copied = plan.table(id).mode == TableMode::Copy;
    let owners = entities.table(id).map_or(&[][..], |entities| &entities.of_row);
    let protection = Protection { table, owners, config };
    let settings = settings.get(&id);

    let mut facts_rules = rules.table(id).clone();
    if copied {
        facts_rules = facts_rules.declared();
    }
    let computed = facts_rules.computed();
    let mut modelled = attributes(table, plan, id);
    modelled.retain(|column| !computed.contains(column));
    let completed: &[ColumnId] =
        completion.filter(|completion| completion.table == id).map_or(&[], |completion| &completion.columns);
    let parent = plan.table(id).context.map(|context| table.foreign_keys[context.0].parent);
    let kin = parent.filter(|_| !copied).map(|parent| Kin {
        families: &rows.families,
        parent: snapshot.table(parent).filter(|_| parent != id).map(|parent| &parent.data),
    });
    let Chosen { mut codecs, mut written, documents, meanings, times, findings: unlearned, .. } =
        choose_codecs((id, protection), (rows, kin), &modelled, settings, rules, copied);
    // A gap to be filled could be either time.
    if !copied && completed.is_empty() {
        count_spans(table, (&rows.data, kin), &times, &mut codecs);
    }
    // A text that is written anew no longer says anything of others.
    facts_rules.discovered.retain(|rule| match rule {
        Rule::NullWhen { from, any_value: false, .. } => !written.iter().any(|(column, ..)| column == from),
        _ => true,
    });
    // Columns to be filled come last, so that they are generated under all others.
    codecs.sort_by_key(|(column, _)| completed.contains(column));
    if copied {
        written.retain(|(column, ..)| completed.contains(column));
    }
    let (mut writer, mut findings) = RowWriter::fit(table, &rows.data, &written, protection.texts());
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
    Some((Encoded { facts, given, own, blocks: nothing, counts: count_tokens }, findings))
}

/// Columns with values of their own.
fn attributes(table: &Table, plan: &Plan, id: TableId) -> Vec<ColumnId> {
    let roles = &plan.table(id).columns;
    let own = |column: &ColumnId| matches!(roles[column.0], ColumnRole::Attribute | ColumnRole::KeyAttribute);
    table.iter().map(|(column, _)| column).filter(own).collect()
}

/// How the columns of a table are made.
#[derive(Default)]
struct Chosen<'a> {
    /// Codecs of modelled columns, presence of written ones.
    codecs: Vec<(ColumnId, Codec)>,
    /// Written columns: their meaning, and whether values must differ.
    written: Vec<(ColumnId, Meaning, bool)>,
    /// Texts inside documents that are written.
    documents: Vec<(ColumnId, Vec<WrittenTexts>)>,
    /// Columns that another column's codec decodes as well.
    paired: Vec<ColumnId>,
    /// What was looked for in the values of columns: what they mean, and how sure that is.
    meanings: Vec<(ColumnId, Meaning, f32)>,
    /// Times, and what they take.
    times: Vec<TimeColumn<'a>>,
    /// What is not learned.
    findings: Vec<Finding>,
}

/// Who the rows of a table belong to.
#[derive(Clone, Copy)]
struct Protection<'a> {
    table: &'a Table,
    owners: &'a [u32],
    config: &'a Config,
}

impl<'a> Protection<'a> {
    /// What the values of a column must be shared by.
    fn of(self, column: &str) -> Guard<'a> {
        let what = format!("{}.{column}", self.table.name);
        Guard::noisy(self.owners, self.config.privacy.k, self.config.seed, &what)
    }

    /// What the words and shapes of written texts must be shared by.
    fn texts(self) -> Guard<'a> {
        let what = format!("{} texts", self.table.name);
        Guard::noisy(self.owners, self.config.privacy.k, self.config.seed, &what)
    }
}

fn choose_codecs<'a>(
    (id, protection): (TableId, Protection<'a>),
    (rows, kin): (&TableSnapshot, Option<Kin<'_>>),
    modelled: &[ColumnId],
    settings: Option<&TableSettings>,
    rules: &Rules,
    copied: bool,
) -> Chosen<'a> {
    let mut chosen = Chosen::default();
    let table = protection.table;
    let pairs = if copied { Vec::new() } else { places(table, rows, modelled, settings) };
    for column_id in modelled {
        let column = table.column(*column_id);
        if chosen.paired.contains(column_id) {
            continue;
        }
        let Some(values) = rows.data.column(*column_id) else { continue };
        let setting = settings.and_then(|s| s.columns.get(&column.name)).map(String::as_str);
        let sole_key = table.keys().any(|key| key.columns == [*column_id] && key.predicate.is_none());
        let in_key = table.keys().any(|key| key.columns.contains(column_id));
        let textual = matches!(column.data_type.storage(), Storage::Text | Storage::Bytes);
        let declared = rules.table(id).allowed_values(*column_id).is_some()
            || matches!(column.data_type, DataType::Enum { .. })
            || table.foreign_keys.iter().any(|fk| fk.when().is_some_and(|when| when.column == *column_id));
        let mut hints = Hints {
            categorical: declared,
            bounds: rules.table(id).bounds(*column_id),
            guard: if copied || declared { Guard::OFF } else { protection.of(&column.name) },
        };
        if !textual && let Some(found) = detect_by_name(table, *column_id) {
            chosen.meanings.push((*column_id, found.meaning, found.score));
        }
        if (textual && !declared) || setting.is_some() {
            let detected = detect(table, *column_id, values, setting);
            chosen.meanings.push((*column_id, detected.meaning.clone(), detected.score));
            let meaning = match detected.meaning {
                // The shape is learned where entities are counted.
                Meaning::Code { .. } if setting.is_none() => Meaning::Code { mask: String::new() },
                meaning => meaning,
            };
            if textual
                && !in_key
                && !copied
                && matches!(meaning, Meaning::Geometry | Meaning::Category)
                && matches!(column.data_type, DataType::Native { .. })
                && let Some(place) = Place::fit(column, values, hints.guard)
            {
                chosen.codecs.push((*column_id, Codec::Place(Box::new(place))));
                continue;
            }
            if textual
                && !in_key
                && !copied
                && let Some(fit) = document(column, values, &meaning, hints.guard)
            {
                chosen.findings.extend(unlearned(table, column, &fit));
                if !fit.written.is_empty() {
                    chosen.documents.push((*column_id, fit.written));
                }
                chosen.codecs.push((*column_id, Codec::Document(Box::new(fit.codec))));
                continue;
            }
            if textual && (meaning != Meaning::Category || (sole_key && !copied)) {
                let meaning =
                    if meaning == Meaning::Category { unlabelled(&column.data_type) } else { meaning };
                chosen.written.push((*column_id, meaning, in_key));
                chosen.codecs.push((*column_id, Codec::Presence(Presence::fit(column, values))));
                continue;
            }
            hints.categorical |= meaning == Meaning::Category;
        }
        if let Some((_, partner)) = pairs.iter().find(|(first, _)| first == column_id)
            && let Some(others) = rows.data.column(*partner)
            && let Some(place) = Place::fit_pair(column, (values, others), *partner, hints.guard)
        {
            chosen.paired.push(*partner);
            chosen.codecs.push((*column_id, Codec::Place(Box::new(place))));
            continue;
        }
        let codec = Codec::fit(column, values, &hints);
        if textual && codec.is_presence() {
            // A category of which no label may be kept: others are written in the place of all of them.
            chosen.written.push((*column_id, unlabelled(&column.data_type), in_key));
            chosen.codecs.push((*column_id, codec));
            continue;
        }
        let elapsed = match (&codec, kin.filter(|_| !in_key)) {
            (Codec::Datetime(own), Some(kin)) => Elapsed::fit(column, values, own, kin, hints.guard),
            _ => None,
        };
        if let Codec::Datetime(own) = &codec
            && !in_key
        {
            let among_siblings = elapsed.as_ref().map(|(_, bits)| *bits);
            let own = own.clone();
            chosen.times.push(TimeColumn { column: *column_id, own, among_siblings, guard: hints.guard });
        }
        let codec = elapsed.map_or(codec, |(elapsed, _)| Codec::Elapsed(Box::new(elapsed)));
        chosen.codecs.push((*column_id, codec));
    }
    chosen
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
    SubColumn { name: format!("{foreign_key}?"), size: 2, scalars: Vec::new(), one_hot: true }
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
