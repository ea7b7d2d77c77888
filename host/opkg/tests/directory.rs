//! Rules about the files of an OPKG.

#![allow(clippy::unwrap_used)]

mod support;

use opkg::diagnostic::Location;
use opkg::model::{Destination, Opkg, Part, ScriptTime, SourceFile};
use support::Fixture;

fn find_file<'a>(opkg: &'a Opkg, path: &str) -> &'a SourceFile {
    opkg.files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no {path}: {:#?}", opkg.files))
}

/// `api scripts/x -> /usr/… 755`.
fn describe_file(file: &SourceFile) -> String {
    let destination = match &file.destination {
        Destination::Path(path) => path.replacen("/usr/lib/oscar/", "", 1),
        Destination::Documentation(path) => format!("doc:{path}"),
    };
    format!("{:?} {} -> {destination} {:o}", file.part, file.path, file.mode)
}

#[test]
fn every_file_has_its_place() {
    let directory = Fixture::new()
        .with_file("configurator.html", "<form>")
        .with_file("configurator_image.html", "<form>")
        .with_file("scripts/api-post-image", "#!/bin/sh\n")
        .with_file("scripts/client-post-install", "#!/usr/bin/perl -w\n")
        .with_file("scripts/server-post-install", "#!/bin/sh\n")
        .with_file("scripts/lib/a 'b' 50%", "")
        .with_file("scripts/.hidden", "")
        .with_file("testing/apitests.d/a.apt", "")
        .with_file("testing/tests.d/b.pl", "#!/usr/bin/perl\n")
        .with_file("testing/tests.d/deep/c", "")
        .with_file("testing/data/d", "")
        .with_file("testing/loose", "")
        .with_mode("testing/loose", 0o700)
        .with_file("testing/old/e", "")
        .with_file("doc/f/g.tex", "")
        .with_file("README.now", "")
        .with_file("NEWS", "");
    assert_eq!(directory.diagnostics(), Vec::<String>::new());
    let opkg = directory.opkg();
    let files: Vec<String> = opkg.files.iter().map(describe_file).collect();
    assert_eq!(
        files,
        [
            "Api NEWS -> doc:NEWS 644",
            "Api README.now -> doc:README.now 644",
            "Api config.xml -> packages/probe/config.xml 644",
            "Api configurator.html -> packages/probe/configurator.html 644",
            "Api configurator_image.html -> packages/probe/configurator_image.html 644",
            "Api doc/f/g.tex -> doc:f/g.tex 644",
            "Api scripts/.hidden -> packages/probe/.hidden 755",
            "Api scripts/api-post-image -> packages/probe/api-post-image 755",
            "Client scripts/client-post-install -> packages/probe/client-post-install 755",
            "Api scripts/lib/a 'b' 50% -> packages/probe/lib/a 'b' 50% 755",
            "Server scripts/server-post-install -> packages/probe/server-post-install 755",
            "Api testing/apitests.d/a.apt -> testing/apitests.d/a.apt 644",
            "Api testing/data/d -> testing/data/probe/d 644",
            "Api testing/loose -> testing/data/probe/loose 755",
            "Api testing/old/e -> testing/data/probe/old/e 644",
            "Api testing/tests.d/b.pl -> testing/tests.d/b.pl 755",
            "Api testing/tests.d/deep/c -> testing/tests.d/deep/c 644",
        ]
    );
    let directories: Vec<String> = opkg
        .directories
        .iter()
        .map(|directory| match &directory.destination {
            Destination::Path(path) => {
                format!("{:?} {}", directory.part, path.replacen("/usr/lib/oscar/", "", 1))
            }
            Destination::Documentation(path) => format!("{:?} doc:{path}", directory.part),
        })
        .collect();
    assert_eq!(
        directories,
        [
            "Api packages/probe",
            "Api packages/probe/lib",
            "Api testing/data/probe",
            "Api testing/data/probe/old",
            "Api testing/tests.d/deep",
            "Api doc:",
            "Api doc:f",
            "Server packages/probe",
            "Client packages/probe",
        ]
    );
    assert_eq!(find_file(&opkg, "scripts/client-post-install").interpreter, ["/usr/bin/perl", "-w"]);
    let config = find_file(&opkg, "config.xml");
    assert_eq!(config.size as usize, support::VALID_CONFIG.len());
    assert_eq!(opkg.location(config.at), Some(&Location::File("config.xml".into())));
    // The hash of nothing is well known.
    assert_eq!(find_file(&opkg, "NEWS").sha256[..4], [0xe3, 0xb0, 0xc4, 0x42]);
}

