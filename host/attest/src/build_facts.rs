//! What made packages, as far as documents say it.

use std::collections::BTreeMap;

/// What made packages.
#[derive(Debug, Clone)]
pub struct BuildFacts<'a> {
    /// The version of `opkgc`.
    pub opkgc_version: &'a str,
    /// What described the packages.
    pub plugin: PluginFacts<'a>,
    /// What else decides what becomes of an OPKG, as the settings call it.
    pub settings: BTreeMap<&'static str, String>,
}

/// A plugin of a distribution.
#[derive(Debug, Clone, Copy)]
pub struct PluginFacts<'a> {
    /// The first that it answers to.
    pub id: &'a str,
    /// Its own.
    pub version: &'a str,
    /// Of the component, in hexadecimal.
    pub sha256: &'a str,
}
