//! What can go wrong, with every operation and every package manager: in each cell of the matrix the first attempt ends in
//! a true status with the right cause in one line, the same request goes on once the fault is mended, and asking again
//! changes nothing. All of it with real programs in real roots.
//!
//! `cell.rs` says what there is and what must come of it, `trial.rs` how a cell is tried, `faults.rs` how a fault is made
//! and mended; `apt.rs` and `rpm.rs` what that takes of a package manager. apt, dnf 4 and zypper are here. dnf 5 is in no
//! Debian: what it prints is recorded in the tests of `plugins/rpm-family`. The locks are those of the databases, which all
//! programs take in the end: those of dnf and zypper themselves name a process, and cannot be seen from a sandbox.

mod apt;
mod cell;
mod faults;
mod full_disk;
mod opkgs;
mod root;
mod rpm;
mod together;
mod trial;

use std::fmt::Write as _;

use self::apt::AptRoot;
use self::cell::Cell;
use self::root::ManagedRoot;
use self::rpm::{RpmManagedRoot, RpmManager};
use self::trial::Trials;

/// Names a part of the cells to be tried alone, as they are shown.
const ONLY_VAR: &str = "OPM_TEST_CELL";

/// Tries all cells with one package manager. What is said in them is for people to read.
fn run_matrix<R: ManagedRoot>(name: &str, root: Option<R>) {
    let Some(root) = root else { return };
    let only = std::env::var(ONLY_VAR).ok();
    let is_wanted = |cell: &Cell| only.as_ref().is_none_or(|part| cell.to_string().contains(part));
    let mut trials = Trials::new(root);
    let (mut said, mut complaints) = (String::new(), String::new());
    for cell in Cell::all().filter(is_wanted) {
        let trial = trials.run(cell);
        writeln!(said, "{cell}\n{}", trial.said).unwrap();
        if !trial.complaints.is_empty() {
            writeln!(complaints, "{cell}\n{}  {}\n", trial.said, trial.complaints.join("\n  ")).unwrap();
        }
    }
    assert!(complaints.is_empty(), "{name}:\n\n{complaints}");
    assert!(!said.is_empty(), "{ONLY_VAR} names no cell");
    if only.is_none() {
        insta::assert_snapshot!(name, said);
    }
}

#[test]
fn apt() {
    full_disk::with_own_mounts(|| run_matrix("apt", AptRoot::new()));
}

#[test]
fn dnf() {
    full_disk::with_own_mounts(|| run_matrix("dnf", RpmManagedRoot::new(RpmManager::Dnf)));
}

#[test]
fn zypper() {
    full_disk::with_own_mounts(|| run_matrix("zypper", RpmManagedRoot::new(RpmManager::Zypper)));
}
