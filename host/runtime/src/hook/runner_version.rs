//! What is the same of all versions of the interface of hooks, but for the types of its bindings.

/// A version of the interface: its world, and what its components may ask of the host. Where it is expanded, the module `convert` has
/// functions from and to the host's own records.
macro_rules! runner_version {
    ($version:ident) => {
        use wasmtime::component::{HasSelf, InstancePre, Linker};
        use wasmtime::{Result, Store};

        use crate::bindings::$version::hook_runner::opkg::plugin as wit;
        use crate::bindings::$version::hook_runner::{HookRunner, HookRunnerPre};
        use crate::hook::RunnerDescription;
        use crate::host::HostState;
        use crate::plugin_description::PluginDescription;
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
                Ok(RunnerDescription::from_wit(convert::runner_info(raw)))
            }

            fn from_description(identity: PluginDescription) -> Option<RunnerDescription> {
                match identity {
                    PluginDescription::HookRunner(description) => Some(description),
                    PluginDescription::Distribution(_) => None,
                }
            }
        }

        impl wit::config_values::Host for HostState {
            fn get(&mut self, name: String) -> Result<Vec<String>> {
                let values = self.call_host(|it| it.form_values())?;
                Ok(values
                    .into_iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, values)| values)
                    .unwrap_or_default())
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
                Ok(convert::target(self.call_host(|it| it.target())?))
            }
        }

        impl wit::files::Host for HostState {
            fn read(
                &mut self,
                root: wit::files::Root,
                path: String,
            ) -> Result<Result<Vec<u8>, wit::files::Problem>> {
                let root = convert::root(root);
                Ok(self.call_host(move |it| it.read_file(root, &path))?.map_err(convert::problem))
            }

            fn write(
                &mut self,
                root: wit::files::Root,
                path: String,
                contents: Vec<u8>,
                mode: u32,
            ) -> Result<Result<(), wit::files::Problem>> {
                let root = convert::root(root);
                Ok(self
                    .call_host(move |it| it.write_file(root, &path, &contents, mode))?
                    .map_err(convert::problem))
            }

            fn remove(
                &mut self,
                root: wit::files::Root,
                path: String,
            ) -> Result<Result<(), wit::files::Problem>> {
                let root = convert::root(root);
                Ok(self.call_host(move |it| it.remove_file(root, &path))?.map_err(convert::problem))
            }

            fn entries(
                &mut self,
                root: wit::files::Root,
                path: String,
            ) -> Result<Result<Vec<String>, wit::files::Problem>> {
                let root = convert::root(root);
                Ok(self.call_host(move |it| it.list_directory(root, &path))?.map_err(convert::problem))
            }
        }

        impl wit::process::Host for HostState {
            fn run(
                &mut self,
                request: wit::process::Request,
            ) -> Result<Result<wit::process::Ended, wit::process::Refusal>> {
                let request = convert::request(request);
                let answer = self.call_host_untimed(move |it| it.run_program(&request))?;
                Ok(answer.map(convert::ended).map_err(convert::refusal))
            }
        }

        impl wit::parts::Host for HostState {
            fn begin(&mut self, name: String, description: String) -> Result<()> {
                self.call_host(move |it| it.begin_part(&name, &description))
            }

            fn end(&mut self, verdict: wit::parts::Verdict) -> Result<()> {
                let verdict = convert::verdict(verdict);
                self.call_host(move |it| it.end_part(&verdict))
            }
        }
    };
}
