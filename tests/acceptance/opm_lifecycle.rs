//! `opm` from the first request to the last removal, with packages that `opkgc` made and the real package managers of
//! two families, in roots of their own: a head node, an image and two clients.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fs_err as fs;
use opkg_tests::file_tree::{self, TreeEntry};
use opkg_tests::opkgc::{self, OpkgcEnvironment};
use opkg_tests::roots::{chroot, debian, rpm};
use opkg_tests::{inspect, opm, process, scratch, tools};
use serde_json::Value;

/// A root of either family.
enum PackageRoot {
    Rpm(rpm::RpmRoot),
    Debian(chroot::SystemRoot),
}

impl PackageRoot {
    fn path(&self) -> &Path {
        match self {
            Self::Rpm(root) => root.path(),
            Self::Debian(root) => root.path(),
        }
    }

    /// The OPKGs' packages that are installed: `name version`, as their own package manager says.
    fn installed(&self) -> BTreeSet<String> {
        let lines = match self {
            Self::Rpm(root) => {
                root.installed().into_iter().map(|(name, version)| format!("{name} {version}")).collect()
            }
            Self::Debian(root) => {
                let query = ["dpkg-query", "-W", "-f=${db:Status-Status} ${Package} ${Version}\n"];
                let printed = root.run_successfully(query);
                let lines = printed.lines().filter_map(|it| it.strip_prefix("installed "));
                lines.map(str::to_owned).collect::<Vec<_>>()
            }
        };
        lines.into_iter().filter(|it| it.starts_with("opkg-")).collect()
    }
}

/// A head node, an image and two clients.
struct LiveCluster {
    roots: [PackageRoot; 4],
    directory: PathBuf,
    dist: &'static str,
}

const TARGETS: [&str; 4] = ["server:head", "image:compute", "client:node1", "client:node2"];

impl LiveCluster {
    fn new(dist: &'static str, roots: [PackageRoot; 4]) -> Self {
        let site = Self { roots, directory: scratch::create_directory("site"), dist };
        let settings = site.directory.join("settings");
        fs::create_dir_all(settings.join("env.d")).unwrap();
        let toml = format!(
            "log_directory = \"{}\"\n[[repository]]\nlocation = \"{}\"\nunauthenticated = true\n",
            site.directory.join("log").display(),
            site.directory.join("packages").join(dist).display()
        );
        fs::write(settings.join("opm.toml"), toml).unwrap();
        if let PackageRoot::Rpm(head) = &site.roots[0] {
            // Where rpm keeps its database depends on the machine's configuration, which each root's home overrides.
            let home = head.path().parent().unwrap().join("home");
            fs::write(settings.join("env.d/home.conf"), format!("HOME={}\n", home.display())).unwrap();
        }
        let at = |index: usize| site.roots[index].path().to_str().unwrap();
        site.opm(["init", "--name", "head", "--root", at(0)]);
        for (index, name) in TARGETS.iter().enumerate().skip(1) {
            site.opm(["target", "add", name, "--root", at(index)]);
        }
        site
    }

    fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = opm::command();
        command.args(arguments).stdin(Stdio::null());
        command.env("OPM_DATABASE", self.directory.join("oda.db"));
        command.env("OPM_CONF", self.directory.join("opm.conf"));
        command.env("OPM_SETTINGS", self.directory.join("settings"));
        command
    }

    fn opm<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> String {
        process::run_successfully(&mut self.command(arguments))
    }

    /// Makes packages of these OPKGs, and an index of all that there are.
    fn publish(&self, opkgs: &[PathBuf]) {
        let mut arguments = vec!["--dist".into(), self.dist.into(), "--repo".into(), "--quiet".into()];
        for part in ["api=", "server=", "client="] {
            arguments.extend(["--auto-requires".into(), part.into()]);
        }
        arguments.extend(["-o".into(), self.directory.join("packages").into_os_string()]);
        arguments.extend(opkgs.iter().map(|it| it.clone().into_os_string()));
        OpkgcEnvironment::new().run_successfully(arguments);
    }

    /// The current stage of each package on each target, as `opm status` gives it.
    fn stages(&self) -> BTreeSet<String> {
        let ended = process::run(&mut self.command(["status", "--format", "json"]));
        let status: Value = serde_json::from_str(&ended.stdout).unwrap();
        let mut stages = BTreeSet::new();
        collect_stages(&status, &mut stages);
        stages
    }

    fn installed(&self) -> [BTreeSet<String>; 4] {
        [0, 1, 2, 3].map(|it| self.roots[it].installed())
    }
}

