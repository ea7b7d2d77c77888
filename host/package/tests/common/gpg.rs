//! Keys of `gpg`, in a home of their own.

use std::process::{Command, Output};

use fs_err as fs;

/// Later than everything here.
pub const NOW: u32 = 2_000_000_000;

/// When keys are made: 2020-01-01.
pub const KEY_CREATED: u32 = 1_577_836_800;

/// A home of `gpg` with keys in it.
pub struct GpgHome(pub tempfile::TempDir);

impl GpgHome {
    /// Nothing, saying so, where there is no `gpg`.
    pub fn new() -> Option<Self> {
        if Command::new("gpg").arg("--version").output().is_err() {
            assert!(std::env::var_os("OPKG_REQUIRE_TOOLS").is_none(), "gpg is not installed");
            eprintln!("skipped: gpg is not installed");
            return None;
        }
        Some(Self(tempfile::Builder::new().prefix("gpg").tempdir().unwrap()))
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut gpg = Command::new("gpg");
        gpg.env("GNUPGHOME", self.0.path()).args(["--batch", "--pinentry-mode", "loopback"]);
        gpg.args(arguments).output().unwrap()
    }

    pub fn run_ok(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Makes a key without a passphrase on 2020-01-01 and returns its fingerprint.
    pub fn generate_key(&self, algorithm: &str, usage: &str, expires: &str) -> String {
        let time = format!("{KEY_CREATED}!");
        let who = format!("Test {algorithm} {usage} <test@example.org>");
        let made = ["--faked-system-time", &time, "--passphrase", ""];
        let options = ["--quick-gen-key", &who, algorithm, usage, expires];
        self.run_ok(&[&made[..], &options].concat());
        let list = self.run_ok(&["--with-colons", "--list-secret-keys", &who]);
        let list = String::from_utf8(list).unwrap();
        let line = list.lines().find(|line| line.starts_with("fpr:")).unwrap();
        line.split(':').nth(9).unwrap().to_owned()
    }

    pub fn export_secret(&self, key: &str, options: &[&str]) -> Vec<u8> {
        self.run_ok(&[&["--passphrase", ""][..], options, &[key]].concat())
    }

    pub fn write_file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let file = self.0.path().join(name);
        fs::write(&file, bytes).unwrap();
        file.to_str().unwrap().to_owned()
    }
}

impl Drop for GpgHome {
    fn drop(&mut self) {
        // The agent would outlive its home.
        let home = self.0.path();
        let _ = Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", home).output();
    }
}

pub const EXPORT_SECRET: &[&str] = &["--export-secret-keys"];
