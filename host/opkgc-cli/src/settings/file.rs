//! A file of settings: TOML of which every key and value is known, or it is refused.

use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use fs_err as fs;
use opkg::model::Part;
use opkg::{Profile, closest_match, line_column};
use opkg_package::CompressionEffort;
use opkg_shell::UsageError;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::layer::{Layer, PartLists};
use super::setting::{Origin, Setting};
use crate::args;

/// Bytes of a file: more than any needs.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Permission bits by which others than the owner may write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

const KEYS: [&str; 8] =
    ["profile", "auto_requires", "release_tag", "targets", "vendor", "distribution", "compression", "sign"];
const SIGN_KEYS: [&str; 2] = ["key", "passphrase_file"];

/// Reads a file that need not be there.
pub fn read_if_there(path: &Path) -> Result<Option<Layer>, UsageError> {
    match open(path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        opened => read_opened(path, opened).map(Some),
    }
}

/// Reads a file.
///
/// # Errors
/// When it cannot be read, others may write it, or it says something that is not known.
pub fn read(path: &Path) -> Result<Layer, UsageError> {
    read_opened(path, open(path))
}

fn open(path: &Path) -> io::Result<fs::File> {
    // What is no regular file could keep us waiting.
    if fs::metadata(path)?.is_file() {
        fs::File::open(path)
    } else {
        Err(io::Error::other(format!("{} is no regular file", path.display())))
    }
}

fn read_opened(path: &Path, opened: io::Result<fs::File>) -> Result<Layer, UsageError> {
    let unreadable = |error: io::Error| {
        UsageError::new(format!("cannot read the settings: {error}"), "name a file that you may read")
    };
    let file = opened.map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err(UsageError::new(
            format!("others than its owner may write the settings in {}", path.display()),
            format!("see that they are what you want, then `chmod go-w {}`", path.display()),
        ));
    }
    let mut text = String::new();
    file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(UsageError::new(
            format!("{} is larger than settings are", path.display()),
            "look whether it is the file that you mean",
        ));
    }
    Parser { path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()), shown: path, text: &text }
        .parse()
}

/// What is known of a file while it is read.
struct Parser<'a> {
    /// Absolute: paths in the file are relative to its directory.
    path: PathBuf,
    /// As messages name it.
    shown: &'a Path,
    text: &'a str,
}

type Value<'a> = Spanned<DeValue<'a>>;

