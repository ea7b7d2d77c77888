//! Packages of the two formats, as `opkgc inspect` reads them.

use std::path::Path;

use super::target::Target;
use super::{deb_seed, rpm_seed};

pub const RPM: Target = Target {
    name: "rpm",
    run: run_rpm,
    seeds: rpm_seed::seeds,
    dictionary: &["\u{0}\u{0}\u{0}\u{9}", "\u{0}\u{0}\u{4}]", "070701", "TRAILER!!!", "gzip", "zstd", "cpio"],
};

pub const DEB: Target = Target {
    name: "deb",
    run: run_deb,
    seeds: deb_seed::seeds,
    dictionary: &[
        "!<arch>\n",
        "debian-binary   ",
        "control.tar     ",
        "data.tar.gz     ",
        "`\n",
        "ustar",
        "./control",
        "30 path=",
        "Depends: a (>= 1) | b",
        "Package: ",
    ],
};

/// Reads bytes as an RPM.
pub fn run_rpm(bytes: &[u8]) {
    let _ = opkg_inspect::read_bytes(bytes, Path::new("x.rpm"));
}

/// Reads bytes as a Debian package.
pub fn run_deb(bytes: &[u8]) {
    let _ = opkg_inspect::read_bytes(bytes, Path::new("x.deb"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_packages() {
        for (target, name) in [(RPM, "x.rpm"), (DEB, "x.deb")] {
            for seed in (target.seeds)() {
                let package = opkg_inspect::read_bytes(&seed, Path::new(name)).unwrap();
                assert!(!package.files.is_empty(), "{package:?}");
            }
        }
    }
}
