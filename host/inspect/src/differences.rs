//! In what two packages differ.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use similar::TextDiff;

use crate::package::{FileEntry, Package};

/// Lines of a text above which two are not compared line by line: that may take quadratic time.
const MAX_LINES: usize = 20_000;

/// One thing in which two packages differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What it is about: `format`, `tag`, `relation`, `text`, `file` or `bytes`.
    pub about: &'static str,
    /// Which of them: the name of a tag, a kind of relation, the name of a scriptlet, a path.
    pub name: String,
    /// Of a file that both have, in what it differs, such as `mode`.
    pub attribute: Option<&'static str>,
    /// What the first has, if it has that at all.
    pub first: Option<String>,
    /// What the second has.
    pub second: Option<String>,
    /// Of texts that both have, the lines that differ and some around them, in the form of `diff -u`.
    pub lines: Vec<String>,
}

/// Compares two packages. Nothing is left out but what the format itself adds, such as inode numbers.
#[must_use]
pub fn compare(first: &Package, second: &Package) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut add = |about, name: &str, attribute, first: Option<String>, second: Option<String>| {
        if first != second {
            let name = name.to_owned();
            found.push(Difference { about, name, attribute, first, second, lines: Vec::new() });
        }
    };
    let word = |package: &Package| Some(format!("{:?}", package.format).to_lowercase());
    add("format", "", None, word(first), word(second));
    for name in keys(&first.tags, &second.tags) {
        add("tag", name, None, first.tags.get(name).cloned(), second.tags.get(name).cloned());
    }
    for (kind, relation) in first.relations.difference(&second.relations) {
        add("relation", kind, None, Some(relation.clone()), None);
    }
    for (kind, relation) in second.relations.difference(&first.relations) {
        add("relation", kind, None, None, Some(relation.clone()));
    }
    for path in keys(&first.files, &second.files) {
        match (first.files.get(path), second.files.get(path)) {
            (Some(one), Some(other)) => {
                for ((attribute, one), (_, other)) in
                    file_attributes(one).into_iter().zip(file_attributes(other))
                {
                    add("file", path, Some(attribute), one, other);
                }
            }
            (one, other) => {
                let sort = |entry: &FileEntry| format!("{:?}", entry.kind).to_lowercase();
                add("file", path, None, one.map(sort), other.map(sort));
            }
        }
    }
    for name in keys(&first.texts, &second.texts) {
        let (one, other) = (first.texts.get(name), second.texts.get(name));
        if one == other {
            continue;
        }
        let lines = one.zip(other).map(|(one, other)| diff_lines(one, other)).unwrap_or_default();
        let (first, second) = (one.cloned(), other.cloned());
        let name = name.clone();
        found.push(Difference { about: "text", name, attribute: None, first, second, lines });
    }
    found
}

fn keys<'a, V>(first: &'a BTreeMap<String, V>, second: &'a BTreeMap<String, V>) -> BTreeSet<&'a String> {
    first.keys().chain(second.keys()).collect()
}

/// What is compared of a file that both have.
fn file_attributes(entry: &FileEntry) -> [(&'static str, Option<String>); 8] {
    let FileEntry { kind, mode, owner, size, digest, target, flags, time, sha1: _, md5: _ } = entry;
    [
        ("kind", Some(format!("{kind:?}").to_lowercase())),
        ("mode", Some(format!("{mode:04o}"))),
        ("owner", Some(owner.clone())),
        ("size", size.map(|it| it.to_string())),
        ("digest", digest.clone()),
        ("target", target.clone()),
        ("flags", Some(flags.clone())),
        ("time", time.map(|it| it.to_string())),
    ]
}

fn diff_lines(one: &str, other: &str) -> Vec<String> {
    if one.lines().count().max(other.lines().count()) > MAX_LINES {
        return vec![format!("(more than {MAX_LINES} lines)")];
    }
    let diff = TextDiff::from_lines(one, other);
    let mut unified = diff.unified_diff();
    let text = unified.context_radius(2).missing_newline_hint(false).to_string();
    text.lines().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::package::PackageFormat;

    fn package() -> Package {
        let mut package = Package::new(PackageFormat::Rpm);
        package.tags.insert("VERSION".into(), "1".into());
        package.relations.insert(("requires".into(), "a".into()));
        package.texts.insert("pre".into(), "one\ntwo\nthree\n".into());
        let entry = FileEntry { mode: 0o644, owner: "root:root".into(), ..FileEntry::default() };
        package.files.insert("/x".into(), entry);
        package
    }

    #[test]
    fn the_same_has_no_differences() {
        assert_eq!(compare(&package(), &package()), []);
    }

    #[test]
    fn every_part_is_compared() {
        type Change = fn(&mut Package);
        let changes: [(Change, &str, Option<&str>); 12] = [
            (|it| it.format = PackageFormat::Deb, "format", None),
            (|it| it.tags.clear(), "tag", None),
            (|it| drop(it.tags.insert("VERSION".into(), "2".into())), "tag", None),
            (|it| it.relations.clear(), "relation", None),
            (|it| drop(it.texts.insert("pre".into(), "one\n2\nthree\n".into())), "text", None),
            (|it| it.files.clear(), "file", None),
            (|it| it.files.get_mut("/x").unwrap().mode = 0o600, "file", Some("mode")),
            (|it| it.files.get_mut("/x").unwrap().owner.clear(), "file", Some("owner")),
            (|it| it.files.get_mut("/x").unwrap().digest = Some("0".into()), "file", Some("digest")),
            (|it| it.files.get_mut("/x").unwrap().target = Some("y".into()), "file", Some("target")),
            (|it| it.files.get_mut("/x").unwrap().flags = "config".into(), "file", Some("flags")),
            (|it| it.files.get_mut("/x").unwrap().time = Some(1), "file", Some("time")),
        ];
        for (change, about, attribute) in changes {
            let mut other = package();
            change(&mut other);
            for (one, other) in [(package(), other.clone()), (other.clone(), package())] {
                let found = compare(&one, &other);
                assert_eq!(found.len(), 1, "{found:?}");
                assert_eq!((found[0].about, found[0].attribute), (about, attribute));
            }
        }
    }

    #[test]
    fn texts_differ_line_by_line() {
        let mut other = package();
        other.texts.insert("pre".into(), "one\n2\nthree\n".into());
        let found = compare(&package(), &other);
        assert_eq!(found[0].lines, ["@@ -1,3 +1,3 @@", " one", "-two", "+2", " three"]);
    }
}
