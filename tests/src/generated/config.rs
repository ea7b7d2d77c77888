//! `config.xml` of generated packages.

use std::fmt::Write;

use super::random::Rng;
use super::text;
use crate::calendar;

const AUTHORS: [(&str, &str); 4] = [
    ("Ada Keller", "ada@example.org"),
    ("Jörg van der Berg, Jr.", "joerg@example.org"),
    ("Ōno", "ono+opkg@example.org"),
    ("O'Neil (cluster team)", "o.neil@example.org"),
];

/// Names that both families have a way to write.
const PORTABLE_NAMES: [&str; 8] =
    ["munge", "lam_runtime", "Torque-Client", "perl(Net::DNS)", "g++", "python3.11", "libfoo-dev", "mpi"];
/// Names that Debian has none for.
const RPM_NAMES: [&str; 5] =
    ["/usr/bin/rsync", "libmunge.so.2()(64bit)", "perl(IO::Socket::SSL)", "config(sge)", "slurm-pam_slurm"];

/// Groups that not every packaging format has by this name.
const FURTHER_GROUPS: [&str; 7] =
    ["preRequires", "recommends", "supplements", "enhances", "breaks", "obsoletes", "replaces"];

/// The bytes of the file, in one of the two encodings.
pub fn generate_config(random: &mut Rng, name: &str) -> Vec<u8> {
    let wide = random.one_in(2);
    let mut xml = ConfigWriter { random: random.clone(), text: String::new(), unicode: wide };
    xml.file(name);
    *random = xml.random;
    if wide { xml.text.into_bytes() } else { encode_latin1(&xml.text) }
}

