//! `opm configure`: in commands, in files, and at a real terminal.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fs_err as fs;
use opkg_oda::{Change, ConfigValue, PackageState, Stage, StateKey, Store, ValueOrigin, WorkState};
use opkg_sqlite::SqliteStore;
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tempfile::TempDir;

const PACKAGES_DIR: &str = "head/usr/lib/oscar/packages";

const FORM: &str = "<title>A demonstration</title><form>
    <h2>Network</h2><p>Where it listens; other programs of the cluster must be able to reach it from all of their nodes.
    <br><input name=port value=80 maxlength=5> Port <br>
    <input type=password name=key required> Key <br>
    <input type=checkbox name=log value=YES checked> Keep a log <br>
    <h2>Level</h2><input type=radio name=level value=1> low <input type=radio name=level value=2 checked> high
    </form>";

struct Fixture(TempDir);

impl Fixture {
    /// A head node and an image, on which two packages are requested; `demo` has a form.
    fn new() -> Self {
        let sandbox = Self(tempfile::tempdir().unwrap());
        for directory in ["home", "etc", "compute"] {
            fs::create_dir(sandbox.0.path().join(directory)).unwrap();
        }
        sandbox.write_form("demo", "configurator.html", FORM);
        sandbox.run_ok(&["init", "--name", "head", "--root", "head"]);
        sandbox.run_ok(&["target", "add", "image:compute", "--root", "compute"]);
        sandbox.run_ok(&["request", "--new", "demo", "later"]);
        sandbox
    }

    fn write_form(&self, package: &str, file: &str, html: &str) {
        let home = self.0.path().join(PACKAGES_DIR).join(package);
        fs::create_dir_all(&home).unwrap();
        fs::write(home.join(file), html).unwrap();
    }

    fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.0.path().join("oda.db")).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_opm"));
        let at = |name: &str| self.0.path().join(name);
        command.args(arguments).current_dir(self.0.path()).env_clear();
        command.envs([("HOME", at("home")), ("TMPDIR", at("home")), ("OPM_DATABASE", at("oda.db"))]);
        command.envs([("OPM_CONF", at("opm.conf")), ("OPM_SETTINGS", at("etc"))]);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn run_ok(&self, arguments: &[&str]) {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn transcripts(&self, commands: &[&[&str]]) -> String {
        let mut all = String::new();
        for arguments in commands {
            let output = self.run(arguments);
            let code = output.status.code().unwrap();
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            all += &format!("$ opm {}\n[exit {code}]\n{}", arguments.join(" "), text(&output.stdout));
            all += &text(&output.stderr);
            all.push('\n');
        }
        all.replace(&*self.0.path().to_string_lossy(), "DIR")
    }

    /// What the administrator answered.
    fn saved_answers(&self, package: &str, image: Option<&str>) -> Vec<String> {
        let mut store = self.store();
        let cluster = store.load().unwrap();
        let package = cluster.find_package(&package.parse().unwrap()).unwrap().id;
        let image = image.map(|it| cluster.find_target(&format!("image:{it}").parse().unwrap()).unwrap().id);
        let values: Vec<ConfigValue> = store.values(package, image).unwrap();
        let own = values.iter().filter(|it| it.origin == ValueOrigin::Administrator);
        own.map(|it| format!("{}={}", it.name, it.value)).collect()
    }

    /// How far `demo` is on the head node.
    fn set_package_state(&self, row: PackageState) {
        let mut store = self.store();
        let cluster = store.load().unwrap();
        let target = cluster.find_target(&"server:head".parse().unwrap()).unwrap().id;
        let package = cluster.find_package(&"demo".parse().unwrap()).unwrap().id;
        store.commit(&[Change::UpdateState(StateKey { target, package }, row)]).unwrap();
    }

    /// Types at a terminal of 80 columns: each time that a text appears, some keys. Answers what was seen, and the exit
    /// status.
    fn type_keys(&self, arguments: &[&str], keys: &[(&str, &str)]) -> (String, i32) {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = open(&*name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let mut command = self.command(arguments);
        command.env("TERM", "xterm").env("NO_COLOR", "1").env("EDITOR", self.0.path().join("home/editor"));
        command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap()).stderr(slave);
        let mut child = command.spawn().unwrap();
        // With it goes this process's hold of the terminal's other end.
        drop(command);
        let mut keyboard = std::fs::File::from(master);
        let seen = Arc::new(Mutex::new(String::new()));
        let mut screen = keyboard.try_clone().unwrap();
        let into = Arc::clone(&seen);
        let watcher = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // At the end of all that has the other end, reading fails.
            while let Ok(count @ 1..) = screen.read(&mut buffer) {
                into.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..count]));
            }
        });
        let mut from = 0;
        for (text, keys) in keys {
            let deadline = Instant::now() + Duration::from_secs(60);
            loop {
                let now = seen.lock().unwrap().clone();
                if let Some(at) = now[from..].find(text) {
                    from += at + text.len();
                    break;
                }
                if Instant::now() > deadline {
                    let _ = child.kill();
                    panic!("`{text}` never appeared behind\n{}", &now[..from]);
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            // Until the question is put as a whole.
            std::thread::sleep(Duration::from_millis(50));
            keyboard.write_all(keys.as_bytes()).unwrap();
        }
        let status = child.wait().unwrap();
        watcher.join().unwrap();
        let seen = seen.lock().unwrap().clone();
        (seen, status.code().unwrap())
    }
}

