//! The packages of a site, from `examples/site`: built for every distribution, and installed, upgraded, downgraded and removed on
//! systems that run, with their services at work.

use std::path::{Path, PathBuf};
use std::process::Command;

use opkg_tests::opkgc::{self, OpkgcEnvironment};
use opkg_tests::process::ProcessOutput;
use opkg_tests::roots::systemd::RunningSystem;
use opkg_tests::{file_tree, inspect, process, scratch, tools};

/// In the order in which they can be installed.
const EXAMPLES: [Example; 6] = [
    Example { name: "cluster-key", inside: "", configuration: None },
    Example { name: "node-metrics", inside: "opkg", configuration: Some("/etc/node-metrics.conf") },
    Example { name: "batch", inside: "", configuration: Some("/etc/batch-controller.conf") },
    Example { name: "site-modules", inside: "", configuration: Some("/etc/profile.d/site-modules.sh") },
    Example { name: "site-mounts", inside: "", configuration: None },
    Example { name: "site-etc", inside: "", configuration: Some("/etc/sysctl.d/90-site.conf") },
];

const RPM_TARGETS: [&str; 5] = ["rhel", "fedora", "suse", "mandriva", "ydl"];
const DEBIAN_TARGETS: [&str; 2] = ["debian", "ubuntu"];

/// An OPKG of the site.
struct Example {
    name: &'static str,
    /// Where the OPKG is in its directory.
    inside: &'static str,
    /// A file that an administrator changes.
    configuration: Option<&'static str>,
}

/// Both versions of an example, each a directory.
struct Versions {
    example: &'static Example,
    older: PathBuf,
    newer: PathBuf,
}

impl Example {
    /// Copies of the example as it is, and as it was a version earlier, with another comment in its configuration. What it holds
    /// is linked with these flags.
    fn prepare(&'static self, linker_flags: &str) -> Versions {
        let copies = ["older", "newer"].map(|what| {
            let copy = scratch::create_directory(what).join(self.name);
            let source = opkgc::workspace().join("examples/site").join(self.name);
            process::run_successfully(Command::new("cp").arg("-a").arg(source).arg(&copy));
            if copy.join("Makefile").exists() {
                let flags = format!("LDFLAGS={linker_flags}");
                process::run_successfully(Command::new("make").arg("-C").arg(&copy).arg(flags));
            }
            copy.join(self.inside)
        });
        let [older, newer] = copies;
        let config = older.join("config.xml");
        let text = fs_err::read_to_string(&config).unwrap();
        let (before, rest) = text.split_once("    <versionEntry").unwrap();
        let (_, after) = rest.split_once("</versionEntry>\n").unwrap();
        fs_err::write(config, format!("{before}{after}")).unwrap();
        if let Some(path) = self.configuration {
            let side = ["client", "server"].map(|part| older.join("files").join(part).join(&path[1..]));
            let file = side.iter().find(|file| file.exists()).unwrap();
            let text = fs_err::read_to_string(file).unwrap();
            fs_err::write(file, format!("# Of an earlier version.\n{text}")).unwrap();
        }
        Versions { example: self, older, newer }
    }
}

/// A package manager on a system that runs.
enum Manager {
    Rpm,
    Dpkg,
}

impl Manager {
    fn install(&self, system: &RunningSystem, packages: &[PathBuf]) {
        let mut arguments: Vec<String> = match self {
            Self::Rpm => &["rpm", "-U", "--nodeps", "--oldpackage"][..],
            Self::Dpkg => &["dpkg", "--force-depends", "--force-confold", "-i"],
        }
        .iter()
        .map(ToString::to_string)
        .collect();
        for package in packages {
            let inside = format!("/srv/{}", package.file_name().unwrap().to_string_lossy());
            fs_err::create_dir_all(system.root().resolve("/srv")).unwrap();
            fs_err::copy(package, system.root().resolve(&inside)).unwrap();
            arguments.push(inside);
        }
        assert_clean(&system.run(&arguments));
    }

    fn remove(&self, system: &RunningSystem, names: &[String]) {
        let words: &[&str] = match self {
            Self::Rpm => &["rpm", "-e", "--nodeps"],
            Self::Dpkg => &["dpkg", "--force-depends", "--remove"],
        };
        assert_clean(&system.run(words.iter().copied().chain(names.iter().map(String::as_str))));
    }

    /// What a removal leaves is removed as well.
    fn purge(&self, system: &RunningSystem, names: &[String]) {
        if let Self::Dpkg = self {
            let words = ["dpkg", "--force-depends", "--purge"];
            assert_clean(&system.run(words.into_iter().chain(names.iter().map(String::as_str))));
        }
    }

    /// The package that a file belongs to.
    fn owner(&self, system: &RunningSystem, path: &str) -> String {
        match self {
            Self::Rpm => system.run_successfully(["rpm", "-qf", "--qf", "%{NAME}", path]),
            Self::Dpkg => {
                let found = system.run_successfully(["dpkg", "-S", path]);
                found.split_once(':').map(|(name, _)| name.to_owned()).unwrap_or(found)
            }
        }
    }

