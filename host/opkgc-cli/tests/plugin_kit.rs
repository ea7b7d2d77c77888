//! What authors of plugins read and get: `opkgc plugin new`, `sdk`, `wit`, `build`, `run`.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fs_err as fs;
use serde_json::Value;
use tempfile::TempDir;

fn source_path(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// An empty directory to work in.
struct Fixture(TempDir);

impl Fixture {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// Exit status, standard output, standard error.
    fn output(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_opkgc"))
            .args(arguments)
            .current_dir(self.0.path())
            .env_clear()
            .env("HOME", self.0.path())
            .env("COLUMNS", "100")
            .env("SOURCE_DATE_EPOCH", "1750000000")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }

    fn run(&self, arguments: &[&str]) -> String {
        let (status, stdout, stderr) = self.output(arguments);
        format!("[exit {status}]\n{stdout}---\n{stderr}")
    }
}

/// Relative paths of all files, sorted.
fn list_files(directory: &Path) -> Vec<String> {
    fn walk(directory: &Path, root: &Path, files: &mut Vec<String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => walk(&path, root, files),
                false => files.push(path.strip_prefix(root).unwrap().display().to_string()),
            }
        }
    }
    let mut files = Vec::new();
    walk(directory, directory, &mut files);
    files.sort();
    files
}

