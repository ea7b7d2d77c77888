//! The directory of an OPKG without findings, to which examples can be done.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use fs_err as fs;
use tempfile::TempDir;

/// The elements of a `config.xml` in their order, with the text of those that the OPKG has.
const ELEMENTS: [(&str, &str); 22] = [
    ("name", "<name>jobwatch</name>\n"),
    ("class", "<class>third-party</class>\n"),
    ("summary", "<summary>Watches jobs, and tells their owners</summary>\n"),
    ("description", ""),
    ("license", "<license>GPL</license>\n"),
    ("group", "<group>Applications/System</group>\n"),
    ("uri", ""),
    (
        "authors",
        "<authors>\n  <author cat=\"maintainer\"><name>Ada Keller</name><email>ada@example.org</email></author>\n\
         </authors>\n",
    ),
    ("filters", ""),
    ("provides", ""),
    ("conflicts", ""),
    ("requires", ""),
    ("serverDeps", ""),
    ("clientDeps", ""),
    ("commonDeps", ""),
    ("apiDeps", ""),
    ("payloads", ""),
    ("files", ""),
    ("services", ""),
    ("alternatives", ""),
    ("triggers", ""),
    (
        "changelog",
        "<changelog>\n  <versionEntry version=\"1.0-1\">\n    \
         <changelogEntry authorName=\"Ada Keller\" date=\"2025-03-04T10:15:00+01:00\"><item>First version.</item>\
         </changelogEntry>\n  </versionEntry>\n</changelog>\n",
    ),
];

/// A program that an example needs is not here.
#[derive(Debug)]
pub struct ToolMissing(pub &'static str);

/// Programs that not every machine has.
const TOOLS: [&str; 5] = ["gpg", "iconv", "dpkg-buildpackage", "dpkg-deb", "setpriv"];

pub struct Sandbox(TempDir);

impl Sandbox {
    pub fn new() -> Self {
        let sandbox = Self(tempfile::tempdir().unwrap());
        fs::create_dir(sandbox.0.path().join("opkg")).unwrap();
        let programs = sandbox.0.path().join("bin");
        fs::create_dir(&programs).unwrap();
        fs_err::os::unix::fs::symlink(env!("CARGO_BIN_EXE_opkgc"), programs.join("opkgc")).unwrap();
        sandbox.write_config("");
        sandbox
    }

    /// Where the OPKG is.
    pub fn directory(&self) -> std::path::PathBuf {
        self.0.path().join("opkg")
    }

    /// Writes a file of the OPKG.
    pub fn write(&self, path: &str, text: &str) {
        let file = self.directory().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Writes `config.xml` anew, with these elements in the place of those of the same names.
    pub fn write_config(&self, elements: &str) {
        let document = format!("<oscar>{elements}</oscar>");
        let document = roxmltree::Document::parse(&document).expect("the elements are well-formed");
        let children = document.root_element().children();
        let names: Vec<&str> =
            children.filter(|child| child.is_element()).map(|child| child.tag_name().name()).collect();
        let first = ELEMENTS.iter().position(|(name, _)| names.contains(name));
        let mut config = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<oscar>\n".to_owned();
        for (index, (name, text)) in ELEMENTS.iter().enumerate() {
            if first == Some(index) {
                config += elements;
            }
            if !names.contains(name) {
                config += text;
            }
        }
        assert!(first.is_some() || elements.is_empty(), "no element of the format: {elements}");
        self.write("config.xml", &(config + "</oscar>\n"));
    }

    /// What a program says, given as words.
    pub fn run(&self, words: &[&str]) -> String {
        let output = self.command(Command::new(words[0]).args(&words[1..]));
        said(&output)
    }

    /// What a command line of a shell says, without the right of root to read everything.
    ///
    /// # Errors
    /// When it needs a program that is not here.
    pub fn shell(&self, line: &str) -> Result<String, ToolMissing> {
        let is_root = fs::metadata("/proc/self").is_ok_and(|it| {
            use std::os::unix::fs::MetadataExt;
            it.uid() == 0
        });
        let needs = |tool: &str| match tool {
            "setpriv" => is_root && line.contains("chmod a-r"),
            "dpkg-buildpackage" => line.contains("--builder native"),
            tool => line.starts_with(&format!("{tool} ")),
        };
        if let Some(tool) = TOOLS.into_iter().find(|tool| needs(tool) && !is_installed(tool)) {
            return Err(ToolMissing(tool));
        }
        let mut command = if is_root && is_installed("setpriv") {
            let mut command = Command::new("setpriv");
            command.args(["--bounding-set=-dac_override,-dac_read_search", "sh", "-c", line]);
            command
        } else {
            let mut command = Command::new("sh");
            command.args(["-c", line]);
            command
        };
        let output = self.command(&mut command);
        let said = said(&output);
        assert!(output.status.success() || line.starts_with("opkgc "), "{line}: {said}");
        Ok(said)
    }

    fn command(&self, command: &mut Command) -> Output {
        let path = format!("{}:{}", self.0.path().join("bin").display(), std::env::var("PATH").unwrap());
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("home-of-examples");
        fs::create_dir_all(&home).unwrap();
        command
            .current_dir(self.directory())
            .env_clear()
            .env("PATH", path)
            .env("HOME", home)
            .env("GNUPGHOME", self.0.path())
            .env("COLUMNS", "100")
            .env("DEBFULLNAME", "Ada Keller")
            .env("DEBEMAIL", "ada@example.org")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }
}

impl Drop for Sandbox {
    /// What gpg has started goes with its directory.
    fn drop(&mut self) {
        if self.0.path().join("private-keys-v1.d").exists() {
            let _ = Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", self.0.path()).output();
        }
    }
}

fn is_installed(tool: &str) -> bool {
    Command::new(tool).arg("--version").output().is_ok()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
