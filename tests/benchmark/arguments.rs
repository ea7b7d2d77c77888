//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::programs::Programs;

pub struct Arguments {
    /// What is measured; everything, if nothing is named.
    pub groups: Vec<String>,
    /// Another build, measured in turn with this one.
    pub other: Option<Programs>,
    /// Writes the results into the documentation.
    pub record: bool,
}

impl Arguments {
    /// # Errors
    /// A message: how it is used, if that was asked for.
    pub fn parse(words: &[OsString], groups: &[&str]) -> Result<Self, String> {
        let usage = format!(
            "usage: tests/bench [GROUP…] [--against DIR] [--record]\n\n\
             Measures the optimised programs. Groups: {}; all of them without a name.\n\n  \
             --against DIR  measure the programs `opkgc` and `opm` in DIR, another build, in turn with these\n  \
             --record       write tables and plots into docs/",
            groups.join(", ")
        );
        let mut arguments = Self { groups: Vec::new(), other: None, record: false };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.to_str() {
                Some("--help" | "-h") => return Err(usage),
                Some("--record") => arguments.record = true,
                Some("--against") => {
                    let directory = words.next().ok_or("--against needs a directory")?;
                    arguments.other = Some(Programs::in_directory(&PathBuf::from(directory))?);
                }
                Some(name) if groups.contains(&name) => arguments.groups.push(name.to_owned()),
                _ => return Err(format!("`{}` is no group\n\n{usage}", word.to_string_lossy())),
            }
        }
        Ok(arguments)
    }
}
