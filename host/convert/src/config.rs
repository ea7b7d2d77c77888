//! From the old `config.xml` to the new one.

use opkg::Markup;
use opkg::model::Timestamp;
use roxmltree::Node as Xml;

use crate::new::Config;
use crate::old::Old;
use crate::report::{At, Report};
use crate::{identity, leftover, people, relations, version};

/// What came of the old file.
pub(crate) struct Converted {
    pub config: Config,
    pub report: Report,
}

/// Converts a document in the form before OSCAR 5. `directory` names the OPKG where it does not name itself.
pub(crate) fn convert(markup: &Markup, root: Xml<'_, '_>, directory: &str, date: Timestamp) -> Converted {
    let mut old = Old::new(&markup.source.text, root);
    let name = identity::name(&mut old, root, directory);
    let class = identity::class(&mut old, root);
    let (summary, description) = identity::texts(&mut old, root, &name);
    let license = identity::license(&mut old, root);
    let groups = identity::groups(&mut old, root);
    let uri = identity::uri(&mut old, root);
    let authors = people::read(&mut old, root);
    let filters = relations::read_filters(&mut old, root);
    let relations = relations::read(&mut old, root);
    let version = version::read(&mut old, root);
    let changed_by = authors.iter().find(|author| author.role == "maintainer");
    let changed_by = changed_by.map(|author| author.name.clone()).unwrap_or_default();
    let text = format!("the change that makes this version is dated {date}, by {}", opkg::show(&changed_by));
    old.report.decide(At::Whole, text);
    if markup.has_doctype {
        old.report.decide(At::Whole, "the document type is left out: it means nothing any more");
    }
    let mut tail = leftover::collect(&mut old, root);
    if let Some(originals) = originals(&old) {
        tail.insert(0, originals);
    }
    let mut report = old.report;
    report.tidy();
    let config = Config {
        head: leftover::around(root),
        name,
        class,
        summary,
        description,
        license,
        groups,
        uri,
        authors,
        filters,
        relations: relations.whole,
        server: relations.server,
        client: relations.client,
        version,
        date,
        changed_by,
        tail,
    };
    Converted { config, report }
}

/// A comment with all that the new file says in other words.
fn originals(old: &Old<'_>) -> Option<String> {
    if old.originals.is_empty() {
        return None;
    }
    let mut text = " Converted from the form before OSCAR 5. What was written otherwise there:\n".to_owned();
    let mut originals: Vec<_> = old.originals.iter().collect();
    originals.sort_by_key(|original| original.line);
    for original in originals {
        text.push_str(&format!("line {}: {}: {}\n", original.line, original.what, original.text));
    }
    Some(text)
}
