//! Links by two towers: one network reads a child row's relations, another a parent row, and the product of their ends
//! says how well the two go together.
//!
//! A child draws parent `p` with probability in proportion to `exp(u·v_p + ln(stubs left of p))`. Learned by a softmax
//! over the parents of a batch, whose scores must be corrected by the log of how often each comes into a batch: that is
//! the log of its children, up to a constant the very term that drawing adds, so both cancel while learning. Source: Yi
//! et al., "Sampling-bias-corrected neural modeling for large corpus item recommendations", RecSys 2019, equations 1 to 5.
//!
//! Dimension letters: `B` rows of a batch, `D` feature width, [`HIDDEN`], [`WIDTH`].

use candle_core::{Device, Result, Tensor};
use serde::{Deserialize, Serialize};

use crate::{
    codec::EncodedTable,
    conditioning::{Conditioning, Per},
    data::NO_ROW,
    nn::{
        AdamW, Dropout, Init, Noise, Outcome, Parameters, Rates, Schedule, Trainee, activate, device, train,
    },
    seed::Stream,
};

/// Units of either tower's hidden layer, and width of its end.
const HIDDEN: usize = 64;
const WIDTH: usize = 32;
/// Rows of a batch: each is compared with the parents of all the others.
const BATCH: usize = 256;
const MAX_STEPS: usize = 3_000;
const MAX_EPOCHS: usize = 30;
const ROUND_STEPS: usize = 50;
/// Fewest linked rows that say anything about who links to whom.
const LEAST_ROWS: usize = 200;
/// One row in so many families is held out to know when to stop.
const HELD_OUT: usize = 10;
/// Siblings whose parents a row looks at, at most.
const SIBLINGS: usize = 32;
/// Keeps a row's comparison out where it has the same parent as the row it would be compared with.
const SAME: f32 = -1e9;

/// What the towers of one foreign key read.
#[derive(Debug, Clone, Copy)]
pub struct TowerEvidence<'a> {
    /// Parent rows, attributes and child counts.
    pub parents: &'a EncodedTable,
    /// What child rows hear before this link is drawn: messages and families.
    pub conditioning: &'a Conditioning,
}

impl TowerEvidence<'_> {
    /// Features of a child row: its messages, then the mean of its siblings' parents and how many there are.
    fn child_width(&self) -> usize {
        self.messages_width() + self.parents.feature_width() + 1
    }

    fn messages_width(&self) -> usize {
        self.conditioning.messages.iter().map(crate::conditioning::Message::width).sum()
    }

    /// Writes a child row's features into `out`; `count` siblings have drawn, `seen` are some of their parents.
    fn write_child(&self, (row, family): (usize, usize), (count, seen): (usize, &[u32]), out: &mut [f32]) {
        let mut offset = 0;
        for message in &self.conditioning.messages {
            let entry = if message.per == Per::Family { family } else { row };
            message.write_features(entry, None, &mut out[offset..offset + message.width()]);
            offset += message.width();
        }
        for parent in seen {
            self.parents.add_features(*parent as usize, 1.0 / seen.len() as f32, &mut out[offset..]);
        }
        out[offset + self.parents.feature_width()] = (count as f32).ln_1p();
    }
}

/// One tower: features `[D]` to hidden units to the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Tower {
    first: Vec<f32>,
    bias: Vec<f32>,
    end: Vec<f32>,
}

impl Tower {
    fn end_of(&self, features: &[f32]) -> Vec<f32> {
        let mut hidden = self.bias.clone();
        add_product(features, &self.first, &mut hidden);
        hidden.iter_mut().for_each(|unit| *unit = unit.max(0.0));
        let mut end = vec![0.0; WIDTH];
        add_product(&hidden, &self.end, &mut end);
        end
    }
}

/// Adds `features` × `weights` to `out`; most features are 0.
fn add_product(features: &[f32], weights: &[f32], out: &mut [f32]) {
    for (feature, weights) in features.iter().zip(weights.chunks_exact(out.len())) {
        if *feature != 0.0 {
            out.iter_mut().zip(weights).for_each(|(out, weight)| *out += feature * weight);
        }
    }
}

/// The fitted towers of one foreign key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TwoTower {
    child: Tower,
    parent: Tower,
}

