//! Text of all kinds in every field. What could mean something to a format of packages comes in pairs: an OPKG, and its
//! twin in which harmless letters stand in the place of signs. Both must become meta-files of the same shape.

use super::sketch::{Sketch, version_entry, xml};

/// What the twin of an OPKG is called.
pub const TWIN: &str = "-twin";

/// Texts that mean something to somebody.
const HOSTILE: [(&str, &str); 6] = [
    (
        "macros",
        "%post %files %{zq_macro} %(zq) %%{zq_macro} 100% %if %endif %[zq] %description \\%{zq_macro}",
    ),
    ("variables", "${zq:Field} $zq $(zq) `zq` ${Newline} $${zq} ${}"),
    ("fields", "Depends: zq Description: zq Package: zq Name: zq Version: 1 . .. * - -- + # %"),
    ("quotes", "' \" ''' \"\"\" \\ \\\\ \\n '\\'' \"$(zq)\" ; & | < > ( ) [ ] { } ! ~ ^ ="),
    ("words", "EOF END_OF_SCRIPT end EOF\" 'EOF' fi done esac ;; %changelog * Mon Jan 01 2024 zq - 9-9"),
    ("markup", "<tag> &amp; ]]> <!-- --> <?zq?> &#10; --->"),
];

pub fn sketches() -> Vec<Sketch> {
    let mut all: Vec<Sketch> = HOSTILE.iter().flat_map(|(name, text)| pair(name, text)).collect();
    all.extend([
        Sketch::new("text-languages")
            .summary("Prüft Straßen, naïve cafés, 日本語 und эмодзи ☃")
            .description("Größe und Maß.\n\n日本語の説明文です。\n\nОписание на русском языке.\n\nعربي")
            .authors(
                "<author cat=\"maintainer\"><name>Jürgen Weiß-Łukasz</name><email>juergen@example.org</email></author>\
                 <author cat=\"upstream\"><name>山田 太郎</name><email>taro@example.org</email><institution>東京</institution>\
                 <beginYear>2001</beginYear><endYear>2024</endYear></author>",
            )
            .changelog(&version_entry(
                "1.2-1",
                "2025-03-04T10:15:00+01:00",
                "Jürgen Weiß-Łukasz",
                &["Änderung an der Größe.", "日本語の変更"],
            )),
        Sketch::new("text-long")
            .description(&format!("{}\n\n{}", "many words ".repeat(300), "w".repeat(500)))
            .changelog(&version_entry(
                "1.2-1",
                "2025-03-04T10:15:00+01:00",
                "Ada Keller",
                &[&"a long item ".repeat(100), &"x".repeat(300)],
            )),
        Sketch::new("text-authors").authors(
            "<author cat=\"upstream\"><name>Eve Bauer</name><nickname>eve</nickname><email>eve@example.org</email>\
             <institution>Example University</institution><beginYear>2009</beginYear><endYear>2020</endYear></author>\
             <author cat=\"maintainer\"><name>Ada Keller, PhD</name><email>ada@example.org</email></author>\
             <author cat=\"maintainer\"><name>Noor Haddad</name><email>noor@example.org</email></author>\
             <author cat=\"uploader\"><name>Mireille (Mimi) Dubois</name><email>mireille@example.org</email></author>",
        ),
        Sketch::new("text-none").uri("").description(""),
        Sketch::new("text-license").license("MIT AND (Apache-2.0 OR BSD-3-Clause)"),
        Sketch::new("text-license-own").license("A licence of our own: do what you like, 100%"),
    ]);
    all
}

/// The OPKG, and its twin.
fn pair(name: &str, text: &str) -> [Sketch; 2] {
    let name = format!("text-{name}");
    let harmless: String =
        text.chars().map(|c| if c.is_alphanumeric() || c == ' ' { c } else { 'x' }).collect();
    // The shape of a changelog depends on who wrote it, so the author is the same.
    [of_text(&name, text), of_text(&name, &harmless).labelled(&format!("{name}{TWIN}"))]
}

fn of_text(name: &str, text: &str) -> Sketch {
    // Of one line, at most 67 characters, without `<` and `>` where names are.
    let short: String = text.chars().take(60).collect();
    let person: String = text.chars().filter(|c| !"<>".contains(*c)).take(40).collect();
    let paragraph = format!("{text} {}", format!("{text} words between ").repeat(6));
    Sketch::new(name)
        .summary(&short)
        .description(&format!("{paragraph}\n\nA paragraph in plain words.\n\n{text}"))
        .authors(&format!(
            "<author cat=\"maintainer\"><name>Ada {}</name><email>ada@example.org</email></author>\
             <author cat=\"upstream\"><name>Ada Keller</name><email>keller@example.org</email><institution>{}</institution></author>",
            xml(person.trim()),
            xml(text)
        ))
        .changelog(&format!(
            "{}{}",
            version_entry("1.2-1", "2025-03-04T10:15:00+01:00", "Ada Keller", &[text, &paragraph, "Plain words."]),
            version_entry("1.1-1", "2025-02-04T10:15:00+01:00", "Ada Keller", &[text])
        ))
}
