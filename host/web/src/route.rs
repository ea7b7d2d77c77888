//! Which page answers a request, and the rights that it takes.

use opkg_oda::Rights;

use crate::app_state::AppState;
use crate::pages::error::PageError;
use crate::pages::operation::Operation;
use crate::pages::render::error_page;
use crate::pages::{form, forms, journal, package, package_target, requests, status};
use crate::params::Params;
use crate::request::Request;
use crate::response::Response;

type PageHandler = fn(&AppState, &Request, &PathValues<'_>) -> Result<Response, PageError>;
type FormHandler = fn(&AppState, &Request, &Params, &PathValues<'_>) -> Result<Response, PageError>;

/// A page, or what a form does.
#[derive(Debug)]
pub struct Route {
    /// Below the base of a session: `packages/{package}`. A name in braces stands for any segment.
    pub pattern: &'static str,
    /// What whoever asks must have.
    pub rights: Rights,
    answer: Answer,
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Page(PageHandler),
    Form(FormHandler),
    EventStream,
}

/// What answers a request.
#[derive(Debug)]
pub enum Routed {
    Response(Response),
    /// The stream of [`crate::events`].
    EventStream,
}

/// The segments that stand where a pattern has names in braces, with these names.
#[derive(Debug, Default)]
struct PathValues<'a>(Vec<(&'static str, &'a str)>);

/// All that can be asked, with the rights that it takes: those that it takes in the database on a server as well. The first
/// that fits answers.
pub static ROUTES: &[Route] = {
    use Rights::{Administrator, Operator, Viewer};
    &[
        get("", Viewer, |app, request, _| status::show(app, request)),
        Route { pattern: "live", rights: Viewer, answer: Answer::EventStream },
        get("packages/{package}", Viewer, |app, request, path| {
            package::show(app, request, path.get("package"))
        }),
        get("packages/{package}/on/{target}", Viewer, |app, request, path| {
            package_target::show(app, request, path.get("package"), path.get("target"))
        }),
        get("runs", Viewer, |app, request, _| journal::list_runs(app, request)),
        get("runs/{run}", Viewer, |app, request, path| journal::show_run(app, request, path.get("run"))),
        get("runs/{run}/{step}", Viewer, |app, request, path| {
            journal::show_step(app, request, path.get("run"), path.get("step"))
        }),
        get("requests", Operator, |app, request, _| requests::show(app, request)),
        post("phase", Operator, |app, request, form, _| requests::set_phase(app, request, form)),
        post("request", Operator, |app, request, form, _| {
            requests::perform_operation(app, request, form, Operation::Request)
        }),
        post("remove", Operator, |app, request, form, _| {
            requests::perform_operation(app, request, form, Operation::Remove)
        }),
        post("clear", Operator, |app, request, form, _| {
            requests::perform_operation(app, request, form, Operation::Clear)
        }),
        post("rerun", Operator, |app, request, form, _| {
            requests::perform_operation(app, request, form, Operation::Rerun)
        }),
        post("reconfigure", Operator, |app, request, form, _| {
            requests::perform_operation(app, request, form, Operation::Reconfigure)
        }),
        post("upgrade", Operator, |app, request, form, _| {
            requests::perform_operation(app, request, form, Operation::Upgrade)
        }),
        post("hold", Operator, |app, request, form, _| {
            requests::perform_operation(app, request, form, Operation::Hold)
        }),
        post("unhold", Operator, |app, request, form, _| {
            requests::perform_operation(app, request, form, Operation::Unhold)
        }),
        post("run", Administrator, |app, request, _, _| requests::start_run(app, request)),
        // Configurations may hold secrets.
        get("forms", Administrator, |app, request, _| forms::show(app, request)),
        get("packages/{package}/form", Administrator, |app, request, path| {
            form::show(app, request, path.get("package"), None)
        }),
        post("packages/{package}/form", Administrator, |app, request, form, path| {
            form::save(app, request, form, path.get("package"), None)
        }),
        get("packages/{package}/form/{image}", Administrator, |app, request, path| {
            form::show(app, request, path.get("package"), Some(path.get("image")))
        }),
        post("packages/{package}/form/{image}", Administrator, |app, request, form, path| {
            form::save(app, request, form, path.get("package"), Some(path.get("image")))
        }),
    ]
};

const fn get(pattern: &'static str, rights: Rights, handler: PageHandler) -> Route {
    Route { pattern, rights, answer: Answer::Page(handler) }
}

const fn post(pattern: &'static str, rights: Rights, handler: FormHandler) -> Route {
    Route { pattern, rights, answer: Answer::Form(handler) }
}

impl Route {
    /// Whether it is what a form does, and not a page.
    #[must_use]
    pub fn is_form(&self) -> bool {
        matches!(self.answer, Answer::Form(_))
    }

    /// The values of its names where a path fits.
    fn match_path<'a>(&self, path: &'a [String]) -> Option<PathValues<'a>> {
        let parts: Vec<&'static str> = self.pattern.split('/').filter(|part| !part.is_empty()).collect();
        if parts.len() != path.len() {
            return None;
        }
        let mut values = PathValues::default();
        for (part, segment) in parts.into_iter().zip(path) {
            match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(name) => values.0.push((name, segment)),
                None if part == segment => {}
                None => return None,
            }
        }
        Some(values)
    }
}

impl<'a> PathValues<'a> {
    /// The segment that stands for a name; empty when the pattern has no such name.
    fn get(&self, name: &str) -> &'a str {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, segment)| *segment).unwrap_or_default()
    }
}

/// Answers whoever has the rights to ask.
#[must_use]
pub fn route(app: &AppState, request: &Request) -> Routed {
    let found = ROUTES
        .iter()
        .filter(|route| route.is_form() == request.form.is_some())
        .find_map(|route| Some((route, route.match_path(&request.path)?)));
    let answered = match found {
        None => Err(PageError::PageNotFound),
        Some((route, _)) if !request.person.may(route.rights) => {
            Err(PageError::Forbidden { needed: route.rights, has: request.person.rights })
        }
        Some((route, values)) => match (route.answer, &request.form) {
            (Answer::Page(handler), _) => handler(app, request, &values),
            (Answer::Form(handler), Some(form)) => handler(app, request, form, &values),
            (Answer::Form(_), None) => Err(PageError::PageNotFound),
            (Answer::EventStream, _) => return Routed::EventStream,
        },
    };
    Routed::Response(answered.unwrap_or_else(|error| error_page(request, &error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_route_of_its_name() {
        for operation in Operation::ALL {
            let mut named =
                ROUTES.iter().filter(|route| route.is_form() && route.pattern == operation.name());
            assert_eq!(named.next().map(|route| route.rights), Some(Rights::Operator), "{operation:?}");
        }
    }
}
