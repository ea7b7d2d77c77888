//! A server with the cluster of [`fixture`], and an HTTP client for it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use opkg_oda::{Cluster, Store};
use opkg_sqlite::SqliteStore;
use opkg_web::{Program, Server, ServerSettings, SignIn, StopHandle};

use crate::fixture;

/// The server is stopped when this is dropped.
pub struct TestServer {
    pub directory: tempfile::TempDir,
    /// `127.0.0.1:PORT`
    pub host: String,
    /// `/?token=…`
    pub login_path: String,
    pub cookie: String,
    /// `/…`, the path of the session of `cookie`, which those of its pages are below.
    pub base: String,
    /// Of the session of `cookie`.
    pub csrf_token: String,
    stop: StopHandle,
    server: Option<JoinHandle<()>>,
}

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Response {
    pub fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// The cluster of the fixture below a directory, with a shell script in place of `opm`.
pub fn settings(directory: &Path, opm: &str) -> ServerSettings {
    let (database, logs) = (directory.join("oda.db"), directory.join("log"));
    fixture::create_database(&database, &logs);
    let script = directory.join("opm");
    std::fs::write(&script, opm).unwrap();
    ServerSettings {
        database: opkg_database::Location::File(database),
        log_directory: logs,
        answers_directory: directory.join("answers.d"),
        own_target: Some("server:head".parse().unwrap()),
        default_targets: "all".into(),
        groups: fixture::groups(),
        program: Program { path: "/bin/sh".into(), arguments: vec![script.into()], environment: vec![] },
        clock: || fixture::NOW,
        host: "head".into(),
        sign_in: SignIn::Token { person: "ada".into() },
        tls: None,
        people: opkg_opm::WebSettings::default(),
    }
}

impl TestServer {
    /// `opm` only prints its arguments.
    pub fn new() -> Self {
        Self::with_opm_script("#!/bin/sh\necho \"opm $*\"\n")
    }

    /// With a shell script in place of `opm`.
    pub fn with_opm_script(opm: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let settings = settings(directory.path(), opm);
        let server = Server::bind(&"127.0.0.1:0".parse().unwrap(), None, settings).unwrap();
        let login_url = server.login_url();
        let (host, login_path) = login_url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let (host, login_path) = (host.to_owned(), format!("/{login_path}"));
        let stop = server.stop_handle();
        let server = Some(std::thread::spawn(move || server.run().unwrap()));
        let (cookie, base, csrf_token) = (String::new(), String::new(), String::new());
        let mut test_server = Self { directory, host, login_path, cookie, base, csrf_token, stop, server };
        (test_server.base, test_server.cookie) = test_server.log_in();
        let html = test_server.get("/requests").body;
        test_server.csrf_token = input_value(&html, "form").to_owned();
        test_server
    }

    /// Shows the token; returns the path and the cookie of the new session.
    pub fn log_in(&self) -> (String, String) {
        let (path, host) = (&self.login_path, &self.host);
        let login = self.send_raw(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(login.status, 303, "{login:?}");
        let base = login.header("location").unwrap().strip_suffix('/').unwrap().to_owned();
        let (cookie, attributes) = login.header("set-cookie").unwrap().split_once(';').unwrap();
        assert_eq!(attributes, format!(" Path={base}/; HttpOnly; SameSite=Strict"));
        (base, cookie.to_owned())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn load_cluster(&self) -> Cluster {
        open_database(&self.path("oda.db")).load().unwrap()
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// Sends the request unchanged, and reads until the server closes the connection.
    pub fn send_raw(&self, request: &str) -> Response {
        let mut stream = self.connect();
        // It may answer and close before it has read everything.
        let _ = stream.write_all(request.as_bytes());
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        Response::parse(&String::from_utf8(bytes).unwrap())
    }

    /// As a browser with a session loads a page below its path.
    pub fn get(&self, path: &str) -> Response {
        let path = format!("{}{path}", self.base);
        self.request("GET", &path, &[("Cookie", &self.cookie), ("Sec-Fetch-Site", "same-origin")], "")
    }

    /// Where a response leads to, below the path of the session.
    pub fn location<'a>(&self, response: &'a Response) -> &'a str {
        response.header("location").unwrap().strip_prefix(&self.base).unwrap()
    }

    /// As a browser with a session sends one of our forms.
    pub fn post(&self, path: &str, form: &str) -> Response {
        let form = format!("form={}&{form}", self.csrf_token);
        self.request("POST", &format!("{}{path}", self.base), &self.form_headers(), &form)
    }

    pub fn form_headers(&self) -> [(&'static str, &str); 4] {
        [
            ("Cookie", &self.cookie),
            ("Origin", "null"),
            ("Sec-Fetch-Site", "same-origin"),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ]
    }

    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length =
            if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        self.send_raw(&format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{headers}{length}\r\n{body}",
            self.host
        ))
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.stop();
        let ended = self.server.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

/// The value of the first input with that name.
pub fn input_value<'a>(html: &'a str, name: &str) -> &'a str {
    let (_, rest) = html.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    rest.split('"').next().unwrap()
}

/// The database, as another program opens it.
pub fn open_database(path: &Path) -> SqliteStore {
    opkg_sqlite::OpenOptions { allow_network_fs: true, ..opkg_sqlite::OpenOptions::default() }
        .open(path)
        .unwrap()
}
