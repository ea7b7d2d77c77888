//! Files of a part that systemd and udev read when a system starts, and that scripts of packages have them read at once.

use crate::parts::PartPlan;
use crate::text::shell_quote;

/// By whom a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SystemFileKind {
    /// tmpfiles.d(5)
    Tmpfiles,
    /// sysctl.d(5)
    Sysctl,
    /// modules-load.d(5)
    Modules,
    /// Rules of udev(7).
    UdevRules,
    /// hwdb(7)
    Hwdb,
}

/// Directories below `/usr/lib` and `/etc`, and how names end there.
const DIRECTORIES: [(&str, &str, SystemFileKind); 5] = [
    ("tmpfiles.d/", ".conf", SystemFileKind::Tmpfiles),
    ("sysctl.d/", ".conf", SystemFileKind::Sysctl),
    ("modules-load.d/", ".conf", SystemFileKind::Modules),
    ("udev/rules.d/", ".rules", SystemFileKind::UdevRules),
    ("udev/hwdb.d/", ".hwdb", SystemFileKind::Hwdb),
];

/// Such a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemFile<'a> {
    /// By whom it is read.
    pub kind: SystemFileKind,
    /// In its directory: `site.conf`. One of this name below `/etc` takes the place of those elsewhere.
    pub name: &'a str,
    /// Whether it is below `/etc`, where distributions do not look out for what packages install.
    pub is_in_etc: bool,
}

/// All of a part, by their paths. Links are left out, which mostly switch off something of another package.
#[must_use]
pub fn of_part<'a>(part: &'a PartPlan<'_>) -> Vec<SystemFile<'a>> {
    let brought = part.files.iter().filter(|it| !it.attributes.is_ghost && it.source.link.is_none());
    brought.filter_map(|file| from_path(&file.path)).collect()
}

fn from_path(path: &str) -> Option<SystemFile<'_>> {
    let (rest, is_in_etc) = match path.strip_prefix("/etc/") {
        Some(rest) => (rest, true),
        None => (path.strip_prefix("/usr/lib/")?, false),
    };
    DIRECTORIES.iter().find_map(|(directory, end, kind)| {
        let name = rest.strip_prefix(directory)?;
        (!name.contains('/') && name.ends_with(end)).then_some(SystemFile { kind: *kind, name, is_in_etc })
    })
}

/// The names of files of a kind, as words of a shell with a blank before each; empty where there are none.
#[must_use]
pub fn words(files: &[SystemFile<'_>], kind: SystemFileKind) -> String {
    let mut words: Vec<String> = Vec::new();
    for file in files.iter().filter(|file| file.kind == kind) {
        let word = format!(" {}", shell_quote(file.name));
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_where_it_lies() {
        let found = |path| from_path(path).map(|file| (file.kind, file.name, file.is_in_etc));
        assert_eq!(found("/usr/lib/tmpfiles.d/a.conf"), Some((SystemFileKind::Tmpfiles, "a.conf", false)));
        assert_eq!(found("/etc/sysctl.d/a.conf"), Some((SystemFileKind::Sysctl, "a.conf", true)));
        assert_eq!(
            found("/etc/udev/rules.d/1-a.rules"),
            Some((SystemFileKind::UdevRules, "1-a.rules", true))
        );
        assert_eq!(found("/usr/lib/udev/hwdb.d/a.hwdb"), Some((SystemFileKind::Hwdb, "a.hwdb", false)));
        for other in ["/usr/lib/tmpfiles.d/a", "/usr/lib/tmpfiles.d/a/b.conf", "/usr/share/sysctl.d/a.conf"] {
            assert_eq!(found(other), None, "{other}");
        }
    }
}
