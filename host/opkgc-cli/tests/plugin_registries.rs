//! Plugins in registries: what is said when they are published, installed and updated, and when something is wrong.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fs_err as fs;
use opkg_tests::plugin::hook_runner;
use opkg_tests::registry::{FakeRegistry, digest};
use serde_json::Value;
use tempfile::TempDir;

const NAME: &str = "plugins/site-runner";

fn key(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys").join(name).display().to_string()
}

/// A user, and a registry.
struct Fixture {
    home: TempDir,
    registry: FakeRegistry,
}

impl Fixture {
    fn new() -> Self {
        let home = tempfile::Builder::new().prefix("opkgc-registries-").tempdir().unwrap();
        fs::create_dir(home.path().join("tmp")).unwrap();
        Self { home, registry: FakeRegistry::start() }
    }

    /// One with a policy.
    fn with_policy(policy: &str) -> Self {
        let fixture = Self::new();
        fixture.write_policy(policy);
        fixture
    }

    fn write_policy(&self, policy: &str) {
        fs::create_dir_all(self.home.path().join(".config/opkg")).unwrap();
        fs::write(self.home.path().join(".config/opkg/plugins.toml"), policy).unwrap();
    }

    /// A plugin of a version, in a file.
    fn plugin(&self, version: &str) -> PathBuf {
        let path = self.home.path().join(format!("runner-{version}.wasm"));
        fs::write(&path, hook_runner("site-runner", version)).unwrap();
        path
    }

    fn reference(&self, version: &str) -> String {
        self.registry.reference(&format!("{NAME}:{version}"))
    }

    fn publish(&self, version: &str, signed_with: Option<&str>) -> String {
        let (file, reference) = (self.plugin(version), self.reference(version));
        let key = signed_with.map(key);
        let mut words = vec!["plugin", "publish", file.to_str().unwrap(), &reference];
        words.extend(key.as_ref().map(|_| "--key"));
        words.extend(key.as_deref());
        self.run(&words)
    }

    fn install(&self, version: &str) -> String {
        self.run(&["plugin", "install", &self.reference(version)])
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_opkgc"));
        command
            .args(words)
            .current_dir(self.home.path())
            .env_clear()
            .env("HOME", self.home.path())
            .env("TMPDIR", self.home.path().join("tmp"))
            .env("COLUMNS", "100")
            .env("SOURCE_DATE_EPOCH", "1750000000")
            .stdin(Stdio::null());
        command
    }

    /// What is printed and said, without what is different each time.
    fn run(&self, words: &[&str]) -> String {
        self.finish(&mut self.command(words))
    }

    fn finish(&self, command: &mut Command) -> String {
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = format!(
            "[exit {}]\n{}---\n{}",
            output.status.code().unwrap(),
            text(&output.stdout),
            text(&output.stderr)
        );
        self.without_places(&said)
    }

    fn without_places(&self, text: &str) -> String {
        let text =
            text.replace(self.home.path().to_str().unwrap(), "~").replace(&self.registry.host(), "HOST");
        let text = text.replace(&key(""), "KEYS/");
        let mut result = String::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find(|c: char| c.is_ascii_hexdigit()) {
            let digits = rest[at..].bytes().take_while(u8::is_ascii_hexdigit).count();
            let (before, found) = (&rest[..at], &rest[at..at + digits]);
            result.extend([before, if digits == 64 { "DIGEST" } else { found }]);
            rest = &rest[at + digits..];
        }
        result + rest
    }

