//! What each of the three packages gets (format, sections 3.3 and 3.5).
#![allow(clippy::unwrap_used)]

use std::sync::LazyLock;

use opkg_sdk::filter::{DistIdentity, FilterContext, FilterMatch, VersionSyntax};
use opkg_sdk::model::{
    Comparison, ConfigKind, Destination, Directory, DistFilter, EnableKind, FileRule, Filter, Opkg,
    Part as Which, RelationKind, Scope,
};
use opkg_sdk::packaging::Refusal;
use opkg_sdk::parts::{PartPlan, plan};
use opkg_sdk::testing::{add_file, sample_opkg, sample_related_opkg, sample_relation, some_bound};
use opkg_sdk::version::ReleaseNumber;

fn context(arch: Option<&str>) -> FilterContext {
    FilterContext {
        name: "rhel".into(),
        identities: vec![DistIdentity {
            id: "rhel".into(),
            version: None,
            default_version: ReleaseNumber::new([9]),
            version_syntax: VersionSyntax::numbers(),
        }],
        fallback_identities: Vec::new(),
        arch: arch.map(str::to_owned),
        host_arch: "x86_64".into(),
    }
}

fn parts(opkg: &Opkg) -> [PartPlan<'_>; 3] {
    static OPEN: LazyLock<FilterContext> = LazyLock::new(|| context(None));
    plan(opkg, &OPEN, "/usr/share/doc/opkg-x", &mut Vec::new()).unwrap()
}

fn names<'a>(part: &'a PartPlan<'_>) -> Vec<&'a str> {
    part.relations.iter().map(|resolved| resolved.any_of[0].name.as_ref()).collect()
}

#[test]
fn where_a_relation_was_written_says_who_gets_it() {
    let mut opkg = sample_opkg("x");
    opkg.relations = vec![
        sample_relation(1, Scope::Part(Which::Api), RelationKind::Requires, "api"),
        sample_relation(2, Scope::Part(Which::Server), RelationKind::Requires, "server"),
        sample_relation(3, Scope::Part(Which::Client), RelationKind::Suggests, "client"),
        sample_relation(4, Scope::Common, RelationKind::Requires, "common"),
        sample_relation(5, Scope::Whole, RelationKind::Provides, "whole"),
        sample_relation(6, Scope::Whole, RelationKind::Conflicts, "rival"),
    ];
    let [api, server, client] = parts(&opkg);
    assert_eq!(names(&api), ["api"]);
    assert_eq!(names(&server), ["server", "common", "whole", "rival"]);
    assert_eq!(names(&client), ["client", "common", "whole", "rival"]);
    assert_eq!(api.opkg_conflicts[0].any_of[0].name, "rival");
    assert!(server.opkg_conflicts.is_empty());
    assert_eq!(server.same_version_requirement.as_deref(), Some("opkg-x"));
    assert_eq!((api.same_version_requirement, client.same_version_requirement), (None, None));
    assert_eq!((server.name.as_str(), server.summary.as_str()), ("opkg-x-server", "A sample, server part"));
}

#[test]
fn an_unconditional_relation_replaces_the_same_under_conditions() {
    let mut opkg = sample_opkg("x");
    opkg.relations = vec![sample_relation(1, Scope::Common, RelationKind::Requires, "a"); 4];
    for (index, version) in [(0, "8"), (1, "9")] {
        let filter = DistFilter { at: 1, id: "rhel".into(), bound: some_bound(Comparison::Eq, version) };
        opkg.relations[index].filter.dists = vec![filter];
    }
    opkg.relations[3].scope = Scope::Part(Which::Server);
    let [_, server, client] = parts(&opkg);
    assert_eq!((names(&server), names(&client)), (vec!["a"], vec!["a"]));
    assert_eq!(server.relations[0].filter_match, FilterMatch::Always);
}

#[test]
fn a_part_of_an_opkg_is_that_of_the_part_that_has_the_relation() {
    let mut opkg = sample_opkg("x");
    let relation = |scope, kind, part| {
        let mut relation = sample_relation(1, scope, kind, "");
        relation.any_of = vec![sample_related_opkg(2, "other", part, None)];
        relation
    };
    opkg.relations = vec![
        relation(Scope::Common, RelationKind::Requires, None),
        relation(Scope::Part(Which::Api), RelationKind::Requires, None),
        relation(Scope::Part(Which::Client), RelationKind::Requires, Some(Which::Api)),
        relation(Scope::Whole, RelationKind::Conflicts, None),
    ];
    let [api, server, client] = parts(&opkg);
    assert_eq!(names(&api), ["opkg-other"]);
    assert_eq!(names(&server), ["opkg-other-server", "opkg-other-server"]);
    assert_eq!(names(&client), ["opkg-other-client", "opkg-other", "opkg-other-client"]);
    assert_eq!(api.opkg_conflicts[0].any_of[0].name, "other");
}

