//! `opm` is killed at every point where it writes or does something, then run again: nothing is lost, nothing is
//! skipped, no hook runs twice at the same time, and in the end all is as if nothing had happened.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use opkg_tests::postgres::has_server;
use opkg_tests::{parallel, process};

use crate::cluster_fixture::{ClusterFixture, ClusterOutcome, is_supported};

/// Of every point the first time, one in the middle and the last time that it is passed.
fn select_crash_points(trace: &[String]) -> Vec<String> {
    let names: BTreeSet<&String> = trace.iter().collect();
    let mut chosen = Vec::new();
    for name in names {
        let count = trace.iter().filter(|it| *it == name).count();
        chosen.extend(BTreeSet::from([1, count.div_ceil(2), count]).iter().map(|it| format!("{name}:{it}")));
    }
    chosen
}

/// Kills one site's run at every chosen point, runs it again, and compares with one that was left alone.
fn run_crash_matrix(new: fn() -> ClusterFixture, prepare: impl Fn(&ClusterFixture) + Sync) {
    let undisturbed = new();
    prepare(&undisturbed);
    let trace = undisturbed.trace_crash_points();
    let expected = undisturbed.outcome();
    let points = select_crash_points(&trace);
    assert!(points.len() > 20, "{trace:?}");
    parallel::map(&points, |point| {
        let site = new();
        prepare(&site);
        assert!(site.run_with_crash_at(point), "{point} was not reached");
        site.opm(&["run", "--quiet"]);
        let outcome = site.outcome();
        let strip = |text: &str| text.replace(&*site.0.to_string_lossy(), "SITE");
        let plain = |text: &str| text.replace(&*undisturbed.0.to_string_lossy(), "SITE");
        assert_eq!(strip(&outcome.export), plain(&expected.export), "after {point}");
        assert_eq!(
            outcome.rows.iter().map(|it| strip(it)).collect::<Vec<_>>(),
            expected.rows.iter().map(|it| plain(it)).collect::<Vec<_>>(),
            "after {point}"
        );
        assert_eq!(outcome.journal, expected.journal, "after {point}");
        assert_eq!(outcome.ended, expected.ended, "after {point}");
        assert_eq!(outcome.installed, expected.installed, "after {point}");
        assert_eq!(site.overlapping_hooks(), None, "after {point}");
        let again = site.0.join("again");
        process::run_successfully(site.command(&["run", "--quiet"]).env("OPM_CRASH_TRACE", &again));
        assert!(!again.exists(), "after {point} a run with nothing to do wrote something");
    });
}

#[test]
fn killed_at_every_point_on_the_way_to_finished() {
    if is_supported() {
        run_crash_matrix(ClusterFixture::new, |_| {});
    }
}

#[test]
fn killed_at_every_point_with_its_database_on_a_server() {
    if is_supported() && has_server() {
        run_crash_matrix(ClusterFixture::on_server, |_| {});
    }
}

/// Where the database is makes no difference.
#[test]
fn a_server_and_a_file_come_to_the_same() {
    if !is_supported() || !has_server() {
        return;
    }
    let outcomes = [ClusterFixture::new(), ClusterFixture::on_server()].map(|site| {
        site.opm(&["run", "--quiet"]);
        site.opm(&["remove", "demo", "--on", "image:compute"]);
        site.opm(&["run", "--quiet"]);
        let outcome = site.outcome();
        let plain = |text: &str| text.replace(&*site.0.to_string_lossy(), "SITE");
        let rows: Vec<String> = outcome.rows.iter().map(|row| plain(row)).collect();
        (plain(&outcome.export), rows, outcome.journal, outcome.ended, outcome.installed)
    });
    assert_eq!(outcomes[0], outcomes[1]);
}

#[test]
fn killed_at_every_point_of_a_removal() {
    if is_supported() {
        run_crash_matrix(ClusterFixture::new, |site| {
            site.opm(&["run", "--quiet"]);
            site.opm(&["remove", "demo"]);
        });
    }
}

#[test]
fn killed_at_every_point_of_a_removal_of_several() {
    if is_supported() {
        run_crash_matrix(ClusterFixture::new, |site| {
            site.opm(&["request", "--new", "alpha", "beta"]);
            site.opm(&["run", "--quiet"]);
            site.opm(&["remove", "alpha", "beta", "demo"]);
        });
    }
}

/// `$OPM_SOAK` says how many kills; the moments are those that the machine makes of a fixed row of delays.
#[test]
fn killed_at_any_time_again_and_again() {
    if !is_supported() {
        return;
    }
    let kills: u64 = std::env::var("OPM_SOAK").map_or(30, |it| it.parse().unwrap());
    let undisturbed = ClusterFixture::new();
    undisturbed.opm(&["run", "--quiet"]);
    let expected = undisturbed.outcome();
    let mut site = ClusterFixture::new();
    let mut delay = 0x5eed_u64;
    for kill in 0..kills {
        delay = delay.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut child = site.command(&["run", "--quiet"]).spawn().unwrap();
        let until = Instant::now() + Duration::from_millis((delay >> 33) % 400);
        while Instant::now() < until && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = child.kill();
        let status = child.wait().unwrap();
        assert!(matches!(status.code(), None | Some(0)), "kill {kill}: {status}");
        if status.success() {
            assert_same_outcome(&site, &expected, kill);
            site = ClusterFixture::new();
        }
    }
    site.opm(&["run", "--quiet"]);
    assert_same_outcome(&site, &expected, kills);
}

fn assert_same_outcome(site: &ClusterFixture, expected: &ClusterOutcome, kill: u64) {
    let outcome = site.outcome();
    assert_eq!(outcome.ended, expected.ended, "kill {kill}");
    assert_eq!(outcome.installed, expected.installed, "kill {kill}");
    assert_eq!(site.overlapping_hooks(), None, "kill {kill}");
}
