//! What `--sign` signs is accepted by those who check it, and nothing else is: `rpm`, `dnf`, `zypper`, `gpg`, `apt`.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use opkg_tests::opkgc::{self, OpkgcEnvironment};
use opkg_tests::process::{self, ProcessOutput};
use opkg_tests::roots::debian;
use opkg_tests::roots::rpm::{self, RpmRoot};
use opkg_tests::{require_tools, scratch, tools};

/// One of the keys in `tests/keys`, and a home of `gpg` that knows it.
pub(crate) struct SigningKeys {
    home: PathBuf,
    secret: PathBuf,
    public: PathBuf,
}

impl SigningKeys {
    pub(crate) fn new(name: &str) -> Self {
        // Sockets below it must have short names.
        let home = PathBuf::from(process::run_successfully(Command::new("mktemp").args(["-d"])).trim_end());
        fs_err::set_permissions(&home, std::fs::Permissions::from_mode(0o700)).unwrap();
        let file = |part| opkgc::workspace().join(format!("tests/keys/{name}.{part}.asc"));
        let this = Self { home, secret: file("secret"), public: file("public") };
        this.gpg([Path::new("--import"), this.public()]);
        this
    }

    /// The file of the secret key.
    pub(crate) fn secret(&self) -> &Path {
        &self.secret
    }

    /// The file of the public key.
    pub(crate) fn public(&self) -> &Path {
        &self.public
    }

    pub(crate) fn gpg<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> ProcessOutput {
        let mut gpg = Command::new("gpg");
        gpg.env("GNUPGHOME", &self.home).arg("--batch");
        let ended = process::run(gpg.args(arguments));
        assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
        ended
    }
}

impl Drop for SigningKeys {
    fn drop(&mut self) {
        let _ = process::run(Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", &self.home));
        let _ = fs_err::remove_dir_all(&self.home);
    }
}

/// Compiles an example with a signature; the passphrase comes from a file.
fn compile(keys: &SigningKeys, targets: &str) -> PathBuf {
    let output = scratch::create_directory("signed");
    let file = scratch::create_directory("passphrase").join("file");
    fs_err::write(&file, "two words\n").unwrap();
    let mut command = OpkgcEnvironment::new().command(["--dist", targets, "--repo", "--sign"]);
    command.arg(keys.secret()).arg("--passphrase-file").arg(file).arg("-o").arg(&output);
    command.arg(format!("--repo-url=file://{}", output.display()));
    process::run_successfully(command.arg(opkgc::workspace().join("examples/hello-cluster")));
    output
}

pub(crate) fn rpms(directory: &Path) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|it| it.extension().is_some_and(|it| it == "rpm")).collect();
    files.sort();
    files
}

/// `rpm -K` with a database of its own, into which these keys were imported.
pub(crate) fn check_signatures(keys: &[&Path], files: &[PathBuf]) -> ProcessOutput {
    let database = scratch::create_directory("database");
    let rpm = || {
        let mut rpm = Command::new("rpm");
        rpm.arg("--dbpath").arg(&database).env("LC_ALL", "C.UTF-8");
        rpm
    };
    for key in keys {
        process::run_successfully(rpm().arg("--import").arg(key));
    }
    process::run(rpm().arg("-Kv").args(files))
}

