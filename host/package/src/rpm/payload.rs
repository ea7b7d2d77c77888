//! The payload of an RPM: a cpio archive of the "new ASCII" kind, or the stripped one of format 6, which leaves all that
//! the header says to the header.

use opkg_interface::artefacts::RpmFormatVersion;

use super::file::RpmFile;

/// Writes all files that the package brings into one archive.
pub(super) fn build_cpio(files: &[RpmFile], version: RpmFormatVersion) -> Vec<u8> {
    let mut archive = Vec::new();
    for (index, file) in files.iter().enumerate().filter(|(_, file)| !file.is_ghost()) {
        match version {
            RpmFormatVersion::V4 => push_file(&mut archive, file),
            RpmFormatVersion::V6 => push_stripped_file(&mut archive, index, file),
        }
    }
    push_entry(&mut archive, [0; 3], "TRAILER!!!", &[]);
    archive
}

/// Paths of installed files get a `.` in front.
fn push_file(archive: &mut Vec<u8>, file: &RpmFile) {
    let dot = if file.path.starts_with('/') { "." } else { "" };
    let name = format!("{dot}{}", file.path);
    push_entry(archive, [file.inode, file.mode.into(), file.mtime], &name, &file.contents);
}

/// `index` is that of the file among all of the header, those that it does not bring included.
fn push_stripped_file(archive: &mut Vec<u8>, index: usize, file: &RpmFile) {
    archive.extend(format!("07070X{index:08x}").as_bytes());
    pad_to_four(archive);
    archive.extend(&file.contents);
    pad_to_four(archive);
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
