//! Against servers of this test, which answer what a test wants.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use opkg_fetch::{FetchError, Fetcher, Method, Request, Timeouts};

/// A server on a port of this machine; notes the heads of all requests.
struct Server {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers with what `answer` makes of a path, as it stands; of nothing it keeps silent.
    fn start(answer: impl Fn(&str) -> Option<String> + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&requests);
        thread::spawn(move || {
            let mut silent: Vec<TcpStream> = Vec::new();
            for stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(&stream);
                let mut lines = reader.by_ref().lines().map_while(Result::ok);
                let first = lines.next().unwrap_or_default();
                let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                let length = head
                    .iter()
                    .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
                let mut body = vec![0; length.unwrap_or(0)];
                drop(reader.read_exact(&mut body));
                let body = String::from_utf8_lossy(&body);
                noted.lock().unwrap().push(format!("{first}\n{}\n{body}", head.join("\n")));
                let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
                match answer(&path) {
                    Some(text) => drop((&stream).write_all(text.as_bytes())),
                    None => silent.push(stream),
                }
            }
        });
        Self { address, requests }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }
}

fn found(body: &str) -> Option<String> {
    Some(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()))
}

fn redirect(to: &str) -> Option<String> {
    Some(format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"))
}

/// That waits for nothing long.
fn fetcher() -> Fetcher {
    Fetcher::new("opkg-test/1", Timeouts { connect: Duration::from_secs(20), read: Duration::from_secs(2) })
}

#[test]
fn what_is_there_is_fetched_and_counted() {
    let server = Server::start(|path| found(&format!("this is {path}")));
    let response = fetcher().get(&server.url("/a?b"), &[("accept", "text/plain")]).unwrap();
    assert_eq!((response.length(), response.header("connection")), (Some(12), Some("close")));
    let (mut bytes, mut seen) = (Vec::new(), 0);
    assert_eq!(response.copy_to(&mut bytes, 12, &mut |count| seen = count).unwrap(), 12);
    assert_eq!((bytes.as_slice(), seen), (&b"this is /a?b"[..], 12));
    let request = server.requests.lock().unwrap()[0].to_lowercase();
    assert!(
        request.contains("user-agent: opkg-test/1") && request.contains("accept: text/plain"),
        "{request}"
    );
}

#[test]
fn more_than_is_wanted_is_refused_whether_announced_or_not() {
    let server = Server::start(|path| match path {
        "/announced" => found("0123456789"),
        _ => Some("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n0123456789".into()),
    });
    for path in ["/announced", "/unannounced"] {
        let error = fetcher().get(&server.url(path), &[]).unwrap().read(9).unwrap_err();
        assert!(matches!(error, FetchError::TooLarge { limit: 9, .. }), "{path}: {error}");
        assert_eq!(fetcher().get(&server.url(path), &[]).unwrap().read(10).unwrap(), b"0123456789");
    }
}

#[test]
fn what_breaks_off_is_no_success() {
    let server = Server::start(|_| {
        Some("HTTP/1.1 200 OK\r\ncontent-length: 20\r\nconnection: close\r\n\r\n0123456789".into())
    });
    let error = fetcher().get(&server.url("/"), &[]).unwrap().read(100).unwrap_err();
    assert!(matches!(error, FetchError::Truncated { received: 10, announced: 20, .. }), "{error}");
    assert!(error.is_transient());
}

#[test]
fn a_silent_server_is_not_waited_for_forever() {
    let server = Server::start(|path| match path {
        "/half" => Some("HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n0123".into()),
        _ => None,
    });
    let error = fetcher().get(&server.url("/"), &[]).unwrap_err();
    assert!(matches!(error, FetchError::Timeout(_)), "{error}");
}

#[test]
fn redirections_are_followed_and_credentials_stay() {
    let other = Server::start(|path| found(&format!("other {path}")));
    let elsewhere = other.url("/end");
    let server = Server::start(move |path| match path {
        "/a/b" => redirect("../c"),
        "/c" => redirect(&elsewhere),
        "/loop" => redirect("/loop"),
        "/file" => redirect("file:///etc/passwd"),
        "/credentials" => redirect("http://me:secret@127.0.0.1/"),
        path => Some(format!("HTTP/1.1 404 Not Found\r\ncontent-length: {}\r\n\r\n{path}", path.len())),
    });
    let response =
        fetcher().get(&server.url("/a/b"), &[("Authorization", "Bearer x"), ("accept", "y")]).unwrap();
    assert_eq!(response.url(), other.url("/end"));
    assert_eq!(response.read(100).unwrap(), b"other /end");
    let heads = server.requests.lock().unwrap().join("\n").to_lowercase();
    assert_eq!(heads.matches("authorization: bearer x").count(), 2, "{heads}");
    let theirs = other.requests.lock().unwrap().join("\n").to_lowercase();
    assert!(!theirs.contains("authorization") && theirs.contains("accept: y"), "{theirs}");

    let error = |path: &str| fetcher().get(&server.url(path), &[]).unwrap_err();
    assert!(matches!(error("/loop"), FetchError::TooManyRedirects(_)));
    assert_eq!(server.requests.lock().unwrap().iter().filter(|it| it.contains("/loop")).count(), 11);
    assert!(matches!(error("/file"), FetchError::RefusedRedirect { .. }));
    assert!(matches!(error("/credentials"), FetchError::RefusedRedirect { .. }));
    let missing = error("/missing");
    assert!(matches!(missing, FetchError::Status { status: 404, .. }), "{missing}");
    assert!(!missing.is_transient());
}

#[test]
fn servers_get_what_they_shall_keep_and_no_other_does() {
    let server = Server::start(|path| {
        match path {
        "/begin" => Some("HTTP/1.1 202 Accepted\r\nlocation: /end?x=1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".into()),
        "/moved" => redirect("/end"),
        "/head" => Some("HTTP/1.1 200 OK\r\ncontent-length: 20\r\nconnection: close\r\n\r\n".into()),
        "/secret" => Some(
            "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic\r\nwww-authenticate: Bearer realm=\"x\"\r\n\
             content-length: 2\r\nconnection: close\r\n\r\nno"
                .into(),
        ),
        _ => Some("HTTP/1.1 201 Created\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".into()),
    }
    });
    let send = |method, path: &str, body: &str| {
        let url = server.url(path);
        fetcher().send(&Request {
            method,
            url: &url,
            headers: &[("authorization", "x")],
            body: body.as_bytes(),
        })
    };
    let begun = send(Method::Post, "/begin", "").unwrap();
    assert_eq!((begun.status(), begun.location()), (202, Some(server.url("/end?x=1"))));
    assert_eq!(send(Method::Put, "/end?x=1", "contents").unwrap().status(), 201);
    let head = send(Method::Head, "/head", "").unwrap();
    assert_eq!((head.status(), head.length()), (200, Some(20)));
    let refused = send(Method::Get, "/secret", "").unwrap();
    assert_eq!(refused.headers("www-authenticate").collect::<Vec<_>>(), ["Basic", "Bearer realm=\"x\""]);
    assert_eq!((refused.status(), refused.read(100).unwrap()), (401, b"no".to_vec()));
    let error = send(Method::Put, "/moved", "contents").unwrap_err();
    assert!(matches!(error, FetchError::RefusedRedirect { .. }), "{error}");
    let requests = server.requests.lock().unwrap();
    let firsts: Vec<&str> = requests.iter().filter_map(|it| it.lines().next()).collect();
    assert_eq!(
        firsts,
        [
            "POST /begin HTTP/1.1",
            "PUT /end?x=1 HTTP/1.1",
            "HEAD /head HTTP/1.1",
            "GET /secret HTTP/1.1",
            "PUT /moved HTTP/1.1"
        ]
    );
    assert!(
        requests[1].ends_with("\ncontents") && requests[1].contains("authorization: x"),
        "{}",
        requests[1]
    );
}

#[test]
fn who_is_not_there_is_named() {
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/x");
    let error = fetcher().get(&url, &[]).unwrap_err();
    assert!(matches!(error, FetchError::Connection { .. }) && error.to_string().starts_with(&url), "{error}");
    for wrong in ["ftp://127.0.0.1/x", "/etc/passwd", "http://a b/", "http://me@127.0.0.1/"] {
        assert!(matches!(fetcher().get(wrong, &[]), Err(FetchError::InvalidUrl(_))), "{wrong}");
    }
}

/// Whom a server is trusted by is tried where another program is the server.
#[test]
fn an_open_connection_is_never_taken_for_an_encrypted_one() {
    let server = Server::start(|_| found("open"));
    let error = fetcher().get(&server.url("/").replace("http://", "https://"), &[]).unwrap_err();
    assert!(matches!(error, FetchError::Connection { .. } | FetchError::Timeout(_)), "{error}");
}