#[test]
fn rpm_accepts_signed_packages_and_sources() {
    require_tools!("gpg", "rpm");
    for (algorithm, called) in [("rsa3072", "RSA/SHA256"), ("ed25519", "EdDSA/SHA256")] {
        let keys = SigningKeys::new(&format!("{algorithm}-locked"));
        let [output, again] = [compile(&keys, "rhel-9"), compile(&keys, "rhel-9")];
        let directory = output.join("rhel-9");
        let public = directory.join("repodata/repomd.xml.key");
        let files = rpms(&directory);
        assert_eq!(files.len(), 5, "three, their source and the shared directories");
        for (one, other) in files.iter().zip(rpms(&again.join("rhel-9"))) {
            assert_eq!(fs_err::read(one).unwrap(), fs_err::read(other).unwrap(), "the same bytes");
        }
        let ended = check_signatures(&[&public], &files);
        assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
        assert_eq!(
            ended.stdout.matches(&format!("Header V4 {called} Signature")).count(),
            5,
            "{}",
            ended.combined_output()
        );
        assert_eq!(
            ended.stdout.matches("Signature, key ID").count(),
            ended.stdout.matches(": OK\n").count() / 5
        );

        let ended = check_signatures(&[], &files);
        assert!(ended.code != Some(0) && ended.stdout.contains("NOKEY"), "{}", ended.combined_output());
        let named = files.iter().find(|file| file.to_string_lossy().contains("opkg-hello-cluster-")).unwrap();
        let mut bytes = fs_err::read(named).unwrap();
        // The summary, which is in the header.
        let place = bytes.windows(5).position(|it| it == b"hello").unwrap();
        let place = place + bytes[place + 100..].windows(5).position(|it| it == b"hello").unwrap() + 100;
        bytes[place] = b'H';
        let forged = scratch::create_directory("forged").join("forged.rpm");
        fs_err::write(&forged, bytes).unwrap();
        let ended = check_signatures(&[&public], &[forged]);
        assert!(ended.code != Some(0) && ended.stdout.contains("BAD"), "{}", ended.combined_output());
    }
}

/// Told once for each target, however many OPKGs there are, and only of those targets.
#[test]
fn a_key_that_a_target_does_not_accept_is_a_warning() {
    require_tools!("gpg");
    let examples = ["hello-cluster", "jobwatch"].map(|name| opkgc::workspace().join("examples").join(name));
    for (algorithm, targets, warned) in [
        ("ed25519", "rhel-9,rhel-10,rhel-7,debian-12,fedora", vec!["rhel-9", "rhel-7"]),
        (
            "rsa1024",
            "rhel-9,debian-12,debian-13,fedora,ubuntu-24.04",
            vec!["debian-13", "fedora", "ubuntu-24.04"],
        ),
        ("rsa3072", "rhel-6,rhel-10,suse-15.6,debian-13", vec![]),
        ("rsa3072", "rhel-5,mandriva-2008.0", vec!["rhel-5", "mandriva-2008.0"]),
    ] {
        let keys = SigningKeys::new(algorithm);
        let mut command = OpkgcEnvironment::new().command(["--dist", targets, "--repo", "--sign"]);
        command.arg(keys.secret()).arg("-o").arg(scratch::create_directory("signed")).args(&examples);
        let ended = process::run(&mut command);
        assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
        let said: Vec<&str> = ended
            .stderr
            .lines()
            .filter(|line| line.contains("accepts no signature") || line.contains("does not accept"))
            .collect();
        assert_eq!(said.len(), warned.len(), "{algorithm}: {}", ended.stderr);
        for target in warned {
            assert!(
                said.iter().any(|line| line.contains(&format!(": {target} "))),
                "{target}: {}",
                ended.stderr
            );
        }
    }
}

#[test]
fn dnf_takes_signed_packages_only() {
    require_tools!("gpg");
    if !rpm::is_supported() {
        return;
    }
    let keys = SigningKeys::new("rsa2048");
    let source = compile(&keys, "fedora").join("fedora");
    let install = |source: &Path| {
        let root = RpmRoot::new();
        root.install_stub(
            &rpms(source)
                .into_iter()
                .filter(|it| !it.to_string_lossy().contains(".src."))
                .collect::<Vec<_>>(),
        );
        // Nothing but the file beside the index says where packages are and who vouches for them.
        let configuration = scratch::create_directory("reposdir");
        let file = "opkg-fedora.repo";
        fs_err::copy(source.join(file), configuration.join(file)).unwrap();
        let configuration = format!("--setopt=reposdir={}", configuration.display());
        let ended = root.dnf(&[], [&configuration, "install", "opkg-hello-cluster"]);
        (ended, root.installed().len())
    };
    let (ended, installed) = install(&source);
    assert!(ended.code == Some(0) && installed == 2, "{}", ended.combined_output());

    let index = source.join("repodata/repomd.xml");
    let text = fs_err::read_to_string(&index).unwrap();
    fs_err::write(&index, text.replace("<revision>", "<revision>1")).unwrap();
    let (ended, installed) = install(&source);
    assert!(ended.code != Some(0) && installed == 0, "{}", ended.combined_output());
}

