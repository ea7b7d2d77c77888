//! Users, groups and units of systemd that OPKGs bring: what package managers do about them, on a system that runs and in an
//! image, where nothing is started.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use opkg_tests::file_tree::{self, TreeEntry};
use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::roots::rpm::{self, RpmRoot};
use opkg_tests::{inspect, parallel, scratch};

use crate::debian_system::DebianSystem;

const ON_A_RUNNING_SYSTEM: &str = "\
-U
    groupadd -r -f -g 431 sited
    useradd -r -u 431 -g sited -d / -s /sbin/nologin -c Site's $daemon sited
    systemctl --quiet --no-reload preset site-sync.timer site.service
    own post-install
-U
    groupadd -r -f -g 431 sited
    useradd -r -u 431 -g sited -d / -s /sbin/nologin -c Site's $daemon sited
    own post-install
    own pre-uninstall
    systemctl daemon-reload
    systemctl try-restart site-sync.service site-sync.timer site.service tunnel@*.service
-e
    systemctl --quiet --no-reload disable site-sync.timer site.service tunnel@.service
    systemctl stop site-sync.service site-sync.timer site.service tunnel@*.service
    own pre-uninstall
    systemctl daemon-reload
";

/// The recorders make nobody, so that the second transaction tries again.
const IN_AN_IMAGE: &str = "\
-U
    groupadd -r -f -g 431 sited
    useradd -r -u 431 -g sited -d / -s /sbin/nologin -c Site's $daemon sited
    systemctl --quiet --no-reload preset site-sync.timer site.service
    own post-install
-U
    groupadd -r -f -g 431 sited
    useradd -r -u 431 -g sited -d / -s /sbin/nologin -c Site's $daemon sited
    own post-install
    own pre-uninstall
-e
    systemctl --quiet --no-reload disable site-sync.timer site.service tunnel@.service
    own pre-uninstall
";

/// Not as distributions do it by themselves.
const SERVICES: &str = r#"<services>
  <service name="site.service" enable="yes" start="yes" restart-on-upgrade="no"/>
  <service name="site-sync.timer" enable="no"/>
  <service name="tunnel@one.service" enable="yes"/>
</services>"#;

const AS_SERVICES_SAY: &str = "\
-U
    systemd-tmpfiles --create -- site.conf
    systemctl --quiet --no-reload enable site.service
    systemctl --quiet --no-reload enable tunnel@one.service
    own post-install
    systemctl daemon-reload
    systemctl --quiet is-enabled site.service
    systemctl start site.service
-U
    systemd-tmpfiles --create -- site.conf
    own post-install
    own pre-uninstall
    systemctl daemon-reload
    systemctl try-restart site-sync.service site-sync.timer tunnel@*.service
-e
    systemctl --quiet --no-reload disable site-sync.timer site.service tunnel@.service
    systemctl stop site-sync.service site-sync.timer site.service tunnel@*.service
    own pre-uninstall
    systemctl daemon-reload
";

const AS_SERVICES_SAY_IN_AN_IMAGE: &str = "\
-U
    systemd-tmpfiles --create -- site.conf
    systemctl --quiet --no-reload enable site.service
    systemctl --quiet --no-reload enable tunnel@one.service
    own post-install
-U
    systemd-tmpfiles --create -- site.conf
    own post-install
    own pre-uninstall
-e
    systemctl --quiet --no-reload disable site-sync.timer site.service tunnel@.service
    own pre-uninstall
";

/// A daemon with a user of its own and a directory that belongs to it.
fn write_opkg(version: &str) -> PathBuf {
    write_opkg_with(version, "", &[])
}

