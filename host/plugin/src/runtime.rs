//! Components made ready to run: compiled or taken from the cache, linked with what a plugin may use, started
//! afresh for every call.

use std::sync::{Arc, OnceLock};

use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Store, Trap};

use crate::bindings::opkg::plugin::log as wit;
use crate::bindings::{Distribution, DistributionPre};
use crate::cache::{Cache, Key};
use crate::description::Description;
use crate::engine::Machine;
use crate::error::{Fault, Problem};
use crate::limits::{Limiter, Limits};
use crate::message::{Level, Log, Sink};
use crate::text::one_line;
use crate::wasi;

/// Bytes that the records of an answer may take beside their text. It is the engine that keeps count, before it
/// allocates anything: a list that lies about its length ends there.
const RECORDS: usize = 64 << 20;

/// What all plugins of a process share.
#[derive(Debug)]
pub(crate) struct Runtime {
    limits: Limits,
    sink: Sink,
    cache: Option<Cache>,
    threads: usize,
    machine: OnceLock<Machine>,
}

impl Runtime {
    /// `threads` may compile a component at a time.
    pub(crate) fn new(limits: Limits, sink: Sink, cache: Option<Cache>, threads: usize) -> Self {
        Self { limits, sink, cache, threads, machine: OnceLock::new() }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The description that an earlier run noted for this component, if there is a usable one.
    pub(crate) fn known(&self, sha256: &str) -> Option<Description> {
        let cache = self.cache.as_ref()?;
        let record = cache.record(&Key::new(self.machine().ok()?.engine(), sha256));
        record.map_err(|reason| self.debug(reason)).ok()?.map(|record| record.description)
    }

    /// A component that can be called.
    ///
    /// `sha256` is that of the bytes that `read` gives, if they are needed at all; `described` is what is
    /// known of the plugin already.
    ///
    /// # Errors
    /// When it cannot be read, compiled or linked, or does not say what it is.
    pub(crate) fn prepare(
        self: &Arc<Self>,
        from: &str,
        sha256: &str,
        described: Option<Description>,
        read: impl FnOnce() -> Result<Vec<u8>, Problem>,
    ) -> Result<(Prepared, Description), Problem> {
        let machine = self.machine()?;
        let key = Key::new(machine.engine(), sha256);
        if let Some((component, description)) = self.cached(machine, &key) {
            return Ok((self.link(from, &component)?, description));
        }
        let bytes = read()?;
        let component = machine.compile(&bytes, self.threads).map_err(|error| match is_shortage(&error) {
            true => Problem::Engine(reason(&error)),
            false => Problem::Invalid(reason(&error)),
        })?;
        let prepared = self.link(from, &component)?;
        let description = match described {
            Some(description) => description,
            None => prepared.describe()?,
        };
        if let Some(cache) = &self.cache {
            let stored = component
                .serialize()
                .map_err(|error| reason(&error))
                .and_then(|code| cache.store(&key, &code, &description));
            if let Err(reason) = stored {
                self.debug(format!("not kept: {reason}"));
            }
        }
        Ok((prepared, description))
    }

    fn machine(&self) -> Result<&Machine, Problem> {
        if let Some(machine) = self.machine.get() {
            return Ok(machine);
        }
        let machine = Machine::new()?;
        Ok(self.machine.get_or_init(|| machine))
    }

    fn cached(&self, machine: &Machine, key: &Key) -> Option<(Component, Description)> {
        let (code, description) = match self.cache.as_ref()?.load(key) {
            Ok(hit) => hit?,
            Err(reason) => {
                self.debug(reason);
                return None;
            }
        };
        // SAFETY: this is machine code, so it must be what this engine compiled. The cache gave it out only
        // after it found that the file and its directory belong to this user and nobody else may write there,
        // and that its checksum is the one noted when it was written. Who can forge that can already run
        // whatever they like as this user. The engine itself checks that version and processor fit.
        #[allow(unsafe_code)]
        let component = unsafe { Component::deserialize(machine.engine(), &code) };
        match component {
            Ok(component) => Some((component, description)),
            Err(error) => {
                self.debug(reason(&error));
                None
            }
        }
    }

    fn link(self: &Arc<Self>, from: &str, component: &Component) -> Result<Prepared, Problem> {
        let machine = self.machine()?.clone();
        let mut linker = Linker::new(machine.engine());
        let pre = Distribution::add_to_linker::<Host, HasSelf<Host>>(&mut linker, |host| host)
            .and_then(|()| wasi::define(&mut linker, component))
            .and_then(|()| linker.instantiate_pre(component))
            .and_then(DistributionPre::new)
            .map_err(|error| Problem::Misfit(reason(&error)))?;
        Ok(Prepared { runtime: self.clone(), machine, pre, from: from.into() })
    }

    fn debug(&self, text: String) {
        self.sink.send("cache", Level::Debug, text);
    }
}

/// A component that can be called, from several threads at a time.
#[derive(Clone)]
pub(crate) struct Prepared {
    runtime: Arc<Runtime>,
    machine: Machine,
    pre: DistributionPre<Host>,
    from: Arc<str>,
}

impl Prepared {
    pub(crate) fn limits(&self) -> &Limits {
        &self.runtime.limits
    }

