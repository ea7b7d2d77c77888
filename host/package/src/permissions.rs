//! The modes of files, whatever the umask and the author's own files say.

/// The mode of a file.
pub(crate) fn file_mode(executable: bool) -> u32 {
    if executable { 0o755 } else { 0o644 }
}
