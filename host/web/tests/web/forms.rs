//! The forms of packages: what is shown, what is saved, and what is rejected at its field.

use opkg_oda::{ConfigValue, PackageId, Store, TargetId, ValueOrigin};

use crate::html::ParsedPage;
use crate::test_server::{Response, TestServer, input_value, open_database};

const SLURM: &str = "/packages/slurm/form";

/// Submits the form of `ALL_FIELDS_FORM` as a browser would that has changed some fields.
fn submit_form(server: &TestServer, path: &str, changed: &[(&str, &str)]) -> Response {
    submit_form_with_state(server, path, input_value(&server.get(path).body, "state"), changed)
}

fn submit_form_with_state(
    server: &TestServer,
    path: &str,
    state: &str,
    changed: &[(&str, &str)],
) -> Response {
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
    let untouched = shown.iter().filter(|(name, _)| !changed.iter().any(|(changed, _)| changed == name));
    let fields = untouched.chain(changed).filter(|(_, value)| *value != "nothing");
    let mut form = vec![("state".to_owned(), state.to_owned())];
    form.extend(fields.map(|(name, value)| (format!("field.{name}"), (*value).to_owned())));
    let encoded =
        form.iter().map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)));
    server.post(path, &encoded.collect::<Vec<_>>().join("&"))
}

fn percent_encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn stored_values(server: &TestServer, image: Option<i64>) -> Vec<ConfigValue> {
    let package = if image.is_some() { 1 } else { 3 };
    open_database(&server.path("oda.db")).values(PackageId(package), image.map(TargetId)).unwrap()
}

/// Names and values of the administrator's answers.
fn administrator_answers(server: &TestServer) -> Vec<(String, String)> {
    let values = stored_values(server, None).into_iter();
    values
        .filter(|value| value.origin == ValueOrigin::Administrator)
        .map(|value| (value.name, value.value))
        .collect()
}

fn owned_pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn what_was_changed_is_the_administrators_answer() {
    let server = TestServer::new();
    let hard = "a<&\"'é>";
    let done =
        submit_form(&server, SLURM, &[("server", hard), ("level", "1"), ("twice", "1"), ("twice", "x")]);
    assert_eq!(done.status, 303, "{done:?}");
    assert_eq!(
        administrator_answers(&server),
        owned_pairs(&[("server", hard), ("level", "1"), ("twice", "1"), ("twice", "x")])
    );
    let html = server.get(server.location(&done)).body;
    assert!(
        html.contains("Saved. The package is in error: it takes effect when the error is cleared."),
        "{html}"
    );
    assert!(html.contains("value=\"a&#60;&#38;&#34;&#39;é&#62;\""), "{html}");
    assert!(html.contains("Answered by: administrator"));
    assert_eq!(ParsedPage::parse(&html).lint(), [""; 0]);

    // Another one: the earlier answers stay, and nothing chosen is an answer.
    let done = submit_form(
        &server,
        SLURM,
        &[("server", "b"), ("compute", "nothing"), ("several", "y"), ("twice", "1"), ("twice", "x")],
    );
    assert_eq!(done.status, 303, "{done:?}");
    let all = administrator_answers(&server);
    assert!(
        all.contains(&("server".into(), "b".into())) && all.contains(&("compute".into(), String::new())),
        "{all:?}"
    );
    assert!(all.contains(&("several".into(), "y".into())), "{all:?}");

    let done = submit_form(&server, SLURM, &[("server", "b"), ("twice", "1"), ("twice", "x")]);
    assert_eq!(done.status, 303);
    let html = server.get(SLURM).body;
    let state = input_value(&html, "state");
    assert_eq!(server.post(SLURM, &format!("state={state}&defaults=yes")).status, 303);
    assert_eq!(administrator_answers(&server), []);
}

