//! Which versions of packages the sources of apt offer: `apt-cache policy`, since `apt-cache madison` passes over what
//! `--with-source` adds.

use opkg_sdk::package_manager::Offer;

/// How the place is shown of what is installed: no package source has it.
const INSTALLED: &str = "/var/lib/dpkg/status";

/// Reads what `apt-cache policy` prints. A package is a line without indentation, below it stand its versions, newest
/// first, and below each of those the places that have it:
///
/// ```text
/// opkg-demo:
///   Installed: 1.0-1
///   Candidate: 1.1-1
///   Version table:
///      1.1-1 500
///         500 https://example.org/debian ./ Packages
///  *** 1.0-1 100
///         100 /var/lib/dpkg/status
/// ```
pub(crate) fn parse(printed: &str) -> Vec<Offer> {
    let (mut name, mut version) = (String::new(), String::new());
    let mut offers: Vec<Offer> = Vec::new();
    for line in printed.lines() {
        // Three stars stand before the one that is installed.
        let line = line.replacen(" *** ", "     ", 1);
        let text = line.trim_start();
        match line.len() - text.len() {
            // With the architecture, where it is a foreign one.
            0 => name = text.split(':').next().unwrap_or_default().to_owned(),
            5 => version = text.split_whitespace().next().unwrap_or_default().to_owned(),
            8.. => {
                let place = text.split_once(' ').map_or("", |(_priority, place)| place.trim());
                let offer = Offer { name: name.clone(), version: version.clone() };
                if !place.is_empty() && place != INSTALLED && offers.last() != Some(&offer) {
                    offers.push(offer);
                }
            }
            _ => {}
        }
    }
    offers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(printed: &str) -> Vec<String> {
        parse(printed).iter().map(|offer| format!("{} {}", offer.name, offer.version)).collect()
    }

    /// As apt 2.6 and 3.0 print it.
    #[test]
    fn what_apt_prints() {
        let printed = "opkg-demo:\n  Installed: 1.1-1+deb12\n  Candidate: 2.0-1+deb12\n  Version table:\n     \
                       2.0-1+deb12 500\n        500 /srv/repo/Packages\n        500 http://example.org/d ./ Packages\n \
                       *** 1.1-1+deb12 500\n        100 /var/lib/dpkg/status\n        500 /srv/repo/Packages\n     \
                       1.0-1+deb12 500\n        500 /srv/repo/Packages\n\
                       dpkg:\n  Installed: 1.22.22\n  Candidate: 1.22.22\n  Version table:\n *** 1.22.22 100\n        100 \
                       /var/lib/dpkg/status\n";
        assert_eq!(
            described(printed),
            ["opkg-demo 2.0-1+deb12", "opkg-demo 1.1-1+deb12", "opkg-demo 1.0-1+deb12"]
        );
        assert!(parse("").is_empty(), "it knows none of the names");
    }

    #[test]
    fn what_is_rare() {
        let phased = "x:\n  Installed: (none)\n  Candidate: 1:2-1\n  Package pin: 1:1-1\n  Version table:\n     1:2-1 500 \
                      (phased 20%)\n        500 http://example.org/u jammy/main amd64 Packages\n     1:1-1 -1\n         \
                      -1 http://example.org/u jammy/main amd64 Packages\n";
        assert_eq!(described(phased), ["x 1:2-1", "x 1:1-1"]);
        let foreign = "x:i386:\n  Installed: (none)\n  Candidate: 1\n  Version table:\n     1 500\n        500 /r/Packages\n";
        assert_eq!(described(foreign), ["x 1"]);
        assert!(described("x:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n").is_empty());
    }
}
