//! Runners and hooks of version 1.x of the interface, whose records are the host's own.

use std::time::Duration;

use super::runner::RunnerCalls;
use super::{Call, Failure, HostChannel, Outcome, RunnerDescription};
use crate::bindings::v1::hook_runner::HookRunnerPre;
use crate::execution_error::ExecutionError;
use crate::host::HostState;
use crate::prepared_component::PreparedComponent;

/// What is asked, and answered.
mod functions {
    use super::convert;

    runner_version!(v1);
}

/// Nothing has to be converted.
mod convert {
    pub(super) use super::same as ended;
    pub(super) use super::same as problem;
    pub(super) use super::same as refusal;
    pub(super) use super::same as request;
    pub(super) use super::same as root;
    pub(super) use super::same as runner_info;
    pub(super) use super::same as target;
    pub(super) use super::same as verdict;
}

fn same<T>(it: T) -> T {
    it
}

impl RunnerCalls for PreparedComponent<HookRunnerPre<HostState>> {
    fn describe(&self) -> Result<RunnerDescription, ExecutionError> {
        self.describe()
    }

    fn run(
        &self,
        call: &Call,
        host: HostChannel,
        limit: Duration,
    ) -> Result<Result<Outcome, Failure>, ExecutionError> {
        self.call_with_channel(host, limit, |runner, store| runner.opkg_plugin_hook().call_run(store, call))
    }
}
