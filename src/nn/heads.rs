//! One softmax head per sub-column, side by side: loss and gradients of all of them in one operation.
//!
//! As stock operations this would be a narrow per head, whose backward pass writes a whole zero-padded
//! gradient each time. Here the gradients are worked out together with the loss and handed to the graph.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp3, Device, Error, Layout, Result, Shape, Tensor};

/// The shape of the heads: head `j` reads hidden units `j·H..(j+1)·H` and scores `sizes[j]` tokens.
///
/// A head may have *hints*: `F_j` numbers per row and token known beforehand (was this token seen just now, how
/// often). The head then also outputs one gate per hint, and a token's score grows by gate × hint, summed: copying
/// what was seen takes a handful of weights instead of one per pair of tokens.
#[derive(Debug, Clone)]
pub struct Heads {
    /// Hidden units per head, `H`.
    pub hidden: usize,
    /// Tokens per head, `K_j`.
    pub sizes: Vec<usize>,
    /// Hints per head, `F_j`.
    pub hints: Vec<usize>,
    /// Tables a head reads a line of per row, `M_j`: hints as well, but looked up instead of written out.
    pub tables: Vec<usize>,
    /// Smooth functions over the tokens of a head whose vocabulary has an order, `[B, K_j]` row-major with `B` =
    /// [`BASIS`]; empty for the others. See [`Heads::weight`].
    pub bases: Vec<Vec<f32>>,
}

/// A table of hints, `[lines, K_j]`, and the line each row reads.
#[derive(Debug, Clone)]
pub struct LineHint {
    /// The table, row-major.
    pub table: Arc<Vec<f32>>,
    /// Line per row, or [`LineHint::NONE`].
    pub lines: Vec<u32>,
}

impl LineHint {
    /// Of a row that reads no line.
    pub const NONE: u32 = u32::MAX;

    /// The line row `row` reads of a head with `size` tokens; empty if none.
    fn line(&self, row: usize, size: usize) -> &[f32] {
        let start = self.lines[row] as usize * size;
        self.table.get(start..start + size).unwrap_or_default()
    }
}

/// Smooth functions per ordered vocabulary, `B`.
pub const BASIS: usize = 9;

/// What the heads should say.
#[derive(Debug, Clone, Copy)]
pub struct Targets<'a> {
    /// Tokens, `J` slices of `N`.
    pub tokens: &'a [Vec<u16>],
    /// Hints, `J` slices of `[N, F_j, K_j]`.
    pub hints: &'a [Vec<f32>],
    /// Lines of the heads' tables, `J` slices of `M_j`.
    pub lines: &'a [Vec<LineHint>],
    /// Marginal shares of each head's tokens, `J` slices of `K_j`.
    pub marginals: &'a [Vec<f32>],
    /// Share of the target that is the marginal distribution and not the token (label smoothing).
    pub smoothing: f32,
}

/// Shares of a head's scores that validation tries, the rest being its marginal distribution; see
/// [`Heads::shrunk_losses`].
pub const SHRINKAGES: [f32; 8] = [1.0, 1.15, 1.35, 0.85, 0.7, 0.5, 0.3, 0.0];

impl Heads {
    /// Number of tokens of all heads: `Σ K`.
    #[must_use]
    pub fn token_count(&self) -> usize {
        self.sizes.iter().sum()
    }

    /// Where head `j`'s tokens begin among all tokens.
    #[must_use]
    pub fn token_offset(&self, head: usize) -> usize {
        self.sizes[..head].iter().sum()
    }

    /// Outputs of head `j`: scores of its tokens, then its gates, `K_j + F_j + M_j`.
    #[must_use]
    pub fn width(&self, head: usize) -> usize {
        self.sizes[head] + self.hints[head] + self.tables[head]
    }

    /// Outputs of all heads: `Σ (K + F)`.
    #[must_use]
    pub fn output_count(&self) -> usize {
        self.output_offset(self.sizes.len())
    }

