#![allow(clippy::unwrap_used)]

use opkg::diagnostic::Location;
use opkg::model::{Class, Destination, Filter, NodeId, Opkg, Part, SourceFile, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::validate_manager::{
    validate_commands, validate_installed, validate_offers, validate_side_effects,
};
use opkg_interface::archive::{
    Archive, ArchiveContainer, ArchiveEntry, ArchiveFormat, ArchiveMetadata, DetachedSignature,
    DigestAlgorithm, DirectoryEntries, DirectoryMode, EmbeddedSignature, ExtendedHeader, FileLayout,
    FileSelection, HeaderValue, Member, MemberContent, NestedArchive, SignatureScheme,
};
use opkg_interface::artefacts::{
    BuildCommand, ChangelogEntry, Compression, Field, FileTrigger, NativeKind, NativeRelation, PackagePart,
    QuiltSource, RpmDigestAlgorithm, RpmFormat, RpmFormatVersion, ScriptTime, Tarball, TextFile, TriggerTime,
};
use opkg_interface::package_manager::{Command, InstallState, Installed, Offer, SideEffect, SideEffectKind};

fn opkg() -> Opkg {
    let file = |path: &str, node: u32| SourceFile {
        at: NodeId(node),
        path: path.into(),
        payload: None,
        part: Part::Api,
        destination: Destination::Path(format!("/usr/lib/oscar/packages/demo/{path}")),
        mode: 0o644,
        size: 0,
        sha256: [0; 32],
        interpreter: Vec::new(),
        link: None,
        is_configuration: false,
        arch: None,
        only_arch: None,
        rules: Vec::new(),
        unit: None,
        accounts: Vec::new(),
        scriptlet: None,
    };
    Opkg {
        at: NodeId(0),
        name: "demo".into(),
        class: Class::ThirdParty,
        summary: "A demo".into(),
        description: vec!["A demo".into()],
        license: "GPL".into(),
        groups: Vec::new(),
        uri: None,
        authors: Vec::new(),
        filter: Filter::default(),
        relations: Vec::new(),
        payloads: Vec::new(),
        file_rules: Vec::new(),
        service_rules: Vec::new(),
        alternatives: Vec::new(),
        triggers: Vec::new(),
        history: Vec::new(),
        home: "/usr/lib/oscar/packages/demo".into(),
        files: vec![file("config.xml", 1), file("doc/a b", 2)],
        directories: Vec::new(),
        tells_action: false,
        source_date: Timestamp { seconds: 0, offset: 0 },
        locations: vec![
            Location::Config(0..1),
            Location::File("config.xml".into()),
            Location::File("doc/a b".into()),
        ],
    }
}

fn packed_file(path: &str, content: Content) -> PackedFile {
    PackedFile {
        path: path.into(),
        content,
        mode: 0o644,
        owner: "root".into(),
        group: "root".into(),
        capabilities: None,
        marks: FileMarks::empty(),
    }
}

fn text_file(path: &str) -> TextFile {
    TextFile { path: path.into(), contents: "text\n".into(), executable: false }
}

fn package() -> BinaryPackage {
    BinaryPackage {
        part: Some(PackagePart::Api),
        name: "opkg-demo".into(),
        epoch: 0,
        version: "1".into(),
        release: "1".into(),
        arch: "noarch".into(),
        summary: "A demo".into(),
        description: "Two\n\nparagraphs".into(),
        license: "GPL".into(),
        section: "Applications/System".into(),
        url: None,
        maintainer: "A <a@example.org>".into(),
        container: Container::Rpm(RpmFormat {
            version: RpmFormatVersion::V4,
            newest_version: RpmFormatVersion::V6,
            compression: Compression::Zstd,
            file_digests: RpmDigestAlgorithm::Sha256,
        }),
        relations: Vec::new(),
        files: vec![
            packed_file("/usr/lib/demo", Content::Directory),
            packed_file("/usr/lib/demo/config.xml", Content::Source(1)),
            packed_file("/usr/lib/demo/link", Content::Link("config.xml".into())),
        ],
        scriptlets: vec![Scriptlet {
            time: ScriptTime::PostInstall,
            interpreter: vec!["/bin/sh".into()],
            body: "true\n".into(),
        }],
        changelog: vec![ChangelogEntry { header: "A".into(), seconds: 0, text: "- b".into() }],
        fields: vec![Field { name: "X".into(), value: "a\n b".into() }],
        file_triggers: Vec::new(),
        interests: Vec::new(),
        file_name: "opkg-demo-1-1.noarch.rpm".into(),
    }
}

fn valid_output() -> Output {
    Output {
        meta_files: vec![text_file("SPECS/demo.spec"), text_file("SPECS/other")],
        source: SourcePackage::Tarball(Tarball {
            path: "SOURCES/demo.tar.gz".into(),
            prefix: "demo-1".into(),
        }),
        native_build: NativeBuild {
            commands: vec![BuildCommand {
                argv: vec!["true".into()],
                env: vec![("A".into(), "b=c".into())],
                directory: String::new(),
            }],
            results: vec!["RPMS/noarch/x.rpm".into()],
        },
        packages: vec![package()],
        accepted_keys: None,
        diagnostics: Vec::new(),
    }
}

fn error_of(change: impl FnOnce(&mut Output)) -> String {
    let mut changed = valid_output();
    change(&mut changed);
    let limits = Limits { files: 10, text_bytes: 1 << 20, ..Limits::default() };
    validate_output(&changed, &opkg(), &limits)
        .err()
        .map_or_else(|| "accepted".into(), |error| error.to_string())
}

fn file_trigger() -> FileTrigger {
    FileTrigger {
        time: TriggerTime::AfterInstallation,
        prefixes: vec!["/usr/share/demo/".into()],
        interpreter: "/bin/sh".into(),
        body: "true\n".into(),
    }
}

fn archives() -> ArchiveContainer {
    let files = FileLayout::rest("./");
    let entries = vec![ArchiveEntry::Slot("metadata".into()), ArchiveEntry::Files(files)];
    ArchiveContainer {
        archives: vec![archive("package", entries)],
        metadata: ArchiveMetadata::empty(),
        signature: None,
    }
}

fn archive(name: &str, entries: Vec<ArchiveEntry>) -> Archive {
    Archive {
        name: name.into(),
        format: ArchiveFormat::Tar,
        compression: Compression::Zstd,
        level: None,
        end_marker: true,
        entries,
    }
}

fn member(path: &str, content: MemberContent) -> ArchiveEntry {
    ArchiveEntry::Member(Member::of_root(path, content, 0o644))
}

fn nested(name: &str, path: &str) -> ArchiveEntry {
    ArchiveEntry::Archive(NestedArchive { name: name.into(), path: path.into() })
}

fn error_of_archives(change: impl FnOnce(&mut ArchiveContainer)) -> String {
    error_of(|it| {
        let package = &mut it.packages[0];
        let mut container = archives();
        container.metadata = ArchiveMetadata::all();
        change(&mut container);
        package.container = Container::Archives(container);
    })
}

#[test]
fn archives_are_whole_and_each_file_is_in_one_place() {
    let paths = |paths: &[&str]| {
        ArchiveEntry::Files(FileLayout {
            select: FileSelection::Paths(paths.iter().map(|&it| it.to_owned()).collect()),
            prefix: String::new(),
            directories: DirectoryEntries::Owned,
            parent_modes: Vec::new(),
            headers: Vec::new(),
        })
    };
    let text = || MemberContent::Text("x".into());
    let accepted = [
        error_of_archives(|_| {}),
        error_of_archives(|it| it.archives.push(archive("outer", vec![nested("package", "data.tar.zst")]))),
        error_of_archives(|it| it.archives[0].entries.insert(0, member("./", MemberContent::Directory))),
        error_of_archives(|it| {
            it.signature = Some(DetachedSignature { suffix: ".sig".into(), scheme: SignatureScheme::Openpgp })
        }),
        error_of_archives(|it| {
            let all = ["/usr/lib/demo", "/usr/lib/demo/config.xml", "/usr/lib/demo/link"];
            it.archives[0].entries = vec![paths(&all)];
        }),
    ];
    assert_eq!(accepted.iter().collect::<BTreeSet<_>>().len(), 1, "{accepted:?}");
    assert_eq!(accepted[0], "accepted");
    let findings = [
        error_of_archives(|it| it.archives.clear()),
        error_of_archives(|it| it.archives[0].entries.clear()),
        error_of_archives(|it| it.archives[0].entries.push(paths(&[]))),
        error_of_archives(|it| it.archives[0].entries = vec![paths(&["/usr/lib/demo"])]),
        error_of_archives(|it| it.archives[0].entries.push(paths(&["/etc/passwd"]))),
        error_of_archives(|it| {
            it.archives[0].entries.push(paths(&["/usr/lib/demo"]));
            it.archives[0].entries.push(paths(&["/usr/lib/demo"]));
        }),
        error_of_archives(|it| it.archives.push(archive("package", vec![]))),
        error_of_archives(|it| it.archives.push(archive("outer", vec![]))),
        error_of_archives(|it| it.archives.push(archive("outer", vec![nested("later", "x")]))),
        error_of_archives(|it| it.archives[0].entries.push(member("../x", text()))),
        error_of_archives(|it| it.archives[0].entries.push(member("/x", text()))),
        error_of_archives(|it| it.archives[0].entries.push(member("x", MemberContent::Link(String::new())))),
        error_of_archives(|it| it.archives[0].format = ArchiveFormat::Concatenation),
        error_of_archives(|it| it.archives[0].format = ArchiveFormat::Ar),
        error_of_archives(|it| {
            let mut outer =
                archive("outer", vec![nested("package", "x"), member("d", MemberContent::Directory)]);
            outer.format = ArchiveFormat::Ar;
            it.archives.push(outer);
        }),
        error_of_archives(|it| {
            it.signature =
                Some(DetachedSignature { suffix: "/x".into(), scheme: SignatureScheme::OpenpgpArmored })
        }),
        error_of_archives(|it| {
            it.signature =
                Some(DetachedSignature { suffix: "sig".into(), scheme: SignatureScheme::OpenpgpArmored })
        }),
    ];
    insta::assert_snapshot!(findings.join("\n"), @"
    package `opkg-demo`: 0 archives, where 1 to 100 can be
    package `opkg-demo`: the file `/usr/lib/demo`, which is in none of its archives
    accepted
    package `opkg-demo`: the file `/usr/lib/demo/config.xml`, which is in none of its archives
    package `opkg-demo`: an entry for `/etc/passwd`, which is no file of the package
    package `opkg-demo`: two entries for `/usr/lib/demo`
    package `opkg-demo`: two archives `package`
    package `opkg-demo`: an archive that is in no other one, and not the last
    package `opkg-demo`: the archive `later` in `outer`, which is none before it that has no place yet
    package `opkg-demo`: the path `../x`, which is not relative and clean
    package `opkg-demo`: the path `/x`, which is not relative and clean
    package `opkg-demo`: an empty target of a link
    package `opkg-demo`: files in a concatenation, which has no place for their names
    package `opkg-demo`: files in an `ar`, which has no place for their paths
    package `opkg-demo`: the member `d`, which is no file
    package `opkg-demo`: `x/x`, where the name of a file is meant
    package `opkg-demo`: `sig`, where the end of a signature's name is meant
    ");
}

#[test]
fn what_only_a_tar_of_posix_has_is_asked_of_nothing_else() {
    let headers = || vec![ExtendedHeader { keyword: "x".into(), value: HeaderValue::Text("y".into()) }];
    let with_headers = |format| {
        error_of_archives(|it| {
            it.archives[0].format = format;
            it.archives[0].entries[1] =
                ArchiveEntry::Files(FileLayout { headers: headers(), ..FileLayout::rest("") });
        })
    };
    let with_member = |format| {
        error_of_archives(|it| {
            it.archives[0].format = format;
            let text = MemberContent::Text("x".into());
            let member = Member { headers: headers(), ..Member::of_root("x", text, 0o644) };
            it.archives[0].entries.push(ArchiveEntry::Member(member));
        })
    };
    let with_parent = |path: &str, mode| {
        error_of_archives(|it| {
            let parent_modes = vec![DirectoryMode { path: path.into(), mode }];
            it.archives[0].entries[1] =
                ArchiveEntry::Files(FileLayout { parent_modes, ..FileLayout::rest("") });
        })
    };
    let findings = [
        with_headers(ArchiveFormat::Tar),
        with_headers(ArchiveFormat::TarGnu),
        with_headers(ArchiveFormat::Cpio),
        with_member(ArchiveFormat::Tar),
        with_member(ArchiveFormat::TarGnu),
        with_parent("/tmp", 0o1777),
        with_parent("tmp", 0o1777),
        with_parent("/tmp", 0o10777),
    ];
    insta::assert_snapshot!(findings.join("\n"), @"
    accepted
    package `opkg-demo`: extended headers, which only a tar of POSIX has
    package `opkg-demo`: extended headers, which only a tar of POSIX has
    accepted
    package `opkg-demo`: extended headers, which only a tar of POSIX has
    accepted
    package `opkg-demo`: the path `tmp`, which is not absolute
    package `opkg-demo`: the mode 10777 of the directory `/tmp`
    ");
}

#[test]
fn signatures_stand_in_archives_over_earlier_ones() {
    let signature = |name: &str, [prefix, suffix]: [&str; 2]| {
        ArchiveEntry::Signature(EmbeddedSignature {
            name: name.into(),
            path_prefix: prefix.into(),
            path_suffix: suffix.into(),
            scheme: SignatureScheme::Rsa(DigestAlgorithm::Sha1),
        })
    };
    let outer = |format, entries: Vec<ArchiveEntry>| {
        error_of_archives(|it| it.archives.push(Archive { format, ..archive("outer", entries) }))
    };
    let within = |entry| outer(ArchiveFormat::Tar, vec![entry, nested("package", "data.tar")]);
    let between = |entry| outer(ArchiveFormat::Concatenation, vec![nested("package", ""), entry]);
    assert_eq!(within(signature("package", [".SIGN.RSA.", ".rsa.pub"])), "accepted");
    assert_eq!(within(signature("package", ["./keys/", ""])), "accepted");
    assert_eq!(between(signature("package", ["", ""])), "accepted");
    let findings = [
        within(signature("missing", ["", ""])),
        within(signature("outer", ["", ""])),
        within(signature("package", ["../", ""])),
        within(signature("package", ["", "/x"])),
        between(signature("package", [".SIGN.", ""])),
        outer(ArchiveFormat::Ar, vec![nested("package", "x"), signature("package", ["", ""])]),
    ];
    insta::assert_snapshot!(findings.join("\n"), @"
    package `opkg-demo`: a signature over the archive `missing`, which is none before it
    package `opkg-demo`: a signature over the archive `outer`, which is none before it
    package `opkg-demo`: the path `../opkg-0123456789abcdef`, which is not relative and clean
    package `opkg-demo`: `opkg-0123456789abcdef/x`, where the name of a file is meant
    package `opkg-demo`: the path `.SIGN.opkg-0123456789abcdef` in a concatenation
    package `opkg-demo`: the name `opkg-0123456789abcdef`, of more than 15 bytes, in an `ar`
    ");
}

#[test]
fn directories_and_ghosts_that_no_archive_has_are_told_by_members() {
    let of = |metadata: ArchiveMetadata, change: &dyn Fn(&mut BinaryPackage)| {
        error_of(|it| {
            let package = &mut it.packages[0];
            (package.scriptlets, package.fields, package.changelog) = Default::default();
            package.files[0].mode = 0o755;
            let mut container = archives();
            container.metadata = metadata;
            container.archives[0].entries[1] = ArchiveEntry::Files(FileLayout {
                directories: DirectoryEntries::None,
                ..FileLayout::rest("./")
            });
            package.container = Container::Archives(container);
            change(package);
        })
    };
    let nothing = ArchiveMetadata::empty();
    let ghost: &dyn Fn(&mut BinaryPackage) = &|it| it.files[1].marks = FileMarks::GHOST;
    let closed: &dyn Fn(&mut BinaryPackage) = &|it| it.files[0].mode = 0o700;
    let given: &dyn Fn(&mut BinaryPackage) = &|it| it.files[0].owner = "demo".into();
    let emptied: &dyn Fn(&mut BinaryPackage) = &|it| it.files.truncate(1);
    let deep: &dyn Fn(&mut BinaryPackage) = &|it| {
        it.files.truncate(2);
        it.files[1].path = "/usr/lib/demo/below/config.xml".into();
    };
    let findings = [
        of(nothing, &|_| {}),
        of(nothing, deep),
        of(nothing, ghost),
        of(ArchiveMetadata::GHOSTS, ghost),
        of(nothing, closed),
        of(nothing, given),
        of(nothing, emptied),
        of(ArchiveMetadata::DIRECTORIES, closed),
        of(ArchiveMetadata::DIRECTORIES, emptied),
    ];
    insta::assert_snapshot!(findings.join("\n"), @"
    accepted
    accepted
    package `opkg-demo`: ghosts, which the metadata of its archives does not say
    accepted
    package `opkg-demo`: the directory `/usr/lib/demo`, which no archive makes as it should be, and the metadata of its archives does not say
    package `opkg-demo`: the directory `/usr/lib/demo`, which no archive makes as it should be, and the metadata of its archives does not say
    package `opkg-demo`: the directory `/usr/lib/demo`, which no archive makes as it should be, and the metadata of its archives does not say
    accepted
    accepted
    ");
}

#[test]
fn an_archive_loses_nothing_that_it_has_no_place_for() {
    let emptied = |change: fn(&mut BinaryPackage)| {
        error_of(|it| {
            let package = &mut it.packages[0];
            (package.scriptlets, package.fields, package.changelog) = Default::default();
            package.container = Container::Archives(archives());
            change(package);
        })
    };
    let findings = [
        emptied(|_| {}),
        emptied(|package| package.scriptlets = self::package().scriptlets),
        emptied(|package| {
            package.relations = vec![NativeRelation {
                kind: NativeKind::Requires,
                name: "a".into(),
                bound: None,
                alternatives: Vec::new(),
                condition: None,
            }];
        }),
        emptied(|package| package.fields = self::package().fields),
        emptied(|package| package.changelog = self::package().changelog),
        emptied(|package| package.files[1].marks = FileMarks::CONFIGURATION),
        emptied(|package| package.files[1].marks = FileMarks::DOCUMENTATION),
        emptied(|package| package.file_triggers = vec![file_trigger()]),
        emptied(|package| package.interests = vec!["/usr/share/demo".into()]),
        error_of(|it| it.packages[0].file_triggers = vec![file_trigger()]),
        error_of(|it| it.packages[0].interests = vec!["/usr/share/demo".into()]),
    ];
    insta::assert_snapshot!(findings.join("\n"), @"
    accepted
    package `opkg-demo`: scriptlets, which the metadata of its archives does not say
    package `opkg-demo`: relations, which the metadata of its archives does not say
    package `opkg-demo`: fields, which the metadata of its archives does not say
    package `opkg-demo`: a changelog, which the metadata of its archives does not say
    package `opkg-demo`: files marked as configuration, which the metadata of its archives does not say
    accepted
    package `opkg-demo`: file triggers, which only an RPM has, and archives whose members say so
    package `opkg-demo`: interests, which only a deb has, and archives whose members say so
    accepted
    package `opkg-demo`: interests, which only a deb has, and archives whose members say so
    ");
}

#[test]
fn good_output_passes() {
    assert_eq!(error_of(|_| {}), "accepted");
    assert_eq!(error_of(|it| it.source = SourcePackage::Tree("demo-1".into())), "accepted");
}

#[test]
fn trees_stay_in_their_place() {
    let quilt = |name: &str, directory: &str| {
        SourcePackage::Quilt(QuiltSource {
            name: name.into(),
            version: "1:1-1".into(),
            directory: directory.into(),
            fields: Vec::new(),
        })
    };
    let flaws = [
        error_of(|it| it.meta_files[0].path = "../x".into()),
        error_of(|it| it.meta_files[0].path = "/etc/x".into()),
        error_of(|it| it.meta_files[0].path = "a//b".into()),
        error_of(|it| it.meta_files[0].path = "a/./b".into()),
        error_of(|it| it.meta_files[0].path = "a\nb".into()),
        error_of(|it| it.meta_files[0].path = String::new()),
        error_of(|it| it.meta_files[0].path = "n".repeat(256)),
        error_of(|it| it.meta_files[0].path = "n/".repeat(2000) + "n"),
        error_of(|it| it.meta_files[1].path = "SPECS/demo.spec".into()),
        error_of(|it| it.meta_files[1].path = "SPECS/demo.spec/x".into()),
        error_of(|it| it.meta_files[1].path = "SOURCES/demo.tar.gz".into()),
        error_of(|it| it.meta_files[1].path = "SOURCES".into()),
        error_of(|it| {
            it.meta_files[1].path = "demo-1/doc".into();
            it.source = SourcePackage::Tree("demo-1".into());
        }),
        error_of(|it| it.source = SourcePackage::Tree(String::new())),
        error_of(|it| it.source = SourcePackage::Tree("SPECS/demo.spec".into())),
        error_of(|it| it.source = quilt("a/b", "demo-1")),
        error_of(|it| it.source = quilt("demo", "..")),
        error_of(|it| it.native_build.results = vec!["../x.rpm".into()]),
        error_of(|it| it.native_build.commands[0].directory = "/".into()),
        error_of(|it| it.native_build.commands[0].argv.clear()),
        error_of(|it| it.native_build.commands[0].argv.push("a\0".into())),
        error_of(|it| it.native_build.commands[0].env[0].0 = "A=B".into()),
        error_of(|it| it.meta_files.extend((0..10).map(|n| text_file(&n.to_string())))),
        error_of(|it| it.meta_files[0].contents = "x".repeat(2 << 20)),
    ];
    insta::assert_snapshot!(flaws.join("\n"), @r"
    the path `../x`, which is not relative and clean
    the path `/etc/x`, which is not relative and clean
    the path `a//b`, which is not relative and clean
    the path `a/./b`, which is not relative and clean
    the path `a\nb`, which is not relative and clean
    the path ``, which is not relative and clean
    the path `nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn…`, which is not relative and clean
    the path `n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/…`, which is not relative and clean
    the path `SPECS/demo.spec` twice
    `SPECS/demo.spec/x` inside of `SPECS/demo.spec`, which is a file
    the path `SOURCES/demo.tar.gz` twice
    `SOURCES/demo.tar.gz` inside of `SOURCES`, which is a file
    `demo-1/doc/a b` inside of `demo-1/doc`, which is a file
    the path ``, which is not relative and clean
    the path `SPECS/demo.spec` twice
    `a/b`, where the name of a file is meant
    the path `..`, which is not relative and clean
    the path `../x.rpm`, which is not relative and clean
    the path `/`, which is not relative and clean
    a command without a program
    a zero byte in `a\u{0}`
    an environment variable named `A=B`
    15 files, where 10 are the limit
    2 MiB of text, where 1 are the limit
    ");
}

#[test]
fn packages_keep_the_rules() {
    let files = |change: &dyn Fn(&mut Vec<PackedFile>)| error_of(|it| change(&mut it.packages[0].files));
    let flaws = [
        files(&|it| it[1].path = "usr/x".into()),
        files(&|it| it[1].path = "/usr/../x".into()),
        files(&|it| it[1].path = "/".into()),
        files(&|it| it[1].mode = 0o4755),
        files(&|it| it[1].content = Content::Source(0)),
        files(&|it| it[1].content = Content::Source(9)),
        files(&|it| it[1].content = Content::Link(String::new())),
        files(&|it| it[2].path = it[1].path.clone()),
        files(&|it| it[2].path = format!("{}/x", it[1].path)),
        files(&|it| it.swap(1, 2)),
        error_of(|it| it.packages[0].name.clear()),
        error_of(|it| it.packages[0].summary = "a\nPre: evil".into()),
        error_of(|it| it.packages[0].file_name = "../x.rpm".into()),
        error_of(|it| it.packages[0].file_name = "..".into()),
        error_of(|it| it.packages.push(package())),
        error_of(|it| it.packages[0].scriptlets[0].interpreter.clear()),
        error_of(|it| it.packages[0].scriptlets.push(package().scriptlets.remove(0))),
        error_of(|it| it.packages[0].fields[0].value = "\u{1b}[0m".into()),
        error_of(|it| it.packages[0].changelog[0].header = "a\n%post".into()),
    ];
    insta::assert_snapshot!(flaws.join("\n"), @r#"
    package `opkg-demo`: the path `usr/x`, which is not absolute
    package `opkg-demo`: the path `/usr/../x`, which is not clean
    package `opkg-demo`: the path `/`, which is not clean
    package `opkg-demo`: the mode 4755 for `/usr/lib/demo/config.xml`, whose special bits no rule of the OPKG has
    package `opkg-demo`: `/usr/lib/demo/config.xml` from node 0, which is no file of the OPKG
    package `opkg-demo`: `/usr/lib/demo/config.xml` from node 9, which is no file of the OPKG
    package `opkg-demo`: `/usr/lib/demo/config.xml` as a link to ``
    package `opkg-demo`: the path `/usr/lib/demo/config.xml` twice
    package `opkg-demo`: `/usr/lib/demo/config.xml/x` inside of `/usr/lib/demo/config.xml`, which is a file
    package `opkg-demo`: files that are not sorted: `/usr/lib/demo/link` before `/usr/lib/demo/config.xml`
    package ``: an empty name
    package `opkg-demo`: the character '\n' in the summary `a\nPre: evil`
    package `opkg-demo`: `../x.rpm`, where the name of a file is meant
    package `opkg-demo`: `..`, where the name of a file is meant
    two packages in the file `opkg-demo-1-1.noarch.rpm`
    package `opkg-demo`: a scriptlet without an interpreter
    package `opkg-demo`: two scriptlets of one time
    package `opkg-demo`: the character '\u{1b}' in the field `X`
    package `opkg-demo`: the character '\n' in the header of a change `a\n%post`
    "#);
}

#[test]
fn what_is_said_of_files_is_what_an_opkg_may_say() {
    let of_file = |change: fn(&mut PackedFile)| error_of(|output| change(&mut output.packages[0].files[1]));
    assert!(of_file(|file| file.mode = 0o4755).contains("whose special bits no rule of the OPKG has"));
    assert!(of_file(|file| file.mode = 0o10_644).contains("special bits"));
    for account in ["", "-r", "a b", "$(id)", "a,root", "%{x}"] {
        let said = error_of(|output| output.packages[0].files[1].owner = account.into());
        assert!(said.contains("where the name of a user or group is meant"), "{account}: {said}");
    }
    assert!(of_file(|file| file.capabilities = Some("a\nb".into())).contains("set of capabilities"));
    assert_eq!(of_file(|file| file.capabilities = Some("cap_chown=ep".into())), "accepted");
    let ghost = error_of(|output| output.packages[0].files[0].marks = FileMarks::GHOST);
    assert!(ghost.contains("which is no regular file"), "{ghost}");
    let foreign = error_of(|output| {
        output.packages[0].container = Container::Deb(Compression::Xz);
        output.packages[0].files[1].marks = FileMarks::GHOST;
    });
    assert!(foreign.contains("which only an RPM has"), "{foreign}");
}

#[test]
fn commands_can_be_run_and_leave_the_systems_files_alone() {
    let command = || Command {
        argv: vec!["tool".into()],
        env: vec![("LC_ALL".into(), "C".into())],
        in_root: false,
        files: vec![text_file("/etc/tool.d/opkg-1"), text_file("/etc/tool.d/opkg-2")],
        success: vec![0, 1],
    };
    assert_eq!(validate_commands(&[command(), command()]), Ok(()));
    let flaw = |change: fn(&mut Command)| {
        let mut command = command();
        change(&mut command);
        validate_commands(&[command]).unwrap_err().to_string()
    };
    let flaws = [
        flaw(|it| it.argv.clear()),
        flaw(|it| it.success.clear()),
        flaw(|it| it.files[0].path = "/etc/passwd".into()),
        flaw(|it| it.files[0].path = "etc/opkg-1".into()),
        flaw(|it| it.files[0].path = "/etc/../opkg-1".into()),
        flaw(|it| it.files[0].path = it.files[1].path.clone()),
    ];
    insta::assert_snapshot!(flaws.join("\n"), @r#"
    a command without a program
    a command that cannot succeed: `tool`
    the file `/etc/passwd` for a command, whose name does not begin with `opkg-`
    the path `etc/opkg-1`, which is not absolute
    the path `/etc/../opkg-1`, which is not clean
    the path `/etc/tool.d/opkg-2` twice
    "#);
}

#[test]
fn what_package_managers_say_is_one_line() {
    let installed = |name: &str, state: InstallState| Installed {
        name: name.into(),
        version: "1".into(),
        arch: Some("noarch".into()),
        has_scriptlets: Some(false),
        state,
    };
    let half = |how: &str| InstallState::Incomplete(how.into());
    assert_eq!(
        validate_installed(&[installed("x", half("unpacked")), installed("y", InstallState::Residual)]),
        Ok(())
    );
    for wrong in
        [installed("", InstallState::Complete), installed("x", half("")), installed("x", half("a\nb"))]
    {
        assert!(validate_installed(std::slice::from_ref(&wrong)).is_err(), "{wrong:?}");
    }
    let offer = |name: &str, version: &str| Offer { name: name.into(), version: version.into() };
    assert_eq!(validate_offers(&[offer("x", "1:2.0~rc1-1")]), Ok(()));
    for (name, version) in [("", "1"), ("x", ""), ("x\ny", "1"), ("x", "1\n2"), ("x", "\u{1b}[2J")] {
        assert!(validate_offers(&[offer(name, version)]).is_err(), "{name:?} {version:?}");
    }
    let side_effect = |name: &str| SideEffect { name: name.into(), kind: SideEffectKind::Remove };
    assert_eq!(validate_side_effects(&[side_effect("x")]), Ok(()));
    for wrong in ["", "x\u{1b}[2J", "x\ny"] {
        assert!(validate_side_effects(&[side_effect(wrong)]).is_err(), "{wrong:?}");
    }
}

#[test]
fn diagnostics_point_at_something() {
    let diagnostic = |severity, at| Diagnostic { severity, at, message: "m".into(), help: None };
    let flaws = [
        error_of(|it| it.diagnostics = vec![diagnostic(Severity::Note, Some(2))]),
        error_of(|it| it.diagnostics = vec![diagnostic(Severity::Warning, Some(3))]),
        error_of(|it| it.diagnostics = vec![diagnostic(Severity::Error, None)]),
        validate_failure(&[diagnostic(Severity::Warning, None)], &opkg()).unwrap_err().to_string(),
        validate_failure(&[], &opkg()).unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(flaws.join("\n"), @r#"
    accepted
    a diagnostic about node 3, which does not exist
    output together with an error
    a failure without an error
    a failure without an error
    "#);
    assert_eq!(validate_failure(&[diagnostic(Severity::Error, Some(0))], &opkg()), Ok(()));
}

/// Whether `path` stays below the directory that it is joined to, judged without the code under test.
fn is_contained(path: &str) -> bool {
    use std::path::{Component, Path};
    Path::new(path).components().all(|it| matches!(it, Component::Normal(_)))
}

proptest! {
    #![proptest_config(crate::testing::proptest_config())]

    #[test]
    fn accepted_paths_stay(path in "[a./\\\\\n ]{0,12}") {
        if validate_relative(&path).is_ok() {
            prop_assert!(is_contained(&path) && !path.is_empty());
        }
    }

    #[test]
    fn accepted_trees_can_be_written(paths in proptest::collection::vec("[ab-]{1,2}(/[ab-]{1,2}){0,3}", 0..8)) {
        let directory = tempfile::tempdir().unwrap();
        let mut entries: Vec<TreeEntry<'_>> = paths.iter().map(|path| TreeEntry::file(path)).collect();
        let accepted = validate_no_conflicts(&mut entries).is_ok();
        let written = paths.iter().all(|path| {
            let path = directory.path().join(path);
            let parent = path.parent().unwrap();
            std::fs::create_dir_all(parent).is_ok() && std::fs::File::create_new(path).is_ok()
        });
        prop_assert_eq!(accepted, written);
    }
}
