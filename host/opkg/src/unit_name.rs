//! Names of units of systemd.

/// Kinds of units that are started and stopped; there is no more to a scope, and a slice comes with what is in it.
pub(crate) const UNIT_KINDS: [&str; 7] =
    ["service", "socket", "timer", "path", "mount", "automount", "target"];

/// systemd's own.
const MAX_UNIT_NAME: usize = 255;

/// Whether a unit of one of these kinds can have this name.
pub(crate) fn is_unit_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_' | '.' | '\\' | '@');
    name.len() <= MAX_UNIT_NAME
        && name.rsplit_once('.').is_some_and(|(stem, kind)| {
            UNIT_KINDS.contains(&kind) && stem.starts_with(is_plain) && stem.chars().all(is_plain)
        })
}

/// Whether it stands for units whose names say more: `tunnel@.service`.
pub(crate) fn is_template(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, _)| stem.ends_with('@'))
}

/// The template of which this is an instance: `tunnel@.service` of `tunnel@one.service`.
pub(crate) fn template(name: &str) -> Option<String> {
    let (stem, kind) = name.rsplit_once('.')?;
    let (template, instance) = stem.split_once('@')?;
    (!instance.is_empty()).then(|| format!("{template}@.{kind}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_have_templates() {
        for (name, expected) in [
            ("tunnel@one.service", Some("tunnel@.service")),
            ("tunnel@a@b.timer", Some("tunnel@.timer")),
            ("tunnel@.service", None),
            ("site.service", None),
        ] {
            assert_eq!(template(name).as_deref(), expected, "{name}");
        }
        assert!(is_template("tunnel@.service") && !is_template("tunnel@one.service"));
    }
}
