//! The index of a directory of packages, as repo-add makes it: `NAME.db` says what there is, `NAME.files` also which files.

use std::collections::BTreeMap;

use opkg_sdk::artefacts::{Archive, ArchiveEntry, ArchiveFormat, Compression, Member, MemberContent};
use opkg_sdk::containers::{IndexContent, IndexFile, IndexRequest, PackageFile, PackageSource};

use crate::container::signature;
use crate::vercmp;

const PACKAGE_INFO: &str = ".PKGINFO";

/// Entries of a description, by the fields of `.PKGINFO`, before what is known of the file and behind that.
const FIRST: [(&str, &str); 5] = [
    ("NAME", "pkgname"),
    ("BASE", "pkgbase"),
    ("VERSION", "pkgver"),
    ("DESC", "pkgdesc"),
    ("GROUPS", "group"),
];
const LAST: [(&str, &str); 12] = [
    ("URL", "url"),
    ("LICENSE", "license"),
    ("ARCH", "arch"),
    ("BUILDDATE", "builddate"),
    ("PACKAGER", "packager"),
    ("REPLACES", "replaces"),
    ("CONFLICTS", "conflict"),
    ("PROVIDES", "provides"),
    ("DEPENDS", "depend"),
    ("OPTDEPENDS", "optdepend"),
    ("MAKEDEPENDS", "makedepend"),
    ("CHECKDEPENDS", "checkdepend"),
];

/// Packages in whatever compression there is.
#[must_use]
pub fn request() -> IndexRequest {
    let suffixes = [".pkg.tar.zst", ".pkg.tar.xz", ".pkg.tar.gz", ".pkg.tar.bz2", ".pkg.tar"];
    IndexRequest {
        suffixes: suffixes.map(str::to_owned).to_vec(),
        members: vec![PACKAGE_INFO.to_owned()],
        attributes: Vec::new(),
    }
}

/// The files, by the names that repo-add gives them, and links by those that clients fetch.
///
/// # Errors
/// A package does not say what it is, or there are two for different architectures, which have repositories of their own.
pub fn write(source: &PackageSource, packages: &[PackageFile]) -> Result<Vec<IndexFile>, String> {
    let entries = newest(packages)?;
    let files = [("db", false), ("files", true)].into_iter().flat_map(|(kind, with_files)| {
        let name = format!("{}.{kind}", source.name);
        let file = format!("{name}.tar.gz");
        [
            (name, IndexContent::Link(file.clone())),
            (file, IndexContent::Archives(vec![index_archive(&entries, with_files)])),
        ]
    });
    let signed = |(path, content)| IndexFile {
        path,
        content,
        signature: Some(signature()),
        attributes: Vec::new(),
    };
    Ok(files.map(signed).collect())
}

/// A package with what it says of itself.
struct Entry<'a> {
    file: &'a PackageFile,
    /// In the order of `.PKGINFO`.
    fields: Vec<(&'a str, &'a str)>,
}

impl<'a> Entry<'a> {
    fn read(file: &'a PackageFile) -> Result<Self, String> {
        let damaged = |why: &str| format!("`{}` is no package of pacman: {why}", file.file_name);
        let info = file.members.iter().find(|member| member.path == PACKAGE_INFO);
        let info = info.ok_or_else(|| damaged("it has no .PKGINFO"))?;
        let text =
            std::str::from_utf8(&info.contents).map_err(|_| damaged("its .PKGINFO is not in UTF-8"))?;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let fields =
            lines.filter_map(|line| line.split_once(" = ")).map(|(name, value)| (name.trim(), value.trim()));
        let entry = Self { file, fields: fields.collect() };
        for needed in ["pkgname", "pkgver", "arch"] {
            if entry.value(needed).is_empty() || entry.value(needed).contains('/') {
                return Err(damaged(&format!("its .PKGINFO has no {needed}")));
            }
        }
        Ok(entry)
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(field, _)| *field == name).map(|(_, value)| *value)
    }

    /// The first one; empty where there is none.
    fn value(&self, name: &str) -> &'a str {
        self.values(name).next().unwrap_or_default()
    }

    fn description(&self) -> String {
        let mut text = list("FILENAME", [self.file.file_name.as_str()]);
        for (title, field) in FIRST {
            text += &list(title, self.values(field));
        }
        text += &list("CSIZE", [self.file.size.to_string().as_str()]);
        text += &list("ISIZE", self.values("size"));
        text += &list("MD5SUM", [self.file.digests.md5.as_str()]);
        text += &list("SHA256SUM", [self.file.digests.sha256.as_str()]);
        for (title, field) in LAST {
            text += &list(title, self.values(field));
        }
        text
    }

    /// What is at the top and begins with a `.` is about the package.
    fn files(&self) -> String {
        let mut paths: Vec<&str> =
            self.file.paths.iter().map(String::as_str).filter(|path| !path.starts_with('.')).collect();
        paths.sort_unstable();
        paths.dedup();
        let lines: String = paths.iter().map(|path| format!("{path}\n")).collect();
        format!("%FILES%\n{lines}")
    }
}

fn list<'a>(title: &str, values: impl IntoIterator<Item = &'a str>) -> String {
    let lines: String =
        values.into_iter().filter(|value| !value.is_empty()).map(|value| format!("{value}\n")).collect();
    if lines.is_empty() { lines } else { format!("%{title}%\n{lines}\n") }
}

