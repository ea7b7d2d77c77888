//! RPMs of format 6 are what RPM 6 makes, and both it and RPM 4 take them with their signatures.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use opkg_tests::opkgc::{self, OpkgcEnvironment};
use opkg_tests::process;
use opkg_tests::roots::chroot::SystemRoot;
use opkg_tests::roots::debian;
use opkg_tests::roots::rpm::{self, RpmRoot};
use opkg_tests::{require_tools, scratch};

use crate::signing::{SigningKeys, check_signatures, rpms};

const TARGET: &str = "fedora-44";

/// Compiles an example in this format, signed.
fn compile(keys: &SigningKeys, format: &str, output: &Path) -> PathBuf {
    let mut command = OpkgcEnvironment::new().command(["--dist", TARGET, "--repo", "--rpm-format", format]);
    command.arg(format!("--repo-url=file://{}", output.display())).arg("--sign").arg(keys.secret());
    process::run_successfully(
        command.arg("-o").arg(output).arg(opkgc::workspace().join("examples/jobwatch")),
    );
    output.join(TARGET)
}

fn binary_rpms(directory: &Path) -> Vec<PathBuf> {
    rpms(directory).into_iter().filter(|file| !file.to_string_lossy().ends_with(".src.rpm")).collect()
}

/// With `dnf`, which knows of them by the index alone.
#[test]
fn rpm_4_installs_them() {
    require_tools!("gpg", "rpm");
    if !rpm::is_supported() {
        return;
    }
    let keys = SigningKeys::new("rsa2048");
    let source = compile(&keys, "6", &scratch::create_directory("format-6"));
    let ended = check_signatures(&[&source.join("repodata/repomd.xml.key")], &rpms(&source));
    assert!(ended.code == Some(0) && !ended.stdout.contains("NOT"), "{}", ended.combined_output());
    let signed = ended.stdout.matches("Header V4 RSA/SHA256 Signature").count();
    assert_eq!(signed, rpms(&source).len(), "{}", ended.combined_output());

    let root = RpmRoot::new();
    root.install_stub(&binary_rpms(&source));
    let configuration = scratch::create_directory("reposdir");
    let file = format!("opkg-{TARGET}.repo");
    fs_err::copy(source.join(&file), configuration.join(&file)).unwrap();
    let configuration = format!("--setopt=reposdir={}", configuration.display());
    let ended = root.dnf(&[], [&configuration, "install", "opkg-jobwatch-client"]);
    assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
    let names: Vec<String> = root.installed().into_keys().collect();
    assert!(names.contains(&"opkg-jobwatch-client".to_owned()), "{names:?}");
    let ended = root.rpm([&["-V".to_owned(), "--nodeps".to_owned()], names.as_slice()].concat());
    assert!(ended.code == Some(0) && ended.stdout.is_empty(), "{}", ended.combined_output());
}

/// What RPM 6 says of packages that were copied into its root.
struct Rpm6(SystemRoot);

impl Rpm6 {
    fn query(&self, file: &str, format: &str) -> String {
        self.0.run_successfully(["rpm", "-qp", "--nosignature", "--qf", format, file])
    }

    /// Numbers of the tags of the header, and of those of the signature header that it shows among them.
    fn tags(&self, file: &str) -> BTreeSet<String> {
        let xml = self.0.run_successfully(["rpm", "-qp", "--nosignature", "--xml", file]);
        let names =
            xml.lines().filter_map(|line| line.trim().strip_prefix("<rpmTag name=\"")?.split('"').next());
        names.map(str::to_owned).collect()
    }
}

