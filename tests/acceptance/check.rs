//! `opkgc check` on real OPKGs: what it finds is there to be found.

use std::collections::BTreeSet;
use std::path::Path;

use opkg_tests::expect::Config;
use opkg_tests::opkgc::{Diagnostic, OpkgcEnvironment};
use opkg_tests::{corpus, file_tree, parallel, scratch};

/// What it finds in the corpus, each looked up: package, severity, rule, file, line.
const JUSTIFIED: [(&str, &str, &str, &str, Option<usize>); 20] = [
    // A name that any other package may choose as well.
    ("blcr", "note", "test-shared-name", "testing/tests.d/foo.sh", None),
    // Two entries for one release; an epoch that went away again.
    ("ganglia", "note", "changelog-version-twice", "config.xml", Some(150)),
    ("ganglia", "note", "changelog-version-order", "config.xml", Some(241)),
    ("ganglia", "note", "test-shared-name", "testing/apitests.d/check_ganglia_nodes.apt", None),
    ("ganglia", "note", "test-shared-name", "testing/tests.d/check_ganglia_nodes.pl", None),
    // Names with `_`.
    ("mpich", "note", "debian", "config.xml", Some(27)),
    ("mpich", "note", "debian", "config.xml", Some(28)),
    ("mpich", "note", "debian", "config.xml", Some(46)),
    ("mpich", "note", "debian", "config.xml", Some(47)),
    // No batch has it.
    ("munge", "warning", "test-never-run", "testing/apitests.d/munge_config.apb", None),
    // Includes what another package has.
    ("munge", "note", "test-definition", "testing/apitests.d/munge_validate.apb", None),
    // A recipe of the build system of its time, which the format does not know.
    ("sge", "warning", "not-packaged", "build.cfg", None),
    // There is another form of that name at the top, and both would be installed at one place.
    ("slurm", "warning", "file-shadowed", "scripts/configurator.html", None),
    ("slurm", "note", "test-definition", "testing/apitests.d/slurm_validate.apb", None),
    ("slurm", "note", "test-shared-name", "testing/tests.d/check_slurm_nodes.pl", None),
    ("slurm", "note", "debian", "config.xml", Some(34)),
    ("slurm", "note", "debian", "config.xml", Some(54)),
    // `2014-07-1TT18:59:47+02:00`, in an old entry.
    ("torque", "warning", "changelog-date", "config.xml", Some(90)),
    ("torque", "note", "changelog-version-order", "config.xml", Some(196)),
    ("torque", "note", "test-definition", "testing/apitests.d/torque_validate.apb", None),
];

#[test]
fn findings_in_the_corpus_are_justified() {
    parallel::map(&corpus::samples(), |sample| {
        let directory = sample.write_to_scratch();
        let checked = OpkgcEnvironment::new().check(&directory);
        assert_eq!(checked.code, Some(0), "{}: {checked:#?}", sample.name);
        let (strangers, others): (Vec<_>, Vec<_>) =
            checked.diagnostics.iter().partition(|finding| finding.code == "changelog-author");
        // An author of an entry who is not among the authors, noted once for each.
        let config = Config::read(&directory);
        let names: BTreeSet<&str> = config.changes.iter().map(|change| change.author.as_str()).collect();
        let unknown = names.iter().filter(|name| config.email(name).is_none()).count();
        assert_eq!(strangers.len(), unknown, "{}: {strangers:#?}", sample.name);
        assert!(strangers.iter().all(|finding| finding.severity == "note"));

        // Definitions of tests of which only the names are known are no definitions.
        let is_of_stub = |it: &Diagnostic| {
            ["test-definition", "test-never-run"].contains(&it.code.as_str())
                && !sample.has_contents(Path::new(&it.file).strip_prefix(&directory).unwrap())
        };
        let others: Vec<_> = others
            .iter()
            .filter(|it| !is_of_stub(it))
            .map(|it| {
                let file = it.file.strip_prefix(directory.to_str().unwrap()).unwrap().trim_start_matches('/');
                (sample.name.as_str(), it.severity.as_str(), it.code.as_str(), file, it.line)
            })
            .collect();
        let justified: Vec<_> = JUSTIFIED.into_iter().filter(|it| it.0 == sample.name).collect();
        assert_eq!(others, justified);
    });
}

#[test]
fn warnings_can_be_denied() {
    let directory = scratch::create_directory("warning").join("warned");
    let config = file_tree::minimal_config("warned", "<unknown/>");
    file_tree::write_tree(&directory, &[file_tree::TreeEntry::file("config.xml", 0o644, config)]);
    let path = directory.to_str().unwrap();
    assert_eq!(OpkgcEnvironment::new().run(["check", path]).code, Some(0));
    assert_eq!(OpkgcEnvironment::new().run(["check", "--deny", "warnings", path]).code, Some(1));
    let output = scratch::create_directory("denied");
    let build = ["--dist", "rhel", "--source", "--deny", "warnings", "-o", output.to_str().unwrap(), path];
    assert_eq!(OpkgcEnvironment::new().run(build).code, Some(1));
    assert!(file_tree::read_tree(&output).is_empty());
}
