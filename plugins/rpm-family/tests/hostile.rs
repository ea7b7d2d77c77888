//! Whatever an OPKG says, RPM reads it as text: nothing is expanded, run or taken for a section.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use common::{generate_for, is_installed, query};
use opkg_sdk::model::{Part, ScriptTime};
use opkg_sdk::testing::{add_file, add_script, sample_opkg, sample_release, sample_target};
use proptest::prelude::*;

/// Free text in which what means something to RPM is frequent.
fn output_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("%".to_owned()),
        Just("%%".to_owned()),
        Just("\\".to_owned()),
        Just("%{".to_owned()),
        Just("}".to_owned()),
        Just("%(touch ran)".to_owned()),
        Just("%[1+".to_owned()),
        Just("%{lua:".to_owned()),
        Just(" %post ".to_owned()),
        Just(" %if ".to_owned()),
        Just(" %endif".to_owned()),
        Just(" %changelog ".to_owned()),
        Just(" %dnl ".to_owned()),
        Just("#".to_owned()),
        Just(" * ".to_owned()),
        Just("$(touch ran)".to_owned()),
        Just("'".to_owned()),
        Just("\"".to_owned()),
        "[a-zé \u{a0}\u{2028}]{1,9}",
    ];
    proptest::collection::vec(piece, 1..14).prop_map(|pieces| pieces.concat())
}

/// One line with something to see in it, as the host hands it over.
fn line() -> impl Strategy<Value = String> {
    output_text().prop_map(|text| format!("{text}.").split_whitespace().collect::<Vec<_>>().join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn text_comes_back(summary in line(), description in line(), item in line(), author in line(), script in output_text(), file in "[a-z %\\\\\"'*?$(){}\\[\\]#~;é-]{1,12}") {
        if !is_installed("rpmspec") {
            return Ok(());
        }
        let mut opkg = sample_opkg("hostile");
        opkg.summary = summary;
        opkg.description = vec![description.clone(), description];
        opkg.license = author.clone();
        opkg.groups = vec![author.clone()];
        opkg.authors[0].name = author.clone();
        opkg.history = vec![sample_release("1.0", 1_386_061_212, &[&item, &item])];
        opkg.history[0].changes[0].author = author;
        add_file(&mut opkg, Part::Api, &format!("doc/{file}"));
        add_script(&mut opkg, Part::Api, "scripts/api-pre-install", &["/bin/sh"], ScriptTime::PreInstall, Some(&script));
        add_script(&mut opkg, Part::Api, "scripts/api-post-install", &["/bin/sh"], ScriptTime::PostInstall, None);
        let output = generate_for(&opkg, &sample_target("rhel", Some("9"), None)).unwrap();

        let root = tempfile::tempdir().unwrap();
        let spec = root.path().join("a.spec");
        fs::write(&spec, &output.meta_files[0].contents).unwrap();
        let api = &output.packages[0];
        let ask = |format: &str| query(&["rpmspec", "-q", "--srpm"], &spec, format);
        prop_assert_eq!(ask("%{SUMMARY}"), &*api.summary);
        prop_assert_eq!(ask("%{DESCRIPTION}"), &*api.description);
        prop_assert_eq!(ask("%{LICENSE}|%{GROUP}|%{PACKAGER}"), format!("{}|{}|{}", api.license, api.section, api.maintainer));
        prop_assert_eq!(ask("[%{CHANGELOGNAME}\n%{CHANGELOGTEXT}\n]"), format!("{}\n{}\n", api.changelog[0].header, api.changelog[0].text));
        let binary = query(&["rpmspec", "-q", "--builtrpms"], &spec, "%{NAME}|%{PREIN}|%{POSTIN}|%|PREUN?{%{PREUN}}|\n\n");
        prop_assert!(binary.starts_with(&format!("opkg-hostile|{}|", api.scriptlets[1].body)), "{}", binary);
        prop_assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1, "something ran");
    }
}
