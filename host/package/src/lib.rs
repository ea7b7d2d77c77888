//! Writes what a plugin returned: trees of meta-files, source packages.
