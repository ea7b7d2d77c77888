use super::*;
use crate::artefacts::{Content, FileMarks};
use crate::model::{Comparison, DistFilter, EnableKind, Part, RelationKind, Scope, ServiceRule, Severity};
use crate::testing::{
    add_alternatives, add_file, add_laid_file, add_script, add_service, add_triggers, own_directory,
    sample_opkg, sample_related_opkg, sample_relation, some_bound,
};

const DOCUMENTS: &str = "/usr/share/doc/opkg-x";

fn named(name: &str, number: &[u64]) -> NamedRelease {
    NamedRelease { name: name.to_owned(), number: number.to_vec() }
}

/// Of `demo`, asked for without a version or with one.
fn context(number: Option<&[u64]>) -> FilterContext {
    FilterContext {
        name: "demo".to_owned(),
        identities: vec![DistIdentity {
            id: "demo".to_owned(),
            number: number.map(<[u64]>::to_vec),
            default_number: vec![9],
            names: vec![named("new", &[9]), named("next", &[u64::MAX])],
        }],
        fallback_identities: vec![DistIdentity {
            id: "parent".to_owned(),
            number: Some(vec![12]),
            default_number: vec![12],
            names: Vec::new(),
        }],
        arch: None,
        machine: "x86_64".to_owned(),
    }
}

fn filter(id: &str, comparison: Comparison, version: &str, archs: &[&str]) -> Filter {
    let dist = DistFilter { at: 3, id: id.to_owned(), bound: some_bound(comparison, version) };
    Filter { dists: vec![dist], archs: archs.iter().map(ToString::to_string).collect() }
}

fn planned(opkg: &Opkg, context: &FilterContext) -> OpkgPlan {
    plan(opkg, context, DOCUMENTS, &[]).unwrap()
}

fn paths(part: &PartPlan) -> Vec<&str> {
    part.files.iter().map(|file| file.path.as_str()).collect()
}

#[test]
fn a_filter_is_decided_or_left_open() {
    let open = context(None);
    let (decision, told) = decide(&open, &filter("demo", Comparison::Ge, "NEW", &["aarch64"]));
    let test = VersionTest {
        id: "demo".to_owned(),
        comparison: Comparison::Ge,
        number: vec![9],
        written: "NEW".to_owned(),
    };
    let archs = vec!["aarch64".to_owned()];
    assert_eq!(decision, FilterMatch::Conditional(OpenCondition { versions: vec![test], archs }));
    assert_eq!(told, []);
    let known = context(Some(&[9]));
    assert_eq!(decide(&known, &filter("demo", Comparison::Lt, "next", &[])).0, FilterMatch::Always);
    assert_eq!(decide(&known, &filter("demo", Comparison::Gt, "9", &[])).0, FilterMatch::Never);
    // Of the parent, where the filter knows none of the target's own.
    assert_eq!(decide(&known, &filter("parent", Comparison::Eq, "12", &[])).0, FilterMatch::Always);
    let (decision, told) = decide(&known, &filter("demo", Comparison::Eq, "newest", &[]));
    assert_eq!((decision, told.len()), (FilterMatch::Never, 1));
    assert_eq!((told[0].severity, told[0].at), (Severity::Warning, Some(3)));
}

#[test]
fn versions_are_split_as_their_scheme_says() {
    let split = |text, is_opkg| {
        split_version(text, is_opkg).map(|it| (it.epoch, it.upstream, it.release.unwrap_or_default()))
    };
    assert_eq!(split("2:1.0-rc1", false), Some((Some(2), "1.0-rc1".to_owned(), String::new())));
    assert_eq!(split("2:1.0-rc1", true), Some((Some(2), "1.0".to_owned(), "rc1".to_owned())));
    assert_eq!(split("1-", false), None);
    assert_eq!(order_prereleases("1.0-rc1"), "1.0~rc1");
    assert_eq!(shell_quote("it's"), r"'it'\''s'");
}

#[test]
fn a_filter_of_the_opkg_that_excludes_the_target_is_the_error() {
    let mut opkg = sample_opkg("x");
    opkg.filter = filter("demo", Comparison::Lt, "9", &[]);
    let refused = plan(&opkg, &context(Some(&[9])), DOCUMENTS, &[]).unwrap_err();
    assert_eq!((refused.severity, refused.at), (Severity::Note, Some(3)));
    assert!(refused.message.contains("opkg-x is not available for demo"), "{}", refused.message);
    let open = planned(&opkg, &context(None));
    assert!(open.diagnostics[0].message.contains("names no version"), "{:?}", open.diagnostics);
}

#[test]
fn each_part_gets_its_packages_and_files() {
    let mut opkg = sample_opkg("x");
    add_file(&mut opkg, Part::Api, "doc/guide");
    let link = add_file(&mut opkg, Part::Api, "scripts/guide-link");
    link.link = Some("../doc/guide".to_owned());
    let laid = add_laid_file(&mut opkg, "/etc/site.conf");
    laid.configuration = true;
    laid.arch = Some("x86_64".to_owned());
    let etc = crate::model::Destination::Path("/etc/site.d".to_owned());
    opkg.directories.push(own_directory(Part::Client, etc));
    let found = planned(&opkg, &context(None));
    let names: Vec<_> = found.parts.iter().map(|part| (part.part.clone(), part.name.as_str())).collect();
    assert_eq!(
        names,
        [(Part::Api, "opkg-x"), (Part::Server, "opkg-x-server"), (Part::Client, "opkg-x-client")]
    );
    let [api, server, client] = found.parts.as_slice() else { panic!("three parts") };
    assert_eq!(server.same_version.as_deref(), Some("opkg-x"));
    assert_eq!(server.summary, "A sample, server part");
    let home = "/usr/lib/oscar/packages/x";
    assert_eq!(
        paths(api),
        [home, &format!("{home}/config.xml"), &format!("{home}/guide-link"), &format!("{DOCUMENTS}/guide")]
    );
    assert_eq!(api.files[0].content, Content::Directory);
    assert_eq!(api.files[2].content, Content::Link("../../../../share/doc/opkg-x/guide".to_owned()));
    assert_eq!(api.files[2].mode, 0o777);
    assert_eq!(api.files[3].marks, FileMarks::DOCUMENTATION);
    assert_eq!(paths(client), ["/etc/site.conf", "/etc/site.d"]);
    assert_eq!(client.files[0].marks, FileMarks::CONFIGURATION);
    assert_eq!(client.files[0].content, Content::Source(opkg.files[3].at));
    assert_eq!((client.is_arch_specific, client.program_archs.join(" ")), (true, "x86_64".to_owned()));
    assert!(!api.is_arch_specific && api.program_archs.is_empty());
}

