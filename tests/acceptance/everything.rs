//! An OPKG that says all that the format can, of both of its parts: our packages are those that the distributions' own tools make
//! of its meta-files.

use std::path::PathBuf;

use opkg_tests::file_tree::{self, TreeEntry};
use opkg_tests::{scratch, tools};

use crate::direct;

#[test]
fn packages_with_everything_at_once_agree() {
    if !tools::all_installed(&direct::TOOLS) {
        return;
    }
    let directory = write_everything();
    // One is too old for capabilities, which is an error.
    let targets: Vec<&str> = direct::FAMILIES.into_iter().filter(|target| *target != "ydl").collect();
    let [native, direct] = ["native", "direct"].map(|builder| direct::compile(&directory, &targets, builder));
    // Three, and that of the directories that all OPKGs share.
    assert_eq!(direct::assert_packages_agree(&native, &direct), 4 * targets.len());
    direct::assert_sources_agree(&direct);
}

/// An OPKG that says all that the format can, of each of its parts.
fn write_everything() -> PathBuf {
    let relations = |part: &str| {
        format!(
            r#"<{part}Deps>
    <requires><pkg rel="&gt;=" version="2.0">zz-needed</pkg><any><pkg>zz-one</pkg><pkg>zz-other</pkg></any><opkg>zz-friend</opkg></requires>
    <requires><filters><arch>x86_64</arch></filters><pkg>zz-of-one-machine</pkg></requires>
    <preRequires><pkg>zz-early</pkg></preRequires>
    <recommends><pkg>zz-recommended</pkg></recommends>
    <suggests><pkg>zz-suggested</pkg></suggests>
    <supplements><pkg>zz-supplemented</pkg></supplements>
    <enhances><pkg>zz-enhanced</pkg></enhances>
    <provides><pkg rel="=" version="3.1">zz-provided-{part}</pkg></provides>
    <conflicts><pkg>zz-rival</pkg></conflicts>
    <breaks><pkg rel="&lt;" version="1.5">zz-broken</pkg></breaks>
    <obsoletes><pkg rel="&lt;" version="2.0">zz-obsolete-{part}</pkg></obsoletes>
  </{part}Deps>
  "#
        )
    };
    let rules = r#"<files>
    <file path="/etc/all" group="alld"/>
    <file path="/etc/all/key" mode="0640" config="keep"/>
    <file path="/etc/all/replaced" config="replace"/>
    <file path="/usr/lib/all/ping" capabilities="cap_net_raw=ep"/>
    <file path="/var/lib/all" owner="alld" group="alld" mode="2750"/>
    <file path="/var/lib/all/log" ghost="yes" owner="alld"/>
  </files>
  <services>
    <service name="all-server.service" enable="yes" start="yes" restart-on-upgrade="no"/>
    <service name="all-client.service" restart-on-upgrade="yes"/>
  </services>
  <alternatives>
    <alternative name="all" link="/usr/bin/all" path="/usr/bin/site-all" priority="50">
      <slave name="all.1" link="/usr/share/man/man1/all.1" path="/usr/share/site/all.1"/>
    </alternative>
  </alternatives>"#;
    let [server, client] = ["server", "client"].map(relations);
    let mut items = vec![TreeEntry::file(
        "config.xml",
        0o644,
        file_tree::minimal_config("all", &format!("{server}{client}{rules}")),
    )];
    let unit = |part: &str| {
        format!(
            "[Unit]\nDescription=All of it\n[Service]\nExecStart=/usr/lib/all/run-{part}\n[Install]\nWantedBy=multi-user.target\n"
        )
    };
    for part in ["server", "client"] {
        for time in ["pre-install", "post-install", "pre-uninstall", "post-uninstall", "post-transaction"] {
            let text = format!("#!/bin/sh\necho \"$OPKG_ACTION {part} {time}\"\n");
            items.push(TreeEntry::file(format!("scripts/{part}-{time}"), 0o755, text));
        }
        let file =
            |path: &str, mode, text: String| TreeEntry::file(format!("files/{part}/{path}"), mode, text);
        items.extend([
            file(&format!("usr/lib/systemd/system/all-{part}.service"), 0o644, unit(part)),
            file(&format!("usr/lib/all/run-{part}"), 0o755, "#!/bin/sh\n".into()),
            file(&format!("usr/lib/sysusers.d/all-{part}.conf"), 0o644, "u alld 431\n".into()),
            file(&format!("usr/lib/tmpfiles.d/all-{part}.conf"), 0o644, "d /run/all 0755 root root\n".into()),
            file(&format!("usr/lib/sysctl.d/90-all-{part}.conf"), 0o644, "vm.swappiness = 1\n".into()),
            file(&format!("usr/lib/modules-load.d/all-{part}.conf"), 0o644, "loop\n".into()),
            file(&format!("usr/lib/udev/rules.d/90-all-{part}.rules"), 0o644, "# none\n".into()),
        ]);
    }
    items.extend([
        TreeEntry::file("files/client/etc/all/key", 0o600, "key\n"),
        TreeEntry::file("files/client/etc/all/replaced", 0o644, "replaced\n"),
        TreeEntry::file("files/client/etc/all/kept", 0o644, "kept\n"),
        TreeEntry::file("files/client/usr/lib/all/ping", 0o755, "#!/bin/sh\n"),
        TreeEntry::file("files/client/usr/bin/site-all", 0o755, "#!/bin/sh\n"),
        TreeEntry::file("files/client/usr/share/site/all.1", 0o644, ".TH ALL 1\n"),
        TreeEntry::file("files/client/var/lib/all/log", 0o644, ""),
        TreeEntry::file("files/client@x86_64/usr/lib64/all/only-here", 0o644, "x\n"),
        TreeEntry::link("files/client/usr/lib/all/run", "run-client"),
        TreeEntry::file("testing/test_root", 0o755, "#!/bin/sh\n"),
        TreeEntry::file("doc/README", 0o644, "All of it.\n"),
    ]);
    let directory = scratch::create_directory("opkg").join("all");
    file_tree::write_tree(&directory, &items);
    directory
}
