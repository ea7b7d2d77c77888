//! OPKGs with payloads, archives to take them of, and a server.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use fs_err as fs;
use opkg::Settings;
use opkg_fetch::{Fetcher, Timeouts};
use opkg_payload::{Destination, FetchedSource, Fetching, LoadedOpkg, PayloadError, PayloadStore};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

/// An OPKG, and the cache of whoever builds it.
pub struct Site {
    directory: TempDir,
}

impl Site {
    /// One with these payloads, as `config.xml` has them.
    pub fn new(payloads: &str) -> Self {
        let site = Self { directory: tempfile::tempdir().unwrap() };
        fs::create_dir(site.opkg()).unwrap();
        site.write_config(payloads);
        site
    }

    pub fn write_config(&self, payloads: &str) {
        let config = format!(
            "<oscar><name>demo</name><class>base</class><summary>Demo</summary><license>GPL</license>\
             <group>Applications/System</group><authors><author cat=\"maintainer\"><name>Ada</name>\
             <email>ada@example.org</email></author></authors><payloads>{payloads}</payloads><changelog>\
             <versionEntry version=\"1.0-1\"><changelogEntry authorName=\"Ada\" date=\"2025-01-02T03:04:05Z\">\
             <item>First.</item></changelogEntry></versionEntry></changelog></oscar>"
        );
        self.write("config.xml", config.as_bytes());
    }

    pub fn opkg(&self) -> PathBuf {
        self.directory.path().join("opkg")
    }

    pub fn cache(&self) -> PathBuf {
        self.directory.path().join("cache")
    }

    pub fn write(&self, path: &str, contents: &[u8]) {
        let path = self.opkg().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    pub fn lock_text(&self) -> String {
        fs::read_to_string(self.opkg().join("payload.lock")).unwrap()
    }

    pub fn store(&self) -> PayloadStore {
        PayloadStore { directories: Vec::new(), cache: Some(self.cache()) }
    }

    fn payloads(&self) -> Vec<opkg::model::Payload> {
        opkg::load_config(&self.opkg(), &Settings::default()).opkg.unwrap().payloads.clone()
    }

    pub fn lock(&self, updates: bool) -> Result<Vec<FetchedSource>, PayloadError> {
        let (fetcher, store) = (fetcher(), self.store());
        let fetching = Fetching { fetcher: &fetcher, store: &store, destination: Destination::Cache };
        opkg_payload::lock(&self.opkg(), &self.payloads(), &fetching, updates, &mut |_, _, _| ())
    }

    /// Notes a source of the OPKG that `lock` would refuse.
    pub fn note(&self, source: &str) {
        let bytes = fs::read(self.opkg().join(source)).unwrap();
        let sum: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let size = bytes.len();
        let text =
            format!("version = 1\n\n[[payload]]\nsource = \"{source}\"\nsize = {size}\nsha256 = \"{sum}\"\n");
        self.write("payload.lock", text.as_bytes());
    }

    pub fn fetch(&self, destination: Destination) -> Result<Vec<FetchedSource>, PayloadError> {
        let (fetcher, store) = (fetcher(), self.store());
        let fetching = Fetching { fetcher: &fetcher, store: &store, destination };
        opkg_payload::fetch(&self.opkg(), &self.payloads(), &fetching, &mut |_, _, _| ())
    }

    pub fn load(&self) -> LoadedOpkg {
        opkg_payload::load(&self.opkg(), &Settings::default(), &self.store())
    }

    /// Locks and loads, without a server.
    pub fn take(&self) -> LoadedOpkg {
        self.lock(false).unwrap();
        self.load()
    }

    /// What is said about it, a line each.
    pub fn findings(&self) -> String {
        findings(&self.take())
    }
}

fn fetcher() -> Fetcher {
    Fetcher::new("opkg-test/1", Timeouts::default())
}

pub fn findings(loaded: &LoadedOpkg) -> String {
    let found = loaded.loaded.diagnostics.iter();
    found.map(|it| format!("{:?}[{}]: {}\n", it.severity, it.code, it.message)).collect()
}

/// The files that an OPKG takes: path, mode, contents or what a link holds.
pub fn taken(loaded: &LoadedOpkg) -> Vec<(String, u32, String)> {
    let opkg = loaded.loaded.opkg.as_ref().unwrap_or_else(|| panic!("{}", findings(loaded)));
    let root = loaded.unpacked().unwrap();
    let files = opkg.files.iter().filter_map(|file| {
        let path = root.join(file.payload?.to_string()).join(&file.path);
        let contents = match &file.link {
            Some(link) => format!("-> {link}"),
            None => fs::read_to_string(path).unwrap(),
        };
        Some((file.path.clone(), file.mode, contents))
    });
    files.collect()
}

/// One thing to put into a tar.
#[derive(Clone, Copy)]
pub struct Item<'a> {
    pub path: &'a str,
    pub kind: EntryType,
    pub mode: u32,
    /// What a file holds, or where a link leads.
    pub text: &'a str,
}

pub fn file<'a>(path: &'a str, mode: u32, text: &'a str) -> Item<'a> {
    Item { path, kind: EntryType::Regular, mode, text }
}

pub fn link<'a>(path: &'a str, kind: EntryType, text: &'a str) -> Item<'a> {
    Item { path, kind, mode: 0o777, text }
}

pub fn directory(path: &str) -> Item<'_> {
    Item { path, kind: EntryType::Directory, mode: 0o755, text: "" }
}

/// `?` stands for a byte that is no UTF-8.
fn bytes_of(name: &str) -> Vec<u8> {
    name.bytes().map(|byte| if byte == b'?' { 0xfc } else { byte }).collect()
}

/// A tar of these, which may be anything.
pub fn tar(items: &[Item<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for Item { path, kind, mode, text } in items {
        let mut header = Header::new_ustar();
        // The crate's own way refuses names that are to be tried here.
        header.as_mut_bytes()[..path.len()].copy_from_slice(&bytes_of(path));
        header.set_entry_type(*kind);
        header.set_mode(*mode);
        header.set_mtime(0);
        header.set_uid(1000);
        header.set_gid(1000);
        let is_link = matches!(kind, EntryType::Symlink | EntryType::Link);
        if is_link {
            header.as_mut_bytes()[157..157 + text.len()].copy_from_slice(&bytes_of(text));
        }
        let contents = if is_link { &b""[..] } else { text.as_bytes() };
        header.set_size(contents.len() as u64);
        header.set_cksum();
        builder.append(&header, contents).unwrap();
    }
    builder.into_inner().unwrap()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A server on a port of this machine with one file, which can become another one.
pub struct Server {
    pub address: String,
    contents: Arc<Mutex<Vec<u8>>>,
    requests: Arc<AtomicUsize>,
}

impl Server {
    pub fn with(contents: &[u8]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { address, contents: Arc::default(), requests: Arc::default() };
        server.become_other(contents);
        let (contents, requests) = (Arc::clone(&server.contents), Arc::clone(&server.requests));
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                requests.fetch_add(1, Ordering::Relaxed);
                BufReader::new(&stream)
                    .lines()
                    .map_while(Result::ok)
                    .take_while(|line| !line.is_empty())
                    .for_each(drop);
                let body = contents.lock().unwrap().clone();
                let head =
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
            }
        });
        server
    }

    pub fn become_other(&self, contents: &[u8]) {
        *self.contents.lock().unwrap() = contents.to_vec();
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

/// All files below a directory.
pub fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found
}
