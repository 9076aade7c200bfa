//! The generator's specification, its two baselines, and the fitted generator they share.

use crate::{
    codec::EncodedTable,
    conditioning::Conditioning,
    config::Ablation,
    nn::Parameters,
    nn::Stored,
    progress::{Allowance, Progress},
    seed::Seed,
};

use super::{
    GeneratorError, GeneratorSpec, Restriction, SavedGenerator, TableGenerator, Training, TrainingSet,
    batches::Reader,
    exposure::settle,
    network::{Network, Shape},
    settings::Settings,
    train::{Learnt, learn},
    view::Kind,
};

/// The generator this product is for: token after token, under the messages of its relations and the state of
/// its earlier siblings.
#[derive(Debug, Clone, Default)]
pub struct Autoregressive {
    /// Sizes and rates; `None` chooses them by the table's size.
    pub settings: Option<Settings>,
}

/// Baseline: each row by itself, no relation and no sibling. What a single-table synthesiser makes of a schema.
#[derive(Debug, Clone, Default)]
pub struct Independent {
    /// Sizes and rates; `None` chooses them by the table's size.
    pub settings: Option<Settings>,
}

/// Baseline: the parent's columns joined to each child row, then one table model; siblings do not know of each
/// other.
#[derive(Debug, Clone, Default)]
pub struct Flattened {
    /// Sizes and rates; `None` chooses them by the table's size.
    pub settings: Option<Settings>,
}

macro_rules! spec {
    ($spec:ty, $kind:expr) => {
        impl GeneratorSpec for $spec {
            fn fit_within(
                &self,
                set: &TrainingSet,
                seed: Seed,
                progress: &dyn Progress,
                allowance: &dyn Allowance,
            ) -> Result<Box<dyn TableGenerator>, GeneratorError> {
                fit($kind, self.settings.as_ref(), set, seed, (progress, allowance))
            }
        }
    };
}

spec!(Autoregressive, Kind::Autoregressive);
spec!(Independent, Kind::Independent);
spec!(Flattened, Kind::Flattened);

/// The relational generator without one of its parts.
#[derive(Debug, Clone)]
pub(super) struct Ablated(pub(super) Ablation);

impl GeneratorSpec for Ablated {
    fn fit_within(
        &self,
        set: &TrainingSet,
        seed: Seed,
        progress: &dyn Progress,
        allowance: &dyn Allowance,
    ) -> Result<Box<dyn TableGenerator>, GeneratorError> {
        let kind = match self.0 {
            Ablation::IidChildren => Kind::IidChildren,
            Ablation::ParentOnly => Kind::ParentOnly,
            Ablation::NoSiblings => Kind::NoSiblings,
            // Their tokens are missing already.
            Ablation::NoCohorts | Ablation::CoarseTokens => Kind::Autoregressive,
            Ablation::NoNoise => {
                let settings = Settings { corruption: 0.0, ..settings_for(set) };
                return fit(Kind::Autoregressive, Some(&settings), set, seed, (progress, allowance));
            }
        };
        fit(kind, None, set, seed, (progress, allowance))
    }
}

/// A fitted generator.
#[derive(Debug)]
pub(super) struct Fitted {
    pub(super) kind: Kind,
    pub(super) settings: Settings,
    pub(super) shape: Shape,
    pub(super) network: Network,
    pub(super) weights: Stored,
    pub(super) training: Training,
}

fn fit(
    kind: Kind,
    settings: Option<&Settings>,
    set: &TrainingSet,
    seed: Seed,
    listeners: (&dyn Progress, &dyn Allowance),
) -> Result<Box<dyn TableGenerator>, GeneratorError> {
    let failed = |source| GeneratorError::Tensor { table: set.name.clone(), source };
    let conditioning = kind.view(&set.conditioning);
    check_counts(&set.name, &conditioning)?;
    if conditioning.families.row_count() != set.rows.row_count {
        let detail =
            format!("families hold {} rows, not {}", conditioning.families.row_count(), set.rows.row_count);
        return Err(GeneratorError::Mismatch { table: set.name.clone(), detail });
    }
    let settings = settings.cloned().unwrap_or_else(|| settings_for(set));
    tracing::debug!(table = set.name, ?settings, "settings");
    let shape =
        Shape::new(&set.rows.sub_columns, &conditioning, &settings).with_series_of(&set.rows, &conditioning);
    let reader = Reader { shape: &shape, rows: &set.rows, conditioning: &conditioning };
    let Learnt { weights, evidence, training } =
        learn(set, reader, &settings, seed, listeners).map_err(failed)?.ok_or(GeneratorError::Interrupted)?;
    let shape = Shape { evidence, ..shape };
    let fitted = Fitted { training, ..Fitted::new(kind, settings, shape, weights).map_err(failed)? };
    let fitted = settle(fitted, &conditioning, &set.rows, (seed, &set.name)).map_err(failed)?;
    Ok(Box::new(fitted))
}

