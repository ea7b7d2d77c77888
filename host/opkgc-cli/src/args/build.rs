//! The options of `build`, which may stand without a command.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use opkg::Profile;
use opkg_attest::DocumentKind;
use opkg_interface::artefacts::RpmFormatVersion;
use opkg_interface::{Label, ReleaseTag};
use opkg_package::{CompressionEffort, RepositoryUrl};

use super::auto_requires::AutoRequires;
use super::payload::PayloadDirArgs;
use super::signing::SigningArgs;
use super::{DenyLevel, PluginArgs, SettingsArgs};

/// Options of `build`.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// Targets: DIST, DIST-VERSION or DIST-VERSION-ARCH, separated by commas
    ///
    /// `rhel`, `rhel-9`, `rhel-9-x86_64`. May be given several times. See --supported-dist for what there is. Without
    /// it, those of the settings are meant.
    #[arg(short, long, value_name = "TARGET", value_delimiter = ',')]
    pub dist: Vec<String>,

    /// Directories of OPKGs
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directories: Vec<PathBuf>,

    /// The same as DIR
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub input: Vec<PathBuf>,

    /// Where to write; each target gets a directory of its own in there
    #[arg(short, long, value_name = "DIR", default_value = "output", value_hint = ValueHint::DirPath)]
    pub output: PathBuf,

    /// Write only the meta-files and the source package
    #[arg(long, conflicts_with = "builder")]
    pub source: bool,

    /// Who makes the binary packages
    #[arg(long, value_enum, value_name = "WHO", default_value = "direct")]
    pub builder: BuilderChoice,

    /// Make each target's directory a source of packages, with an index of all packages in it
    ///
    /// The index lists those of earlier builds as well. It is written when all packages are.
    #[arg(long)]
    pub repo: bool,

    /// Where clients find the output directory; writes the file that configures them beside each signed index
    ///
    /// `https://packages.example.org/cluster` or `file:///srv/packages`. The target's name follows it. For apt,
    /// opkg-TARGET.sources; for dnf and zypper, opkg-TARGET.repo.
    #[arg(long, value_name = "URL", requires = "repo", value_hint = ValueHint::Url)]
    pub repo_url: Option<RepositoryUrl>,

    /// Write lists of what is in each package beside it [formats: spdx, cyclonedx; without a format both]
    ///
    /// PACKAGE.spdx.json is a bill of materials of SPDX 2.3, PACKAGE.cdx.json one of CycloneDX 1.6.
    #[arg(
        long,
        value_enum,
        value_name = "FORMATS",
        value_delimiter = ',',
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "spdx,cyclonedx",
        hide_possible_values = true,
        conflicts_with = "source"
    )]
    pub sbom: Vec<SbomFormat>,

    /// Write a statement beside each package of what it was made of, and by what
    ///
    /// PACKAGE.intoto.json is a statement of in-toto with the predicate of SLSA. `opkgc verify` holds packages against it.
    #[arg(long, conflicts_with = "source")]
    pub provenance: bool,

    /// What to sign with.
    #[command(flatten)]
    pub signing: SigningArgs,

    /// Go on after a failure with everything else
    ///
    /// Without it, nothing new is begun after the first failure; what is under way is finished, and the rest is
    /// listed as not tried. The exit status is 1 in both cases.
    #[arg(short, long)]
    pub keep_going: bool,

    /// How many packages are built at a time [default: one for each processor]
    ///
    /// What is written does not depend on it. Where address space is limited (`ulimit -v`), the default is lower.
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,

    /// How much time is taken for packages to become small
    #[arg(long, value_enum, value_name = "EFFORT")]
    pub compression: Option<CompressionChoice>,

    /// The format of RPMs [default: that of the target's own tools, which is 4 everywhere so far]
    ///
    /// RPM 6 made format 6: larger files, newer checksums, signatures by any algorithm. RPM reads it from 4.14 on.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub rpm_format: Option<RpmFormatChoice>,

    /// Refuse OPKGs that have warnings
    #[arg(long, value_name = "WHAT")]
    pub deny: Option<DenyLevel>,

    /// What packages require by themselves
    #[arg(long, value_enum, value_name = "NAME")]
    pub profile: Option<ProfileChoice>,

    /// What every api, server or client package requires instead of what the profile says, as PART=NAME,…
    ///
    /// Several parts in one value, as in `api=site-data,site-tools,client=`, or one at a time. `api=` requires nothing.
    #[arg(long, value_name = "PART=NAMES")]
    pub auto_requires: Vec<AutoRequires>,

    /// What tells packages for one release of a distribution from those for another: TAG, `none` or `native`
    ///
    /// It follows the release of each package: 1.0-1.el9, 1.0-1+deb12. `native`, the default, is what the distribution's
    /// own packages have.
    #[arg(long, value_name = "TAG")]
    pub release_tag: Option<ReleaseTag>,

    /// Who makes the packages, for those who read what they say of themselves
    #[arg(long, value_name = "NAME")]
    pub vendor: Option<Label>,

    /// What collection the packages belong to, likewise
    #[arg(long, value_name = "NAME")]
    pub distribution: Option<Label>,

    /// Where settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// Where sources of payloads are.
    #[command(flatten)]
    pub payload_dir: PayloadDirArgs,

    /// List the distributions that can be named, and exit
    #[arg(long)]
    pub supported_dist: bool,

    /// Where plugins come from.
    #[command(flatten)]
    pub plugins: PluginArgs,
}

