//! A Debian package, as `dpkg-deb` and `dpkg-parsechangelog` show it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::process::Command;

use super::Built;
use crate::package::{Change, File, Kind, Package, digest, fold, paragraphs};
use crate::{calendar, process, scratch};

pub fn read(file: &Path) -> Built {
    let fields = fields(&process::succeed(Command::new("dpkg-deb").arg("-f").arg(file)));
    let field = |name: &str| fields.get(name).cloned();
    let control = members(file, "--ctrl-tarfile");
    let data = members(file, "--fsys-tarfile");
    let scripts = scripts(&control);
    let name = field("Package").unwrap();
    let description = field("Description").unwrap();
    let (summary, description) = description.split_once('\n').unwrap_or((&description, ""));
    let package = Package {
        version: field("Version").unwrap(),
        arch: field("Architecture").unwrap(),
        summary: summary.trim().to_owned(),
        description: paragraphs(&description.replace("\n .\n", "\n\n")),
        url: field("Homepage"),
        license: None,
        relations: relations(&fields),
        scriptlets: scripts.keys().cloned().collect(),
        changes: changes(&data, &name),
        opkg_conflicts: words(&field("Opkg-conflicts").or(field("Opkg-Conflicts")).unwrap_or_default()),
        files: data.into_iter().map(|(path, (file, _))| (path, file)).collect(),
        name,
    };
    Built { package, scripts, fields }
}

/// Control fields; of a long one, the first line and the continuation lines without their first blank.
pub fn fields(printed: &str) -> BTreeMap<String, String> {
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

fn words(list: &str) -> BTreeSet<String> {
    list.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
}

fn relations(fields: &BTreeMap<String, String>) -> BTreeSet<(Kind, String)> {
    let names = [
        ("Pre-Depends", Kind::Requires),
        ("Depends", Kind::Requires),
        ("Provides", Kind::Provides),
        ("Conflicts", Kind::Conflicts),
        ("Recommends", Kind::Suggests),
        ("Suggests", Kind::Suggests),
    ];
    let mut found = BTreeSet::new();
    for (field, kind) in names {
        for relation in words(fields.get(field).map_or("", String::as_str)) {
            let relation = relation.replace(['(', ')'], "").replace("<<", "<").replace(">>", ">");
            found.insert((kind, fold(&relation)));
        }
    }
    found
}

/// Absolute path → what is there, and the bytes of a file.
type Members = BTreeMap<String, (File, Vec<u8>)>;

fn members(file: &Path, which: &str) -> Members {
    let archive = process::bytes(Command::new("dpkg-deb").arg(which).arg(file));
    let mut archive = tar::Archive::new(archive.as_slice());
    let mut found = Members::new();
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
            File::Directory(mode)
        } else if kind.is_symlink() {
            File::Link(entry.link_name().unwrap().unwrap().to_str().unwrap().to_owned())
        } else {
            File::Regular(mode, digest(&bytes))
        };
        assert!(found.insert(path.clone(), (file, bytes)).is_none(), "{path} is in there twice");
    }
    found
}

fn scripts(control: &Members) -> BTreeMap<String, (String, String)> {
    let names = [
        ("/preinst", "pre-install"),
        ("/postinst", "post-install"),
        ("/prerm", "pre-uninstall"),
        ("/postrm", "post-uninstall"),
    ];
    let script = |name: &str| {
        let (file, bytes) = control.get(name)?;
        assert!(matches!(file, File::Regular(0o755, _)), "{name} is {file:?}");
        let text = String::from_utf8(bytes.clone()).unwrap();
        let interpreter = text.lines().next()?.strip_prefix("#!")?.trim().to_owned();
        Some((interpreter, text))
    };
    names.iter().filter_map(|(name, time)| Some(((*time).to_owned(), script(name)?))).collect()
}

fn changes(data: &Members, name: &str) -> Vec<Change> {
    let path = format!("/usr/share/doc/{name}/changelog.Debian.gz");
    let (_, packed) = data.get(&path).unwrap_or_else(|| panic!("no {path}"));
    let place = scratch::directory("changelog").join("changelog");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
    fs_err::write(&place, text).unwrap();
    let ended = process::run(
        Command::new("dpkg-parsechangelog").arg("--all").args(["--format", "rfc822"]).arg("-l").arg(&place),
    );
    assert!(ended.code == Some(0) && ended.stderr.is_empty(), "{path}: {}", ended.output());
    ended.stdout.split("\n\n").filter(|entry| !entry.trim().is_empty()).map(change).collect()
}

fn change(entry: &str) -> Change {
    let fields = fields(entry.trim_start_matches('\n'));
    // The first line of the field repeats the heading of the entry.
    let lines = fields["Changes"].lines().skip(2);
    let text = lines.filter(|line| *line != "." && !(line.starts_with("  [ ") && line.ends_with(" ]")));
    let text = text.map(|line| line.strip_prefix("  * ").unwrap_or(line)).collect::<Vec<_>>().join(" ");
    Change {
        version: fields["Version"].clone(),
        day: calendar::rfc2822_day(&fields["Date"]).unwrap(),
        // Names with commas or brackets stand between quotes.
        author: fields["Maintainer"].replace('"', ""),
        text: fold(&text),
    }
}
