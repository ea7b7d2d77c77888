//! Compiling components in a process of its own, which may take so much memory and time and no more: what a component
//! says in few bytes can take the engine more of both than a machine has.
//!
//! The process is this program once more. It gets the component on its standard input, and writes the machine code to its
//! standard output, behind its checksum.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use opkg::digest::sha256;
use opkg_interface::text::{one_line, truncate};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

use crate::address_space;
use crate::cache::MAX_FILE_BYTES;
use crate::engine::WasmEngine;
use crate::error::LoadErrorKind;
use crate::host::is_resource_exhaustion;
use crate::strategy::Strategy;

/// The exit status of a compiler that found fault with the component, and of one that had no room.
const EXIT_INVALID: u8 = 1;
const EXIT_NO_ROOM: u8 = 2;

/// Characters of a checksum in hexadecimal.
const CHECKSUM_LENGTH: usize = 64;

/// Bytes of address space for each byte of a component, so that several threads compile it. One alone takes some 40.
const ROOMY_RATIO: u64 = 64;

/// Bytes of stack of a thread that only reads or writes.
const IO_STACK_BYTES: usize = 128 << 10;

/// Bytes of a message about a component.
const MAX_MESSAGE_BYTES: u64 = 16 << 10;

/// What one compilation may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CompileLimits {
    pub(crate) time: Duration,
    /// Address space.
    pub(crate) memory_bytes: u64,
    pub(crate) threads: usize,
}

impl CompileLimits {
    /// With fewer threads where the address space is small for a component of so many bytes.
    fn fit(self, component_bytes: usize) -> Self {
        let is_roomy = address_space::limit() / ROOMY_RATIO >= component_bytes as u64;
        Self { threads: if is_roomy { self.threads } else { 1 }, ..self }
    }
}

/// Has a component compiled by a process of its own, which `command` starts so that it calls [`compile_component`].
/// Returns machine code of this program's engine.
///
/// # Errors
/// When the component is not valid, takes too much, or no process can be started.
pub(crate) fn compile_apart(
    command: &[OsString],
    component: &[u8],
    strategy: Strategy,
    limits: CompileLimits,
) -> Result<Vec<u8>, LoadErrorKind> {
    let not_started = |error: io::Error| LoadErrorKind::Engine(format!("no compiler: {error}"));
    let limits = limits.fit(component.len());
    let mut child = start(command, strategy, limits).map_err(not_started)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let conversation = thread::scope(|scope| {
        let spawn = || thread::Builder::new().stack_size(IO_STACK_BYTES);
        let (sender, receiver) = channel();
        let converse = || -> io::Result<_> {
            let message = spawn().spawn_scoped(scope, move || read_all(stderr, MAX_MESSAGE_BYTES))?;
            spawn().spawn_scoped(scope, move || sender.send(read_all(stdout, MAX_FILE_BYTES)))?;
            // It reads all of it before it writes anything, or ends.
            spawn().spawn_scoped(scope, move || stdin.map(|mut stdin| stdin.write_all(component)))?;
            Ok(message)
        };
        let message = converse();
        let answer = match message {
            Ok(_) => receiver.recv_timeout(limits.time).ok(),
            Err(_) => None,
        };
        if answer.is_none() {
            // Where it has just ended, there is nothing to kill.
            let _ = child.kill();
        }
        message.map(|message| (answer, message.join().unwrap_or_default()))
    });
    let status = child.wait().map_err(not_started)?;
    let (code, message) = conversation.map_err(not_started)?;
    let Some(mut code) = code else { return Err(LoadErrorKind::CompileTimeout(limits.time)) };
    if !status.success() {
        return Err(failure(status, &message, limits));
    }
    match code.split_at_checked(CHECKSUM_LENGTH) {
        Some((checksum, rest)) if sha256(rest).as_bytes() == checksum => {
            code.drain(..CHECKSUM_LENGTH);
            Ok(code)
        }
        _ => Err(LoadErrorKind::Engine("its compiler's answer is not whole".into())),
    }
}

fn start(command: &[OsString], strategy: Strategy, limits: CompileLimits) -> io::Result<Child> {
    let (program, arguments) =
        command.split_first().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no command"))?;
    let CompileLimits { time, memory_bytes, threads } = limits;
    let numbers = [memory_bytes, time.as_secs().max(1), threads as u64].map(|number| number.to_string());
    Command::new(program)
        .args(arguments)
        .arg(strategy.name())
        .args(numbers)
        .env_clear()
        // Otherwise the C library reserves 64 MiB of address space for the allocations of each thread.
        .envs((threads == 1).then_some(("MALLOC_ARENA_MAX", "1")))
        // Whoever asks the program to stop asks that, and it decides.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

fn read_all(stream: Option<impl Read>, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What is not whole is found out by its checksum.
        let _ = stream.take(most).read_to_end(&mut bytes);
    }
    bytes
}

