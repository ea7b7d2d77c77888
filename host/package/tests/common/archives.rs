//! Packages that are made of archives.

use opkg_interface::archive::{
    Archive, ArchiveContainer, ArchiveEntry, ArchiveFormat, ArchiveMetadata, FileLayout, Member,
    MemberContent, NestedArchive,
};
use opkg_interface::artefacts::{Compression, Container};

/// A package of these archives, whose members are said to have all of its metadata.
pub fn container(archives: Vec<Archive>) -> Container {
    Container::Archives(ArchiveContainer { archives, metadata: ArchiveMetadata::all(), signature: None })
}

/// A tar of a member and the package's files, all of whose metadata the member is said to have.
pub fn tar_container(info: &str) -> Container {
    let info = member(".INFO", MemberContent::Text(info.into()));
    let entries = vec![ArchiveEntry::Member(info), ArchiveEntry::Files(rest(""))];
    container(vec![tar_archive("package", Compression::None, entries)])
}

/// A tar with the mark of its end.
pub fn tar_archive(name: &str, compression: Compression, entries: Vec<ArchiveEntry>) -> Archive {
    let format = ArchiveFormat::Tar;
    Archive { name: name.into(), format, compression, level: None, end_marker: true, entries }
}

/// A member of root.
pub fn member(path: &str, content: MemberContent) -> Member {
    let mode = if matches!(content, MemberContent::Directory) { 0o755 } else { 0o644 };
    Member::of_root(path, content, mode)
}

/// All files of a package, with the directories above them.
pub fn rest(prefix: &str) -> FileLayout {
    FileLayout::rest(prefix)
}

/// The contents of these archives, one behind the other.
pub fn concatenation(name: &str, archives: &[&str]) -> Archive {
    let entries = archives.iter().map(|name| nested(name, "")).collect();
    Archive { format: ArchiveFormat::Concatenation, ..tar_archive(name, Compression::None, entries) }
}

/// An earlier archive.
pub fn nested(name: &str, path: &str) -> ArchiveEntry {
    ArchiveEntry::Archive(NestedArchive { name: name.into(), path: path.into() })
}
