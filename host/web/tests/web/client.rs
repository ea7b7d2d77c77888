//! A server with a cluster, and what it answers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use opkg_oda::{Cluster, Sqlite, Store};
use opkg_web::{Program, Server, Settings, Stop};

use crate::cluster;

/// A server that is stopped when this is dropped.
pub struct Site {
    pub directory: tempfile::TempDir,
    /// `127.0.0.1:PORT`
    pub host: String,
    /// `/?token=…`
    pub entrance: String,
    pub cookie: String,
    /// The mark of our forms.
    pub mark: String,
    stop: Stop,
    server: Option<JoinHandle<()>>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|it| it.split_once(": "));
        lines.into_iter().find(|it| it.0.eq_ignore_ascii_case(name)).map(|it| it.1)
    }
}

impl Site {
    /// With the cluster that all tests look at, and a program in the place of `opm`.
    pub fn new() -> Self {
        Self::with("#!/bin/sh\necho \"opm $*\"\n")
    }

    pub fn with(opm: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("oda.db");
        let logs = directory.path().join("log");
        cluster::make(&database, &logs);
        let script = directory.path().join("opm");
        std::fs::write(&script, opm).unwrap();
        let settings = Settings {
            database,
            log_directory: logs,
            answers: directory.path().join("answers.d"),
            on: "all".into(),
            opm: Program { path: "/bin/sh".into(), arguments: vec![script.into()] },
            now: || cluster::NOW,
        };
        let server = Server::bind("127.0.0.1:0".parse().unwrap(), settings).unwrap();
        let address = server.address();
        let (host, entrance) = address.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let (host, entrance) = (host.to_owned(), format!("/{entrance}"));
        let stop = server.stop();
        let server = Some(std::thread::spawn(move || server.run().unwrap()));
        let mut site =
            Self { directory, host, entrance, cookie: String::new(), mark: String::new(), stop, server };
        let entered = site.send(&format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", site.entrance, site.host));
        assert_eq!((entered.status, entered.header("location")), (303, Some("/")), "{entered:?}");
        site.cookie = entered.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let panel = site.get("/requests").body;
        site.mark =
            panel.split("name=\"form\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        site
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn load(&self) -> Cluster {
        open(&self.path("oda.db")).load().unwrap()
    }

    /// A connection to the server.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// Sends exactly this, and reads all that comes.
    pub fn send(&self, request: &str) -> Answer {
        let mut stream = self.connect();
        // It may answer and close before it has read everything.
        let _ = stream.write_all(request.as_bytes());
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// As a browser asks for a page.
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[("Cookie", &self.cookie), ("Sec-Fetch-Site", "same-origin")], "")
    }

    /// As a browser sends one of our forms.
    pub fn post(&self, path: &str, form: &str) -> Answer {
        let form = format!("form={}&{form}", self.mark);
        self.ask("POST", path, &self.form_headers(), &form)
    }

    pub fn form_headers(&self) -> [(&'static str, &str); 4] {
        [
            ("Cookie", &self.cookie),
            ("Origin", "null"),
            ("Sec-Fetch-Site", "same-origin"),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ]
    }

    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length =
            if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        self.send(&format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n{headers}{length}\r\n{body}", self.host))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop.request();
        let ended = self.server.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

/// The database, as another program opens it.
pub fn open(path: &Path) -> Sqlite {
    opkg_oda::Options { anywhere: true, ..opkg_oda::Options::default() }.open(path).unwrap()
}