    /// Where head `j`'s outputs begin among all outputs.
    #[must_use]
    pub fn output_offset(&self, head: usize) -> usize {
        (0..head).map(|head| self.width(head)).sum()
    }

    /// Number of output weights: `H · (Σ (K + F) + Σ B)`, the second sum over ordered heads.
    #[must_use]
    pub fn weight_count(&self) -> usize {
        self.hidden
            * (self.output_count() + BASIS * self.bases.iter().filter(|basis| !basis.is_empty()).count())
    }

    /// The smooth functions of head `j`, `[B, K_j + F_j]`, zero for the gates; `None` if its tokens have no order.
    fn basis(&self, head: usize, device: &Device) -> Result<Option<Tensor>> {
        let basis = &self.bases[head];
        if basis.is_empty() {
            return Ok(None);
        }
        let tokens = Tensor::from_slice(basis, (BASIS, self.sizes[head]), device)?;
        tokens.pad_with_zeros(1, 0, self.hints[head] + self.tables[head]).map(Some)
    }

    /// Returns head `j`'s weights, `[H, K_j + F_j]`, from all flat `weights`.
    ///
    /// Where tokens have an order a weight is the sum of one of its own and of a combination of smooth functions
    /// of the token's place (`B` per hidden unit, behind the others): what one token teaches, its neighbours
    /// learn as well. With a weight per token alone, each age or amount is learnt as if it had no neighbours.
    fn weight(&self, weights: &Tensor, head: usize) -> Result<Tensor> {
        let width = self.width(head);
        let own = weights
            .narrow(0, self.hidden * self.output_offset(head), self.hidden * width)?
            .reshape((self.hidden, width))?;
        let Some(basis) = self.basis(head, weights.device())? else { return Ok(own) };
        let ordered = self.bases[..head].iter().filter(|basis| !basis.is_empty()).count();
        let start = self.hidden * (self.output_count() + BASIS * ordered);
        let smooth = weights.narrow(0, start, self.hidden * BASIS)?.reshape((self.hidden, BASIS))?;
        own + smooth.matmul(&basis)?
    }

