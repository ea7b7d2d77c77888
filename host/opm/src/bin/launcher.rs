//! Launches programs as `opm launch` does, for tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    opkg_opm::launch(&[], std::env::args_os().skip(1))
}
