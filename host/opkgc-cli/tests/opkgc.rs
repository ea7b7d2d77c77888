//! What users of `opkgc` read, and how it ends. Files and packages are the business of the other tests.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use fs_err as fs;
use tempfile::TempDir;

struct Fixture(TempDir);

impl Fixture {
    fn new() -> Self {
        let sandbox = Self(tempfile::tempdir().unwrap());
        fs::create_dir(sandbox.path().join("home")).unwrap();
        sandbox
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// An OPKG `demo` in a directory of that name, with something put before the changelog.
    fn write_opkg(&self, extra: &str) {
        let config = format!(
            "<oscar>\n  <name>demo</name>\n  <class>core</class>\n  <summary>Demo</summary>\n  \
             <license>GPL</license>\n  <group>Applications/System</group>\n  <authors>\n    \
             <author cat=\"maintainer\"><name>Ada</name><email>ada@example.org</email></author>\n  \
             </authors>\n{extra}  <changelog>\n    <versionEntry version=\"1.0-1\">\n      \
             <changelogEntry authorName=\"Ada\" date=\"2025-01-02T03:04:05Z\"><item>First.</item>\
             </changelogEntry>\n    </versionEntry>\n  </changelog>\n</oscar>\n"
        );
        fs::create_dir_all(self.path().join("demo")).unwrap();
        fs::write(self.path().join("demo/config.xml"), config).unwrap();
    }

    /// All that is there but for what programs keep for themselves in the home.
    fn tree(&self) -> Vec<std::path::PathBuf> {
        let mut open = vec![self.path().to_owned()];
        let mut found = Vec::new();
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.ends_with("home") {
                    open.push(path.clone());
                }
                found.push(path);
            }
        }
        found.sort();
        found
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_opkgc"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.path().join("home"))
            .env("TMPDIR", self.path().join("home"))
            .env("COLUMNS", "100")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Exit status and both streams, for snapshots.
    fn transcript(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        format!(
            "$ opkgc {}\n[exit {}]\n--- stdout\n{}--- stderr\n{}",
            arguments.join(" "),
            output.status.code().unwrap(),
            text(&output.stdout),
            text(&output.stderr)
        )
    }
}

#[test]
fn help() {
    let sandbox = Fixture::new();
    let commands: [&[&str]; 24] = [
        &["--help"],
        &["build", "--help"],
        &["check", "--help"],
        &["explain", "--help"],
        &["new", "--help"],
        &["diff", "--help"],
        &["verify", "--help"],
        &["settings", "--help"],
        &["hook", "--help"],
        &["hook", "new", "--help"],
        &["hook", "build", "--help"],
        &["hook", "run", "--help"],
        &["plugin", "--help"],
        &["plugin", "list", "--help"],
        &["plugin", "inspect", "--help"],
        &["plugin", "new", "--help"],
        &["plugin", "sdk", "--help"],
        &["plugin", "wit", "--help"],
        &["plugin", "build", "--help"],
        &["plugin", "run", "--help"],
        &["plugin", "install", "--help"],
        &["plugin", "update", "--help"],
        &["plugin", "publish", "--help"],
        &["plugin", "sign", "--help"],
    ];
    let pages: Vec<String> = commands.iter().map(|arguments| sandbox.transcript(arguments)).collect();
    insta::assert_snapshot!(pages.join("\n"));
}

#[test]
fn findings_show_the_line_and_say_what_to_do() {
    let sandbox = Fixture::new();
    sandbox.write_opkg(
        "  <serverDeps>\n    <requires><pkg version=\"&gt;=3.0\">munge</pkg></requires>\n    \
         <requirs><pkg>x</pkg></requirs>\n  </serverDeps>\n  <serverDeps/>\n",
    );
    insta::assert_snapshot!(sandbox.transcript(&["check", "demo"]));
    insta::assert_snapshot!(sandbox.transcript(&["check", "--format", "json", "demo"]));
}

