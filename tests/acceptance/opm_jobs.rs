//! `opm run --jobs`: several roots at a time. What comes of them is what comes of them one after the other, also where the
//! program is stopped or killed in between.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fs_err as fs;
use opkg_tests::roots::fake;
use opkg_tests::{parallel, process};

use crate::cluster_fixture::{ClusterFixture, ClusterOutcome, is_supported};

/// Four images and four clients.
const TARGETS: [&str; 8] =
    ["image:i1", "image:i2", "image:i3", "image:i4", "client:n1", "client:n2", "client:n3", "client:n4"];

const PACKAGES: [&str; 3] = ["demo", "tool", "other"];

const JOBS: [&str; 4] = ["run", "--quiet", "--jobs", "4"];

/// Three packages that are requested everywhere, one of which an image cannot install.
fn wide_site() -> ClusterFixture {
    let site = ClusterFixture::with_targets(&TARGETS);
    site.opm(&["request", "--new", "tool", "other"]);
    let broken = "case \" $* \" in *' opkg-tool-client '*)
  echo 'E: Unable to locate package opkg-tool-client'; exit 100 ;;
esac";
    fake::before_installations(&site.0.join("i3"), broken);
    site
}

/// What is there in the end, without what depends on the site and on the order of steps that are independent.
fn comparable(site: &ClusterFixture) -> ClusterOutcome {
    let ClusterOutcome { export, rows, mut journal, ended, installed } = site.outcome();
    let plain = |text: String| text.replace(&*site.0.to_string_lossy(), "SITE");
    journal.sort();
    let mut rows: Vec<String> = rows.into_iter().map(&plain).filter(|row| !row.contains("event.")).collect();
    rows.sort();
    ClusterOutcome { export: plain(export), rows, journal, ended, installed }
}

/// The steps in the journal, the first one first.
fn events(site: &ClusterFixture) -> Vec<serde_json::Value> {
    let text = site.opm(&["log", "--limit", "1000", "--format", "json"]);
    let events: serde_json::Value = serde_json::from_str(&text).unwrap();
    events.as_array().unwrap().iter().rev().cloned().collect()
}

#[test]
fn several_at_a_time_come_to_what_one_after_the_other_comes_to() {
    if !is_supported() {
        return;
    }
    let (serial, parallel) = (wide_site(), wide_site());
    let failed = |site: &ClusterFixture, arguments: &[&str]| {
        let ended = process::run(&mut site.command(arguments));
        assert_eq!(ended.code, Some(1), "one image is broken: {}", ended.combined_output());
        ended.combined_output()
    };
    failed(&serial, &["run", "--quiet"]);
    let told = failed(&parallel, &["run", "--jobs", "4"]);
    assert_eq!(comparable(&parallel), comparable(&serial));
    for package in PACKAGES {
        let native = format!("opkg-{package}-client");
        let installed = &parallel.outcome().installed;
        let there: BTreeSet<&str> = installed
            .iter()
            .filter(|(_, names)| names.contains(&native))
            .map(|(root, _)| root.as_str())
            .collect();
        assert_eq!(there.len(), if package == "tool" { 7 } else { 8 }, "{package}: {there:?}");
    }

    let steps = events(&parallel);
    let numbers: Vec<u64> = steps
        .iter()
        .map(|step| step["event"].as_str().unwrap().rsplit_once('.').unwrap().1.parse().unwrap())
        .collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let begun: Vec<i64> = steps.iter().map(|step| step["started"].as_i64().unwrap_or_default()).collect();
    assert!(begun.is_sorted(), "steps are numbered as they begin: {begun:?}");
    let logs: Vec<&str> = steps.iter().filter_map(|step| step["log"].as_str()).collect();
    assert_eq!(logs.iter().collect::<BTreeSet<_>>().len(), logs.len(), "each has a log of its own");
    for step in steps.iter().filter(|step| step["step"] == "install") {
        let (log, target) = (step["log"].as_str().unwrap(), step["target"].as_str().unwrap());
        let name = target.split_once(':').unwrap().1;
        assert!(log.ends_with(&format!("-{name}-install.log")), "{log} of {target}");
        let text = fs::read_to_string(log).unwrap();
        assert!(text.contains("apt-get"), "{text}");
        let of_others =
            TARGETS.iter().filter_map(|other| other.split_once(':')).filter(|(_, other)| *other != name);
        for (_, other) in of_others {
            assert!(!text.contains(&format!("/{other}/")), "{log} tells of {other}:\n{text}");
        }
    }
    for target in TARGETS {
        let line = told.lines().find(|line| line.starts_with(target) && line.contains("install-bin-pkgs"));
        assert!(line.is_some(), "{target} in\n{told}");
    }
}

/// Of each point the first time and one in the middle.
fn crash_points(site: &ClusterFixture) -> Vec<String> {
    let file = site.0.join("trace");
    process::run_successfully(site.command(&JOBS).env("OPM_CRASH_TRACE", &file));
    let text = fs::read_to_string(&file).unwrap();
    fs::remove_file(file).unwrap();
    let names: BTreeSet<&str> = text.lines().collect();
    let of_name = |name: &&str| {
        let count = text.lines().filter(|line| line == name).count();
        BTreeSet::from([1, count.div_ceil(2)])
            .into_iter()
            .map(|at| format!("{name}:{at}"))
            .collect::<Vec<_>>()
    };
    names.iter().flat_map(of_name).collect()
}

