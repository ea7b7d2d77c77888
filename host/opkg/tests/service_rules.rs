//! `services`: what is read of it, and what is wrong with it.
#![allow(clippy::unwrap_used)]

mod support;

use std::fmt::Write;

use opkg::model::Enable;
use support::{Fixture, config_with, summarize_diagnostics};

fn fixture(rules: &str) -> Fixture {
    let services = format!("</serverDeps>\n{rules}");
    let units = "usr/lib/systemd/system";
    Fixture::with_config(config_with("</serverDeps>", &services))
        .with_file(&format!("files/client/{units}/site.service"), "[Install]\n")
        .with_file(&format!("files/client/{units}/site-once.service"), "")
        .with_file(&format!("files/server/{units}/tunnel@.service"), "[Install]\n")
        .with_file(&format!("files/server/{units}/plain@.service"), "")
        .with_link(&format!("files/server/{units}/alias.service"), "tunnel@.service")
}

#[test]
fn what_is_said_of_units() {
    let directory = fixture(
        r#"<services>
    <service name="site.service" enable="no" start="no" restart-on-upgrade="no"/>
    <service name="site-once.service" start="yes"/>
  </services>
  <services>
    <filters><dist>rhel</dist></filters>
    <service name="tunnel@one.service" enable="preset" start="yes"/>
    <service name="tunnel@.service" restart-on-upgrade="yes"/>
  </services>"#,
    );
    assert_eq!(directory.diagnostics(), [""; 0]);
    let opkg = directory.opkg();
    let read: Vec<_> = (opkg.service_rules.iter())
        .map(|it| (it.name.as_str(), it.enable, it.is_started, it.is_restarted, it.filter.dists.len()))
        .collect();
    assert_eq!(
        read,
        [
            ("site.service", Some(Enable::No), Some(false), Some(false), 0),
            ("site-once.service", None, Some(true), None, 0),
            ("tunnel@one.service", Some(Enable::Preset), Some(true), None, 1),
            ("tunnel@.service", None, None, Some(true), 1),
        ]
    );
}

#[test]
fn what_is_wrong_is_said_with_a_way_out() {
    let directory = fixture(
        r#"<services>
    <service enable="yes"/>
    <service name="site" enable="yes"/>
    <service name="a b.service" enable="yes"/>
    <service name="sites.service" enable="yes"/>
    <service name="other.timer" enable="yes"/>
    <service name="alias.service" enable="yes"/>
    <service name="tunel@one.service" enable="yes"/>
    <service name="site.service"/>
    <service name="site.service" enable="maybe" start="true" restart="no"/>
    <service name="site.service" enable="no" start="yes"/>
    <service name="site-once.service" enable="yes"/>
    <service name="tunnel@.service" start="yes"/>
    <service name="tunnel@one.service" restart-on-upgrade="no"/>
    <service name="plain@one.service" enable="preset"/>
    <unit/>
  </services>
  <services/>"#,
    );
    let loaded = directory.load();
    let mut told = String::new();
    for (found, place) in loaded.diagnostics.iter().zip(summarize_diagnostics(&loaded)) {
        writeln!(told, "{place}: {}\n    {}", found.message, found.help.as_deref().unwrap()).unwrap();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn config_xml_alone_names_no_missing_units() {
    let rules = r#"</serverDeps><services><service name="x.service" enable="no"/></services>"#;
    let directory = Fixture::with_config(config_with("</serverDeps>", rules));
    let loaded = opkg::load_config(directory.path(), &opkg::Settings::default());
    assert_eq!(summarize_diagnostics(&loaded), [""; 0]);
    assert_eq!(directory.diagnostics(), ["error service-unknown 22:41"]);
}
