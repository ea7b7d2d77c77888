//! Made-up OPKGs for the native tests of plugins.

use crate::model::{
    Account, Alternative, AlternativeLink, Author, Bound, BuildTarget, Change, Class, Comparison,
    Destination, Directory, EnableKind, Filter, GroupAccount, HistoryEntry, Membership, NativeScript, Node,
    Opkg, OpkgPart, Part, RelatedName, RelatedPackage, Relation, RelationKind, ReleaseTag, Role, Scope,
    ScriptTime, ServiceRule, SourceFile, Timestamp, Trigger, Unit, UserAccount, Version,
};
use crate::relation::element_name;

/// The least that an OPKG can be: `opkg-<name>` 1.0-1, one change, no relations, only `config.xml`.
#[must_use]
pub fn sample_opkg(name: &str) -> Opkg {
    let home = format!("/usr/lib/oscar/packages/{name}");
    let mut opkg = Opkg {
        at: 0,
        name: name.to_owned(),
        class: Class::ThirdParty,
        summary: "A sample".to_owned(),
        description: vec!["A package made up for a test.".to_owned()],
        license: "GPL".to_owned(),
        groups: vec!["Applications/System".to_owned()],
        uri: None,
        authors: vec![Author {
            role: Role::Maintainer,
            name: "Ann Author".to_owned(),
            nickname: None,
            email: "ann@example.org".to_owned(),
            institution: None,
            first_year: Some(2013),
            last_year: None,
        }],
        filter: Filter { dists: Vec::new(), archs: Vec::new() },
        relations: Vec::new(),
        history: vec![sample_release("1.0", 1_386_061_212, &["First release."])],
        file_rules: Vec::new(),
        service_rules: Vec::new(),
        alternatives: Vec::new(),
        triggers: Vec::new(),
        directories: vec![own_directory(Part::Api, Destination::Path(home.clone()))],
        home,
        files: Vec::new(),
        tells_action: false,
        source_date: Timestamp { seconds: 1_386_061_212, offset: 60 },
        attributes: Vec::new(),
    };
    add_file(&mut opkg, Part::Api, "config.xml");
    opkg
}

/// A directory of which no rule says anything.
#[must_use]
pub fn own_directory(part: Part, destination: Destination) -> Directory {
    Directory { part, destination, only_arch: None, rules: Vec::new() }
}

/// A release `<upstream>-1` with one change.
#[must_use]
pub fn sample_release(upstream: &str, seconds: i64, items: &[&str]) -> HistoryEntry {
    HistoryEntry {
        version: Version { epoch: 0, upstream: upstream.to_owned(), release: "1".to_owned() },
        changes: vec![Change {
            at: 1,
            author: "Ann Author".to_owned(),
            email: Some("ann@example.org".to_owned()),
            date: Timestamp { seconds, offset: 60 },
            closes: Vec::new(),
            items: items.iter().map(ToString::to_string).collect(),
        }],
    }
}

/// A relation whose filter is empty.
#[must_use]
pub fn sample_relation(at: Node, scope: Scope, kind: RelationKind, name: &str) -> Relation {
    let filter = Filter { dists: Vec::new(), archs: Vec::new() };
    let package = RelatedPackage { at, name: RelatedName::Native(name.to_owned()), bound: None };
    Relation { at, scope, kind, any_of: vec![package], filter }
}

/// A part of an OPKG as a relation is to it.
#[must_use]
pub fn sample_related_opkg(at: Node, name: &str, part: Option<Part>, bound: Option<Bound>) -> RelatedPackage {
    let of = OpkgPart { name: name.to_owned(), part };
    RelatedPackage { at, name: RelatedName::Opkg(of), bound }
}

