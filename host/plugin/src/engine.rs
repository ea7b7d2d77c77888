//! The WebAssembly engine, configured in this one place, and the clock that stops what runs too long.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fmt, io, thread};

use wasmtime::component::Component;
use wasmtime::{Config, Engine, OptLevel};

use crate::error::Problem;
use crate::text::one_line;

/// How finely deadlines are kept.
const TICK: Duration = Duration::from_millis(20);

/// Bytes of address space for a plugin's memory, until it wants more.
const RESERVED: u64 = 8 << 20;

/// Bytes of stack that a plugin may use of the thread that calls it. Threads have 2 MiB at least.
pub(crate) const STACK: usize = 1 << 20;

/// An engine and its clock.
#[derive(Clone)]
pub(crate) struct Machine {
    engine: Engine,
    clock: Arc<Clock>,
}

impl Machine {
    /// # Errors
    /// When the machine denies what the engine needs.
    pub(crate) fn new() -> Result<Self, Problem> {
        let mut config = Config::new();
        // Address space is what login nodes of clusters ration. By default the engine reserves four
        // gigabytes for each memory of a plugin, to save bounds checks. Most plugins get along with two
        // megabytes. A memory that outgrows its reservation is copied; without some room after each move,
        // growing page by page would take quadratic time.
        config
            .memory_reservation(RESERVED)
            .memory_guard_size(64 << 10)
            .memory_reservation_for_growth(16 << 20);
        config.epoch_interruption(true).max_wasm_stack(STACK);
        // A plugin is compiled once and then runs for some microseconds: what the optimiser saves it costs many
        // times over when the cache is cold.
        config.cranelift_opt_level(OptLevel::None);
        // The same input gives the same output, on every processor.
        config.cranelift_nan_canonicalization(true).wasm_relaxed_simd(false);
        let engine = Engine::new(&config).map_err(|error| Problem::Engine(one_line(&error.to_string())))?;
        Ok(Self { clock: Arc::new(Clock { engine: engine.clone(), state: Mutex::default() }), engine })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Compiles a component on so many threads.
    ///
    /// # Errors
    /// When it is not valid, or there is no room for the threads that compile it.
    pub(crate) fn compile(&self, bytes: &[u8], threads: usize) -> wasmtime::Result<Component> {
        // The pool that the engine would use otherwise has a thread for each processor.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        pool.install(|| Component::from_binary(&self.engine, bytes))
    }

    /// Lets the clock run until the returned guard is dropped.
    ///
    /// # Errors
    /// When no thread can be started, so that no deadline would be kept.
    pub(crate) fn start(&self) -> io::Result<Running<'_>> {
        self.clock.start()?;
        Ok(Running(&self.clock))
    }

    /// How many ticks of the clock a duration has.
    pub(crate) fn ticks(duration: Duration) -> u64 {
        let ticks = duration.as_millis().div_ceil(TICK.as_millis()).max(1);
        u64::try_from(ticks).unwrap_or(u64::MAX / 2)
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Machine")
    }
}

/// The clock runs while this lives.
pub(crate) struct Running<'a>(&'a Clock);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.state().calls -= 1;
    }
}

/// Advances the engine's epoch while plugins run. Its thread lives only as long as there are calls, so that an
/// idle program stays idle.
struct Clock {
    engine: Engine,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    calls: usize,
    ticking: bool,
}

impl Clock {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(self: &Arc<Self>) -> io::Result<()> {
        let mut state = self.state();
        if !state.ticking {
            let clock = self.clone();
            thread::Builder::new()
                .name("deadlines".into())
                .stack_size(64 << 10)
                .spawn(move || clock.tick())?;
            state.ticking = true;
        }
        state.calls += 1;
        Ok(())
    }

    fn tick(&self) {
        loop {
            thread::sleep(TICK);
            self.engine.increment_epoch();
            let mut state = self.state();
            if state.calls == 0 {
                state.ticking = false;
                return;
            }
        }
    }
}

/// How many threads should use plugins at a time: as many as there are processors, or fewer where address
/// space is limited (`ulimit -v`), since each thread takes its share of that.
#[must_use]
pub fn parallelism() -> usize {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let limit = rustix::process::getrlimit(rustix::process::Resource::As).current;
    processors.min(limit.map_or(usize::MAX, threads_within))
}

/// The C library reserves 64 MiB for each thread's allocations, and twice that for a moment; the rest is for its
/// stack and the plugin. The program itself takes a share, too.
fn threads_within(address_space: u64) -> usize {
    const SHARE: u64 = 192 << 20;
    usize::try_from(address_space / SHARE).unwrap_or(usize::MAX).saturating_sub(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_share_the_address_space() {
        for (kilobytes, threads) in [(1, 1), (200_000, 1), (400_000, 1), (600_000, 2), (400_000_000, 2033)] {
            assert_eq!(threads_within(kilobytes << 10), threads, "{kilobytes}");
        }
    }
}
