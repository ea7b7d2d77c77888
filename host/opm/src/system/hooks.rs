//! Hooks of packages: which file serves one, and what it is run with.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use opkg_oda::{Address, Cluster, Kind, Package, PackageName, Stage};

use super::config::Config;
use super::executor::PATH;
use super::marks::Marks;
use super::process::Patience;
use super::root::Root;

/// Where everything that belongs to packages is installed.
const OSCAR_HOME: &str = "/usr/lib/oscar";

/// The values that the configurator wrote.
pub(super) const VALUES: &str = opkg_configurator::values::FILE_NAME;

/// Where the homes of packages are, in the root of a target.
pub(super) fn packages() -> PathBuf {
    Path::new(OSCAR_HOME).join("packages")
}

/// The home of a package.
pub(super) fn home(package: &PackageName) -> PathBuf {
    packages().join(package.as_str())
}

/// One hook or script of one package on one target.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// Its canonical name.
    pub(super) name: &'a str,
    /// How messages name it.
    pub(super) title: String,
    /// What it is told, and for what it runs.
    pub(super) about: &'a Circumstances<'a>,
    /// The root that holds the package's home.
    pub(super) root: &'a Root,
    /// The package's home there, where it starts.
    pub(super) home: PathBuf,
    /// The files that serve it, most canonical first, as they are seen in the root; exactly one of them runs.
    pub(super) candidates: Vec<PathBuf>,
    /// What it is given.
    pub(super) arguments: Vec<OsString>,
    /// All of its environment.
    pub(super) environment: Vec<(OsString, OsString)>,
    /// Directories that it must see, wherever it runs.
    pub(super) shared: Vec<PathBuf>,
    /// How long it may take.
    pub(super) patience: Patience,
}

impl Call<'_> {
    /// Of which package, where it is one's.
    pub(super) fn package(&self) -> Option<&PackageName> {
        self.about.package.map(|it| &it.name)
    }
}

/// How the names of hooks end that are components.
const COMPONENT: &str = ".wasm";

/// Whether a file is a component by its name: the package manager runs no such script.
pub(super) fn is_component(file: &Path) -> bool {
    file.as_os_str().as_bytes().ends_with(COMPONENT.as_bytes())
}

/// The files of a home that are there, out of the names that one may have: each may be a component as well.
///
/// # Errors
/// One line: the home cannot be looked into.
pub(super) fn candidates(root: &Root, home: &Path, names: &[&str]) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for name in names.iter().flat_map(|name| [(*name).to_owned(), format!("{name}{COMPONENT}")]) {
        let path = home.join(name);
        match root.find(&path) {
            Ok(Some(metadata)) if !metadata.is_dir() => found.push(path),
            Ok(_) => {}
            Err(error) => {
                return Err(format!("{} in the root {}: {error}", path.display(), root.path().display()));
            }
        }
    }
    Ok(found)
}

/// What a hook is told.
#[derive(Debug)]
pub(super) struct Circumstances<'a> {
    /// Of which cluster.
    pub(super) cluster: &'a Cluster,
    /// For which package; for none, where the cluster is tested before a phase.
    pub(super) package: Option<&'a Package>,
    /// In which stage.
    pub(super) stage: Stage,
    /// On which target.
    pub(super) target: &'a Address,
    /// For `api-post-image`: the image's name and root.
    pub(super) image: Option<(&'a str, &'a Root)>,
    /// For which run.
    pub(super) marks: Marks,
}

/// The environment of a hook: all of it.
pub(super) fn environment(config: &Config, circumstances: &Circumstances<'_>) -> Vec<(OsString, OsString)> {
    let mut variables = basis(config);
    let mut set = |name: &str, value: OsString| {
        variables.retain(|(known, _)| known != name);
        variables.push((name.into(), value));
    };
    set("OSCAR_HOME", OSCAR_HOME.into());
    set("OSCAR_VERBOSE", if config.verbose { "1" } else { "0" }.into());
    set("OSCAR_UI", "cli".into());
    let package = circumstances.package.map(|it| &it.name);
    set("OPM_PACKAGE", package.map_or("", PackageName::as_str).into());
    if let Some(home) = package.map(home) {
        set("OPM_CONFIG_VALUES", home.join(VALUES).into());
        set("OSCAR_PACKAGE_HOME", home.into());
    }
    set("OPM_STAGE", circumstances.stage.name().into());
    set("OPM_TARGET_KIND", circumstances.target.kind.name().into());
    set("OPM_TARGET_NAME", circumstances.target.name.as_str().into());
    let (image, directory) =
        circumstances.image.map_or(("", Path::new("")), |(name, root)| (name, root.path()));
    set("OPM_IMAGE", image.into());
    set("OPM_IMAGE_DIR", directory.into());
    let mut nodes: Vec<_> =
        circumstances.cluster.of_kind(Kind::Client).map(|it| it.address.name.as_str()).collect();
    nodes.sort_unstable();
    set("OPM_NODES", nodes.join(" ").into());
    for (name, value) in circumstances.marks.variables() {
        set(name, value.into());
    }
    variables
}

/// What every program gets.
pub(super) fn basis(config: &Config) -> Vec<(OsString, OsString)> {
    let machine = rustix::system::uname();
    let machine = std::ffi::OsStr::from_bytes(machine.nodename().to_bytes()).to_owned();
    let mut variables: Vec<(OsString, OsString)> = [("PATH", PATH), ("HOME", "/root"), ("LANG", "C.UTF-8")]
        .map(|(name, value)| (name.into(), value.into()))
        .into();
    variables.push(("HOSTNAME".into(), machine));
    for (name, value) in &config.environment {
        variables.retain(|(known, _)| known != name.as_str());
        variables.push((name.into(), value.into()));
    }
    variables
}
