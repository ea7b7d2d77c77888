//! What package sources offer: packages that nobody has made known, and versions that are not the newest.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use fs_err as fs;
use opkg_tests::file_tree::{self, TreeEntry};
use opkg_tests::http::HttpServer;
use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::process::ProcessOutput;
use opkg_tests::roots::{debian, rpm};
use opkg_tests::{opm, process, scratch, tools};

use crate::cluster_fixture::{self, ClusterFixture, write_executable};

/// A head node whose packages come from another machine.
struct RemoteSite {
    directory: PathBuf,
    dist: &'static str,
}

impl RemoteSite {
    /// With this root; the package source has whatever is published later.
    fn new(dist: &'static str, root: &std::path::Path, home: Option<PathBuf>) -> Self {
        let site = Self { directory: scratch::create_directory("site"), dist };
        fs::create_dir_all(site.directory.join("settings/env.d")).unwrap();
        fs::create_dir_all(site.directory.join("packages")).unwrap();
        if let Some(home) = home {
            let text = format!("HOME={}\n", home.display());
            fs::write(site.directory.join("settings/env.d/home.conf"), text).unwrap();
        }
        let server = HttpServer::of_directory(site.directory.join("packages"));
        site.use_source(&format!("{}/{dist}", server.address()));
        site.opm_succeeds(&["init", "--name", "head", "--root", root.to_str().unwrap()]);
        site
    }

    fn use_source(&self, location: &str) {
        let log = self.directory.join("log");
        let toml = format!(
            "log_directory = \"{}\"\n[[repository]]\nlocation = \"{location}\"\nunauthenticated = true\n",
            log.display()
        );
        fs::write(self.directory.join("settings/opm.toml"), toml).unwrap();
    }

    fn publish(&self, name: &str, version: &str) {
        let config = file_tree::minimal_config(name, "").replace("1.0-1", version);
        let directory = scratch::create_directory("opkg").join(name);
        file_tree::write_tree(&directory, &[TreeEntry::file("config.xml", 0o644, config)]);
        let output = self.directory.join("packages").into_os_string();
        OpkgcEnvironment::new().run_successfully([
            "--dist".into(),
            self.dist.into(),
            "--repo".into(),
            "-o".into(),
            output,
            directory.into_os_string(),
        ]);
    }

    fn opm(&self, arguments: &[&str]) -> ProcessOutput {
        let mut command = opm::command();
        command.args(arguments).stdin(Stdio::null());
        command.env("OPM_DATABASE", self.directory.join("oda.db"));
        command.env("OPM_CONF", self.directory.join("opm.conf"));
        command.env("OPM_SETTINGS", self.directory.join("settings"));
        process::run(&mut command)
    }

    fn opm_succeeds(&self, arguments: &[&str]) -> String {
        let ended = self.opm(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.combined_output());
        ended.combined_output()
    }

    /// A source that has the package makes it known, whichever part of it; a name that nobody has stays refused.
    fn names_become_known(&self) {
        self.publish("demo", "1.0-1");
        let refused = self.opm(&["request", "demoo"]);
        assert_eq!(refused.code, Some(2), "{}", refused.combined_output());
        assert!(refused.stderr.contains("no package is called demoo"), "{}", refused.stderr);
        assert!(!refused.stderr.contains("it is not known what"), "it was told: {}", refused.stderr);
        let said = self.opm_succeeds(&["request", "demo"]);
        assert!(said.contains("demo was not known so far, and is now"), "{said}");
        let refused = self.opm(&["request", "demoo"]);
        assert!(refused.stderr.contains("did you mean `demo`?"), "{}", refused.stderr);
    }
}

