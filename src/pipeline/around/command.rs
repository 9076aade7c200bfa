//! Programs of the user, and what they print while they run.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
    sync::mpsc::{SyncSender, sync_channel},
};

use crate::{
    config::{DbUrl, HookStage},
    progress::{Event, Progress},
};

/// Lines that wait to be told; a program that prints faster waits.
const WAITING_LINES: usize = 256;
/// Bytes after which a line is told although it has not ended.
const LINE_BYTES: u64 = 64 * 1024;

/// Runs a program. What it prints is told line by line, when it prints it; its arguments and environment never are, and
/// where it prints the target's password, stars stand in its place.
///
/// # Errors
/// A sentence that says how it failed.
pub(super) fn command(
    words: &[String],
    stage: HookStage,
    (target, side): (&DbUrl, Option<&str>),
    progress: &dyn Progress,
) -> Result<(), String> {
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    let started = Command::new(program)
        .args(arguments)
        .env("DBSYNTH_HOOK", stage.word())
        .env("DBSYNTH_ENGINE", target.dialect().to_string())
        .env("DBSYNTH_TARGET_URL", target.expose())
        .env("DBSYNTH_SIDE", side.unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = started.map_err(|error| format!("it cannot be started: {}", error.kind()))?;
    let (said, heard) = sync_channel(WAITING_LINES);
    let pipes: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
        child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
    ];
    std::thread::scope(|scope| {
        for pipe in pipes.into_iter().flatten() {
            let said = said.clone();
            scope.spawn(move || tell_lines(pipe, &said));
        }
        drop(said);
        for line in heard {
            progress.event(&Event::Said { stage: stage.word(), line: target.hide_in(&line) });
        }
    });
    let ended = child.wait().map_err(|error| format!("it was lost: {}", error.kind()))?;
    match ended.code() {
        Some(0) => Ok(()),
        Some(code) => Err(format!("exit code {code}")),
        None => Err("it was killed".to_owned()),
    }
}

/// Hands on each line as it comes. A pipe that breaks has said all it will.
fn tell_lines(pipe: impl Read, said: &SyncSender<String>) {
    let mut reader = BufReader::new(pipe);
    let mut line = Vec::new();
    while let Ok(1..) = reader.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line) {
        while line.last().is_some_and(|last| matches!(last, b'\n' | b'\r')) {
            line.pop();
        }
        if said.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
            return;
        }
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::Mutex,
        time::{Duration, Instant},
    };

    use super::command;
    use crate::{
        config::{DbUrl, HookStage},
        progress::{Event, Progress},
    };

    #[derive(Default)]
    struct Heard(Mutex<Vec<(Instant, String)>>);

    impl Progress for Heard {
        fn event(&self, event: &Event) {
            if let Event::Said { line, .. } = event {
                self.0.lock().unwrap().push((Instant::now(), line.clone()));
            }
        }
    }

    fn run(line: &str) -> (Vec<(Instant, String)>, Result<(), String>) {
        let words = ["sh", "-c", line].map(str::to_owned);
        let target = DbUrl::parse("postgres://me:s3cr%2Ft@localhost/db").unwrap();
        let heard = Heard::default();
        let ended = command(&words, HookStage::AfterLoad, (&target, None), &heard);
        (heard.0.into_inner().unwrap(), ended)
    }

    #[test]
    fn lines_are_told_while_the_program_runs() {
        let (heard, ended) = run("echo one; echo two >&2; sleep 1; printf 'three\\r\\n\\nfour'; exit 3");

        assert_eq!(ended, Err("exit code 3".to_owned()));
        let mut first: Vec<&str> = heard[..2].iter().map(|(_, line)| line.as_str()).collect();
        first.sort_unstable();
        assert_eq!(first, ["one", "two"]);
        let rest: Vec<&str> = heard[2..].iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!(rest, ["three", "", "four"]);
        assert!(heard[2].0 - heard[1].0 > Duration::from_millis(500), "the first came at once");
    }

    #[test]
    fn the_targets_password_is_not_told_and_much_is_told_whole() {
        let (heard, ended) = run(
            "echo \"url $DBSYNTH_TARGET_URL\"; echo s3cr/t; yes 0123456789 | head -n 20000; yes x | tr -d '\\n' | head -c 100000",
        );

        assert_eq!(ended, Ok(()));
        assert_eq!(heard[0].1, "url postgres://me:***@localhost/db");
        assert_eq!(heard[1].1, "***");
        assert_eq!(heard.iter().filter(|(_, line)| line == "0123456789").count(), 20_000);
        let long: usize = heard[20_002..].iter().map(|(_, line)| line.len()).sum();
        assert_eq!(long, 100_000);
    }
}
