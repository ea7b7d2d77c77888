//! Where the files of an OPKG's directory are installed.

use crate::model::Destination;

const TESTING: &str = "/usr/lib/oscar/testing";

/// Directories at the top that are looked into.
pub(super) const DIRECTORIES: [&str; 3] = ["scripts", "testing", "doc"];
/// Names at the top that documentation has, besides `README…`.
const DOCUMENTS: [&str; 5] = ["AUTHORS", "CHANGELOG", "BUGS", "NEWS", "TODO"];
/// What native tools of former times left at the top: nothing of the package.
const IGNORED: [&str; 2] = ["SRPMS", "distro"];
/// Directories of `testing/` that all packages put their files into.
const SHARED: [&str; 2] = ["apitests.d", "tests.d"];

/// Where the scripts of an OPKG are installed.
pub(crate) fn home(name: &str) -> String {
    format!("/usr/lib/oscar/packages/{name}")
}

/// Whether a path is none of the package's business, and no word is lost about it.
pub(super) fn is_ignored(path: &str) -> bool {
    IGNORED.contains(&path)
}

/// What may stand at the top.
pub(super) fn names_at_the_top() -> impl Iterator<Item = &'static str> {
    let others = ["config.xml", "configurator.html", "configurator_image.html", "README"];
    DIRECTORIES.into_iter().chain(DOCUMENTS).chain(others)
}

/// Where a file or link of this path goes; nothing where the format does not know it.
pub(super) fn of_file(name: &str, path: &str) -> Option<Destination> {
    let Some((top, rest)) = path.split_once('/') else {
        if path == "config.xml" || (path.starts_with("configurator") && path.ends_with(".html")) {
            return Some(Destination::Path(format!("{}/{path}", home(name))));
        }
        let is_document = DOCUMENTS.contains(&path) || path.starts_with("README");
        return is_document.then(|| Destination::Documentation(path.to_owned()));
    };
    below(name, top, rest)
}

/// Where a directory of this path goes, as far as it is the package's own.
pub(super) fn of_directory(name: &str, path: &str) -> Option<Destination> {
    match path.split_once('/') {
        None => match path {
            "doc" => Some(Destination::Documentation(String::new())),
            "scripts" => Some(Destination::Path(home(name))),
            _ => None,
        },
        Some(("testing", shared)) if SHARED.contains(&shared) => None,
        Some(("testing", "data")) => Some(Destination::Path(format!("{TESTING}/data/{name}"))),
        Some((top, rest)) => below(name, top, rest),
    }
}

fn below(name: &str, top: &str, rest: &str) -> Option<Destination> {
    match top {
        "scripts" => Some(Destination::Path(format!("{}/{rest}", home(name)))),
        "doc" => Some(Destination::Documentation(rest.to_owned())),
        "testing" => Some(Destination::Path(match rest.split_once('/') {
            Some((shared, file)) if SHARED.contains(&shared) => format!("{TESTING}/{shared}/{file}"),
            Some(("data", file)) => format!("{TESTING}/data/{name}/{file}"),
            _ => format!("{TESTING}/data/{name}/{rest}"),
        })),
        _ => None,
    }
}

/// The directory of its own that a package needs for something installed at `destination`, although nothing
/// in the source stands for it.
pub(super) fn needed_root(name: &str, destination: &Destination) -> Option<Destination> {
    match destination {
        Destination::Documentation(_) => Some(Destination::Documentation(String::new())),
        Destination::Path(path) => [home(name), format!("{TESTING}/data/{name}")]
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
            ("COPYING", "-"),
            ("build/control", "-"),
        ] {
            assert_eq!(shown(of_file("x", path)), expected, "{path}");
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
            ("build", "-"),
        ] {
            assert_eq!(shown(of_directory("x", path)), expected, "{path}");
        }
    }
}
