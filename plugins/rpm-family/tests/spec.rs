//! What people read: whole specs of made-up OPKGs.
#![allow(clippy::unwrap_used)]

mod common;

use common::{generate_for, sample_profile};
use opkg_rpm_family::{ReleaseProfile, RpmVersion};
use opkg_sdk::model::{
    BuildTarget, Comparison, Destination, DistFilter, Opkg, Part, RelationKind, Scope, ScriptTime, Unit,
};
use opkg_sdk::packaging::Refusal;
use opkg_sdk::testing::{
    add_alternatives, add_file, add_laid_file, add_script, add_service, add_service_rules, add_system_files,
    add_triggers, sample_opkg, sample_relation, sample_release, sample_tagged_target, sample_target,
    some_bound,
};

fn spec(opkg: &Opkg, version: Option<&str>) -> String {
    generate_for(opkg, &sample_target("rhel", version, None)).unwrap().meta_files.remove(0).contents
}

fn dist(id: &str, comparison: Comparison, version: &str) -> DistFilter {
    DistFilter { at: 7, id: id.into(), bound: some_bound(comparison, version) }
}

#[test]
fn the_least() {
    insta::assert_snapshot!(spec(&sample_opkg("least"), Some("9")));
}

/// Everything that the format can say, for a target that leaves the release and the architecture open.
#[test]
fn everything_open() {
    let mut opkg = sample_opkg("rich");
    opkg.uri = Some("https://example.org/a%20b".into());
    opkg.description = vec!["First paragraph, 100% text.".into(), "%post is no section here.".into()];
    opkg.history = vec![
        sample_release("2.0-rc1", 1_404_000_000, &["Closes two bugs.", "# is no comment"]),
        sample_release("1.0", 1_386_061_212, &["First release."]),
    ];
    opkg.history[0].version.epoch = 1;
    opkg.history[0].changes[0].closes = vec![12, 13];
    opkg.relations = vec![
        sample_relation(10, Scope::Part(Part::Server), RelationKind::Requires, "perl(XML::Simple)"),
        sample_relation(11, Scope::Common, RelationKind::Requires, "libfoo"),
        sample_relation(12, Scope::Part(Part::Server), RelationKind::Suggests, "docs"),
        sample_relation(13, Scope::Whole, RelationKind::Conflicts, "rival"),
        sample_relation(14, Scope::Part(Part::Client), RelationKind::Requires, "libbar"),
        sample_relation(15, Scope::Part(Part::Client), RelationKind::Provides, "client-of-old"),
        sample_relation(16, Scope::Part(Part::Client), RelationKind::Requires, "not-here"),
    ];
    opkg.relations[1].any_of[0].bound = some_bound(Comparison::Ge, "1.2-3");
    opkg.relations[1].filter.dists =
        vec![dist("rhel", Comparison::Ge, "8"), dist("rhel", Comparison::Lt, "6")];
    opkg.relations[4].filter.archs = vec!["i386".into(), "x86_64".into()];
    opkg.relations[5].filter.dists = vec![dist("rhel", Comparison::Eq, "7")];
    opkg.relations[6].filter.dists = vec![dist("debian", Comparison::Ge, "7")];
    add_file(&mut opkg, Part::Api, "doc/a b.txt");
    add_file(&mut opkg, Part::Api, "doc/latest").link = Some("a b.txt".into());
    add_script(
        &mut opkg,
        Part::Api,
        "scripts/api-post-install",
        &["/usr/bin/perl"],
        ScriptTime::PostInstall,
        None,
    );
    let text = Some("#!/bin/bash\n%files = ()\n%if 1\nEND_OF_SCRIPT");
    add_script(
        &mut opkg,
        Part::Client,
        "scripts/client-pre-install",
        &["/bin/bash"],
        ScriptTime::PreInstall,
        text,
    );
    insta::assert_snapshot!(spec(&opkg, None));
}

