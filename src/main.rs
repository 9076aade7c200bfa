//! The `dbsynth` binary.

fn main() {}
