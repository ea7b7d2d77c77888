//! Where the files of an OPKG go, and which of them are scriptlets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::part::Part;
use crate::package::{InstalledFile, sha256_hex};

/// Of every part: what is installed by absolute path, and its scriptlets with the interpreter of each.
#[derive(Debug, Default)]
pub struct FilesByPart {
    /// Files, links and owned directories.
    pub installed: BTreeMap<Part, BTreeMap<String, InstalledFile>>,
    /// `post-install` → `/bin/sh`.
    pub scriptlets: BTreeMap<Part, BTreeMap<String, String>>,
    /// Those with programs in Perl that are no scriptlets.
    pub with_perl: BTreeSet<Part>,
    /// Directory of the api package's documents.
    documentation: String,
}

/// Native scripts under their canonical names and the old ones.
const NATIVE_SCRIPTS: [(&str, Part, &str); 17] = [
    ("api-pre-install", Part::Api, "pre-install"),
    ("api-post-install", Part::Api, "post-install"),
    ("api-pre-uninstall", Part::Api, "pre-uninstall"),
    ("api-post-uninstall", Part::Api, "post-uninstall"),
    ("server-pre-install", Part::Server, "pre-install"),
    ("server-post-install", Part::Server, "post-install"),
    ("server-pre-uninstall", Part::Server, "pre-uninstall"),
    ("server-post-uninstall", Part::Server, "post-uninstall"),
    ("client-pre-install", Part::Client, "pre-install"),
    ("client-post-install", Part::Client, "post-install"),
    ("client-pre-uninstall", Part::Client, "pre-uninstall"),
    ("client-post-uninstall", Part::Client, "post-uninstall"),
    ("setup", Part::Api, "post-install"),
    ("post_server_rpm_install", Part::Server, "post-install"),
    ("post_server_rpm_uninstall", Part::Server, "post-uninstall"),
    ("post_client_rpm_install", Part::Client, "post-install"),
    ("post_client_rpm_uninstall", Part::Client, "post-uninstall"),
];

/// Works it out for the OPKG `name` in a directory. The documents of each package have a directory in
/// `documentation`.
#[must_use]
pub fn read(directory: &Path, name: &str, documentation: &str) -> FilesByPart {
    let mut files =
        FilesByPart { documentation: format!("{documentation}/opkg-{name}"), ..FilesByPart::default() };
    let home = format!("/usr/lib/oscar/packages/{name}");
    files.insert(Part::Api, &home, InstalledFile::Directory(0o755));
    files.walk(directory, "", name);
    files
}

impl FilesByPart {
    fn walk(&mut self, directory: &Path, prefix: &str, name: &str) {
        let mut entries: Vec<_> = fs_err::read_dir(directory).unwrap().map(|entry| entry.unwrap()).collect();
        entries.sort_by_key(fs_err::DirEntry::file_name);
        for entry in entries {
            let base = entry.file_name().into_string().unwrap();
            let path = format!("{prefix}{base}");
            if is_ignored(&path, &base) {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                self.walk(&entry.path(), &format!("{path}/"), name);
            } else if let Some(destination) = destination(&path, name, &self.documentation) {
                self.add_file(&path, &entry.path(), &destination, name);
            }
        }
    }

    fn add_file(&mut self, path: &str, source: &Path, destination: &str, name: &str) {
        // A form among the scripts is a file like any other, but for the form that has its place.
        let shadowed = path.strip_prefix("scripts/").is_some_and(|name| name.starts_with("configurator"));
        if shadowed && self.installed.get(&Part::Api).is_some_and(|files| files.contains_key(destination)) {
            return;
        }
        let native =
            path.strip_prefix("scripts/").and_then(|script| NATIVE_SCRIPTS.iter().find(|it| it.0 == script));
        let part = match native {
            Some((_, part, _)) => *part,
            None if path.starts_with("files/server/") => Part::Server,
            None if path.starts_with("files/client/") => Part::Client,
            None => Part::Api,
        };
        // Of a link, those of what it leads to, if that is there.
        let bytes = match fs_err::read(source) {
            Err(_) if source.is_symlink() => Vec::new(),
            read => read.unwrap(),
        };
        let head =
            String::from_utf8_lossy(bytes.split(|byte| *byte == b'\n').next().unwrap_or(&[])).into_owned();
        if native.is_none()
            && head.starts_with("#!")
            && head.split(['/', ' ', '\t']).any(|word| word == "perl")
        {
            self.with_perl.insert(part);
        }
        let file = if source.is_symlink() {
            InstalledFile::Link(fs_err::read_link(source).unwrap().into_os_string().into_string().unwrap())
        } else {
            if let Some((_, part, time)) = native {
                let mut words = head.strip_prefix("#!").unwrap_or("/bin/sh").split_whitespace();
                // `env` looks for the next word.
                let interpreter = words.find(|word| !word.ends_with("/env")).unwrap_or("/bin/sh");
                let scriptlets = self.scriptlets.entry(*part).or_default();
                scriptlets.insert((*time).to_owned(), interpreter.to_owned());
            }
            InstalledFile::Regular(installed_mode(path, source, &bytes), sha256_hex(&bytes))
        };
        self.insert(part, destination, file);
        for directory in owned_ancestors(destination, name, &self.documentation) {
            self.insert(part, &directory, InstalledFile::Directory(0o755));
        }
    }