#[test]
fn an_arch_filter_makes_the_part_that_gets_it_specific() {
    let mut opkg = sample_opkg("x");
    opkg.relations = vec![
        sample_relation(1, Scope::Part(Which::Server), RelationKind::Requires, "a"),
        sample_relation(2, Scope::Part(Which::Client), RelationKind::Requires, "b"),
    ];
    // Even one that this architecture does not get; but not one of another distribution.
    opkg.relations[0].filter.archs = vec!["ppc".into()];
    opkg.relations[1].filter.archs = vec!["x86_64".into()];
    opkg.relations[1].filter.dists = vec![DistFilter { at: 1, id: "debian".into(), bound: None }];
    assert_eq!(parts(&opkg).map(|part| part.is_arch_specific), [false, true, false]);
    opkg.filter.archs = vec!["x86_64".into()];
    assert_eq!(parts(&opkg).map(|part| part.is_arch_specific), [true, true, true]);
}

#[test]
fn documents_go_where_the_distribution_wants_them() {
    let mut opkg = sample_opkg("x");
    add_file(&mut opkg, Which::Api, "doc/manual/index.html");
    let [api, ..] = parts(&opkg);
    let found = api.files.iter().find(|file| file.is_documentation).unwrap();
    assert_eq!(found.path, "/usr/share/doc/opkg-x/manual/index.html");
}

#[test]
fn the_filter_of_the_whole_package() {
    let mut opkg = sample_opkg("x");
    opkg.filter.archs = vec!["ppc64".into()];
    let open = context(None);
    let refused = plan(&opkg, &open, "/d", &mut Vec::new());
    let Err(Refusal::Unavailable(diagnostic)) = refused else { panic!("not available there") };
    assert_eq!(diagnostic.message, "opkg-x is not available for rhel on x86_64: its filters name only ppc64");

    opkg.filter.archs.clear();
    opkg.filter.dists = vec![DistFilter { at: 1, id: "rhel".into(), bound: some_bound(Comparison::Lt, "7") }];
    let mut diagnostics = Vec::new();
    assert!(plan(&opkg, &context(None), "/d", &mut diagnostics).is_ok());
    assert_eq!(
        diagnostics[0].message,
        "opkg-x is only for rhel < 7; rhel names no version, and its default release is not among them"
    );
}

#[test]
fn programs_decide_where_a_part_can_be() {
    let mut opkg = sample_opkg("x");
    add_file(&mut opkg, Which::Client, "files/client/usr/bin/x").arch = Some("x86_64".into());
    add_file(&mut opkg, Which::Server, "files/server/etc/x").configuration = true;
    let mut found = Vec::new();
    let x86 = context(Some("x86_64"));
    let [api, server, client] = plan(&opkg, &x86, "/usr/share/doc/opkg-x", &mut found).unwrap();
    assert!(!api.is_arch_specific && !server.is_arch_specific && client.is_arch_specific);
    assert_eq!((client.program_archs.as_slice(), found.len()), (&["x86_64"][..], 0));
    assert_eq!(server.files[0].marks(), opkg_sdk::artefacts::FileMarks::CONFIGURATION);
    plan(&opkg, &context(Some("aarch64")), "/usr/share/doc/opkg-x", &mut found).unwrap();
    let said: Vec<&str> = found.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
    assert_eq!(said, ["a program for `x86_64`, where opkg-x-client is built for `aarch64`"]);
}

#[test]
fn later_rules_about_files_count_where_their_filters_match() {
    let mut opkg = sample_opkg("x");
    let rule = |filter, owner: &str, mode| FileRule {
        at: 5,
        filter,
        owner: Some(owner.to_owned()),
        group: None,
        mode,
        directory_mode: mode.map(|mode| mode | 0o100),
        config: Some(ConfigKind::Replace),
        ghost: None,
        capabilities: Some("cap_chown=ep".to_owned()),
    };
    let only = |id: &str, version: Option<&str>, archs: &[&str]| Filter {
        dists: vec![DistFilter {
            at: 6,
            id: id.into(),
            bound: version.and_then(|it| some_bound(Comparison::Ge, it)),
        }],
        archs: archs.iter().map(ToString::to_string).collect(),
    };
    opkg.file_rules = vec![
        rule(Filter { dists: Vec::new(), archs: Vec::new() }, "first", Some(0o600)),
        rule(only("debian", None, &[]), "debian", Some(0o666)),
        rule(only("rhel", Some("9"), &["aarch64"]), "second", None),
        rule(only("rhel", Some("10"), &[]), "newer", None),
    ];
    add_file(&mut opkg, Which::Client, "files/client/etc/x").rules = vec![0, 1, 2, 3];
    let link = add_file(&mut opkg, Which::Client, "files/client/etc/y");
    (link.link, link.rules) = (Some("x".into()), vec![0]);
    opkg.directories.push(Directory {
        part: Which::Client,
        destination: Destination::Path("/etc/z".into()),
        only_arch: None,
        rules: vec![0],
    });
    for (arch, owner) in [(Some("x86_64"), "first"), (Some("aarch64"), "second"), (None, "first")] {
        let mut found = Vec::new();
        let context = context(arch);
        let [_, server, client] = plan(&opkg, &context, "/usr/share/doc/opkg-x", &mut found).unwrap();
        let attributes = &client.files[0].attributes;
        assert_eq!((attributes.owner.as_str(), attributes.group.as_str()), (owner, "root"), "{arch:?}");
        assert_eq!((attributes.mode, attributes.config), (0o600, ConfigKind::Replace));
        assert_eq!(attributes.capabilities.as_deref(), Some("cap_chown=ep"));
        let link = &client.files[1].attributes;
        assert_eq!(
            (link.owner.as_str(), link.config, link.capabilities.as_deref()),
            ("first", ConfigKind::No, None)
        );
        assert_eq!(
            (client.directories[0].attributes.mode, client.directories[0].attributes.owner.as_str()),
            (0o700, "first")
        );
        assert!(client.is_arch_specific && !server.is_arch_specific);
        let said: Vec<&str> = found.iter().map(|it| it.message.as_str()).collect();
        let name = "rhel names no version, and what is said of files counts as for its default release";
        assert_eq!(said, [name], "{arch:?}");
    }
}

