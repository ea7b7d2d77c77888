//! What users of `opm test` read, and how it ends: real definitions and programs in the root of a simulated head node.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use fs_err as fs;
use insta::assert_snapshot;
use tempfile::TempDir;

/// Below the root of the head node.
const TESTING_DIR: &str = "head/usr/lib/oscar/testing";

struct Fixture(TempDir);

impl Fixture {
    /// A head node with a shell and two clients; nothing, saying so, where that cannot be.
    fn new() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let busybox = std::env::split_paths(&path).map(|it| it.join("busybox")).find(|it| it.is_file());
        let is_root = rustix::process::geteuid().is_root();
        let Some(busybox) = busybox.filter(|_| is_root) else {
            let reason = "needs root and busybox";
            assert!(std::env::var_os("OPKG_REQUIRE_TOOLS").is_none(), "{reason}");
            eprintln!("skipped: {reason}");
            return None;
        };
        let sandbox = Self(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap());
        for directory in ["apitests.d", "tests.d", "data"] {
            fs::create_dir_all(sandbox.path().join(TESTING_DIR).join(directory)).unwrap();
        }
        for directory in ["bin", "dev", "proc", "sys", "run", "tmp", "etc"] {
            fs::create_dir(sandbox.path().join("head").join(directory)).unwrap();
        }
        fs::create_dir(sandbox.path().join("home")).unwrap();
        fs::create_dir(sandbox.path().join("etc")).unwrap();
        sandbox.write("head/etc/passwd", "root:x:0:0::/root:/bin/sh\noscartst:x:4242:4242::/tmp:/bin/sh\n");
        sandbox.write("etc/opm.toml", &format!("log_directory = \"{}/log\"\n", sandbox.path().display()));
        fs::copy(busybox, sandbox.path().join("head/bin/busybox")).unwrap();
        for name in ["sh", "cat", "echo"] {
            symlink("busybox", sandbox.path().join("head/bin").join(name)).unwrap();
        }
        sandbox.run_ok(&["init", "--name", "head", "--root", "head"]);
        sandbox.run_ok(&["target", "add", "client:node[1-2]"]);
        sandbox.run_ok(&["request", "--new", "munge", "torque", "c3"]);
        Some(sandbox)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.path().join(path), text).unwrap();
    }

    fn write_definition(&self, name: &str, text: &str) {
        self.write(&format!("{TESTING_DIR}/apitests.d/{name}"), text);
    }

    /// A test with a description, of a script.
    fn write_test(&self, name: &str, description: &str, script: &str, outputs: &str) {
        let text = format!(
            "<testDef><shortDescription>{description}</shortDescription><test type='script'>\
             <command>{script}</command>{outputs}</test></testDef>"
        );
        self.write_definition(name, &text);
    }

    fn write_program(&self, path: &str, text: &str) {
        let path = format!("{TESTING_DIR}/{path}");
        fs::create_dir_all(self.path().join(&path).parent().unwrap()).unwrap();
        self.write(&path, text);
        fs::set_permissions(self.path().join(path), PermissionsExt::from_mode(0o755)).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_opm"))
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path().join("home"))
            .env("TMPDIR", self.path().join("home"))
            .env("COLUMNS", "100")
            .env("OPM_DATABASE", self.path().join("oda.db"))
            .env("OPM_CONF", self.path().join("opm.conf"))
            .env("OPM_SETTINGS", self.path().join("etc"))
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn run_ok(&self, arguments: &[&str]) {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Exit status and both streams, the same wherever and whenever it runs.
    fn transcript(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = |bytes: &[u8]| self.normalize_times(&String::from_utf8_lossy(bytes));
        format!(
            "$ opm {}\n[exit {}]\n{}{}",
            arguments.join(" "),
            output.status.code().unwrap(),
            text(&output.stdout),
            text(&output.stderr)
        )
    }

    /// Without times, and the places of this machine.
    fn normalize_times(&self, text: &str) -> String {
        let here = fs::canonicalize(self.path()).unwrap();
        let mut text =
            text.replace(&*here.to_string_lossy(), "DIR").replace(&*self.path().to_string_lossy(), "DIR");
        let is_time = |c: char| c.is_ascii_digit() || c == '.';
        for (mark, ends) in [
            (" in ", &(|c| !is_time(c)) as &dyn Fn(char) -> bool),
            ("\"milliseconds\": ", &|c| !is_time(c)),
            (" time=\"", &|c| c == '"'),
            (" timestamp=\"", &|c| c == '"'),
            (" hostname=\"", &|c| c == '"'),
        ] {
            let mut from = 0;
            while let Some(at) = text[from..].find(mark).map(|it| from + it + mark.len()) {
                let length = text[at..].find(ends).unwrap_or(0);
                text.replace_range(at..at + length, if length > 0 { "…" } else { "" });
                from = at;
            }
        }
        // A slow machine says how long a single test took.
        let quick = |line: &str| match line.rsplit_once("  (") {
            Some((before, took)) if took.ends_with(" s)") => before.to_owned(),
            _ => line.to_owned(),
        };
        text.lines().map(|it| quick(it) + "\n").collect()
    }
}

