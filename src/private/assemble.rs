//! Puts drawn rows together: links, families, values, as a snapshot that everything downstream learns from.

use std::collections::BTreeMap;

use super::{
    PrivateOptions,
    axis::Item,
    draw::{Drawn, any_row, draw, present, values},
    group::LearnedGroup,
    lineage::Lineage,
    shape::Made,
    table::{LearnedTable, Subject},
};
use crate::{
    data::{Families, Links, NO_ROW, TableData, bound_rows},
    plan::LinkRole,
    privacy::Guard,
    schema::{ColumnId, ForeignKeyId, TableId},
    seed::Stream,
    semantic::RowWriter,
    snapshot::{Snapshot, TableSnapshot},
};

/// Draws a whole snapshot.
pub(super) fn assemble(
    real: &Snapshot,
    options: PrivateOptions<'_>,
    lineages: &[Option<Lineage>],
    groups: &BTreeMap<TableId, LearnedGroup>,
) -> Snapshot {
    let tables = real.tables.len();
    let mut maker = Maker { options, drawn: vec![None; tables], tables: (0..tables).map(|_| None).collect() };
    for id in options.plan.order() {
        let Some(rows) = real.table(id) else { continue };
        let learned = lineages[id.0].and_then(|lineage| Some((lineage, groups.get(&lineage.root)?)));
        maker.tables[id.0] = match learned {
            Some((lineage, group)) => group.tables.get(&id).map(|_| maker.make(id, lineage, group)),
            None => Some(maker.copy(id, rows)),
        };
    }
    maker.close();
    Snapshot { tables: maker.tables }
}

struct Maker<'a> {
    options: PrivateOptions<'a>,
    drawn: Vec<Option<Drawn>>,
    tables: Vec<Option<TableSnapshot>>,
}

