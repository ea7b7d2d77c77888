//! The forms of one package, at hand for all ways to answer them.

use opkg_configurator::{AnswerError, Answers};
use opkg_database::Database;
use opkg_oda::{Cluster, PackageId, Target, TargetId, TargetKind};
use opkg_opm::answers::{FormState, RequiredAction, required_action};
use opkg_opm::{Config, FormLookup, find_form, images_with_package};
use opkg_shell::UsageError;

use crate::errors::CliError;
use crate::session::Session;

/// How often answers are read and written again that somebody else changes at the same time.
const MAX_SAVE_ATTEMPTS: usize = 5;

/// One package, and where its answers are stored.
pub struct FormSession<'a> {
    pub session: &'a Session,
    pub store: Database,
    pub cluster: Cluster,
    pub package: PackageId,
    pub name: String,
}

impl<'a> FormSession<'a> {
    pub fn new(session: &'a Session, store: Database, cluster: Cluster, package: PackageId) -> Self {
        let name =
            cluster.packages.get(&package).map_or_else(String::new, |package| package.name.to_string());
        Self { session, store, cluster, package, name }
    }

    /// The form of a context with all answers to it.
    pub fn load_form_state(&mut self, image: Option<TargetId>) -> Result<FormState, CliError> {
        let files = Config::load(self.session.settings_dir())?.answer_directory;
        Ok(FormState::read(self.store.as_mut(), &self.cluster, &files, self.package, image)?)
    }

    /// Saves what `decide` makes of the administrator's answers, again where somebody else was faster.
    pub fn save(
        &mut self,
        image: Option<TargetId>,
        mut decide: impl FnMut(&FormState) -> Result<Answers, CliError>,
    ) -> Result<(FormState, Answers), CliError> {
        for _ in 0..MAX_SAVE_ATTEMPTS {
            let state = self.load_form_state(image)?;
            let answers = decide(&state)?;
            if state.save(self.store.as_mut(), &answers)? {
                return Ok((state, answers));
            }
        }
        Err(UsageError::new(
            "others are answering at the same time; nothing was saved",
            "run the command again",
        )
        .into())
    }

    /// `opm configure P`, for the context.
    pub fn command_line(&self, image: Option<TargetId>) -> String {
        let image = self.image_name(image).map_or_else(String::new, |name| format!(" --image {name}"));
        format!("opm configure {}{image}", self.name)
    }

    /// `torque`, `ganglia in image compute`.
    pub fn title(&self, image: Option<TargetId>) -> String {
        let image = self.image_name(image).map_or_else(String::new, |name| format!(" for the image {name}"));
        format!("{}{image}", self.name)
    }

    fn image_name(&self, image: Option<TargetId>) -> Option<&str> {
        Some(self.cluster.targets.get(&image?)?.address.name.as_str())
    }

    /// What is to be said where there is no form.
    pub fn missing_form_error(&self, found: &FormLookup, image: Option<TargetId>) -> Option<UsageError> {
        let name = &self.name;
        match found {
            FormLookup::Form(..) => None,
            FormLookup::NotInstalled => Some(UsageError::new(
                format!("{name} is not installed on the head node yet, so nobody knows what it asks"),
                format!(
                    "`opm request {name}` and `opm` install it; `{} --set NAME=VALUE` answers beforehand",
                    self.command_line(image)
                ),
            )),
            FormLookup::NoForm => Some(match self.other_form_command(image) {
                Some(command) => UsageError::new(
                    format!("{} has no form, but there is another one", self.title(image)),
                    format!("`{command}`"),
                ),
                None => UsageError::new(
                    format!("{} has no form, so there is nothing to answer", self.title(image)),
                    format!("`opm status {name}` shows its state"),
                ),
            }),
        }
    }

    /// Says that there are forms for images as well.
    pub fn suggest_other_form(&self, image: Option<TargetId>) {
        if let (None, Some(command)) = (image, self.other_form_command(image)) {
            self.session.shell.status(&format!("help: images have a form of their own: `{command}`"));
        }
    }

    /// The command for a form of the package in another context.
    fn other_form_command(&self, image: Option<TargetId>) -> Option<String> {
        let server = self.cluster.targets_of_kind(TargetKind::Server).next()?;
        let package = &self.cluster.packages.get(&self.package)?.name;
        let images = images_with_package(&self.cluster, self.package);
        let others: Vec<Option<&Target>> = match image {
            Some(_) => vec![None],
            None => images.into_iter().map(Some).collect(),
        };
        let has_form = |image: &Option<&Target>| {
            let found = find_form(server, package, image.map(|image| &image.address.name));
            matches!(found, Ok(FormLookup::Form(..)))
        };
        others.into_iter().find(has_form).map(|image| self.command_line(image.map(|image| image.id)))
    }

    /// Says what was saved, what is still missing, and what makes the answers count.
    pub fn report_saved(&self, state: &FormState, answers: &Answers) {
        let shell = self.session.shell;
        let count = answers.iter().count();
        let of = self.title(state.image);
        shell.status(&match count {
            0 => format!("saved: no answers for {of}"),
            1 => format!("saved: 1 answer for {of}"),
            _ => format!("saved: {count} answers for {of}"),
        });
        let command = self.command_line(state.image);
        match (&state.lookup, state.resolve(answers)) {
            (FormLookup::NotInstalled, _) => shell.status(&format!(
                "note: {} is not installed yet, so its form is not known; answers are looked at when it is",
                self.name
            )),
            (_, Some(Ok(resolved))) if !resolved.missing.is_empty() => {
                let fields = state.form().map(|form| form.fields.as_slice()).unwrap_or_default();
                let names = resolved.missing.iter().map(|place| format!("`{}`", fields[*place].name));
                let names = names.collect::<Vec<_>>().join(", ");
                shell.status(&format!("note: still to be answered: {names}"));
                shell.status(&format!(
                    "help: `{command} --set NAME=VALUE` does so; until then {} waits",
                    self.name
                ));
                return;
            }
            (_, Some(Err(refused))) => {
                for error in &refused {
                    shell.status(&format!("note: {}", describe_rejected_answer(error, &command)));
                }
            }
            _ => {}
        }
        let name = &self.name;
        shell.status(&match required_action(&self.cluster, self.package) {
            RequiredAction::Request => format!("help: `opm request {name}` asks for it on the cluster"),
            RequiredAction::Run => "help: `opm` goes on with it".to_owned(),
            RequiredAction::ClearError => {
                format!("help: {name} is in error: `opm clear {name}`, then `opm`, tries again")
            }
            RequiredAction::Reconfigure => {
                format!(
                    "help: {name} is configured already: `opm reconfigure {name}`, then `opm`, does it anew"
                )
            }
        });
    }
}

/// What is to be said of an answer that was given before and does not fit.
fn describe_rejected_answer(refused: &AnswerError, command: &str) -> String {
    match refused.origin {
        opkg_oda::ValueOrigin::Administrator => {
            format!("{refused}: `{command} --unset {}` unsets it", opkg::escape_for_display(&refused.name))
        }
        origin => format!("{refused} ({})", opkg_configurator::origin_label(origin)),
    }
}
