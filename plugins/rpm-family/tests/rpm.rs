//! The spec and the records against RPM itself: what `rpmbuild` makes must be what the records say.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use common::{generate_for, is_installed, output_text, query, run_native_build, write_source_tree};
use opkg_sdk::artefacts::{
    BinaryPackage, Content, FileMarks, NativeKind, NativeRelation, Output, TriggerTime,
};
use opkg_sdk::model::{
    Bound, BuildTarget, Comparison, Destination, Opkg, Part, RelationKind, Scope, ScriptTime,
};
use opkg_sdk::testing::{
    add_alternatives, add_file, add_script, add_triggers, own_directory, sample_opkg, sample_relation,
    sample_relations, sample_release, sample_tagged_target, sample_target, some_bound,
};
use opkg_sdk::version::operator;

fn build_in_tempdir(opkg: &Opkg, target: &BuildTarget) -> (tempfile::TempDir, Output) {
    let output = generate_for(opkg, target).expect("this can be packaged");
    let root = tempfile::tempdir().unwrap();
    write_source_tree(opkg, &output, root.path());
    run_native_build(&output, root.path());
    for result in &output.native_build.results {
        assert!(root.path().join(result).is_file(), "{result} is missing");
    }
    (root, output)
}

/// Compares one built package with its record.
fn compare(package: &BinaryPackage, path: &Path) {
    let ask = |format: &str| query(&["rpm", "-qp", "--nosignature"], path, format);
    assert_eq!(
        ask("%{NAME}|%{VERSION}|%{RELEASE}|%{ARCH}"),
        format!("{}|{}|{}|{}", package.name, package.version, package.release, package.arch)
    );
    assert_eq!(ask("%|EPOCH?{%{EPOCH}}:{0}|"), package.epoch.to_string());
    assert_eq!(ask("%{SUMMARY}"), package.summary);
    assert_eq!(ask("%{DESCRIPTION}"), package.description);
    assert_eq!(
        ask("%{LICENSE}|%{GROUP}|%{PACKAGER}"),
        format!("{}|{}|{}", package.license, package.section, package.maintainer)
    );
    assert_eq!(ask("%|URL?{%{URL}}|"), package.url.clone().unwrap_or_default());
    assert_eq!(lines(&ask("[%{REQUIREFLAGS:deptype}\t%{REQUIRENEVRS}\n]")), requires(package));
    for (tag, kind) in [
        ("PROVIDENEVRS", NativeKind::Provides),
        ("CONFLICTNEVRS", NativeKind::Conflicts),
        ("OBSOLETENEVRS", NativeKind::Obsoletes),
        ("RECOMMENDNEVRS", NativeKind::Recommends),
        ("SUGGESTNEVRS", NativeKind::Suggests),
        ("SUPPLEMENTNEVRS", NativeKind::Supplements),
        ("ENHANCENEVRS", NativeKind::Enhances),
    ] {
        let own = |line: &String| kind != NativeKind::Provides || !line.starts_with(&package.name);
        let found: BTreeSet<String> =
            lines(&ask(&format!("[%{{{tag}}}\n]"))).into_iter().filter(own).collect();
        assert_eq!(found, relations(package, kind), "{tag} of {}", package.name);
    }
    assert_eq!(
        lines(&ask("[%{FILEMODES:octal} %{FILEUSERNAME} %{FILEFLAGS} %{FILENAMES}=>%{FILELINKTOS}\n]")),
        files(package)
    );
    assert_eq!(
        ask(TRIGGERS).replace("(none) (none)\n", "").replace("(none) (none) (none)\n", ""),
        triggers(package)
    );
    let changelog: Vec<String> = package
        .changelog
        .iter()
        .map(|change| format!("{} {}\n{}\n", change.seconds, change.header, change.text))
        .collect();
    assert_eq!(ask("[%{CHANGELOGTIME} %{CHANGELOGNAME}\n%{CHANGELOGTEXT}\n]"), changelog.concat());
    for time in [
        ScriptTime::PreInstall,
        ScriptTime::PostInstall,
        ScriptTime::PreUninstall,
        ScriptTime::PostUninstall,
        ScriptTime::PostTransaction,
    ] {
        let tag = match time {
            ScriptTime::PreInstall => "PREIN",
            ScriptTime::PostInstall => "POSTIN",
            ScriptTime::PreUninstall => "PREUN",
            ScriptTime::PostUninstall => "POSTUN",
            ScriptTime::PostTransaction => "POSTTRANS",
            _ => panic!("RPM has no such scriptlet"),
        };
        let body = package.scriptlets.iter().find(|scriptlet| scriptlet.time == time);
        assert_eq!(
            ask(&format!("%|{tag}?{{%{{{tag}}}}}|")),
            body.map(|scriptlet| scriptlet.body.clone()).unwrap_or_default()
        );
    }
}

