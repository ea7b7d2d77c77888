//! Requests and configuration as a document, and back.

use crate::common;
use crate::common::state_key;
use crate::common::{Backend, on_both};
use opkg_oda::{
    Change, Cluster, ConfigValue, ConfigValues, PackageId, Stage, TargetId, TargetKind, ValueOrigin, export,
    import,
};
use proptest::prelude::*;

on_both! {
    what_it_looks_like,
    there_and_back_is_the_same,
    what_was_handed_over_stays_so,
    what_is_wrong_and_where,
    a_package_that_waits_for_answers_goes_on_when_they_come,
    secrets_are_left_out_and_stay_what_they_are,
}

fn value(name: &str, value: &str) -> ConfigValue {
    ConfigValue { name: name.into(), value: value.into(), origin: ValueOrigin::AnswerFile }
}

/// Committed to a new database, and what a document of that says.
fn commit_and_export(backend: Backend, changes: &[Change]) -> String {
    let scratch = backend.scratch();
    let mut store = scratch.create();
    store.commit(changes).unwrap();
    let cluster = store.load().unwrap();
    export::export(&cluster, &store.all_values().unwrap(), &|_| false)
}

fn example() -> Vec<Change> {
    let mut changes = common::sample_cluster();
    changes.extend([
        Change::PutTarget(common::target(9, TargetKind::Client)),
        Change::Request { key: state_key(1, 1), stage: Stage::Finished, requested_at: 3 },
        Change::Request { key: state_key(3, 1), stage: Stage::Finished, requested_at: 3 },
        Change::Request { key: state_key(2, 2), stage: Stage::ShouldNotBeInstalled, requested_at: 3 },
        Change::Assign { package: PackageId(1), client: TargetId(3), handed_over_at: Some(7) },
        Change::SetValues {
            package: PackageId(1),
            image: None,
            values: vec![value("b", "1"), value("a", "\n\"\\")],
            expected: None,
        },
        Change::SetValues {
            package: PackageId(1),
            image: Some(TargetId(2)),
            values: vec![value("a", "")],
            expected: None,
        },
        Change::SetPhase(opkg_oda::Phase::BuildImage),
    ]);
    changes
}

fn what_it_looks_like(backend: Backend) {
    insta::assert_snapshot!("document", commit_and_export(backend, &example()));
}

fn there_and_back_is_the_same(backend: Backend) {
    let text = commit_and_export(backend, &example());
    let changes = import(&text, &Cluster::default(), &ConfigValues::new(), 5).unwrap();
    assert_eq!(commit_and_export(backend, &changes), text);
    // Where everything is so already only the values are written, for those are not known.
    let mut cluster = Cluster::default();
    changes.iter().for_each(|it| cluster.apply(it));
    let again = import(&text, &cluster, &ConfigValues::new(), 6).unwrap();
    assert!(again.iter().all(|it| matches!(it, Change::SetValues { .. })), "{again:?}");
}

fn what_was_handed_over_stays_so(backend: Backend) {
    let mut cluster = Cluster::default();
    example().iter().for_each(|it| cluster.apply(it));
    for change in import(&commit_and_export(backend, &example()), &cluster, &ConfigValues::new(), 6).unwrap()
    {
        cluster.apply(&change);
    }
    assert_eq!(cluster.assignment(state_key(3, 1)), Some(Some(7)));
}

fn what_is_wrong_and_where(_backend: Backend) {
    let head = "[[target]]\nname = \"server:head\"\n\n[[package]]\nname = \"sge\"\n";
    let cases = [
        ("phase = \"build\"", "line 1, `phase`: `build` is not a valid phase, expected setup-wizard, "),
        ("phase = 3", "line 1: invalid type: integer `3`, expected a string"),
        ("phase =\n", "line 1: "),
        ("[[target]]\nname = \"node1\"", "line 2, `target.name`: `node1` is not a valid target, expected "),
        ("[[target]]\nname = \"client:a\"\nrot = \"/\"", "line 3: unknown field `rot`"),
        (
            "[[target]]\nname = \"client:a\"\nroot = \"a\"",
            "line 3, `target.root`: expected the absolute path",
        ),
        (
            "[[target]]\nname = \"client:a\"\nimage = \"b\"",
            "line 3, `target.image`: there is no target image:b",
        ),
        ("[[target]]\nname = \"image:a\"\nimage = \"a\"", "line 3, `target.image`: only clients are cloned"),
        (
            "[[target]]\nname=\"image:a\"\n[[target]]\nname=\"image:a\"",
            "line 4, `target.name`: the target image:a is listed twice",
        ),
        (
            "[[package]]\nname = \"a b\"",
            "line 2, `package.name`: `a b` is not a valid name of a package, expected ",
        ),
        ("[[package]]\nname = \"a\"\nneeds = [\n  \"b\"]", "line 4, `package.needs`: there is no package b"),
        (
            "[[package]]\nname = \"a\"\nneeds = [\"a\"]",
            "line 3, `package.needs`: a package cannot need itself",
        ),
        (
            "[[package]]\nname = \"a\"\nneeds = [\"sge\",\n  \"sge\"]",
            "line 4, `package.needs`: is listed twice",
        ),
        (
            "[[package]]\nname = \"a\"\nclass = \"x\"",
            "line 3, `package.class`: `x` is not a valid class of packages, expected ",
        ),
        (
            "[[request]]\npackage = \"sge\"\nstage = \"9\"\non = []",
            "line 3, `request.stage`: `9` is not a valid stage, expected ",
        ),
        ("[[request]]\npackage = \"sge\"\nstage = \"8\"", "line 1: missing field `on`"),
        (
            "[[request]]\npackage = \"sge\"\nstage = \"8\"\non = [\"server:head\", \"server:head\"]",
            "line 4, `request.on`: sge on server:head is listed twice",
        ),
        (
            "[[assignment]]\npackage = \"sge\"\nclients = [\"head\"]",
            "line 3, `assignment.clients`: there is no target client:head",
        ),
        (
            "[[value]]\npackage = \"sge\"\nname = \"\"\nvalue = \"\"",
            "line 3, `value.name`: is not a valid field name",
        ),
        (
            "[[value]]\npackage = \"sge\"\nname = \"a\"\nvalue = \"\\u0000\"",
            "line 4, `value.value`: a value cannot",
        ),
    ];
    let mut cluster = Cluster::default();
    import(head, &cluster, &ConfigValues::new(), 1).unwrap().iter().for_each(|it| cluster.apply(it));
    for (text, expected) in cases {
        let error = import(text, &cluster, &ConfigValues::new(), 1).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{text}\n{error}");
    }
}

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![any::<char>(), prop::sample::select(vec!['\n', '"', '\\', '\t', '\u{7f}'])],
        0..9,
    )
    .prop_map(|it| it.into_iter().filter(|it| *it != '\0').collect())
}

