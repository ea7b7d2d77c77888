//! `opm` with its database on a server, and copies from one kind of database to the other.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use fs_err as fs;
use opkg_tests::postgres::{ServerDatabase, has_server};
use tempfile::TempDir;

/// A head node, an image and clients, in a database on a server that the settings name.
struct Fixture {
    directory: TempDir,
    server: ServerDatabase,
}

impl Fixture {
    fn new() -> Option<Self> {
        if !has_server() {
            return None;
        }
        let fixture = Self { directory: tempfile::tempdir().unwrap(), server: ServerDatabase::new() };
        for name in ["home", "etc", "head", "compute"] {
            fs::create_dir(fixture.path().join(name)).unwrap();
        }
        fs::write(
            fixture.path().join("etc/opm.toml"),
            format!("database = \"{}\"\n", fixture.server.address()),
        )
        .unwrap();
        Some(fixture)
    }

    fn filled() -> Option<Self> {
        let fixture = Self::new()?;
        fixture.run_ok(&["init", "--name", "head", "--root", "head"]);
        fixture.run_ok(&["target", "add", "image:compute", "--root", "compute"]);
        fixture.run_ok(&["target", "add", "client:node[1-4]", "--image", "compute"]);
        fixture.run_ok(&["request", "--new", "munge", "torque"]);
        Some(fixture)
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
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
            .env("OPM_CONF", self.path().join("opm.conf"))
            .env("OPM_SETTINGS", self.path().join("etc"))
            .stdin(Stdio::null());
        command
    }

    /// What a command says, without what differs from server to server, and how it ends.
    fn transcript(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let said = format!(
            "$ opm {}\n{}{}[{}]\n",
            arguments.join(" "),
            text(&output.stdout),
            text(&output.stderr),
            output.status.code().unwrap()
        );
        said.replace(&self.server.address(), "postgres://SERVER/DATABASE")
            .replace(&*self.path().to_string_lossy(), "")
    }

    fn run_ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

#[test]
fn the_settings_name_the_database() {
    let Some(fixture) = Fixture::new() else { return };
    let before = fixture.transcript(&["status"]);
    let told: String = [
        &["init", "--name", "head", "--root", "head"][..],
        &["init", "--name", "head"],
        &["target", "add", "image:compute", "--root", "compute"],
        &["target", "add", "client:node[1-4]", "--image", "compute"],
        &["request", "--new", "munge"],
        &["status"],
        &["run", "--dry-run"],
        &["history"],
    ]
    .map(|arguments| fixture.transcript(arguments))
    .concat();
    insta::assert_snapshot!(before + &told);
}

#[test]
fn a_copy_says_the_same_wherever_it_is() {
    let Some(fixture) = Fixture::filled() else { return };
    let (here, there) = (fixture.server.address(), fixture.path().join("copy.db").display().to_string());
    fixture.run_ok(&["copy", &here, &there]);
    let assert_same = |view: &[&str], copy: &str| {
        let of_copy = [view, &["--database", copy]].concat();
        let [copied, original] = [&of_copy[..], view].map(|arguments| fixture.run(arguments));
        assert_eq!(copied, original, "{view:?}");
        assert!(!copied.stdout.is_empty(), "{view:?}");
    };
    for view in [&["export"][..], &["target", "list"], &["package", "list"]] {
        assert_same(view, &there);
    }
    // It is not written over, and nor is what it came from.
    let again = fixture.transcript(&["copy", &there, &here]);
    assert!(again.contains("exists already") && again.ends_with("[3]\n"), "{again}");
    let other = ServerDatabase::new();
    fixture.run_ok(&["copy", &there, &other.address()]);
    assert_same(&["export"], &other.address());
    // Nodes write to either of them how they are; with a file nobody would know.
    assert_same(&["status", "--format", "json"], &other.address());
}

#[test]
fn what_was_backed_up_is_restored() {
    let Some(fixture) = Fixture::filled() else { return };
    let file = fixture.path().join("backup.db").display().to_string();
    fixture.run_ok(&["backup", &file]);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "it holds passwords");
    let before = fixture.run_ok(&["export"]);
    fixture.run_ok(&["target", "remove", "client:node1"]);
    let told: String = [
        &["backup", &file][..],
        &["restore", &file],
        &["restore", &file, "--replace"],
        &["restore", "opm.conf", "--replace"],
        &["backup", "/nonexistent/file"],
    ]
    .map(|arguments| fixture.transcript(arguments))
    .concat();
    assert_eq!(fixture.run_ok(&["export"]), before);
    insta::assert_snapshot!(told);
}

