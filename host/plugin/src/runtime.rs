//! Components made ready to run: compiled or taken from the cache, linked with what a plugin may use, started
//! afresh for every call.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use wasmtime::component::{Component, Linker};
use wasmtime::{Store, UpdateDeadline};

use crate::cache::{Cache, Key};
use crate::engine::Machine;
use crate::error::{Fault, Problem};
use crate::hook::Line;
use crate::host::{Host, is_shortage};
use crate::identity::Identity;
use crate::limits::{Limits, RECORDS};
use crate::log::Log;
use crate::message::{Level, Sink};
use crate::text::one_line;
use crate::wasi;
use crate::world::World;

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
    pub(crate) fn known(&self, sha256: &str) -> Option<Identity> {
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
    pub(crate) fn prepare<W: World>(
        self: &Arc<Self>,
        from: &str,
        sha256: &str,
        described: Option<W::Description>,
        read: impl FnOnce() -> Result<Vec<u8>, Problem>,
    ) -> Result<(Prepared<W>, W::Description), Problem>
    where
        Identity: From<W::Description>,
    {
        let machine = self.machine()?;
        let key = Key::new(machine.engine(), sha256);
        if let Some((component, identity)) = self.cached(machine, &key)
            && let Some(description) = W::of(identity)
        {
            return Ok((self.link(from, &component)?, description));
        }
        let bytes = read()?;
        let component = machine.compile(&bytes, self.threads).map_err(|error| match is_shortage(&error) {
            true => Problem::Engine(reason(&error)),
            false => Problem::Invalid(reason(&error)),
        })?;
        let prepared = self.link::<W>(from, &component)?;
        let description = match described {
            Some(description) => description,
            None => prepared.describe()?,
        };
        if let Some(cache) = &self.cache {
            let stored = component
                .serialize()
                .map_err(|error| reason(&error))
                .and_then(|code| cache.store(&key, &code, &description.clone().into()));
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

    fn cached(&self, machine: &Machine, key: &Key) -> Option<(Component, Identity)> {
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

    fn link<W: World>(self: &Arc<Self>, from: &str, component: &Component) -> Result<Prepared<W>, Problem> {
        let machine = self.machine()?.clone();
        let mut linker = Linker::new(machine.engine());
        let pre = W::link(&mut linker)
            .and_then(|()| wasi::define(&mut linker, component))
            .and_then(|()| linker.instantiate_pre(component))
            .and_then(W::new)
            .map_err(|error| Problem::Misfit(reason(&error)))?;
        Ok(Prepared { runtime: self.clone(), machine, pre, from: from.into() })
    }

    fn debug(&self, text: String) {
        self.sink.send("cache", Level::Debug, text);
    }
}

/// A component that can be called, from several threads at a time.
#[derive(Clone)]
pub(crate) struct Prepared<W> {
    runtime: Arc<Runtime>,
    machine: Machine,
    pre: W,
    from: Arc<str>,
}

impl<W: World> Prepared<W> {
    pub(crate) fn limits(&self) -> &Limits {
        &self.runtime.limits
    }

    /// Asks the plugin what it is.
    ///
    /// # Errors
    /// When it fails, or says something that breaks the rules.
    pub(crate) fn describe(&self) -> Result<W::Description, Fault> {
        self.call(W::describe)?.map_err(Fault::Invalid)
    }

    /// Starts the plugin and lets it do one thing. Every call has a fresh instance: nothing that one call
    /// leaves behind can change another.
    ///
    /// # Errors
    /// When the plugin violates a limit, gives up, or returns what cannot be read.
    pub(crate) fn call<R>(
        &self,
        task: impl FnOnce(&W::Instance, &mut Store<Host>) -> wasmtime::Result<R>,
    ) -> Result<R, Fault> {
        self.call_with(None, task)
    }

    /// The same for a hook, with the line to its host, and with the time that it may take with all that the host
    /// does for it.
    ///
    /// # Errors
    /// Likewise.
    pub(crate) fn call_with<R>(
        &self,
        line: Option<(Line, Duration)>,
        task: impl FnOnce(&W::Instance, &mut Store<Host>) -> wasmtime::Result<R>,
    ) -> Result<R, Fault> {
        let limits = self.limits();
        let log = match &line {
            Some((line, _)) => Log::new(line.clone(), limits),
            None => Log::new((self.runtime.sink.clone(), self.from.clone()), limits),
        };
        let machine = &self.machine;
        let _running = machine.start().map_err(|error| Fault::NotStarted(error.to_string()))?;
        let mut store = Store::new(machine.engine(), Host::new(limits, log, line));
        store.limiter(|host| host.limiter());
        store.set_epoch_deadline(Machine::ticks(limits.time));
        store.epoch_deadline_callback(|context| {
            let left = context.data().time_left();
            Ok(left.map_or(UpdateDeadline::Interrupt, |left| UpdateDeadline::Continue(Machine::ticks(left))))
        });
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

/// The chain of causes as one line.
fn reason(error: &wasmtime::Error) -> String {
    one_line(&format!("{error:#}"))
}