#[test]
fn the_least_opkg_owns_its_home() {
    let opkg = Fixture::new().with_directory("doc").with_directory("testing").opkg();
    assert_eq!(opkg.files.len(), 1);
    assert_eq!(opkg.directories.len(), 1);
}

#[test]
fn what_is_not_packaged() {
    let directory = Fixture::new()
        .with_file(".git/config", "")
        .with_file("scripts/.svn/entries", "")
        .with_file("scripts/x~", "")
        .with_file("scripts/.x.swp", "")
        .with_file("SRPMS/x.src", "")
        .with_file("distro/fox5-i386/x.pkg", "")
        .with_file("build.cfg", "")
        .with_file("docs/x", "")
        .with_file("scirpts/x", "")
        .with_file("scripts/SRPMS", "");
    assert_eq!(
        directory.diagnostics(),
        ["warning not-packaged build.cfg", "warning not-packaged docs", "warning not-packaged scirpts"]
    );
    let help = directory.load().diagnostics[2].help.clone().unwrap();
    assert_eq!(help, "did you mean `scripts`?");
    let paths: Vec<String> = directory.opkg().files.into_iter().map(|file| file.path).collect();
    assert_eq!(paths, ["config.xml", "scripts/SRPMS"]);
}

#[test]
fn native_scripts_become_scriptlets() {
    let directory = Fixture::new()
        .with_file("scripts/api-pre-install", "#!/usr/bin/perl\nprint '%';\n")
        .with_file("scripts/setup", "#!/bin/sh\n")
        .with_file("scripts/post_client_rpm_uninstall", "#!/bin/bash\nexit\n")
        .with_file("scripts/server-pre-uninstall", "#!/bin/sh\n")
        .with_file("scripts/post_install", "#!/bin/sh\n");
    assert_eq!(directory.diagnostics(), Vec::<String>::new());
    let opkg = directory.opkg();
    let of = |path: &str| {
        let file = find_file(&opkg, path);
        (file.part, file.scriptlet.as_ref().map(|scriptlet| (scriptlet.time, scriptlet.text.as_deref())))
    };
    let carried = |time, text| Some((time, Some(text)));
    assert_eq!(
        of("scripts/api-pre-install"),
        (Part::Api, carried(ScriptTime::PreInstall, "#!/usr/bin/perl\nprint '%';\n"))
    );
    assert_eq!(of("scripts/setup"), (Part::Api, Some((ScriptTime::PostInstall, None))));
    assert_eq!(
        of("scripts/post_client_rpm_uninstall"),
        (Part::Client, carried(ScriptTime::PostUninstall, "#!/bin/bash\nexit\n"))
    );
    assert_eq!(of("scripts/server-pre-uninstall"), (Part::Server, Some((ScriptTime::PreUninstall, None))));
    assert_eq!(of("scripts/post_install"), (Part::Api, None));
}

/// Helpers count: what they are told, they get from the script that calls them.
#[test]
fn a_file_of_the_scripts_that_mentions_the_action_is_enough() {
    for (path, text, expected) in [
        ("scripts/client-post-install", "#!/bin/sh\n[ \"$OPKG_ACTION\" = upgrade ]\n", true),
        ("scripts/lib/helper.pm", "1;\n$ENV{OPKG_OLD_VERSION}", true),
        ("scripts/client-post-install", "#!/bin/sh\necho $OPKG_ACT\n", false),
        ("doc/guide", "OPKG_ACTION", false),
        ("testing/data/x", "OPKG_ACTION", false),
    ] {
        assert_eq!(Fixture::new().with_file(path, text).opkg().tells_action, expected, "{path} {text}");
    }
}

