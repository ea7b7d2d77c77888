//! What is installed, asked of `rpm`.

use opkg_sdk::PackageManagerError;
use opkg_sdk::package_manager::{Command, Installed, Place};

/// Name, version with epoch, architecture, and a digit for each kind of scriptlet, separated by tabs.
const QUERY_FORMAT: &str = "%{NAME}\\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\t%{ARCH}\\t\
                      %|PREIN?{1}:{0}|%|POSTIN?{1}:{0}|%|PREUN?{1}:{0}|%|POSTUN?{1}:{0}|\\n";

/// What these commands start.
pub const PROGRAM: &str = "rpm";

/// Names that a command line would take for something else.
///
/// # Errors
/// Names the first one.
pub fn check_names(packages: &[String]) -> Result<(), PackageManagerError> {
    match packages.iter().find(|name| name.is_empty() || name.starts_with('-')) {
        Some(name) => Err(PackageManagerError::new(format!("`{name}` is not the name of a package"))),
        None => Ok(()),
    }
}

/// Asks for the packages that are installed out of those named, or for all. With `-a`, one that is not
/// installed is no failure.
///
/// # Errors
/// A name is none.
pub fn command(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
    check_names(packages)?;
    let mut argv = vec![PROGRAM.to_owned()];
    if target.root != "/" {
        argv.extend(["--root".to_owned(), target.root.clone()]);
    }
    argv.extend(["-qa", "--qf", QUERY_FORMAT].map(str::to_owned));
    argv.extend_from_slice(packages);
    Ok(vec![Command::new(argv)])
}

/// Reads what that printed.
///
/// # Errors
/// Shows the line that is not of that form.
pub fn parse(printed: &str) -> Result<Vec<Installed>, PackageManagerError> {
    printed.lines().filter(|line| !line.is_empty()).map(parse_line).collect()
}

fn parse_line(line: &str) -> Result<Installed, PackageManagerError> {
    let fields: Vec<&str> = line.split('\t').collect();
    match fields.as_slice() {
        [name, version, arch, scriptlets] => Ok(Installed {
            name: (*name).to_owned(),
            version: (*version).to_owned(),
            arch: (*arch).to_owned(),
            has_scriptlets: scriptlets.contains('1'),
        }),
        _ => Err(PackageManagerError::new(format!("rpm printed something else than a package: `{line}`"))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_rpm_prints() {
        let packages = parse("a\t1:2.0-3\tnoarch\t0100\nb\t1-1\tx86_64\t0000\n").unwrap();
        assert_eq!(packages[0].version, "1:2.0-3");
        assert!(packages[0].has_scriptlets);
        assert!(!packages[1].has_scriptlets);
        assert!(
            parse("package x is not installed\n")
                .unwrap_err()
                .to_string()
                .contains("package x is not installed")
        );
    }
}
