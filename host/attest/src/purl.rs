//! Addresses of packages (package URLs): `pkg:rpm/rhel/hello@1.0-1.el9?arch=noarch&distro=rhel-9`.

use opkg_interface::Target;
use opkg_interface::artefacts::{BinaryPackage, Container};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What is not written as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'~').remove(b':');

/// Of a package for a target. The type is that of its format; distribution and release are the target's, which the plugin
/// answers to.
pub(crate) fn package_url(package: &BinaryPackage, target: &Target) -> String {
    let encode = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
    let release = target.version.as_ref().map(|version| format!("-{version}")).unwrap_or_default();
    let distro = format!("{}{release}", target.dist);
    let place = match package.container {
        Container::Rpm(_) => format!("rpm/{}/", encode(&target.dist)),
        Container::Deb(_) => format!("deb/{}/", encode(&target.dist)),
        Container::Archives(_) => "generic/".to_owned(),
    };
    let mut version = format!("{}-{}", package.version, package.release);
    let mut qualifiers = vec![("arch", package.arch.clone()), ("distro", distro)];
    if package.epoch > 0 {
        // Versions of Debian have it in themselves.
        match package.container {
            Container::Deb(_) => version = format!("{}:{version}", package.epoch),
            Container::Rpm(_) | Container::Archives(_) => {
                qualifiers.push(("epoch", package.epoch.to_string()))
            }
        }
    }
    let qualifiers: Vec<String> =
        qualifiers.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    format!("pkg:{place}{}@{}?{}", encode(&package.name), encode(&version), qualifiers.join("&"))
}
