//! Packages of the programs themselves: made by the project's script, installed into systems that never saw its sources,
//! and used there as the README's quick start says, from nothing to packages that are finished.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use opkg_tests::opkgc::workspace;
use opkg_tests::roots::chroot::SystemRoot;
use opkg_tests::roots::{debian, rpm};
use opkg_tests::{process, scratch, tools};

/// All packages of the programs; nothing, saying so, where they cannot be made or would not run in a root.
fn packages() -> Option<&'static [PathBuf]> {
    static PACKAGES: OnceLock<Option<Vec<PathBuf>>> = OnceLock::new();
    let made = PACKAGES.get_or_init(|| {
        if !tools::all_installed(&["dpkg-buildpackage", "dh", "rpmbuild", "strip"]) {
            return None;
        }
        let here = fs_err::read_to_string("/etc/os-release").unwrap_or_default();
        if !here.contains("VERSION_CODENAME=bookworm") {
            tools::skip(
                "programs that are built here are for a C library that roots of Debian 12 do not have",
            );
            return None;
        }
        let output = scratch::create_directory("packages");
        let mut script = Command::new(workspace().join("scripts/packages"));
        script.env("CARGO_TARGET_DIR", scratch::target_directory());
        let listed = process::run_successfully(script.args(["--fast", "--output"]).arg(&output));
        let packages: Vec<PathBuf> = listed.lines().map(PathBuf::from).collect();
        assert_eq!(packages.len(), 4, "{listed}");
        Some(packages)
    });
    made.as_deref()
}

/// Those of a container, copied into a root; their paths there.
fn copy_into(root: &SystemRoot, packages: &[PathBuf], extension: &str) -> Vec<String> {
    let wanted = packages.iter().filter(|file| file.extension().is_some_and(|it| it == extension));
    let copy = |file: &PathBuf| {
        let inside = format!("/srv/{}", file.file_name().unwrap().to_string_lossy());
        fs_err::copy(file, root.resolve(&inside)).unwrap();
        inside
    };
    wanted.map(copy).collect()
}

/// The commands below a line of the README, as they stand there.
fn quick_start() -> String {
    let readme = fs_err::read_to_string(workspace().join("README.md")).unwrap();
    let (_, below) = readme.split_once("On a head node").expect("the README has a quick start");
    let lines = below.lines().skip_while(|line| !line.starts_with("    "));
    let block = lines.take_while(|line| line.starts_with("    ") || line.is_empty());
    let commands: String =
        block.map(|line| format!("{}\n", line.strip_prefix("    ").unwrap_or(line))).collect();
    assert!(commands.contains("opkgc --dist debian-12") && commands.contains("opm request"), "{commands}");
    commands
}

/// Runs the quick start for a target, and looks at what it says in the end.
fn follow_quick_start(root: &SystemRoot, target: &str) {
    let commands = quick_start().replace("debian-12", target);
    let ended = root.run(["sh", "-euc", &commands]);
    assert_eq!(ended.code, Some(0), "{commands}\n{}", ended.combined_output());
    let status = root.run_successfully(["opm", "status", "--format", "json"]);
    assert!(status.contains("\"finished\"") && !status.contains("\"error\""), "{status}");
    assert!(root.resolve("/usr/lib/oscar/packages/hello-cluster").is_dir());
    let audit = root.run(["opm", "audit"]);
    assert_eq!(audit.code, Some(0), "{}", audit.combined_output());
    // And back.
    root.run_successfully(["opm", "remove", "hello-cluster"]);
    let removed = root.run(["opm"]);
    assert_eq!(removed.code, Some(0), "{}", removed.combined_output());
    assert!(!root.resolve("/usr/lib/oscar/packages/hello-cluster").exists());
}

/// What both programs bring beside themselves.
fn assert_complete(root: &SystemRoot, units: &str, zsh: &str) {
    for path in [
        "/usr/share/bash-completion/completions/opkgc",
        "/usr/share/bash-completion/completions/opm",
        &format!("{zsh}/_opm"),
        "/usr/share/fish/vendor_completions.d/opm.fish",
        "/usr/share/man/man1/opkgc.1.gz",
        "/usr/share/man/man1/opm-request.1.gz",
        "/usr/share/man/man5/opkg.5.gz",
        "/usr/share/opkg/plugins/sdk/Cargo.toml",
        "/usr/share/opkg/opkg.xsd",
        &format!("{units}/opm.service"),
        &format!("{units}/opm.timer"),
        &format!("{units}/opm-watch.service"),
        &format!("{units}/opm-web.service"),
    ] {
        assert!(root.resolve(path).is_file(), "{path}");
    }
    assert!(root.resolve("/usr/share/opkg/wit/1.0.0/model.wit").is_file());
    // Nothing begins by itself.
    assert!(!root.resolve("/etc/systemd/system/timers.target.wants/opm.timer").exists());
    assert!(!root.resolve("/etc/systemd/system/multi-user.target.wants/opm-watch.service").exists());
    assert!(!root.resolve("/etc/systemd/system/multi-user.target.wants/opm-web.service").exists());
    assert!(!root.resolve("/var/lib/opm/oda.db").exists() && !root.resolve("/etc/opm.conf").exists());
    // Nobody's first run has to compile.
    assert_eq!(compiled_components(root).len(), 18);
    // A crate for a hook needs no sources.
    let made = root.run(["opkgc", "hook", "new", "trial", "-o", "/root/trial"]);
    assert_eq!(made.code, Some(0), "{}", made.combined_output());
    let manifest = fs_err::read_to_string(root.resolve("/root/trial/Cargo.toml")).unwrap();
    assert!(manifest.contains("/usr/share/opkg/plugins/sdk"), "{manifest}");
}

