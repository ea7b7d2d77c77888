//! What the forms of the pages do, and how others are told.

use std::io::{BufRead, BufReader, Write};
use std::time::{Duration, Instant};

use opkg_oda::{Change, Key, PackageId, Phase, Stage, State, Store, TargetId};

use crate::client::{Answer, Site, open};
use crate::html::Page;

/// What the page after a form says.
fn said(site: &Site, answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{answer:?}");
    let html = site.get(answer.header("location").unwrap()).body;
    let notice = html.split("role=\"status\">").nth(1).unwrap_or_else(|| panic!("no notice: {html}"));
    notice.split("</p>").next().unwrap().to_owned()
}

/// Why a form was refused.
fn refused(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(Page::parse(&answer.body).check(), [""; 0]);
    answer.body.split("role=\"alert\">").nth(1).unwrap().split("</p>").next().unwrap().to_owned()
}

fn key(target: i64, package: i64) -> Key {
    Key { target: TargetId(target), package: PackageId(package) }
}

#[test]
fn packages_are_requested_and_removed() {
    let site = Site::new();
    let done = site.post("/request", "packages=ganglia%2C+pbs&on=image%3Alogin&stage=install-bin-pkgs");
    assert_eq!(
        said(&site, &done),
        "Not known so far, and now known: pbs. Requested: ganglia, pbs to install-bin-pkgs on image:login. The next \
         run does it."
    );
    assert_eq!(site.load().row(key(3, 2)).unwrap().requested, Stage::InstallBinPkgs);
    let again = site.post("/request", "packages=ganglia&on=image%3Alogin&stage=install-bin-pkgs");
    assert_eq!(said(&site, &again), "All of that was requested already.");
    let done = site.post("/remove", "packages=ganglia&on=image%3Alogin");
    assert_eq!(said(&site, &done), "To be removed: ganglia. The next run does it.");
    assert_eq!(site.load().row(key(3, 2)).unwrap().requested, Stage::ShouldNotBeInstalled);
}

#[test]
fn refusals_are_said_at_the_form_with_what_was_typed() {
    let site = Site::new();
    let before = site.load();
    let core = site.post("/remove", "packages=sis&on=server");
    assert_eq!(
        refused(&core),
        "Nothing was changed: sis is of class core: the cluster does not work without it."
    );
    assert!(core.body.contains("id=\"remove-packages\" name=\"packages\" list=\"known\" value=\"sis\""));
    assert!(core.body.contains("id=\"request-packages\" name=\"packages\" list=\"known\" value=\"\""));
    for (deed, form, why) in [
        ("request", "packages=&on=all", "name a package"),
        ("request", "packages=munge&on=", "name a target: server, images, clients, all, or KIND:NAME"),
        ("request", "packages=munge&on=client%3Anone", "no target is called client:none"),
        (
            "request",
            "packages=munge&on=all&stage=1",
            "no package can be asked to come to should_not_be_installed",
        ),
        ("remove", "packages=mung&on=all", "no package is called mung (did you mean munge?)"),
        ("rerun", "packages=&on=all", "choose a stage"),
        ("rerun", "packages=&on=all&stage=8", "the stage finished cannot be run again: it has no work"),
        ("reconfigure", "packages=none", "no package is called none"),
        (
            "upgrade",
            "packages=%3Cb%3E",
            "`&#60;b&#62;` is no name of a package: a letter or digit, then letters, \
          digits, `+`, `.`, `_` and `-`",
        ),
    ] {
        let why = format!("Nothing was changed: {why}.");
        assert_eq!(refused(&site.post(&format!("/{deed}"), form)), why, "{deed} {form}");
    }
    assert_eq!(site.load(), before);
}

#[test]
fn what_others_need_is_removed_with_them_when_that_is_confirmed() {
    let site = Site::new();
    let form = "packages=slurm&on=server";
    let refusal = site.post("/remove", form);
    assert_eq!(refused(&refusal), "Nothing was changed: slurm is needed by maui on server:head.");
    assert!(refusal.body.contains("<button name=\"cascade\" value=\"yes\">Remove maui as well</button>"));
    let done = site.post("/remove", &format!("{form}&cascade=yes"));
    assert_eq!(said(&site, &done), "To be removed: slurm, maui. The next run does it.");
}