#[test]
fn a_name_that_a_remote_source_of_debs_has_is_known() {
    if !tools::all_installed(&["dpkg-deb"]) {
        return;
    }
    let Some(root) = debian::create() else { return };
    let site = RemoteSite::new("debian-12", root.path(), None);
    site.names_become_known();
    assert!(!root.resolve("/etc/apt/sources.list.d/opkg-sources.sources").exists(), "nothing is left of it");

    // What was chosen is installed, whatever is there: the newest one, an older one, the newest one again.
    let states = || {
        let listed = root.run_successfully(["dpkg-query", "-W", "-f", "${Package} ${Version}\n"]);
        listed.lines().filter(|line| line.starts_with("opkg-demo")).map(str::to_owned).collect::<Vec<_>>()
    };
    let both = |version: &str| {
        vec![format!("opkg-demo {version}+deb12"), format!("opkg-demo-server {version}+deb12")]
    };
    site.opm_succeeds(&["phase", "set", "test_install"]);
    site.publish("demo", "1.1-1");
    site.opm_succeeds(&["run", "--quiet"]);
    assert_eq!(states(), both("1.1-1"));
    site.opm_succeeds(&["upgrade", "demo", "--to", "1.0-1"]);
    site.opm_succeeds(&["run", "--quiet"]);
    assert_eq!(states(), both("1.0-1"));
    site.opm_succeeds(&["upgrade", "demo", "--to", "0.9-1"]);
    let failed = site.opm(&["run"]);
    let reason = "no package source has 0.9-1 of demo; there are 1.1-1+deb12, 1.0-1+deb12";
    assert!(failed.combined_output().contains(reason), "{}", failed.combined_output());
    assert_eq!(states(), both("1.0-1"));
    site.opm_succeeds(&["upgrade", "demo"]);
    site.opm_succeeds(&["run", "--quiet", "--retry"]);
    assert_eq!(states(), both("1.1-1"));
}

#[test]
fn a_name_that_a_remote_source_of_rpms_has_is_known() {
    if !rpm::is_supported() {
        return;
    }
    let root = rpm::RpmRoot::new();
    fs::write(root.path().join("etc/os-release"), "ID=rocky\nID_LIKE=rhel\nVERSION_ID=9.4\n").unwrap();
    let home = root.path().parent().unwrap().join("home");
    RemoteSite::new("rhel-9", root.path(), Some(home)).names_become_known();
}

/// Who waits for an answer does not wait for long, and is told.
#[test]
fn a_source_that_does_not_answer_only_leaves_the_name_unknown() {
    if !tools::all_installed(&["dpkg-deb"]) {
        return;
    }
    let Some(root) = debian::create() else { return };
    let site = RemoteSite::new("debian-12", root.path(), None);
    let server = HttpServer::silent();
    site.use_source(&server.address());
    let refused = site.opm(&["request", "demo"]);
    assert_eq!(refused.code, Some(2), "{}", refused.combined_output());
    let note =
        "note: it is not known what the package sources of server:head have: apt-get timed out after 10 s";
    assert!(refused.stderr.contains(note), "{}", refused.stderr);
    assert!(refused.stderr.contains("no package is called demo"), "{}", refused.stderr);
    assert!(server.connections() > 0);
    site.opm_succeeds(&["request", "--new", "demo"]);
}

/// No package manager is started where everything is known, or taken as it is.
#[test]
fn nobody_is_asked_about_what_is_known() {
    if !cluster_fixture::is_supported() {
        return;
    }
    let site = ClusterFixture::new();
    let asked = |root: &str| fs::read_to_string(site.0.join(root).join("asked")).unwrap_or_default();
    let script = "#!/bin/sh\necho \"$*\" >> /asked\nfor name in \"$@\"; do\n  case $name in opkg-*new-client)\n    \
                  printf '%s:\\n  Installed: (none)\\n  Candidate: 1\\n  Version table:\\n     1 500\\n        500 /r \
                  Packages\\n' \"$name\" ;;\n  esac\ndone\n";
    for root in ["head", "compute", "node1"] {
        write_executable(&site.0.join(root).join("usr/bin/apt-cache"), script);
    }
    site.opm(&["request", "demo"]);
    site.opm(&["request", "--new", "whatever"]);
    assert_eq!(asked("head") + &asked("compute") + &asked("node1"), "");
    // The head node's first; who has no part in the request is not asked.
    site.opm(&["request", "brandnew", "demo", "--on", "image:compute"]);
    assert_eq!(asked("head"), "");
    assert_eq!(asked("compute"), "policy opkg-brandnew-server opkg-brandnew-client opkg-brandnew\n");
    let mut unknown: Command = site.command(&["request", "othernew", "nosuch"]);
    assert_eq!(process::run(&mut unknown).code, Some(2));
    let names = |name: &str| format!("opkg-{name}-server opkg-{name}-client opkg-{name}");
    assert_eq!(asked("head"), format!("policy {} {}\n", names("nosuch"), names("othernew")));
    assert!(asked("compute").ends_with(&format!("policy {}\n", names("nosuch"))), "only what is left");
}
