//! The payload of an RPM: a cpio archive of the "new ASCII" kind.

use super::file::RpmFile;

/// Writes all files that the package brings into one archive. Paths of installed files get a `.` in front.
pub(super) fn build_cpio(files: &[RpmFile]) -> Vec<u8> {
    let mut archive = Vec::new();
    for file in files.iter().filter(|file| !file.is_ghost()) {
        let dot = if file.path.starts_with('/') { "." } else { "" };
        let name = format!("{dot}{}", file.path);
        push_entry(&mut archive, [file.inode, file.mode.into(), file.mtime], &name, &file.contents);
    }
    push_entry(&mut archive, [0; 3], "TRAILER!!!", &[]);
    archive
}

fn push_entry(archive: &mut Vec<u8>, [inode, mode, time]: [u32; 3], name: &str, contents: &[u8]) {
    let (size, name_size) = (contents.len(), name.len() + 1);
    archive.extend(b"070701");
    // Inode, mode, user, group, links, time, size, device and special device in two halves each, size of
    // the name, checksum.
    let owner_and_links = "000000000000000000000001";
    let device = "0".repeat(32);
    let fields =
        format!("{inode:08x}{mode:08x}{owner_and_links}{time:08x}{size:08x}{device}{name_size:08x}00000000");
    archive.extend(fields.as_bytes());
    archive.extend(name.as_bytes());
    archive.push(0);
    pad_to_four(archive);
    archive.extend(contents);
    pad_to_four(archive);
}

fn pad_to_four(archive: &mut Vec<u8>) {
    archive.resize(archive.len().next_multiple_of(4), 0);
}
