//! Machine code becomes a component again. It is run as it is, so each way says why it is what this engine compiled.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;

use wasmtime::component::Component;

use crate::engine::WasmEngine;

/// That which the process wrote that compiles.
///
/// # Errors
/// When it is no code of this engine.
pub(crate) fn load_compiled(machine: &WasmEngine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: this is machine code, so it must be what this engine compiled. It is what this very program has
    // written as a process of its own, whole as its checksum says, into a pipe that nobody else has.
    #[allow(unsafe_code)]
    unsafe {
        Component::deserialize(machine.engine(), code)
    }
}

/// That of a file that the cache has checked.
///
/// It is mapped, not copied; where that is not allowed, since there are file systems whose files must not be run, it is
/// copied after all.
///
/// # Errors
/// When it cannot be read, or is no code of this engine.
pub(crate) fn load_file(machine: &WasmEngine, mut file: File) -> wasmtime::Result<Component> {
    // The very file that was checked: its name may mean another one by now.
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    // SAFETY: this is machine code, so it must be what this engine compiled. The cache gave it out only after it found that
    // the file and its directory belong to this user, or to root, that nobody else may write there, and that its checksum
    // is the one noted when it was written. Who can forge that, or can change the file while it is mapped, can already run
    // whatever they like as this user; this program itself never writes to such a file again. The engine checks that
    // version and processor fit.
    #[allow(unsafe_code)]
    let mapped = unsafe { Component::deserialize_file(machine.engine(), path) };
    mapped.or_else(|_| {
        let mut code = Vec::new();
        file.read_to_end(&mut code)?;
        // SAFETY: see above; these are the bytes of the same file.
        #[allow(unsafe_code)]
        unsafe {
            Component::deserialize(machine.engine(), &code)
        }
    })
}
