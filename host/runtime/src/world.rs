//! The worlds of `wit/`, as far as they are all dealt with in the same way.

use wasmtime::component::{InstancePre, Linker};
use wasmtime::{Result, Store};

use crate::host::HostState;
use crate::plugin_description::PluginDescription;
use crate::validate_words::ValidationError;

/// A component of one of the worlds, linked and ready to be started.
pub(crate) trait World: Clone + Send + Sync + 'static {
    /// An instance of the component, which one call uses.
    type Instance;
    /// What it says of itself.
    type Description: Clone;

    /// Defines what the world may import.
    fn link(linker: &mut Linker<HostState>) -> Result<()>;

    /// Prepares a component whose imports are linked.
    fn new(pre: InstancePre<HostState>) -> Result<Self>;

    /// Makes a fresh instance in `store`.
    fn instantiate(&self, store: &mut Store<HostState>) -> Result<Self::Instance>;

    /// Asks it what it is; the inner error is for an answer that breaks the rules.
    fn describe(
        instance: &Self::Instance,
        store: &mut Store<HostState>,
    ) -> Result<Result<Self::Description, ValidationError>>;

    /// The description of a component of this world; nothing where it is one of another.
    fn from_description(identity: PluginDescription) -> Option<Self::Description>;
}
