//! Distributions that filters name, held against those that the plugins know.
//!
//! The format takes any id, since anybody may write a plugin. An id that is almost a known one is a slip of the
//! pen all the same, and what stands under it would be left out everywhere without a word.

use opkg::closest_match;
use opkg::diagnostic::Diagnostic;
use opkg::model::{DistFilter, Opkg};

/// A warning for each id that nobody answers to, but somebody answers to one like it.
#[must_use]
pub fn misspelled_dists(opkg: &Opkg, known: &[String]) -> Vec<Diagnostic> {
    let filters = std::iter::once(&opkg.filter).chain(opkg.relations.iter().map(|it| &it.filter));
    let mut seen: Vec<&DistFilter> = Vec::new();
    for dist in filters.flat_map(|filter| &filter.dists) {
        if !known.contains(&dist.id) && seen.iter().all(|it| it.at != dist.at) {
            seen.push(dist);
        }
    }
    let slip = |dist: &DistFilter| {
        let near = closest_match(&dist.id, known.iter().map(String::as_str))?;
        let message = format!("no plugin knows the distribution `{}`", dist.id);
        let help = format!("did you mean `{near}`? `opkgc --supported-dist` lists what is known");
        let diagnostic = Diagnostic::warning("unknown-dist", message).help(help);
        Some(Diagnostic { location: opkg.location(dist.at).cloned(), ..diagnostic })
    };
    seen.into_iter().filter_map(slip).collect()
}
