//! Whether the process of a run still lives.

use std::process;

use fs_err as fs;

use opkg_oda::process_identity::{boot_id, start_ticks};
use opkg_oda::{ProcessIdentity, Run};

/// Whether the process of a run is still the one that began it: a process of the same number that started later is
/// another one. What other machines do is not known here: a store tells only of runs that can be judged.
///
/// Runs of older releases say only when they began. Where the clock was set meanwhile that cannot be told from the times;
/// then a process of the same program counts as alive, since ending the hooks of a living run is worse than waiting with
/// those of a crashed one.
#[must_use]
pub fn is_run_alive(run: &Run) -> bool {
    if let (Some(process), Some(_)) = (&run.process, boot_id()) {
        return process.is_alive(run.pid);
    }
    let Some(started) = process_start_time(run.pid) else { return false };
    // The kernel counts in hundredths of a second.
    started <= run.started_at + 2_000
        || (run.pid != process::id() && process_name(run.pid) == process_name(process::id()))
}

/// Whether another process is at work on a run: not when this process began it, which does one at a time, and asks only where
/// it is at none. It has given that one up, as where the database was away at its end.
#[must_use]
pub fn is_run_alive_elsewhere(run: &Run) -> bool {
    let is_own = run.pid == process::id()
        && run.process.as_ref().is_some_and(|its| ProcessIdentity::current().as_ref() == Some(its));
    !is_own && is_run_alive(run)
}

/// The name of a process' program, as its first 15 bytes.
fn process_name(process: u32) -> Option<Vec<u8>> {
    fs::read(format!("/proc/{process}/comm")).ok()
}

/// When a process started, in milliseconds since 1970.
fn process_start_time(process: u32) -> Option<i64> {
    let ticks = start_ticks(process)?;
    let boot = fs::read_to_string("/proc/stat").ok()?;
    let boot: i64 = boot.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    // Linux gives ticks to user space in hundredths of a second, whatever its own clock does.
    Some(boot * 1000 + ticks * 10)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::process::{Command, Stdio};
    use std::time::{SystemTime, UNIX_EPOCH};

    use opkg_oda::RunId;

    use super::*;

    fn run(process: u32, started: i64) -> Run {
        Run {
            id: RunId(1),
            started_at: started,
            ended_at: None,
            status: None,
            host: "head".into(),
            pid: process,
            process: None,
            command: "opm".into(),
        }
    }

    #[test]
    fn a_process_lives_until_it_ends_and_another_of_its_number_is_not_the_same() {
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
        assert!(is_run_alive(&run(std::process::id(), now)));
        assert!(
            !is_run_alive(&run(std::process::id(), now - 1_000_000_000)),
            "that run began before this process"
        );
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        assert!(is_run_alive(&run(child.id(), now)));
        let earlier = now - 1_000_000_000;
        assert!(!is_run_alive(&run(child.id(), earlier)), "another program has the number now");
        child.kill().unwrap();
        // It is not reaped before the end of the test.
        let dies = (0..2000).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            !is_run_alive(&run(child.id(), now))
        });
        assert!(dies, "a zombie works no longer");
        child.wait().unwrap();
    }

    #[test]
    fn a_process_is_known_by_its_boot_and_its_start_whatever_the_clock_and_the_machine_are_called() {
        let own = ProcessIdentity::current().unwrap();
        let of = |identity: &ProcessIdentity, pid: u32| Run {
            host: "a-name-of-before".into(),
            process: Some(identity.clone()),
            ..run(pid, 0)
        };
        assert!(is_run_alive(&of(&own, std::process::id())));
        assert!(!is_run_alive_elsewhere(&of(&own, std::process::id())), "this process is at none");
        let parent = std::os::unix::process::parent_id();
        let identity = ProcessIdentity { started_ticks: start_ticks(parent).unwrap(), ..own.clone() };
        assert!(is_run_alive_elsewhere(&of(&identity, parent)));
        let later = ProcessIdentity { started_ticks: own.started_ticks + 1, ..own.clone() };
        assert!(!is_run_alive(&of(&later, std::process::id())), "its number was used again");
        let other = ProcessIdentity { boot_id: "of-before-the-power-failed".into(), ..own.clone() };
        assert!(!is_run_alive(&of(&other, std::process::id())), "no process outlives its machine");
        assert!(!is_run_alive(&of(&own, u32::MAX)), "there is no such process");
    }
}
