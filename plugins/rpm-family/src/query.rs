//! What is installed, asked of `rpm`.

use std::collections::BTreeMap;

use opkg_sdk::PackageManagerError;
use opkg_sdk::package_manager::{Command, InstallState, Installed, Place};

/// Name, version with epoch, architecture, when it was installed, and a digit for each kind of scriptlet, separated by
/// tabs.
const QUERY_FORMAT: &str = "%{NAME}\\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{INSTALLTIME}\\t\
                      %|PREIN?{1}:{0}|%|POSTIN?{1}:{0}|%|PREUN?{1}:{0}|%|POSTUN?{1}:{0}|\
                      %|POSTTRANS?{1}:{0}|\\n";

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

/// `rpm`, told where.
#[must_use]
pub fn rpm(target: &Place) -> Vec<String> {
    let mut argv = vec![PROGRAM.to_owned()];
    if target.root != "/" {
        argv.extend(["--root".to_owned(), target.root.clone()]);
    }
    argv
}

/// Asks for all packages that are installed.
#[must_use]
pub fn commands(target: &Place) -> Vec<Command> {
    let mut argv = rpm(target);
    argv.extend(["-qa", "--qf", QUERY_FORMAT].map(str::to_owned));
    vec![Command::new(argv)]
}

/// Reads what that printed. Of a package that is there twice, an upgrade was cut off before the older version was
/// removed: that one is incomplete. Packages that are made to be there in several versions, as kernels are, look the
/// same.
///
/// # Errors
/// Shows the line that is not of that form. That there is no package at all is an error: no system is without, and
/// `rpm` says nothing else of a database that is lost.
pub fn parse(printed: &str) -> Result<Vec<Installed>, PackageManagerError> {
    let lines = printed.lines().filter(|line| !line.is_empty());
    let mut packages = lines.map(parse_line).collect::<Result<Vec<_>, _>>()?;
    if packages.is_empty() {
        return Err(PackageManagerError::new(
            "rpm knows of no package at all: its database is empty, damaged, or in another place",
        ));
    }
    mark_superseded(&mut packages);
    Ok(packages.into_iter().map(|(installed, _)| installed).collect())
}

/// Marks all but the newest of what is installed several times.
fn mark_superseded(packages: &mut [(Installed, u64)]) {
    let mut newest: BTreeMap<(String, Option<String>), usize> = BTreeMap::new();
    for (index, (package, time)) in packages.iter().enumerate() {
        let known = newest.entry((package.name.clone(), package.arch.clone())).or_insert(index);
        if packages[*known].1 <= *time {
            *known = index;
        }
    }
    for index in 0..packages.len() {
        let (package, _) = &packages[index];
        let newest = newest.get(&(package.name.clone(), package.arch.clone())).copied().unwrap_or(index);
        if newest != index {
            let how = format!("left by an upgrade to {} that was cut off", packages[newest].0.version);
            packages[index].0.state = InstallState::Incomplete(how);
        }
    }
}

/// The package, and when it was installed.
fn parse_line(line: &str) -> Result<(Installed, u64), PackageManagerError> {
    let fields: Vec<&str> = line.split('\t').collect();
    match fields.as_slice() {
        [name, version, arch, time, scriptlets] => Ok((
            Installed {
                name: (*name).to_owned(),
                version: (*version).to_owned(),
                arch: Some((*arch).to_owned()),
                has_scriptlets: Some(scriptlets.contains('1')),
                state: InstallState::Complete,
                attributes: Vec::new(),
            },
            time.parse().unwrap_or(0),
        )),
        _ => Err(PackageManagerError::new(format!("rpm printed something else than a package: `{line}`"))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_rpm_prints() {
        let packages = parse("a\t1:2.0-3\tnoarch\t17\t0100\nb\t1-1\tx86_64\t17\t0000\n").unwrap();
        assert_eq!(packages[0].version, "1:2.0-3");
        assert_eq!((packages[0].has_scriptlets, packages[1].has_scriptlets), (Some(true), Some(false)));
        for printed in ["package x is not installed\n", "", "\n"] {
            assert!(parse(printed).is_err(), "{printed:?}");
        }
    }

    #[test]
    fn what_a_cut_off_upgrade_left_is_incomplete() {
        let printed = "a\t2-1\tnoarch\t20\t0\na\t1-1\tnoarch\t10\t0\n\
                       glibc\t2-1\tx86_64\t5\t0\nglibc\t2-1\ti686\t6\t0\n\
                       twice\t1-1\tnoarch\t7\t0\ntwice\t1-1\tnoarch\t7\t0\n";
        let states: Vec<_> = parse(printed).unwrap().into_iter().map(|it| (it.version, it.state)).collect();
        let left = |version: &str| {
            InstallState::Incomplete(format!("left by an upgrade to {version} that was cut off"))
        };
        let complete = InstallState::Complete;
        assert_eq!(states[0], ("2-1".to_owned(), complete.clone()));
        assert_eq!(states[1], ("1-1".to_owned(), left("2-1")));
        assert_eq!((&states[2].1, &states[3].1), (&complete, &complete), "of two architectures");
        assert_eq!((&states[4].1, &states[5].1), (&left("1-1"), &complete));
    }
}