/// One whose `config.xml` says something of services, with a directory that is made at every boot, and settings of the kernel.
fn write_opkg_with_services(version: &str) -> PathBuf {
    let file = |path: &str, text: &str| TreeEntry::file(format!("files/client/usr/lib/{path}"), 0o644, text);
    write_opkg_with(
        version,
        SERVICES,
        &[
            file("tmpfiles.d/site.conf", "d /var/lib/site/spool 0700 - - -\n"),
            file("sysctl.d/site.conf", "net.ipv4.ip_forward = 1\n"),
        ],
    )
}

fn write_opkg_with(version: &str, services: &str, more: &[TreeEntry]) -> PathBuf {
    let rules =
        format!("<files><file path=\"/var/lib/site\" owner=\"sited\" mode=\"0750\"/></files>\n{services}");
    let config = file_tree::minimal_config("site", &rules).replace("1.0-1", version);
    let install = "[Install]\nWantedBy=multi-user.target\n";
    let unit = |name: &str, text: &str| {
        let path = format!("files/client/usr/lib/systemd/system/{name}");
        TreeEntry::file(path, 0o644, format!("[Unit]\nDescription=Of {version}\n{text}"))
    };
    let items = [
        TreeEntry::file("config.xml", 0o644, config),
        TreeEntry::file(
            "files/client/usr/lib/sysusers.d/site.conf",
            0o644,
            "u sited 431 \"Site's $daemon\"\n",
        ),
        TreeEntry::file("files/client/var/lib/site/data", 0o644, ""),
        unit("site.service", install),
        unit("site-sync.service", ""),
        unit("site-sync.timer", install),
        unit("tunnel@.service", install),
        TreeEntry::file(
            "scripts/client-post-install",
            0o755,
            "#!/bin/sh\necho own post-install >> ${PROOF:-/var/log/proof}\n",
        ),
        TreeEntry::file(
            "scripts/client-pre-uninstall",
            0o755,
            "#!/bin/sh\necho own pre-uninstall >> ${PROOF:-/var/log/proof}\n",
        ),
    ];
    let directory = scratch::create_directory("opkg").join("site");
    file_tree::write_tree(&directory, &items);
    file_tree::write_tree(&directory, more);
    directory
}

/// A program that writes down what it is called with.
fn write_recorder(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let name = path.file_name().unwrap().to_str().unwrap();
    let text = format!("#!/bin/sh\necho \"{name} $*\" >> ${{PROOF:-/var/log/proof}}\n");
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, text).unwrap();
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// The client part for RPM.
fn build_client_rpm(opkg: PathBuf) -> Vec<OsString> {
    let output = scratch::create_directory("output");
    let mut arguments: Vec<OsString> = vec!["--dist".into(), "rhel-9".into(), "-o".into()];
    arguments.extend([output.clone().into_os_string(), opkg.into_os_string()]);
    OpkgcEnvironment::new().run_successfully(arguments);
    let client = |file: &PathBuf| file.to_string_lossy().contains("-client-");
    inspect::package_files(&output.join("rhel-9")).into_iter().filter(client).map(Into::into).collect()
}

/// What the scriptlets of two versions call, one installed after the other, then removed.
fn life_with_rpm(write: fn(&str) -> PathBuf, runs: bool) -> String {
    let packages: Vec<Vec<OsString>> =
        parallel::map(&["1.0-1", "2.0-1"], |version| build_client_rpm(write(version)));
    let root = RpmRoot::new();
    for program in ["systemctl", "systemd-tmpfiles", "useradd", "groupadd"] {
        write_recorder(&root.path().join("usr/bin").join(program));
    }
    if runs {
        fs_err::create_dir_all(root.path().join("run/systemd/system")).unwrap();
    }
    let mut told = String::new();
    let mut take = |what: &str| {
        told.push_str(&format!("{what}\n    {}\n", root.take_proof().join("\n    ")));
    };
    for version in &packages {
        let words = ["-U", "--nodeps"].map(OsString::from).into_iter().chain(version.iter().cloned());
        let ended = root.rpm(words);
        assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
        take("-U");
    }
    assert_eq!(root.rpm(["-e", "opkg-site-client"]).code, Some(0));
    take("-e");
    told
}

