//! What protection counts and what it costs: entities, not rows.
//!
//! An entity is a row of a root table (a customer) with everything below it; [`crate::plan::EntityPath`] says which
//! table that is and which foreign key leads there. [`Entities`] holds the entity of every row, a [`Guard`] says
//! how many distinct ones must share a value before anything keeps it, an [`Accountant`] what a differentially private
//! run has spent.

mod accountant;
mod entities;
mod guard;
mod kept;
mod ledger;
#[cfg(test)]
mod tests;
mod uniques;

pub use accountant::{AccountError, Accountant, Guarantee, Mechanism};
pub use entities::{Entities, EntityMap, map, map_links};
pub use guard::{Guard, Owned, Support, entities, inner};
pub use kept::{Kept, KeptKind};
pub use ledger::{Contribution, GroupLedger, Ledger, Looks, OUTSIDE, Purpose, SPLIT};
pub use uniques::SampleUniques;