impl TwoTower {
    /// Learns from child rows whose parent rows are `links`; `None` where there are too few.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn fit(evidence: TowerEvidence<'_>, links: &[u32], random: &mut Stream) -> Result<Option<Self>> {
        let family_of_row = evidence.conditioning.families.parent_of_rows();
        let linked = (0..links.len() as u32).filter(|row| links[*row as usize] != NO_ROW);
        let (held, rows): (Vec<u32>, Vec<u32>) =
            linked.partition(|row| family_of_row[*row as usize] as usize % HELD_OUT == HELD_OUT - 1);
        if rows.len() < LEAST_ROWS {
            return Ok(None);
        }
        let mut parameters = Parameters::fresh(Noise::new(random));
        let network = Network::new(&evidence, &mut parameters)?;
        let mut optimiser = AdamW::new(parameters.into_trainable())?;
        let steps = (rows.len().div_ceil(BATCH) * MAX_EPOCHS).min(MAX_STEPS);
        let mut lesson = Lesson {
            evidence,
            links,
            family_of_row,
            network,
            held,
            at: rows.len(),
            rows,
            noise: Noise::new(random),
        };
        let schedule = Schedule {
            rate: 0.003,
            decay: 0.1,
            average: 0.99,
            round_steps: ROUND_STEPS,
            max_steps: steps,
            patience: 8,
        };
        let Outcome::Trained(mut stored, _) = train(&mut lesson, &mut optimiser, schedule)? else {
            return Ok(None);
        };
        let mut take = |name: &str| stored.remove(name).map(|(_, values)| values).unwrap_or_default();
        let mut tower = |name: &str| Tower {
            first: take(&format!("{name}.first")),
            bias: take(&format!("{name}.bias")),
            end: take(&format!("{name}.end")),
        };
        Ok(Some(Self { child: tower("child"), parent: tower("parent") }))
    }

    /// Gets ready to score the parents of `evidence` for its child rows; `None` if it was learned of others.
    #[must_use]
    pub fn over<'a>(&'a self, evidence: TowerEvidence<'a>) -> Option<TowerScores<'a>> {
        let fits = self.child.first.len() == evidence.child_width() * HIDDEN
            && self.parent.first.len() == evidence.parents.feature_width() * HIDDEN;
        fits.then(|| {
            let mut features = vec![0.0; evidence.parents.feature_width()];
            let ends = (0..evidence.parents.row_count).flat_map(|row| {
                features.fill(0.0);
                evidence.parents.add_features(row, 1.0, &mut features);
                self.parent.end_of(&features)
            });
            let ends = ends.collect();
            let family_of_row = evidence.conditioning.families.parent_of_rows();
            TowerScores { child: &self.child, evidence, family_of_row, ends }
        })
    }
}

/// Scores of concrete parents for concrete child rows.
#[derive(Debug, Clone)]
pub struct TowerScores<'a> {
    child: &'a Tower,
    evidence: TowerEvidence<'a>,
    family_of_row: Vec<u32>,
    /// Ends of the parents' tower, `[P, WIDTH]`.
    ends: Vec<f32>,
}

impl TowerScores<'_> {
    /// The end of a child row's tower, given the parents drawn so far.
    pub(super) fn child(&self, row: usize, drawn: &[u32]) -> Vec<f32> {
        let family = self.family_of_row[row] as usize;
        let siblings = self.evidence.conditioning.families.rows(family);
        let seen: Vec<u32> = drawn[siblings].iter().copied().filter(|parent| *parent != NO_ROW).collect();
        let some: Vec<u32> = seen.iter().copied().step_by(seen.len().div_ceil(SIBLINGS).max(1)).collect();
        let mut features = vec![0.0; self.evidence.child_width()];
        self.evidence.write_child((row, family), (seen.len(), &some), &mut features);
        self.child.end_of(&features)
    }

    /// How well a parent goes with a child row.
    pub(super) fn of(&self, child: &[f32], parent: u32) -> f32 {
        let end = &self.ends[parent as usize * WIDTH..][..WIDTH];
        child.iter().zip(end).map(|(a, b)| a * b).sum()
    }
}

/// The weights while they are learned.
struct Network {
    child: [Tensor; 3],
    parent: [Tensor; 3],
}

impl Network {
    fn new(evidence: &TowerEvidence<'_>, parameters: &mut Parameters) -> Result<Self> {
        let uniform = |fan_in: usize| Init::Uniform((3.0 / fan_in.max(1) as f32).sqrt());
        let mut tower = |name: &str, width: usize, active: usize| -> Result<[Tensor; 3]> {
            Ok([
                parameters.get(&format!("{name}.first"), &[width, HIDDEN], uniform(active))?,
                parameters.get(&format!("{name}.bias"), &[HIDDEN], Init::Uniform(0.1))?,
                // Small at first: no parent is preferred.
                parameters.get(&format!("{name}.end"), &[HIDDEN, WIDTH], Init::Uniform(0.1))?,
            ])
        };
        let active = 2 * evidence.parents.sub_columns.len();
        let messages = 2 * active * evidence.conditioning.messages.len();
        Ok(Self {
            child: tower("child", evidence.child_width(), messages + active)?,
            parent: tower("parent", evidence.parents.feature_width(), active)?,
        })
    }

