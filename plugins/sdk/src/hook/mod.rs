//! Hooks as components, and runners of hooks.
//!
//! A hook is a function, exported with one line; it asks its host for everything that it needs:
//!
//! ```text
//! use opkg_sdk::hook::{Call, HookError, cluster, config, files::IMAGE};
//!
//! fn run(_: &Call) -> Result<(), HookError> {
//!     let port = config::value("port").unwrap_or("4000".into());
//!     let nodes = cluster::nodes().join("\n");
//!     IMAGE.write("etc/demo.conf", format!("port {port}\n{nodes}\n"))?;
//!     Ok(())
//! }
//!
//! opkg_sdk::hook!(run);
//! ```
//!
//! A runner is a type that implements [`HookRunner`], exported with `export_hook_runner!`.

pub mod cluster;
pub mod config;
pub mod files;
pub mod process;
pub mod steps;

use std::marker::PhantomData;

use crate::bindings::runner::exports::opkg::plugin::hook::Guest;
pub use crate::bindings::runner::exports::opkg::plugin::hook::{
    Call, HookFailure, Outcome, Pattern, RunnerInfo,
};
use crate::log::install_panic_hook;

/// Whatever a hook fails by.
pub type HookError = Box<dyn std::error::Error>;

/// Runs hooks of some kind.
pub trait HookRunner {
    /// What the runner takes.
    fn describe() -> RunnerInfo;

    /// Runs one hook.
    ///
    /// # Errors
    /// Says why it failed; see [`HookFailure`].
    fn run(call: &Call) -> Result<Outcome, HookFailure>;
}

/// A runner in the shape that the generated bindings want.
pub struct HookRunnerExport<R>(PhantomData<R>);

impl<R: HookRunner> Guest for HookRunnerExport<R> {
    fn describe() -> RunnerInfo {
        install_panic_hook();
        R::describe()
    }

    fn run(call: Call) -> Result<Outcome, HookFailure> {
        install_panic_hook();
        R::run(&call)
    }
}

/// A failure that is nobody's exit status.
#[must_use]
pub fn to_failure(message: impl std::fmt::Display) -> HookFailure {
    HookFailure { message: format!("failed: {message}"), exit_code: None, signal: None, timed_out: false }
}

/// What a hook's result is for the host.
///
/// # Errors
/// Those of the hook.
pub fn to_outcome(result: Result<(), HookError>) -> Result<Outcome, HookFailure> {
    match result {
        Ok(()) => Ok(Outcome::Done),
        Err(error) => Err(to_failure(error)),
    }
}

/// Makes a type that implements [`HookRunner`] the plugin that its crate builds.
///
/// Exports nothing in a native build, where several plugins may be linked into one test.
#[macro_export]
macro_rules! export_hook_runner {
    ($runner:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, missing_docs)] // the calling convention of components passes raw pointers
        mod component {
            use super::*;
            type Component = $crate::hook::HookRunnerExport<$runner>;
            $crate::bindings::runner::__export_hook_runner!(Component with_types_in $crate::bindings::runner);
        }
    };
}

/// Makes a function the hook that its crate builds. It has the type `fn(&Call) -> Result<(), HookError>`; the name and
/// version of the hook are those of the crate.
#[macro_export]
macro_rules! hook {
    ($run:path) => {
        /// The hook that this crate is.
        pub struct Hook;

        impl $crate::hook::HookRunner for Hook {
            fn describe() -> $crate::hook::RunnerInfo {
                $crate::hook::RunnerInfo {
                    name: env!("CARGO_PKG_NAME").to_owned(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    takes: Vec::new(),
                }
            }

            fn run(call: &$crate::hook::Call) -> Result<$crate::hook::Outcome, $crate::hook::HookFailure> {
                $crate::hook::to_outcome($run(call))
            }
        }

        $crate::export_hook_runner!(Hook);
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_wrong_is_the_end_of_a_sentence() {
        assert_eq!(to_outcome(Ok(())), Ok(Outcome::Done));
        let failed = to_outcome(Err("there is no node".into()));
        assert_eq!(failed, Err(to_failure("there is no node")));
        assert_eq!(failed.map_err(|failure| failure.message), Err("failed: there is no node".to_owned()));
    }
}
