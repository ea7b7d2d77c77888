//! A registry of OCI that does what a test wants, and another one as a distribution has it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// `sha256:…` of bytes.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// What is in a registry, and how it behaves.
#[derive(Debug, Default)]
pub struct RegistryState {
    /// Contents by their digests; what is there may lie about its digest.
    pub blobs: BTreeMap<String, Vec<u8>>,
    /// Media type and contents, by name and by tag or digest.
    pub manifests: BTreeMap<(String, String), (String, Vec<u8>)>,
    /// Whether it knows what refers to what (OCI 1.1).
    pub has_referrers: bool,
    /// Who may ask it, with a token that it hands out itself: user and password in base 64.
    pub basic: Option<String>,
    /// Whether who asks may do nothing all the same.
    pub denies: bool,
    /// A header of all answers.
    pub extra_header: Option<String>,
    /// Another server, which has the blobs.
    pub blobs_elsewhere: Option<String>,
    /// Another server, to which blobs are to be sent.
    pub uploads_elsewhere: Option<String>,
    /// The first lines of all requests, and who asked.
    pub requests: Vec<String>,
}

impl RegistryState {
    /// Puts an artifact there, as another tool would have.
    pub fn put_image(&mut self, name: &str, tag: &str, config_type: &str, layers: &[(&str, &[u8])]) {
        let descriptor = |media_type: &str, bytes: &[u8]| json!({"mediaType": media_type, "digest": digest(bytes), "size": bytes.len()});
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(config_type, b"{}"),
            "layers": layers.iter().map(|(media_type, bytes)| descriptor(media_type, bytes)).collect::<Vec<_>>(),
        });
        for bytes in layers.iter().map(|(_, bytes)| *bytes).chain([&b"{}"[..]]) {
            self.blobs.insert(digest(bytes), bytes.to_vec());
        }
        self.put_manifest(name, tag, MANIFEST, manifest.to_string().into_bytes());
    }

    /// Puts a manifest there, below a tag and its digest.
    pub fn put_manifest(&mut self, name: &str, tag: &str, media_type: &str, bytes: Vec<u8>) {
        let contents = (media_type.to_owned(), bytes);
        self.manifests.insert((name.to_owned(), digest(&contents.1)), contents.clone());
        self.manifests.insert((name.to_owned(), tag.to_owned()), contents);
    }

    /// A manifest as JSON, and its digest.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn manifest(&self, name: &str, tag: &str) -> (Value, String) {
        let (_, bytes) = &self.manifests[&(name.to_owned(), tag.to_owned())];
        (serde_json::from_slice(bytes).unwrap(), digest(bytes))
    }

    /// Bundles of signatures that are there.
    #[must_use]
    pub fn bundles(&self) -> Vec<String> {
        let is_bundle =
            |bytes: &&Vec<u8>| bytes.starts_with(br#"{"mediaType":"application/vnd.dev.sigstore"#);
        self.blobs
            .values()
            .filter(is_bundle)
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            .collect()
    }

    /// Changes all bundles, as somebody does who writes to the registry's disk and mends its digests.
    pub fn alter_bundles(&mut self, alter: impl Fn(&str) -> String) {
        for before in self.bundles() {
            let after = alter(&before);
            let (old, new) = (digest(before.as_bytes()), digest(after.as_bytes()));
            self.blobs.insert(new.clone(), after.into_bytes());
            self.replace_in_manifests(&old, &new);
        }
    }

    fn replace_in_manifests(&mut self, old: &str, new: &str) {
        let mut renamed = vec![(old.to_owned(), new.to_owned())];
        while let Some((old, new)) = renamed.pop() {
            let lengths = self.blobs.get(&new).map(Vec::len);
            for ((name, tag), (media_type, bytes)) in self.manifests.clone() {
                let text = String::from_utf8(bytes.clone()).unwrap();
                if !text.contains(&old) {
                    continue;
                }
                let mut value: Value = serde_json::from_str(&text.replace(&old, &new)).unwrap();
                if let (Some(length), Some(layers)) = (lengths, value["layers"].as_array_mut()) {
                    layers
                        .iter_mut()
                        .filter(|it| it["digest"] == *new)
                        .for_each(|it| it["size"] = json!(length));
                }
                let mended = value.to_string().into_bytes();
                if tag.starts_with("sha256:") {
                    self.manifests.remove(&(name.clone(), tag.clone()));
                    self.manifests.insert((name, digest(&mended)), (media_type, mended.clone()));
                    renamed.push((tag, digest(&mended)));
                } else {
                    self.manifests.insert((name, tag), (media_type, mended));
                }
            }
        }
    }
}

