//! What a launcher is told, in the words of its command line.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::spec::{Account, SharedDir};

/// How a program is to be launched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LaunchSpec {
    /// What it is confined to; nothing for the running system.
    pub(crate) confinement: Option<Confinement>,
    /// Directories of the running system that it sees under the same paths. There must be directories at these paths.
    pub(crate) shared_dirs: Vec<SharedDir>,
    /// Where it starts; as it sees it.
    pub(crate) working_directory: PathBuf,
    /// Who it runs as, unless as we do.
    pub(crate) account: Option<Account>,
}

/// The part of the file system that a program may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Confinement {
    /// This directory is all that it sees.
    Inside(PathBuf),
    /// It sees the running system, and changes nothing of it but this directory.
    Beside(PathBuf),
}

impl Confinement {
    /// The root of the target.
    pub(crate) fn root(&self) -> &PathBuf {
        match self {
            Self::Inside(root) | Self::Beside(root) => root,
        }
    }
}

/// A command line that no launcher understands.
#[derive(Debug, thiserror::Error)]
#[error(
    "usage: [--inside ROOT | --beside ROOT] [--directory DIR] [--share DIR]... [--share-read-only DIR]... \
     [--account USER:GROUP] -- PROGRAM [ARGUMENT]..."
)]
pub(crate) struct UsageError;

impl LaunchSpec {
    /// The arguments that [`Self::parse`] understands, to be followed by the program and its own.
    pub(crate) fn to_args(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        match &self.confinement {
            Some(Confinement::Inside(root)) => arguments.extend(["--inside".into(), root.into()]),
            Some(Confinement::Beside(root)) => arguments.extend(["--beside".into(), root.into()]),
            None => {}
        }
        arguments.extend(["--directory".into(), self.working_directory.clone().into()]);
        for SharedDir { path, writable } in &self.shared_dirs {
            let option = if *writable { "--share" } else { "--share-read-only" };
            arguments.extend([option.into(), path.into()]);
        }
        if let Some(Account { uid: user, gid: group }) = self.account {
            arguments.extend(["--account".into(), format!("{user}:{group}").into()]);
        }
        arguments.push("--".into());
        arguments
    }

    /// What such arguments mean, and the program with its own.
    ///
    /// # Errors
    /// When they mean nothing.
    pub(crate) fn parse(
        arguments: impl Iterator<Item = OsString>,
    ) -> Result<(Self, Vec<OsString>), UsageError> {
        let mut spec = Self { working_directory: "/".into(), ..Self::default() };
        let mut arguments = arguments.fuse();
        while let Some(argument) = arguments.next() {
            if argument == "--" {
                let argv: Vec<OsString> = arguments.collect();
                return if argv.is_empty() { Err(UsageError) } else { Ok((spec, argv)) };
            }
            let value = arguments.next().ok_or(UsageError)?;
            let shared = |path: OsString, writable| SharedDir { path: path.into(), writable };
            match argument.as_bytes() {
                b"--inside" if spec.confinement.is_none() => {
                    spec.confinement = Some(Confinement::Inside(value.into()));
                }
                b"--beside" if spec.confinement.is_none() => {
                    spec.confinement = Some(Confinement::Beside(value.into()));
                }
                b"--directory" => spec.working_directory = value.into(),
                b"--share" => spec.shared_dirs.push(shared(value, true)),
                b"--share-read-only" => spec.shared_dirs.push(shared(value, false)),
                b"--account" => {
                    spec.account = Some(value.to_str().and_then(parse_account).ok_or(UsageError)?);
                }
                _ => return Err(UsageError),
            }
        }
        Err(UsageError)
    }
}

/// `0:0`
fn parse_account(text: &str) -> Option<Account> {
    let (user, group) = text.split_once(':')?;
    Some(Account { uid: user.parse().ok()?, gid: group.parse().ok()? })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn arguments_are_read_as_they_were_written() {
        let argv = ["ls", "--", "-l"].map(OsString::from).to_vec();
        for confinement in [
            None,
            Some(Confinement::Inside("/srv/image".into())),
            Some(Confinement::Beside("/srv/image".into())),
        ] {
            let spec = LaunchSpec {
                confinement,
                shared_dirs: vec![
                    SharedDir { path: "/srv/a".into(), writable: true },
                    SharedDir { path: "/srv/b".into(), writable: false },
                ],
                working_directory: "/usr".into(),
                account: Some(Account { uid: 7, gid: 8 }),
            };
            let line = [spec.to_args(), argv.clone()].concat();
            assert_eq!(LaunchSpec::parse(line.into_iter()).unwrap(), (spec, argv.clone()));
        }
        for wrong in [
            &["ls"][..],
            &["--inside"],
            &["--inside", "/srv"],
            &["--inside", "/srv", "--"],
            &["--inside", "/a", "--beside", "/b", "--", "ls"],
            &["--share"],
            &["--account", "x", "--", "ls"],
            &[],
        ] {
            assert!(LaunchSpec::parse(wrong.iter().map(OsString::from)).is_err(), "{wrong:?}");
        }
    }
}
