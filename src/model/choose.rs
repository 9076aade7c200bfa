//! How the columns of a table are made: learned by a codec of some kind, or written anew.

use crate::{
    codec::{Codec, Elapsed, Hints, Kin, Place, Presence, WrittenTexts},
    config::{Ablation, Config, TableSettings},
    finding::Finding,
    model::{
        parts::{document, places, unlearned},
        spans::TimeColumn,
    },
    plan::{ColumnRole, Plan},
    privacy::Guard,
    rules::TableRules,
    schema::{ColumnId, DataType, ForeignKeyId, Storage, Table, TableId},
    semantic::{Meaning, detect, detect_by_name, detect_number, unlabelled},
    snapshot::TableSnapshot,
};

/// Columns with values of their own.
pub(super) fn attributes(table: &Table, plan: &Plan, id: TableId) -> Vec<ColumnId> {
    let roles = &plan.table(id).columns;
    let own = |column: &ColumnId| matches!(roles[column.0], ColumnRole::Attribute | ColumnRole::KeyAttribute);
    table.iter().map(|(column, _)| column).filter(own).collect()
}

/// How the columns of a table are made.
#[derive(Default)]
pub(super) struct Chosen<'a> {
    /// Codecs of modelled columns, presence of written ones.
    pub(super) codecs: Vec<(ColumnId, Codec)>,
    /// Written columns: their meaning, and whether values must differ.
    pub(super) written: Vec<(ColumnId, Meaning, bool)>,
    /// Texts inside documents that are written.
    pub(super) documents: Vec<(ColumnId, Vec<WrittenTexts>)>,
    /// Columns that another column's codec decodes as well.
    pub(super) paired: Vec<ColumnId>,
    /// What was looked for in the values of columns: what they mean, and how sure that is.
    pub(super) meanings: Vec<(ColumnId, Meaning, f32)>,
    /// Times, and what they take.
    pub(super) times: Vec<TimeColumn<'a>>,
    /// What is not learned.
    pub(super) findings: Vec<Finding>,
}

/// Who the rows of a table belong to.
#[derive(Clone, Copy)]
pub(super) struct Protection<'a> {
    pub(super) table: &'a Table,
    pub(super) owners: &'a [u32],
    pub(super) config: &'a Config,
}

impl<'a> Protection<'a> {
    /// What the values of a column must be shared by.
    pub(super) fn of(self, column: &str) -> Guard<'a> {
        let what = format!("{}.{column}", self.table.name);
        Guard::noisy(self.owners, self.config.privacy.k, self.config.seed, &what)
    }

    /// True if numbers get one token each.
    pub(super) fn is_coarse(self) -> bool {
        self.config.ablation == Some(Ablation::CoarseTokens)
    }

    /// What the words and shapes of written texts must be shared by.
    pub(super) fn texts(self) -> Guard<'a> {
        let what = format!("{} texts", self.table.name);
        Guard::noisy(self.owners, self.config.privacy.k, self.config.seed, &what)
    }
}

/// True if every key over a column holds the context foreign key as well: then only siblings must differ in it, and gaps
/// between siblings keep them apart.
fn is_told_by_siblings(table: &Table, context: Option<ForeignKeyId>, column: ColumnId) -> bool {
    context.is_some_and(|context| {
        let parent = &table.foreign_keys[context.0].columns;
        let mut keys = table.keys().filter(|key| key.columns.contains(&column));
        keys.all(|key| parent.iter().all(|part| key.columns.contains(part)))
    })
}

/// Chooses a codec or a writer for every modelled column.
pub(super) fn choose_codecs<'a>(
    (context, protection): (Option<ForeignKeyId>, Protection<'a>),
    (rows, kin): (&TableSnapshot, Option<Kin<'_>>),
    modelled: &[ColumnId],
    settings: Option<&TableSettings>,
    rules: &TableRules,
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
        let declared = rules.allowed_values(*column_id).is_some()
            || matches!(column.data_type, DataType::Enum { .. })
            || table.foreign_keys.iter().any(|fk| fk.when().is_some_and(|when| when.column == *column_id));
        let mut hints = Hints {
            categorical: declared,
            bounds: rules.bounds(*column_id).filter(|_| !rules.is_factored(*column_id)),
            guard: if copied || declared { Guard::OFF } else { protection.of(&column.name) },
        };
        let amount = hints.bounds.is_some() || declared || copied || in_key || rules.is_factored(*column_id);
        if !amount
            && setting.is_none()
            && let Some(found) = detect_number(table, *column_id, values)
        {
            chosen.meanings.push((*column_id, found.meaning.clone(), found.score));
            chosen.written.push((*column_id, found.meaning, false));
            chosen.codecs.push((*column_id, Codec::Presence(Presence::fit(column, values))));
            continue;
        }
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
            // A telephone number kept as a number, at the user's word.
            let numeric = column.data_type.storage() == Storage::Integer && meaning.is_personal();
            if numeric && !in_key && !copied {
                chosen.written.push((*column_id, meaning, false));
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
        let codec = if protection.is_coarse() { codec.coarse() } else { codec };
        if textual && codec.is_presence() {
            // A category of which no label may be kept: others are written in the place of all of them.
            chosen.written.push((*column_id, unlabelled(&column.data_type), in_key));
            chosen.codecs.push((*column_id, codec));
            continue;
        }
        let keyed = in_key || rules.differing.iter().any(|key| key.columns.contains(column_id));
        let elapsed =
            match (&codec, kin.filter(|_| !in_key || is_told_by_siblings(table, context, *column_id))) {
                (Codec::Datetime(own), Some(kin)) => {
                    Elapsed::fit(column, values, own, kin, (hints.guard, keyed))
                }
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
