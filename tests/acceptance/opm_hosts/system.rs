//! The systems of machines: of Debian, and of RPMs.

use std::path::{Path, PathBuf};

use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::roots::chroot::SystemRoot;
use opkg_tests::roots::{debian, rpm};
use opkg_tests::tools;

use crate::debian_system::{DebianSystem, PACKAGES};

/// What the system of RPMs says that it is, and what is compiled for it.
const OS_RELEASE: &str = "ID=rhel\nVERSION_ID=9.4\n";
const TARGET: &str = "rhel-9";

/// A system with a directory of packages in it.
pub enum System {
    Debian(DebianSystem),
    /// With `dnf`, which knows nothing but the packages that are published.
    Rpm(SystemRoot),
}

impl System {
    /// Of Debian; nothing, saying so, where there can be none.
    pub fn debian() -> Option<Self> {
        DebianSystem::new().map(Self::Debian)
    }

    /// Of RPMs; likewise.
    pub fn rpm() -> Option<Self> {
        if !tools::all_installed(&["rpmbuild"]) {
            return None;
        }
        let root = debian::create_with_rpm("dnf", OS_RELEASE)?;
        fs_err::create_dir_all(root.resolve("/etc/yum.repos.d")).unwrap();
        Some(Self::Rpm(root))
    }

    /// Another one like it, with all that is in it.
    pub fn copy(&self) -> Self {
        match self {
            Self::Debian(system) => Self::Debian(system.copy()),
            Self::Rpm(root) => Self::Rpm(SystemRoot::copy(root.path())),
        }
    }

    pub fn root(&self) -> &SystemRoot {
        match self {
            Self::Debian(system) => &system.root,
            Self::Rpm(root) => root,
        }
    }

    /// Where the packages are, seen from inside.
    pub fn packages(&self) -> String {
        match self {
            Self::Debian(_) => PACKAGES.to_owned(),
            Self::Rpm(_) => format!("/srv/{TARGET}"),
        }
    }

    /// Compiles OPKGs into the directory of packages.
    pub fn publish(&self, opkgs: &[PathBuf]) {
        let root = match self {
            Self::Debian(system) => return system.publish(opkgs),
            Self::Rpm(root) => root,
        };
        let output = root.resolve("srv");
        let mut arguments =
            vec!["--dist".into(), TARGET.into(), "--repo".into(), "-o".into(), output.into_os_string()];
        arguments.extend(opkgs.iter().map(|directory| directory.clone().into_os_string()));
        OpkgcEnvironment::new().run_successfully(arguments);
        install_stubs(root, &rpms(&root.resolve(&self.packages())));
    }

    /// The version of a package, as its package manager writes it; absent where it is not installed.
    pub fn installed_version(&self, package: &str) -> Option<String> {
        match self {
            Self::Debian(system) => {
                let format = "${db:Status-Status} ${Version}";
                let asked = system.root.run(["dpkg-query", "--show", "--showformat", format, package]);
                asked.stdout.strip_prefix("installed ").map(str::to_owned)
            }
            Self::Rpm(root) => {
                let asked = root.run(["rpm", "-q", "--qf", "%{VERSION}-%{RELEASE}", package]);
                (asked.code == Some(0)).then_some(asked.stdout)
            }
        }
    }
}

/// Installs what stands for the rest of a system of RPMs.
fn install_stubs(root: &SystemRoot, built: &[PathBuf]) {
    let system = ["/bin/sh", "/bin/bash", "coreutils"].map(|name| format!("Provides: {name}\n")).concat();
    for stub in [rpm::build_stub(built), rpm::build_provider("stands-for-the-system", &system)] {
        fs_err::copy(&stub, root.resolve("/tmp/stub.rpm")).unwrap();
        let install = ["rpm", "--force-debian", "-U", "--replacepkgs", "--nosignature", "/tmp/stub.rpm"];
        root.run_successfully(install);
    }
}

fn rpms(directory: &Path) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|it| it == "rpm")).collect()
}
