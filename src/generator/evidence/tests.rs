use std::sync::Arc;

use super::{Counted, Evidence, Source, choose};
use crate::{
    codec::{EncodedTable, SubColumn},
    conditioning::{Conditioning, Message, MessageSource, Per},
    data::Families,
    generator::{batches::Reader, network::Shape, settings::Settings, train::marginals},
};

const SHOPS: u16 = 40;
const SALES: usize = 4_000;

fn table(columns: &[(&str, u16)], tokens: Vec<Vec<u16>>) -> EncodedTable {
    let sub_columns = columns.iter().map(|(name, size)| SubColumn {
        name: (*name).to_owned(),
        size: *size,
        scalars: Vec::new(),
        counts_children: false,
        one_hot: true,
    });
    let row_count = tokens[0].len();
    EncodedTable { sub_columns: sub_columns.collect(), tokens, row_count }
}

/// Sales linked to shops, which have a name of their own and one of four kinds. The currency of a sale follows the
/// kind of its shop, and the clerk the shop itself.
fn sales(copied: bool) -> Vec<Vec<Evidence>> {
    let shop = |row: usize| (row * 7 % usize::from(SHOPS)) as u16;
    let kind = |shop: u16| shop / 3 % 4;
    let shops =
        table(&[("name", SHOPS), ("kind", 4)], vec![(0..SHOPS).collect(), (0..SHOPS).map(kind).collect()]);
    let rows = table(
        &[("currency", 4), ("clerk", 5)],
        vec![
            (0..SALES).map(|row| kind(shop(row))).collect(),
            (0..SALES).map(|row| shop(row) * 11 % 5).collect(),
        ],
    );
    let conditioning = Conditioning {
        families: Families::singletons(SALES),
        has_siblings: false,
        messages: vec![Message {
            name: "shop".to_owned(),
            per: Per::Row,
            via: None,
            copied,
            source: MessageSource::Row {
                table: Arc::new(shops),
                index: (0..SALES).map(|row| u32::from(shop(row))).collect(),
            },
        }],
        given: None,
        running: None,
        avoided: None,
    };
    let settings = Settings::for_size(SALES, SALES, 2);
    let shape = Shape::new(&rows.sub_columns, &conditioning, &settings);
    let reader = Reader { shape: &shape, rows: &rows, conditioning: &conditioning };
    choose(Counted { reader, windows: &reader.windows() }, &marginals(&rows))
}

fn reads(evidence: &[Evidence], wanted: usize) -> bool {
    let sources = evidence.iter().flat_map(|one| &one.sources).map(|lookup| lookup.source);
    sources.into_iter().any(|source| matches!(source, Source::Message { column, .. } if column == wanted))
}

#[test]
fn what_one_parent_alone_shows_is_no_evidence_for_others() {
    let evidence = sales(false);

    assert!(reads(&evidence[0], 1) && !reads(&evidence[0], 0), "{evidence:?}");
    assert!(!reads(&evidence[1], 0), "another shop may have that name: {evidence:?}");
}

#[test]
fn parents_that_are_copied_stay_what_they_are() {
    let evidence = sales(true);

    assert!(reads(&evidence[1], 0), "{evidence:?}");
}
