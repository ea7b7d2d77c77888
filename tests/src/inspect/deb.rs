//! A Debian package, as `dpkg-deb` and `dpkg-parsechangelog` show it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::process::Command;

use super::built_package::BuiltPackage;
use crate::package::{
    ChangelogEntry, InstalledFile, Package, RelationKind, collapse_whitespace, sha256_hex, split_paragraphs,
};
use crate::{calendar, process, scratch};

pub fn read(file: &Path) -> BuiltPackage {
    let fields = parse_control(&process::run_successfully(Command::new("dpkg-deb").arg("-f").arg(file)));
    let field = |name: &str| fields.get(name).cloned();
    let control = read_members(file, "--ctrl-tarfile");
    let data = read_members(file, "--fsys-tarfile");
    let scripts = scripts(&control);
    let name = field("Package").unwrap();
    let description = field("Description").unwrap();
    let (summary, description) = description.split_once('\n').unwrap_or((&description, ""));
    let package = Package {
        version: field("Version").unwrap(),
        arch: field("Architecture").unwrap(),
        summary: summary.trim().to_owned(),
        description: split_paragraphs(&description.replace("\n .\n", "\n\n")),
        url: field("Homepage"),
        license: None,
        relations: relations(&fields),
        scriptlets: scripts.keys().cloned().collect(),
        changelog: changes(&data, &name),
        opkg_conflicts: split_list(&field("Opkg-conflicts").or(field("Opkg-Conflicts")).unwrap_or_default()),
        files: data.into_iter().map(|(path, (file, _))| (path, file)).collect(),
        name,
    };
    BuiltPackage { package, scripts, fields }
}

/// Control fields; of a long one, the first line and the continuation lines without their first blank.
pub fn parse_control(printed: &str) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut name = String::new();
    for line in printed.lines() {
        if let Some(more) = line.strip_prefix(' ') {
            let value = found.get_mut(&name).unwrap();
            value.push('\n');
            value.push_str(if name == "Description" { line } else { more });
        } else {
            let (field, value) = line.split_once(':').unwrap_or_else(|| panic!("not a field: {line}"));
            name = field.to_owned();
            assert!(found.insert(name.clone(), value.trim().to_owned()).is_none(), "{name} stands twice");
        }
    }
    found
}

fn split_list(list: &str) -> BTreeSet<String> {
    list.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
}

fn relations(fields: &BTreeMap<String, String>) -> BTreeSet<(RelationKind, String)> {
    let names = [
        ("Pre-Depends", RelationKind::Requires),
        ("Depends", RelationKind::Requires),
        ("Provides", RelationKind::Provides),
        ("Conflicts", RelationKind::Conflicts),
        ("Recommends", RelationKind::Recommends),
        ("Suggests", RelationKind::Suggests),
        ("Enhances", RelationKind::Enhances),
        ("Breaks", RelationKind::Breaks),
        ("Replaces", RelationKind::Obsoletes),
    ];
    let mut found = BTreeSet::new();
    for (field, kind) in names {
        for relation in split_list(fields.get(field).map_or("", String::as_str)) {
            let relation = relation.replace(['(', ')'], "").replace("<<", "<").replace(">>", ">");
            found.insert((kind, collapse_whitespace(&relation)));
        }
    }
    found
}

/// Absolute path → what is there, and the bytes of a file.
type ArchiveMembers = BTreeMap<String, (InstalledFile, Vec<u8>)>;

fn read_members(file: &Path, which: &str) -> ArchiveMembers {
    let archive = process::stdout_bytes(Command::new("dpkg-deb").arg(which).arg(file));
    let mut archive = tar::Archive::new(archive.as_slice());
    let mut found = ArchiveMembers::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().trim_end_matches('/').to_owned();
        let path = path.strip_prefix('.').unwrap_or(&path).to_owned();
        let header = entry.header();
        assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0), "owner of {path}");
        let mode = header.mode().unwrap() & 0o7777;
        let kind = header.entry_type();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let file = if kind.is_dir() {
            InstalledFile::Directory(mode)
        } else if kind.is_symlink() {
            InstalledFile::Link(entry.link_name().unwrap().unwrap().to_str().unwrap().to_owned())
        } else {
            InstalledFile::Regular(mode, sha256_hex(&bytes))
        };
        assert!(found.insert(path.clone(), (file, bytes)).is_none(), "{path} is in there twice");
    }
    found
}

fn scripts(control: &ArchiveMembers) -> BTreeMap<String, (String, String)> {
    let names = [
        ("/preinst", "pre-install"),
        ("/postinst", "post-install"),
        ("/prerm", "pre-uninstall"),
        ("/postrm", "post-uninstall"),
    ];
    let script = |name: &str| {
        let (file, bytes) = control.get(name)?;
        assert!(matches!(file, InstalledFile::Regular(0o755, _)), "{name} is {file:?}");
        let text = String::from_utf8(bytes.clone()).unwrap();
        let interpreter = text.lines().next()?.strip_prefix("#!")?.trim().to_owned();
        Some((interpreter, text))
    };
    names.iter().filter_map(|(name, time)| Some(((*time).to_owned(), script(name)?))).collect()
}

fn changes(data: &ArchiveMembers, name: &str) -> Vec<ChangelogEntry> {
    let path = format!("/usr/share/doc/{name}/changelog.Debian.gz");
    let (_, packed) = data.get(&path).unwrap_or_else(|| panic!("no {path}"));
    let place = scratch::create_directory("changelog").join("changelog");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
    fs_err::write(&place, text).unwrap();
    let ended = process::run(
        Command::new("dpkg-parsechangelog").arg("--all").args(["--format", "rfc822"]).arg("-l").arg(&place),
    );
    assert!(ended.code == Some(0) && ended.stderr.is_empty(), "{path}: {}", ended.combined_output());
    ended.stdout.split("\n\n").filter(|entry| !entry.trim().is_empty()).map(change).collect()
}

fn change(entry: &str) -> ChangelogEntry {
    let fields = parse_control(entry.trim_start_matches('\n'));
    // The first line of the field repeats the heading of the entry.
    let lines = fields["Changes"].lines().skip(2);
    let text = lines.filter(|line| *line != "." && !(line.starts_with("  [ ") && line.ends_with(" ]")));
    let text = text.map(|line| line.strip_prefix("  * ").unwrap_or(line)).collect::<Vec<_>>().join(" ");
    ChangelogEntry {
        version: fields["Version"].clone(),
        day: calendar::parse_rfc2822_day(&fields["Date"]).unwrap(),
        // Names with commas or brackets stand between quotes.
        author: fields["Maintainer"].replace('"', ""),
        text: collapse_whitespace(&text),
    }
}
