//! Values of flags: how they are written.

use clap::ValueEnum;

use crate::config::{AuditLevel, FileFormat, GeneratorKind, LinkMethod, OnDrift, SchemaMode};

impl ValueEnum for AuditLevel {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Cheap, Self::Full, Self::Off]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        use clap::builder::PossibleValue;
        Some(match self {
            Self::Cheap => PossibleValue::new("cheap").help("Samples, a few seconds"),
            Self::Full => PossibleValue::new("full").help("Larger samples and one more attack"),
            Self::Off => PossibleValue::new("off").help("Nothing; no entity is held out"),
        })
    }
}

impl ValueEnum for FileFormat {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Parquet, Self::Csv, Self::Sql]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.word()))
    }
}

impl ValueEnum for SchemaMode {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Swap, Self::Create, Self::Replace]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        use clap::builder::PossibleValue;
        Some(match self {
            Self::Swap => {
                PossibleValue::new("swap").help("Replace what dbsynth made, in one step at the end")
            }
            Self::Create => PossibleValue::new("create").help("Refuse a target that holds anything"),
            Self::Replace => PossibleValue::new("replace").help("Replace whatever is there"),
        })
    }
}

impl ValueEnum for OnDrift {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Report, Self::Fail]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        use clap::builder::PossibleValue;
        Some(match self {
            Self::Report => PossibleValue::new("report").help("Go on, and report it"),
            Self::Fail => PossibleValue::new("fail").help("Stop before anything is learnt or written"),
        })
    }
}

impl ValueEnum for LinkMethod {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Blocks, Self::Stubs]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(match self {
            Self::Blocks => "blocks",
            Self::Stubs => "stubs",
        }))
    }
}

impl ValueEnum for GeneratorKind {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Relational, Self::Independent, Self::Flattened]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        use clap::builder::PossibleValue;
        Some(match self {
            Self::Relational => PossibleValue::new("relational").help("Rows under their relations"),
            Self::Independent => PossibleValue::new("independent").help("Baseline: every table by itself"),
            Self::Flattened => {
                PossibleValue::new("flattened").help("Baseline: parent and child in one flat table")
            }
        })
    }
}

pub(super) fn table_column(text: &str) -> Result<(String, String), String> {
    match text.rsplit_once('.') {
        Some((table, column)) if !table.is_empty() && !column.is_empty() => {
            Ok((table.to_owned(), column.to_owned()))
        }
        _ => Err("write it as TABLE.COLUMN, for example orders.status".to_owned()),
    }
}

pub(super) fn table_rows(text: &str) -> Result<(String, u64), String> {
    let (table, rows) = text.rsplit_once('=').ok_or("write it as TABLE=N, for example orders=500")?;
    let rows = rows.replace('_', "").parse().map_err(|_| format!("`{rows}` is no number of rows"))?;
    if table.is_empty() { Err("no table before the `=`".to_owned()) } else { Ok((table.to_owned(), rows)) }
}