fn a_package_that_waits_for_answers_goes_on_when_they_come(backend: Backend) {
    let text = commit_and_export(backend, &example());
    let mut cluster = Cluster::default();
    import(&text, &cluster, &ConfigValues::new(), 5).unwrap().iter().for_each(|it| cluster.apply(it));
    let waits = |cluster: &Cluster| cluster.packages.values().filter(|it| it.waiting_for.is_some()).count();
    for package in cluster.packages.values_mut() {
        package.waiting_for = Some("an answer".into());
    }
    let (all, answered) = (waits(&cluster), 1);
    import(&text, &cluster, &ConfigValues::new(), 6).unwrap().iter().for_each(|it| cluster.apply(it));
    assert_eq!(waits(&cluster), all - answered);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn any_values_come_back(
        values in proptest::collection::vec(("[^\\p{Cc}]{1,9}", text()), 0..6),
        version in proptest::option::of(text()),
    ) {
        let mut changes = example();
        let mut package = common::package(1, &[2]);
        package.version = version;
        changes.push(Change::PutPackage(package));
        let values: Vec<ConfigValue> = values.iter().map(|(name, it)| value(name, it)).collect();
        let (package, image) = (PackageId(1), Some(TargetId(2)));
        changes.push(Change::SetValues { package, image, values, expected: None });
        let text = commit_and_export(Backend::Sqlite, &changes);
        prop_assert_eq!(commit_and_export(Backend::Sqlite, &import(&text, &Cluster::default(), &ConfigValues::new(), 5).unwrap()), text);
    }

    #[test]
    fn no_text_makes_it_panic(text in ".*", at in any::<prop::sample::Index>(), byte in any::<char>()) {
        let _ = import(&text, &Cluster::default(), &ConfigValues::new(), 1);
        let mut letters: Vec<char> = commit_and_export(Backend::Sqlite, &example()).chars().collect();
        let at = at.index(letters.len());
        letters[at] = byte;
        let _ = import(&letters.into_iter().collect::<String>(), &Cluster::default(), &ConfigValues::new(), 1);
    }
}

fn secrets_are_left_out_and_stay_what_they_are(_backend: Backend) {
    let cluster = {
        let mut cluster = Cluster::default();
        example().iter().for_each(|change| cluster.apply(change));
        cluster
    };
    let known = vec![value("user", "torque"), value("password", "s3cret \"x\""), value("password", "second")];
    let values = ConfigValues::from([((PackageId(1), None), known.clone())]);
    let text = export::export(&cluster, &values, &|(_, _, name)| name == "password");
    assert!(!text.contains("s3cret") && !text.contains("second") && text.contains("secret = true"), "{text}");
    let set = |known: &ConfigValues| {
        let changes = import(&text, &cluster, known, 5).unwrap();
        changes.into_iter().find_map(|change| match change {
            Change::SetValues { values, .. } => Some(values),
            _ => None,
        })
    };
    assert_eq!(set(&values).unwrap(), known, "both of them");
    assert_eq!(set(&ConfigValues::new()).unwrap(), [value("user", "torque")]);
    let whole = export::export(&cluster, &values, &|_| false);
    assert!(whole.contains("s3cret") && !whole.contains("secret ="));
    let neither = text.replace("secret = true", "");
    assert!(import(&neither, &cluster, &values, 5).unwrap_err().to_string().contains("neither `value`"));
}
