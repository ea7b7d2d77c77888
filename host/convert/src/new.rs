//! The new `config.xml`: what is in it, and how it is written.

use opkg::model::Timestamp;

use crate::xml::Writer;

/// One author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Author {
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
pub(crate) struct Dist {
    pub id: String,
    pub version: Option<String>,
}

/// Alternatives of each kind; none of a kind means any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Filters {
    pub dists: Vec<Dist>,
    pub archs: Vec<String>,
}

/// Relations of one kind with the same filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    /// `requires`, `provides` or `conflicts`.
    pub kind: &'static str,
    /// What was said about them in the old file.
    pub comments: Vec<String>,
    pub filters: Filters,
    pub packages: Vec<String>,
}

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    /// Comments before the root.
    pub head: Vec<String>,
    pub name: String,
    pub class: Option<String>,
    pub summary: String,
    /// Lines as they were written; empty where there is none.
    pub description: String,
    pub license: String,
    pub groups: Vec<String>,
    pub uri: Option<String>,
    pub authors: Vec<Author>,
    pub filters: Filters,
    /// For all parts.
    pub relations: Vec<Group>,
    pub server: Vec<Group>,
    pub client: Vec<Group>,
    pub version: String,
    pub date: Timestamp,
    /// Who made the version.
    pub changed_by: String,
    /// Comments at the end of the root.
    pub tail: Vec<String>,
}

impl Config {
    /// As XML, in UTF-8.
    pub fn to_xml(&self) -> String {
        let mut xml = Writer::new();
        self.head.iter().for_each(|comment| xml.comment(comment));
        xml.open("oscar", &[]);
        xml.leaf("name", &[], &self.name);
        self.class.iter().for_each(|class| xml.leaf("class", &[], class));
        xml.leaf("summary", &[], &self.summary);
        if !self.description.is_empty() {
            xml.block("description", &self.description);
        }
        xml.leaf("license", &[], &self.license);
        self.groups.iter().for_each(|group| xml.leaf("group", &[], group));
        self.uri.iter().for_each(|uri| xml.leaf("uri", &[], uri));
        xml.open("authors", &[]);
        self.authors.iter().for_each(|author| write_author(&mut xml, author));
        xml.close("authors");
        write_filters(&mut xml, &self.filters);
        write_groups(&mut xml, &self.relations);
        for (part, groups) in [("serverDeps", &self.server), ("clientDeps", &self.client)] {
            if !groups.is_empty() {
                xml.open(part, &[]);
                write_groups(&mut xml, groups);
                xml.close(part);
            }
        }
        xml.open("changelog", &[]);
        xml.open("versionEntry", &[("version", &self.version)]);
        let date = self.date.to_string();
        xml.open("changelogEntry", &[("authorName", &self.changed_by), ("date", &date)]);
        xml.leaf("item", &[], "Converted from the form before OSCAR 5.");
        xml.close("changelogEntry");
        xml.close("versionEntry");
        xml.close("changelog");
        self.tail.iter().for_each(|comment| xml.comment(comment));
        xml.close("oscar");
        xml.finish()
    }
}

fn write_author(xml: &mut Writer, author: &Author) {
    xml.open("author", &[("cat", author.role)]);
    xml.leaf("name", &[], &author.name);
    xml.leaf("email", &[], &author.email);
    author.institution.iter().for_each(|institution| xml.leaf("institution", &[], institution));
    for (field, year) in [("beginYear", author.first_year), ("endYear", author.last_year)] {
        year.iter().for_each(|year| xml.leaf(field, &[], &year.to_string()));
    }
    xml.close("author");
}

fn write_filters(xml: &mut Writer, filters: &Filters) {
    if *filters == Filters::default() {
        return;
    }
    xml.open("filters", &[]);
    for dist in &filters.dists {
        let version = dist.version.iter().map(|version| ("version", version.as_str()));
        xml.leaf("dist", &version.collect::<Vec<_>>(), &dist.id);
    }
    filters.archs.iter().for_each(|arch| xml.leaf("arch", &[], arch));
    xml.close("filters");
}

fn write_groups(xml: &mut Writer, groups: &[Group]) {
    for group in groups {
        group.comments.iter().for_each(|comment| xml.comment(comment));
        xml.open(group.kind, &[]);
        write_filters(xml, &group.filters);
        group.packages.iter().for_each(|package| xml.leaf("pkg", &[], package));
        xml.close(group.kind);
    }
}
