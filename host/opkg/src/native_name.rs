//! The names of the three native packages that an OPKG becomes: `opkg-NAME`, `opkg-NAME-server`, `opkg-NAME-client`.

/// How the names of all of them begin.
pub const PREFIX: &str = "opkg-";

/// How the names of the parts for head node and clients end.
pub const PART_SUFFIXES: [&str; 2] = ["-server", "-client"];

/// Written beside the packages of OPKGs; no OPKG.
const FILESYSTEM: &str = "opkg-filesystem";

/// What stands behind `opkg-`: the name of an OPKG, perhaps with the suffix of a part. Nothing for any other package.
#[must_use]
pub fn whole(native: &str) -> Option<&str> {
    native.strip_prefix(PREFIX).filter(|name| !name.is_empty() && native != FILESYSTEM)
}

/// The OPKG of which a name could be a part: `nfs` for `nfs-server`.
#[must_use]
pub fn stem(name: &str) -> Option<&str> {
    PART_SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix)).filter(|stem| !stem.is_empty())
}

/// The names of OPKGs that would make one of the packages of an OPKG of this name, or it one of theirs: it is a part of the
/// first of them, and the others are parts of it.
pub fn rivals(name: &str) -> impl Iterator<Item = String> {
    let parts = PART_SUFFIXES.iter().map(move |suffix| format!("{name}{suffix}"));
    stem(name).map(str::to_owned).into_iter().chain(parts)
}

/// The native package that two OPKGs would both make, if there is one: `opkg-nfs-server` is a part of `nfs`, and of
/// `nfs-server` the package for the head node.
#[must_use]
pub fn clash(one: &str, other: &str) -> Option<String> {
    let is_part = |longer: &str, shorter: &str| stem(longer) == Some(shorter);
    let longer = match (is_part(one, other), is_part(other, one)) {
        (true, _) => one,
        (_, true) => other,
        (false, false) => return None,
    };
    Some(format!("{PREFIX}{longer}"))
}

/// The package that a file is, by its name: `NAME-VERSION-RELEASE.ARCH.rpm`, or `NAME_VERSION_ARCH.deb`.
#[must_use]
pub fn of_file(file: &str) -> Option<&str> {
    let of_rpm = file.strip_suffix(".rpm").and_then(|stem| stem.rsplitn(3, '-').nth(2));
    let of_deb = file.strip_suffix(".deb").and_then(|stem| stem.split_once('_')).map(|(name, _)| name);
    of_rpm.or(of_deb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_makes_which_package() {
        assert_eq!(clash("nfs", "nfs-server").as_deref(), Some("opkg-nfs-server"));
        assert_eq!(clash("nfs-client", "nfs").as_deref(), Some("opkg-nfs-client"));
        assert_eq!(clash("a-server-client", "a-server").as_deref(), Some("opkg-a-server-client"));
        for (one, other) in
            [("nfs", "nfs"), ("nfs-server", "nfs-client"), ("nfs", "nfs-common"), ("a", "-server")]
        {
            assert_eq!(clash(one, other), None, "{one} {other}");
        }
        for name in ["nfs", "nfs-server", "a-server-client", "-server"] {
            assert!(rivals(name).all(|rival| clash(name, &rival).is_some()), "{name}");
        }
        assert_eq!(rivals("nfs-server").next().as_deref(), Some("nfs"));
        assert_eq!(rivals("nfs").collect::<Vec<_>>(), ["nfs-server", "nfs-client"]);
        for (file, native) in [
            ("opkg-a-server-1.0-1.noarch.rpm", Some("opkg-a-server")),
            ("opkg-a_1.0-1_all.deb", Some("opkg-a")),
            ("opkg-very-v2-1.noarch.rpm", Some("opkg-very")),
            ("opkg-a.txt", None),
            ("x.rpm", None),
        ] {
            assert_eq!(of_file(file), native, "{file}");
        }
        assert_eq!(whole("opkg-nfs-server"), Some("nfs-server"));
        assert_eq!((whole("opkg-"), whole("opkg-filesystem"), whole("nfs")), (None, None, None));
        assert_eq!((stem("nfs-server"), stem("-server"), stem("nfs")), (Some("nfs"), None, None));
    }
}
