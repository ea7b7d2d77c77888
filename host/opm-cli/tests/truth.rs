//! What `opm` says is true: versions, what nobody looked at, what is kept and what is forgotten.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use fs_err as fs;
use opkg_oda::{
    Change, Event, EventId, Package, PackageState, Run, RunId, RunStatus, Stage, StateKey, StepKind,
    StepResult, Store,
};
use opkg_sqlite::SqliteStore;
use serde_json::Value;
use tempfile::TempDir;

/// A head node and an image that are directories, and a client that is maintained elsewhere.
struct Site(TempDir);

impl Site {
    fn empty() -> Self {
        let site = Self(tempfile::tempdir().unwrap());
        for directory in ["head", "compute", "etc", "log", "packages"] {
            fs::create_dir(site.path().join(directory)).unwrap();
        }
        let path = site.path().display();
        let toml =
            format!("log_directory = \"{path}/log\"\n[[repository]]\nlocation = \"{path}/packages\"\n");
        fs::write(site.path().join("etc/opm.toml"), toml).unwrap();
        site
    }

    fn new() -> Self {
        let site = Self::empty();
        site.ok(&["init", "--name", "head", "--root", "head"]);
        site.ok(&["target", "add", "image:compute", "--root", "compute"]);
        site
    }

    /// The package `demo` is finished on head node and image, in these versions.
    fn with_demo(head: &str, image: &str) -> Self {
        let site = Self::new();
        site.ok(&["request", "--new", "demo"]);
        let mut store = site.store();
        let cluster = store.load().unwrap();
        let package = cluster.find_package(&"demo".parse().unwrap()).unwrap().clone();
        let mut changes =
            vec![Change::PutPackage(Package { version: Some("1.1-1".into()), ..package.clone() })];
        for (target, version) in [("server:head", head), ("image:compute", image)] {
            let target = cluster.find_target(&target.parse().unwrap()).unwrap().id;
            let key = StateKey { target, package: package.id };
            let row = PackageState { current: Stage::Finished, ..PackageState::new(Stage::Finished, 1) };
            changes.push(Change::UpdateState(key, row));
            changes.push(Change::SetInstalledVersion { key, version: Some(version.into()) });
        }
        store.commit(&changes).unwrap();
        site
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn database(&self) -> PathBuf {
        self.path().join("oda.db")
    }

    fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.database()).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_opm"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("OPM_DATABASE", self.database())
            .env("OPM_SETTINGS", self.path().join("etc"))
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let (code, text) = self.said(arguments);
        assert_eq!(code, 0, "{arguments:?}: {text}");
        text
    }

    /// Exit status and both streams.
    fn said(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_slice(&self.run(&[arguments, &["--format", "json"]].concat()).stdout).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let names =
            fs::read_dir(self.path()).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.starts_with("oda.db")).collect();
        names.sort();
        names
    }
}

