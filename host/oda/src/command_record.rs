//! Who asked for what: the commands that changed what engines decide about.

/// A command that changed something, for the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRecord {
    /// In milliseconds since 1970.
    pub at: i64,
    /// Who gave it, as the program that they used knows them: the user of the machine, or of the pages.
    pub who: String,
    /// The machine on which they did.
    pub host: String,
    /// As it was given.
    pub command: String,
    /// As whom they connected to the server of the database, which has checked that; absent for a file.
    pub role: Option<String>,
}