/// Munge works here and not on the nodes; torque's tests are broken; c3 has none.
fn cluster_fixture() -> Option<Fixture> {
    let sandbox = Fixture::new()?;
    let passes = "<output name='status'>0</output>";
    sandbox.write_definition(
        "munge_validate.apb",
        "<testBatch><shortDescription>MUNGE: does it work?</shortDescription>
        <test name='munge_config.apb'/><dep parent='munge_config.apb' child='munge_nodes.apt'/>
        <dep parent='munge_nodes.apt' child='munge_user.apt'/>
        <test name='munge_old.apt' mustPass='FALSE'/></testBatch>",
    );
    sandbox.write_definition("munge_config.apb", "<testBatch><test name='munge_key.apt'/></testBatch>");
    sandbox.write_test(
        "munge_key.apt",
        "Is there a key?",
        "echo '&lt;key&gt;'",
        "<output name='stdout'>&lt;key&gt;</output>",
    );
    let nodes = "<output name='stdout'>node1 ok\nnode2 ok</output><output name='stderr'/>";
    sandbox.write_test(
        "munge_nodes.apt",
        "Do nodes agree?",
        "for it in $OPM_NODES; do echo $it ok; done | sed 's/2 ok/2 \"&lt;late&gt;\"/'",
        nodes,
    );
    sandbox.write_test("munge_user.apt", "", "exit 0", passes);
    sandbox.write_test("munge_old.apt", "Does the old way work?", "exit 4", passes);
    let busybox = sandbox.path().join("head/bin/sed");
    symlink("busybox", busybox).unwrap();
    sandbox.write_definition("torque_a.apt", "<testDef><test type='perl'/></testDef>");
    sandbox.write_definition("torque_b.apb", "<testBatch>\n<test name='gone.apt'/></testBatch>");
    Some(sandbox)
}

#[test]
fn results_are_a_tree() {
    let Some(sandbox) = cluster_fixture() else { return };
    let told: String =
        [&["test", "munge"][..], &["test", "torque", "c3"]].iter().map(|it| sandbox.transcript(it)).collect();
    assert_snapshot!(told);
    let log = String::from_utf8(sandbox.run(&["log", "1.1"]).stdout).unwrap();
    for line in [
        "packages  munge",
        "  | node2 \"<late>\"",
        "cause     munge_validate.apb failed: of 4 tests, 1 failed, 1 failed (allowed to fail), 1 were skipped",
    ] {
        assert!(log.contains(line), "{log}");
    }
}

#[test]
fn results_for_programs() {
    let Some(sandbox) = cluster_fixture() else { return };
    assert_snapshot!("json", sandbox.transcript(&["test", "munge", "torque", "--format", "json"]));
    assert_snapshot!("junit", sandbox.transcript(&["test", "munge", "torque", "c3", "--format", "junit"]));
}

