//! An OPKG in the making: what is peculiar to it, and usual words for the rest.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;

use fs_err as fs;
use opkg::diagnostic::Severity;
use opkg::model::Opkg;
use opkg::{Settings, XmlContext, xml_escaped};

use crate::error::SuiteError;

/// An OPKG of the suite.
#[derive(Debug, Clone)]
pub struct TestOpkg {
    /// As findings name it.
    pub name: String,
    pub opkg: Arc<Opkg>,
    /// Whether every distribution can express it, so that it must not be refused.
    pub must_compile: bool,
}

/// What an OPKG is written from.
#[derive(Debug, Clone)]
pub struct Sketch {
    /// As findings name it.
    label: String,
    name: String,
    summary: String,
    description: String,
    license: String,
    uri: String,
    authors: String,
    /// Elements between the authors and the changelog.
    body: String,
    changelog: String,
    /// Path, contents, mode.
    files: Vec<(String, String, u32)>,
    /// Path, and what the link holds.
    links: Vec<(String, String)>,
    must_compile: bool,
}

/// Text as it stands in an element or an attribute.
#[must_use]
pub fn xml(text: &str) -> String {
    xml_escaped(text, XmlContext::Attribute)
}

/// An entry of the changelog.
#[must_use]
pub fn version_entry(version: &str, date: &str, author: &str, items: &[&str]) -> String {
    let items: String = items.iter().map(|item| format!("<item>{}</item>", xml(item))).collect();
    format!(
        "<versionEntry version=\"{}\"><changelogEntry authorName=\"{}\" date=\"{date}\">{items}</changelogEntry></versionEntry>\n",
        xml(version),
        xml(author)
    )
}

impl Sketch {
    /// One that says nothing but what every OPKG has to.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            label: name.to_owned(),
            name: name.to_owned(),
            summary: format!("Tries what plugins make of {name}"),
            description: format!("The conformance suite has an OPKG for {name}.\n\nNobody installs it."),
            license: "GPL".to_owned(),
            uri: "https://example.org/conformance".to_owned(),
            authors:
                "<author cat=\"maintainer\"><name>Ada Keller</name><email>ada@example.org</email></author>"
                    .to_owned(),
            body: String::new(),
            changelog: version_entry("1.2-1", "2025-03-04T10:15:00+01:00", "Ada Keller", &["First version."]),
            files: Vec::new(),
            links: Vec::new(),
            must_compile: true,
        }
    }

    /// The same OPKG by another name in findings.
    #[must_use]
    pub fn labelled(mut self, label: &str) -> Self {
        self.label = label.to_owned();
        self
    }

    /// As findings name it.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    #[must_use]
    pub fn summary(mut self, text: &str) -> Self {
        self.summary = text.to_owned();
        self
    }

    #[must_use]
    pub fn description(mut self, text: &str) -> Self {
        self.description = text.to_owned();
        self
    }

    #[must_use]
    pub fn license(mut self, text: &str) -> Self {
        self.license = text.to_owned();
        self
    }

    /// An empty one is left out.
    #[must_use]
    pub fn uri(mut self, text: &str) -> Self {
        self.uri = text.to_owned();
        self
    }

    /// Elements `author`.
    #[must_use]
    pub fn authors(mut self, xml: &str) -> Self {
        self.authors = xml.to_owned();
        self
    }

    /// Adds elements between the authors and the changelog.
    #[must_use]
    pub fn body(mut self, xml: &str) -> Self {
        self.body.push_str(xml);
        self.body.push('\n');
        self
    }

    /// Of one entry.
    #[must_use]
    pub fn version(self, version: &str) -> Self {
        self.changelog(&version_entry(version, "2025-03-04T10:15:00+01:00", "Ada Keller", &["Changed it."]))
    }

    /// Elements `versionEntry`.
    #[must_use]
    pub fn changelog(mut self, xml: &str) -> Self {
        self.changelog = xml.to_owned();
        self
    }

    #[must_use]
    pub fn file(mut self, path: &str, contents: &str) -> Self {
        self.files.push((path.to_owned(), contents.to_owned(), 0o644));
        self
    }

    #[must_use]
    pub fn program(mut self, path: &str, contents: &str) -> Self {
        self.files.push((path.to_owned(), contents.to_owned(), 0o755));
        self
    }

    #[must_use]
    pub fn link(mut self, path: &str, target: &str) -> Self {
        self.links.push((path.to_owned(), target.to_owned()));
        self
    }

    /// Some distributions cannot express it, and may say so.
    #[must_use]
    pub fn may_be_refused(mut self) -> Self {
        self.must_compile = false;
        self
    }

    fn config(&self) -> String {
        let uri = match self.uri.as_str() {
            "" => String::new(),
            uri => format!("<uri>{}</uri>\n", xml(uri)),
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<oscar>\n<name>{}</name>\n<class>third-party</class>\n\
             <summary>{}</summary>\n<description>{}</description>\n<license>{}</license>\n\
             <group>Applications/System</group>\n{uri}<authors>{}</authors>\n{}<changelog>\n{}</changelog>\n</oscar>\n",
            self.name,
            xml(&self.summary),
            xml_escaped(&self.description, XmlContext::Text),
            xml(&self.license),
            self.authors,
            self.body,
            self.changelog
        )
    }

    /// Writes it into a directory of its own below `parent`, and reads it as the host reads all of them.
    ///
    /// # Errors
    /// It cannot be written, or is not valid.
    pub fn load(&self, parent: &Path) -> Result<TestOpkg, SuiteError> {
        let directory = parent.join(&self.label);
        fs::create_dir_all(&directory)?;
        fs::write(directory.join("config.xml"), self.config())?;
        for (path, contents, mode) in &self.files {
            let path = directory.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(&path, contents)?;
            fs::set_permissions(&path, PermissionsExt::from_mode(*mode))?;
        }
        for (path, target) in &self.links {
            let path = directory.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            symlink(target, &path)?;
        }
        let loaded = opkg::load(&directory, &Settings::default());
        let opkg = loaded.opkg.ok_or_else(|| {
            let errors = loaded.diagnostics.iter().filter(|it| it.severity == Severity::Error);
            let reasons: Vec<&str> = errors.map(|it| it.message.as_str()).collect();
            SuiteError::InvalidOpkg { name: self.label.clone(), reason: reasons.join("; ") }
        })?;
        Ok(TestOpkg { name: self.label.clone(), opkg, must_compile: self.must_compile })
    }
}
