//! Control files, in the format of deb822(5).

use std::collections::{BTreeMap, BTreeSet};

use crate::error::FormatError;

/// Fields of one paragraph; a value that goes on has its lines with a line feed between them.
pub(crate) fn parse_fields(text: &str) -> Result<BTreeMap<String, String>, FormatError> {
    let damaged = |line: &str| FormatError::corrupt(format!("the control file has the line {line:?}"));
    let mut fields: BTreeMap<String, String> = BTreeMap::new();
    let mut last: Option<String> = None;
    for line in text.lines() {
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        if line.starts_with([' ', '\t']) {
            let value = last.as_ref().and_then(|name| fields.get_mut(name)).ok_or_else(|| damaged(line))?;
            value.push('\n');
            value.push_str(line.trim());
        } else {
            let (name, value) = line.split_once(':').ok_or_else(|| damaged(line))?;
            if fields.insert(name.to_owned(), value.trim().to_owned()).is_some() {
                return Err(FormatError::corrupt(format!("the control file has the field {name:?} twice")));
            }
            last = Some(name.to_owned());
        }
    }
    Ok(fields)
}

/// Takes the fields that are relations out, as kind and relation.
pub(crate) fn take_relations(fields: &mut BTreeMap<String, String>) -> BTreeSet<(String, String)> {
    const KINDS: [&str; 15] = [
        "Pre-Depends",
        "Depends",
        "Recommends",
        "Suggests",
        "Enhances",
        "Conflicts",
        "Breaks",
        "Replaces",
        "Provides",
        "Build-Depends",
        "Build-Depends-Arch",
        "Build-Depends-Indep",
        "Build-Conflicts",
        "Build-Conflicts-Arch",
        "Build-Conflicts-Indep",
    ];
    let mut relations = BTreeSet::new();
    for kind in KINDS {
        let list = fields.remove(kind).unwrap_or_default();
        let each = list.split(',').map(str::trim).filter(|it| !it.is_empty());
        relations.extend(each.map(|it| (kind.to_lowercase(), it.to_owned())));
    }
    relations
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn fields_go_on_and_relations_are_apart() {
        let mut fields =
            parse_fields("Package: x\nDepends: a (= 1),\n b | c\nDescription: X\n long\n .\n").unwrap();
        let relations = take_relations(&mut fields);
        let relations: Vec<&str> = relations.iter().map(|it| it.1.as_str()).collect();
        assert_eq!(relations, ["a (= 1)", "b | c"]);
        assert_eq!(fields["Description"], "X\nlong\n.");
        assert!(super::parse_fields(" x\n").is_err() && super::parse_fields("A: 1\nA: 2\n").is_err());
    }
}
