//! What the user of the library decides.

/// The package of the directories that all packages share; see [`crate::filesystem`].
pub(crate) const FILESYSTEM_PACKAGE: &str = "opkg-filesystem";

/// Relations that every OPKG of a cluster gets, per part: names of packages that must be there before the
/// part is of any use.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct AutomaticRelations {
    pub api: Vec<String>,
    pub server: Vec<String>,
    pub client: Vec<String>,
}

/// A usual choice of automatic relations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// The package of the directories that they share, which is written beside them.
    #[default]
    Opkg,
    /// Packages of the original, which nobody but it has.
    Oscar,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Opkg, Self::Oscar];

    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Opkg => "opkg",
            Self::Oscar => "oscar",
        }
    }

    /// What each part requires by itself.
    #[must_use]
    pub fn automatic_relations(self) -> AutomaticRelations {
        let [api, server, client] = match self {
            Self::Opkg => [FILESYSTEM_PACKAGE; 3],
            Self::Oscar => ["oscar-data", "liboscar-server", "liboscar-client"],
        }
        .map(|name| vec![name.to_owned()]);
        AutomaticRelations { api, server, client }
    }
}

impl AutomaticRelations {
    /// All names, part by part.
    pub fn into_names(self) -> impl Iterator<Item = String> {
        [self.api, self.server, self.client].into_iter().flatten()
    }

    /// Whether a part requires the package of shared directories, which therefore has to be there.
    #[must_use]
    pub fn require_filesystem(&self) -> bool {
        [&self.api, &self.server, &self.client].into_iter().flatten().any(|name| name == FILESYSTEM_PACKAGE)
    }
}

impl Default for AutomaticRelations {
    fn default() -> Self {
        Profile::default().automatic_relations()
    }
}

/// What the user of the library decides about every OPKG.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Required by every package.
    pub automatic_relations: AutomaticRelations,
    /// What stands for "now", in seconds since 1970; the date of the newest change where there is none.
    pub source_date: Option<i64>,
    /// The present time in seconds since 1970, with which dates are compared; nothing that is written depends on it.
    /// Without it, no date is in the future.
    pub now: Option<i64>,
}