#[test]
fn killed_with_several_steps_at_work() {
    if !is_supported() {
        return;
    }
    let undisturbed = ClusterFixture::with_targets(&TARGETS[..4]);
    let points = crash_points(&undisturbed);
    let expected = comparable(&undisturbed);
    assert!(points.len() > 10, "{points:?}");
    let open = parallel::map(&points, |point| {
        let site = ClusterFixture::with_targets(&TARGETS[..4]);
        let ended = process::run(site.command(&JOBS).env("OPM_CRASH_AT", point));
        assert!(matches!(ended.code, None | Some(0)), "{point}: {}", ended.combined_output());
        let open = events(&site).iter().filter(|step| step["verdict"].is_null()).count();
        site.opm(&JOBS);
        assert_eq!(comparable(&site), expected, "after {point}");
        assert_eq!(site.overlapping_hooks(), None, "after {point}");
        let left = events(&site).iter().filter(|step| step["verdict"].is_null()).count();
        assert_eq!(left, 0, "after {point}");
        (ended.code.is_none(), open)
    });
    // How often points are passed depends on which steps end together.
    let killed = open.iter().filter(|(was_killed, _)| *was_killed).count();
    assert!(killed * 4 > points.len() * 3, "{killed} of {points:?}");
    let several = open.iter().filter(|(_, open)| *open > 1).count();
    assert!(several > 2, "killed with several steps at work {several} times");
}

/// Installs nothing before a file is there, and tells that it is at work.
const WAIT: &str = "touch /at-work; until [ -e /go ]; do sleep 0.02; done";

/// Images whose package managers wait.
fn slow_site() -> ClusterFixture {
    let site = ClusterFixture::with_targets(&TARGETS);
    for target in TARGETS {
        fake::before_installations(&site.0.join(target.split_once(':').unwrap().1), WAIT);
    }
    site
}

fn at_work(site: &ClusterFixture) -> Vec<&'static str> {
    let names = TARGETS.map(|target| target.split_once(':').unwrap().1);
    names.into_iter().filter(|name| site.0.join(name).join("at-work").exists()).collect()
}

/// A run that has begun work on as many targets as it may.
fn start_run(site: &ClusterFixture, jobs: usize) -> Child {
    let jobs_argument = jobs.to_string();
    let mut command = site.command(&["run", "--jobs", &jobs_argument]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(120);
    while at_work(site).len() < jobs {
        assert!(Instant::now() < until, "{:?} are at work", at_work(site));
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

fn ask_to_stop(run: &Child) {
    process::run_successfully(Command::new("kill").arg(run.id().to_string()));
}

/// Waits until it says that it stops. What it says then is read until its end.
fn wait_for_stop_message(run: &mut Child) -> std::thread::JoinHandle<()> {
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines();
    let said = lines.by_ref().map_while(Result::ok).any(|line| line.contains("stopping after"));
    assert!(said, "it says that it stops");
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop))
}

/// Lets the package managers go on.
fn go(directory: &Path) {
    for target in TARGETS {
        fs::write(directory.join(target.split_once(':').unwrap().1).join("go"), "").unwrap();
    }
}

#[test]
fn who_is_asked_to_stop_ends_all_that_is_at_work_and_begins_nothing() {
    if !is_supported() {
        return;
    }
    let site = slow_site();
    let mut run = start_run(&site, 3);
    assert_eq!(at_work(&site), ["i1", "i2", "i3"], "at the same time, and no fourth one");
    ask_to_stop(&run);
    let rest = wait_for_stop_message(&mut run);
    assert!(run.try_wait().unwrap().is_none(), "it waits for its steps");
    go(&site.0);
    assert_eq!(run.wait().unwrap().code(), Some(130));
    rest.join().unwrap();
    assert_eq!(at_work(&site), ["i1", "i2", "i3"], "nothing was begun after that");
    let installed = site.outcome().installed;
    let has = |root: &str| installed[root].contains("opkg-demo-client");
    assert!(has("i1") && has("i2") && has("i3") && !has("i4"), "{installed:?}");
    assert!(events(&site).iter().all(|step| step["verdict"] == "done"));
    site.opm(&JOBS);
    assert!(site.outcome().installed.values().all(|names| !names.is_empty()));
}

#[test]
fn who_is_asked_twice_ends_all_of_it_at_once() {
    if !is_supported() {
        return;
    }
    let site = slow_site();
    let mut run = start_run(&site, 4);
    ask_to_stop(&run);
    let rest = wait_for_stop_message(&mut run);
    ask_to_stop(&run);
    assert_eq!(run.wait().unwrap().code(), Some(130));
    rest.join().unwrap();
    let stopped = events(&site).iter().filter(|step| step["verdict"] == "interrupted").count();
    assert_eq!(stopped, 4);
    go(&site.0);
    site.opm(&JOBS);
    assert!(site.outcome().installed.values().all(|names| !names.is_empty()));
}