/// All values of fields called `current`.
fn collect_stages(value: &Value, stages: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str() {
                    Some(stage) if name == "current" => {
                        stages.insert(stage.to_owned());
                    }
                    _ => collect_stages(value, stages),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|it| collect_stages(it, stages)),
        _ => {}
    }
}

/// A package of this version whose scripts tell that they ran.
fn write_opkg(version: &str) -> PathBuf {
    let config = file_tree::minimal_config("life", "").replace("1.0-1", version);
    let mut items = vec![TreeEntry::file("config.xml", 0o644, config)];
    for script in [
        "api-post-install",
        "server-post-install",
        "client-post-install",
        "api-post-image",
        "api-post-deploy",
    ] {
        let text = format!("#!/bin/sh\necho \"{script} of {version}\" >> /proof\n");
        items.push(TreeEntry::file(format!("scripts/{script}"), 0o755, text));
    }
    let directory = scratch::create_directory("opkg").join("life");
    file_tree::write_tree(&directory, &items);
    directory
}

fn run_lifecycle(dist: &'static str, tag: &str, roots: [PackageRoot; 4]) {
    let site = LiveCluster::new(dist, roots);
    let examples = opkgc::workspace().join("examples");
    let others = ["hello-cluster", "node-names"].map(|it| examples.join(it));
    site.publish(&[others.as_slice(), &[write_opkg("1.0-1")]].concat());

    for root in &site.roots {
        if let PackageRoot::Rpm(root) = root {
            // The shell, and what else scripts are written for.
            root.install_stub(&inspect::package_files(&site.directory.join("packages").join(dist)));
        }
    }

    site.opm(["request", "life", "hello-cluster", "node-names"]);
    site.opm(["run"]);
    assert_eq!(site.stages(), ["run-configurator", "should_not_be_installed"].map(str::to_owned).into());
    let api = |version: &str| {
        BTreeSet::from([
            format!("opkg-hello-cluster 1.1-1{tag}"),
            format!("opkg-life {version}{tag}"),
            format!("opkg-node-names 1.0-1{tag}"),
        ])
    };
    assert_eq!(site.installed(), [api("1.0-1"), BTreeSet::new(), BTreeSet::new(), BTreeSet::new()]);

    site.opm(["phase", "set", "test_install"]);
    site.opm(["run"]);
    assert_eq!(site.stages(), BTreeSet::from(["finished".to_owned()]));
    let all = |version: &str| {
        let part = |name: &str| -> BTreeSet<String> {
            api(version).iter().map(|it| it.replacen(' ', &format!("-{name} "), 1)).collect()
        };
        let server = api(version).union(&part("server")).cloned().collect();
        [server, part("client"), part("client"), part("client")]
    };
    assert_eq!(site.installed(), all("1.0-1"));
    let read = |index: usize, path: &str| fs::read_to_string(site.roots[index].path().join(path)).unwrap();
    assert_eq!(
        read(0, "proof"),
        "api-post-install of 1.0-1\nserver-post-install of 1.0-1\napi-post-image of 1.0-1\napi-post-deploy of 1.0-1\n"
    );
    for (index, name) in TARGETS.iter().enumerate().skip(1) {
        assert_eq!(read(index, "proof"), "client-post-install of 1.0-1\n", "{name}");
    }
    assert_eq!(read(1, "etc/node-names"), "node1\nnode2\n");
    assert!(read(2, "etc/motd.d/hello-cluster").contains("compute node"));
    site.opm(["audit"]);
    let runs = site.opm(["history", "--format", "json"]);
    site.opm(["run"]);
    assert_eq!(site.opm(["history", "--format", "json"]), runs, "a run with nothing to do leaves no trace");

    site.publish(&[write_opkg("1.1-1")]);
    site.opm(["upgrade", "life"]);
    site.opm(["run"]);
    assert_eq!(site.installed(), all("1.1-1"));
    assert!(read(3, "proof").ends_with("client-post-install of 1.1-1\n"));
    assert!(read(0, "proof").contains("api-post-image of 1.1-1\n"));
    site.opm(["audit"]);

    site.opm(["remove", "life", "hello-cluster", "node-names"]);
    site.opm(["run"]);
    assert_eq!(site.stages(), BTreeSet::from(["should_not_be_installed".to_owned()]));
    assert_eq!(site.installed(), [const { BTreeSet::new() }; 4]);
    assert!(!site.roots[2].path().join("etc/motd.d/hello-cluster").exists());
}

