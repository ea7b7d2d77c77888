//! A directory behind an address, as package sources elsewhere are.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Answers on a port of this machine, until the test ends.
#[derive(Debug)]
pub struct HttpServer {
    port: u16,
    requests: Arc<AtomicUsize>,
}

impl HttpServer {
    /// Hands out the files below a directory.
    ///
    /// # Panics
    ///
    /// If there is no port.
    #[must_use]
    pub fn of_directory(directory: PathBuf) -> Self {
        Self::start(move |stream| answer(stream, &directory))
    }

    /// Takes requests and never answers.
    ///
    /// # Panics
    ///
    /// If there is no port.
    #[must_use]
    pub fn silent() -> Self {
        Self::start(|_stream| {
            loop {
                thread::park();
            }
        })
    }

    fn start(handle: impl Fn(&TcpStream) + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::Relaxed);
                let handle = handle.clone();
                thread::spawn(move || {
                    handle(&stream);
                    let _ = stream.shutdown(Shutdown::Both);
                });
            }
        });
        Self { port, requests }
    }

    /// The address, without a slash at its end.
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How often somebody came.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

/// One request, one answer.
fn answer(mut stream: &TcpStream, directory: &Path) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let request = lines.next().unwrap_or_default();
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    let path = request.split_whitespace().nth(1).unwrap_or("/").trim_start_matches('/').replace("%2b", "+");
    let found = if path.contains("..") { None } else { fs_err::read(directory.join(path)).ok() };
    let (status, body) = found.map_or(("404 Not Found", Vec::new()), |contents| ("200 OK", contents));
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(&body);
}