const UP: &str = "\x1b[A";
const DOWN: &str = "\x1b[B";
const ERASE: &str = "\x15";

#[test]
fn answers_in_commands() {
    let sandbox = Fixture::new();
    insta::assert_snapshot!(sandbox.transcripts(&[
        &["configure", "demo", "--show"],
        &["configure", "demo", "--set", "port=8080", "--set", "log="],
        &["configure", "demo", "--set", "key=secret", "level=1"],
        &["configure", "demo", "--show"],
        &["configure", "demo", "--unset", "level", "--set", "port=443"],
        &["configure", "demo", "--defaults", "--set", "key=x"],
        &["configure", "demo", "--show", "--format", "json"],
    ]));
    assert_eq!(sandbox.saved_answers("demo", None), ["key=x"]);
}

#[test]
fn what_is_refused() {
    let sandbox = Fixture::new();
    sandbox.write_form("broken", "configurator.html", "<input name='a b'>");
    sandbox.write_form("plain", "README", "");
    sandbox.write_form("images", "configurator_image.html", FORM);
    sandbox.run_ok(&["request", "--new", "broken", "plain", "images"]);
    fs::write(sandbox.0.path().join("bad.toml"), "port = true\n").unwrap();
    fs::write(sandbox.0.path().join("half.toml"), "port = 1\n[\"image:login\"]\nport = 2\n").unwrap();
    insta::assert_snapshot!(sandbox.transcripts(&[
        &["configure", "demo"],
        &["configure", "demo", "--set", "port"],
        &["configure", "demo", "--set", "prot=80", "port=808080", "level=3", "key="],
        &["configure", "demo", "--unset", "prot"],
        &["configure", "demo", "--answers", "bad.toml"],
        &["configure", "demo", "--answers", "half.toml"],
        &["configure", "demo", "--answers", "none.toml"],
        &["configure", "demo", "--image", "login", "--show"],
        &["configure", "demo", "--show", "--defaults"],
        &["configure", "broken", "--show"],
        &["configure", "plain", "--show"],
        &["configure", "plain", "--set", "a=1"],
        &["configure", "images", "--show"],
        &["configure", "later", "--show"],
        &["configure", "dmeo", "--show"],
    ]));
    assert!(sandbox.saved_answers("demo", None).is_empty());
}

#[test]
fn a_file_answers_for_the_cluster_and_for_images() {
    let sandbox = Fixture::new();
    sandbox.write_form(
        "demo",
        "configurator_image.html",
        "<form><input name=cluster value=@IMAGENAME@> Name</form>",
    );
    let file = sandbox.0.path().join("answers.toml");
    fs::write(&file, "key = \"a\"\nport = 1\n[\"image:compute\"]\ncluster = \"west\"\n").unwrap();
    sandbox.run_ok(&["configure", "demo", "--answers", "answers.toml"]);
    assert_eq!(sandbox.saved_answers("demo", None), ["port=1", "key=a"]);
    assert_eq!(sandbox.saved_answers("demo", Some("compute")), ["cluster=west"]);
    let show = sandbox.transcripts(&[&["configure", "demo", "--show"]]);
    assert!(
        show.contains("help: images have a form of their own: `opm configure demo --image compute`"),
        "{show}"
    );
    // One context of a file alone, and from standard input.
    fs::write(&file, "key = \"b\"\n[\"image:compute\"]\ncluster = \"east\"\n").unwrap();
    let mut command = sandbox.command(&["configure", "demo", "--image", "compute", "--answers", "-"]);
    assert!(command.stdin(std::fs::File::open(&file).unwrap()).status().unwrap().success());
    assert_eq!(sandbox.saved_answers("demo", Some("compute")), ["cluster=east"]);
    assert_eq!(sandbox.saved_answers("demo", None), ["port=1", "key=a"]);
}