/// Nothing can be installed into these roots, so that each request ends in an error.
#[test]
fn who_watches_begins_when_there_is_work_and_ends_when_asked() {
    let Some(fixture) = Fixture::filled() else { return };
    let mut watch = fixture.command(&["watch", "--interval", "2h"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut wait_for = |what: &str| assert!(lines.any(|line| line.contains(what)), "{what}");
    wait_for("run 1: ");
    fixture.run_ok(&["clear", "munge"]);
    wait_for("run 2: ");
    // Beside it others may run.
    let other = fixture.transcript(&["run"]);
    assert!(other.contains("nothing could be done") || other.contains("nothing to do"), "{other}");
    let stop = Command::new("kill").arg(watch.id().to_string()).status().unwrap();
    assert!(stop.success());
    wait_for("stopping");
    assert_eq!(watch.wait().unwrap().code(), Some(0));
}

#[test]
fn who_watches_waits_for_a_database_and_not_for_a_name() {
    let Some(fixture) = Fixture::new() else { return };
    let mut watch = fixture.command(&["watch", "--interval", "1s"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "it is tried again"));
    fixture.run_ok(&["init", "--name", "head", "--root", "head"]);
    fixture.run_ok(&["request", "--new", "munge"]);
    assert!(lines.any(|line| line.contains("run 1: ")));
    let stop = Command::new("kill").arg(watch.id().to_string()).status().unwrap();
    assert!(stop.success());
    assert_eq!(watch.wait().unwrap().code(), Some(0));
    // Nobody can tell which target this is.
    fs::write(fixture.path().join("opm.conf"), "client\nnowhere\n").unwrap();
    let told = fixture.transcript(&["watch"]);
    assert!(told.contains("the database has no such target") && told.ends_with("[2]\n"), "{told}");
}

/// However often it looks.
#[test]
fn who_watches_says_once_that_another_engine_has_its_target() {
    let Some(fixture) = Fixture::filled() else { return };
    fixture.server.sql(
        "INSERT INTO opm.engine (host, process, boot, process_start) VALUES ('other', 1, 'elsewhere', 1);
        INSERT INTO opm.claim (target, engine) SELECT target.id, engine.id FROM opm.target, opm.engine WHERE kind = 1",
    );
    let mut watch = fixture.command(&["watch", "--interval", "1s"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stderr.take().unwrap()).lines().map(Result::unwrap);
    let is_refusal = |line: &String| line.contains("another run works on server:head");
    assert!(lines.any(|line| is_refusal(&line)));
    // It looks a few times meanwhile.
    fixture.server.sql("SELECT pg_sleep(4)");
    fixture.server.sql("DELETE FROM opm.engine");
    let said: Vec<String> = lines.by_ref().take_while(|line| !line.contains("run 1: ")).collect();
    assert!(!said.iter().any(is_refusal), "{said:#?}");
    Command::new("kill").arg(watch.id().to_string()).status().unwrap();
    assert_eq!(watch.wait().unwrap().code(), Some(0));
}

#[test]
fn what_is_wrong_with_an_address_is_said() {
    let Some(fixture) = Fixture::new() else { return };
    let told: String = [
        "postgres://head",
        "postgres://head/opm?sslmode=maybe",
        "postgres://opm@127.0.0.1:1/opm?sslmode=verify-full&sslrootcert=/nonexistent.pem",
    ]
    .map(|database| fixture.transcript(&["status", "--database", database]))
    .concat();
    insta::assert_snapshot!(told);
    let refused = fixture.transcript(&["status", "--database", "postgres://opm:secret@127.0.0.1:1/opm"]);
    assert!(!refused.split_once('\n').unwrap().1.contains("secret"), "{refused}");
}

#[test]
fn targets_are_away_for_a_while() {
    let Some(fixture) = Fixture::filled() else { return };
    let mut told =
        fixture.transcript(&["target", "offline", "node[1-2]", "--reason", "moved to another room"]);
    told += &fixture.transcript(&["target", "maintenance", "image:compute", "--for", "2h"]);
    told += &fixture.transcript(&["target", "online", "node4"]);
    told += &fixture.transcript(&["status"]);
    told += &fixture.transcript(&["target", "online", "image:compute", "node2"]);
    told += &fixture.transcript(&["target", "list"]);
    // Time goes by: what was for two hours has ended, and one that reported is silent.
    fixture.run_ok(&["target", "maintenance", "node3", "--for", "2h"]);
    fixture.server.sql(
        "UPDATE opm.absence SET until = since WHERE target = (SELECT id FROM opm.target WHERE name = 'node3');
        INSERT INTO opm.target_seen SELECT id, clock_timestamp() - interval '3 days 4 hours' FROM opm.target
            WHERE name = 'node4'",
    );
    told += &fixture.transcript(&["status"]);
    let is_time = |word: &&str| word.len() == 8 && word.matches(':').count() == 2;
    let is_date = |word: &&str| word.len() == 10 && word.matches('-').count() == 2;
    let masked = |line: &str| {
        let words = line.split(' ').map(|word| {
            let end = if word.ends_with(',') { "," } else { "" };
            match word.trim_end_matches(',') {
                word if is_time(&word) => format!("TIME{end}"),
                word if is_date(&word) => format!("DATE{end}"),
                _ => word.to_owned(),
            }
        });
        words.collect::<Vec<_>>().join(" ") + "\n"
    };
    insta::assert_snapshot!(told.lines().map(masked).collect::<String>());
}

#[test]
fn a_node_that_was_away_is_back_when_it_looks() {
    let Some(fixture) = Fixture::filled() else { return };
    fs::write(fixture.path().join("node.conf"), "client\nnode1\n").unwrap();
    let look = || {
        let mut command = fixture.command(&["run"]);
        assert!(command.env("OPM_CONF", fixture.path().join("node.conf")).status().unwrap().success());
    };
    let absences = || fixture.server.sql("SELECT count(*) FROM opm.absence");
    look();
    fixture.run_ok(&["target", "offline", "node1"]);
    // On its way down it may still look.
    look();
    fixture.server.sql("UPDATE opm.target_seen SET seen = seen - interval '1 minute'");
    look();
    assert_eq!(absences(), "1\n");
    fixture.server.sql("UPDATE opm.target_seen SET seen = seen - interval '1 hour'");
    look();
    assert_eq!(absences(), "0\n");
}

/// Real engines at the same time, on a cluster that is not there: each node is worked on once, whatever meets whatever.
#[test]
fn a_simulated_cluster_passes_all_checks() {
    let Some(fixture) = Fixture::new() else { return };
    let address = fixture.server.address();
    let simulate = ["simulate", "--nodes", "60", "--packages", "5", "--engines", "12", "--fail", "10%"];
    let named = [&simulate[..], &["--format", "json", "--database", &address]].concat();
    let report: serde_json::Value = serde_json::from_str(&fixture.run_ok(&named)).unwrap();
    assert_eq!(report["faults"], serde_json::json!([]));
    assert_eq!(report["steps"], 62, "one transaction for each node, and two on the head node");
    let server = &report["server"];
    assert!(server["connections"].as_i64().unwrap() <= 12 + 2, "{server}");
    // Nothing is left, so that it can be done again.
    assert_eq!(fixture.server.sql("SELECT to_regnamespace('opm') IS NULL"), "t\n");
    let kept = fixture.transcript(&[&named[..], &["--keep"]].concat());
    assert!(kept.ends_with("[0]\n"), "{kept}");
    let refused = fixture.transcript(&named);
    assert!(refused.contains("exists already") && refused.ends_with("[3]\n"), "{refused}");
    // Where nobody named a database, the one that the settings name is not touched.
    let unnamed = fixture.transcript(&simulate);
    assert!(
        unnamed.contains("a simulation needs a database of its own") && unnamed.ends_with("[2]\n"),
        "{unnamed}"
    );
    let file = fixture.path().join("simulated.db");
    let report = fixture.run_ok(&[&simulate[..], &["--database", file.to_str().unwrap()]].concat());
    assert!(report.ends_with("all checks passed\n") && !file.exists(), "{report}");
}

/// Likewise, where the head node lets nodes go in waves: of nodes that work by themselves, never more than may are at work.
#[test]
fn simulated_waves_are_no_larger_than_they_may_be() {
    let Some(fixture) = Fixture::new() else { return };
    let simulate = ["simulate", "--nodes", "40", "--packages", "3", "--engines", "8", "--fail", "10%"];
    let file = fixture.path().join("simulated.db").display().to_string();
    for database in [fixture.server.address(), file] {
        let report = fixture.run_ok(
            &[&simulate[..], &["--max-at-once", "10%", "--format", "json", "--database", &database]].concat(),
        );
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["faults"], serde_json::json!([]));
        assert_eq!(report["steps"], 42, "one transaction for each node, and two on the head node");
    }
}
