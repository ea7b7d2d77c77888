use super::*;
use opkg_sdk::artefacts::MemberContent;
use opkg_sdk::artefacts::{Content, FileMarks};
use opkg_sdk::containers::{BuiltFile, Digests, FileKind};
use opkg_sdk::model::{
    Comparison, ConfigKind, DistFilter, FileRule, RelationKind, ReleaseTag, Scope, ScriptTime,
};
use opkg_sdk::testing::{
    add_file, add_laid_file, add_script, sample_opkg, sample_relation, sample_target, some_bound,
};

fn generate(opkg: &Opkg) -> Output {
    Plugin::generate(opkg, &sample_target(ID, None, None)).expect("it is made")
}

/// The members of a package of which the host has read one file.
fn members(opkg: &Opkg, package: &BinaryPackage) -> Vec<(String, u32, String)> {
    let digest = || "0".to_owned();
    let digests = Digests {
        md5: digest(),
        sha1: digest(),
        sha256: "5ca1ab1e".to_owned(),
        sha512: digest(),
    };
    let built = Built {
        package: package.clone(),
        opkg: opkg.clone(),
        target: sample_target(ID, None, None),
        files: vec![BuiltFile {
            path: "/etc/demo.conf".to_owned(),
            kind: FileKind::Regular((7, digests)),
            mode: 0o644,
            owner: "root".to_owned(),
            group: "root".to_owned(),
            is_configuration: true,
        }],
        installed_size: 7,
        archives: Vec::new(),
    };
    let members = Plugin::members(MANIFEST_SLOT, &built).expect("it is filled");
    let text = |member: Member| match member.content {
        MemberContent::Text(text) => (member.path, member.mode, text),
        other => panic!("{other:?}"),
    };
    members.into_iter().map(text).collect()
}

fn manifest(opkg: &Opkg, part: usize) -> String {
    members(opkg, &generate(opkg).packages[part]).remove(0).2
}

#[test]
fn an_opkg_becomes_three_packages() {
    let output = generate(&sample_opkg("demo"));
    let names: Vec<&str> = output
        .packages
        .iter()
        .map(|package| package.file_name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "opkg-demo-1.0-1.any.tar.gz",
            "opkg-demo-server-1.0-1.any.tar.gz",
            "opkg-demo-client-1.0-1.any.tar.gz"
        ]
    );
    assert!(manifest(&sample_opkg("demo"), 1).contains("requires = opkg-demo = 1.0-1\n"));
}

#[test]
fn relations_count_where_their_filters_say_so() {
    let mut opkg = sample_opkg("demo");
    for (name, id, bound) in [
        ("here", ID, some_bound(Comparison::Ge, "1")),
        ("later", ID, some_bound(Comparison::Gt, "1")),
        ("elsewhere", "other", None),
    ] {
        let mut relation =
            sample_relation(7, Scope::Part(Part::Client), RelationKind::Requires, name);
        relation.filter.dists = vec![DistFilter {
            at: 7,
            id: id.to_owned(),
            bound,
        }];
        opkg.relations.push(relation);
    }
    let client = manifest(&opkg, 2);
    assert!(client.contains("requires = here\n"));
    assert!(!client.contains("later") && !client.contains("elsewhere"));
}

#[test]
fn scripts_are_members_of_the_package() {
    let mut opkg = sample_opkg("demo");
    for (path, time, text) in [
        ("scripts/server-post-install", ScriptTime::PostInstall, None),
        (
            "scripts/server-pre-install",
            ScriptTime::PreInstall,
            Some("exit 0\n"),
        ),
    ] {
        add_script(&mut opkg, Part::Server, path, &["/bin/sh"], time, text);
    }
    let members = members(&opkg, &generate(&opkg).packages[1]);
    let lines = "pre-install = scripts/pre-install\npost-install = scripts/post-install\n";
    assert!(members[0].2.contains(lines), "{}", members[0].2);
    let paths: Vec<_> = members
        .iter()
        .map(|(path, mode, _)| (path.as_str(), *mode))
        .collect();
    assert_eq!(
        paths,
        [
            ("manifest", 0o644),
            ("scripts/pre-install", 0o755),
            ("scripts/post-install", 0o755)
        ]
    );
    assert!(members[1].2.starts_with("#!/bin/sh\n") && members[1].2.contains("|exit 0\n"));
}

