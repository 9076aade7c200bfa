//! The binary, run as a user would.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

/// What a run of the binary did.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Fails unless the run ended with this exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Its standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in:\n{}", self.stdout))
    }
}

/// Runs `dbsynth` in a folder without a `synth.toml`.
pub(crate) fn dbsynth(arguments: &[&str]) -> Run {
    dbsynth_in(tempfile::tempdir().unwrap().path(), arguments)
}

/// Runs `dbsynth` in a folder.
pub(crate) fn dbsynth_in(folder: &Path, arguments: &[&str]) -> Run {
    let output = command(arguments).current_dir(folder).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Run { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// Starts `dbsynth` with its standard error piped, and does not wait.
pub(crate) fn start(arguments: &[&str]) -> Child {
    command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The binary with its arguments, not yet started.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dbsynth"));
    command.args(arguments).env_remove("CANDLE_NUM_THREADS").env_remove("RAYON_NUM_THREADS");
    // What a run keeps until it is done is none of the user's.
    command.env("XDG_STATE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("state"));
    command
}