#[test]
fn rpm_6_takes_them_for_its_own() {
    require_tools!("gpg");
    let Some(root) = debian::create_with_rpm_6() else { return };
    let rpm = Rpm6(root);
    for (algorithm, called) in [("rsa2048", "V4 RSA/SHA256"), ("ed25519", "V4 EdDSA/SHA256")] {
        let keys = SigningKeys::new(algorithm);
        let place = rpm.0.resolve(&format!("srv/{algorithm}"));
        fs_err::create_dir_all(&place).unwrap();
        let source = compile(&keys, "6", &place);
        let inside = |file: &Path| format!("/{}", file.strip_prefix(rpm.0.path()).unwrap().display());
        let files: Vec<String> = rpms(&source).iter().map(|file| inside(file)).collect();
        let check = || rpm.0.run(["rpmkeys".to_owned(), "-Kv".to_owned()].iter().chain(&files));
        assert_ne!(check().code, Some(0), "nobody knows the key");
        rpm.0.run_successfully(["rpmkeys", "--import", &inside(&source.join("repodata/repomd.xml.key"))]);
        let ended = check();
        assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
        for line in [
            format!("Header OpenPGP {called} signature"),
            "Header SHA3-256 digest: OK".to_owned(),
            "Payload SHA3-256 digest: OK".to_owned(),
            "Payload SHA512 digest: OK".to_owned(),
        ] {
            assert_eq!(
                ended.stdout.matches(&line).count(),
                files.len(),
                "{line}: {}",
                ended.combined_output()
            );
        }
        for lesser in ["MD5", "SHA1", "BAD", "NOKEY"] {
            assert!(!ended.stdout.contains(lesser), "{lesser}: {}", ended.combined_output());
        }
        let mut verify = OpkgcEnvironment::new().command(["verify", "--key"]);
        process::run_successfully(verify.arg(keys.public()).args(rpms(&source)));

        let binary: Vec<String> = binary_rpms(&source).iter().map(|file| inside(file)).collect();
        for (command, options) in [("-U", "--noscripts"), ("-V", "--noscripts"), ("-e", "--noscripts")] {
            let what: Vec<String> = match command {
                "-U" => binary.clone(),
                _ => binary.iter().map(|file| rpm.query(file, "%{NAME}")).collect(),
            };
            let ended = rpm
                .0
                .run(["rpm", "--nodeps", options, command].iter().map(|it| (*it).to_owned()).chain(what));
            assert!(
                ended.code == Some(0) && ended.stdout.is_empty(),
                "{command}: {}",
                ended.combined_output()
            );
        }
    }
}

/// Of the same spec, with the same macros: RPM's own tool says of files and relations what is said here.
#[test]
fn rpm_6_builds_the_same() {
    require_tools!("gpg");
    let Some(root) = debian::create_with_rpm_6() else { return };
    let rpm = Rpm6(root);
    let keys = SigningKeys::new("rsa2048");
    let place = rpm.0.resolve("srv");
    let source = compile(&keys, "6", &place);
    let inside = format!("/srv/{TARGET}");
    let define = |text: &str| ["--define".to_owned(), text.to_owned()];
    let mut build = vec!["rpmbuild".to_owned(), "-bb".to_owned()];
    for text in [
        "_topdir /srv/built",
        "_sourcedir /srv/fedora-44/SOURCES",
        "fedora 44",
        "_rpmformat 6",
        "_docdir /usr/share/doc",
    ] {
        build.extend(define(text));
    }
    build.extend(["--nodeps".to_owned(), format!("{inside}/SPECS/opkg-jobwatch.spec")]);
    let ended = rpm.0.run(&build);
    assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
    let said = |file: &str| {
        rpm.query(
            file,
            "%{RPMFORMAT} %{SOURCERPM} %{SOURCENEVR} %{ENCODING} %{LONGSIZE}\n[%{REQUIRES} %{REQUIREFLAGS:depflags} \
             %{REQUIREVERSION}\n][%{FILENAMES} %{LONGFILESIZES} %{FILEMODES} %{FILEDIGESTS} %{FILEMIMES}\n]",
        )
    };
    let mut compared = 0;
    for file in binary_rpms(&source) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let arch = name.rsplit('.').nth(1).unwrap();
        let theirs = format!("/srv/built/RPMS/{arch}/{name}");
        if !rpm.0.resolve(&theirs).exists() {
            continue;
        }
        let ours = format!("{inside}/{name}");
        assert_eq!(said(&ours), said(&theirs), "{name}");
        let missing: Vec<String> = rpm.tags(&theirs).difference(&rpm.tags(&ours)).cloned().collect();
        assert_eq!(missing, MACHINE_TAGS, "{name}");
        compared += 1;
    }
    assert_eq!(compared, 3);
}

/// What RPM's own tool says of the machine, of colours of files and of its own version.
const MACHINE_TAGS: [&str; 3] = ["Filecolors", "Optflags", "Rpmversion"];
