//! Small disks in memory that can be filled.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sched::{CloneFlags, unshare};
use opkg_tests::{process, scratch, tools};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};

/// Does something in a thread whose mounts nobody else sees, and that go away with it.
pub fn with_own_mounts(work: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let done = scope.spawn(move || {
            if !tools::is_root() {
                return;
            }
            if let Err(error) = unshare(CloneFlags::CLONE_NEWNS) {
                tools::skip(&format!("no mounts of its own: {error}"));
                return;
            }
            mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).unwrap();
            work();
        });
        if let Err(panic) = done.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// A disk on a directory, with what was there.
pub struct SmallDisk {
    place: PathBuf,
}

impl SmallDisk {
    /// Of so many megabytes.
    pub fn mount(place: &Path, size: u32) -> Self {
        fs::create_dir_all(place).unwrap();
        let copy = scratch::create_directory("small-disk");
        let copy_all = |from: &Path, to: &Path| {
            let from = from.join(".");
            process::run_successfully(Command::new("cp").arg("-a").arg(from).arg(to));
        };
        copy_all(place, &copy);
        let options = std::ffi::CString::new(format!("size={size}m,mode=0755")).unwrap();
        mount("tmpfs", place, "tmpfs", MountFlags::empty(), options.as_c_str()).unwrap();
        copy_all(&copy, place);
        Self { place: place.to_owned() }
    }

    /// Leaves so many bytes free.
    pub fn fill(&self, left: u64) {
        let mut ballast = File::create(self.ballast()).unwrap();
        for size in [1 << 16, 1 << 12, 1] {
            let piece = vec![b'x'; size];
            while ballast.write_all(&piece).is_ok() {}
        }
        let size = ballast.metadata().unwrap().len();
        ballast.set_len(size.checked_sub(left).unwrap()).unwrap();
    }

    pub fn free(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        self.place.join("ballast")
    }
}
