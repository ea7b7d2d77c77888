//! The page that says what each rule is about.

use std::fmt::Write as _;

use crate::checks::GROUPS;

/// `docs/plugin-conformance.md`, made of the rules.
#[must_use]
pub fn render_page() -> String {
    let mut page = String::from(INTRODUCTION);
    for group in GROUPS {
        // Writing to a string cannot fail.
        let _ = write!(page, "\n## {}\n", group.title);
        for rule in group.rules {
            let _ = write!(
                page,
                "\n### {}\n\n{}\n\n{}\n\nWhat to do: {}\n",
                rule.name,
                rule.sentence,
                wrap(rule.reason),
                wrap(rule.advice)
            );
        }
    }
    page
}

const INTRODUCTION: &str = "\
# What a distribution plugin has to hold

`opkgc plugin test FILE` runs a plugin against OPKGs that use all of the format: relations of each kind, filters, scripts of
each time, files of each sort, units, users, alternatives, triggers, and text full of signs. It makes them itself, with
filters on what the plugin describes, and compiles them for each release and architecture. The rules below hold for any
distribution; none of them knows one. A rule that fails says for which OPKG, for which target, what was found, and what to do.

[Testing](plugins/testing.md) says how to run it, and how to add examples of your own; [the pages for authors](plugins.md), how
to do what the rules ask for.

This page is made from the rules, by `cargo run --package opkgc-cli --example reference`.
";

fn wrap(text: &str) -> String {
    const WIDTH: usize = 120;
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}
