//! How `%files` names what lies in the build root, which all packages of a spec share: by patterns, none of which may stand
//! for anything else there. A directory that a pattern for a file meets would be packaged with all that is below it.

use std::collections::BTreeSet;
use std::ops::Range;

use opkg_sdk::diagnostic;
use opkg_sdk::model::{Diagnostic, Node};
use opkg_sdk::parts::{InstalledDirectory, InstalledFile, PartPlan};

use crate::escape::{PatternPiece, file_pattern, narrow_file_pattern, pattern_text};

/// The patterns of a spec.
#[derive(Debug, Default)]
pub struct FilePatterns {
    /// Paths whose plain pattern would also stand for others.
    narrow: BTreeSet<String>,
}

impl FilePatterns {
    /// Of all that the packages of these parts bring. What cannot be told from something else is reported, at `at` where it has no place
    /// of its own.
    pub fn new(parts: &[&PartPlan<'_>], at: Node, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let root = BuildRoot::new(parts);
        let mut narrow = BTreeSet::new();
        for place in root.places.iter().filter(|place| place.is_named()) {
            let plain = file_pattern(place.path);
            if !has_wildcards(&plain) || root.find(&plain, |other| other.path != place.path).is_none() {
                continue;
            }
            narrow.insert(place.path.to_owned());
            let pattern = narrow_file_pattern(place.path);
            let is_twin = |other: &Place<'_>| other.path != place.path && !place.is_packaged_alike(other);
            if let Some(twin) = root.find(&pattern, is_twin) {
                diagnostics.push(report(place, twin, parts, at));
            }
        }
        Self { narrow }
    }

    /// The entry of `%files` for a path.
    pub fn of(&self, path: &str) -> String {
        match self.narrow.contains(path) {
            true => pattern_text(&narrow_file_pattern(path)),
            false => pattern_text(&file_pattern(path)),
        }
    }
}

fn has_wildcards(pattern: &[PatternPiece<'_>]) -> bool {
    pattern.iter().any(|piece| !matches!(piece, PatternPiece::Text(_)))
}

fn report(place: &Place<'_>, twin: &Place<'_>, parts: &[&PartPlan<'_>], at: Node) -> Diagnostic {
    let at = place.node().or(twin.node()).unwrap_or(at);
    let name = |it: &Place<'_>| it.package.and_then(|index| parts.get(index)).map(|it| &it.name);
    let both = format!("a spec cannot tell `{}` from `{}`", place.path, twin.path);
    let rename = "rename one of them";
    let (why, help) = match (place.content, twin.content) {
        _ if place.package != twin.package && twin.is_named() => {
            let [own, other] = [place, twin].map(|it| name(it).map_or("", String::as_str));
            (format!("of which one belongs to {own}, the other to {other}"), rename)
        }
        _ if twin.is_link() => ("of which one is a link".to_owned(), rename),
        (Content::File(_), Content::File(_)) => {
            let help = "rename one of them, or give both the same mode and owner";
            ("and their attributes differ".to_owned(), help)
        }
        _ => ("of which one is a directory".to_owned(), rename),
    };
    diagnostic::error(at, format!("{both}, {why}"), help)
}

/// Something that `%install` makes.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    path: &'a str,
    /// Which of the packages has it; none has what only something else lies in.
    package: Option<usize>,
    content: Content<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Content<'a> {
    File(&'a InstalledFile<'a>),
    Directory(&'a InstalledDirectory),
    Ancestor,
}

impl Place<'_> {
    /// Whether `%files` has an entry for it.
    fn is_named(&self) -> bool {
        self.package.is_some()
    }

    fn is_link(&self) -> bool {
        matches!(self.content, Content::File(file) if file.source.link.is_some())
    }

    fn node(&self) -> Option<Node> {
        match self.content {
            Content::File(file) => Some(file.source.at),
            _ => None,
        }
    }

    /// Whether it makes no difference by which of their entries `rpmbuild` takes them.
    fn is_packaged_alike(&self, other: &Self) -> bool {
        self.package == other.package
            && match (self.content, other.content) {
                (Content::File(a), Content::File(b)) => {
                    (&a.attributes, a.is_documentation) == (&b.attributes, b.is_documentation)
                }
                (Content::Directory(a), Content::Directory(b)) => a.attributes == b.attributes,
                _ => false,
            }
    }
}

/// All places, sorted by their paths: those that begin alike are beside each other, so that a pattern is walked as in a
/// trie.
struct BuildRoot<'a> {
    places: Vec<Place<'a>>,
}

impl<'a> BuildRoot<'a> {
    fn new(parts: &[&'a PartPlan<'_>]) -> Self {
        let mut places: Vec<Place<'a>> = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let mut add = |path, content| places.push(Place { path, package: Some(index), content });
            part.files.iter().for_each(|file| add(&file.path, Content::File(file)));
            part.directories.iter().for_each(|it| add(&it.path, Content::Directory(it)));
        }
        let mut ancestors: BTreeSet<&'a str> = BTreeSet::new();
        for place in &places {
            let mut path = place.path;
            while let Some((parent, _)) = path.rsplit_once('/')
                && ancestors.insert(parent)
            {
                path = parent;
            }
        }
        for place in &places {
            ancestors.remove(place.path);
        }
        let ancestor = |path| Place { path, package: None, content: Content::Ancestor };
        places.extend(ancestors.into_iter().map(ancestor));
        places.sort_by_key(|place| place.path);
        Self { places }
    }

