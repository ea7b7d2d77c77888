//! From the old `config.xml` to the new one.

use opkg::Markup;
use opkg::model::Timestamp;
use roxmltree::Node as XmlNode;

use crate::new_config::NewConfig;
use crate::old_config::OldConfig;
use crate::report::{Report, ReportLocation};
use crate::{authors, metadata, relations, unconverted, version};

/// What came of the old file.
pub(crate) struct ConvertedConfig {
    pub config: NewConfig,
    pub report: Report,
}

/// Converts a document in the form before OSCAR 5. `directory` names the OPKG where it does not name itself.
pub(crate) fn convert_config(
    markup: &Markup,
    root: XmlNode<'_, '_>,
    directory: &str,
    date: Timestamp,
) -> ConvertedConfig {
    let mut old = OldConfig::new(&markup.source.text, root);
    let name = metadata::convert_name(&mut old, root, directory);
    let class = metadata::convert_class(&mut old, root);
    let (summary, description) = metadata::convert_texts(&mut old, root, &name);
    let license = metadata::convert_license(&mut old, root);
    let groups = metadata::convert_groups(&mut old, root);
    let uri = metadata::convert_uri(&mut old, root);
    let authors = authors::convert_authors(&mut old, root);
    let filters = relations::convert_filters(&mut old, root);
    let relations = relations::convert_relations(&mut old, root);
    let version = version::convert_version(&mut old, root);
    let changed_by = authors.iter().find(|author| author.role == "maintainer");
    let changed_by = changed_by.map(|author| author.name.clone()).unwrap_or_default();
    let text = format!(
        "the change that makes this version is dated {date}, by {}",
        opkg::escape_for_display(&changed_by)
    );
    old.report.add_changed(ReportLocation::Package, text);
    if markup.has_doctype {
        old.report
            .add_changed(ReportLocation::Package, "the document type is left out: it means nothing any more");
    }
    let mut tail = unconverted::collect_unconverted(&mut old, root);
    if let Some(originals) = original_values_comment(&old) {
        tail.insert(0, originals);
    }
    let mut report = old.report;
    report.sort_and_dedup();
    let config = NewConfig {
        leading_comments: unconverted::comments_around_root(root),
        name,
        class,
        summary,
        description,
        license,
        groups,
        uri,
        authors,
        filters,
        common_relations: relations.common,
        server: relations.server,
        client: relations.client,
        version,
        date,
        changed_by,
        trailing_comments: tail,
    };
    ConvertedConfig { config, report }
}

/// A comment with all that the new file says in other words.
fn original_values_comment(old: &OldConfig<'_>) -> Option<String> {
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
