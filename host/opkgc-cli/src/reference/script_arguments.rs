//! What the package manager gives to the scripts of its packages: Debian's policy, chapter 6, and RPM's count of the versions
//! that will be there when the transaction is over.

/// A script that is run when something happens.
pub struct ScriptCall {
    /// Without the part, which is before it.
    pub script: &'static str,
    /// What RPM gives as `$1`; nothing where it runs no script.
    pub rpm: Option<&'static str>,
    /// The words that dpkg gives, `$1` first; nothing where it runs no script.
    pub debian: Option<&'static str>,
}

/// Something that happens to a package, and the scripts that are run, in dpkg's order.
pub struct PackageEvent {
    pub what: &'static str,
    pub calls: &'static [ScriptCall],
}

const fn call(script: &'static str, rpm: Option<&'static str>, debian: Option<&'static str>) -> ScriptCall {
    ScriptCall { script, rpm, debian }
}

/// What RPM does in another order.
pub const ORDER: &str = "RPM runs the new package's pre-install and post-install first on an upgrade, and then the old \
                         one's pre-uninstall and post-uninstall; dpkg runs them as they stand here.";

/// What the words in capitals are.
pub const WORDS: &str = "OLD and NEW are versions. What is in brackets is not always given: a second version by dpkg 1.18.5 and later.";

/// All that can happen.
pub const EVENTS: [PackageEvent; 9] = [
    PackageEvent {
        what: "first installation",
        calls: &[
            call("pre-install", Some("1"), Some("install")),
            call("post-install", Some("1"), Some("configure \"\"")),
        ],
    },
    PackageEvent {
        what: "installation after a removal that left configuration",
        calls: &[
            call("pre-install", Some("1"), Some("install OLD [NEW]")),
            call("post-install", Some("1"), Some("configure OLD")),
        ],
    },
    PackageEvent {
        what: "upgrade, or a step back to an older version",
        calls: &[
            call("pre-uninstall of the old package", Some("1"), Some("upgrade NEW")),
            call("pre-install of the new one", Some("2"), Some("upgrade OLD [NEW]")),
            call("post-uninstall of the old one", Some("1"), Some("upgrade NEW")),
            call("post-install of the new one", Some("2"), Some("configure OLD")),
        ],
    },
    PackageEvent {
        what: "removal",
        calls: &[
            call("pre-uninstall", Some("0"), Some("remove")),
            call("post-uninstall", Some("0"), Some("remove")),
        ],
    },
    PackageEvent {
        what: "removal of configuration (purge)",
        calls: &[call("post-uninstall", None, Some("purge"))],
    },
    PackageEvent {
        what: "removal because another package cannot be there as well",
        calls: &[
            call("pre-uninstall", Some("0"), Some("remove in-favour PACKAGE VERSION")),
            call("post-uninstall", Some("0"), Some("remove")),
        ],
    },
    PackageEvent {
        what: "another package that is needed goes away for a while",
        calls: &[call(
            "pre-uninstall",
            None,
            Some("deconfigure in-favour PACKAGE VERSION [removing PACKAGE VERSION]"),
        )],
    },
    PackageEvent {
        what: "all files were taken over by another package",
        calls: &[call("post-uninstall", None, Some("disappear PACKAGE VERSION"))],
    },
    PackageEvent {
        what: "a script or the unpacking failed, and what was done is undone",
        calls: &[
            call("pre-uninstall of the new package", None, Some("failed-upgrade OLD NEW")),
            call("post-uninstall of the new package", None, Some("failed-upgrade OLD NEW")),
            call("post-uninstall of the new package", None, Some("abort-install [OLD [NEW]]")),
            call("post-uninstall of the new package", None, Some("abort-upgrade OLD [NEW]")),
            call("pre-install of the old package", None, Some("abort-upgrade NEW")),
            call("post-install of the old package", None, Some("abort-upgrade NEW")),
            call("post-install", None, Some("abort-remove [in-favour PACKAGE VERSION]")),
            call(
                "post-install",
                None,
                Some("abort-deconfigure in-favour PACKAGE VERSION [removing PACKAGE VERSION]"),
            ),
        ],
    },
];

/// What undoes something whatever the package manager.
pub const REMOVAL_SCRIPT: &str = "\
#!/bin/sh
case \"$1\" in
    0 | remove | purge) rm -f /etc/profile.d/jobwatch.sh ;;
esac
";
