//! Owners, modes, configuration, ghosts and capabilities, as `files` in `config.xml` has them: in our packages as in those of
//! the distributions' own tools, and on a system once they are installed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use opkg_tests::file_tree::{self, TreeEntry};
use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::roots::rpm::{self, RpmRoot};
use opkg_tests::{generated, inspect, parallel, scratch, tools};

use crate::debian_system::DebianSystem;
use crate::direct;

const TARGETS: [&str; 5] = ["rhel-9", "fedora", "suse", "mageia-9", "debian-12"];

#[test]
fn our_packages_are_those_of_the_distributions_tools() {
    if !tools::all_installed(&direct::TOOLS) {
        return;
    }
    let seeds: Vec<u64> = (0..8).collect();
    parallel::map(&seeds, |seed| {
        let directory = generated::generate_with_attributes(*seed).write_to_scratch();
        let [native, direct] =
            ["native", "direct"].map(|builder| direct::compile(&directory, &TARGETS, builder));
        assert_eq!(direct::assert_packages_agree(&native, &direct), 5 * 3 + 5);
        direct::assert_sources_agree(&direct);
    });
}

/// A service with a user of its own.
fn write_opkg(version: &str) -> PathBuf {
    let rules = r#"<files>
    <file path="/etc/site/" group="sited"/>
    <file path="/etc/site/key" mode="0640"/>
    <file path="/etc/site/replaced" config="replace"/>
    <file path="/usr/lib/site/run" group="sited" mode="2755"/>
    <file path="/usr/lib/site/ping" capabilities="cap_net_raw=ep"/>
    <file path="/var/lib/site" owner="sited" group="sited" mode="0750"/>
    <file path="/var/lib/site/log" ghost="yes" owner="sited"/>
  </files>"#;
    let text = |what: &str| format!("{what} of {version}\n");
    let items = [
        TreeEntry::file(
            "config.xml",
            0o644,
            file_tree::minimal_config("site", rules).replace("1.0-1", version),
        ),
        TreeEntry::file("files/client/etc/site/key", 0o600, text("key")),
        TreeEntry::file("files/client/etc/site/replaced", 0o644, text("replaced")),
        TreeEntry::file("files/client/usr/lib/site/run", 0o755, "#!/bin/sh\n"),
        TreeEntry::file("files/client/usr/lib/site/ping", 0o755, "#!/bin/sh\n"),
        TreeEntry::file("files/client/usr/lib/sysusers.d/site.conf", 0o644, "u sited 431\n"),
        TreeEntry::file("files/client/var/lib/site/log", 0o644, ""),
    ];
    let directory = scratch::create_directory("opkg").join("site");
    file_tree::write_tree(&directory, &items);
    directory
}

/// The owner and group by number, and the mode.
fn attributes(root: &Path, path: &str) -> (u32, u32, u32) {
    use std::os::unix::fs::MetadataExt;
    let found = fs_err::symlink_metadata(root.join(path)).unwrap();
    (found.uid(), found.gid(), found.mode() & 0o7777)
}

fn assert_attributes(root: &Path) {
    for (path, expected) in [
        ("etc/site", (0, 431, 0o755)),
        ("etc/site/key", (0, 431, 0o640)),
        ("usr/lib/site/run", (0, 431, 0o2755)),
        ("usr/lib/site/ping", (0, 0, 0o755)),
        ("var/lib/site", (431, 431, 0o750)),
    ] {
        let found = attributes(root, path);
        assert_eq!(found, expected, "{path}: {:o}", found.2);
    }
}

