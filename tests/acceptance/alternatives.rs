//! Alternatives, as `alternatives` in `config.xml` has them: in our packages as in those of the distributions' own tools, and
//! on a system.

use std::ffi::OsString;
use std::path::PathBuf;

use opkg_tests::file_tree::{self, TreeEntry};
use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::roots::rpm::{self, RpmRoot};
use opkg_tests::{inspect, scratch, tools};

use crate::debian_system::DebianSystem;
use crate::direct;

/// A program and what goes with it.
fn write_opkg(version: &str) -> PathBuf {
    let elements = r#"<alternatives>
    <alternative name="look" link="/usr/bin/look" path="/usr/bin/site-look" priority="50">
      <slave name="look.1" link="/usr/share/man/man1/look.1" path="/usr/share/site/look.1"/>
    </alternative>
  </alternatives>"#;
    let config = file_tree::minimal_config("look", elements).replace("1.0-1", version);
    let items = [
        TreeEntry::file("config.xml", 0o644, config),
        TreeEntry::file("files/client/usr/bin/site-look", 0o755, "#!/bin/sh\n"),
        TreeEntry::file("files/client/usr/share/site/look.1", 0o644, ".TH LOOK 1\n"),
    ];
    let directory = scratch::create_directory("opkg").join("look");
    file_tree::write_tree(&directory, &items);
    directory
}

#[test]
fn packages_with_alternatives_are_those_of_the_distributions_tools() {
    if !tools::all_installed(&direct::TOOLS) {
        return;
    }
    let targets = ["rhel-9", "suse", "debian-12"];
    let directory = write_opkg("1.0-1");
    let [native, direct] = ["native", "direct"].map(|builder| direct::compile(&directory, &targets, builder));
    assert!(direct::assert_packages_agree(&native, &direct) > 0);
}

/// Where packages of different distributions have the program, and how they call it.
#[test]
fn rpm_registers_and_forgets_alternatives() {
    use std::os::unix::fs::PermissionsExt;
    if !rpm::is_supported() {
        return;
    }
    let root = RpmRoot::new();
    let recorder = root.path().join("usr/sbin/update-alternatives");
    fs_err::write(&recorder, "#!/bin/sh\necho $* >> $PROOF\n").unwrap();
    fs_err::set_permissions(&recorder, std::fs::Permissions::from_mode(0o755)).unwrap();
    let registered = "--install /usr/bin/look look /usr/bin/site-look 50 \
                      --slave /usr/share/man/man1/look.1 look.1 /usr/share/site/look.1";
    for version in ["1.0-1", "2.0-1"] {
        let output = scratch::create_directory("output");
        let mut arguments: Vec<OsString> = vec!["--dist".into(), "rhel-9".into(), "-o".into()];
        arguments.extend([output.clone().into_os_string(), write_opkg(version).into_os_string()]);
        OpkgcEnvironment::new().run_successfully(arguments);
        let client = |file: &PathBuf| file.to_string_lossy().contains("opkg-look-client");
        let files = inspect::package_files(&output.join("rhel-9")).into_iter().filter(client);
        let ended = root.rpm(["-U", "--nodeps"].map(OsString::from).into_iter().chain(files.map(Into::into)));
        assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
        assert_eq!(root.take_proof(), [registered], "{version}");
    }
    assert_eq!(root.rpm(["-e", "opkg-look-client"]).code, Some(0));
    assert_eq!(root.take_proof(), ["--remove look /usr/bin/site-look"]);
}

#[test]
fn dpkg_registers_and_forgets_alternatives() {
    let Some(system) = DebianSystem::new() else { return };
    let link = || std::fs::read_link(system.root.path().join("etc/alternatives/look")).ok();
    let registered = Some(PathBuf::from("/usr/bin/site-look"));
    system.publish(&[write_opkg("1.0-1")]);
    system.apt_succeeds(&["install", "opkg-look-client"]);
    assert_eq!(link(), registered);
    assert!(system.root.path().join("usr/bin/look").is_symlink());
    system.publish(&[write_opkg("2.0-1")]);
    system.apt_succeeds(&["dist-upgrade"]);
    assert_eq!(link(), registered);
    let shown = system.root.run_successfully(["update-alternatives", "--query", "look"]);
    assert!(shown.contains("Priority: 50") && shown.contains("/usr/share/man/man1/look.1"), "{shown}");
    system.apt_succeeds(&["remove", "opkg-look-client"]);
    assert_eq!(link(), None);
    assert!(!system.root.path().join("usr/bin/look").is_symlink());
}