#[test]
fn what_templates_consist_of() {
    let desk = Fixture::new();
    let mut all = Vec::new();
    for (language, family) in [
        ("rust", "archive"),
        ("rust", "rpm"),
        ("rust", "deb"),
        ("python", "archive"),
        ("javascript", "archive"),
        ("c", "archive"),
    ] {
        let directory = format!("{language}-{family}");
        let new = ["plugin", "new", "my-linux", "--lang", language, "--family", family, "-o", &directory];
        let made = desk.run(&new);
        assert!(made.starts_with(&format!("[exit 0]\n{directory}\n")), "{made}");
        all.push(format!("{language}, {family}:"));
        for file in list_files(&desk.path(&directory)) {
            let text = fs::read(desk.path(&directory).join(&file)).unwrap();
            let text = String::from_utf8_lossy(&text);
            // The SDK has a test of its own.
            if file.starts_with("sdk/") {
                continue;
            }
            for placeholder in ["@NAME@", "@MACRO@", "@SDK@", "@FAMILY@", "@ABOUT@"] {
                assert!(!text.contains(placeholder), "{directory}/{file}: {placeholder}");
            }
            all.push(format!("  {file}"));
        }
        let readme = fs::read_to_string(desk.path(&directory).join("README.md")).unwrap();
        assert!(readme.lines().count() <= 45, "{directory}: a page");
        let has_change =
            list_files(&desk.path(&directory)).iter().filter(|file| !file.starts_with("sdk/")).any(|file| {
                String::from_utf8_lossy(&fs::read(desk.path(&directory).join(file)).unwrap())
                    .contains("CHANGE")
            });
        assert!(has_change, "{directory}: says where something is to be changed");
    }
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn what_there_is_no_template_for_is_refused() {
    let desk = Fixture::new();
    fs::create_dir(desk.path("there")).unwrap();
    let refused = [
        &["plugin", "new", "x", "--lang", "python", "--family", "rpm"][..],
        &["plugin", "new", "x", "--lang", "c", "--sdk", "there"],
        &["plugin", "new", "x", "--sdk", "there"],
        &["plugin", "new", "../x"],
        &["plugin", "new", "there"],
        &["plugin", "sdk", "there"],
        &["plugin", "wit", "there"],
    ];
    insta::assert_snapshot!(refused.map(|arguments| desk.run(arguments)).join("\n"));
    assert_eq!(list_files(desk.0.path()), Vec::<String>::new(), "nothing is left");
}

#[test]
fn the_sdk_is_that_of_the_sources() {
    let desk = Fixture::new();
    assert_eq!(desk.output(&["plugin", "sdk", "kit"]).0, 0);
    let written = list_files(&desk.path("kit"));
    for file in &written {
        let Some((member, path)) = file.split_once('/') else { continue };
        let original = source_path("plugins").join(member.strip_prefix("opkg-").unwrap()).join(path);
        assert_eq!(fs::read(desk.path("kit").join(file)).unwrap(), fs::read(original).unwrap(), "{file}");
    }
    assert!(written.iter().any(|file| file == "opkg-sdk/wit/1.0.0/model.wit"), "{written:?}");
    // A plugin may have it in common with others.
    let made = desk.run(&["plugin", "new", "my-linux", "--family", "rpm", "--sdk", "kit"]);
    assert!(made.starts_with("[exit 0]"), "{made}");
    let manifest = fs::read_to_string(desk.path("my-linux/Cargo.toml")).unwrap();
    let kit = fs::canonicalize(desk.path("kit")).unwrap();
    assert!(manifest.contains(&format!("path = \"{}/opkg-rpm-family\"", kit.display())), "{manifest}");
    assert!(!desk.path("my-linux/sdk").exists());
}

#[test]
fn the_interface_is_that_of_the_sources() {
    let desk = Fixture::new();
    assert_eq!(desk.output(&["plugin", "wit", "wit"]).0, 0);
    for file in list_files(&desk.path("wit")) {
        let original = source_path("wit/1.0.0").join(&file);
        assert_eq!(fs::read(desk.path("wit").join(&file)).unwrap(), fs::read(original).unwrap(), "{file}");
    }
    let (status, document, _) = desk.output(&["plugin", "wit"]);
    assert_eq!(status, 0);
    assert!(document.starts_with("package opkg:plugin@1.0.0;\n"), "{document}");
    assert_eq!(document, desk.output(&["plugin", "wit"]).1);
}

#[test]
fn a_directory_in_another_language_is_explained() {
    let desk = Fixture::new();
    for (language, file) in [("python", "plugin.py"), ("javascript", "package.json"), ("c", "plugin.c")] {
        fs::create_dir(desk.path(language)).unwrap();
        fs::write(desk.path(language).join(file), "").unwrap();
    }
    fs::create_dir(desk.path("empty")).unwrap();
    fs::write(desk.path("text.wasm"), "no WebAssembly").unwrap();
    fs::write(desk.path("plain.wasm"), wat::parse_str("(module)").unwrap()).unwrap();
    fs::copy(source_path("plugins/prebuilt/ydl.wasm"), desk.path("component.wasm")).unwrap();
    let build = |what: &str| desk.run(&["plugin", "build", what]);
    let said = ["python", "javascript", "c", "empty", "text.wasm"].map(build);
    insta::assert_snapshot!(said.join("\n"));
    let named = |what: &str| desk.run(&["plugin", "build", what, "-o", "made.wasm"]);
    insta::assert_snapshot!(["text.wasm", "plain.wasm", "component.wasm"].map(named).join("\n"));
    assert!(!desk.path("made.wasm").exists());
}

/// What `plugin run` answers.
fn ask(desk: &Fixture, arguments: &[&str]) -> (i32, Value) {
    let plugin = source_path("plugins/prebuilt/ydl.wasm");
    let (status, stdout, _) =
        desk.output(&[&["plugin", "run", plugin.to_str().unwrap()], arguments].concat());
    (status, serde_json::from_str(&stdout).unwrap())
}

#[test]
fn a_plugin_is_asked() {
    let desk = Fixture::new();
    let (status, answer) = ask(&desk, &[]);
    assert_eq!((status, &answer["description"]["id"]), (0, &Value::from("ydl")));
    assert!(answer.get("output").is_none(), "nothing was asked");

    let opkg = source_path("examples/hello-cluster");
    let opkg = opkg.to_str().unwrap();
    let (status, answer) = ask(&desk, &["--input", opkg]);
    assert_eq!((status, &answer["target"], &answer["refusal"]), (0, &Value::from("ydl"), &Value::Null));
    let server = &answer["output"]["packages"][1];
    insta::assert_snapshot!(serde_json::to_string_pretty(server).unwrap());
    assert_eq!(answer["output"]["meta-files"][0]["path"], "SPECS/opkg-hello-cluster.spec");

    let (_, tagged) = ask(&desk, &["--input", opkg, "--dist", "ydl-7", "--release-tag", "site"]);
    assert_eq!(tagged["output"]["packages"][0]["release"], "1.site");
    let (status, refused) = ask(&desk, &["--input", opkg, "--dist", "ydl-abc"]);
    assert_eq!((status, &refused["output"]), (1, &Value::Null));
    insta::assert_snapshot!(refused["refusal"].to_string());
}

#[test]
fn what_cannot_be_asked_is_said() {
    let desk = Fixture::new();
    let (ydl, runner) =
        (source_path("plugins/prebuilt/ydl.wasm"), source_path("plugins/prebuilt/hook-script.wasm"));
    fs::copy(ydl, desk.path("ydl.wasm")).unwrap();
    fs::copy(runner, desk.path("runner.wasm")).unwrap();
    fs::create_dir(desk.path("opkg")).unwrap();
    fs::write(desk.path("opkg/config.xml"), "<oscar>").unwrap();
    let asked = [
        &["plugin", "run", "ydl.wasm", "--dist", "ydl"][..],
        &["plugin", "run", "ydl.wasm", "--input", "opkg"],
        &["plugin", "run", "ydl.wasm", "--input", "opkg", "--dist", "rhel"],
        &["plugin", "run", "runner.wasm", "--input", "opkg"],
        &["plugin", "run", "nowhere.wasm"],
    ];
    insta::assert_snapshot!(asked.map(|arguments| desk.run(arguments)).join("\n"));
    let (status, described, _) = desk.output(&["plugin", "run", "runner.wasm"]);
    assert!(status == 0 && described.contains("\"id\": \"hook-script\""), "{described}");
}

#[test]
fn a_runner_of_hooks_is_tried() {
    let desk = Fixture::new();
    fs::copy(source_path("plugins/prebuilt/hook-script.wasm"), desk.path("runner.wasm")).unwrap();
    fs::write(desk.path("server-post-install"), "#!/bin/sh\nexit 0\n").unwrap();
    fs::write(desk.path("notes"), "no script\n").unwrap();
    fs::write(desk.path("cluster.toml"), "package = \"demo\"\nnodes = [\"node1\"]\n").unwrap();
    let example = source_path("examples/image-hosts/scripts/api-post-image.wasm");
    fs::copy(example, desk.path("hook.wasm")).unwrap();
    let run = |file: &str, more: &[&str]| {
        desk.run(&[&["hook", "run", file, "--pretend", "cluster.toml"], more].concat())
    };
    let said = [
        run("runner.wasm", &["--program", "server-post-install"]),
        run("runner.wasm", &[]),
        run("runner.wasm", &["--program", "notes"]),
        run("hook.wasm", &["--program", "server-post-install"]),
    ];
    insta::assert_snapshot!(said.join("\n"));
}
