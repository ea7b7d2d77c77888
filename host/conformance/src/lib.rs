//! The conformance suite for distribution plugins: OPKGs that use all of the format, compiled for the targets that a plugin
//! describes, and rules that hold for any distribution.
//!
//! [`run`] tries a [`PluginUnderTest`], which a loaded plugin is; [`rules`] are what it looks at, and [`render_page`] is
//! what people read of them. [`run_example`] is for what only the author of a plugin knows.

mod checks;
mod error;
mod examples;
mod filter;
mod ledger;
mod opkgs;
mod page;
mod plugin;
mod report;
mod rule;
mod scene;
mod slots;
mod suite;
mod targets;
mod version_order;

pub use checks::rules;
pub use error::SuiteError;
pub use examples::{Example, ExampleResult, FileDifference, find_examples, run_example};
pub use ledger::{Entry, Finding};
pub use page::render_page;
pub use plugin::{ManagerRequest, Outcome, OutputReader, PluginUnderTest};
pub use report::{Report, RuleReport, RuleStatus};
pub use rule::Rule;
pub use suite::{Options, run};
pub use targets::TargetChoice;