    /// Behind the name of a configuration file that somebody changed: what came with the package, and what was there when the
    /// package went, where that is put aside.
    fn suffixes(&self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Rpm => (".rpmnew", Some(".rpmsave")),
            Self::Dpkg => (".dpkg-dist", None),
        }
    }
}

/// It succeeded, and no script complained.
fn assert_clean(ended: &ProcessOutput) {
    let said = ended.combined_output();
    assert_eq!(ended.code, Some(0), "{said}");
    for word in ["warning: user", "warning: group", "scriptlet failed", "Failed to", "not found", "error"] {
        assert!(!said.contains(word), "{word}: {said}");
    }
}

/// What an OPKG lays into the root: paths, and the packages that they belong to.
fn laid_files(directory: &Path, name: &str) -> Vec<(String, String)> {
    let mut laid = Vec::new();
    for (path, _) in file_tree::read_tree(&directory.join("files")) {
        let (side, inside) = path.split_once('/').unwrap_or((&path, ""));
        let part = side.split('@').next().unwrap_or(side);
        // Of what packages own and do not bring, dpkg knows nothing.
        if inside.ends_with(".gitignore") || inside.ends_with("cluster-key/key") {
            continue;
        }
        laid.push((format!("/{inside}"), format!("opkg-{name}-{part}")));
    }
    laid
}

/// Both versions of all examples for a target, in one call for each version.
fn build(versions: &[Versions], target: &str) -> [Vec<Vec<PathBuf>>; 2] {
    [true, false].map(|is_older| {
        let output = scratch::create_directory("output");
        let mut arguments =
            vec!["--dist".into(), target.into(), "-o".into(), output.clone().into_os_string()];
        let directory = |it: &Versions| if is_older { &it.older } else { &it.newer }.clone();
        arguments.extend(versions.iter().map(|it| directory(it).into_os_string()));
        OpkgcEnvironment::new().run_successfully(arguments);
        let built: Vec<PathBuf> = inspect::packages_of_opkgs(&output.join(target));
        let of = |it: &Versions| {
            let prefix = format!("opkg-{}", it.example.name);
            let is_own = |file: &&PathBuf| {
                let name = file.file_name().unwrap().to_string_lossy();
                let rest = name.strip_prefix(&prefix).unwrap_or(" ");
                ["-server", "-client"].iter().any(|part| rest.starts_with(part))
                    || rest.starts_with('_')
                    || rest.strip_prefix('-').is_some_and(|it| it.starts_with(|c: char| c.is_ascii_digit()))
            };
            built.iter().filter(is_own).cloned().collect()
        };
        versions.iter().map(of).collect()
    })
}

fn read(system: &RunningSystem, path: &str) -> String {
    fs_err::read_to_string(system.root().resolve(path)).unwrap()
}