/// What `rpm` prints of the triggers of a package: bodies, then prefixes, each with the number of its trigger and its time.
const TRIGGERS: &str = "[%{TRANSFILETRIGGERSCRIPTPROG} %{TRANSFILETRIGGERSCRIPTS}\n]\
    [%{TRANSFILETRIGGERNAME} %{TRANSFILETRIGGERINDEX} %{TRANSFILETRIGGERFLAGS}\n]";

fn triggers(package: &BinaryPackage) -> String {
    let flag = |time| match time {
        TriggerTime::AfterInstallation => 1 << 16,
        TriggerTime::BeforeRemoval => 1 << 17,
        TriggerTime::AfterRemoval => 1 << 18,
    };
    let triggers = &package.file_triggers;
    let mut text: String = triggers.iter().map(|it| format!("{} {}\n", it.interpreter, it.body)).collect();
    let prefixes = triggers.iter().enumerate().flat_map(|(index, trigger)| {
        trigger.prefixes.iter().map(move |prefix| (prefix, flag(trigger.time), index))
    });
    for (prefix, flag, index) in prefixes.collect::<BTreeSet<_>>() {
        text.push_str(&format!("{prefix} {index} {flag}\n"));
    }
    text
}

fn lines(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter(|line| !line.contains("rpmlib(") && !line.ends_with("\t/bin/sh") && !line.contains("(none)"))
        .map(str::to_owned)
        .collect()
}

fn relations(package: &BinaryPackage, kind: NativeKind) -> BTreeSet<String> {
    let is_kind = |it: NativeKind| it == kind || (it, kind) == (NativeKind::Breaks, NativeKind::Conflicts);
    let versioned = |name: &str, bound: &Option<Bound>| match bound {
        Some(bound) => format!("{name} {} {}", operator(bound.comparison), bound.version),
        None => name.to_owned(),
    };
    let text = |relation: &NativeRelation| {
        let first = versioned(&relation.name, &relation.bound);
        let others = relation.alternatives.iter().map(|it| format!(" or {}", versioned(&it.name, &it.bound)));
        match others.collect::<String>().as_str() {
            "" => first,
            others => format!("({first}{others})"),
        }
    };
    package.relations.iter().filter(|relation| is_kind(relation.kind)).map(text).collect()
}

fn requires(package: &BinaryPackage) -> BTreeSet<String> {
    let kinds = [
        (NativeKind::Requires, "manual"),
        (NativeKind::PreRequires(ScriptTime::PreInstall), "pre"),
        (NativeKind::PreRequires(ScriptTime::PostInstall), "post"),
        (NativeKind::PreRequires(ScriptTime::PreUninstall), "preun"),
        (NativeKind::PreRequires(ScriptTime::PostUninstall), "postun"),
        (NativeKind::PreRequires(ScriptTime::PostTransaction), "posttrans"),
    ];
    kinds
        .iter()
        .flat_map(|(kind, word)| {
            relations(package, *kind).into_iter().map(move |relation| format!("{word}\t{relation}"))
        })
        .collect()
}

fn files(package: &BinaryPackage) -> BTreeSet<String> {
    package
        .files
        .iter()
        .map(|file| {
            let (kind, link) = match &file.content {
                Content::Directory => (0o040_000, ""),
                Content::Link(link) => (0o120_000, link.as_str()),
                _ => (0o100_000, ""),
            };
            let flags = if file.marks.contains(FileMarks::DOCUMENTATION) { 2 } else { 0 };
            format!("{:o} root {flags} {}=>{link}", kind | file.mode, file.path)
        })
        .collect()
}

fn build_and_compare(opkg: &Opkg, target: &BuildTarget) {
    if !is_installed("rpmbuild") {
        return;
    }
    let (root, output) = build_in_tempdir(opkg, target);
    for (package, result) in output.packages.iter().zip(&output.native_build.results) {
        compare(package, &root.path().join(result));
    }
}