/// Filters may name any distribution, but a misspelt one would leave its relations out without a word.
#[test]
fn a_slip_in_the_name_of_a_distribution() {
    let sandbox = Fixture::new();
    sandbox.write_opkg(
        "  <clientDeps>\n    <requires><filters><dist>debain</dist><dist>beos</dist></filters>\n      \
         <pkg>munge</pkg></requires>\n  </clientDeps>\n",
    );
    insta::assert_snapshot!(sandbox.transcript(&["check", "demo"]));
}

/// What a build would refuse or warn of, without one: once, with the targets that it holds for.
#[test]
fn what_builds_would_find() {
    let sandbox = Fixture::new();
    sandbox.write_opkg(
        "  <serverDeps>\n    <requires>\n      <pkg>bash</pkg>\n      <pkg>libfoo.so.1()(64bit)</pkg>\n    \
         </requires>\n  </serverDeps>\n",
    );
    let before = sandbox.tree();
    let checks: [&[&str]; 5] = [
        &["check", "demo"],
        &["check", "-d", "rhel-9,fedora", "demo"],
        &["check", "--dist", "debian", "--dist", "debian-12", "demo"],
        &["check", "--dist", "debain", "demo"],
        &["check", "--dist", "rhel-x", "demo"],
    ];
    insta::assert_snapshot!(checks.map(|arguments| sandbox.transcript(arguments)).join("\n"));
    let json = sandbox.run(&["check", "--format", "json", "--dist", "rhel,debian,ubuntu", "demo"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json[0]["targets"], serde_json::json!(["rhel", "debian", "ubuntu"]));
    assert_eq!(json[0]["diagnostics"][0]["targets"], serde_json::json!(["debian", "ubuntu"]));
    assert_eq!(sandbox.tree(), before, "nothing is written");

    sandbox.write_opkg("  <filters><dist>beos</dist></filters>\n");
    insta::assert_snapshot!(sandbox.transcript(&["check", "demo"]));
}

/// What only a run on a cluster would show otherwise.
#[test]
fn scripts_and_tests_are_read() {
    let sandbox = Fixture::new();
    sandbox.write_opkg("");
    let test = |command: &str| {
        format!(
            "<testDef><test type='cmd'><command>{command}</command><output name='status'>0</output></test></testDef>"
        )
    };
    for (path, text) in [
        ("scripts/server-post-install", "#!/bin/sh\nif true; then\n".to_owned()),
        ("scripts/client-post-install", "#!/bin/bash\ntrue )\n".to_owned()),
        ("scripts/api-post-image", "#!/usr/bin/env bash\necho \"never ends\n".to_owned()),
        ("scripts/helper", "#!/bin/sh\n$(touch ../touched)\n".to_owned()),
        ("scripts/other", "#!/usr/bin/perl\nBEGIN { open(F, '>../touched') } if (\n".to_owned()),
        (
            "testing/apitests.d/demo_validate.apb",
            "<testBatch><test name='demo_a.apt'/><test name='demo_c.apt'/></testBatch>".to_owned(),
        ),
        ("testing/apitests.d/demo_a.apt", test("tests.d/demo_a.sh")),
        ("testing/apitests.d/demo_b.apt", test("tests.d/demo_b.sh")),
        ("testing/apitests.d/demo_d.apt", "<testDef>\n<tset/></testDef>".to_owned()),
        (
            "testing/apitests.d/before_build_image.apb",
            "<testBatch><test name='demo_e.apt'/></testBatch>".to_owned(),
        ),
        ("testing/apitests.d/demo_e.apt", test("demo_e.sh")),
        (
            "testing/apitests.d/before_lunch.apb",
            "<testBatch><test name='demo_f.apt'/></testBatch>".to_owned(),
        ),
        ("testing/apitests.d/demo_f.apt", test("tests.d/demo_f.txt")),
        ("testing/tests.d/demo_a1.sh", "#!/bin/sh\n".to_owned()),
        ("testing/tests.d/demo_b.sh", "#!/bin/sh\n".to_owned()),
        ("testing/tests.d/demo_e.sh", "#!/bin/sh\n".to_owned()),
        ("testing/tests.d/demo_f.txt", "true\n".to_owned()),
        ("testing/tests.d/run.sh", "#!/bin/sh\n".to_owned()),
    ] {
        let file = sandbox.path().join("demo").join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    // What a shell says is its own.
    let without_complaint = |line: &str| match line.split_once("cannot read the script: ") {
        Some((before, complaint)) if !complaint.is_empty() => format!("{before}cannot read the script: …\n"),
        _ => format!("{line}\n"),
    };
    let shown: String = sandbox.transcript(&["check", "demo"]).lines().map(without_complaint).collect();
    insta::assert_snapshot!(shown);
    assert!(!sandbox.path().join("demo/touched").exists() && !sandbox.path().join("touched").exists());
}

/// Files of two packages at one place cannot both be installed.
#[test]
fn tests_of_the_same_name() {
    let sandbox = Fixture::new();
    sandbox.write_opkg("");
    fs::create_dir_all(sandbox.path().join("demo/testing/tests.d")).unwrap();
    fs::write(sandbox.path().join("demo/testing/tests.d/demo_run"), "#!/bin/sh\n").unwrap();
    let copied =
        Command::new("cp").args(["-r", "demo", "other"]).current_dir(sandbox.path()).status().unwrap();
    assert!(copied.success());
    insta::assert_snapshot!(sandbox.transcript(&["check", "demo", "demo", "other"]));
}

#[test]
fn an_index_of_packages() {
    let sandbox = Fixture::new();
    sandbox.write_opkg("");
    let build = ["--dist", "debian-12", "--repo", "-q", "demo"];
    let text = sandbox.transcript(&build);
    // The files of an index are few and their names fixed; which packages there are is asserted elsewhere.
    let is_shown = |line: &&str| !line.contains("opkg-demo") && !line.contains("/by-hash/");
    let of_index: Vec<&str> = text.lines().filter(is_shown).collect();
    fs::write(sandbox.path().join("output/debian-12/a.deb"), "no package").unwrap();
    let damaged = sandbox.run(&build);
    assert_eq!(damaged.status.code(), Some(1));
    let damaged = String::from_utf8(damaged.stderr).unwrap();
    let json = sandbox.run(&["--format", "json", "--dist", "debian-12", "--repo", "demo"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    insta::assert_snapshot!(format!("{}\n{damaged}\n{:#}", of_index.join("\n"), json[2]));
}

#[test]
fn an_index_written_anew() {
    let sandbox = Fixture::new();
    sandbox.write_opkg("");
    for target in ["debian-12", "rhel-9"] {
        assert!(sandbox.run(&["--dist", target, "--repo", "-q", "demo"]).status.success());
    }
    let place = sandbox.path().join("output/debian-12");
    let list = |place: &Path| fs::read_to_string(place.join("Packages")).unwrap();
    let before = list(&place);
    assert!(before.contains("Package: opkg-demo-client\n"), "{before}");
    // As somebody who cleans up.
    let removed = fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().path());
    removed
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("opkg-demo-client_"))
        .for_each(|path| fs::remove_file(path).unwrap());
    let transcript = sandbox.transcript(&["index", "output/debian-12", "output/rhel-9"]);
    let after = list(&place);
    assert!(!after.contains("Package: opkg-demo-client\n"), "{after}");
    let release = fs::read_to_string(place.join("Release")).unwrap();
    assert!(release.contains("\nSuite: debian-12\n"), "{release}");
    assert!(sandbox.run(&["index", "--name", "site", "output/debian-12"]).status.success());
    let release = fs::read_to_string(place.join("Release")).unwrap();
    assert!(release.contains("\nSuite: site\n"), "{release}");
    // The same bytes, whatever the number of threads.
    let repodata = || {
        let entries = fs::read_dir(sandbox.path().join("output/rhel-9/repodata")).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect::<Vec<_>>()
    };
    let lists = repodata();
    for jobs in ["1", "2", "9"] {
        let json = sandbox.run(&["--format", "json", "index", "--jobs", jobs, "output/rhel-9"]);
        let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!(json[0]["files"].as_array().unwrap().len(), lists.len());
        assert!(repodata() == lists, "{jobs}");
    }
    fs::create_dir(sandbox.path().join("empty")).unwrap();
    let mistakes = [&["index"][..], &["index", "nowhere"], &["index", "empty"]];
    let said: Vec<String> = mistakes.iter().map(|command| sandbox.transcript(command)).collect();
    let text = format!("{transcript}\n{}", said.join("\n"));
    let text = text.replace(sandbox.path().to_str().unwrap(), ".");
    let words = text.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric());
    // Checksums in names are those of the lists.
    let shown: String = words
        .map(|word| if word.len() == 65 { format!("SUM{}", &word[64..]) } else { word.to_owned() })
        .collect();
    insta::assert_snapshot!(shown);
}

#[test]
fn mistakes_on_the_command_line() {
    let sandbox = Fixture::new();
    sandbox.write_opkg("");
    let commands: [&[&str]; 12] = [
        &[],
        &["--dist", "rhel"],
        &["--dist", "debain", "demo"],
        &["--dist", "rhel-x", "demo"],
        &["--dist", "rhel", "-o", "demo/out", "demo"],
        &["--dist", "rhel", "--plugin", "demo/config.xml", "demo"],
        &["--dist", "rhel", "--auto-requires", "api=a b", "demo"],
        &["--dist", "rhel", "--repo", "--repo-url", "https://a/b", "demo"],
        &["--dist", "rhel", "--repo", "--repo-url", "/srv", "demo"],
        &["--dist", "rhel", "--repo-url", "https://a/b", "demo"],
        &["--dist", "rhel-7", "--rpm-format", "6", "-q", "demo"],
        &["--dist", "rhel-9", "--rpm-format", "6", "--builder", "native", "demo"],
    ];
    let transcripts: Vec<String> = commands.iter().map(|it| sandbox.transcript(it)).collect();
    insta::assert_snapshot!(transcripts.join("\n"));
}

#[test]
fn common_options_may_stand_before_the_command() {
    let sandbox = Fixture::new();
    sandbox.write_opkg("");
    for options in [&["-q"][..], &["-v"], &["--format", "json"]] {
        let before = sandbox.run(&[options, &["check", "demo"]].concat());
        let after = sandbox.run(&[&["check", "demo"], options].concat());
        assert_eq!(before, after);
        assert!(before.status.success());
    }
    let lost = sandbox.run(&["--dist", "rhel", "check", "demo"]);
    assert_eq!(lost.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&lost.stderr).contains("cannot stand before the command `check`"));
}