    /// Asks the plugin what it is.
    ///
    /// # Errors
    /// When it fails, or says something that breaks the rules.
    pub(crate) fn describe(&self) -> Result<Description, Fault> {
        let raw = self.call(|plugin, store| plugin.opkg_plugin_packaging().call_describe(store))?;
        Description::check(raw).map_err(Fault::Invalid)
    }

    /// Starts the plugin and lets it do one thing. Every call has a fresh instance: nothing that one call
    /// leaves behind can change another.
    ///
    /// # Errors
    /// When the plugin violates a limit, gives up, or returns what cannot be read.
    pub(crate) fn call<R>(
        &self,
        task: impl FnOnce(&Distribution, &mut Store<Host>) -> wasmtime::Result<R>,
    ) -> Result<R, Fault> {
        let limits = self.limits();
        let log = Log::new(self.from.clone(), self.runtime.sink.clone(), limits);
        let host = Host { limiter: Limiter::new(limits), log, random: SEED, line: Vec::new() };
        let (_running, ticks) =
            self.machine.start(limits.time).map_err(|error| Fault::NotStarted(error.to_string()))?;
        let mut store = Store::new(self.machine.engine(), host);
        store.limiter(|host| &mut host.limiter);
        store.set_epoch_deadline(ticks);
        store.set_hostcall_fuel(limits.text.saturating_add(RECORDS));
        let started = self.pre.instantiate(&mut store);
        if let Some(error) = started.as_ref().err().filter(|error| is_shortage(error)) {
            return Err(Fault::NotStarted(reason(error)));
        }
        let result = started.and_then(|plugin| task(&plugin, &mut store));
        let host = store.data_mut();
        host.end_line(Level::Error);
        result.map_err(|error| host.fault(&error, limits))
    }
}

/// The host's side of one started plugin.
pub(crate) struct Host {
    limiter: Limiter,
    log: Log,
    random: u64,
    line: Vec<u8>,
}

/// Bytes of a line of output that are kept.
const LINE: usize = 16 << 10;

/// Where every plugin's random numbers begin.
const SEED: u64 = 0x6f70_6b67;

impl Host {
    /// What an error of the engine means.
    fn fault(&mut self, error: &wasmtime::Error, limits: &Limits) -> Fault {
        let trap = error.downcast_ref::<Trap>();
        match trap {
            Some(Trap::Interrupt) => return Fault::TooLong(limits.time),
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
    fn end_line(&mut self, level: Level) {
        let line = std::mem::take(&mut self.line);
        self.log.write(level, &String::from_utf8_lossy(&line));
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
            let room = LINE.saturating_sub(self.line.len());
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
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
fn is_shortage(error: &wasmtime::Error) -> bool {
    let cause = error.root_cause();
    cause.is::<rustix::io::Errno>()
        || cause.is::<std::io::Error>()
        || error.is::<wasmtime::error::OutOfMemory>()
}

/// The chain of causes as one line.
fn reason(error: &wasmtime::Error) -> String {
    one_line(&format!("{error:#}"))
}
