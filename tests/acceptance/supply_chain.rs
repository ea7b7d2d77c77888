//! Documents about packages are what their formats say, judged by the published schemas and by `gpg`; and `verify` believes
//! nothing that somebody else has written.

use std::path::{Path, PathBuf};
use std::process::Command;

use opkg_tests::opkgc::{self, OpkgcEnvironment};
use opkg_tests::process::{self, ProcessOutput};
use opkg_tests::{parallel, require_tools, scratch};

use crate::signing::SigningKeys;

/// Holds files against a schema of this directory, which may refer to others in it.
const VALIDATE: &str = r#"
import json, pathlib, sys
import jsonschema

folder = pathlib.Path(sys.argv[1])
schemas = {path.name: json.loads(path.read_text()) for path in folder.glob("*.json")}
store = {schema["$id"]: schema for schema in schemas.values()}
schema = schemas[sys.argv[2]]
resolver = jsonschema.RefResolver(schema["$id"], schema, store=store)
checker = jsonschema.FormatChecker()
validator = jsonschema.Draft7Validator(schema, resolver=resolver, format_checker=checker)
status = 0
for name in sys.argv[3:]:
    for error in validator.iter_errors(json.loads(pathlib.Path(name).read_text())):
        print(name, error.json_path, error.message)
        status = 1
sys.exit(status)
"#;

fn schemas() -> PathBuf {
    opkgc::workspace().join("tests/acceptance/schemas")
}

/// Whether this machine can validate; says so where it cannot.
pub fn can_validate() -> bool {
    let found = Command::new("python3").args(["-c", "import jsonschema"]).output();
    let can = found.is_ok_and(|output| output.status.success());
    if !can {
        opkg_tests::tools::skip("python3 has no module jsonschema");
    }
    can
}

pub fn validate(schema: &str, files: &[PathBuf]) -> ProcessOutput {
    let mut python = Command::new("python3");
    python.args(["-W", "ignore", "-c", VALIDATE]).arg(schemas()).arg(schema).args(files);
    process::run(&mut python)
}

/// The files in a directory whose names end so.
fn files_with(directory: &Path, suffix: &str) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|it| it.to_string_lossy().ends_with(suffix)).collect();
    files.sort();
    files
}

fn build(target: &str, arguments: &[&str]) -> PathBuf {
    let output = scratch::create_directory("documents");
    let mut command = OpkgcEnvironment::new().command(["--sbom", "--provenance", "--dist", target]);
    command.args(arguments).arg("-o").arg(&output);
    for example in ["hello-cluster", "jobwatch"] {
        command.arg(opkgc::workspace().join("examples").join(example));
    }
    process::run_successfully(&mut command);
    output.join(target)
}

#[test]
fn documents_are_what_the_published_schemas_say() {
    if !can_validate() {
        return;
    }
    let targets = ["rhel-9", "leap-15.6", "mageia-9", "fedora-43", "debian-12", "ubuntu-24.04"];
    parallel::map(&targets, |target| {
        let directory = build(target, &[]);
        for (suffix, schema) in [(".spdx.json", "spdx-2.3.schema.json"), (".cdx.json", "bom-1.6.schema.json")]
        {
            let documents = files_with(&directory, suffix);
            assert_eq!(documents.len(), 7, "three of each OPKG, and the shared directories: {documents:?}");
            let ended = validate(schema, &documents);
            assert_eq!(ended.code, Some(0), "{target}: {}", ended.combined_output());
        }
    });
}

/// Otherwise the test above would prove nothing.
#[test]
fn the_schemas_refuse_what_is_wrong() {
    if !can_validate() {
        return;
    }
    let directory = build("debian-12", &[]);
    let break_first = |suffix: &str, from: &str, to: &str| {
        let document = files_with(&directory, suffix).remove(0);
        let text = fs_err::read_to_string(&document).unwrap();
        assert!(text.contains(from), "{from}");
        fs_err::write(&document, text.replacen(from, to, 1)).unwrap();
        vec![document]
    };
    let wrong = [
        ("spdx-2.3.schema.json", break_first(".spdx.json", "\"PACKAGE-MANAGER\"", "\"PACKAGES\"")),
        ("bom-1.6.schema.json", break_first(".cdx.json", "\"SHA-256\"", "\"SHA-255\"")),
    ];
    for (schema, documents) in wrong {
        let ended = validate(schema, &documents);
        assert!(ended.code == Some(1) && !ended.stdout.is_empty(), "{}", ended.combined_output());
    }
}

#[test]
fn what_is_signed_is_believed_and_nothing_else() {
    require_tools!("gpg");
    let keys = SigningKeys::new("rsa3072");
    let others = SigningKeys::new("ed25519");
    let [public, other] = [&keys, &others].map(SigningKeys::public);
    let verify = |key: &Path, packages: &[PathBuf]| {
        process::run(OpkgcEnvironment::new().command(["verify", "--key"]).arg(key).args(packages))
    };
    for (target, suffix) in [("rhel-9", ".rpm"), ("debian-12", ".deb")] {
        let directory = build(target, &["--sign", keys.secret().to_str().unwrap()]);
        let mut packages = files_with(&directory, suffix);
        packages.retain(|package| !package.to_string_lossy().ends_with(".src.rpm"));
        assert_eq!(packages.len(), 7);
        let ended = verify(public, &packages);
        assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
        let ended = verify(other, &packages);
        assert_eq!(ended.code, Some(1), "{}", ended.combined_output());

        // Everybody else's tool accepts them as well.
        for document in files_with(&directory, ".json") {
            let signature = PathBuf::from(format!("{}.asc", document.display()));
            keys.gpg([Path::new("--verify"), &signature, &document]);
        }

        // Whoever builds the same anew, without the key, is found out: also where nothing but the documents is replaced.
        let forged = build(target, &["--vendor", "Mallory"]);
        let package = &packages[..1];
        for document in files_with(&forged, ".json") {
            fs_err::copy(&document, directory.join(document.file_name().unwrap())).unwrap();
        }
        let ended = verify(public, package);
        assert_eq!(ended.code, Some(1), "{}", ended.combined_output());
        for signature in files_with(&directory, ".asc") {
            fs_err::remove_file(signature).unwrap();
        }
        fs_err::copy(forged.join(package[0].file_name().unwrap()), &package[0]).unwrap();
        let ended = verify(public, package);
        assert_eq!(ended.code, Some(1), "{}", ended.combined_output());
        assert_eq!(process::run(OpkgcEnvironment::new().command(["verify"]).args(package)).code, Some(0));
    }
}
