//! Where a database may lie: on a file system whose locks and shared memory work.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use opkg_oda::Error;

/// File systems over a network, by the number that the kernel gives them.
const NETWORK_FILE_SYSTEMS: [(u32, &str); 18] = [
    (0x0000_6969, "nfs"),
    (0xff53_4d42, "cifs"),
    (0xfe53_4d42, "smb2"),
    (0x0000_517b, "smb"),
    (0x0102_1997, "9p"),
    (0x0bd0_0bd0, "lustre"),
    (0x1983_0326, "beegfs"),
    (0x00c3_6400, "ceph"),
    (0x5346_414f, "afs"),
    (0x6b41_4653, "afs"),
    (0x7375_7245, "coda"),
    (0x4750_4653, "gpfs"),
    (0x0116_1970, "gfs2"),
    (0x7461_636f, "ocfs2"),
    (0xaad7_aaea, "panfs"),
    (0x2003_0528, "orangefs"),
    (0x0000_564c, "ncp"),
    (0x013c_a1d0, "virtiofs"),
];
/// A program in user space: only its name says whether it is local.
const FUSE_MAGIC: u32 = 0x6573_5546;
const LOCAL_FUSE_TYPES: [&str; 2] = ["fuseblk", "fuse.fuse-overlayfs"];

/// The type of the file system that `path` lies on, if a database would not be safe there.
pub(super) fn unsafe_fs_type(path: &Path) -> io::Result<Option<String>> {
    let magic = rustix::fs::statfs(path)?.f_type as u32;
    if magic != FUSE_MAGIC {
        return Ok(NETWORK_FILE_SYSTEMS.iter().find(|it| it.0 == magic).map(|it| it.1.to_owned()));
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo")?;
    let name = fuse_type(&mounts, path.metadata()?.dev()).unwrap_or("fuse");
    Ok((!LOCAL_FUSE_TYPES.contains(&name)).then(|| name.to_owned()))
}

/// The type that `mountinfo` says of a device: the first field behind the lone dash.
fn fuse_type(mounts: &str, device: u64) -> Option<&str> {
    let number = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    let line = mounts.lines().find(|line| line.split(' ').nth(2) == Some(number.as_str()))?;
    line.split_once(" - ")?.1.split(' ').next()
}

/// A file beside another one: its name with something behind it.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// What went wrong with a file, as an error about the database at `path`.
pub(super) fn io_error(path: &Path, error: &io::Error) -> Error {
    let database = path.display().to_string();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::DiskFull(database),
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            Error::ReadOnly { database, reason: error.to_string() }
        }
        _ => Error::Other { database, reason: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_in_user_space_is_known_by_its_name() {
        let mounts = "21 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
                      36 21 0:31 / /mnt rw,nosuid shared:5 - fuse.sshfs head:/ rw,user_id=0\n";
        let device = rustix::fs::makedev(0, 31);
        assert_eq!(fuse_type(mounts, device), Some("fuse.sshfs"));
        assert_eq!(fuse_type(mounts, rustix::fs::makedev(0, 32)), None);
    }

    #[test]
    fn a_usual_directory_is_safe() {
        let here = unsafe_fs_type(Path::new("/proc"));
        assert!(matches!(here, Ok(None)), "{here:?}");
    }
}
