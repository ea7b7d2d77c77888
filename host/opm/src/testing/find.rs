//! Which files are the tests of a package, or of a phase.

use opkg_oda::{PackageName, Phase};

use super::{DATA, DEFINITIONS};

/// Endings of definitions: of one test, and of several.
const ENDINGS: [&str; 2] = [".apt", ".apb"];

/// Programs that are tests by themselves, in the order in which they run.
const PROGRAMS: [&str; 2] = ["test_root", "test_user"];

/// Names of files in the testing directory, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shelf {
    /// Those of [`DEFINITIONS`], where the files of all packages lie.
    pub shared: Vec<String>,
    /// Those of the package's own directory in [`DATA`].
    pub own: Vec<String>,
}

/// What is run to test a package, below the testing directory: `<p>_validate.apb`; where there is none, all its
/// definitions; where there are none, `test_root` and `test_user`. Nothing where it brings no tests.
///
/// In its own directory everything is the package's. In the one that all share, what begins with its name and `_` or
/// `-` is, unless the name of another of `known` fits better.
#[must_use]
pub fn of_package(package: &PackageName, known: &[&PackageName], shelf: &Shelf) -> Vec<String> {
    let own = |name: &str| format!("{DATA}/{package}/{name}");
    let shared = |name: &str| format!("{DEFINITIONS}/{name}");
    let all = format!("{package}_validate.apb");
    if shelf.shared.contains(&all) {
        return vec![shared(&all)];
    }
    if shelf.own.contains(&all) {
        return vec![own(&all)];
    }
    let theirs = shelf.shared.iter().filter(|it| is_definition(it) && owner(it, known) == Some(package));
    let mut files: Vec<String> = theirs.map(|it| shared(it)).collect();
    files.extend(shelf.own.iter().filter(|it| is_definition(it)).map(|it| own(it)));
    if files.is_empty() {
        files.extend(PROGRAMS.iter().filter(|it| shelf.own.iter().any(|own| own == *it)).map(|it| own(it)));
    }
    files
}

/// What is run before a phase, below the testing directory.
#[must_use]
pub fn before(phase: Phase) -> String {
    format!("{DEFINITIONS}/before_{phase}.apb")
}

fn is_definition(name: &str) -> bool {
    ENDINGS.iter().any(|it| name.ends_with(it))
}

/// The package with the longest name that a file's name begins with.
fn owner<'a>(file: &str, known: &[&'a PackageName]) -> Option<&'a PackageName> {
    let begins = |package: &PackageName| {
        let rest = file.strip_prefix(package.as_str());
        rest.is_some_and(|it| it.starts_with(['_', '-']) || ENDINGS.contains(&it))
    };
    known.iter().copied().filter(|it| begins(it)).max_by_key(|it| it.as_str().len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn found(package: &str, shared: &[&str], own: &[&str]) -> Vec<String> {
        let names = |it: &[&str]| it.iter().map(|it| (*it).to_owned()).collect();
        let known: Vec<PackageName> =
            ["sge", "sge-extra", "torque", "c3"].iter().map(|it| it.parse().unwrap()).collect();
        let known: Vec<&PackageName> = known.iter().collect();
        of_package(&package.parse().unwrap(), &known, &Shelf { shared: names(shared), own: names(own) })
    }

    #[test]
    fn the_validation_is_all_that_counts() {
        let files = ["torque_config.apb", "torque_validate.apb"];
        assert_eq!(found("torque", &files, &["x.apt"]), ["apitests.d/torque_validate.apb"]);
        assert_eq!(found("torque", &files[..1], &files[1..]), ["data/torque/torque_validate.apb"]);
    }

    #[test]
    fn otherwise_all_definitions_of_the_package() {
        let shared = [
            "c3.apt",
            "c3po_x.apt",
            "sge-extra_up.apt",
            "sge-queue.apb",
            "sge_up.apt",
            "sge_up.txt",
            "sgeX.apt",
        ];
        assert_eq!(found("sge", &shared, &[]), ["apitests.d/sge-queue.apb", "apitests.d/sge_up.apt"]);
        assert_eq!(found("sge-extra", &shared, &[]), ["apitests.d/sge-extra_up.apt"]);
        assert_eq!(
            found("c3", &shared, &["README", "install.apb", "test_user"]),
            ["apitests.d/c3.apt", "data/c3/install.apb"]
        );
    }

    #[test]
    fn otherwise_the_programs() {
        let own = ["data.txt", "test_user", "test_root"];
        assert_eq!(found("c3", &["sge_up.apt"], &own), ["data/c3/test_root", "data/c3/test_user"]);
        assert_eq!(found("c3", &[], &own[..2]), ["data/c3/test_user"]);
        assert_eq!(found("c3", &[], &own[..1]), [""; 0]);
    }

    #[test]
    fn phases() {
        assert_eq!(before(Phase::BuildImage), "apitests.d/before_build_image.apb");
    }
}
