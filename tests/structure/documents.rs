//! Links of the documentation to files and headings of this repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where documentation stands; of the examples only what is not built.
const PLACES: [&str; 5] = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs", "examples"];
const BUILT: [&str; 5] = ["target", "node_modules", "sdk", "bindings", ".venv"];

/// `FILE: LINK` for each link that leads nowhere.
pub fn broken_links(root: &Path) -> Vec<String> {
    let mut pages = Vec::new();
    for place in PLACES {
        collect_pages(&root.join(place), &mut pages);
    }
    let mut broken = Vec::new();
    for page in pages {
        for link in links(&fs::read_to_string(&page).unwrap()) {
            if !leads_somewhere(&page, &link) {
                broken.push(format!("{}: {link}", page.strip_prefix(root).unwrap().display()));
            }
        }
    }
    broken
}

fn collect_pages(path: &Path, pages: &mut Vec<PathBuf>) {
    if path.is_dir() {
        let mut entries: Vec<PathBuf> =
            fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for entry in entries.iter().filter(|entry| !BUILT.iter().any(|name| entry.ends_with(name))) {
            collect_pages(entry, pages);
        }
    } else if path.extension().is_some_and(|end| end == "md") {
        pages.push(path.to_owned());
    }
}

/// What stands in parentheses behind the text of a link, on lines that are no code.
fn links(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in page.lines().filter(|line| !line.starts_with("    ")) {
        for (at, _) in line.match_indices("](") {
            let rest = &line[at + 2..];
            found.extend(rest.split_once(')').map(|(link, _)| link.to_owned()));
        }
    }
    found
}

fn leads_somewhere(page: &Path, link: &str) -> bool {
    if link.contains("://") {
        return true;
    }
    let (path, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() { page.to_owned() } else { page.with_file_name("").join(path) };
    match fs::read_to_string(&target) {
        Ok(text) if !heading.is_empty() => anchors(&text).contains(heading),
        Ok(_) => true,
        Err(_) => heading.is_empty() && target.is_dir(),
    }
}

/// Of headings, as web pages of Markdown have them: words in small letters with `-` between them, without other signs; a further
/// one of the same name has a number.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for line in page.lines().filter(|line| line.starts_with('#')) {
        let heading = without_targets(line.trim_start_matches('#').trim()).to_lowercase();
        let is_kept = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ');
        let anchor = heading.chars().filter(is_kept).collect::<String>().replace(' ', "-");
        let further = (1..).map(|number| format!("{anchor}-{number}"));
        let free = std::iter::once(anchor.clone()).chain(further).find(|name| !anchors.contains(name));
        anchors.extend(free);
    }
    anchors
}

/// `[text](target)` as it is read: `text`.
fn without_targets(heading: &str) -> String {
    let mut text = heading.to_owned();
    while let Some(start) = text.find("](") {
        let end = text[start..].find(')').map_or(text.len(), |end| start + end + 1);
        text.replace_range(start..end, "");
    }
    text.replace('[', "")
}

#[test]
fn anchors_are_those_of_headings() {
    let page =
        "# A title\n## `name` in `oscar`\n### refusal\n### refusal\n### run(call: [call](#call)) → nothing\n";
    let expected = ["a-title", "name-in-oscar", "refusal", "refusal-1", "runcall-call--nothing"];
    assert_eq!(anchors(page), expected.map(str::to_owned).into());
    let page = Path::new("/nowhere/page.md");
    assert!(leads_somewhere(page, "https://example.org/x#y"));
    assert!(!leads_somewhere(page, "other.md") && !leads_somewhere(page, "#here"));
    assert_eq!(links("see [a](b.md#c), [d](e)\n    [code](x)\n"), ["b.md#c", "e"]);
}
