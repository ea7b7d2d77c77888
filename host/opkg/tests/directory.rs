//! Rules about the files of an OPKG.

#![allow(clippy::unwrap_used)]

mod support;

use opkg::diagnostic::Place;
use opkg::model::{Destination, HookTime, Opkg, Part, SourceFile};
use support::Directory;

fn file<'a>(opkg: &'a Opkg, path: &str) -> &'a SourceFile {
    opkg.files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no {path}: {:#?}", opkg.files))
}

/// `api scripts/x -> /usr/… 755`.
fn described(file: &SourceFile) -> String {
    let destination = match &file.destination {
        Destination::Path(path) => path.replacen("/usr/lib/oscar/", "", 1),
        Destination::Documentation(path) => format!("doc:{path}"),
    };
    format!("{:?} {} -> {destination} {:o}", file.part, file.path, file.mode)
}

#[test]
fn every_file_has_its_place() {
    let directory = Directory::new()
        .file("configurator.html", "<form>")
        .file("configurator_image.html", "<form>")
        .file("scripts/api-post-image", "#!/bin/sh\n")
        .file("scripts/client-post-install", "#!/usr/bin/perl -w\n")
        .file("scripts/server-post-install", "#!/bin/sh\n")
        .file("scripts/lib/a 'b' 50%", "")
        .file("scripts/.hidden", "")
        .file("testing/apitests.d/a.apt", "")
        .file("testing/tests.d/b.pl", "#!/usr/bin/perl\n")
        .file("testing/tests.d/deep/c", "")
        .file("testing/data/d", "")
        .file("testing/loose", "")
        .mode("testing/loose", 0o700)
        .file("testing/old/e", "")
        .file("doc/f/g.tex", "")
        .file("README.now", "")
        .file("NEWS", "");
    assert_eq!(directory.findings(), Vec::<String>::new());
    let opkg = directory.opkg();
    let files: Vec<String> = opkg.files.iter().map(described).collect();
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
    assert_eq!(file(&opkg, "scripts/client-post-install").interpreter, ["/usr/bin/perl", "-w"]);
    let config = file(&opkg, "config.xml");
    assert_eq!(config.size as usize, support::CONFIG.len());
    assert_eq!(opkg.place(config.at), Some(&Place::File("config.xml".into())));
    // The hash of nothing is well known.
    assert_eq!(file(&opkg, "NEWS").sha256[..4], [0xe3, 0xb0, 0xc4, 0x42]);
}

#[test]
fn the_least_opkg_owns_its_home() {
    let opkg = Directory::new().directory("doc").directory("testing").opkg();
    assert_eq!(opkg.files.len(), 1);
    assert_eq!(opkg.directories.len(), 1);
}

#[test]
fn what_is_not_packaged() {
    let directory = Directory::new()
        .file(".git/config", "")
        .file("scripts/.svn/entries", "")
        .file("scripts/x~", "")
        .file("scripts/.x.swp", "")
        .file("SRPMS/x.src", "")
        .file("distro/fox5-i386/x.pkg", "")
        .file("build.cfg", "")
        .file("docs/x", "")
        .file("scirpts/x", "")
        .file("scripts/SRPMS", "");
    assert_eq!(
        directory.findings(),
        ["warning not-packaged build.cfg", "warning not-packaged docs", "warning not-packaged scirpts"]
    );
    let help = directory.load().diagnostics[2].help.clone().unwrap();
    assert_eq!(help, "did you mean `scripts`?");
    let paths: Vec<String> = directory.opkg().files.into_iter().map(|file| file.path).collect();
    assert_eq!(paths, ["config.xml", "scripts/SRPMS"]);
}

#[test]
fn native_scripts_become_scriptlets() {
    let directory = Directory::new()
        .file("scripts/api-pre-install", "#!/usr/bin/perl\nprint '%';\n")
        .file("scripts/setup", "#!/bin/sh\n")
        .file("scripts/post_client_rpm_uninstall", "#!/bin/bash\nexit\n")
        .file("scripts/server-pre-uninstall", "#!/bin/sh\n")
        .file("scripts/post_install", "#!/bin/sh\n");
    assert_eq!(directory.findings(), Vec::<String>::new());
    let opkg = directory.opkg();
    let of = |path: &str| {
        let file = file(&opkg, path);
        (file.part, file.scriptlet.as_ref().map(|scriptlet| (scriptlet.time, scriptlet.text.as_deref())))
    };
    let carried = |time, text| Some((time, Some(text)));
    assert_eq!(
        of("scripts/api-pre-install"),
        (Part::Api, carried(HookTime::PreInstall, "#!/usr/bin/perl\nprint '%';\n"))
    );
    assert_eq!(of("scripts/setup"), (Part::Api, Some((HookTime::PostInstall, None))));
    assert_eq!(
        of("scripts/post_client_rpm_uninstall"),
        (Part::Client, carried(HookTime::PostUninstall, "#!/bin/bash\nexit\n"))
    );
    assert_eq!(of("scripts/server-pre-uninstall"), (Part::Server, Some((HookTime::PreUninstall, None))));
    assert_eq!(of("scripts/post_install"), (Part::Api, None));
}

