//! Watches how much memory the process holds, so that a run ends with a word before the system ends it without one.

use std::{thread, time::Duration};

use crate::progress;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Asks every stage to stop once the process holds more than `limit` bytes. Where the system does not say how much it
/// holds (other than Linux), nothing is watched.
pub(super) fn watch(limit: Option<u64>) {
    let Some(limit) = limit.filter(|_| resident().is_some()) else { return };
    let watching = move || {
        while !progress::interrupted() {
            if resident().is_some_and(|held| held > limit) {
                progress::stop_for_memory();
            }
            thread::sleep(PAUSE);
        }
    };
    if let Err(error) = thread::Builder::new().name("memory".to_owned()).spawn(watching) {
        tracing::warn!(%error, "the memory of this process is not watched");
    }
}

/// Bytes of physical memory that this process holds. Source: proc(5), `/proc/self/status`.
fn resident() -> Option<u64> {
    held(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn held(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::{held, resident};

    #[test]
    fn the_resident_size_is_read() {
        assert_eq!(held("Name:\tdbsynth\nVmHWM:\t  99 kB\nVmRSS:\t  1234 kB\n"), Some(1234 << 10));
        assert_eq!(held("Name:\tdbsynth\n"), None);
        #[cfg(target_os = "linux")]
        assert!(resident().is_some_and(|held| held > 1 << 20));
    }
}
