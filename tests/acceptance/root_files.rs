//! What an OPKG lays into the root of a machine: it comes with its modes and links, configuration that somebody changed is
//! kept when a newer version comes, and all of it is known to the package manager.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use opkg_tests::file_tree::{self, TreeEntry};
use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::package::{InstalledFile, sha256_hex};
use opkg_tests::roots::rpm::{self, RpmRoot};
use opkg_tests::{inspect, parallel, scratch, tools};

use crate::debian_system::DebianSystem;
use crate::direct;

/// The configuration of a service on all nodes: one file that administrators change, and one that they don't; a program, a
/// link to it, a key that only root reads, an empty directory.
fn write_opkg(version: &str) -> PathBuf {
    let config = file_tree::minimal_config("site", "").replace("1.0-1", version);
    let text = |what: &str| format!("{what} of {version}\n");
    let items = [
        TreeEntry::file("config.xml", 0o644, config),
        TreeEntry::file("files/client/etc/site/changed.conf", 0o664, text("changed")),
        TreeEntry::file("files/client/etc/site/left.conf", 0o644, text("left")),
        TreeEntry::file("files/client/etc/site/key", 0o600, text("key")),
        TreeEntry::file("files/client/usr/lib/site/site program", 0o755, "#!/bin/sh\necho site\n"),
        TreeEntry::link("files/client/usr/bin/site", "../lib/site/site program"),
        TreeEntry::link("files/client/etc/site/zone", "/usr/share/zoneinfo/UTC"),
        TreeEntry::file("files/server/etc/exports.d/site.exports", 0o644, "/home *(rw)\n"),
    ];
    let directory = scratch::create_directory("opkg").join("site");
    file_tree::write_tree(&directory, &items);
    fs_err::create_dir_all(directory.join("files/client/var/lib/site/spool")).unwrap();
    directory
}

fn read(root: &Path, path: &str) -> String {
    fs_err::read_to_string(root.join(path)).unwrap()
}

fn mode(root: &Path, path: &str) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs_err::metadata(root.join(path)).unwrap().permissions().mode() & 0o7777
}

fn assert_laid(root: &Path, version: &str) {
    assert_eq!(read(root, "etc/site/left.conf"), format!("left of {version}\n"));
    assert_eq!((mode(root, "etc/site/changed.conf"), mode(root, "etc/site/key")), (0o644, 0o600));
    assert_eq!(mode(root, "usr/lib/site/site program"), 0o755);
    let link =
        |path: &str| fs_err::read_link(root.join(path)).unwrap().into_os_string().into_string().unwrap();
    assert_eq!(link("usr/bin/site"), "../lib/site/site program");
    assert_eq!(link("etc/site/zone"), "/usr/share/zoneinfo/UTC");
    assert!(root.join("var/lib/site/spool").is_dir());
    assert_eq!(read(root, "etc/exports.d/site.exports"), "/home *(rw)\n");
}

fn compile(version: &str, target: &str) -> Vec<PathBuf> {
    let output = scratch::create_directory("repo");
    let arguments: [OsString; 5] =
        ["--dist".into(), target.into(), "-o".into(), output.clone().into(), write_opkg(version).into()];
    OpkgcEnvironment::new().run_successfully(arguments);
    let is_own = |file: &PathBuf| {
        let name = file.file_name().unwrap().to_string_lossy();
        name.starts_with("opkg-site-") && !name.ends_with(".src.rpm")
    };
    inspect::package_files(&output.join(target)).into_iter().filter(is_own).collect()
}

#[test]
fn rpm_keeps_what_was_changed() {
    if !rpm::is_supported() {
        return;
    }
    parallel::map(&["rhel-9", "fedora", "suse", "mandriva"], |target| {
        let root = RpmRoot::new();
        let install = |version: &str| {
            let files = compile(version, target).into_iter().map(OsString::from);
            let ended = root.rpm(["-U", "--nodeps"].map(OsString::from).into_iter().chain(files));
            assert_eq!(ended.code, Some(0), "{target}: {}", ended.combined_output());
        };
        install("1.0-1");
        assert_laid(root.path(), "1.0-1");
        let verified = root.rpm(["-V", "--nodeps", "opkg-site-client", "opkg-site-server"]);
        assert!(verified.stdout.is_empty(), "{target}: {}", verified.combined_output());
        for path in ["/etc/site/key", "/usr/bin/site", "/etc/site/zone", "/var/lib/site/spool", "/etc/site"] {
            let owner = root.rpm(["-qf", "--qf", "%{name}", path]);
            assert_eq!(owner.stdout, "opkg-site-client", "{target}: {path}");
        }
        let configuration = root.rpm(["-qc", "opkg-site-client"]).stdout;
        assert_eq!(
            configuration.lines().collect::<Vec<_>>(),
            ["/etc/site/changed.conf", "/etc/site/key", "/etc/site/left.conf"],
            "{target}"
        );
        let changed = root.path().join("etc/site/changed.conf");
        fs_err::write(&changed, "ours\n").unwrap();
        install("2.0-1");
        assert_laid(root.path(), "2.0-1");
        assert_eq!(read(root.path(), "etc/site/changed.conf"), "ours\n", "{target}");
        assert_eq!(read(root.path(), "etc/site/changed.conf.rpmnew"), "changed of 2.0-1\n", "{target}");
        let ended = root.rpm(["-e", "--nodeps", "opkg-site", "opkg-site-server", "opkg-site-client"]);
        assert_eq!(ended.code, Some(0), "{target}: {}", ended.combined_output());
        assert_eq!(read(root.path(), "etc/site/changed.conf.rpmsave"), "ours\n", "{target}");
        assert!(!root.path().join("usr/lib/site").exists() && !root.path().join("etc/site/key").exists());
    });
}

