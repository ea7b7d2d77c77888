//! Components made ready to run: compiled or taken from the cache, linked with what a plugin may use, started
//! afresh for every call.

use std::ffi::OsString;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use wasmtime::component::{Component, Linker};
use wasmtime::{Store, UpdateDeadline};

use crate::cache::{Cache, CacheKey};
use crate::compiler::{CompileLimits, compile_apart};
use crate::engine::WasmEngine;
use crate::error::{ExecutionError, LoadErrorKind};
use crate::grants::ProgramGrants;
use crate::hook::HostChannel;
use crate::host::{HostState, is_resource_exhaustion};
use crate::limits::{Limits, MAX_RECORD_BYTES};
use crate::log::CallLog;
use crate::log_message::{LogLevel, LogSink};
use crate::plugin_description::PluginDescription;
use crate::wasi;
use crate::world::World;
use opkg_interface::text::one_line;

/// What all plugins of a process share.
#[derive(Debug)]
pub(crate) struct Runtime {
    limits: Limits,
    sink: LogSink,
    cache: Option<Cache>,
    threads: usize,
    compiler: Option<Vec<OsString>>,
    grants: ProgramGrants,
    engine: OnceLock<WasmEngine>,
}

/// A component before it is compiled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ComponentInfo<'a> {
    /// For messages.
    pub(crate) name: &'a str,
    /// Of its bytes, in hexadecimal.
    pub(crate) sha256: &'a str,
    /// Whether it is part of this program, and so trusted with the time and memory of its compilation.
    pub(crate) is_embedded: bool,
    /// How long its compilation may take.
    pub(crate) timeout: Duration,
}

impl Runtime {
    /// `threads` may compile a component at a time, in a process that `compiler` starts.
    pub(crate) fn new(
        limits: Limits,
        sink: LogSink,
        cache: Option<Cache>,
        threads: usize,
        compiler: Option<Vec<OsString>>,
        grants: ProgramGrants,
    ) -> Self {
        Self { limits, sink, cache, threads, compiler, grants, engine: OnceLock::new() }
    }

    /// Says something that a user should know of a plugin.
    pub(crate) fn warn(&self, plugin: &str, text: String) {
        self.sink.send(plugin, LogLevel::Warn, text);
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The description that an earlier run noted for this component, if there is a usable one.
    pub(crate) fn cached_description(&self, sha256: &str) -> Option<PluginDescription> {
        let cache = self.cache.as_ref()?;
        let record = cache.read_record(&CacheKey::new(self.engine().ok()?.engine(), sha256));
        record.map_err(|error| self.log_debug(error.to_string())).ok()?.map(|record| record.description)
    }

    /// A component that can be called.
    ///
    /// `info` is about the bytes that `read` gives, if they are needed at all; `described` is what is known of the
    /// plugin already.
    ///
    /// # Errors
    /// When it cannot be read, compiled or linked, or does not say what it is.
    pub(crate) fn prepare<W: World>(
        self: &Arc<Self>,
        info: ComponentInfo<'_>,
        described: Option<W::Description>,
        read: impl FnOnce() -> Result<Vec<u8>, LoadErrorKind>,
    ) -> Result<(PreparedComponent<W>, W::Description), LoadErrorKind>
    where
        PluginDescription: From<W::Description>,
    {
        let machine = self.engine()?;
        let ComponentInfo { name: from, sha256, .. } = info;
        let key = CacheKey::new(machine.engine(), sha256);
        if let Some((component, identity)) = self.load_cached(machine, &key)
            && let Some(description) = W::from_description(identity)
        {
            tracing::debug!(plugin = from, sha256, "compiled code comes from the cache");
            return Ok((self.link(from, &component)?, description));
        }
        let bytes = read()?;
        let started = Instant::now();
        let component = self.compile(machine, &bytes, info)?;
        tracing::debug!(plugin = from, sha256, bytes = bytes.len(), elapsed = ?started.elapsed(), "compiled");
        let prepared = self.link::<W>(from, &component)?;
        let description = match described {
            Some(description) => description,
            None => prepared.describe()?,
        };
        if let Some(cache) = &self.cache {
            let stored = component.serialize().map_err(|error| error_chain(&error)).and_then(|code| {
                let stored = cache.store(&key, &code, &description.clone().into());
                stored.map_err(|error| error.to_string())
            });
            if let Err(reason) = stored {
                self.log_debug(format!("not kept: {reason}"));
            }
        }
        Ok((prepared, description))
    }

    /// Compiles a component: in this process, if it is part of it.
    fn compile(
        &self,
        machine: &WasmEngine,
        bytes: &[u8],
        info: ComponentInfo<'_>,
    ) -> Result<Component, LoadErrorKind> {
        let Some(command) = self.compiler.as_ref().filter(|_| !info.is_embedded) else {
            return machine.compile(bytes, self.threads).map_err(|error| {
                match is_resource_exhaustion(&error) {
                    true => LoadErrorKind::Engine(error_chain(&error)),
                    false => LoadErrorKind::Invalid(error_chain(&error)),
                }
            });
        };
        let limits = CompileLimits {
            time: info.timeout,
            memory_bytes: self.limits.compile_memory_bytes,
            threads: self.threads,
        };
        let code = compile_apart(command, bytes, limits)?;
        // SAFETY: this is machine code, so it must be what this engine compiled. It is what this very program has
        // written as a process of its own, whole as its checksum says, into a pipe that nobody else has.
        #[allow(unsafe_code)]
        let component = unsafe { Component::deserialize(machine.engine(), &code) };
        component.map_err(|error| LoadErrorKind::Engine(error_chain(&error)))
    }

    fn engine(&self) -> Result<&WasmEngine, LoadErrorKind> {
        if let Some(machine) = self.engine.get() {
            return Ok(machine);
        }
        let machine = WasmEngine::new()?;
        Ok(self.engine.get_or_init(|| machine))
    }

    fn load_cached(&self, machine: &WasmEngine, key: &CacheKey) -> Option<(Component, PluginDescription)> {
        let (code, description) = match self.cache.as_ref()?.load(key) {
            Ok(hit) => hit?,
            Err(error) => {
                self.log_debug(error.to_string());
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
                self.log_debug(error_chain(&error));
                None
            }
        }
    }

    fn link<W: World>(
        self: &Arc<Self>,
        from: &str,
        component: &Component,
    ) -> Result<PreparedComponent<W>, LoadErrorKind> {
        let machine = self.engine()?.clone();
        let mut linker = Linker::new(machine.engine());
        let pre = W::link(&mut linker)
            .and_then(|()| wasi::add_to_linker(&mut linker, component))
            .and_then(|()| linker.instantiate_pre(component))
            .and_then(W::new)
            .map_err(|error| LoadErrorKind::Incompatible(error_chain(&error)))?;
        Ok(PreparedComponent { runtime: self.clone(), engine: machine, pre, name: from.into() })
    }

    fn log_debug(&self, text: String) {
        self.sink.send("cache", LogLevel::Debug, text);
    }
}

/// A component that can be called, from several threads at a time.
#[derive(Clone)]
pub(crate) struct PreparedComponent<W> {
    runtime: Arc<Runtime>,
    engine: WasmEngine,
    pre: W,
    name: Arc<str>,
}

impl<W: World> PreparedComponent<W> {
    pub(crate) fn limits(&self) -> &Limits {
        &self.runtime.limits
    }

