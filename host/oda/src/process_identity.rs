//! What tells a process from any other one that ever was.

use std::fs;
use std::process;

/// What tells a process from any other one: its number may be used again, and machines are renamed. Processes are counted
/// anew with every boot, and a boot has an id that no other one has, on whatever machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessIdentity {
    /// The kernel's id of the time from one boot to the next.
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

    /// Whether it is the process of that number, on this machine and since its last boot, and still there.
    #[must_use]
    pub fn is_alive(&self, pid: u32) -> bool {
        boot_id().is_some_and(|boot| boot == self.boot_id) && start_ticks(pid) == Some(self.started_ticks)
    }
}

/// The kernel's id of the time since this machine was started.
#[must_use]
pub fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
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
