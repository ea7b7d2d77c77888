//! A root with a database of RPM, and `rpm` and `dnf` of this machine to fill it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::programs;
use crate::process::{self, ProcessOutput};
use crate::{scratch, tools};

/// The package that stands for everything outside.
const STUB_PACKAGE: &str = "stands-for-everything-else";

/// Parts of a root that are the package managers' own.
const PACKAGE_MANAGER_PATHS: [&str; 6] =
    ["etc/dnf", "var/lib/rpm", "var/lib/dnf", "var/cache", "var/log", "var/tmp"];

/// A system that has nothing but packages, and what scriptlets need to run.
#[derive(Debug)]
pub struct RpmRoot {
    root: PathBuf,
    home: PathBuf,
}

/// Whether roots can be made here; says what is missing where they cannot.
#[must_use]
pub fn is_supported() -> bool {
    let tools = ["rpm", "rpmbuild", "dnf", "unshare"];
    if !tools::all_installed(&[&tools[..], &programs::REQUIRED_PROGRAMS].concat()) || !tools::is_root() {
        return false;
    }
    let separate = process::run(&mut unshared_command("true")).code == Some(0);
    if !separate {
        tools::skip("no namespaces of its own for a process");
    }
    separate
}

impl RpmRoot {
    /// One without packages.
    ///
    /// # Panics
    ///
    /// Where roots cannot be made.
    #[must_use]
    pub fn new() -> Self {
        let directory = scratch::create_directory("rpm-root");
        let this = Self { root: directory.join("root"), home: directory.join("home") };
        for directory in ["etc", "tmp", "var/tmp", "var/lib/rpm", "dev", "usr/lib", "usr/share/doc/packages"]
        {
            fs_err::create_dir_all(this.root.join(directory)).unwrap();
        }
        programs::install(&this.root);
        fs_err::create_dir(&this.home).unwrap();
        // Distributions keep it in different places, some of them in the home of who asks.
        fs_err::write(this.home.join(".rpmmacros"), "%_dbpath /var/lib/rpm\n").unwrap();
        fs_err::write(this.home.join("dnf.conf"), "[main]\n").unwrap();
        assert_eq!(this.rpm(["--initdb"]).code, Some(0));
        this
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Puts `rpm` itself into it, for scripts that ask what is installed.
    ///
    /// # Panics
    ///
    /// If it cannot be copied.
    pub fn install_rpm(&self) {
        programs::copy_program(&self.root, "rpm");
        for file in ["usr/lib/rpm/macros", "usr/lib/rpm/rpmrc"] {
            fs_err::create_dir_all(self.root.join("usr/lib/rpm")).unwrap();
            fs_err::copy(Path::new("/").join(file), self.root.join(file)).unwrap();
        }
        fs_err::create_dir_all(self.root.join("etc/rpm")).unwrap();
        fs_err::write(self.root.join("etc/rpm/macros"), "%_dbpath /var/lib/rpm\n").unwrap();
    }

    /// Runs `rpm` on it.
    pub fn rpm<A: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> ProcessOutput {
        process::run(self.command("rpm").arg("--root").arg(&self.root).args(arguments))
    }

    /// Runs `dnf` on it, without a question, with these directories as sources of packages and nothing else.
    pub fn dnf<A: AsRef<std::ffi::OsStr>>(
        &self,
        sources: &[&Path],
        arguments: impl IntoIterator<Item = A>,
    ) -> ProcessOutput {
        let mut dnf = self.command("dnf");
        dnf.args(["-y", "--noplugins", "--releasever=1", "--setopt=install_weak_deps=False"]);
        dnf.arg("--config").arg(self.home.join("dnf.conf"));
        dnf.arg(format!("--installroot={}", self.root.display()));
        for (number, source) in sources.iter().enumerate() {
            dnf.arg(format!("--repofrompath=source{number},file://{}", source.display()));
            dnf.arg(format!("--repo=source{number}"));
        }
        process::run(dnf.args(arguments))
    }

    /// Installs one package that provides whatever these require of others.
    ///
    /// # Panics
    ///
    /// If it cannot be made.
    pub fn install_stub(&self, packages: &[PathBuf]) {
        let built = build_stub(packages);
        let ended =
            self.rpm(["-U".as_ref(), "--replacepkgs".as_ref(), "--nosignature".as_ref(), built.as_os_str()]);
        assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
    }

    /// What is installed, without the stub: name and `version-release`.
    #[must_use]
    pub fn installed(&self) -> BTreeMap<String, String> {
        let ended = self.rpm(["-qa", "--qf", "%{NAME} %{VERSION}-%{RELEASE}\\n"]);
        assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
        let pairs = ended.stdout.lines().filter_map(|line| line.split_once(' '));
        let pairs = pairs.filter(|(name, _)| *name != STUB_PACKAGE && *name != "gpg-pubkey");
        pairs.map(|(name, version)| (name.to_owned(), version.to_owned())).collect()
    }

    /// Every path in it that is not the package managers' own.
    #[must_use]
    pub fn paths(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        self.collect(&self.root, &mut found);
        found
    }

    fn collect(&self, directory: &Path, found: &mut BTreeSet<PathBuf>) {
        for entry in fs_err::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let within = path.strip_prefix(&self.root).unwrap().to_path_buf();
            if PACKAGE_MANAGER_PATHS.iter().any(|it| within == Path::new(it)) {
                continue;
            }
            if path.is_dir() && !path.is_symlink() {
                self.collect(&path, found);
            }
            found.insert(within);
        }
    }

