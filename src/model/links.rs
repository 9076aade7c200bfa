//! What is learned of link foreign keys: blocks of the parents, and whether siblings share parents.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    codec::{EncodedTable, SubColumn},
    config::{Ablation, GeneratorKind, LinkMethod, TableMode},
    data::{Links, NO_ROW},
    model::encode::{Encoded, presence_sub_column},
    model::{Anchor, fit::FitOptions, relations::find_anchors},
    plan::LinkRole,
    schema::{ForeignKeyId, TableId},
    structure::{BlockEvidence, Blocks, CohortEvidence, Peer, Repeats, Runs, cohorts, repeated},
};

/// Rows in which a link could have led to the context parent, before never doing so is a rule.
const LEAST_APART: usize = 50;

/// The tokens of one foreign key, decided before its parent is drawn: is it set, which block, and is it an earlier
/// sibling's parent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkTokens {
    /// The foreign key.
    pub foreign_key: ForeignKeyId,
    /// True if some rows have none: the first token says which.
    pub presence: bool,
    /// Blocks of its parents, where learned: the next tokens.
    pub blocks: Option<Blocks>,
    /// How siblings share parents; a last token where they often do.
    pub repeats: Repeats,
    /// True if a row never links to its own context parent (a row of the same table).
    pub apart: bool,
    /// Where its parents split siblings into series: how long these are.
    #[serde(default)]
    pub runs: Option<Runs>,
}

impl LinkTokens {
    /// The sub-columns of its tokens; `name` is the foreign key's.
    #[must_use]
    pub fn sub_columns(&self, name: &str) -> Vec<SubColumn> {
        let mut columns = Vec::new();
        if self.presence {
            columns.push(presence_sub_column(name));
        }
        if let Some(blocks) = &self.blocks {
            columns.extend(blocks.sub_columns(name, true));
        }
        if self.repeats == Repeats::Token {
            columns.push(SubColumn { name: format!("{name}.again"), ..presence_sub_column(name) });
        }
        columns
    }

    /// The tokens of rows whose parents are known.
    #[must_use]
    pub fn encode(&self, present: &[bool], blocks: &[Option<u16>], again: &[bool]) -> Vec<Vec<u16>> {
        let flags = |flags: &[bool]| flags.iter().map(|flag| u16::from(*flag)).collect();
        let mut tokens: Vec<Vec<u16>> = Vec::new();
        if self.presence {
            tokens.push(flags(present));
        }
        if let Some(codec) = &self.blocks {
            tokens.extend(codec.encode(blocks));
        }
        if self.repeats == Repeats::Token {
            tokens.push(flags(again));
        }
        tokens
    }

    /// Takes its tokens apart again: presence, block and repetition per row, empty where there is no token.
    #[must_use]
    pub fn decode(&self, tokens: &[Vec<u16>]) -> (Vec<bool>, Vec<Option<u16>>, Vec<bool>) {
        let flags = |tokens: &Vec<u16>| tokens.iter().map(|token| *token != 0).collect();
        let (presence, rest) = tokens.split_at(usize::from(self.presence).min(tokens.len()));
        let width = self.blocks.as_ref().map_or(0, |blocks| blocks.sub_columns("", true).len());
        let (blocks, again) = rest.split_at(width.min(rest.len()));
        (
            presence.first().map(flags).unwrap_or_default(),
            self.blocks.as_ref().map(|codec| codec.decode(blocks)).unwrap_or_default(),
            again.first().map(flags).unwrap_or_default(),
        )
    }
}

/// The block tokens of one foreign key in its parent's rows: of parents that are used alike, for a link; of the
/// cohort of their families, for the key to the context parent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParentBlocks {
    /// The child table.
    pub child: TableId,
    /// Its foreign key to this table.
    pub foreign_key: ForeignKeyId,
    /// The sub-columns, between attributes and child counts.
    pub columns: Vec<SubColumn>,
}

/// Blocks of one foreign key and the block of each parent row.
type Learned = (TableId, ForeignKeyId, Blocks, Vec<u16>);