    /// Sums up the weights per token once and for all: the heads without smooth functions, and their weights.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn folded(&self, weights: &Tensor) -> Result<(Self, Tensor)> {
        let parts = (0..self.sizes.len()).map(|head| self.weight(weights, head)?.flatten_all());
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let weights = if parts.is_empty() { weights.clone() } else { Tensor::cat(&parts, 0)? };
        Ok((Self { bases: vec![Vec::new(); self.sizes.len()], ..self.clone() }, weights))
    }

    /// Returns the outputs of head `j`, `[N, K_j + F_j]` row by row, from its hidden units `[N, H]`; the scores
    /// are complete with their hints.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn outputs(
        &self,
        head: usize,
        hidden: &Tensor,
        (weights, biases): (&Tensor, &Tensor),
        hints: (&[f32], &[LineHint]),
    ) -> Result<Vec<f32>> {
        self.outputs_by(head, hidden, (&self.weight(weights, head)?, biases), hints)
    }

    fn outputs_by(
        &self,
        head: usize,
        hidden: &Tensor,
        (weight, biases): (&Tensor, &Tensor),
        (hints, lines): (&[f32], &[LineHint]),
    ) -> Result<Vec<f32>> {
        let bias = biases.narrow(0, self.output_offset(head), self.width(head))?;
        let mut outputs = hidden.matmul(weight)?.broadcast_add(&bias)?.flatten_all()?.to_vec1::<f32>()?;
        let (size, count) = (self.sizes[head], self.hints[head]);
        let width = self.width(head);
        if count > 0 {
            for (row, hints) in outputs.chunks_exact_mut(width).zip(hints.chunks_exact(size * count)) {
                let (scores, gates) = row.split_at_mut(size);
                for (gate, hints) in gates.iter().zip(hints.chunks_exact(size)) {
                    scores.iter_mut().zip(hints).for_each(|(score, hint)| *score += gate * hint);
                }
            }
        }
        if !lines.is_empty() {
            for (row, outputs) in outputs.chunks_exact_mut(width).enumerate() {
                let (scores, gates) = outputs.split_at_mut(size);
                for (gate, hint) in gates[count..].iter().zip(lines) {
                    scores
                        .iter_mut()
                        .zip(hint.line(row, size))
                        .for_each(|(score, hint)| *score += gate * hint);
                }
            }
        }
        Ok(outputs)
    }

    /// Returns the mean over rows of the cross entropies summed over heads, in nats, as a scalar that knows its
    /// gradients.
    ///
    /// # Shapes
    /// `hidden`: `[N, J·H]`; `weights`: [`Self::weight_count`] numbers, head by head `[H, K_j + F_j]`, then
    /// `[H, B]` of each ordered head; `biases`: `[Σ(K + F)]`.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn loss(
        &self,
        hidden: &Tensor,
        weights: &Tensor,
        biases: &Tensor,
        targets: Targets<'_>,
    ) -> Result<Tensor> {
        let ready = self.ready(hidden, weights, biases, targets)?;
        if hidden.device().is_cpu() {
            hidden.apply_op3(weights, biases, ready)
        } else {
            ready.linear(hidden, weights, biases)
        }
    }

    /// Works out the loss and its gradients.
    fn ready(
        &self,
        hidden: &Tensor,
        weights: &Tensor,
        biases: &Tensor,
        targets: Targets<'_>,
    ) -> Result<Ready> {
        let (fixed_hidden, fixed_weights, fixed_biases) =
            (hidden.detach(), weights.detach(), biases.detach());
        let rows = fixed_hidden.dim(0)?;
        let mut loss = 0.0_f64;
        let mut to_hidden = Vec::with_capacity(self.sizes.len());
        let mut to_weights = Vec::with_capacity(self.weight_count());
        let mut to_smooth: Vec<f32> = Vec::new();
        let mut to_biases = Vec::with_capacity(self.output_count());
        for (head, &size) in self.sizes.iter().enumerate() {
            let units = fixed_hidden.narrow(1, head * self.hidden, self.hidden)?;
            let hints = &targets.hints[head];
            let width = self.width(head);
            let weight = self.weight(&fixed_weights, head)?;
            let lines = &targets.lines[head];
            let mut errors = self.outputs_by(head, &units, (&weight, &fixed_biases), (hints, lines))?;
            let mut slopes = vec![0.0_f32; width];
            for (row, errors) in errors.chunks_exact_mut(width).enumerate() {
                let (scores, gates) = errors.split_at_mut(size);
                loss +=
                    f64::from(row_gradient(scores, usize::from(targets.tokens[head][row]), targets, head));
                let slope = |hints: &[f32]| scores.iter().zip(hints).map(|(score, hint)| score * hint).sum();
                let (dense, looked_up) = gates.split_at_mut(self.hints[head]);
                let hints = hints.get(row * size * dense.len()..).unwrap_or_default();
                for (gate, hints) in dense.iter_mut().zip(hints.chunks_exact(size)) {
                    *gate = slope(hints);
                }
                for (gate, hint) in looked_up.iter_mut().zip(lines) {
                    *gate = slope(hint.line(row, size));
                }
                for (slope, error) in slopes.iter_mut().zip(errors) {
                    *error /= rows as f32;
                    *slope += *error;
                }
            }
            let error = Tensor::from_vec(errors, (rows, width), hidden.device())?;
            to_hidden.push(error.matmul(&weight.t()?)?);
            let to_weight = units.t()?.matmul(&error)?;
            if let Some(basis) = self.basis(head, weights.device())? {
                to_smooth.extend(to_weight.matmul(&basis.t()?)?.flatten_all()?.to_vec1::<f32>()?);
            }
            to_weights.extend(to_weight.flatten_all()?.to_vec1::<f32>()?);
            to_biases.extend(slopes);
        }
        to_weights.extend(to_smooth);
        Ok(Ready {
            loss: (loss / rows.max(1) as f64) as f32,
            to_hidden: Tensor::cat(&to_hidden, 1)?,
            to_weights: Tensor::from_vec(to_weights, weights.shape(), weights.device())?,
            to_biases: Tensor::from_vec(to_biases, biases.shape(), biases.device())?,
        })
    }

    /// The losses of each head, summed over rows, for validation: one per entry of [`SHRINKAGES`]. No gradients, no
    /// smoothing.
    ///
    /// A head's scores `s` shrunk by `a` are `m + a·(s − m)`, where `m` is the log of the token's marginal share: a
    /// head that knows too much of the rows it was trained on is best somewhere between its own opinion and none.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn shrunk_losses(
        &self,
        hidden: &Tensor,
        weights: &Tensor,
        biases: &Tensor,
        targets: Targets<'_>,
        log_marginals: &[Vec<f32>],
    ) -> Result<Vec<[f64; SHRINKAGES.len()]>> {
        let (hidden, weights, biases) = (hidden.detach(), weights.detach(), biases.detach());
        let mut losses = Vec::with_capacity(self.sizes.len());
        for (head, &size) in self.sizes.iter().enumerate() {
            let units = hidden.narrow(1, head * self.hidden, self.hidden)?;
            let outputs = self.outputs(
                head,
                &units,
                (&weights, &biases),
                (&targets.hints[head], &targets.lines[head]),
            )?;
            let marginal = &log_marginals[head];
            let mut sums = [0.0_f64; SHRINKAGES.len()];
            let mut shrunk = vec![0.0; size];
            for (outputs, &token) in outputs.chunks_exact(self.width(head)).zip(&targets.tokens[head]) {
                for (sum, share) in sums.iter_mut().zip(SHRINKAGES) {
                    for ((shrunk, score), marginal) in shrunk.iter_mut().zip(outputs).zip(marginal) {
                        *shrunk = marginal + share * (score - marginal);
                    }
                    *sum += f64::from(cross_entropy(&shrunk, usize::from(token)));
                }
            }
            losses.push(sums);
        }
        Ok(losses)
    }

    /// Adds up each head's probabilities of its tokens over rows.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn add_shares(
        &self,
        hidden: &Tensor,
        (weights, biases): (&Tensor, &Tensor),
        targets: Targets<'_>,
        sums: &mut [Vec<f64>],
    ) -> Result<()> {
        for (head, &size) in self.sizes.iter().enumerate() {
            let units = hidden.narrow(1, head * self.hidden, self.hidden)?;
            let hints = (targets.hints[head].as_slice(), targets.lines[head].as_slice());
            let mut outputs = self.outputs(head, &units, (weights, biases), hints)?;
            for outputs in outputs.chunks_exact_mut(self.width(head)) {
                let scores = &mut outputs[..size];
                let top = scores.iter().copied().fold(f32::MIN, f32::max);
                scores.iter_mut().for_each(|score| *score = fast_exp(*score - top));
                let whole: f32 = scores.iter().sum();
                for (sum, score) in sums[head].iter_mut().zip(scores) {
                    *sum += f64::from(*score / whole);
                }
            }
        }
        Ok(())
    }

    /// Shrinks each head's scores by its entry of `shares`, for good: see [`Self::shrunk_losses`].
    pub fn shrink(
        &self,
        weights: &mut [f32],
        biases: &mut [f32],
        shares: &[f32],
        log_marginals: &[Vec<f32>],
    ) {
        let mut smooth = self.hidden * self.output_count();
        for (head, share) in shares.iter().enumerate() {
            let own = self.hidden * self.output_offset(head)..self.hidden * self.output_offset(head + 1);
            weights[own].iter_mut().for_each(|weight| *weight *= share);
            if !self.bases[head].is_empty() {
                let shared = smooth..smooth + self.hidden * BASIS;
                smooth = shared.end;
                weights[shared].iter_mut().for_each(|weight| *weight *= share);
            }
            let start = self.output_offset(head);
            for (token, bias) in biases[start..start + self.width(head)].iter_mut().enumerate() {
                let marginal = log_marginals[head].get(token).copied().unwrap_or(0.0); // a gate has none
                *bias = marginal + share * (*bias - marginal);
            }
        }
    }
}

