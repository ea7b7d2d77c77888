//! The pages of `opkgc explain`: there is one for every code that the sources can give, and their examples do what the pages
//! say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::blocks::{Block, read_blocks};
use crate::sandbox::{Sandbox, ToolMissing};
use fs_err as fs;
use serde_json::Value;

/// Files that work out a code before they make a diagnostic of it, with all codes that can come of it.
const COMPUTED_CODES: [(&str, &[&str]); 2] = [
    ("opkg/src/config/changelog.rs", &["changelog-date-blank", "changelog-date-form"]),
    ("opkg/src/tree/shebang.rs", &["script-line-ends", "script-mark", "script-interpreter"]),
];

/// The arguments of constructors before the code.
const CONSTRUCTORS: [(&str, usize); 4] = [
    ("Diagnostic::error(", 0),
    ("Diagnostic::warning(", 0),
    ("Diagnostic::note(", 0),
    ("Diagnostic::new(", 1),
];

fn explained_codes() -> BTreeSet<String> {
    let list = Sandbox::new().run(&["opkgc", "explain", "--list", "--format", "json"]);
    let list: Vec<Value> = serde_json::from_str(&list).unwrap();
    list.iter().map(|page| page["code"].as_str().unwrap().to_owned()).collect()
}

fn page(code: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("explanations/{code}.md"));
    fs::read_to_string(page).unwrap()
}

#[test]
fn what_users_read() {
    let sandbox = Sandbox::new();
    let shown = [
        &["opkgc", "explain", "uri"][..],
        &["opkgc", "explain", "uri", "--format", "json"],
        &["opkgc", "explain", "changelog-dat"],
        &["opkgc", "explain", "debian"],
        &["opkgc", "explain"],
    ];
    let shown = shown.map(|words| format!("$ {}\n{}", words.join(" "), sandbox.run(words)));
    insta::assert_snapshot!(shown.join("\n"));
    insta::assert_snapshot!("list", sandbox.run(&["opkgc", "explain", "--list"]));
}

#[test]
fn every_code_of_the_sources_has_a_page_and_every_page_a_code() {
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut given = BTreeMap::new();
    for file in sources(&host) {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(&host).unwrap().to_string_lossy().into_owned();
        // What is in tests says nothing to anybody.
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        codes_of_source(&name, text).into_iter().for_each(|code| drop(given.insert(code, name.clone())));
    }
    let explained = explained_codes();
    given.retain(|code, _| !explained.contains(code));
    assert!(given.is_empty(), "codes without a page in explanations/: {given:?}");
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("explanations")).unwrap();
    let files = files.map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned());
    assert_eq!(files.collect::<BTreeSet<_>>(), explained, "files and the table differ");
}

/// All source files of the host's crates.
fn sources(host: &Path) -> Vec<PathBuf> {
    let crates = fs::read_dir(host).unwrap().map(|entry| entry.unwrap().path().join("src"));
    let mut open: Vec<PathBuf> = crates.filter(|source| source.is_dir()).collect();
    let mut found = Vec::new();
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                found.push(path);
            }
        }
    }
    found
}

fn codes_of_source(name: &str, text: &str) -> Vec<String> {
    let quoted = |text: &str| text.strip_prefix('"').map(|rest| rest.split('"').next().unwrap().to_owned());
    let computed = COMPUTED_CODES.iter().find(|(file, _)| *file == name).map_or(&[][..], |(_, codes)| codes);
    for code in computed {
        assert!(text.contains(&format!("\"{code}\"")), "{name} no longer has the code {code}");
    }
    let mut codes: Vec<String> = computed.iter().map(|code| (*code).to_owned()).collect();
    for (constructor, arguments_before) in CONSTRUCTORS {
        for (at, _) in text.match_indices(constructor) {
            let mut argument = &text[at + constructor.len()..];
            for _ in 0..arguments_before {
                // A call as the first argument has commas of its own; none has one within its parentheses.
                argument = argument.split_once(", ").unwrap().1;
            }
            let argument = argument.trim_start();
            let word: String =
                argument.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            let constant = || text.split_once(&format!("const {word}: &str = ")).map(|(_, rest)| rest);
            match quoted(argument).or_else(|| quoted(constant()?)) {
                Some(code) => codes.push(code),
                None => assert!(!computed.is_empty(), "{name}: which codes can `{word}` be?"),
            }
        }
    }
    codes
}

/// The example gives the code, what the page then says takes it away.
#[test]
fn the_examples_do_what_the_pages_say() {
    let codes: Vec<String> = explained_codes().into_iter().collect();
    let wrong = opkg_parallel::map(threads(), &codes, |code| check_page(code).err());
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn check_page(code: &str) -> Result<(), String> {
    let page = page(code);
    let (_, example) = page.split_once("\n## Example\n").unwrap();
    let (example, rest) = example.split_once("\n## Way out\n").unwrap();
    let (way_out, _) = rest.split_once("\n## Why\n").unwrap();
    let sandbox = Sandbox::new();
    for (section, is_given) in [(example, true), (way_out, false)] {
        let blocks = read_blocks(section);
        if blocks.is_empty() {
            return Err(format!("{code}: an example is missing"));
        }
        let said = match follow(&sandbox, &blocks) {
            Ok(said) => said,
            Err(ToolMissing(tool)) => {
                assert!(std::env::var_os("OPKG_REQUIRE_TOOLS").is_none(), "{tool} is not installed");
                eprintln!("{code} skipped: {tool} is not installed");
                return Ok(());
            }
        };
        if said.contains(&format!("[{code}]")) != is_given {
            let wanted = if is_given { "does not give the code" } else { "still gives the code" };
            return Err(format!("{code}: the example {wanted}:\n{said}"));
        }
    }
    Ok(())
}

/// Does what the blocks of a page say in the directory of an OPKG, and returns what `opkgc` says: where the page does not run
/// it itself, that the OPKG is checked.
fn follow(sandbox: &Sandbox, blocks: &[Block]) -> Result<String, ToolMissing> {
    let mut said = String::new();
    let mut is_checked = false;
    for block in blocks {
        match block {
            Block::Elements(elements) => sandbox.write_config(elements),
            Block::File(path, text) => sandbox.write(path, text),
            Block::Commands(commands) => {
                for command in commands {
                    let output = sandbox.shell(command)?;
                    if command.starts_with("opkgc ") {
                        is_checked = true;
                        said += &output;
                    }
                }
            }
        }
    }
    if !is_checked {
        said = sandbox.shell("opkgc check --dist=rhel .")?;
    }
    Ok(said)
}
