//! An RPM, as `rpm` prints its header.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use roxmltree::Document;

use super::built_package::BuiltPackage;
use crate::package::{
    ChangelogEntry, InstalledFile, Package, RelationKind, collapse_whitespace, split_paragraphs,
};
use crate::process;

/// Comparison bits of a relation's flags: less, greater, equal.
const COMPARISON_FLAGS: [(i64, &str); 5] = [(2, "<"), (4, ">"), (8, "="), (10, "<="), (12, ">=")];
/// The relation is about the rpm program itself.
const RPMLIB_FLAG: i64 = 1 << 24;

/// Tag → values.
struct RpmHeader(BTreeMap<String, Vec<String>>);

pub fn read(file: &Path) -> BuiltPackage {
    let printed = process::run_successfully(
        Command::new("rpm").args(["-qp", "--xml"]).arg(file).env("LC_ALL", "C.UTF-8"),
    );
    let header = RpmHeader::read(&printed);
    let scripts = header.scripts();
    let package = Package {
        name: header.one("Name"),
        version: header.version(),
        arch: header.one("Arch"),
        summary: header.one("Summary"),
        description: split_paragraphs(&header.one("Description")),
        url: header.all("Url").first().cloned(),
        license: header.all("License").first().cloned(),
        relations: header.relations(),
        files: header.files(),
        scriptlets: scripts.keys().cloned().collect(),
        changelog: header.changes(),
        opkg_conflicts: BTreeSet::new(),
    };
    let fields = ["Group", "Packager", "Vendor", "Buildtime", "Buildhost"]
        .into_iter()
        .filter_map(|tag| Some((tag.to_owned(), header.all(tag).first()?.clone())))
        .collect();
    BuiltPackage { package, scripts, fields }
}

impl RpmHeader {
    fn read(printed: &str) -> Self {
        let document = Document::parse(printed).unwrap();
        let tags =
            document.root_element().children().filter(|child| child.has_tag_name("rpmTag")).map(|tag| {
                let values = tag.children().filter(roxmltree::Node::is_element);
                let values = values.map(|value| value.text().unwrap_or_default().to_owned());
                (tag.attribute("name").unwrap().to_owned(), values.collect())
            });
        Self(tags.collect())
    }

    fn all(&self, tag: &str) -> &[String] {
        self.0.get(tag).map_or(&[], Vec::as_slice)
    }

    fn one(&self, tag: &str) -> String {
        self.all(tag).first().unwrap_or_else(|| panic!("no tag {tag}")).clone()
    }

    fn numbers(&self, tag: &str) -> Vec<i64> {
        self.all(tag).iter().map(|number| number.parse().unwrap()).collect()
    }

    fn version(&self) -> String {
        let epoch = self.all("Epoch").first().map(|epoch| format!("{epoch}:")).unwrap_or_default();
        format!("{epoch}{}-{}", self.one("Version"), self.one("Release"))
    }

    fn relations(&self) -> BTreeSet<(RelationKind, String)> {
        let tags = [
            ("Require", RelationKind::Requires),
            ("Provide", RelationKind::Provides),
            ("Conflict", RelationKind::Conflicts),
            ("Recommend", RelationKind::Recommends),
            ("Suggest", RelationKind::Suggests),
            ("Supplement", RelationKind::Supplements),
            ("Enhance", RelationKind::Enhances),
            ("Obsolete", RelationKind::Obsoletes),
        ];
        let mut found = BTreeSet::new();
        for (tag, kind) in tags {
            let names = self.all(&format!("{tag}name")).iter();
            let versions = self.all(&format!("{tag}version")).iter();
            for ((name, version), flags) in names.zip(versions).zip(self.numbers(&format!("{tag}flags"))) {
                let comparison = COMPARISON_FLAGS.iter().find(|(bits, _)| *bits == flags & 14);
                let bound = comparison.map(|(_, sign)| format!(" {sign} {version}")).unwrap_or_default();
                if flags & RPMLIB_FLAG == 0 {
                    found.insert((kind, format!("{name}{bound}")));
                }
            }
        }
        found
    }

    fn files(&self) -> BTreeMap<String, InstalledFile> {
        let directories = self.all("Dirnames");
        let indexes = self.numbers("Dirindexes");
        let modes = self.numbers("Filemodes");
        let mut files = BTreeMap::new();
        for (number, base) in self.all("Basenames").iter().enumerate() {
            let path = format!("{}{base}", directories[usize::try_from(indexes[number]).unwrap()]);
            let owner = (&self.all("Fileusername")[number], &self.all("Filegroupname")[number]);
            assert_eq!((owner.0.as_str(), owner.1.as_str()), ("root", "root"), "owner of {path}");
            let mode = u32::try_from(modes[number]).unwrap();
            let file = match mode & 0o170_000 {
                0o040_000 => InstalledFile::Directory(mode & 0o7777),
                0o120_000 => InstalledFile::Link(self.all("Filelinktos")[number].clone()),
                _ => InstalledFile::Regular(mode & 0o7777, self.all("Filedigests")[number].clone()),
            };
            files.insert(path, file);
        }
        files
    }

    fn scripts(&self) -> BTreeMap<String, (String, String)> {
        let tags = [
            ("Prein", "pre-install"),
            ("Postin", "post-install"),
            ("Preun", "pre-uninstall"),
            ("Postun", "post-uninstall"),
        ];
        let script = |tag: &str| {
            let text = self.all(tag).first()?.clone();
            Some((self.all(&format!("{tag}prog")).join(" "), text))
        };
        tags.iter().filter_map(|(tag, time)| Some(((*time).to_owned(), script(tag)?))).collect()
    }

    fn changes(&self) -> Vec<ChangelogEntry> {
        let names = self.all("Changelogname").iter();
        let texts = self.all("Changelogtext").iter();
        names
            .zip(texts)
            .zip(self.numbers("Changelogtime"))
            .map(|((name, text), time)| {
                let (author, version) = name.rsplit_once(" - ").unwrap_or((name, ""));
                let items = text.lines().map(|line| line.strip_prefix("- ").unwrap_or(line));
                ChangelogEntry {
                    version: version.to_owned(),
                    day: time.div_euclid(86400),
                    author: author.to_owned(),
                    text: collapse_whitespace(&items.collect::<Vec<_>>().join(" ")),
                }
            })
            .collect()
    }
}
