//! The pages: what each shows, as plain values that a template makes HTML of.

mod deed;
mod details;
pub mod form;
pub mod forms;
pub mod journal;
mod matrix;
mod names;
pub mod package;
pub mod pair;
pub mod panel;
pub mod status;

use askama::Template;
use http::StatusCode;
use opkg_oda::Error;

use crate::asked::Asked;
use crate::reply::Reply;

/// What stands around every page.
#[derive(Debug)]
pub struct Frame {
    /// Of the page.
    pub title: String,
    /// Which of the pages at the top it belongs to.
    pub tab: Tab,
    /// The number of the state of the cluster that it shows.
    pub number: u64,
    /// Where it can be looked at again, if that is not where it was asked for.
    pub address: Option<&'static str>,
    /// What became of what was asked for just now.
    pub notice: Option<String>,
    /// The mark of this browser's forms.
    pub mark: String,
}

/// The pages at the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// How everything stands.
    Status,
    /// What is asked for.
    Requests,
    /// What packages ask.
    Forms,
    /// What was done.
    Runs,
    /// None of them.
    None,
}

impl Frame {
    /// Around a page for this browser.
    #[must_use]
    pub fn new(asked: &Asked, tab: Tab, number: u64, title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            tab,
            number,
            address: None,
            notice: asked.session.notice(asked.query.get("said")),
            mark: asked.session.form().to_owned(),
        }
    }

    /// Whether it belongs to this one of the pages at the top.
    #[must_use]
    pub fn is(&self, tab: Tab) -> bool {
        self.tab == tab
    }
}

/// Why a page cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Nothing has that address.
    #[error("There is no such page.")]
    NoPage,
    /// Nothing in the cluster is called so.
    #[error("There is no {0} of that name.")]
    Unknown(&'static str),
    /// The database failed.
    #[error("{0}.")]
    Database(#[from] Error),
    /// A form cannot be used.
    #[error("{0}.")]
    Form(String),
    /// The operating system refused something.
    #[error("{0}: {1}.")]
    System(&'static str, std::io::Error),
    /// A template could not be filled in.
    #[error("The page cannot be made: {0}.")]
    Template(#[from] askama::Error),
}

impl Trouble {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoPage | Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::Form(_) => StatusCode::CONFLICT,
            Self::Database(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::System(..) | Self::Template(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn help(&self) -> &'static str {
        match self {
            Self::NoPage | Self::Unknown(_) => "It may have been removed. Go on from the page of the status.",
            Self::Form(_) => "Mend that, then load this page again.",
            Self::Database(_) => "`opm status` in a terminal says what can be done about it.",
            Self::System(..) => "See whether the machine has memory and room on its disks, then try again.",
            Self::Template(_) => "Go on with another page.",
        }
    }
}

#[derive(Debug, Template)]
#[template(path = "trouble.html")]
struct TroublePage {
    frame: Frame,
    help: &'static str,
}

#[derive(Debug, Template)]
#[template(path = "refusal.html")]
struct RefusalPage<'a> {
    what: &'a str,
    help: &'a str,
}

/// The page that says what is wrong.
#[must_use]
pub fn trouble(asked: &Asked, trouble: &Trouble) -> Reply {
    let frame = Frame::new(asked, Tab::None, 0, trouble.to_string());
    let page = TroublePage { frame, help: trouble.help() };
    html(trouble.status(), &page).unwrap_or_else(|_| refusal(trouble.status(), &trouble.to_string(), ""))
}

/// A page for somebody who may not see anything else; it loads nothing.
#[must_use]
pub fn refusal(status: StatusCode, what: &str, help: &str) -> Reply {
    let page = RefusalPage { what, help }.render();
    // A page of two sentences cannot fail; if it does, the status says it.
    Reply::page(status, page.unwrap_or_default())
}

/// A page of a template.
///
/// # Errors
/// When it cannot be filled in.
pub fn html(status: StatusCode, page: &impl Template) -> Result<Reply, Trouble> {
    Ok(Reply::page(status, page.render()?))
}

/// The one style of all pages.
#[must_use]
pub fn style() -> Reply {
    Reply::fixed("text/css; charset=utf-8", include_str!("../../assets/style.css"))
}

/// The one script, which pages can do without.
#[must_use]
pub fn script() -> Reply {
    Reply::fixed("text/javascript; charset=utf-8", include_str!("../../assets/script.js"))
}

/// The sign in the tab of the browser.
#[must_use]
pub fn icon() -> Reply {
    Reply::fixed("image/svg+xml", include_str!("../../assets/icon.svg"))
}
