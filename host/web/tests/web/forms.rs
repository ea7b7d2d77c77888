//! The forms of packages: what is shown, what is kept, and what is refused at its field.

use opkg_oda::{Origin, PackageId, Store, TargetId, Value};

use crate::client::{Answer, Site, open};
use crate::html::Page;

const SLURM: &str = "/packages/slurm/form";

/// What a browser would send of a form as it stands, with some fields changed.
fn filled(site: &Site, path: &str, changed: &[(&str, &str)]) -> Answer {
    let html = site.get(path).body;
    let state = html.split("name=\"state\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    filled_at(site, path, state, changed)
}

fn filled_at(site: &Site, path: &str, state: &str, changed: &[(&str, &str)]) -> Answer {
    let shown = [
        ("server", ""),
        ("compute", "YES"),
        ("parts", "a"),
        ("level", "2"),
        ("kind", "b"),
        ("several", "x"),
        ("text", "\r\n</textarea>two"),
        ("word", ""),
        ("fixed", "as it is"),
        ("twice", "1"),
        ("twice", "2"),
    ];
    let untouched = shown.iter().filter(|it| !changed.iter().any(|(name, _)| *name == it.0));
    let fields = untouched.chain(changed).filter(|it| it.1 != "nothing");
    let mut form = vec![("state".to_owned(), state.to_owned())];
    form.extend(fields.map(|(name, value)| (format!("field.{name}"), (*value).to_owned())));
    let encoded = form.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
    site.post(path, &encoded.collect::<Vec<_>>().join("&"))
}

fn escaped(text: &str) -> String {
    text.bytes().map(|it| format!("%{it:02x}")).collect()
}

fn kept(site: &Site, image: Option<i64>) -> Vec<Value> {
    let package = if image.is_some() { 1 } else { 3 };
    open(&site.path("oda.db")).values(PackageId(package), image.map(TargetId)).unwrap()
}

/// Names and values of the administrator's answers.
fn answers(site: &Site) -> Vec<(String, String)> {
    let own = kept(site, None).into_iter().filter(|it| it.origin == Origin::Administrator);
    own.map(|it| (it.name, it.value)).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn what_was_changed_is_the_administrators_answer() {
    let site = Site::new();
    let hard = "a<&\"'é>";
    let done = filled(&site, SLURM, &[("server", hard), ("level", "1"), ("twice", "1"), ("twice", "x")]);
    assert_eq!(done.status, 303, "{done:?}");
    assert_eq!(answers(&site), pairs(&[("server", hard), ("level", "1"), ("twice", "1"), ("twice", "x")]));
    let html = site.get(done.header("location").unwrap()).body;
    assert!(html.contains("Saved. The package is in error: it counts when that is cleared."), "{html}");
    assert!(html.contains("value=\"a&#60;&#38;&#34;&#39;é&#62;\""), "{html}");
    assert!(html.contains("Answered by: administrator"));
    assert_eq!(Page::parse(&html).check(), [""; 0]);

    // Another one: the earlier answers stay, and nothing chosen is an answer.
    let done = filled(
        &site,
        SLURM,
        &[("server", "b"), ("compute", "nothing"), ("several", "y"), ("twice", "1"), ("twice", "x")],
    );
    assert_eq!(done.status, 303, "{done:?}");
    let all = answers(&site);
    assert!(
        all.contains(&("server".into(), "b".into())) && all.contains(&("compute".into(), String::new())),
        "{all:?}"
    );
    assert!(all.contains(&("several".into(), "y".into())), "{all:?}");

    let done = filled(&site, SLURM, &[("server", "b"), ("twice", "1"), ("twice", "x")]);
    assert_eq!(done.status, 303);
    let html = site.get(SLURM).body;
    let state = html.split("name=\"state\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(site.post(SLURM, &format!("state={state}&defaults=yes")).status, 303);
    assert_eq!(answers(&site), []);
}

#[test]
fn what_does_not_fit_is_said_at_its_field_and_what_was_typed_is_kept() {
    let site = Site::new();
    let refused = filled(&site, SLURM, &[("server", "<far too long>"), ("level", "3"), ("text", "")]);
    assert_eq!(refused.status, 200);
    assert_eq!(Page::parse(&refused.body).check(), [""; 0]);
    for said in [
        "<p class=\"problem\" id=\"f0-problem\">This has 14 characters, and takes at most 8.</p>",
        "value=\"&#60;far too long&#62;\"",
        "This cannot be `3`, only `1` or `2`.",
        "This must not be empty.",
        "aria-invalid=\"true\" aria-describedby=\"f0-problem\"",
    ] {
        assert!(refused.body.contains(said), "{said}: {}", refused.body);
    }
    assert_eq!(kept(&site, None), []);
    let unknown = filled(&site, SLURM, &[("server", "a"), ("nothing-of-that", "x")]);
    assert!(unknown.body.contains("The form has changed meanwhile, and nothing was saved."), "{unknown:?}");
    // Ours are never taken for fields, nor fields for ours.
    let done = filled(&site, SLURM, &[("server", "a"), ("form", "changed")]);
    assert_eq!(done.status, 303, "{done:?}");
    assert_eq!(answers(&site), pairs(&[("server", "a"), ("form", "changed")]));
}

#[test]
fn a_password_is_never_sent_back_and_stays_when_nothing_is_typed() {
    let site = Site::new();
    assert!(!site.get(SLURM).body.contains("preset"));
    assert_eq!(filled(&site, SLURM, &[("server", "a")]).status, 303);
    let word = |site: &Site| kept(site, None).into_iter().find(|it| it.name == "word").unwrap();
    assert_eq!((word(&site).value.as_str(), word(&site).origin), ("preset", Origin::Default));
    assert_eq!(filled(&site, SLURM, &[("server", "a"), ("word", "geheim")]).status, 303);
    assert_eq!((word(&site).value.as_str(), word(&site).origin), ("geheim", Origin::Administrator));
    assert!(!site.get(SLURM).body.contains("geheim"));
    assert_eq!(filled(&site, SLURM, &[("server", "b")]).status, 303);
    assert_eq!(word(&site).value, "geheim");
}

#[test]
fn answers_of_somebody_else_are_not_overwritten_unseen() {
    let site = Site::new();
    let html = site.get(SLURM).body;
    let state = html.split("name=\"state\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(filled(&site, SLURM, &[("server", "first")]).status, 303);
    let late = filled_at(&site, SLURM, state, &[("server", "second")]);
    assert_eq!(late.status, 200);
    assert!(
        late.body.contains("Somebody else has answered meanwhile") && late.body.contains("value=\"second\"")
    );
    assert_eq!(answers(&site), pairs(&[("server", "first")]));
}

#[test]
fn each_image_has_answers_of_its_own() {
    let site = Site::new();
    let path = "/packages/munge/form/login";
    let html = site.get(path).body;
    assert!(html.contains("Key of login") && html.contains("value=\"login\""), "{html}");
    let state = html.split("name=\"state\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(site.post(path, &format!("state={state}&field.key=new")).status, 303);
    assert_eq!(kept(&site, Some(3)).len(), 1);
    assert_eq!(kept(&site, Some(3))[0].value, "new");
    assert_eq!(kept(&site, Some(2)), []);
}

#[test]
fn files_of_answers_count_and_wrong_ones_are_named() {
    let site = Site::new();
    std::fs::create_dir(site.path("answers.d")).unwrap();
    let file = site.path("answers.d/slurm.toml");
    std::fs::write(&file, "server = \"filed\"\nlevel = \"9\"\nnone = \"x\"\n").unwrap();
    let html = site.get(SLURM).body;
    assert!(html.contains("value=\"filed\"") && html.contains("Answered by: file of answers"), "{html}");
    assert!(html.contains("An earlier answer (file of answers) cannot be `9`, only `1` or `2`."), "{html}");
    assert!(html.contains("none is no field of the form (file of answers)."), "{html}");
    std::fs::write(&file, "server = [[").unwrap();
    let broken = site.get(SLURM);
    assert_eq!(broken.status, 409);
    assert!(broken.body.contains("slurm.toml"), "{}", broken.body);
    assert!(site.get("/forms").body.contains("slurm.toml"));
}