impl BuildArgs {
    /// The documents that are wanted beside each package.
    pub fn documents(&self) -> Vec<DocumentKind> {
        let sboms = self.sbom.iter().map(|format| match format {
            SbomFormat::Spdx => DocumentKind::Spdx,
            SbomFormat::CycloneDx => DocumentKind::CycloneDx,
        });
        sboms.chain(self.provenance.then_some(DocumentKind::Provenance)).collect()
    }
}

/// In which words a list of what is in a package is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SbomFormat {
    /// SPDX 2.3
    Spdx,
    /// CycloneDX 1.6
    #[value(name = "cyclonedx")]
    CycloneDx,
}

/// Who makes binary packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BuilderChoice {
    /// opkgc itself, which needs no other program
    Direct,
    /// The distribution's own tools, which must be installed
    Native,
}

/// How much time is taken for packages to become small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompressionChoice {
    /// That of the distributions' own tools for what has more than 256 KiB, less for what has not (the default)
    Auto,
    /// That of the distributions' own tools for everything: up to 2 % smaller, and slower
    Full,
}

impl From<CompressionChoice> for CompressionEffort {
    fn from(choice: CompressionChoice) -> Self {
        match choice {
            CompressionChoice::Auto => Self::Auto,
            CompressionChoice::Full => Self::Full,
        }
    }
}

/// A format of RPMs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RpmFormatChoice {
    /// What every RPM reads
    #[value(name = "4")]
    V4,
    /// Since RPM 6
    #[value(name = "6")]
    V6,
}

impl From<RpmFormatChoice> for RpmFormatVersion {
    fn from(choice: RpmFormatChoice) -> Self {
        match choice {
            RpmFormatChoice::V4 => Self::V4,
            RpmFormatChoice::V6 => Self::V6,
        }
    }
}

/// A usual choice of what packages require by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProfileChoice {
    /// opkg-filesystem, which is written beside them (the default)
    Opkg,
    /// oscar-data, liboscar-server and liboscar-client, which the original had
    Oscar,
}

impl From<ProfileChoice> for Profile {
    fn from(choice: ProfileChoice) -> Self {
        match choice {
            ProfileChoice::Opkg => Self::Opkg,
            ProfileChoice::Oscar => Self::Oscar,
        }
    }
}
