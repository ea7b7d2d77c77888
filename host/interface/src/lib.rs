//! The records of the plugin interface in `wit/`, as the host's crates work with them: what a plugin answers to, what it
//! returns for a target, and how a distribution's package manager is driven.
//!
//! Nothing here knows how plugins are run: writers of packages and their tests build without the WebAssembly engine. What
//! each record means is said in `wit/`; `opkg-runtime` converts, and checks what a plugin returned before anybody else
//! sees it.

pub mod archive;
pub mod artefacts;
pub mod built;
mod description;
pub mod package_manager;
mod package_settings;
mod target;
pub mod text;

pub use description::{
    Alias, ArchName, DescriptionError, DistributionDescription, DistributionRelease, is_plugin_id,
    is_printable_word,
};
pub use package_settings::{Label, LabelError, PackageSettings, ReleaseTag, ReleaseTagError};
pub use target::{Target, TargetError};