#[test]
fn of_two_names_the_present_one_runs() {
    let directory = Directory::new()
        .file("scripts/post_server_rpm_install", "#!/bin/sh\n")
        .file("scripts/server-post-install", "#!/bin/sh\n");
    assert_eq!(directory.findings(), ["warning script-twice scripts/post_server_rpm_install"]);
    let opkg = directory.opkg();
    let old = file(&opkg, "scripts/post_server_rpm_install");
    assert_eq!((old.part, &old.scriptlet), (Part::Server, &None));
    assert!(file(&opkg, "scripts/server-post-install").scriptlet.is_some());
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
        ("api-post-install", b"#!/bin/sh\r\ntrue\r\n", "warning script-line-ends"),
        ("api-pre-install", b"#!/bin/sh\n# \xe9\n", "warning script-encoding"),
        ("api-post-install", b"#!/bin/sh\n# \xe9\n", ""),
        ("api-post-instal", b"#!/bin/sh\n", "warning script-name"),
    ] {
        let path = format!("scripts/{name}");
        let findings = Directory::new().file(&path, contents).findings();
        let expected: Vec<String> = Some(expected)
            .filter(|code| !code.is_empty())
            .map(|code| format!("{code} {path}"))
            .into_iter()
            .collect();
        assert_eq!(findings, expected, "{name}: {contents:?}");
    }
    let opkg = Directory::new().file("scripts/api-pre-install", b"true # \xe9\n").opkg();
    let script = file(&opkg, "scripts/api-pre-install");
    assert_eq!(script.interpreter, ["/bin/sh"]);
    assert_eq!(script.scriptlet.as_ref().unwrap().text.as_deref(), Some("true # é\n"));
    let long = format!("#!/bin/sh\n{}", "#\n".repeat(200_000));
    assert_eq!(
        Directory::new().file("scripts/client-post-uninstall", &long).findings(),
        ["error script-carried scripts/client-post-uninstall"]
    );
    assert!(Directory::new().file("scripts/client-post-install", &long).findings().is_empty());
}

#[test]
fn links() {
    for (path, target, is_refused) in [
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
        let directory = Directory::new()
            .file("scripts/b", "#!/bin/sh\n")
            .file("scripts/lib/c", "")
            .file("scripts/client-post-install", "#!/bin/sh\n")
            .file("doc/b", "")
            .file(".git/x", "")
            .link(path, target);
        let expected = if is_refused { vec![format!("error link {path}")] } else { Vec::new() };
        assert_eq!(directory.findings(), expected, "{path} -> {target}");
        if !is_refused {
            assert_eq!(file(&directory.opkg(), path).link.as_deref(), Some(target));
        }
    }
}

#[test]
fn links_out_of_the_opkg_by_way_of_another() {
    let outside = Directory::new().file("secret", "");
    let directory =
        Directory::new().directory("scripts").link("scripts/way", outside.path().to_str().unwrap());
    assert_eq!(directory.findings(), ["error link scripts/way"]);
    let directory = directory.link("scripts/x", "way/secret");
    assert_eq!(directory.findings(), ["error link scripts/way", "error link scripts/x"]);
    for top in ["scripts", "doc", "testing"] {
        let directory = Directory::new().link(top, outside.path().to_str().unwrap());
        assert_eq!(directory.findings(), [format!("error link {top}")]);
        let directory = Directory::new().file("elsewhere/x", "").link(top, "elsewhere");
        assert!(directory.findings().contains(&format!("error link {top}")));
    }
}

#[test]
fn a_carried_script_behind_a_link_is_carried() {
    let directory =
        Directory::new().file("scripts/real", "#!/bin/sh\ntrue\n").link("scripts/api-pre-install", "real");
    let opkg = directory.opkg();
    let script = file(&opkg, "scripts/api-pre-install");
    assert_eq!(script.scriptlet.as_ref().unwrap().text.as_deref(), Some("#!/bin/sh\ntrue\n"));
    assert_eq!(script.interpreter, ["/bin/sh"]);
    assert_eq!((script.size, script.sha256[0]), (0, 0xe3));
}

