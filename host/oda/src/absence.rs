//! Targets of which nothing is expected for a while.

/// What an administrator said of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    pub kind: AbsenceKind,
    /// In one line.
    pub reason: String,
    /// In seconds since 1970.
    pub since: i64,
    /// When it ends by itself, in seconds since 1970.
    pub until: Option<i64>,
    /// Who said so.
    pub who: String,
}

/// Why a target is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum AbsenceKind {
    /// It is switched off: it is not missed. When it comes back it is at work again.
    Offline = 1,
    /// Somebody works on it: nothing is begun there, by whomever.
    Maintenance = 2,
}

impl AbsenceKind {
    pub const ALL: [Self; 2] = [Self::Offline, Self::Maintenance];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Maintenance => "maintenance",
        }
    }

    /// The kind with this id in the database.
    #[must_use]
    pub fn from_id(id: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| i64::from(*kind as u8) == id)
    }
}