    /// What scriptlets wrote to `$PROOF` since this was asked last, line by line.
    #[must_use]
    pub fn take_proof(&self) -> Vec<String> {
        let file = self.root.join("proof");
        let text = fs_err::read_to_string(&file).unwrap_or_default();
        if file.exists() {
            fs_err::remove_file(file).unwrap();
        }
        text.lines().map(str::to_owned).collect()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = unshared_command(program);
        command.env_clear();
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("HOME", &self.home).env("LC_ALL", "C.UTF-8").env("PROOF", "/proof");
        command.current_dir(&self.home);
        command
    }
}

impl Default for RpmRoot {
    fn default() -> Self {
        Self::new()
    }
}

/// Builds one package that provides whatever these require of others.
///
/// # Panics
///
/// If it cannot be made.
#[must_use]
pub fn build_stub(packages: &[PathBuf]) -> PathBuf {
    let provides: String =
        external_requirements(packages).iter().map(|it| format!("Provides: {it}\n")).collect();
    build_provider(STUB_PACKAGE, &provides)
}

/// Builds a package that has nothing but these lines of a spec, `Provides:` say.
///
/// # Panics
///
/// If it cannot be made.
#[must_use]
pub fn build_provider(name: &str, provides: &str) -> PathBuf {
    let spec = format!(
        "Name: {name}\nVersion: 1\nRelease: 1\nSummary: Stub\nLicense: none\nBuildArch: noarch\n{provides}\
         %description\nIt holds nothing.\n%files\n"
    );
    let directory = scratch::create_directory("stub");
    let file = directory.join("stub.spec");
    fs_err::write(&file, spec).unwrap();
    let top = format!("_topdir {}", directory.display());
    process::run_successfully(Command::new("rpmbuild").args(["-bb", "--define", &top]).arg(&file));
    directory.join(format!("RPMS/noarch/{name}-1-1.noarch.rpm"))
}

/// A command whose scriptlets, which run as root, reach no other process, no network and no mount of this machine.
fn unshared_command(program: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--kill-child", "--net", "--ipc", "--uts", "--", program]);
    command
}

/// What the packages require that none of them has, as provisions that meet it.
fn external_requirements(packages: &[PathBuf]) -> BTreeSet<String> {
    let ask = |format: &str| {
        let mut rpm = Command::new("rpm");
        rpm.args(["-qp", "--nosignature", "--qf", format]).args(packages).env("LC_ALL", "C.UTF-8");
        process::run_successfully(&mut rpm)
    };
    let own = ask("[%{PROVIDENAME}\\n][%{FILENAMES}\\n]");
    let own: BTreeSet<&str> = own.lines().collect();
    let required = ask("[%{REQUIRENAME}\\t%{REQUIREFLAGS:depflags}\\t%{REQUIREVERSION}\\n]");
    let required = required.lines().filter_map(|line| {
        let mut words = line.split('\t');
        let (name, sign, version) = (words.next()?, words.next()?.trim(), words.next()?);
        (!own.contains(name) && !name.starts_with("rpmlib(")).then_some((name, sign, version))
    });
    required
        .map(|(name, sign, version)| {
            let (version, release) = version.split_once('-').unwrap_or((version, "1"));
            let name = name.replace('%', "%%");
            match sign {
                "" => name,
                "<" => format!("{name} = {version}~~-{release}"),
                ">" => format!("{name} = {version}.1-{release}"),
                _ => format!("{name} = {version}-{release}"),
            }
        })
        .collect()
}