/// What the end of a compiler means for its component.
fn failure(status: ExitStatus, message: &[u8], limits: CompileLimits) -> LoadErrorKind {
    let message = one_line(truncate(&String::from_utf8_lossy(message), 1000));
    let is = |signal: Signal| status.signal() == Some(signal.as_raw());
    // Two limits end in the same way: the one that is smaller is the one that was met.
    let no_room = || match address_space::limit() {
        allowed if allowed < limits.memory_bytes => LoadErrorKind::AddressSpace(allowed),
        _ => LoadErrorKind::CompileMemory(limits.memory_bytes),
    };
    match status.code().and_then(|code| u8::try_from(code).ok()) {
        Some(EXIT_INVALID) => LoadErrorKind::Invalid(message),
        Some(EXIT_NO_ROOM) => no_room(),
        // The library's answer to memory that it does not get.
        None if is(Signal::ABORT) => no_room(),
        None if is(Signal::XCPU) => LoadErrorKind::CompileTimeout(limits.time),
        _ => LoadErrorKind::Engine(format!("its compiler ended with {status}")),
    }
}

/// What the program does when it is started as a compiler; `arguments` are which one, and its limits.
pub fn compile_component(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    match try_compile(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err((status, message)) => {
            eprintln!("{message}");
            ExitCode::from(status)
        }
    }
}

fn try_compile(mut arguments: impl Iterator<Item = OsString>) -> Result<(), (u8, String)> {
    let usage = || (EXIT_INVALID, "usage: cranelift|winch MEMORY SECONDS THREADS < COMPONENT".into());
    let strategy = arguments.next().and_then(|word| Strategy::from_name(word.to_str()?)).ok_or_else(usage)?;
    let numbers: Option<Vec<u64>> = arguments.map(|word| word.to_str()?.parse().ok()).collect();
    let Some([memory, seconds, threads]) = numbers.as_deref() else {
        return Err(usage());
    };
    let no_room = |message: String| (EXIT_NO_ROOM, message);
    // All threads together count as time of the processor.
    let limits =
        [(Resource::As, *memory), (Resource::Cpu, seconds.saturating_mul(*threads)), (Resource::Core, 0)];
    for (resource, limit) in limits {
        let set = getrlimit(resource).current.map_or(limit, |current| current.min(limit));
        let limit = Rlimit { current: Some(set), maximum: Some(set) };
        setrlimit(resource, limit).map_err(|error| no_room(error.to_string()))?;
    }
    let mut component = Vec::new();
    io::stdin().lock().read_to_end(&mut component).map_err(|error| no_room(error.to_string()))?;
    let engine = WasmEngine::new(strategy).map_err(|error| no_room(error.to_string()))?;
    let threads = usize::try_from(*threads).unwrap_or(1).max(1);
    let code = engine.compile(&component, threads).and_then(|component| component.serialize());
    let code = code.map_err(|error| {
        let status = if is_resource_exhaustion(&error) { EXIT_NO_ROOM } else { EXIT_INVALID };
        (status, format!("{error:#}"))
    })?;
    let mut out = io::stdout().lock();
    out.write_all(sha256(&code).as_bytes())
        .and_then(|()| out.write_all(&code))
        .and_then(|()| out.flush())
        .map_err(|error| no_room(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a compiler that does this.
    fn error_of(script: &str) -> String {
        let command = ["/bin/sh", "-c", script].map(OsString::from);
        let limits = CompileLimits { time: Duration::from_secs(60), memory_bytes: 1 << 30, threads: 1 };
        compile_apart(&command, b"component", Strategy::Cranelift, limits)
            .map_or_else(|error| error.to_string(), |code| format!("{code:?}"))
    }

    #[test]
    fn whatever_becomes_of_the_compiler() {
        let whole = format!("cat > /dev/null; printf {}code", sha256(b"code"));
        let errors = [
            error_of(&whole),
            error_of(&whole.replace("code", "cod")),
            error_of("cat > /dev/null"),
            error_of("exit 0"),
            error_of("echo 'unknown section\n' >&2; exit 1"),
            error_of("exit 2"),
            error_of("kill -ABRT $$"),
            error_of("kill -XCPU $$"),
            error_of("kill -KILL $$"),
            error_of("exit 9"),
            compile_apart(
                &["/no/such".into()],
                b"",
                Strategy::Cranelift,
                CompileLimits { time: Duration::ZERO, memory_bytes: 0, threads: 1 },
            )
            .map_or_else(|error| error.to_string(), |_| String::new()),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r"
        [99, 111, 100, 101]
        cannot be run here: its compiler's answer is not whole
        cannot be run here: its compiler's answer is not whole
        cannot be run here: its compiler's answer is not whole
        is not a valid WebAssembly component: unknown section
        takes more than 1024 MiB of memory to be compiled
        takes more than 1024 MiB of memory to be compiled
        takes longer than 60 s to be compiled
        cannot be run here: its compiler ended with signal: 9 (SIGKILL)
        cannot be run here: its compiler ended with exit status: 9
        cannot be run here: no compiler: No such file or directory (os error 2)
        ");
    }

    #[test]
    fn one_that_never_ends_is_ended() {
        let command = ["/bin/sh", "-c", "exec sleep 1000"].map(OsString::from);
        let limits = CompileLimits { time: Duration::from_millis(200), memory_bytes: 1 << 30, threads: 1 };
        let error = compile_apart(&command, &vec![0; 1 << 20], Strategy::Winch, limits);
        assert!(matches!(error, Err(LoadErrorKind::CompileTimeout(_))), "{error:?}");
    }
}
