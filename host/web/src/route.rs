//! Which page answers a request.

use crate::app_state::AppState;
use crate::pages::error::PageError;
use crate::pages::render::error_page;
use crate::pages::{form, forms, journal, package, package_target, requests, status};
use crate::params::Params;
use crate::request::Request;
use crate::response::Response;

#[must_use]
pub fn route(app: &AppState, request: &Request) -> Response {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    let answered = match &request.form {
        None => route_get(app, request, &path),
        Some(form) => route_post(app, request, form, &path),
    };
    answered.unwrap_or_else(|error| error_page(request, &error))
}

fn route_post(
    app: &AppState,
    request: &Request,
    form: &Params,
    path: &[&str],
) -> Result<Response, PageError> {
    match path {
        ["phase"] => requests::set_phase(app, request, form),
        ["run"] => requests::start_run(app, request),
        ["packages", package, "form"] => form::save(app, request, form, package, None),
        ["packages", package, "form", image] => form::save(app, request, form, package, Some(image)),
        [operation] => requests::perform_operation(app, request, form, operation),
        _ => Err(PageError::PageNotFound),
    }
}

fn route_get(app: &AppState, request: &Request, path: &[&str]) -> Result<Response, PageError> {
    match path {
        [] => status::show(app, request),
        ["packages", package] => package::show(app, request, package),
        ["packages", package, "on", target] => package_target::show(app, request, package, target),
        ["packages", package, "form"] => form::show(app, request, package, None),
        ["packages", package, "form", image] => form::show(app, request, package, Some(image)),
        ["forms"] => forms::show(app, request),
        ["requests"] => requests::show(app, request),
        ["runs"] => journal::list_runs(app, request),
        ["runs", run] => journal::show_run(app, request, run),
        ["runs", run, step] => journal::show_step(app, request, run, step),
        _ => Err(PageError::PageNotFound),
    }
}
