//! What is installed, asked of `dpkg-query`.

use opkg_sdk::PackageManagerError;
use opkg_sdk::package_manager::{InstallState, Installed};

/// What is asked.
pub(crate) const PROGRAM: &str = "dpkg-query";

/// What [`parse`] reads: name, version, architecture, state, whether it must be reinstalled, and the field that
/// packages of this plugin have when they have scriptlets.
pub(crate) const FORMAT: &str = "--showformat=${Package}\\t${Version}\\t${Architecture}\\t${db:Status-Status}\\t\
                            ${db:Status-Eflag}\\t${Opkg-Scriptlets}\\n";

/// Reads what `dpkg-query` prints with [`FORMAT`].
///
/// # Errors
/// Shows the line that is not of that form. That there is no package at all is an error: no system is without.
pub(crate) fn parse(printed: &str) -> Result<Vec<Installed>, PackageManagerError> {
    let mut installed = Vec::new();
    for line in printed.lines().filter(|line| !line.is_empty()) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, version, arch, status, error, scriptlets] = fields[..] else {
            return Err(PackageManagerError::new(format!(
                "{PROGRAM} printed a line that cannot be read: {line:?}"
            )));
        };
        let Some(state) = install_state(status, error) else { continue };
        installed.push(Installed {
            name: name.into(),
            version: version.into(),
            arch: Some(arch.into()),
            has_scriptlets: Some(!scriptlets.is_empty()),
            state,
            attributes: Vec::new(),
        });
    }
    if installed.is_empty() {
        return Err(PackageManagerError::new(format!(
            "{PROGRAM} knows of no package at all: dpkg's database is empty or damaged"
        )));
    }
    Ok(installed)
}

/// Of the states that `dpkg-query(1)` names; none for a package that is not there at all.
fn install_state(status: &str, error: &str) -> Option<InstallState> {
    match (status, error) {
        (_, "reinstreq") => Some(InstallState::Incomplete(format!("{status}, to be reinstalled"))),
        ("not-installed", _) => None,
        ("config-files", _) => Some(InstallState::Residual),
        ("installed", _) => Some(InstallState::Complete),
        // half-installed, unpacked, half-configured, triggers-awaited, triggers-pending
        _ => Some(InstallState::Incomplete(status.to_owned())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_exactly() {
        let printed = "opkg-x\t1:2.0-1\tall\tinstalled\tok\tpostinst prerm\n\
                       opkg-y\t1.0-1\tamd64\tinstalled\tok\t\n\
                       opkg-z\t1.0-1\tall\tconfig-files\tok\t\n\
                       opkg-u\t1.0-1\tall\thalf-installed\tok\t\n\
                       opkg-v\t1.0-1\tall\tunpacked\tok\t\n\
                       opkg-w\t1.0-1\tall\thalf-configured\tok\t\n\
                       opkg-t\t1.0-1\tall\ttriggers-pending\tok\t\n\
                       opkg-s\t1.0-1\tall\ttriggers-awaited\tok\t\n\
                       opkg-r\t1.0-1\tall\tinstalled\treinstreq\t\n\
                       opkg-q\t1.0-1\tall\thalf-installed\treinstreq\t\n\
                       opkg-n\t\t\tnot-installed\tok\t\n";
        let installed = parse(printed).unwrap();
        let described: Vec<String> = installed
            .iter()
            .map(|package| {
                let Installed { name, version, arch, has_scriptlets, state, .. } = package;
                let arch = arch.as_deref().unwrap_or("?");
                let scripts = if *has_scriptlets == Some(true) { " with scripts" } else { "" };
                format!("{name} {version} {arch}{scripts}: {state:?}")
            })
            .collect();
        assert_eq!(
            described,
            [
                "opkg-x 1:2.0-1 all with scripts: InstallState::Complete",
                "opkg-y 1.0-1 amd64: InstallState::Complete",
                "opkg-z 1.0-1 all: InstallState::Residual",
                "opkg-u 1.0-1 all: InstallState::Incomplete(\"half-installed\")",
                "opkg-v 1.0-1 all: InstallState::Incomplete(\"unpacked\")",
                "opkg-w 1.0-1 all: InstallState::Incomplete(\"half-configured\")",
                "opkg-t 1.0-1 all: InstallState::Incomplete(\"triggers-pending\")",
                "opkg-s 1.0-1 all: InstallState::Incomplete(\"triggers-awaited\")",
                "opkg-r 1.0-1 all: InstallState::Incomplete(\"installed, to be reinstalled\")",
                "opkg-q 1.0-1 all: InstallState::Incomplete(\"half-installed, to be reinstalled\")",
            ]
        );
    }

    #[test]
    fn no_package_at_all_is_an_error() {
        for printed in ["", "\n", "dpkg-query: error: x\n", "opkg-n\t\t\tnot-installed\tok\t\n"] {
            assert!(parse(printed).is_err(), "{printed:?}");
        }
    }
}