#[test]
fn what_does_not_fit_is_said_at_its_field_and_what_was_typed_is_kept() {
    let server = TestServer::new();
    let rejected = submit_form(&server, SLURM, &[("server", "<far too long>"), ("level", "3"), ("text", "")]);
    assert_eq!(rejected.status, 200);
    assert_eq!(ParsedPage::parse(&rejected.body).lint(), [""; 0]);
    for said in [
        "<p class=\"problem\" id=\"f0-problem\">This has 14 characters, and takes at most 8.</p>",
        "value=\"&#60;far too long&#62;\"",
        "This cannot be `3`, only `1` or `2`.",
        "This must not be empty.",
        "aria-invalid=\"true\" aria-describedby=\"f0-problem\"",
    ] {
        assert!(rejected.body.contains(said), "{said}: {}", rejected.body);
    }
    assert_eq!(stored_values(&server, None), []);
    let unknown = submit_form(&server, SLURM, &[("server", "a"), ("nothing-of-that", "x")]);
    assert!(unknown.body.contains("The form has changed, and nothing was saved."), "{unknown:?}");
    // Ours are never taken for fields, nor fields for ours.
    let done = submit_form(&server, SLURM, &[("server", "a"), ("form", "changed")]);
    assert_eq!(done.status, 303, "{done:?}");
    assert_eq!(administrator_answers(&server), owned_pairs(&[("server", "a"), ("form", "changed")]));
}

#[test]
fn a_password_is_never_sent_back_and_stays_when_nothing_is_typed() {
    let server = TestServer::new();
    assert!(!server.get(SLURM).body.contains("preset"));
    assert_eq!(submit_form(&server, SLURM, &[("server", "a")]).status, 303);
    let word = |server: &TestServer| {
        stored_values(server, None).into_iter().find(|value| value.name == "word").unwrap()
    };
    assert_eq!((word(&server).value.as_str(), word(&server).origin), ("preset", ValueOrigin::Default));
    assert_eq!(submit_form(&server, SLURM, &[("server", "a"), ("word", "geheim")]).status, 303);
    assert_eq!((word(&server).value.as_str(), word(&server).origin), ("geheim", ValueOrigin::Administrator));
    assert!(!server.get(SLURM).body.contains("geheim"));
    assert_eq!(submit_form(&server, SLURM, &[("server", "b")]).status, 303);
    assert_eq!(word(&server).value, "geheim");
}

#[test]
fn answers_of_somebody_else_are_not_overwritten_unseen() {
    let server = TestServer::new();
    let html = server.get(SLURM).body;
    let state = input_value(&html, "state");
    assert_eq!(submit_form(&server, SLURM, &[("server", "first")]).status, 303);
    let late = submit_form_with_state(&server, SLURM, state, &[("server", "second")]);
    assert_eq!(late.status, 200);
    assert!(
        late.body.contains("Somebody else has changed the answers") && late.body.contains("value=\"second\"")
    );
    assert_eq!(administrator_answers(&server), owned_pairs(&[("server", "first")]));
}

#[test]
fn each_image_has_answers_of_its_own() {
    let server = TestServer::new();
    let path = "/packages/munge/form/login";
    let html = server.get(path).body;
    assert!(html.contains("Key of login") && html.contains("value=\"login\""), "{html}");
    let state = input_value(&html, "state");
    assert_eq!(server.post(path, &format!("state={state}&field.key=new")).status, 303);
    assert_eq!(stored_values(&server, Some(3)).len(), 1);
    assert_eq!(stored_values(&server, Some(3))[0].value, "new");
    assert_eq!(stored_values(&server, Some(2)), []);
}

#[test]
fn files_of_answers_count_and_wrong_ones_are_named() {
    let server = TestServer::new();
    std::fs::create_dir(server.path("answers.d")).unwrap();
    let file = server.path("answers.d/slurm.toml");
    std::fs::write(&file, "server = \"filed\"\nlevel = \"9\"\nnone = \"x\"\n").unwrap();
    let html = server.get(SLURM).body;
    assert!(html.contains("value=\"filed\"") && html.contains("Answered by: answer file"), "{html}");
    assert!(html.contains("An earlier answer (answer file) cannot be `9`, only `1` or `2`."), "{html}");
    assert!(html.contains("none is not a field of the form (answer file)."), "{html}");
    std::fs::write(&file, "server = [[").unwrap();
    let broken = server.get(SLURM);
    assert_eq!(broken.status, 409);
    assert!(broken.body.contains("slurm.toml"), "{}", broken.body);
    assert!(server.get("/forms").body.contains("slurm.toml"));
}
