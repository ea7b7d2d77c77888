//! The program works where an administrator has limited the address space, as login nodes do.

use std::process::Command;

use opkg_tests::opkgc::{self, OpkgcEnvironment};

use crate::builds;

/// In KiB.
const LIMIT_KIB: u32 = 400_000;

#[test]
fn address_space_may_be_limited() {
    let example = builds::example_directories().remove(0);
    let opkgc = OpkgcEnvironment::with_cold_cache();
    for what in ["compiling the plugins", "taking them from the cache"] {
        let mut command = Command::new("sh");
        opkgc.apply_environment(&mut command);
        command.arg("-c").arg(format!("ulimit -v {LIMIT_KIB} && exec \"$0\" \"$@\"")).arg(opkgc::program());
        command.args(["--dist", "rhel,mandriva,debian", "--source", "-o", "out"]).arg(&example);
        let ended = opkg_tests::process::run(&mut command);
        assert_eq!(ended.code, Some(0), "{what}: {}", ended.combined_output());
    }
}
