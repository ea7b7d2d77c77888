//! A small Debian, by debootstrap from wherever this machine's own packages come from.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::kept;
use super::system::{Root, enter, possible};
use crate::{process, tools};

const SUITE: &str = "bookworm";

/// Beside the packages that every system has.
const PACKAGES: &str = "debsums";

/// Fetching and unpacking; what the network needs is not known.
const LIMIT: Duration = Duration::from_secs(1800);

/// A system of a test's own, without any source of packages; nothing, saying so, where none can be made.
///
/// # Panics
///
/// If it cannot be made although everything for it is there.
#[must_use]
pub fn create() -> Option<Root> {
    if !possible() || !tools::available(&["debootstrap", "apt-get"]) {
        return None;
    }
    let Some(mirror) = mirror() else {
        tools::skip("this machine's own packages come from no mirror of Debian");
        return None;
    };
    let system = kept::system(&format!("{SUITE}-{PACKAGES}"), |directory| make(directory, &mirror));
    Some(Root::copy(&system.unwrap_or_else(|error| panic!("debootstrap: {error}"))))
}

/// Where this machine would fetch Debian's packages from.
fn mirror() -> Option<String> {
    let mut targets = Command::new("apt-get");
    targets.args([
        "indextargets",
        "--no-release-info",
        "--format",
        "$(RELEASE) $(REPO_URI)",
        "Identifier: Packages",
    ]);
    let listed = process::succeed(&mut targets);
    let sources: Vec<(&str, &str)> = listed.lines().filter_map(|line| line.split_once(' ')).collect();
    // A mirror of another release's packages has this one's as well.
    let same = sources.iter().find(|(release, _)| *release == SUITE);
    let found = same.or_else(|| sources.iter().find(|(_, mirror)| mirror.ends_with("/debian/")));
    found.map(|(_, mirror)| (*mirror).to_owned())
}

fn make(directory: &Path, mirror: &str) -> Result<(), String> {
    // What it mounts goes away with it.
    let mut debootstrap = Command::new("unshare");
    debootstrap.args(["--mount", "--", "debootstrap", "--variant=minbase"]);
    debootstrap.arg(format!("--include={PACKAGES}")).arg(SUITE).arg(directory).arg(mirror);
    let ended = process::run_within(&mut debootstrap, LIMIT);
    if ended.code != Some(0) {
        let log = fs_err::read_to_string(directory.join("debootstrap/debootstrap.log")).unwrap_or_default();
        return Err(format!("{}\n{log}", ended.output()));
    }
    let clean = process::run(&mut enter(directory, ["apt-get", "clean"]));
    if clean.code != Some(0) {
        return Err(clean.output());
    }
    // What is lost with the machine may be lost: tests start anew. No service is started in here.
    for (path, contents, mode) in [
        ("etc/dpkg/dpkg.cfg.d/tests", "force-unsafe-io\n", 0o644),
        ("etc/apt/sources.list", "", 0o644),
        ("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755),
    ] {
        use std::os::unix::fs::PermissionsExt;
        let path = directory.join(path);
        fs_err::write(&path, contents).map_err(|error| error.to_string())?;
        let mode = std::fs::Permissions::from_mode(mode);
        fs_err::set_permissions(&path, mode).map_err(|error| error.to_string())?;
    }
    let lists = directory.join("var/lib/apt/lists");
    fs_err::remove_dir_all(&lists).map_err(|error| error.to_string())?;
    fs_err::create_dir_all(lists.join("partial")).map_err(|error| error.to_string())
}
