//! The man page opkg(5), in troff.

use opkg::reference::{self, AttributeReference, ElementReference, Entry, ReferenceError};

use super::in_words;
use super::script_arguments::{EVENTS, ORDER, REMOVAL_SCRIPT, WORDS};

const HEAD: &str = "\
.TH OPKG 5 \"\" opkgc \"File formats\"
.SH NAME
opkg \\- directories that are compiled into native packages, and their config.xml
.SH DESCRIPTION
An OPKG is a directory that describes one piece of cluster software, whatever the distribution.
.BR opkgc (1)
compiles it into the packages
.IR opkg-NAME ,
.I opkg-NAME-server
and
.IR opkg-NAME-client .
.TP
.B config.xml
what it is, needs and was; see below
.TP
.B configurator.html, configurator_image.html
forms that are filled in before the installation
.TP
.B scripts/
what runs on the head node and on nodes, and its helpers; below
.B scripts/client/
and
.B scripts/server/
what is in one part alone
.TP
.B testing/
tests of the installed package
.TP
.B doc/
documentation
.TP
.B files/client/, files/server/, files/api/
what is laid into the root as it stands
";

const TAIL: &str = "\
.SH SEE ALSO
.BR opkgc (1),
.BR opkgc-check (1),
.BR opkgc-explain (1),
.BR opkgc-new (1),
.BR opkgc-schema (1)
";

/// The whole page.
///
/// # Errors
/// When something of the schema is not described.
pub fn man_page() -> Result<String, ReferenceError> {
    let mut page = HEAD.to_owned();
    page.push_str(".SH ELEMENTS\n");
    line(&mut page, "They stand in this order. White space in texts is folded.");
    for element in &reference::elements()? {
        write_element(&mut page, element);
    }
    write_scripts(&mut page);
    page.push_str(TAIL);
    Ok(page)
}

fn write_element(page: &mut String, element: &ElementReference) {
    let place = match element.parents.as_slice() {
        [] => element.name.clone(),
        parents => format!("{} in {}", element.name, parents.join(", ")),
    };
    page.push_str(&format!(".SS {}\n", escape(&place)));
    line(page, &format!("{} Stands there {}.", sentence(&element.entry.text), in_words(element.occurrence)));
    write_entry(page, &element.entry);
    term(page, "Since", &format!("opkgc {}", element.since));
    for attribute in &element.attributes {
        write_attribute(page, attribute);
    }
    if let Some(example) = &element.example {
        write_example(page, example);
    }
}

fn write_attribute(page: &mut String, attribute: &AttributeReference) {
    let required = if attribute.is_required { " (required)" } else { "" };
    term(page, &format!("{}=\"…\"{required}", attribute.name), &sentence(&attribute.entry.text));
    page.push_str(".RS\n");
    write_entry(page, &attribute.entry);
    page.push_str(".RE\n");
}

fn write_entry(page: &mut String, entry: &Entry) {
    let rows = [
        ("Values", &entry.values),
        ("Without it", &entry.default),
        ("RPM", &entry.rpm),
        ("Debian", &entry.debian),
    ];
    for (what, said) in rows {
        if let Some(said) = said {
            term(page, what, said);
        }
    }
}

fn write_scripts(page: &mut String) {
    page.push_str(".SH ARGUMENTS OF SCRIPTS\n");
    line(
        page,
        "What the package manager gives to scripts. The first argument of RPM is how many versions of the package will be \
         there when the transaction is over; that of Debian is a word.",
    );
    line(page, ORDER);
    line(page, WORDS);
    for event in &EVENTS {
        page.push_str(&format!(".SS {}\n", escape(event.what)));
        for call in event.calls {
            let of = |family: &str, said: Option<&str>| match said {
                Some(said) => format!("{family}: {said}"),
                None => format!("{family}: is not run"),
            };
            term(page, call.script, &format!("{}. {}.", of("RPM", call.rpm), of("Debian", call.debian)));
        }
    }
    page.push_str(".PP\n");
    line(page, "A script that undoes something when the package goes asks for both:");
    write_example(page, REMOVAL_SCRIPT);
}

/// A text, and what it is about before it.
fn term(page: &mut String, what: &str, text: &str) {
    page.push_str(&format!(".TP\n.B {}\n", escape(what)));
    line(page, text);
}

fn write_example(page: &mut String, example: &str) {
    page.push_str(".PP\n.RS 4\n.nf\n");
    example.lines().for_each(|text| line(page, text));
    page.push_str(".fi\n.RE\n");
}

fn line(page: &mut String, text: &str) {
    page.push_str(&escape(text));
    page.push('\n');
}

/// With a full stop at its end.
fn sentence(text: &str) -> String {
    if text.ends_with(['.', ':', '!']) { text.to_owned() } else { format!("{text}.") }
}

/// A text of which troff obeys nothing. What is between backquotes is bold.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    if text.starts_with(['.', '\'']) {
        escaped.push_str("\\&");
    }
    let mut is_code = false;
    for c in text.chars() {
        match c {
            '`' => {
                is_code = !is_code;
                escaped.push_str(if is_code { "\\fB" } else { "\\fR" });
            }
            '\\' => escaped.push_str("\\e"),
            '-' => escaped.push_str("\\-"),
            '"' => escaped.push_str("\\(dq"),
            '\'' => escaped.push_str("\\(aq"),
            '^' => escaped.push_str("\\(ha"),
            '~' => escaped.push_str("\\(ti"),
            '…' => escaped.push_str("..."),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troff_obeys_nothing_of_a_text() {
        assert_eq!(escape(".so /etc/passwd"), "\\&.so /etc/passwd");
        assert_eq!(escape("'a' \\b `c-d` ~"), "\\&\\(aqa\\(aq \\eb \\fBc\\-d\\fR \\(ti");
    }
}
