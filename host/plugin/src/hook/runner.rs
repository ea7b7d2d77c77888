//! A hook runner, ready to be called.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{Call, Capabilities, Failure, Line, Outcome, RunnerDescription};
use crate::bindings::runner::opkg::plugin as wit;
use crate::bindings::runner::{HookRunner, HookRunnerPre};
use crate::engine::STACK;
use crate::error::{CallError, Fault};
use crate::host::Host;
use crate::identity::Identity;
use crate::runtime::Prepared;
use crate::text::{cut, one_line};
use crate::world::World;
use wasmtime::component::{HasSelf, InstancePre, Linker};
use wasmtime::{Result, Store};

/// Bytes of a failure's message that are kept.
const LONGEST: usize = 1000;

impl World for HookRunnerPre<Host> {
    type Instance = HookRunner;
    type Description = RunnerDescription;

    fn link(linker: &mut Linker<Host>) -> Result<()> {
        HookRunner::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)
    }

    fn new(pre: InstancePre<Host>) -> Result<Self> {
        Self::new(pre)
    }

    fn instantiate(&self, store: &mut Store<Host>) -> Result<HookRunner> {
        self.instantiate(store)
    }

    fn describe(instance: &HookRunner, store: &mut Store<Host>) -> Result<Result<RunnerDescription, String>> {
        instance.opkg_plugin_hook().call_describe(store).map(RunnerDescription::check)
    }

    fn of(identity: Identity) -> Option<RunnerDescription> {
        match identity {
            Identity::HookRunner(description) => Some(description),
            Identity::Distribution(_) => None,
        }
    }
}

/// A hook runner, or a hook that is a component. Cheap to clone: each call has a fresh instance of the component.
#[derive(Clone)]
pub struct Runner(Arc<Inner>);

struct Inner {
    prepared: Prepared<HookRunnerPre<Host>>,
    description: RunnerDescription,
}

impl Runner {
    pub(crate) fn new(prepared: Prepared<HookRunnerPre<Host>>, description: RunnerDescription) -> Self {
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
        described.map_err(|fault| CallError { plugin: self.0.description.title(), fault })
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
        capabilities: &mut dyn Capabilities,
    ) -> Result<Result<Outcome, Failure>, Fault> {
        let answer = thread::scope(|scope| {
            let (line, asks) = Line::new();
            let guest = thread::Builder::new()
                .name("hook".into())
                .stack_size(2 * STACK)
                .spawn_scoped(scope, || {
                    self.0.prepared.call_with(Some((line, limit)), |runner, store| {
                        runner.opkg_plugin_hook().call_run(store, call)
                    })
                })
                .map_err(|error| Fault::NotStarted(error.to_string()))?;
            for ask in asks {
                ask(capabilities);
            }
            guest.join().unwrap_or(Err(Fault::Panicked(None)))
        })?;
        Ok(answer.map_err(|failure| Failure { message: one_line(cut(&failure.message, LONGEST)), ..failure }))
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Runner").field(&self.0.description.title()).finish()
    }
}

impl wit::config_values::Host for Host {
    fn get(&mut self, name: String) -> Result<Vec<String>> {
        let values = self.ask(|it| it.values())?;
        Ok(values.into_iter().find(|(known, _)| *known == name).map(|(_, values)| values).unwrap_or_default())
    }

    fn all(&mut self) -> Result<Vec<(String, Vec<String>)>> {
        self.ask(|it| it.values())
    }
}

impl wit::cluster::Host for Host {
    fn nodes(&mut self) -> Result<Vec<String>> {
        self.ask(|it| it.nodes())
    }

    fn images(&mut self) -> Result<Vec<String>> {
        self.ask(|it| it.images())
    }

    fn self_(&mut self) -> Result<wit::cluster::Target> {
        self.ask(|it| it.target())
    }
}

impl wit::files::Host for Host {
    fn read(&mut self, root: wit::files::Root, path: String) -> Result<Result<Vec<u8>, wit::files::Problem>> {
        self.ask(move |it| it.read(root, &path))
    }

    fn write(
        &mut self,
        root: wit::files::Root,
        path: String,
        contents: Vec<u8>,
        mode: u32,
    ) -> Result<Result<(), wit::files::Problem>> {
        self.ask(move |it| it.write(root, &path, &contents, mode))
    }

    fn remove(&mut self, root: wit::files::Root, path: String) -> Result<Result<(), wit::files::Problem>> {
        self.ask(move |it| it.remove(root, &path))
    }

    fn entries(
        &mut self,
        root: wit::files::Root,
        path: String,
    ) -> Result<Result<Vec<String>, wit::files::Problem>> {
        self.ask(move |it| it.entries(root, &path))
    }
}

impl wit::process::Host for Host {
    fn run(
        &mut self,
        request: wit::process::Request,
    ) -> Result<Result<wit::process::Ended, wit::process::Refusal>> {
        self.away(move |it| it.run(&request))
    }
}

impl wit::parts::Host for Host {
    fn begin(&mut self, name: String, description: String) -> Result<()> {
        self.ask(move |it| it.begin(&name, &description))
    }

    fn end(&mut self, verdict: wit::parts::Verdict) -> Result<()> {
        self.ask(move |it| it.end(&verdict))
    }
}
