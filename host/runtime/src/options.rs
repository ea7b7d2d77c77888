//! Where plugins are found and what they may take.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::limits::Limits;
use crate::log_message::LogSink;
use crate::strategy::Strategy;

/// The first argument of a program that is started as a compiler.
pub const COMPILE_COMMAND: &str = "compile-component";

/// The directory of compiled plugins that everybody uses.
pub const SYSTEM_CACHE: &str = "/var/cache/opkg/components";

/// Everything that decides which plugins there are, and how they run.
#[derive(Debug, Clone, Default)]
pub struct RuntimeOptions {
    /// Plugins that were named one by one; they come before all others.
    pub plugin_files: Vec<PathBuf>,
    /// Directories of further plugins, `$OPKG_PLUGIN_PATH`.
    pub search_path: Vec<PathBuf>,
    /// Where `opkgc plugin install` puts them.
    pub user_directory: Option<PathBuf>,
    /// Where packages of the distribution put them.
    pub system_directory: Option<PathBuf>,
    /// Which programs plugins that are not built in may have run: for everybody, and for the user.
    pub system_grants: Option<PathBuf>,
    /// See `system_grants`.
    pub user_grants: Option<PathBuf>,
    /// Whose plugins may be used: what the machine's administrator says, and the user.
    pub system_policy: Option<PathBuf>,
    /// See `system_policy`.
    pub user_policy: Option<PathBuf>,
    /// How this program is started so that it calls [`compile_component`](crate::compile_component); nothing compiles in
    /// this process, without limits.
    pub compiler: Option<Vec<OsString>>,
    /// The compiler of every plugin; none stands for the one that suits it, as [`Strategy`] says.
    pub strategy: Option<Strategy>,
    /// Whether those that are part of the program count.
    pub embedded: bool,
    /// Where root has put compiled plugins for everybody, with [`warm_system_cache`](crate::warm_system_cache).
    pub system_cache: Option<PathBuf>,
    /// Where compiled plugins are kept; nothing keeps none.
    pub cache: Option<PathBuf>,
    /// How many threads compile a plugin; none stands for [`parallelism`](crate::parallelism).
    pub threads: Option<usize>,
    /// The same for each plugin.
    pub limits: Limits,
    /// Gets what plugins log.
    pub log: LogSink,
}

impl RuntimeOptions {
    /// The same for a program that calls [`compile_component`](crate::compile_component) for its first argument
    /// [`COMPILE_COMMAND`].
    #[must_use]
    pub fn for_program() -> Self {
        // Whatever became of the program's file meanwhile.
        let compiler = Some(vec!["/proc/self/exe".into(), COMPILE_COMMAND.into()]);
        Self { compiler, ..Self::from_env() }
    }

    /// What the environment of this process says: `$OPKG_PLUGIN_PATH`, `$XDG_DATA_HOME`, `$XDG_CONFIG_HOME`,
    /// `$XDG_CACHE_HOME` and `$HOME`. A path that is not absolute counts as unset, as the XDG specification wants it.
    #[must_use]
    pub fn from_env() -> Self {
        let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = |variable: &str, default: &str| {
            absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(default)))
        };
        let search_path = env::var_os("OPKG_PLUGIN_PATH").unwrap_or_default();
        Self {
            plugin_files: Vec::new(),
            search_path: env::split_paths(&search_path).filter(|path| !path.as_os_str().is_empty()).collect(),
            user_directory: base("XDG_DATA_HOME", ".local/share").map(|path| path.join("opkg/plugins")),
            system_directory: Some("/usr/lib/opkg/plugins".into()),
            system_grants: Some("/etc/opkg/plugin-grants.json".into()),
            user_grants: base("XDG_DATA_HOME", ".local/share")
                .map(|path| path.join("opkg/plugin-grants.json")),
            system_policy: Some("/etc/opkg/plugins.toml".into()),
            user_policy: base("XDG_CONFIG_HOME", ".config").map(|path| path.join("opkg/plugins.toml")),
            compiler: None,
            strategy: None,
            embedded: true,
            system_cache: Some(SYSTEM_CACHE.into()),
            cache: base("XDG_CACHE_HOME", ".cache").map(|path| path.join("opkg")),
            threads: None,
            limits: Limits::default(),
            log: LogSink::default(),
        }
    }

    /// The files of policy, the machine's first.
    pub fn policy_files(&self) -> impl Iterator<Item = &Path> {
        [&self.system_policy, &self.user_policy].into_iter().flatten().map(PathBuf::as_path)
    }
}
