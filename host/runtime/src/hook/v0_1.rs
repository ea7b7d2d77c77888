//! Runners and hooks of version 0.1.0 of the interface.

use std::time::Duration;

use wasmtime::component::{HasSelf, InstancePre, Linker};
use wasmtime::{Result, Store};

use super::runner::RunnerCalls;
use super::{
    Call, Failure, FileError, HostChannel, Outcome, Output, PartOutcome, Program, ProgramResult, Request,
    Root, RunnerDescription, SpawnError, Target, TargetKind, Text,
};
use crate::bindings::v0_1::hook_runner::exports::opkg::plugin::hook;
use crate::bindings::v0_1::hook_runner::opkg::plugin as wit;
use crate::bindings::v0_1::hook_runner::{HookRunner, HookRunnerPre};
use crate::bindings::v1::hook_runner::exports::opkg::plugin::hook as new_hook;
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
        let raw = instance.opkg_plugin_hook().call_describe(store)?;
        Ok(RunnerDescription::from_wit(new_info(raw)))
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
        let call = old_call(call);
        let answer = self.call_with_channel(host, limit, |runner, store| {
            runner.opkg_plugin_hook().call_run(store, &call)
        })?;
        Ok(match answer {
            Ok(hook::Outcome::Done) => Ok(Outcome::Done),
            Ok(hook::Outcome::NothingToDo) => Ok(Outcome::NothingToDo),
            Err(it) => Err(Failure {
                message: it.message,
                exit_code: it.exit_code,
                signal: it.signal,
                timed_out: it.timed_out,
            }),
        })
    }
}

fn new_info(raw: hook::Description) -> new_hook::RunnerInfo {
    let pattern = |it: hook::Pattern| match it {
        hook::Pattern::StartsWith(bytes) => new_hook::Pattern::StartsWith(bytes),
        hook::Pattern::EndsWith(end) => new_hook::Pattern::EndsWith(end),
    };
    let takes = raw.takes.into_iter().map(pattern).collect();
    new_hook::RunnerInfo { name: raw.name, version: raw.version, takes }
}

fn old_call(call: &Call) -> hook::Call {
    hook::Call {
        opkg: call.opkg.clone(),
        version: call.version.clone(),
        name: call.name.clone(),
        stage: call.stage.clone(),
        run: call.run.clone(),
        target: old_target(call.target.clone()),
        image: call.image.clone(),
        home: call.home.clone(),
        candidates: call.candidates.clone(),
        arguments: call.arguments.clone(),
        time_limit: call.timeout,
    }
}

fn old_target(target: Target) -> wit::cluster::Target {
    let kind = match target.kind {
        TargetKind::Server => wit::cluster::TargetKind::Server,
        TargetKind::Image => wit::cluster::TargetKind::Image,
        TargetKind::Client => wit::cluster::TargetKind::Client,
    };
    wit::cluster::Target { kind, name: target.name }
}

fn new_root(root: wit::files::Root) -> Root {
    match root {
        wit::files::Root::Home => Root::Home,
        wit::files::Root::Image => Root::Image,
    }
}

fn old_problem(problem: FileError) -> wit::files::Problem {
    match problem {
        FileError::NotGranted => wit::files::Problem::NotGranted,
        FileError::NotFound => wit::files::Problem::NotFound,
        FileError::Escapes => wit::files::Problem::Escapes,
        FileError::TooLarge => wit::files::Problem::TooLarge,
        FileError::Denied(why) => wit::files::Problem::Denied(why),
        FileError::Other(what) => wit::files::Problem::Other(what),
    }
}

fn new_request(request: wit::process::Request) -> Request {
    Request {
        program: match request.program {
            wit::process::Program::File(path) => Program::File(path),
            wit::process::Program::Text(text) => {
                Program::Text(Text { interpreter: text.interpreter, contents: text.contents })
            }
        },
        arguments: request.arguments,
        environment: request.environment,
        directory: request.directory,
        user: request.user,
        output: match request.output {
            wit::process::Output::Logged => Output::Logged,
            wit::process::Output::Captured => Output::Captured,
        },
        in_image: request.in_image,
    }
}

fn old_result(result: ProgramResult) -> wit::process::Ended {
    wit::process::Ended {
        how: result.how,
        exit_code: result.exit_code,
        signal: result.signal,
        timed_out: result.timed_out,
        last_lines: result.last_lines,
        stdout: result.stdout,
        stderr: result.stderr,
        cut: result.cut,
    }
}

fn old_refusal(refusal: SpawnError) -> wit::process::Refusal {
    match refusal {
        SpawnError::NotGranted(what) => wit::process::Refusal::NotGranted(what),
        SpawnError::NotStarted(why) => wit::process::Refusal::NotStarted(why),
    }
}

fn new_verdict(verdict: wit::parts::Verdict) -> PartOutcome {
    match verdict {
        wit::parts::Verdict::Passed => PartOutcome::Passed,
        wit::parts::Verdict::Failed(why) => PartOutcome::Failed(why),
        wit::parts::Verdict::Tolerated(why) => PartOutcome::Tolerated(why),
        wit::parts::Verdict::Skipped(why) => PartOutcome::Skipped(why),
        wit::parts::Verdict::Broken(why) => PartOutcome::Broken(why),
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
        Ok(old_target(self.call_host(|it| it.target())?))
    }
}

impl wit::files::Host for HostState {
    fn read(&mut self, root: wit::files::Root, path: String) -> Result<Result<Vec<u8>, wit::files::Problem>> {
        let root = new_root(root);
        Ok(self.call_host(move |it| it.read_file(root, &path))?.map_err(old_problem))
    }

    fn write(
        &mut self,
        root: wit::files::Root,
        path: String,
        contents: Vec<u8>,
        mode: u32,
    ) -> Result<Result<(), wit::files::Problem>> {
        let root = new_root(root);
        Ok(self.call_host(move |it| it.write_file(root, &path, &contents, mode))?.map_err(old_problem))
    }

    fn remove(&mut self, root: wit::files::Root, path: String) -> Result<Result<(), wit::files::Problem>> {
        let root = new_root(root);
        Ok(self.call_host(move |it| it.remove_file(root, &path))?.map_err(old_problem))
    }

    fn entries(
        &mut self,
        root: wit::files::Root,
        path: String,
    ) -> Result<Result<Vec<String>, wit::files::Problem>> {
        let root = new_root(root);
        Ok(self.call_host(move |it| it.list_directory(root, &path))?.map_err(old_problem))
    }
}

impl wit::process::Host for HostState {
    fn run(
        &mut self,
        request: wit::process::Request,
    ) -> Result<Result<wit::process::Ended, wit::process::Refusal>> {
        let request = new_request(request);
        let answer = self.call_host_untimed(move |it| it.run_program(&request))?;
        Ok(answer.map(old_result).map_err(old_refusal))
    }
}

impl wit::parts::Host for HostState {
    fn begin(&mut self, name: String, description: String) -> Result<()> {
        self.call_host(move |it| it.begin_part(&name, &description))
    }

    fn end(&mut self, verdict: wit::parts::Verdict) -> Result<()> {
        let verdict = new_verdict(verdict);
        self.call_host(move |it| it.end_part(&verdict))
    }
}