/// The cross entropy of a row's scores and the token it has, in nats.
fn cross_entropy(scores: &[f32], token: usize) -> f32 {
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    let sum: f32 = scores.iter().map(|score| fast_exp(score - top)).sum();
    top + sum.ln() - scores[token]
}

/// Turns scores into the slope of the loss by them, and returns the loss.
fn row_gradient(scores: &mut [f32], token: usize, targets: Targets<'_>, head: usize) -> f32 {
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    let target_score = scores[token] - top;
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = fast_exp(*score - top);
        sum += *score;
    }
    let (sharp, scale) = (1.0 - targets.smoothing, 1.0 / sum);
    for (score, share) in scores.iter_mut().zip(&targets.marginals[head]) {
        *score = *score * scale - targets.smoothing * share;
    }
    scores[token] -= sharp;
    sum.ln() - target_score
}

/// `e^x` for `x ≤ 0` to a relative error of 2e-6, in operations a compiler can vectorise.
///
/// Splits `x·log2(e)` into an exponent, set in the bits, and a rest in ±0.5, by the Taylor polynomial of 2^r.
#[must_use]
#[inline(always)]
pub fn fast_exp(x: f32) -> f32 {
    let power = x * std::f32::consts::LOG2_E;
    let power = if power > -126.0 { power } else { -126.0 };
    let shifted = power + 12_582_912.0; // adding 1.5·2^23 rounds to the nearest whole number, held in the low bits
    let rest = power - (shifted - 12_582_912.0);
    let series = 1.0
        + rest
            * (std::f32::consts::LN_2
                + rest * (0.240_226_5 + rest * (0.055_504_11 + rest * (0.009_618_13 + rest * 0.001_333_36))));
    series * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}

