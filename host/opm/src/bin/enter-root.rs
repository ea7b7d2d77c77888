//! Enters a root as `opm enter-root` does, for tests of what is run there.

use std::process::ExitCode;

fn main() -> ExitCode {
    opkg_opm::enter_root(std::env::args_os().skip(1))
}
