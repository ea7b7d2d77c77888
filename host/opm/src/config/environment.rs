//! Variables for hooks and package managers, from `env.d`.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use fs_err as fs;

/// What is wrong with `env.d`.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// The directory or a file in it cannot be read.
    #[error("the configuration {}: {error}", .path.display())]
    Unreadable {
        /// The path of the file or directory.
        path: PathBuf,
        /// What the system says.
        error: ErrorKind,
    },
    /// A line sets no variable.
    #[error("the configuration {}, line {line}: {error}", .path.display())]
    InvalidLine {
        /// The path of the file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong with the line.
        error: VariableError,
    },
}

/// What is wrong with a line that shall set a variable.
#[derive(Debug, thiserror::Error)]
pub enum VariableError {
    /// There is no `=`.
    #[error("this is not of the form NAME=value")]
    Form,
    /// What stands before the `=` is no name.
    #[error("`{}` is no name of a variable", .0.escape_debug())]
    Name(String),
    /// The variable belongs to `opm`.
    #[error("{0} is set by opm itself")]
    Reserved(String),
    /// No variable can hold the value.
    #[error("the value of {0} holds a null byte")]
    NullByte(String),
}

/// Whether a variable is one that `opm` sets for hooks.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.starts_with("OPM_") || name.starts_with("OSCAR_PACKAGE_")
}

/// The variables of all `*.conf` of a directory, in the order of their names; a later one replaces an earlier one.
pub(super) fn read_environment(directory: &Path) -> Result<Vec<(String, String)>, EnvironmentError> {
    let unreadable = |path: &Path, error: &io::Error| EnvironmentError::Unreadable {
        path: path.to_owned(),
        error: error.kind(),
    };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(directory, &error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(directory, &error))?.path();
        if path.extension().is_some_and(|it| it == "conf") {
            files.push(path);
        }
    }
    files.sort();
    let mut variables: Vec<(String, String)> = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
        for (index, line) in text.lines().enumerate() {
            let read = parse_variable(line).map_err(|error| EnvironmentError::InvalidLine {
                path: path.clone(),
                line: index + 1,
                error,
            });
            if let Some((name, value)) = read? {
                variables.retain(|(known, _)| *known != name);
                variables.push((name, value));
            }
        }
    }
    Ok(variables)
}

/// `NAME=value`, the value as it stands or within quotes; nothing for a comment.
fn parse_variable(line: &str) -> Result<Option<(String, String)>, VariableError> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (name, value) = line.split_once('=').ok_or(VariableError::Form)?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name {
        return Err(VariableError::Name(name.to_owned()));
    }
    if is_reserved(name) {
        return Err(VariableError::Reserved(name.to_owned()));
    }
    let quoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    let value = quoted.unwrap_or(value);
    if value.contains('\0') {
        return Err(VariableError::NullByte(name.to_owned()));
    }
    Ok(Some((name.to_owned(), value.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_set_no_variable() {
        for line in ["A", "1A=x", "A B=x", "=x", "OPM_RUN_ID=1", "OSCAR_PACKAGE_HOME=/"] {
            assert!(parse_variable(line).is_err(), "{line}");
        }
    }
}
