//! Shorthands for packages that are made of archives.

use crate::artefacts::{DirectoryEntries, FileLayout, FileSelection, Member, MemberContent};

impl FileLayout {
    /// All files of the package that no other entry has, behind `prefix` (``, `./`), with the directories above them.
    #[must_use]
    pub fn rest(prefix: &str) -> Self {
        Self {
            select: FileSelection::Rest,
            prefix: prefix.to_owned(),
            directories: DirectoryEntries::Parents,
            parent_modes: Vec::new(),
            headers: Vec::new(),
        }
    }
}

impl Member {
    /// One that belongs to root, without records of its own.
    #[must_use]
    pub fn of_root(path: impl Into<String>, content: MemberContent, mode: u32) -> Self {
        let (owner, group) = ("root".to_owned(), "root".to_owned());
        Self { path: path.into(), content, mode, owner, group, headers: Vec::new() }
    }
}
