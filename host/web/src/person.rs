//! Who asks.

use opkg_oda::Rights;

/// Who asks, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// As the journal has it.
    pub name: String,
    pub rights: Rights,
    /// Whether they had to say who they are, and pages say it to them. Whoever only has the token is taken for whoever
    /// started the server.
    pub is_signed_in: bool,
}

impl Person {
    /// Whether they may do what takes these rights.
    #[must_use]
    pub fn may(&self, rights: Rights) -> bool {
        self.rights >= rights
    }
}