#[test]
fn dpkg_keeps_what_was_changed() {
    let Some(system) = DebianSystem::new() else { return };
    let root = system.root.path();
    system.publish(&[write_opkg("1.0-1")]);
    system.apt_succeeds(&["install", "opkg-site-server", "opkg-site-client"]);
    assert_laid(root, "1.0-1");
    system.verify(&["opkg-site-client", "opkg-site-server"]);
    for path in ["/etc/site/key", "/usr/bin/site", "/etc/site/zone", "/var/lib/site/spool"] {
        let owner = system.root.run_successfully(["dpkg", "-S", path]);
        assert_eq!(owner.trim_end(), format!("opkg-site-client: {path}"));
    }
    fs_err::write(root.join("etc/site/changed.conf"), "ours\n").unwrap();
    system.publish(&[write_opkg("2.0-1")]);
    system.apt_succeeds(&["-o", "Dpkg::Options::=--force-confold", "dist-upgrade"]);
    assert_laid(root, "2.0-1");
    assert_eq!(read(root, "etc/site/changed.conf"), "ours\n");
    assert_eq!(read(root, "etc/site/changed.conf.dpkg-dist"), "changed of 2.0-1\n");
    system.apt_succeeds(&["remove", "opkg-site", "opkg-site-client"]);
    assert_eq!(read(root, "etc/site/changed.conf"), "ours\n");
    assert!(!root.join("usr/lib/site").exists());
    system.apt_succeeds(&["purge", "opkg-site", "opkg-site-client", "opkg-site-server"]);
    assert!(!root.join("etc/site").exists(), "purged");
}

#[test]
fn a_package_with_a_program_is_for_its_architecture() {
    let mut program = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0".to_vec();
    program.extend([62, 0]);
    let directory = scratch::create_directory("opkg").join("program");
    let items = [
        TreeEntry::file("config.xml", 0o644, file_tree::minimal_config("program", "")),
        TreeEntry::file("files/client/usr/bin/program", 0o755, program),
    ];
    file_tree::write_tree(&directory, &items);
    let build = |target: &str| {
        let output = scratch::create_directory("output");
        let ended = OpkgcEnvironment::new().run([
            OsString::from("--dist"),
            target.into(),
            "-o".into(),
            output.clone().into(),
            directory.clone().into(),
        ]);
        (ended, output.join(target))
    };
    let (ended, output) = build("rhel-9-x86_64");
    assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
    let names: Vec<String> = inspect::package_files(&output)
        .iter()
        .map(|file| file.file_name().unwrap().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("opkg-program") && !name.ends_with(".src.rpm"))
        .collect();
    assert_eq!(
        names,
        [
            "opkg-program-1.0-1.el9.noarch.rpm",
            "opkg-program-client-1.0-1.el9.x86_64.rpm",
            "opkg-program-server-1.0-1.el9.noarch.rpm"
        ]
    );
    let spec = fs_err::read_to_string(output.join("SPECS/opkg-program.spec")).unwrap();
    assert!(spec.lines().any(|line| line == "ExclusiveArch: x86_64"), "{spec}");
    let (ended, output) = build("debian-12-x86_64");
    assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
    assert!(output.join("opkg-program-client_1.0-1+deb12_amd64.deb").exists());
    for target in ["rhel-9-aarch64", "debian-12-aarch64"] {
        let (ended, _) = build(target);
        assert_eq!(ended.code, Some(1), "{}", ended.combined_output());
        assert!(
            ended.stderr.contains("a program for `x86_64`, where opkg-program-client is built for `aarch64`"),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn programs_for_several_architectures_lie_side_by_side() {
    let directory = scratch::create_directory("opkg").join("programs");
    let program = |machine: u8| {
        let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0".to_vec();
        bytes.extend([machine, 0]);
        bytes
    };
    let items = [
        TreeEntry::file("config.xml", 0o644, file_tree::minimal_config("programs", "")),
        TreeEntry::file("files/client/usr/lib/programs/shared", 0o644, "shared\n"),
        TreeEntry::file("files/client@x86_64/usr/lib/programs/run", 0o755, program(62)),
        TreeEntry::file("files/client@arm64/usr/lib/programs/run", 0o755, program(183)),
    ];
    file_tree::write_tree(&directory, &items);
    let targets = ["rhel-9-x86_64", "rhel-9-aarch64", "debian-12-aarch64", "debian-12"];
    let output = direct::compile(&directory, &targets, "direct");
    for (target, file, wanted) in [
        ("rhel-9-x86_64", "opkg-programs-client-1.0-1.el9.x86_64.rpm", program(62)),
        ("rhel-9-aarch64", "opkg-programs-client-1.0-1.el9.aarch64.rpm", program(183)),
        ("debian-12-aarch64", "opkg-programs-client_1.0-1+deb12_arm64.deb", program(183)),
    ] {
        let built = inspect::read(&output.join(target).join(file));
        let of = |path: &str| built.package.files.get(path).cloned();
        assert!(of("/usr/lib/programs/shared").is_some(), "{target}");
        let found = of("/usr/lib/programs/run");
        assert_eq!(found, Some(InstalledFile::Regular(0o755, sha256_hex(&wanted))), "{target}");
    }
    if tools::all_installed(&direct::TOOLS) {
        let targets = ["rhel-9", "debian-12"];
        let [native, direct] =
            ["native", "direct"].map(|builder| direct::compile(&directory, &targets, builder));
        assert_eq!(direct::assert_packages_agree(&native, &direct), 3 + 3 + 2);
        direct::assert_sources_agree(&direct);
    }
}
