use std::os::unix::fs::chown;
use std::process::Command;

use opkg_tests::{process, tools};

use crate::fixture::DIRECTORY_VAR;

const NOBODY: u32 = 65534;

/// Runs other tests of this program again, as somebody who is not root.
#[test]
fn all_of_it_works_in_a_user_namespace() {
    if !tools::all_installed(&["setpriv", "unshare"]) || !tools::is_root() {
        return;
    }
    let nobody = || {
        let mut command = Command::new("setpriv");
        command.args([&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups", "--"]);
        command
    };
    if process::run(nobody().args(["unshare", "--user", "--map-root-user", "--mount", "true"])).code
        != Some(0)
    {
        return tools::skip("user namespaces are switched off");
    }
    // Where whoever it is can get at it: neither what is tested nor where it works need be for everybody.
    let directory = tempfile::tempdir_in("/var/tmp").unwrap();
    chown(directory.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    let copy = |from: &std::path::Path, name: &str| {
        let to = directory.path().join(name);
        std::fs::copy(from, &to).unwrap();
        std::fs::set_permissions(&to, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        to
    };
    let program = copy(&std::env::current_exe().unwrap(), "tests");
    let launcher = copy(env!("CARGO_BIN_EXE_launcher").as_ref(), "launcher");
    let mut tests = nobody();
    tests.arg(program).args(["hooks::", "fake_package_manager::"]).env(DIRECTORY_VAR, directory.path());
    tests.env(crate::fixture::LAUNCHER_VAR, launcher);
    tests.env("TMPDIR", directory.path()).current_dir(directory.path());
    let ended = process::run(&mut tests);
    assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
    assert!(
        ended.stdout.contains("fake_package_manager::success_without_a_package_is_none ... ok"),
        "{}",
        ended.combined_output()
    );
}
