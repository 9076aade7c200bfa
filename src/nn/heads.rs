//! One softmax head per sub-column, side by side: loss and gradients of all of them in one operation.
//!
//! As stock operations this would be a narrow per head, whose backward pass writes a whole zero-padded
//! gradient each time. Here the gradients are worked out together with the loss and handed to the graph.

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
    /// Smooth functions over the tokens of a head whose vocabulary has an order, `[B, K_j]` row-major with `B` =
    /// [`BASIS`]; empty for the others. See [`Heads::weight`].
    pub bases: Vec<Vec<f32>>,
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
    /// Marginal shares of each head's tokens, `J` slices of `K_j`.
    pub marginals: &'a [Vec<f32>],
    /// Share of the target that is the marginal distribution and not the token (label smoothing).
    pub smoothing: f32,
}

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

    /// Outputs of head `j`: scores of its tokens, then its gates, `K_j + F_j`.
    #[must_use]
    pub fn width(&self, head: usize) -> usize {
        self.sizes[head] + self.hints[head]
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
        tokens.pad_with_zeros(1, 0, self.hints[head]).map(Some)
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
        hints: &[f32],
    ) -> Result<Vec<f32>> {
        self.outputs_by(head, hidden, (&self.weight(weights, head)?, biases), hints)
    }

    fn outputs_by(
        &self,
        head: usize,
        hidden: &Tensor,
        (weight, biases): (&Tensor, &Tensor),
        hints: &[f32],
    ) -> Result<Vec<f32>> {
        let bias = biases.narrow(0, self.output_offset(head), self.width(head))?;
        let mut outputs = hidden.matmul(weight)?.broadcast_add(&bias)?.flatten_all()?.to_vec1::<f32>()?;
        let (size, count) = (self.sizes[head], self.hints[head]);
        if count > 0 {
            for (row, hints) in outputs.chunks_exact_mut(size + count).zip(hints.chunks_exact(size * count)) {
                let (scores, gates) = row.split_at_mut(size);
                for (gate, hints) in gates.iter().zip(hints.chunks_exact(size)) {
                    scores.iter_mut().zip(hints).for_each(|(score, hint)| *score += gate * hint);
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
            let mut errors = self.outputs_by(head, &units, (&weight, &fixed_biases), hints)?;
            let mut slopes = vec![0.0_f32; width];
            for (row, errors) in errors.chunks_exact_mut(width).enumerate() {
                let (scores, gates) = errors.split_at_mut(size);
                loss +=
                    f64::from(row_gradient(scores, usize::from(targets.tokens[head][row]), targets, head));
                let hints = hints.get(row * size * gates.len()..).unwrap_or_default();
                for (gate, hints) in gates.iter_mut().zip(hints.chunks_exact(size)) {
                    *gate = scores.iter().zip(hints).map(|(score, hint)| score * hint).sum();
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

    /// The loss alone, summed over rows, for validation: no gradients, no smoothing.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn loss_only(
        &self,
        hidden: &Tensor,
        weights: &Tensor,
        biases: &Tensor,
        targets: Targets<'_>,
    ) -> Result<f64> {
        let (hidden, weights, biases) = (hidden.detach(), weights.detach(), biases.detach());
        let mut loss = 0.0_f64;
        for (head, &size) in self.sizes.iter().enumerate() {
            let units = hidden.narrow(1, head * self.hidden, self.hidden)?;
            let outputs = self.outputs(head, &units, (&weights, &biases), &targets.hints[head])?;
            for (outputs, &token) in outputs.chunks_exact(self.width(head)).zip(&targets.tokens[head]) {
                let scores = &outputs[..size];
                let top = scores.iter().copied().fold(f32::MIN, f32::max);
                let sum: f32 = scores.iter().map(|score| fast_exp(score - top)).sum();
                loss += f64::from(top + sum.ln() - scores[usize::from(token)]);
            }
        }
        Ok(loss)
    }
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
pub fn fast_exp(x: f32) -> f32 {
    let power = (x * std::f32::consts::LOG2_E).max(-126.0);
    let whole = (power + 12_582_912.0) - 12_582_912.0; // adding 1.5·2^23 rounds to the nearest whole number
    let rest = power - whole;
    let series = 1.0
        + rest
            * (std::f32::consts::LN_2
                + rest * (0.240_226_5 + rest * (0.055_504_11 + rest * (0.009_618_13 + rest * 0.001_333_36))));
    series * f32::from_bits(((whole as i32 + 127) << 23) as u32)
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
