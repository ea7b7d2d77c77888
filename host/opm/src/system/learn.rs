//! What an installed package says of itself.

use fs_err as fs;
use opkg::model::{Class as Written, Kind, Relation, Scope};
use opkg_oda::{Class, Cluster, Package, PackageId};
use opkg_runtime::Description;

use super::hooks::home;
use super::root::Root;

/// The file that it says it in.
const CONFIG: &str = "config.xml";

/// Class, version and needs of a package, from its home. Needs are those other OPKGs that the database knows; what is
/// needed only on other distributions than the one described is left out.
///
/// # Errors
/// One line: it says nothing that could be understood.
pub(super) fn learn(
    root: &Root,
    cluster: &Cluster,
    package: PackageId,
    distribution: &Description,
) -> Result<Option<Package>, String> {
    let Some(known) = cluster.packages.get(&package) else { return Ok(None) };
    let path = home(&known.name).join(CONFIG);
    let cannot = |error: &dyn std::fmt::Display| format!("{} cannot be read: {error}", path.display());
    if root.find(&path).map_err(|error| cannot(&error))?.is_none() {
        return Ok(None);
    }
    let text = root.read(&path, opkg::limits::CONFIG_BYTES).map_err(|error| cannot(&error))?;
    // Alone: scripts and documentation lie elsewhere once they are installed.
    let directory = tempfile::tempdir().map_err(|error| cannot(&error))?;
    fs::write(directory.path().join(CONFIG), text).map_err(|error| cannot(&error))?;
    let loaded = opkg::load(directory.path(), &opkg::Settings::default());
    let Some(opkg) = loaded.opkg else {
        let first = loaded.diagnostics.iter().find(|it| it.severity == opkg::diagnostic::Severity::Error);
        return Err(cannot(&first.map_or("it is no description of an OPKG", |it| it.message.as_str())));
    };
    let needed = |relation: &&Relation| {
        let dists = &relation.filter.dists;
        relation.scope == Scope::Whole
            && relation.kind == Kind::Requires
            && (dists.is_empty() || dists.iter().any(|dist| distribution.ids().any(|id| id == dist.id)))
    };
    let mut needs: Vec<PackageId> = opkg
        .relations
        .iter()
        .filter(needed)
        .filter_map(|it| named(cluster, &it.name))
        .filter(|it| *it != package)
        .collect();
    needs.sort_unstable();
    needs.dedup();
    let class = match opkg.class {
        Written::Core => Class::Core,
        Written::Base => Class::Base,
        Written::Included => Class::Included,
        Written::ThirdParty => Class::ThirdParty,
    };
    let version = opkg.version().map(ToString::to_string);
    let learned = Package { class, version, needs, ..known.clone() };
    Ok((learned != *known).then_some(learned))
}

/// The OPKG that a name means: its own, or that of one of its native packages.
fn named(cluster: &Cluster, name: &str) -> Option<PackageId> {
    let find = |name: &str| Some(cluster.package(&name.parse().ok()?)?.id);
    let native = || {
        let whole = name.strip_prefix("opkg-")?;
        let part = whole.strip_suffix("-server").or_else(|| whole.strip_suffix("-client"));
        find(whole).or_else(|| find(part?))
    };
    find(name).or_else(native)
}
