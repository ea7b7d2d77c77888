//! What tells a process from any other one that ever was.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process;

/// The number that the kernel gives to the namespace of all processes of a machine.
const INITIAL_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

/// What tells a process from any other one: its number may be used again, and machines are renamed. Processes are counted
/// anew with every boot, and a boot has an id that no other one has, on whatever machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessIdentity {
    /// The kernel's id of the time from one boot to the next; in a container with processes of its own, that and the number
    /// of their namespace behind a `/`.
    pub boot_id: String,
    /// When it started, in ticks of the kernel (hundredths of a second) after that boot.
    pub started_ticks: i64,
}

impl ProcessIdentity {
    /// That of this process; absent where `/proc` does not tell.
    #[must_use]
    pub fn current() -> Option<Self> {
        Some(Self { boot_id: boot_id()?, started_ticks: start_ticks(process::id())? })
    }

    /// Whether it is the process of that number, since the last boot of this machine, and still there. One of another
    /// container of this machine cannot be looked at: it counts as alive.
    #[must_use]
    pub fn is_alive(&self, pid: u32) -> bool {
        match boot_id() {
            Some(here) if here == self.boot_id => start_ticks(pid) == Some(self.started_ticks),
            Some(here) => kernel_boot(&here) == kernel_boot(&self.boot_id),
            None => false,
        }
    }
}

/// The kernel's id of the time since this machine was started, and where its processes are not all that this one sees,
/// which of them it sees: they are numbered anew in each namespace.
#[must_use]
pub fn boot_id() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let boot = Some(boot.trim()).filter(|boot| !boot.is_empty())?;
    match fs::metadata("/proc/self/ns/pid").map(|namespace| namespace.ino()) {
        Ok(namespace) if namespace != INITIAL_PID_NAMESPACE => Some(format!("{boot}/{namespace}")),
        _ => Some(boot.to_owned()),
    }
}

/// The part of an id that all processes of a machine have in common.
fn kernel_boot(boot_id: &str) -> &str {
    boot_id.split_once('/').map_or(boot_id, |(boot, _)| boot)
}

/// When a process started, in ticks since the machine was; nothing where it has ended.
#[must_use]
pub fn start_ticks(process: u32) -> Option<i64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the program's name in parentheses and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    // Field 22 of proc_pid_stat(5), counted from the third.
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_process_of_another_container_is_not_judged() {
        let own = ProcessIdentity::current().unwrap();
        assert!(own.is_alive(process::id()));
        assert!(!own.is_alive(u32::MAX));
        let of = |boot_id: String| ProcessIdentity { boot_id, started_ticks: own.started_ticks + 1 };
        let kernel = kernel_boot(&own.boot_id);
        assert!(!of(own.boot_id.clone()).is_alive(process::id()), "its number was used again");
        assert!(of(format!("{kernel}/1")).is_alive(process::id()));
        assert!(!of("another-boot".into()).is_alive(process::id()));
        assert!(!of("another-boot/1".into()).is_alive(process::id()));
    }
}
