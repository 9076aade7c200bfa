//! The `dbsynth` binary.

use std::process::ExitCode;

// Training allocates many small tensors: page faults are a sixth of a step with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    dbsynth::cli::main()
}
