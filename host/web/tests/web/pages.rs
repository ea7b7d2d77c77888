//! What the pages show.

use std::fs;
use std::path::Path;

use opkg_oda::{Change, Event, EventId, RunStatus, Stage, StepKind, StepResult, Store, TargetId};
use opkg_sqlite::SqliteStore;

use crate::fixture::HOSTILE;
use crate::html::ParsedPage;
use crate::test_server::{TestServer, open_database};

const PAGES: [(&str, &str); 16] = [
    ("status", "/"),
    ("status_narrow", "/?packages=munge+sis&on=client%3Aoscarnode%5B01-05%5D"),
    ("package", "/packages/munge"),
    ("package_waits", "/packages/ganglia"),
    ("pair_error", "/packages/slurm/on/server:head"),
    ("pair_blocked", "/packages/maui/on/server:head"),
    ("pair_never", "/packages/maui/on/image:login"),
    ("runs", "/runs"),
    ("run", "/runs/1"),
    ("step", "/runs/1/1"),
    ("step_unfinished", "/runs/2/1"),
    ("requests", "/requests?packages=munge"),
    ("forms", "/forms"),
    ("form", "/packages/slurm/form"),
    ("form_of_image", "/packages/munge/form/login"),
    ("form_none", "/packages/maui/form"),
];

/// Replaces what differs from run to run.
fn redact(server: &TestServer, html: &str) -> String {
    let html = html
        .replace(&server.csrf_token, "CSRF_TOKEN")
        .replace(&server.base, "/SESSION")
        .replace(server.directory.path().to_str().unwrap(), "/SITE");
    match html.split_once("name=\"state\" value=\"") {
        Some((before, after)) => {
            let rest = after.trim_start_matches(|letter: char| letter.is_ascii_digit());
            format!("{before}name=\"state\" value=\"STATE{rest}")
        }
        None => html,
    }
}

#[test]
fn all_pages_as_they_are_sent() {
    let server = TestServer::new();
    for (name, path) in PAGES {
        let response = server.get(path);
        assert_eq!(response.status, 200, "{path}: {response:?}");
        assert_eq!(ParsedPage::parse(&response.body).lint(), [""; 0], "{path}");
        insta::assert_snapshot!(name, redact(&server, &response.body));
    }
}

#[test]
fn whatever_the_database_holds_is_text() {
    let server = TestServer::new();
    let mut seen = 0;
    for (_, path) in PAGES {
        let html = server.get(path).body;
        assert!(!html.contains("<script>") && !html.contains("<img"), "{path}");
        seen += html.matches("&#60;script&#62;").count() + html.matches("&lt;script&gt;").count();
    }
    assert!(HOSTILE.starts_with("<script>") && seen > 5, "{seen}");
}

#[test]
fn every_link_leads_somewhere() {
    let server = TestServer::new();
    let mut links: Vec<String> = Vec::new();
    for (_, path) in PAGES {
        let page = ParsedPage::parse(&server.get(path).body);
        links.extend(
            page.attribute_values("a", "href").filter(|href| !href.ends_with("#main")).map(str::to_owned),
        );
        links.extend(
            page.attribute_values("link", "href")
                .chain(page.attribute_values("script", "src"))
                .map(str::to_owned),
        );
    }
    links.sort();
    links.dedup();
    assert!(links.len() > 30);
    for link in links {
        // Its author made a mistake.
        let expected = if link == "packages/sis/form" { 409 } else { 200 };
        let response = match link.strip_prefix("./").unwrap_or(&link) {
            asset if asset.starts_with('/') => server.request("GET", asset, &[], ""),
            page => server.get(&format!("/{page}")),
        };
        assert_eq!(response.status, expected, "{link}");
    }
}

#[test]
fn what_is_not_there_is_said_to_be_so() {
    let server = TestServer::new();
    for path in [
        "/nothing",
        "/packages",
        "/packages/none",
        "/packages/munge/on/client:none",
        "/packages/munge/on/x",
        "/runs/99",
        "/runs/x",
        "/runs/1/99",
        "/packages/a%3Cb%3E",
        "/packages/munge/on",
        "/live/x",
    ] {
        let response = server.get(path);
        assert_eq!(response.status, 404, "{path}");
        assert!(ParsedPage::parse(&response.body).lint().is_empty(), "{path}: {}", response.body);
    }
    let narrow = server.get("/?packages=mung&on=client%3Ax");
    assert!(narrow.body.contains("no package is called mung (did you mean munge?)"), "{}", narrow.body);
}

