//! A hook runner, ready to be called.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{Call, Failure, HostChannel, HostFunctions, Outcome, RunnerDescription};
use crate::bindings::hook_runner::opkg::plugin as wit;
use crate::bindings::hook_runner::{HookRunner, HookRunnerPre};
use crate::engine::MAX_WASM_STACK;
use crate::error::CallError;
use crate::execution_error::{ExecutionError, ExecutionErrorKind};
use crate::host::HostState;
use crate::plugin_description::PluginDescription;
use crate::runtime::PreparedComponent;
use crate::validate_words::ValidationError;
use crate::world::World;
use opkg_interface::text::{one_line, truncate};
use wasmtime::component::{HasSelf, InstancePre, Linker};
use wasmtime::{Result, Store};

/// Bytes of a failure's message that are kept.
const MAX_MESSAGE_BYTES: usize = 1000;

impl World for HookRunnerPre<HostState> {
    type Instance = HookRunner;
    type Description = RunnerDescription;

    fn link(linker: &mut Linker<HostState>) -> Result<()> {
        HookRunner::add_to_linker::<HostState, HasSelf<HostState>>(linker, |host| host)
    }

    fn new(pre: InstancePre<HostState>) -> Result<Self> {
        Self::new(pre)
    }

    fn instantiate(&self, store: &mut Store<HostState>) -> Result<HookRunner> {
        self.instantiate(store)
    }

    fn describe(
        instance: &HookRunner,
        store: &mut Store<HostState>,
    ) -> Result<Result<RunnerDescription, ValidationError>> {
        instance.opkg_plugin_hook().call_describe(store).map(RunnerDescription::from_wit)
    }

    fn from_description(identity: PluginDescription) -> Option<RunnerDescription> {
        match identity {
            PluginDescription::HookRunner(description) => Some(description),
            PluginDescription::Distribution(_) => None,
        }
    }
}

/// A hook runner, or a hook that is a component. Cheap to clone: each call has a fresh instance of the component.
#[derive(Clone)]
pub struct Runner(Arc<Inner>);

struct Inner {
    prepared: PreparedComponent<HookRunnerPre<HostState>>,
    description: RunnerDescription,
}

impl Runner {
    pub(crate) fn new(
        prepared: PreparedComponent<HookRunnerPre<HostState>>,
        description: RunnerDescription,
    ) -> Self {
        Self(Arc::new(Inner { prepared, description }))
    }

    /// What it takes.
    #[must_use]
    pub fn description(&self) -> &RunnerDescription {
        &self.0.description
    }

    /// Asks it itself what it is, instead of believing what was noted earlier.
    ///
    /// # Errors
    /// When it fails.
    pub fn describe(&self) -> Result<RunnerDescription, CallError> {
        let described = self.0.prepared.describe();
        described.map_err(|fault| CallError { plugin: self.0.description.name_and_version(), error: fault })
    }

    /// Runs a hook. `capabilities` are used in this thread, one thing after the other; `limit` is for all of it,
    /// programs that are run meanwhile included.
    ///
    /// # Errors
    /// When the component violates a limit, gives up, or cannot be started: by a fault of its own, other than a
    /// failure that it reports.
    pub fn run(
        &self,
        call: &Call,
        limit: Duration,
        capabilities: &mut dyn HostFunctions,
    ) -> Result<Result<Outcome, Failure>, ExecutionError> {
        let answer = thread::scope(|scope| {
            let (line, asks) = HostChannel::new();
            let guest = thread::Builder::new()
                .name("hook".into())
                .stack_size(2 * MAX_WASM_STACK)
                .spawn_scoped(scope, || {
                    self.0.prepared.call_with_channel(Some((line, limit)), |runner, store| {
                        runner.opkg_plugin_hook().call_run(store, call)
                    })
                })
                .map_err(|error| ExecutionErrorKind::NotStarted(error.to_string()))?;
            for ask in asks {
                ask(capabilities);
            }
            guest.join().unwrap_or(Err(ExecutionErrorKind::Panicked(None).into()))
        })?;
        Ok(answer.map_err(|failure| Failure {
            message: one_line(truncate(&failure.message, MAX_MESSAGE_BYTES)),
            ..failure
        }))
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Runner").field(&self.0.description.name_and_version()).finish()
    }
}

impl wit::config_values::Host for HostState {
    fn get(&mut self, name: String) -> Result<Vec<String>> {
        let values = self.call_host(|it| it.form_values())?;
        Ok(values.into_iter().find(|(known, _)| *known == name).map(|(_, values)| values).unwrap_or_default())
    }

    fn all(&mut self) -> Result<Vec<(String, Vec<String>)>> {
        self.call_host(|it| it.form_values())
    }
}

impl wit::cluster::Host for HostState {
    fn nodes(&mut self) -> Result<Vec<String>> {
        self.call_host(|it| it.client_names())
    }

    fn images(&mut self) -> Result<Vec<String>> {
        self.call_host(|it| it.image_names())
    }

    fn self_(&mut self) -> Result<wit::cluster::Target> {
        self.call_host(|it| it.target())
    }
}

impl wit::files::Host for HostState {
    fn read(&mut self, root: wit::files::Root, path: String) -> Result<Result<Vec<u8>, wit::files::Problem>> {
        self.call_host(move |it| it.read_file(root, &path))
    }

    fn write(
        &mut self,
        root: wit::files::Root,
        path: String,
        contents: Vec<u8>,
        mode: u32,
    ) -> Result<Result<(), wit::files::Problem>> {
        self.call_host(move |it| it.write_file(root, &path, &contents, mode))
    }

    fn remove(&mut self, root: wit::files::Root, path: String) -> Result<Result<(), wit::files::Problem>> {
        self.call_host(move |it| it.remove_file(root, &path))
    }

    fn entries(
        &mut self,
        root: wit::files::Root,
        path: String,
    ) -> Result<Result<Vec<String>, wit::files::Problem>> {
        self.call_host(move |it| it.list_directory(root, &path))
    }
}

impl wit::process::Host for HostState {
    fn run(
        &mut self,
        request: wit::process::Request,
    ) -> Result<Result<wit::process::Ended, wit::process::Refusal>> {
        self.call_host_untimed(move |it| it.run_program(&request))
    }
}

impl wit::parts::Host for HostState {
    fn begin(&mut self, name: String, description: String) -> Result<()> {
        self.call_host(move |it| it.begin_part(&name, &description))
    }

    fn end(&mut self, verdict: wit::parts::Verdict) -> Result<()> {
        self.call_host(move |it| it.end_part(&verdict))
    }
}
