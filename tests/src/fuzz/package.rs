//! Packages of the two formats, as `opkgc inspect` reads them.

use std::io::{self, Cursor};
use std::path::Path;

use opkg_inspect::ContentsFormat;

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
    let _ = opkg_inspect::read_from(Cursor::new(bytes), Path::new("x.rpm"));
    take_files(bytes, ContentsFormat::Rpm);
}

/// Reads what the files hold, as those do who take them out of a package.
fn take_files(bytes: &[u8], format: ContentsFormat) -> usize {
    let mut count = 0;
    let _ = opkg_inspect::visit_contents(bytes, format, &mut |_, contents| {
        count += 1;
        io::copy(contents, &mut io::sink()).map(drop)
    });
    count
}

/// Reads bytes as a Debian package.
pub fn run_deb(bytes: &[u8]) {
    let _ = opkg_inspect::read_from(Cursor::new(bytes), Path::new("x.deb"));
    take_files(bytes, ContentsFormat::Deb);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_packages() {
        for (target, name, format) in
            [(RPM, "x.rpm", ContentsFormat::Rpm), (DEB, "x.deb", ContentsFormat::Deb)]
        {
            for seed in (target.seeds)() {
                let package = opkg_inspect::read_from(Cursor::new(&seed), Path::new(name)).unwrap();
                assert!(!package.files.is_empty() && take_files(&seed, format) > 0, "{package:?}");
            }
        }
    }
}