/// A relation of each kind with and without a version, alternatives, and relations to parts of OPKGs: of the server part,
/// and of both.
#[must_use]
pub fn sample_relations() -> Vec<Relation> {
    let server = || Scope::Part(Part::Server);
    let mut all = Vec::new();
    let mut add = |scope, kind, any_of: Vec<RelatedPackage>| {
        let at = any_of.first().map_or(0, |package| package.at);
        let filter = Filter { dists: Vec::new(), archs: Vec::new() };
        all.push(Relation { at, scope, kind, any_of, filter });
    };
    let package =
        |at, name: &str, bound| RelatedPackage { at, name: RelatedName::Native(name.to_owned()), bound };
    let kinds = [
        RelationKind::Requires,
        RelationKind::PreRequires,
        RelationKind::Recommends,
        RelationKind::Suggests,
        RelationKind::Supplements,
        RelationKind::Enhances,
        RelationKind::Conflicts,
        RelationKind::Breaks,
        RelationKind::Obsoletes,
        RelationKind::Provides,
    ];
    for (at, kind) in (10..).step_by(2).zip(kinds) {
        let name = element_name(kind).to_lowercase();
        let comparison = if kind == RelationKind::Provides { Comparison::Eq } else { Comparison::Ge };
        add(server(), kind, vec![package(at, &format!("{name}-any"), None)]);
        add(server(), kind, vec![package(at + 1, &format!("{name}-some"), some_bound(comparison, "1.0-2"))]);
    }
    add(
        server(),
        RelationKind::Requires,
        vec![
            package(40, "mail-agent", some_bound(Comparison::Eq, "2.0")),
            package(41, "postfix", some_bound(Comparison::Ge, "3.0-1")),
            package(42, "perl(Mail::Sender)", None),
        ],
    );
    add(
        server(),
        RelationKind::Recommends,
        vec![package(43, "viewer-a", None), package(44, "viewer-b", None)],
    );
    add(
        server(),
        RelationKind::PreRequires,
        vec![package(45, "setup-a", None), package(46, "setup-b", None)],
    );
    // The release of this one is called like a pre-release.
    let exact = some_bound(Comparison::Eq, "1:2.0-rc1");
    add(Scope::Common, RelationKind::Requires, vec![sample_related_opkg(50, "munge", None, exact)]);
    let recent = some_bound(Comparison::Gt, "4.0");
    let either = vec![
        sample_related_opkg(51, "slurm", Some(Part::Api), recent),
        sample_related_opkg(52, "torque", None, None),
    ];
    add(server(), RelationKind::Requires, either);
    let old = some_bound(Comparison::Lt, "2.0-1");
    add(Scope::Common, RelationKind::Obsoletes, vec![sample_related_opkg(53, "old-name", None, old)]);
    add(Scope::Whole, RelationKind::Conflicts, vec![sample_related_opkg(54, "rival", None, None)]);
    all
}

/// `Some` bound, as the fields of records want it.
#[must_use]
pub fn some_bound(comparison: Comparison, version: &str) -> Option<Bound> {
    Some(Bound { comparison, version: version.to_owned() })
}

/// Adds a plain file of the OPKG: below `doc/` into the documentation, else into its home.
pub fn add_file<'a>(opkg: &'a mut Opkg, part: Part, path: &str) -> &'a mut SourceFile {
    let destination = match path.strip_prefix("doc/") {
        Some(path) => Destination::Documentation(path.to_owned()),
        None => {
            let name = path.strip_prefix("scripts/").unwrap_or(path);
            Destination::Path(format!("{}/{name}", opkg.home))
        }
    };
    let at = 100 + u32::try_from(opkg.files.len()).unwrap_or_default();
    opkg.files.push(SourceFile {
        at,
        path: path.to_owned(),
        part,
        destination,
        mode: 0o644,
        size: 0,
        sha256: vec![0; 32],
        interpreter: Vec::new(),
        link: None,
        configuration: false,
        arch: None,
        only_arch: None,
        rules: Vec::new(),
        unit: None,
        accounts: Vec::new(),
        script: None,
        attributes: Vec::new(),
    });
    let last = opkg.files.len() - 1;
    &mut opkg.files[last]
}

/// Adds a native script; `text` for the times at which its file is not on disk.
pub fn add_script(
    opkg: &mut Opkg,
    part: Part,
    path: &str,
    interpreter: &[&str],
    time: ScriptTime,
    text: Option<&str>,
) {
    let file = add_file(opkg, part, path);
    file.mode = 0o755;
    file.interpreter = interpreter.iter().map(ToString::to_string).collect();
    file.script = Some(NativeScript { time, text: text.map(str::to_owned) });
}

/// What was asked for on a PC, of packages without a release tag: `sample_target("rhel", Some("9"), None)`.
#[must_use]
pub fn sample_target(dist: &str, version: Option<&str>, arch: Option<&str>) -> BuildTarget {
    BuildTarget {
        dist: dist.to_owned(),
        version: version.map(str::to_owned),
        arch: arch.map(str::to_owned),
        machine: "x86_64".to_owned(),
        release_tag: ReleaseTag::None,
        vendor: None,
        distribution: None,
        attributes: Vec::new(),
    }
}

/// The same, of which the packages are to be told from those for other releases.
#[must_use]
pub fn sample_tagged_target(dist: &str, version: Option<&str>) -> BuildTarget {
    BuildTarget { release_tag: ReleaseTag::Native, ..sample_target(dist, version, None) }
}

