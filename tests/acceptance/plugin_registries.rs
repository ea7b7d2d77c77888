//! Plugins in a registry as a distribution packages it: published, read by another tool, installed, updated; and what
//! happens when somebody changes what the registry keeps, or stops it.

use std::path::{Path, PathBuf};
use std::process::Command;

use opkg_tests::docker_registry::{DockerRegistry, auth_file};
use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::plugin::hook_runner;
use opkg_tests::process::{self, ProcessOutput, run_successfully, stdout_bytes};
use opkg_tests::registry::digest;
use opkg_tests::{require_tools, scratch};
use serde_json::Value;

const NAME: &str = "plugins/site-runner";

/// Makes a key, and has it count.
fn make_key(opkgc: &OpkgcEnvironment, name: &str) -> PathBuf {
    let config = opkgc.home().join("config/opkg");
    fs_err::create_dir_all(&config).unwrap();
    let (private, public) = (config.join(format!("{name}.key")), config.join(format!("{name}.pub")));
    let mut generate = Command::new("openssl");
    generate.args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"]);
    run_successfully(generate.arg(&private));
    run_successfully(
        Command::new("openssl").arg("pkey").arg("-in").arg(&private).args(["-pubout", "-out"]).arg(public),
    );
    let policy = format!("signatures = 'required'\n[keys]\n{name} = '{name}.pub'\n");
    fs_err::write(config.join("plugins.toml"), policy).unwrap();
    private
}

fn write_plugin(opkgc: &OpkgcEnvironment, version: &str) -> PathBuf {
    let path = opkgc.home().join(format!("site-runner-{version}.wasm"));
    fs_err::write(&path, hook_runner("site-runner", version)).unwrap();
    path
}

fn publish(
    opkgc: &OpkgcEnvironment,
    registry: &DockerRegistry,
    version: &str,
    more: &[&str],
) -> ProcessOutput {
    let file = write_plugin(opkgc, version);
    let reference = format!("oci://{}/{NAME}", registry.host());
    let mut command = opkgc.command(["plugin", "publish", file.to_str().unwrap(), &reference]);
    process::run(command.args(more))
}

fn skopeo(words: &[&str]) -> Vec<u8> {
    stdout_bytes(Command::new("skopeo").args(words))
}

/// The manifest of a version, as another tool reads it.
fn raw_manifest(registry: &DockerRegistry, version: &str) -> Vec<u8> {
    let image = format!("docker://{}/{NAME}:{version}", registry.host());
    skopeo(&["inspect", "--raw", "--tls-verify=false", &image])
}

#[test]
fn a_plugin_is_published_signed_read_by_others_and_updated() {
    require_tools!("docker-registry", "skopeo", "openssl");
    let registry = DockerRegistry::start(false);
    let opkgc = OpkgcEnvironment::new();
    let key = make_key(&opkgc, "site");
    let published = publish(&opkgc, &registry, "0.2.0", &["--key", key.to_str().unwrap()]);
    assert_eq!(published.code, Some(0), "{}", published.combined_output());

    // The same for another tool, with the same digests.
    let manifest = raw_manifest(&registry, "0.2.0");
    let pinned = format!("oci://{}/{NAME}@{}", registry.host(), digest(&manifest));
    assert_eq!(published.stdout.trim(), pinned);
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
    assert_eq!(manifest["annotations"]["org.opencontainers.image.version"], "0.2.0");
    let copy = scratch::create_directory("copy");
    let image = format!("docker://{}/{NAME}:0.2.0", registry.host());
    let directory = format!("dir:{}", copy.display());
    skopeo(&["copy", "--insecure-policy", "--src-tls-verify=false", &image, &directory]);
    let blob = |descriptor: &Value| {
        let hex = descriptor["digest"].as_str().unwrap().trim_start_matches("sha256:").to_owned();
        fs_err::read(copy.join(hex)).unwrap()
    };
    assert_eq!(blob(&manifest["layers"][0]), hook_runner("site-runner", "0.2.0"));
    let config: Value = serde_json::from_slice(&blob(&manifest["config"])).unwrap();
    assert_eq!((&config["architecture"], &config["os"]), (&Value::from("wasm"), &Value::from("wasip2")));

    let reference = format!("oci://{}/{NAME}:0.2.0", registry.host());
    let installed = opkgc.run(["plugin", "install", &reference]);
    assert!(
        installed.stderr.contains("installed site-runner 0.2.0: verified by site"),
        "{}",
        installed.combined_output()
    );
    // Copied by the other tool, which leaves signatures behind.
    let elsewhere = format!("{}/copies/site-runner:0.2.0", registry.host());
    let target = format!("docker://{elsewhere}");
    skopeo(&[
        "copy",
        "--insecure-policy",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        &image,
        &target,
    ]);
    let copied = opkgc.run(["plugin", "install", &format!("oci://{elsewhere}")]);
    assert!(
        copied.stderr.contains("is not signed, as the policy here wants"),
        "{}",
        copied.combined_output()
    );

    publish(&opkgc, &registry, "0.3.0", &["--key", key.to_str().unwrap()]);
    let updated = opkgc.run(["plugin", "update"]);
    assert!(
        updated.stderr.contains("installed site-runner 0.3.0 in place of 0.2.0: verified by site"),
        "{}",
        updated.combined_output()
    );
    let back = opkgc.run(["plugin", "install", &reference]);
    assert!(back.stderr.contains("older than the 0.3.0 that is installed"), "{}", back.combined_output());
}

