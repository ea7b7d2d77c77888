//! A server of PostgreSQL on a disk that loses what was not synced: the power is cut while `opm` works with it, the server
//! recovers, and what was committed is there.
//!
//! The disk keeps names as the file systems of Linux do, which PostgreSQL counts on. That these tests can see anything is
//! tested as well: with a server that only says that it has synced, they must fail.

use std::panic::{AssertUnwindSafe, catch_unwind};

use opkg_tests::disk::{self, Disk};

use crate::cluster_fixture;
use crate::power_loss::{Commands, Site};

/// What a server is told that loses what it has committed.
const FORGETFUL: &str = "fsync = off\n";

/// Whether a trial finds something; where the server lost so much of itself that it does not even answer, the trial ends.
fn is_seen(violations: impl FnOnce() -> Vec<String>) -> bool {
    catch_unwind(AssertUnwindSafe(violations)).map_or(true, |found| !found.is_empty())
}

#[test]
fn a_run_goes_on_where_the_power_of_its_server_was_lost() {
    if disk::can_mount() && cluster_fixture::is_supported() {
        let Some(site) = Site::on_server(Disk::default().journaled(), "") else { return };
        let found = site.violations(6);
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

#[test]
fn a_run_with_a_server_that_does_not_sync_is_seen_to_be_lost() {
    if disk::can_mount() && cluster_fixture::is_supported() {
        let Some(site) = Site::on_server(Disk::default().journaled(), FORGETFUL) else { return };
        assert!(is_seen(|| site.violations(1)));
    }
}

#[test]
fn what_a_command_has_committed_is_kept_by_a_server() {
    if disk::can_mount() && cluster_fixture::is_supported() {
        let Some(commands) = Commands::on_server(Disk::default().journaled(), "") else { return };
        let found = commands.violations(2);
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

#[test]
fn commands_with_a_server_that_does_not_sync_are_seen_to_be_lost() {
    if disk::can_mount() && cluster_fixture::is_supported() {
        let Some(commands) = Commands::on_server(Disk::default().journaled(), FORGETFUL) else { return };
        assert!(is_seen(|| commands.violations(1)));
    }
}
