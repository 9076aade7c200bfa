//! Where networks are trained: the processor, or a graphics card this build was made for.

use std::sync::OnceLock;

use candle_core::{Device, Error, Result, Storage, Tensor, Var};

/// Returns the device that trains, chosen once: with the feature `cuda` or `metal` the first card, if there is one that
/// works; else the processor. Rows are always drawn on the processor.
#[must_use]
pub fn device() -> Device {
    static DEVICE: OnceLock<Device> = OnceLock::new();
    DEVICE.get_or_init(choose).clone()
}

fn choose() -> Device {
    #[cfg(feature = "cuda")]
    match Device::new_cuda(0) {
        Ok(device) => return device,
        Err(error) => tracing::warn!(%error, "no CUDA card: training on the processor"),
    }
    #[cfg(feature = "metal")]
    match Device::new_metal(0) {
        Ok(device) => return device,
        Err(error) => tracing::warn!(%error, "no Metal card: training on the processor"),
    }
    Device::Cpu
}

/// Reads the numbers of a contiguous tensor in the processor's memory without copying them.
///
/// # Errors
/// If it is on a card or not contiguous.
pub fn read<T>(tensor: &Tensor, read: impl FnOnce(&[f32]) -> T) -> Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    match (&*storage, layout.contiguous_offsets()) {
        (Storage::Cpu(numbers), Some((start, end))) => Ok(read(&numbers.as_slice()?[start..end])),
        _ => Err(Error::Msg("the numbers are elsewhere or out of order".to_owned())),
    }
}

/// Runs loops over numbers by the widest instructions this processor has; what is inlined into `work` is compiled for
/// them. The sums are the same as without, to the last bit.
#[inline(always)]
pub fn widened<T>(work: impl FnOnce() -> T) -> T {
    pulp::Arch::new().dispatch(work)
}

/// Lets an operation that is written for the processor change a weight wherever it is.
pub(super) fn on_host(weight: &Var, change: impl FnOnce(&Tensor) -> Result<()>) -> Result<()> {
    let host = weight.as_tensor().to_device(&Device::Cpu)?.copy()?;
    change(&host)?;
    weight.set(&host.to_device(weight.device())?)
}
