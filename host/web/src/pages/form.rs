//! The form of a package: rendered anew from its model, so that nothing of what its author wrote reaches the browser
//! but text.

use std::hash::BuildHasher;

use askama::Template;
use http::StatusCode;
use opkg_configurator::{Answers, Field, Form, Item, Kind, Refused, Settled, origin_in_words};
use opkg_oda::{Cluster, Origin, Package, TargetId};
use opkg_opm::answers::{Next, Sheet, next};
use opkg_opm::system::Found;

use super::forms::{contexts, form_address, sheet};
use super::names::package_address;
use super::{Frame, Tab, Trouble, html};
use crate::asked::Asked;
use crate::fields::{Fields, address};
use crate::reply::Reply;
use crate::site::Site;

/// What stands before the name of a field, so that none is taken for one of ours.
const PREFIX: &str = "field.";

#[derive(Debug, Template)]
#[template(path = "form.html")]
struct FormPage {
    frame: Frame,
    package: String,
    package_href: String,
    image: Option<String>,
    /// The forms of the same package, with their addresses.
    others: Vec<(String, String)>,
    href: String,
    /// Why there is no form, or what is wrong with all of it.
    problem: Option<String>,
    /// Changes when somebody answers.
    state: u64,
    pieces: Vec<Piece>,
    remarks: Vec<String>,
    /// Whether new answers count only when it is configured anew.
    is_configured: bool,
}

/// A piece of the form.
#[derive(Debug)]
enum Piece {
    /// A heading, of level 2 to 6.
    Heading(u8, String),
    /// The lines of a paragraph.
    Text(Vec<String>),
    Field(Shown),
}

/// A field as it is shown.
#[derive(Debug)]
struct Shown {
    id: String,
    name: String,
    label: String,
    kind: Kind,
    is_required: bool,
    is_read_only: bool,
    /// Where something is typed.
    boxes: Vec<Typed>,
    choices: Vec<Choice>,
    /// Whose answer it is, where somebody answered.
    origin: Option<&'static str>,
    problem: Option<String>,
}

#[derive(Debug)]
struct Typed {
    id: String,
    value: String,
}

#[derive(Debug)]
struct Choice {
    value: String,
    label: String,
    is_chosen: bool,
}

impl Shown {
    /// Whether several inputs belong to one question.
    fn is_group(&self) -> bool {
        match self.kind {
            Kind::Checkbox => self.choices.len() > 1,
            Kind::Radio => true,
            _ => self.boxes.len() > 1,
        }
    }

    /// What describes its inputs, for those who do not see the page.
    fn described_by(&self) -> String {
        let mut ids = Vec::new();
        if self.problem.is_some() {
            ids.push(format!("{}-problem", self.id));
        }
        if self.origin.is_some() {
            ids.push(format!("{}-origin", self.id));
        }
        ids.join(" ")
    }
}

/// What is shown: values of all fields, and what is wrong with some.
struct State {
    settled: Settled,
    /// Of each field.
    problems: Vec<Option<String>>,
    /// Of answers to fields that are not there, and of the file of answers.
    others: Vec<String>,
}

/// The page of a form.
///
/// # Errors
/// When there is no such package or image, or the database fails.
pub fn show(site: &Site, asked: &Asked, package: &str, image: Option<&str>) -> Result<Reply, Trouble> {
    let snapshot = site.snapshot()?;
    let place = Place::find(&snapshot.cluster, package, image)?;
    let sheet = sheet(site, &mut site.open()?, &snapshot.cluster, place.package.id, place.image)?;
    let state = sheet.form().map(|form| state(form, &sheet));
    page(site, asked, &snapshot.cluster, &place, &sheet, state, None)
}

