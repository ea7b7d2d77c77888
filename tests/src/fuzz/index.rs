//! Directories of packages, as `opkgc --repo` reads them: packages that anybody may have made, and the index that was
//! there before.

use std::path::Path;

use super::target::Target;
use super::{deb_seed, rpm_seed};

pub const DEB: Target = Target {
    name: "deb_index",
    run: run_deb,
    seeds: deb_seed::seeds,
    dictionary: &[
        "!<arch>\n",
        "debian-binary   ",
        "control.tar.xz  ",
        "`\n",
        "_ignored",
        "./control",
        "Filename: ./x",
        "Version: ",
        "\n .\n",
    ],
};

pub const RPM: Target = Target {
    name: "rpm_index",
    run: run_rpm,
    seeds: rpm_seed::seeds,
    dictionary: &["\u{0}\u{0}\u{0}\u{9}", "\u{0}\u{0}\u{4}]", "gzip", "<", "&", "\u{1b}", "../"],
};

pub const SOURCE: Target = Target {
    name: "source_index",
    run: run_source,
    seeds: source_seeds,
    dictionary: &[
        "-----BEGIN PGP SIGNED MESSAGE-----\n",
        "-----BEGIN PGP SIGNATURE-----",
        "Files:\n",
        "Checksums-Sha256:\n",
        "../x",
        "Directory: .\n",
        "\n\n",
        "Source: ",
    ],
};

pub const EARLIER: Target = Target {
    name: "earlier_index",
    run: run_earlier,
    seeds: earlier_seeds,
    dictionary: &[
        "<repomd xmlns=\"http://linux.duke.edu/metadata/repo\">",
        "<data type=\"group\">",
        "<data type=\"primary\"/>",
        "</repomd>",
        "<!DOCTYPE a [<!ENTITY b \"c\">]>",
        "Origin: OPKG\n",
        "Origin: ",
        ": ",
        "\n ",
    ],
};

/// Indexes a directory with these files.
fn index(files: &[(&str, &[u8])]) {
    // Where syncing costs nothing, if there is such a place.
    let memory = Path::new("/dev/shm");
    let builder = tempfile::Builder::new();
    let directory = if memory.is_dir() { builder.tempdir_in(memory) } else { builder.tempdir() };
    let directory = directory.expect("there is a directory for temporary files");
    let place = directory.path().join("packages");
    for (path, bytes) in files {
        let file = place.join(path);
        let parent = file.parent().expect("it is in a directory");
        fs_err::create_dir_all(parent).expect("it can be written to");
        fs_err::write(file, bytes).expect("it can be written to");
    }
    let _ = opkg_package::write_index(&place, opkg_package::IndexRequest::unsigned("x"));
}

/// A Debian package.
pub fn run_deb(bytes: &[u8]) {
    index(&[("a.deb", bytes)]);
}

/// An RPM.
pub fn run_rpm(bytes: &[u8]) {
    index(&[("a.rpm", bytes)]);
}

/// What describes a source package.
pub fn run_source(bytes: &[u8]) {
    index(&[("a.dsc", bytes), ("a.tar.xz", b"abc")]);
}

/// The files that readers begin with, of both formats.
pub fn run_earlier(bytes: &[u8]) {
    index(&[("a.deb", &deb_seed::seeds().remove(0)), ("Release", bytes)]);
    index(&[("a.rpm", &rpm_seed::seeds().remove(0)), ("repodata/repomd.xml", bytes)]);
}

fn source_seeds() -> Vec<Vec<u8>> {
    // Of `abc`.
    let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let fields = format!(
        "Format: 3.0 (native)\nSource: a\nVersion: 1\nFiles:\n y 3 a.tar.xz\nChecksums-Sha1:\n x 3 a.tar.xz\n\
         Checksums-Sha256:\n {sum} 3 a.tar.xz\n"
    );
    let signed = format!(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{fields}\n-----BEGIN PGP SIGNATURE-----\n\nabc\n\
         -----END PGP SIGNATURE-----\n"
    );
    vec![fields.into(), signed.into()]
}

fn earlier_seeds() -> Vec<Vec<u8>> {
    let release = "Origin: OPKG\nLabel: OPKG\nSuite: x\nSHA256:\n 00 1 Packages\n";
    let repomd = "<?xml version=\"1.0\"?>\n<repomd xmlns=\"http://linux.duke.edu/metadata/repo\">\n\
                  <revision>1</revision><data type=\"primary\"><location href=\"x\"/></data></repomd>\n";
    vec![release.into(), repomd.into()]
}
