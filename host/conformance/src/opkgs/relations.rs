//! Relations of each kind, with bounds and alternatives. Names that packages are asked for by begin with `zq-`, so that
//! nothing of a distribution's own is taken for them.

use super::sketch::Sketch;

/// Elements of a part, and what they are about.
const KINDS: [&str; 11] = [
    "requires",
    "preRequires",
    "recommends",
    "suggests",
    "supplements",
    "enhances",
    "provides",
    "conflicts",
    "breaks",
    "obsoletes",
    "replaces",
];

const COMPARISONS: [(&str, &str); 5] =
    [("lt", "&lt;"), ("le", "&lt;="), ("eq", "="), ("ge", "&gt;="), ("gt", "&gt;")];

pub fn sketches() -> Vec<Sketch> {
    let mut all: Vec<Sketch> = KINDS.iter().map(|kind| of_kind(kind)).collect();
    all.extend(COMPARISONS.iter().map(|(name, sign)| of_comparison(name, sign)));
    all.extend([
        Sketch::new("relation-scopes")
            .body("<provides><pkg>zq-whole-provided</pkg></provides>")
            .body("<conflicts><pkg>zq-whole-excluded</pkg><opkg>zq-rival</opkg></conflicts>")
            .body("<requires><pkg>zq-whole-needed</pkg></requires>")
            .body("<serverDeps><requires><pkg>zq-of-server</pkg></requires></serverDeps>")
            .body("<clientDeps><requires><pkg>zq-of-client</pkg></requires></clientDeps>")
            .body("<commonDeps><requires><pkg>zq-of-both</pkg></requires></commonDeps>")
            .body("<apiDeps><requires><pkg>zq-of-api</pkg></requires></apiDeps>"),
        Sketch::new("relation-empty-parts").body("<serverDeps/><clientDeps/><commonDeps/><apiDeps/>"),
        Sketch::new("relation-opkgs")
            .body(
                "<serverDeps><requires><opkg>zq-one</opkg><opkg part=\"api\">zq-two</opkg>\
                 <opkg part=\"client\" rel=\"&gt;=\" version=\"1.2-1\">zq-three</opkg></requires></serverDeps>",
            )
            .body("<clientDeps><requires><opkg rel=\"=\" version=\"2.0\">zq-four</opkg></requires></clientDeps>"),
        Sketch::new("relation-alternatives")
            .body(
                "<serverDeps><requires><any><pkg>zq-first</pkg><pkg>zq-second</pkg><pkg>zq-third</pkg></any></requires></serverDeps>",
            )
            .body("<clientDeps><recommends><any><pkg>zq-fourth</pkg><opkg>zq-fifth</opkg></any></recommends></clientDeps>"),
        Sketch::new("relation-alternatives-bound").body(
            "<serverDeps><requires><any><pkg rel=\"&gt;=\" version=\"2.0\">zq-new</pkg>\
             <pkg rel=\"&lt;\" version=\"3\">zq-old</pkg></any></requires></serverDeps>",
        ),
        Sketch::new("relation-twice").body(
            "<serverDeps><requires><pkg>zq-twice</pkg><pkg>zq-twice</pkg></requires>\
             <requires><pkg rel=\"&gt;=\" version=\"1\">zq-range</pkg><pkg rel=\"&lt;\" version=\"9\">zq-range</pkg></requires>\
             </serverDeps><commonDeps><requires><pkg>zq-twice</pkg></requires></commonDeps>",
        ),
        Sketch::new("relation-versions").body(
            "<serverDeps><requires><pkg rel=\"&gt;=\" version=\"2:1.4-3\">zq-epoch</pkg>\
             <pkg rel=\"&gt;=\" version=\"1.0.2\">zq-long</pkg><pkg rel=\"&gt;=\" version=\"20240101\">zq-date</pkg>\
             </requires></serverDeps>",
        ),
        // What only some families can express.
        Sketch::new("relation-capabilities")
            .body(
                "<serverDeps><requires><pkg>perl(Zq::Module)</pkg><pkg>/usr/bin/zq-program</pkg>\
                 <pkg>libzq.so.1()(64bit)</pkg><pkg>ZQ_Upper_Case</pkg></requires></serverDeps>",
            )
            .may_be_refused(),
        Sketch::new("relation-prerelease")
            .body(
                "<serverDeps><requires><pkg rel=\"&gt;=\" version=\"1.0-rc1-1\">zq-candidate</pkg>\
                 <pkg rel=\"&gt;=\" version=\"1.0~beta\">zq-tilde</pkg></requires></serverDeps>",
            )
            .may_be_refused(),
        many(),
    ]);
    all
}

fn of_kind(kind: &str) -> Sketch {
    let word = kind.to_ascii_lowercase();
    let one = |part: &str| format!("<{part}Deps><{kind}><pkg>zq-{word}-{part}</pkg></{kind}></{part}Deps>");
    // Of another OPKG, so that it names a part.
    let sketch = Sketch::new(&format!("relation-{word}"));
    ["server", "client", "api"].iter().fold(sketch, |sketch, part| sketch.body(&one(part)))
}

fn of_comparison(name: &str, sign: &str) -> Sketch {
    let package =
        |of: &str, version: &str| format!("<pkg rel=\"{sign}\" version=\"{version}\">zq-{of}-{name}</pkg>");
    Sketch::new(&format!("bound-{name}")).body(&format!(
        "<serverDeps><conflicts>{}</conflicts><requires>{}{}</requires></serverDeps>",
        package("excluded", "3.1"),
        package("needed", "1.4"),
        package("released", "1.4-2"),
    ))
}

fn many() -> Sketch {
    let packages: String = (0..400).map(|number| format!("<pkg>zq-many-{number}</pkg>")).collect();
    Sketch::new("relation-many").body(&format!("<clientDeps><requires>{packages}</requires></clientDeps>"))
}