/// Keeps what was answered in the form, or shows it again with what is wrong.
///
/// # Errors
/// When there is no such package or image, or the database fails.
pub fn save(
    site: &Site,
    asked: &Asked,
    typed: &Fields,
    package: &str,
    image: Option<&str>,
) -> Result<Reply, Trouble> {
    let snapshot = site.snapshot()?;
    let cluster = &snapshot.cluster;
    let place = Place::find(cluster, package, image)?;
    let mut store = site.open()?;
    let sheet = sheet(site, &mut store, cluster, place.package.id, place.image)?;
    let Some(form) = sheet.form() else {
        return page(site, asked, cluster, &place, &sheet, None, None);
    };
    let known = state(form, &sheet);
    let answers = if typed.get("defaults").is_empty() {
        form.submitted(&entries(form, typed, &known.settled), &known.settled)
    } else {
        Answers::default()
    };
    let problems: Vec<Option<String>> = form.fields.iter().map(|it| flaw(it, &answers)).collect();
    let is_old = typed.get("state") != number(site, &known.settled).to_string();
    let unknown = answers.iter().find(|(name, _)| form.field(name).is_none());
    let problem = if is_old {
        Some(
            "Somebody else has answered meanwhile, and nothing was saved. Save again to replace those answers.",
        )
    } else if unknown.is_some() {
        Some("The form has changed meanwhile, and nothing was saved. Look whether your answers still fit.")
    } else if problems.iter().any(Option::is_some) {
        Some("Nothing was saved yet: some answers do not fit.")
    } else {
        None
    };
    if let Some(problem) = problem {
        let settled = as_typed(form, &answers, &known.settled);
        let state = State { settled, problems, others: known.others };
        return page(site, asked, cluster, &place, &sheet, Some(state), Some(problem.into()));
    }
    let said = if sheet.save(&mut store, &answers)? {
        match next(cluster, place.package.id) {
            Next::Run => "Saved. The next run takes it.",
            Next::Request => "Saved. It counts when the package is requested on the head node.",
            Next::Clear => "Saved. The package is in error: it counts when that is cleared.",
            Next::Reconfigure => "Saved. It counts when the package is configured anew.",
        }
    } else {
        "Somebody else answered at the same moment, and nothing was saved."
    };
    let number = asked.session.note(said.to_owned()).to_string();
    Ok(Reply::see(address(&place.href(), &[("said", &number)])))
}

/// Which form it is.
struct Place<'a> {
    package: &'a Package,
    image: Option<TargetId>,
    image_name: Option<&'a str>,
}

impl<'a> Place<'a> {
    fn find(cluster: &'a Cluster, package: &str, image: Option<&'a str>) -> Result<Self, Trouble> {
        let package = super::package::find(cluster, package)?;
        let Some(name) = image else { return Ok(Self { package, image: None, image_name: None }) };
        let address = format!("image:{name}").parse().map_err(|_| Trouble::Unknown("image"))?;
        let image = cluster.target(&address).ok_or(Trouble::Unknown("image"))?;
        Ok(Self { package, image: Some(image.id), image_name: Some(name) })
    }

    fn href(&self) -> String {
        form_address(self.package.name.as_str(), self.image_name)
    }
}

/// The values of all fields, without answers that no longer fit, which are said to be so.
fn state(form: &Form, sheet: &Sheet) -> State {
    let (mut administrator, mut file) = (sheet.administrator.clone(), sheet.file.clone());
    let mut refused: Vec<Refused> = Vec::new();
    // Once for all that is refused, and once without it.
    let settled = loop {
        match form.settle(&administrator, &file) {
            Ok(settled) => break settled,
            Err(more) => {
                for it in &more {
                    let answers = if it.origin == Origin::Answers { &mut file } else { &mut administrator };
                    answers.remove(&it.name);
                }
                refused.extend(more);
            }
        }
    };
    let mut problems: Vec<Option<String>> = vec![None; form.fields.len()];
    let mut others = Vec::new();
    for it in refused {
        let place = form.fields.iter().position(|field| field.name == it.name);
        let text = format!("An earlier answer ({}) {}.", origin_in_words(it.origin), it.flaw);
        match place.and_then(|it| problems.get_mut(it)) {
            Some(problem) => *problem = Some(text),
            None => others.push(format!("{} {} ({}).", it.name, it.flaw, origin_in_words(it.origin))),
        }
    }
    for missing in &settled.missing {
        if let Some(problem @ None) = problems.get_mut(*missing) {
            *problem = Some("This must be answered.".into());
        }
    }
    State { settled, problems, others }
}

/// What was typed, by the names of fields. A password that is left empty is left as it is.
fn entries(form: &Form, typed: &Fields, known: &Settled) -> Vec<(String, String)> {
    let named = typed.iter().filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?, value)));
    let is_kept = |name: &str, value: &str| {
        let place = form.fields.iter().position(|it| it.name == name && it.kind == Kind::Password);
        let known = place.and_then(|it| known.values.get(it));
        value.is_empty() && known.is_some_and(|it| it.values.iter().any(|it| !it.is_empty()))
    };
    let typed = named.filter(|(name, value)| !is_kept(name, value));
    typed.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn flaw(field: &Field, answers: &Answers) -> Option<String> {
    let flaw = field.check(answers.get(&field.name)?).err()?;
    Some(format!("This {flaw}."))
}