    pub(crate) fn grants(&self) -> &ProgramGrants {
        &self.runtime.grants
    }

    /// Asks the plugin what it is.
    ///
    /// # Errors
    /// When it fails, or says something that breaks the rules.
    pub(crate) fn describe(&self) -> Result<W::Description, ExecutionError> {
        self.call(W::describe)?.map_err(|error| ExecutionError::Invalid(error.to_string()))
    }

    /// Starts the plugin and lets it do one thing. Every call has a fresh instance: nothing that one call
    /// leaves behind can change another.
    ///
    /// # Errors
    /// When the plugin violates a limit, gives up, or returns what cannot be read.
    pub(crate) fn call<R>(
        &self,
        task: impl FnOnce(&W::Instance, &mut Store<HostState>) -> wasmtime::Result<R>,
    ) -> Result<R, ExecutionError> {
        self.call_with_channel(None, task)
    }

    /// The same for a hook, with the channel to its host, and with the time that it may take with all that the host
    /// does for it.
    ///
    /// # Errors
    /// See [`Self::call`].
    pub(crate) fn call_with_channel<R>(
        &self,
        line: Option<(HostChannel, Duration)>,
        task: impl FnOnce(&W::Instance, &mut Store<HostState>) -> wasmtime::Result<R>,
    ) -> Result<R, ExecutionError> {
        let limits = self.limits();
        let log = match &line {
            Some((line, _)) => CallLog::new(line.clone(), limits),
            None => CallLog::new((self.runtime.sink.clone(), self.name.clone()), limits),
        };
        let machine = &self.engine;
        let _running =
            machine.start_ticker().map_err(|error| ExecutionError::NotStarted(error.to_string()))?;
        let mut store = Store::new(machine.engine(), HostState::new(limits, log, line));
        store.limiter(|host| host.limiter());
        store.set_epoch_deadline(WasmEngine::epochs_in(limits.timeout));
        store.epoch_deadline_callback(|context| {
            let left = context.data().remaining_time();
            Ok(left.map_or(UpdateDeadline::Interrupt, |left| {
                UpdateDeadline::Continue(WasmEngine::epochs_in(left))
            }))
        });
        store.set_hostcall_fuel(limits.text_bytes.saturating_add(MAX_RECORD_BYTES));
        let started = self.pre.instantiate(&mut store);
        if let Some(error) = started.as_ref().err().filter(|error| is_resource_exhaustion(error)) {
            return Err(ExecutionError::NotStarted(error_chain(error)));
        }
        let result = started.and_then(|plugin| task(&plugin, &mut store));
        let host = store.data_mut();
        host.flush_line(LogLevel::Error);
        result.map_err(|error| host.execution_error(&error, limits))
    }
}

/// The chain of causes as one line.
fn error_chain(error: &wasmtime::Error) -> String {
    one_line(&format!("{error:#}"))
}
