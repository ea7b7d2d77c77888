//! Who does not come in, and what is not taken.

use std::io::{Read, Write};

use crate::client::Site;
use crate::html::Page;

#[test]
fn without_the_token_nothing_is_shown() {
    let site = Site::new();
    let wrong = "/?token=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for path in ["/", "/requests", "/style.css", "/script.js", "/live", "/nothing", wrong, "/..", "/?token="]
    {
        let answer = site.ask("GET", path, &[], "");
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.body.contains("opm web printed in the terminal"), "{path}: {}", answer.body);
        assert_eq!(Page::parse(&answer.body).check(), [""; 0]);
    }
    let answer = site.ask("GET", "/", &[("Cookie", "opm-1=x; a=b")], "");
    assert_eq!(answer.status, 403);
    // The token is no cookie, nor the cookie a token.
    let token = site.entrance.strip_prefix("/?token=").unwrap();
    let name = site.cookie.split('=').next().unwrap();
    assert_eq!(site.ask("GET", "/", &[("Cookie", &format!("{name}={token}"))], "").status, 403);
    let value = site.cookie.split('=').nth(1).unwrap();
    assert_eq!(site.ask("GET", &format!("/?token={value}"), &[], "").status, 403);
}

#[test]
fn every_answer_keeps_the_page_to_itself() {
    let site = Site::new();
    let refused = site.ask("GET", "/", &[], "");
    for answer in [site.get("/"), site.get("/script.js"), site.get("/nothing"), refused] {
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(policy.contains("form-action 'self'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let policy = site.get("/").header("content-security-policy").unwrap().to_owned();
    assert!(policy.contains(&format!("script-src http://{}/script.js;", site.host)), "{policy}");
}

#[test]
fn names_that_are_let_point_here_are_refused() {
    let site = Site::new();
    let port = site.host.split(':').nth(1).unwrap();
    for host in ["evil.example", &format!("evil.example:{port}"), &format!("localhost:{port}"), "127.0.0.1"] {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nCookie: {}\r\n\r\n", site.cookie);
        assert_eq!(site.send(&request).status, 403, "{host}");
    }
    assert_eq!(site.send(&format!("GET / HTTP/1.1\r\nCookie: {}\r\n\r\n", site.cookie)).status, 403);
}

#[test]
fn forms_of_other_pages_are_refused() {
    let site = Site::new();
    let before = site.load();
    let form = format!("form={}&packages=munge&on=all", site.mark);
    let kind = ("Content-Type", "application/x-www-form-urlencoded");
    let cookie = ("Cookie", site.cookie.as_str());
    let other = format!("http://{}", site.host.replace("127.0.0.1", "127.0.0.2"));
    for from in [
        &[][..],
        &[("Origin", "null")],
        &[("Origin", "http://evil.example")],
        &[("Origin", other.as_str())],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site"), ("Origin", "null")],
        &[("Sec-Fetch-Site", "none")],
        &[("Sec-Fetch-Site", "same-origin"), ("Origin", "http://evil.example")],
    ] {
        let headers = [&[cookie, kind][..], from].concat();
        assert_eq!(site.ask("POST", "/clear", &headers, &form).status, 403, "{from:?}");
    }
    assert_eq!(site.ask("GET", "/", &[cookie, ("Sec-Fetch-Site", "cross-site")], "").status, 403);
    // Ours, but for the mark.
    let ours = [cookie, kind, ("Sec-Fetch-Site", "same-origin"), ("Origin", "null")];
    for form in ["packages=munge&on=all", "form=&on=all", "form=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&on=all"] {
        let answer = site.ask("POST", "/clear", &ours, form);
        assert_eq!(answer.status, 403, "{form}");
        assert!(answer.body.contains("Nothing was changed"), "{}", answer.body);
    }
    // The mark of another browser is not this one's.
    let entered = site.ask("GET", &site.entrance, &[], "");
    let second = entered.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let headers = [("Cookie", second.as_str()), kind, ours[2], ours[3]];
    assert_eq!(site.ask("POST", "/clear", &headers, &form).status, 403);
    assert_eq!(site.load(), before, "something was changed");
    assert_eq!(site.ask("POST", "/clear", &ours, &form).status, 303);
}

#[test]
fn paths_lead_nowhere_else() {
    let site = Site::new();
    for path in [
        "/..",
        "/../etc/passwd",
        "/packages/../../etc/passwd",
        "/%2e%2e/etc/passwd",
        "/packages/%2e%2e%2fx",
        "//etc",
        "/packages/munge/",
        "/a%00b",
        "/packages/munge%5c..",
        "/%ff",
        "http://evil.example/",
        "*",
    ] {
        let answer = site.get(path);
        assert_eq!(answer.status, 400, "{path}");
        assert!(!answer.body.contains("root:"), "{path}");
    }
    assert_eq!(site.get(&format!("/packages/{}", "a".repeat(5000))).status, 414);
    assert_eq!(site.get(&format!("/{}", "a/".repeat(9000))).status, 431);
}

#[test]
fn other_methods_are_refused() {
    let site = Site::new();
    for method in ["PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "BREW"] {
        let answer = site.ask(method, "/", &[("Cookie", &site.cookie)], "");
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD, POST")), "{method}");
    }
    let head = site.ask("HEAD", "/", &[("Cookie", &site.cookie)], "");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert!(head.header("content-length").unwrap().parse::<usize>().unwrap() > 1000);
    // What changes something is not done by looking at it.
    assert_eq!(site.get("/clear").status, 404);
    assert_eq!(site.post("/", "").status, 404);
    assert_eq!(site.post("/nothing", "").status, 404);
}

#[test]
fn what_is_no_form_of_ours_is_not_read() {
    let site = Site::new();
    let [cookie, origin, from, kind] = site.form_headers();
    let length = |length: &str| {
        let head =
            format!("{}: {}\r\n{}: {}\r\n{}: {}\r\n", cookie.0, cookie.1, from.0, from.1, kind.0, kind.1);
        site.send(&format!("POST /clear HTTP/1.1\r\nHost: {}\r\n{head}{length}\r\n", site.host)).status
    };
    assert_eq!(length("Content-Length: 99999999\r\n"), 413);
    assert_eq!(length("Content-Length: 99999999999999999999999\r\n"), 411);
    assert_eq!(length("Content-Length: -1\r\n"), 411);
    assert_eq!(length("Content-Length: 1\r\nContent-Length: 2\r\n"), 411);
    assert_eq!(length("Transfer-Encoding: chunked\r\n"), 411);
    assert_eq!(length(""), 411);
    let json = [cookie, origin, from, ("Content-Type", "application/json")];
    assert_eq!(site.ask("POST", "/clear", &json, "{}").status, 415);
    let plain = [cookie, origin, from, ("Content-Type", "text/plain")];
    assert_eq!(site.ask("POST", "/clear", &plain, "form=x").status, 415);
    // A large one that is read as a whole is an answer like any other.
    assert_eq!(site.post("/clear", &format!("on=all&x={}", "a".repeat(2_000_000))).status, 303);
    assert_eq!(site.post("/clear", &format!("on=all&x={}", "a".repeat(2 << 20))).status, 413);
}

#[test]
fn what_is_no_request_is_answered_and_forgotten() {
    let site = Site::new();
    for noise in ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}\r\n\r\n"] {
        assert_eq!(site.send(noise).status, 400, "{noise:?}");
    }
    let many: String = (0..100).map(|it| format!("X-{it}: y\r\n")).collect();
    assert_eq!(site.send(&format!("GET / HTTP/1.1\r\n{many}\r\n")).status, 431);
    assert_eq!(site.send(&format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "y".repeat(20_000))).status, 431);
    assert_eq!(site.get("/").status, 200);
}

/// Whoever opens connections and says nothing keeps nobody out for longer than a request may take.
#[test]
fn the_slow_do_not_keep_others_out() {
    let site = Site::new();
    let mut slow = site.connect();
    slow.write_all(b"GET / HTTP/1.1\r\nHost:").unwrap();
    let idle: Vec<_> = (0..80).map(|_| site.connect()).collect();
    assert_eq!(site.get("/").status, 200);
    let mut said = String::new();
    slow.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    drop(idle);
}
