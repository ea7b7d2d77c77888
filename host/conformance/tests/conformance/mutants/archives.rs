//! What is spoiled of archives. Plugins that are built in make none, so theirs are put into some.

use std::sync::atomic::AtomicUsize;

use opkg_conformance::{Options, TargetChoice, run};
use opkg_interface::archive::{
    Archive, ArchiveContainer, ArchiveEntry, ArchiveFormat, ArchiveMetadata, DirectoryEntries, FileLayout,
    Member, MemberContent,
};
use opkg_interface::artefacts::{
    BinaryPackage, ChangelogEntry, Compression, Container, Content, Field, FileMarks,
};
use opkg_interface::built::Built;
use opkg_runtime::Limits;

use super::mutant::{Case, Mutant, Spoiled};
use super::one_of_each_format;

pub fn cases() -> Vec<Case> {
    use Spoiled as S;
    vec![
        ("slots-answered", &["minimal"], S::Members(|members, _| *members = Err("it is not known".into()))),
        (
            "slots-deterministic",
            &["minimal"],
            S::Members(|members, calls| set_text(members, |text| text.push_str(&format!("{calls}\n")))),
        ),
        (
            "slots-within-limits",
            &["minimal"],
            S::Members(|members, _| {
                set_text(members, |text| *text = " ".repeat(Limits::default().text_bytes + 1));
            }),
        ),
        ("metadata-in-members", &["minimal"], without("opkg-")),
        ("metadata-in-members", &["script-post-install"], without("export OSCAR_PACKAGE_HOME")),
        ("metadata-in-members", &["files-configuration"], without("configuration: ")),
        ("metadata-in-members", &["minimal"], without("change: ")),
        ("metadata-in-members", &["minimal"], without("field: ")),
        ("metadata-in-members", &["files-parts"], without("directory: ")),
        ("metadata-in-members", &["triggers"], without("zq-modules")),
    ]
}

/// Lines with this in them are left away.
fn without(sign: &'static str) -> Spoiled {
    Spoiled::MembersWithout(sign)
}

fn set_text(members: &mut Result<Vec<Member>, String>, change: impl Fn(&mut String)) {
    for member in members.iter_mut().flatten() {
        if let MemberContent::Text(text) = &mut member.content {
            change(text);
        }
    }
}

/// The same without lines that have a sign in them.
pub fn remove_lines(members: &mut Result<Vec<Member>, String>, sign: &str) {
    set_text(members, |text| {
        let lines = text.lines().filter(|line| !line.contains(sign));
        *text = lines.map(|line| format!("{line}\n")).collect();
    });
}

/// Makes a package one of archives, whose members say everything of it.
pub fn put_into_archives(package: &mut BinaryPackage) {
    let files = FileLayout { directories: DirectoryEntries::None, ..FileLayout::rest("") };
    let archive = Archive {
        name: "package".into(),
        format: ArchiveFormat::Tar,
        compression: Compression::Zstd,
        level: None,
        end_marker: true,
        entries: vec![ArchiveEntry::Slot("metadata".into()), ArchiveEntry::Files(files)],
    };
    package.container = Container::Archives(ArchiveContainer {
        archives: vec![archive],
        metadata: ArchiveMetadata::all(),
        signature: None,
    });
    // What some families have in documents, or nowhere.
    if package.changelog.is_empty() {
        let text = "- first of all changes".into();
        package.changelog.push(ChangelogEntry { header: "A".into(), seconds: 0, text });
    }
    if package.fields.is_empty() {
        package.fields.push(Field { name: "Origin".into(), value: "a place of its own".into() });
    }
}

/// What stands in the slot of such a package.
pub fn members(built: &Built<'_>) -> Vec<Member> {
    let package = built.package;
    let mut text = String::new();
    for relation in &package.relations {
        for (name, _) in relation.packages() {
            text += &format!("relation: {name}\n");
        }
    }
    for file in &package.files {
        for (what, is_one) in [
            ("configuration", file.marks.contains(FileMarks::CONFIGURATION)),
            ("ghost", file.marks.contains(FileMarks::GHOST)),
            ("directory", file.content == Content::Directory),
        ] {
            if is_one {
                text += &format!("{what}: {}\n", file.path);
            }
        }
    }
    for line in package.changelog.iter().flat_map(|entry| entry.text.lines()) {
        text += &format!("change: {line}\n");
    }
    for line in package.fields.iter().flat_map(|field| field.value.lines()) {
        text += &format!("field: {line}\n");
    }
    for path in package.file_triggers.iter().flat_map(|it| &it.prefixes).chain(&package.interests) {
        text += &format!("trigger: {path}\n");
    }
    for scriptlet in &package.scriptlets {
        text += &scriptlet.body;
    }
    vec![Member::of_root(".INFO", MemberContent::Text(text), 0o644)]
}

/// What holds for RPMs and debs holds where archives are said to have the same.
#[test]
fn records_are_looked_at_where_members_have_them() {
    for plugin in one_of_each_format() {
        let spoiled = Spoiled::Members(|_, _| {});
        let mutant = Mutant { plugin, spoiled: &spoiled, calls: AtomicUsize::new(0) };
        let options = Options { targets: TargetChoice::Few, threads: 2, ..Options::default() };
        let report = run(&mutant, &options).unwrap();
        // What a package for all architectures is called belongs to the format.
        let failed: Vec<String> =
            report.failed().map(|it| format!("{}: {:?}", it.rule.name, it.entry.findings.first())).collect();
        assert!(failed.is_empty(), "{failed:#?}");
        let archives = report.rules.iter().find(|it| it.rule.name == "metadata-in-members").unwrap();
        assert!(archives.entry.checks > 1000, "{}", archives.entry.checks);
    }
}
