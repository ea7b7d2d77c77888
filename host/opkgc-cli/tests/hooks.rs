//! What authors of hooks read: `opkgc hook`, and what `opkgc check` says of components.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fs_err as fs;
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

    /// Exit status and both streams.
    fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_opkgc"))
            .args(arguments)
            .current_dir(self.0.path())
            .env_clear()
            .env("HOME", self.0.path())
            .env("COLUMNS", "100")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        format!(
            "[exit {}]\n{}---\n{}",
            output.status.code().unwrap(),
            text(&output.stdout),
            text(&output.stderr)
        )
    }

    /// The example's OPKG, as a copy.
    fn copy_opkg(&self) -> PathBuf {
        let copy = self.path("opkg");
        fs::create_dir_all(copy.join("scripts")).unwrap();
        for name in ["config.xml", "configurator.html"] {
            fs::copy(source_path("examples/image-hosts").join(name), copy.join(name)).unwrap();
        }
        copy
    }

    fn copy_example(&self) {
        let component = source_path("examples/image-hosts/scripts/api-post-image.wasm");
        fs::copy(component, self.path("api-post-image.wasm")).unwrap();
        fs::copy(source_path("examples/hooks/image-hosts/cluster.toml"), self.path("cluster.toml")).unwrap();
    }
}

