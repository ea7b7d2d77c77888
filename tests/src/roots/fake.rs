//! Roots with just enough in them to run scripts, and a package manager of shell scripts that installs whatever it is asked
//! for: for what is about the engine and takes hundreds of runs.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fs_err as fs;

use super::programs;
use crate::tools;

/// What the plugin of the distribution runs, as scripts. What is installed are files in `/db`.
const FAKE_PROGRAMS: [(&str, &str); 3] = [
    ("dpkg", r#"case " $* " in *' --purge '*) for word in "$@"; do rm -f "/db/$word"; done ;; esac"#),
    (
        "apt-get",
        r#"verb=
for word in "$@"; do
  case $verb in
    install) touch "/db/$word" ;;
    *) case $word in install | update) verb=$word ;; esac ;;
  esac
done"#,
    ),
    (
        "dpkg-query",
        r#"for file in /usr/bin/dpkg /db/*; do
  if [ -e "$file" ]; then printf '%s\t1.0-1\tall\tinstalled\tok\tpostinst\n' "${file##*/}"; fi
done"#,
    ),
];

/// Makes such a root. It takes busybox.
///
/// # Panics
/// When it cannot be made.
pub fn create(root: &Path) {
    for directory in ["bin", "usr/bin", "etc", "db", "hooks", "dev", "proc", "tmp", "run", "sys", "root"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    fs::write(root.join("etc/os-release"), "ID=debian\nVERSION_ID=\"12\"\n").unwrap();
    let busybox = tools::find_program("busybox").unwrap();
    fs::copy(busybox, root.join("bin/busybox")).unwrap();
    for applet in ["sh", "touch", "rm", "cat", "grep", "sleep", "echo", "printf"] {
        fs::os::unix::fs::symlink("busybox", root.join("bin").join(applet)).unwrap();
    }
    // Whoever holds a lock is seen from other namespaces of processes as well.
    programs::copy_program(root, "flock");
    for (name, script) in FAKE_PROGRAMS {
        write_executable(&root.join("usr/bin").join(name), &format!("#!/bin/sh\n{script}\n"));
    }
}

/// From now on, installations in a root begin with these lines of a shell script.
///
/// # Panics
/// When there is no such root.
pub fn before_installations(root: &Path, script: &str) {
    let path = root.join("usr/bin/apt-get");
    let text = fs::read_to_string(&path).unwrap();
    let before = format!("case \" $* \" in *' install '*)\n{script}\n;; esac\nverb=\n");
    write_executable(&path, &text.replacen("verb=\n", &before, 1));
}

/// Writes a script.
///
/// # Panics
/// When it cannot be written.
pub fn write_executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