#[test]
fn what_is_for_one_architecture_is_in_its_packages_alone() {
    let mut opkg = sample_opkg("x");
    for (path, arch) in [
        ("files/client@x86_64/x", Some("x86_64")),
        ("files/client@aarch64/x", Some("aarch64")),
        ("files/client/y", None),
    ] {
        let file = add_file(&mut opkg, Which::Client, path);
        file.only_arch = arch.map(str::to_owned);
        file.destination = Destination::Path(format!("/{}", path.rsplit('/').next().unwrap()));
    }
    for only_arch in [None, Some("x86_64".to_owned()), Some("aarch64".to_owned())] {
        opkg.directories.push(Directory {
            part: Which::Client,
            destination: Destination::Path("/z".into()),
            only_arch,
            rules: Vec::new(),
        });
    }
    for (arch, built, expected) in [
        (Some("x86_64"), "x86_64", &["/x files/client@x86_64/x", "/y files/client/y"][..]),
        (Some("aarch64"), "aarch64", &["/x files/client@aarch64/x", "/y files/client/y"]),
        (Some("riscv64"), "riscv64", &["/y files/client/y"]),
        (None, "x86_64", &["/x files/client@x86_64/x", "/y files/client/y"]),
    ] {
        let context = context(arch);
        let [_, server, client] = plan(&opkg, &context, "/usr/share/doc/opkg-x", &mut Vec::new()).unwrap();
        let files: Vec<String> =
            client.files.iter().map(|file| format!("{} {}", file.path, file.source.path)).collect();
        assert_eq!(files, expected, "{arch:?}");
        assert_eq!(client.directories.len(), 1);
        assert_eq!((client.is_arch_specific, client.program_archs.as_slice()), (true, &[built][..]));
        assert!(!server.is_arch_specific && server.program_archs.is_empty());
    }
}

#[test]
fn what_is_said_of_units_counts_in_their_parts_where_its_filter_matches() {
    let mut opkg = sample_opkg("x");
    opkg_sdk::testing::add_service(&mut opkg);
    opkg_sdk::testing::add_service_rules(&mut opkg);
    let only = |version: Option<&str>, archs: &[&str]| Filter {
        dists: vec![DistFilter {
            at: 6,
            id: "rhel".into(),
            bound: version.and_then(|it| some_bound(Comparison::Ge, it)),
        }],
        archs: archs.iter().map(ToString::to_string).collect(),
    };
    opkg.service_rules[1].filter = only(None, &["aarch64"]);
    opkg.service_rules[3].filter = only(Some("10"), &[]);
    for (arch, enable, restarted) in
        [("x86_64", EnableKind::No, None), ("aarch64", EnableKind::Yes, Some(false))]
    {
        let mut found = Vec::new();
        let context = context(Some(arch));
        let [_, server, client] = plan(&opkg, &context, "/usr/share/doc/opkg-x", &mut found).unwrap();
        assert!(server.service_rules.is_empty() && !server.is_arch_specific && client.is_arch_specific);
        let units = opkg_sdk::units::of_part(&client);
        let unit = |name: &str| *units.iter().find(|unit| unit.name == name).unwrap();
        assert_eq!(unit("site.service").enable, Some(enable), "{arch}");
        assert_eq!(unit("scratch.mount").enable, None, "not on the default release");
        let instance = unit("tunnel@one.service");
        assert!(instance.is_instance && !instance.is_template && instance.is_restarted());
        let restart = |name: &str| (unit(name).restart, unit(name).is_restarted());
        assert_eq!(restart("site.service"), (restarted, restarted.is_none()));
        assert_eq!(restart("site-sync.timer"), (None, true));
        assert_eq!(restart("scratch.mount"), (None, false), "it is in use");
        assert_eq!((instance.enable, instance.start), (Some(EnableKind::Yes), Some(true)));
        let said: Vec<&str> = found.iter().map(|it| it.message.as_str()).collect();
        let name = "rhel names no version, and what is said of services counts as for its default release";
        assert_eq!(said, [name]);
    }
}
