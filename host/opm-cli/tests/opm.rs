//! What users of `opm` read, and how it ends: real databases, and roots in which nothing can be installed.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use fs_err as fs;
use opkg_oda::{
    Change, Event, EventId, PackageState, Run, RunId, RunStatus, Stage, StageFailure, StateKey, StepKind,
    StepResult, Store, WorkState,
};
use opkg_sqlite::SqliteStore;
use tempfile::TempDir;

struct Fixture(TempDir);

impl Fixture {
    /// With nothing in it.
    fn empty() -> Self {
        let sandbox = Self(tempfile::tempdir().unwrap());
        fs::create_dir(sandbox.path().join("home")).unwrap();
        fs::create_dir(sandbox.path().join("etc")).unwrap();
        let toml = format!("log_directory = \"{}\"\n", sandbox.path().join("log").display());
        fs::write(sandbox.path().join("etc/opm.toml"), toml).unwrap();
        sandbox
    }

    /// A head node, an image and four clients.
    fn new() -> Self {
        let sandbox = Self::empty();
        for root in ["head", "compute"] {
            fs::create_dir(sandbox.path().join(root)).unwrap();
        }
        sandbox.run_ok(&["init", "--name", "head", "--root", "head"]);
        sandbox.run_ok(&["target", "add", "image:compute", "--root", "compute"]);
        sandbox.run_ok(&["target", "add", "client:node[1-4]", "--image", "compute"]);
        sandbox
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
            .env("HOME", self.path().join("home"))
            .env("TMPDIR", self.path().join("home"))
            .env("COLUMNS", "100")
            .env("OPM_DATABASE", self.database())
            .env("OPM_CONF", self.path().join("opm.conf"))
            .env("OPM_SETTINGS", self.path().join("etc"))
            .env("SUDO_USER", "ada")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn run_ok(&self, arguments: &[&str]) {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn exit_code(&self, arguments: &[&str]) -> i32 {
        self.run(arguments).status.code().unwrap()
    }

    /// Exit status and both streams, for snapshots: the same wherever and whenever the test runs.
    fn transcript(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let here = fs::canonicalize(self.path()).unwrap();
            text.replace(&*here.to_string_lossy(), "DIR").replace(&*self.path().to_string_lossy(), "DIR")
        };
        format!(
            "$ opm {}\n[exit {}]\n{}{}\n",
            arguments.join(" "),
            output.status.code().unwrap(),
            text(&output.stdout),
            text(&output.stderr)
        )
    }

    fn transcripts(&self, commands: &[&[&str]]) -> String {
        commands.iter().map(|arguments| self.transcript(arguments)).collect()
    }

    /// Munge is finished on the head node, and failed on two clients in run 1, step 2.
    fn add_failed_packages(&self) {
        self.add_failed_packages_saying("");
    }

    /// The same, with this behind everything that others say.
    fn add_failed_packages_saying(&self, said: &str) {
        self.run_ok(&["request", "--new", "munge"]);
        let mut store = self.store();
        let cluster = store.load().unwrap();
        let target = |name: &str| cluster.find_target(&name.parse().unwrap()).unwrap().id;
        let package = cluster.find_package(&"munge".parse().unwrap()).unwrap().id;
        let at = 1_767_323_045_000;
        let run = Run {
            id: RunId(0),
            started_at: at,
            ended_at: None,
            status: None,
            host: format!("head{said}"),
            pid: 4711,
            process: None,
            command: format!("opm run{said}"),
        };
        let run = store.start_run(&run).unwrap();
        let log = self.path().join("log/run-000001/0002-node3-install.log");
        fs::create_dir_all(log.parent().unwrap()).unwrap();
        fs::write(&log, format!("Reading package lists...\n\u{1b}[31mE: no such package{said}\u{1b}[0m\n"))
            .unwrap();
        let failure = || {
            let message = format!("opkg-munge-client is not there after its installation{said}");
            Some(Box::new(StageFailure { stage: Stage::InstallBinPkgs, message }))
        };
        let broken = PackageState {
            current: Stage::RunConfigurator,
            work_state: WorkState::Failed,
            failure: failure(),
            attempts: 1,
            ..PackageState::new(Stage::Finished, 0)
        };
        let event = |number, name: &str, verdict, log: Option<String>| {
            Change::StartEvent(Box::new(Event {
                id: EventId { run, number },
                started_at: at + 1000 * i64::from(number),
                target: target(name),
                packages: vec![package],
                stage: Stage::InstallBinPkgs,
                kind: StepKind::Install,
                name: "install".into(),
                log_path: None,
                result: Some(StepResult {
                    ended_at: at + 3_500 * i64::from(number),
                    status: verdict,
                    message: (verdict == RunStatus::Failed).then(|| "exit status 100".into()),
                    exit_code: Some(if verdict == RunStatus::Failed { 100 } else { 0 }),
                    signal: None,
                    timed_out: false,
                    log_path: log,
                    log_tail: format!("the last line{said}"),
                }),
            }))
        };
        let done = PackageState { current: Stage::Finished, ..PackageState::new(Stage::Finished, 0) };
        let key = |name: &str| StateKey { target: target(name), package };
        let mut changes = vec![
            Change::UpdateState(key("server:head"), done),
            event(1, "server:head", RunStatus::Done, None),
            event(2, "client:node3", RunStatus::Failed, Some(log.display().to_string())),
            Change::EndRun { run, ended_at: at + 65_000, status: RunStatus::Failed },
        ];
        for name in ["client:node2", "client:node3"] {
            changes.push(Change::Assign { package, client: target(name), handed_over_at: Some(1) });
            changes.push(Change::UpdateState(key(name), broken.clone()));
        }
        store.commit(&changes).unwrap();
    }
}

#[test]
fn help() {
    let sandbox = Fixture::empty();
    let commands: [&[&str]; 16] = [
        &["--help"],
        &["run", "--help"],
        &["status", "--help"],
        &["request", "--help"],
        &["remove", "--help"],
        &["clear", "--help"],
        &["phase", "--help"],
        &["rerun", "--help"],
        &["assign", "--help"],
        &["target", "add", "--help"],
        &["package", "add", "--help"],
        &["import-set", "--help"],
        &["audit", "--help"],
        &["log", "--help"],
        &["init", "--help"],
        &["import", "--help"],
    ];
    insta::assert_snapshot!(sandbox.transcripts(&commands));
}

#[test]
fn setting_up_and_asking() {
    let sandbox = Fixture::empty();
    for root in ["head", "compute"] {
        fs::create_dir(sandbox.path().join(root)).unwrap();
    }
    fs::write(
        sandbox.path().join("set.xml"),
        "<package_set><name>Default</name><packages><opkg>c3</opkg><opkg>sis</opkg></packages></package_set>",
    )
    .unwrap();
    insta::assert_snapshot!(sandbox.transcripts(&[
        &["status"],
        &["init"],
        &["init", "--name", "head", "--root", "head"],
        &["init", "--name", "head"],
        &["status"],
        &["target", "add", "image:compute", "--root", "compute"],
        &["target", "add", "client:node[1-4]", "--image", "compute"],
        &["target", "add", "client:node[1-4]"],
        &["target", "list"],
        &["status"],
        &["request", "munge"],
        &["request", "--new", "munge"],
        &["request", "munge"],
        &["request", "mungo"],
        &["request", "--new", "mungo", "--stage", "post-image", "--on", "server", "images"],
        &["import-set", "--new", "set.xml", "--on", "server"],
        &["package", "list"],
        &["status"],
        &["run", "--dry-run", "--package", "munge"],
        &["phase"],
        &["phase", "set", "build-image"],
        &["status", "munge", "--on", "clients"],
        &["assign", "sis", "--clients", "node[1-2]"],
        &["remove", "mungo"],
        &["target", "remove", "client:node4"],
        &["history"],
        &["log"],
    ]));
    assert_eq!(fs::read_to_string(sandbox.path().join("opm.conf")).unwrap(), "server\nhead\n");
}

#[test]
fn packages_say_what_they_need() {
    let sandbox = Fixture::new();
    let config = |name: &str, relations: &str| {
        let config = format!(
            "<oscar>\n  <name>{name}</name>\n  <class>base</class>\n  <summary>Demo</summary>\n  \
             <license>GPL</license>\n  <group>Applications/System</group>\n  <authors>\n    \
             <author cat=\"maintainer\"><name>Ada</name><email>ada@example.org</email></author>\n  \
             </authors>\n{relations}  <changelog>\n    <versionEntry version=\"1.0-1\">\n      \
             <changelogEntry authorName=\"Ada\" date=\"2025-01-02T03:04:05Z\"><item>First.</item>\
             </changelogEntry>\n    </versionEntry>\n  </changelog>\n</oscar>\n"
        );
        fs::create_dir_all(sandbox.path().join(name)).unwrap();
        fs::write(sandbox.path().join(name).join("config.xml"), config).unwrap();
    };
    config("maui", "  <requires><pkg>opkg-torque</pkg></requires>\n");
    config(
        "torque",
        "  <serverDeps><requires><pkg>opkg-munge</pkg><pkg>perl</pkg></requires></serverDeps>\n",
    );
    config("broken", "  <requirs/>\n");
    fs::remove_dir_all(sandbox.path().join("broken")).unwrap();
    insta::assert_snapshot!(sandbox.transcripts(&[
        &["package", "add", "maui", "torque"],
        &["package", "add", "maui", "torque"],
        &["package", "list"],
        &["package", "list", "--format", "json"],
        &["package", "add", "broken"],
        &["request", "--new", "maui", "--on", "server"],
        &["status"],
        &["remove", "munge"],
        &["remove", "munge", "--cascade", "-q"],
    ]));
}

#[test]
fn an_error_and_the_way_out_of_it() {
    let sandbox = Fixture::new();
    sandbox.add_failed_packages();
    insta::assert_snapshot!(sandbox.transcripts(&[
        &["status"],
        &["status", "--format", "json"],
        &["history"],
        &["history", "--format", "json"],
        &["log"],
        &["log", "--failed", "--package", "munge", "--target", "client:node3"],
        &["log", "1.2"],
        &["log", "1.2", "--format", "json"],
        &["log", "1.1"],
        &["log", "1.7"],
        &["clear", "munge", "--on", "client:node[2-3]"],
        &["clear", "--all"],
        &["rerun", "--stage", "post-clients", "post-install"],
        &["upgrade", "munge"],
        &["reconfigure", "munge"],
    ]));
    assert_eq!(sandbox.exit_code(&["status"]), 4); // its clients are looked at by nobody here
}

#[test]
fn what_is_refused() {
    let sandbox = Fixture::new();
    sandbox.run_ok(&["request", "--new", "munge", "--on", "server"]);
    fs::write(sandbox.path().join("bad.xml"), "<!DOCTYPE a [<!ENTITY b 'c'>]><package_set/>").unwrap();
    fs::write(sandbox.path().join("one-line"), "server\n").unwrap();
    fs::write(sandbox.path().join("other"), "client\r\nnode9\r\n").unwrap();
    let commands: [&[&str]; 27] = [
        &["request", "a b"],
        &["request", "munge", "--stage", "9"],
        &["request", "munge", "--stage", "1"],
        &["request", "munge", "--on", "node:node1"],
        &["request", "munge", "--on", "client:node[1-9]"],
        &["remove", "mung"],
        &["remove", "munge", "--on", "image:compute"],
        &["clear"],
        &["phase", "set", "build"],
        &["rerun", "--stage", "finished"],
        &["assign", "munge", "--clients", "node9"],
        &["reconfigure", "ganglia"],
        &["target", "add", "server:other"],
        &["target", "add", "image:x"],
        &["target", "add", "image:x", "--root", "/"],
        &["target", "add", "client:x", "--image", "login"],
        &["target", "remove", "server:head"],
        &["import-set", "bad.xml"],
        &["import-set", "absent.xml"],
        &["log", "x"],
        &["run", "--conf", "one-line"],
        &["run", "--conf", "other"],
        &["web", "--listen", "unix:/run/opm-web/socket"],
        &["web", "--listen", "head:80"],
        &["web", "--trust-header", "x-user", "--public-url", "https://opm", "--listen", "0.0.0.0:0"],
        &["web", "--trust-header", "x-user", "--public-url", "https://head/opm"],
        &[
            "web",
            "--trust-header",
            "x-user",
            "--public-url",
            "https://opm",
            "--socket-group",
            "no-such-group",
        ],
    ];
    let text = sandbox.transcripts(&commands);
    assert_eq!(text.matches("[exit 2]").count(), commands.len(), "{text}");
    insta::assert_snapshot!(text);
}

/// Groups of a site: a table of its own, genders and Slurm.
fn write_groups(sandbox: &Fixture) {
    let etc = sandbox.path().join("etc");
    let at = |name: &str| etc.join(name).display().to_string();
    fs::write(etc.join("genders"), "node[1-2],login1 gpu,os=el9\nnode[3-4] os=el8\n").unwrap();
    fs::write(
        etc.join("slurm.conf"),
        "NodeName=node[1-4,9]\nPartitionName=all Nodes=ALL\nPartitionName=gpu Nodes=node4\n",
    )
    .unwrap();
    fs::write(etc.join("topology.conf"), "SwitchName=leaf Nodes=node[1-\n").unwrap();
    let settings = format!(
        "{}[groups]\nrack1 = \"node[1-3]\"\nservice = [\"server\", \"image:compute\"]\nmaintenance = \"\"\nwell = \"clients!@gone\"\n\
         gone = \"node9\"\nround = \"@about\"\nabout = \"@round\"\n\
         [group_sources]\nclustershell = false\ngenders = \"{}\"\nslurm = \"{}\"\n",
        fs::read_to_string(etc.join("opm.toml")).unwrap(),
        at("genders"),
        at("slurm.conf"),
    );
    fs::write(etc.join("opm.toml"), settings).unwrap();
}

#[test]
fn groups_wherever_targets_are_named() {
    let sandbox = Fixture::new();
    write_groups(&sandbox);
    insta::assert_snapshot!(sandbox.transcripts(&[
        &["target", "groups"],
        &["target", "groups", "@rack1", "slurm:*"],
        &["target", "groups", "@genders:os=el9", "--format", "json"],
        &["request", "--new", "munge", "--on", "@rack1!node2"],
        &["request", "--new", "ganglia", "--on", "!@all"],
        &["assign", "ganglia", "--clients", "@rack1", "@slurm:gpu", "!@os=el9"],
        &["status", "munge", "--on", "@service,@rack1"],
        &["status", "munge", "--on", "!node[1-3]"],
        &["rerun", "--stage", "post-install", "--on", "@genders:gpu"],
        &["upgrade", "munge", "--on", "@slurm:gpu"],
        &["audit", "--on", "@rack1"],
        &["clear", "--all", "--on", "clients!@maintenance"],
        &["log", "--target", "@rack1", "server"],
        &["run", "--dry-run", "-t", "!@service"],
        &["remove", "ganglia", "--on", "@service"],
        &["target", "remove", "@all!node[1-3]"],
    ]));
    insta::assert_snapshot!(sandbox.transcripts(&[
        &["status", "--on", "@rack2"],
        &["status", "--on", "@gpu"],
        &["status", "--on", "@nis:gpu"],
        &["status", "--on", "@gone"],
        &["status", "--on", "@round"],
        &["status", "--on", "@maintenance"],
        &["status", "--on", "@topology:leaf"],
        &["status", "--on", "clients!@all"],
        &["status", "--on", "!node1,node2"],
        &["status", "--on", "sever"],
        &["target", "remove", "!node1"],
        &["target", "groups", "rack3"],
        &["target", "groups", "@rack1!node1"],
    ]));
}

#[test]
fn steps_of_groups_are_the_newest_of_all_of_them() {
    let sandbox = Fixture::new();
    write_groups(&sandbox);
    sandbox.add_failed_packages();
    let listed = |arguments: &[&str]| {
        let output = sandbox.run(&[&["log", "--format", "json"], arguments].concat());
        let events: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        events
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["event"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let all = listed(&[]);
    assert!(all.len() >= 2, "{all:?}");
    assert_eq!(listed(&["--target", "all"]), all);
    assert_eq!(listed(&["--target", "@service", "@rack1", "node4"]), all);
    assert_eq!(listed(&["--target", "@service", "@rack1", "node4", "--limit", "1"]), all[..1]);
    let parts = [listed(&["--target", "@service"]), listed(&["--target", "!@service"])];
    assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), all.len());
    assert!(parts.iter().all(|part| part.len() < all.len()), "{parts:?}");
}

#[test]
fn what_goes_out_in_waves() {
    let sandbox = Fixture::new();
    let mut told = sandbox.transcripts(&[
        &["request", "--new", "munge", "--on", "clients", "--max-at-once", "2", "--max-fail", "25%"],
        &["run", "--dry-run"],
        &["run"],
        &["rollout", "list"],
    ]);
    let mut store = sandbox.store();
    let cluster = store.load().unwrap();
    let node = cluster.find_target(&"client:node1".parse().unwrap()).unwrap().id;
    let key = StateKey { target: node, package: cluster.find_package(&"munge".parse().unwrap()).unwrap().id };
    let failure = StageFailure { stage: Stage::InstallBinPkgs, message: "no network".into() };
    let failed = PackageState {
        work_state: WorkState::Failed,
        failure: Some(Box::new(failure)),
        ..cluster.state(key).unwrap().clone()
    };
    store.commit(&[Change::UpdateState(key, failed)]).unwrap();
    told += &sandbox.transcripts(&[
        &["run"],
        &["status"],
        &["rollout", "resume", "1", "--max-at-once", "50%", "--max-fail", "1"],
        &["run"],
        &["rollout", "list"],
        &["rollout", "stop", "1"],
        &["rollout", "stop", "1"],
        &["rollout", "cancel", "1"],
        &["status"],
        &["rollout", "list"],
        &["rollout", "resume", "1"],
        &["rollout", "list", "--format", "json"],
        &["request", "munge", "--max-fail", "1"],
        &["upgrade", "munge", "--max-at-once", "0"],
        &["remove", "munge", "--max-at-once", "5 nodes"],
        &["rollout", "stop", "one"],
    ]);
    let masked = |line: &str| match line.strip_prefix("  since ").and_then(|rest| rest.split_once(", ")) {
        Some((_, rest)) => format!("  since TIME, {rest}\n"),
        None => format!("{line}\n"),
    };
    insta::assert_snapshot!(told.lines().map(masked).collect::<String>());
}

/// Clients have work that was handed over, and nobody does it there: the launcher only says on which it would.
#[test]
fn the_launcher_of_a_site() {
    let sandbox = Fixture::new();
    sandbox.run_ok(&["request", "--new", "munge", "--on", "clients", "--max-at-once", "3"]);
    let mut store = sandbox.store();
    let cluster = store.load().unwrap();
    let package = cluster.find_package(&"munge".parse().unwrap()).unwrap().id;
    let hand_over = |client| Change::Assign { package, client, handed_over_at: Some(1) };
    let clients = cluster.targets_of_kind(opkg_oda::TargetKind::Client).map(|client| client.id);
    store.commit(&clients.map(hand_over).collect::<Vec<_>>()).unwrap();
    let configure = |launcher: &str| {
        let log = sandbox.path().join("log");
        let toml = format!("log_directory = \"{}\"\nlauncher = {launcher}\n", log.display());
        fs::write(sandbox.path().join("etc/opm.toml"), toml).unwrap();
    };
    configure(r#"["printf", "%s|", "-w", "{nodes}", "opm", "run"]"#);
    let mut told = sandbox.transcripts(&[&["run"], &["run", "--target", "server"]]);
    told += &fs::read_to_string(sandbox.path().join("log/run-000000/0001-launcher.log")).unwrap();
    told += "\n\n";
    configure(r#"["false", "{nodes}"]"#);
    told += &sandbox.transcript(&["run"]);
    configure(r#"["opm-run-everywhere", "{nodes}"]"#);
    told += &sandbox.transcript(&["run"]);
    configure(r#"["ssh", "node1", "opm"]"#);
    told += &sandbox.transcript(&["run"]);
    insta::assert_snapshot!(told);

    // Who watches goes on meanwhile, and does not wait for it in the end.
    configure(r#"["sh", "-c", "exec sleep 600", "sh", "{nodes}"]"#);
    let mut watch = sandbox.command(&["watch", "--interval", "1s"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut wait_for = |what: &str| assert!(lines.any(|line| line.contains(what)), "{what}");
    wait_for("starting engines on node[1-3]");
    sandbox.run_ok(&["request", "--new", "torque", "--on", "server"]);
    wait_for("torque");
    let stop = Command::new("kill").arg(watch.id().to_string()).status().unwrap();
    assert!(stop.success());
    wait_for("warning: the launcher was stopped");
    assert_eq!(watch.wait().unwrap().code(), Some(0));
}

#[test]
fn databases_that_cannot_be_used() {
    let sandbox = Fixture::new();
    fs::write(sandbox.path().join("text.db"), "no database\n".repeat(100)).unwrap();
    fs::write(sandbox.path().join("opm.toml"), "log_directory = 7\n").unwrap();
    let text = sandbox.transcripts(&[
        &["--database", "absent.db", "status"],
        &["status", "--database", "text.db"],
        &["init", "--database", "text.db"],
        &["init", "--database", "absent/oda.db"],
    ]);
    assert_eq!(text.matches("[exit 3]").count(), 4, "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn what_changes_is_shown_as_it_does() {
    let sandbox = Fixture::new();
    let mut command = sandbox.command(&["status", "--watch"]);
    let mut watching = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|it| it.starts_with("No package was requested")));
    sandbox.run_ok(&["request", "--new", "munge", "--on", "server"]);
    assert!(lines.any(|it| it.starts_with("munge ")), "it ended without showing what was requested");
    assert!(watching.try_wait().unwrap().is_none(), "it goes on");
    watching.kill().unwrap();
    watching.wait().unwrap();
}

/// The second engine says who works, and ends at once.
#[test]
fn another_run_holds_the_lock() {
    let sandbox = Fixture::new();
    sandbox.run_ok(&["request", "--new", "munge", "--on", "server"]);
    let mut store = sandbox.store();
    let targets: Vec<_> = store.load().unwrap().targets.keys().copied().collect();
    let lock = store.lock(&targets).unwrap().unwrap();
    for command in ["run", "audit"] {
        let output = sandbox.run(&[command]);
        assert_eq!(output.status.code(), Some(75));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("another run works on server:head"), "{text}");
        assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
        assert!(text.contains(", since 20"), "{text}");
        assert!(text.contains("opm status --watch"), "{text}");
    }
    assert_eq!(sandbox.exit_code(&["status"]), 0, "looking needs no lock");
    drop(lock);
    assert_eq!(sandbox.exit_code(&["run"]), 1, "the root is empty, so nothing can be installed");
}

/// Without a system in the roots every installation fails, and everything is said about it.
#[test]
fn a_run_tells_what_failed() {
    let sandbox = Fixture::new();
    sandbox.run_ok(&["request", "--new", "munge"]);
    let output = sandbox.run(&["run"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("server:head: install munge (should_be_installed): FAILED"), "{text}");
    assert!(text.contains("In error:\n  munge on server:head: should_be_installed failed"), "{text}");
    assert!(text.contains("$ opm clear munge --on server:head"), "{text}");
    assert!(text.contains("run 1: 1 step in "), "{text}");
    let again = sandbox.run(&["run", "--format", "json"]);
    assert_eq!(again.status.code(), Some(1), "an error stays one until somebody clears it");
    let json: serde_json::Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(
        (json["run"].as_i64(), json["steps"].as_i64(), json["errors"].as_i64()),
        (None, Some(0), Some(1))
    );
    let retried = sandbox.run(&["run", "--retry", "--target", "server:head"]);
    assert!(String::from_utf8(retried.stderr).unwrap().contains("run 2: 1 step in "));
    let foreign = sandbox.run(&["run", "--target", "client:node1"]);
    assert_eq!(foreign.status.code(), Some(2));
    assert!(String::from_utf8(foreign.stderr).unwrap().contains("client:node1 are not maintained from here"));
}

/// A container that was entered from outside: group and session of the process are nobody's there, number 0.
#[test]
fn a_run_in_a_process_namespace_of_its_own() {
    let sandbox = Fixture::new();
    sandbox.run_ok(&["request", "--new", "munge", "--on", "server"]);
    let alone = ["--pid", "--fork", "--mount-proc"];
    let ways = [&["--mount"][..], &["--user", "--map-root-user"]];
    let works = |way: &&[&str]| {
        let tried = Command::new("unshare").args(*way).args(alone).arg("true").output();
        tried.is_ok_and(|it| it.status.success())
    };
    let Some(way) = ways.into_iter().find(works) else {
        assert!(std::env::var_os("OPKG_REQUIRE_TOOLS").is_none(), "unshare does not work here");
        eprintln!("skipped: no process namespaces for this user, or there is no unshare");
        return;
    };
    let opm = sandbox.command(&["run"]);
    let mut inside = Command::new("unshare");
    inside.args(way).args(alone).arg(opm.get_program()).args(opm.get_args());
    inside.current_dir(sandbox.path()).env_clear();
    inside.envs(opm.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = inside.output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("FAILED"), "{text}");
}

#[test]
fn a_run_with_nothing_to_do_does_nothing() {
    let sandbox = Fixture::new();
    for arguments in [&["run"][..], &[], &["run", "--dry-run"], &["run", "--retry"]] {
        let output = sandbox.run(arguments);
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "nothing to do\n");
    }
    assert!(!sandbox.path().join("log").exists());
    assert_eq!(sandbox.store().runs(9).unwrap(), []);
    let output = sandbox.run(&["run", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(json["run"].is_null(), "{json}");
}

#[test]
fn what_is_exported_can_be_imported() {
    let sandbox = Fixture::new();
    sandbox.run_ok(&["request", "--new", "munge"]);
    sandbox.run_ok(&["phase", "set", "addclients"]);
    let exported = sandbox.run(&["export"]).stdout;
    assert!(!exported.is_empty());
    fs::write(sandbox.path().join("cluster.toml"), &exported).unwrap();
    let other = Fixture::empty();
    other.run_ok(&["init", "--name", "head"]);
    let file = sandbox.path().join("cluster.toml");
    other.run_ok(&["import", &file.to_string_lossy()]);
    assert_eq!(
        String::from_utf8(other.run(&["export"]).stdout).unwrap(),
        String::from_utf8(exported).unwrap()
    );
    fs::write(&file, "phase = 7\n").unwrap();
    let wrong = other.run(&["import", &file.to_string_lossy()]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("nothing of it was taken over"));
    fs::write(&file, "CREATE TABLE x;\n").unwrap();
    assert_eq!(other.exit_code(&["import", "--oda", &file.to_string_lossy()]), 2);
}

#[test]
fn a_dump_of_an_old_database_is_all_there_or_it_is_said() {
    let sandbox = Fixture::empty();
    sandbox.run_ok(&["init", "--name", "head"]);
    let table = "CREATE TABLE Packages (id int, package text, version text);\n";
    for (file, dump) in [
        ("dump.gz", b"\x1f\x8b\x08\0\0".to_vec()),
        ("cut.sql", format!("{table}INSERT INTO Packages VALUES (1,'munge','1'),\n").into_bytes()),
        ("all.sql", format!("{table}INSERT INTO Packages VALUES (2,0x67616E676C6961,'1');\n").into_bytes()),
    ] {
        fs::write(sandbox.path().join(file), dump).unwrap();
    }
    let told = sandbox.transcripts(&[
        &["import", "--oda", "dump.gz"],
        &["import", "--oda", "cut.sql"],
        &["import", "--oda", "all.sql"],
        &["package", "list"],
    ]);
    insta::assert_snapshot!(told);
}

/// What somebody wrote into one field begins no line that looks like another record.
#[test]
fn the_journal_has_a_line_for_each_command_and_no_password() {
    let sandbox = Fixture::new();
    let forged = "moved\n2026-11-30 05:00:00  root@head  opm access grant eve administrator";
    assert_eq!(sandbox.exit_code(&["target", "offline", "node3", "--reason", forged]), 2);
    sandbox.run_ok(&["request", "--new", "munge"]);
    sandbox.run_ok(&["configure", "munge", "--set", "key=hunter2", "more=hunter3"]);
    sandbox.run_ok(&["configure", "munge", "--set=key=hunter2"]);
    assert!(sandbox.command(&["hold", "munge"]).env("SUDO_USER", forged).status().unwrap().success());
    let output = sandbox.run(&["history", "--commands"]).stdout;
    let commands = String::from_utf8(output).unwrap();
    assert!(commands.contains("opm configure munge --set key=… more=…\n"), "{commands}");
    assert!(commands.contains("opm configure munge --set=key=…\n"), "{commands}");
    assert!(!commands.contains("hunter"), "{commands}");
    assert!(
        commands.lines().all(|line| line.contains("  ada@") || line.contains("  moved\\n2026")),
        "{commands}"
    );
}

/// Databases of older releases hold reasons of several lines.
#[test]
fn a_reason_begins_no_line() {
    let sandbox = Fixture::new();
    sandbox.run_ok(&["target", "offline", "node3", "--reason", "moved"]);
    let mut store = sandbox.store();
    let (target, mut absence) = store.load().unwrap().absences.into_iter().next().unwrap();
    absence.reason = "moved\nIn error:\tmunge".into();
    absence.who = "ada\neve".into();
    store.commit(&[Change::SetAbsence { target, absence: Some(absence) }]).unwrap();
    for command in [&["status"][..], &["target", "list"]] {
        let shown = String::from_utf8(sandbox.run(command).stdout).unwrap();
        assert!(shown.contains("moved\\nIn error:\\tmunge") && shown.contains("ada\\neve"), "{shown}");
    }
}

/// Compute nodes ask for themselves alone.
#[test]
fn a_node_means_itself() {
    let sandbox = Fixture::empty();
    fs::write(sandbox.path().join("opm.conf"), "client\nnode1\n").unwrap();
    sandbox.run_ok(&["init"]);
    sandbox.run_ok(&["target", "add", "client:node2"]);
    sandbox.run_ok(&["request", "--new", "munge"]);
    let cluster = sandbox.store().load().unwrap();
    let asked: Vec<String> =
        cluster.all_states().map(|(key, _)| cluster.targets[&key.target].address.to_string()).collect();
    assert_eq!(asked, ["client:node1"]);
    let refused = sandbox.transcript(&["init", "--name", "head"]);
    assert!(refused.contains("[exit 2]") && refused.contains("says that it is client:node1"), "{refused}");
}

#[test]
fn man_pages() {
    let sandbox = Fixture::empty();
    sandbox.run_ok(&["man", "man"]);
    for page in ["opm.1", "opm-run.1", "opm-status.1", "opm-target-add.1"] {
        let text = fs::read_to_string(sandbox.path().join("man").join(page)).unwrap();
        assert!(text.contains(".TH opm"), "{page}");
    }
}

/// Whoever has read enough of it ends no run with a panic.
#[test]
fn a_closed_pipe_is_no_error() {
    let sandbox = Fixture::new();
    let mut child =
        sandbox.command(&["target", "list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Databases, logs and directories are written by others.
#[test]
fn nothing_that_others_wrote_reaches_the_terminal_unseen() {
    for said in
        ["\u{1b}[2J\u{1b}]0;title\u{7}", "\u{202e}txt.exe\u{2066}", "\u{200b}\u{feff}\u{e0041}", "\u{9b}2J\r"]
    {
        let sandbox = Fixture::new();
        sandbox.add_failed_packages_saying(said);
        let root = format!("root{said}");
        fs::create_dir(sandbox.path().join(&root)).unwrap();
        sandbox.run_ok(&["target", "add", "image:other", "--root", &root]);
        let commands: [&[&str]; 9] = [
            &["history"],
            &["log"],
            &["log", "1"],
            &["log", "1.2"],
            &["status"],
            &["status", "munge"],
            &["target", "list"],
            &["package", "list"],
            &["request", said],
        ];
        for command in commands {
            for options in [&["--color", "never"][..], &["--color", "always"], &["--format", "json"]] {
                let output = sandbox.run(&[command, options].concat());
                for stream in [output.stdout, output.stderr] {
                    let text = String::from_utf8(stream).unwrap();
                    assert_eq!(opkg::escape_hidden_keeping_colors(&text), text, "{command:?} {options:?}");
                    if options[1] == "never" {
                        assert!(
                            !text.chars().any(|c| c != '\n' && opkg::is_hidden(c)),
                            "{command:?}: {text:?}"
                        );
                    }
                }
            }
        }
        let listed = String::from_utf8(sandbox.run(&["log", "1.2"]).stdout).unwrap();
        let shown = opkg::escape_hidden(said);
        assert!(listed.contains(shown.trim_end()), "it is there, to be seen: {listed}");
    }
}
