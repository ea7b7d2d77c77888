//! What a site sets for all runs, what is written beside the packages of OPKGs, and what is said before something is lost.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use fs_err as fs;
use serde_json::Value;
use tempfile::TempDir;

struct Fixture(TempDir);

impl Fixture {
    fn new() -> Self {
        let sandbox = Self(tempfile::tempdir().unwrap());
        fs::create_dir(sandbox.path().join("home")).unwrap();
        sandbox.write_opkg("demo", "");
        sandbox
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write_opkg(&self, name: &str, extra: &str) {
        let config = format!(
            "<oscar>\n  <name>{name}</name>\n  <class>core</class>\n  <summary>Demo</summary>\n  \
             <license>GPL</license>\n  <group>Applications/System</group>\n  <authors>\n    \
             <author cat=\"maintainer\"><name>Ada</name><email>ada@example.org</email></author>\n  \
             </authors>\n{extra}  <changelog>\n    <versionEntry version=\"1.0-1\">\n      \
             <changelogEntry authorName=\"Ada\" date=\"2024-01-02T03:04:05Z\"><item>First.</item>\
             </changelogEntry>\n    </versionEntry>\n  </changelog>\n</oscar>\n"
        );
        fs::create_dir_all(self.path().join(name)).unwrap();
        fs::write(self.path().join(name).join("config.xml"), config).unwrap();
    }

    /// The settings of the user.
    fn write_settings(&self, text: &str) -> PathBuf {
        let file = self.path().join("home/.config/opkg/opkgc.toml");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        file
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_opkgc"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path().join("home"))
            .env("TMPDIR", self.path().join("home"))
            .stdin(Stdio::null());
        command.output().unwrap()
    }

    /// Exit status and both streams, with the place of the sandbox left out.
    fn transcript(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text =
            |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(self.path().to_str().unwrap(), "SANDBOX");
        format!(
            "$ opkgc {}\n[exit {}]\n--- stdout\n{}--- stderr\n{}",
            arguments.join(" "),
            output.status.code().unwrap(),
            text(&output.stdout),
            text(&output.stderr)
        )
    }

    fn succeeds(&self, arguments: &[&str]) -> Output {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// Names of files below the output directory that hold this.
    fn written(&self, directory: &str, part: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path().join(directory)) else { return Vec::new() };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.contains(part)).collect();
        names.sort();
        names
    }
}