    fn insert(&mut self, part: Part, path: &str, file: InstalledFile) {
        self.installed.entry(part).or_default().insert(path.to_owned(), file);
    }
}

/// Version control, droppings of editors, and what the format itself ignores.
fn is_ignored(path: &str, base: &str) -> bool {
    matches!(path, "SRPMS" | "distro") || matches!(base, ".git" | ".svn" | "CVS") || base.ends_with('~')
}

/// The absolute path at which a file is installed; nothing for one that is not packaged.
fn destination(path: &str, name: &str, documentation: &str) -> Option<String> {
    let home = format!("/usr/lib/oscar/packages/{name}");
    let testing = "/usr/lib/oscar/testing";
    let (top, rest) = path.split_once('/').unwrap_or((path, ""));
    let place = match (top, rest) {
        ("config.xml" | "configurator.html" | "configurator_image.html", "") => format!("{home}/{top}"),
        ("AUTHORS" | "CHANGELOG" | "BUGS" | "NEWS" | "TODO", "") => format!("{documentation}/{top}"),
        (readme, "") if readme.starts_with("README") => format!("{documentation}/{readme}"),
        (_, "") => return None,
        ("scripts", rest) => format!("{home}/{rest}"),
        ("files", rest) => format!("/{}", rest.split_once('/')?.1),
        ("doc", rest) => format!("{documentation}/{rest}"),
        ("testing", rest) => match rest.split_once('/') {
            Some(("apitests.d" | "tests.d", _)) => format!("{testing}/{rest}"),
            Some(("data", rest)) => format!("{testing}/data/{name}/{rest}"),
            _ => format!("{testing}/data/{name}/{rest}"),
        },
        _ => return None,
    };
    Some(place)
}

/// The directories above a file that belong to its package.
fn owned_ancestors(path: &str, name: &str, documentation: &str) -> Vec<String> {
    let roots = [
        format!("/usr/lib/oscar/packages/{name}"),
        format!("/usr/lib/oscar/testing/data/{name}"),
        documentation.to_owned(),
        // Of those that are laid into the root, what no system has.
        "/etc/made up %d".to_owned(),
        "/opt/made-up".to_owned(),
        "/usr/share/made up".to_owned(),
        "/var/lib/made-up".to_owned(),
    ];
    // Of the directories that packages share, what lies below is the package's own.
    let shared = ["/usr/lib/oscar/testing/apitests.d", "/usr/lib/oscar/testing/tests.d"];
    Path::new(path)
        .ancestors()
        .skip(1)
        .filter(|directory| {
            roots.iter().any(|root| directory.starts_with(root))
                || shared.iter().any(|root| directory.starts_with(root) && directory != &Path::new(root))
        })
        .map(|directory| directory.to_str().unwrap().to_owned())
        .collect()
}

/// Everything in `scripts/` is executable; elsewhere what was, or starts with `#!`.
fn installed_mode(path: &str, source: &Path, bytes: &[u8]) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    let executable = fs_err::metadata(source).unwrap().permissions().mode() & 0o111 != 0;
    if path.starts_with("files/") {
        return fs_err::metadata(source).unwrap().permissions().mode() & 0o755;
    }
    if path.starts_with("scripts/") || executable || bytes.starts_with(b"#!") { 0o755 } else { 0o644 }
}
