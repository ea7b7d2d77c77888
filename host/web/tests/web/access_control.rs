//! Who has no access, and which requests are rejected.

use std::io::{Read, Write};

use crate::html::ParsedPage;
use crate::test_server::TestServer;

#[test]
fn without_the_token_nothing_is_shown() {
    let server = TestServer::new();
    let wrong = "/?token=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for path in ["/", "/requests", "/style.css/", "/live", "/nothing", wrong, "/..", "/?token="] {
        let response = server.request("GET", path, &[], "");
        assert_eq!(response.status, 403, "{path}");
        assert!(response.body.contains("opm web printed in the terminal"), "{path}: {}", response.body);
        assert_eq!(ParsedPage::parse(&response.body).lint(), [""; 0]);
    }
    let (home, cookie) = (format!("{}/", server.base), ("Cookie", server.cookie.as_str()));
    assert_eq!(server.request("GET", &home, &[cookie], "").status, 200);
    for (path, cookies) in [
        (home.as_str(), &[("Cookie", "opm-1=x; a=b")][..]),
        // The path is no cookie, and the cookie no path.
        (&home, &[]),
        ("/", &[cookie]),
        ("/requests", &[cookie]),
        (&home[1..], &[cookie]),
        (&home[..home.len() - 2], &[cookie]),
    ] {
        assert_eq!(server.request("GET", path, cookies, "").status, 403, "{path} {cookies:?}");
    }
    // What is the same for everybody is no secret.
    assert_eq!(server.request("GET", "/style.css", &[], "").status, 200);
    // The token is no cookie, nor the cookie a token.
    let token = server.login_path.strip_prefix("/?token=").unwrap();
    let name = server.cookie.split('=').next().unwrap();
    assert_eq!(server.request("GET", &home, &[("Cookie", &format!("{name}={token}"))], "").status, 403);
    let value = server.cookie.split('=').nth(1).unwrap();
    assert_eq!(server.request("GET", &format!("/?token={value}"), &[], "").status, 403);
}

#[test]
fn every_answer_keeps_the_page_to_itself() {
    let server = TestServer::new();
    let script = server.request("GET", "/script.js", &[], "");
    let rejected = server.request("GET", "/", &[], "");
    for response in [server.get("/"), script, server.get("/nothing"), rejected] {
        let policy = response.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(policy.contains("form-action 'self'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(response.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(response.header("cache-control"), Some("no-store"));
    }
    let policy = server.get("/").header("content-security-policy").unwrap().to_owned();
    assert!(policy.contains(&format!("script-src http://{}/script.js;", server.host)), "{policy}");
}

#[test]
fn names_that_are_let_point_here_are_refused() {
    let server = TestServer::new();
    let port = server.host.split(':').nth(1).unwrap();
    for host in ["evil.example", &format!("evil.example:{port}"), &format!("localhost:{port}"), "127.0.0.1"] {
        let (base, cookie) = (&server.base, &server.cookie);
        let request = format!("GET {base}/ HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n");
        assert_eq!(server.send_raw(&request).status, 403, "{host}");
    }
    let nowhere = format!("GET {}/ HTTP/1.1\r\nCookie: {}\r\n\r\n", server.base, server.cookie);
    assert_eq!(server.send_raw(&nowhere).status, 403);
}

#[test]
fn forms_of_other_pages_are_refused() {
    let server = TestServer::new();
    let before = server.load_cluster();
    let clear = format!("{}/clear", server.base);
    let form = format!("form={}&packages=munge&on=all", server.csrf_token);
    let kind = ("Content-Type", "application/x-www-form-urlencoded");
    let cookie = ("Cookie", server.cookie.as_str());
    let other = format!("http://{}", server.host.replace("127.0.0.1", "127.0.0.2"));
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
        assert_eq!(server.request("POST", &clear, &headers, &form).status, 403, "{from:?}");
    }
    let home = format!("{}/", server.base);
    assert_eq!(server.request("GET", &home, &[cookie, ("Sec-Fetch-Site", "cross-site")], "").status, 403);
    // Ours, but for the CSRF token.
    let ours = [cookie, kind, ("Sec-Fetch-Site", "same-origin"), ("Origin", "null")];
    for form in ["packages=munge&on=all", "form=&on=all", "form=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&on=all"] {
        let response = server.request("POST", &clear, &ours, form);
        assert_eq!(response.status, 403, "{form}");
        assert!(response.body.contains("Nothing was changed"), "{}", response.body);
    }
    // The token of another session is not valid in this one.
    let (base, second) = server.log_in();
    let headers = [("Cookie", second.as_str()), kind, ours[2], ours[3]];
    assert_eq!(server.request("POST", &format!("{base}/clear"), &headers, &form).status, 403);
    assert_eq!(server.load_cluster(), before, "something was changed");
    assert_eq!(server.request("POST", &clear, &ours, &form).status, 303);
}

#[test]
fn paths_lead_nowhere_else() {
    let server = TestServer::new();
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
    ] {
        let response = server.get(path);
        assert_eq!(response.status, 400, "{path}");
        assert!(!response.body.contains("root:"), "{path}");
    }
    let cookie = ("Cookie", server.cookie.as_str());
    for path in [&format!("http://evil.example{}/", server.base), "*", &format!("/.{}/", server.base)] {
        assert_eq!(server.request("GET", path, &[cookie], "").status, 403, "{path}");
    }
    assert_eq!(server.get(&format!("/packages/{}", "a".repeat(5000))).status, 414);
    assert_eq!(server.get(&format!("/{}", "a/".repeat(9000))).status, 431);
}