#[test]
fn two_files_for_one_place() {
    let directory = Directory::new().file("testing/x", "").file("testing/data/x", "");
    assert_eq!(directory.findings(), ["error file-clash testing/x"]);
    let message = directory.load().diagnostics[0].message.clone();
    assert!(message.contains("`testing/x`") && message.contains("`testing/data/x`"), "{message}");
    let directory = Directory::new().file("README", "").file("doc/README", "");
    assert_eq!(directory.findings(), ["error file-clash doc/README"]);
    let directory = Directory::new().file("testing/x", "").file("testing/data/x/y", "");
    assert_eq!(directory.findings(), ["error file-clash testing/x"]);
}

#[test]
fn what_is_at_the_top_wins_over_copies_among_the_scripts() {
    let directory = Directory::new()
        .file("configurator.html", "new")
        .file("scripts/configurator.html", "old")
        .file("scripts/config.xml", "");
    assert_eq!(
        directory.findings(),
        ["warning file-shadowed scripts/config.xml", "warning file-shadowed scripts/configurator.html"]
    );
    assert_eq!(directory.opkg().files.len(), 2);
    let directory = Directory::new().file("scripts/configurator.html", "only one");
    assert_eq!(directory.opkg().files.len(), 2);
}

#[test]
fn names_and_kinds_that_cannot_be_packaged() {
    use std::os::unix::ffi::OsStrExt;
    let directory = Directory::new()
        .file("scripts/a\nb", "")
        .file("scripts/c\u{202e}d", "")
        .file("scripts/root", "")
        .mode("scripts/root", 0o4755)
        .file("scripts/group", "")
        .mode("scripts/group", 0o2755);
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
        directory.findings(),
        [
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
    let pipe = Directory::new();
    std::fs::remove_file(pipe.path().join("config.xml")).unwrap();
    assert_eq!(pipe.findings(), ["error config-missing config.xml"]);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        pipe.path().join("config.xml"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    assert_eq!(pipe.findings(), ["error config-unreadable config.xml"]);

    let empty = || {
        let directory = Directory::new();
        std::fs::remove_file(directory.path().join("config.xml")).unwrap();
        directory
    };
    assert_eq!(empty().directory("config.xml").findings(), ["error config-unreadable config.xml"]);
    assert_eq!(empty().link("config.xml", "/dev/zero").findings(), ["error link config.xml"]);
    assert_eq!(empty().link("config.xml", "config.xml").findings(), ["error config-unreadable config.xml"]);
    assert_eq!(empty().link("config.xml", "gone").findings(), ["error config-missing config.xml"]);
    let nowhere = opkg::load(&empty().path().join("nowhere"), &opkg::Settings::default());
    assert_eq!(support::findings(&nowhere), ["error directory -"]);
}

#[test]
fn sizes_are_limited() {
    let large = Directory::new().file("doc/large", "");
    std::fs::File::options()
        .write(true)
        .open(large.path().join("doc/large"))
        .unwrap()
        .set_len((1 << 30) + 1)
        .unwrap();
    assert_eq!(large.findings(), ["error file-limit doc/large"]);
    let config = Directory::with_config(vec![b' '; (4 << 20) + 1]);
    assert_eq!(config.findings(), ["error config-too-large config.xml"]);
    let deep = Directory::new().file(&format!("doc/{}x", "d/".repeat(80)), "");
    let findings = deep.findings();
    assert_eq!(findings.len(), 1);
    assert!(findings[0].starts_with("error file-limit doc/d/"), "{findings:?}");
}

#[test]
fn an_unreadable_file_is_named_and_the_others_are_checked() {
    let directory = Directory::new()
        .file("scripts/closed", "")
        .mode("scripts/closed", 0)
        .file("scripts/z", "")
        .link("scripts/y", "/x");
    if std::fs::read(directory.path().join("scripts/closed")).is_ok() {
        println!("skipped: this user may read everything");
        return;
    }
    assert_eq!(directory.findings(), ["error file-unreadable scripts/closed", "error link scripts/y"]);
}

#[test]
fn nothing_is_written_and_times_do_not_matter() {
    let directory = Directory::new().file("scripts/x", "#!/bin/sh\n");
    let before = directory.load();
    let file = std::fs::File::options().write(true).open(directory.path().join("scripts/x")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(directory.load(), before);
}