#[test]
fn rpm_gives_files_to_their_owners() {
    if !rpm::is_supported() {
        return;
    }
    parallel::map(&["rhel-9", "suse"], |target| {
        let root = RpmRoot::new();
        fs_err::write(root.path().join("etc/passwd"), "root:x:0:0::/:/bin/sh\nsited:x:431:431::/:/bin/sh\n")
            .unwrap();
        fs_err::write(root.path().join("etc/group"), "root:x:0:\nsited:x:431:\n").unwrap();
        let install = |version: &str| {
            let output = scratch::create_directory("output");
            let mut arguments: Vec<OsString> = vec!["--dist".into(), target.into(), "-o".into()];
            arguments.extend([output.clone().into_os_string(), write_opkg(version).into_os_string()]);
            OpkgcEnvironment::new().run_successfully(arguments);
            let client = |file: &PathBuf| file.to_string_lossy().contains("opkg-site-client");
            let files =
                inspect::package_files(&output.join(target)).into_iter().filter(client).map(OsString::from);
            let ended = root.rpm(["-U", "--nodeps"].map(OsString::from).into_iter().chain(files));
            assert_eq!(ended.code, Some(0), "{target}: {}", ended.combined_output());
        };
        install("1.0-1");
        assert_attributes(root.path());
        assert!(!root.path().join("var/lib/site/log").exists());
        let verified = root.rpm(["-V", "--nodeps", "opkg-site-client"]);
        assert!(verified.stdout.is_empty(), "{target}: {}", verified.combined_output());
        let changed = root.path().join("etc/site/replaced");
        fs_err::write(&changed, "ours\n").unwrap();
        fs_err::write(root.path().join("var/lib/site/log"), "something\n").unwrap();
        install("2.0-1");
        assert_attributes(root.path());
        assert_eq!(fs_err::read_to_string(&changed).unwrap(), "replaced of 2.0-1\n");
        assert_eq!(fs_err::read_to_string(root.path().join("etc/site/replaced.rpmsave")).unwrap(), "ours\n");
        assert_eq!(root.rpm(["-qf", "--qf", "%{name}", "/var/lib/site/log"]).stdout, "opkg-site-client");
        assert_eq!(root.rpm(["-e", "--nodeps", "opkg-site-client"]).code, Some(0));
        assert!(!root.path().join("var/lib/site").exists(), "ghosts go with the package");
    });
}

#[test]
fn dpkg_gives_files_to_their_owners() {
    let Some(system) = DebianSystem::new() else { return };
    let root = system.root.path();
    system.add_stub_packages(&[("libcap2-bin", "1.0")]);
    system.root.write("usr/sbin/setcap", "#!/bin/sh\necho \"$@\" >> /var/log/proof\n");
    system.root.run_successfully(["chmod", "0755", "/usr/sbin/setcap"]);
    system.root.run_successfully(["groupadd", "-g", "431", "sited"]);
    system.root.run_successfully(["useradd", "-u", "431", "-g", "431", "sited"]);
    system.publish(&[write_opkg("1.0-1")]);
    system.apt_succeeds(&["install", "opkg-site-client"]);
    assert_attributes(root);
    assert_eq!(system.take_proofs(), ["cap_net_raw=ep /usr/lib/site/ping"]);
    system.root.run_successfully([
        "dpkg-statoverride",
        "--update",
        "--add",
        "root",
        "root",
        "0600",
        "/etc/site/key",
    ]);
    system.publish(&[write_opkg("2.0-1")]);
    system.apt_succeeds(&["-o", "Dpkg::Options::=--force-confnew", "dist-upgrade"]);
    assert_eq!(attributes(root, "etc/site/key"), (0, 0, 0o600), "the administrator has the last word");
    system.root.run_successfully(["dpkg-statoverride", "--update", "--remove", "/etc/site/key"]);
    system.root.run_successfully(["dpkg-reconfigure", "opkg-site-client"]);
    system.root.write("var/lib/site/log", "something\n");
    system.apt_succeeds(&["remove", "opkg-site-client"]);
    assert!(root.join("var/lib/site/log").exists());
    system.apt_succeeds(&["purge", "opkg-site-client"]);
    assert!(!root.join("var/lib/site/log").exists() && !root.join("etc/site").exists());
}
