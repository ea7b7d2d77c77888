//! The host's side of one started component: its limits, what it says, and for hooks the line to whoever called.

use std::time::{Duration, Instant};

use wasmtime::Trap;

use crate::bindings::v0_1::opkg::plugin as v0_1;
use crate::bindings::v1::opkg::plugin as v1;
use crate::execution_error::{ExecutionError, ExecutionErrorKind as Kind};
use crate::hook::{HostChannel, HostFunctions};
use crate::limits::{Limiter, Limits, MAX_RECORD_BYTES};
use crate::log::CallLog;
use crate::output::{OutputBuffer, OutputStream};
use crate::rules_context::RulesContext;
use crate::version::INTERFACE_VERSION;
use crate::wasi;
use opkg_interface::text::one_line;

/// The host's side of one started component.
pub(crate) struct HostState {
    limiter: Limiter,
    log: CallLog,
    rng_state: u64,
    clock: u64,
    output: OutputBuffer,
    channel: Option<HostChannel>,
    rules: Option<RulesContext>,
    time_budget: TimeBudget,
}

/// What a call is about, as far as the host does something for it.
pub(crate) enum HostContext {
    /// The component says what it is, or has all that it needs.
    None,
    /// An OPKG becomes packages.
    Opkg(RulesContext),
    /// A hook runs: the line to whoever called, and the time for all of it.
    Hook(HostChannel, Duration),
}

/// How long the component may take.
struct TimeBudget {
    started: Instant,
    /// Of the component itself.
    own_limit: Duration,
    /// What the host took to run programs for it.
    host_time: Duration,
    /// The limit of both times together.
    total_limit: Option<Duration>,
}

/// Where every plugin's random numbers begin.
const RNG_SEED: u64 = 0x6f70_6b67;

impl HostState {
    pub(crate) fn new(limits: &Limits, log: CallLog, context: HostContext) -> Self {
        let (channel, whole, rules) = match context {
            HostContext::None => (None, None, None),
            HostContext::Opkg(rules) => (None, None, Some(rules)),
            HostContext::Hook(channel, limit) => (Some(channel), Some(limit), None),
        };
        let time_budget = TimeBudget {
            started: Instant::now(),
            own_limit: limits.timeout,
            host_time: Duration::ZERO,
            total_limit: whole,
        };
        Self {
            limiter: Limiter::new(limits),
            log,
            rng_state: RNG_SEED,
            clock: 0,
            output: OutputBuffer::default(),
            channel,
            rules,
            time_budget,
        }
    }

    /// The OPKG that the call is about.
    pub(crate) fn rules(&self) -> Option<&RulesContext> {
        self.rules.as_ref()
    }

    pub(crate) fn limiter(&mut self) -> &mut Limiter {
        &mut self.limiter
    }

    /// What is left of its time; nothing where that is over.
    pub(crate) fn remaining_time(&self) -> Option<Duration> {
        self.time_budget.remaining().ok().filter(|left| !left.is_zero())
    }

