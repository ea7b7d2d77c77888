//! Files by which a machine takes packages from a signed index: where it is, and the key that vouches for it. Whoever
//! copies one to its place has said all that there is to say; nothing has to be believed without a signature.

use crate::deb822::write_field;
use crate::repository_url::RepositoryUrl;
use crate::{Error, Signer};

/// What they are called for: files of the system that lie beside them have names of distributions.
const PREFIX: &str = "opkg-";

/// What an index is, to those who configure it.
#[derive(Clone, Copy)]
pub(super) struct ClientConfig<'a> {
    /// What the index is called.
    pub(super) name: &'a str,
    /// Where its directory is.
    pub(super) url: &'a RepositoryUrl,
    pub(super) signer: &'a Signer,
}

impl ClientConfig<'_> {
    /// A `.sources` for an index of binary packages, and perhaps of sources, in its own directory: name and contents. The
    /// key stands in it. See sources.list(5).
    pub(super) fn sources_file(self, has_sources: bool) -> Result<(String, Vec<u8>), Error> {
        let mut text = String::new();
        write_field(&mut text, "Types", if has_sources { "deb deb-src" } else { "deb" })?;
        write_field(&mut text, "URIs", &format!("{}/", self.url.as_str()))?;
        write_field(&mut text, "Suites", "./")?;
        let key = self.signer.public_key().trim_end().lines();
        let key: String =
            key.map(|line| format!("\n {}", if line.is_empty() { "." } else { line })).collect();
        write_field(&mut text, "Signed-By", &key)?;
        Ok((format!("{}.sources", self.id()), text.into_bytes()))
    }

    /// A `.repo` for an index of RPMs, whose key is at this path in the directory: name and contents.
    pub(super) fn repo_file(self, key: &str) -> (String, Vec<u8>) {
        let (id, url) = (self.id(), self.url.as_str());
        let name: String = self.name.chars().filter(|c| !c.is_control()).collect();
        let text = format!(
            "[{id}]\nname=OPKG {name}\nbaseurl={url}/\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey={url}/{key}\n"
        );
        (format!("{id}.repo"), text.into_bytes())
    }

    /// By which package managers tell it from others, and which names of such files may consist of.
    fn id(self) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let name: String = self.name.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
        format!("{PREFIX}{name}")
    }
}