#[test]
fn other_methods_are_refused() {
    let server = TestServer::new();
    let home = format!("{}/", server.base);
    for method in ["PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "BREW"] {
        let response = server.request(method, &home, &[("Cookie", &server.cookie)], "");
        assert_eq!((response.status, response.header("allow")), (405, Some("GET, HEAD, POST")), "{method}");
    }
    let head = server.request("HEAD", &home, &[("Cookie", &server.cookie)], "");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert!(head.header("content-length").unwrap().parse::<usize>().unwrap() > 1000);
    // What changes something is not done by looking at it.
    assert_eq!(server.get("/clear").status, 404);
    assert_eq!(server.post("/", "").status, 404);
    assert_eq!(server.post("/nothing", "").status, 404);
}

#[test]
fn what_is_no_form_of_ours_is_not_read() {
    let server = TestServer::new();
    let [cookie, origin, from, kind] = server.form_headers();
    let length = |length: &str| {
        let head =
            format!("{}: {}\r\n{}: {}\r\n{}: {}\r\n", cookie.0, cookie.1, from.0, from.1, kind.0, kind.1);
        let (base, host) = (&server.base, &server.host);
        server.send_raw(&format!("POST {base}/clear HTTP/1.1\r\nHost: {host}\r\n{head}{length}\r\n")).status
    };
    assert_eq!(length("Content-Length: 99999999\r\n"), 413);
    assert_eq!(length("Content-Length: 99999999999999999999999\r\n"), 411);
    assert_eq!(length("Content-Length: -1\r\n"), 411);
    assert_eq!(length("Content-Length: 1\r\nContent-Length: 2\r\n"), 411);
    assert_eq!(length("Transfer-Encoding: chunked\r\n"), 411);
    assert_eq!(length(""), 411);
    let json = [cookie, origin, from, ("Content-Type", "application/json")];
    let clear = format!("{}/clear", server.base);
    assert_eq!(server.request("POST", &clear, &json, "{}").status, 415);
    let plain = [cookie, origin, from, ("Content-Type", "text/plain")];
    assert_eq!(server.request("POST", &clear, &plain, "form=x").status, 415);
    // A large one that is read as a whole is an answer like any other.
    assert_eq!(server.post("/clear", &format!("on=all&x={}", "a".repeat(2_000_000))).status, 303);
    assert_eq!(server.post("/clear", &format!("on=all&x={}", "a".repeat(2 << 20))).status, 413);
}

#[test]
fn what_is_no_request_is_answered_and_forgotten() {
    let server = TestServer::new();
    for noise in ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}\r\n\r\n"] {
        assert_eq!(server.send_raw(noise).status, 400, "{noise:?}");
    }
    let many: String = (0..100).map(|index| format!("X-{index}: y\r\n")).collect();
    assert_eq!(server.send_raw(&format!("GET / HTTP/1.1\r\n{many}\r\n")).status, 431);
    assert_eq!(server.send_raw(&format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "y".repeat(20_000))).status, 431);
    assert_eq!(server.get("/").status, 200);
}

/// Whoever opens connections and says nothing, or not enough, keeps nobody out.
#[test]
fn the_slow_do_not_keep_others_out() {
    let server = TestServer::new();
    let mut live = server.connect();
    let (base, host, cookie) = (&server.base, &server.host, &server.cookie);
    live.write_all(
        format!("GET {base}/live HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n").as_bytes(),
    )
    .unwrap();
    let mut first = [0; 12];
    live.read_exact(&mut first).unwrap();
    let slow: Vec<_> = (0..500)
        .map(|index| {
            let mut connection = server.connect();
            if index % 2 == 0 {
                // It may have lost its place already.
                let _ = connection.write_all(b"GET / HTTP/1.1\r\nHost:");
            }
            connection
        })
        .collect();
    assert_eq!(server.get("/").status, 200);
    // The oldest gave way; who had shown the token did not.
    let mut end = Vec::new();
    let _ = (&slow[0]).read_to_end(&mut end);
    live.set_nonblocking(true).unwrap();
    let mut event = Vec::new();
    let still_open = live.read_to_end(&mut event).unwrap_err();
    assert_eq!(still_open.kind(), std::io::ErrorKind::WouldBlock);
}
