//! The configurator as a step of the engine: forms and answers become files of values.

use std::path::Path;

use opkg_configurator::{Answers, Flaw, Form, Refused, Settled, values};
use opkg_oda::export::Values;
use opkg_oda::{Cluster, Key, Origin, PackageName, TargetId, TargetName};

use super::config::Config;
use super::forms::{answer_file, contexts, form, form_file, values_file};
use super::root::Root;
use super::root_of;
use crate::effects::Report;
use crate::machine::Outcome;

/// One form of a package, and what came of it.
struct Sheet<'a> {
    image: Option<TargetId>,
    name: Option<&'a TargetName>,
    form: Form,
    settled: Settled,
}

/// Whether a package has a form. What cannot be looked at must be heard of.
pub(super) fn concerns(cluster: &Cluster, key: Key) -> bool {
    let (Some(server), Some(package)) =
        (cluster.targets.get(&key.target), cluster.packages.get(&key.package))
    else {
        return false;
    };
    let Ok(root) = root_of(server) else { return true };
    let mut contexts = contexts(cluster, key.package).into_iter();
    contexts.any(|(image, _)| !matches!(root.find(&form_file(&package.name, image.is_some())), Ok(None)))
}

/// Whether a package has a form for images, and this one is not configured yet.
pub(super) fn lacks(cluster: &Cluster, key: Key, image: TargetId) -> bool {
    let (Some(server), Some(package), Some(image)) =
        (cluster.targets.get(&key.target), cluster.packages.get(&key.package), cluster.targets.get(&image))
    else {
        return false;
    };
    let there = |root: &Root, path: &Path| !matches!(root.find(path), Ok(None));
    root_of(server).is_ok_and(|root| {
        there(&root, &form_file(&package.name, true))
            && !there(&root, &values_file(&package.name, Some(&image.address.name)))
    })
}

/// Settles all forms of a package and writes their values, or nothing where one of them waits or is answered wrongly.
pub(super) fn configure(config: &Config, cluster: &Cluster, key: Key, known: &Values) -> Report {
    let contexts = contexts(cluster, key.package);
    try_to(config, cluster, key, &contexts, known)
        .unwrap_or_else(|reason| Report::new(Outcome::Failed(reason)))
}

/// Settles the form for an image that came after the others, so that its hook finds values. Nothing can wait there:
/// an answer that is missing is a failure that names the command.
pub(super) fn configure_image(
    config: &Config,
    cluster: &Cluster,
    key: Key,
    image: TargetId,
    known: &Values,
) -> Report {
    let name = cluster.targets.get(&image).map(|it| &it.address.name);
    if name.is_none() || !lacks(cluster, key, image) {
        return Report::new(Outcome::Done);
    }
    let report = try_to(config, cluster, key, &[(Some(image), name)], known)
        .unwrap_or_else(|reason| Report::new(Outcome::Failed(reason)));
    match (&report.outcome, cluster.packages.get(&key.package), name) {
        (Outcome::Waits(missing), Some(package), Some(_)) => {
            let command = format!("opm configure {}", package.name);
            Report::new(Outcome::Failed(format!("it needs {missing}: `{command}` gives it")))
        }
        _ => report,
    }
}

fn try_to(
    config: &Config,
    cluster: &Cluster,
    key: Key,
    contexts: &[(Option<TargetId>, Option<&TargetName>)],
    known: &Values,
) -> Result<Report, String> {
    let (Some(server), Some(package)) =
        (cluster.targets.get(&key.target), cluster.packages.get(&key.package))
    else {
        return Ok(Report::new(Outcome::Done));
    };
    let (root, package) = (root_of(server)?, &package.name);
    let file = answer_file(&config.answers, package)?;
    let mut sheets = Vec::new();
    for (image, name) in contexts.iter().copied() {
        let Some((form, _)) = form(&root, package, name)? else { continue };
        let stored = known.get(&(key.package, image)).map(Vec::as_slice).unwrap_or_default();
        let administrator = Answers::of(stored, Origin::Administrator);
        let settled = form
            .settle(&administrator, &file.context(name.map(TargetName::as_str)))
            .map_err(|refused| refusal(config, package, name, &refused))?;
        sheets.push(Sheet { image, name, form, settled });
    }
    if let Some(missing) = missing(&sheets) {
        return Ok(Report::new(Outcome::Waits(missing)));
    }
    let mut report = Report::new(Outcome::Done);
    let mut lines = Vec::new();
    for sheet in &sheets {
        lines.push(sheet.write(&root, package)?);
        report.settled.insert((key.package, sheet.image), sheet.settled.stored(&sheet.form));
    }
    report.tail = lines.join("\n");
    Ok(report)
}

impl Sheet<'_> {
    /// Writes the values; says in one line what was written.
    fn write(&self, root: &Root, package: &PackageName) -> Result<String, String> {
        let path = values_file(package, self.name);
        let text = values::write(&self.settled.entries(&self.form));
        let mode = if self.form.is_secret() { 0o600 } else { 0o644 };
        root.replace(&path, text.as_bytes(), mode)
            .map_err(|error| format!("the values {} cannot be written: {error}", path.display()))?;
        let of = |origin| self.settled.values.iter().filter(|it| it.origin == origin).count();
        Ok(format!(
            "{}: {} fields, {} answered by the administrator, {} by file, {} as the form has them",
            path.display(),
            self.settled.values.len(),
            of(Origin::Administrator),
            of(Origin::Answers),
            of(Origin::Default),
        ))
    }
}

/// What is still to be answered, in one line.
fn missing(sheets: &[Sheet<'_>]) -> Option<String> {
    let missing: Vec<String> = sheets
        .iter()
        .filter(|it| !it.settled.missing.is_empty())
        .map(|sheet| {
            let names = sheet.settled.missing.iter().map(|it| format!("`{}`", sheet.form.fields[*it].name));
            let names = names.collect::<Vec<_>>().join(", ");
            sheet
                .name
                .map_or(names.clone(), |image| format!("{names} for the image {image} (`--image {image}`)"))
        })
        .collect();
    (!missing.is_empty()).then(|| format!("an answer to {}", missing.join(", ")))
}

/// What is wrong with answers, and the command that mends the first of them.
fn refusal(
    config: &Config,
    package: &PackageName,
    image: Option<&TargetName>,
    refused: &[Refused],
) -> String {
    let Some(first) = refused.first() else { return "an answer was refused".into() };
    let place = image.map_or_else(String::new, |it| format!("for the image {it}: "));
    let mends = match first.origin {
        Origin::Answers => {
            format!("as {} answers it", config.answers.join(format!("{package}.toml")).display())
        }
        _ => {
            let image = image.map_or_else(String::new, |it| format!(" --image {it}"));
            let change = match first.flaw {
                Flaw::Unknown { .. } | Flaw::NoName => format!("--unset {}", opkg::show(&first.name)),
                _ => format!("--set {}=…", first.name),
            };
            format!("`opm configure {package}{image} {change}` mends it")
        }
    };
    let more = match refused.len() {
        1 => String::new(),
        more => format!(" (and {} more)", more - 1),
    };
    format!("{place}{first}: {mends}{more}")
}
