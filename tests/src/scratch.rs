//! Directories for what tests write: one tree per test process, outside the sources, removed by the next
//! process (what a failed test left can be looked at until then).

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A new empty directory whose name begins with `purpose`.
///
/// # Panics
///
/// If it cannot be made.
#[must_use]
pub fn create_directory(purpose: &str) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let path = scratch_root().join(format!("{purpose}-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
    fs_err::create_dir_all(&path).unwrap();
    path
}

/// Where tests write: `target/tmp`. Programs of packages have a `/tmp` of their own, and the like: what lies in there is
/// somewhere else.
#[must_use]
pub fn root_directory() -> PathBuf {
    let usual = target_directory().join("tmp");
    let is_hidden = ["/tmp", "/run", "/dev"].iter().any(|hidden| usual.starts_with(hidden));
    let elsewhere = PathBuf::from("/srv/opkg-tests");
    if is_hidden && fs_err::create_dir_all(&elsewhere).is_ok() { elsewhere } else { usual }
}

/// The directory of the build that this process belongs to: `target`.
#[must_use]
pub fn target_directory() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let profile = profile_directory(&program);
    profile.parent().unwrap().to_path_buf()
}

/// The name of the directory of the build's profile: `debug`, `release`.
#[must_use]
pub fn profile_name() -> String {
    let program = std::env::current_exe().unwrap();
    profile_directory(&program).file_name().unwrap().to_string_lossy().into_owned()
}

/// Tests lie in `<target>/<profile>/deps`, programs one level higher.
fn profile_directory(program: &Path) -> &Path {
    let directory = program.parent().unwrap();
    if directory.ends_with("deps") { directory.parent().unwrap() } else { directory }
}

fn scratch_root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let all = root_directory().join("end-to-end");
        fs_err::create_dir_all(&all).unwrap();
        for entry in fs_err::read_dir(&all).unwrap().flatten() {
            let of = entry.file_name();
            if !Path::new("/proc").join(&of).exists() {
                // Another process may be removing it as well.
                let _ = fs_err::remove_dir_all(entry.path());
            }
        }
        let root = all.join(std::process::id().to_string());
        fs_err::create_dir_all(&root).unwrap();
        root
    })
}