#[test]
fn rpm_makes_users_and_looks_after_units() {
    if rpm::is_supported() {
        assert_eq!(life_with_rpm(write_opkg, true), ON_A_RUNNING_SYSTEM);
        assert_eq!(life_with_rpm(write_opkg, false), IN_AN_IMAGE);
    }
}

#[test]
fn rpm_does_what_services_say() {
    if rpm::is_supported() {
        let life = |runs| -> String {
            let told = life_with_rpm(write_opkg_with_services, runs);
            let is_account = |line: &&str| line.contains("useradd") || line.contains("groupadd");
            told.lines().filter(|line| !is_account(line)).map(|line| format!("{line}\n")).collect()
        };
        assert_eq!(life(true), AS_SERVICES_SAY);
        assert_eq!(life(false), AS_SERVICES_SAY_IN_AN_IMAGE);
    }
}

/// The scripts of the one that goes run last.
#[test]
fn rpm_leaves_units_to_the_package_that_takes_the_place_of_another() {
    if !rpm::is_supported() {
        return;
    }
    let relations =
        "<commonDeps><obsoletes><opkg rel=\"&lt;\" version=\"2.0-1\">site</opkg></obsoletes></commonDeps>";
    let config = file_tree::minimal_config("successor", relations).replace("1.0-1", "2.0-1");
    let unit = "[Unit]\nDescription=Of the successor\n[Install]\nWantedBy=multi-user.target\n";
    let successor = scratch::create_directory("opkg").join("successor");
    file_tree::write_tree(
        &successor,
        &[
            TreeEntry::file("config.xml", 0o644, config),
            TreeEntry::file("files/client/usr/lib/systemd/system/site.service", 0o644, unit),
        ],
    );
    let root = RpmRoot::new();
    root.install_rpm();
    for program in ["systemctl", "systemd-tmpfiles", "useradd", "groupadd"] {
        write_recorder(&root.path().join("usr/bin").join(program));
    }
    fs_err::create_dir_all(root.path().join("run/systemd/system")).unwrap();
    let [_, told] = [write_opkg("1.0-1"), successor].map(|opkg| {
        let words = ["-U", "--nodeps"].map(OsString::from).into_iter().chain(build_client_rpm(opkg));
        let ended = root.rpm(words);
        assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
        root.take_proof()
    });
    assert_eq!(
        told,
        [
            "systemctl --quiet --no-reload disable site-sync.timer tunnel@.service",
            "systemctl stop site-sync.service site-sync.timer tunnel@*.service",
            "own pre-uninstall",
            "systemctl daemon-reload",
            "systemctl try-restart site-sync.service site-sync.timer site.service tunnel@*.service",
        ]
    );
}

