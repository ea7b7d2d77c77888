//! Batches: order, dependencies, what must pass, files that are missing, circles.
#![allow(clippy::unwrap_used)]

mod common;

use common::{FakeHost, batch, exited, test};
use insta::assert_snapshot;

/// Tests `a.apt` to `f.apt`, whose programs are called like them; those in `failing` fail.
fn host_with_failures(failing: &'static str) -> FakeHost {
    let mut host = FakeHost::default();
    for name in ["a", "b", "c", "d", "e", "f"] {
        let definition = test(&format!("/bin/{name}"), "<output name='status'>0</output>");
        host = host.with_file(&format!("apitests.d/{name}.apt"), definition);
        let status = i32::from(failing.contains(name));
        host = host.with_program(&format!("/bin/{name}"), move |_| Ok(exited(status)));
    }
    host
}

fn transcript(failing: &'static str, inside: &str) -> String {
    host_with_failures(failing)
        .with_file("apitests.d/all.apb", batch(inside))
        .transcript_of(&["apitests.d/all.apb"])
}

#[test]
fn a_child_runs_only_where_its_parents_passed() {
    let inside = "<dep parent='b.apt' child='c.apt'/><dep parent='a.apt' child='c.apt'/>
        <test name='d.apt'/><dep parent='c.apt' child='d.apt'/>";
    assert_snapshot!([transcript("", inside), transcript("a", inside)].join("\n--\n"));
}

#[test]
fn what_need_not_pass_may_fail() {
    let inside = "<test name='a.apt' mustPass='FALSE'/><test name='b.apt' mustPass=\"True\"/>
        <dep parent='b.apt' child='c.apt' mustPass='false'/>";
    assert_snapshot!([transcript("ac", inside), transcript("b", inside)].join("\n--\n"));
}

#[test]
fn a_child_may_wait_for_a_failure_or_for_any_end() {
    let inside = "<test name='a.apt' mustPass='no'/>
        <dep parent='a.apt' child='b.apt' status='ANY'/><dep parent='a.apt' child='c.apt' status='fail' mustPass='0'/>";
    assert_snapshot!([transcript("a", inside), transcript("", inside)].join("\n--\n"));
}

#[test]
fn batches_in_batches() {
    let told = host_with_failures("c")
        .with_file(
            "apitests.d/inner.apb",
            "<testBatch><shortDescription>the inner one</shortDescription>
            <test name='b.apt'/><test name='c.apt'/></testBatch>",
        )
        .with_file(
            "apitests.d/all.apb",
            batch("<dep parent='inner.apb' child='last.apb'/><test name='a.apt'/>"),
        )
        .with_file("apitests.d/last.apb", batch("<test name='d.apt'/><test name='e.apt'/>"))
        .transcript_of(&["apitests.d/all.apb"]);
    assert_snapshot!(told);
}

