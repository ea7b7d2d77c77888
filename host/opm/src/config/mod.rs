//! What the administrator of a machine decides.

mod duration;
mod environment;
mod grants;
mod groups;
mod job_count;
mod journal;
mod launcher;
mod limits;
mod repository;
mod settings;
mod trust;
mod web;

pub use duration::{parse_age, parse_duration};
pub(crate) use environment::is_reserved;
pub use environment::{EnvironmentError, VariableError};
pub(crate) use grants::ExecPolicy;
pub use grants::{Grant, PackageNameValue, ProgramPattern, ProgramPatternError, RunnerRule};
pub use groups::{GroupDefinitions, GroupFiles, GroupSettings, SourcePath};
pub use job_count::{JobCount, JobCountError};
pub use journal::JournalSettings;
pub use launcher::{LaunchOn, LauncherSettings};
pub use limits::Limits;
pub use repository::{Repository, TargetFilter};
pub use settings::{Config, ConfigError, SettingsError};
pub use trust::UntrustedError;
pub(crate) use trust::check as check_trusted;
pub use web::WebSettings;
