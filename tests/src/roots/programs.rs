//! The few programs that scriptlets start in a root, taken from this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{process, tools};

/// What busybox stands in for.
const APPLETS: &str = "[ awk basename cat chmod chown cp cut date dirname echo env expr false find grep head \
                       hostname id ln ls mkdir mktemp mv rm rmdir sed sh sleep sort tail tar test touch tr true \
                       uname wc xargs";

/// What scripts are written for, and nothing stands in for.
const COPIED_PROGRAMS: [&str; 2] = ["bash", "perl"];

/// What [`install`] needs on this machine.
pub const REQUIRED_PROGRAMS: [&str; 4] = ["busybox", "ldd", "bash", "perl"];

/// Puts a shell and its usual company, `bash` and `perl` into a root.
///
/// # Panics
///
/// If one of [`REQUIRED_PROGRAMS`] is missing.
pub fn install(root: &Path) {
    for directory in ["bin", "sbin", "lib", "lib64"] {
        fs_err::create_dir_all(root.join("usr").join(directory)).unwrap();
        fs_err::os::unix::fs::symlink(format!("usr/{directory}"), root.join(directory)).unwrap();
    }
    fs_err::copy(tools::find_program("busybox").unwrap(), root.join("bin/busybox")).unwrap();
    for applet in APPLETS.split_whitespace() {
        fs_err::os::unix::fs::symlink("busybox", root.join("bin").join(applet)).unwrap();
    }
    for name in COPIED_PROGRAMS {
        copy_program(root, name);
    }
    // What `use strict` reads.
    let modules = "use strict; use warnings; print join(\"\\n\", values %INC)";
    let modules = process::run_successfully(Command::new("perl").arg("-e").arg(modules));
    copy_files(root, modules.lines().map(PathBuf::from));
}

/// Puts a program of this machine into a root that has `usr/bin`, with the libraries that it needs.
///
/// # Panics
///
/// If the program is missing here.
pub fn copy_program(root: &Path, name: &str) {
    let program = tools::find_program(name).unwrap();
    fs_err::copy(&program, root.join("usr/bin").join(name)).unwrap();
    copy_files(root, shared_libraries(&program));
}

fn copy_files(root: &Path, files: impl IntoIterator<Item = PathBuf>) {
    for file in files {
        let place = root.join(file.strip_prefix("/").unwrap());
        fs_err::create_dir_all(place.parent().unwrap()).unwrap();
        fs_err::copy(file, place).unwrap();
    }
}

/// `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)`, and the loader without an arrow.
fn shared_libraries(program: &Path) -> Vec<PathBuf> {
    let printed = process::run_successfully(Command::new("ldd").arg(program));
    printed.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}
