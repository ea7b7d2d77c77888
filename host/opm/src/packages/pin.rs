//! Versions that an administrator chose: what a package manager is asked for because of them.

use opkg_engine::versions::is_same_version;
use opkg_interface::package_manager::{Offer, PackageRequest};
use opkg_oda::PackageName;

use super::installed_set::{InstalledSet, Presence};
use super::package_manager_error::PackageManagerError;

/// The version that an administrator chose of an OPKG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pin {
    pub(crate) package: PackageName,
    /// As `config.xml` writes it.
    pub(crate) version: String,
    /// The native package that a transaction is about.
    pub(crate) native: String,
    /// Another native package of the same OPKG, which can only be there in the same version.
    pub(crate) companion: Option<Companion>,
}

/// A native package that comes along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Companion {
    /// The pinned one needs it.
    Needed(String),
    /// It needs the pinned one, where it is there.
    IfInstalled(String),
}

impl Pin {
    /// The names that package sources are asked about.
    pub(crate) fn names(&self, installed: &InstalledSet) -> impl Iterator<Item = String> {
        [Some(self.native.clone()), self.companion(installed).map(str::to_owned)].into_iter().flatten()
    }

    /// What is to be asked for, in the versions of these offers.
    ///
    /// # Errors
    /// No package source has the version, and it is not there already.
    pub(crate) fn requests(
        &self,
        offers: &[Offer],
        installed: &InstalledSet,
    ) -> Result<Vec<PackageRequest>, PackageManagerError> {
        let request = |name: &str| {
            let version = self.fitting_version(name, offers, installed)?;
            Some(PackageRequest { name: name.to_owned(), version: Some(version) })
        };
        let own = request(&self.native).ok_or_else(|| {
            let versions = offers.iter().filter(|offer| offer.name == self.native);
            PackageManagerError::NoSuchVersion {
                package: self.package.clone(),
                version: self.version.clone(),
                offered: versions.map(|offer| offer.version.clone()).collect(),
            }
        })?;
        Ok([own].into_iter().chain(self.companion(installed).and_then(request)).collect())
    }

    /// The chosen version in the words of the package manager: as it was written, else the newest that is the same.
    fn fitting_version(&self, name: &str, offers: &[Offer], installed: &InstalledSet) -> Option<String> {
        let offered = || offers.iter().filter(|offer| offer.name == name).map(|offer| &offer.version);
        let fits = |version: &&String| is_same_version(&self.version, version);
        let there = match installed.presence(name) {
            Presence::Complete(found) | Presence::Incomplete(found, _) => Some(&found.version),
            Presence::Absent | Presence::Residual => None,
        };
        let exact = offered().find(|version| **version == self.version);
        exact.or(offered().find(fits)).or(there.filter(fits)).cloned()
    }

    fn companion(&self, installed: &InstalledSet) -> Option<&str> {
        match self.companion.as_ref()? {
            Companion::Needed(name) => Some(name),
            Companion::IfInstalled(name) => match installed.presence(name) {
                Presence::Complete(_) | Presence::Incomplete(..) => Some(name),
                Presence::Absent | Presence::Residual => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use opkg_interface::package_manager::{InstallState, Installed};

    fn installed(packages: &[(&str, &str)]) -> InstalledSet {
        let package = |&(name, version): &(&str, &str)| Installed {
            name: name.into(),
            version: version.into(),
            arch: Some("all".into()),
            has_scriptlets: Some(false),
            state: InstallState::Complete,
        };
        packages.iter().map(package).collect()
    }

    fn offers(offers: &[(&str, &str)]) -> Vec<Offer> {
        let offer = |&(name, version): &(&str, &str)| Offer { name: name.into(), version: version.into() };
        offers.iter().map(offer).collect()
    }

    fn pin(version: &str, native: &str, companion: Option<Companion>) -> Pin {
        Pin { package: "demo".parse().unwrap(), version: version.into(), native: native.into(), companion }
    }

    fn described(requests: Result<Vec<PackageRequest>, PackageManagerError>) -> String {
        match requests {
            Ok(requests) => {
                let words =
                    requests.into_iter().map(|it| format!("{}={}", it.name, it.version.unwrap_or_default()));
                words.collect::<Vec<_>>().join(" ")
            }
            Err(error) => error.to_string(),
        }
    }

    const SOURCE: [(&str, &str); 5] = [
        ("opkg-demo", "2.0-1.el9"),
        ("opkg-demo", "1.0-1.el9.site"),
        ("opkg-demo", "1.0-1.el9"),
        ("opkg-demo-server", "2.0-1.el9"),
        ("opkg-demo-server", "1.0-1.el9"),
    ];

    #[test]
    fn the_newest_build_of_the_version_is_asked_for() {
        let (none, source) = (installed(&[]), offers(&SOURCE));
        let api = |version| pin(version, "opkg-demo", None);
        assert_eq!(described(api("1.0-1").requests(&source, &none)), "opkg-demo=1.0-1.el9.site");
        assert_eq!(described(api("2.0-1").requests(&source, &none)), "opkg-demo=2.0-1.el9");
        assert_eq!(described(api("1.0-1.el9").requests(&source, &none)), "opkg-demo=1.0-1.el9");
        let there = installed(&[("opkg-demo", "1.5-1.el9")]);
        assert_eq!(
            described(api("1.5-1").requests(&source, &there)),
            "opkg-demo=1.5-1.el9",
            "what is there already needs no source"
        );
    }

    #[test]
    fn a_version_that_nobody_has_is_refused_with_those_that_there_are() {
        let none = installed(&[]);
        let refused = |source: &[(&str, &str)]| {
            described(pin("3.0-1", "opkg-demo", None).requests(&offers(source), &none))
        };
        assert_eq!(
            refused(&SOURCE),
            "no package source has 3.0-1 of demo; there are 2.0-1.el9, 1.0-1.el9.site, 1.0-1.el9"
        );
        assert_eq!(refused(&SOURCE[..1]), "no package source has 3.0-1 of demo; there is 2.0-1.el9");
        assert_eq!(refused(&SOURCE[3..]), "no package source has 3.0-1 of demo; there is none at all");
        let versions: Vec<String> = (1..=12).rev().map(|number| format!("1.{number}-1")).collect();
        let many: Vec<(&str, &str)> =
            versions.iter().map(|version| ("opkg-demo", version.as_str())).collect();
        assert!(refused(&many).ends_with("1.4-1, 1.3-1 and 2 older ones"), "{}", refused(&many));
    }

    #[test]
    fn what_needs_the_same_version_comes_along() {
        let source = offers(&SOURCE);
        let server = pin("1.0-1", "opkg-demo-server", Some(Companion::Needed("opkg-demo".into())));
        let both = "opkg-demo-server=1.0-1.el9 opkg-demo=1.0-1.el9.site";
        assert_eq!(described(server.requests(&source, &installed(&[]))), both);
        let api = pin("1.0-1", "opkg-demo", Some(Companion::IfInstalled("opkg-demo-server".into())));
        assert_eq!(described(api.requests(&source, &installed(&[]))), "opkg-demo=1.0-1.el9.site");
        let newer = installed(&[("opkg-demo-server", "2.0-1.el9")]);
        assert_eq!(
            described(api.requests(&source, &newer)),
            "opkg-demo=1.0-1.el9.site opkg-demo-server=1.0-1.el9"
        );
        assert_eq!(api.names(&newer).collect::<Vec<_>>(), ["opkg-demo", "opkg-demo-server"]);
        assert_eq!(api.names(&installed(&[])).collect::<Vec<_>>(), ["opkg-demo"]);
    }
}
