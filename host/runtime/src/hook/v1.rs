//! Runners and hooks of version 1.x of the interface, whose records are the host's own.

use std::time::Duration;

use wasmtime::component::{HasSelf, InstancePre, Linker};
use wasmtime::{Result, Store};

use super::runner::RunnerCalls;
use super::{Call, Failure, HostChannel, Outcome, RunnerDescription};
use crate::bindings::v1::hook_runner::opkg::plugin as wit;
use crate::bindings::v1::hook_runner::{HookRunner, HookRunnerPre};
use crate::execution_error::ExecutionError;
use crate::host::HostState;
use crate::plugin_description::PluginDescription;
use crate::runtime::PreparedComponent;
use crate::validate_words::ValidationError;
use crate::world::World;

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

impl RunnerCalls for PreparedComponent<HookRunnerPre<HostState>> {
    fn describe(&self) -> std::result::Result<RunnerDescription, ExecutionError> {
        self.describe()
    }

    fn run(
        &self,
        call: &Call,
        host: HostChannel,
        limit: Duration,
    ) -> std::result::Result<std::result::Result<Outcome, Failure>, ExecutionError> {
        self.call_with_channel(host, limit, |runner, store| runner.opkg_plugin_hook().call_run(store, call))
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