/// An index has one version of each package.
fn newest(packages: &[PackageFile]) -> Result<Vec<Entry<'_>>, String> {
    let mut newest: BTreeMap<&str, Entry<'_>> = BTreeMap::new();
    for file in packages {
        let entry = Entry::read(file)?;
        let name = entry.value("pkgname");
        if let Some(other) = newest.get(name) {
            if other.value("arch") != entry.value("arch") {
                return Err(format!(
                    "`{}` and `{}` are for different architectures: pacman has a directory for each",
                    other.file.file_name, file.file_name
                ));
            }
            if vercmp::compare(other.value("pkgver"), entry.value("pkgver")).is_gt() {
                continue;
            }
        }
        newest.insert(name, entry);
    }
    Ok(newest.into_values().collect())
}

/// A directory for each package.
fn index_archive(entries: &[Entry<'_>], with_files: bool) -> Archive {
    let member =
        |path: String, content, mode| ArchiveEntry::Member(Member::of_root(path, content, mode));
    let members = entries.iter().flat_map(|entry| {
        let directory = format!("{}-{}", entry.value("pkgname"), entry.value("pkgver"));
        let mut members = vec![
            member(directory.clone(), MemberContent::Directory, 0o755),
            member(format!("{directory}/desc"), MemberContent::Text(entry.description()), 0o644),
        ];
        if with_files {
            members.push(member(format!("{directory}/files"), MemberContent::Text(entry.files()), 0o644));
        }
        members
    });
    Archive {
        name: "index".to_owned(),
        format: ArchiveFormat::Tar,
        compression: Compression::Gzip,
        level: None,
        end_marker: true,
        entries: members.collect(),
        attributes: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opkg_sdk::containers::{Digests, MemberBytes};

    fn package(file_name: &str, info: &str) -> PackageFile {
        PackageFile {
            file_name: file_name.into(),
            size: 100,
            digests: Digests {
                md5: "5d".into(),
                sha1: "a1".into(),
                sha256: "c2".into(),
                sha512: "e5".into(),
            },
            segments: Vec::new(),
            members: vec![MemberBytes { path: ".PKGINFO".into(), contents: info.as_bytes().to_vec() }],
            paths: [".MTREE", ".PKGINFO", "usr/", "usr/x"].map(str::to_owned).to_vec(),
        }
    }

    /// Paths of files with their members and the texts of these, or with where a link leads.
    type Files = Vec<(String, Vec<(String, String)>)>;

    fn index(packages: &[PackageFile]) -> Result<Files, String> {
        let source = PackageSource {
            name: "site".into(),
            created: 7,
            archs: Vec::new(),
            signing_key: None,
            attributes: Vec::new(),
        };
        let read = |file: IndexFile| {
            let members = match file.content {
                IndexContent::Link(to) => vec![("->".to_owned(), to)],
                IndexContent::Archives(archives) => archives
                    .into_iter()
                    .flat_map(|archive| archive.entries)
                    .map(|entry| match entry {
                        ArchiveEntry::Member(Member { path, content: MemberContent::Text(text), .. }) => {
                            (path, text)
                        }
                        ArchiveEntry::Member(Member { path, .. }) => (path, String::new()),
                        other => panic!("{other:?}"),
                    })
                    .collect(),
            };
            (file.path, members)
        };
        Ok(write(&source, packages)?.into_iter().map(read).collect())
    }

    #[test]
    fn a_package_is_described() {
        let info = "# made by hand\npkgname = x\npkgbase = x\npkgver = 1:1.0-1\npkgdesc = a = b\nsize = 7\narch = any\n\
                    license = GPL\ndepend = a>=1\ndepend = b\nxdata = pkgtype=pkg\n";
        let found = index(&[package("x-1:1.0-1-any.pkg.tar.zst", info)]);
        let description = "%FILENAME%\nx-1:1.0-1-any.pkg.tar.zst\n\n%NAME%\nx\n\n%BASE%\nx\n\n%VERSION%\n1:1.0-1\n\n\
                           %DESC%\na = b\n\n%CSIZE%\n100\n\n%ISIZE%\n7\n\n%MD5SUM%\n5d\n\n%SHA256SUM%\nc2\n\n\
                           %LICENSE%\nGPL\n\n%ARCH%\nany\n\n%DEPENDS%\na>=1\nb\n\n";
        let directory = || ("x-1:1.0-1".to_owned(), String::new());
        let description = || ("x-1:1.0-1/desc".to_owned(), description.to_owned());
        let files = ("x-1:1.0-1/files".to_owned(), "%FILES%\nusr/\nusr/x\n".to_owned());
        let link = |to: &str| vec![("->".to_owned(), to.to_owned())];
        assert_eq!(
            found,
            Ok(vec![
                ("site.db".into(), link("site.db.tar.gz")),
                ("site.db.tar.gz".into(), vec![directory(), description()]),
                ("site.files".into(), link("site.files.tar.gz")),
                ("site.files.tar.gz".into(), vec![directory(), description(), files]),
            ])
        );
    }

    #[test]
    fn of_several_versions_the_newest_is_listed() {
        let versions = ["1.0rc1-1", "1.0-2", "1.0-1"];
        let packages = versions.map(|version| {
            package(&format!("x-{version}"), &format!("pkgname = x\npkgver = {version}\narch = any\n"))
        });
        let found = index(&packages).unwrap_or_default();
        assert_eq!(found[1].1[0].0, "x-1.0-2");
    }

    #[test]
    fn what_is_no_package_or_for_another_machine_is_refused() {
        let other = |arch: &str| package(arch, &format!("pkgname = x\npkgver = 1-1\narch = {arch}\n"));
        assert!(
            index(&[other("x86_64"), other("aarch64")])
                .is_err_and(|it| it.contains("different architectures"))
        );
        assert!(index(&[package("y", "pkgname = y\n")]).is_err_and(|it| it.contains("has no pkgver")));
        assert!(index(&[package("y", "pkgname = ../y\npkgver = 1-1\narch = any\n")]).is_err());
    }
}
