//! Components made ready to run: compiled or taken from the cache, and linked with what a plugin may use.

use std::ffi::OsString;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use wasmtime::component::{Component, Linker};

use crate::cache::{Cache, CacheError, CacheKey, CachedCode};
use crate::compiler::{CompileLimits, compile_apart};
use crate::engine::WasmEngine;
use crate::error::LoadErrorKind;
use crate::host::{error_chain, is_resource_exhaustion};
use crate::limits::Limits;
use crate::log_message::LogLevel;
use crate::machine_code;
use crate::plugin_description::PluginDescription;
use crate::prepared_component::{CallSettings, PreparedComponent};
use crate::strategy::Strategy;
use crate::wasi;
use crate::world::World;

/// Bytes of a component whose compilation takes seconds, so that somebody who waits is told of it.
const LARGE_COMPONENT_BYTES: usize = 4 << 20;

/// What all plugins of a process share.
#[derive(Debug)]
pub(crate) struct Runtime {
    calls: Arc<CallSettings>,
    /// Where others have put compiled components.
    system_cache: Option<Cache>,
    /// Where this program puts them.
    cache: Option<Cache>,
    threads: usize,
    compiler: Option<Vec<OsString>>,
    strategy: Option<Strategy>,
    /// One for each [`Strategy`].
    engines: [OnceLock<WasmEngine>; Strategy::ALL.len()],
}

/// What a [`Runtime`] is made of.
pub(crate) struct RuntimeSettings {
    pub(crate) calls: CallSettings,
    pub(crate) system_cache: Option<Cache>,
    pub(crate) cache: Option<Cache>,
    /// How many compile a component at a time.
    pub(crate) threads: usize,
    /// What starts the process that compiles.
    pub(crate) compiler: Option<Vec<OsString>>,
    /// The only one that compiles, or none.
    pub(crate) strategy: Option<Strategy>,
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
    pub(crate) fn new(settings: RuntimeSettings) -> Self {
        let RuntimeSettings { calls, system_cache, cache, threads, compiler, strategy } = settings;
        let (calls, engines) = (Arc::new(calls), Default::default());
        Self { calls, system_cache, cache, threads, compiler, strategy, engines }
    }

    /// Says something that a user should know of a plugin.
    pub(crate) fn warn(&self, plugin: &str, text: String) {
        self.calls.sink.send(plugin, LogLevel::Warn, text);
    }

    /// Says something of a plugin to who wants to know all.
    pub(crate) fn tell(&self, plugin: &str, text: String) {
        self.calls.sink.send(plugin, LogLevel::Debug, text);
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.calls.limits
    }

    /// The description that an earlier run noted for this component, if there is a usable one.
    pub(crate) fn cached_description(&self, sha256: &str) -> Option<PluginDescription> {
        let key = self.key(sha256)?;
        self.caches().find_map(|cache| {
            let record = cache.read_record(&key).map_err(|error| self.log_debug(error.to_string()));
            record.ok()?.map(|record| record.description)
        })
    }

    /// Whether this program's cache has a component, compiled by the compiler that was asked for.
    ///
    /// # Errors
    /// When it is not there or cannot be trusted.
    pub(crate) fn verify_cached(&self, sha256: &str) -> Result<(), CacheError> {
        let missing = || CacheError::Write(io::ErrorKind::NotFound.into());
        let (cache, key) = self.cache.as_ref().zip(self.key(sha256)).ok_or_else(missing)?;
        cache.load(&key)?.map(drop).ok_or_else(missing)
    }

    /// Removes all that this program's cache has but these components.
    pub(crate) fn retain_cached(&self, checksums: &[String]) {
        let keys: Vec<CacheKey> = checksums.iter().filter_map(|sha256| self.key(sha256)).collect();
        if let Some(cache) = &self.cache {
            cache.retain(&keys);
        }
    }

    /// The key of a component that is compiled as all are, unless they are built in.
    fn key(&self, sha256: &str) -> Option<CacheKey> {
        let engine = self.engine(self.strategy.unwrap_or(Strategy::Cranelift)).ok()?;
        Some(CacheKey::new(engine, sha256))
    }

    /// In the order in which they are asked.
    fn caches(&self) -> impl Iterator<Item = &Cache> {
        self.system_cache.iter().chain(&self.cache)
    }