#[test]
fn warnings_can_be_denied() {
    let sandbox = Fixture::new();
    sandbox.write_opkg("");
    fs::write(sandbox.path().join("demo/stray"), "").unwrap();
    assert_eq!(sandbox.run(&["check", "demo"]).status.code(), Some(0));
    assert_eq!(sandbox.run(&["check", "--deny", "warnings", "demo"]).status.code(), Some(1));
    let build = ["--dist", "rhel", "--deny", "warnings", "demo"];
    assert_eq!(sandbox.run(&build).status.code(), Some(1));
    assert!(!sandbox.path().join("output/rhel").exists());
}

#[test]
fn a_target_that_the_package_excludes() {
    let sandbox = Fixture::new();
    sandbox.write_opkg("  <filters><dist>debian</dist></filters>\n");
    insta::assert_snapshot!(sandbox.transcript(&["--dist", "rhel", "demo"]));
    assert_eq!(sandbox.run(&["--dist", "rhel,debian", "demo"]).status.code(), Some(0));
}

#[test]
fn several_packages_and_targets() {
    let sandbox = Fixture::new();
    sandbox.write_opkg("");
    fs::create_dir(sandbox.path().join("broken")).unwrap();
    insta::assert_snapshot!(sandbox.transcript(&["-j1", "--dist", "rhel,debian-12", "demo", "broken"]));
    // One is one, by whatever path it is named; a copy is not.
    let output = sandbox.run(&["-q", "--dist", "rhel", "demo", "./demo", "demo/../demo/"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    Command::new("cp").args(["-r", "demo", "copy"]).current_dir(sandbox.path()).status().unwrap();
    insta::assert_snapshot!(sandbox.transcript(&["--dist", "rhel", "demo", "copy"]));
}

/// What was made is made, so that it is no help to name another place.
#[test]
fn a_result_that_cannot_be_printed_is_an_error_of_its_own() {
    let sandbox = Fixture::new();
    sandbox.write_opkg("");
    for arguments in [
        &["schema"][..],
        &["completions", "bash"],
        &["--dist", "rhel", "demo"],
        &["--format", "json", "check", "demo"],
    ] {
        let mut command = sandbox.command(arguments);
        let output =
            command.stdout(std::fs::File::options().write(true).open("/dev/full").unwrap()).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("error: cannot write to standard output: No space left on device"), "{said}");
        assert!(!said.contains("--output"), "{said}");
    }
}

/// One thread, so that it is certain what has been begun when the failure comes.
#[test]
fn the_first_failure_ends_a_run_unless_it_is_to_keep_going() {
    let sandbox = Fixture::new();
    sandbox.write_opkg("  <filters><dist>debian</dist></filters>\n");
    fs::create_dir(sandbox.path().join("broken")).unwrap();
    let targets = ["-j1", "--dist", "debian,rhel", "broken", "demo"];
    insta::assert_snapshot!("stops", sandbox.transcript(&targets));
    assert!(!sandbox.path().join("output").exists());
    let keep_going = [&["-k"], &targets[..]].concat();
    insta::assert_snapshot!("keeps_going", sandbox.transcript(&keep_going));
    assert!(sandbox.path().join("output/debian/opkg-demo_1.0-1+deb13_all.deb").exists());
    for (options, expected) in [
        (&targets[..], &["failed", "not tried", "not tried", "not tried"][..]),
        (&keep_going, &["failed", "failed", "built", "unavailable", "built"]),
    ] {
        let output = sandbox.run(&[&["--format", "json"], options].concat());
        assert_eq!(output.status.code(), Some(1));
        let jobs: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let statuses: Vec<&str> =
            jobs.as_array().unwrap().iter().map(|job| job["status"].as_str().unwrap()).collect();
        assert_eq!(statuses, expected);
    }
}

#[test]
fn a_terminal_shows_how_far_a_run_is() {
    let sandbox = Fixture::new();
    sandbox.write_opkg("");
    let on_terminal = |options: &str| {
        let line = format!("{} --dist rhel,debian demo {options}", env!("CARGO_BIN_EXE_opkgc"));
        Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .current_dir(sandbox.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", sandbox.path().join("home"))
            .env("TERM", "xterm")
            .stdin(Stdio::null())
            .output()
    };
    let Ok(output) = on_terminal("") else {
        assert!(std::env::var_os("OPKG_REQUIRE_TOOLS").is_none(), "script is not installed");
        eprintln!("skipped: script is not installed");
        return;
    };
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(shown.contains("] 1/2  demo 1.0-1 for "), "{shown}");
    assert!(shown.contains("demo 1.0-1  built"), "{shown}");
    // Whatever is printed meanwhile stands on a line of its own.
    for line in shown.lines().filter(|line| line.contains("meta-files") || line.contains(".spec")) {
        assert_eq!(line.rsplit("\u{1b}[K").next().unwrap().find('['), None, "{line:?}");
    }
    for options in ["-q", "--format json"] {
        let output = on_terminal(options).unwrap();
        assert!(!String::from_utf8_lossy(&output.stdout).contains("\u{1b}"), "{options}");
    }
    let plain = sandbox.run(&["--dist", "rhel,debian", "demo"]);
    assert!(!plain.stderr.contains(&0x1b));
}

#[test]
fn what_differs_between_two_builds() {
    let sandbox = Fixture::new();
    sandbox.write_opkg("");
    let build = |output: &str| {
        assert!(sandbox.run(&["-q", "--dist", "rhel-9,debian-12", "-o", output, "demo"]).status.success());
    };
    build("a");
    build("b");
    let same = sandbox.run(&["diff", "a", "b"]);
    assert_eq!((same.status.code(), same.stdout.len()), (Some(0), 0));
    assert_eq!(sandbox.run(&["diff", "--format", "json", "a", "b"]).stdout, b"[]\n");

    let config = sandbox.path().join("demo/config.xml");
    let changed = fs::read_to_string(&config).unwrap().replace("<item>First.", "<item>Second.");
    let changed = changed.replace("Demo</summary>", "Another demo</summary>");
    fs::write(&config, changed).unwrap();
    let script = sandbox.path().join("demo/scripts/server-post-install");
    fs::create_dir_all(script.parent().unwrap()).unwrap();
    fs::write(&script, "#!/bin/sh\ntrue\n").unwrap();
    build("b");
    let differing = |path: &str| sandbox.run(&["diff", &format!("a/{path}"), &format!("b/{path}")]);
    let expected = [
        (
            "rhel-9/opkg-demo-server-1.0-1.el9.noarch.rpm",
            [
                "tag DESCRIPTION\n    -Demo\n    +Another demo\n",
                "relation requires\n    +/bin/sh (interp, post)\n",
                "file /usr/lib/oscar/packages/demo/server-post-install\n    +file\n",
                "\n    -- First.\n    +- Second.\n",
                "text post\n    +#!/bin/sh\n",
            ],
        ),
        (
            "debian-12/opkg-demo-server_1.0-1+deb12_all.deb",
            [
                "tag Description\n    -Demo, server part\n",
                "\n    +Another demo, server part\n",
                "file /usr/lib/oscar/packages/demo/server-post-install\n    +file\n",
                "\n    -  * First.\n    +  * Second.\n",
                "text postinst\n    +#!/bin/sh\n",
            ],
        ),
    ];
    for (path, parts) in expected {
        let output = differing(path);
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stdout).unwrap();
        for part in parts {
            assert!(text.contains(part), "{part:?} in\n{text}");
        }
    }
    let quiet = sandbox.run(&["-q", "diff", "a", "b"]);
    assert_eq!((quiet.status.code(), quiet.stdout.len()), (Some(1), 0));
    let json = sandbox.run(&["diff", "--format", "json", "a", "b"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let names: Vec<&str> = json.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"rhel-9/opkg-demo-server noarch"), "{names:?}");

    // Trouble is no difference.
    let deb = sandbox.path().join("a/debian-12/opkg-demo_1.0-1+deb12_all.deb");
    fs::write(&deb, &fs::read(&deb).unwrap()[..200]).unwrap();
    for arguments in [["diff", "a", "b"], ["diff", "a", "missing"], ["diff", "a", "demo/config.xml"]] {
        let output = sandbox.run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: "));
    }
}

/// Standard output that nobody reads any more is no mistake.
#[test]
fn a_closed_pipe_is_no_error() {
    let sandbox = Fixture::new();
    let mut child =
        sandbox.command(&["schema"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
}

#[test]
fn a_signal_leaves_nothing_behind() {
    let sandbox = Fixture::new();
    sandbox.write_opkg("");
    let tools = sandbox.path().join("tools");
    fs::create_dir(&tools).unwrap();
    let started = sandbox.path().join("started");
    // Whatever the plugin calls: it gets a program that never ends.
    for name in ["rpmbuild", "dpkg-buildpackage"] {
        let program = tools.join(name);
        fs::write(&program, format!("#!/bin/sh\n: > '{}'\nexec sleep 60\n", started.display())).unwrap();
        let mode = std::fs::Permissions::from_mode(0o755);
        fs::set_permissions(&program, mode).unwrap();
    }
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let mut child = sandbox
        .command(&["--dist", "rhel", "--builder", "native", "demo"])
        .env("PATH", path)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    while !started.exists() {
        assert!(begin.elapsed() < Duration::from_secs(60), "the build never began");
        std::thread::sleep(Duration::from_millis(10));
    }
    let terminated = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(terminated.success());
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(15));
    let left = fs::read_dir(sandbox.path().join("output")).unwrap().count();
    assert_eq!(left, 0, "in the output directory");
    let left = fs::read_dir(sandbox.path().join("home")).unwrap();
    let left: Vec<_> = left.map(|it| it.unwrap().file_name()).filter(|it| it != ".cache").collect();
    assert!(left.is_empty(), "in the directory for temporary files: {left:?}");
}
