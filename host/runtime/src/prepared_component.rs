//! A component that is ready to run, started afresh for every call.

use std::sync::Arc;
use std::time::Duration;

use opkg::model::Opkg;
use wasmtime::{Store, UpdateDeadline};

use crate::engine::WasmEngine;
use crate::execution_error::{ExecutionError, ExecutionErrorKind};
use crate::grants::ProgramGrants;
use crate::hook::HostChannel;
use crate::host::{HostContext, HostState, error_chain, is_resource_exhaustion};
use crate::limits::{Limits, MAX_RECORD_BYTES};
use crate::log::CallLog;
use crate::log_message::LogSink;
use crate::rules_context::RulesContext;
use crate::world::World;

/// What holds for the calls of all components.
#[derive(Debug)]
pub(crate) struct CallSettings {
    pub(crate) limits: Limits,
    /// Where components tell what they do.
    pub(crate) sink: LogSink,
    pub(crate) grants: ProgramGrants,
}

/// A component that can be called, from several threads at a time.
#[derive(Clone)]
pub(crate) struct PreparedComponent<W> {
    settings: Arc<CallSettings>,
    engine: WasmEngine,
    pre: W,
    name: Arc<str>,
}

impl<W: World> PreparedComponent<W> {
    /// `name` is for messages; `pre` is of a component that `engine` compiled.
    pub(crate) fn new(settings: Arc<CallSettings>, engine: WasmEngine, pre: W, name: &str) -> Self {
        Self { settings, engine, pre, name: name.into() }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.settings.limits
    }

    pub(crate) fn grants(&self) -> &ProgramGrants {
        &self.settings.grants
    }

    /// Asks the plugin what it is.
    ///
    /// # Errors
    /// When it fails, or says something that breaks the rules.
    pub(crate) fn describe(&self) -> Result<W::Description, ExecutionError> {
        self.call(W::describe)?.map_err(|error| ExecutionErrorKind::Invalid(error.to_string()).into())
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
        self.call_with(HostContext::None, task)
    }

    /// The same of a call that is about an OPKG, whose rules the plugin may ask for.
    ///
    /// # Errors
    /// See [`Self::call`].
    pub(crate) fn call_about<R>(
        &self,
        opkg: &Arc<Opkg>,
        task: impl FnOnce(&W::Instance, &mut Store<HostState>) -> wasmtime::Result<R>,
    ) -> Result<R, ExecutionError> {
        self.call_with(HostContext::Opkg(RulesContext::new(opkg)), task)
    }

    /// The same for a hook, with the channel to its host, and with the time that it may take with all that the host
    /// does for it.
    ///
    /// # Errors
    /// See [`Self::call`].
    pub(crate) fn call_with_channel<R>(
        &self,
        line: HostChannel,
        limit: Duration,
        task: impl FnOnce(&W::Instance, &mut Store<HostState>) -> wasmtime::Result<R>,
    ) -> Result<R, ExecutionError> {
        self.call_with(HostContext::Hook(line, limit), task)
    }

    fn call_with<R>(
        &self,
        context: HostContext,
        task: impl FnOnce(&W::Instance, &mut Store<HostState>) -> wasmtime::Result<R>,
    ) -> Result<R, ExecutionError> {
        let limits = self.limits();
        let log = match &context {
            HostContext::Hook(line, _) => CallLog::new(line.clone(), limits),
            HostContext::Opkg(_) | HostContext::None => {
                CallLog::new((self.settings.sink.clone(), self.name.clone()), limits)
            }
        };
        let machine = &self.engine;
        let _running =
            machine.start_ticker().map_err(|error| ExecutionErrorKind::NotStarted(error.to_string()))?;
        let mut store = Store::new(machine.engine(), HostState::new(limits, log, context));
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
            return Err(ExecutionErrorKind::NotStarted(error_chain(error)).into());
        }
        let is_started = started.is_ok();
        let result = started.and_then(|plugin| task(&plugin, &mut store));
        let host = store.data_mut();
        host.flush_output();
        result.map_err(|error| {
            let failure = host.execution_error(&error, limits);
            match failure.kind {
                // It has done nothing yet: its functions are looked up when it has been started.
                ExecutionErrorKind::Invalid(_) if !is_started => {
                    ExecutionErrorKind::AlteredInterface(error_chain(&error)).into()
                }
                _ => failure,
            }
        })
    }
}