fn full_featured_opkg() -> Opkg {
    let mut opkg = sample_opkg("rich+c");
    opkg.uri = Some("https://example.org/?a=%20%(touch%20x)".into());
    opkg.description = vec!["%post # * %{x \\%{y".into(), "long ".repeat(60) + "%files"];
    opkg.history = vec![
        sample_release("2.0-beta2", 1_404_000_000, &["%post", &("word ".repeat(30) + "%changelog * # \\")]),
        sample_release("1.0", 1_386_061_212, &["* star", "# hash", "back\\slash\\"]),
        sample_release("0.9", 1_390_000_000, &["Newer than what follows it."]),
    ];
    opkg.history[0].version.epoch = 3;
    opkg.relations = vec![
        sample_relation(10, Scope::Part(Part::Server), RelationKind::Requires, "perl(XML::Simple)"),
        sample_relation(11, Scope::Common, RelationKind::Requires, "libfoo.so.1()(64bit)"),
        sample_relation(12, Scope::Common, RelationKind::Suggests, "docs"),
        sample_relation(13, Scope::Whole, RelationKind::Conflicts, "rival"),
        sample_relation(14, Scope::Whole, RelationKind::Provides, "virtual"),
        sample_relation(15, Scope::Part(Part::Api), RelationKind::Requires, "/usr/bin/x"),
    ];
    opkg.relations[0].any_of[0].bound = some_bound(Comparison::Ge, "1:2.0-3");
    opkg.relations[4].any_of[0].bound = some_bound(Comparison::Eq, "7");
    for name in [
        "doc/a b",
        "doc/q\"u'o",
        "doc/100%",
        "doc/%{x}",
        "doc/s*r?[x]",
        "doc/back\\slash",
        "doc/é",
        "doc/$HOME`x`",
        "doc/.hidden",
        "doc/-dash",
        "doc/{a,b}",
        "doc/#h",
        "doc/a;b&c|d<e>f(g)!^~",
    ] {
        add_file(&mut opkg, Part::Api, name);
    }
    add_file(&mut opkg, Part::Api, "doc/link").link = Some("a b".into());
    add_file(&mut opkg, Part::Api, "doc/sub dir/deep");
    opkg.directories.extend([
        own_directory(Part::Api, Destination::Documentation(String::new())),
        own_directory(Part::Api, Destination::Documentation("sub dir".into())),
    ]);
    add_script(
        &mut opkg,
        Part::Api,
        "scripts/api-post-install",
        &["/usr/bin/perl"],
        ScriptTime::PostInstall,
        None,
    );
    let text = "#!/usr/bin/perl\n%files = ();\n  %if\n\\%{\nEND_OF_SCRIPT\n\n%changelog\n# %{\nlast\\";
    add_script(
        &mut opkg,
        Part::Client,
        "scripts/client-pre-install",
        &["/usr/bin/perl", "-w"],
        ScriptTime::PreInstall,
        Some(text),
    );
    add_script(
        &mut opkg,
        Part::Server,
        "scripts/server-post-uninstall",
        &[],
        ScriptTime::PostUninstall,
        Some(text),
    );
    opkg
}

#[test]
fn the_least_package() {
    build_and_compare(&sample_opkg("least"), &sample_target("rhel", Some("9"), None));
}

#[test]
fn everything_that_could_go_wrong() {
    build_and_compare(&full_featured_opkg(), &sample_target("rhel", Some("9"), None));
}

/// Packages of a spec have one build root, in which one name may look like another's pattern.
#[test]
fn neighbours_with_similar_names() {
    let mut opkg = sample_opkg("odd");
    opkg.directories.push(own_directory(Part::Client, Destination::Path("/opt/x/site-config".into())));
    for (part, path, mode) in [
        (Part::Server, "/opt/x/a b", 0o644),
        (Part::Client, "/opt/x/a_b", 0o755),
        (Part::Client, "/opt/x/site config", 0o644),
        (Part::Client, "/opt/x/site-config/run", 0o755),
        (Part::Client, "/opt/x/l <1>", 0o644),
        (Part::Server, "/opt/x/l_<1>", 0o755),
        (Part::Client, "/opt/x/p#$&()*;<>?[]`|", 0o644),
        (Part::Server, "/opt/x/p#$&()*;<>?[]`_", 0o755),
        (Part::Server, "/opt/x/p_$&()*;<>?[]`|", 0o755),
        (Part::Server, "/opt/x/p\"q'%{}", 0o755),
        (Part::Client, "/opt/x/p\"q'%{x", 0o755),
    ] {
        let file = add_file(&mut opkg, part, &format!("files/common{path}"));
        (file.destination, file.mode) = (Destination::Path(path.to_owned()), mode);
    }
    build_and_compare(&opkg, &sample_target("rhel", Some("9"), None));
}

/// Documents may be programs, whatever the machine.
#[test]
fn a_program_among_documents() {
    let mut opkg = sample_opkg("shown");
    add_file(&mut opkg, Part::Api, common::PROGRAM).mode = 0o755;
    build_and_compare(&opkg, &sample_target("rhel", Some("9"), None));
}

