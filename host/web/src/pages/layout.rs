//! What surrounds every page: title, tabs, notice.

use opkg_oda::Rights;

use crate::person::Person;
use crate::request::Request;

/// Values for `layout.html`.
#[derive(Debug)]
pub struct Layout {
    pub title: String,
    /// What all URLs of the page are relative to.
    pub base: String,
    /// Of the page itself.
    pub url: String,
    pub tab: Tab,
    /// Of the state that the page shows; the script compares it with the newest one.
    pub state_version: u64,
    /// From where the script fetches the page again, if that is not its own URL: the answer to a form has none.
    pub refresh_url: Option<&'static str>,
    /// The outcome of the form that was sent just before.
    pub notice: Option<String>,
    /// For the forms of the page.
    pub csrf_token: String,
    /// Who asks for it.
    pub person: Person,
}

/// The entries of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    Status,
    Requests,
    Forms,
    Runs,
    /// The page belongs to no entry.
    None,
}

impl Layout {
    /// Takes the notice and the token from the session of the request.
    #[must_use]
    pub fn new(request: &Request, tab: Tab, state_version: u64, title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            base: request.base().to_owned(),
            url: request.url.clone(),
            tab,
            state_version,
            refresh_url: None,
            notice: request.session.notice(request.query.get("said")),
            csrf_token: request.session.csrf_token().to_owned(),
            person: request.person.clone(),
        }
    }

    /// Who the page is for, where they had to say so.
    #[must_use]
    pub fn signed_in(&self) -> Option<&Person> {
        Some(&self.person).filter(|person| person.is_signed_in)
    }

    /// Whether to show what an operator may do.
    #[must_use]
    pub fn may_operate(&self) -> bool {
        self.person.may(Rights::Operator)
    }

    /// Whether to show what an administrator may do.
    #[must_use]
    pub fn may_administer(&self) -> bool {
        self.person.may(Rights::Administrator)
    }

    #[must_use]
    pub fn is_current_tab(&self, tab: Tab) -> bool {
        self.tab == tab
    }
}
