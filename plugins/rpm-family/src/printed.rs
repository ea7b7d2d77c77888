//! How what package managers print is shown.

/// Lines that are shown of an explanation of several, or where nothing else explains the failure.
pub(crate) const MAX_LINES: usize = 3;

/// The name in `name-version-release.arch`, the version with an epoch or without.
pub(crate) fn package_name(nevra: &str) -> &str {
    let mut parts = nevra.rsplitn(3, '-');
    let (_, _, name) = (parts.next(), parts.next(), parts.next());
    name.unwrap_or(nevra)
}

/// A line without marks of whoever printed it.
pub(crate) fn plain(line: &str) -> String {
    let text = line.trim_start_matches([' ', '>', '-', '\t']);
    let text = ["[RPM] ", "RPM: "].iter().find_map(|it| text.strip_prefix(it)).unwrap_or(text);
    let text =
        ["error: ", "Error: ", "warning: "].iter().find_map(|it| text.strip_prefix(it)).unwrap_or(text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