    fn json(&self, words: &[&str]) -> Value {
        let output = self.command(words).args(["--format", "json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    }

    /// The plugin, as `list` has it.
    fn listed(&self) -> Value {
        let listed = self.json(&["plugin", "list"]);
        listed.as_array().unwrap().iter().find(|it| it["origin"] == "user").unwrap().clone()
    }

    fn lock(&self) -> String {
        let lock =
            fs::read_to_string(self.home.path().join(".local/share/opkg/plugins/plugins.lock")).unwrap();
        let component =
            fs::read(self.home.path().join(".local/share/opkg/plugins/site-runner.wasm")).unwrap();
        self.without_places(&lock.replace(&digest(&component)["sha256:".len()..], "THE-COMPONENT"))
    }
}

fn with_key(name: &str) -> String {
    format!("[keys]\n{name} = '{}'\n", key(&format!("{name}.pub")))
}

#[test]
fn a_plugin_goes_into_a_registry_and_comes_out_of_it() {
    let desk = Fixture::new();
    let mut said = vec![desk.publish("0.2.0", None), desk.publish("0.2.0", None), desk.install("0.2.0")];
    said.push(desk.lock());
    // Without a version it is the newest, and the same.
    said.push(desk.run(&["plugin", "install", &desk.registry.reference(NAME)]));
    let listed = desk.run(&["plugin", "list"]);
    said.push(listed.split_once("hook-apitest").unwrap().0.to_owned());
    said.push(desk.run(&["plugin", "remove", "site-runner"]));
    insta::assert_snapshot!(said.join("\n=====\n"));
    assert!(!desk.home.path().join(".local/share/opkg/plugins/plugins.lock").exists());
    assert_eq!(fs::read_dir(desk.home.path().join("tmp")).unwrap().count(), 0, "nothing is left behind");
    let state = desk.registry.state();
    let (mut manifest, _) = state.manifest(NAME, "0.2.0");
    for descriptor in ["/config/size", "/layers/0/size"] {
        let size = manifest.pointer_mut(descriptor).unwrap().take();
        assert!(size.as_u64().unwrap() > 100, "{descriptor}: {size}");
    }
    insta::assert_snapshot!(desk.without_places(&serde_json::to_string_pretty(&manifest).unwrap()));
    let config = &state.blobs[manifest["config"]["digest"].as_str().unwrap()];
    let config: Value = serde_json::from_slice(config).unwrap();
    assert_eq!(config["layerDigests"][0], manifest["layers"][0]["digest"]);
    insta::assert_snapshot!(desk.without_places(&serde_json::to_string_pretty(&config).unwrap()));
}

#[test]
fn who_vouches_for_a_plugin_is_checked_and_told() {
    for has_referrers in [true, false] {
        let desk = Fixture::with_policy(&with_key("site"));
        desk.registry.state().has_referrers = has_referrers;
        let mut said = vec![desk.publish("0.2.0", Some("site.key")), desk.install("0.2.0"), desk.lock()];
        let listed = desk.listed();
        assert_eq!(listed["signature"], serde_json::json!({"state": "verified", "key": "site"}));
        assert_eq!(
            (&listed["source"], &listed["error"]),
            (&Value::from(desk.reference("0.2.0")), &Value::Null)
        );
        assert_eq!(desk.registry.state().bundles().len(), 1);
        // Signed once more, by somebody who is not known here: that changes nothing.
        said.push(desk.publish("0.2.0", Some("other.key")));
        assert_eq!(desk.registry.state().bundles().len(), 2);
        said.push(desk.install("0.2.0"));
        // The next one is not signed.
        said.extend([desk.publish("0.3.0", None), desk.install("0.3.0")]);
        insta::allow_duplicates! {
            insta::assert_snapshot!("signed", said.join("\n=====\n"));
        }
    }
}

#[test]
fn signatures_that_do_not_suffice_are_told_apart() {
    let mut said = Vec::new();
    let desk = Fixture::with_policy(&with_key("site"));
    desk.publish("0.2.0", Some("other.key"));
    desk.publish("0.3.0", Some("site.key"));
    said.push(("by an unknown key", desk.install("0.2.0")));
    desk.write_policy(&format!("signatures = 'required'\n{}", with_key("site")));
    said.push(("by an unknown key, where one is required", desk.install("0.2.0")));
    said.push((
        "installed before it was required",
        desk.run(&["plugin", "list"]).lines().take(5).collect::<Vec<_>>().join("\n"),
    ));
    let file = desk.plugin("0.2.0");
    said.push(("none, where one is required", desk.run(&["plugin", "install", file.to_str().unwrap()])));
    // One bit of the signature is another one.
    desk.registry.state().alter_bundles(|bundle| {
        let at = bundle.find(r#""sig":"MEU"#).or_else(|| bundle.find(r#""sig":"ME"#)).unwrap() + 30;
        let other = if &bundle[at..=at] == "A" { "B" } else { "A" };
        format!("{}{other}{}", &bundle[..at], &bundle[at + 1..])
    });
    said.push(("that was altered", desk.install("0.3.0")));
    desk.write_policy(&format!("signatures = 'ignored'\n{}", with_key("site")));
    said.push(("that nobody looks at", desk.install("0.3.0")));
    insta::assert_snapshot!(said.map_to_text());
}

/// Titles and texts, one below the other.
trait MapToText {
    fn map_to_text(&self) -> String;
}

impl MapToText for Vec<(&str, String)> {
    fn map_to_text(&self) -> String {
        self.iter().map(|(title, text)| format!("## {title}\n{text}\n")).collect()
    }
}

#[test]
fn files_have_signatures_beside_them() {
    let desk = Fixture::with_policy(&format!("signatures = 'required'\n{}", with_key("site")));
    let (file, other) = (desk.plugin("0.2.0"), desk.plugin("0.3.0"));
    let (file, other) = (file.to_str().unwrap(), other.to_str().unwrap());
    let mut said = vec![
        ("signed", desk.run(&["plugin", "sign", file, "--key", &key("site.key")])),
        ("installed", desk.run(&["plugin", "install", file])),
    ];
    let bundle = format!("{file}.sigstore.json");
    said.push(("of another file", desk.run(&["plugin", "install", other, "--signature", &bundle])));
    said.push(("no bundle", desk.run(&["plugin", "install", other, "--signature", file])));
    said.push(("not there", desk.run(&["plugin", "install", other, "--signature", "missing"])));
    fs::create_dir(desk.home.path().join("all")).unwrap();
    said.push(("an empty directory", desk.run(&["plugin", "install", "all"])));
    for name in ["runner-0.2.0.wasm", "runner-0.2.0.wasm.sigstore.json"] {
        fs::copy(desk.home.path().join(name), desk.home.path().join("all").join(name)).unwrap();
    }
    said.push(("a directory", desk.run(&["plugin", "install", "all"])));
    said.push((
        "a directory with one signature",
        desk.run(&["plugin", "install", "all", "--signature", &bundle]),
    ));
    insta::assert_snapshot!(said.map_to_text());
}

#[test]
fn keys_that_cannot_be_used_say_what_to_do() {
    let desk = Fixture::new();
    let file = desk.plugin("0.2.0");
    let file = file.to_str().unwrap();
    let sign = |name: &str| desk.run(&["plugin", "sign", file, "--key", &key(name)]);
    let mut said: Vec<(&str, String)> =
        ["encrypted.key", "cosign.key", "rsa.key", "site.pub", "../plugin_registries.rs", "missing.key"]
            .map(|name| (name, sign(name)))
            .into();
    desk.write_policy(&format!("[keys]\nsite = '{}'\n", key("site.key")));
    said.push(("a private key in the policy", desk.run(&["plugin", "install", file])));
    desk.write_policy("[keys]\nsite = 'loose.pub'\n");
    let loose = desk.home.path().join(".config/opkg/loose.pub");
    fs::copy(key("site.pub"), &loose).unwrap();
    fs::set_permissions(&loose, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    said.push(("a key that others may write", desk.run(&["plugin", "install", file])));
    desk.write_policy("[keys]\nsite = 'missing.pub'\n");
    said.push(("a key that is not there", desk.run(&["plugin", "install", file])));
    desk.write_policy("signature = 'required'\n");
    said.push(("a slip in the policy", desk.run(&["plugin", "install", file])));
    insta::assert_snapshot!(said.map_to_text());
    // That of `openssl ecparam`.
    let signed = sign("sec1.key");
    assert!(signed.starts_with("[exit 0]"), "{signed}");
}

#[test]
fn what_a_registry_does_not_have_is_told() {
    let desk = Fixture::new();
    desk.publish("0.2.0", None);
    let image = "application/vnd.oci.image.config.v1+json";
    let layer = "application/vnd.oci.image.layer.v1.tar+gzip";
    {
        let mut state = desk.registry.state();
        state.put_image("debian", "12", image, &[(layer, b"a layer")]);
        state.put_image(
            "chart",
            "1.0.0",
            "application/vnd.cncf.helm.config.v1+json",
            &[("application/x", b"x")],
        );
        let config = "application/vnd.wasm.config.v0+json";
        state.put_image("text", "1.0.0", config, &[("application/wasm", b"no component")]);
        state.put_image("module", "1.0.0", config, &[("application/wasm", b"\0asm\x01\0\0\0")]);
        state.put_image("two", "1.0.0", config, &[("application/wasm", b"1"), ("application/wasm", b"2")]);
        state.put_image("other-layer", "1.0.0", config, &[(layer, b"x")]);
        state.put_manifest("index", "1.0.0", "application/vnd.oci.image.index.v1+json", b"{}".to_vec());
        state.put_manifest("broken", "1.0.0", "application/vnd.oci.image.manifest.v1+json", b"{".to_vec());
    }
    let missing = format!("{NAME}@{}", digest(b""));
    let mut said = Vec::new();
    for name in [
        "plugins/site-runner:0.9.0",
        "plugins/nothing:1.0.0",
        "plugins/nothing",
        &missing,
        "debian:12",
        "debian",
        "chart:1.0.0",
        "text:1.0.0",
        "module:1.0.0",
        "two:1.0.0",
        "other-layer:1.0.0",
        "index:1.0.0",
        "broken:1.0.0",
    ] {
        said.push((name, desk.run(&["plugin", "install", &desk.registry.reference(name)])));
    }
    said.push(("no address", desk.run(&["plugin", "install", "oci://HOST/Name:1"])));
    let text: String =
        said.iter().map(|(title, text)| format!("## {}\n{text}\n", desk.without_places(title))).collect();
    insta::assert_snapshot!(text);
}

#[test]
fn registries_that_refuse_or_are_away() {
    let desk = Fixture::new();
    desk.publish("0.2.0", None);
    let reference = desk.reference("0.2.0");
    let mut said = Vec::new();
    // me:secret
    desk.registry.state().basic = Some("bWU6c2VjcmV0".into());
    let install = ["plugin", "install", reference.as_str()];
    said.push(("nobody asks", desk.run(&install)));
    let auth = |name: &str, text: String| {
        fs::write(desk.home.path().join(name), text).unwrap();
        let mut words = install.to_vec();
        words.extend(["--auth-file", name]);
        desk.run(&words)
    };
    let of =
        |encoded: &str| format!(r#"{{"auths": {{"{}": {{"auth": "{encoded}"}}}}}}"#, desk.registry.host());
    said.push(("another asks", auth("wrong.json", of("bWU6d3Jvbmc="))));
    said.push(("a helper would ask", auth("helper.json", r#"{"credsStore": "desktop"}"#.into())));
    said.push(("not what was meant", auth("broken.json", "secret".into())));
    said.push(("not there", desk.run(&[install[0], install[1], install[2], "--auth-file", "missing.json"])));
    said.push(("the right one asks", auth("right.json", of("bWU6c2VjcmV0"))));
    let mut from_env = desk.command(&install);
    from_env.env("REGISTRY_AUTH_FILE", desk.home.path().join("right.json"));
    said.push(("likewise, by the environment", desk.finish(&mut from_env)));
    fs::create_dir(desk.home.path().join(".docker")).unwrap();
    fs::copy(desk.home.path().join("right.json"), desk.home.path().join(".docker/config.json")).unwrap();
    said.push(("likewise, by the usual file", desk.run(&install)));
    desk.registry.state().denies = true;
    said.push(("who may not", desk.publish("0.3.0", None)));
    let closed = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let away = format!("oci://127.0.0.1:{closed}/{NAME}:0.2.0");
    said.push(("away", desk.run(&["plugin", "install", &away]).replace(&closed.to_string(), "CLOSED")));
    insta::assert_snapshot!(said.map_to_text());
}

#[test]
fn what_was_tampered_with_is_not_installed() {
    let desk = Fixture::new();
    desk.publish("0.2.0", None);
    let reference = desk.reference("0.2.0");
    let (manifest, manifest_digest) = desk.registry.state().manifest(NAME, "0.2.0");
    let component = manifest["layers"][0]["digest"].as_str().unwrap().to_owned();
    let mut said = Vec::new();
    let original = desk.registry.state().blobs[&component].clone();
    let put = |bytes: &[u8]| desk.registry.state().blobs.insert(component.clone(), bytes.to_vec());
    let mut altered = original.clone();
    altered[1000] ^= 1;
    put(&altered);
    said.push(("a component with another bit", desk.run(&["plugin", "install", &reference])));
    put(&[original.as_slice(), b"x"].concat());
    let longer = desk.run(&["plugin", "install", &reference]);
    said.push(("a component that is longer", longer.replace(&original.len().to_string(), "SIZE")));
    put(&original[..original.len() - 1]);
    said.push(("a component that is shorter", desk.run(&["plugin", "install", &reference])));
    desk.registry.state().blobs.remove(&component);
    said.push(("a component that is not there", desk.run(&["plugin", "install", &reference])));
    put(&original);
    let pinned = desk.registry.reference(&format!("{NAME}@{manifest_digest}"));
    desk.registry.state().manifests.get_mut(&(NAME.into(), manifest_digest.clone())).unwrap().1.push(b' ');
    said.push(("a manifest with another digest", desk.run(&["plugin", "install", &pinned])));
    desk.registry.state().extra_header = Some(format!("Docker-Content-Digest: {}", digest(b"")));
    said.push((
        "a manifest that is not what the registry says",
        desk.run(&["plugin", "install", &reference]),
    ));
    desk.registry.state().extra_header = None;
    let text = serde_json::to_string(&manifest)
        .unwrap()
        .replace(&format!("\"size\":{}", original.len()), "\"size\":99999999");
    desk.registry.state().put_manifest(
        NAME,
        "0.2.0",
        "application/vnd.oci.image.manifest.v1+json",
        text.into_bytes(),
    );
    said.push(("too large", desk.run(&["plugin", "install", &reference])));
    desk.registry.state().put_manifest(
        NAME,
        "0.2.0",
        "application/vnd.oci.image.manifest.v1+json",
        vec![b' '; 5 << 20],
    );
    said.push(("a manifest that is too large", desk.run(&["plugin", "install", &reference])));
    insta::assert_snapshot!(said.map_to_text());
    assert!(!desk.home.path().join(".local/share/opkg/plugins/site-runner.wasm").exists());
}

#[test]
fn updates_go_to_the_newest_version_and_not_back() {
    let desk = Fixture::new();
    for version in ["0.2.0", "0.9.0", "0.3.0"] {
        desk.publish(version, None);
    }
    let mut said = vec![
        ("nothing to update", desk.run(&["plugin", "update"])),
        ("an older one", desk.install("0.2.0")),
        ("update", desk.run(&["plugin", "update"])),
        ("again", desk.run(&["plugin", "update", "site-runner"])),
        ("back", desk.install("0.2.0")),
        ("an unknown one", desk.run(&["plugin", "update", "nobody"])),
    ];
    assert_eq!(desk.json(&["plugin", "update"])[0]["outcome"], "kept");
    // The tag of an old version, with a new name.
    let (_, old) = desk.registry.state().manifest(NAME, "0.2.0");
    let contents = desk.registry.state().manifests[&(NAME.to_owned(), old)].clone();
    desk.registry.state().put_manifest(NAME, "0.9.9", &contents.0, contents.1);
    said.push(("an old version below a new tag", desk.run(&["plugin", "update"])));
    desk.registry.state().manifests.retain(|(_, tag), _| !tag.starts_with("0.9"));
    said.push(("withdrawn", desk.run(&["plugin", "update"])));
    said.push(("withdrawn, and that is meant", desk.run(&["plugin", "update", "--allow-downgrade"])));
    desk.registry.state().manifests.clear();
    said.push(("gone", desk.run(&["plugin", "update"])));
    let file = desk.plugin("0.4.0");
    desk.run(&["plugin", "install", file.to_str().unwrap()]);
    said.push(("from a file", desk.run(&["plugin", "update"])));
    desk.publish("0.4.0", None);
    let (_, digest) = desk.registry.state().manifest(NAME, "0.4.0");
    desk.run(&["plugin", "install", &desk.registry.reference(&format!("{NAME}@{digest}"))]);
    said.push(("by its digest", desk.run(&["plugin", "update"])));
    insta::assert_snapshot!(said.map_to_text());
}

#[test]
fn a_version_that_becomes_something_else_is_refused() {
    let desk = Fixture::new();
    desk.publish("0.2.0", None);
    desk.install("0.2.0");
    // Published again from other sources, by somebody who may.
    desk.registry.state().manifests.clear();
    let mut other = hook_runner("site-runner", "0.2.0");
    // A custom section that says nothing.
    other.extend([0, 2, 1, b'x']);
    let file = desk.home.path().join("other.wasm");
    fs::write(&file, other).unwrap();
    let reference = desk.reference("0.2.0");
    let publish = ["plugin", "publish", file.to_str().unwrap(), &reference];
    let mut said = vec![
        ("published", desk.run(&publish)),
        ("the tag was moved", desk.install("0.2.0")),
        ("that is meant", desk.run(&["plugin", "update", "site-runner"])),
        ("another one is there", desk.publish("0.2.0", None)),
        (
            "another version is named",
            desk.run(&["plugin", "publish", file.to_str().unwrap(), &desk.reference("0.3.0")]),
        ),
    ];
    // Another plugin below the same name.
    desk.registry.state().manifests.clear();
    fs::write(&file, hook_runner("evil-runner", "0.3.0")).unwrap();
    desk.run(&["plugin", "publish", file.to_str().unwrap(), &desk.reference("0.3.0")]);
    said.push(("another plugin", desk.run(&["plugin", "update"])));
    insta::assert_snapshot!(said.map_to_text());
}

#[test]
fn what_is_revoked_is_neither_installed_nor_used() {
    let desk = Fixture::with_policy(&with_key("site"));
    desk.publish("0.2.0", Some("site.key"));
    desk.install("0.2.0");
    let (manifest, manifest_digest) = desk.registry.state().manifest(NAME, "0.2.0");
    let component = manifest["layers"][0]["digest"].as_str().unwrap();
    let mut said = Vec::new();
    for (title, revoked) in
        [("the component", component), ("the manifest", manifest_digest.as_str()), ("the key", "site")]
    {
        desk.write_policy(&format!("revoked = ['{revoked}']\n{}", with_key("site")));
        said.push((title, desk.install("0.2.0")));
        let listed = desk.listed();
        let (error, state) = (listed["error"].as_str().unwrap(), &listed["signature"]["state"]);
        said.push((title, desk.without_places(&format!("{state}\n{error}"))));
        assert_eq!(state, "failed");
    }
    let file = desk.plugin("0.2.0");
    desk.write_policy(&format!("revoked = ['{component}']\n"));
    said.push(("the file", desk.run(&["plugin", "install", file.to_str().unwrap()])));
    said.push(("used from a file", desk.run(&["plugin", "run", file.to_str().unwrap()])));
    // What nobody can read forbids all.
    desk.write_policy("revoked = [\n");
    let listed = desk.listed();
    said.push(("a policy that is broken", desk.without_places(listed["error"].as_str().unwrap())));
    assert!(desk.run(&["plugin", "list"]).contains("\nrhel "), "those built in are there all the same");
    insta::assert_snapshot!(said.map_to_text());
}
