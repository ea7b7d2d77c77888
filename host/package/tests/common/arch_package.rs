//! A package as pacman takes it, see PKGBUILD(5), alpm documentation and mtree(5): what a plugin for it says of one.

use std::fmt::Write as _;

use opkg_interface::archive::{
    Archive, ArchiveContainer, ArchiveEntry, ArchiveMetadata, DetachedSignature, Member, MemberContent,
    SignatureScheme,
};
use opkg_interface::artefacts::{Compression, Container};
use opkg_interface::built::{
    Built, FileKind, IndexContent, IndexFile, IndexNeeds, IndexSource, MemberSource, PackageFile,
    PackageSource,
};

use super::archives::{member, rest, tar_archive};
use super::common::TIME;

/// What the plugin says of its packages: the file is a tar of what slots answer, and of the package's files.
pub fn arch_container(compression: Compression) -> Container {
    let slot = |name: &str| ArchiveEntry::Slot(name.into());
    let entries = vec![slot("info"), slot("install"), slot("mtree"), ArchiveEntry::Files(rest(""))];
    let archives = vec![Archive { level: Some(9), ..tar_archive("package", compression, entries) }];
    let signature = Some(DetachedSignature { suffix: ".sig".into(), scheme: SignatureScheme::Openpgp });
    Container::Archives(ArchiveContainer { archives, metadata: ArchiveMetadata::all(), signature })
}

pub struct ArchMembers;

impl MemberSource for ArchMembers {
    fn members(&self, slot: &str, built: &Built<'_>) -> Result<Vec<Member>, String> {
        let text = |path: &str, text: String| member(path, MemberContent::Text(text));
        Ok(match slot {
            "info" => vec![text(".BUILDINFO", build_info(built)), text(".PKGINFO", package_info(built))],
            "install" => {
                let scripts = built.package.scriptlets.iter();
                let functions: String =
                    scripts.map(|it| format!("post_install() {{\n{}\n}}\n", it.body)).collect();
                if functions.is_empty() { Vec::new() } else { vec![text(".INSTALL", functions)] }
            }
            "mtree" => vec![member(".MTREE", MemberContent::Compressed(mtree(built), Compression::Gzip))],
            other => return Err(format!("there is no slot {other}")),
        })
    }
}

fn version(built: &Built<'_>) -> String {
    format!("{}-{}", built.package.version, built.package.release)
}

fn build_info(built: &Built<'_>) -> String {
    let name = &built.package.name;
    format!("format = 2\npkgname = {name}\npkgbase = {name}\npkgver = {}\npkgarch = any\n", version(built))
}

fn package_info(built: &Built<'_>) -> String {
    let package = built.package;
    let mut text = format!(
        "pkgname = {0}\npkgbase = {0}\npkgver = {1}\npkgdesc = {2}\nbuilddate = {TIME}\npackager = {3}\n\
         size = {4}\narch = any\nlicense = {5}\n",
        package.name,
        version(built),
        package.summary,
        package.maintainer,
        built.installed_size,
        package.license
    );
    for file in built.files.iter().filter(|file| file.is_configuration) {
        writeln!(text, "backup = {}", &file.path[1..]).unwrap();
    }
    text
}

fn mtree(built: &Built<'_>) -> String {
    let mut text = "#mtree\n/set type=file uid=0 gid=0\n".to_owned();
    for file in built.files {
        write!(text, ".{} time={TIME}.0 mode={:o}", file.path, file.mode).unwrap();
        match &file.kind {
            FileKind::Regular(size, digests) => {
                writeln!(text, " size={size} md5digest={} sha256digest={}", digests.md5, digests.sha256)
            }
            FileKind::Directory => writeln!(text, " type=dir"),
            FileKind::Link(to) => writeln!(text, " type=link link={to}"),
        }
        .unwrap();
    }
    text
}

/// The index as repo-add(8) makes it.
pub struct ArchIndex;

impl IndexSource for ArchIndex {
    fn describe_index(&self) -> Result<Option<IndexNeeds>, String> {
        let members = vec![".PKGINFO".to_owned()];
        Ok(Some(IndexNeeds { suffixes: vec![".pkg.tar.zst".to_owned()], members }))
    }

    fn index(&self, source: &PackageSource, packages: &[PackageFile]) -> Result<Vec<IndexFile>, String> {
        let mut entries = Vec::new();
        for package in packages {
            let info =
                package.members.first().ok_or_else(|| format!("{} has no .PKGINFO", package.file_name))?;
            let info = String::from_utf8_lossy(&info.contents).into_owned();
            let value = |name: &str| {
                let found = info.lines().find_map(|line| line.strip_prefix(&format!("{name} = ")));
                found.ok_or_else(|| format!("{} says no {name}", package.file_name))
            };
            let directory = format!("{}-{}", value("pkgname")?, value("pkgver")?);
            let mut text = String::new();
            for (name, value) in [
                ("FILENAME", package.file_name.as_str()),
                ("NAME", value("pkgname")?),
                ("VERSION", value("pkgver")?),
                ("DESC", value("pkgdesc")?),
                ("CSIZE", &package.size.to_string()),
                ("ISIZE", value("size")?),
                ("SHA256SUM", &package.digests.sha256),
                ("ARCH", value("arch")?),
                ("BUILDDATE", value("builddate")?),
            ] {
                write!(text, "%{name}%\n{value}\n\n").unwrap();
            }
            entries.push(member(&format!("{directory}/"), MemberContent::Directory));
            entries.push(member(&format!("{directory}/desc"), MemberContent::Text(text)));
        }
        let entries = entries.into_iter().map(ArchiveEntry::Member).collect();
        let signature = Some(DetachedSignature { suffix: ".sig".into(), scheme: SignatureScheme::Openpgp });
        let path = format!("{}.db.tar.gz", source.name);
        let archives = vec![tar_archive("db", Compression::Gzip, entries)];
        let link = IndexContent::Link(path.clone());
        Ok(vec![
            IndexFile { path, content: IndexContent::Archives(archives), signature: signature.clone() },
            IndexFile { path: format!("{}.db", source.name), content: link, signature },
        ])
    }
}
