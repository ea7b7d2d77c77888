//! What people read: control file, changelog, copyright, build.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use opkg_plugin_debian::Debian;
use opkg_sdk::Distribution;
use opkg_sdk::model::*;
use opkg_sdk::packaging::Refusal;

#[test]
fn control() {
    insta::assert_snapshot!(meta_file(&generate(&sample_opkg()), "control"));
}

#[test]
fn changelog() {
    insta::assert_snapshot!(meta_file(&generate(&sample_opkg()), "changelog"));
}

/// Packages of other architectures need the directories and the api package of one.
#[test]
fn what_is_for_any_machine_serves_packages_of_all_architectures() {
    let mut opkg = sample_opkg();
    let field = |package: &opkg_sdk::artefacts::BinaryPackage| {
        package.fields.iter().find(|field| field.name == "Multi-Arch").map(|field| field.value.clone())
    };
    let output = generate(&opkg);
    assert_eq!(
        output.packages.iter().map(field).collect::<Vec<_>>(),
        [Some("foreign".to_owned()), None, None]
    );
    assert_eq!(meta_file(&output, "control").matches("\nMulti-Arch: foreign\n").count(), 1);
    opkg.filter.archs = vec!["x86_64".into()];
    assert!(generate(&opkg).packages.iter().all(|package| field(package).is_none()));
}

/// Debian Policy, 7.6.1. A package without files takes none over.
#[test]
fn files_may_move_between_parts() {
    let replaced = |opkg: &Opkg| {
        let output = generate(opkg);
        let of_package = |package: &opkg_sdk::artefacts::BinaryPackage| {
            let names =
                package.relations.iter().filter(|it| it.kind == opkg_sdk::artefacts::NativeKind::Obsoletes);
            names.map(|it| it.name.clone()).collect::<Vec<_>>().join(", ")
        };
        let control = meta_file(&output, "control");
        let all: Vec<String> = output.packages.iter().map(of_package).collect();
        for names in all.iter().filter(|names| !names.is_empty()) {
            assert!(control.contains(&format!("\nReplaces: {names}\n")), "{names} in {control}");
        }
        assert!(!control.contains("\nBreaks:"), "{control}");
        all
    };
    let mut opkg = sample_opkg();
    let [to_api, to_server, to_client] = [
        "opkg-watch-client, opkg-watch-server",
        "opkg-watch, opkg-watch-client",
        "opkg-watch, opkg-watch-server",
    ];
    assert_eq!(replaced(&opkg), [to_api, to_server, to_client]);
    opkg.files.retain(|file| file.part != Part::Server);
    assert_eq!(replaced(&opkg), [to_api, "", to_client]);
}

/// Every system has the interpreter, and few of the modules that come with it.
#[test]
fn scripts_in_perl_need_its_modules() {
    let with_scripts = |text: &str| {
        let mut opkg = sample_opkg();
        for mut file in [
            script(40, "client-pre-install", Part::Client, "/usr/bin/perl"),
            script(41, "server-post-uninstall", Part::Server, "/usr/bin/perl -w"),
        ] {
            file.script.as_mut().unwrap().text = Some(text.to_owned());
            opkg.files.push(file);
        }
        generate(&opkg)
    };
    let output = with_scripts("use strict;\nuse POSIX;\n");
    assert!(
        meta_file(&output, "control").contains("\nPre-Depends: tcl\n"),
        "{}",
        meta_file(&output, "control")
    );
    assert!(output.diagnostics.iter().all(|it| it.at != Some(41)), "{:?}", output.diagnostics);
    let output = with_scripts("use strict;\nuse JSON::PP;\n");
    let control = meta_file(&output, "control");
    assert!(control.contains("\nPre-Depends: perl, tcl\n"), "{control}");
    assert!(control.contains("opkg-watch (= ${source:Version}), perl\n"), "{control}");
    let told = output.diagnostics.iter().find(|it| it.at == Some(41)).unwrap();
    assert!(told.message.starts_with("`perl` may be gone already"), "{told:?}");
}

