//! What tells the root of a target from any other one, whatever directory it is in: a file in it that `opm` writes.
//!
//! A root that was built anew does not have the file. In a copy it names the inode of the directory that it was made for,
//! and means nothing. The root of the running system is never a copy of another one that the same database knows; there
//! the inode does not count, which changes where that root is put together anew at every start.

use std::io::{self, Read};
use std::path::Path;

use fs_err as fs;
use opkg_oda::Target;

use super::root::{RootError, TargetRoot};

/// In the directory of what `opm` keeps, inside the root.
const FILE: &str = "/var/lib/opm/root-id";
/// More than the file ever has.
const MAX_BYTES: u64 = 200;
/// Random bytes of an id.
const ID_BYTES: usize = 16;

/// The id of the root of a target; nothing where it has none of its own.
///
/// # Errors
/// When there is no such root.
pub fn root_id(target: &Target) -> Result<Option<String>, RootError> {
    TargetRoot::of_target(target).map(|root| read_root_id(&root))
}

/// The id of a root; nothing where it has none of its own.
fn read_root_id(root: &TargetRoot) -> Option<String> {
    let text = String::from_utf8(root.read(Path::new(FILE), MAX_BYTES).ok()?).ok()?;
    let (id, inode) = text.trim_end().split_once(' ')?;
    let is_id = id.len() == ID_BYTES * 2 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_own = root.is_system() || root.inode().ok()?.to_string() == inode;
    (is_id && is_own).then(|| id.to_owned())
}

/// Gives a root a new id.
///
/// # Errors
/// It cannot be written.
pub(crate) fn write_root_id(root: &TargetRoot) -> io::Result<String> {
    let mut bytes = [0; ID_BYTES];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = format!("{id} {}\n", root.inode()?);
    root.write_atomic(Path::new(FILE), text.as_bytes(), 0o644)?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::PathBuf;

    use super::*;

    fn root(directory: &tempfile::TempDir, name: &str) -> (PathBuf, TargetRoot) {
        let path = directory.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        let root = TargetRoot::open(&path).unwrap();
        (path, root)
    }

    #[test]
    fn a_root_keeps_its_id_and_a_copy_has_none() {
        let directory = tempfile::tempdir().unwrap();
        let (path, image) = root(&directory, "compute");
        assert_eq!(read_root_id(&image), None);
        let id = write_root_id(&image).unwrap();
        assert_eq!(read_root_id(&image), Some(id.clone()));
        assert_ne!(write_root_id(&root(&directory, "other").1).unwrap(), id);

        let (copy, other) = root(&directory, "copy");
        std::fs::create_dir_all(copy.join("var/lib/opm")).unwrap();
        std::fs::copy(path.join("var/lib/opm/root-id"), copy.join("var/lib/opm/root-id")).unwrap();
        assert_eq!(read_root_id(&other), None, "what came with the copy is of the other one");

        let moved = directory.path().join("moved");
        std::fs::rename(&path, &moved).unwrap();
        assert_eq!(read_root_id(&TargetRoot::open(&moved).unwrap()), Some(id), "moved, it is the same");
        let (_, anew) = root(&directory, "compute");
        assert_eq!(read_root_id(&anew), None, "built anew under the old name");
    }

    #[test]
    fn what_is_no_id_counts_for_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let (path, image) = root(&directory, "compute");
        write_root_id(&image).unwrap();
        let file = path.join("var/lib/opm/root-id");
        let inode = image.inode().unwrap();
        for text in
            ["", "x", &format!("zz {inode}"), &format!("{} {inode}", "g".repeat(32)), &"a".repeat(999)]
        {
            std::fs::write(&file, text).unwrap();
            assert_eq!(read_root_id(&image), None, "{text:.20}");
        }
        std::fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", &file).unwrap();
        assert_eq!(read_root_id(&image), None);
    }
}
