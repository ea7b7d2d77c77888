//! Locks on targets: who has what, and that a lock ends with its process.

use crate::common;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use crate::common::Fixture;
use opkg_oda::{Store, TargetId};
use opkg_sqlite::SqliteStore;

fn ids(keys: &[i64]) -> Vec<TargetId> {
    keys.iter().copied().map(TargetId).collect()
}

#[test]
fn one_at_a_time_for_each_target() {
    let scratch = Fixture::new();
    let mut one = scratch.create();
    let mut other = SqliteStore::open(&scratch.path()).unwrap();
    let held = one.lock(&ids(&[7, 1, 2, 3, 7])).unwrap().unwrap();
    for (wanted, first) in [(&[2][..], 2), (&[5, 7], 7), (&[0x7fff_ffff, 3], 3), (&[1, 2, 3, 4], 1)] {
        let holder = other.lock(&ids(wanted)).unwrap().unwrap_err();
        assert_eq!((holder.target, holder.pid), (TargetId(first), Some(std::process::id())), "{wanted:?}");
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        assert!(now.abs_diff(holder.locked_since.unwrap().cast_unsigned()) < 60, "{holder:?}");
    }
    // A refusal keeps nothing: 4 and 5 are free.
    let rest = other.lock(&ids(&[4, 5, 6])).unwrap().unwrap();
    drop(held);
    let _all = one.lock(&ids(&[1, 2, 3, 7])).unwrap().unwrap();
    one.lock(&ids(&[6])).unwrap().unwrap_err();
    drop(rest);
    let _ = one.lock(&ids(&[6])).unwrap().unwrap();
    let _ = one.lock(&[]).unwrap().unwrap();
    for impossible in [0, -1, i64::MIN, i64::MAX, 0x8000_0000] {
        one.lock(&ids(&[impossible])).unwrap_err();
    }
}

#[test]
#[ignore = "a process of its own, for the test below"]
fn holds() {
    let mut store = SqliteStore::open(&common::file_from_env()).unwrap();
    let _held = store.lock(&ids(&[3, 4, 5])).unwrap().unwrap();
    // What a hook would be: it must not keep the lock.
    let mut hook = std::process::Command::new("sleep").arg("600").stdout(Stdio::null()).spawn().unwrap();
    println!("\nhook {}", hook.id());
    hook.wait().unwrap();
}

#[test]
fn no_lock_outlives_a_kill() {
    let scratch = Fixture::new();
    let mut store = scratch.create();
    let mut child = common::child_test("lock::holds", scratch.path()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let hook = lines.find_map(|line| line.unwrap().strip_prefix("hook ").map(str::to_owned)).unwrap();
    let holder = store.lock(&ids(&[1, 4])).unwrap().unwrap_err();
    assert_eq!((holder.target, holder.pid), (TargetId(4), Some(child.id())));
    child.kill().unwrap();
    child.wait().unwrap();
    let taken = store.lock(&ids(&[1, 4]));
    std::process::Command::new("kill").arg(hook).status().unwrap();
    let taken = taken.unwrap().unwrap();
    // What the killed one noted about 3 to 5 is not told of whoever has 4 today.
    let holder = store.lock(&ids(&[4])).unwrap().unwrap_err();
    assert_eq!(holder.pid, Some(std::process::id()));
    drop(taken);
}

#[test]
fn a_note_of_the_dead_is_not_believed() {
    let scratch = Fixture::new();
    let mut store = scratch.create();
    let _held = store.lock(&ids(&[2])).unwrap().unwrap();
    let mut file = scratch.path().into_os_string();
    file.push("-locks");
    let mut record = [0xff; 16];
    record[12..].copy_from_slice(b"held");
    std::os::unix::fs::FileExt::write_all_at(
        &std::fs::File::options().write(true).open(file).unwrap(),
        &record,
        32,
    )
    .unwrap();
    let begin = Instant::now();
    let holder = store.lock(&ids(&[2])).unwrap().unwrap_err();
    assert_eq!((holder.pid, holder.locked_since), (None, None));
    assert!(begin.elapsed() < Duration::from_secs(60));
}