#[test]
fn dpkg_makes_users_and_looks_after_units() {
    let Some(system) = DebianSystem::new() else { return };
    let root = system.root.path();
    let wanted = root.join("etc/systemd/system/multi-user.target.wants/site.service");
    // What deb-systemd-helper asks of systemctl is its own affair.
    let take = || -> Vec<String> {
        system.take_proofs().into_iter().filter(|line| !line.starts_with("systemctl")).collect()
    };
    system.publish(&[write_opkg("1.0-1")]);
    system.apt_succeeds(&["install", "opkg-site-client"]);
    assert_eq!(take(), ["own post-install"], "nothing is started in an image");
    assert!(wanted.is_symlink(), "but enabled");
    let passwd = system.root.run_successfully(["getent", "passwd", "sited"]);
    assert_eq!(passwd.trim_end(), "sited:x:431:431:Site's $daemon:/:/usr/sbin/nologin");
    assert_eq!(system.root.run_successfully(["stat", "-c", "%U", "/var/lib/site"]).trim_end(), "sited");

    for program in ["systemctl", "deb-systemd-invoke"] {
        write_recorder(&root.join("usr/bin").join(program));
    }
    fs_err::create_dir_all(root.join("run/systemd/system")).unwrap();
    fs_err::remove_file(&wanted).unwrap();
    system.publish(&[write_opkg("2.0-1")]);
    system.apt_succeeds(&["dist-upgrade"]);
    assert_eq!(
        take(),
        [
            "own pre-uninstall",
            "own post-install",
            "deb-systemd-invoke restart site-sync.timer site.service",
            "deb-systemd-invoke try-restart site-sync.service",
        ]
    );
    assert!(!wanted.is_symlink(), "what the administrator disabled stays so");
    system.apt_succeeds(&["remove", "opkg-site-client"]);
    assert_eq!(
        take(),
        ["deb-systemd-invoke stop site-sync.service site-sync.timer site.service", "own pre-uninstall"]
    );
    system.apt_succeeds(&["purge", "opkg-site-client"]);
    let remembered = system.files("var/lib/systemd");
    assert!(!remembered.iter().any(|path| path.contains("site")), "{remembered:?}");
    assert_eq!(take(), [""; 0]);
    system.apt_succeeds(&["install", "opkg-site-client"]);
    assert_eq!(take(), ["own post-install", "deb-systemd-invoke start site-sync.timer site.service"]);
}

#[test]
fn dpkg_does_what_services_say() {
    let Some(system) = DebianSystem::new() else { return };
    let root = system.root.path();
    let wants = root.join("etc/systemd/system/multi-user.target.wants");
    let is_enabled = |unit: &str| wants.join(unit).is_symlink();
    let has = |program: &str| root.join("usr/bin").join(program).exists();
    let take = || -> Vec<String> {
        system.take_proofs().into_iter().filter(|line| !line.starts_with("systemctl")).collect()
    };
    system.publish(&[write_opkg_with_services("1.0-1")]);
    system.apt_succeeds(&["install", "opkg-site-client"]);
    assert_eq!(take(), ["own post-install"], "nothing is started in an image");
    assert!(is_enabled("site.service") && !is_enabled("site-sync.timer"));
    assert_eq!(is_enabled("tunnel@one.service"), has("systemctl"));
    assert_eq!(root.join("var/lib/site/spool").is_dir(), has("systemd-tmpfiles"));

    for program in ["systemctl", "deb-systemd-invoke"] {
        write_recorder(&root.join("usr/bin").join(program));
    }
    fs_err::create_dir_all(root.join("run/systemd/system")).unwrap();
    fs_err::remove_file(wants.join("site.service")).unwrap();
    let timer = "/usr/lib/systemd/system/site-sync.timer";
    fs_err::os::unix::fs::symlink(timer, wants.join("site-sync.timer")).unwrap();
    system.publish(&[write_opkg_with_services("2.0-1")]);
    system.apt_succeeds(&["dist-upgrade"]);
    assert_eq!(
        take(),
        [
            "own pre-uninstall",
            "own post-install",
            "deb-systemd-invoke restart site-sync.timer tunnel@one.service",
            "deb-systemd-invoke try-restart site-sync.service",
            "deb-systemd-invoke start site.service",
        ]
    );
    assert!(!is_enabled("site.service"), "what the administrator disabled stays so");
    assert!(is_enabled("site-sync.timer"), "and what they enabled");
    system.apt_succeeds(&["remove", "opkg-site-client"]);
    assert_eq!(
        take(),
        [
            "deb-systemd-invoke stop site-sync.service site-sync.timer site.service tunnel@one.service",
            "own pre-uninstall",
        ]
    );
    system.apt_succeeds(&["purge", "opkg-site-client"]);
    let mut remembered = system.files("var/lib/systemd");
    remembered.extend(system.files("etc/systemd/system"));
    assert!(
        !remembered.iter().any(|path| path.contains("site") || path.contains("tunnel")),
        "{remembered:?}"
    );
}
