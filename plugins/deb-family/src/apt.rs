//! How apt and dpkg are driven. Commands run inside the root that they are about.

use opkg_plugin::package_manager::{Command, Installed, Place};

const APT: &str = "apt-get";
const QUERY: &str = "dpkg-query";

/// What [`parse_query`] reads: name, version, architecture, state, and the field that packages of this
/// plugin have when they have scriptlets.
const FORMAT: &str =
    "--showformat=${Package}\\t${Version}\\t${Architecture}\\t${db:Status-Status}\\t${Opkg-Scriptlets}\\n";

/// What the commands start.
#[must_use]
pub fn programs() -> Vec<String> {
    vec![APT.into(), QUERY.into()]
}

/// Installs or upgrades packages: names, `name=version`, or absolute paths of `.deb` files.
///
/// # Errors
/// A package or package source that apt would read as something else.
pub fn install(packages: &[String], place: &Place) -> Result<Vec<Command>, String> {
    if packages.is_empty() {
        return Ok(Vec::new());
    }
    for package in packages {
        let is_file = package.starts_with('/') && package.ends_with(".deb");
        let (name, version) = package.split_once('=').unwrap_or((package, "1"));
        let is_named = is_name(name, '-') && is_version(version);
        if !is_file && !is_named {
            return Err(format!(
                "`{package}` is no package that apt could install: give a name, `name=version`, or the \
                 absolute path of a .deb file"
            ));
        }
    }
    let mut argv = words(&[APT, "-y", "-q", "-o", "Dpkg::Options::=--force-confold"]);
    for source in &place.repositories {
        if !source.starts_with('/') {
            return Err(format!(
                "`{source}` is no directory: name it in a file of /etc/apt/sources.list.d in the root {}, where \
                 apt finds its key as well",
                place.root
            ));
        }
        argv.push("--with-source".into());
        argv.push(format!("{}/Packages", source.trim_end_matches('/')));
    }
    argv.push("install".into());
    argv.extend_from_slice(packages);
    Ok(vec![command(argv)])
}

/// Removes packages with their configuration files.
///
/// # Errors
/// What is no package's name.
pub fn remove(packages: &[String], _: &Place) -> Result<Vec<Command>, String> {
    if packages.is_empty() {
        return Ok(Vec::new());
    }
    // `x+` would be installed, were there only an `x`.
    if let Some(package) = packages.iter().find(|package| !is_name(package, '+')) {
        return Err(format!("`{package}` is no name of a package that apt could remove"));
    }
    let mut argv = words(&[APT, "-y", "-q", "purge"]);
    argv.extend_from_slice(packages);
    Ok(vec![command(argv)])
}

/// Reads the lists of packages anew.
///
/// # Errors
/// None.
pub fn refresh(_: &Place) -> Result<Vec<Command>, String> {
    Ok(vec![command(words(&[APT, "-q", "update"]))])
}

/// Asks which packages are there. Exit status 1 means that some are not, and is no failure.
///
/// # Errors
/// What is no package's name.
pub fn query(packages: &[String], _: &Place) -> Result<Vec<Command>, String> {
    if let Some(package) = packages.iter().find(|package| !is_name(package, '\0')) {
        return Err(format!("`{package}` is no name of a Debian package"));
    }
    let mut argv = words(&[QUERY, "-W", FORMAT]);
    argv.extend_from_slice(packages);
    Ok(vec![command(argv)])
}

/// Reads what [`query`] printed. What is only configured, half installed or removed does not count.
///
/// # Errors
/// A line that is none of the query's.
pub fn parse_query(printed: &str) -> Result<Vec<Installed>, String> {
    let mut installed = Vec::new();
    for line in printed.lines().filter(|line| !line.is_empty()) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, version, arch, state, scriptlets] = fields[..] else {
            return Err(format!("{QUERY} printed a line that cannot be read: {line:?}"));
        };
        if matches!(state, "installed" | "triggers-awaited" | "triggers-pending") {
            installed.push(Installed {
                name: name.into(),
                version: version.into(),
                arch: arch.into(),
                has_scriptlets: !scriptlets.is_empty(),
            });
        }
    }
    Ok(installed)
}