#[test]
fn the_manifest_has_what_the_host_has_read() {
    let opkg = sample_opkg("demo");
    let lines = "size = 7\nfile = 5ca1ab1e 7 /etc/demo.conf\n";
    assert!(manifest(&opkg, 2).ends_with(lines));
    assert!(!generate(&opkg).meta_files[2].contents.contains("file = "));
}

#[test]
fn what_is_kept_stands_in_the_manifest() {
    let mut opkg = sample_opkg("demo");
    add_file(&mut opkg, Part::Api, "settings").configuration = true;
    let output = generate(&opkg);
    let home = "/usr/lib/oscar/packages/demo";
    assert!(manifest(&opkg, 0).contains(&format!("configuration = {home}/settings\n")));
    let marked = output.packages[0]
        .files
        .iter()
        .find(|file| file.path.ends_with("settings"));
    assert!(marked.is_some_and(|file| file.marks == FileMarks::CONFIGURATION));
}

#[test]
fn what_is_said_of_files_stands_in_the_manifest() {
    let mut opkg = sample_opkg("demo");
    let rule = |config, ghost| FileRule {
        at: 7,
        filter: sample_relation(7, Scope::Whole, RelationKind::Requires, "any").filter,
        owner: None,
        group: None,
        mode: None,
        directory_mode: None,
        config,
        ghost,
        capabilities: None,
    };
    opkg.file_rules = vec![
        rule(Some(ConfigKind::Replace), None),
        rule(None, Some(true)),
    ];
    for (path, index) in [("/etc/new", 0), ("/var/state", 1)] {
        add_laid_file(&mut opkg, path).rules = vec![index];
    }
    let lines = "configuration = /etc/new\n\
                 ghost = /var/state\n\
                 configuration-replaced = /etc/new\n";
    assert!(manifest(&opkg, 2).contains(lines), "{}", manifest(&opkg, 2));
    // A record with what only an RPM has would be refused.
    let files = &generate(&opkg).packages[2].files;
    let marks = files.iter().map(|file| file.marks);
    assert!(marks.eq([FileMarks::CONFIGURATION, FileMarks::GHOST]));
}

#[test]
fn files_have_their_modes_and_rights() {
    let mut opkg = sample_opkg("demo");
    add_file(&mut opkg, Part::Api, "doc/guide.txt").mode = 0o640;
    let api = &generate(&opkg).packages[0];
    let guide = api
        .files
        .iter()
        .find(|file| file.path == "/usr/share/doc/opkg-demo/guide.txt");
    assert!(
        guide.is_some_and(|file| file.mode == 0o640 && matches!(file.content, Content::Source(_)))
    );
    assert!(api.files.is_sorted_by(|one, other| one.path < other.path));
}

#[test]
fn a_target_that_there_is_not_is_refused() {
    for (version, arch) in [(Some("2"), None), (None, Some("s390x"))] {
        let refused = Plugin::generate(&sample_opkg("demo"), &sample_target(ID, version, arch));
        assert!(
            matches!(refused, Err(Refusal::UnknownTarget(_))),
            "{refused:?}"
        );
    }
}

#[test]
fn a_release_tag_follows_the_release() {
    let tag = ReleaseTag::Custom("site".to_owned());
    let target = BuildTarget {
        release_tag: tag,
        ..sample_target(ID, None, None)
    };
    let output = Plugin::generate(&sample_opkg("demo"), &target).expect("it is made");
    assert_eq!(output.packages[0].release, "1.site");
}
