//! What goes wrong with plugins, in words for their users: what, where, and what to do next.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use opkg::diagnostic::Diagnostic;

use crate::address_space;
use crate::execution_error::{ALTERED_HELP, ExecutionError};
use crate::plugin_kind::PluginKind;
use crate::plugin_policy::Revocation;
use crate::version::{INTERFACE_VERSION, SERVED_VERSIONS};

/// Why a plugin cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the plugin {plugin} {kind}")]
pub struct LoadError {
    /// Path of its file, or its id where it is part of the program.
    pub plugin: String,
    /// What is wrong with it.
    pub kind: LoadErrorKind,
}

impl LoadError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        self.kind.help()
    }

    /// Lines to be shown below it.
    #[must_use]
    pub fn details(&self) -> Vec<String> {
        match &self.kind {
            LoadErrorKind::Execution(error) => error.details(),
            _ => Vec::new(),
        }
    }
}

/// What is wrong with a plugin's file. Reads as the end of a sentence that the plugin begins.
#[derive(Debug, thiserror::Error)]
pub enum LoadErrorKind {
    /// Its file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// It is a directory, a pipe or a device.
    #[error("is not a regular file")]
    NotAFile,
    /// What stands in its place is a directory with more plugins than are looked at.
    #[error("is a directory of more than {limit} files that end in `.wasm`; the others are not looked at")]
    TooManyPlugins {
        /// How many are.
        limit: usize,
    },
    /// Its file is larger than is compiled.
    #[error("is larger than {} MiB", .limit >> 20)]
    TooLarge {
        /// In bytes.
        limit: u64,
    },
    /// It does not begin as WebAssembly does.
    #[error("is not a WebAssembly file")]
    NotWasm,
    /// Half of the way to a component.
    #[error("is a core module of WebAssembly, not a component")]
    CoreModule,
    /// A component for another purpose.
    #[error("is a WebAssembly component, but neither a distribution plugin nor a hook: it exports {}", join_names(.exports))]
    NotAPlugin {
        /// Names of what it exports instead.
        exports: Vec<String>,
    },
    /// Half of a plugin.
    #[error("exports {found}, but not {missing}, which belongs to the same world")]
    MissingExport {
        /// An interface that it exports.
        found: &'static str,
        /// One that it does not.
        missing: &'static str,
    },
    /// A plugin for another purpose.
    #[error("is a {}, where a {} is meant", kind_name(*.found), kind_name(*.wanted))]
    WrongKind {
        /// What it is made for.
        found: PluginKind,
        /// What it should be made for.
        wanted: PluginKind,
    },
    /// Made for another host.
    #[error("was made for version {} of the plugin interface, this program takes {}", .found.join(" and "), SERVED_VERSIONS)]
    UnsupportedVersion {
        /// The versions that its exports name.
        found: Vec<String>,
        /// Whether the plugin is the newer side.
        newer: bool,
    },
    /// The engine does not take it.
    #[error("is not a valid WebAssembly component: {0}")]
    Invalid(String),
    /// The engine was still at it when its time was over.
    #[error("takes longer than {} s to be compiled", .0.as_secs_f64())]
    CompileTimeout(Duration),
    /// The engine would have needed more memory.
    #[error("takes more than {} MiB of memory to be compiled", .0 >> 20)]
    CompileMemory(u64),
    /// The process may not have the address space that compiling takes.
    #[error("takes more than the {} MiB of virtual memory that are allowed here to be compiled", .0 >> 20)]
    AddressSpace(u64),
    /// The interface that it was built with has the name of this program's, and is another one.
    #[error("was not built with the plugin interface, but with an altered copy of it: {0}")]
    AlteredInterface(String),
    /// It takes no files: it is a hook, for one package, and no runner.
    #[error("is a hook itself: it takes no files of packages, as a hook runner does")]
    TakesNothing,
    /// It wants something from its host that no plugin gets.
    #[error("does not fit this program: {0}")]
    Incompatible(String),
    /// Its file is not what was installed.
    #[error("changed since it was installed (sha256 was {recorded}, is {found})")]
    ChecksumMismatch {
        /// Noted when it was installed.
        recorded: String,
        /// Of the file as it is now.
        found: String,
    },
    /// Its file was read twice, and was not the same.
    #[error("changed since it was found")]
    ChangedWhileReading,
    /// It lies among the installed plugins, but nobody installed it.
    #[error("was not installed by this program: there is no record of its checksum")]
    NoInstallRecord,
    /// No plugin has this id.
    #[error("is not there")]
    NotFound,
    /// There is no directory for a user's own plugins.
    #[error("has no place: neither XDG_DATA_HOME nor HOME is set")]
    NoDataDir,
    /// It cannot be installed or removed.
    #[error("cannot be written to {}: {error}", .path.display())]
    Unwritable {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The record beside an installed plugin cannot be used.
    #[error("has a damaged record {}: {reason}", .path.display())]
    InvalidRecord {
        /// The record's file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Somebody said that it is not to be used any more.
    #[error("is revoked: {0}")]
    Revoked(Revocation),
    /// Nobody vouches for it, and somebody should.
    #[error("is not signed, as the policy here wants every plugin to be")]
    NotSigned,
    /// Somebody vouches for it who is not known, and somebody should who is.
    #[error(
        "is signed by a key that is not known here, where the policy wants every plugin to be signed by a known one"
    )]
    UnknownKey,
    /// Its signature does not hold.
    #[error("cannot be trusted: {0}")]
    BadSignature(String),
    /// Nobody vouches for it any more.
    #[error("is not signed, and what is installed in its place is, by the key `{key}`")]
    SignatureLost {
        /// That of what is installed.
        key: String,
    },
    /// It is another plugin than the one that it should follow.
    #[error("calls itself `{found}`, and `{expected}` is installed from there")]
    OtherPlugin {
        /// The id of what is installed.
        expected: String,
        /// Its own.
        found: String,
    },
    /// A newer one is installed.
    #[error("is version {offered} of {id}, older than the {installed} that is installed")]
    Downgrade {
        /// Its id.
        id: String,
        /// What comes.
        offered: String,
        /// What is there.
        installed: String,
    },
    /// What may be used cannot be found out.
    #[error("is not used: {0}")]
    PolicyUnusable(String),
    /// What is installed cannot be found out.
    #[error("is not used: {0}")]
    LockUnusable(String),
    /// It failed when asked what it is.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// The engine itself cannot start, on a machine with too little address space, say.
    #[error("cannot be run here: {0}")]
    Engine(String),
}

