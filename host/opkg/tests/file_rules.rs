//! `files`: which rules are about what, and what is wrong with them.
#![allow(clippy::unwrap_used)]

mod support;

use std::fmt::Write;

use opkg::model::{Configuration, Destination, Opkg, Part};
use support::{Fixture, config_with, summarize_diagnostics};

fn fixture(rules: &str) -> Fixture {
    let files = format!("</serverDeps>\n{rules}");
    Fixture::with_config(config_with("</serverDeps>", &files))
        .with_file("files/client/etc/probe/key", "")
        .with_file("files/client/etc/probe/deep/er", "")
        .with_link("files/client/etc/probe/link", "key")
        .with_file("files/client/etc/probe.conf", "")
        .with_file("files/server/etc/probe/served", "")
        .with_file("files/client/usr/lib/sysusers.d/probe.conf", "u probed -\ng probers -\n")
}

/// Paths with the rules about them.
fn rules_by_path(opkg: &Opkg) -> Vec<String> {
    let line = |destination: &Destination, rules: &[u32]| match destination {
        Destination::Path(path) if !rules.is_empty() => Some(format!("{path} {rules:?}")),
        _ => None,
    };
    let files = opkg.files.iter().filter_map(|file| line(&file.destination, &file.rules));
    let directories = opkg.directories.iter().filter_map(|it| line(&it.destination, &it.rules));
    files.chain(directories).collect()
}

#[test]
fn a_rule_is_about_a_path_or_all_that_is_below_it() {
    let directory = fixture(
        r#"<files>
    <file path="/etc/probe/" owner="probed" group="probers"/>
    <file path="/etc/probe" mode="2750"/>
  </files>
  <files>
    <filters><dist>rhel</dist></filters>
    <file path="/etc/probe/key" mode="0400" config="replace" ghost="no" capabilities="CAP_CHOWN+ep"/>
    <file path="/" owner="root"/>
  </files>"#,
    );
    assert_eq!(directory.diagnostics(), ["warning file-owner 24:17", "warning file-owner 24:17"]);
    let opkg = directory.opkg();
    assert_eq!(
        rules_by_path(&opkg),
        [
            "/etc/probe.conf [3]",
            "/etc/probe/deep/er [0, 3]",
            "/etc/probe/key [0, 2, 3]",
            "/etc/probe/link [0, 3]",
            "/usr/lib/sysusers.d/probe.conf [3]",
            "/etc/probe/served [0, 3]",
            "/etc/probe [0, 1, 3]",
            "/etc/probe [0, 1, 3]",
            "/etc/probe/deep [0, 3]",
        ]
    );
    let [tree, exact, key, _] = opkg.file_rules.as_slice() else { panic!("{:?}", opkg.file_rules) };
    assert_eq!((tree.owner.as_deref(), tree.group.as_deref()), (Some("probed"), Some("probers")));
    assert_eq!((exact.mode, exact.directory_mode()), (Some(0o2750), Some(0o2750)));
    assert_eq!(key.configuration, Some(Configuration::Replace));
    assert_eq!((key.is_ghost, key.capabilities.as_deref()), (Some(false), Some("cap_chown=ep")));
    assert_eq!(key.filter.dists[0].id, "rhel");
}

#[test]
fn whoever_may_read_directories_of_a_tree_may_enter_them() {
    for (written, files, directories) in
        [("0640", 0o640, 0o750), ("4755", 0o4755, 0o755), ("600", 0o600, 0o700)]
    {
        let opkg = fixture(&format!("<files><file path=\"/etc/probe/\" mode=\"{written}\"/></files>")).opkg();
        let rule = &opkg.file_rules[0];
        assert_eq!((rule.mode, rule.directory_mode()), (Some(files), Some(directories)), "{written}");
    }
}

#[test]
fn what_is_wrong_is_said_with_a_way_out() {
    let directory = fixture(
        r#"<files>
    <file/>
    <file path="/etc/probe/key"/>
    <file path="etc/probe/key" owner="root"/>
    <file path="/etc/../probe" owner="root"/>
    <file path="/etc/probe/keys" owner="root"/>
    <file path="/etc/probe.conf/" owner="nobody" group="adm"/>
    <file path="/usr/lib/oscar/packages/probe/" mode="0600"/>
    <file path="/etc" mode="0755"/>
    <file path="/etc/probe" config="keep" ghost="yes" capabilities="cap_chown=p"/>
    <file path="/etc/probe/link" mode="0600"/>
    <file path="/etc/probe/key" owner="0" group="a b" mode="888" config="keeep" ghost="true" capabilities="chown"/>
    <file path="/etc/probe/key" mode="0666" user="root"/>
    <glob/>
  </files>
  <files/>"#,
    );
    let loaded = directory.load();
    let mut told = String::new();
    for (found, place) in loaded.diagnostics.iter().zip(summarize_diagnostics(&loaded)) {
        writeln!(told, "{place}: {}\n    {}", found.message, found.help.as_deref().unwrap()).unwrap();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn config_xml_alone_names_no_missing_files() {
    let config =
        config_with("</serverDeps>", "</serverDeps><files><file path=\"/etc/x\" owner=\"root\"/></files>");
    let directory = Fixture::with_config(config);
    let loaded = opkg::load_config(directory.path(), &opkg::Settings::default());
    assert_eq!(summarize_diagnostics(&loaded), [""; 0]);
    assert_eq!(directory.diagnostics(), ["error file-rule-unused 22:35"]);
    assert!(loaded.opkg.unwrap().files.is_empty());
}

#[test]
fn directories_that_are_closed_in_the_source_stay_so() {
    let rules = "<files>\n    <file path=\"/etc/probe/deep\" mode=\"0711\"/>\n  </files>";
    let directory = fixture(rules)
        .with_file("files/client/etc/probe/private/key", "")
        .with_mode("files/client/etc/probe", 0o2775)
        .with_mode("files/client/etc/probe/deep", 0o700)
        .with_mode("files/client/etc/probe/private", 0o500)
        .with_mode("files/server/etc/probe", 0o750)
        .with_mode("files/client/etc", 0o700)
        .with_file("doc/a/b", "")
        .with_mode("doc/a", 0o700);
    let opkg = directory.opkg();
    let mode = |of: &opkg::model::Directory| {
        let rules = of.rules.iter().map(|rule| &opkg.file_rules[*rule as usize]);
        rules.filter_map(opkg::model::FileRule::directory_mode).next_back()
    };
    let modes: Vec<_> =
        opkg.directories.iter().filter_map(|it| Some((it.part, it.destination.clone(), mode(it)?))).collect();
    let at = |path: &str| Destination::Path(path.into());
    assert_eq!(
        modes,
        [
            (Part::Server, at("/etc/probe"), 0o750),
            (Part::Client, at("/etc/probe/deep"), 0o711),
            (Part::Client, at("/etc/probe/private"), 0o700),
        ]
    );
}
