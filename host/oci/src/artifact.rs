//! What a component is in a registry: the artifact layout for WebAssembly of CNCF's working group, as `wkg` writes and
//! reads it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::client::RawManifest;
use crate::digest::Digest;
use crate::error::RegistryError;
use crate::json::parse_json;
use crate::manifest::{Descriptor, MANIFEST_MEDIA_TYPE, Manifest};
use crate::reference::Reference;

/// Of the configuration, which says that it is WebAssembly.
pub const CONFIG_MEDIA_TYPE: &str = "application/vnd.wasm.config.v0+json";
/// Of the component itself, the only layer.
pub const COMPONENT_MEDIA_TYPE: &str = "application/wasm";

const ARCHITECTURE: &str = "wasm";
/// That of components; modules have another one.
const OS: &str = "wasip2";
const ANNOTATION_PREFIX: &str = "org.opencontainers.image.";

/// What is said of a component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArtifactFacts {
    /// When it was published, as of RFC 3339.
    pub created: String,
    /// Its name.
    pub title: String,
    /// Its version.
    pub version: String,
    /// What it is for.
    pub description: Option<String>,
    /// Who made it.
    pub authors: Option<String>,
    /// An expression of SPDX.
    pub licenses: Option<String>,
    /// The address of its sources.
    pub source: Option<String>,
    /// The address where one reads of it.
    pub homepage: Option<String>,
    /// Of the sources.
    pub revision: Option<String>,
    /// Names of what it offers.
    pub exports: Vec<String>,
    /// Names of what it needs.
    pub imports: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConfigJson<'a> {
    created: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<&'a str>,
    architecture: &'static str,
    os: &'static str,
    layer_digests: [&'a Digest; 1],
    component: ComponentJson<'a>,
}

#[derive(Serialize)]
struct ComponentJson<'a> {
    exports: &'a [String],
    imports: &'a [String],
}

impl ArtifactFacts {
    /// The configuration of the artifact.
    pub(crate) fn config<'a>(&'a self, component: &'a Digest) -> impl Serialize + 'a {
        ConfigJson {
            created: &self.created,
            author: self.authors.as_deref(),
            architecture: ARCHITECTURE,
            os: OS,
            layer_digests: [component],
            component: ComponentJson { exports: &self.exports, imports: &self.imports },
        }
    }

    /// Its manifest.
    pub(crate) fn manifest(&self, config: Descriptor, component: Descriptor) -> Manifest {
        let annotations = [
            ("authors", self.authors.as_ref()),
            ("created", Some(&self.created)),
            ("description", self.description.as_ref()),
            ("licenses", self.licenses.as_ref()),
            ("revision", self.revision.as_ref()),
            ("source", self.source.as_ref()),
            ("title", Some(&self.title)),
            ("url", self.homepage.as_ref()),
            ("version", Some(&self.version)),
        ];
        let annotations = annotations
            .into_iter()
            .filter_map(|(name, value)| Some((format!("{ANNOTATION_PREFIX}{name}"), value?.clone())));
        Manifest {
            schema_version: 2,
            media_type: Some(MANIFEST_MEDIA_TYPE.into()),
            artifact_type: None,
            config,
            layers: vec![component],
            subject: None,
            annotations: annotations.collect::<BTreeMap<_, _>>(),
        }
    }
}

/// The component that a manifest names.
///
/// # Errors
/// When it is a manifest of something else.
pub(crate) fn component_of(
    reference: &Reference,
    manifest: &RawManifest,
) -> Result<Descriptor, RegistryError> {
    let no_component = |found: String| RegistryError::NotAComponent { reference: reference.clone(), found };
    let shown = |media_type: &str| format!("`{}`", opkg_interface::text::one_line(media_type));
    let is_manifest = [MANIFEST_MEDIA_TYPE, "application/vnd.docker.distribution.manifest.v2+json"]
        .contains(&manifest.media_type.as_str());
    if !is_manifest {
        let found = match manifest.media_type.as_str() {
            "" => "something without a media type".into(),
            index if index.contains("index") || index.contains("manifest.list") => {
                format!("a list of images ({})", shown(index))
            }
            other => format!("something of the media type {}", shown(other)),
        };
        return Err(no_component(found));
    }
    let read: Manifest = parse_json(&manifest.bytes, &format!("manifest of {reference}"))?;
    if read.config.media_type != CONFIG_MEDIA_TYPE {
        let kind = read.artifact_type.as_ref().unwrap_or(&read.config.media_type);
        let found = match kind.contains("image.config") || kind.contains("container.image") {
            true => format!("an image for containers ({})", shown(kind)),
            false => format!("an artifact of another kind ({})", shown(kind)),
        };
        return Err(no_component(found));
    }
    match <[Descriptor; 1]>::try_from(read.layers) {
        Ok([layer]) if layer.media_type == COMPONENT_MEDIA_TYPE => Ok(layer),
        Ok([layer]) => {
            let found = format!("WebAssembly in a layer of the media type {}", shown(&layer.media_type));
            Err(no_component(found))
        }
        Err(layers) => Err(no_component(format!("WebAssembly in {} layers, not one", layers.len()))),
    }
}