impl LoadErrorKind {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::ChangedWhileReading => "something is writing to it; try again",
            Self::Unreadable(_) => "check its path and permissions",
            Self::NotAFile => "name the file of a component",
            Self::TooManyPlugins { .. } => "keep plugins in a directory of their own",
            Self::NotFound => "`opkgc plugin list` shows what there is",
            Self::NoDataDir => "set one of them",
            Self::Unwritable { .. } => "check the permissions and free space of that directory",
            Self::TooLarge { .. } => "strip it of debug information, or build it for size",
            Self::NotWasm => "`opkgc plugin build DIR` makes a component of a crate",
            Self::CoreModule => {
                "it is half of the way: `opkgc plugin build DIR` makes a component of a crate, and so do the tools of other \
                 languages of what they compile (`wasm-tools component new`)"
            }
            Self::NotAPlugin { .. } | Self::MissingExport { .. } => {
                return Some(format!(
                    "a distribution plugin implements the world `distribution` of opkg:plugin@{INTERFACE_VERSION}, a hook \
                     the world `hook-runner`"
                ));
            }
            Self::WrongKind { wanted: PluginKind::HookRunner, .. } => {
                "plugins of distributions belong to `opkgc --plugin`; `opkgc hook build DIR` makes a hook of a crate"
            }
            Self::WrongKind { wanted: PluginKind::Distribution, .. } => {
                "a hook belongs into `scripts/` of its OPKG, and `opkgc hook run` tries it; a runner of hooks is installed, and `opkgc hook run --program` tries it"
            }
            Self::TakesNothing => "put it into `scripts/` of its OPKG; `opkgc hook run` tries it",
            Self::AlteredInterface(_) => ALTERED_HELP,
            Self::UnsupportedVersion { newer: true, .. } => {
                "use a newer release of this program, or an older one of the plugin"
            }
            Self::UnsupportedVersion { newer: false, .. } => {
                "build the plugin with a newer SDK, or get a newer release of it"
            }
            Self::Invalid(_) => "build it again; the file may be damaged",
            Self::CompileTimeout(_) | Self::CompileMemory(_) => {
                "no plugin should take that much: ask its author, or build it for size"
            }
            Self::AddressSpace(_) => {
                "raise the limit (`ulimit -v`), or use the plugin once where there is none: what is compiled is kept, and \
                 takes far less to be run"
            }
            Self::Incompatible(_) => {
                "a plugin may use the interface's own imports and WASI 0.2; build it with the SDK for this program"
            }
            Self::ChecksumMismatch { .. } | Self::NoInstallRecord | Self::InvalidRecord { .. } => {
                "if that is meant, run `opkgc plugin install` with the file again; if not, delete it"
            }
            Self::Revoked(_) => {
                "do not use it: remove it, or get a version that is not revoked (`opkgc plugin update`); the list is `revoked` in \
                 /etc/opkg/plugins.toml and ~/.config/opkg/plugins.toml"
            }
            Self::NotSigned => {
                "get it from where it is signed, or name its signature with --signature; `signatures = \"required\"` is in \
                 /etc/opkg/plugins.toml or ~/.config/opkg/plugins.toml"
            }
            Self::UnknownKey => {
                "get the key from its author, by a way that you trust, and name it below `[keys]` in \
                 ~/.config/opkg/plugins.toml"
            }
            Self::BadSignature(_) => "do not use it before you know why: ask whoever publishes it",
            Self::SignatureLost { .. } => {
                "ask whoever publishes it; if that is meant, `opkgc plugin remove` the one that is installed first"
            }
            Self::OtherPlugin { .. } => {
                "ask whoever publishes it; if that is meant, `opkgc plugin install` takes it as another plugin"
            }
            Self::Downgrade { .. } => {
                "older versions may have mistakes that are known by now; if that is meant, use --allow-downgrade"
            }
            Self::PolicyUnusable(_) => {
                "correct the file: as long as nobody knows what it forbids, only plugins that are built in are used"
            }
            Self::LockUnusable(_) => {
                "remove that file, and install the plugins beside it again (`opkgc plugin list` names them)"
            }
            Self::Execution(fault) => return fault.help(),
            Self::Engine(_) => return Some(address_space::help()),
        };
        Some(help.to_owned())
    }
}

