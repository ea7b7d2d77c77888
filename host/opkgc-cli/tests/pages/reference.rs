//! The reference of `config.xml`: it is what the schema says, its examples are right, and troff can read it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::blocks::{Block, read_blocks};
use crate::sandbox::Sandbox;
use opkg::Settings;
use opkgc_cli::reference;

const PAGE: &str = "../../docs/config.xml.md";

#[test]
fn the_page_is_what_the_schema_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let is_written = fs_err::read_to_string(page).unwrap() == reference::markdown().unwrap();
    assert!(is_written, "`cargo run --package opkgc-cli --example reference` writes it anew");
}

#[test]
fn links_within_the_page_lead_to_its_headings() {
    let page = reference::markdown().unwrap();
    let heading = |line: &str| {
        let title = line.strip_prefix("## ")?.to_lowercase().replace(' ', "-");
        Some(title.replace(['`', ','], ""))
    };
    let headings: Vec<String> = page.lines().filter_map(heading).collect();
    let links: Vec<&str> = page.split("](#").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
    assert!(links.len() > 30);
    for link in links {
        assert_eq!(headings.iter().filter(|heading| *heading == link).count(), 1, "{link}");
    }
}

/// Nothing is to be said of the examples, whatever the target.
#[test]
fn the_examples_are_right() {
    let blocks = read_blocks(&reference::markdown().unwrap());
    assert!(blocks.len() > 20);
    for block in blocks {
        let sandbox = Sandbox::new();
        match &block {
            Block::Elements(elements) => {
                sandbox.write_config(elements);
                let values = |attribute: &str| -> Vec<String> {
                    let rest = elements.split(attribute).skip(1);
                    rest.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
                };
                for unit in values("<service name=\"") {
                    sandbox.write(&format!("files/client/usr/lib/systemd/system/{unit}"), "[Install]\n");
                }
                // What is installed there may be anything.
                for path in values("path=\"").into_iter().filter(|path| path.starts_with('/')) {
                    let path = if path.ends_with('/') { format!("{path}file") } else { path };
                    sandbox.write(&format!("files/client{path}"), "");
                }
                if elements.contains("<trigger ") {
                    sandbox.write("scripts/client-triggered", "#!/bin/sh\n");
                }
            }
            Block::File(path, text) => sandbox.write(path, text),
            Block::Commands(commands) => panic!("what should be done with {commands:?}?"),
        }
        let loaded = opkg::load(&sandbox.directory(), &Settings::default());
        assert_eq!(loaded.diagnostics, [], "{block:?}");
    }
}

#[test]
fn troff_has_nothing_against_the_man_page() {
    let page = reference::man_page().unwrap();
    assert!(page.is_ascii() && page.lines().all(|line| line.len() < 1000));
    for (program, arguments) in [("groff", &["-man", "-ww", "-z"][..]), ("mandoc", &["-Tlint", "-Wwarning"])]
    {
        let Ok(mut process) = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
        else {
            eprintln!("skipped: {program} is not installed");
            continue;
        };
        process.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
        let output = process.wait_with_output().unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{program}: {said}");
    }
}

/// What somebody reads who looks an element up.
#[test]
fn an_element_is_shown_with_all_that_is_known_of_it() {
    let page = reference::markdown().unwrap();
    let (_, element) = page.split_once("## `pkg` in").unwrap();
    let (_, scripts) = page.split_once("## Arguments of scripts").unwrap();
    let element = element.split("\n## ").next().unwrap();
    insta::assert_snapshot!(format!("## `pkg` in{element}\n## Arguments of scripts{scripts}"));
}