#[test]
fn zypper_takes_signed_packages_only() {
    require_tools!("gpg");
    let Some(root) = debian::create_with_rpm("zypper", "ID=opensuse-leap\nVERSION_ID=15.6\n") else { return };
    let keys = SigningKeys::new("rsa2048");
    let output = compile(&keys, "suse-15.6");
    let source = output.join("suse-15.6");
    let packages: Vec<PathBuf> =
        rpms(&source).into_iter().filter(|it| !it.to_string_lossy().contains(".src.")).collect();
    let stub = rpm::build_stub(&packages);
    fs_err::copy(&stub, root.resolve("/srv/stub.rpm")).unwrap();
    root.run_successfully(["rpm", "--force-debian", "--install", "--nosignature", "/srv/stub.rpm"]);
    process::run_successfully(Command::new("cp").arg("-r").arg(&source).arg(root.resolve("/srv/site")));
    // Nothing but the file beside the index says where packages are and who vouches for them.
    let file = fs_err::read_to_string(source.join("opkg-suse-15.6.repo")).unwrap();
    let here = source.to_str().unwrap();
    assert!(file.contains(here), "{file}");
    root.write("/etc/zypp/repos.d/site.repo", &file.replace(here, "/srv/site"));
    let install = || {
        let installs =
            ["zypper", "--non-interactive", "--gpg-auto-import-keys", "install", "opkg-hello-cluster"];
        root.run(installs)
    };
    let index = root.resolve("/srv/site/repodata/repomd.xml");
    let text = fs_err::read_to_string(&index).unwrap();
    fs_err::write(&index, text.replace("<revision>", "<revision>1")).unwrap();
    let ended = install();
    assert!(ended.code != Some(0), "{}", ended.combined_output());
    fs_err::write(&index, text).unwrap();
    let ended = install();
    assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
    root.run_successfully(["rpm", "-q", "opkg-hello-cluster"]);
}

#[test]
fn gpg_and_apt_accept_signed_indices() {
    require_tools!("gpg", "apt-get");
    let keys = SigningKeys::new("rsa2048");
    let output = compile(&keys, "rhel-9,debian-12");
    let [rpms, debs] = ["rhel-9", "debian-12"].map(|it| output.join(it));
    let index = rpms.join("repodata/repomd.xml");
    keys.gpg([OsStr::new("--verify"), rpms.join("repodata/repomd.xml.asc").as_ref(), index.as_ref()]);
    keys.gpg([OsStr::new("--verify"), debs.join("Release.gpg").as_ref(), debs.join("Release").as_ref()]);
    let within = keys.gpg([OsStr::new("--decrypt"), debs.join("InRelease").as_ref()]);
    assert_eq!(within.stdout, fs_err::read_to_string(debs.join("Release")).unwrap());

    let update = |key: &str| {
        // Apt reads as a user of its own, who cannot see everybody's directories.
        let state = PathBuf::from(process::run_successfully(Command::new("mktemp").args(["-d"])).trim_end());
        // The file beside the index has the key in it.
        let source = fs_err::read_to_string(debs.join("opkg-debian-12.sources")).unwrap();
        let (source, _) = source.split_once("Signed-By:").unwrap();
        let lines = key.trim_end().lines().map(|line| if line.is_empty() { "." } else { line });
        let key: String = lines.map(|line| format!(" {line}\n")).collect();
        fs_err::create_dir(state.join("parts")).unwrap();
        fs_err::write(state.join("parts/site.sources"), format!("{source}Signed-By:\n{key}")).unwrap();
        for directory in ["lists/partial", "archives/partial"] {
            fs_err::create_dir_all(state.join(directory)).unwrap();
        }
        let mut apt = Command::new("apt-get");
        for (name, path) in [
            ("Dir::Etc::SourceList", "/dev/null".into()),
            ("Dir::Etc::SourceParts", state.join("parts")),
            ("Dir::State::Lists", state.join("lists")),
            ("Dir::Cache", state.clone()),
            ("Dir::State::Status", state.join("status")),
        ] {
            apt.arg("-o").arg(format!("{name}={}", path.display()));
        }
        fs_err::write(state.join("status"), "").unwrap();
        let ended = process::run(apt.args(["-o", "APT::Sandbox::User=", "--error-on=any", "update"]));
        fs_err::remove_dir_all(state).unwrap();
        ended
    };
    let own = fs_err::read_to_string(debs.join("Release.key")).unwrap();
    let written = fs_err::read_to_string(debs.join("opkg-debian-12.sources")).unwrap();
    assert!(written.contains(&own.trim_end().replace("\n\n", "\n.\n").replace('\n', "\n ")), "{written}");
    let ended = update(&own);
    assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
    let other = SigningKeys::new("rsa2048-other");
    let ended = update(&fs_err::read_to_string(other.public()).unwrap());
    assert_ne!(ended.code, Some(0), "{}", ended.combined_output());
}