/// Of every kind: the fields, and what is said of them.
#[test]
fn relations() {
    let mut opkg = sample_opkg();
    opkg.relations = opkg_sdk::testing::sample_relations();
    let output = generate(&opkg);
    let control = meta_file(&output, "control");
    let stanzas = control.split("\n\n").skip(1);
    let is_relation = |line: &&str| {
        let fields = ["Package:", "Section:", "Architecture:", "Description:", " "];
        line.starts_with("Package:") || !fields.iter().any(|field| line.starts_with(field))
    };
    let lines: Vec<&str> = stanzas.flat_map(|stanza| stanza.lines().filter(is_relation)).collect();
    let said = output.diagnostics.iter().map(|it| {
        format!("{:?} at {:?}: {}\n  {}", it.severity, it.at, it.message, it.help.as_deref().unwrap_or("-"))
    });
    insta::assert_snapshot!(format!("{}\n\n{}", lines.join("\n"), said.collect::<Vec<_>>().join("\n")));
}

#[test]
fn copyright() {
    insta::assert_snapshot!(meta_file(&generate(&sample_opkg()), "copyright"));
}

#[test]
fn rules() {
    insta::assert_snapshot!(meta_file(&generate(&sample_opkg()), "rules"));
}

#[test]
fn install() {
    insta::assert_snapshot!(meta_file(&generate(&sample_opkg()), "install"));
}

