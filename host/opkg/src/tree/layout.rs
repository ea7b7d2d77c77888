//! Where the files of an OPKG's directory are installed.

use crate::arch;
use crate::model::{Destination, Part};

const TESTING_DIR: &str = "/usr/lib/oscar/testing";

/// Directories that the packages of all OPKGs install into, parents first. Each OPKG owns what is its own below them.
pub(crate) const SHARED_DIRECTORIES: [&str; 6] = [
    "/usr/lib/oscar",
    "/usr/lib/oscar/packages",
    "/usr/lib/oscar/testing",
    "/usr/lib/oscar/testing/apitests.d",
    "/usr/lib/oscar/testing/data",
    "/usr/lib/oscar/testing/tests.d",
];

/// Directories at the top that are entered.
pub(super) const TOP_LEVEL_DIRECTORIES: [&str; 4] = ["scripts", "testing", "doc", "files"];
/// The file of an OPKG that says what the sources of its payloads are: their sizes and checksums.
pub const LOCK_FILE: &str = "payload.lock";
/// The directory of an OPKG for sources of payloads that come with it.
pub const PAYLOAD_DIRECTORY: &str = "payloads";
/// Names at the top that documentation has, besides `README…`.
const DOCUMENT_NAMES: [&str; 5] = ["AUTHORS", "CHANGELOG", "BUGS", "NEWS", "TODO"];
/// Left at the top by older tools; not part of the package.
const IGNORED_NAMES: [&str; 2] = ["SRPMS", "distro"];
/// Directories of `testing/` that all packages put their files into.
const SHARED_TEST_DIRECTORIES: [&str; 2] = ["apitests.d", "tests.d"];

/// Directories of `scripts/` whose files go where the scripts of a part do.
const PART_DIRECTORIES: [(&str, Part); 2] =
    [("scripts/client", Part::Client), ("scripts/server", Part::Server)];

/// Directories of `files/`; what is below them is laid into the root of the machine as it stands.
const ROOT_DIRECTORIES: [(&str, Part); 3] =
    [("api", Part::Api), ("client", Part::Client), ("server", Part::Server)];
/// Directories that every system has, or many packages: none of an OPKG owns them. See file-hierarchy(7) and hier(7).
const SYSTEM_DIRECTORIES: &str = include_str!("system_directories.txt");
/// What the directories of old systems are called that are links to those below `/usr` today.
const MERGED_DIRECTORIES: [&str; 5] = ["/bin", "/lib", "/lib32", "/lib64", "/sbin"];
/// Where nothing outlasts a boot, or what belongs to the kernel.
const VOLATILE_DIRECTORIES: [&str; 8] =
    ["/dev", "/proc", "/run", "/sys", "/tmp", "/var/lock", "/var/run", "/var/tmp"];

/// Why nothing may be laid somewhere.
pub(super) struct RefusedPlace {
    pub(super) message: String,
    pub(super) help: String,
}

/// Whether a file or directory of this path is laid into the root as it stands.
pub(super) fn is_for_root(path: &str) -> bool {
    path.starts_with("files/")
}

/// A directory of `files/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RootDirectory<'a> {
    pub(super) part: Part,
    /// As in `client@x86_64`: goes into packages for this architecture alone.
    pub(super) arch: Option<&'a str>,
}

/// The directory of `files/` that a path is, or lies in; nothing for one that the format does not know.
pub(super) fn root_directory(path: &str) -> Option<RootDirectory<'_>> {
    let name = path.strip_prefix("files/")?.split('/').next()?;
    let (part, arch) = name.split_once('@').map_or((name, None), |(part, arch)| (part, Some(arch)));
    let (_, part) = ROOT_DIRECTORIES.iter().find(|(known, _)| *known == part)?;
    Some(RootDirectory { part: *part, arch })
}

/// The canonical name of the only architecture that something of this path is for.
pub(super) fn only_arch(path: &str) -> Option<&'static str> {
    root_directory(path)?.arch.and_then(arch::canonical_name)
}

