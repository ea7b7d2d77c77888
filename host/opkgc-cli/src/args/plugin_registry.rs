//! Options of what brings plugins here and publishes them: `opkgc plugin install`, `update`, `publish`, `sign`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// How registries are spoken to.
#[derive(Debug, Args, Default)]
pub struct RegistryArgs {
    /// Credentials for registries, as `docker login` and `podman login` write them [default: $REGISTRY_AUTH_FILE, then
    /// ~/.docker/config.json]
    ///
    /// Programs that keep credentials elsewhere (`credHelpers`, `credsStore`) are not asked.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub auth_file: Option<PathBuf>,

    /// Speak to the registry without encryption, as is done with one on this machine anyway
    #[arg(long)]
    pub plain_http: bool,
}

/// Options of `plugin install`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  opkgc plugin install mylinux.wasm                                   a file
  opkgc plugin install oci://registry.example.org/plugins/mylinux     the newest in a registry
  opkgc plugin install oci://registry.example.org/plugins/mylinux:1.2.0
  opkgc plugin install oci://registry.example.org/plugins/mylinux@sha256:…

Exit status:
  0  it is installed
  1  it is not: it does not work, is not to be trusted, or cannot be had
  2  the command line, the policy or the credentials are wrong")]
pub struct PluginInstallArgs {
    /// A component (.wasm), a directory with some, or the address of one in a registry
    ///
    /// An address without a version stands for the newest one. What it is now is noted in `plugins.lock`, in the directory
    /// of installed plugins: a version that becomes something else later is refused.
    #[arg(value_name = "FILE|DIR|oci://REGISTRY/NAME[:VERSION|@DIGEST]", value_hint = ValueHint::AnyPath)]
    pub source: PathBuf,

    /// The signature of FILE: a bundle of Sigstore, as `opkgc plugin sign` and `cosign sign-blob --bundle` write it
    /// [default: FILE.sigstore.json, if it is there]
    #[arg(long, value_name = "BUNDLE", value_hint = ValueHint::FilePath)]
    pub signature: Option<PathBuf>,

    /// Install a version that is older than the one that is installed
    #[arg(long)]
    pub allow_downgrade: bool,

    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// Options of `plugin update`.
#[derive(Debug, Args)]
#[command(after_help = "Exit status:
  0  all of them are the newest now
  1  one of them could not be updated; the others are
  2  the command line, the policy or the credentials are wrong")]
pub struct PluginUpdateArgs {
    /// Ids of plugins [default: all that were installed from registries]
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,

    /// Install the newest version of the registry even if it is older than the one that is installed
    #[arg(long)]
    pub allow_downgrade: bool,

    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// Options of `plugin publish`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  opkgc plugin publish mylinux.wasm oci://registry.example.org/plugins/mylinux --key site.key
  opkgc plugin publish mylinux.wasm oci://localhost:5000/mylinux:1.2.0

A key is made, and its public part written, by
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out site.key
  openssl pkey -in site.key -pubout -out site.pub")]
pub struct PluginPublishArgs {
    /// A component (.wasm)
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// Where to publish it [default for VERSION: that of the plugin, which it has to be]
    #[arg(value_name = "oci://REGISTRY/NAME[:VERSION]")]
    pub reference: String,

    /// Sign it with this key: ECDSA with the curve P-256, in PEM, not encrypted
    ///
    /// The signature is a bundle of Sigstore beside the plugin, as `cosign sign` makes it. One that is there already can be
    /// signed by publishing it again.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub key: Option<PathBuf>,

    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// Options of `plugin sign`.
#[derive(Debug, Args)]
pub struct PluginSignArgs {
    /// A component (.wasm)
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// The key: ECDSA with the curve P-256, in PEM, not encrypted
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub key: PathBuf,

    /// Where to write the signature [default: FILE.sigstore.json]
    #[arg(short, long, value_name = "BUNDLE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}
