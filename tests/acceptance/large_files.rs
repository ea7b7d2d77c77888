//! A file of more than 4 GiB goes into packages of both families, in less memory than it has, and comes out again.

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use opkg_tests::opkgc::{self, OpkgcEnvironment};
use opkg_tests::{process, require_tools, scratch};

/// Just above what 32 bits count.
const FILE_BYTES: u64 = (4 << 30) + 4097;

/// Of address space, in KiB: less than the file has.
const LIMIT_KIB: u32 = 3 << 20;

/// All of it goes through checksums and compressors of programs that were not optimised.
const TIMEOUT: Duration = Duration::from_secs(900);

/// What packages bring, below the root.
const PATH: &str = "srv/data/set.bin";

/// An example with a large file, which takes next to no room on the disk, and what was compiled of it.
struct Large {
    file: PathBuf,
    output: PathBuf,
}

impl Large {
    fn new(dists: &str) -> Self {
        let place = scratch::create_directory("large-files");
        let opkg = place.join("hello-cluster");
        let example = opkgc::workspace().join("examples/hello-cluster");
        process::run_successfully(Command::new("cp").arg("-R").arg(example).arg(&opkg));
        let file = opkg.join("files/client").join(PATH);
        fs_err::create_dir_all(file.parent().unwrap()).unwrap();
        let data = fs_err::File::create(&file).unwrap();
        data.set_len(FILE_BYTES).unwrap();
        data.file().write_all_at(b"begin", 0).unwrap();
        data.file().write_all_at(b"end", FILE_BYTES - 3).unwrap();
        let output = place.join("out");
        let mut command = Command::new("sh");
        OpkgcEnvironment::new().apply_environment(&mut command);
        command.arg("-c").arg(format!("ulimit -v {LIMIT_KIB} && exec \"$0\" \"$@\"")).arg(opkgc::program());
        command.args(["--dist", dists, "-o"]).arg(&output).arg(&opkg);
        let ended = process::run_with_timeout(&mut command, TIMEOUT);
        assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
        Self { file, output }
    }

    fn package(&self, suffix: &str) -> PathBuf {
        let mut found = Vec::new();
        for directory in fs_err::read_dir(&self.output).unwrap() {
            let files = fs_err::read_dir(directory.unwrap().path()).unwrap();
            found.extend(files.map(|file| file.unwrap().path()).filter(|file| {
                let name = file.file_name().unwrap().to_string_lossy().into_owned();
                name.starts_with("opkg-hello-cluster-client") && name.ends_with(suffix)
            }));
        }
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    /// `unpack` turns a package, its first argument, into a tar.
    fn check_contents(&self, unpack: &str, package: &Path) {
        let script = format!("set -o pipefail; {unpack} | tar -xO ./{PATH} | cmp - \"$2\"");
        let mut command = Command::new("bash");
        command.args(["-c", &script, "check"]).arg(package).arg(&self.file);
        let ended = process::run_with_timeout(&mut command, TIMEOUT);
        assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
    }
}

impl Drop for Large {
    fn drop(&mut self) {
        // Whoever copies the directory of tests would fill the disk.
        let _ = fs_err::remove_file(&self.file);
    }
}

#[test]
fn they_are_packed_and_unpacked() {
    require_tools!("rpm", "dpkg-deb", "tar");
    let large = Large::new("fedora,ubuntu");

    let rpm = large.package(".rpm");
    let checked = process::run_with_timeout(Command::new("rpm").arg("-Kv").arg(&rpm), TIMEOUT);
    assert!(checked.code == Some(0) && checked.stdout.contains("MD5 digest: OK"), "{}", checked.stdout);
    let sizes = ["-qp", "--qf", "%{LONGSIZE}\n[%{FILENAMES} %{LONGFILESIZES}\n]", "--requires"];
    let told = process::run_successfully(Command::new("rpm").args(sizes).arg(&rpm));
    assert!(told.contains(&format!("/{PATH} {FILE_BYTES}\n")), "{told}");
    assert!(told.contains("rpmlib(LargeFiles) <= 4.12.0-1"), "{told}");
    large.check_contents("rpm2archive -n < \"$1\"", &rpm);

    let deb = large.package(".deb");
    large.check_contents("dpkg-deb --fsys-tarfile \"$1\"", &deb);
    let kibibytes: u64 =
        process::run_successfully(Command::new("dpkg-deb").arg("-f").arg(&deb).arg("Installed-Size"))
            .trim()
            .parse()
            .unwrap();
    assert!(kibibytes > FILE_BYTES / 1024, "{kibibytes}");
}