#[test]
fn a_key_that_cannot_sign_stops_everything() {
    if !tools::all_installed(&["gpg"]) {
        return;
    }
    let keys = SigningKeys::new("ed25519-locked");
    let output = scratch::create_directory("unsigned").join("output");
    let run = |key: &Path, passphrase: Option<&str>, more: &[&str]| {
        let mut command = OpkgcEnvironment::new().command(["--dist", "rhel-9", "-o"]);
        command.arg(&output).arg("--sign").arg(key).args(more);
        command.envs(passphrase.map(|it| ("OPKG_SIGN_PASSPHRASE", it)));
        let ended = process::run(command.arg(opkgc::workspace().join("examples/hello-cluster")));
        (ended.code, ended.stderr)
    };
    for (key, passphrase, message, help) in [
        (keys.secret(), None, "locked with a passphrase", "--passphrase-file FILE"),
        (keys.secret(), Some("closed"), "does not unlock the key", "$OPKG_SIGN_PASSPHRASE"),
        (keys.public(), None, "holds only a public key", "--export-secret-keys"),
    ] {
        let (code, said) = run(key, passphrase, &[]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(message) && said.contains(help) && said.contains("cannot sign with"), "{said}");
        assert!(!output.exists());
    }
    let (code, said) = run(&scratch::create_directory("none").join("none"), None, &[]);
    assert!(code == Some(2) && said.contains("none"), "{said}");
    let (code, said) = run(keys.secret(), Some("two words"), &["--builder", "native"]);
    assert!(code == Some(2) && said.contains("--builder native"), "{said}");
    assert!(!output.exists());
    let (code, said) = run(keys.secret(), Some("two words"), &[]);
    assert_eq!(code, Some(0), "{said}");
}

/// Without an index, too: what Debian's own tools sign of a build.
#[test]
fn what_describes_an_upload_is_signed() {
    require_tools!("gpg", "dpkg-source", "dpkg-deb");
    let keys = SigningKeys::new("ed25519");
    let output = scratch::create_directory("signed");
    let mut command = OpkgcEnvironment::new().command(["--dist", "debian-12,ubuntu-24.04", "--sign"]);
    command.arg(keys.secret()).arg("-o").arg(&output);
    process::run_successfully(command.arg(opkgc::workspace().join("examples/hello-cluster")));
    for target in ["debian-12", "ubuntu-24.04"] {
        let directory = output.join(target);
        let files = fs_err::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
        let is_signed = |file: &PathBuf| {
            file.extension().is_some_and(|it| it == "dsc" || it == "changes" || it == "buildinfo")
        };
        let signed: Vec<PathBuf> = files.filter(is_signed).collect();
        assert_eq!(signed.len(), 3, "{signed:?}");
        for file in &signed {
            keys.gpg(["--verify".as_ref(), file.as_os_str()]);
        }
        // What was signed is listed with its signature.
        let text = |extension: &str| {
            let file = signed.iter().find(|file| file.extension().is_some_and(|it| it == extension));
            fs_err::read_to_string(file.unwrap()).unwrap()
        };
        for extension in ["dsc", "buildinfo"] {
            let file = signed.iter().find(|file| file.extension().is_some_and(|it| it == extension)).unwrap();
            let sums = process::run_successfully(Command::new("sha256sum").arg(file));
            assert!(text("changes").contains(sums.split_whitespace().next().unwrap()), "{extension}");
        }
        let dsc = signed.iter().find(|file| file.extension().is_some_and(|it| it == "dsc")).unwrap();
        let unpacked = scratch::create_directory("unpacked").join("source");
        process::run_successfully(Command::new("dpkg-source").args(["-q", "-x"]).arg(dsc).arg(&unpacked));
        assert!(unpacked.join("debian/control").is_file());
    }
}
