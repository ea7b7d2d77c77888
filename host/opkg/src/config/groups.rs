//! Groups of elements of one kind that share filters: `files`, `services`, `triggers`.

use roxmltree::Node as XmlNode;

use super::filters;
use super::reader::ElementReader;
use crate::diagnostic::Diagnostic;
use crate::model::Filter;

/// One kind of groups.
pub(super) struct GroupKind {
    /// Name of the groups.
    pub(super) group: &'static str,
    /// Name of the elements in them.
    pub(super) element: &'static str,
    /// Makes an error of a message.
    pub(super) error: fn(String) -> Diagnostic,
    /// Elements of an OPKG, in all groups together.
    pub(super) limit: usize,
    /// What to do where there are more.
    pub(super) limit_help: &'static str,
}

/// What `read` makes of the elements, with the filter of their group and what was made before, in the order of the file.
pub(super) fn read_groups<T>(
    reader: &mut ElementReader<'_>,
    root: XmlNode<'_, '_>,
    kind: &GroupKind,
    mut read: impl FnMut(&mut ElementReader<'_>, XmlNode<'_, '_>, &Filter, &[T]) -> Option<T>,
) -> Vec<T> {
    let mut made = Vec::new();
    for group in reader.children_named(root, kind.group) {
        reader.check_container(group, &["filters", kind.element], &[]);
        reader.check_order(group, &[&["filters"], &[kind.element]]);
        let filter = filters::read_filter(reader, group);
        let elements = reader.children_named(group, kind.element);
        if elements.is_empty() {
            reader.report_empty(group);
        }
        for element in elements {
            if made.len() >= kind.limit {
                let message = format!("more than {} `{}` elements", kind.limit, kind.element);
                reader.report(reader.tag_range(element), (kind.error)(message).help(kind.limit_help));
                return made;
            }
            made.extend(read(reader, element, &filter, &made));
        }
    }
    made
}