/// What the packages compiled for everybody.
fn compiled_components(root: &SystemRoot) -> Vec<PathBuf> {
    let Ok(entries) = fs_err::read_dir(root.resolve("/var/cache/opkg/components")) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// With the packages that are for dpkg, and for what the system says it is.
fn follow_on_debian(root: &SystemRoot, packages: &[PathBuf], target: &str) {
    let debs = copy_into(root, packages, "deb");
    root.run_successfully(["dpkg", "--install"].into_iter().map(str::to_owned).chain(debs.clone()));
    assert_complete(root, "/lib/systemd/system", "/usr/share/zsh/vendor-completions");
    follow_quick_start(root, target);
    // What the administrator and the programs made stays when they are installed again, or go.
    let conf = fs_err::read(root.resolve("/etc/opm.conf")).unwrap();
    let compiled = compiled_components(root);
    let left = root.resolve("/var/cache/opkg/components").join("0".repeat(64) + ".cwasm");
    fs_err::write(left, "of another release").unwrap();
    root.run_successfully(["dpkg", "--install"].into_iter().map(str::to_owned).chain(debs));
    assert_eq!(compiled_components(root), compiled, "as it was, without what others left");
    root.run_successfully(["dpkg", "--purge", "opkgc"]);
    assert_eq!(compiled_components(root), compiled, "opm uses it, too");
    root.run_successfully(["dpkg", "--purge", "opm"]);
    assert!(!root.resolve("/var/cache/opkg").exists());
    assert_eq!(fs_err::read(root.resolve("/etc/opm.conf")).unwrap(), conf);
    assert!(root.resolve("/var/lib/opm/oda.db").is_file() && root.resolve("/etc/opm/opm.toml").is_file());
    assert!(!root.resolve("/usr/share/opkg").exists() && !root.resolve("/usr/bin/opm").exists());
}

#[test]
fn debian_from_empty_to_finished() {
    let Some(packages) = packages() else { return };
    for (suite, target) in [("bookworm", "debian-12"), ("trixie", "debian-13")] {
        let Some(root) = debian::create_release(suite) else { return };
        follow_on_debian(&root, packages, target);
    }
}

#[test]
fn what_says_it_is_ubuntu_from_empty_to_finished() {
    let Some(packages) = packages() else { return };
    let Some(root) = debian::create() else { return };
    debian::replace_os_release(&root, "ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"24.04\"\n");
    follow_on_debian(&root, packages, "ubuntu-24.04");
}

#[test]
fn rpm_from_empty_to_finished() {
    let Some(packages) = packages() else { return };
    for (manager, os_release, target) in [
        ("dnf", "ID=rhel\nVERSION_ID=9.4\n", "rhel-9"),
        ("zypper", "ID=opensuse-leap\nVERSION_ID=15.6\n", "suse-15.6"),
    ] {
        let Some(root) = debian::create_with_rpm(manager, os_release) else { return };
        follow_with_rpm(&root, packages, target);
    }
}

fn follow_with_rpm(root: &SystemRoot, packages: &[PathBuf], target: &str) {
    let rpms: Vec<PathBuf> =
        packages.iter().filter(|file| file.extension().is_some_and(|it| it == "rpm")).cloned().collect();
    // What the system would have, were all of it made of RPMs.
    let system = ["/bin/sh", "/bin/bash", "coreutils"].map(|name| format!("Provides: {name}\n")).concat();
    let stubs = [rpm::build_stub(&rpms), rpm::build_provider("stands-for-the-system", &system)];
    let stubs = copy_into(root, &stubs, "rpm");
    let install = |files: Vec<String>| {
        let command = ["rpm", "--force-debian", "--install", "--nosignature"];
        root.run_successfully(command.into_iter().map(str::to_owned).chain(files));
    };
    install(stubs);
    install(copy_into(root, &rpms, "rpm"));
    assert_complete(root, "/usr/lib/systemd/system", "/usr/share/zsh/site-functions");
    follow_quick_start(root, target);
    root.run_successfully(["rpm", "--force-debian", "--erase", "opkgc", "opm"]);
    assert!(!root.resolve("/var/cache/opkg").exists());
    assert!(root.resolve("/var/lib/opm/oda.db").is_file() && root.resolve("/etc/opm/opm.toml").is_file());
    assert!(!root.resolve("/usr/share/opkg").exists() && !root.resolve("/usr/bin/opm").exists());
}
