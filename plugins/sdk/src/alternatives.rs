//! Alternatives: files of a part that are one of several under a common name. Distributions of both families have the same
//! program for them, update-alternatives(1).

use std::fmt::Write as _;

use crate::model::AlternativeLink;
use crate::parts::{PartPlan, is_brought};
use crate::text::shell_quote;

/// Commands that register the alternatives of a part, each line ended. `program` is a word of the shell.
#[must_use]
pub fn install_commands(part: &PartPlan<'_>, program: &str) -> String {
    let mut commands = String::new();
    for alternative in &part.alternatives {
        let AlternativeLink { name, link, path, .. } = &alternative.main;
        let [link, name, path] = [link, name, path].map(|word| shell_quote(word));
        // Writing to a string cannot fail.
        let _ = write!(commands, "{program} --install {link} {name} {path} {}", alternative.priority);
        for slave in alternative.slaves.iter().filter(|slave| is_brought(slave, &part.files)) {
            let words = [&slave.link, &slave.name, &slave.path].map(|word| shell_quote(word));
            let _ = write!(commands, " --slave {}", words.join(" "));
        }
        commands.push('\n');
    }
    commands
}

/// Commands that forget them.
#[must_use]
pub fn remove_commands(part: &PartPlan<'_>, program: &str) -> String {
    let words =
        part.alternatives.iter().map(|it| [&it.main.name, &it.main.path].map(|word| shell_quote(word)));
    words.map(|[name, path]| format!("{program} --remove {name} {path}\n")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::filter::FilterContext;
    use crate::model::{Alternative, Filter, Part};
    use crate::parts;
    use crate::testing::{add_laid_file, sample_opkg, sample_target};

    fn link(name: &str, link: &str, path: &str) -> AlternativeLink {
        AlternativeLink { at: 0, name: name.to_owned(), link: link.to_owned(), path: path.to_owned() }
    }

    #[test]
    fn of_a_part_are_those_whose_files_it_brings() {
        let mut opkg = sample_opkg("x");
        add_laid_file(&mut opkg, "/usr/bin/x");
        add_laid_file(&mut opkg, "/usr/share/man/x.1").only_arch = Some("aarch64".to_owned());
        opkg.alternatives = vec![
            Alternative {
                main: link("look", "/usr/bin/look", "/usr/bin/x"),
                priority: 7,
                slaves: vec![
                    link("look.1", "/usr/share/man/look.1", "/usr/share/man/x.1"),
                    link("see", "/usr/bin/see", "/usr/bin/x"),
                ],
                filter: Filter { dists: Vec::new(), archs: Vec::new() },
            },
            Alternative {
                main: link("gone", "/usr/bin/gone", "/usr/share/man/x.1"),
                priority: 1,
                slaves: Vec::new(),
                filter: Filter { dists: Vec::new(), archs: Vec::new() },
            },
        ];
        let context = FilterContext::new(&sample_target("demo", None, Some("x86_64")), Vec::new());
        let parts = parts::plan(&opkg, &context, "/usr/share/doc/x", &mut Vec::new()).unwrap();
        for part in &parts {
            let [install, remove] = [install_commands, remove_commands].map(|commands| commands(part, "ua"));
            let expected = match part.kind {
                Part::Client => (
                    "ua --install '/usr/bin/look' 'look' '/usr/bin/x' 7 --slave '/usr/bin/see' 'see' '/usr/bin/x'\n",
                    "ua --remove 'look' '/usr/bin/x'\n",
                ),
                _ => ("", ""),
            };
            assert_eq!((install.as_str(), remove.as_str()), expected, "{:?}", part.kind);
        }
    }
}
