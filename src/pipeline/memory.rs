//! Keeps a run within the memory that it may use.

use std::borrow::Cow;

use crate::{
    config::Config,
    error::Error,
    finding::Finding,
    pipeline::Planned,
    plan::{MemoryEstimate, memory_to_generate, memory_to_learn},
};

/// Fewest rows of a table that are learned from for want of memory.
const LEAST_ROWS: u64 = 1000;

/// What a run that learns and writes needs.
pub(super) fn to_learn_and_write(planned: &Planned, training_rows: u64) -> MemoryEstimate {
    let Planned { schema, plan, real_rows, target_rows, .. } = planned;
    MemoryEstimate {
        learning: Some(memory_to_learn(schema, plan, real_rows, training_rows)),
        generating: memory_to_generate(schema, plan, target_rows),
    }
}

/// Learns from fewer rows, if the memory that may be used does not hold all that would be learned from.
///
/// # Errors
/// [`Error::Memory`] if even few rows are too many.
pub(super) fn within<'a>(config: &'a Config, planned: &mut Planned) -> Result<Cow<'a, Config>, Error> {
    let private = config.privacy.epsilon.is_some();
    let wanted = if private { u64::MAX } else { config.training_rows };
    planned.memory = to_learn_and_write(planned, wanted);
    let Some(limit) = config.memory.filter(|limit| planned.memory.learning > Some(*limit)) else {
        return Ok(Cow::Borrowed(config));
    };
    let fits = |rows: u64| to_learn_and_write(planned, rows).learning <= Some(limit);
    let most = planned.real_rows.iter().copied().max().unwrap_or(0).min(wanted);
    if private || !fits(LEAST_ROWS) {
        let needed = planned.memory.learning.unwrap_or(0);
        return Err(Error::Memory { limit, needed: Some(needed) });
    }
    let (mut low, mut high) = (LEAST_ROWS, most.max(LEAST_ROWS));
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if fits(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    planned.memory = to_learn_and_write(planned, low);
    let what = format!("{wanted} rows of each table do not fit into the memory that may be used");
    let finding = Finding::note("training-rows-lowered", what);
    planned.findings.push(
        finding
            .instead(format!("at most {low} rows of a table are learned from"))
            .remedy("a higher --memory learns from more"),
    );
    Ok(Cow::Owned(Config { training_rows: low, ..config.clone() }))
}
