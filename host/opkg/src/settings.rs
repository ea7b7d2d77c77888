//! What the user of the library decides.

/// Relations that every OPKG of a cluster gets, per part: names of packages that must be there before the
/// part is of any use.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct AutomaticRelations {
    pub api: Vec<String>,
    pub server: Vec<String>,
    pub client: Vec<String>,
}

impl Default for AutomaticRelations {
    fn default() -> Self {
        Self {
            api: vec!["oscar-data".into()],
            server: vec!["liboscar-server".into()],
            client: vec!["liboscar-client".into()],
        }
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
