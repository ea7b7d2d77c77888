//! The values of a package's forms, as a run reads and writes them.

use opkg_oda::{
    Change, Cluster, ConfigValue, ConfigValues, Error, PackageId, Store, TargetId, TargetKind, ValueOrigin,
};

/// The values of a package: for the whole cluster, and for each image.
pub fn load_values(
    store: &mut dyn Store,
    cluster: &Cluster,
    package: PackageId,
) -> Result<ConfigValues, Error> {
    let images = cluster.targets_of_kind(TargetKind::Image).map(|it| Some(it.id));
    let contexts: Vec<Option<TargetId>> = std::iter::once(None).chain(images).collect();
    contexts.into_iter().map(|image| Ok(((package, image), store.values(package, image)?))).collect()
}

/// Written only if nobody has answered otherwise since the values were read.
pub fn values_change(
    context: (PackageId, Option<TargetId>),
    values: &[ConfigValue],
    known: &ConfigValues,
) -> Change {
    let expected = Some(known.get(&context).cloned().unwrap_or_default());
    Change::SetValues { package: context.0, image: context.1, values: values.to_vec(), expected }
}

/// Whether the administrator's answers have changed since they were read.
pub fn answers_changed(known: &ConfigValues, now: &ConfigValues) -> bool {
    let answers = |values: &ConfigValues| -> Vec<_> {
        let each = values
            .iter()
            .flat_map(|(context, values)| values.iter().map(move |value| (*context, value.clone())));
        each.filter(|(_, value)| value.origin == ValueOrigin::Administrator).collect()
    };
    answers(known) != answers(now)
}
