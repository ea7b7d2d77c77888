//! `triggers`: what is read of them, and what is wrong with them.
#![allow(clippy::unwrap_used)]

mod support;

use opkg::model::{Part, ScriptTime};
use support::{Fixture, config_with};

fn fixture(triggers: &str, scripts: &[&str]) -> Fixture {
    let elements = format!("</serverDeps>\n<triggers>{triggers}</triggers>");
    scripts.iter().fold(Fixture::with_config(config_with("</serverDeps>", &elements)), |directory, name| {
        directory.with_file(&format!("scripts/{name}"), "#!/bin/sh\n")
    })
}

#[test]
fn all_of_it_is_read() {
    let directory = fixture(
        r#"<filters><dist>debian</dist></filters>
    <trigger path="/usr/share/modulefiles" part="client"/>
    <trigger path="/etc/site.d"/>"#,
        &["client-triggered", "server-triggered"],
    );
    assert_eq!(directory.diagnostics(), [""; 0]);
    let opkg = directory.opkg();
    let read: Vec<_> = opkg.triggers.iter().map(|it| (it.path.as_str(), it.part)).collect();
    assert_eq!(read, [("/usr/share/modulefiles", Some(Part::Client)), ("/etc/site.d", None)]);
    assert!(opkg.triggers.iter().all(|it| it.filter.dists[0].id == "debian"));
    let script = opkg.files.iter().find(|file| file.path == "scripts/client-triggered").unwrap();
    let scriptlet = script.scriptlet.as_ref().unwrap();
    assert_eq!((script.part, scriptlet.time, &scriptlet.text), (Part::Client, ScriptTime::Triggered, &None));
}

#[test]
fn what_cannot_be_is_an_error_at_its_place() {
    for (element, expected) in [
        (r#"<trigger part="client"/>"#, &["error trigger 23:11"][..]),
        (r#"<trigger path="/"/>"#, &["error trigger 23:26"]),
        (r#"<trigger path=""/>"#, &["error trigger 23:20"]),
        (r#"<trigger path="etc/site.d"/>"#, &["error trigger 23:26"]),
        (r#"<trigger path="/etc/site.d/"/>"#, &["error trigger 23:26"]),
        (r#"<trigger path="/etc/../x"/>"#, &["error trigger 23:26"]),
        (r#"<trigger path="/etc//x"/>"#, &["error trigger 23:26"]),
        (r#"<trigger path="/etc/a b"/>"#, &["error trigger 23:26"]),
        (r#"<trigger path="/etc/a,b"/>"#, &["error trigger 23:26"]),
        (r#"<trigger path="/etc/$(id)"/>"#, &["error trigger 23:26"]),
        (r#"<trigger path="/etc/%{x}"/>"#, &["error trigger 23:26"]),
    ] {
        let found = fixture(element, &["client-triggered"]).diagnostics();
        let errors: Vec<&String> = found.iter().filter(|line| line.starts_with("error")).collect();
        assert_eq!(errors, expected, "{element}");
    }
    let odd = r#"<trigger path="/etc/site.d" part="clients"/>"#;
    assert_eq!(fixture(odd, &["client-triggered"]).diagnostics(), ["error trigger 23:45"]);
}

/// What is for other distributions is none of it.
#[test]
fn a_second_one_is_told() {
    let first = r#"<trigger path="/etc/site.d"/>"#;
    let second = r#"<trigger path="/etc/site.d" part="client"/>"#;
    let scripts = ["client-triggered"];
    let twice = fixture(&format!("{first}\n{second}"), &scripts);
    assert_eq!(twice.diagnostics(), ["warning trigger 24:1"]);
    let elsewhere = format!("{first}</triggers><triggers><filters><dist>suse</dist></filters>{second}");
    assert_eq!(fixture(&elsewhere, &scripts).diagnostics(), [""; 0]);
}

#[test]
fn triggers_and_scripts_belong_together() {
    let of = |part: &str| format!(r#"<trigger path="/etc/site.d"{part}/>"#);
    let client = of(r#" part="client""#);
    assert_eq!(fixture(&client, &[]).diagnostics(), ["error trigger-script 23:26"]);
    assert_eq!(fixture(&of(""), &[]).diagnostics(), ["error trigger-script 23:26"]);
    assert_eq!(
        fixture(&client, &["client-triggered", "server-triggered"]).diagnostics(),
        ["warning trigger-script scripts/server-triggered"]
    );
    let alone = Fixture::new().with_file("scripts/api-triggered", "#!/bin/sh\n");
    assert_eq!(alone.diagnostics(), ["warning trigger-script scripts/api-triggered"]);
}