/// Adds a file that is laid into the root of nodes.
pub fn add_laid_file<'a>(opkg: &'a mut Opkg, path: &str) -> &'a mut SourceFile {
    let file = add_file(opkg, Part::Client, &format!("files/client{path}"));
    file.destination = Destination::Path(path.to_owned());
    file
}

/// Adds a program and a page of its manual that are one of several to the client part.
pub fn add_alternatives(opkg: &mut Opkg) {
    let link = |name: &str, link: &str, path: &str| AlternativeLink {
        at: 50,
        name: name.to_owned(),
        link: link.to_owned(),
        path: path.to_owned(),
    };
    let page = "/usr/share/man/man1/site-look.1.gz";
    for path in ["/usr/bin/site-look", page] {
        add_laid_file(opkg, path);
    }
    opkg.alternatives.push(Alternative {
        main: link("look", "/usr/bin/look", "/usr/bin/site-look"),
        priority: 50,
        slaves: vec![link("look.1.gz", "/usr/share/man/man1/look.1.gz", page)],
        filter: Filter { dists: Vec::new(), archs: Vec::new() },
    });
}

/// Adds a script to the client part that is run when files below two directories change.
pub fn add_triggers(opkg: &mut Opkg) {
    add_script(opkg, Part::Client, "scripts/client-triggered", &["/bin/sh"], ScriptTime::Triggered, None);
    opkg.triggers = ["/usr/share/modulefiles", "/etc/site.d"]
        .map(|path| Trigger {
            at: 60,
            path: path.to_owned(),
            part: Some(Part::Client),
            filter: Filter { dists: Vec::new(), archs: Vec::new() },
        })
        .into();
}

/// Adds users, groups and units of every kind to the client part.
pub fn add_service(opkg: &mut Opkg) {
    let user = |name: &str, uid, description: Option<&str>| {
        Account::User(UserAccount {
            name: name.to_owned(),
            uid,
            group: None,
            description: description.map(str::to_owned),
            home: description.map(|_| "/var/lib/site".to_owned()),
            shell: None,
        })
    };
    add_laid_file(opkg, "/usr/lib/sysusers.d/site.conf").accounts = vec![
        user("sited", Some(431), Some("Site's $daemon")),
        Account::Group(GroupAccount { name: "sites".to_owned(), gid: None }),
        Account::Member(Membership { user: "sited".to_owned(), group: "sites".to_owned() }),
        Account::Member(Membership { user: "guest".to_owned(), group: "sites".to_owned() }),
    ];
    for (name, installable) in [
        ("scratch.mount", true),
        ("site-sync.service", false),
        ("site-sync.timer", true),
        ("site.service", true),
        ("site-once.service", false),
        ("tunnel@.service", true),
    ] {
        let file = add_laid_file(opkg, &format!("/usr/lib/systemd/system/{name}"));
        file.unit = Some(Unit { template: name.contains('@'), installable });
    }
}

/// Says something of units that [`add_service`] adds, of an instance among them.
pub fn add_service_rules(opkg: &mut Opkg) {
    let rule = |name: &str, enable, start, restart_on_upgrade| ServiceRule {
        at: 7,
        filter: Filter { dists: Vec::new(), archs: Vec::new() },
        name: name.to_owned(),
        enable,
        start,
        restart_on_upgrade,
    };
    opkg.service_rules = vec![
        rule("site.service", Some(EnableKind::No), None, None),
        rule("site.service", Some(EnableKind::Yes), Some(true), Some(false)),
        rule("site-sync.timer", Some(EnableKind::No), None, None),
        rule("scratch.mount", Some(EnableKind::Preset), Some(true), Some(true)),
        rule("site-once.service", None, Some(false), Some(false)),
        rule("tunnel@one.service", Some(EnableKind::Yes), Some(true), None),
        rule("tunnel@.service", None, None, Some(true)),
    ];
}

/// Adds a file to each of the directories that systemd and udev read, and others of two of them below `/etc`.
pub fn add_system_files(opkg: &mut Opkg) {
    for path in [
        "/etc/modules-load.d/site.conf",
        "/etc/sysctl.d/local.conf",
        "/etc/tmpfiles.d/site.conf",
        "/etc/udev/hwdb.d/local.hwdb",
        "/etc/udev/rules.d/local.rules",
        "/usr/lib/sysctl.d/site.conf",
        "/usr/lib/tmpfiles.d/site.conf",
        "/usr/lib/tmpfiles.d/it's.conf",
        "/usr/lib/udev/hwdb.d/site.hwdb",
        "/usr/lib/udev/rules.d/site.rules",
    ] {
        add_laid_file(opkg, path);
    }
}
