//! Accepts connections and limits their number. Each has a thread of its own and carries one response: there are few
//! users, on fast networks.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use http::{Method, StatusCode, header};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::access::{Access, Attempt, AuthError};
use crate::app_state::{AppState, ServerSettings};
use crate::assets;
use crate::auth::{Auth, StartError};
use crate::bare_error::bare_error_page;
use crate::connections::{ConnectionTable, MAX_ACTIVE, MAX_PENDING, Place};
use crate::events::EventBroadcaster;
use crate::listener::{ListenAddress, Listener};
use crate::params::Params;
use crate::people::People;
use crate::request::{MAX_URI_BYTES, Request, parse_path};
use crate::request_reader::{self, RequestError, RequestHead};
use crate::response::{Origin, Response, start_event_stream};
use crate::route::{Routed, route};
use crate::stream::{Peer, Stream};
use crate::tls::TlsSettings;

/// Further connections wait in the backlog of the listener. Those that lost their place end at once.
const MAX_THREADS: usize = 2 * (MAX_PENDING + MAX_ACTIVE);
/// For a subscriber to receive an event.
const EVENT_WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// For the client to receive a whole response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);
/// For the client to close its side after the response.
const LINGER_TIMEOUT: Duration = Duration::from_secs(2);
/// For the open connections when the server is stopped.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);

/// Ends a server from another thread.
#[derive(Debug, Clone)]
pub struct StopHandle(Arc<UnixStream>);

impl StopHandle {
    /// The server sends what it has begun to send, and ends.
    pub fn stop(&self) {
        // When nobody reads the signal, the server has ended already.
        let _ = (&*self.0).write(&[0]);
    }
}

#[derive(Debug)]
pub struct Server {
    listener: Listener,
    stop_receiver: UnixStream,
    stop_handle: StopHandle,
    shared: Arc<ServerState>,
}

#[derive(Debug)]
struct ServerState {
    auth: Auth,
    app: AppState,
    broadcaster: EventBroadcaster,
    connections: ConnectionTable,
    threads: AtomicUsize,
}

impl Server {
    /// Listens at the address; a socket in the file system is for its owner and this group. Nothing is answered before
    /// [`Self::run`].
    ///
    /// # Errors
    /// When the address is not available, or is none at which those who may have access get it and nobody else.
    pub fn bind(
        address: &ListenAddress,
        group: Option<u32>,
        settings: ServerSettings,
    ) -> Result<Self, StartError> {
        settings.sign_in.check(address, settings.tls.is_some())?;
        let bound = Self::bind_checked(address, group, settings);
        bound.map_err(|error| StartError::Io(address.clone(), error))
    }

    fn bind_checked(
        address: &ListenAddress,
        group: Option<u32>,
        settings: ServerSettings,
    ) -> io::Result<Self> {
        let listener = Listener::bind(address, group)?;
        let people = People::new(settings.people.clone(), settings.database.server().cloned());
        let auth = Auth::new(settings.sign_in.clone(), people, &listener, settings.tls.is_some())?;
        let (stop_receiver, stop_sender) = UnixStream::pair()?;
        let shared = ServerState {
            auth,
            app: AppState::new(settings),
            broadcaster: EventBroadcaster::default(),
            connections: ConnectionTable::default(),
            threads: AtomicUsize::new(0),
        };
        Ok(Self {
            listener,
            stop_receiver,
            stop_handle: StopHandle(Arc::new(stop_sender)),
            shared: Arc::new(shared),
        })
    }

