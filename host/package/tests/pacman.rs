//! A package that is made of archives, in the hands of a package manager that knows nothing of us: pacman.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "common/arch_package.rs"]
mod arch_package;
#[path = "common/archives.rs"]
#[allow(dead_code)]
mod archives;
mod common;
#[path = "common/gpg.rs"]
#[allow(dead_code)]
mod gpg;
#[path = "common/package.rs"]
#[allow(dead_code)]
mod package;
#[path = "common/tool.rs"]
#[allow(dead_code)]
mod tool;

use std::path::Path;
use std::process::Command;

use arch_package::{ArchIndex, ArchMembers, arch_container};
use fs_err as fs;
use gpg::{EXPORT_SECRET, GpgHome, NOW};
use opkg_interface::artefacts::{BinaryPackage, Compression, ScriptTime, Scriptlet};
use opkg_package::{BuildMode, BuildOptions, Error, IndexRequest, Signer, write_index, write_packages};
use package::{fixture, output_of, sample_package};
use tool::is_installed;

const FILE: &str = "opkg-x-1.0-2-any.pkg.tar.zst";

/// A system of its own, whose shell is that of busybox.
struct System(tempfile::TempDir);

impl System {
    fn new(config: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        for directory in ["bin", "usr/bin", "tmp", "var/lib/pacman", "cache", "gnupg", "hooks"] {
            fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        let busybox = Command::new("sh").args(["-c", "command -v busybox"]).output().unwrap();
        let busybox = String::from_utf8(busybox.stdout).unwrap();
        for shell in ["bin/sh", "bin/bash", "usr/bin/bash"] {
            fs::copy(busybox.trim(), root.path().join(shell)).unwrap();
        }
        fs::write(root.path().join("pacman.conf"), format!("[options]\n{config}")).unwrap();
        Self(root)
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.0.path().join(path)
    }

    /// Whether it succeeded, and what it printed.
    fn try_pacman(&self, arguments: &[&str]) -> (bool, String) {
        let place = |option: &str, path: &str| [option.to_owned(), self.path(path).display().to_string()];
        let output = Command::new("pacman")
            .args(arguments)
            .args(["--noconfirm", "--arch", "x86_64"])
            .args(place("--root", ""))
            .args(place("--dbpath", "var/lib/pacman"))
            .args(place("--config", "pacman.conf"))
            .args(place("--cachedir", "cache"))
            .args(place("--gpgdir", "gnupg"))
            .args(place("--hookdir", "hooks"))
            .args(place("--logfile", "log"))
            .env("LC_ALL", "C")
            .output()
            .unwrap();
        let printed = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&printed).into_owned())
    }

    fn pacman(&self, arguments: &[&str]) -> String {
        let (succeeded, printed) = self.try_pacman(arguments);
        assert!(succeeded, "{arguments:?}: {printed}");
        printed
    }
}

/// The package in a directory of its own, with a script that says that it ran.
fn write_package(signer: Option<&Signer>) -> tempfile::TempDir {
    let fixture = fixture();
    let package = BinaryPackage {
        file_name: FILE.into(),
        scriptlets: vec![Scriptlet {
            time: ScriptTime::PostInstall,
            interpreter: vec!["/bin/sh".into()],
            body: "echo \"$1\" > /ran".into(),
        }],
        ..sample_package(&fixture)
    };
    let output = output_of(&package, arch_container(Compression::Zstd));
    let directory = tempfile::tempdir().unwrap();
    let options =
        BuildOptions { members: Some(&ArchMembers), signer, ..BuildOptions::new(BuildMode::Direct) };
    write_packages(&output, fixture.source(), directory.path(), options).unwrap();
    directory
}

/// pacman changes its root directory, which only root may.
fn can_run() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        eprintln!("skipped: pacman works for root alone");
    }
    is_installed("pacman") && is_installed("busybox") && is_root
}

