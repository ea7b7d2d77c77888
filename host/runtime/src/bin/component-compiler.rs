//! Compiles a component as both programs do, for tests of what that may take.

use std::process::ExitCode;

fn main() -> ExitCode {
    opkg_runtime::compile_component(std::env::args_os().skip(1))
}