#[test]
fn rpms_by_dnf() {
    if rpm::is_supported() {
        let root = || {
            let root = rpm::RpmRoot::new();
            fs::write(root.path().join("etc/os-release"), "ID=rocky\nID_LIKE=rhel\nVERSION_ID=9.4\n")
                .unwrap();
            PackageRoot::Rpm(root)
        };
        run_lifecycle("rhel-9", ".el9", [root(), root(), root(), root()]);
    }
}

#[test]
fn debs_by_apt() {
    let mut roots = (0..4).map(|_| debian::create().map(PackageRoot::Debian));
    if let (Some(Some(a)), Some(Some(b)), Some(Some(c)), Some(Some(d))) =
        (roots.next(), roots.next(), roots.next(), roots.next())
    {
        run_lifecycle("debian-12", "+deb12", [a, b, c, d]);
    }
}

/// The example does the same for everybody; here as a user without rights.
#[test]
fn the_example_needs_no_root() {
    if !tools::is_root() || !tools::all_installed(&["setpriv", "unshare", "apt-get"]) {
        return;
    }
    // The user reaches neither the sources nor the build from everywhere.
    let place = tempfile::Builder::new().prefix("opm-example").tempdir_in("/tmp").unwrap();
    let put = |from: &Path, to: &str| {
        process::run_successfully(Command::new("cp").arg("-R").arg(from).arg(place.path().join(to)));
    };
    put(&opkgc::workspace().join("examples"), "examples");
    put(opkgc::program(), "opkgc");
    put(opm::program(), "opm");
    process::run_successfully(Command::new("chmod").args(["-R", "a+rX"]).arg(place.path()));
    let home = place.path().join("home");
    fs::create_dir(&home).unwrap();
    std::os::unix::fs::chown(&home, Some(65534), Some(65534)).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
    command.arg(place.path().join("examples/cluster/run")).arg(home.join("site"));
    command.env("HOME", &home).env("XDG_CACHE_HOME", home.join("cache"));
    command.env("OPKGC", place.path().join("opkgc")).env("OPM", place.path().join("opm"));
    let ended = process::run(&mut command);
    assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
    let finished = "hello-cluster  + finished   + finished     + finished";
    let absent = "hello-cluster  - absent     - absent       - absent";
    assert!(ended.stdout.contains(finished) && ended.stdout.contains(absent), "{}", ended.combined_output());
    assert!(ended.stdout.contains("hello-cluster  third-party  1.2-1"), "{}", ended.combined_output());
    assert!(
        ended.stdout.ends_with("Nothing is left of them on any target.\n"),
        "{}",
        ended.combined_output()
    );
}
