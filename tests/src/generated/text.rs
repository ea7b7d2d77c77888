//! Texts that mean something to a shell, to RPM, to a control file or to XML, and must arrive as they are.

use super::random::Rng;

/// The file that exists afterwards if any of the texts was ever run.
pub const CANARY: &str = "/var/tmp/opkg-tests-canary";

const INJECTION_STRINGS: [&str; 36] = [
    "100% of the nodes",
    "%(touch /var/tmp/opkg-tests-canary)",
    "$(touch /var/tmp/opkg-tests-canary)",
    "`touch /var/tmp/opkg-tests-canary`",
    "; touch /var/tmp/opkg-tests-canary ;",
    "%{lua: os.execute('touch /var/tmp/opkg-tests-canary')}",
    "%{expand:%(touch /var/tmp/opkg-tests-canary)}",
    "%%(touch /var/tmp/opkg-tests-canary)",
    "%{_topdir} and %name",
    "%post",
    "%description",
    "%files",
    "%changelog",
    "%if 0",
    "%endif",
    "%include /etc/passwd",
    "${Package} and ${misc:Depends}",
    "$HOME, $1 and $$",
    "* Mon May 06 2024 Somebody <else@example.org> - 9-9",
    "-- Somebody <else@example.org>  Mon, 06 May 2024 07:08:09 +0000",
    "Depends: something-else",
    "Source0: nothing",
    "#DEBHELPER#",
    "# no comment",
    "- a dash",
    ".",
    "it's \"quoted\"",
    "a\\b\\n and a \\",
    "<b>bold</b> & more &amp; more ]]>",
    "EOF",
    "{{ name }} {% raw %} @NAME@",
    "it is (bracketed) [arch] {a,b} *?",
    "~/directory",
    "http://example.org/?a=b&c=%20d",
    "exactlyonewordthatislongerthananylinethatanybodywouldliketoreadinachangelogordescriptionofapackage",
    "!history",
];

const WORDS: [&str; 14] = [
    "nodes",
    "the",
    "queue",
    "of",
    "a",
    "cluster",
    "scheduler",
    "starts",
    "when",
    "jobs",
    "wait",
    "for",
    "memory",
    "and",
];

const LATIN1_WORDS: [&str; 4] = ["Zürich", "señor", "à côté", "Ångström"];
const NON_LATIN1_WORDS: [&str; 4] = ["“quoted”", "集群", "Łódź", "κόμβος"];

/// Words, traps among them. With `wide`, some that ISO-8859-1 cannot write.
pub fn line(random: &mut Rng, words: usize, wide: bool) -> String {
    let mut line = Vec::new();
    for _ in 0..words {
        line.push(match random.below(8) {
            0 | 1 => random.choose(&INJECTION_STRINGS),
            2 => random.choose(&LATIN1_WORDS),
            3 if wide => random.choose(&NON_LATIN1_WORDS),
            _ => random.choose(&WORDS),
        });
    }
    line.join(" ")
}

/// At most 67 characters, and not empty.
pub fn summary(random: &mut Rng, wide: bool) -> String {
    let line = line(random, 9, wide);
    let cut: String = line.chars().take(67).collect();
    format!("S{}", cut.chars().skip(1).collect::<String>().trim_end())
}

/// A package's name; the seed makes it unlike all others.
pub fn name(random: &mut Rng, seed: u64) -> String {
    let start = random.choose(&["x", "lib", "3d", "c++", "a.b", "0", "very-long-name-of-a-package-"]);
    let end = random.choose(&["", "+", ".conf", "-oscar", "2.0", "--"]);
    format!("{start}{seed}{end}")
}

/// `[epoch:]upstream-release` with a number in it that grows with `step`.
pub fn version(random: &mut Rng, step: usize) -> String {
    let epoch = random.choose(&["", "", "1:", "12:"]);
    let middle = random.choose(&["", ".0", ".10.2", "-rc1", ".5+6", "a", "-beta2", ".0+git20240102", "-2"]);
    let release = random.choose(&["1", "2.1", "0.3", "10"]);
    format!("{epoch}{step}{middle}-{release}")
}