#[test]
fn errors_are_cleared_from_the_page_that_shows_them() {
    let site = Site::new();
    let page = "/packages/slurm/on/server:head";
    assert!(site.get(page).body.contains("Try again in the next run"));
    let done =
        site.post("/clear", "packages=slurm&on=server%3Ahead&back=%2Fpackages%2Fslurm%2Fon%2Fserver%3Ahead");
    assert!(done.header("location").unwrap().starts_with(&format!("{page}?said=")));
    assert_eq!(said(&site, &done), "Cleared: 1 of package and target. The next run tries again.");
    assert_eq!(site.load().row(key(1, 3)).unwrap().state, State::Idle);
    for away in
        ["%2F%2Fevil.example%2Fx", "http%3A%2F%2Fevil.example", "%2F..%2Fx", "x", "%2F%5Cevil.example"]
    {
        let done = site.post("/clear", &format!("packages=slurm&on=server%3Ahead&back={away}"));
        assert!(done.header("location").unwrap().starts_with("/requests?said="), "{away}: {done:?}");
    }
}

#[test]
fn stages_are_queued_again() {
    let site = Site::new();
    let done = site.post("/rerun", "packages=munge&on=clients&stage=install-bin-pkgs&stage=post-clients");
    assert!(said(&site, &done).starts_with("Queued: 91 stages"), "{done:?}");
    assert!(site.load().reruns[&key(4, 1)].contains(&Stage::InstallBinPkgs));
    let done = site.post("/reconfigure", "packages=munge");
    assert!(said(&site, &done).starts_with("Queued: "));
    let done = site.post("/upgrade", "packages=munge");
    assert!(said(&site, &done).starts_with("Queued: "));
}

#[test]
fn runs_and_phases_are_commands_of_opm() {
    let site = Site::with("echo \"opm $*\"; case $1 in run) exit 3;; esac\n");
    let set = site.post("/phase", "phase=addclients");
    assert_eq!(said(&site, &set), "opm phase set addclients\n");
    assert_eq!(
        said(&site, &site.post("/phase", "phase=x+%3Cb%3E")),
        "Nothing was changed: there is no such phase."
    );
    assert_eq!(said(&site, &site.post("/run", "")), "A run has begun.");
    let began = Instant::now();
    loop {
        let html = site.get("/requests").body;
        if html.contains("it ended with exit status 3") {
            assert!(html.contains("<pre tabindex=\"0\">opm run\n</pre>"), "{html}");
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{html}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The command may test the cluster first, and refuse.
#[test]
fn a_phase_that_is_refused_can_be_set_nevertheless() {
    let site = Site::with("case $* in *--force) echo done;; *) echo its tests failed; exit 2;; esac\n");
    let set = site.post("/phase", "phase=test_install");
    assert_eq!(said(&site, &set), "The phase was not changed; see below.");
    let html = site.get("/requests").body;
    assert!(html.contains("its tests failed\n"), "{html}");
    assert!(
        html.contains("<button name=\"force\" value=\"yes\">Set test_install nevertheless</button>"),
        "{html}"
    );
    assert_eq!(Page::parse(&html).check(), [""; 0]);
    assert_eq!(said(&site, &site.post("/phase", "phase=test_install&force=yes")), "done\n");
    assert!(!site.get("/requests").body.contains("nevertheless"));
}

#[test]
fn one_run_at_a_time_is_started_and_it_outlives_nothing_it_should_not() {
    let site = Site::with("read forever; exec sleep 60\n");
    // Its input is empty, so that it gets to the second command at once.
    assert_eq!(said(&site, &site.post("/run", "")), "A run has begun.");
    let again = said(&site, &site.post("/run", ""));
    assert_eq!(again, "Nothing was started: `opm run`, started from here, has not ended yet.");
    let html = site.get("/requests").body;
    let process: i32 = html.split("process ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let process = rustix::process::Pid::from_raw(process).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
}

/// What another program writes is told at once; the number is that of the page that is up to date.
#[test]
fn whoever_follows_is_told_what_others_change() {
    let site = Site::new();
    let mut stream = site.connect();
    let request = format!("GET /live HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n\r\n", site.host, site.cookie);
    stream.write_all(request.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines();
    let mut next =
        || lines.by_ref().map(Result::unwrap).find_map(|it| it.strip_prefix("data: ").map(str::to_owned));
    let number =
        |html: &str| html.split("data-number=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let first = next().unwrap();
    assert_eq!(number(&site.get("/").body), first);
    open(&site.path("oda.db")).commit(&[Change::Phase(Phase::Netboot)]).unwrap();
    let second = next().unwrap();
    assert_ne!(first, second);
    let html = site.get("/").body;
    assert_eq!(number(&html), second);
    assert!(html.contains("<strong>netboot</strong>"));
}

/// A server that is told to end does so although somebody follows.
#[test]
fn it_ends_when_it_is_told_to() {
    let site = Site::new();
    let mut stream = site.connect();
    let request = format!("GET /live HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n\r\n", site.host, site.cookie);
    stream.write_all(request.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines();
    assert!(lines.next().unwrap().unwrap().contains("200 OK"));
    let began = Instant::now();
    drop(site);
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    while let Some(Ok(_)) = lines.next() {}
}