fn check_installed(system: &System) {
    assert_eq!(fs::read_to_string(system.path("usr/data")).unwrap(), "from the OPKG\n");
    assert_eq!(fs::read_link(system.path("usr/link")).unwrap(), Path::new("data"));
    assert_eq!(fs::read_to_string(system.path("ran")).unwrap(), "1.0-2\n");
    assert!(system.pacman(&["-Q"]).starts_with("opkg-x 1.0-2\n"));
    let checked = system.pacman(&["-Qkk"]);
    assert!(checked.contains("opkg-x: 4 total files, 0 altered files"), "{checked}");
}

#[test]
fn a_package_is_installed_checked_and_removed() {
    if !can_run() {
        return;
    }
    let made = write_package(None);
    let system = System::new("SigLevel = Never");
    system.pacman(&["-U", made.path().join(FILE).to_str().unwrap()]);
    check_installed(&system);
    let info = system.pacman(&["-Qi", "opkg-x"]);
    assert!(info.contains("Install Script  : Yes"), "{info}");

    // What is altered shows: the sums are those of the files.
    fs::write(system.path("usr/data"), "from nobody\n").unwrap();
    let (is_sound, checked) = system.try_pacman(&["-Qkk"]);
    assert!(!is_sound && checked.contains("1 altered file"), "{checked}");

    fs::write(system.path("etc/x"), "mine\n").unwrap();
    system.pacman(&["-R", "opkg-x"]);
    assert!(!system.path("usr/data").exists());
    assert_eq!(fs::read_to_string(system.path("etc/x.pacsave")).unwrap(), "mine\n");
}

#[test]
fn a_package_is_found_by_its_index() {
    if !can_run() {
        return;
    }
    let made = write_package(None);
    write_index(made.path(), IndexRequest { maker: Some(&ArchIndex), ..IndexRequest::unsigned("site") })
        .unwrap();
    assert_eq!(fs::read_link(made.path().join("site.db")).unwrap(), Path::new("site.db.tar.gz"));
    let system =
        System::new(&format!("SigLevel = Never\n[site]\nServer = file://{}\n", made.path().display()));
    system.pacman(&["-Sy"]);
    assert!(system.pacman(&["-Si", "opkg-x"]).contains("Version         : 1.0-2"));
    system.pacman(&["-S", "opkg-x"]);
    check_installed(&system);
}

#[test]
fn signatures_are_those_of_the_key() {
    let Some(gpg) = GpgHome::new().filter(|_| can_run()) else { return };
    let key = gpg.generate_key("ed25519", "sign", "never");
    let signer = Signer::new(&gpg.export_secret(&key, EXPORT_SECRET), None, NOW).unwrap();
    let made = write_package(Some(&signer));
    let index = IndexRequest { maker: Some(&ArchIndex), ..IndexRequest::unsigned("site") };
    write_index(made.path(), IndexRequest { signer: Some(&signer), ..index }).unwrap();
    let config = format!("SigLevel = Required TrustAll\n[site]\nServer = file://{}\n", made.path().display());
    let system = System::new(&config);
    let (is_known, _) = system.try_pacman(&["-Sy"]);
    assert!(!is_known, "nobody has the key as yet");
    let imported = Command::new("gpg")
        .arg("--homedir")
        .arg(system.path("gnupg"))
        .args(["--batch", "--import"])
        .arg(made.path().join("site.db.tar.gz.key"))
        .output()
        .unwrap();
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    system.pacman(&["-Sy"]);
    system.pacman(&["-S", "opkg-x"]);
    check_installed(&system);

    // Neither the index without a signature nor a package of somebody else is taken.
    let refused = write_index(made.path(), index).unwrap_err();
    assert!(matches!(&refused, Error::SignatureLost(file) if file.starts_with(made.path())), "{refused}");
    write_index(made.path(), IndexRequest { drops_signature: true, ..index }).unwrap();
    for file in ["site.db.sig", "site.db.tar.gz.sig", "site.db.tar.gz.key"] {
        assert!(!made.path().join(file).exists(), "{file}");
    }
    assert!(!system.try_pacman(&["-Syy"]).0);
}