#[test]
fn of_two_names_the_present_one_runs() {
    let directory = Fixture::new()
        .with_file("scripts/post_server_rpm_install", "#!/bin/sh\n")
        .with_file("scripts/server-post-install", "#!/bin/sh\n");
    assert_eq!(directory.diagnostics(), ["warning script-twice scripts/post_server_rpm_install"]);
    let opkg = directory.opkg();
    let old = find_file(&opkg, "scripts/post_server_rpm_install");
    assert_eq!((old.part, &old.scriptlet), (Part::Server, &None));
    assert!(find_file(&opkg, "scripts/server-post-install").scriptlet.is_some());
}

#[test]
fn faults_of_scripts() {
    for (name, contents, expected) in [
        ("api-post-install", b"true\n".as_slice(), "warning script-interpreter"),
        ("api-pre-install", b"true\n", "warning script-interpreter"),
        ("api-post-install", b"\x7fELF\0", ""),
        ("api-pre-install", b"\x7fELF\0", "error script-carried"),
        ("api-post-install", b"#!perl\n", "error script-interpreter"),
        ("helper", b"#!perl\n", "warning script-interpreter"),
        ("helper", b"true\n", ""),
        ("api-post-install", b"#!/bin/sh\r\ntrue\r\n", "error script-line-ends"),
        ("helper", b"#!/bin/sh\r\ntrue\r\n", "warning script-line-ends"),
        ("api-post-image", b"#!/usr/bin/env python3 -u\n", "error script-interpreter"),
        ("helper", b"#!/usr/bin/env python3 -u\n", "warning script-interpreter"),
        ("server-pre-uninstall", b"\xef\xbb\xbf#!/bin/sh\n", "error script-mark"),
        ("post_install", b"\n#!/bin/sh\n", "error script-interpreter"),
        ("api-post-deploy", b"true\n", "warning script-interpreter"),
        ("client-post-install", b"#!/usr/local/bin/bash\n", "warning script-interpreter"),
        ("Client-Post-Install", b"#!/bin/sh\n", "warning script-name"),
        ("post-install-server", b"#!/bin/sh\n", "warning script-name"),
        ("client/client-post-install", b"#!/bin/sh\n", "warning script-name"),
        ("api-pre-install", b"#!/bin/sh\n# \xe9\n", "warning script-encoding"),
        ("api-post-install", b"#!/bin/sh\n# \xe9\n", ""),
        ("api-post-instal", b"#!/bin/sh\n", "warning script-name"),
    ] {
        let path = format!("scripts/{name}");
        let diagnostics = Fixture::new().with_file(&path, contents).diagnostics();
        let expected: Vec<String> = Some(expected)
            .filter(|code| !code.is_empty())
            .map(|code| format!("{code} {path}"))
            .into_iter()
            .collect();
        assert_eq!(diagnostics, expected, "{name}: {contents:?}");
    }
    let opkg = Fixture::new().with_file("scripts/api-pre-install", b"true # \xe9\n").opkg();
    let script = find_file(&opkg, "scripts/api-pre-install");
    assert_eq!(script.interpreter, ["/bin/sh"]);
    assert_eq!(script.scriptlet.as_ref().unwrap().text.as_deref(), Some("true # é\n"));
    let long = format!("#!/bin/sh\n{}", "#\n".repeat(200_000));
    assert_eq!(
        Fixture::new().with_file("scripts/client-post-uninstall", &long).diagnostics(),
        ["error script-carried scripts/client-post-uninstall"]
    );
    assert!(Fixture::new().with_file("scripts/client-post-install", &long).diagnostics().is_empty());
}