#[test]
fn relations_say_what_they_are_to_and_when_they_hold() {
    let mut opkg = sample_opkg("x");
    let mut later = sample_relation(5, Scope::Part(Part::Server), RelationKind::Requires, "later");
    later.filter = filter("demo", Comparison::Gt, "9", &[]);
    let mut never = sample_relation(6, Scope::Part(Part::Server), RelationKind::Requires, "never");
    never.filter = filter("other", Comparison::Gt, "9", &[]);
    let mut munge = sample_relation(7, Scope::Common, RelationKind::Requires, "");
    munge.any_of = vec![sample_related_opkg(7, "munge", None, some_bound(Comparison::Eq, "1:2.0-rc1"))];
    let mut rival = sample_relation(8, Scope::Whole, RelationKind::Conflicts, "");
    rival.any_of = vec![sample_related_opkg(8, "rival", None, None)];
    opkg.relations = vec![later, never, munge, rival];
    let found = planned(&opkg, &context(None));
    let [api, server, _] = found.parts.as_slice() else { panic!("three parts") };
    let seen: Vec<_> = (server.relations.iter())
        .map(|it| (it.any_of[0].name.as_str(), it.by_default, it.filter_match == FilterMatch::Always))
        .collect();
    assert_eq!(
        seen,
        [("later", false, false), ("opkg-munge-server", true, true), ("opkg-rival-server", true, true)]
    );
    let version = server.relations[1].any_of[0].version.as_ref().unwrap();
    assert_eq!((version.epoch, version.release.as_deref()), (Some(1), Some("rc1")));
    assert!(api.relations.is_empty());
    assert_eq!(api.recorded_conflicts[0].any_of[0].name, "rival");
}

#[test]
fn scripts_are_carried_where_their_files_are_not_there() {
    let mut opkg = sample_opkg("x");
    let text = "#!/usr/bin/perl\nexit 0;\n";
    let (before, after) = ("scripts/server-pre-install", "scripts/server-post-install");
    add_script(&mut opkg, Part::Server, before, &["/usr/bin/perl"], ScriptTime::PreInstall, Some(text));
    add_script(&mut opkg, Part::Server, after, &["/bin/sh"], ScriptTime::PostInstall, None);
    opkg.tells_action = true;
    let told = "OPKG_ACTION=install\nOPKG_OLD_VERSION=\n";
    let actions = [ActionCommands { time: ScriptTime::PreInstall, commands: told.to_owned() }];
    let found = plan(&opkg, &context(None), DOCUMENTS, &actions).unwrap();
    let scripts = &found.parts[1].scripts;
    let seen = |time| {
        let script = scripts.iter().find(|script| script.time == time).unwrap();
        (opkg.files[script.source as usize].path.as_str(), script.is_carried, script)
    };
    let (path, is_carried, script) = seen(ScriptTime::PreInstall);
    assert_eq!((path, is_carried), (before, true));
    assert!(script.body.contains(told) && script.body.contains("|exit 0;\n"), "{}", script.body);
    assert_eq!(script.required_programs, ["/usr/bin/perl"]);
    let (path, is_carried, script) = seen(ScriptTime::PostInstall);
    assert_eq!((path, is_carried), (after, false));
    // Nothing tells it there; it must not be that of whatever runs the package manager.
    assert!(script.body.contains("OPKG_ACTION=\nOPKG_OLD_VERSION=\n"), "{}", script.body);
    assert!(script.body.ends_with("exec '/usr/lib/oscar/packages/x/server-post-install' \"$@\"\n"));
}

#[test]
fn what_holds_for_a_part_is_named_by_its_place_in_the_opkg() {
    let mut opkg = sample_opkg("x");
    add_service(&mut opkg);
    add_alternatives(&mut opkg);
    add_triggers(&mut opkg);
    let rule = |filter| ServiceRule {
        at: 4,
        filter,
        name: "site.service".to_owned(),
        enable: Some(EnableKind::No),
        start: None,
        restart_on_upgrade: None,
    };
    opkg.service_rules =
        vec![rule(filter("demo", Comparison::Lt, "9", &[])), rule(filter("demo", Comparison::Ge, "9", &[]))];
    let found = planned(&opkg, &context(Some(&[9])));
    let [api, _, client] = found.parts.as_slice() else { panic!("three parts") };
    assert_eq!((client.service_rules.as_slice(), client.alternatives.as_slice()), (&[1][..], &[0][..]));
    assert_eq!(client.triggers, [0, 1]);
    assert!(api.service_rules.is_empty() && api.alternatives.is_empty() && api.triggers.is_empty());
}