/// Answers on a port of this machine, until the test ends.
#[derive(Debug)]
pub struct FakeRegistry {
    port: u16,
    state: Arc<Mutex<RegistryState>>,
}

impl FakeRegistry {
    /// An empty one that knows what refers to what.
    ///
    /// # Panics
    ///
    /// If there is no port.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(RegistryState { has_referrers: true, ..RegistryState::default() }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    handle(&stream, port, &shared);
                    let _ = stream.shutdown(Shutdown::Both);
                });
            }
        });
        Self { port, state }
    }

    /// Host and port.
    #[must_use]
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The address of a name in there.
    #[must_use]
    pub fn reference(&self, name: &str) -> String {
        format!("oci://{}/{name}", self.host())
    }

    /// What is in there; nobody is answered while it is held.
    ///
    /// # Panics
    ///
    /// If a request has panicked.
    pub fn state(&self) -> MutexGuard<'_, RegistryState> {
        self.state.lock().unwrap()
    }
}

struct Answer {
    status: &'static str,
    headers: Vec<String>,
    body: Vec<u8>,
}

fn answer(status: &'static str) -> Answer {
    Answer { status, headers: Vec::new(), body: Vec::new() }
}

fn refuse(status: &'static str, code: &str, message: &str) -> Answer {
    let body = json!({"errors": [{"code": code, "message": message}]}).to_string().into_bytes();
    Answer { body, ..answer(status) }
}