/// Learns the links of all tables and puts their tokens into the encoded rows of children and parents.
pub(super) fn learn(options: FitOptions<'_>, encoded: &mut [Option<Encoded>]) {
    let FitOptions { schema, plan, snapshot, .. } = options;
    let mut anchors: Vec<Vec<(ForeignKeyId, Anchor)>> =
        (0..encoded.len()).map(|index| find_anchors(schema, plan, snapshot, TableId(index))).collect();
    let learned = if options.config.links == LinkMethod::Blocks {
        learn_blocks(options, encoded, &anchors)
    } else {
        Vec::new()
    };
    for index in 0..encoded.len() {
        let id = TableId(index);
        let (Some(table), Some(rows)) = (encoded[index].as_mut(), snapshot.table(id)) else { continue };
        let copied = plan.table(id).is_copied();
        let context = plan.table(id).context;
        table.facts.anchors = std::mem::take(&mut anchors[index]);
        let mut given = EncodedTable::empty(rows.data.row_count);
        for (fk, role) in plan.table(id).links.iter().enumerate() {
            if !matches!(role, LinkRole::Link | LinkRole::SelfReference | LinkRole::Deferred) {
                continue;
            }
            let foreign_key = ForeignKeyId(fk);
            let key = &schema.table(id).foreign_keys[fk];
            if key.when().is_some() {
                // The row's own values say if it is bound.
                continue;
            }
            let present = &rows.present[fk];
            let parents = &rows.links[fk].parent;
            let found = learned.iter().find(|(child, link, ..)| *child == id && *link == foreign_key);
            let drawn = *role == LinkRole::Link && !copied && options.config.links == LinkMethod::Blocks;
            let same_table =
                context.filter(|context| schema.table(id).foreign_keys[context.0].parent == key.parent);
            let link = LinkTokens {
                foreign_key,
                presence: present.iter().any(|present| !present),
                blocks: found.map(|(_, _, blocks, _)| blocks.clone()),
                repeats: if drawn && context.is_some() {
                    Repeats::fit(&rows.families, parents)
                } else {
                    Repeats::Free
                },
                apart: drawn
                    && same_table.is_some_and(|context| never_equal(parents, &rows.links[context.0].parent)),
                runs: (drawn && rows.panel == Some(foreign_key)).then(|| Runs::fit(&rows.families, parents)),
            };
            let blocks: Vec<Option<u16>> = match found {
                Some((.., of_parents)) => parents
                    .iter()
                    .map(|parent| (*parent != NO_ROW).then(|| of_parents[*parent as usize]))
                    .collect(),
                None => Vec::new(),
            };
            let again = repeated(&rows.families, parents);
            for (column, tokens) in
                link.sub_columns(&key.name).into_iter().zip(link.encode(present, &blocks, &again))
            {
                given.push(column, tokens);
            }
            table.facts.links.push(link);
        }
        table.given = given.beside(std::mem::replace(&mut table.given, EncodedTable::empty(0)));
    }
    let cohorts = learn_cohorts(options, encoded);
    for (child, foreign_key, blocks, of_parents) in learned.into_iter().chain(cohorts) {
        let key = &schema.table(child).foreign_keys[foreign_key.0];
        let Some(parent) = encoded[key.parent.0].as_mut() else { continue };
        let columns = blocks.sub_columns(&format!("{}.{}", schema.table(child).name, key.name), false);
        let of_parents: Vec<Option<u16>> = of_parents.into_iter().map(Some).collect();
        for (column, tokens) in columns.iter().zip(blocks.encode(&of_parents)) {
            parent.blocks.push(column.clone(), tokens);
        }
        parent.facts.blocks.push(ParentBlocks { child, foreign_key, columns });
    }
}

fn never_equal(left: &[u32], right: &[u32]) -> bool {
    let mut both = left.iter().zip(right).filter(|(l, r)| **l != NO_ROW && **r != NO_ROW);
    both.clone().count() >= LEAST_APART && both.all(|(l, r)| l != r)
}

