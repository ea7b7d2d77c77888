//! Records of the interface by the types of this crate, and the other way round.

use super::{DistIdentity, FilterContext, FilterMatch, OpenCondition, VersionParts, VersionTest};
use crate::filter::{self, VersionSyntax};
use crate::package_version::WrittenVersion;
use crate::version::ReleaseNumber;

impl From<&FilterContext> for filter::FilterContext {
    fn from(context: &FilterContext) -> Self {
        let identities = |of: &[DistIdentity]| of.iter().map(filter::DistIdentity::from).collect::<Vec<_>>();
        Self {
            name: context.name.clone(),
            identities: identities(&context.identities),
            fallback_identities: identities(&context.fallback_identities),
            arch: context.arch.clone(),
            host_arch: context.machine.clone(),
        }
    }
}

impl From<&DistIdentity> for filter::DistIdentity {
    fn from(identity: &DistIdentity) -> Self {
        let number = |number: &Vec<u64>| ReleaseNumber::new(number.clone());
        let names = identity.names.iter().map(|it| (it.name.clone(), number(&it.number)));
        Self {
            id: identity.id.clone(),
            version: identity.number.as_ref().map(number),
            default_version: number(&identity.default_number),
            version_syntax: VersionSyntax::Named(names.collect()),
        }
    }
}

impl From<filter::FilterMatch> for FilterMatch {
    fn from(decision: filter::FilterMatch) -> Self {
        match decision {
            filter::FilterMatch::Always => Self::Always,
            filter::FilterMatch::Never => Self::Never,
            filter::FilterMatch::Conditional(condition) => Self::Conditional(OpenCondition {
                versions: condition.versions.into_iter().map(VersionTest::from).collect(),
                archs: condition.archs,
            }),
        }
    }
}

impl From<filter::VersionTest> for VersionTest {
    fn from(test: filter::VersionTest) -> Self {
        Self {
            id: test.id,
            comparison: test.comparison,
            number: test.version.components().to_vec(),
            written: test.source_text,
        }
    }
}

impl From<WrittenVersion<'_>> for VersionParts {
    fn from(version: WrittenVersion<'_>) -> Self {
        Self {
            epoch: version.epoch,
            upstream: version.upstream.to_owned(),
            release: version.release.map(str::to_owned),
        }
    }
}