fn handle(mut stream: &TcpStream, port: u16, state: &Mutex<RegistryState>) {
    let mut reader = BufReader::new(stream);
    let mut lines = reader.by_ref().lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let header = |name: &str| {
        head.iter().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let length = header("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut state = state.lock().unwrap();
    let authorization = header("authorization").unwrap_or_default();
    state.requests.push(format!("{first} {authorization}"));
    let media_type = header("content-type").unwrap_or_default();
    let found = match authorize(&state, port, target, &authorization) {
        Some(answer) => answer,
        None => respond(&mut state, method, target, &media_type, body),
    };
    let extra = state.extra_header.clone();
    drop(state);
    let headers: String = found.headers.iter().chain(&extra).map(|line| format!("{line}\r\n")).collect();
    let head = format!(
        "HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n",
        found.status,
        found.body.len()
    );
    let _ = stream.write_all(head.as_bytes());
    if method != "HEAD" {
        let _ = stream.write_all(&found.body);
    }
}

/// What is answered to who may not ask, and to who asks for a token.
fn authorize(state: &RegistryState, port: u16, target: &str, authorization: &str) -> Option<Answer> {
    let basic = state.basic.as_ref()?;
    if target.starts_with("/token?") {
        return Some(match authorization == format!("Basic {basic}") {
            true => Answer { body: br#"{"token":"let-me-in"}"#.to_vec(), ..answer("200 OK") },
            false => answer("401 Unauthorized"),
        });
    }
    if authorization != "Bearer let-me-in" {
        let challenge = format!(
            "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:{port}/token\",service=\"test\",scope=\"repository:x:pull\""
        );
        let refused = refuse("401 Unauthorized", "UNAUTHORIZED", "authentication required");
        return Some(Answer { headers: vec![challenge], ..refused });
    }
    state.denies.then(|| refuse("403 Forbidden", "DENIED", "requested access to the resource is denied"))
}

fn respond(state: &mut RegistryState, method: &str, target: &str, media_type: &str, body: Vec<u8>) -> Answer {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let missing = || refuse("404 Not Found", "MANIFEST_UNKNOWN", "manifest unknown");
    let Some(path) = path.strip_prefix("/v2/") else { return answer("404 Not Found") };
    if let Some(name) = path.strip_suffix("/tags/list") {
        let tags: Vec<&String> = state
            .manifests
            .keys()
            .filter(|(it, tag)| it == name && !tag.contains(':'))
            .map(|(_, tag)| tag)
            .collect();
        let body = json!({"name": name, "tags": tags}).to_string().into_bytes();
        return if tags.is_empty() { missing() } else { Answer { body, ..answer("200 OK") } };
    }
    if let Some((name, subject)) = path.split_once("/referrers/") {
        if !state.has_referrers {
            return answer("404 Not Found");
        }
        return Answer { body: referrers(state, name, subject), ..answer("200 OK") };
    }
    if let Some((name, reference)) = path.split_once("/manifests/") {
        let place = (name.to_owned(), reference.to_owned());
        if method == "PUT" {
            let subject = serde_json::from_slice::<Value>(&body).unwrap()["subject"]["digest"].clone();
            state.put_manifest(name, reference, media_type, body);
            let subject = subject.as_str().filter(|_| state.has_referrers);
            let headers = subject.map(|it| format!("OCI-Subject: {it}")).into_iter().collect();
            return Answer { headers, ..answer("201 Created") };
        }
        return match state.manifests.get(&place) {
            Some((media_type, body)) => {
                let headers = vec![format!("Content-Type: {media_type}")];
                Answer { headers, body: body.clone(), ..answer("200 OK") }
            }
            None => missing(),
        };
    }
    match (method, path.split_once("/blobs/")) {
        ("POST", Some((name, "uploads/"))) => {
            let server = state.uploads_elsewhere.clone().unwrap_or_default();
            let headers = vec![format!("Location: {server}/v2/{name}/blobs/uploads/1?state=x")];
            Answer { headers, ..answer("202 Accepted") }
        }
        ("PUT", Some(_)) => {
            let stated = query.split('&').find_map(|it| it.strip_prefix("digest=")).unwrap_or_default();
            assert_eq!(stated, digest(&body), "what is uploaded is what it is said to be");
            state.blobs.insert(stated.to_owned(), body);
            answer("201 Created")
        }
        ("GET", Some(_)) if state.blobs_elsewhere.is_some() => {
            let server = state.blobs_elsewhere.clone().unwrap_or_default();
            Answer {
                headers: vec![format!("Location: {server}{target}")],
                ..answer("307 Temporary Redirect")
            }
        }
        (_, Some((_, digest))) => match state.blobs.get(digest) {
            Some(body) => Answer { body: body.clone(), ..answer("200 OK") },
            None => refuse("404 Not Found", "BLOB_UNKNOWN", "blob unknown to registry"),
        },
        _ => answer("404 Not Found"),
    }
}

fn referrers(state: &RegistryState, name: &str, subject: &str) -> Vec<u8> {
    let refers = |bytes: &[u8]| {
        let manifest: Value = serde_json::from_slice(bytes).unwrap();
        (manifest["subject"]["digest"] == subject).then(|| {
            json!({"mediaType": MANIFEST, "digest": digest(bytes), "size": bytes.len(), "artifactType": manifest["artifactType"]})
        })
    };
    let found = state.manifests.iter().filter(|((it, tag), _)| it == name && tag.contains(':'));
    let manifests: Vec<Value> = found.filter_map(|(_, (_, bytes))| refers(bytes)).collect();
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).to_string().into_bytes()
}
