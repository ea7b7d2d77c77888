//! The host's side of one started component: its limits, what it says, and for hooks the line to whoever called.

use std::time::{Duration, Instant};

use wasmtime::Trap;

use crate::bindings::opkg::plugin::log as wit;
use crate::error::Fault;
use crate::hook::{Capabilities, Line};
use crate::limits::{Limiter, Limits, RECORDS};
use crate::log::Log;
use crate::message::Level;
use crate::text::one_line;
use crate::wasi;

/// The host's side of one started component.
pub(crate) struct Host {
    limiter: Limiter,
    log: Log,
    random: u64,
    printed: Vec<u8>,
    line: Option<Line>,
    clock: Clock,
}

/// How long the component may take.
struct Clock {
    begun: Instant,
    /// Of the component itself.
    limit: Duration,
    /// What the host took to run programs for it.
    away: Duration,
    /// Of both together.
    whole: Option<Duration>,
}

/// Bytes of a line of output that are kept.
const LINE: usize = 16 << 10;

/// Where every plugin's random numbers begin.
const SEED: u64 = 0x6f70_6b67;

impl Host {
    pub(crate) fn new(limits: &Limits, log: Log, line: Option<(Line, Duration)>) -> Self {
        let (line, whole) = line.unzip();
        let clock = Clock { begun: Instant::now(), limit: limits.time, away: Duration::ZERO, whole };
        Self { limiter: Limiter::new(limits), log, random: SEED, printed: Vec::new(), line, clock }
    }

    pub(crate) fn limiter(&mut self) -> &mut Limiter {
        &mut self.limiter
    }

    /// What is left of its time; nothing where that is over.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        self.clock.left().ok().filter(|left| !left.is_zero())
    }

    /// Has something done for a hook. That counts as its own time.
    pub(crate) fn ask<R: Send + 'static>(
        &mut self,
        task: impl FnOnce(&mut dyn Capabilities) -> R + Send + 'static,
    ) -> wasmtime::Result<R> {
        // A component without a line is only asked what it is.
        let line = self.line.as_ref().ok_or(wasi::Denied::Function("its host".to_owned()))?;
        let answer = line.ask(task)?;
        match self.clock.left() {
            Ok(_) => Ok(answer),
            Err(_) => Err(Trap::Interrupt.into()),
        }
    }

    /// Has something done that is not the time of the component itself, if it is done at all.
    pub(crate) fn away<R: Send + 'static, E: Send + 'static>(
        &mut self,
        task: impl FnOnce(&mut dyn Capabilities) -> Result<R, E> + Send + 'static,
    ) -> wasmtime::Result<Result<R, E>> {
        let begun = Instant::now();
        let line = self.line.as_ref().ok_or(wasi::Denied::Function("its host".to_owned()))?;
        let answer = line.ask(task)?;
        if answer.is_ok() {
            self.clock.away += begun.elapsed();
        }
        Ok(answer)
    }

    /// What an error of the engine means.
    pub(crate) fn fault(&mut self, error: &wasmtime::Error, limits: &Limits) -> Fault {
        let trap = error.downcast_ref::<Trap>();
        match trap {
            Some(Trap::Interrupt) => return Fault::TooLong(self.clock.left().err().unwrap_or(limits.time)),
            Some(Trap::StackOverflow) => return Fault::Stack,
            _ if self.limiter.denied() => return Fault::Memory(limits.memory),
            _ => {}
        }
        if let Some(denied) = error.downcast_ref::<wasi::Denied>() {
            return match denied {
                wasi::Denied::Exit => Fault::Panicked(self.log.last_error()),
                wasi::Denied::Function(name) => Fault::Forbidden(name.clone()),
            };
        }
        match trap {
            Some(Trap::UnreachableCodeReached) => Fault::Panicked(self.log.last_error()),
            Some(trap) => {
                let trap = trap.to_string();
                Fault::Trapped(trap.trim_start_matches("wasm trap: ").to_owned())
            }
            None => {
                let reason = error.root_cause().to_string();
                // The engine has no type for this one.
                if reason.contains("fuel allocated for hostcalls") {
                    let limit = limits.text.saturating_add(RECORDS) >> 20;
                    return Fault::Invalid(format!("more than {limit} MiB of data"));
                }
                Fault::Invalid(one_line(&reason))
            }
        }
    }

    /// Ends an unfinished line of output.
    pub(crate) fn end_line(&mut self, level: Level) {
        let line = std::mem::take(&mut self.printed);
        self.log.write(level, &String::from_utf8_lossy(&line));
    }
}

impl Clock {
    /// What is left.
    ///
    /// # Errors
    /// The limit that is over.
    fn left(&self) -> Result<Duration, Duration> {
        let passed = self.begun.elapsed();
        let own = self.limit.checked_sub(passed.saturating_sub(self.away)).ok_or(self.limit)?;
        match self.whole {
            Some(whole) => Ok(own.min(whole.checked_sub(passed).ok_or(whole)?)),
            None => Ok(own),
        }
    }
}

impl wit::Host for Host {
    fn log(&mut self, level: wit::Level, message: String) {
        self.log.write(level.into(), &message);
    }
}

impl crate::bindings::opkg::plugin::opkg::Host for Host {}
impl crate::bindings::opkg::plugin::artefacts::Host for Host {}

impl wasi::System for Host {
    fn print(&mut self, level: Level, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE.saturating_sub(self.printed.len());
            self.printed.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                self.end_line(level);
            }
        }
    }

    fn random(&mut self) -> u64 {
        // SplitMix64: short, and good enough for hash tables.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Whether the operating system, and not the plugin, is to blame.
pub(crate) fn is_shortage(error: &wasmtime::Error) -> bool {
    let cause = error.root_cause();
    cause.is::<rustix::io::Errno>()
        || cause.is::<std::io::Error>()
        || error.is::<wasmtime::error::OutOfMemory>()
}