impl Parser<'_> {
    fn parse(&self) -> Result<Layer, UsageError> {
        let table = DeTable::parse(self.text).map_err(|error| {
            let message = error.message().lines().next().unwrap_or_default().to_owned();
            self.error(error.span().unwrap_or_default(), &message, "correct the line: settings are TOML")
        })?;
        let mut layer = Layer::default();
        for (key, value) in table.get_ref() {
            match key.get_ref().as_ref() {
                "profile" => layer.profile = Some(self.parsed(value, "profile", parse_profile)?),
                "auto_requires" => layer.auto_requires = self.auto_requires(value)?,
                "release_tag" => {
                    layer.release_tag = Some(
                        self.parsed(value, "release_tag", |text| from_str(text, "write `none`, or `el9`"))?,
                    );
                }
                "targets" => {
                    layer.targets =
                        Some(self.strings(value, "targets", |_| Ok::<(), args::PackageNameError>(()))?)
                }
                "vendor" => {
                    layer.vendor = Some(self.parsed(value, "vendor", |text| from_str(text, NAME_HELP))?)
                }
                "distribution" => {
                    layer.distribution =
                        Some(self.parsed(value, "distribution", |text| from_str(text, NAME_HELP))?);
                }
                "compression" => {
                    layer.compression = Some(self.parsed(value, "compression", parse_compression)?);
                }
                "sign" => self.sign(value, &mut layer)?,
                unknown => return Err(self.unknown_key(key.span(), unknown, &KEYS)),
            }
        }
        Ok(layer)
    }

    fn auto_requires(&self, value: &Value<'_>) -> Result<PartLists, UsageError> {
        let mut lists = Vec::new();
        for (key, names) in self.table(value, "auto_requires")? {
            let name = key.get_ref().as_ref();
            let Some((_, part)) = Part::NAMES.iter().find(|(known, _)| *known == name) else {
                return Err(self.unknown_key(key.span(), name, &Part::NAMES.map(|(name, _)| name)));
            };
            lists.push((*part, self.strings(names, name, args::check_package_name)?));
        }
        Ok(lists)
    }

    fn sign(&self, value: &Value<'_>, layer: &mut Layer) -> Result<(), UsageError> {
        for (key, file) in self.table(value, "sign")? {
            let place = match key.get_ref().as_ref() {
                "key" => &mut layer.sign_key,
                "passphrase_file" => &mut layer.passphrase_file,
                unknown => return Err(self.unknown_key(key.span(), unknown, &SIGN_KEYS)),
            };
            let directory = self.path.parent().unwrap_or(&self.path);
            let path = self.parsed(file, key.get_ref().as_ref(), |text| match text {
                "" => Err(("it is empty".to_owned(), "name a file".to_owned())),
                path => Ok(directory.join(path)),
            })?;
            *place = Some(path);
        }
        Ok(())
    }

    fn table<'t, 'v>(&self, value: &'t Value<'v>, key: &str) -> Result<&'t DeTable<'v>, UsageError> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(table),
            other => Err(self.wrong_type(value.span(), key, "a table", other)),
        }
    }

    /// A text that means something; or why not, and what to do.
    fn parsed<T>(
        &self,
        value: &Value<'_>,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, (String, String)>,
    ) -> Result<Setting<T>, UsageError> {
        let DeValue::String(text) = value.get_ref() else {
            return Err(self.wrong_type(value.span(), key, "a text in quotes", value.get_ref()));
        };
        let value_of = parse(text)
            .map_err(|(reason, help)| self.error(value.span(), &format!("`{key}`: {reason}"), &help))?;
        Ok(Setting { value: value_of, origin: self.origin(value.span()) })
    }

    fn strings<E: std::fmt::Display>(
        &self,
        value: &Value<'_>,
        key: &str,
        check: impl Fn(&str) -> Result<(), E>,
    ) -> Result<Setting<Vec<String>>, UsageError> {
        let DeValue::Array(items) = value.get_ref() else {
            return Err(self.wrong_type(value.span(), key, "a list of texts", value.get_ref()));
        };
        let one = |item: &Value<'_>| {
            let checked = |text: &str| match check(text) {
                Ok(()) => Ok(text.to_owned()),
                Err(reason) => Err((reason.to_string(), "correct it, or leave it out".to_owned())),
            };
            self.parsed(item, key, checked).map(|setting| setting.value)
        };
        let value_of = items.iter().map(one).collect::<Result<_, _>>()?;
        Ok(Setting { value: value_of, origin: self.origin(value.span()) })
    }

    fn origin(&self, span: Range<usize>) -> Origin {
        Origin::File { path: self.shown.to_owned(), line: line_column(self.text, span.start).0 }
    }

    fn unknown_key(&self, span: Range<usize>, key: &str, known: &[&str]) -> UsageError {
        let help = match closest_match(key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", known.join(", ")),
        };
        let key = opkg::escape_for_display(key);
        self.error(span, &format!("there is no setting `{key}`"), &help)
    }

    fn wrong_type(&self, span: Range<usize>, key: &str, wanted: &str, found: &DeValue<'_>) -> UsageError {
        let message = format!("`{key}` must be {wanted}, and is of type {}", found.type_str());
        self.error(span, &message, "`opkgc settings` shows how each is written")
    }

    fn error(&self, span: Range<usize>, message: &str, help: &str) -> UsageError {
        let line = line_column(self.text, span.start.min(self.text.len())).0;
        UsageError::new(format!("{}:{line}: {message}", self.shown.display()), help)
    }
}

const NAME_HELP: &str = "write the name as people shall read it";

