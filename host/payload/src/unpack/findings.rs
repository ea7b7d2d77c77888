//! What is said of a source after all of it was read.

use opkg::diagnostic::Diagnostic;
use opkg::model::NodeId;
use opkg::{closest_match, escape_for_display};
use opkg_inspect::ContentsSummary;

use super::{Unpacking, error, left_out, warning};

impl Unpacking<'_, '_> {
    /// Whether everything that was wanted is there; what is not is reported.
    pub(super) fn is_sound(&self, report: &mut dyn FnMut(Diagnostic, NodeId)) -> bool {
        let mut is_sound = true;
        for link in self.pending.values() {
            let problem = match self.link_targets.is_symbolic(&self.link_targets.resolve(&link.target)) {
                true => "is a link that cannot be installed".to_owned(),
                false => format!("is not in `{}`", escape_for_display(self.payload.file_name())),
            };
            let message = format!(
                "`/{}` is a hard link to `{}`, which {problem}",
                escape_for_display(&link.place.path),
                escape_for_display(&link.target),
            );
            let help = "leave it with `<omit path=\"…\"/>`, or ask whoever made the archive";
            report(error(message).help(help), link.place.take.at);
            is_sound = false;
        }
        for take in self.placement.unused_takes() {
            let message = format!(
                "nothing in `{}` is `{}`",
                escape_for_display(self.payload.file_name()),
                escape_for_display(&take.path)
            );
            report(error(message).help(self.help_for(&take.path)), take.at);
            is_sound = false;
        }
        is_sound
    }

    /// What may be meant instead of a path that is not there.
    fn help_for(&self, path: &str) -> String {
        let wanted = path.trim_end_matches('/');
        if self.paths.iter().any(|found| found.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('/')))
        {
            let wanted = escape_for_display(wanted);
            return format!("it is a directory: write `{wanted}/` for all that is in it");
        }
        let below = |found: &&String| found.split_once('/').is_some_and(|(_, rest)| rest == wanted);
        if let Some((top, _)) = self.paths.iter().find(below).and_then(|found| found.split_once('/')) {
            let top = escape_for_display(top);
            return format!("all is below `{top}/` in there: add `strip=\"{}\"`", self.payload.strip + 1);
        }
        match closest_match(wanted, self.paths.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean `{}`?", escape_for_display(meant)),
            None => {
                let some: Vec<String> =
                    self.paths.iter().take(4).map(|it| escape_for_display(it).to_string()).collect();
                match some.as_slice() {
                    [] => "there is nothing in it".to_owned(),
                    some => format!("there is `{}` and so on", some.join("`, `")),
                }
            }
        }
    }

    /// Says what is left out, though nobody said so.
    pub(super) fn report_rest(&self, summary: &ContentsSummary, report: &mut dyn FnMut(Diagnostic, NodeId)) {
        let name = escape_for_display(self.payload.file_name()).to_string();
        for pattern in self.placement.unused_omits() {
            let message = format!("nothing in `{name}` is `{}`", escape_for_display(pattern));
            let help = "correct the `omit`, or remove it";
            report(warning(message).help(help), self.payload.at);
        }
        if let Some(path) = self.repeated.first() {
            let others = match self.repeated.len() {
                1 => String::new(),
                count => format!(", and so do {} others", count - 1),
            };
            let message = format!(
                "`{}` stands several times in `{name}`{others}: the last is taken",
                escape_for_display(path)
            );
            let help = "that is what programs do that unpack it; if it is not meant, ask whoever made it";
            report(left_out(message).help(help), self.payload.at);
        }
        if !summary.scripts.is_empty() {
            let message = format!("scripts of `{name}` are left out: `{}`", summary.scripts.join("`, `"));
            let help = "only files are taken of a package: what its scripts do is said in `config.xml` or by scripts of \
                        the OPKG";
            report(left_out(message).help(help), self.payload.at);
        }
        if let Some((path, owner)) = self.foreign.first() {
            let others = match self.foreign.len() {
                1 => String::new(),
                count => format!(", and so do {} others", count - 1),
            };
            let message = format!(
                "in `{name}`, `/{}` belongs to {}{others}",
                escape_for_display(path),
                escape_for_display(owner)
            );
            let help =
                "files are root's unless `<file path=\"…\" owner=\"…\" group=\"…\"/>` says something else";
            report(left_out(message).help(help), self.payload.at);
        }
    }
}
