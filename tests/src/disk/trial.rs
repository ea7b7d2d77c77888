//! A program at work on a disk whose power is cut.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::model::Disk;
use super::server::MountedDisk;

/// Nothing that the tests start takes longer, or it hangs.
const TIMEOUT: Duration = Duration::from_secs(240);

/// What became of a program, and of the disk under it.
#[derive(Debug)]
pub struct Trial {
    /// As the program left it, or as it was when the power was cut.
    pub disk: Disk,
    /// Things that were written or synced until then.
    pub steps: usize,
    pub end: TrialEnd,
}

/// How a program ended.
#[derive(Debug, PartialEq, Eq)]
pub enum TrialEnd {
    Success,
    /// What it said.
    Failure(String),
    /// Without power.
    Cut,
}

impl Trial {
    /// The disk, after a success.
    ///
    /// # Panics
    ///
    /// If it was none.
    #[must_use]
    pub fn into_disk(self) -> Disk {
        assert_eq!(self.end, TrialEnd::Success);
        self.disk
    }
}

/// Runs a program with the disk mounted at `place`. In place of the given step, the power is cut: the program and
/// everything that it started ends at once, and nothing more reaches the disk.
///
/// # Panics
///
/// If the program cannot be started, or does not end.
#[must_use]
pub fn run(disk: Disk, place: &Path, cut_at: Option<usize>, program: &Command) -> Trial {
    let mounted = MountedDisk::mount(disk, place, cut_at);
    let mut output = tempfile::tempfile().unwrap();
    let mut command = in_one_tree(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output.try_clone().unwrap());
    let mut child = command.process_group(0).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let group = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    let start = Instant::now();
    let end = loop {
        if let Some(cut) = mounted.poll_cut() {
            let _ = kill_process_group(group, Signal::KILL);
            // Only now the requests end that nobody answers: whoever made them is dead.
            drop(cut);
            child.wait().unwrap();
            break TrialEnd::Cut;
        }
        if let Some(status) = child.try_wait().unwrap() {
            break match status.success() {
                true => TrialEnd::Success,
                false => TrialEnd::Failure(format!("{status}\n{}", read_again(&mut output))),
            };
        }
        assert!(start.elapsed() < TIMEOUT, "still running after {TIMEOUT:?}: {program:?}");
        thread::sleep(Duration::from_millis(1));
    };
    let steps = mounted.steps();
    Trial { disk: mounted.unmount(), steps, end }
}

/// Does something with the disk mounted. Whatever it writes stays.
pub fn with_mounted<T>(disk: Disk, place: &Path, work: impl FnOnce() -> T) -> (Disk, T) {
    let mounted = MountedDisk::mount(disk, place, None);
    let result = work();
    (mounted.unmount(), result)
}

/// Steps to cut the power at: all of a few, else so many with equal distances, the last ones among them.
#[must_use]
pub fn choose_steps(steps: usize, most: usize) -> Vec<usize> {
    let count = steps.min(most);
    (0..count).map(|index| steps - index * steps / count).rev().collect()
}

/// The same program as the first process of a tree that ends with it.
fn in_one_tree(program: &Command) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--pid", "--ipc", "--fork", "--kill-child", "--mount-proc", "--"]);
    command.arg(program.get_program()).args(program.get_args()).env_clear();
    for (name, value) in program.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    if let Some(directory) = program.get_current_dir() {
        command.current_dir(directory);
    }
    command
}

fn read_again(file: &mut File) -> String {
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    text
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::disk::{PowerLoss, can_mount};
    use crate::scratch;

    #[test]
    fn steps_are_chosen_over_the_whole_way() {
        assert_eq!(choose_steps(3, 10), [1, 2, 3]);
        assert_eq!(choose_steps(100, 4), [25, 50, 75, 100]);
    }

    #[test]
    fn a_program_ends_where_the_power_is_cut() {
        if !can_mount() {
            return;
        }
        let place = scratch::create_directory("cut");
        // The directory has to be entered after it was mounted.
        let script = format!("cd '{}'; echo 1 > one; sync one .; echo 2 > two; sync two .", place.display());
        let mut writer = Command::new("sh");
        writer.args(["-c", &script]).env("PATH", std::env::var_os("PATH").unwrap());
        let whole = run(Disk::default(), &place, None, &writer);
        assert_eq!(whole.end, TrialEnd::Success);
        // Created, written, synced twice; and the same again.
        assert_eq!(whole.steps, 8);
        let mut found = Vec::new();
        for step in 1..=whole.steps {
            let cut = run(Disk::default(), &place, Some(step), &writer);
            assert_eq!(cut.end, TrialEnd::Cut);
            let mut disk = cut.disk;
            disk.lose_power(PowerLoss::LosesAll);
            found.push(with_mounted(disk, &place, || fs::read_dir(&place).unwrap().count()).1);
        }
        assert_eq!(found, [0, 0, 0, 0, 1, 1, 1, 1]);
    }
}