fn learn_blocks(
    options: FitOptions<'_>,
    encoded: &[Option<Encoded>],
    anchors: &[Vec<(ForeignKeyId, Anchor)>],
) -> Vec<Learned> {
    let FitOptions { schema, plan, snapshot, config, .. } = options;
    let known: Vec<Option<EncodedTable>> = encoded
        .iter()
        .map(|table| table.as_ref().map(|table| table.attributes().beside(table.counts.clone())))
        .collect();
    let wanted: Vec<(TableId, ForeignKeyId)> = plan
        .order()
        .filter(|id| plan.table(*id).mode == TableMode::Synthesize)
        .flat_map(|id| {
            let links = plan.table(id).links.iter().enumerate();
            links
                .filter(|(_, role)| **role == LinkRole::Link)
                .map(move |(index, _)| (id, ForeignKeyId(index)))
                .collect::<Vec<_>>()
        })
        .collect();
    wanted
        .into_par_iter()
        .filter_map(|(id, fk)| {
            let rows = snapshot.table(id)?;
            let table = schema.table(id);
            let context = plan.table(id).context;
            let others = (0..table.foreign_keys.len()).filter(|other| {
                *other != fk.0
                    && plan.table(id).links[*other] == LinkRole::Link
                    && context.map(|context| context.0) != Some(*other)
            });
            let peers: Vec<Peer<'_>> = context
                .map(|context| context.0)
                .into_iter()
                .chain(others)
                .filter_map(|other| {
                    let rows_of = known[table.foreign_keys[other].parent.0].as_ref()?;
                    Some(Peer { rows: rows_of, index: &rows.links[other].parent })
                })
                .collect();
            let children = encoded[id.0].as_ref()?.attributes();
            let parents = known[table.foreign_keys[fk.0].parent.0].as_ref()?;
            let anchored = anchors[id.0].iter().find(|(link, _)| *link == fk);
            let most = anchored.map_or(usize::MAX, |(_, anchor)| {
                let above = ancestors(options, table.foreign_keys[fk.0].parent, anchor.link_depth);
                parents.row_count / above.max(1) / 2
            });
            let evidence = BlockEvidence {
                most,
                parents,
                links: &rows.links[fk.0].parent,
                children: &children,
                peers: &peers,
            };
            let name = format!("blocks/{}/{}", table.name, table.foreign_keys[fk.0].name);
            let (blocks, of_parents) = Blocks::fit(evidence, &mut config.seed.stream(&name, 0))?;
            Some((id, fk, blocks, of_parents))
        })
        .collect()
}

/// Of what kind the families of each context parent are.
fn learn_cohorts(options: FitOptions<'_>, encoded: &[Option<Encoded>]) -> Vec<Learned> {
    let FitOptions { schema, plan, snapshot, config, .. } = options;
    let relational = config.generator == GeneratorKind::Relational;
    let deprived =
        matches!(config.ablation, Some(Ablation::NoCohorts | Ablation::IidChildren | Ablation::ParentOnly));
    if !relational || deprived {
        return Vec::new();
    }
    let children: Vec<(TableId, ForeignKeyId)> = plan
        .order()
        .filter(|id| plan.table(*id).mode == TableMode::Synthesize)
        .filter_map(|id| Some((id, plan.table(id).context?)))
        .collect();
    children
        .into_par_iter()
        .filter_map(|(id, fk)| {
            let table = schema.table(id);
            let key = &table.foreign_keys[fk.0];
            let rows = snapshot.table(id)?;
            // A family of which no row was read looks like one without rows.
            let drawn = key.parent != id && !plan.table(key.parent).is_copied();
            if !drawn || !rows.known_families.iter().all(|known| *known) {
                return None;
            }
            let evidence = CohortEvidence {
                parents: &encoded[key.parent.0].as_ref()?.attributes(),
                children: &encoded[id.0].as_ref()?.own,
                families: &rows.families,
            };
            let name = format!("cohorts/{}/{}", table.name, key.name);
            let (cohorts, of_parents) = cohorts(evidence, &mut config.seed.stream(&name, 0))?;
            Some((id, fk, cohorts, of_parents))
        })
        .collect()
}

/// Ancestors of a table's rows `depth` context keys up.
fn ancestors(options: FitOptions<'_>, table: TableId, depth: usize) -> usize {
    let FitOptions { schema, plan, snapshot, .. } = options;
    let mut above = table;
    for _ in 0..depth {
        let Some(context) = plan.table(above).context else { break };
        above = schema.table(above).foreign_keys[context.0].parent;
    }
    snapshot.table(above).map_or(0, |rows| rows.data.row_count)
}

/// The links of a table's rows, where they are known, as its tokens need them.
#[must_use]
pub fn blocks_of(links: &Links, of_parents: &[Option<u16>]) -> Vec<Option<u16>> {
    links.parent.iter().map(|parent| of_parents.get(*parent as usize).copied().flatten()).collect()
}