/// A loss whose gradients are known already.
struct Ready {
    loss: f32,
    to_hidden: Tensor,
    to_weights: Tensor,
    to_biases: Tensor,
}

impl Ready {
    /// A linear function with the same value and the same gradients, in stock operations: for devices on which the
    /// operation below has no kernel.
    fn linear(self, hidden: &Tensor, weights: &Tensor, biases: &Tensor) -> Result<Tensor> {
        let along = |at: &Tensor, slope: &Tensor| (at - at.detach())?.mul(&slope.detach())?.sum_all();
        let moved = ((along(hidden, &self.to_hidden)? + along(weights, &self.to_weights)?)?
            + along(biases, &self.to_biases)?)?;
        moved + f64::from(self.loss)
    }
}

impl CustomOp3 for Ready {
    fn name(&self) -> &'static str {
        "heads-cross-entropy"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(vec![self.loss]), Shape::from(())))
    }

    fn bwd(
        &self,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        incoming: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let scale = f64::from(incoming.to_scalar::<f32>()?);
        if scale == 1.0 {
            return Ok((
                Some(self.to_hidden.clone()),
                Some(self.to_weights.clone()),
                Some(self.to_biases.clone()),
            ));
        }
        let scaled = |tensor: &Tensor| tensor.affine(scale, 0.0).map(Some);
        match (scaled(&self.to_hidden)?, scaled(&self.to_weights)?, scaled(&self.to_biases)?) {
            (Some(hidden), Some(weights), Some(biases)) => Ok((Some(hidden), Some(weights), Some(biases))),
            _ => Err(Error::Msg("a scaled gradient is missing".to_owned())),
        }
    }
}

/// The loss as it is worked out on a device without a kernel of ours.
#[cfg(test)]
pub(super) fn tests_only_linear(
    heads: &Heads,
    (hidden, weights, biases): (&Tensor, &Tensor, &Tensor),
    targets: Targets<'_>,
) -> Result<Tensor> {
    heads.ready(hidden, weights, biases, targets)?.linear(hidden, weights, biases)
}
