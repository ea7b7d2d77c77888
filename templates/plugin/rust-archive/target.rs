//! What the plugin answers to: ids, releases, architectures; and what a target means to filters and versions.

use opkg_sdk::filter::{DistIdentity, FilterContext, VersionSyntax};
use opkg_sdk::model::{BuildTarget, Opkg};
use opkg_sdk::packaging::{ArchName, DistributionInfo, DistributionRelease, Refusal};
use opkg_sdk::parts::PartPlan;
use opkg_sdk::release_tag;
use opkg_sdk::version::ReleaseNumber;

/// What `--dist` names. CHANGE: aliases, too, go into [`describe`].
pub const ID: &str = "@NAME@";

/// CHANGE: the releases of the distribution, newest first.
const RELEASES: [&str; 1] = ["1"];

/// The release of which packages are where nobody names one.
const DEFAULT_RELEASE: &str = "1";

/// CHANGE: architectures, by the names that OPKGs use and by those of the distribution.
const ARCHS: [(&str, &str); 2] = [("x86_64", "x86_64"), ("aarch64", "aarch64")];

/// What packages for a release have behind their own release, so that an upgrade of the system upgrades them.
/// CHANGE: `None` is right where the distribution has no releases.
const RELEASE_TAG: Option<&str> = None;

pub fn describe() -> DistributionInfo {
    let release = |version: &str| DistributionRelease {
        version: version.to_owned(),
        name: None,
        is_default: version == DEFAULT_RELEASE,
    };
    let arch = |(canonical, native): (&str, &str)| ArchName {
        canonical: canonical.to_owned(),
        native: native.to_owned(),
    };
    DistributionInfo {
        id: ID.to_owned(),
        name: ID.to_owned(), // CHANGE: as people write it
        version: env!("CARGO_PKG_VERSION").to_owned(),
        aliases: Vec::new(),
        releases: RELEASES.map(release).to_vec(),
        archs: ARCHS.map(arch).to_vec(),
        attributes: Vec::new(),
    }
}

/// What filters of OPKGs are decided for.
pub fn filter_context(target: &BuildTarget) -> Result<FilterContext, Refusal> {
    let asked = target.version.as_deref().unwrap_or(DEFAULT_RELEASE);
    if !RELEASES.contains(&asked) {
        let known = RELEASES.join(", ");
        return Err(Refusal::UnknownTarget(format!(
            "`{asked}` is no release of {ID}: there is {known}"
        )));
    }
    let arch = target.arch.as_ref().unwrap_or(&target.machine);
    if !ARCHS.iter().any(|(canonical, _)| canonical == arch) {
        let known = ARCHS.map(|(canonical, _)| canonical).join(", ");
        return Err(Refusal::UnknownTarget(format!(
            "{ID} has no packages for `{arch}`, only for {known}"
        )));
    }
    let version = ReleaseNumber::parse(asked).unwrap_or_else(|| ReleaseNumber::new([]));
    let identity = DistIdentity {
        id: ID.to_owned(),
        version: Some(version.clone()),
        default_version: version,
        version_syntax: VersionSyntax::numbers(),
    };
    Ok(FilterContext {
        arch: Some(arch.clone()),
        ..FilterContext::new(target, vec![identity])
    })
}

/// The version of the packages.
pub struct Version {
    pub epoch: u32,
    pub upstream: String,
    /// With the release tag.
    pub release: String,
}

impl Version {
    /// CHANGE: what the package manager would not accept in a version, or would sort otherwise, is to be changed here, with a
    /// note; `opkg_sdk::package_version` helps.
    pub fn new(opkg: &Opkg, target: &BuildTarget) -> Self {
        let tag = match RELEASE_TAG {
            Some(own) => release_tag::release_tag(target, own),
            None => release_tag::release_tag(target, "").filter(|tag| !tag.is_empty()),
        };
        let tag = tag.map(|tag| format!(".{tag}")).unwrap_or_default();
        // There always is one.
        let Some(written) = opkg.history.first().map(|release| &release.version) else {
            return Self {
                epoch: 0,
                upstream: "0".to_owned(),
                release: format!("0{tag}"),
            };
        };
        Self {
            epoch: written.epoch,
            upstream: written.upstream.clone(),
            release: format!("{}{tag}", written.release),
        }
    }

    pub fn in_file_names(&self) -> String {
        format!("{}-{}", self.upstream, self.release).replace('/', "_")
    }
}

pub fn native_arch(context: &FilterContext, plan: &PartPlan<'_>) -> &'static str {
    let canonical = context.build_arch();
    match ARCHS.iter().find(|(name, _)| *name == canonical) {
        Some((_, native)) if plan.is_arch_specific => native,
        _ => "any",
    }
}