#[test]
fn which_version_is_where_and_which_is_wanted() {
    let site = Site::with_demo("1.1-1", "1.0-1");
    let (code, text) = site.said(&["status"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("demo on image:compute: 1.0-1 is installed, 1.1-1 is wanted"), "{text}");
    assert!(text.contains("$ opm upgrade demo --on image:compute"), "{text}");
    let json = site.json(&["status"]);
    let demo = &json["packages"][0];
    assert_eq!((demo["version"].as_str(), demo["held"].as_bool()), (Some("1.1-1"), Some(false)));
    let versions: Vec<_> =
        demo["states"].as_array().unwrap().iter().map(|it| it["version"].clone()).collect();
    assert_eq!(versions, ["1.1-1", "1.0-1"]);

    site.ok(&["upgrade", "demo", "--on", "image:compute"]);
    let cluster = site.store().load().unwrap();
    assert_eq!(cluster.reruns.len(), 1, "the head node has it");
    let (code, text) = site.said(&["upgrade", "demo", "--on", "server", "--to", "1.1-1"]);
    assert_eq!((code, text.contains("1.1-1 is installed everywhere already")), (0, true), "{text}");
    site.ok(&["upgrade", "demo", "--to", "0:1.0-1"]);
    assert_eq!(site.json(&["status"])["packages"][0]["version"], "0:1.0-1");
    assert!(site.ok(&["status"]).contains("demo on server:head: 1.1-1 is installed, 0:1.0-1 is wanted"));
    assert_eq!(site.said(&["upgrade", "demo", "--to", "1;x"]).0, 2);
}

#[test]
fn what_is_held_is_not_upgraded_and_shown() {
    let site = Site::with_demo("1.0-1", "1.0-1");
    assert!(site.ok(&["hold", "demo"]).contains("held: 1 package"));
    assert!(site.ok(&["hold", "demo"]).contains("held already"));
    let (code, text) = site.said(&["upgrade", "demo"]);
    assert!(code == 2 && text.contains("demo is held") && text.contains("opm unhold demo"), "{text}");
    site.ok(&["reconfigure", "demo"]);
    let cluster = site.store().load().unwrap();
    assert!(cluster.reruns.values().all(|stages| !stages.contains(&Stage::InstallBinPkgs)), "{cluster:?}");
    let text = site.ok(&["status"]);
    assert!(text.contains("Held:") && text.contains("opm unhold demo"), "{text}");
    assert!(!text.contains("$ opm upgrade"), "{text}");
    assert_eq!(site.json(&["status"])["packages"][0]["held"], true);
    assert!(site.ok(&["package", "list"]).contains("held"));
    assert!(site.ok(&["unhold", "demo"]).contains("no longer held"));
    site.ok(&["upgrade", "demo"]);
    assert_eq!(site.said(&["hold", "none"]).0, 2);
}

#[test]
fn what_nobody_looked_at_is_said_and_not_called_well() {
    let site = Site::with_demo("1.1-1", "1.1-1");
    assert_eq!(site.said(&["status"]).0, 0);
    fs::remove_dir(site.path().join("compute")).unwrap();
    let (code, text) = site.said(&["status"]);
    assert_eq!(code, 4, "{text}");
    assert!(
        text.contains("? finished") && text.contains("Not looked at:\n  image:compute: the root "),
        "{text}"
    );
    let json = site.json(&["status"]);
    assert_eq!(json["unknown"][0]["targets"], "image:compute");
    assert_eq!(json["packages"][0]["states"][1]["standing"], "unknown");

    site.ok(&["target", "add", "client:n1"]);
    assert_eq!(
        site.json(&["status"])["unknown"].as_array().unwrap().len(),
        1,
        "nothing is known of n1 at all"
    );
    site.ok(&["request", "demo", "--on", "client:n1"]);
    let (code, text) = site.said(&["audit"]);
    assert_eq!(code, 4, "{text}");
    for unseen in [
        "warning: client:n1 not looked at: not maintained from here",
        "warning: image:compute not looked at: the root ",
        // It has no distribution, so that there is no package manager.
        "warning: server:head not looked at: its package manager could not be asked: ",
    ] {
        assert!(text.contains(unseen), "{unseen}: {text}");
    }
    assert!(!text.contains("the database says what is installed"), "{text}");
    let json = site.json(&["audit"]);
    assert_eq!(json["unknown"].as_object().unwrap().len(), 3, "{json}");
    let (code, text) = site.said(&["audit", "--on", "client:n1"]);
    assert!(code == 4 && !text.contains("image:compute"), "{text}");
}

#[test]
fn typing_errors_do_not_become_packages() {
    let site = Site::with_demo("1.1-1", "1.1-1");
    let (code, text) = site.said(&["request", "demoo"]);
    assert!(
        code == 2 && text.contains("no package is called demoo") && text.contains("did you mean `demo`?"),
        "{text}"
    );
    assert_eq!(site.store().load().unwrap().packages.len(), 1);
    fs::write(site.path().join("packages/opkg-munge_0.5-1_all.deb"), "").unwrap();
    site.ok(&["request", "munge"]);
    site.ok(&["request", "--new", "later"]);
    assert_eq!(site.store().load().unwrap().packages.len(), 3);
    let (code, text) = site.said(&["request", "--new", "munge-server"]);
    assert!(code == 2 && text.contains("both would make the package opkg-munge-server"), "{text}");
}

#[test]
fn packages_are_forgotten_when_they_are_nowhere() {
    let site = Site::with_demo("1.1-1", "1.1-1");
    let (code, text) = site.said(&["package", "remove", "demo"]);
    assert!(code == 2 && text.contains("server:head (requested and installed)"), "{text}");
    assert!(text.contains("opm remove demo"), "{text}");
    site.ok(&["request", "--new", "wrong", "--on", "server"]);
    assert!(site.said(&["package", "remove", "wrong"]).1.contains("server:head (requested)"));
    site.ok(&["remove", "wrong"]);
    site.ok(&["package", "remove", "wrong"]);
    assert_eq!(site.said(&["package", "remove", "wrong"]).0, 2);
    assert_eq!(site.store().load().unwrap().packages.len(), 1);
    site.ok(&["request", "--new", "wrong", "--on", "server"]);
}

/// A step of run 1 on the head node; `ended` is when the run and the step did.
fn add_step(site: &Site, log: &Path, ended: Option<i64>) {
    let mut store = site.store();
    let cluster = store.load().unwrap();
    let target = cluster.find_target(&"server:head".parse().unwrap()).unwrap().id;
    let run = store
        .start_run(&Run {
            id: RunId(0),
            started_at: 5,
            ended_at: None,
            status: None,
            host: "head".into(),
            pid: std::process::id(),
            process: opkg_oda::ProcessIdentity::current(),
            command: "opm run".into(),
        })
        .unwrap();
    let id = EventId { run, number: 1 };
    let event = Event {
        id,
        started_at: 6,
        target,
        packages: Vec::new(),
        stage: Stage::PostInstall,
        kind: StepKind::Hook,
        name: "api-post-deploy".into(),
        log_path: Some(log.display().to_string()),
        result: None,
    };
    store.commit(&[Change::StartEvent(Box::new(event))]).unwrap();
    if let Some(ended_at) = ended {
        end_step(&mut store, id, log, ended_at);
    }
}

fn end_step(store: &mut SqliteStore, id: EventId, log: &Path, ended_at: i64) {
    let result = StepResult {
        ended_at,
        status: RunStatus::Done,
        message: None,
        exit_code: Some(0),
        signal: None,
        timed_out: false,
        log_path: Some(log.display().to_string()),
        log_tail: "the tail".into(),
    };
    store
        .commit(&[
            Change::EndEvent { event: id, result: Box::new(result) },
            Change::EndRun { run: id.run, ended_at, status: RunStatus::Done },
        ])
        .unwrap();
}

#[test]
fn what_a_running_step_prints_is_read_while_it_runs() {
    let site = Site::new();
    let log = site.path().join("log/run-000001/0001-head-demo-api-post-deploy.log");
    fs::create_dir_all(log.parent().unwrap()).unwrap();
    fs::write(&log, "first\n\u{1b}[31msecond\nunfini").unwrap();
    add_step(&site, &log, None);
    let text = site.ok(&["log", "1.1"]);
    assert!(text.contains("  | first\n  | second\n") && text.contains("opm log --follow"), "{text}");
    assert_eq!(site.json(&["log", "1.1"])[0]["log"], log.display().to_string());

    let mut follower = site.command(&["log", "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    assert!(next().contains("api-post-deploy"));
    assert_eq!((next(), next()), ("  | first".to_owned(), "  | second".to_owned()));
    let mut file = std::fs::File::options().append(true).open(&log).unwrap();
    std::io::Write::write_all(&mut file, b"shed\nand no end").unwrap();
    assert_eq!(next(), "  | unfinished");
    end_step(&mut site.store(), EventId { run: RunId(1), number: 1 }, &log, 9);
    assert_eq!(next(), "  | and no end");
    assert!(follower.wait().unwrap().success());
    assert!(site.ok(&["log", "--follow"]).contains("no run is at work"));
    assert!(site.ok(&["log", "--follow", "1"]).contains("  | and no end"));
    assert_eq!(site.said(&["log", "--follow", "7"]).0, 2);
}

#[test]
fn no_path_outside_of_the_log_directory_is_opened() {
    let site = Site::new();
    let secret = site.path().join("secret");
    fs::write(&secret, "s3cret\n").unwrap();
    symlink(&secret, site.path().join("log/link.log")).unwrap();
    let paths = [
        secret.clone(),
        site.path().join("log/../secret"),
        site.path().join("log/link.log"),
        "/etc/passwd".into(),
    ];
    for (run, path) in (1..).zip(&paths) {
        add_step(&site, path, Some(9));
        for arguments in [["log", &format!("{run}.1")], ["log", &format!("--follow={run}.1")]] {
            let arguments = if arguments[1].starts_with("--follow") {
                vec!["log", "--follow", arguments[1].trim_start_matches("--follow=")]
            } else {
                arguments.to_vec()
            };
            let text = site.ok(&arguments);
            assert!(!text.contains("s3cret") && !text.contains("root:"), "{path:?}: {text}");
        }
        assert!(site.ok(&["log", &format!("{run}.1")]).contains("the tail"));
    }
}

#[test]
fn reading_writes_nothing() {
    let site = Site::with_demo("1.1-1", "1.1-1");
    assert_eq!(site.names(), ["oda.db"]);
    let before = fs::read(site.database()).unwrap();
    for arguments in
        [&["status"][..], &["log"], &["history"], &["export"], &["package", "list"], &["target", "list"]]
    {
        site.ok(arguments);
        assert_eq!(site.names(), ["oda.db"], "{arguments:?}");
    }
    assert!(fs::read(site.database()).unwrap() == before);
}

/// A form with a password, and answers to it.
fn with_password() -> Site {
    let site = Site::with_demo("1.1-1", "1.1-1");
    let home = site.path().join("head/usr/lib/oscar/packages/demo");
    fs::create_dir_all(&home).unwrap();
    let form = "<form>User <input name=user> Password <input type=password name=word></form>";
    fs::write(home.join("configurator.html"), form).unwrap();
    site.ok(&["configure", "demo", "--set", "user=ada", "word=s3cret"]);
    site
}

#[test]
fn passwords_are_exported_only_when_asked_for_and_then_to_nobody_else() {
    let site = with_password();
    let output = site.run(&["export"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("ada") && !text.contains("s3cret") && text.contains("secret = true"), "{text}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("1 value of demo left out") && said.contains("--with-secrets"), "{said}");
    fs::write(site.path().join("cluster.toml"), &text).unwrap();
    site.ok(&["import", "cluster.toml"]);
    assert!(site.ok(&["configure", "demo", "--show"]).contains("ada"));

    assert_eq!(site.said(&["export", "--with-secrets"]).0, 2, "not to the terminal");
    fs::write(site.path().join("all.toml"), "").unwrap();
    fs::set_permissions(site.path().join("all.toml"), PermissionsExt::from_mode(0o666)).unwrap();
    site.ok(&["export", "--with-secrets", "--output", "all.toml"]);
    let file = site.path().join("all.toml");
    assert!(fs::read_to_string(&file).unwrap().contains("s3cret"), "and the import kept it");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // Where no form tells which of the fields are passwords, all of them may be.
    fs::remove_dir_all(site.path().join("head/usr")).unwrap();
    let text = site.ok(&["export"]);
    assert!(!text.contains("s3cret") && !text.contains("\"ada\""), "{text}");
    assert!(text.contains("its form is not there"), "{text}");
}

#[test]
fn what_is_old_leaves_the_journal_and_is_still_counted() {
    let site = Site::with_demo("1.1-1", "1.1-1");
    let log = |run: u32| site.path().join(format!("log/run-00000{run}/0001-x.log"));
    let add_old_step = |run| {
        fs::create_dir_all(log(run).parent().unwrap()).unwrap();
        fs::write(log(run), "x").unwrap();
        add_step(&site, &log(run), Some(9));
    };
    add_old_step(1);
    let (code, text) = site.said(&["history", "prune"]);
    assert!(code == 2 && text.contains("nobody says which steps are old"), "{text}");
    let text = site.ok(&["history", "prune", "--older-than", "1y", "--dry-run"]);
    assert!(text.contains("would be removed: 1 step of 1 run, 1 log") && log(1).exists(), "{text}");

    let settings = site.path().join("etc/opm.toml");
    let before = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, before + "[journal]\nkeep = \"1 year\"\n").unwrap();
    let text = site.ok(&["run", "--dry-run"]);
    assert!(!text.contains("journal"), "{text}");
    let text = site.ok(&["run"]);
    assert!(text.contains("removed from the journal, as it is old: 1 step of 1 run, 1 log"), "{text}");
    assert!(!log(1).exists());
    // Once a day, unless somebody asks for it.
    add_old_step(2);
    let text = site.ok(&["run"]);
    assert!(!text.contains("journal") && log(2).exists(), "{text}");
    let done = site.json(&["history", "prune"]);
    assert_eq!((done["steps"].as_u64(), done["logs"].as_u64()), (Some(1), Some(1)), "{done}");
    assert!(site.ok(&["history", "prune"]).contains("no step in the journal is that old"));
    assert!(site.ok(&["history", "--commands"]).contains("opm history prune"));
    assert_eq!(site.json(&["history"]).as_array().unwrap().len(), 0);
    let totals = site.json(&["history", "--totals"]);
    let expected = serde_json::json!([{
        "day": "1970-01-01", "package": null, "stage": "post-install", "verdict": "done", "steps": 2,
    }]);
    assert_eq!(totals, expected);
    assert_eq!(
        site.ok(&["history", "--totals"]),
        "1970-01-01  -                 post-install            done              2\n"
    );
}

#[test]
fn what_is_left_of_packages_and_runs_is_purged() {
    let site = with_password();
    let log = site.path().join("log/run-000001/0001-x.log");
    let audit = site.path().join("log/run-000000/0001-head-confirm.log");
    for file in [&log, &audit] {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "x").unwrap();
    }
    fs::write(site.path().join("log/kept"), "").unwrap();
    add_step(&site, &log, Some(9));
    add_step(&site, Path::new("/etc/passwd"), Some(9));
    let text = site.ok(&["purge", "--dry-run"]);
    assert!(text.contains("would be removed: 2 runs (the newest is 2) with 2 steps, 1 log"), "{text}");
    assert!(log.exists() && site.store().runs(9).unwrap().len() == 2);
    site.ok(&["purge"]);
    assert!(!log.exists() && !log.parent().unwrap().exists() && site.path().join("log/kept").exists());
    assert!(Path::new("/etc/passwd").exists() && audit.exists(), "it is new");
    assert!(site.ok(&["purge"]).contains("nothing is left that nobody needs"));
    assert!(site.ok(&["purge", "--older-than", "0d"]).contains("removed: 1 log"));
    assert!(!audit.exists());

    // Gone from everywhere, its answers go as well; those of one that is yet to come stay.
    site.ok(&["request", "--new", "later", "--on", "server"]);
    let mut store = site.store();
    let cluster = store.load().unwrap();
    let demo = cluster.find_package(&"demo".parse().unwrap()).unwrap().id;
    let keys: Vec<StateKey> =
        cluster.all_states().map(|(key, _)| key).filter(|key| key.package == demo).collect();
    for key in keys {
        let stage = Stage::ShouldNotBeInstalled;
        store.commit(&[Change::Request { key, stage, requested_at: 1 }]).unwrap();
        store.commit(&[Change::UpdateState(key, PackageState::new(stage, 1))]).unwrap();
    }
    drop(store);
    let json = site.json(&["purge", "--dry-run"]);
    assert_eq!((json["packages"][0].as_str(), json["values"].as_u64()), (Some("demo"), Some(2)), "{json}");
    assert!(site.ok(&["purge"]).contains("removed: 2 values of demo"));
}

#[test]
fn a_root_that_was_built_anew_is_noticed_by_a_run_that_had_nothing_to_do() {
    let site = Site::with_demo("1.1-1", "1.1-1");
    let mut store = site.store();
    let image = store.load().unwrap().find_target(&"image:compute".parse().unwrap()).unwrap().id;
    let id = Some("0".repeat(32));
    let last = Change::SetPhase(opkg_oda::Phase::TestInstall);
    store.commit(&[Change::SetRootId { target: image, id }, last]).unwrap();
    drop(store);
    let planned = site.json(&["run", "--dry-run"]);
    assert!(planned.as_array().unwrap().iter().any(|it| it["what"] == "install demo"), "{planned}");
    let (_, text) = site.said(&["run"]);
    assert!(text.contains("compute of image:compute is not the one that it was"), "{text}");
    let cluster = site.store().load().unwrap();
    assert_ne!(cluster.root_ids[&image], "0".repeat(32));
    let demo = cluster.find_package(&"demo".parse().unwrap()).unwrap().id;
    assert!(
        cluster.state(StateKey { target: image, package: demo }).unwrap().current < Stage::InstallBinPkgs
    );
    assert!(site.path().join("compute/var/lib/opm/root-id").exists());
    // The next one finds it as it is.
    assert!(!site.said(&["run"]).1.contains("is not the one that it was"));
}

#[test]
fn init_says_everything_or_nothing() {
    let site = Site::empty();
    let conf = site.path().join("opm.conf");
    let conf_option = ["--conf", conf.to_str().unwrap()];
    fs::create_dir(site.database()).unwrap();
    let (code, _) = site.said(&[&["init", "--name", "head"][..], &conf_option].concat());
    assert!(code != 0 && !conf.exists(), "no database, and so no file either");
    fs::remove_dir(site.database()).unwrap();
    site.ok(&[&["init", "--name", "head"][..], &conf_option].concat());
    assert_eq!(fs::read_to_string(&conf).unwrap(), "server\nhead\n");
    assert_eq!(site.store().load().unwrap().targets.len(), 1);
}