#[test]
fn links() {
    for (path, target, is_rejected) in [
        ("scripts/a", "b", false),
        ("scripts/a", "./lib/../b", false),
        ("scripts/a", "lib", false),
        ("scripts/lib/a", "../b", false),
        ("scripts/a", "lib/c", false),
        ("doc/a", "b", false),
        ("scripts/a", "/etc/passwd", true),
        ("scripts/a", "../../x", true),
        ("scripts/a", "nothing", true),
        ("scripts/a", "a", true),
        ("scripts/a", "../scripts/b", true),
        ("scripts/a", "../doc/b", true),
        ("doc/a", "../scripts/b", true),
        ("scripts/a", "../.git/x", true),
        ("scripts/a", "client-post-install", true),
        ("scripts/server-post-install", "b", false),
        ("scripts/client-pre-uninstall", "b", true),
        ("scripts/client-pre-uninstall", "client-post-install", false),
        ("scripts/a", "b/", true),
    ] {
        let directory = Fixture::new()
            .with_file("scripts/b", "#!/bin/sh\n")
            .with_file("scripts/lib/c", "")
            .with_file("scripts/client-post-install", "#!/bin/sh\n")
            .with_file("doc/b", "")
            .with_file(".git/x", "")
            .with_link(path, target);
        let expected = if is_rejected { vec![format!("error link {path}")] } else { Vec::new() };
        assert_eq!(directory.diagnostics(), expected, "{path} -> {target}");
        if !is_rejected {
            assert_eq!(find_file(&directory.opkg(), path).link.as_deref(), Some(target));
        }
    }
}

#[test]
fn links_out_of_the_opkg_by_way_of_another() {
    let outside = Fixture::new().with_file("secret", "");
    let directory =
        Fixture::new().with_directory("scripts").with_link("scripts/way", outside.path().to_str().unwrap());
    assert_eq!(directory.diagnostics(), ["error link scripts/way"]);
    let directory = directory.with_link("scripts/x", "way/secret");
    assert_eq!(directory.diagnostics(), ["error link scripts/way", "error link scripts/x"]);
    for top in ["scripts", "doc", "testing"] {
        let directory = Fixture::new().with_link(top, outside.path().to_str().unwrap());
        assert_eq!(directory.diagnostics(), [format!("error link {top}")]);
        let directory = Fixture::new().with_file("elsewhere/x", "").with_link(top, "elsewhere");
        assert!(directory.diagnostics().contains(&format!("error link {top}")));
    }
}

#[test]
fn a_carried_script_behind_a_link_is_carried() {
    let directory = Fixture::new()
        .with_file("scripts/real", "#!/bin/sh\ntrue\n")
        .with_link("scripts/api-pre-install", "real");
    let opkg = directory.opkg();
    let script = find_file(&opkg, "scripts/api-pre-install");
    assert_eq!(script.scriptlet.as_ref().unwrap().text.as_deref(), Some("#!/bin/sh\ntrue\n"));
    assert_eq!(script.interpreter, ["/bin/sh"]);
    assert_eq!((script.size, script.sha256[0]), (0, 0xe3));
}

#[test]
fn two_files_for_one_place() {
    let directory = Fixture::new().with_file("testing/x", "").with_file("testing/data/x", "");
    assert_eq!(directory.diagnostics(), ["error file-clash testing/x"]);
    let message = directory.load().diagnostics[0].message.clone();
    assert!(message.contains("`testing/x`") && message.contains("`testing/data/x`"), "{message}");
    let directory = Fixture::new().with_file("README", "").with_file("doc/README", "");
    assert_eq!(directory.diagnostics(), ["error file-clash doc/README"]);
    let directory = Fixture::new().with_file("testing/x", "").with_file("testing/data/x/y", "");
    assert_eq!(directory.diagnostics(), ["error file-clash testing/x"]);
}

#[test]
fn what_is_at_the_top_wins_over_copies_among_the_scripts() {
    let directory = Fixture::new()
        .with_file("configurator.html", "new")
        .with_file("scripts/configurator.html", "old")
        .with_file("scripts/config.xml", "");
    assert_eq!(
        directory.diagnostics(),
        ["warning file-shadowed scripts/config.xml", "warning file-shadowed scripts/configurator.html"]
    );
    assert_eq!(directory.opkg().files.len(), 2);
    let directory = Fixture::new().with_file("scripts/configurator.html", "only one");
    assert_eq!(directory.opkg().files.len(), 2);
}