#[test]
fn answers_before_the_form_is_known_are_kept_as_they_are() {
    let sandbox = Fixture::new();
    insta::assert_snapshot!(sandbox.transcripts(&[
        &["configure", "later", "--set", "whatever=1"],
        &["configure", "later", "--set", "what ever=1"],
        &["configure", "later", "--show"],
    ]));
    sandbox.write_form("later", "configurator.html", FORM);
    insta::assert_snapshot!(sandbox.transcripts(&[
        &["configure", "later", "--show"],
        &["configure", "later", "--set", "key=x"],
        &["configure", "later", "--unset", "whatever"],
    ]));
}

#[test]
fn the_command_that_makes_answers_count_is_said() {
    let sandbox = Fixture::new();
    let row =
        |current, state| PackageState { current, work_state: state, ..PackageState::new(Stage::Finished, 1) };
    let failure = opkg_oda::StageFailure { stage: Stage::RunConfigurator, message: "x".into() };
    let mut said = String::new();
    for row in [
        row(Stage::ShouldBeInstalled, WorkState::Idle),
        row(Stage::Finished, WorkState::Idle),
        PackageState { failure: Some(Box::new(failure)), ..row(Stage::ShouldBeInstalled, WorkState::Failed) },
    ] {
        sandbox.set_package_state(row);
        said += &sandbox.transcripts(&[&["configure", "demo", "--set", "key=x"]]);
    }
    sandbox.set_package_state(row(Stage::Finished, WorkState::Idle));
    sandbox.run_ok(&["reconfigure", "demo"]);
    said += &sandbox.transcripts(&[&["configure", "demo", "--set", "key=y"]]);
    insta::assert_snapshot!(said);
}

#[test]
fn a_form_is_filled_in_with_the_keyboard() {
    let sandbox = Fixture::new();
    let (seen, code) = sandbox.type_keys(
        &["configure", "demo"],
        &[
            ("What to change?", "\r"),
            ("Port: 80", &format!("{ERASE}808080\r")),
            ("this has 6 characters, and takes at most 5", "\x7f\x7f\r"),
            ("(to be answered)", "\r"),
            ("Key:", "\r"),
            ("this must not be empty", "top secret\r"),
            ("Once more:", "top secret\r"),
            ("********", "\r"),
            ("Keep a log:", "n\r"),
            ("What to change?", "\r"),
            ("Level:", UP),
            ("high", "\r"),
            ("Save the answers", "\r"),
        ],
    );
    assert_eq!(code, 0, "{seen}");
    assert_eq!(
        sandbox.saved_answers("demo", None),
        ["port=8080", "key=top secret", "log=", "level=1"],
        "{seen}"
    );
    assert!(!seen.contains("top secret"), "{seen}");
    assert!(seen.contains("saved: 4 answers for demo"), "{seen}");
    // Texts of the form are broken between words.
    assert!(seen.contains("reach it from\r\nall of their nodes."), "{seen}");
}

#[test]
fn leaving_the_terminal_loses_nothing() {
    let sandbox = Fixture::new();
    sandbox.run_ok(&["configure", "demo", "--set", "key=x", "port=1"]);
    let before = sandbox.saved_answers("demo", None);
    // Ctrl-C in the middle of it.
    let (seen, code) = sandbox.type_keys(
        &["configure", "demo"],
        &[
            ("What to change?", "\r"),
            ("Port: 1", &format!("{ERASE}it's\r")),
            ("it's", "\r"),
            ("Key:", "new\r"),
            ("Once more:", "new\r"),
            ("What to change?", "\x03"),
        ],
    );
    assert_eq!((code, sandbox.saved_answers("demo", None)), (0, before.clone()), "{seen}");
    let command = r"opm configure demo --set key=… --set port='it'\''s'";
    assert!(seen.contains("nothing was saved; this command does it:") && seen.contains(command), "{seen}");
    // Escape, and a second thought.
    let (seen, code) = sandbox.type_keys(
        &["configure", "demo"],
        &[
            ("What to change?", "\r"),
            ("Port: 1", "2\r"),
            ("12", "\x1b"),
            ("Discard 1 changed answers?", "\r"),
            ("What to change?", DOWN),
            ("Port", "\x1b"),
            ("Discard 1 changed answers?", "y\r"),
        ],
    );
    assert_eq!((code, sandbox.saved_answers("demo", None)), (0, before), "{seen}");
}

#[test]
fn help() {
    let sandbox = Fixture::new();
    let mut command = sandbox.command(&["configure", "--help"]);
    let output = command.env("COLUMNS", "100").output().unwrap();
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
}

