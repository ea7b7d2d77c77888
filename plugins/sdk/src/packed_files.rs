//! A part's files as records of packages have them.

use crate::artefacts::{Content, FileMarks, PackedFile};
use crate::file_attributes::FileAttributes;
use crate::model::Opkg;
use crate::parts::{PartPlan, installed_link_target};

/// Directories that the part owns, files and links, sorted by path. `documentation` is that of [`crate::parts::plan`].
#[must_use]
pub fn of_part(opkg: &Opkg, part: &PartPlan<'_>, documentation: &str) -> Vec<PackedFile> {
    let directories = part.directories.iter().map(|directory| {
        packed_file(&directory.path, Content::Directory, &directory.attributes, FileMarks::empty())
    });
    let files = part.files.iter().map(|file| {
        let (content, attributes) = match installed_link_target(opkg, file, documentation) {
            Some(link) => (Content::Link(link), &FileAttributes { mode: 0o777, ..file.attributes.clone() }),
            None => (Content::Source(file.source.at), &file.attributes),
        };
        packed_file(&file.path, content, attributes, file.marks())
    });
    let mut all: Vec<PackedFile> = directories.chain(files).collect();
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all
}

fn packed_file(path: &str, content: Content, attributes: &FileAttributes, marks: FileMarks) -> PackedFile {
    PackedFile {
        path: path.to_owned(),
        content,
        mode: attributes.mode,
        owner: attributes.owner.clone(),
        group: attributes.group.clone(),
        capabilities: attributes.capabilities.clone(),
        marks,
    }
}