fn command(argv: Vec<String>) -> Command {
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Command {
        argv,
        env: vec![variable("DEBIAN_FRONTEND", "noninteractive"), variable("LC_ALL", "C")],
        in_root: true,
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

/// The name of a package, and no option. `last` may not end it, where apt would read that as a request.
fn is_name(name: &str, last: char) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() >= 2
        && !name.ends_with(last)
        && name.bytes().next().is_some_and(alphanumeric)
        && name.bytes().all(|byte| alphanumeric(byte) || b"+-.".contains(&byte))
}

fn is_version(version: &str) -> bool {
    version.starts_with(|first: char| first.is_ascii_digit())
        && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+-~:".contains(&byte))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn place(repositories: &[&str]) -> Place {
        Place {
            root: "/srv/image".into(),
            repositories: words(repositories),
            version: None,
            arch: "x86_64".into(),
            available: programs(),
        }
    }

    fn argv(commands: Result<Vec<Command>, String>) -> String {
        let commands = commands.unwrap();
        assert!(commands.iter().all(|command| command.in_root));
        commands.iter().map(|command| command.argv.join(" ")).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn commands() {
        let packages = words(&["opkg-x", "opkg-y=1:2.0-1", "/srv/z_1_all.deb"]);
        assert_eq!(
            argv(install(&packages, &place(&["/srv/re po/"]))),
            "apt-get -y -q -o Dpkg::Options::=--force-confold --with-source /srv/re po/Packages install \
             opkg-x opkg-y=1:2.0-1 /srv/z_1_all.deb"
        );
        assert_eq!(argv(remove(&words(&["opkg-x"]), &place(&[]))), "apt-get -y -q purge opkg-x");
        assert_eq!(argv(refresh(&place(&[]))), "apt-get -q update");
        assert_eq!(argv(query(&words(&["opkg-x"]), &place(&[]))), format!("dpkg-query -W {FORMAT} opkg-x"));
        assert_eq!(argv(install(&[], &place(&[]))), "");
    }

    #[test]
    fn what_apt_would_take_for_something_else_is_refused() {
        for package in ["-oX=y", "x-", "x=", "x=1 2", "x/testing", "x*", "X", "../x.deb", "x^", "", "a b"] {
            assert!(install(&words(&[package]), &place(&[])).is_err(), "{package:?}");
        }
        for package in ["-x", "x+", "x=1", "/x.deb", "x*"] {
            assert!(remove(&words(&[package]), &place(&[])).is_err(), "{package:?}");
        }
        assert!(query(&words(&["--help"]), &place(&[])).is_err());
        let error = install(&words(&["opkg-x"]), &place(&["https://example.org/debian"])).unwrap_err();
        assert!(error.contains("sources.list.d"), "{error}");
    }

    #[test]
    fn only_what_is_installed_counts() {
        let printed = "opkg-x\t1:2.0-1\tall\tinstalled\tpostinst prerm\n\
                       opkg-y\t1.0-1\tamd64\tinstalled\t\n\
                       opkg-z\t1.0-1\tall\tconfig-files\t\n\
                       opkg-u\t1.0-1\tall\thalf-installed\t\n\
                       opkg-n\t\t\tnot-installed\t\n";
        let installed = parse_query(printed).unwrap();
        let read: Vec<_> = installed
            .iter()
            .map(|it| (it.name.as_str(), it.version.as_str(), it.arch.as_str(), it.has_scriptlets))
            .collect();
        assert_eq!(read, [("opkg-x", "1:2.0-1", "all", true), ("opkg-y", "1.0-1", "amd64", false)]);
        assert!(parse_query("dpkg-query: error: x\n").unwrap_err().contains("dpkg-query: error: x"));
        assert!(parse_query("").unwrap().is_empty());
    }
}