#[test]
fn a_package_waits_goes_on_and_is_configured_anew() {
    let sandbox = Fixture::new();
    sandbox.run_ok(&["request", "--new", "demo", "--stage", "run-configurator", "--on", "server"]);
    sandbox.set_package_state(PackageState {
        current: Stage::ShouldBeInstalled,
        ..PackageState::new(Stage::RunConfigurator, 1)
    });
    let values = sandbox.0.path().join(PACKAGES_DIR).join("demo/.configurator.values");
    let run = || sandbox.run_ok(&["run", "--package", "demo", "--target", "server:head"]);
    run();
    assert!(!values.exists());
    let status = sandbox.transcripts(&[&["status", "demo", "--on", "server"]]);
    assert!(status.contains("for its configuration: an answer to `key`"), "{status}");
    assert!(status.contains("$ opm configure demo "), "{status}");
    sandbox.run_ok(&["configure", "demo", "--set", "key=a&b"]);
    run();
    let text = "<config>\n  <port>80</port>\n  <key>a&amp;b</key>\n  <log>YES</log>\n  <level>2</level>\n</config>\n";
    assert_eq!(fs::read_to_string(&values).unwrap(), text);
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&values).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    // New answers count when the package is configured anew, and a file of the site counts less.
    fs::create_dir(sandbox.0.path().join("etc/answers.d")).unwrap();
    fs::write(sandbox.0.path().join("etc/answers.d/demo.toml"), "port = 1\nlevel = 1\n").unwrap();
    sandbox.run_ok(&["configure", "demo", "--set", "port=2"]);
    run();
    assert_eq!(fs::read_to_string(&values).unwrap(), text);
    sandbox.run_ok(&["reconfigure", "demo"]);
    run();
    let anew = text.replace("<port>80", "<port>2").replace("<level>2", "<level>1");
    assert_eq!(fs::read_to_string(&values).unwrap(), anew);
    // What was settled is in the database with its origin, and the answers are still the administrator's alone.
    let export = sandbox.transcripts(&[&["export"]]);
    assert!(export.contains("name = \"log\"\nvalue = \"YES\"\norigin = \"default\""), "{export}");
    assert!(export.contains("name = \"level\"\nvalue = \"1\"\norigin = \"answers\""), "{export}");
    assert_eq!(sandbox.saved_answers("demo", None), ["port=2", "key=a&b"]);
    // A form that asks otherwise now makes an error of an old answer, and names the way out.
    sandbox.write_form("demo", "configurator.html", "<form><input name=prot></form>");
    sandbox.run_ok(&["reconfigure", "demo"]);
    assert_eq!(sandbox.run(&["run", "--package", "demo", "--target", "server:head"]).status.code(), Some(1));
    let status = sandbox.transcripts(&[&["status", "demo", "--on", "server"]]);
    assert!(status.contains("`opm configure demo --unset key` fixes it (and 3 more)"), "{status}");
    assert_eq!(fs::read_to_string(&values).unwrap(), anew);
    sandbox.run_ok(&["configure", "demo", "--defaults"]);
    fs::remove_file(sandbox.0.path().join("etc/answers.d/demo.toml")).unwrap();
    sandbox.run_ok(&["clear", "demo"]);
    run();
    assert_eq!(fs::read_to_string(&values).unwrap(), "<config>\n  <prot></prot>\n</config>\n");
}

#[test]
fn several_lines_are_written_in_an_editor() {
    let sandbox = Fixture::new();
    sandbox.write_form(
        "demo",
        "configurator.html",
        "<form><textarea name=motd maxlength=16>one</textarea> Message</form>",
    );
    let script = |text: &str| {
        let editor = sandbox.0.path().join("home/editor");
        fs::write(&editor, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&editor, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    };
    script("stat -c %a \"$1\"\necho 'two & three' >> \"$1\"");
    let (seen, code) = sandbox.type_keys(
        &["configure", "demo"],
        &[("What to change?", "\r"), ("600", ""), ("Save the answers", "\r"), ("Save the answers", "")],
    );
    assert_eq!(
        (code, sandbox.saved_answers("demo", None)),
        (0, vec!["motd=one\ntwo & three".to_owned()]),
        "{seen}"
    );
    // What does not fit is not lost: the next editor has it.
    script("grep -c . \"$1\"; echo more >> \"$1\"");
    let (seen, code) = sandbox.type_keys(
        &["configure", "demo"],
        &[
            ("What to change?", "\r"),
            ("this has 20 characters, and takes at most 16", "y\r"),
            ("3\r\n", ""),
            ("this has 25 characters", "n\r"),
            ("What to change?", "\x1b"),
        ],
    );
    assert_eq!((code, sandbox.saved_answers("demo", None).len()), (0, 1), "{seen}");
    script("exit 1");
    let (seen, _) = sandbox.type_keys(
        &["configure", "demo"],
        &[("What to change?", "\r"), ("failed", "n\r"), ("What to change?", "\x1b")],
    );
    assert!(seen.contains("Once more?"), "{seen}");
}
