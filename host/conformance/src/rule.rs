//! A rule of the suite: its name, and what people read of it.

/// Something that holds for the plugin of any distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Lower case with `-`; stays as it is once a release had it.
    pub name: &'static str,
    /// What holds, in one sentence.
    pub sentence: &'static str,
    /// Why, and what is looked at, for the page of the rules.
    pub reason: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

/// Rules about one thing.
#[derive(Debug, Clone, Copy)]
pub struct RuleGroup {
    /// A heading.
    pub title: &'static str,
    pub rules: &'static [Rule],
}