#[test]
fn a_hook_is_tried() {
    let desk = Fixture::new();
    desk.copy_example();
    let run = ["hook", "run", "api-post-image.wasm", "--pretend", "cluster.toml"];
    insta::assert_snapshot!(desk.run(&run), @r"
    [exit 0]
    write image: etc/image-hosts.conf
      | # roles: compute login
      | login.cluster.example.org
      | node1.cluster.example.org
      | node2.cluster.example.org
      | node3.cluster.example.org
    say info: 4 nodes are listed
    ---
    done
    ");
    let kept = [&run[..], &["--files", "kept", "--hook", "api-post-clientdef"]].concat();
    assert!(desk.run(&kept).starts_with("[exit 0]\nwrite home: image-hosts.conf\n"));
    assert!(desk.path("kept/home/image-hosts.conf").is_file());
    let other = [&run[..], &["--hook", "api-post-deploy"]].concat();
    insta::assert_snapshot!(desk.run(&other), @r"
    [exit 1]
    ---
    error: api-post-image.wasm failed: there is nothing to do for api-post-deploy
    ");
    let json = desk.run(&[&other[..], &["--format", "json"]].concat());
    assert!(json.contains("\"ok\": false"), "{json}");
    fs::write(desk.path("cluster.toml"), "package = \"demo\"\nnode = []\n").unwrap();
    insta::assert_snapshot!(desk.run(&run));
    fs::write(desk.path("cluster.toml"), "package = \"demo\"\n").unwrap();
    // It is about no image.
    insta::assert_snapshot!(desk.run(&run), @r"
    [exit 1]
    write image: etc/image-hosts.conf: not granted: this hook is about no image
    ---
    error: api-post-image.wasm failed: etc/image-hosts.conf in the image is not for this hook: it was not given that directory
    ");
}

#[test]
fn a_hook_is_no_plugin_and_a_plugin_no_hook() {
    let desk = Fixture::new();
    desk.copy_example();
    desk.copy_opkg();
    fs::copy(source_path("plugins/prebuilt/debian.wasm"), desk.path("debian.wasm")).unwrap();
    let runs = [
        desk.run(&["--plugin", "api-post-image.wasm", "--dist", "rhel", "opkg"]),
        desk.run(&["plugin", "install", "api-post-image.wasm"]),
        desk.run(&["hook", "run", "debian.wasm", "--pretend", "cluster.toml"]),
    ];
    insta::assert_snapshot!(runs.join("\n"), @r"
    [exit 2]
    ---
    error: the plugin api-post-image.wasm is a hook, where a distribution plugin is meant
      help: a hook belongs into `scripts/` of its OPKG, and `opkgc hook run` tries it; a runner of hooks is installed, and `opkgc hook run --program` tries it

    [exit 1]
    ---
    error: the plugin api-post-image.wasm is a hook itself: it takes no files of packages, as a hook runner does
      help: put it into `scripts/` of its OPKG; `opkgc hook run` tries it

    [exit 1]
    ---
    error: the plugin debian.wasm is a distribution plugin, where a hook is meant
      help: plugins of distributions belong to `opkgc --plugin`; `opkgc hook build DIR` makes a hook of a crate
    ");
}

#[test]
fn a_new_hook_is_a_crate() {
    let desk = Fixture::new();
    let sdk = source_path("plugins/sdk").canonicalize().unwrap();
    let sdk = sdk.to_str().unwrap();
    let made = desk.run(&["hook", "new", "my-hook", "--sdk", sdk]);
    assert!(made.starts_with("[exit 0]\nmy-hook\n"), "{made}");
    let manifest = fs::read_to_string(desk.path("my-hook/Cargo.toml")).unwrap();
    assert!(manifest.contains(&format!("path = \"{sdk}\"")), "{manifest}");
    for file in ["Cargo.toml", "src/lib.rs", "cluster.toml"] {
        let text = fs::read_to_string(desk.path("my-hook").join(file)).unwrap();
        assert!(text.contains("my-hook") && !text.contains('@'), "{file}: {text}");
    }
    assert!(fs::read_to_string(desk.path("my-hook/src/lib.rs")).unwrap().lines().count() <= 20);
    let again = desk.run(&["hook", "new", "my-hook", "--sdk", sdk]);
    insta::assert_snapshot!(again, @r"
    [exit 2]
    ---
    error: my-hook is there already
      help: name another directory
    ");
    insta::assert_snapshot!(desk.run(&["hook", "new", "../x", "--sdk", sdk]), @r"
    [exit 2]
    ---
    error: `../x` is no name for a crate
      help: use a-z, 0-9 and `-`, a letter first and no `-` at the end
    ");
    let nowhere = desk.run(&["hook", "new", "x", "--sdk", "nowhere"]);
    assert!(nowhere.contains("nowhere is not the directory of the crate"), "{nowhere}");
    insta::assert_snapshot!(desk.run(&["hook", "new", "x"]), @r"
    [exit 2]
    ---
    error: the crate `opkg-sdk` is not installed with this program
      help: `opkgc plugin sdk DIR` writes it: name DIR/opkg-sdk with --sdk
    ");
    assert_eq!(fs::read_dir(desk.0.path()).unwrap().count(), 1, "nothing else is left");
}

/// A component that imports these and is a hook, by its names.
fn build_component(imports: &[&str]) -> Vec<u8> {
    let imports: String =
        imports.iter().map(|it| format!("(import \"opkg:plugin/{it}@0.1.0\" (instance))")).collect();
    let text = format!(
        "(component {imports} (instance $nothing) (export \"opkg:plugin/hook@0.1.0\" (instance $nothing)))"
    );
    wat::parse_str(text).unwrap()
}

#[test]
fn a_component_is_held_against_its_opkg() {
    let desk = Fixture::new();
    let opkg = desk.copy_opkg();
    let check = |name: &str, contents: &[u8]| {
        let path = opkg.join("scripts").join(name);
        fs::write(&path, contents).unwrap();
        let said = desk.run(&["check", "opkg"]);
        fs::remove_file(path).unwrap();
        said
    };
    let asks = build_component(&["log", "config-values", "files", "process"]);
    let undeclared = check("api-post-image.wasm", &asks);
    fs::write(opkg.join("scripts/api-post-image.programs"), "# why\n/usr/bin/systemctl\n").unwrap();
    assert!(check("api-post-image.wasm", &asks).starts_with("[exit 0]"));
    fs::write(opkg.join("scripts/api-post-image.programs"), "../x\n").unwrap();
    let wrong = check("api-post-image.wasm", &asks);
    fs::remove_file(opkg.join("scripts/api-post-image.programs")).unwrap();
    fs::remove_file(opkg.join("configurator.html")).unwrap();
    let formless = check("server-post-install.wasm", &build_component(&["config-values"]));
    let early = check("client-pre-install.wasm", &build_component(&[]));
    let script = check("api-post-deploy.wasm", b"#!/bin/sh\n");
    let stranger = check("api-post-deploy.wasm", &build_component(&["opkg"]));
    let newer = String::from_utf8(build_component(&[])).unwrap().replace("hook@0.1.0", "hook@0.9.0");
    let newer = check("api-post-deploy.wasm", newer.as_bytes());
    let misspelt = check("api-post-imgae.wasm", &build_component(&[]));
    fs::write(opkg.join("scripts/api-post-deploy"), "#!/bin/sh\n").unwrap();
    let twice = check("api-post-deploy.wasm", &build_component(&[]));
    let said = [undeclared, wrong, formless, early, script, stranger, newer, misspelt, twice];
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn components_are_packaged_without_scriptlets() {
    let desk = Fixture::new();
    let opkg = desk.copy_opkg();
    for name in ["api-post-image.wasm", "server-post-install.wasm", "client-post-uninstall.wasm"] {
        fs::write(opkg.join("scripts").join(name), build_component(&["process"])).unwrap();
        let list = opkg.join("scripts").join(name).with_extension("programs");
        fs::write(list, "/usr/bin/id\n").unwrap();
    }
    let built = desk.run(&["--dist", "rhel-9", "--source", "opkg", "-o", "output"]);
    assert!(built.starts_with("[exit 0]"), "{built}");
    let spec = fs::read_dir(desk.path("output/rhel-9/SPECS")).unwrap().next().unwrap().unwrap();
    let spec = fs::read_to_string(spec.path()).unwrap();
    let lines: Vec<&str> =
        spec.lines().filter(|it| it.contains(".wasm") || it.contains(".programs")).collect();
    insta::assert_snapshot!(lines.join("\n"));
    assert!(!spec.contains("%post"), "no scriptlet runs a component");
}
