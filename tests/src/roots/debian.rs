//! A small Debian, by debootstrap from wherever this machine's own packages come from.

use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::cache;
use super::chroot::{SystemRoot, chroot_command, is_supported};
use crate::{process, tools};

/// Debian 12, which tests use where the release does not matter.
const SUITE: &str = "bookworm";

/// Fetching and unpacking; what the network needs is not known.
const BOOTSTRAP_TIMEOUT: Duration = Duration::from_secs(1800);

/// A system of a test's own, without any source of packages; nothing, saying so, where none can be made.
///
/// # Panics
///
/// If it cannot be made although everything for it is there.
#[must_use]
pub fn create() -> Option<SystemRoot> {
    create_with(SUITE, "debsums,apt-file")
}

/// The same of another release, by the name that Debian's archive has for it.
///
/// # Panics
///
/// If it cannot be made although everything for it is there.
#[must_use]
pub fn create_release(suite: &str) -> Option<SystemRoot> {
    create_with(suite, "debsums")
}

/// One that can be booted, with RPM beside dpkg. Services are started in it.
pub(super) fn create_bootable() -> Option<SystemRoot> {
    let root = create_with(SUITE, "debsums,rpm,systemd")?;
    fs_err::remove_file(root.resolve("/usr/sbin/policy-rc.d")).unwrap();
    // Debian keeps it in the home of who asks.
    root.write("/etc/rpm/macros", "%_dbpath /var/lib/rpm\n");
    root.run_successfully(["rpm", "--initdb"]);
    Some(root)
}

/// One with this package manager of RPMs inside, and what `os-release` says of the system that it stands for. Its RPM
/// knows no package: what all others need must be given to it by [`super::rpm::build_stub`].
///
/// # Panics
///
/// If it cannot be made although everything for it is there.
#[must_use]
pub fn create_with_rpm(manager: &str, os_release: &str) -> Option<SystemRoot> {
    let root = create_with(SUITE, &format!("{manager},rpm"))?;
    replace_os_release(&root, os_release);
    // Debian keeps it in the home of who asks.
    root.write("/etc/rpm/macros", "%_dbpath /var/lib/rpm\n");
    root.run_successfully(["rpm", "--initdb"]);
    Some(root)
}

/// The first release of Debian with RPM 6.
const SUITE_WITH_RPM_6: &str = "forky";

/// One with RPM 6 inside, whose database is empty.
///
/// # Panics
///
/// If it cannot be made although everything for it is there.
#[must_use]
pub fn create_with_rpm_6() -> Option<SystemRoot> {
    let root = create_with(SUITE_WITH_RPM_6, "rpm")?;
    // Debian keeps it in the home of who asks.
    root.write("/etc/rpm/macros", "%_dbpath /var/lib/rpm\n");
    root.run_successfully(["rpm", "--initdb"]);
    Some(root)
}

/// Has the system be another one by what it says.
pub fn replace_os_release(root: &SystemRoot, os_release: &str) {
    // A link, which would be written through.
    fs_err::remove_file(root.resolve("/etc/os-release")).unwrap();
    root.write("/etc/os-release", os_release);
}

/// With packages beside those that every system has.
fn create_with(suite: &str, packages: &str) -> Option<SystemRoot> {
    if !is_supported() || !tools::all_installed(&["debootstrap", "apt-get"]) {
        return None;
    }
    let Some(mirror) = find_mirror(suite) else {
        tools::skip("this machine's own packages come from no mirror of Debian");
        return None;
    };
    let system = cache::cached_system(&format!("{suite}-{packages}"), |directory| {
        bootstrap(directory, suite, packages, &mirror)
    });
    Some(SystemRoot::copy(&system.unwrap_or_else(|error| panic!("debootstrap: {error}"))))
}

/// Where this machine would fetch Debian's packages from.
fn find_mirror(suite: &str) -> Option<String> {
    let mut targets = Command::new("apt-get");
    targets.args([
        "indextargets",
        "--no-release-info",
        "--format",
        "$(RELEASE) $(REPO_URI)",
        "Identifier: Packages",
    ]);
    let listed = process::run_successfully(&mut targets);
    let sources: Vec<(&str, &str)> = listed.lines().filter_map(|line| line.split_once(' ')).collect();
    // A mirror of another release's packages has this one's as well.
    let same = sources.iter().find(|(release, _)| *release == suite);
    let found = same.or_else(|| sources.iter().find(|(_, mirror)| mirror.ends_with("/debian/")));
    found.map(|(_, mirror)| (*mirror).to_owned())
}

fn bootstrap(directory: &Path, suite: &str, packages: &str, mirror: &str) -> io::Result<()> {
    // What it mounts goes away with it.
    let mut debootstrap = Command::new("unshare");
    debootstrap.args(["--mount", "--", "debootstrap", "--variant=minbase"]);
    debootstrap.arg(format!("--include={packages}")).arg(suite).arg(directory).arg(mirror);
    // It has a script for each release, which are all the same; it may be older than the release.
    let scripts = Path::new("/usr/share/debootstrap/scripts");
    if !scripts.join(suite).exists() {
        debootstrap.arg(scripts.join("sid"));
    }
    let ended = process::run_with_timeout(&mut debootstrap, BOOTSTRAP_TIMEOUT);
    if ended.code != Some(0) {
        let log = fs_err::read_to_string(directory.join("debootstrap/debootstrap.log")).unwrap_or_default();
        return Err(io::Error::other(format!("{}\n{log}", ended.combined_output())));
    }
    let clean = process::run(&mut chroot_command(directory, ["apt-get", "clean"]));
    if clean.code != Some(0) {
        return Err(io::Error::other(clean.combined_output()));
    }
    // What is lost with the machine may be lost: tests start anew. No service is started in here.
    for (path, contents, mode) in [
        ("etc/dpkg/dpkg.cfg.d/tests", "force-unsafe-io\n", 0o644),
        ("etc/apt/sources.list", "", 0o644),
        ("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755),
    ] {
        use std::os::unix::fs::PermissionsExt;
        let path = directory.join(path);
        fs_err::write(&path, contents)?;
        let mode = std::fs::Permissions::from_mode(mode);
        fs_err::set_permissions(&path, mode)?;
    }
    let lists = directory.join("var/lib/apt/lists");
    fs_err::remove_dir_all(&lists)?;
    fs_err::create_dir_all(lists.join("partial"))
}