    /// The address to open in a browser. Where it has a token, whoever knows it may do all that the pages can do.
    #[must_use]
    pub fn login_url(&self) -> String {
        self.shared.auth.login_url()
    }

    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        self.stop_handle.clone()
    }

    /// Serves until it is stopped.
    ///
    /// # Errors
    /// When the operating system does not let it.
    pub fn run(self) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        thread::Builder::new()
            .name("watch".into())
            .spawn(move || shared.broadcaster.poll_changes(&shared.app))?;
        while !self.poll_stop(Some(&self.listener))? {
            match self.listener.accept() {
                Ok((stream, peer)) => spawn_connection(&self.shared, stream, peer),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // Too many open files, say: they may become fewer.
                Err(_) => thread::sleep(Duration::from_millis(100)),
            }
            while self.shared.threads.load(Ordering::Acquire) >= MAX_THREADS && !self.poll_stop(None)? {}
        }
        self.shared.broadcaster.close();
        let deadline = Instant::now() + SHUTDOWN_GRACE;
        while self.shared.threads.load(Ordering::Acquire) > 0 && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Waits for a connection of the listener or for the stop signal, without a listener only for a short time; returns
    /// whether there was a stop signal.
    fn poll_stop(&self, listener: Option<&Listener>) -> io::Result<bool> {
        let mut ready = vec![PollFd::new(&self.stop_receiver, PollFlags::IN)];
        ready.extend(listener.map(|listener| PollFd::new(listener, PollFlags::IN)));
        let while_full = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
        let timeout = if listener.is_some() { None } else { Some(&while_full) };
        match poll(&mut ready, timeout) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(!ready[0].revents().is_empty()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Counts a thread until it is dropped.
struct ThreadGuard(Arc<ServerState>);

impl Drop for ThreadGuard {
    fn drop(&mut self) {
        self.0.threads.fetch_sub(1, Ordering::AcqRel);
    }
}

fn spawn_connection(shared: &Arc<ServerState>, stream: Stream, peer: Peer) {
    shared.threads.fetch_add(1, Ordering::AcqRel);
    let guard = ThreadGuard(Arc::clone(shared));
    let tls = shared.app.settings.tls.as_ref();
    let Ok(mut stream) = encrypt(stream, tls) else { return };
    let prepared = stream.prepare().and_then(|()| stream.set_write_timeout(EVENT_WRITE_TIMEOUT));
    if prepared.is_err() {
        return;
    }
    // Without a thread the guard is dropped, and the connection is closed.
    let _ = thread::Builder::new().name("browser".into()).spawn(move || {
        let Ok(mut place) = guard.0.connections.admit(&stream) else { return };
        // When the connection fails, nobody can be told.
        let _ = handle_connection(&guard.0, &mut place, &mut stream, peer);
        close_gracefully(&mut stream);
    });
}

/// The same connection, encrypted where that is wanted; one through a socket in the file system leaves nothing to hide.
fn encrypt(stream: Stream, tls: Option<&TlsSettings>) -> io::Result<Stream> {
    match (stream, tls) {
        (Stream::Tcp(socket), Some(tls)) => Ok(Stream::Tls(Box::new(tls.accept(socket)?))),
        (stream, _) => Ok(stream),
    }
}

/// For the policy of responses before `Host` has been checked: they load nothing.
fn unknown_origin() -> Origin {
    Origin { text: "'none'".into(), is_local: true }
}

/// Writes that fail when the client does not receive everything before a deadline.
struct DeadlineWriter<'a> {
    stream: &'a mut Stream,
    deadline: Instant,
}

impl<'a> DeadlineWriter<'a> {
    fn new(stream: &'a mut Stream) -> Self {
        Self { stream, deadline: Instant::now() + RESPONSE_TIMEOUT }
    }
}

impl Write for DeadlineWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.stream.set_write_timeout(left)?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn handle_connection(
    shared: &ServerState,
    place: &mut Place<'_>,
    stream: &mut Stream,
    peer: Peer,
) -> io::Result<()> {
    let mut head = match request_reader::read_head(stream) {
        Ok(head) => head,
        Err(error) => return send_request_error(error, stream, &unknown_origin()),
    };
    let include_body = head.method != Method::HEAD;
    let origin = match shared.auth.resolve_origin(&head.headers) {
        Ok(origin) => origin,
        Err(error) => {
            return error.to_response().send(
                &mut DeadlineWriter::new(stream),
                &unknown_origin(),
                include_body,
            );
        }
    };
    let request = match read_request(shared, &mut head, place, stream, peer, &origin) {
        Ok(Ok(request)) => request,
        Ok(Err(error)) => return send_request_error(error, stream, &origin),
        Err(response) => return response.send(&mut DeadlineWriter::new(stream), &origin, include_body),
    };
    let started = Instant::now();
    let routed = route(&shared.app, &request);
    tracing::debug!(method = %head.method, path = ?request.path, elapsed = ?started.elapsed(), "answered");
    match routed {
        Routed::Response(response) => response.send(&mut DeadlineWriter::new(stream), &origin, include_body),
        Routed::EventStream if include_body => {
            shared.broadcaster.stream_to(&shared.app, stream, &origin);
            Ok(())
        }
        Routed::EventStream => start_event_stream(stream, &origin),
    }
}

fn send_request_error(error: RequestError, stream: &mut Stream, origin: &Origin) -> io::Result<()> {
    match error {
        RequestError::Io(error) => Err(error),
        RequestError::Rejected { status, message, help } => {
            bare_error_page(status, message, help).send(&mut DeadlineWriter::new(stream), origin, true)
        }
    }
}

/// Reads and authenticates a request: everything that can be rejected before it is routed.
fn read_request(
    shared: &ServerState,
    head: &mut RequestHead,
    place: &mut Place<'_>,
    stream: &mut Stream,
    peer: Peer,
    origin: &Origin,
) -> Result<Result<Request, RequestError>, Response> {
    if ![Method::GET, Method::HEAD, Method::POST].contains(&head.method) {
        let response =
            bare_error_page(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed.", "Use GET or POST.");
        return Err(response.with_header(header::ALLOW, "GET, HEAD, POST".into()));
    }
    if head.target.len() > MAX_URI_BYTES {
        let help = "Narrow it with fewer names.";
        return Err(bare_error_page(StatusCode::URI_TOO_LONG, "That address is too long.", help));
    }
    let (path_text, query) = head.target.split_once('?').unwrap_or((&head.target, ""));
    if let Some(asset) = assets::find(path_text).filter(|_| head.method != Method::POST) {
        return Err(asset);
    }
    let query = Params::parse(query.as_bytes());
    let (method, headers) = (&head.method, &head.headers);
    let attempt = Attempt { method, headers, origin, path: path_text, query: &query, peer };
    let (session, person) = match shared.auth.authenticate(&attempt) {
        Ok(Access::Granted(session, person)) => (session, person),
        Ok(Access::NewSession(response)) => return Err(response),
        Err(error) => return Err(error.to_response()),
    };
    if !place.activate() {
        let help = "Close some of the windows that show these pages, and load this one again.";
        let message = "Too many pages are loaded at once.";
        return Err(bare_error_page(StatusCode::SERVICE_UNAVAILABLE, message, help));
    }
    // The base ends with the slash that a path begins with.
    let base = session.base();
    let url = head.target.strip_prefix(base).map(str::to_owned);
    let path = path_text.strip_prefix(base).and_then(|path| parse_path(&format!("/{path}")));
    let (Some(path), Some(url)) = (path, url) else {
        let help = "Start from the status page.";
        return Err(bare_error_page(StatusCode::BAD_REQUEST, "Malformed address.", help));
    };
    let form = match head.method {
        Method::POST => match request_reader::read_form(head, stream) {
            Ok(form) => Some(Params::parse(&form)),
            Err(error) => return Ok(Err(error)),
        },
        _ => None,
    };
    if form.as_ref().is_some_and(|form| !session.verify_csrf_token(form.get("form"))) {
        return Err(AuthError::CsrfToken.to_response());
    }
    Ok(Ok(Request { path, query, form, session, person, url }))
}

/// Closes a connection so that the response arrives even when not all of the request was read: closing at once would
/// reset it.
fn close_gracefully(stream: &mut Stream) {
    let _ = stream.finish();
    let deadline = Instant::now() + LINGER_TIMEOUT;
    let mut rest = [0; 8 << 10];
    while Instant::now() < deadline {
        let read = stream.set_read_timeout(Duration::from_millis(500)).and_then(|()| stream.read(&mut rest));
        match read {
            Ok(1..) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            _ => return,
        }
    }
}
