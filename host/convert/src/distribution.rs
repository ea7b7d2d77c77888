//! What distributions were called before OSCAR 5, and what they are called now. The names themselves are the
//! format's data, and stand in a table.

use crate::new_config::DistFilter;

/// Columns: old id, present id, when it holds (see there).
const DISTRIBUTION_TABLE: &str = include_str!("distributions.txt");

/// What old versions have behind their number where they name an edition.
const EDITION_SUFFIXES: [&str; 4] = ["as", "es", "ws", "el"];

/// What became of a distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MappedDist {
    /// It has a present id.
    Supported(DistFilter),
    /// It is known, but of the past: the id stays what it was.
    Obsolete(DistFilter),
    /// The table does not have it: the id stays what it was.
    Unknown(DistFilter),
}

/// The present words for a distribution and the version, if any, that a filter of the old form names.
pub(crate) fn map_distribution(id: &str, version: Option<&str>) -> MappedDist {
    let id = id.to_ascii_lowercase();
    let plain = version.and_then(strip_edition);
    let row = DISTRIBUTION_TABLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .find(|row| row.first() == Some(&id.as_str()));
    let version = version.map(str::to_owned);
    match row.as_deref() {
        Some([_, new, "always"]) => {
            MappedDist::Supported(DistFilter { id: (*new).to_owned(), version: plain.or(version) })
        }
        Some([_, new, _]) if plain.is_some() => {
            MappedDist::Supported(DistFilter { id: (*new).to_owned(), version: plain })
        }
        Some(_) => MappedDist::Obsolete(DistFilter { id, version }),
        None => MappedDist::Unknown(DistFilter { id, version }),
    }
}

/// The number of a version that names an edition: `3as` → `3`, `2.1AS` → `2.1`.
fn strip_edition(version: &str) -> Option<String> {
    let lower = version.to_ascii_lowercase();
    let number = EDITION_SUFFIXES.iter().find_map(|edition| lower.strip_suffix(edition))?.trim_end();
    let is_number =
        number.split('.').all(|part| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit()));
    is_number.then(|| number.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_well_formed() {
        for line in DISTRIBUTION_TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let row: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(row.len(), 3, "{line}");
            assert!(row.iter().all(|cell| cell.bytes().all(|c| c.is_ascii_lowercase())), "{line}");
            assert!(matches!(row.last(), Some(&("always" | "edition"))), "{line}");
        }
    }

    #[test]
    fn editions() {
        for (version, expected) in [
            ("3as", Some("3")),
            ("2.1AS", Some("2.1")),
            ("4 ES", Some("4")),
            ("9", None),
            ("8.0", None),
            ("as", None),
            ("3.as", None),
        ] {
            assert_eq!(strip_edition(version).as_deref(), expected, "{version}");
        }
    }
}
