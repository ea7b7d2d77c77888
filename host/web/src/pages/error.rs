//! Why a page cannot be shown.

use std::borrow::Cow;

use http::StatusCode;
use opkg_oda::Rights;

/// The message is a sentence for the user.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// No route matches the path.
    #[error("There is no such page.")]
    PageNotFound,
    /// The cluster has no such package, target, run or step; the field says which of these.
    #[error("There is no {0} of that name.")]
    NotFound(&'static str),
    #[error("{0}.")]
    Database(#[from] opkg_oda::Error),
    /// Whoever asks has fewer rights than it takes.
    #[error("That takes the rights of {}.", .needed.with_article())]
    Forbidden { needed: Rights, has: Rights },
    /// A form of a package cannot be used.
    #[error("{0}.")]
    Form(String),
    /// What failed, and why.
    #[error("{0}: {1}.")]
    Io(&'static str, std::io::Error),
    #[error("The page cannot be made: {0}.")]
    Template(#[from] askama::Error),
}

impl PageError {
    #[must_use]
    pub fn status_code(&self) -> StatusCode {
        match self {
            Self::PageNotFound | Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Forbidden { .. } => StatusCode::FORBIDDEN,
            Self::Form(_) => StatusCode::CONFLICT,
            Self::Database(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Io(..) | Self::Template(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::Forbidden { has, .. } => {
                return format!("You have those of {}. Whoever administers the cluster gives others. Nothing was changed.", has.with_article()).into();
            }
            Self::PageNotFound | Self::NotFound(_) => "It may have been removed. Go on from the status page.",
            Self::Form(_) => "Fix that, then load this page again.",
            Self::Database(_) => "`opm status` in a terminal says what can be done about it.",
            Self::Io(..) => "See whether the machine has memory and disk space, then try again.",
            Self::Template(_) => "Go on with another page.",
        };
        help.into()
    }
}