#[test]
fn diagnostics() {
    let output = generate(&sample_opkg());
    let lines: Vec<String> = output
        .diagnostics
        .iter()
        .map(|it| {
            format!(
                "{:?} at {:?}: {}\n  {}",
                it.severity,
                it.at,
                it.message,
                it.help.as_deref().unwrap_or("-")
            )
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn maintainer_scripts() {
    let output = generate(&sample_opkg());
    let mut all = String::new();
    for file in &output.meta_files {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        if name.starts_with("opkg-") {
            all.push_str(&format!("== {name}\n{}", file.contents));
        }
    }
    insta::assert_snapshot!(all);
}

#[test]
fn source_fields() {
    let output = generate(&sample_opkg());
    let opkg_sdk::artefacts::SourcePackage::Quilt(quilt) = &output.source else { panic!("{output:?}") };
    let fields: Vec<_> =
        quilt.fields.iter().map(|field| format!("{}: {}", field.name, field.value)).collect();
    insta::assert_snapshot!(format!("{} {}\n{}", quilt.name, quilt.version, fields.join("\n")));
}

#[test]
fn packages_of_the_same_plan() {
    let output = generate(&sample_opkg());
    let names: Vec<_> = output.packages.iter().map(|package| package.file_name.as_str()).collect();
    assert_eq!(names, output.native_build.results);
    assert_eq!(
        names,
        [
            "opkg-watch_2.4~rc1-1.1_all.deb",
            "opkg-watch-server_2.4~rc1-1.1_all.deb",
            "opkg-watch-client_2.4~rc1-1.1_amd64.deb"
        ]
    );
    insta::assert_debug_snapshot!(output.packages[2]);
}

#[test]
fn a_target_with_an_architecture_decides_everything() {
    let target = target("debian", Some("11"), Some("aarch64"));
    let output = Debian::generate(&sample_opkg(), &target).unwrap_or_else(|refusal| panic!("{refusal:?}"));
    let control = meta_file(&output, "control");
    assert!(control.contains("\nArchitecture: arm64\n"), "{control}");
    assert!(!control.contains('['), "{control}");
    assert!(control.contains("old-thing") && !control.contains("new-thing"), "{control}");
    assert!(output.native_build.commands[0].argv.contains(&"-aarm64".to_owned()));
}

#[test]
fn a_package_for_some_architectures() {
    let mut opkg = sample_opkg();
    opkg.filter.archs = vec!["x86_64".into(), "ppc64le".into()];
    let output = generate(&opkg);
    assert_eq!(meta_file(&output, "control").matches("\nArchitecture: amd64 ppc64el\n").count(), 3);
    assert!(output.packages.iter().all(|package| package.arch == "amd64"));
    let refusal = Debian::generate(&opkg, &target("debian", None, Some("s390x")));
    assert!(matches!(refusal, Err(Refusal::Unavailable(_))), "{refusal:?}");
}

#[test]
fn unknown_targets_are_refused() {
    for target in [target("debian", Some("twelve"), None), target("debian", None, Some("z80"))] {
        let refusal = Debian::generate(&sample_opkg(), &target);
        assert!(matches!(refusal, Err(Refusal::UnknownTarget(_))), "{refusal:?}");
    }
    assert!(Debian::generate(&sample_opkg(), &target("debian", Some("27"), None)).is_ok());
}

#[test]
fn what_cannot_be_said_is_an_error_that_shows_the_filter() {
    for name in ["/usr/bin/foo", "libfoo.so.1()(64bit)", "config(foo)"] {
        let mut opkg = sample_opkg();
        opkg.relations.push(relation(Scope::Common, RelationKind::Requires, name, None));
        let diagnostics = expect_failure(&opkg);
        let error = diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error).unwrap();
        assert!(error.message.contains(name), "{error:?}");
        assert_eq!(error.at, Some(7));
        assert!(error.help.as_deref().unwrap_or_default().contains("<dist>rhel</dist>"), "{error:?}");
    }
}

#[test]
fn a_version_that_cannot_be_said_is_an_error() {
    let mut opkg = sample_opkg();
    opkg.history[0].version.epoch = u32::MAX;
    assert!(expect_failure(&opkg).iter().any(|diagnostic| diagnostic.message.contains("epoch")));
}

/// `conffiles` has a name in a line, whose last blanks dpkg does not read.
#[test]
fn configuration_whose_name_ends_with_a_blank_is_refused() {
    let mut opkg = opkg_sdk::testing::sample_opkg("site");
    let file = opkg_sdk::testing::add_laid_file(&mut opkg, "/etc/site/key ");
    let at = file.at;
    assert!(!generate(&opkg).packages.is_empty());
    opkg.files.iter_mut().filter(|file| file.at == at).for_each(|file| file.configuration = true);
    let diagnostics = expect_failure(&opkg);
    let error = diagnostics.iter().find(|it| it.severity == Severity::Error).unwrap();
    assert!(error.at == Some(at) && error.message.contains("`/etc/site/key `"), "{error:?}");
}

#[test]
fn interpreters_that_may_be_missing_are_told() {
    let mut opkg = sample_opkg();
    opkg.files.push(script(40, "server-post-uninstall", Part::Server, "/usr/bin/python3"));
    opkg.files.push(script(41, "server-post-install", Part::Server, "/opt/site/bin/site-shell"));
    let output = generate(&opkg);
    let at = |node| output.diagnostics.iter().find(|it| it.at == Some(node)).unwrap();
    assert_eq!(at(40).message, "`python3` may be gone already when `scripts/server-post-uninstall` runs");
    assert!(at(41).message.contains("`site-shell`"), "{:?}", at(41));
    assert!(at(40).severity == Severity::Warning && at(41).severity == Severity::Warning);
    let server = &output.packages[1];
    assert!(server.relations.iter().any(|relation| relation.name == "python3"));
}

#[test]
fn a_relation_to_a_version_without_a_release_keeps_its_meaning() {
    use Comparison::{Eq, Ge, Gt, Le, Lt};
    let mut opkg = sample_opkg();
    for (name, bound) in [
        ("equal", (Eq, "1.0")),
        ("later", (Gt, "1.0-rc1")),
        ("until", (Le, "2:1.0")),
        ("since", (Ge, "1.0-rc1")),
        ("before", (Lt, "1.0")),
        ("whole", (Gt, "1.0-3")),
    ] {
        opkg.relations.push(relation(Scope::Common, RelationKind::Requires, name, Some(bound)));
    }
    opkg.relations.push(relation(Scope::Common, RelationKind::Conflicts, "rival", Some((Eq, "3.0"))));
    opkg.relations.push(relation(Scope::Common, RelationKind::Provides, "virtual", Some((Ge, "1.0"))));
    let output = generate(&opkg);
    let control = meta_file(&output, "control");
    for written in [
        "equal (<< 1.0A~), equal (>= 1.0)",
        "later (>= 1.0~rc1A~)",
        "until (<< 2:1.0A~)",
        "since (>= 1.0~rc1)",
        "before (<< 1.0)",
        "whole (>> 1.0-3)",
        "rival (= 3.0)",
        "Provides: virtual\n",
    ] {
        assert!(control.contains(written), "{written} in {control}");
    }
    let messages: Vec<String> = output
        .diagnostics
        .iter()
        .filter(|diagnostic| !generate(&sample_opkg()).diagnostics.contains(diagnostic))
        .map(|diagnostic| format!("{:?}: {}", diagnostic.severity, diagnostic.message))
        .collect();
    insta::assert_snapshot!(messages.join("\n"));
}

/// What is part of a package is neither in conflict with the whole, nor provides it.
#[test]
fn modules_of_perl_itself_are_perl() {
    let mut opkg = sample_opkg();
    let module = |kind, name, bound| relation(Scope::Common, kind, name, bound);
    opkg.relations.push(module(RelationKind::Requires, "perl(File::Copy)", None));
    opkg.relations.push(module(RelationKind::Requires, "perl(POSIX)", Some((Comparison::Ge, "1.9"))));
    opkg.relations.push(module(
        RelationKind::Requires,
        "perl(LWP::UserAgent)",
        Some((Comparison::Ge, "6.0")),
    ));
    opkg.relations.push(module(RelationKind::Requires, "perl(Site::Own)", None));
    let output = generate(&opkg);
    let server = &output.packages[1];
    let perl: Vec<String> = server
        .relations
        .iter()
        .filter(|relation| relation.name.contains("perl") && relation.name != "libxml-simple-perl")
        .map(|relation| {
            let bound =
                relation.bound.as_ref().map(|bound| format!(" {}", bound.version)).unwrap_or_default();
            format!("{}{bound}", relation.name)
        })
        .collect();
    assert_eq!(perl, ["libsite-own-perl", "libwww-perl 6.0", "perl"]);
    let at_own = output.diagnostics.iter().find(|found| found.message.contains("Site::Own")).unwrap();
    assert_eq!(at_own.severity, Severity::Warning);
    assert!(output.diagnostics.iter().any(|found| found.message.contains("`>= 1.9` is left out")));
    for kind in [RelationKind::Conflicts, RelationKind::Provides] {
        let mut opkg = sample_opkg();
        opkg.relations.push(module(kind, "perl(File::Copy)", None));
        let diagnostics = expect_failure(&opkg);
        assert!(
            diagnostics.iter().any(|found| found.message.contains("perl(File::Copy)")),
            "{diagnostics:?}"
        );
    }
}

#[test]
fn links_lead_where_their_targets_are_installed() {
    let mut opkg = sample_opkg();
    let mut add = |at, path: &str, destination, target: &str| {
        let link = SourceFile { link: Some(target.into()), ..file(at, path, Part::Api, destination, &[]) };
        opkg.files.push(link);
    };
    let home = |rest: &str| Destination::Path(format!("{HOME}/{rest}"));
    add(50, "scripts/readme", home("readme"), "../README.md");
    add(51, "scripts/documents", home("documents"), "../doc/deep/er");
    add(52, "scripts/here", home("here"), "./api-post-install");
    add(53, "scripts/unknown", home("unknown"), "../SRPMS/x");
    let output = generate(&opkg);
    let held = |path: &str| {
        let path = format!("{HOME}/{path}");
        let file = output.packages[0].files.iter().find(|file| file.path == path).unwrap();
        match &file.content {
            opkg_sdk::artefacts::Content::Link(target) => target.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(held("readme"), "../../../../share/doc/opkg-watch/README.md");
    assert_eq!(held("documents"), "../../../../share/doc/opkg-watch/deep/er");
    assert_eq!(held("here"), "api-post-install");
    assert_eq!(held("unknown"), "../SRPMS/x");
}

/// Users before what is given to them; units around the OPKG's own scripts.
#[test]
fn users_and_units() {
    let mut opkg = opkg_sdk::testing::sample_opkg("site");
    opkg_sdk::testing::add_service(&mut opkg);
    opkg_sdk::testing::add_script(
        &mut opkg,
        Part::Client,
        "scripts/client-post-install",
        &["/bin/sh"],
        ScriptTime::PostInstall,
        None,
    );
    let output = generate(&opkg);
    let client = output.packages.iter().find(|package| package.name == "opkg-site-client").unwrap();
    let scripts = client.scriptlets.iter().map(|it| format!("--- {:?}\n{}\n", it.time, it.body));
    insta::assert_snapshot!(scripts.collect::<String>());
}

/// The scripts of the client part for a release.
fn client_scripts(opkg: &opkg_sdk::model::Opkg, release: &str) -> String {
    let output =
        Debian::generate(opkg, &opkg_sdk::testing::sample_target("debian", Some(release), None)).unwrap();
    let client = output.packages.iter().find(|package| package.name == "opkg-site-client").unwrap();
    let scripts = client.scriptlets.iter().map(|it| format!("--- {:?}\n{}\n", it.time, it.body));
    scripts.collect()
}

/// dpkg calls the script after the installation for triggers, which does nothing else then.
#[test]
fn files_of_others_run_a_script() {
    let mut opkg = opkg_sdk::testing::sample_opkg("site");
    opkg.tells_action = true;
    opkg_sdk::testing::add_triggers(&mut opkg);
    let path = "scripts/client-post-install";
    opkg_sdk::testing::add_script(&mut opkg, Part::Client, path, &["/bin/sh"], ScriptTime::PostInstall, None);
    insta::assert_snapshot!(client_scripts(&opkg, "12"));
    let output = generate(&opkg);
    let file = output.meta_files.iter().find(|file| file.path.ends_with(".triggers")).unwrap();
    assert!(file.path.ends_with("/debian/opkg-site-client.triggers"), "{}", file.path);
    assert_eq!(file.contents, "interest-noawait /usr/share/modulefiles\ninterest-noawait /etc/site.d\n");
}

#[test]
fn what_is_said_of_services() {
    let mut opkg = opkg_sdk::testing::sample_opkg("site");
    opkg_sdk::testing::add_service(&mut opkg);
    opkg.files.retain(|file| file.accounts.is_empty());
    opkg_sdk::testing::add_service_rules(&mut opkg);
    insta::assert_snapshot!(client_scripts(&opkg, "13"));
}

/// systemd looks out for files of sysctl.d since Debian 13, but not below `/etc`.
#[test]
fn files_that_systemd_and_udev_read() {
    let mut opkg = opkg_sdk::testing::sample_opkg("site");
    opkg_sdk::testing::add_system_files(&mut opkg);
    insta::assert_snapshot!(client_scripts(&opkg, "13"));
    assert_eq!(client_scripts(&opkg, "12"), client_scripts(&opkg, "13"));
    opkg.files.retain(|file| !file.path.contains("/etc/"));
    let has_sysctl = |release| client_scripts(&opkg, release).contains("systemd-sysctl");
    assert!(has_sysctl("12") && !has_sysctl("13"));
}