#[test]
fn names_and_kinds_that_cannot_be_packaged() {
    use std::os::unix::ffi::OsStrExt;
    let directory = Fixture::new()
        .with_file("scripts/a\nb", "")
        .with_file("scripts/c\u{202e}d", "")
        .with_file(&format!("scripts/{}", "l".repeat(247)), "")
        .with_file(&format!("doc/{}", "l".repeat(246)), "")
        .with_file("scripts/root", "")
        .with_mode("scripts/root", 0o4755)
        .with_file("scripts/group", "")
        .with_mode("scripts/group", 0o2755);
    std::fs::write(directory.path().join("scripts").join(std::ffi::OsStr::from_bytes(b"\xff")), "").unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        directory.path().join("scripts/pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    assert_eq!(
        directory.diagnostics(),
        [
            "error file-name scripts",
            "error file-name scripts",
            "error file-name scripts",
            "error file-name scripts",
            "error file-mode scripts/group",
            "error file-kind scripts/pipe",
            "error file-mode scripts/root",
        ]
    );
}

#[test]
fn a_config_that_is_no_file() {
    let pipe = Fixture::new();
    std::fs::remove_file(pipe.path().join("config.xml")).unwrap();
    assert_eq!(pipe.diagnostics(), ["error config-missing config.xml"]);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        pipe.path().join("config.xml"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    assert_eq!(pipe.diagnostics(), ["error config-unreadable config.xml"]);

    let empty = || {
        let directory = Fixture::new();
        std::fs::remove_file(directory.path().join("config.xml")).unwrap();
        directory
    };
    assert_eq!(empty().with_directory("config.xml").diagnostics(), ["error config-unreadable config.xml"]);
    assert_eq!(empty().with_link("config.xml", "/dev/zero").diagnostics(), ["error link config.xml"]);
    assert_eq!(
        empty().with_link("config.xml", "config.xml").diagnostics(),
        ["error config-unreadable config.xml"]
    );
    assert_eq!(empty().with_link("config.xml", "gone").diagnostics(), ["error config-missing config.xml"]);
    let nowhere = opkg::load(&empty().path().join("nowhere"), &opkg::Settings::default());
    assert_eq!(support::summarize_diagnostics(&nowhere), ["error directory -"]);
}

#[test]
fn sizes_are_limited() {
    let large = Fixture::new().with_file("doc/large", "");
    std::fs::File::options()
        .write(true)
        .open(large.path().join("doc/large"))
        .unwrap()
        .set_len((64 << 30) + 1)
        .unwrap();
    assert_eq!(large.diagnostics(), ["error file-limit doc/large"]);
    let config = Fixture::with_config(vec![b' '; (4 << 20) + 1]);
    assert_eq!(config.diagnostics(), ["error config-too-large config.xml"]);
    let deep = Fixture::new().with_file(&format!("doc/{}x", "d/".repeat(80)), "");
    let diagnostics = deep.diagnostics();
    assert_eq!(diagnostics.len(), 1);
    assert!(diagnostics[0].starts_with("error file-limit doc/d/"), "{diagnostics:?}");
}

#[test]
fn an_unreadable_file_is_named_and_the_others_are_checked() {
    let directory = Fixture::new()
        .with_file("scripts/closed", "")
        .with_mode("scripts/closed", 0)
        .with_file("scripts/z", "")
        .with_link("scripts/y", "/x");
    if std::fs::read(directory.path().join("scripts/closed")).is_ok() {
        println!("skipped: this user may read everything");
        return;
    }
    assert_eq!(directory.diagnostics(), ["error file-unreadable scripts/closed", "error link scripts/y"]);
}

#[test]
fn nothing_is_written_and_times_do_not_matter() {
    let directory = Fixture::new().with_file("scripts/x", "#!/bin/sh\n");
    let before = directory.load();
    let file = std::fs::File::options().write(true).open(directory.path().join("scripts/x")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(directory.load(), before);
}

/// What a script calls goes where the script goes.
#[test]
fn helpers_reach_the_part_that_needs_them() {
    let directory = Fixture::new()
        .with_file("scripts/client-post-install", "#!/bin/sh\n\"$OSCAR_PACKAGE_HOME\"/client/fix\n")
        .with_file("scripts/client/fix", "#!/bin/sh\n. ${0%/*}/lib/common.sh\n")
        .with_file("scripts/client/lib/common.sh", "")
        .with_file("scripts/server/tune", "#!/bin/sh\n")
        .with_file("scripts/clients", "")
        .with_file("scripts/shared", "");
    assert_eq!(directory.diagnostics(), [""; 0]);
    let opkg = directory.opkg();
    let files: Vec<String> =
        opkg.files.iter().filter(|file| file.path.starts_with("scripts/")).map(describe_file).collect();
    assert_eq!(
        files,
        [
            "Client scripts/client-post-install -> packages/probe/client-post-install 755",
            "Client scripts/client/fix -> packages/probe/client/fix 755",
            "Client scripts/client/lib/common.sh -> packages/probe/client/lib/common.sh 755",
            "Api scripts/clients -> packages/probe/clients 755",
            "Server scripts/server/tune -> packages/probe/server/tune 755",
            "Api scripts/shared -> packages/probe/shared 755",
        ]
    );
    let of = |part: Part| -> Vec<&str> {
        let of_part = opkg.directories.iter().filter(|directory| directory.part == part);
        let path = |directory: &'_ opkg::model::Directory| match &directory.destination {
            Destination::Path(path) => path.clone().leak().strip_prefix("/usr/lib/oscar/packages/").unwrap(),
            Destination::Documentation(_) => panic!("no documentation"),
        };
        of_part.map(path).collect()
    };
    assert_eq!(of(Part::Client), ["probe", "probe/client", "probe/client/lib"]);
    assert_eq!(of(Part::Server), ["probe", "probe/server"]);
    assert_eq!(of(Part::Api), ["probe"]);
}

#[test]
fn calls_to_what_is_on_another_machine() {
    for (script, helper, text, is_reported) in [
        ("client-post-install", "fix", "$OSCAR_PACKAGE_HOME/fix", true),
        ("client-post-install", "server/fix", "$OSCAR_PACKAGE_HOME/server/fix", true),
        ("client/run", "fix", ". ./fix", true),
        ("server-post-install", "client/fix", "`dirname $0`/client/fix", true),
        ("api-post-image", "client/fix", "cp $OSCAR_PACKAGE_HOME/client/fix $1/tmp", true),
        ("api-post-install", "server/fix", "${OSCAR_PACKAGE_HOME}/server/fix", true),
        ("server-post-install", "fix", "$OSCAR_PACKAGE_HOME/fix", false),
        ("api-post-image", "fix", "./fix", false),
        ("client-post-install", "client/fix", "$OSCAR_PACKAGE_HOME/client/fix", false),
        ("client-post-install", "fix", "/usr/sbin/fix", false),
        ("client-post-install", "fix", "# ./fix runs on the head node", false),
    ] {
        let path = format!("scripts/{script}");
        let directory = Fixture::new()
            .with_file(&path, format!("#!/bin/sh\n{text}\n"))
            .with_file(&format!("scripts/{helper}"), "#!/bin/sh\n");
        let expected = if is_reported { vec![format!("warning script-helper {path}")] } else { Vec::new() };
        assert_eq!(directory.diagnostics(), expected, "{script}: {text}");
    }
}

/// A program of one architecture among the files of a package.
#[test]
fn programs_of_an_architecture() {
    let program = |machine: u8| {
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(18, 0);
        bytes.extend([machine, 0, 0, 0]);
        bytes
    };
    let restricted = |archs: &str| {
        let filters = format!("<filters>{archs}</filters>\n  <serverDeps>");
        support::config_with("<serverDeps>", &filters)
    };
    for (config, machine, is_reported) in [
        (support::VALID_CONFIG.to_owned(), 62, true),
        (restricted("<arch>amd64</arch>"), 62, false),
        (restricted("<arch>aarch64</arch>"), 62, true),
        (restricted("<arch>aarch64</arch>"), 183, false),
        (restricted("<arch>x86_64</arch><arch>aarch64</arch>"), 62, true),
        (support::VALID_CONFIG.to_owned(), 0, false),
    ] {
        for path in ["scripts/helper", "testing/tests.d/probe_x", "scripts/api-post-image"] {
            let found = Fixture::with_config(&config).with_file(path, program(machine)).diagnostics();
            let expected =
                if is_reported { vec![format!("warning file-architecture {path}")] } else { Vec::new() };
            assert_eq!(found, expected, "{path} {machine}");
        }
    }
}

#[test]
fn what_is_laid_into_the_root() {
    let program = |machine: u8| {
        let mut head = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0".to_vec();
        head.extend([machine, 0]);
        head
    };
    let directory = Fixture::new()
        .with_file("files/api/usr/share/probe/page", "")
        .with_file("files/client/etc/probe.conf", "#!/bin/sh\n")
        .with_file("files/client/etc/probe/key", "")
        .with_mode("files/client/etc/probe/key", 0o660)
        .with_file("files/client/etc/profile.d/probe.sh", "")
        .with_file("files/server/usr/sbin/probed", program(183))
        .with_mode("files/server/usr/sbin/probed", 0o775)
        .with_link("files/client/etc/alternative", "/nowhere/at all")
        .with_link("files/server/usr/bin/probe", "../sbin/probed");
    assert_eq!(directory.diagnostics(), Vec::<String>::new());
    let opkg = directory.opkg();
    let described = |file: &SourceFile| {
        let configuration = if file.is_configuration { " configuration" } else { "" };
        let arch = file.arch.map_or_else(String::new, |arch| format!(" {arch}"));
        format!("{}{configuration}{arch}", describe_file(file))
    };
    let files = opkg.files.iter().filter(|file| file.path.starts_with("files/")).map(described);
    assert_eq!(
        files.collect::<Vec<_>>(),
        [
            "Api files/api/usr/share/probe/page -> /usr/share/probe/page 644",
            "Client files/client/etc/alternative -> /etc/alternative 644",
            "Client files/client/etc/probe.conf -> /etc/probe.conf 644 configuration",
            "Client files/client/etc/probe/key -> /etc/probe/key 640 configuration",
            "Client files/client/etc/profile.d/probe.sh -> /etc/profile.d/probe.sh 644 configuration",
            "Server files/server/usr/bin/probe -> /usr/bin/probe 644",
            "Server files/server/usr/sbin/probed -> /usr/sbin/probed 755 aarch64",
        ]
    );
    let own = |part| -> Vec<String> {
        let of_part = opkg.directories.iter().filter(|directory| directory.part == part);
        of_part.map(|directory| format!("{:?}", directory.destination)).collect()
    };
    assert_eq!(own(Part::Client), ["Path(\"/etc/probe\")"]);
    assert_eq!(own(Part::Server), [""; 0], "what every system has is nobody's");
    assert_eq!(own(Part::Api), ["Path(\"/usr/lib/oscar/packages/probe\")", "Path(\"/usr/share/probe\")"]);
}

#[test]
fn what_cannot_be_laid_into_the_root() {
    let directory = Fixture::new()
        .with_file("files/client/run/probe/socket", "")
        .with_file("files/client/var/run/probe.pid", "")
        .with_file("files/client/bin/probe", "")
        .with_file("files/client/lib64/libprobe.so", "")
        .with_file("files/client/library/fine", "")
        .with_file("files/node/etc/probe", "")
        .with_file("files/etc/probe", "")
        .with_file("files/server/etc/same", "")
        .with_file("files/client/etc/same", "");
    assert_eq!(
        directory.diagnostics(),
        [
            "error file-place files/client/bin/probe",
            "error file-place files/client/lib64/libprobe.so",
            "error file-place files/client/run/probe/socket",
            "error file-place files/client/var/run/probe.pid",
            "warning not-packaged files/etc/probe",
            "warning not-packaged files/node/etc/probe",
            "error file-clash files/server/etc/same",
        ]
    );
    let mut head = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0".to_vec();
    head.extend([62, 0]);
    for (archs, is_refused) in [("x86_64", false), ("aarch64", true)] {
        let filters = format!("<filters><arch>{archs}</arch></filters>\n  <serverDeps>");
        let config = support::config_with("<serverDeps>", &filters);
        let directory = Fixture::with_config(config).with_file("files/client/usr/bin/probe", &head);
        let expected =
            if is_refused { vec!["error file-architecture files/client/usr/bin/probe"] } else { vec![] };
        assert_eq!(directory.diagnostics(), expected, "{archs}");
    }
}

#[test]
fn directories_for_one_architecture() {
    let program = |machine: u8| {
        let mut head = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0".to_vec();
        head.extend([machine, 0]);
        head
    };
    let directory = Fixture::new()
        .with_file("files/client@amd64/opt/probe/bin/probe", program(62))
        .with_file("files/client@aarch64/opt/probe/bin/probe", program(183))
        .with_file("files/client@aarch64/opt/probe/only", "")
        .with_file("files/client/opt/probe/shared", "");
    assert_eq!(directory.diagnostics(), [""; 0]);
    let opkg = directory.opkg();
    let laid = opkg.files.iter().filter(|file| file.path.starts_with("files/"));
    let laid = laid.map(|file| format!("{} {:?} {:?}", describe_file(file), file.arch, file.only_arch));
    assert_eq!(
        laid.collect::<Vec<_>>(),
        [
            "Client files/client/opt/probe/shared -> /opt/probe/shared 644 None None",
            "Client files/client@aarch64/opt/probe/bin/probe -> /opt/probe/bin/probe 644 Some(\"aarch64\") Some(\"aarch64\")",
            "Client files/client@aarch64/opt/probe/only -> /opt/probe/only 644 None Some(\"aarch64\")",
            "Client files/client@amd64/opt/probe/bin/probe -> /opt/probe/bin/probe 644 Some(\"x86_64\") Some(\"x86_64\")",
        ]
    );
    let archs = |path: &str| -> Vec<Option<&str>> {
        let named = |it: &&opkg::model::Directory| it.destination == Destination::Path(path.to_owned());
        opkg.directories.iter().filter(named).map(|it| it.only_arch).collect()
    };
    assert_eq!(archs("/opt/probe"), [None, Some("aarch64"), Some("x86_64")]);
    assert_eq!(archs("/opt/probe/bin"), [Some("aarch64"), Some("x86_64")]);
}

#[test]
fn what_is_wrong_with_directories_for_one_architecture() {
    let mut arm = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0".to_vec();
    arm.extend([183, 0]);
    let filters = "<filters><arch>x86_64</arch><arch>aarch64</arch></filters>\n  <serverDeps>";
    let directory = Fixture::with_config(support::config_with("<serverDeps>", filters))
        .with_file("files/client@x86_64/opt/probe/bin", arm)
        .with_file("files/client@x86-64/opt/probe/twice", "")
        .with_file("files/client@amd64/opt/probe/twice", "")
        .with_file("files/client/opt/probe/both", "")
        .with_file("files/client@aarch64/opt/probe/both", "")
        .with_file("files/client@x68_64/opt/probe/none", "")
        .with_file("files/client@riscv64/opt/probe/excluded", "");
    assert_eq!(
        directory.diagnostics(),
        [
            "error file-clash files/client@aarch64/opt/probe/both",
            "warning file-architecture files/client@riscv64/opt/probe/excluded",
            "error file-architecture files/client@x68_64/opt/probe/none",
            "error file-clash files/client@x86-64/opt/probe/twice",
            "error file-architecture files/client@x86_64/opt/probe/bin",
        ]
    );
}
