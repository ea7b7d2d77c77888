//! Which files are the tests of a package, or of a phase of a cluster.

use crate::paths::{DATA_DIR, DEFINITIONS_DIR};

/// Endings of definitions: of one test, and of several.
const DEFINITION_EXTENSIONS: [&str; 2] = [".apt", ".apb"];

/// Programs that are tests by themselves, in the order in which they run.
const TEST_PROGRAMS: [&str; 2] = ["test_root", "test_user"];

/// Names of files in the testing directory, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TestFiles {
    /// Those of [`DEFINITIONS_DIR`], where the files of all packages lie.
    pub shared: Vec<String>,
    /// Those of the package's own directory in [`DATA_DIR`].
    pub own: Vec<String>,
}

/// What is run to test a package, below the testing directory: `<p>_validate.apb`; where there is none, all its
/// definitions; where there are none, `test_root` and `test_user`. Nothing where it brings no tests.
///
/// In its own directory everything is the package's. In the one that all share, what begins with its name and `_` or
/// `-` is, unless the name of another of `known` fits better.
#[must_use]
pub fn find_package_tests(package: &str, known: &[&str], installed: &TestFiles) -> Vec<String> {
    let own = |name: &str| format!("{DATA_DIR}/{package}/{name}");
    let shared = |name: &str| format!("{DEFINITIONS_DIR}/{name}");
    let all = format!("{package}_validate.apb");
    if installed.shared.contains(&all) {
        return vec![shared(&all)];
    }
    if installed.own.contains(&all) {
        return vec![own(&all)];
    }
    let theirs =
        installed.shared.iter().filter(|file| is_definition(file) && owner(file, known) == Some(package));
    let mut files: Vec<String> = theirs.map(|file| shared(file)).collect();
    files.extend(installed.own.iter().filter(|file| is_definition(file)).map(|file| own(file)));
    if files.is_empty() {
        files.extend(
            TEST_PROGRAMS
                .iter()
                .filter(|program| installed.own.iter().any(|file| file == *program))
                .map(|program| own(program)),
        );
    }
    files
}

/// What is run before a phase, below the testing directory.
#[must_use]
pub fn phase_test_file(phase: &str) -> String {
    format!("{DEFINITIONS_DIR}/before_{phase}.apb")
}

/// Whether a file of this name defines tests.
#[must_use]
pub fn is_definition(name: &str) -> bool {
    DEFINITION_EXTENSIONS.iter().any(|extension| name.ends_with(extension))
}

/// The package with the longest name that a file's name begins with.
fn owner<'a>(file: &str, known: &[&'a str]) -> Option<&'a str> {
    let begins = |package: &str| {
        let rest = file.strip_prefix(package);
        rest.is_some_and(|rest| rest.starts_with(['_', '-']) || DEFINITION_EXTENSIONS.contains(&rest))
    };
    known.iter().copied().filter(|package| begins(package)).max_by_key(|package| package.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find_names(package: &str, shared: &[&str], own: &[&str]) -> Vec<String> {
        let names = |it: &[&str]| it.iter().map(|it| (*it).to_owned()).collect();
        let known = ["sge", "sge-extra", "torque", "c3"];
        find_package_tests(package, &known, &TestFiles { shared: names(shared), own: names(own) })
    }

    #[test]
    fn the_validation_is_all_that_counts() {
        let files = ["torque_config.apb", "torque_validate.apb"];
        assert_eq!(find_names("torque", &files, &["x.apt"]), ["apitests.d/torque_validate.apb"]);
        assert_eq!(find_names("torque", &files[..1], &files[1..]), ["data/torque/torque_validate.apb"]);
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
        assert_eq!(find_names("sge", &shared, &[]), ["apitests.d/sge-queue.apb", "apitests.d/sge_up.apt"]);
        assert_eq!(find_names("sge-extra", &shared, &[]), ["apitests.d/sge-extra_up.apt"]);
        assert_eq!(
            find_names("c3", &shared, &["README", "install.apb", "test_user"]),
            ["apitests.d/c3.apt", "data/c3/install.apb"]
        );
    }

    #[test]
    fn otherwise_the_programs() {
        let own = ["data.txt", "test_user", "test_root"];
        assert_eq!(find_names("c3", &["sge_up.apt"], &own), ["data/c3/test_root", "data/c3/test_user"]);
        assert_eq!(find_names("c3", &[], &own[..2]), ["data/c3/test_user"]);
        assert_eq!(find_names("c3", &[], &own[..1]), [""; 0]);
    }

    #[test]
    fn phases() {
        assert_eq!(phase_test_file("build_image"), "apitests.d/before_build_image.apb");
    }
}