fn settings_for(set: &TrainingSet) -> Settings {
    let families = &set.conditioning.families;
    let filled = (0..families.len()).filter(|family| !families.rows(*family).is_empty()).count();
    Settings::for_size(set.rows.row_count, filled, set.rows.sub_columns.len())
}

impl Fitted {
    /// Builds the network from weights at rest.
    pub(super) fn new(
        kind: Kind,
        settings: Settings,
        shape: Shape,
        weights: Stored,
    ) -> candle_core::Result<Self> {
        let mut parameters = Parameters::Stored(weights);
        let mut network = Network::new(&shape, &mut parameters, &[])?;
        (network.heads, network.output) = network.heads.folded(&network.output)?;
        let Parameters::Stored(weights) = parameters else {
            return Err(candle_core::Error::Msg("stored weights became trainable".to_owned()));
        };
        Ok(Self { kind, settings, shape, network, weights, training: Training::default() })
    }
}

impl TableGenerator for Fitted {
    fn sample(&self, given: &Conditioning, seed: Seed, name: &str) -> Result<EncodedTable, GeneratorError> {
        self.draw(given, seed, name, None)
    }

    fn sample_under(
        &self,
        given: &Conditioning,
        seed: Seed,
        name: &str,
        restriction: &Restriction<'_>,
    ) -> Result<EncodedTable, GeneratorError> {
        let (asked, held) = (restriction.limits.len(), self.shape.sub_columns.len());
        if asked != held {
            let detail = format!("{asked} sub-columns are restricted, not {held}");
            return Err(GeneratorError::Mismatch { table: name.to_owned(), detail });
        }
        self.draw(given, seed, name, Some(restriction))
    }

    fn training(&self) -> Training {
        self.training
    }

    fn save(&self) -> SavedGenerator {
        super::save::save(self)
    }
}

impl Fitted {
    fn draw(
        &self,
        given: &Conditioning,
        seed: Seed,
        name: &str,
        restriction: Option<&Restriction<'_>>,
    ) -> Result<EncodedTable, GeneratorError> {
        let conditioning = self.kind.view(given);
        self.check(name, &conditioning)?;
        super::sample::sample(self, &conditioning, seed, name, restriction)
            .map_err(|source| GeneratorError::Tensor { table: name.to_owned(), source })
    }

    fn check(&self, name: &str, conditioning: &Conditioning) -> Result<(), GeneratorError> {
        check_counts(name, conditioning)?;
        let mismatch = |detail| Err(GeneratorError::Mismatch { table: name.to_owned(), detail });
        let now = Shape::new(&self.shape.sub_columns, conditioning, &self.settings);
        if now.siblings.is_some() != self.shape.siblings.is_some() {
            return mismatch("siblings are known on one side only".to_owned());
        }
        if now.given != self.shape.given {
            return mismatch("other columns are decided beforehand".to_owned());
        }
        let (trained, asked) = (&self.shape.context.messages, &now.context.messages);
        if trained.len() != asked.len() {
            return mismatch(format!("{} relations instead of {}", asked.len(), trained.len()));
        }
        match trained.iter().zip(asked).find(|(trained, asked)| trained != asked) {
            Some((trained, asked)) if trained.name != asked.name => {
                mismatch(format!("relation {} instead of {}", asked.name, trained.name))
            }
            Some((trained, _)) => mismatch(format!("relation {} has another shape", trained.name)),
            None => Ok(()),
        }
    }
}

fn check_counts(name: &str, conditioning: &Conditioning) -> Result<(), GeneratorError> {
    let mismatch = |detail| Err(GeneratorError::Mismatch { table: name.to_owned(), detail });
    let (families, rows) = (conditioning.families.len(), conditioning.families.row_count());
    for message in &conditioning.messages {
        let entries = if message.per == crate::conditioning::Per::Family { families } else { rows };
        if let Some(detail) = message.fault(entries) {
            return mismatch(detail);
        }
    }
    match &conditioning.given {
        Some(given) if given.row_count != rows => {
            mismatch(format!("{} rows are decided beforehand, not {rows}", given.row_count))
        }
        _ => Ok(()),
    }
}
