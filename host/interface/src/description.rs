//! What a plugin says about itself, checked.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::text::{one_line, quote};

/// A further id that a plugin answers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    pub id: String,
    pub name: String,
}

/// A version of the distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DistributionRelease {
    /// `9`, `15.6`, `rolling`.
    pub version: String,
    /// Another way to ask for it: `willow`.
    pub name: Option<String>,
    /// Decides where a target names no version. True of exactly one.
    pub is_default: bool,
}

/// How the family spells an architecture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchName {
    /// See [`opkg::arch`].
    pub canonical: String,
    /// The family's own.
    pub native: String,
}

/// What a plugin answers to and knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DistributionDescription {
    /// Lower case; fit for a file name.
    pub id: String,
    /// For people.
    pub name: String,
    /// Of the plugin itself.
    pub version: String,
    /// Other names of the distribution, and the members of its family.
    pub aliases: Vec<Alias>,
    /// Newest first, never empty.
    pub releases: Vec<DistributionRelease>,
    /// Never empty.
    pub archs: Vec<ArchName>,
}

/// Which rule a description breaks. Reads as the end of "returned something invalid".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DescriptionError {
    /// Aliases, releases or architectures.
    #[error("a list of more than {MAX_LIST_LEN} entries in its description")]
    ListTooLong,
    /// See [`is_plugin_id`].
    #[error(
        "the id {}, which is not made of a-z, 0-9, `.`, `_`, `+` and `-` with a letter or digit at both ends",
        quote(.0)
    )]
    InvalidId(String),
    /// Among the plugin's own id and its aliases.
    #[error("the id {} twice", quote(.0))]
    DuplicateId(String),
    /// See [`is_printable_word`].
    #[error("{}, where a version or architecture is meant", quote(.0))]
    InvalidWord(String),
    /// How many there are.
    #[error("{0} default releases instead of one")]
    DefaultReleases(usize),
    /// See [`opkg::arch`].
    #[error(
        "{}, which is not the canonical name of an architecture{}",
        quote(.found),
        .canonical.map(|name| format!("; that is `{name}`")).unwrap_or_default()
    )]
    NotCanonicalArch {
        /// As the plugin wrote it.
        found: String,
        /// What it should have written, if the name is known at all.
        canonical: Option<&'static str>,
    },
    /// The list of architectures is empty.
    #[error("no architecture")]
    NoArch,
}

/// Entries of one list. The longest of the real world has some dozens.
const MAX_LIST_LEN: usize = 1000;

impl DistributionDescription {
    /// What a plugin answered, if it follows the rules; names become one line.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn validate(self) -> Result<Self, DescriptionError> {
        let lists = [self.aliases.len(), self.releases.len(), self.archs.len()];
        if lists.iter().any(|length| *length > MAX_LIST_LEN) {
            return Err(DescriptionError::ListTooLong);
        }
        let mut ids = BTreeSet::new();
        let mut description = Self { name: one_line(&self.name), ..self };
        for alias in &mut description.aliases {
            alias.name = one_line(&alias.name);
        }
        if let Some(id) = description.ids().find(|id| !is_plugin_id(id)) {
            return Err(DescriptionError::InvalidId(id.to_owned()));
        }
        if let Some(id) = description.ids().find(|id| !ids.insert(*id)) {
            return Err(DescriptionError::DuplicateId(id.to_owned()));
        }
        let words = description
            .releases
            .iter()
            .flat_map(|release| [Some(&release.version), release.name.as_ref()])
            .flatten();
        let archs = description.archs.iter().flat_map(|arch| [&arch.canonical, &arch.native]);
        if let Some(word) =
            words.chain(archs).chain([&description.version]).find(|word| !is_printable_word(word))
        {
            return Err(DescriptionError::InvalidWord(word.clone()));
        }
        match description.releases.iter().filter(|release| release.is_default).count() {
            1 => {}
            count => return Err(DescriptionError::DefaultReleases(count)),
        }
        match description
            .archs
            .iter()
            .find(|arch| opkg::arch::canonical_name(&arch.canonical) != Some(&arch.canonical))
        {
            Some(arch) => Err(DescriptionError::NotCanonicalArch {
                found: arch.canonical.clone(),
                canonical: opkg::arch::canonical_name(&arch.canonical),
            }),
            None if description.archs.is_empty() => Err(DescriptionError::NoArch),
            None => Ok(description),
        }
    }

    /// Everything that the plugin answers to: its own id, then the aliases.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        [self.id.as_str()].into_iter().chain(self.aliases.iter().map(|alias| alias.id.as_str()))
    }

    /// What stands in where a target names no version.
    #[must_use]
    pub fn default_release(&self) -> Option<&DistributionRelease> {
        self.releases.iter().find(|release| release.is_default)
    }

    /// `demo 1.2`, as messages name the plugin.
    #[must_use]
    pub fn name_and_version(&self) -> String {
        format!("{} {}", self.id, self.version)
    }
}

