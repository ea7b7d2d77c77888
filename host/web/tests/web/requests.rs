//! What the forms of the pages do, and how others are told.

use std::io::{BufRead, BufReader, Write};
use std::time::{Duration, Instant};

use opkg_oda::{Change, PackageId, Phase, Stage, StateKey, Store, TargetId, WorkState};

use crate::html::ParsedPage;
use crate::test_server::{Response, TestServer, open_database};

/// The notice of the page to which a form redirects.
fn notice(server: &TestServer, response: &Response) -> String {
    assert_eq!(response.status, 303, "{response:?}");
    let html = server.get(server.location(response)).body;
    let notice = html.split("role=\"status\">").nth(1).unwrap_or_else(|| panic!("no notice: {html}"));
    notice.split("</p>").next().unwrap().to_owned()
}

/// The error that is shown at a rejected form.
fn error_message(response: &Response) -> String {
    assert_eq!(response.status, 200, "{response:?}");
    assert_eq!(ParsedPage::parse(&response.body).lint(), [""; 0]);
    response.body.split("role=\"alert\">").nth(1).unwrap().split("</p>").next().unwrap().to_owned()
}

fn key(target: i64, package: i64) -> StateKey {
    StateKey { target: TargetId(target), package: PackageId(package) }
}

#[test]
fn packages_are_requested_and_removed() {
    let server = TestServer::new();
    let form = "packages=ganglia%2C+pbs&on=image%3Alogin&stage=install-bin-pkgs";
    let unknown = server.post("/request", form);
    assert_eq!(error_message(&unknown), "Nothing was changed: no package is called pbs.");
    assert!(unknown.body.contains("<button name=\"new\" value=\"yes\">Request pbs as it is"));
    let done = server.post("/request", &format!("{form}&new=yes"));
    assert_eq!(
        notice(&server, &done),
        "Not known so far, and now known: pbs. Requested: ganglia, pbs to install-bin-pkgs on image:login. The next \
         run does it."
    );
    assert_eq!(server.load_cluster().state(key(3, 2)).unwrap().requested, Stage::InstallBinPkgs);
    let again = server.post("/request", "packages=ganglia&on=image%3Alogin&stage=install-bin-pkgs");
    assert_eq!(notice(&server, &again), "All of that was requested already.");
    let done = server.post("/remove", "packages=ganglia&on=image%3Alogin");
    assert_eq!(notice(&server, &done), "To be removed: ganglia. The next run does it.");
    assert_eq!(server.load_cluster().state(key(3, 2)).unwrap().requested, Stage::ShouldNotBeInstalled);
}

#[test]
fn what_was_asked_for_is_in_the_journal() {
    let server = TestServer::new();
    server.post("/request", "packages=ganglia%2C+munge&on=image%3Alogin&stage=install-bin-pkgs");
    server.post("/remove", "packages=slurm&on=server&cascade=yes");
    server.post("/reconfigure", "packages=nothing");
    let html = server.get("/packages/munge/form/login").body;
    let state = html.split("name=\"state\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    server.post("/packages/munge/form/login", &format!("state={state}&field.key=secret"));
    server.post("/run", "");
    let commands = open_database(&server.path("oda.db")).commands(10).unwrap();
    let commands: Vec<String> =
        commands.iter().map(|it| format!("{} {}@{}: {}", it.at, it.who, it.host, it.command)).collect();
    let expected = [
        "run",
        "configure munge --image login",
        "remove slurm --on server --cascade",
        "request ganglia munge --on image:login --stage install-bin-pkgs",
    ];
    assert_eq!(
        commands,
        expected.map(|command| format!("{} ada@head: opm web: {command}", crate::fixture::NOW))
    );
}

#[test]
fn refusals_are_said_at_the_form_with_what_was_typed() {
    let server = TestServer::new();
    let before = server.load_cluster();
    let core = server.post("/remove", "packages=sis&on=server");
    assert_eq!(
        error_message(&core),
        "Nothing was changed: sis is of class core: the cluster does not work without it."
    );
    assert!(core.body.contains("id=\"remove-packages\" name=\"packages\" list=\"known\" value=\"sis\""));
    assert!(core.body.contains("id=\"request-packages\" name=\"packages\" list=\"known\" value=\"\""));
    for (operation, form, why) in [
        ("request", "packages=&on=all", "name a package"),
        (
            "request",
            "packages=munge&on=",
            "name a target: server, images, clients, all, a client, KIND:NAME or @GROUP",
        ),
        ("request", "packages=munge&on=client%3Anone", "no target is called client:none"),
        ("request", "packages=munge&on=%40rack2", "no group is called @rack2 (did you mean @rack1?)"),
        ("request", "packages=munge&on=%40broken", "a group refers to itself: @broken -&#62; @broken"),
        ("request", "packages=munge&on=%40rack1%26images", "`@rack1&#38;images` leaves no target"),
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
            "`&#60;b&#62;` is not a valid name of a package, expected a letter or digit, then letters, \
          digits, `+`, `.`, `_` and `-`",
        ),
    ] {
        let why = format!("Nothing was changed: {why}.");
        assert_eq!(error_message(&server.post(&format!("/{operation}"), form)), why, "{operation} {form}");
    }
    assert_eq!(server.load_cluster(), before);
}

