//! Launches programs as `opm launch` does, and compiles as `opm compile-component`, for tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments.next_if(|command| command == opkg_runtime::COMPILE_COMMAND).is_some() {
        return opkg_runtime::compile_component(arguments);
    }
    opkg_opm::launch(&[], arguments)
}