/// Ids become names of files and parts of targets.
#[must_use]
pub fn is_plugin_id(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._+-".contains(c);
    let end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    text.len() <= 64 && text.chars().all(inner) && end(text.chars().next()) && end(text.chars().last())
}

/// One word for a person to type: printable, no blank, no `/`.
#[must_use]
pub fn is_printable_word(text: &str) -> bool {
    let fit = |c: char| !c.is_whitespace() && c != '/' && !opkg::is_unsafe_control(c);
    !text.is_empty() && text.len() <= 64 && text.chars().all(fit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid_description() -> DistributionDescription {
        DistributionDescription {
            id: "demo".into(),
            name: "Demo\nLinux".into(),
            version: "1.0".into(),
            aliases: vec![Alias { id: "demo-lts".into(), name: "Demo LTS".into() }],
            releases: vec![DistributionRelease { version: "2".into(), name: None, is_default: true }],
            archs: vec![ArchName { canonical: "x86_64".into(), native: "amd64".into() }],
        }
    }

    fn error_of(change: impl FnOnce(&mut DistributionDescription)) -> String {
        let mut changed = valid_description();
        change(&mut changed);
        changed
            .validate()
            .map_or_else(|error| error.to_string(), |description| format!("accepted: {description:?}"))
    }

    #[test]
    fn a_good_one_is_taken() -> Result<(), DescriptionError> {
        let description = valid_description().validate()?;
        assert_eq!(description.name, "Demo Linux");
        assert_eq!(description.ids().collect::<Vec<_>>(), ["demo", "demo-lts"]);
        assert_eq!(description.name_and_version(), "demo 1.0");
        Ok(())
    }

    #[test]
    fn bad_ones_are_refused() {
        let flaws = [
            error_of(|it| it.id = "../x".into()),
            error_of(|it| it.id = "Demo".into()),
            error_of(|it| it.aliases[0].id = "demo".into()),
            error_of(|it| it.releases[0].is_default = false),
            error_of(|it| it.releases[0].version = "a/b".into()),
            error_of(|it| it.version = String::new()),
            error_of(|it| it.archs[0].canonical = "amd64".into()),
            error_of(|it| it.archs.clear()),
            error_of(|it| it.archs = vec![it.archs[0].clone(); 1001]),
        ];
        insta::assert_snapshot!(flaws.join("\n"), @r#"
        the id `../x`, which is not made of a-z, 0-9, `.`, `_`, `+` and `-` with a letter or digit at both ends
        the id `Demo`, which is not made of a-z, 0-9, `.`, `_`, `+` and `-` with a letter or digit at both ends
        the id `demo` twice
        0 default releases instead of one
        `a/b`, where a version or architecture is meant
        ``, where a version or architecture is meant
        `amd64`, which is not the canonical name of an architecture; that is `x86_64`
        no architecture
        a list of more than 1000 entries in its description
        "#);
    }
}