    /// A component that can be called.
    ///
    /// `info` is about the bytes that `read` gives, if they are needed at all; `described` is what is known of the
    /// plugin already.
    ///
    /// # Errors
    /// When it cannot be read, compiled or linked, or does not say what it is.
    pub(crate) fn prepare<W: World>(
        &self,
        info: ComponentInfo<'_>,
        described: Option<W::Description>,
        read: impl FnOnce() -> Result<Vec<u8>, LoadErrorKind>,
    ) -> Result<(PreparedComponent<W>, W::Description), LoadErrorKind>
    where
        PluginDescription: From<W::Description>,
    {
        let ComponentInfo { name: from, sha256, is_embedded, .. } = info;
        let possible = match &self.strategy {
            Some(strategy) => std::slice::from_ref(strategy),
            None => Strategy::possible(is_embedded),
        };
        for strategy in possible {
            let Ok(machine) = self.engine(*strategy) else { continue };
            let key = CacheKey::new(machine, sha256);
            if let Some((component, identity)) =
                self.caches().find_map(|cache| self.load_cached(cache, machine, &key))
                && let Some(description) = W::from_description(identity)
            {
                tracing::debug!(plugin = from, sha256, "compiled code comes from the cache");
                return Ok((self.link(machine, from, &component)?, description));
            }
        }
        let bytes = read()?;
        if bytes.len() >= LARGE_COMPONENT_BYTES {
            let once = if self.cache.is_some() { ", once" } else { "" };
            self.calls
                .sink
                .send_progress(from, format!("compiling the plugin {from} for this machine{once}"));
        }
        let started = Instant::now();
        let (machine, component) = self.compile(&bytes, info)?;
        tracing::debug!(plugin = from, sha256, bytes = bytes.len(), elapsed = ?started.elapsed(), "compiled");
        let prepared = self.link::<W>(machine, from, &component)?;
        let description = match described {
            Some(description) => description,
            None => prepared.describe()?,
        };
        if let Some(cache) = &self.cache {
            let key = CacheKey::new(machine, sha256);
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

    /// Compiles a component with the compiler that suits it; gives its engine, too.
    fn compile(
        &self,
        bytes: &[u8],
        info: ComponentInfo<'_>,
    ) -> Result<(&WasmEngine, Component), LoadErrorKind> {
        match self.strategy {
            Some(strategy) => self.compile_with(strategy, bytes, info),
            None => Strategy::choose(bytes, info.is_embedded)
                .or_cranelift(|strategy| self.compile_with(strategy, bytes, info)),
        }
    }

    /// In this process, if the component is part of it.
    fn compile_with(
        &self,
        strategy: Strategy,
        bytes: &[u8],
        info: ComponentInfo<'_>,
    ) -> Result<(&WasmEngine, Component), LoadErrorKind> {
        let machine = self.engine(strategy)?;
        let Some(command) = self.compiler.as_ref().filter(|_| !info.is_embedded) else {
            return match machine.compile(bytes, self.threads) {
                Ok(component) => Ok((machine, component)),
                Err(error) if is_resource_exhaustion(&error) => {
                    Err(LoadErrorKind::Engine(error_chain(&error)))
                }
                Err(error) => Err(LoadErrorKind::Invalid(error_chain(&error))),
            };
        };
        let limits = CompileLimits {
            time: info.timeout,
            memory_bytes: self.limits().compile_memory_bytes,
            threads: self.threads,
        };
        let code = compile_apart(command, bytes, strategy, limits)?;
        match machine_code::load_compiled(machine, &code) {
            Ok(component) => Ok((machine, component)),
            Err(error) => Err(LoadErrorKind::Engine(error_chain(&error))),
        }
    }

    fn engine(&self, strategy: Strategy) -> Result<&WasmEngine, LoadErrorKind> {
        let place = &self.engines[strategy as usize];
        if let Some(machine) = place.get() {
            return Ok(machine);
        }
        let machine = WasmEngine::new(strategy)?;
        Ok(place.get_or_init(|| machine))
    }

    fn load_cached(
        &self,
        cache: &Cache,
        machine: &WasmEngine,
        key: &CacheKey,
    ) -> Option<(Component, PluginDescription)> {
        let CachedCode { file, description } = match cache.load(key) {
            Ok(hit) => hit?,
            Err(error) => {
                self.log_debug(error.to_string());
                return None;
            }
        };
        match machine_code::load_file(machine, file) {
            Ok(component) => Some((component, description)),
            Err(error) => {
                self.log_debug(error_chain(&error));
                None
            }
        }
    }

    fn link<W: World>(
        &self,
        machine: &WasmEngine,
        from: &str,
        component: &Component,
    ) -> Result<PreparedComponent<W>, LoadErrorKind> {
        let mut linker = Linker::new(machine.engine());
        W::link(&mut linker)
            .and_then(|()| wasi::add_to_linker(&mut linker, component))
            .map_err(|error| LoadErrorKind::Incompatible(error_chain(&error)))?;
        // The names of its interfaces have been looked at already; so it is what is behind them.
        let pre =
            linker.instantiate_pre(component).and_then(W::new).map_err(
                |error| match is_resource_exhaustion(&error) {
                    true => LoadErrorKind::Engine(error_chain(&error)),
                    false => LoadErrorKind::AlteredInterface(error_chain(&error)),
                },
            )?;
        Ok(PreparedComponent::new(Arc::clone(&self.calls), machine.clone(), pre, from))
    }

    fn log_debug(&self, text: String) {
        self.calls.sink.send("cache", LogLevel::Debug, text);
    }
}
