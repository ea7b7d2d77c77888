//! The OPKGs of the suite, by what they are about. Together they use all of the format.

mod files;
mod filters;
mod relations;
mod scripts;
mod sketch;
mod system;
mod texts;
mod versions;

use opkg_interface::DistributionDescription;
use opkg_scratch::ScratchDir;

use crate::error::SuiteError;

pub use sketch::TestOpkg;
pub use texts::TWIN;

/// The OPKG that says nothing but what every one has to.
pub const MINIMAL: &str = "minimal";

/// How the names of an OPKG in rising versions begin.
pub const RISING: &str = "rising-";

/// All OPKGs of the suite.
#[derive(Debug)]
pub struct Collection {
    /// Each on its own.
    pub opkgs: Vec<TestOpkg>,
    /// One OPKG in versions that rise.
    pub rising: Vec<TestOpkg>,
}

impl Collection {
    /// Writes and reads those that are wanted, by their names. Their filters name what the plugin describes.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn build(
        description: &DistributionDescription,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Self, SuiteError> {
        let directory = ScratchDir::new("opkg-conformance-", None)?;
        let load_all = |sketches: Vec<sketch::Sketch>| {
            let wanted = sketches.iter().filter(|sketch| is_wanted(sketch.label()));
            wanted.map(|sketch| sketch.load(directory.path())).collect::<Result<Vec<_>, _>>()
        };
        let sketches = [
            vec![sketch::Sketch::new(MINIMAL)],
            files::sketches(),
            relations::sketches(),
            filters::sketches(description),
            scripts::sketches(),
            system::sketches(),
            texts::sketches(),
            versions::sketches(),
        ];
        Ok(Self { opkgs: load_all(sketches.concat())?, rising: load_all(versions::rising(RISING))? })
    }

    /// One by its name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&TestOpkg> {
        self.opkgs.iter().find(|it| it.name == name)
    }
}