#[test]
fn groups_are_taken_wherever_targets_are() {
    let server = TestServer::new();
    let on = |on: &str| {
        let text = server.get(&format!("/?packages=&on={on}")).body;
        let parts = text
            .split(", ")
            .filter_map(|part| part.split_once(" targets of 99").or(part.split_once(" target of 99")));
        parts.map(|(count, _)| count.to_owned()).next().unwrap_or(text)
    };
    assert_eq!(on("%40rack1"), "32");
    assert_eq!(on("%40rack1!oscarnode%5B01-31%5D"), "1");
    assert_eq!(on("!%40rack1"), "67");
    assert_eq!(on("server+%40rack1+!oscarnode01"), "32");
    let requested = server.post("/request", "packages=ganglia&on=%40rack1%21oscarnode%5B02-32%5D&stage=8");
    assert!(notice(&server, &requested).contains("client:oscarnode01"), "{}", notice(&server, &requested));
}

#[test]
fn what_others_need_is_removed_with_them_when_that_is_confirmed() {
    let server = TestServer::new();
    let form = "packages=slurm&on=server";
    let response = server.post("/remove", form);
    assert_eq!(error_message(&response), "Nothing was changed: slurm is needed by maui on server:head.");
    assert!(response.body.contains("<button name=\"cascade\" value=\"yes\">Remove maui as well</button>"));
    let done = server.post("/remove", &format!("{form}&cascade=yes"));
    assert_eq!(notice(&server, &done), "To be removed: slurm, maui. The next run does it.");
}

#[test]
fn errors_are_cleared_from_the_page_that_shows_them() {
    let server = TestServer::new();
    let page = "/packages/slurm/on/server:head";
    assert!(server.get(page).body.contains("Try again in the next run"));
    let done =
        server.post("/clear", "packages=slurm&on=server%3Ahead&back=packages%2Fslurm%2Fon%2Fserver%3Ahead");
    assert!(server.location(&done).starts_with(&format!("{page}?said=")));
    assert_eq!(notice(&server, &done), "Cleared: 1 package/target pair. The next run tries again.");
    assert_eq!(server.load_cluster().state(key(1, 3)).unwrap().work_state, WorkState::Idle);
    for away in [
        "%2F%2Fevil.example%2Fx",
        "http%3A%2F%2Fevil.example",
        "..%2Fx",
        "%2Frequests",
        "%5Cevil.example",
        "",
    ] {
        let done = server.post("/clear", &format!("packages=slurm&on=server%3Ahead&back={away}"));
        assert!(server.location(&done).starts_with("/requests?said="), "{away}: {done:?}");
    }
}

#[test]
fn stages_are_queued_again() {
    let server = TestServer::new();
    let done = server.post("/rerun", "packages=munge&on=clients&stage=install-bin-pkgs&stage=post-clients");
    assert!(notice(&server, &done).starts_with("Queued: 91 stages"), "{done:?}");
    assert!(server.load_cluster().reruns[&key(4, 1)].contains(&Stage::InstallBinPkgs));
    let done = server.post("/reconfigure", "packages=munge");
    assert!(notice(&server, &done).starts_with("Queued: "));
    let done = server.post("/upgrade", "packages=munge");
    assert!(notice(&server, &done).starts_with("Queued: "));
}

