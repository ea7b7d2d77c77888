//! What people read: every message and its advice, over one thoroughly spoilt OPKG.

#![allow(clippy::unwrap_used)]

mod support;

use std::fmt::Write;

use opkg::diagnostic::Location;
use support::{Fixture, summarize_diagnostics};

const BROKEN_CONFIG: &str = r##"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE oscar SYSTEM "opkg.dtd">
<oscar flavour="sweet">
  <name>Spoilt_Package</name>
  <summary>A summary that goes on and on until nobody can remember how it began</summary>
  <class>thrid-party</class>
  <description/>
  <licence>GPL</licence>
  <license>GLP</license>
  <uri>example.org</uri>
  <authors>
    <author cat="owner">
      <name>Ada <b/></name>
      <email>ada at example.org</email>
      <beginYear>2020</beginYear>
      <endYear>2019</endYear>
    </author>
    <author>
      <name>Bob</name>
      <email>unknown@example.invalid</email>
    </author>
  </authors>
  <serverDeps>sensors
    <requires>
      <filters>
        <dist rel="about" version="5">fox</dist>
        <dist>Grey Fox</dist>
        <arch>x68_64</arch>
        <arch>noarch</arch>
      </filters>
      <pkg version=">=3.0">sensors</pkg>
      <pkg version="3.0">monitor</pkg>
      <pkg rel="&lt;">viewer</pkg>
      <pkg rel="&lt;" version=">2">reader</pkg>
      <pkg version="$(id)">writer</pkg>
      <pkg>one, two</pkg>
      <pkg/>
    </requires>
    <installs/>
    <suggests/>
  </serverDeps>
  <serverDeps/>
  <changelog>
    <versionEntry version="1.0">
      <changelogEntry authorName="Ada" date="2024-02-30T10:00:00Z" closes="#1 two">
        <item>Look &#x9b;31m twice.</item>
      </changelogEntry>
    </versionEntry>
    <versionEntry version="0.9-1">
      <changelogEntry authorName="Eve &lt;eve@example.org>" date="2024-01-01T 9:00:00Z"/>
      <changelogEntry date="yesterday">
        <item/>
      </changelogEntry>
      <changelogEntry authorName="Ada" date="2024-01-02T10:00:00Z">
        <item>Begin.</item>
      </changelogEntry>
    </versionEntry>
    <versionEntry/>
    <versionEntry version="0.8"/>
  </changelog>
</oscar>
"##;

#[test]
fn every_message_says_what_is_wrong_and_what_to_do() {
    let directory = Fixture::with_config(BROKEN_CONFIG)
        .with_file("scripts/api-pre-install", "true\n")
        .with_file("scripts/client-post-install", "#!perl\n")
        .with_file("scripts/client_post_install", "#!/bin/sh\n")
        .with_file("scripts/post_server_rpm_install", "#!/bin/sh\n")
        .with_file("scripts/server-post-install", "#!/bin/sh\r\n")
        .with_file("scripts/api-post-uninstall", "#!/bin/sh\n\0")
        .with_file("scripts/config.xml", "")
        .with_file("testing/x", "")
        .with_file("testing/data/x", "")
        .with_file("test/x", "")
        .with_link("scripts/a", "/etc/passwd")
        .with_link("scripts/b", "../../x")
        .with_link("scripts/c", "nothing")
        .with_link("scripts/d", "../README")
        .with_file("README", "")
        .with_file("scripts/tab\tbed", "")
        .with_file("scripts/root", "")
        .with_mode("scripts/root", 0o6755);
    let loaded = directory.load();
    let mut told = String::new();
    for (diagnostic, place) in loaded.diagnostics.iter().zip(summarize_diagnostics(&loaded)) {
        writeln!(told, "{place}: {}\n    {}", diagnostic.message, diagnostic.help.as_deref().unwrap())
            .unwrap();
        for (place, what) in &diagnostic.related {
            let place = match place {
                Location::Config(range) => opkg::line_column(BROKEN_CONFIG, range.start).0.to_string(),
                Location::File(path) => path.clone(),
            };
            writeln!(told, "    {place}: {what}").unwrap();
        }
    }
    insta::assert_snapshot!(told);
}
