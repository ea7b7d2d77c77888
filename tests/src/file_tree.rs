//! Directories of OPKGs, written down as data.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// What stands at a path.
#[derive(Debug, Clone)]
pub enum EntryContent {
    /// A regular file.
    Bytes(Vec<u8>),
    /// A symbolic link that holds this.
    Link(String),
}

/// A file or link, with the directories above it.
#[derive(Debug, Clone)]
pub struct TreeEntry {
    /// Relative to the OPKG's directory.
    pub path: String,
    pub content: EntryContent,
    /// Permission bits; of no meaning for a link.
    pub mode: u32,
}

impl TreeEntry {
    /// A regular file.
    #[must_use]
    pub fn file(path: impl Into<String>, mode: u32, bytes: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), content: EntryContent::Bytes(bytes.into()), mode }
    }

    /// A symbolic link.
    #[must_use]
    pub fn link(path: impl Into<String>, to: impl Into<String>) -> Self {
        Self { path: path.into(), content: EntryContent::Link(to.into()), mode: 0o777 }
    }
}

/// Writes the items below a directory.
///
/// # Panics
///
/// If one cannot be written.
pub fn write_tree(directory: &Path, items: &[TreeEntry]) {
    for item in items {
        let path = directory.join(&item.path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        match &item.content {
            EntryContent::Bytes(bytes) => {
                fs_err::write(&path, bytes).unwrap();
                fs_err::set_permissions(&path, std::fs::Permissions::from_mode(item.mode)).unwrap();
            }
            EntryContent::Link(to) => symlink(to, &path).unwrap(),
        }
    }
}

/// An OPKG that has just what it must have, to be spoilt by a test: `name`, and what stands between the
/// authors and the changelog.
#[must_use]
pub fn minimal_config(name: &str, further: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<oscar>
  <name>{name}</name>
  <class>included</class>
  <summary>Package for a test</summary>
  <description>It holds next to nothing.</description>
  <license>GPL</license>
  <group>Applications/System</group>
  <authors>
    <author cat="maintainer">
      <name>Test Er</name>
      <email>test@example.org</email>
    </author>
  </authors>
  {further}
  <changelog>
    <versionEntry version="1.0-1">
      <changelogEntry authorName="Test Er" date="2024-05-06T07:08:09Z">
        <item>Made.</item>
      </changelogEntry>
    </versionEntry>
  </changelog>
</oscar>
"#
    )
}

/// Every file below a directory: path relative to it, and bytes (of a link what it holds). Sorted.
///
/// # Panics
///
/// If something cannot be read.
#[must_use]
pub fn read_tree(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    collect(directory, "", &mut found);
    found.sort();
    found
}

fn collect(directory: &Path, prefix: &str, found: &mut Vec<(String, Vec<u8>)>) {
    use std::os::unix::ffi::OsStrExt;
    for entry in fs_err::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            collect(&entry.path(), &format!("{path}/"), found);
        } else if kind.is_symlink() {
            found.push((path, fs_err::read_link(entry.path()).unwrap().as_os_str().as_bytes().to_vec()));
        } else {
            found.push((path, fs_err::read(entry.path()).unwrap()));
        }
    }
}
