//! The forms of one package, at hand for all ways to answer them.

use anyhow::Result;
use opkg_configurator::{Answers, Refused};
use opkg_oda::{Cluster, Kind, PackageId, Sqlite, Target, TargetId};
use opkg_opm::answers::{Next, Sheet, SheetError, next};
use opkg_opm::system::{Config, Found, find_form, images_with};

use crate::failure::UsageError;
use crate::opm::session::Session;

/// How often answers are read and written again that somebody else changes at the same time.
const ATTEMPTS: usize = 5;

/// One package, and where its answers are kept.
pub struct Desk<'a> {
    pub session: &'a Session,
    pub store: Sqlite,
    pub cluster: Cluster,
    pub package: PackageId,
    pub name: String,
}

impl<'a> Desk<'a> {
    pub fn new(session: &'a Session, store: Sqlite, cluster: Cluster, package: PackageId) -> Self {
        let name = cluster.packages.get(&package).map_or_else(String::new, |it| it.name.to_string());
        Self { session, store, cluster, package, name }
    }

    /// The form of a context with all answers to it.
    pub fn sheet(&mut self, image: Option<TargetId>) -> Result<Sheet> {
        let files = Config::load(self.session.settings())?.answers;
        Sheet::read(&mut self.store, &self.cluster, &files, self.package, image).map_err(
            |error| match error {
                SheetError::Database(error) => error.into(),
                SheetError::NoServer => {
                    UsageError::new(error.to_string(), "`opm target add server:NAME` makes one known").into()
                }
                SheetError::Unknown => {
                    UsageError::new(error.to_string(), "`opm package list` and `opm target list` list them")
                        .into()
                }
                SheetError::Unusable(reason) => {
                    UsageError::new(reason, "mend that file, then give the command again").into()
                }
            },
        )
    }

    /// Keeps what `decide` makes of the administrator's answers, again where somebody else was faster.
    pub fn keep(
        &mut self,
        image: Option<TargetId>,
        mut decide: impl FnMut(&Sheet) -> Result<Answers>,
    ) -> Result<(Sheet, Answers)> {
        for _ in 0..ATTEMPTS {
            let sheet = self.sheet(image)?;
            let answers = decide(&sheet)?;
            if sheet.save(&mut self.store, &answers)? {
                return Ok((sheet, answers));
            }
        }
        Err(UsageError::new("others answer at the same time; nothing was kept", "give the command again")
            .into())
    }

    /// `opm configure P`, for the context.
    pub fn command(&self, image: Option<TargetId>) -> String {
        let image = self.image_name(image).map_or_else(String::new, |it| format!(" --image {it}"));
        format!("opm configure {}{image}", self.name)
    }

    /// `torque`, `ganglia in image compute`.
    pub fn what(&self, image: Option<TargetId>) -> String {
        let image = self.image_name(image).map_or_else(String::new, |it| format!(" for the image {it}"));
        format!("{}{image}", self.name)
    }

    fn image_name(&self, image: Option<TargetId>) -> Option<&str> {
        Some(self.cluster.targets.get(&image?)?.address.name.as_str())
    }

    /// What is to be said where there is no form.
    pub fn no_form(&self, found: &Found, image: Option<TargetId>) -> Option<UsageError> {
        let name = &self.name;
        match found {
            Found::Form(..) => None,
            Found::NotInstalled => Some(UsageError::new(
                format!("{name} is not installed on the head node yet, so nobody knows what it asks"),
                format!(
                    "`opm request {name}` and `opm` install it; `{} --set NAME=VALUE` answers beforehand",
                    self.command(image)
                ),
            )),
            Found::NoForm => Some(match self.other_form(image) {
                Some(command) => UsageError::new(
                    format!("{} has no form, but there is another one", self.what(image)),
                    format!("`{command}`"),
                ),
                None => UsageError::new(
                    format!("{} has no form, so there is nothing to answer", self.what(image)),
                    format!("`opm status {name}` shows how it stands"),
                ),
            }),
        }
    }

    /// Says that there are forms for images as well.
    pub fn name_other_form(&self, image: Option<TargetId>) {
        if let (None, Some(command)) = (image, self.other_form(image)) {
            self.session.shell.status(&format!("help: images have a form of their own: `{command}`"));
        }
    }

    /// The command for a form of the package in another context.
    fn other_form(&self, image: Option<TargetId>) -> Option<String> {
        let server = self.cluster.of_kind(Kind::Server).next()?;
        let package = &self.cluster.packages.get(&self.package)?.name;
        let images = images_with(&self.cluster, self.package);
        let others: Vec<Option<&Target>> = match image {
            Some(_) => vec![None],
            None => images.into_iter().map(Some).collect(),
        };
        let has_form = |it: &Option<&Target>| {
            let found = find_form(server, package, it.map(|it| &it.address.name));
            matches!(found, Ok(Found::Form(..)))
        };
        others.into_iter().find(has_form).map(|it| self.command(it.map(|it| it.id)))
    }

    /// Says what was kept, what is still missing, and what makes the answers count.
    pub fn kept(&self, sheet: &Sheet, answers: &Answers) {
        let shell = self.session.shell;
        let count = answers.iter().count();
        let of = self.what(sheet.image);
        shell.status(&match count {
            0 => format!("kept: no answers for {of}"),
            1 => format!("kept: 1 answer for {of}"),
            _ => format!("kept: {count} answers for {of}"),
        });
        let command = self.command(sheet.image);
        match (&sheet.found, sheet.settle(answers)) {
            (Found::NotInstalled, _) => shell.status(&format!(
                "note: {} is not installed yet, so its form is not known; answers are looked at when it is",
                self.name
            )),
            (_, Some(Ok(settled))) if !settled.missing.is_empty() => {
                let fields = sheet.form().map(|it| it.fields.as_slice()).unwrap_or_default();
                let names = settled.missing.iter().map(|it| format!("`{}`", fields[*it].name));
                let names = names.collect::<Vec<_>>().join(", ");
                shell.status(&format!("note: still to be answered: {names}"));
                shell.status(&format!(
                    "help: `{command} --set NAME=VALUE` does so; until then {} waits",
                    self.name
                ));
                return;
            }
            (_, Some(Err(refused))) => {
                for it in &refused {
                    shell.status(&format!("note: {}", earlier(it, &command)));
                }
            }
            _ => {}
        }
        let name = &self.name;
        shell.status(&match next(&self.cluster, self.package) {
            Next::Request => format!("help: `opm request {name}` asks for it on the cluster"),
            Next::Run => "help: `opm` goes on with it".to_owned(),
            Next::Clear => format!("help: {name} is in error: `opm clear {name}`, then `opm`, tries again"),
            Next::Reconfigure => {
                format!(
                    "help: {name} is configured already: `opm reconfigure {name}`, then `opm`, does it anew"
                )
            }
        });
    }
}

/// What is to be said of an answer that was given before and does not fit.
fn earlier(refused: &Refused, command: &str) -> String {
    match refused.origin {
        opkg_oda::Origin::Administrator => {
            format!("{refused}: `{command} --unset {}` takes it back", opkg::show(&refused.name))
        }
        origin => format!("{refused} ({})", opkg_configurator::origin_in_words(origin)),
    }
}
