//! The effects of an engine on the real system.
//!
//! | module | holds |
//! |---|---|
//! | `system` | the real system: its configuration, its plugins, its logs |
//! | `effects`, `test_backend` | what engine and test runner ask of it |
//! | `offers` | which OPKGs package sources have |
//! | `forms` | what packages ask for, and what was answered |
//! | `packages` | native packages and their package managers |
//! | `hooks` | hooks of packages, and what they may do |
//! | `launcher` | starting engines on nodes |
//! | `config` | what the administrator decides |
//! | `process` | programs, from their start to their end |
//! | `logs`, `step_log_paths` | what steps printed, read back; where it is |
//! | `roots` | the directories of targets |

mod config;
mod effects;
mod forms;
pub mod groups;
mod hooks;
mod launcher;
pub mod logs;
mod offers;
mod packages;
mod process;
mod roots;
mod step_log_paths;
mod system;
mod test_backend;

pub use config::{
    Config, ConfigError, EnvironmentError, Grant, GroupDefinitions, GroupFiles, GroupSettings, JobCount,
    JobCountError, JournalSettings, LaunchOn, LauncherSettings, Limits, PackageNameValue, ProgramPattern,
    ProgramPatternError, Repository, RunnerRule, SettingsError, SourcePath, TargetFilter, UntrustedError,
    VariableError, WebSettings, parse_age, parse_duration,
};
pub use forms::{FormFileError, FormLookup, answers, find_form, images_with_package, read_answer_file};
pub use hooks::{
    HomeError, HookComponent, OneOrMany, SimulatedCluster, SimulatedClusterError, TrialError, TrialResult,
};
pub use launcher::{LaunchReport, Launcher};
pub use offers::OffersError;
pub use process::{StopToken, is_run_alive, launch};
pub use roots::{RootError, root_id};
pub use system::{System, SystemOptions};
