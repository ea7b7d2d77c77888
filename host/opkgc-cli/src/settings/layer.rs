//! What one source of settings says: a file, or the command line.

use std::path::PathBuf;

use opkg::Profile;
use opkg::model::Part;
use opkg_interface::{Label, ReleaseTag};
use opkg_package::CompressionEffort;

use super::setting::{Origin, Setting};
use crate::args::{BuildArgs, SigningArgs};

/// What parts require by themselves, as far as somebody says.
pub type PartLists = Vec<(Part, Setting<Vec<String>>)>;

/// What it says, and nothing of what it does not.
#[derive(Debug, Default)]
pub struct Layer {
    pub profile: Option<Setting<Profile>>,
    pub auto_requires: PartLists,
    pub release_tag: Option<Setting<ReleaseTag>>,
    pub targets: Option<Setting<Vec<String>>>,
    pub vendor: Option<Setting<Label>>,
    pub distribution: Option<Setting<Label>>,
    pub compression: Option<Setting<CompressionEffort>>,
    pub sign_key: Option<Setting<PathBuf>>,
    pub passphrase_file: Option<Setting<PathBuf>>,
    /// Nothing is to be signed, whatever others say.
    pub sign_nothing: bool,
}

impl Layer {
    /// What the command line of a build says.
    pub fn from_arguments(arguments: &BuildArgs) -> Self {
        let lists = arguments.auto_requires.iter().flat_map(|value| &value.0);
        let named = (!arguments.dist.is_empty()).then(|| arguments.dist.clone());
        Self {
            profile: given(&arguments.profile.map(Profile::from)),
            auto_requires: lists
                .map(|(part, names)| (*part, Setting { value: names.clone(), origin: Origin::CommandLine }))
                .collect(),
            release_tag: given(&arguments.release_tag),
            targets: given(&named),
            vendor: given(&arguments.vendor),
            distribution: given(&arguments.distribution),
            compression: given(&arguments.compression.map(CompressionEffort::from)),
            ..Self::from_signing(&arguments.signing)
        }
    }

    /// What a command line says that is about signatures alone.
    pub fn from_signing(arguments: &SigningArgs) -> Self {
        Self {
            sign_key: given(&arguments.sign),
            passphrase_file: given(&arguments.passphrase_file),
            sign_nothing: arguments.no_sign,
            ..Self::default()
        }
    }
}

fn given<T: Clone>(value: &Option<T>) -> Option<Setting<T>> {
    value.clone().map(|value| Setting { value, origin: Origin::CommandLine })
}