#[test]
fn runs_and_phases_are_commands_of_opm() {
    let server = TestServer::with_opm_script("echo \"opm $*\"; case $1 in run) exit 3;; esac\n");
    let set = server.post("/phase", "phase=addclients");
    assert_eq!(notice(&server, &set), "opm phase set addclients\n");
    assert_eq!(
        notice(&server, &server.post("/phase", "phase=x+%3Cb%3E")),
        "Nothing was changed: there is no such phase."
    );
    assert_eq!(notice(&server, &server.post("/run", "")), "A run has begun.");
    let began = Instant::now();
    loop {
        let html = server.get("/requests").body;
        if html.contains("ended with exit status 3") {
            assert!(html.contains("<pre tabindex=\"0\">opm run\n</pre>"), "{html}");
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{html}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The command may test the cluster first, and refuse.
#[test]
fn a_phase_that_is_rejected_can_be_set_anyway() {
    let server = TestServer::with_opm_script(
        "case $* in *--force) echo done;; *) echo its tests failed; exit 2;; esac\n",
    );
    let set = server.post("/phase", "phase=test_install");
    assert_eq!(notice(&server, &set), "The phase was not changed; see below.");
    let html = server.get("/requests").body;
    assert!(html.contains("its tests failed\n"), "{html}");
    assert!(html.contains("<button name=\"force\" value=\"yes\">Set test_install anyway</button>"), "{html}");
    assert_eq!(ParsedPage::parse(&html).lint(), [""; 0]);
    assert_eq!(notice(&server, &server.post("/phase", "phase=test_install&force=yes")), "done\n");
    assert!(!server.get("/requests").body.contains("anyway"));
}

#[test]
fn one_run_at_a_time_is_started_and_it_outlives_nothing_it_should_not() {
    let server = TestServer::with_opm_script("read forever; exec sleep 60\n");
    // Its input is empty, so that it gets to the second command at once.
    assert_eq!(notice(&server, &server.post("/run", "")), "A run has begun.");
    let again = notice(&server, &server.post("/run", ""));
    assert_eq!(again, "Nothing was started: `opm run`, started from here, has not ended yet.");
    let html = server.get("/requests").body;
    let process: i32 = html.split("process ").nth(1).unwrap().split(')').next().unwrap().parse().unwrap();
    let process = rustix::process::Pid::from_raw(process).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
}

/// What another program writes is told at once; the number is that of the page that is up to date.
#[test]
fn whoever_follows_is_told_what_others_change() {
    let server = TestServer::new();
    let mut stream = server.connect();
    let request = live_request(&server);
    stream.write_all(request.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines();
    let mut next =
        || lines.by_ref().map(Result::unwrap).find_map(|line| line.strip_prefix("data: ").map(str::to_owned));
    let number = |html: &str| {
        html.split("data-state-version=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    let first = next().unwrap();
    assert_eq!(number(&server.get("/").body), first);
    open_database(&server.path("oda.db")).commit(&[Change::SetPhase(Phase::Netboot)]).unwrap();
    let second = next().unwrap();
    assert_ne!(first, second);
    let html = server.get("/").body;
    assert_eq!(number(&html), second);
    assert!(html.contains("<strong>netboot</strong>"));
}

/// A server that is told to end does so although somebody follows.
#[test]
fn it_ends_when_it_is_told_to() {
    let server = TestServer::new();
    let mut stream = server.connect();
    let request = live_request(&server);
    stream.write_all(request.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines();
    assert!(lines.next().unwrap().unwrap().contains("200 OK"));
    let began = Instant::now();
    drop(server);
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    while let Some(Ok(_)) = lines.next() {}
}

/// For the stream of events.
fn live_request(server: &TestServer) -> String {
    let (base, host, cookie) = (&server.base, &server.host, &server.cookie);
    format!("GET {base}/live HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n")
}
