//! One OPKG for one target, and how that ended.

use std::path::{Path, PathBuf};

use opkg::Loaded;
use opkg::diagnostic::Diagnostic;
use opkg_package::{Builder, Signer, Source, Written};
use opkg_runtime::{GenerateError, Plugin, Target};

/// An OPKG that was named on the command line.
pub struct Package {
    /// As named.
    pub directory: PathBuf,
    /// What was read.
    pub loaded: Loaded,
    /// Whether it may be compiled.
    pub usable: bool,
}

/// How a job ended.
pub enum Outcome {
    /// Everything was written; what the plugin said besides.
    Built(Vec<Written>, Vec<Diagnostic>),
    /// The OPKG's own filters exclude the target.
    Unavailable(Diagnostic),
    /// The plugin found that it cannot be expressed.
    Refused(Vec<Diagnostic>),
    /// The OPKG has errors, which were shown before.
    Unusable,
    /// The plugin knows no such version or architecture; says which there are.
    UnknownTarget(String),
    /// Something went wrong.
    Failed(anyhow::Error),
    /// It was not begun, since another one had failed before.
    NotTried,
}

impl Outcome {
    /// Whether something is wrong that a person must do something about.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Built(..) | Self::Unavailable(_) | Self::NotTried => false,
            Self::Refused(_) | Self::Unusable | Self::UnknownTarget(_) | Self::Failed(_) => true,
        }
    }
}

impl Package {
    /// Name and version, or the directory of one that has none.
    #[must_use]
    pub fn title(&self) -> String {
        let opkg = self.loaded.opkg.as_ref();
        match opkg.and_then(|opkg| Some((&opkg.name, opkg.version()?))) {
            Some((name, version)) => format!("{name} {version}"),
            None => self.directory.display().to_string(),
        }
    }
}

/// The target's own directory within the output directory.
#[must_use]
pub fn directory(output: &Path, target: &Target) -> PathBuf {
    output.join(target.to_string())
}

/// One OPKG for one target.
pub struct Job<'a> {
    /// What is compiled.
    pub package: &'a Package,
    /// What for.
    pub target: &'a Target,
    /// Answers to the target.
    pub plugin: &'a Plugin,
}

impl Job<'_> {
    /// How messages call it.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} for {}", self.package.title(), self.target)
    }

    /// Compiles the OPKG into the target's directory within `output`.
    pub fn run(&self, output: &Path, builder: Builder, signer: Option<&Signer>) -> Outcome {
        let Some(opkg) = self.package.loaded.opkg.as_ref().filter(|_| self.package.usable) else {
            return Outcome::Unusable;
        };
        let generated = match self.plugin.generate(opkg, self.target) {
            Ok(generated) => generated,
            Err(GenerateError::Unavailable(diagnostic)) => return Outcome::Unavailable(diagnostic),
            Err(GenerateError::UnknownTarget(message)) => return Outcome::UnknownTarget(message),
            Err(GenerateError::Failed(diagnostics)) => return Outcome::Refused(diagnostics),
            Err(error) => return Outcome::Failed(error.into()),
        };
        let source = Source { opkg, directory: &self.package.directory };
        let directory = directory(output, self.target);
        match opkg_package::write(&generated.output, source, &directory, builder, signer) {
            Ok(written) => Outcome::Built(written, generated.diagnostics),
            Err(error) => Outcome::Failed(
                anyhow::Error::new(error).context(format!("cannot write to {}", directory.display())),
            ),
        }
    }
}
