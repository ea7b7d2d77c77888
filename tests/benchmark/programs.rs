//! The programs that are measured.

use std::path::{Path, PathBuf};
use std::process::Command;

use opkg_tests::opkgc::{self, OpkgcEnvironment};
use opkg_tests::{opm, scratch};

/// Those of one build.
#[derive(Clone)]
pub struct Programs {
    opkgc: PathBuf,
    opm: PathBuf,
}

impl Programs {
    /// Those of this checkout.
    pub fn built() -> Self {
        Self { opkgc: opkgc::program().to_owned(), opm: opm::program().to_owned() }
    }

    /// # Errors
    /// When one of them is not there.
    pub fn in_directory(directory: &Path) -> Result<Self, String> {
        let find = |name: &str| {
            let program = std::path::absolute(directory.join(name)).map_err(|error| error.to_string())?;
            program.is_file().then_some(program).ok_or(format!("{} has no {name}", directory.display()))
        };
        Ok(Self { opkgc: find("opkgc")?, opm: find("opm")? })
    }

    /// `opkgc` in this environment.
    pub fn opkgc(&self, environment: &OpkgcEnvironment) -> Command {
        let mut command = Command::new(&self.opkgc);
        environment.apply_environment(&mut command);
        command
    }

    /// One that compiles directories into a new directory.
    pub fn build(
        &self,
        environment: &OpkgcEnvironment,
        options: &[&str],
        directories: &[PathBuf],
    ) -> Command {
        let mut command = self.opkgc(environment);
        command.arg("--quiet").args(options).arg("-o").arg(scratch::create_directory("output"));
        command.args(directories);
        command
    }

    /// `opm` on a database.
    pub fn opm(&self, database: &Path) -> Command {
        let mut command = Command::new(&self.opm);
        command.env_clear().env("LANG", "C.UTF-8").env("TZ", "UTC").env("HOME", database.parent().unwrap());
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        let directory = database.parent().unwrap();
        command.env("OPM_CONF", directory.join("opm.conf")).env("OPM_SETTINGS", directory.join("settings"));
        command.env("OPM_DATABASE", database).current_dir(directory);
        command
    }

    /// What the program says of itself, and its size in MiB.
    pub fn description(&self) -> String {
        let version = Command::new(&self.opkgc).arg("--version").output().unwrap().stdout;
        let mebibytes = |program: &Path| fs_err::metadata(program).unwrap().len().div_ceil(1 << 20);
        format!(
            "{}, {} MiB; opm, {} MiB",
            String::from_utf8_lossy(&version).trim(),
            mebibytes(&self.opkgc),
            mebibytes(&self.opm)
        )
    }
}