#[test]
fn what_the_target_leaves_open_is_decided_by_the_default() {
    let mut opkg = full_featured_opkg();
    for (index, comparison, version) in [(0, Comparison::Ge, "9"), (1, Comparison::Lt, "9")] {
        let filter =
            opkg_sdk::model::DistFilter { at: 1, id: "rhel".into(), bound: some_bound(comparison, version) };
        opkg.relations[index].filter.dists = vec![filter];
    }
    build_and_compare(&opkg, &sample_target("rhel", None, None));
}

#[test]
fn relations_of_every_kind() {
    let mut opkg = sample_opkg("related");
    opkg.relations = sample_relations();
    build_and_compare(&opkg, &sample_target("rhel", Some("9"), None));
    build_and_compare(&opkg, &sample_tagged_target("rhel", Some("9")));
    build_and_compare(&opkg, &sample_target("rhel", None, None));
}

/// RPM on a release that the package is not for says so, and makes nothing.
#[test]
fn files_that_are_one_of_several() {
    let mut opkg = sample_opkg("several");
    add_alternatives(&mut opkg);
    // rpmbuild takes pages of the manual for documentation.
    let page = "/usr/share/site/look.1.gz".to_owned();
    opkg.alternatives[0].slaves[0].path.clone_from(&page);
    opkg.files.last_mut().unwrap().destination = Destination::Path(page);
    build_and_compare(&opkg, &sample_target("rhel", Some("9"), None));
}

/// Of one release, and of a spec that leaves open whether RPM has file triggers.
#[test]
fn triggers_of_files() {
    let mut opkg = sample_opkg("caches");
    opkg.tells_action = true;
    add_triggers(&mut opkg);
    for version in [Some("9"), None] {
        build_and_compare(&opkg, &sample_target("rhel", version, None));
    }
}

/// Of a spec that leaves the tag of the release open.
#[test]
fn what_scripts_are_told_of_the_version() {
    let mut opkg = full_featured_opkg();
    opkg.tells_action = true;
    let path = "scripts/client-post-transaction";
    add_script(&mut opkg, Part::Client, path, &["/usr/bin/perl"], ScriptTime::PostTransaction, None);
    build_and_compare(&opkg, &sample_tagged_target("rhel", None));
}

#[test]
fn a_release_that_the_package_is_not_for() {
    if !is_installed("rpmspec") {
        return;
    }
    let mut opkg = sample_opkg("choosy");
    let filter =
        opkg_sdk::model::DistFilter { at: 1, id: "rhel".into(), bound: some_bound(Comparison::Ge, "8") };
    opkg.filter.dists = vec![filter];
    let output = generate_for(&opkg, &sample_target("rhel", None, None)).unwrap();
    let root = tempfile::tempdir().unwrap();
    write_source_tree(&opkg, &output, root.path());
    let parse = |define: &[&str]| {
        let mut rpmspec = Command::new("rpmspec");
        rpmspec.arg("-P").args(define).arg(root.path().join("SPECS/opkg-choosy.spec"));
        let ended = rpmspec.env("HOME", root.path()).output().unwrap();
        (ended.status.success(), output_text(&ended))
    };
    assert!(parse(&["--define", "rhel 9"]).0);
    for define in [&["--define", "rhel 7"][..], &["--undefine", "rhel"]] {
        let (success, said) = parse(define);
        assert!(!success && said.contains("opkg-choosy is only for rhel >= 8"), "{said}");
    }
}

/// RPM wants the main package to have an architecture where any has one.
#[test]
fn parts_with_and_without_an_architecture() {
    let mut opkg = full_featured_opkg();
    opkg.relations[0].filter.archs = vec!["x86_64".into()];
    opkg.relations[2].filter.archs = vec!["aarch64".into()];
    for arch in [None, Some("aarch64")] {
        let target = sample_target("rhel", Some("9"), arch);
        build_and_compare(&opkg, &target);
        let output = generate_for(&opkg, &target).unwrap();
        let archs: Vec<&str> = output.packages.iter().map(|package| package.arch.as_str()).collect();
        let native = arch.unwrap_or("x86_64");
        assert_eq!(archs, [native, native, "noarch"]);
    }
}

#[test]
fn two_builds_are_the_same() {
    if !is_installed("rpmbuild") {
        return;
    }
    let bytes = || {
        let (root, output) = build_in_tempdir(&full_featured_opkg(), &sample_target("rhel", Some("9"), None));
        output
            .native_build
            .results
            .iter()
            .map(|result| std::fs::read(root.path().join(result)).unwrap())
            .collect::<Vec<_>>()
    };
    assert!(bytes() == bytes(), "the packages differ");
}