/// Elsewhere than on this machine, nothing is said that somebody on the way could read or change.
#[test]
fn a_registry_elsewhere_needs_a_certificate_that_somebody_vouches_for() {
    require_tools!("docker-registry", "openssl");
    let (registry, certificate) = DockerRegistry::start_encrypted();
    let opkgc = OpkgcEnvironment::new();
    let file = write_plugin(&opkgc, "0.2.0");
    let reference = format!("oci://{}/{NAME}", registry.host());
    let run = |words: &[&str], authority: Option<&Path>| {
        let mut command = opkgc.command(words);
        process::run(command.envs(authority.map(|file| ("SSL_CERT_FILE", file))))
    };
    let publish = ["plugin", "publish", file.to_str().unwrap(), &reference];
    let refused = run(&publish, None);
    assert_eq!(refused.code, Some(1), "{}", refused.combined_output());
    assert!(refused.stderr.to_lowercase().contains("certificate"), "{}", refused.stderr);
    let published = run(&publish, Some(&certificate.authority));
    assert_eq!(published.code, Some(0), "{}", published.combined_output());
    let install = ["plugin", "install", reference.as_str()];
    let refused = run(&install, None);
    assert!(refused.stderr.to_lowercase().contains("certificate"), "{}", refused.combined_output());
    let installed = run(&install, Some(&certificate.authority));
    assert!(installed.stderr.contains("installed site-runner 0.2.0"), "{}", installed.combined_output());
}

#[test]
fn a_registry_wants_to_know_who_asks() {
    require_tools!("docker-registry");
    let registry = DockerRegistry::start(true);
    let opkgc = OpkgcEnvironment::new();
    let refused = publish(&opkgc, &registry, "0.2.0", &[]);
    assert!(refused.stderr.contains("wants to know who asks"), "{}", refused.combined_output());
    let auth = opkgc.home().join("auth.json");
    fs_err::write(&auth, auth_file(&registry.host())).unwrap();
    let auth = ["--auth-file", auth.to_str().unwrap()];
    let published = publish(&opkgc, &registry, "0.2.0", &auth);
    assert_eq!(published.code, Some(0), "{}", published.combined_output());
    let reference = format!("oci://{}/{NAME}", registry.host());
    let install = ["plugin", "install", reference.as_str()];
    let refused = opkgc.run(install);
    assert!(refused.stderr.contains("there are no credentials for it"), "{}", refused.combined_output());
    opkgc.run_successfully(install.iter().chain(&auth));
}

#[test]
fn what_a_registry_keeps_cannot_be_changed_unnoticed() {
    require_tools!("docker-registry", "skopeo");
    let registry = DockerRegistry::start(false);
    let opkgc = OpkgcEnvironment::new();
    publish(&opkgc, &registry, "0.2.0", &[]);
    let manifest: Value = serde_json::from_slice(&raw_manifest(&registry, "0.2.0")).unwrap();
    let file = registry.blob_file(manifest["layers"][0]["digest"].as_str().unwrap());
    change_a_bit(&file);
    let reference = format!("oci://{}/{NAME}:0.2.0", registry.host());
    let refused = opkgc.run(["plugin", "install", &reference]);
    assert!(
        refused.code == Some(1) && refused.stderr.contains("was altered"),
        "{}",
        refused.combined_output()
    );
    change_a_bit(&file);
    opkgc.run_successfully(["plugin", "install", &reference]);
    drop(registry);
    let away = opkgc.run(["plugin", "update"]);
    assert!(away.code == Some(1) && away.stderr.contains("Connection refused"), "{}", away.combined_output());
}

fn change_a_bit(file: &Path) {
    let mut bytes = fs_err::read(file).unwrap();
    bytes[1000] ^= 1;
    fs_err::write(file, bytes).unwrap();
}
