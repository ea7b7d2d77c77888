//! What the configurator makes of the forms of an OPKG, for their author.

use std::io::Read;
use std::path::Path;

use opkg::diagnostic::{Diagnostic, Location};
use opkg_configurator::{Form, limits};

/// The forms that an OPKG may have, and whether one is for images.
const FORMS: [(&str, bool); 2] = [("configurator.html", false), ("configurator_image.html", true)];

/// What is to be said of the forms in a directory. None of it keeps an OPKG from being compiled.
#[must_use]
pub fn check_forms(directory: &Path) -> Vec<Diagnostic> {
    FORMS.iter().flat_map(|(name, for_image)| check_form(directory, name, *for_image)).collect()
}

fn check_form(directory: &Path, name: &str, for_image: bool) -> Vec<Diagnostic> {
    let at = || Location::File(name.into());
    let Some(bytes) = read_form(&directory.join(name)) else { return Vec::new() };
    match Form::parse(&bytes, for_image.then_some("image")) {
        Ok((_, findings)) => findings
            .into_iter()
            .map(|it| {
                Diagnostic::new(it.severity, "form", format!("line {}: {}", it.line, it.message)).at(at())
            })
            .collect(),
        Err(error) => {
            let finding =
                Diagnostic::warning("form", format!("the configurator cannot use this form: {error}"));
            vec![finding.at(at()).help("its package would be in error as soon as it is to be configured")]
        }
    }
}

/// A form, as far as it matters; nothing where there is none. Of files that cannot be read others have spoken.
fn read_form(path: &Path) -> Option<Vec<u8>> {
    let is_file = fs_err::symlink_metadata(path).is_ok_and(|it| it.is_file());
    let file = if is_file { fs_err::File::open(path).ok()? } else { return None };
    let mut bytes = Vec::new();
    file.take(limits::FORM_BYTES as u64 + 1).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_an_author_should_know() {
        let directory = tempfile::tempdir().unwrap();
        assert!(check_forms(directory.path()).is_empty());
        fs_err::write(directory.path().join("configurator.html"), "<form>\n<script></script>").unwrap();
        fs_err::write(directory.path().join("configurator_image.html"), "<input name='@IMAGENAME@ x'>")
            .unwrap();
        let found = check_forms(directory.path());
        let found: Vec<String> =
            found.iter().map(|it| format!("{:?} {:?} {}", it.severity, it.location, it.message)).collect();
        assert_eq!(
            found[0],
            "Warning Some(File(\"configurator.html\")) line 2: the element `script` is left out"
        );
        assert!(found[1].contains("the configurator cannot use this form: line 1: `image x` cannot be"));
        assert_eq!(found.len(), 2);
    }
}