/// The values as somebody typed them, whether they fit or not.
fn as_typed(form: &Form, answers: &Answers, known: &Settled) -> Settled {
    let mut typed = known.clone();
    for (field, shown) in form.fields.iter().zip(&mut typed.values) {
        if let Some(values) = answers.get(&field.name) {
            shown.values = values.to_vec();
        }
    }
    typed
}

/// A number that is another one when other values are known. Nobody can find out from it what they are.
fn number(site: &Site, settled: &Settled) -> u64 {
    let values: Vec<_> = settled.values.iter().map(|it| (&it.values, it.origin)).collect();
    site.marker.hash_one(values)
}

#[allow(clippy::too_many_arguments)]
fn page(
    site: &Site,
    asked: &Asked,
    cluster: &Cluster,
    place: &Place<'_>,
    sheet: &Sheet,
    state: Option<State>,
    problem: Option<String>,
) -> Result<Reply, Trouble> {
    let name = place.package.name.to_string();
    let nothing = match sheet.found {
        Found::Form(..) => None,
        Found::NoForm => Some("The package asks nothing here.".to_owned()),
        Found::NotInstalled => Some(
            "What the package asks is known when it has come to should_be_installed on the head node."
                .to_owned(),
        ),
    };
    let others = contexts(cluster, place.package.id).into_iter().map(|image| {
        let title = image.map_or_else(|| "the whole cluster".to_owned(), |it| format!("image {it}"));
        (form_address(&name, image), title)
    });
    let title =
        sheet.form().and_then(|it| it.title.clone()).unwrap_or_else(|| format!("Configuration of {name}"));
    let state_number = sheet.form().map_or(0, |form| number(site, &self::state(form, sheet).settled));
    let remarks = state.iter().flat_map(|it| it.others.clone()).collect();
    let page = FormPage {
        frame: Frame::new(asked, Tab::Forms, site.number(), title),
        package_href: package_address(&name, ""),
        href: place.href(),
        image: place.image_name.map(str::to_owned),
        others: others.filter(|it| it.0 != place.href()).collect(),
        problem: problem.or(nothing),
        state: state_number,
        pieces: sheet.form().zip(state).map_or_else(Vec::new, |(form, state)| pieces(form, &state)),
        remarks,
        is_configured: next(cluster, place.package.id) == Next::Reconfigure,
        package: name,
    };
    html(StatusCode::OK, &page)
}

fn pieces(form: &Form, state: &State) -> Vec<Piece> {
    let piece = |item: &Item| match item {
        Item::Heading(level, text) => Some(Piece::Heading((level + 1).clamp(2, 6), text.clone())),
        Item::Text(text) => Some(Piece::Text(text.lines().map(str::to_owned).collect())),
        Item::Field(place) => {
            let (field, given) = (form.fields.get(*place)?, state.settled.values.get(*place)?);
            let problem = state.problems.get(*place).cloned().flatten();
            let origin = (given.origin != Origin::Default).then(|| origin_in_words(given.origin));
            Some(Piece::Field(shown(*place, field, &given.values, origin, problem)))
        }
    };
    form.items.iter().filter_map(piece).collect()
}

fn shown(
    place: usize,
    field: &Field,
    values: &[String],
    origin: Option<&'static str>,
    problem: Option<String>,
) -> Shown {
    let choices = field.choices.iter().map(|it| Choice {
        value: it.value.clone(),
        label: it.label.clone(),
        is_chosen: values.contains(&it.value),
    });
    let id = format!("f{place}");
    // Several boxes have a number each.
    let name_of = |number: usize| if field.boxes > 1 { format!("{id}-{}", number + 1) } else { id.clone() };
    let typed = (0..if field.has_choices() { 0 } else { field.boxes.max(1) })
        .map(|it| Typed { id: name_of(it), value: values.get(it).cloned().unwrap_or_default() });
    Shown {
        boxes: typed.collect(),
        name: format!("{PREFIX}{}", field.name),
        label: field.label.clone(),
        kind: field.kind,
        is_required: field.required,
        is_read_only: field.read_only,
        choices: choices.collect(),
        origin,
        problem,
        id,
    }
}