fn encode_latin1(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for c in text.chars() {
        match u8::try_from(u32::from(c)) {
            Ok(byte) => bytes.push(byte),
            Err(_) => bytes.extend(format!("&#{};", u32::from(c)).bytes()),
        }
    }
    bytes
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

struct ConfigWriter {
    random: Rng,
    text: String,
    unicode: bool,
}

impl ConfigWriter {
    fn push_line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn element(&mut self, name: &str, text: &str) {
        let text = escape(text);
        self.push_line(&format!("<{name}>{text}</{name}>"));
    }

    fn file(&mut self, name: &str) {
        let encoding = if self.unicode { "UTF-8" } else { "ISO-8859-1" };
        self.push_line(&format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>\n<oscar>"));
        self.element("name", name);
        let class = self.random.choose(&["core", "base", "included", "third-party"]);
        self.element("class", class);
        let summary = text::summary(&mut self.random, self.unicode);
        self.element("summary", &summary);
        self.description();
        let license =
            self.random.choose(&["GPL", "LGPL", "BSD", "SISSL", "Freely distributable", "Maui license"]);
        self.element("license", license);
        self.element("group", "Applications/System");
        if self.random.one_in(2) {
            self.element("uri", "https://example.org/~opkg/?name=a%20b&more=1");
        }
        self.authors();
        if self.random.one_in(6) {
            self.push_line("<filters><dist>RHEL</dist><dist>fc</dist><dist>mdv</dist></filters>");
        }
        self.relations();
        self.changelog();
        self.push_line("</oscar>");
    }

    fn description(&mut self) {
        let paragraphs = self.random.below(5);
        if paragraphs == 0 {
            return;
        }
        let mut text = String::new();
        for _ in 0..paragraphs {
            let lines = 1 + self.random.below(12);
            for _ in 0..lines {
                let words = 1 + self.random.below(12);
                let line = text::line(&mut self.random, words, self.unicode);
                let indent = self.random.choose(&["", "  ", "\t"]);
                let _ = writeln!(text, "{indent}{line}");
            }
            text.push_str(self.random.choose(&["\n", "\n \t\n", "\n\n\n"]));
        }
        self.element("description", &text);
    }

    fn authors(&mut self) {
        self.push_line("<authors>");
        let further = self.random.subset(&AUTHORS[1..]);
        let categories = ["upstream", "maintainer", "uploader"];
        for (number, (name, email)) in [AUTHORS[0]].into_iter().chain(further).enumerate() {
            let category = if number == 0 { "maintainer" } else { self.random.choose(&categories) };
            self.push_line(&format!("<author cat=\"{category}\">"));
            self.element("name", name);
            self.element("email", email);
            if self.random.one_in(2) {
                self.element("institution", "Institute & Co.");
                self.element("beginYear", "2001");
                self.element("endYear", "2019");
            }
            self.push_line("</author>");
        }
        self.push_line("</authors>");
    }

    fn relations(&mut self) {
        for kind in ["provides", "conflicts", "requires"] {
            if self.random.one_in(3) {
                let plain = format!("<{kind}><pkg>whole-{kind}</pkg></{kind}>");
                self.push_line(&plain);
            }
        }
        for part in ["serverDeps", "clientDeps", "commonDeps", "apiDeps"] {
            if self.random.one_in(4) {
                continue;
            }
            self.push_line(&format!("<{part}>"));
            for kind in ["requires", "provides", "conflicts", "suggests"] {
                let groups = self.random.below(3);
                for _ in 0..groups {
                    self.group(kind);
                }
            }
            self.further_groups();
            self.push_line(&format!("</{part}>"));
        }
    }

    /// Of kinds of their own, with OPKGs and alternatives. Drawn beside everything else.
    fn further_groups(&mut self) {
        let mut random = self.random.clone();
        for kind in random.subset(&FURTHER_GROUPS) {
            let version = random.choose(&["1.2-1", "2.0-3", "1:1.0-1"]);
            let rel = random.choose(&["&lt;", "&gt;="]);
            let part = random.choose(&["", " part=\"api\"", " part=\"client\""]);
            self.push_line(&format!("<{kind}>"));
            self.push_line(&format!("<pkg>any-{}</pkg>", kind.to_lowercase()));
            if random.one_in(2) {
                self.push_line(&format!("<opkg{part} rel=\"{rel}\" version=\"{version}\">munge</opkg>"));
            }
            if random.one_in(2) && matches!(kind, "preRequires" | "recommends") {
                self.push_line("<any><pkg>either</pkg><pkg>or</pkg><pkg>other</pkg></any>");
            }
            self.push_line(&format!("</{kind}>"));
        }
    }

    fn group(&mut self, kind: &str) {
        self.push_line(&format!("<{kind}>"));
        let rpm_only = self.random.one_in(3);
        if rpm_only {
            self.push_line(
                "<filters><dist>rhel</dist><dist>mdv</dist><dist>fc</dist><dist>suse</dist></filters>",
            );
        } else if self.random.one_in(2) {
            self.filters();
        }
        let packages = 1 + self.random.below(4);
        for _ in 0..packages {
            self.pkg(kind, rpm_only);
        }
        self.push_line(&format!("</{kind}>"));
    }

    fn filters(&mut self) {
        self.push_line("<filters>");
        let bounds = [
            "<dist>debian</dist>",
            "<dist>rhel</dist>",
            "<dist>mdv</dist>",
            "<dist rel=\">=\" version=\"8\">rhel</dist>",
            "<dist rel=\"&lt;\" version=\"8.10\">rhel</dist>",
            "<dist version=\"9\">RHEL</dist>",
            "<dist version=\"&gt;=11\">debian</dist>",
            "<dist rel=\"&lt;=\" version=\"11\">debian</dist>",
            "<dist rel=\"=\" version=\"12\">debian</dist>",
            "<dist rel=\"&gt;\" version=\"39\">fc</dist>",
            "<dist version=\"15.6\">suse</dist>",
        ];
        for bound in self.random.subset(&bounds) {
            self.push_line(bound);
        }
        if self.random.one_in(3) {
            let archs = self.random.subset(&["x86_64", "aarch64", "i386", "amd64", "ppc64le"]);
            for arch in archs {
                self.element("arch", arch);
            }
        }
        self.push_line("</filters>");
    }

    fn pkg(&mut self, kind: &str, rpm_only: bool) {
        let name =
            if rpm_only { self.random.choose(&RPM_NAMES) } else { self.random.choose(&PORTABLE_NAMES) };
        let version = self.random.choose(&["1.2", "2.0-3", "1:1.0", "20240102"]);
        // A version that is provided is one, not a range.
        let relation =
            if kind == "provides" { "=" } else { self.random.choose(&["<", "<=", "=", ">=", ">"]) };
        let relation = escape(relation);
        let attributes = match self.random.below(4) {
            // RPM allows no version with a file.
            _ if name.starts_with('/') => String::new(),
            0 => format!(" rel=\"{relation}\" version=\"{version}\""),
            1 => format!(" version=\"{relation}{version}\""),
            _ => String::new(),
        };
        let around = self.random.choose(&["", "\n  ", " <!-- a comment --> "]);
        self.push_line(&format!("<pkg{attributes}>{around}{name}{around}</pkg>"));
    }

    fn changelog(&mut self) {
        self.push_line("<changelog>");
        let versions = 1 + self.random.below(20);
        // A day and a bit between entries, so that they are in order in every time zone.
        let mut day = calendar::days_from_date(2025, 6, 30);
        for number in 0..versions {
            let version = text::version(&mut self.random, versions - number);
            self.push_line(&format!("<versionEntry version=\"{version}\">"));
            let entries = 1 + self.random.below(3);
            for _ in 0..entries {
                day -= 2 + i64::try_from(self.random.below(200)).unwrap_or_default();
                self.change(day);
            }
            self.push_line("</versionEntry>");
        }
        self.push_line("</changelog>");
    }

    fn change(&mut self, day: i64) {
        let author = AUTHORS[self.random.below(AUTHORS.len())].0;
        let author = if self.random.one_in(6) { "Some Body Else" } else { author };
        let date = calendar::format_date(day);
        let zone = self.random.choose(&["", "Z", "+02:00", "-11:30", ".25+01:00"]);
        let closes = self.random.choose(&["", " closes=\"12 345\"", " closes=\"7\""]);
        let hour = self.random.below(24);
        self.push_line(&format!(
            "<changelogEntry authorName=\"{}\" date=\"{date}T{hour:02}:15:30{zone}\"{closes}>",
            escape(author)
        ));
        let items = 1 + self.random.below(4);
        for _ in 0..items {
            let words = 1 + self.random.below(20);
            let item = text::line(&mut self.random, words, self.unicode);
            self.element("item", &item);
        }
        self.push_line("</changelogEntry>");
    }
}
