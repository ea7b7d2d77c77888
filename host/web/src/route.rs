//! Which page answers a request.

use crate::asked::Asked;
use crate::pages::{self, Trouble, form, forms, journal, package, pair, panel, status};
use crate::reply::Reply;
use crate::site::Site;

/// Answers a request.
#[must_use]
pub fn route(site: &Site, asked: &Asked) -> Reply {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    let done = match &asked.form {
        None => look(site, asked, &path),
        Some(sent) => match path.as_slice() {
            ["phase"] => panel::phase(site, asked, sent),
            ["run"] => panel::run(site, asked),
            ["packages", package, "form"] => form::save(site, asked, sent, package, None),
            ["packages", package, "form", image] => form::save(site, asked, sent, package, Some(image)),
            [deed] => panel::ask(site, asked, sent, deed),
            _ => Err(Trouble::NoPage),
        },
    };
    done.unwrap_or_else(|trouble| pages::trouble(asked, &trouble))
}

fn look(site: &Site, asked: &Asked, path: &[&str]) -> Result<Reply, Trouble> {
    match path {
        [] => status::show(site, asked),
        ["packages", package] => package::show(site, asked, package),
        ["packages", package, "on", target] => pair::show(site, asked, package, target),
        ["packages", package, "form"] => form::show(site, asked, package, None),
        ["packages", package, "form", image] => form::show(site, asked, package, Some(image)),
        ["forms"] => forms::show(site, asked),
        ["requests"] => panel::show(site, asked),
        ["runs"] => journal::runs(site, asked),
        ["runs", run] => journal::run(site, asked, run),
        ["runs", run, step] => journal::step(site, asked, run, step),
        ["style.css"] => Ok(pages::style()),
        ["script.js"] => Ok(pages::script()),
        ["icon.svg"] => Ok(pages::icon()),
        _ => Err(Trouble::NoPage),
    }
}