#[test]
fn settings_are_laid_over_each_other_and_the_command_line_over_all() {
    let sandbox = Fixture::new();
    sandbox
        .write_settings("release_tag = 'site'\ntargets = ['rhel-9', 'debian-12']\nvendor = 'The \"Site\"'\n");
    fs::write(
        sandbox.path().join("more.toml"),
        "[auto_requires]\nclient = []\n[sign]\nkey = '/etc/opkg/a.key'\n",
    )
    .unwrap();
    fs::set_permissions(sandbox.path().join("more.toml"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let shown = [
        sandbox.transcript(&["settings"]),
        sandbox.transcript(&["settings", "--settings", "more.toml"]),
        sandbox.transcript(&["settings", "--format", "json", "--settings", "more.toml"]),
    ];
    insta::assert_snapshot!(shown.join("\n"));

    sandbox.succeeds(&["demo"]);
    assert_eq!(
        sandbox.written("output/rhel-9", "opkg-demo-client"),
        ["opkg-demo-client-1.0-1.site.noarch.rpm"]
    );
    assert_eq!(
        sandbox.written("output/debian-12", "opkg-demo-client"),
        ["opkg-demo-client_1.0-1+site_all.deb"]
    );
    sandbox.succeeds(&["-o", "other", "--dist", "debian-13", "--release-tag", "none", "demo"]);
    assert_eq!(sandbox.written("other", ""), ["debian-13"]);
    assert_eq!(sandbox.written("other/debian-13", "opkg-demo-client"), ["opkg-demo-client_1.0-1_all.deb"]);
}

#[test]
fn mistakes_in_settings_name_file_and_line() {
    let sandbox = Fixture::new();
    let mut shown = Vec::new();
    for text in
        ["\nrelaese_tag = 'x'\n", "targets = ['rhel-9', 'debain']\n", "[auto_requires]\napi = ['a>1']\n"]
    {
        sandbox.write_settings(text);
        shown.push(sandbox.transcript(&["demo"]));
    }
    let file = sandbox.write_settings("profile = 'oscar'\n");
    fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    shown.push(sandbox.transcript(&["--dist", "rhel", "demo"]));
    fs::remove_file(&file).unwrap();
    shown.push(sandbox.transcript(&["--dist", "rhel", "--settings", "missing.toml", "demo"]));
    shown.push(sandbox.transcript(&["demo"]));
    insta::assert_snapshot!(shown.join("\n"));
    assert!(!sandbox.path().join("output").exists());
}

#[test]
fn a_mistake_in_automatic_relations_is_one_of_the_command_line() {
    let sandbox = Fixture::new();
    for value in ["", "api", "image=a1", "api=a", "api=Foo(Bar)", "api=a1>=2", "api=a1 api=b1", "api=/bin/sh"]
    {
        let output = sandbox.run(&["--dist", "rhel,debian", "--auto-requires", value, "demo"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{value}: {said}");
        assert!(said.contains("--auto-requires") && !said.contains("config.xml"), "{value}: {said}");
    }
    assert!(!sandbox.path().join("output").exists());
    sandbox.succeeds(&[
        "--dist",
        "debian",
        "--auto-requires",
        "api=site-data,server=,client=site-client",
        "demo",
    ]);
    let control =
        fs::read_to_string(sandbox.path().join("output/debian/opkg-demo-1.0/debian/control")).unwrap();
    let depends: Vec<&str> = control.lines().filter(|line| line.starts_with("Depends:")).collect();
    assert_eq!(
        depends,
        ["Depends: site-data", "Depends: opkg-demo (= ${source:Version})", "Depends: site-client"]
    );
}

#[test]
fn the_shared_directories_have_a_package_whoever_builds_the_others() {
    let sandbox = Fixture::new();
    sandbox.write_opkg("other", "");
    let rpm = "opkg-filesystem-0.1.0-1.el9.noarch.rpm";
    let deb = "opkg-filesystem_0.1.0-1+deb12_all.deb";
    let both = ["--dist", "rhel-9,debian-12"];
    let run = |output: &str, arguments: &[&str]| {
        let said = sandbox.succeeds(&[&both[..], &["-o", output], arguments].concat());
        let printed = String::from_utf8(said.stdout).unwrap();
        assert_eq!(printed.matches("opkg-filesystem").count(), 2, "{printed}");
        [("rhel-9", rpm), ("debian-12", deb)]
            .map(|(target, name)| fs::read(sandbox.path().join(output).join(target).join(name)).unwrap())
    };
    let first = run("first", &["demo"]);
    assert_eq!(first, run("both", &["--repo", "other", "demo"]), "the same beside any OPKG");
    assert_eq!(first, run("source", &["--source", "other"]), "where nothing else is built");
    assert_eq!(sandbox.written("source/rhel-9", ".noarch.rpm"), [rpm]);
    let packages = fs::read_to_string(sandbox.path().join("both/debian-12/Packages")).unwrap();
    assert!(packages.contains("Package: opkg-filesystem\n"), "{packages}");
    let json = sandbox.succeeds(&["--format", "json", "--dist", "rhel-9", "-o", "json", "demo"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((json[1]["name"].as_str(), json[1]["status"].as_str()), (Some("filesystem"), Some("built")));
    assert_eq!(json[1]["files"][0]["role"].as_str(), Some("package"));
}

#[test]
fn where_something_else_is_required_it_is_not_made() {
    let sandbox = Fixture::new();
    let nothing = ["--auto-requires", "api=", "--auto-requires", "server=", "--auto-requires", "client="];
    for (number, options) in
        [&["--profile", "oscar"][..], &nothing, &["--auto-requires", "api=site-data server= client="]]
            .iter()
            .enumerate()
    {
        let output = number.to_string();
        sandbox.succeeds(&[&["--dist", "rhel-9,debian-12", "-o", &output], *options, &["demo"]].concat());
        for target in ["rhel-9", "debian-12"] {
            assert!(sandbox.written(&format!("{output}/{target}"), "filesystem").is_empty(), "{options:?}");
        }
    }
    let control =
        fs::read_to_string(sandbox.path().join("0/debian-12/opkg-demo-1.0/debian/control")).unwrap();
    assert!(control.contains("\nDepends: oscar-data\n") && control.contains("\nDepends: liboscar-client\n"));
    let control =
        fs::read_to_string(sandbox.path().join("1/debian-12/opkg-demo-1.0/debian/control")).unwrap();
    assert!(!control.contains("filesystem") && !control.contains("oscar-data"), "{control}");
    // One part is enough.
    sandbox.succeeds(&["--dist", "rhel-9", "-o", "one", "--auto-requires", "api= server=", "demo"]);
    assert_eq!(sandbox.written("one/rhel-9", "filesystem").len(), 1);
}

#[test]
fn its_name_is_reserved() {
    let sandbox = Fixture::new();
    sandbox.write_opkg("filesystem", "");
    let said = sandbox.transcript(&["check", "filesystem"]);
    assert!(said.contains("[exit 1]") && said.contains("choose another one"), "{said}");
    assert!(!sandbox.run(&["new", "filesystem", "-o", "new"]).status.success());
}

#[test]
fn what_new_writes_is_built_as_it_is() {
    let sandbox = Fixture::new();
    sandbox.succeeds(&["new", "fresh"]);
    let said = sandbox.transcript(&["check", "--deny", "warnings", "fresh"]);
    assert!(said.contains("[exit 0]"), "{said}");
    sandbox.succeeds(&["--dist", "rhel,fedora,suse,mageia,debian,ubuntu", "--deny", "warnings", "fresh"]);
    assert_eq!(sandbox.written("output/ubuntu", "opkg-fresh_").len(), 6);
}

#[test]
fn a_signature_is_not_taken_away_unasked() {
    let sandbox = Fixture::new();
    for (target, seal) in
        [("debian-12", "InRelease"), ("debian-13", "Release.gpg"), ("rhel-9", "repodata/repomd.xml.asc")]
    {
        let build = ["--dist", target, "--repo", "demo"];
        sandbox.succeeds(&build);
        let seal = sandbox.path().join("output").join(target).join(seal);
        fs::write(&seal, "of somebody").unwrap();
        let refused = sandbox.run(&build);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains(target) && said.contains("--no-sign") && seal.exists(), "{said}");
        let done = sandbox.succeeds(&[&["--no-sign"], &build[..]].concat());
        assert!(String::from_utf8_lossy(&done.stderr).contains("no longer signed"));
        assert!(!seal.exists());
    }
}

#[test]
fn an_index_that_becomes_stale_is_told() {
    let sandbox = Fixture::new();
    let said = |options: &[&str]| {
        let done = sandbox.succeeds(&[&["--dist", "rhel-9"], options, &["demo"]].concat());
        String::from_utf8(done.stderr).unwrap()
    };
    assert!(!said(&[]).contains("warning"));
    assert!(!said(&["--repo"]).contains("warning"));
    assert!(said(&[]).contains("--repo writes it anew"));
}

#[test]
fn nothing_made_is_no_success() {
    let sandbox = Fixture::new();
    sandbox.write_opkg("elsewhere", "  <filters><dist>suse</dist></filters>\n");
    sandbox.write_opkg("old", "  <filters><dist rel=\"&lt;\" version=\"5\">rhel</dist></filters>\n");
    let transcripts = [
        sandbox.transcript(&["-j1", "--dist", "rhel-9,debian-12", "elsewhere"]),
        sandbox.transcript(&["-j1", "-q", "--dist", "rhel-9,debian-12", "elsewhere", "demo"]),
        sandbox.transcript(&["-j1", "--dist", "rhel", "old"]),
    ];
    insta::assert_snapshot!(transcripts.join("\n"));
    let some = sandbox.run(&["--dist", "rhel-9", "elsewhere", "demo"]);
    assert!(String::from_utf8_lossy(&some.stderr).contains("nothing was made of elsewhere"));
}

#[test]
fn a_native_build_says_that_it_describes_no_upload() {
    let sandbox = Fixture::new();
    if Command::new("dpkg-buildpackage").arg("--version").output().is_err() {
        assert!(std::env::var_os("OPKG_REQUIRE_TOOLS").is_none(), "dpkg-buildpackage is not installed");
        eprintln!("skipped: dpkg-buildpackage is not installed");
        return;
    }
    let built = sandbox.succeeds(&["--dist", "debian-12", "--builder", "native", "demo"]);
    let said = String::from_utf8_lossy(&built.stderr).into_owned();
    assert!(said.contains("leaves out `.changes`"), "{said}");
    assert_eq!(
        sandbox.written("output/debian-12", "_all.deb"),
        [
            "opkg-demo-client_1.0-1+deb12_all.deb",
            "opkg-demo-server_1.0-1+deb12_all.deb",
            "opkg-demo_1.0-1+deb12_all.deb",
            "opkg-filesystem_0.1.0-1+deb12_all.deb",
        ]
    );
}

/// Documents are the same whoever asks for them, and `verify` needs nothing but them.
#[test]
fn packages_are_held_against_what_was_written_about_them() {
    let sandbox = Fixture::new();
    let build = |output: &str| {
        let arguments = ["--sbom", "--provenance", "-q", "--dist", "rhel-9", "-o", output, "demo"];
        assert!(sandbox.run(&arguments).status.success());
        let directory = sandbox.path().join(output).join("rhel-9");
        let files = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
        let mut documents: Vec<PathBuf> =
            files.filter(|path| path.extension().is_some_and(|it| it == "json")).collect();
        documents.sort();
        documents
    };
    let (documents, again) = (build("out"), build("again"));
    assert_eq!(documents.len(), 4 * 3, "of api, server, client, and the shared directories");
    for (one, other) in documents.iter().zip(&again) {
        assert_eq!(fs::read(one).unwrap(), fs::read(other).unwrap(), "{}", one.display());
    }
    let package = "out/rhel-9/opkg-demo-1.0-1.el9.noarch.rpm";
    let mut told = vec![
        sandbox.transcript(&["verify", package]),
        sandbox.transcript(&["verify", "--opkg", "demo", package]),
        sandbox.transcript(&["verify", "--format", "json", package]),
        sandbox.transcript(&["verify", "out/rhel-9/nothing.rpm"]),
        sandbox.transcript(&["verify", "--key", "demo/config.xml", package]),
        sandbox.transcript(&["--source", "--sbom", "--dist", "rhel-9", "demo"]),
        sandbox.transcript(&["--sbom=spdx,dx", "--dist", "rhel-9", "demo"]),
    ];
    sandbox.write_opkg("demo", "  <uri>https://example.org/</uri>\n");
    told.push(sandbox.transcript(&["verify", "--opkg", "demo", package]));
    let statement = sandbox.path().join(format!("{package}.intoto.json"));
    fs::write(&statement, fs::read_to_string(&statement).unwrap().replace("rhel-9", "rhel-8")).unwrap();
    told.push(sandbox.transcript(&["verify", package]));
    for document in documents.iter().filter(|path| path.to_string_lossy().contains("opkg-demo-1")) {
        fs::remove_file(document).unwrap();
    }
    told.push(sandbox.transcript(&["verify", package]));
    insta::assert_snapshot!(told.join("\n"));
}