#[test]
fn files_are_looked_for_beside_the_batch_first() {
    let mut host = host_with_failures("")
        .with_file(
            "data/pvm/install.apb",
            batch("<test name='own.apt'/><test name='./sub/x.apt'/><test name='a.apt'/>"),
        )
        .with_file("data/pvm/own.apt", test("/bin/own", ""))
        .with_file("data/pvm/sub/x.apt", test("/bin/x", ""))
        .with_file("apitests.d/own.apt", test("/bin/other", ""));
    host.run(&["data/pvm/install.apb"]).unwrap();
    assert_snapshot!(host.transcript, @r"
    data/pvm/install.apb
      data/pvm/own.apt
        passed
      data/pvm/sub/x.apt
        passed
      a.apt
        passed
      passed
    ");
    assert_eq!(host.requests.len(), 3);
}

#[test]
fn what_others_include_is_not_run_by_itself() {
    let told = host_with_failures("b")
        .with_file("apitests.d/some.apb", batch("<test name='a.apt'/><test name='b.apt' mustPass='FALSE'/>"))
        .transcript_of(&["apitests.d/a.apt", "apitests.d/b.apt", "apitests.d/c.apt", "apitests.d/some.apb"]);
    assert_snapshot!(told, @r"
    c.apt
      passed
    some.apb
      a.apt
        passed
      b.apt
        failed (allowed to fail): the exit status is 1 instead of 0
      passed
    TestSummary { passed: 2, failed: 0, allowed_failures: 1, skipped: 0, errored: 0, all_required_passed: true }
    ");
}

#[test]
fn programs_that_are_tests_by_themselves() {
    let mut host = FakeHost::default().with_program("data/x/test_user", |_| {
        Ok(common::ProcessOutput { stdout: b"one\nno license\n\n".into(), ..exited(4) })
    });
    host.run(&["data/x/test_root", "data/x/test_user", "data/x/other"]).unwrap();
    assert_snapshot!(host.transcript, @r#"
    data/x/test_root
      passed
    data/x/test_user
      FAILED: it ended with exit status 4
        output: "no license"
    data/x/other
      passed
    "#);
    let users: Vec<_> = host.requests.iter().map(|it| it.user.as_deref()).collect();
    assert_eq!(users, [Some("root"), Some("oscartst"), None]);
    assert!(host.requests.iter().all(|it| it.arguments == ["node1", "node2"]));
}

#[test]
fn nothing_runs_where_a_definition_is_wrong() {
    let mut host = host_with_failures("")
        .with_file(
            "apitests.d/inner.apb",
            batch(
                "\n<test name='gone.apt'/><test name='a.sh'/><test name='../../x.apt'/>
            <test name='/etc/x.apt'/>",
            ),
        )
        .with_file("apitests.d/bad.apt", "<testDef>\n<test type='x'/></testDef>")
        .with_file("apitests.d/latin.apt", b"<testDef>\xe9</testDef>")
        .with_file("data/x/self.apb", batch("<test name='self.apb'/><test name='elsewhere.apt'/>"))
        .with_file(
            "apitests.d/nothing.apb",
            batch(
                "<info>to do</info><test/><dep parent='a.apt'/>
            <dep parent='a.apt' child='b.apt' status='MAYBE'/><test name='a.apt' mustPass='2'/>",
            ),
        )
        .with_file("apitests.d/none.apb", batch(""))
        .with_file(
            "apitests.d/all.apb",
            batch(
                "<test name='a.apt'/><test name='inner.apb'/><test name='bad.apt'/>
            <test name='bad.apt'/><test name='latin.apt'/>",
            ),
        );
    let errors = host
        .run(&[
            "apitests.d/all.apb",
            "data/x/self.apb",
            "apitests.d/nothing.apb",
            "apitests.d/none.apb",
            "gone.apb",
        ])
        .unwrap_err();
    assert_snapshot!(errors.join("\n"));
    assert!(host.requests.is_empty() && host.transcript.is_empty(), "{}", host.transcript);
}

#[test]
fn circles_are_named() {
    let of_needs = transcript(
        "",
        "<dep parent='d.apt' child='a.apt'/>\n<dep parent='a.apt' child='b.apt'/>
        <dep parent='b.apt' child='c.apt'/><dep parent='c.apt' child='a.apt'/>",
    );
    let of_itself = transcript("", "<dep parent='a.apt' child='./a.apt'/>");
    let of_batches = host_with_failures("")
        .with_file("apitests.d/one.apb", batch("<test name='two.apb'/>"))
        .with_file("apitests.d/two.apb", batch("\n<test name='./../apitests.d/one.apb'/>"))
        .transcript_of(&["apitests.d/one.apb"]);
    assert_snapshot!([of_needs, of_itself, of_batches].join("\n"), @r"
    apitests.d/all.apb:1: dependency cycle: a.apt needs c.apt needs b.apt needs a.apt
    apitests.d/all.apb:1: dependency cycle: a.apt needs a.apt
    apitests.d/two.apb:2: include cycle: apitests.d/one.apb includes apitests.d/two.apb includes apitests.d/one.apb
    ");
}

#[test]
fn batches_that_multiply_or_go_deep_end() {
    let mut wide = host_with_failures("");
    let mut deep = host_with_failures("").with_file("apitests.d/d30.apb", batch("<test name='a.apt'/>"));
    for level in 0..30 {
        let (this, next) = (format!("apitests.d/w{level}.apb"), level + 1);
        // The same file by two names, twice as many at each level.
        let twice = format!("<test name='w{next}.apb'/><test name='../apitests.d/w{next}.apb'/>");
        wide = wide.with_file(&this, batch(&twice));
        deep = deep
            .with_file(&format!("apitests.d/d{level}.apb"), batch(&format!("<test name='d{next}.apb'/>")));
    }
    let wide = wide.with_file("apitests.d/w10.apb", batch("<test name='a.apt'/>"));
    assert_eq!(
        wide.transcript_of(&["apitests.d/w0.apb"]),
        "apitests.d/w8.apb: the batches come to more than 1000 tests"
    );
    assert_eq!(
        deep.transcript_of(&["apitests.d/d0.apb"]),
        "apitests.d/d16.apb: batches are nested more than 16 deep"
    );
}