#[test]
fn files_that_are_one_of_several() {
    let mut opkg = sample_opkg("several");
    add_alternatives(&mut opkg);
    let spec = spec(&opkg, Some("9"));
    insta::assert_snapshot!(&spec[spec.find("\n%post").unwrap()..spec.find("\n%files").unwrap()]);
    assert_eq!(spec.matches("\nRequires(post): /usr/sbin/update-alternatives\n").count(), 1);
    assert_eq!(spec.matches("\nRequires(postun): /usr/sbin/update-alternatives\n").count(), 1);
}

/// Where the release is left open, the spec asks whether its RPM has them; where it has not, nothing is run, nor needed.
#[test]
fn files_of_others_run_a_script() {
    let mut opkg = sample_opkg("caches");
    opkg.tells_action = true;
    add_triggers(&mut opkg);
    let script = opkg.files.iter_mut().find(|file| file.script.is_some()).unwrap();
    script.interpreter = vec!["/usr/bin/python3".into()];
    let of_9 = spec(&opkg, Some("9"));
    insta::assert_snapshot!(&of_9[of_9.find("\n%postun").unwrap()..of_9.find("\n%files").unwrap()]);
    assert_eq!(of_9.matches("\nRequires: /usr/bin/python3\n").count(), 1);
    let open = spec(&opkg, None);
    let lines: Vec<&str> = open.lines().collect();
    let is_asked = |pair: &&[&str]| pair[0].starts_with("%if ") && pair[1].starts_with("%transfiletrigger");
    assert_eq!(open.matches("\n%transfiletrigger").count(), 4);
    assert_eq!(lines.windows(2).filter(is_asked).count(), 4, "{open}");
    assert_eq!(open.matches(" \"$@\"\n%endif\n").count(), 3, "{open}");

    let target = sample_target("rhel", Some("7"), None);
    let profile = ReleaseProfile { rpm_version: RpmVersion(4, 12), ..sample_profile(&target) };
    let output = opkg_rpm_family::generate(&opkg, &target, &profile).unwrap();
    let old = &output.meta_files[0].contents;
    assert!(!old.contains("%transfiletrigger") && !old.contains("python3"), "{old}");
    assert!(!old.contains("%postun"), "{old}");
    assert!(output.packages.iter().all(|package| package.file_triggers.is_empty()));
    let told = output.diagnostics.iter().map(|it| (it.at, it.message.as_str())).collect::<Vec<_>>();
    let message = |path| {
        format!(
            "the RPM of rhel-7 has no file triggers: nothing is run there for `{path}` of opkg-caches-client"
        )
    };
    for path in ["/usr/share/modulefiles", "/etc/site.d"] {
        assert!(told.contains(&(Some(60), message(path).as_str())), "{told:?}");
    }
}

/// The version being built is the spec's own, of which a target that leaves the release open leaves a part to the macro.
#[test]
fn scripts_are_told_why_they_run() {
    let mut opkg = sample_opkg("told");
    opkg.tells_action = true;
    opkg.history[0].version.epoch = 1;
    let (path, text) = ("scripts/client-post-uninstall", Some("#!/bin/sh\necho $OPKG_ACTION\n"));
    add_script(&mut opkg, Part::Client, path, &["/bin/sh"], ScriptTime::PostUninstall, text);
    let path = "scripts/client-post-install";
    add_script(&mut opkg, Part::Client, path, &["/bin/sh"], ScriptTime::PostInstall, None);
    let output = generate_for(&opkg, &sample_tagged_target("rhel", None)).unwrap();
    let spec = &output.meta_files[0].contents;
    let scripts = &spec[spec.find("\n%post").unwrap()..spec.find("\n%files").unwrap()];
    insta::assert_snapshot!(scripts);
    let client = output.packages.iter().find(|package| package.name == "opkg-told-client").unwrap();
    let bodies: Vec<&str> = client.scriptlets.iter().map(|script| script.body.as_str()).collect();
    insta::assert_snapshot!("scripts_are_told_why_they_run_as_records", bodies.join("\n--\n"));
}

