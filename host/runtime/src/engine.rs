//! The WebAssembly engine, configured in this one place, and the clock that stops what runs too long.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fmt, io, thread};

use wasmtime::component::Component;
use wasmtime::{Config, Engine, OptLevel};

use crate::address_space;
use crate::error::LoadErrorKind;
use crate::strategy::Strategy;
use opkg_interface::text::one_line;

/// How finely deadlines are kept.
const EPOCH_INTERVAL: Duration = Duration::from_millis(20);

/// Bytes of address space for a plugin's memory, until it wants more.
const MEMORY_RESERVATION: u64 = 8 << 20;

/// Bytes of stack that a plugin may use of the thread that calls it. Threads have 2 MiB at least.
pub(crate) const MAX_WASM_STACK: usize = 1 << 20;

/// An engine and its clock.
#[derive(Clone)]
pub(crate) struct WasmEngine {
    engine: Engine,
    strategy: Strategy,
    ticker: Arc<EpochTicker>,
}

impl WasmEngine {
    /// # Errors
    /// When the machine denies what the engine needs.
    pub(crate) fn new(strategy: Strategy) -> Result<Self, LoadErrorKind> {
        let mut config = Config::new();
        // Address space is what login nodes of clusters ration. By default the engine reserves four
        // gigabytes for each memory of a plugin, to save bounds checks. Most plugins get along with two
        // megabytes. A memory that outgrows its reservation is copied; without some room after each move,
        // growing page by page would take quadratic time.
        config
            .memory_reservation(MEMORY_RESERVATION)
            .memory_guard_size(64 << 10)
            .memory_reservation_for_growth(16 << 20);
        config.epoch_interruption(true).max_wasm_stack(MAX_WASM_STACK);
        // Nobody is shown where in its code a plugin failed, and no debugger looks at it: what the engine would note for
        // that is as large as the code.
        config.generate_address_map(false).native_unwind_info(false).wasm_backtrace_max_frames(None);
        // The same input gives the same output, on every processor.
        config.wasm_relaxed_simd(false);
        match strategy {
            Strategy::Cranelift => {
                // A plugin is compiled once and then runs for some microseconds: what the optimiser saves it costs many
                // times over when the cache is cold.
                config.strategy(wasmtime::Strategy::Cranelift).cranelift_opt_level(OptLevel::None);
                config.cranelift_nan_canonicalization(true);
            }
            // It gets no code that could make a NaN.
            Strategy::Winch => {
                config.strategy(wasmtime::Strategy::Winch);
            }
        }
        let engine =
            Engine::new(&config).map_err(|error| LoadErrorKind::Engine(one_line(&error.to_string())))?;
        let ticker = Arc::new(EpochTicker { engine: engine.clone(), state: Mutex::default() });
        Ok(Self { engine, strategy, ticker })
    }

    pub(crate) fn strategy(&self) -> Strategy {
        self.strategy
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
    pub(crate) fn start_ticker(&self) -> io::Result<TickerGuard<'_>> {
        self.ticker.start()?;
        Ok(TickerGuard(&self.ticker))
    }

    /// How many ticks of the clock a duration has.
    pub(crate) fn epochs_in(duration: Duration) -> u64 {
        let ticks = duration.as_millis().div_ceil(EPOCH_INTERVAL.as_millis()).max(1);
        u64::try_from(ticks).unwrap_or(u64::MAX / 2)
    }
}

impl fmt::Debug for WasmEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Machine")
    }
}

/// The clock runs while this lives.
pub(crate) struct TickerGuard<'a>(&'a EpochTicker);

impl Drop for TickerGuard<'_> {
    fn drop(&mut self) {
        self.0.state().active_calls -= 1;
    }
}

/// Advances the engine's epoch while plugins run. Its thread lives only as long as there are calls, so that an
/// idle program stays idle.
struct EpochTicker {
    engine: Engine,
    state: Mutex<TickerState>,
}

#[derive(Default)]
struct TickerState {
    active_calls: usize,
    running: bool,
}

impl EpochTicker {
    fn state(&self) -> MutexGuard<'_, TickerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(self: &Arc<Self>) -> io::Result<()> {
        let mut state = self.state();
        if !state.running {
            let clock = self.clone();
            thread::Builder::new()
                .name("deadlines".into())
                .stack_size(64 << 10)
                .spawn(move || clock.run())?;
            state.running = true;
        }
        state.active_calls += 1;
        Ok(())
    }

    fn run(&self) {
        loop {
            thread::sleep(EPOCH_INTERVAL);
            self.engine.increment_epoch();
            let mut state = self.state();
            if state.active_calls == 0 {
                state.running = false;
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
    processors.min(max_threads(address_space::limit()))
}

/// The C library reserves 64 MiB for each thread's allocations, and twice that for a moment; the rest is for its
/// stack and the plugin. The program itself takes a share, too.
fn max_threads(address_space: u64) -> usize {
    const BYTES_PER_THREAD: u64 = 192 << 20;
    usize::try_from(address_space / BYTES_PER_THREAD).unwrap_or(usize::MAX).saturating_sub(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_share_the_address_space() {
        for (kilobytes, threads) in [(1, 1), (200_000, 1), (400_000, 1), (600_000, 2), (400_000_000, 2033)] {
            assert_eq!(max_threads(kilobytes << 10), threads, "{kilobytes}");
        }
    }
}