    fn ends(
        [first, bias, end]: &[Tensor; 3],
        features: &Tensor,
        dropout: &mut Dropout<'_>,
    ) -> Result<Tensor> {
        activate(&features.matmul(first)?.broadcast_add(bias)?, dropout)?.matmul(end)
    }
}

/// The towers in training.
struct Lesson<'a> {
    evidence: TowerEvidence<'a>,
    links: &'a [u32],
    family_of_row: Vec<u32>,
    network: Network,
    rows: Vec<u32>,
    held: Vec<u32>,
    at: usize,
    noise: Noise,
}

impl Lesson<'_> {
    /// Cross entropy of a batch's rows and the parents they have, among the parents of all of them.
    fn loss(&self, rows: &[u32], noise: &mut Noise, learning: bool) -> Result<Tensor> {
        let (count, device) = (rows.len(), device());
        let (child_width, parent_width) =
            (self.evidence.child_width(), self.evidence.parents.feature_width());
        let (mut children, mut parents) = (vec![0.0; count * child_width], vec![0.0; count * parent_width]);
        for (place, row) in rows.iter().map(|row| *row as usize).enumerate() {
            let (siblings, seen) = self.siblings(row, noise);
            let out = &mut children[place * child_width..][..child_width];
            self.evidence.write_child((row, self.family_of_row[row] as usize), (siblings, &seen), out);
            let out = &mut parents[place * parent_width..][..parent_width];
            self.evidence.parents.add_features(self.links[row] as usize, 1.0, out);
        }
        let parent_of = |place: usize| self.links[rows[place] as usize];
        let (mut same, mut own) = (vec![0.0_f32; count * count], vec![0.0_f32; count * count]);
        for row in 0..count {
            own[row * count + row] = 1.0;
            for other in (0..count).filter(|other| *other != row && parent_of(*other) == parent_of(row)) {
                same[row * count + other] = SAME;
            }
        }
        let tensor =
            |values, width| Tensor::from_vec(values, (count, width), &Device::Cpu)?.to_device(&device);
        let mut dropout = if learning { Dropout::On { rate: 0.1, noise } } else { Dropout::Off };
        let children = Network::ends(&self.network.child, &tensor(children, child_width)?, &mut dropout)?;
        let parents = Network::ends(&self.network.parent, &tensor(parents, parent_width)?, &mut dropout)?;
        let scores = (children.matmul(&parents.t()?)? + tensor(same, count)?)?; // [B, B]
        let top = scores.max_keepdim(1)?.detach();
        let whole = (scores.broadcast_sub(&top)?.exp()?.sum_keepdim(1)?.log()? + top)?;
        let right = (scores * tensor(own, count)?)?.sum_keepdim(1)?;
        (whole - right)?.mean_all()
    }

    /// As many siblings as might have drawn before a row, in any order, and the parents of some of them.
    fn siblings(&self, row: usize, noise: &mut Noise) -> (usize, Vec<u32>) {
        let family = self.evidence.conditioning.families.rows(self.family_of_row[row] as usize);
        let count = noise.below(family.len());
        let some = (0..count.min(SIBLINGS)).filter_map(|_| {
            let other = family.start + noise.below(family.len());
            Some(self.links[other]).filter(|parent| other != row && *parent != NO_ROW)
        });
        (count, some.collect())
    }
}

impl Trainee for Lesson<'_> {
    fn step(&mut self, optimiser: &mut AdamW, rates: Rates) -> Result<()> {
        let mut noise = self.noise.clone();
        if self.at + BATCH > self.rows.len() {
            noise.shuffle(&mut self.rows);
            self.at = 0;
        }
        let end = (self.at + BATCH).min(self.rows.len());
        let gradients = self.loss(&self.rows[self.at..end], &mut noise, true)?.backward()?;
        (self.at, self.noise) = (end, noise);
        optimiser.step(&gradients, rates)
    }

    fn validate(&mut self) -> Result<Option<f32>> {
        // The same comparisons every time.
        let mut noise = Noise::new(&mut crate::seed::Seed(0).stream("towers/validation", 0));
        let mut held = self.held.clone();
        noise.shuffle(&mut held);
        let mut losses = Vec::new();
        for rows in held.chunks_exact(BATCH.min(held.len().max(1))).take(20) {
            losses.push(self.loss(rows, &mut noise, false)?.to_scalar::<f32>()?);
        }
        Ok((!losses.is_empty()).then(|| losses.iter().sum::<f32>() / losses.len() as f32))
    }

    fn improved(&mut self) {}

    fn finished_round(&mut self, _: Option<f32>, _: usize) -> bool {
        !crate::progress::interrupted()
    }
}
