//! What a condition leaves of one column: a set of values, closed under "and".

use arrow_array::{Array, ArrayRef, cast::AsArray, types};
use arrow_schema::{DataType as ArrowType, TimeUnit};

/// The values a condition leaves to a column. All but [`Limit::Null`] leave out null, as in SQL.
#[derive(Debug, Clone, PartialEq)]
pub enum Limit {
    /// Null and nothing else.
    Null,
    /// Any value.
    Present,
    /// Whole numbers, days since 1970 or microseconds in one of these ranges: ascending, disjoint, both ends
    /// included.
    Whole(Vec<(i64, i64)>),
    /// Floats in one of these ranges: as [`Limit::Whole`].
    Floats(Vec<(f64, f64)>),
    /// Booleans.
    Booleans {
        /// True may be.
        yes: bool,
        /// False may be.
        no: bool,
    },
    /// Texts: one of `only` where given, none of `except`.
    Texts {
        /// The only ones; `None` if there is no such list.
        only: Option<Vec<String>>,
        /// Those that may not be.
        except: Vec<String>,
        /// True if the column's collation ignores case.
        fold_case: bool,
    },
}

impl Limit {
    /// What both leave; `None` if that is nothing.
    #[must_use]
    pub fn and(self, other: Self) -> Option<Self> {
        let both = match (self, other) {
            (Self::Null, Self::Null) => Self::Null,
            (Self::Null, _) | (_, Self::Null) => return None,
            (Self::Present, limit) | (limit, Self::Present) => limit,
            (Self::Whole(a), Self::Whole(b)) => Self::Whole(overlaps(&a, &b)),
            (Self::Floats(a), Self::Floats(b)) => Self::Floats(overlaps(&a, &b)),
            (Self::Booleans { yes, no }, Self::Booleans { yes: also_yes, no: also_no }) => {
                Self::Booleans { yes: yes && also_yes, no: no && also_no }
            }
            (
                Self::Texts { only, mut except, fold_case },
                Self::Texts { only: also_only, except: also_except, .. },
            ) => {
                except.extend(also_except);
                let only = match (only, also_only) {
                    (Some(mut only), Some(also)) => {
                        only.retain(|text| also.iter().any(|other| same(text, other, fold_case)));
                        Some(only)
                    }
                    (only, also) => only.or(also),
                };
                let only = only.map(|mut only| {
                    only.retain(|text| !except.iter().any(|other| same(text, other, fold_case)));
                    only
                });
                Self::Texts { only, except, fold_case }
            }
            _ => return None,
        };
        (!both.is_nothing()).then_some(both)
    }

    /// True if no value is left.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Null | Self::Present => false,
            Self::Whole(ranges) => ranges.is_empty(),
            Self::Floats(ranges) => ranges.is_empty(),
            Self::Booleans { yes, no } => !yes && !no,
            Self::Texts { only, .. } => only.as_ref().is_some_and(Vec::is_empty),
        }
    }

    /// True if a text may be.
    #[must_use]
    pub fn allows_text(&self, text: &str) -> bool {
        match self {
            Self::Present => true,
            Self::Texts { only, except, fold_case } => {
                let among = |list: &[String]| list.iter().any(|known| same(known, text, *fold_case));
                only.as_ref().is_none_or(|only| among(only)) && !among(except)
            }
            _ => false,
        }
    }

    /// True if a boolean may be.
    #[must_use]
    pub fn allows_boolean(&self, value: bool) -> bool {
        match self {
            Self::Present => true,
            Self::Booleans { yes, no } => {
                if value {
                    *yes
                } else {
                    *no
                }
            }
            _ => false,
        }
    }

    /// True if a whole number (days, microseconds) may be.
    #[must_use]
    pub fn allows_whole(&self, value: i64) -> bool {
        match self {
            Self::Present => true,
            Self::Whole(ranges) => ranges.iter().any(|(low, high)| (*low..=*high).contains(&value)),
            _ => false,
        }
    }

    /// True if a float may be.
    #[must_use]
    pub fn allows_float(&self, value: f64) -> bool {
        match self {
            Self::Present => true,
            Self::Floats(ranges) => ranges.iter().any(|(low, high)| (*low..=*high).contains(&value)),
            _ => false,
        }
    }

    /// True if a value of an array may be.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn allows(&self, values: &ArrayRef, row: usize) -> bool {
        if values.is_null(row) || *self == Self::Null {
            return values.is_null(row) && *self == Self::Null;
        }
        match values.data_type() {
            ArrowType::Boolean => self.allows_boolean(values.as_boolean().value(row)),
            ArrowType::Int64 => self.allows_whole(values.as_primitive::<types::Int64Type>().value(row)),
            ArrowType::Date32 => {
                self.allows_whole(i64::from(values.as_primitive::<types::Date32Type>().value(row)))
            }
            ArrowType::Time64(TimeUnit::Microsecond) => {
                self.allows_whole(values.as_primitive::<types::Time64MicrosecondType>().value(row))
            }
            ArrowType::Timestamp(TimeUnit::Microsecond, _) => {
                self.allows_whole(values.as_primitive::<types::TimestampMicrosecondType>().value(row))
            }
            ArrowType::Float64 => self.allows_float(values.as_primitive::<types::Float64Type>().value(row)),
            ArrowType::Utf8 => self.allows_text(values.as_string::<i32>().value(row)),
            _ => *self == Self::Present,
        }
    }
}

fn same(a: &str, b: &str, fold_case: bool) -> bool {
    a == b || fold_case && a.to_lowercase() == b.to_lowercase()
}

/// The ranges that two ascending lists of ranges share.
fn overlaps<T: PartialOrd + Copy>(a: &[(T, T)], b: &[(T, T)]) -> Vec<(T, T)> {
    let mut shared = Vec::new();
    for (low, high) in a {
        for (other_low, other_high) in b {
            let from = if low > other_low { *low } else { *other_low };
            let to = if high < other_high { *high } else { *other_high };
            if from <= to {
                shared.push((from, to));
            }
        }
    }
    shared
}
