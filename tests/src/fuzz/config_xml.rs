//! `config.xml`, read from a directory that holds nothing else.

use opkg::Settings;

use super::target::{Target, example};

pub const TARGET: Target = Target {
    name: "config_xml",
    run,
    seeds,
    dictionary: &[
        "<oscar>",
        "</oscar>",
        "<pkg rel=\"&gt;=\" version=\"1:2-3\">",
        "<filters><dist version=\"9\">rhel</dist></filters>",
        "<arch>x86_64</arch>",
        "<changelogEntry date=\"2024-01-02T10:00:00Z\">",
        "versionEntry",
        "<!DOCTYPE oscar [<!ENTITY a \"b\">]>",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "encoding=\"ISO-8859-1\"",
        "xmlns:a=\"b\"",
        "&#1114111;",
        "\u{202e}",
    ],
};

/// Loads an OPKG whose `config.xml` has these bytes.
pub fn run(bytes: &[u8]) {
    let directory = tempfile::tempdir().expect("there is a directory for temporary files");
    fs_err::write(directory.path().join("config.xml"), bytes).expect("it can be written to");
    let loaded = opkg::load(directory.path(), &Settings::default());
    for diagnostic in &loaded.diagnostics {
        if let (Some(source), Some(opkg::diagnostic::Location::Config(range))) =
            (&loaded.source, &diagnostic.location)
        {
            // Who renders it takes the range from the text.
            let _ = &source.text[range.clone()];
        }
    }
    let _ = opkg::read_markup(directory.path()).map(|markup| markup.parse().is_ok());
}

fn seeds() -> Vec<Vec<u8>> {
    ["hello-cluster", "image-hosts", "jobwatch", "node-names"]
        .map(|name| example(&format!("{name}/config.xml")))
        .to_vec()
}
