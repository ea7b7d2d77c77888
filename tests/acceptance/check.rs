//! `opkgc check` on real OPKGs: what it finds is there to be found.

use opkg_tests::opkgc::Opkgc;
use opkg_tests::{corpus, layout, parallel, scratch};

/// Everything that it may find in the corpus: package, severity, rule, line of `config.xml` if it is there.
/// Each has been looked up.
const JUSTIFIED: &[(&str, &str, &str)] = &[];

#[test]
fn findings_in_the_corpus_are_justified() {
    let found = parallel::map(&corpus::samples(), |sample| {
        let checked = Opkgc::new().check(&sample.lay());
        assert_eq!(checked.code, Some(0), "{}: {checked:#?}", sample.name);
        let unknown = checked.findings.into_iter().filter(|finding| {
            !JUSTIFIED.contains(&(sample.name.as_str(), finding.severity.as_str(), finding.code.as_str()))
        });
        unknown.map(|finding| format!("{}: {finding:?}", sample.name)).collect::<Vec<_>>()
    });
    let found: Vec<String> = found.into_iter().flatten().collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn warnings_can_be_denied() {
    let directory = scratch::directory("warning").join("warned");
    let config = layout::config("warned", "<unknown/>");
    layout::write(&directory, &[layout::Item::file("config.xml", 0o644, config)]);
    let path = directory.to_str().unwrap();
    assert_eq!(Opkgc::new().run(["check", path]).code, Some(0));
    assert_eq!(Opkgc::new().run(["check", "--deny", "warnings", path]).code, Some(1));
    let output = scratch::directory("denied");
    let build = ["--dist", "rhel", "--source", "--deny", "warnings", "-o", output.to_str().unwrap(), path];
    assert_eq!(Opkgc::new().run(build).code, Some(1));
    assert!(layout::read(&output).is_empty());
}