    /// Has something done for a hook. That counts as its own time.
    pub(crate) fn call_host<R: Send + 'static>(
        &mut self,
        task: impl FnOnce(&mut dyn HostFunctions) -> R + Send + 'static,
    ) -> wasmtime::Result<R> {
        // A component without a line is only asked what it is.
        let line =
            self.channel.as_ref().ok_or(wasi::WasiError::UnsupportedFunction("its host".to_owned()))?;
        let answer = line.call(task)?;
        match self.time_budget.remaining() {
            Ok(_) => Ok(answer),
            Err(_) => Err(Trap::Interrupt.into()),
        }
    }

    /// Has something done that is not the time of the component itself, if it is done at all.
    pub(crate) fn call_host_untimed<R: Send + 'static, E: Send + 'static>(
        &mut self,
        task: impl FnOnce(&mut dyn HostFunctions) -> Result<R, E> + Send + 'static,
    ) -> wasmtime::Result<Result<R, E>> {
        let begun = Instant::now();
        let line =
            self.channel.as_ref().ok_or(wasi::WasiError::UnsupportedFunction("its host".to_owned()))?;
        let answer = line.call(task)?;
        if answer.is_ok() {
            self.time_budget.host_time += begun.elapsed();
        }
        Ok(answer)
    }

    /// What an error of the engine means, with what the component said before it.
    pub(crate) fn execution_error(&mut self, error: &wasmtime::Error, limits: &Limits) -> ExecutionError {
        ExecutionError { kind: self.error_kind(error, limits), output: self.output.take_tail() }
    }

    fn error_kind(&mut self, error: &wasmtime::Error, limits: &Limits) -> Kind {
        let trap = error.downcast_ref::<Trap>();
        match trap {
            Some(Trap::Interrupt) => {
                return Kind::Timeout(self.time_budget.remaining().err().unwrap_or(limits.timeout));
            }
            Some(Trap::StackOverflow) => return Kind::StackOverflow,
            _ if self.limiter.limit_hit() => return Kind::OutOfMemory(limits.memory_bytes),
            _ => {}
        }
        if let Some(denied) = error.downcast_ref::<wasi::WasiError>() {
            return match denied {
                wasi::WasiError::Exit => {
                    Kind::Panicked(self.cause().or_else(|| Some("it ended itself".to_owned())))
                }
                wasi::WasiError::UnsupportedFunction(name) => Kind::ForbiddenCall(name.clone()),
            };
        }
        match trap {
            Some(Trap::UnreachableCodeReached) => Kind::Panicked(self.cause()),
            Some(trap) => {
                let trap = trap.to_string();
                Kind::Trap(trap.trim_start_matches("wasm trap: ").to_owned())
            }
            None => {
                let reason = error.root_cause().to_string();
                // The engine has no type for this one.
                if reason.contains("fuel allocated for hostcalls") {
                    let limit = limits.text_bytes.saturating_add(MAX_RECORD_BYTES) >> 20;
                    return Kind::Invalid(format!("more than {limit} MiB of data"));
                }
                Kind::Invalid(one_line(&reason))
            }
        }
    }

    /// Why the component gave up, in its own words.
    fn cause(&mut self) -> Option<String> {
        self.output.cause().map(str::to_owned).or_else(|| self.log.last_error())
    }

    /// Ends unfinished lines of output.
    pub(crate) fn flush_output(&mut self) {
        for stream in [OutputStream::Stdout, OutputStream::Stderr] {
            if let Some(line) = self.output.end_line(stream) {
                self.log.write_output(stream.level(), &line);
            }
        }
    }
}

impl TimeBudget {
    /// The time that is left.
    ///
    /// # Errors
    /// The limit that is over.
    fn remaining(&self) -> Result<Duration, Duration> {
        let passed = self.started.elapsed();
        let own = self.own_limit.checked_sub(passed.saturating_sub(self.host_time)).ok_or(self.own_limit)?;
        match self.total_limit {
            Some(whole) => Ok(own.min(whole.checked_sub(passed).ok_or(whole)?)),
            None => Ok(own),
        }
    }
}

impl v0_1::log::Host for HostState {
    fn log(&mut self, level: v0_1::log::Level, message: String) {
        self.log.write(level.into(), &message);
    }
}

impl v1::log::Host for HostState {
    fn log(&mut self, level: v1::log::Level, message: String) {
        self.log.write(level.into(), &message);
    }
}

impl v1::host::Host for HostState {
    fn interface_version(&mut self) -> String {
        INTERFACE_VERSION.to_owned()
    }

    fn features(&mut self) -> Vec<String> {
        // What later versions of the interface bring is named here.
        Vec::new()
    }
}

impl v0_1::opkg::Host for HostState {}
impl v0_1::artefacts::Host for HostState {}
impl v1::model::Host for HostState {}
impl v1::artefacts::Host for HostState {}

impl wasi::WasiHost for HostState {
    fn print(&mut self, stream: OutputStream, bytes: &[u8]) {
        for line in self.output.write(stream, bytes) {
            self.log.write_output(stream.level(), &line);
        }
    }

    fn clock(&mut self) -> &mut u64 {
        &mut self.clock
    }

    fn random(&mut self) -> u64 {
        // SplitMix64: short, and good enough for hash tables.
        self.rng_state = self.rng_state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.rng_state ^ (self.rng_state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Whether the operating system, and not the plugin, is to blame.
pub(crate) fn is_resource_exhaustion(error: &wasmtime::Error) -> bool {
    let cause = error.root_cause();
    cause.is::<rustix::io::Errno>()
        || cause.is::<std::io::Error>()
        || error.is::<wasmtime::error::OutOfMemory>()
}

/// The chain of causes as one line.
pub(crate) fn error_chain(error: &wasmtime::Error) -> String {
    one_line(&format!("{error:#}"))
}
