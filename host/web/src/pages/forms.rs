//! The forms of all packages: which there are, and what is still to be answered.

use std::path::Path;

use askama::Template;
use http::StatusCode;
use opkg_oda::{Cluster, Origin, PackageId, Store, TargetId};
use opkg_opm::answers::{Sheet, SheetError};
use opkg_opm::system::{Found, images_with};

use super::names::package_address;
use super::{Frame, Tab, Trouble, html};
use crate::asked::Asked;
use crate::reply::Reply;
use crate::site::Site;

#[derive(Debug, Template)]
#[template(path = "forms.html")]
struct FormsPage {
    frame: Frame,
    forms: Vec<Listed>,
    /// Packages of which nobody knows yet what they ask.
    unknown: Vec<(String, String)>,
}

#[derive(Debug)]
struct Listed {
    package: String,
    /// `the whole cluster`, or an image.
    context: String,
    href: String,
    /// Name of a style, and its sign.
    class: &'static str,
    sign: char,
    state: String,
}

/// The list.
///
/// # Errors
/// When the database fails.
pub fn show(site: &Site, asked: &Asked) -> Result<Reply, Trouble> {
    let seen = site.number();
    let snapshot = site.snapshot()?;
    let cluster = &snapshot.cluster;
    let mut packages: Vec<_> = cluster.packages.values().collect();
    packages.sort_by(|one, other| one.name.cmp(&other.name));
    let mut store = site.open()?;
    let (mut forms, mut unknown) = (Vec::new(), Vec::new());
    for package in packages {
        let name = package.name.as_str();
        for image in contexts(cluster, package.id) {
            let target = image.and_then(|it| {
                cluster.of_kind(opkg_oda::Kind::Image).find(|at| at.address.name.as_str() == it)
            });
            let (class, sign, state) =
                match sheet(site, &mut store, cluster, package.id, target.map(|it| it.id)) {
                    Ok(sheet) => match sheet.found {
                        Found::Form(..) => stand(&sheet),
                        Found::NoForm => continue,
                        Found::NotInstalled => {
                            if image.is_none() {
                                unknown.push((package_address(name, ""), name.to_owned()));
                            }
                            continue;
                        }
                    },
                    Err(Trouble::Form(reason)) => ("error", '!', reason),
                    Err(trouble) => return Err(trouble),
                };
            forms.push(Listed {
                package: name.to_owned(),
                context: image.map_or_else(|| "the whole cluster".to_owned(), |it| format!("image {it}")),
                href: form_address(name, image),
                class,
                sign,
                state,
            });
        }
    }
    html(StatusCode::OK, &FormsPage { frame: Frame::new(asked, Tab::Forms, seen, "Forms"), forms, unknown })
}

/// How a form stands, in a style, a sign and words.
fn stand(sheet: &Sheet) -> (&'static str, char, String) {
    let Some(form) = sheet.form() else { return ("done", '+', String::new()) };
    match sheet.settle(&sheet.administrator) {
        Some(Ok(settled)) if settled.missing.is_empty() => {
            let answered = settled.values.iter().filter(|it| it.origin != Origin::Default).count();
            let all = form.fields.len();
            (
                "done",
                '+',
                format!("complete; {answered} of {all} fields answered, the others as the form has them"),
            )
        }
        Some(Ok(settled)) => {
            let labels =
                settled.missing.iter().filter_map(|it| form.fields.get(*it)).map(|it| it.label.as_str());
            ("waits", '~', format!("to be answered: {}", labels.collect::<Vec<_>>().join(", ")))
        }
        Some(Err(refused)) => {
            let first = refused.first().map(ToString::to_string).unwrap_or_default();
            ("error", '!', format!("an answer does not fit: {first}"))
        }
        None => ("done", '+', String::new()),
    }
}

/// The forms that a package may have: one for the whole cluster, and one for each of these images.
#[must_use]
pub fn contexts(cluster: &Cluster, package: PackageId) -> Vec<Option<&str>> {
    let images = images_with(cluster, package).into_iter().map(|it| Some(it.address.name.as_str()));
    std::iter::once(None).chain(images).collect()
}

/// Where a form is.
#[must_use]
pub fn form_address(package: &str, image: Option<&str>) -> String {
    match image {
        Some(image) => format!("/packages/{package}/form/{image}"),
        None => format!("/packages/{package}/form"),
    }
}

/// A form with all answers to it.
///
/// # Errors
/// When it cannot be used, or the database fails.
pub fn sheet(
    site: &Site,
    store: &mut dyn Store,
    cluster: &Cluster,
    package: PackageId,
    image: Option<TargetId>,
) -> Result<Sheet, Trouble> {
    let files: &Path = &site.settings.answers;
    Sheet::read(store, cluster, files, package, image).map_err(|error| match error {
        SheetError::Database(error) => error.into(),
        SheetError::Unknown => Trouble::Unknown("package or image"),
        SheetError::NoServer | SheetError::Unusable(_) => Trouble::Form(error.to_string()),
    })
}
