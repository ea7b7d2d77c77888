//! Debian.

use opkg_deb_family::debian::{RELEASES, read};
use opkg_deb_family::{Apt, Flavour, arch};
use opkg_plugin::artefacts::{Compression, Output};
use opkg_plugin::filter::{Identity, Subject};
use opkg_plugin::opkg::{Opkg, Target};
use opkg_plugin::packaging::{Description, Refusal, Release};
use opkg_plugin::{Distribution, export_distribution};

/// What Debian called stable when this was written.
const DEFAULT: &str = "13";

/// Debian, as a plugin.
pub struct Debian;

impl Distribution for Debian {
    type Manager = Apt;

    fn describe() -> Description {
        Description {
            id: "debian".into(),
            name: "Debian".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            aliases: Vec::new(),
            releases: RELEASES
                .iter()
                .map(|&(version, name)| Release {
                    version: version.into(),
                    name: Some(name.into()),
                    is_default: version == DEFAULT,
                })
                .collect(),
            archs: arch::described(&arch::all()),
        }
    }

    fn generate(opkg: &Opkg, target: &Target) -> Result<Output, Refusal> {
        let subject = subject(target)?;
        arch::check(&subject, &arch::all())?;
        opkg_deb_family::generate(opkg, &Flavour { subject, compression: Compression::Xz })
    }
}

export_distribution!(Debian);

/// # Errors
/// [`Refusal::UnknownTarget`].
fn subject(target: &Target) -> Result<Subject, Refusal> {
    let asked = target.version.as_deref().unwrap_or(DEFAULT);
    let version = read(asked).ok_or_else(|| unknown_release(asked))?;
    let identity = Identity { id: "debian".into(), version: Some(version.clone()), default: version, read };
    Ok(Subject::of(target, vec![identity]))
}

fn unknown_release(asked: &str) -> Refusal {
    let known: Vec<String> = RELEASES.iter().map(|(number, name)| format!("{number} ({name})")).collect();
    Refusal::UnknownTarget(format!(
        "`{asked}` is no release of Debian; a number is, and so is any of {}",
        known.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_release_is_the_default() {
        assert_eq!(Debian::describe().releases.iter().filter(|release| release.is_default).count(), 1);
    }
}
