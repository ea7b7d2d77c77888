//! Answers on the command line and in files.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use opkg_configurator::{AnswerFile, Answers, Flaw, limits};
use opkg_oda::{Kind, TargetId};
use opkg_opm::answers::Sheet;
use opkg_opm::system::Found;

use super::sheet::Desk;
use crate::failure::UsageError;
use crate::opm::args::Configure;

/// What is to change in one context.
#[derive(Default)]
struct Changes {
    defaults: bool,
    unset: Vec<String>,
    set: Answers,
}

/// Changes the administrator's answers.
pub fn change(desk: &mut Desk<'_>, image: Option<TargetId>, arguments: &Configure) -> Result<()> {
    let mut all = match &arguments.answers {
        Some(path) => from_file(desk, image, path)?,
        None => vec![(image, Changes::default())],
    };
    for (context, changes) in &mut all {
        changes.defaults = arguments.defaults;
        if *context == image {
            changes.unset.clone_from(&arguments.unset);
            changes.take(&arguments.set);
        }
    }
    // Nothing is kept of a file that answers one context well and another one badly.
    for (image, changes) in &all {
        let sheet = desk.sheet(*image)?;
        if let (Some(error), false) = (desk.no_form(&sheet.found, *image), changes.set.is_empty())
            && !matches!(sheet.found, Found::NotInstalled)
        {
            return Err(error.into());
        }
        changes.merge(&sheet, &desk.command(*image))?;
    }
    for (image, changes) in all {
        let command = desk.command(image);
        let (sheet, answers) = desk.keep(image, |sheet| changes.merge(sheet, &command))?;
        desk.kept(&sheet, &answers);
    }
    Ok(())
}

impl Changes {
    /// Several values for one name belong together.
    fn take(&mut self, given: &[(String, String)]) {
        let names: BTreeSet<&str> = given.iter().map(|(name, _)| name.as_str()).collect();
        for name in names {
            let values = given.iter().filter(|(it, _)| it == name).map(|(_, value)| value.clone());
            self.set.set(name, values.collect());
        }
    }

    /// The administrator's answers after the changes.
    fn merge(&self, sheet: &Sheet, command: &str) -> Result<Answers> {
        let mut answers = if self.defaults { Answers::default() } else { sheet.administrator.clone() };
        for name in &self.unset {
            if !answers.remove(name) && !self.defaults {
                let help = match opkg::nearest(name, answers.iter().map(|(name, _)| name)) {
                    Some(near) => format!("did you mean `{}`?", opkg::show(near)),
                    None => format!("`{command} --show` shows what is answered"),
                };
                let message =
                    format!("`{}` was not answered, so nothing is to be taken back", opkg::show(name));
                return Err(UsageError::new(message, help).into());
            }
        }
        let mut flaws = Vec::new();
        for (name, values) in self.set.iter() {
            let checked = match sheet.form() {
                Some(form) => form.check(name, values).map(|_| ()),
                None if opkg_configurator::is_name(name) => Ok(()),
                None => Err(Flaw::NoName),
            };
            if let Err(flaw) = checked {
                flaws.push(format!("`{}` {flaw}", opkg::show(name)));
            }
            answers.set(name, values.to_vec());
        }
        if flaws.is_empty() {
            return Ok(answers);
        }
        let help = format!("nothing was kept; `{command} --show` shows what can be answered");
        Err(UsageError::new(flaws.join("\n       "), help).into())
    }
}

/// The answers of a file, for the contexts that it names; of an image that is chosen only its own.
fn from_file(
    desk: &Desk<'_>,
    image: Option<TargetId>,
    path: &Path,
) -> Result<Vec<(Option<TargetId>, Changes)>> {
    let wrong = |reason: &dyn std::fmt::Display, help: &str| {
        let place =
            if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
        UsageError::new(format!("{place}: {reason}"), help)
    };
    let file = AnswerFile::read(&text(path)?)
        .map_err(|error| wrong(&error, "a line of it looks so: loglevel = \"128\""))?;
    let mut all = vec![(None, file.global)];
    for (name, answers) in file.images {
        let mut images = desk.cluster.of_kind(Kind::Image);
        let id = images.find(|it| it.address.name.as_str() == name).map(|it| it.id).ok_or_else(|| {
            wrong(
                &format!("there is no image `{}`", opkg::show(&name)),
                "`opm target list` lists the targets",
            )
        })?;
        all.push((Some(id), answers));
    }
    let chosen = |it: &(Option<TargetId>, Answers)| image.is_none() || it.0 == image;
    let all: Vec<_> = all
        .into_iter()
        .filter(|it| chosen(it) && (it.0 == image || !it.1.is_empty()))
        .map(|(context, set)| (context, Changes { set, ..Changes::default() }))
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

fn text(path: &Path) -> Result<String> {
    let most = limits::FILE_BYTES as u64 + 1;
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_string(&mut text).context("cannot read standard input")?;
    } else {
        fs_err::File::open(path)?.take(most).read_to_string(&mut text)?;
    }
    Ok(text)
}