/// A file that the database names is shown only where logs are, and never through a link.
#[test]
fn logs_are_shown_and_nothing_else() {
    let server = TestServer::new();
    assert!(server.get("/runs/1/1").body.contains("last line"));
    for step in ["/runs/1/2", "/runs/1/3"] {
        let html = server.get(step).body;
        assert!(!html.contains("the secret"), "{step}: {html}");
        assert!(html.contains("The log is not shown"), "{step}: {html}");
    }
}

/// Forty packages on five hundred nodes that are all different.
#[test]
fn a_cluster_in_which_no_two_targets_are_alike() {
    use opkg_oda::{Change, PackageId, PackageState, Stage, StateKey, Store, Target, TargetId};
    let server = TestServer::new();
    let mut changes = Vec::new();
    for package in 10..50 {
        let name = format!("package{package}").parse().unwrap();
        let package = opkg_oda::Package {
            id: PackageId(package),
            name,
            class: opkg_oda::PackageClass::Base,
            version: None,
            dependencies: Vec::new(),
            waiting_for: None,
        };
        changes.push(Change::PutPackage(package));
    }
    for node in 1000..1500_i64 {
        let address = format!("client:node{node}").parse().unwrap();
        changes.push(Change::PutTarget(Target { id: TargetId(node), address, root: None, image: None }));
        for package in 10..50 {
            let key = StateKey { target: TargetId(node), package: PackageId(package) };
            changes.push(Change::Request { key, stage: Stage::Finished, requested_at: 0 });
            let current =
                if node >> (package % 10) & 1 == 1 { Stage::Finished } else { Stage::RunConfigurator };
            changes.push(Change::UpdateState(
                key,
                PackageState { current, ..PackageState::new(Stage::Finished, 0) },
            ));
        }
    }
    crate::test_server::open_database(&server.path("oda.db")).commit(&changes).unwrap();
    let html = server.get("/").body;
    assert!(html.contains("more groups of targets"), "{}", html.len());
    assert!(html.contains("package49") && html.len() < 2 << 20, "{}", html.len());
    assert_eq!(ParsedPage::parse(&html).lint(), [""; 0]);
}

#[test]
fn what_a_running_step_has_printed_is_shown_and_no_other_file() {
    let server = TestServer::new();
    let mut store = open_database(&server.path("oda.db"));
    let run = store.unfinished_runs().unwrap()[0].run.id;
    let logs = server.path("log");
    let begin = |store: &mut SqliteStore, number, log: &Path| {
        let event = Event {
            id: EventId { run, number },
            started_at: 1,
            target: TargetId(1),
            packages: Vec::new(),
            stage: Stage::PostInstall,
            kind: StepKind::Hook,
            name: "api-post-deploy".into(),
            log_path: Some(log.display().to_string()),
            result: None,
        };
        store.commit(&[Change::StartEvent(Box::new(event))]).unwrap();
        format!("/runs/{}/{number}", run.0)
    };
    let log = logs.join("running.log");
    let page = begin(&mut store, 2, &log);
    let before = server.get(&page).body;
    assert!(before.contains("data-running") && before.contains("<p>Nothing.</p>"), "{before}");
    for (printed, shown) in [("first\n", "first\n</pre>"), ("first\nsecond\n", "first\nsecond\n</pre>")] {
        fs::write(&log, printed).unwrap();
        let body = server.get(&page).body;
        assert!(body.contains("data-running") && body.contains(shown), "{body}");
    }
    let outside = begin(&mut store, 3, &logs.with_file_name("secret"));
    assert!(!server.get(&outside).body.contains("the secret"));
    let result = StepResult {
        ended_at: 2,
        status: RunStatus::Done,
        message: None,
        exit_code: Some(0),
        signal: None,
        timed_out: false,
        log_path: Some(log.display().to_string()),
        log_tail: String::new(),
    };
    let event = EventId { run, number: 2 };
    store.commit(&[Change::EndEvent { event, result: Box::new(result) }]).unwrap();
    let after = server.get(&page).body;
    assert!(!after.contains("data-running") && after.contains("first\nsecond\n</pre>"), "{after}");
}
