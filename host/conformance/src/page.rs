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

    opkgc plugin test mylinux.wasm
    opkgc plugin test mylinux.wasm --filter relations     the rules with this in their names
    opkgc plugin test --rules                             all rules, each with a line

## Examples of your own

What only your distribution knows, you say with examples: directories in `tests` beside the plugin, or where `--examples` says.

    tests/web-server/opkg/          an OPKG
    tests/web-server/target         one line: mylinux-9-x86_64
    tests/web-server/expected/      the meta-files that have to come of it

`--update` writes `expected/` anew; read the difference before you keep it. Where the plugin has to refuse the OPKG,
`expected/refused` has what it says, a line each.

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
