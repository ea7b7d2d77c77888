//! `opkgc plugin test`: what users read of it, and how it ends. What the rules find is the business of their own tests.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::path::Path;
use std::process::{Command, Stdio};

use fs_err as fs;
use tempfile::TempDir;

const CONFIG: &str = "<oscar><name>demo</name><class>core</class><summary>Demo</summary><license>GPL</license>\
    <group>Applications/System</group><authors><author cat=\"maintainer\"><name>Ada</name><email>ada@example.org</email>\
    </author></authors>RELATIONS<changelog><versionEntry version=\"1.0-1\"><changelogEntry authorName=\"Ada\" \
    date=\"2025-01-02T03:04:05Z\"><item>First.</item></changelogEntry></versionEntry></changelog></oscar>\n";

/// A plugin's file with examples beside it.
struct PluginDirectory(TempDir);

impl PluginDirectory {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let prebuilt = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/prebuilt/ydl.wasm");
        fs::copy(prebuilt, directory.path().join("plugin.wasm")).unwrap();
        Self(directory)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn with_example(self, name: &str, target: &str, relations: &str) -> Self {
        let example = self.path().join("tests").join(name);
        fs::create_dir_all(example.join("opkg")).unwrap();
        fs::write(example.join("opkg/config.xml"), CONFIG.replace("RELATIONS", relations)).unwrap();
        fs::write(example.join("target"), format!("{target}\n")).unwrap();
        self
    }

    /// Exit status, and both streams.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_opkgc"))
            .args(["plugin", "test"])
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path().join("home"))
            .env("TMPDIR", self.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }
}

/// One rule suffices to see how rules are told.
const QUICK: [&str; 4] = ["plugin.wasm", "--quick", "--filter", "version-kept"];

#[test]
fn rules_are_listed_and_chosen_by_their_names() {
    let plugin = PluginDirectory::new();
    let (status, listed, _) = plugin.run(&["--rules", "--filter", "version-k"]);
    assert_eq!(status, 0);
    insta::assert_snapshot!(listed, @"version-kept  A package has the epoch, the version and the release of the OPKG.");
    let (status, said, errors) = plugin.run(&QUICK);
    assert_eq!((status, errors.as_str()), (0, ""));
    let (head, rules) = said.split_once('\n').unwrap();
    assert!(head.starts_with("ydl 0.1.0: ") && head.ends_with(" OPKGs, 6 targets"), "{head}");
    assert_eq!(rules, "ok      version-kept\nall of 1 rules hold\n");
    let (status, _, errors) = plugin.run(&["plugin.wasm", "--filter", "relatoins"]);
    assert_eq!(status, 2);
    insta::assert_snapshot!(errors, @r"
    error: no rule has `relatoins` in its name
      help: did you mean `relations`? `opkgc plugin test --rules` lists the rules
    ");
}

#[test]
fn what_is_no_plugin_is_said() {
    let plugin = PluginDirectory::new();
    let mut said = String::new();
    for arguments in
        [&[][..], &["no-such"], &["missing.wasm"], &["plugin.wasm", "--update"], &["--rules", "plugin.wasm"]]
    {
        let (status, _, errors) = plugin.run(arguments);
        said.push_str(&format!("{status}: {}\n", errors.lines().take(2).collect::<Vec<_>>().join(" / ")));
    }
    insta::assert_snapshot!(said);
}

#[test]
fn examples_are_written_compared_and_told() {
    let plugin = PluginDirectory::new()
        .with_example("plain", "ydl-7-ppc", "")
        .with_example("elsewhere", "ydl-6.2", "<filters><dist>debian</dist></filters>")
        .with_example("odd", "other-1", "");
    let examples = |more: &[&str]| plugin.run(&[&QUICK[..], &["--examples", "tests"], more].concat());
    // Nothing is expected as yet.
    let (status, said, _) = examples(&[]);
    assert_eq!(status, 1);
    assert!(
        said.contains("plain.spec was not expected") || said.contains(".spec was not expected"),
        "{said}"
    );

    let (status, said, _) = plugin.run(&["plugin.wasm", "--update"]);
    assert_eq!(status, 1, "one is no example");
    insta::assert_snapshot!(said, @r"
    written example elsewhere
    FAILED  example odd
            in its file `target`: no plugin knows the distribution `other-1`
    written example plain
    ");
    let refused = fs::read_to_string(plugin.path().join("tests/elsewhere/expected/refused")).unwrap();
    assert!(refused.contains("not available"), "{refused}");

    fs::remove_dir_all(plugin.path().join("tests/odd")).unwrap();
    let (status, said, _) = examples(&[]);
    assert_eq!(status, 0, "{said}");
    let expected = plugin.path().join("tests/plain/expected");
    let spec = find_spec(&expected);
    let changed = fs::read_to_string(&spec).unwrap().replace("Summary: Demo\n", "Summary: Another\n");
    fs::write(&spec, changed).unwrap();
    let (status, said, _) = examples(&[]);
    assert_eq!(status, 1);
    assert!(said.contains("-Summary: Another\n") && said.contains("+Summary: Demo\n"), "{said}");

    let (_, json, _) = examples(&["--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(told["passed"], false);
    assert_eq!(told["rules"][0]["status"], "passed");
    assert_eq!(told["examples"][1]["status"], "failed");
    assert!(told["examples"][1]["differences"][0]["diff"].as_str().unwrap().contains("+Summary: Demo"));

    let (status, said, _) = plugin.run(&["plugin.wasm", "--filter", "elsewh"]);
    assert_eq!(status, 0, "{said}");
    assert!(
        said.contains("elsewhere") && !said.contains("plain") && !said.contains("version-kept"),
        "{said}"
    );
    let (_, xml, _) = examples(&["--format", "junit"]);
    let document = roxmltree::Document::parse(&xml).unwrap();
    let count = |name: &str| document.descendants().filter(|it| it.has_tag_name(name)).count();
    assert_eq!((count("testsuite"), count("testcase"), count("failure")), (2, 3, 1), "{xml}");
}

/// The only one below a directory.
fn find_spec(directory: &Path) -> std::path::PathBuf {
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "spec") {
                return path;
            }
        }
    }
    panic!("no spec")
}