/// Why no package should install anything there.
pub(super) fn refused_place(destination: &Destination) -> Option<RefusedPlace> {
    let Destination::Path(path) = destination else { return None };
    let above = |directory: &&&str| {
        path.strip_prefix(**directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if let Some(directory) = VOLATILE_DIRECTORIES.iter().find(above) {
        return Some(RefusedPlace {
            message: format!("packages install nothing into `{directory}`"),
            help: "what is made at every boot is described by a file in `/usr/lib/tmpfiles.d`".to_owned(),
        });
    }
    let directory = MERGED_DIRECTORIES.iter().find(above)?;
    Some(RefusedPlace {
        message: format!("`{directory}` is a link on most systems"),
        help: format!("put it into `/usr{directory}`"),
    })
}

/// Whether an administrator may have changed what is there.
pub(super) fn is_configuration(destination: &Destination) -> bool {
    matches!(destination, Destination::Path(path) if path.starts_with("/etc/"))
}

/// The part that a file or directory is in unless its name says otherwise.
pub(super) fn helper_part(path: &str) -> Part {
    let is_inside = |directory: &str| {
        path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let of_scripts = PART_DIRECTORIES.iter().find(|(directory, _)| is_inside(directory));
    of_scripts.map(|(_, part)| *part).or(root_directory(path).map(|it| it.part)).unwrap_or(Part::Api)
}

/// Where the scripts of an OPKG are installed.
pub(crate) fn package_home(name: &str) -> String {
    format!("/usr/lib/oscar/packages/{name}")
}

/// Whether a path is not part of the package, and silently ignored.
pub(super) fn is_ignored(path: &str) -> bool {
    IGNORED_NAMES.contains(&path)
}

/// Whether something of this name at the top is packaged, or left out without a word.
pub(crate) fn is_known_top_level_name(name: &str) -> bool {
    top_level_names().chain(IGNORED_NAMES).chain([LOCK_FILE]).any(|known| known == name)
        || file_destination("x", name).is_some()
}

/// The names that the format knows at the top.
pub(super) fn top_level_names() -> impl Iterator<Item = &'static str> {
    let others = ["config.xml", "configurator.html", "configurator_image.html", "README"];
    TOP_LEVEL_DIRECTORIES.into_iter().chain(DOCUMENT_NAMES).chain(others)
}

/// Where a file or link of this path goes; nothing where the format does not know it.
pub(super) fn file_destination(name: &str, path: &str) -> Option<Destination> {
    let Some((top, rest)) = path.split_once('/') else {
        if path == "config.xml" || (path.starts_with("configurator") && path.ends_with(".html")) {
            return Some(Destination::Path(format!("{}/{path}", package_home(name))));
        }
        let is_document = DOCUMENT_NAMES.contains(&path) || path.starts_with("README");
        return is_document.then(|| Destination::Documentation(path.to_owned()));
    };
    nested_destination(name, top, rest)
}

/// Whether every system has this directory, or many packages.
pub(super) fn is_system_directory(path: &str) -> bool {
    SYSTEM_DIRECTORIES.lines().any(|known| known == path)
}

/// Where a directory of this path goes, as far as it is the package's own.
pub(super) fn directory_destination(name: &str, path: &str) -> Option<Destination> {
    match path.split_once('/') {
        None => match path {
            "doc" => Some(Destination::Documentation(String::new())),
            "scripts" => Some(Destination::Path(package_home(name))),
            _ => None,
        },
        Some(("testing", shared)) if SHARED_TEST_DIRECTORIES.contains(&shared) => None,
        Some(("files", _)) => {
            let destination = nested_destination(name, "files", path.strip_prefix("files/")?)?;
            let is_shared = |path: &str| is_system_directory(path) || SHARED_DIRECTORIES.contains(&path);
            match &destination {
                Destination::Path(path) if is_shared(path) || refused_place(&destination).is_some() => None,
                _ => Some(destination),
            }
        }
        Some(("testing", "data")) => Some(Destination::Path(format!("{TESTING_DIR}/data/{name}"))),
        Some((top, rest)) => nested_destination(name, top, rest),
    }
}

fn nested_destination(name: &str, top: &str, rest: &str) -> Option<Destination> {
    match top {
        "scripts" => Some(Destination::Path(format!("{}/{rest}", package_home(name)))),
        "doc" => Some(Destination::Documentation(rest.to_owned())),
        "testing" => Some(Destination::Path(match rest.split_once('/') {
            Some((shared, file)) if SHARED_TEST_DIRECTORIES.contains(&shared) => {
                format!("{TESTING_DIR}/{shared}/{file}")
            }
            Some(("data", file)) => format!("{TESTING_DIR}/data/{name}/{file}"),
            _ => format!("{TESTING_DIR}/data/{name}/{rest}"),
        })),
        "files" => {
            let (directory, path) = rest.split_once('/')?;
            root_directory(&format!("files/{directory}")).map(|_| Destination::Path(format!("/{path}")))
        }
        _ => None,
    }
}

/// The directory of its own that a package needs for something installed at `destination`, although nothing
/// in the source stands for it.
pub(super) fn required_root(name: &str, destination: &Destination) -> Option<Destination> {
    match destination {
        Destination::Documentation(_) => Some(Destination::Documentation(String::new())),
        Destination::Path(path) => [package_home(name), format!("{TESTING_DIR}/data/{name}")]
            .into_iter()
            .find(|root| path.strip_prefix(root.as_str()).is_some_and(|rest| rest.starts_with('/')))
            .map(Destination::Path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(destination: Option<Destination>) -> String {
        match destination {
            None => "-".into(),
            Some(Destination::Path(path)) => path.replacen("/usr/lib/oscar/", "", 1),
            Some(Destination::Documentation(path)) => format!("doc:{path}"),
        }
    }

    #[test]
    fn files() {
        for (path, expected) in [
            ("config.xml", "packages/x/config.xml"),
            ("configurator.html", "packages/x/configurator.html"),
            ("configurator_image.html", "packages/x/configurator_image.html"),
            ("scripts/a b", "packages/x/a b"),
            ("scripts/lib/.c", "packages/x/lib/.c"),
            ("testing/apitests.d/a.apt", "testing/apitests.d/a.apt"),
            ("testing/tests.d/sub/b", "testing/tests.d/sub/b"),
            ("testing/tests.d", "testing/data/x/tests.d"),
            ("testing/data/c/d", "testing/data/x/c/d"),
            ("testing/e", "testing/data/x/e"),
            ("testing/old/f", "testing/data/x/old/f"),
            ("doc/g/h", "doc:g/h"),
            ("README.first", "doc:README.first"),
            ("TODO", "doc:TODO"),
            ("files/client/etc/munge/munge.key", "/etc/munge/munge.key"),
            ("files/server/usr/bin/a", "/usr/bin/a"),
            ("files/api/usr/lib/oscar/x", "x"),
            ("files/client@amd64/usr/bin/a", "/usr/bin/a"),
            ("files/api", "-"),
            ("files/api@x86_64", "-"),
            ("files/node/etc/x", "-"),
            ("files/node@x86_64/etc/x", "-"),
            ("COPYING", "-"),
            ("build/control", "-"),
        ] {
            assert_eq!(shown(file_destination("x", path)), expected, "{path}");
        }
    }

    #[test]
    fn directories() {
        for (path, expected) in [
            ("scripts", "packages/x"),
            ("scripts/lib", "packages/x/lib"),
            ("testing", "-"),
            ("testing/apitests.d", "-"),
            ("testing/apitests.d/sub", "testing/apitests.d/sub"),
            ("testing/data", "testing/data/x"),
            ("testing/data/a", "testing/data/x/a"),
            ("testing/old", "testing/data/x/old"),
            ("doc", "doc:"),
            ("doc/a", "doc:a"),
            ("files", "-"),
            ("files/client", "-"),
            ("files/client/etc", "-"),
            ("files/client/etc/site", "/etc/site"),
            ("files/client/etc/munge", "-"),
            ("files/client/usr/lib/systemd/system", "-"),
            ("files/client/bin", "-"),
            ("build", "-"),
        ] {
            assert_eq!(shown(directory_destination("x", path)), expected, "{path}");
        }
    }
}