#[test]
fn a_package_wide_architecture() {
    let mut opkg = sample_opkg("pinned");
    opkg.filter.archs = vec!["i386".into(), "x86_64".into()];
    let spec = spec(&opkg, Some("9"));
    assert!(spec.contains("\nExclusiveArch: i386 i486 i586 i686 athlon geode pentium3 pentium4 x86_64\n"));
    assert!(!spec.contains("BuildArch"));
    let refused = generate_for(&opkg, &sample_target("rhel", Some("9"), Some("aarch64")));
    let Err(Refusal::Unavailable(diagnostic)) = refused else { panic!("not available there") };
    assert_eq!(
        diagnostic.message,
        "opkg-pinned is not available for rhel-9-aarch64: its filters name only i386, x86_64"
    );
}

/// What the target leaves open stays open in the spec, and the default release decides about packages.
#[test]
fn a_package_for_some_releases() {
    let mut opkg = sample_opkg("choosy");
    opkg.filter.dists = vec![dist("rhel", Comparison::Ge, "8"), dist("rhel", Comparison::Eq, "6")];
    let output = generate_for(&opkg, &sample_target("rhel", None, None)).unwrap();
    let text = &output.meta_files[0].contents;
    let (_, condition) = text.split_once("_buildhost localhost\n\n").unwrap();
    insta::assert_snapshot!(condition.split_once("\n\nName: ").unwrap().0, @r"
    %if !((0%{?rhel} >= 8) || (0%{?rhel} == 6))
    %{error:opkg-choosy is only for rhel >= 8 or rhel = 6}
    %endif
    ");
    assert_eq!((output.packages.len(), output.native_build.commands.len()), (3, 1));
    assert!(!spec(&opkg, Some("9")).contains("%{error:"));

    opkg.filter.dists = vec![dist("rhel", Comparison::Lt, "8")];
    let output = generate_for(&opkg, &sample_target("rhel", None, None)).unwrap();
    assert!(output.meta_files[0].contents.contains("only for rhel < 8"));
    assert!(output.packages.is_empty() && output.native_build.commands.is_empty());
    assert!(output.diagnostics.iter().any(|it| it.message.contains("its default release is not among them")));
}

/// The machine stands in where the target names no architecture.
#[test]
fn nothing_is_built_for_an_architecture_that_is_not_there() {
    let mut opkg = sample_opkg("local");
    let on =
        |machine: &str| BuildTarget { machine: machine.into(), ..sample_target("rhel", Some("9"), None) };
    assert!(generate_for(&opkg, &on("sparc64")).is_ok());
    opkg.relations = vec![sample_relation(10, Scope::Common, RelationKind::Requires, "libfoo")];
    opkg.relations[0].filter.archs = vec!["x86_64".into(), "sparc64".into()];
    let Err(Refusal::UnknownTarget(message)) = generate_for(&opkg, &on("sparc64")) else {
        panic!("must be refused")
    };
    assert_eq!(message, "rhel-9 has no architecture `sparc64`; it has x86_64, i386, aarch64");
}

#[test]
fn a_package_for_other_distributions() {
    let mut opkg = sample_opkg("foreign");
    opkg.filter.dists = vec![DistFilter { at: 3, id: "debian".into(), bound: None }];
    let Err(Refusal::Unavailable(diagnostic)) = generate_for(&opkg, &sample_target("rhel", Some("9"), None))
    else {
        panic!("not available there")
    };
    assert_eq!(diagnostic.message, "opkg-foreign is not available for rhel-9: its filters name only debian");
    assert_eq!(diagnostic.at, Some(3));
}

#[test]
fn what_rpm_cannot_say_is_an_error_at_its_place() {
    let mut opkg = sample_opkg("odd");
    opkg.relations = vec![
        sample_relation(10, Scope::Common, RelationKind::Requires, "two words"),
        sample_relation(11, Scope::Common, RelationKind::Requires, "%(reboot)"),
        sample_relation(12, Scope::Common, RelationKind::Requires, "fine"),
        sample_relation(13, Scope::Common, RelationKind::Requires, "/usr/bin/fine"),
    ];
    opkg.relations[2].any_of[0].bound = some_bound(Comparison::Ge, "1,2");
    opkg.relations[3].any_of[0].bound = some_bound(Comparison::Ge, "1");
    let Err(Refusal::Failed(diagnostics)) = generate_for(&opkg, &sample_target("rhel", Some("9"), None))
    else {
        panic!("must fail")
    };
    let places: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.at).collect();
    // Each is told once, though server and client share it.
    assert_eq!(places, [Some(10), Some(11), Some(12), Some(13)]);
    insta::assert_snapshot!(diagnostics[0].help.clone().unwrap());
}