/// What systems that build and test expect, as far as the schemas in use agree.
const SCHEMA: &str = r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:element name="testsuites"><xs:complexType><xs:sequence>
    <xs:element name="testsuite" type="suite" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:complexType></xs:element>
  <xs:complexType name="suite">
    <xs:sequence>
      <xs:element name="properties"><xs:complexType/></xs:element>
      <xs:element name="testcase" type="case" minOccurs="0" maxOccurs="unbounded"/>
      <xs:element name="system-out" type="xs:string"/>
      <xs:element name="system-err" type="xs:string"/>
    </xs:sequence>
    <xs:attribute name="id" type="xs:int" use="required"/>
    <xs:attribute name="name" type="xs:token" use="required"/>
    <xs:attribute name="package" type="xs:token" use="required"/>
    <xs:attribute name="hostname" type="xs:token" use="required"/>
    <xs:attribute name="timestamp" use="required"><xs:simpleType><xs:restriction base="xs:dateTime">
      <xs:pattern value="[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"/>
    </xs:restriction></xs:simpleType></xs:attribute>
    <xs:attribute name="tests" type="xs:int" use="required"/>
    <xs:attribute name="failures" type="xs:int" use="required"/>
    <xs:attribute name="errors" type="xs:int" use="required"/>
    <xs:attribute name="skipped" type="xs:int"/>
    <xs:attribute name="time" type="xs:decimal" use="required"/>
  </xs:complexType>
  <xs:complexType name="case">
    <xs:choice minOccurs="0">
      <xs:element name="skipped" type="note"/>
      <xs:element name="error" type="fault"/>
      <xs:element name="failure" type="fault"/>
    </xs:choice>
    <xs:attribute name="name" type="xs:token" use="required"/>
    <xs:attribute name="classname" type="xs:token" use="required"/>
    <xs:attribute name="time" type="xs:decimal" use="required"/>
  </xs:complexType>
  <xs:complexType name="note"><xs:simpleContent><xs:extension base="xs:string">
    <xs:attribute name="message" type="xs:string"/>
  </xs:extension></xs:simpleContent></xs:complexType>
  <xs:complexType name="fault"><xs:simpleContent><xs:extension base="xs:string">
    <xs:attribute name="message" type="xs:string"/>
    <xs:attribute name="type" type="xs:string" use="required"/>
  </xs:extension></xs:simpleContent></xs:complexType>
</xs:schema>
"#;

#[test]
fn junit_follows_the_schema() {
    let Some(sandbox) = cluster_fixture() else { return };
    sandbox.write("junit.xsd", SCHEMA);
    let document = sandbox.run(&["test", "munge", "torque", "c3", "--format", "junit"]).stdout;
    let mut child = Command::new("xmllint")
        .args(["--noout", "--schema", "junit.xsd", "-"])
        .current_dir(sandbox.path())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&document).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_phase_is_entered_when_its_tests_pass() {
    let Some(sandbox) = Fixture::new() else { return };
    let passes = "<output name='status'>0</output>";
    sandbox.write_test("images.apt", "Is there a place for images?", "cat /etc/images", passes);
    sandbox.write_definition("before_build_image.apb", "<testBatch><test name='images.apt'/></testBatch>");
    let mut told = String::new();
    for command in [
        &["phase", "set", "install_server"][..],
        &["phase", "set", "build_image"],
        &["test", "--phase", "build_image"],
        &["test", "--phase", "netboot"],
    ] {
        told.push_str(&sandbox.transcript(command));
    }
    sandbox.write("head/etc/images", "/srv\n");
    for command in [
        &["phase", "set", "build_image"][..],
        &["phase", "set", "build_image"],
        &["phase", "set", "install_server"],
    ] {
        told.push_str(&sandbox.transcript(command));
    }
    fs::remove_file(sandbox.path().join("head/etc/images")).unwrap();
    for command in [&["phase", "set", "build_image", "-q"][..], &["phase", "set", "build_image", "--force"]] {
        told.push_str(&sandbox.transcript(command));
    }
    assert_snapshot!(told);
}

#[test]
fn mistakes() {
    let Some(sandbox) = Fixture::new() else { return };
    let told: String = [
        &["test"][..],
        &["test", "mugne"],
        &["test", "munge", "--phase", "netboot"],
        &["test", "munge", "--on", "client:node1"],
        &["test", "munge", "--format", "xml"],
        &["status", "--format", "junit"],
        &["test", "munge"],
    ]
    .iter()
    .map(|it| sandbox.transcript(it))
    .collect();
    assert_snapshot!(told);
}

#[test]
fn programs_of_old_packages_run_as_their_users() {
    let Some(sandbox) = Fixture::new() else { return };
    symlink("busybox", sandbox.path().join("head/bin/id")).unwrap();
    sandbox.write_program("data/c3/test_root", "#!/bin/sh\n[ \"$(id -u)\" = 0 ] && echo as root\n");
    sandbox.write_program("data/c3/test_user", "#!/bin/sh\necho \"$(id -u): $*\"\nexit 1\n");
    assert_snapshot!(sandbox.transcript(&["test", "c3"]));
}
