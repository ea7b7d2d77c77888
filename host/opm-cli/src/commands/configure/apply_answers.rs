//! Answers on the command line and in files.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use opkg_configurator::{AnswerErrorKind, AnswerFile, Answers, limits};
use opkg_oda::{TargetId, TargetKind};
use opkg_opm::FormLookup;
use opkg_opm::answers::FormState;
use opkg_shell::UsageError;

use super::form_session::FormSession;
use crate::args::ConfigureArgs;
use crate::errors::{CliError, Context};

/// What is to change in one context.
#[derive(Default)]
struct AnswerChanges {
    reset_all: bool,
    unset: Vec<String>,
    set: Answers,
}

/// Changes the administrator's answers.
pub fn apply_changes(
    forms: &mut FormSession<'_>,
    image: Option<TargetId>,
    arguments: &ConfigureArgs,
) -> Result<(), CliError> {
    let mut all = match &arguments.answers {
        Some(path) => read_answer_file(forms, image, path)?,
        None => vec![(image, AnswerChanges::default())],
    };
    for (context, changes) in &mut all {
        changes.reset_all = arguments.defaults;
        if *context == image {
            changes.unset.clone_from(&arguments.unset);
            changes.add_assignments(&arguments.set);
        }
    }
    // Nothing is saved of a file that answers one context well and another one badly.
    for (image, changes) in &all {
        let state = forms.load_form_state(*image)?;
        if let (Some(error), false) =
            (forms.missing_form_error(&state.lookup, *image), changes.set.is_empty())
            && !matches!(state.lookup, FormLookup::NotInstalled)
        {
            return Err(error.into());
        }
        changes.apply_to(&state, &forms.command_line(*image))?;
    }
    for (image, changes) in all {
        let command = forms.command_line(image);
        let (state, answers) = forms.save(image, |state| changes.apply_to(state, &command))?;
        forms.report_saved(&state, &answers);
    }
    Ok(())
}

impl AnswerChanges {
    /// Several values for one name belong together.
    fn add_assignments(&mut self, given: &[(String, String)]) {
        let names: BTreeSet<&str> = given.iter().map(|(name, _)| name.as_str()).collect();
        for name in names {
            let values = given.iter().filter(|(it, _)| it == name).map(|(_, value)| value.clone());
            self.set.set(name, values.collect());
        }
    }

    /// The administrator's answers after the changes.
    fn apply_to(&self, state: &FormState, command: &str) -> Result<Answers, CliError> {
        let mut answers =
            if self.reset_all { Answers::default() } else { state.administrator_answers.clone() };
        for name in &self.unset {
            if !answers.remove(name) && !self.reset_all {
                let help = match opkg::closest_match(name, answers.iter().map(|(name, _)| name)) {
                    Some(near) => format!("did you mean `{}`?", opkg::escape_for_display(near)),
                    None => format!("`{command} --show` shows what is answered"),
                };
                let message = format!(
                    "`{}` is not answered, so there is nothing to unset",
                    opkg::escape_for_display(name)
                );
                return Err(UsageError::new(message, help).into());
            }
        }
        let mut flaws = Vec::new();
        for (name, values) in self.set.iter() {
            let checked = match state.form() {
                Some(form) => form.check(name, values).map(|_| ()),
                None if opkg_configurator::is_field_name(name) => Ok(()),
                None => Err(AnswerErrorKind::InvalidName),
            };
            if let Err(flaw) = checked {
                flaws.push(format!("`{}` {flaw}", opkg::escape_for_display(name)));
            }
            answers.set(name, values.to_vec());
        }
        if flaws.is_empty() {
            return Ok(answers);
        }
        let help = format!("nothing was saved; `{command} --show` shows what can be answered");
        Err(UsageError::new(flaws.join("\n       "), help).into())
    }
}

/// The answers of a file, for the contexts that it names; of an image that is chosen only its own.
fn read_answer_file(
    forms: &FormSession<'_>,
    image: Option<TargetId>,
    path: &Path,
) -> Result<Vec<(Option<TargetId>, AnswerChanges)>, CliError> {
    let wrong = |reason: &dyn std::fmt::Display, help: &str| {
        let place =
            if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
        UsageError::new(format!("{place}: {reason}"), help)
    };
    let file = AnswerFile::parse(&read_limited(path)?)
        .map_err(|error| wrong(&error, "a line of it looks so: loglevel = \"128\""))?;
    let mut all = vec![(None, file.global)];
    for (name, answers) in file.images {
        let mut images = forms.cluster.targets_of_kind(TargetKind::Image);
        let id = images.find(|it| it.address.name.as_str() == name).map(|it| it.id).ok_or_else(|| {
            wrong(
                &format!("there is no image `{}`", opkg::escape_for_display(&name)),
                "`opm target list` lists the targets",
            )
        })?;
        all.push((Some(id), answers));
    }
    let chosen = |it: &(Option<TargetId>, Answers)| image.is_none() || it.0 == image;
    let all: Vec<_> = all
        .into_iter()
        .filter(|it| chosen(it) && (it.0 == image || !it.1.is_empty()))
        .map(|(context, set)| (context, AnswerChanges { set, ..AnswerChanges::default() }))
        .collect();
    if all.is_empty() {
        return Err(wrong(
            &"it has no answers for that image",
            "those for an image stand in a table, as in [\"image:compute\"]",
        )
        .into());
    }
    Ok(all)
}

fn read_limited(path: &Path) -> Result<String, CliError> {
    let most = limits::FILE_BYTES as u64 + 1;
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_string(&mut text).context("cannot read standard input")?;
    } else {
        fs_err::File::open(path)?.take(most).read_to_string(&mut text)?;
    }
    Ok(text)
}