#[test]
fn an_unknown_architecture_names_the_known_ones() {
    let refused = generate_for(&sample_opkg("x"), &sample_target("rhel", Some("9"), Some("sparc")));
    let Err(Refusal::UnknownTarget(message)) = refused else { panic!("must be refused") };
    assert_eq!(message, "rhel-9-sparc has no architecture `sparc`; it has x86_64, i386, aarch64");
}

/// Users before files; units around the OPKG's own scripts, which see what they always saw.
#[test]
fn users_and_units() {
    let mut opkg = sample_opkg("site");
    add_service(&mut opkg);
    let home = "scripts/client-post-uninstall";
    add_script(
        &mut opkg,
        Part::Client,
        home,
        &["/bin/sh"],
        ScriptTime::PostUninstall,
        Some("#!/bin/sh\nexit 3\n"),
    );
    let home = "scripts/client-pre-uninstall";
    add_script(&mut opkg, Part::Client, home, &["/bin/sh"], ScriptTime::PreUninstall, None);
    let output = generate_for(&opkg, &sample_target("rhel", Some("9"), None)).unwrap();
    let client = output.packages.iter().find(|package| package.name == "opkg-site-client").unwrap();
    let required = client.relations.iter().map(|it| format!("{:?} {}\n", it.kind, it.name));
    let scripts = client.scriptlets.iter().map(|it| format!("\n--- {:?}\n{}\n", it.time, it.body));
    insta::assert_snapshot!(required.chain(scripts).collect::<String>());
    let spec = &output.meta_files[0].contents;
    assert!(spec.contains("\n%pre -n opkg-site-client\ngetent group 'sited'"), "{spec}");
}

/// What the scriptlets of the client part do.
fn client_scriptlets(opkg: &Opkg, profile: &ReleaseProfile) -> String {
    let target = sample_target("rhel", Some("9"), None);
    let output = opkg_rpm_family::generate(opkg, &target, profile).unwrap();
    let client = output.packages.iter().find(|package| package.name.ends_with("-client")).unwrap();
    let scripts = client.scriptlets.iter().map(|it| format!("--- {:?}\n{}\n", it.time, it.body));
    scripts.collect()
}

#[test]
fn what_is_said_of_services() {
    let mut opkg = sample_opkg("site");
    add_service(&mut opkg);
    opkg.files.retain(|file| file.accounts.is_empty());
    add_service_rules(&mut opkg);
    insta::assert_snapshot!(client_scriptlets(
        &opkg,
        &sample_profile(&sample_target("rhel", Some("9"), None))
    ));
}

/// What a scriptlet of the client part calls `systemctl` for, if so many packages have the files of units.
fn calls_of_systemctl(opkg: &Opkg, time: ScriptTime, count: &str, owners: &str) -> String {
    let output = generate_for(opkg, &sample_target("rhel", Some("9"), None)).unwrap();
    let client = output.packages.iter().find(|package| package.name.ends_with("-client")).unwrap();
    let script = client.scriptlets.iter().find(|it| it.time == time).unwrap();
    let root = tempfile::tempdir().unwrap();
    // Whether systemd runs on this machine makes no difference.
    let body = script.body.replace("/run/systemd/system", "/");
    let stubs = format!("systemctl() {{ echo \"$*\" >> calls; }}\nrpm() {{ printf {owners}; }}\n");
    let mut shell = std::process::Command::new("/bin/sh");
    let ended =
        shell.args(["-c", &(stubs + &body), "script", count]).current_dir(root.path()).output().unwrap();
    assert!(ended.status.success() && ended.stderr.is_empty(), "{}", common::output_text(&ended));
    std::fs::read_to_string(root.path().join("calls")).unwrap_or_default()
}

