//! Sections of the archive, from the application groups of RPM that OPKGs name.

/// Beginnings of groups in lower case, and the section of each. The first match counts.
const GROUP_PREFIXES: &[(&str, &str)] = &[
    ("applications/archiving", "utils"),
    ("applications/databases", "database"),
    ("applications/editors", "editors"),
    ("applications/engineering", "science"),
    ("applications/internet", "net"),
    ("applications/multimedia", "graphics"),
    ("applications/productivity", "misc"),
    ("applications/publishing", "text"),
    ("applications/text", "text"),
    ("databases", "database"),
    ("development", "devel"),
    ("documentation", "doc"),
    ("monitoring", "admin"),
    ("networking", "net"),
    ("productivity/clustering", "admin"),
    ("productivity/databases", "database"),
    ("productivity/networking", "net"),
    ("productivity/scientific", "science"),
    ("science", "science"),
    ("system environment/kernel", "kernel"),
    ("system environment/libraries", "libs"),
    ("system environment/shells", "shells"),
    ("text tools", "text"),
];

/// Debian's own names, for OPKGs that use them.
const DEBIAN_SECTIONS: &[&str] = &[
    "admin", "database", "devel", "doc", "kernel", "libs", "misc", "net", "science", "shells", "text",
    "utils", "web",
];

/// The section of a group, `admin` where none fits better: OPKGs are what administrators install.
#[must_use]
pub fn from_group(group: &str) -> &'static str {
    let group = group.trim().to_ascii_lowercase();
    if let Some(own) = DEBIAN_SECTIONS.iter().find(|own| **own == group) {
        return own;
    }
    GROUP_PREFIXES.iter().find(|(start, _)| group.starts_with(start)).map_or("admin", |(_, section)| section)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups() {
        for (group, section) in [
            ("Applications/System", "admin"),
            ("System Environment/Base", "admin"),
            ("Development/Libraries", "devel"),
            ("Sciences/Computer science", "science"),
            ("Productivity/Clustering/Computing", "admin"),
            ("net", "net"),
            ("x\nEssential: yes", "admin"),
        ] {
            assert_eq!(from_group(group), section, "{group}");
        }
    }
}