/// A plugin that failed in the middle of a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the plugin {plugin} {error}")]
pub struct CallError {
    /// Id and version.
    pub plugin: String,
    /// What happened.
    pub error: ExecutionError,
}

impl CallError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        self.error.help()
    }

    /// Lines to be shown below it.
    #[must_use]
    pub fn details(&self) -> Vec<String> {
        self.error.details()
    }
}

/// Why there is no output for a target.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The target cannot be. Says which ones there are.
    #[error("{0}")]
    UnknownTarget(String),
    /// The OPKG's own filters exclude the target: not a failure.
    #[error("{}", .0.message)]
    TargetExcluded(Diagnostic),
    /// It should be possible, but is not. At least one of these is an error.
    #[error("the OPKG cannot be expressed for this target")]
    Diagnostics(Vec<Diagnostic>),
    /// The plugin's own failure.
    #[error(transparent)]
    Broken(#[from] CallError),
}

/// Why a package manager cannot be driven.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandsError {
    /// The plugin refused, and says why.
    #[error("{0}")]
    Refused(String),
    /// It wants to have something run, and nobody has said that it may.
    #[error("the plugin {plugin} may not run `{program}`: `opkgc plugin grant {id} {program}` allows it")]
    NotGranted {
        /// Id and version.
        plugin: String,
        /// Its id.
        id: String,
        /// The program, one of those that it says it uses.
        program: String,
    },
    /// The plugin's own failure.
    #[error(transparent)]
    Broken(#[from] CallError),
}

fn kind_name(role: PluginKind) -> &'static str {
    match role {
        PluginKind::Distribution => "distribution plugin",
        PluginKind::HookRunner => "hook",
    }
}

fn join_names(names: &[String]) -> String {
    const MAX_NAMES: usize = 5;
    match names {
        [] => "nothing".to_owned(),
        names if names.len() > MAX_NAMES => {
            format!("{} and {} more", names[..MAX_NAMES].join(", "), names.len() - MAX_NAMES)
        }
        names => names.join(", "),
    }
}