/// The other is installed before this one is removed: both have the files of units then.
#[test]
fn a_package_that_takes_the_place_of_another_keeps_its_units() {
    let mut opkg = sample_opkg("site");
    add_service(&mut opkg);
    opkg.files.retain(|file| file.accounts.is_empty());
    let preset = "--quiet --no-reload preset scratch.mount site-sync.timer site.service\n";
    let ended = "--quiet --no-reload disable scratch.mount site-sync.timer site.service tunnel@.service\n\
                 stop scratch.mount site-once.service site-sync.service site-sync.timer site.service tunnel@*.service\n";
    for (time, count, alone) in
        [(ScriptTime::PostInstall, "1", preset), (ScriptTime::PreUninstall, "0", ended)]
    {
        assert_eq!(calls_of_systemctl(&opkg, time, count, "."), alone);
        assert_eq!(calls_of_systemctl(&opkg, time, count, "''"), alone);
        assert_eq!(calls_of_systemctl(&opkg, time, count, ".."), "");
    }
    let path = opkg.files.iter().position(|file| file.path.ends_with("/site.service")).unwrap();
    let after = |opkg: &Opkg| calls_of_systemctl(opkg, ScriptTime::PostUninstall, "0", ".");
    assert_eq!(after(&opkg), "daemon-reload\n");
    let kept = tempfile::tempdir().unwrap();
    let file = kept.path().join("site.service");
    std::fs::write(&file, "").unwrap();
    opkg.files[path].destination = Destination::Path(file.display().to_string());
    assert!(after(&opkg).starts_with("daemon-reload\ntry-restart "), "{}", after(&opkg));

    add_service_rules(&mut opkg);
    let enabled = "--quiet --no-reload preset scratch.mount\n--quiet --no-reload enable";
    assert!(calls_of_systemctl(&opkg, ScriptTime::PostInstall, "1", ".").starts_with(enabled));
    assert!(!calls_of_systemctl(&opkg, ScriptTime::PostInstall, "1", "..").contains("enable "));
}

/// Where the release's own triggers do it, only what they do not see.
#[test]
fn files_that_systemd_and_udev_read() {
    let mut opkg = sample_opkg("site");
    add_system_files(&mut opkg);
    let mut profile = sample_profile(&sample_target("rhel", Some("9"), None));
    let with_triggers = client_scriptlets(&opkg, &profile);
    profile.has_file_triggers = false;
    let without = client_scriptlets(&opkg, &profile);
    insta::assert_snapshot!(format!("with triggers\n{with_triggers}\nwithout\n{without}"));

    opkg.files.retain(|file| file.path.contains("/usr/lib/tmpfiles.d/"));
    profile.has_file_triggers = true;
    assert_eq!(client_scriptlets(&opkg, &profile), "");
    let unit = add_laid_file(&mut opkg, "/usr/lib/systemd/system/site.service");
    unit.unit = Some(Unit { template: false, installable: true });
    assert!(!client_scriptlets(&opkg, &profile).contains("tmpfiles"));
    add_service_rules(&mut opkg);
    opkg.service_rules.retain(|rule| rule.name == "site.service");
    let scripts = client_scriptlets(&opkg, &profile);
    let order =
        ["systemd-tmpfiles --create", "enable \"$unit\"", "daemon-reload", "systemctl start \"$unit\""];
    let places = order.map(|words| scripts.find(words).unwrap_or_else(|| panic!("{words} in {scripts}")));
    assert!(places.is_sorted(), "{scripts}");
}
