//! The new `config.xml`: what is in it, and how it is written.

use opkg::model::Timestamp;

use crate::xml::XmlWriter;

/// An element `author`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewAuthor {
    /// The attribute `cat`.
    pub role: &'static str,
    pub name: String,
    pub email: String,
    pub institution: Option<String>,
    pub first_year: Option<u16>,
    pub last_year: Option<u16>,
}

/// One `dist` of a filter, with the version that it must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DistFilter {
    pub id: String,
    pub version: Option<String>,
}

/// Alternatives of each kind; none of a kind means any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Filters {
    pub dists: Vec<DistFilter>,
    pub archs: Vec<String>,
}

/// Relations of one kind with the same filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RelationGroup {
    /// `requires`, `provides` or `conflicts`.
    pub kind: &'static str,
    /// What was said about them in the old file.
    pub comments: Vec<String>,
    pub filters: Filters,
    pub packages: Vec<String>,
}

/// The file `config.xml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewConfig {
    /// Comments before the root.
    pub leading_comments: Vec<String>,
    pub name: String,
    pub class: Option<String>,
    pub summary: String,
    /// Lines as they were written; empty where there is none.
    pub description: String,
    pub license: String,
    pub groups: Vec<String>,
    pub uri: Option<String>,
    pub authors: Vec<NewAuthor>,
    pub filters: Filters,
    /// For all parts.
    pub common_relations: Vec<RelationGroup>,
    pub server: Vec<RelationGroup>,
    pub client: Vec<RelationGroup>,
    pub version: String,
    pub date: Timestamp,
    /// Who made the version.
    pub changed_by: String,
    /// Comments at the end of the root.
    pub trailing_comments: Vec<String>,
}

impl NewConfig {
    /// As XML, in UTF-8.
    pub fn to_xml(&self) -> String {
        let mut xml = XmlWriter::new();
        self.leading_comments.iter().for_each(|comment| xml.comment(comment));
        xml.start_element("oscar", &[]);
        xml.text_element("name", &[], &self.name);
        self.class.iter().for_each(|class| xml.text_element("class", &[], class));
        xml.text_element("summary", &[], &self.summary);
        if !self.description.is_empty() {
            xml.text_block("description", &self.description);
        }
        xml.text_element("license", &[], &self.license);
        self.groups.iter().for_each(|group| xml.text_element("group", &[], group));
        self.uri.iter().for_each(|uri| xml.text_element("uri", &[], uri));
        xml.start_element("authors", &[]);
        self.authors.iter().for_each(|author| write_author(&mut xml, author));
        xml.end_element("authors");
        write_filters(&mut xml, &self.filters);
        write_groups(&mut xml, &self.common_relations);
        for (part, groups) in [("serverDeps", &self.server), ("clientDeps", &self.client)] {
            if !groups.is_empty() {
                xml.start_element(part, &[]);
                write_groups(&mut xml, groups);
                xml.end_element(part);
            }
        }
        xml.start_element("changelog", &[]);
        xml.start_element("versionEntry", &[("version", &self.version)]);
        let date = self.date.to_string();
        xml.start_element("changelogEntry", &[("authorName", &self.changed_by), ("date", &date)]);
        xml.text_element("item", &[], "Converted from the form before OSCAR 5.");
        xml.end_element("changelogEntry");
        xml.end_element("versionEntry");
        xml.end_element("changelog");
        self.trailing_comments.iter().for_each(|comment| xml.comment(comment));
        xml.end_element("oscar");
        xml.finish()
    }
}

fn write_author(xml: &mut XmlWriter, author: &NewAuthor) {
    xml.start_element("author", &[("cat", author.role)]);
    xml.text_element("name", &[], &author.name);
    xml.text_element("email", &[], &author.email);
    author.institution.iter().for_each(|institution| xml.text_element("institution", &[], institution));
    for (field, year) in [("beginYear", author.first_year), ("endYear", author.last_year)] {
        year.iter().for_each(|year| xml.text_element(field, &[], &year.to_string()));
    }
    xml.end_element("author");
}

fn write_filters(xml: &mut XmlWriter, filters: &Filters) {
    if *filters == Filters::default() {
        return;
    }
    xml.start_element("filters", &[]);
    for dist in &filters.dists {
        let version = dist.version.iter().map(|version| ("version", version.as_str()));
        xml.text_element("dist", &version.collect::<Vec<_>>(), &dist.id);
    }
    filters.archs.iter().for_each(|arch| xml.text_element("arch", &[], arch));
    xml.end_element("filters");
}

fn write_groups(xml: &mut XmlWriter, groups: &[RelationGroup]) {
    for group in groups {
        group.comments.iter().for_each(|comment| xml.comment(comment));
        xml.start_element(group.kind, &[]);
        write_filters(xml, &group.filters);
        group.packages.iter().for_each(|package| xml.text_element("pkg", &[], package));
        xml.end_element(group.kind);
    }
}