/// What the service of `node-metrics` answers.
fn metrics(system: &RunningSystem) -> String {
    let script = "exec 3<>/dev/tcp/127.0.0.1/9117; echo 'GET / HTTP/1.0' >&3; cat <&3";
    for _ in 0..50 {
        let ended = system.run(["bash", "-c", script]);
        if ended.code == Some(0) {
            return ended.stdout;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let status = system.run(["systemctl", "status", "node-metrics.service"]);
    panic!("nobody answers: {}", status.combined_output())
}

fn is(system: &RunningSystem, what: &str, unit: &str) -> bool {
    system.run(["systemctl", "--quiet", what, unit]).code == Some(0)
}

/// Installs all of a target, and looks whether it does what it is there for.
fn live(system: &RunningSystem, manager: &Manager, versions: &[Versions], target: &str) {
    let [older, newer] = build(versions, target);
    let (kept_beside, saved) = manager.suffixes();
    // Old releases have no systemd: units are files like others.
    let has_units = !matches!(target, "mandriva" | "ydl");
    for packages in &older {
        manager.install(system, packages);
    }
    for it in versions {
        for (path, package) in laid_files(&it.older, it.example.name) {
            assert_eq!(manager.owner(system, &path), package, "{target}: {path}");
        }
    }
    // The key is there, and whose it should be.
    let key = system.run_successfully(["stat", "-c", "%U:%G %a %s", "/var/lib/cluster-key/key"]);
    assert_eq!(key.trim(), "cluster-key:cluster-key 400 1024", "{target}");
    let secret = fs_err::read(system.root().resolve("/var/lib/cluster-key/key")).unwrap();
    if has_units {
        for unit in ["node-metrics.service", "batch-controller.service", "home.mount", "sw.automount"] {
            assert!(is(system, "is-enabled", unit), "{target}: {unit}");
        }
        assert_eq!(system.run(["systemctl", "is-enabled", "sw.mount"]).stdout.trim(), "static", "{target}");
        assert!(!is(system, "is-active", "home.mount"), "{target}");
        if let Manager::Rpm = manager {
            // As the next boot does: no package of RPM starts anything.
            assert!(!is(system, "is-active", "node-metrics.service"));
            system.run_successfully(["systemctl", "start", "node-metrics", "batch-controller"]);
        }
        assert!(metrics(system).contains("\nnode_load1 "), "{}", metrics(system));
    }
    for path in versions.iter().filter_map(|it| it.example.configuration) {
        let changed = read(system, path).replace("prefix = node", "prefix = ours");
        fs_err::write(system.root().resolve(path), format!("{changed}# changed here\n")).unwrap();
    }
    for packages in &newer {
        manager.install(system, packages);
    }
    for it in versions {
        let Some(path) = it.example.configuration else { continue };
        assert!(read(system, path).ends_with("# changed here\n"), "{target}: {path} is kept");
        let beside = read(system, &format!("{path}{kept_beside}"));
        assert!(!beside.contains("Of an earlier version"), "{target}: {path}");
    }
    let unchanged = fs_err::read(system.root().resolve("/var/lib/cluster-key/key")).unwrap();
    assert_eq!(secret, unchanged, "{target}: the key is kept");
    if has_units {
        // It was started again, with the configuration that was changed here.
        assert!(metrics(system).contains("\nours_load1 "), "{target}: {}", metrics(system));
        run_a_job(system);
    }
    for packages in &older {
        manager.install(system, packages);
    }
    if has_units {
        assert!(metrics(system).contains("\nours_load1 "), "{target}");
    }
    let parts = |it: &Versions| {
        ["client", "server", ""]
            .map(|part| format!("opkg-{}-{part}", it.example.name).trim_end_matches('-').to_owned())
    };
    for it in versions.iter().rev() {
        manager.remove(system, &parts(it));
        if let Some(path) = it.example.configuration {
            let left = format!("{path}{}", saved.unwrap_or_default());
            assert!(read(system, &left).ends_with("# changed here\n"), "{target}: {left}");
            if saved.is_some() {
                fs_err::remove_file(system.root().resolve(&left)).unwrap();
                fs_err::remove_file(system.root().resolve(&format!("{path}{kept_beside}"))).unwrap();
            }
        }
        manager.purge(system, &parts(it));
        for (path, _) in laid_files(&it.older, it.example.name) {
            assert!(!system.root().resolve(&path).exists(), "{target}: {path} is left");
        }
    }
    assert!(!is(system, "is-active", "node-metrics.service"), "{target}: it is stopped");
    assert!(
        !system.root().resolve("/var/lib/cluster-key").exists(),
        "{target}: the key goes with its package"
    );
    let failed = system.run_successfully(["systemctl", "list-units", "--failed", "--no-legend", "--plain"]);
    assert_eq!(failed.trim(), "", "{target}");
}

/// The controller hands it to a node.
fn run_a_job(system: &RunningSystem) {
    let job = system.root().resolve("/var/spool/batch/waiting/one.job");
    fs_err::write(&job, "echo done\n").unwrap();
    for _ in 0..150 {
        if system.root().resolve("/var/spool/batch/node1/one.job").exists() {
            process::run_successfully(
                Command::new("rm").arg("-r").arg(system.root().resolve("/var/spool/batch/node1")),
            );
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("{}", system.run(["systemctl", "status", "batch-controller"]).combined_output())
}

/// For systems with another C library than that of this machine.
fn prepared() -> Option<Vec<Versions>> {
    tools::all_installed(&["make", "cc"]).then(|| EXAMPLES.iter().map(|it| it.prepare("-static")).collect())
}

/// The examples as they are; none where there is no C compiler for what one of them holds.
pub fn directories() -> Vec<PathBuf> {
    if !tools::all_installed(&["make", "cc"]) {
        return Vec::new();
    }
    EXAMPLES.iter().map(|it| it.prepare("").newer).collect()
}

#[test]
fn nothing_is_wrong_with_them() {
    let Some(versions) = prepared() else { return };
    for it in &versions {
        let checked = OpkgcEnvironment::new().check(&it.newer);
        let others: Vec<_> = checked.diagnostics.iter().filter(|found| found.severity != "note").collect();
        assert!(others.is_empty() && checked.code == Some(0), "{}: {others:#?}", it.example.name);
    }
}

#[test]
fn rpm_brings_them_to_a_system_that_runs() {
    let (Some(versions), Some(system)) = (prepared(), RunningSystem::boot()) else { return };
    for target in RPM_TARGETS {
        live(&system, &Manager::Rpm, &versions, target);
    }
}

#[test]
fn dpkg_brings_them_to_a_system_that_runs() {
    let (Some(versions), Some(system)) = (prepared(), RunningSystem::boot()) else { return };
    for target in DEBIAN_TARGETS {
        live(&system, &Manager::Dpkg, &versions, target);
    }
}