    /// Whatever the pattern stands for that the condition holds for, or any link that it leads through.
    fn find(&self, pattern: &[PatternPiece<'_>], holds: impl Fn(&Place<'a>) -> bool) -> Option<&Place<'a>> {
        let mut open = vec![Walk { range: 0..self.places.len(), depth: 0, piece: 0 }];
        while let Some(Walk { range, depth, piece }) = open.pop() {
            let ended = range.start + self.of(&range).partition_point(|it| it.path.len() == depth);
            let Some(wanted) = pattern.get(piece) else {
                let found = self.of(&(range.start..ended)).iter().find(|it| holds(it));
                if found.is_some() {
                    return found;
                }
                continue;
            };
            let range = ended..range.end;
            if let PatternPiece::Text(text) = wanted {
                if depth > 0
                    && let Some(link) = self.link_on_the_way(&range, depth, text)
                {
                    return Some(link);
                }
                let range = self.continued_by(&range, depth, text);
                open.push(Walk { range, depth: depth + text.len(), piece: piece + 1 });
                continue;
            }
            let mut start = range.start;
            while let Some(next) =
                self.of(&(start..range.end)).first().and_then(|it| rest(it, depth).chars().next())
            {
                let mut buffer = [0; 4];
                let next_text: &str = next.encode_utf8(&mut buffer);
                let same = self.continued_by(&(start..range.end), depth, next_text);
                start = same.end;
                if wanted.matches(next) {
                    open.push(Walk { range: same, depth: depth + next.len_utf8(), piece: piece + 1 });
                }
            }
        }
        None
    }

    fn of(&self, range: &Range<usize>) -> &[Place<'a>] {
        self.places.get(range.clone()).unwrap_or_default()
    }

    /// The part of a range, whose paths are the same up to `depth`, in which they go on like this.
    fn continued_by(&self, range: &Range<usize>, depth: usize, text: &str) -> Range<usize> {
        let places = self.of(range);
        let start = places.partition_point(|it| rest(it, depth) < text);
        let end = places.partition_point(|it| rest(it, depth) < text || rest(it, depth).starts_with(text));
        range.start + start..range.start + end
    }

    /// Below a link lies nothing, but what it leads to may have all of it.
    fn link_on_the_way(&self, range: &Range<usize>, depth: usize, text: &str) -> Option<&Place<'a>> {
        text.match_indices('/').find_map(|(end, _)| {
            let step = text.get(..end)?;
            let places = self.of(range);
            let found = places.get(places.partition_point(|it| rest(it, depth) < step))?;
            (rest(found, depth) == step && found.is_link()).then_some(found)
        })
    }
}

/// Places that begin as a pattern does.
struct Walk {
    range: Range<usize>,
    /// How far they are the same.
    depth: usize,
    /// How far the pattern is walked.
    piece: usize,
}

fn rest<'a>(place: &Place<'a>, depth: usize) -> &'a str {
    place.path.get(depth..).unwrap_or_default()
}