impl Maker<'_> {
    fn stream(&self, what: &str, id: TableId) -> Stream {
        self.options.secret.stream(&format!("private/draw/{what}/{}", self.options.schema.table(id).name))
    }

    fn rows_of(&self, id: TableId) -> usize {
        self.tables[id.0].as_ref().map_or(0, |table| table.data.row_count)
    }

    /// Share of the rows there would be that are drawn.
    fn share(&self, group: &LearnedGroup) -> f64 {
        let most = group.tables.values().map(|table| table.expected).fold(1.0, f64::max);
        (self.options.rows as f64 / most).min(1.0)
    }

    fn make(&mut self, id: TableId, lineage: Lineage, group: &LearnedGroup) -> TableSnapshot {
        let schema = self.options.schema;
        let plan = self.options.plan.table(id);
        let table = schema.table(id);
        let learned = &group.tables[&id];
        let kept = 1.0 - (self.options.held_out)(lineage.root);
        let share = self.share(group);
        let mut random = self.stream("rows", id);
        let drawn = match lineage.above {
            None => {
                let rows = (group.entities * share).round() as usize;
                draw(learned, None, &vec![NO_ROW; rows], &mut random)
            }
            Some((_, parent)) => {
                let nobody = Drawn::default();
                let above = self.drawn[parent.0].as_ref().unwrap_or(&nobody);
                let upper = &group.tables[&parent];
                let counts = above.children(upper, id, &mut random);
                let parents = (0_u32..).zip(counts).flat_map(|(row, count)| (0..count).map(move |_| row));
                draw(learned, Some((upper, above)), &parents.collect::<Vec<_>>(), &mut random)
            }
        };
        let mut links: Vec<Links> = (0..table.foreign_keys.len())
            .map(|key| self.links(id, ForeignKeyId(key), lineage, (learned, &drawn)))
            .collect();

        // Families stand together, rows without a parent behind them.
        let context = plan.context.map(|key| (key, table.foreign_keys[key.0].parent));
        let mut order: Vec<u32> = (0..drawn.rows() as u32).collect();
        if let Some((key, _)) = context {
            order.sort_by_key(|row| links[key.0].parent[*row as usize]);
        }
        let drawn = drawn.sorted(&order);
        for links in &mut links {
            links.parent = order.iter().map(|row| links.parent[*row as usize]).collect();
        }
        let data = self.values(id, learned, &drawn);
        for (index, fk) in table.foreign_keys.iter().enumerate() {
            if plan.links[index] == LinkRole::Conditional {
                let bound = bound_rows(table, fk, &data).unwrap_or_default();
                let parents = self.rows_of(fk.parent);
                let mut random = self.stream(&format!("links/{}", fk.name), id);
                let parent = (0..data.row_count).map(|row| match bound.get(row) {
                    Some(true) => any_row(parents, &mut random),
                    _ => NO_ROW,
                });
                links[index] = Links { parent: parent.collect() };
            }
        }
        let (families, parent_count) = match context {
            Some((key, parent)) => {
                let parents = self.rows_of(parent);
                let mut counts = links[key.0].fan_out(parents);
                let orphans = links[key.0].parent.iter().filter(|parent| **parent == NO_ROW).count();
                counts.extend(std::iter::repeat_n(1, orphans));
                (Families::from_counts(&counts), parents)
            }
            None => (Families::singletons(data.row_count), 0),
        };
        let orphans = families.len() - if context.is_some() { parent_count } else { families.len() };
        self.drawn[id.0] = Some(drawn);
        TableSnapshot {
            total_rows: (data.row_count as f64 / share / kept).round() as u64,
            orphan_share: orphans as f64 / data.row_count.max(1) as f64,
            known_families: vec![true; parent_count],
            present: Vec::new(),
            fan_out: Vec::new(),
            dangling: vec![0; table.foreign_keys.len()],
            key_courses: Vec::new(),
            panel: None,
            data,
            families,
            parent_count,
            links,
        }
    }

    /// The parents along a foreign key. Those of tables that come later are drawn at the end.
    fn links(
        &self,
        id: TableId,
        key: ForeignKeyId,
        lineage: Lineage,
        (learned, drawn): (&LearnedTable, &Drawn),
    ) -> Links {
        let fk = &self.options.schema.table(id).foreign_keys[key.0];
        let role = self.options.plan.table(id).links[key.0];
        if lineage.above.is_some_and(|(above, _)| above == key) {
            return Links { parent: drawn.above.clone() };
        }
        if matches!(role, LinkRole::Dangling | LinkRole::Conditional) {
            return Links::absent(drawn.rows());
        }
        let subject = |subject: &Subject| matches!(subject, Subject::Link(known) if *known == key);
        let column = learned.subjects.iter().position(subject);
        let mut random = self.stream(&format!("links/{}", fk.name), id);
        let parents = match role {
            LinkRole::Deferred => 1,
            LinkRole::SelfReference => drawn.rows(),
            _ => self.rows_of(fk.parent),
        };
        let parent = (0..drawn.rows()).map(|row| {
            let item = column.map(|column| learned.axes[column].item(drawn.tokens[column][row]));
            match item {
                Some(None) => NO_ROW,
                Some(Some(Item::Row(parent))) => *parent,
                // A forest: above a row stands an earlier one.
                _ if role == LinkRole::SelfReference && column.is_some() => any_row(row, &mut random),
                _ if role == LinkRole::SelfReference => any_row(row + 1, &mut random),
                _ => any_row(parents, &mut random),
            }
        });
        Links { parent: parent.collect() }
    }

    fn values(&self, id: TableId, learned: &LearnedTable, drawn: &Drawn) -> TableData {
        let table = self.options.schema.table(id);
        let rules = self.options.rules.table(id);
        let mut data = TableData::bare(drawn.rows());
        let mut written = Vec::new();
        let mut flags: Vec<(ColumnId, Vec<bool>)> = Vec::new();
        for (column, subject) in learned.subjects.iter().enumerate() {
            let Subject::Column(shape) = subject else { continue };
            let name = &table.column(shape.column).name;
            let mut random = self.stream(&format!("values/{name}"), id);
            let bounds = rules.bounds(shape.column);
            match (values(table, (learned, column), shape, drawn, bounds, &mut random), &shape.made) {
                (Some(array), _) => data.set(shape.column, array),
                (None, Made::Written(meaning)) => {
                    let unique = table.keys().any(|key| key.columns.contains(&shape.column));
                    written.push((shape.column, meaning.clone(), unique));
                    flags.push((shape.column, present(learned, column, drawn)));
                }
                (None, _) => {}
            }
        }
        if !written.is_empty() {
            let (writer, _) = RowWriter::fit(table, &TableData::bare(0), &written, Guard::OFF);
            let told = writer.tell(&data);
            let texts = writer.complete(&flags, &[], &told, 0, &mut self.stream("texts", id));
            for (column, array) in texts.columns.iter().zip(texts.arrays) {
                data.set(*column, array);
            }
        }
        // In the order of the catalog, as a source is read.
        let mut columns: Vec<_> = data.columns.iter().copied().zip(data.arrays).collect();
        columns.sort_by_key(|(column, _)| *column);
        let (columns, arrays) = columns.into_iter().unzip();
        TableData::new(columns, arrays, drawn.rows())
    }

    /// A copied table: its rows are public, but who they are linked to among others is not.
    fn copy(&self, id: TableId, rows: &TableSnapshot) -> TableSnapshot {
        let schema = self.options.schema;
        let mut copy = rows.clone();
        for (index, fk) in schema.table(id).foreign_keys.iter().enumerate() {
            if self.options.plan.table(fk.parent).is_copied() {
                continue;
            }
            let parents = self.rows_of(fk.parent);
            let mut random = self.stream(&format!("links/{}", fk.name), id);
            let drawn = |parent: &u32| if *parent == NO_ROW { NO_ROW } else { any_row(parents, &mut random) };
            copy.links[index] = Links { parent: rows.links[index].parent.iter().map(drawn).collect() };
        }
        copy
    }

    /// Draws what leads to tables that came later, and counts what every link leads to.
    fn close(&mut self) {
        let schema = self.options.schema;
        for (id, index, fk) in schema.foreign_keys() {
            let parents = self.rows_of(fk.parent);
            let deferred = self.options.plan.table(id).links[index.0] == LinkRole::Deferred;
            let mut random = self.stream(&format!("deferred/{}", fk.name), id);
            let Some(table) = self.tables[id.0].as_mut() else { continue };
            if deferred {
                for parent in table.links[index.0].parent.iter_mut().filter(|parent| **parent != NO_ROW) {
                    *parent = any_row(parents, &mut random);
                }
            }
        }
        for (id, table) in schema.iter() {
            let counts: Vec<usize> = table.foreign_keys.iter().map(|fk| self.rows_of(fk.parent)).collect();
            let Some(rows) = self.tables[id.0].as_mut() else { continue };
            rows.fan_out =
                rows.links.iter().zip(&counts).map(|(links, parents)| links.fan_out(*parents)).collect();
            let set = |links: &Links| links.parent.iter().map(|parent| *parent != NO_ROW).collect();
            rows.present = rows.links.iter().map(set).collect();
        }
    }
}
