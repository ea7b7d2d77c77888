//! Owners, modes and the like of what an OPKG lays into the root, as its rules have it for one target.

use crate::file_commands;
use crate::filter::FilterContext;
use crate::model::{ConfigKind, Diagnostic, Directory, FileRule, Opkg, SourceFile};

/// What is said of a file or directory beside its contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileAttributes {
    /// Name of a user: letters, digits, `_` and `-`.
    pub owner: String,
    /// Likewise of a group.
    pub group: String,
    /// Permissions, with the bits for set-user-ID, set-group-ID and sticky. Of a link it means nothing.
    pub mode: u32,
    /// Whether a rule says so of the mode.
    pub is_mode_ruled: bool,
    /// What becomes of it where somebody has changed it.
    pub config: ConfigKind,
    /// Whether the package knows it, and does not bring it.
    pub is_ghost: bool,
    /// As cap_to_text(3) writes them.
    pub capabilities: Option<String>,
}

impl FileAttributes {
    /// Root's, with this mode and nothing else.
    #[must_use]
    pub fn of_root(mode: u32) -> Self {
        Self {
            owner: "root".to_owned(),
            group: "root".to_owned(),
            mode,
            is_mode_ruled: false,
            config: ConfigKind::No,
            is_ghost: false,
            capabilities: None,
        }
    }

    /// Whether it belongs to somebody else than root.
    #[must_use]
    pub fn has_other_owner(&self) -> bool {
        self.owner != "root" || self.group != "root"
    }

    /// Of a regular file, the mode with which it is packed: see [`file_commands::packed_mode`].
    #[must_use]
    pub fn packed_mode(&self) -> u32 {
        file_commands::mode_before_owner(self.mode, &self.owner, &self.group)
    }

    fn apply(&mut self, rule: &FileRule, mode: Option<u32>) {
        let replace = |old: &mut String, new: &Option<String>| {
            if let Some(new) = new {
                old.clone_from(new);
            }
        };
        replace(&mut self.owner, &rule.owner);
        replace(&mut self.group, &rule.group);
        self.mode = mode.unwrap_or(self.mode);
        self.is_mode_ruled |= mode.is_some();
    }
}

/// The rules of an OPKG, decided for a target. Where that leaves its version open, they are those of the default release.
pub(crate) struct FileRules<'a> {
    rules: &'a [FileRule],
    matches: Vec<bool>,
}

impl<'a> FileRules<'a> {
    /// Notes in `diagnostics` what the target leaves open.
    pub(crate) fn new(opkg: &'a Opkg, context: &FilterContext, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut decide = |rule: &FileRule| context.decide(&rule.filter, rule.at, "files", diagnostics);
        Self { rules: &opkg.file_rules, matches: opkg.file_rules.iter().map(&mut decide).collect() }
    }

    pub(crate) fn of_file(&self, file: &SourceFile) -> FileAttributes {
        let mut attributes = FileAttributes::of_root(file.mode);
        if file.configuration {
            attributes.config = ConfigKind::Keep;
        }
        let is_link = file.link.is_some();
        for rule in self.matching(&file.rules) {
            attributes.apply(rule, rule.mode.filter(|_| !is_link));
            if !is_link {
                attributes.config = rule.config.unwrap_or(attributes.config);
                attributes.is_ghost = rule.ghost.unwrap_or(attributes.is_ghost);
                attributes.capabilities = rule.capabilities.clone().or(attributes.capabilities);
            }
        }
        attributes
    }

    pub(crate) fn of_directory(&self, directory: &Directory) -> FileAttributes {
        let mut attributes = FileAttributes::of_root(0o755);
        self.matching(&directory.rules).for_each(|rule| attributes.apply(rule, rule.directory_mode));
        attributes
    }

    /// Whether a rule is for some architectures alone, so that packages for others differ.
    pub(crate) fn depends_on_arch(&self, index: u32, context: &FilterContext) -> bool {
        self.rules
            .get(index as usize)
            .is_some_and(|rule| !rule.filter.archs.is_empty() && context.may_match(&rule.filter))
    }

    fn matching(&self, indexes: &[u32]) -> impl Iterator<Item = &FileRule> {
        let matching = |index: &u32| self.matches.get(*index as usize) == Some(&true);
        indexes
            .iter()
            .filter(move |index| matching(index))
            .filter_map(|index| self.rules.get(*index as usize))
    }
}