fn from_str<T: FromStr<Err: std::fmt::Display>>(text: &str, help: &str) -> Result<T, (String, String)> {
    text.parse().map_err(|error: T::Err| (error.to_string(), help.to_owned()))
}

fn parse_profile(text: &str) -> Result<Profile, (String, String)> {
    one_of("profile", text, Profile::ALL, Profile::name)
}

fn parse_compression(text: &str) -> Result<CompressionEffort, (String, String)> {
    one_of("effort", text, CompressionEffort::ALL, CompressionEffort::name)
}

/// The one of that name.
fn one_of<T: Copy, const N: usize>(
    what: &str,
    text: &str,
    all: [T; N],
    name: fn(T) -> &'static str,
) -> Result<T, (String, String)> {
    let known = all.map(name);
    all.into_iter().find(|one| name(*one) == text).ok_or_else(|| {
        let reason = format!("there is no {what} `{}`", opkg::escape_for_display(text));
        let help = match closest_match(text, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", known.join(", ")),
        };
        (reason, help)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn parse(text: &str) -> Result<Layer, String> {
        let path = Path::new("/etc/opkg/opkgc.toml");
        Parser { path: path.to_owned(), shown: path, text }
            .parse()
            .map_err(|error| format!("{error}; {}", error.help()))
    }

    #[test]
    fn everything_that_can_be_set() {
        let layer = parse(
            "profile = 'oscar'\nrelease_tag = '.site'\ntargets = ['rhel-9', 'debian-12']\nvendor = 'The Site'\n\
             distribution = 'Cluster'\ncompression = 'full'\n[auto_requires]\nclient = []\n[sign]\nkey = 'site.key'\n\
             passphrase_file = '/root/pass'\n",
        )
        .unwrap();
        assert_eq!(layer.profile.unwrap().value, Profile::Oscar);
        let targets = layer.targets.unwrap();
        assert_eq!(targets.value, ["rhel-9", "debian-12"]);
        assert_eq!(targets.origin.to_string(), "/etc/opkg/opkgc.toml:3");
        assert_eq!(layer.compression.unwrap().value, CompressionEffort::Full);
        assert_eq!(layer.auto_requires[0].0, Part::Client);
        assert_eq!(layer.sign_key.unwrap().value, Path::new("/etc/opkg/site.key"));
        assert_eq!(layer.passphrase_file.unwrap().value, Path::new("/root/pass"));
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let said: Vec<String> = [
            "profile = 'opkg'\nrelaese_tag = 'x'\n",
            "[auto_requires]\nclint = []\n",
            "[sign]\npassphrase = 'x'\n",
            "profile = 'oskar'\n",
            "\n\nrelease_tag = '9'\n",
            "targets = 'rhel-9'\n",
            "targets = ['a', 1]\n",
            "auto_requires = 'x'\n",
            "[auto_requires]\napi = ['a b']\n",
            "vendor = \"a\\nb\"\n",
            "vendor = 'a'\nvendor = 'b'\n",
            "profile = \n",
            "[sign]\nkey = ''\n",
            "something = 1\n",
            "compression = 'fulll'\n",
            "compression = '9'\n",
        ]
        .into_iter()
        .map(|text| parse(text).map_or_else(|error| error, |layer| format!("accepted: {layer:?}")))
        .collect();
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn a_file_that_others_may_write_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("opkgc.toml");
        fs::write(&path, "profile = 'oscar'\n").unwrap();
        let set_mode = |mode| fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        for mode in [0o664, 0o646, 0o666] {
            set_mode(mode);
            assert!(read(&path).unwrap_err().to_string().contains("others than its owner"), "{mode:o}");
        }
        for mode in [0o644, 0o600, 0o444] {
            set_mode(mode);
            assert!(read(&path).unwrap().profile.is_some(), "{mode:o}");
        }
    }

    #[test]
    fn only_a_file_that_was_named_must_be_there() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("opkgc.toml");
        assert!(read_if_there(&missing).unwrap().is_none());
        assert!(read(&missing).is_err());
        assert!(read_if_there(directory.path()).is_err(), "a directory is no file");
    }
}
